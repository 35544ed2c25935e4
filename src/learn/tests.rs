use std::path::PathBuf;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn file(name: &str, text: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let directory = std::env::temp_dir().join(format!("bpconform-learn-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("the temporary directory can be written");
    let path = directory.join(name);
    std::fs::write(&path, text).expect("the temporary directory can be written");
    path
}

fn entry(method: &str, path: &str, form: &str, answer: &str) -> String {
    let post = if method == "POST" {
        format!(
            r#", "postData": {{"mimeType": "application/x-www-form-urlencoded", "text": {}}}"#,
            serde_json::Value::from(form)
        )
    } else {
        String::new()
    };
    format!(
        r#"{{"startedDateTime": "2026-11-20T09:00:00Z", "request": {{"method": "{method}",
        "url": "https://author.example.com:4502/aem{path}",
        "headers": [{{"name": "Cookie", "value": "login-token=CANARY-cookie-0001"}},
                    {{"name": "Authorization", "value": "Basic {}"}}]{post}}},
        "response": {{"content": {{"mimeType": "text/html", "text": {}}}}}}}"#,
        STANDARD.encode("admin:CANARY-password-0002"),
        serde_json::Value::from(answer)
    )
}

fn har(entries: &[String]) -> String {
    format!(r#"{{"log": {{"version": "1.2", "entries": [{}]}}}}"#, entries.join(","))
}

/// What a browser records on an Author whose endpoints and fields are not those that are built in.
fn foreign_author() -> String {
    let ims = "./cloudService=Adobe+Brand+Portal&./authType=OAuth+Server-to-Server&./jcr:title=My+IMS&./authServer=https%3A%2F%2F\
        ims-na1.adobelogin.com&./clientId=CANARYclient0003&./clientSecret=CANARY-secret-0004&./scopes=openid%2CAdobeID&./orgId=\
        CANARYORG0005%40AdobeOrg&:cq_csrf_token=eyJCANARY0006&_charset_=utf-8";
    let pid = "com.adobe.granite.auth.oauth.accesstoken.provider.CANARY00071234";
    let cloud = "name=Mine&serviceUrl=https%3A%2F%2Fcanary0008.brand-portal.adobe.com&imsConfiguration=com.adobe.granite.auth.oauth.\
        accesstoken.provider.CANARY00071234&sling%3AresourceType=dam%2Fcomponents%2Fmediaportal%2Fconfig&:cq_csrf_token=eyJCANARY0006";
    har(&[
        entry("GET", "/libs/cq/adobeims-configuration/content/configurations.html", "", "ADOBE IMS TECHNICAL ACCOUNT"),
        entry("GET", "/etc.clientlibs/clientlibs/granite/jquery.js", "", "function(){}"),
        entry("GET", "/libs/granite/csrf/token.json", "", r#"{"token": "eyJCANARY0006"}"#),
        entry("POST", "/mnt/ims/save", ims, pid),
        entry(
            "GET",
            &format!("/mnt/ims/checkhealth?id={pid}"),
            "",
            "Healthy configuration My IMS: Token retrieved successfully!",
        ),
        entry("POST", "/apps/brandportal/save", cloud, ""),
        entry(
            "GET",
            "/etc/replication/agents.author/mp_replication_agent0_default_canary0008.test.html",
            "",
            "Replication test to https://canary0008.brand-portal.adobe.com/bin/receive",
        ),
        entry("POST", "/libs/granite/analytics/count.json", "page=/libs/x", "ok"),
    ])
}

fn learned(text: &str) -> Learned {
    let har = vec![file("foreign.har", text)];
    learn(&har, &[]).expect("the capture is right")
}

#[test]
fn the_documented_actions_are_recognised_at_other_paths_and_with_other_names() {
    let learned = learned(&foreign_author());
    let ids: Vec<&str> = learned.surfaces.keys().map(String::as_str).collect();
    let wanted =
        ["author.agent-test", "author.cloud-create", "author.ims-console", "author.ims-create", "author.ims-health"];
    assert_eq!(ids, wanted, "{}", learned.summary());
    let ims = &learned.surfaces["author.ims-create"];
    assert_eq!((ims.path.as_str(), ims.always["_charset_"].as_str()), ("/mnt/ims/save", "utf-8"));
    let field = |word: &str| ims.fields[word].as_str();
    assert_eq!(
        (field("client-id"), field("client-secret"), field("title")),
        ("./clientId", "./clientSecret", "./jcr:title")
    );
    assert_eq!((field("org-id"), field("scope"), field("cloud-solution")), ("./orgId", "./scopes", "./cloudService"));
    assert_eq!(ims.phrases["oauth"], "OAuth Server-to-Server");
    let cloud = &learned.surfaces["author.cloud-create"];
    assert_eq!(cloud.fields["tenant-url"], "serviceUrl");
    assert_eq!(cloud.fields["ims-configuration"], "imsConfiguration");
    assert_eq!(learned.surfaces["author.agent-test"].path, "/etc/replication/agents.author/{agent}.test.html");
    assert_eq!(learned.surfaces["author.ims-health"].fields["configuration"], "id");
}

#[test]
fn what_is_written_is_what_surfaces_accepts_and_holds_nothing_of_the_operators() {
    let text = learned(&foreign_author()).text().expect("it holds no secret");
    let over = Surfaces::read_over_built_in(&file("learned.toml", &text)).expect("it is a file for --surfaces");
    assert_eq!(over.get("author.ims-create").field("client-secret"), "./clientSecret");
    assert!(text.contains("captured from ") && text.contains("foreign.har, 2026-11-20"), "{text}");
    let lower = text.to_lowercase();
    for canary in ["canary", "admin:", "example.com", "4502", "login-token", "csrf", "adobelogin"] {
        assert!(!lower.contains(canary), "{canary} in {text}");
    }
    for number in ["CANARY-cookie-0001", "CANARY-password-0002", "CANARY-secret-0004", "eyJCANARY0006"] {
        assert!(!text.contains(&STANDARD.encode(number)), "{number}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_path_with_somebodys_token_is_not_written() {
    let entries = [entry(
        "POST",
        "/apps/brandportal/config/a8f3e1d0c9b8471e2f3a4b5c6d7e8f90",
        "tenantURL=https%3A%2F%2Fx.brand-portal.adobe.com&imsConfig=a",
        "",
    )];
    let learned = learned(&har(&entries));
    assert!(learned.surfaces.is_empty() && learned.summary().contains("not written"), "{}", learned.summary());
}

#[test]
fn ordinary_traffic_is_nothing() {
    let mut entries = vec![
        entry("GET", "/assets.html/content/dam", "", "Assets"),
        entry("POST", "/libs/granite/core/content/login.html/j_security_check", "j_username=a&j_password=b", ""),
        entry("POST", "/content/dam/x.createasset.html", "fileName=a.png", ""),
        entry("GET", "/libs/granite/ui/content/dumplibs.html", "", ""),
    ];
    entries.push(entry("GET", "/etc/replication/agents.author/publish.test.html", "", "Replication test succeeded"));
    let learned = learned(&har(&entries));
    assert!(learned.surfaces.is_empty(), "{}", learned.summary());
}

#[test]
fn a_browser_names_a_capture_after_the_host_which_is_not_written() {
    let path = file("author.example.com.har", &foreign_author());
    let learned = learn(&[path], &[]).expect("it is right");
    assert!(!learned.text().expect("no secret").contains("example.com"));
}

#[test]
fn a_large_capture_is_read_entry_by_entry() {
    let mut text = r#"{"log": {"entries": ["#.to_owned();
    for number in 0..2000 {
        let _ = write!(text, "{},", entry("GET", &format!("/content/page{number}.html"), "", &"x".repeat(2000)));
    }
    text += &entry("GET", "/etc/replication/agents.author.html", "", "");
    text += "]}}";
    assert_eq!(learned(&text).surfaces.len(), 1);
}

/// What a page sent to check the health of an IMS configuration.
fn checked(address: &str, id: &str) -> PageAction {
    PageAction {
        surface: "author.ims-health".to_owned(),
        method: "GET".to_owned(),
        url: format!("http://author{address}?id={id}"),
        headers: Vec::new(),
        body: Vec::new(),
        values: vec![("configuration".to_owned(), id.to_owned())],
    }
}

#[test]
fn an_action_for_which_pages_sent_different_requests_is_not_written() {
    let learned = learned_from_pages(&[checked("/x/check", "an.id"), checked("/x/check", "another.id")]);
    assert_eq!(learned.surfaces["author.ims-health"].path, "/x/check");
    let learned = learned_from_pages(&[checked("/x/check", "an.id"), checked("/y/check", "an.id")]);
    assert!(learned.surfaces.is_empty());
    insta::assert_snapshot!(learned.of_pages(), @"
    0 endpoints learned from the pages of the Author
      author.ims-health: not written: its pages sent different requests: GET /x/check, GET /y/check
    ");
}

fn learned_of(entries: &[String]) -> Learned {
    let har = vec![file("refused.har", &har(entries))];
    learn(&har, &[]).expect("it is right")
}

/// The request of the step that adds an IMS configuration, with the status of its answer.
fn answered(status: u16) -> String {
    let form = "cloudServiceName=Adobe+Brand+Portal&authType=oauth&title=Mine&authServer=https%3A%2F%2Fims-na1.adobelogin.com&\
        clientId=a&clientSecret=CANARY-secret-0004&scopes=openid&orgId=A%40AdobeOrg";
    let pid = "com.adobe.granite.auth.oauth.accesstoken.provider.CANARY00071234";
    entry("POST", "/mnt/ims/save", form, pid)
        .replace("\"response\": {", &format!("\"response\": {{\"status\": {status}, "))
}

#[test]
fn what_the_author_refused_is_learned_only_if_nothing_else_teaches_it() {
    let learned = learned_of(&[answered(403), answered(200), answered(500)]);
    let id = learned.surfaces.keys().next().expect("one").clone();
    assert_eq!(learned.surfaces.len(), 1);
    assert!(!learned.surfaces[&id].note.as_deref().is_some_and(|note| note.contains("refused")));
    let notes = learned.notes.join("\n");
    assert!(notes.contains("entry 1: POST") && notes.contains("the Author answered 403, not learned"), "{notes}");
    assert!(notes.contains("the Author answered 500, not learned"), "{notes}");

    let learned = learned_of(&[answered(403)]);
    let notes = learned.notes.join("\n");
    assert!(notes.contains("the Author answered 403 ->") && notes.contains("warning: no other request"), "{notes}");
    assert!(learned.surfaces[&id].note.as_ref().is_some_and(|note| note.contains("the captured request was refused")));
}
