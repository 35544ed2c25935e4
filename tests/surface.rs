//! Undocumented endpoints: shown as such, learned from a capture or by probing, and then used.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::{bpconform, bpconform_with, command, directory, filtered};
use serde_json::{Value, json};

#[test]
fn each_endpoint_is_shown_with_its_evidence_and_source() {
    let told = bpconform(&["surface", "show", "--evidence", "unknown"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("author.ims-create") && !told.out.contains("author.agent-test "), "{}", told.out);
    let told = bpconform(&["surface", "show", "author.agent-test"]);
    filtered(|| insta::assert_snapshot!("surface_show", told.all()));
    let json: Value = serde_json::from_str(&bpconform(&["surface", "show", "--format", "json"]).out).expect("JSON");
    assert_eq!(json["surface"]["author.agent-test"]["evidence"], "verified");
    let file = directory("surface-show").join("all.toml");
    std::fs::write(&file, bpconform(&["surface", "show", "--format", "toml"]).out).expect("it can be written");
    let told = bpconform(&["surface", "show", "--surfaces", file.to_str().expect("UTF-8")]);
    assert_eq!(told.code, Some(0), "what is shown can be read back: {}", told.all());
    let told = bpconform(&["surface", "show", "author.agent-tset"]);
    assert_eq!(told.code, Some(2));
    assert!(told.err.contains("did you mean author.agent-test?"), "{}", told.err);
}

/// An Author with other endpoints, as every real one may have.
const MOVED: &str = r#"
name = "moved"

[surface."author.ims-create"]
system = "author"
method = "POST"
path = "/mnt/overlay/ims/save"
class = "change"
evidence = "unknown"
source = "a test"
fields = { title = "./jcr:title", client-id = "./clientId", client-secret = "./clientSecret", org-id = "./orgId" }

[surface."author.ims-health"]
system = "author"
method = "GET"
path = "/mnt/overlay/ims/checkhealth"
class = "probe"
evidence = "unknown"
source = "a test"
fields = { configuration = "item" }

[surface."author.ims-delete"]
system = "author"
method = "POST"
path = "/mnt/overlay/ims/delete"
class = "change"
evidence = "unknown"
source = "a test"

[surface."author.cloud-create"]
system = "author"
method = "POST"
path = "/apps/brandportal/save"
class = "change"
evidence = "unknown"
source = "a test"
fields = { tenant-url = "serviceUrl" }
"#;

fn entry(method: &str, path: &str, form: &[(&str, &str)], answer: &str) -> Value {
    let text: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    json!({
        "startedDateTime": "2026-11-20T10:00:00Z",
        "request": {
            "method": method, "url": format!("http://author.example.com:4502{path}"),
            "headers": [{"name": "Cookie", "value": "login-token=canary-cookie"}],
            "postData": {"mimeType": "application/x-www-form-urlencoded", "text": text},
        },
        "response": {"content": {"mimeType": "text/html", "text": answer}},
    })
}

/// What a browser records of the documented steps on such an Author.
fn har(directory: &Path) -> PathBuf {
    let pid = "com.adobe.granite.auth.oauth.accesstoken.provider.0a1b2c3d";
    let ims = [
        ("cloudServiceName", "Adobe Brand Portal"),
        ("authType", "oauth"),
        ("./jcr:title", "Mine"),
        ("authServerUrl", "https://ims-na1.adobelogin.com"),
        ("./clientId", "an-id"),
        ("./clientSecret", "canary-secret-of-the-capture"),
        ("scope", "openid,AdobeID"),
        ("./orgId", "1234@AdobeOrg"),
        (":cq_csrf_token", "canary-csrf"),
    ];
    let cloud = [
        ("item", ""),
        ("name", "Mine"),
        ("serviceUrl", "https://acme.brand-portal.adobe.com"),
        ("pubFolder", ""),
        ("oauthScopes", "dam-read dam-write dam-sync cc-share"),
        ("imsConfig", pid),
        ("sling:resourceType", "dam/components/mediaportal/config"),
    ];
    let health = format!("/mnt/overlay/ims/checkhealth?item={pid}");
    let entries = json!([
        entry("POST", "/mnt/overlay/ims/save", &ims, pid),
        entry("GET", &health, &[], "<h1>Healthy configuration</h1>Mine: Token retrieved successfully!"),
        entry("POST", "/mnt/overlay/ims/delete", &[("configurationIds", pid)], ""),
        entry("POST", "/apps/brandportal/save", &cloud, ""),
        entry(
            "GET",
            "/etc/replication/agents.author/mp_replication_agent2_default_acme.test.html",
            &[],
            "Replication test <b>succeeded</b>"
        ),
    ]);
    let file = directory.join("steps.har");
    std::fs::write(&file, json!({"log": {"entries": entries}}).to_string()).expect("it can be written");
    file
}

#[test]
fn what_was_learned_from_a_capture_is_what_a_run_sends() {
    let directory = directory("surface-learn");
    let moved = directory.join("moved.toml");
    std::fs::write(&moved, MOVED).expect("it can be written");
    let (har, learned) = (har(&directory), directory.join("learned.toml"));
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let told = bpconform(&["surface", "learn", "--har", &text(&har), "--out", &text(&learned)]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.err.contains("5 requests, 5 actions recognised"), "{}", told.err);
    let written = std::fs::read_to_string(&learned).expect("it was written");
    filtered(|| insta::assert_snapshot!("surface_learned", written));
    for canary in ["canary", "acme", "1234", "an-id", "example.com"] {
        assert!(!written.contains(canary), "{canary} in {written}");
    }

    let mut mock = command(&["mock", "--seed", "fresh", "--json", "--surfaces", &text(&moved)])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let out = mock.stdout.take().expect("it is piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).expect("it serves");
    let serving: Value = serde_json::from_str(&line).expect("JSON");
    let variables: Vec<(&str, &str)> = serving["credentials"]
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().expect("a text")))
        .chain([("NO_PROXY", "*")])
        .collect();
    let url = |system: &str| serving[system].as_str().expect("an address").to_owned();
    let learned = text(&learned);
    let (author, ims, tenant) = (url("author"), url("ims"), url("tenant"));
    let arguments = [
        "run",
        "--target",
        "author",
        "--author-url",
        &author,
        "--ims-url",
        &ims,
        "--tenant-url",
        &tenant,
        "--allow",
        "change",
        "--requirement",
        "BP-IMS-01",
        "--requirement",
        "BP-CLD-01",
        "--surfaces",
        &learned,
    ];
    let told = bpconform_with(&arguments, &variables);
    let without = bpconform_with(&arguments[..arguments.len() - 2], &variables);
    let _ = mock.kill();
    let _ = mock.wait();
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_ne!(without.code, Some(0), "the built-in paths are not this Author's: {}", without.all());
}

#[test]
fn an_author_is_asked_by_reads_only() {
    let mock = crate::support::Mock::start("configured");
    let file = directory("surface-probe").join("probed.toml");
    let out = file.to_str().expect("UTF-8");
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let told = bpconform_with(&["surface", "probe", "--author-url", mock.url("author"), "--out", out], &variables);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("author.cloud-storage") && told.out.contains("/conf/global/settings"), "{}", told.out);
    assert!(told.out.contains("found in a form: POST"), "{}", told.out);
    let methods = mock.requests("author");
    let others: Vec<&String> = methods.as_object().expect("by method").keys().filter(|it| *it != "GET").collect();
    assert!(others.is_empty(), "{methods}");
    assert!(mock.paths("ims").is_empty());
    let written = std::fs::read_to_string(&file).expect("it was written");
    assert!(written.contains("author.ims-create") && !written.contains("127.0.0.1"), "{written}");
    let told = bpconform(&["surface", "show", "--surfaces", out, "--evidence", "learned"]);
    assert!(told.out.contains("author.ims-create"), "{}", told.all());
}

#[test]
fn a_capture_that_cannot_be_read_is_named_with_its_place() {
    let directory = directory("surface-broken");
    let write = |name: &str, text: &str| {
        let file = directory.join(name);
        std::fs::write(&file, text).expect("it can be written");
        file.to_str().expect("UTF-8").to_owned()
    };
    let har = write("a.har", "{\"log\": {\"entries\": [{\"request\": 5}]}}");
    let told = bpconform(&["surface", "learn", "--har", &har]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("a.har: entry 1: ") && told.err.contains("line 1"), "{}", told.err);
    let curl = write("a.sh", "# mine\ncurl 'http://a/libs\n");
    let told = bpconform(&["surface", "learn", "--curl", &curl]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("a.sh: line 2: "), "{}", told.err);
    let nothing = write("b.sh", "curl 'http://a/libs/x.html'\n");
    let told = bpconform(&["surface", "learn", "--curl", &nothing]);
    assert_eq!(told.code, Some(4), "{}", told.all());
}
