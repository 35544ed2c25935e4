//! Secrets of the target that the run was never given: in no output, whatever their position and their form, and reports
//! that still say what they have to.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bpconform::report::ReportFormat;
use bpconform_mocks::author::seed::{Account, BasicEncoding, Rights};
use bpconform_mocks::ims::{Client, Kind};
use bpconform_mocks::stack::{Serving, Stack, StackOptions};
use serde_json::{Value, json};

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, Told, bpconform_with, directory, get, tries_all};

/// Where those stand that look different in every encoding.
const POSITIONS: [&str; 10] =
    ["transport", "proxy", "smtp", "keystore", "nested", "form", "refresh", "location", "ims", "inner"];

/// Where those stand that may not hold every character.
const PLAIN_POSITIONS: [&str; 11] =
    ["header", "cookie", "hash", "tokenkey", "bearer", "basic", "login", "log", "html", "entry", "idtoken"];

fn canaries() -> impl Iterator<Item = String> {
    POSITIONS.map(canary).into_iter().chain(PLAIN_POSITIONS.map(plain))
}

fn canary(position: &str) -> String {
    format!("cnry-{position}/7f+3k\"Q&9ü")
}

/// One that may stand in a header or a cookie.
fn plain(position: &str) -> String {
    format!("cnry-{position}-7f3kQ9xY")
}

fn within_json(text: &str) -> String {
    let json = Value::from(text).to_string();
    json[1..json.len() - 1].to_owned()
}

fn hex(secret: &str, between: &str) -> String {
    secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

fn form(secret: &str) -> String {
    url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()
}

/// A secret as it may stand in an output.
fn forms(secret: &str) -> Vec<String> {
    let html = secret.replace('&', "&amp;").replace('"', "&quot;");
    let numeric = |it: char| if it.is_ascii_alphanumeric() { it.to_string() } else { format!("&#{};", u32::from(it)) };
    let escaped =
        |it: char| if it.is_ascii_alphanumeric() { it.to_string() } else { format!("\\u{:04x}", u32::from(it)) };
    let mut mime = STANDARD.encode(format!("a text before it: {secret} and one behind it that goes on for a while"));
    mime.insert_str(30, "\r\n");
    let latin1: Vec<u8> = secret.chars().filter_map(|it| u8::try_from(u32::from(it)).ok()).collect();
    vec![
        secret.to_owned(),
        within_json(secret),
        within_json(&within_json(secret)),
        secret.chars().map(escaped).collect(),
        html,
        secret.chars().map(numeric).collect(),
        form(secret),
        form(secret).replace('+', "%20"),
        hex(secret, ""),
        hex(secret, ":").to_uppercase(),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD.encode(format!("user:{secret}")),
        STANDARD.encode(format!("client_secret={}&a=b", form(secret))),
        mime,
        String::from_utf8_lossy(&latin1).into_owned(),
    ]
}

/// The part of a form that must never be visible: its middle, without the surrounding text.
fn core(form: &str) -> &str {
    let at = |part: usize| (0..=form.len() * part / 4).rev().find(|at| form.is_char_boundary(*at)).unwrap_or(0);
    &form[at(1)..at(3)]
}

/// The Author's answer when the Author has other secrets.
fn rewrite(line: &str, head: &mut String, body: &mut String) {
    let (method, path) = line.split_once(' ').unwrap_or_default();
    if method != "GET" {
        return;
    }
    if path.ends_with("/etc/replication/agents.author.-1.json") {
        let mut agents: Value = serde_json::from_str(body).expect("JSON");
        let content = &mut agents["publish"]["jcr:content"];
        content["transportPassword"] = canary("transport").into();
        content["proxyPassword"] = json!([canary("proxy")]);
        content["note"] =
            json!({ "credentials": [{ "name": "client_secret", "value": canary("nested") }] }).to_string().into();
        *body = agents.to_string();
        head.push_str(&format!("\r\nX-Auth-Token: {}", plain("header")));
        head.push_str(&format!("\r\nSet-Cookie: login-token={}; Path=/; HttpOnly", plain("cookie")));
    } else if path.contains("/system/config.2.json") {
        let mut all: Value = serde_json::from_str(body).expect("JSON");
        all["com.day.cq.mailer.DefaultMailService"] =
            json!({"smtp.host": "mail.example.com", "smtp.password": canary("smtp")});
        all["com.adobe.granite.auth.saml.SamlAuthenticationHandler.1"] =
            json!({"keyStorePassword": canary("keystore")});
        all["users"] =
            json!({"rep:password": format!("{{SHA-256}}{}", plain("hash")), "rep:token.key": plain("tokenkey")});
        for (name, value) in all.as_object_mut().into_iter().flatten() {
            if name.contains("IMSAccessTokenRequestCustomizerImpl") {
                value["auth.ims.client.secret"] = canary("ims").into();
            }
        }
        *body = all.to_string();
    } else if path.ends_with(".test.html") || path.ends_with(".log.html") {
        let lines = format!(
            "2026-11-23 09:00:00 - &gt;&gt; Authorization: Bearer {}<br>\n2026-11-23 09:00:00 - &gt;&gt; Proxy-Authorization: Basic \
            {}<br>\n2026-11-23 09:00:00 - &lt;&lt; Set-Cookie: login-token={}; Path=/<br>\n",
            plain("bearer"),
            STANDARD.encode(format!("proxy:{}", plain("basic"))),
            plain("login"),
        );
        *body = body.replacen("<code>", &format!("<code>{lines}"), 1);
    } else if path.contains("error.log") || path.contains("tailer") {
        let entry = |text: &str| format!("23.11.2026 08:00:01.000 *INFO* [x] com.adobe.Other {text}\n");
        let inner = json!({ "body": json!({ "access_token": canary("inner") }).to_string() });
        for text in [
            format!("request failed: client_secret={}, client_id=abc", plain("log")),
            format!("answer {inner} and garbage"),
            format!("sent grant_type=x&client_assertion={}&scope=openid", form(&canary("form"))),
            format!("got {{\"refresh_token\":\"{}\"}}", within_json(&canary("refresh"))),
            format!("moved Location: https://host.example/cb?access_token={}&state=1", form(&canary("location"))),
            format!("page <input type=\"password\" name=\"p\" value=\"{}\">", plain("html")),
            format!("store <entry key=\"password\">{}</entry>", plain("entry")),
            format!("id_token={}", plain("idtoken")),
        ] {
            body.insert_str(0, &entry(&text));
        }
        // All of them once more, in every form, where nothing says what they are.
        for secret in canaries() {
            forms(&secret).iter().for_each(|form| body.insert_str(0, &entry(&form.replace("\r\n", "\n"))));
        }
    }
}

/// Every byte that a command produced: its output, and all files of a directory.
fn everything(printed: &Told, folder: &Path) -> Vec<(String, String)> {
    let mut all = vec![("stdout".to_owned(), printed.out.clone()), ("stderr".to_owned(), printed.err.clone())];
    for entry in std::fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        let bytes = std::fs::read(&path).expect("it can be read");
        all.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    all
}

fn shown(all: &[(String, String)]) -> Vec<String> {
    let mut shown = Vec::new();
    for secret in canaries() {
        for form in forms(&secret) {
            let in_json = within_json(&form);
            for (place, text) in all {
                if [core(&form), core(&in_json)].iter().any(|core| text.contains(core)) {
                    shown.push(format!("{place}: {form}"));
                }
            }
        }
    }
    shown
}

#[test]
fn no_output_shows_a_secret_that_the_target_has_of_its_own() {
    let (mock, folder) = (Mock::start("configured"), directory("secrets-of-others"));
    let author = Proxy::start(mock.url("author"), |_| Act::Rewrite(rewrite));
    let out = folder.to_str().expect("UTF-8");
    let mut arguments = vec!["run", "--target", "author", "--allow", "probe", "-vvv", "--out", out];
    let target = ["--author-url", &author.url, "--ims-url", mock.url("ims"), "--tenant-url", mock.url("tenant")];
    let reports: Vec<String> =
        ReportFormat::ALL.map(ReportFormat::word).map(|format| format!("{format}={out}/report.{format}")).to_vec();
    arguments.extend(target);
    reports.iter().for_each(|report| arguments.extend(["--report", report]));
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let told = bpconform_with(&arguments, &variables);
    assert_eq!(told.code, Some(1), "{}", told.all());
    let all = everything(&told, &folder);
    assert!(all.len() > 10);
    let left = shown(&all);
    assert!(left.is_empty(), "{} places, such as\n{}", left.len(), left[..left.len().min(20)].join("\n"));
    // What the reports are for is still there.
    let page = &all.iter().find(|(place, _)| place.ends_with("run.json")).expect("a record").1;
    for readable in [
        "mp_replication_agent1_default_bpdoc",
        "/etc/replication/agents.author",
        "is not stored encrypted",
        "smtp.host",
        "mail.example.com",
        "{SHA-256}[secret]",
        "Bearer [secret]",
        "BP-IMS-05",
    ] {
        assert!(page.contains(readable), "{readable} is not to be seen any more");
    }
    for command in [&["doctor", "-vvv"][..], &["doctor", "--json"]] {
        let told = bpconform_with(&[command, &target[..2], &target[4..]].concat(), &variables);
        assert!(told.out.contains("BP-IMS-05"), "{}", told.all());
        let left = shown(&[("doctor".to_owned(), told.all())]);
        assert!(left.is_empty(), "{}", left.join("\n"));
    }
    // A record of a version that masked less: reports of it hold no more than they may.
    let told = bpconform_with(&["report", "html", out], &[]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("BP-IMS-05"), "{}", told.all());
    assert!(shown(&[("report".to_owned(), told.out)]).is_empty());
}

/// A journal holds what an undo needs, so it is written from what the Author had.
#[test]
fn no_journal_and_no_list_of_requests_shows_a_secret_of_the_target() {
    let (mock, folder) = (Mock::start("configured"), directory("secrets-of-others-change"));
    let learned = crate::changes::all_learned(&directory("secrets-of-others-learned"));
    let author = Proxy::start(mock.url("author"), |_| Act::Rewrite(rewrite));
    let out = folder.to_str().expect("UTF-8");
    let mut flags = vec!["--replace-configuration", "--out", out];
    let requirements = ["BP-CLD-01", "BP-IMS-01", "BP-IMS-04", "BP-PUB-01", "BP-REP-05", "BP-UPG-04", "BP-PUB-04"];
    // The last one waits for half a minute.
    let tried = if tries_all() { &requirements[..] } else { &requirements[..6] };
    tried.iter().for_each(|id| flags.extend(["--requirement", id]));
    let began = std::time::Instant::now();
    let output = crate::changes::run(&mock, &author.url, &learned, &flags).output().expect("it starts");
    let told = Told {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: began.elapsed(),
    };
    let mut all = everything(&told, &folder);
    let journal = all.iter().find(|(place, _)| place.ends_with("journal.jsonl")).map(|(_, text)| text.lines().count());
    assert!(journal.is_some_and(|lines| lines > 10), "{journal:?} lines: {}", told.all());
    all.push(("requests".into(), get(mock.url("author"), "/__bpconform/requests")));
    let left = shown(&all);
    assert!(left.is_empty(), "{} places, such as\n{}", left.len(), left[..left.len().min(20)].join("\n"));
    for (variable, secret) in mock.credentials() {
        if variable.contains("PASSWORD") || variable.contains("SECRET") {
            let known: Vec<_> = all.iter().filter(|(_, text)| text.contains(secret)).map(|(place, _)| place).collect();
            assert!(known.is_empty() || secret.len() < 6, "{variable}: {known:?}");
        }
    }
}

#[test]
fn a_malformed_address_is_quoted_without_its_password() {
    for address in [
        "http://admin:cnry-7f3kQ9@host:port/x",
        "http//admin:cnry-7f3kQ9@localhost:4502",
        "http:/admin:cnry-7f3kQ9@localhost",
        "admin:cnry-7f3kQ9@author.example.com:4502",
        "http://admin:cnry-7f3kQ9@localhost:4502",
        "ftp://localhost?token=cnry-7f3kQ9",
        "localhost:4502?access_token=cnry-7f3kQ9",
    ] {
        let told = bpconform_with(&["doctor", "--author-url", address], &[]);
        assert_eq!(told.code, Some(2), "{}", told.all());
        assert!(!told.all().contains("cnry"), "{}", told.all());
        let told = bpconform_with(&["doctor"], &[("BPCONFORM_AUTHOR_URL", address)]);
        assert!(told.code == Some(2) && !told.all().contains("cnry"), "{}", told.all());
    }
}

#[test]
fn the_operator_adds_names_of_secrets() {
    let told = bpconform_with(&["list", "--redact-name", "("], &[]);
    assert!(told.code == Some(2) && told.err.contains("it is not a valid regular expression"), "{}", told.all());
    let mock = Mock::start("configured");
    let author = Proxy::start(mock.url("author"), |_| {
        Act::Rewrite(|_, head, _| head.push_str("\r\nX-Acme-Door: open-sesame-1"))
    });
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    for (flags, seen) in [(&[][..], true), (&["--redact-name", "(?i)^x-acme-"][..], false)] {
        let folder = directory("redact-name");
        let out = folder.to_str().expect("UTF-8");
        let arguments = [
            "run",
            "-q",
            "--target",
            "author",
            "--author-url",
            &author.url,
            "--out",
            out,
            "--requirement",
            "BP-PRE-01",
        ];
        let told = bpconform_with(&[&arguments[..], flags].concat(), &variables);
        let record = std::fs::read_to_string(folder.join("run.json")).expect("a record");
        assert_eq!(record.contains("open-sesame-1"), seen, "{}", told.all());
    }
}

/// A stack in this process, with an administrator of that password; it serves until the tests end.
fn serve(password: &str, encoding: BasicEncoding, client: Option<Client>) -> Serving {
    let account = Account {
        id: "admin".into(),
        password: password.to_owned(),
        rights: Rights::Administrator,
        basic_encoding: encoding,
        token: None,
    };
    let options = StackOptions { account: Some(account), client, ..StackOptions::new("configured") };
    let (sender, serving) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let stack = Stack::start(options).await.expect("it serves");
            sender.send(stack.serving()).expect("it is waited for");
            std::future::pending::<()>().await;
        });
    });
    serving.recv().expect("it serves")
}

/// Runs against such a stack; returns the output and the record.
fn run_against(serving: &Serving, folder: &str, more: &[(&str, &str)], flags: &[&str]) -> (Told, Value) {
    let folder = directory(folder);
    let out = folder.to_str().expect("UTF-8");
    let target = ["--author-url", &serving.author, "--ims-url", &serving.ims, "--tenant-url", &serving.tenant];
    let arguments = [&["run", "--target", "author", "--out", out][..], &target, flags].concat();
    let mut variables: Vec<(&str, &str)> =
        serving.credentials.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    variables.push(("NO_PROXY", "*"));
    variables.extend(more);
    let told = bpconform_with(&arguments, &variables);
    let record =
        std::fs::read(folder.join("run.json")).map_or(Value::Null, |text| serde_json::from_slice(&text).expect("JSON"));
    (told, record)
}

/// The verdict and the reason of each scenario, without what differs from run to run.
fn verdicts(record: &Value) -> Vec<String> {
    let port = regex::Regex::new(r":\d{4,5}").expect("a pattern");
    let scenarios = record["scenarios"].as_array().expect("a list").iter();
    let told = scenarios.map(|one| format!("{} {} {}", one["id"], one["verdict"], one["reason"]));
    told.map(|told| port.replace_all(&told, ":port").into_owned()).collect()
}

/// What of a record must stay readable: ids, addresses, reasons.
fn masked_in_public(record: &Value, path: &str, found: &mut Vec<String>) {
    match record {
        Value::String(text) if text.contains("[secret]") && !path.contains("body") && !path.contains("headers") => {
            found.push(format!("{path}: {text}"));
        }
        Value::Array(all) => all.iter().for_each(|one| masked_in_public(one, path, found)),
        Value::Object(all) => {
            all.iter().for_each(|(name, one)| masked_in_public(one, &format!("{path}/{name}"), found));
        }
        _ => {}
    }
}

#[test]
fn a_weak_secret_takes_nothing_else_with_it() {
    let client = |secret: &str| Client {
        id: "weak0client0of0tests".into(),
        secrets: vec![secret.to_owned()],
        org_id: "0123456789ABCDEF01234567@AdobeOrg".into(),
        technical_account: "0123456789ABCDEF76543210@techacct.adobe.com".into(),
        kind: Kind::OAuth { scopes: vec!["openid".into(), "AdobeID".into()] },
    };
    let run = |secret: &str| {
        let serving = serve(secret, BasicEncoding::Utf8, Some(client(secret)));
        let weak = [
            ("BPCONFORM_IMS_CLIENT_ID", "weak0client0of0tests"),
            ("BPCONFORM_IMS_CLIENT_SECRET", secret),
            ("BPCONFORM_IMS_SCOPE", "openid,AdobeID"),
        ];
        run_against(&serving, "weak", &weak, &["-q", "--allow", "probe"])
    };
    let (strong, record) = run("Str0ng-enough-of-tests");
    assert!(!strong.err.contains("it is weak"), "{}", strong.all());
    let expected = verdicts(&record);
    for weak in ["admin", "status", "name", "true", "http", "passed", "change", "a"] {
        let (told, record) = run(weak);
        assert_eq!(told.code, strong.code, "{weak}: {}", told.all());
        assert_eq!(verdicts(&record), expected, "{weak}");
        assert!(told.err.contains("BPCONFORM_AUTHOR_PASSWORD is shorter than six"), "{}", told.all());
        let mut found = Vec::new();
        masked_in_public(&record, "", &mut found);
        assert!(found.is_empty(), "{weak}: {found:?}");
    }
}

#[test]
fn a_password_beyond_ascii_is_tried_once_in_each_encoding() {
    let probe = &["-q", "--allow", "observe", "--requirement", "BP-PRE-01"];
    let serving = serve("Grünkohl-2025", BasicEncoding::Latin1, None);
    let (told, record) = run_against(&serving, "latin1", &[], probe);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.err.contains("ISO-8859-1"), "{}", told.all());
    assert_eq!(record["scenarios"][0]["verdict"], "passed");
    assert!(!record.to_string().contains("nkohl"));
    let serving = serve("Grünkohl-2025", BasicEncoding::Utf8, None);
    let (told, _) = run_against(&serving, "utf8", &[], probe);
    assert!(told.code == Some(0) && !told.err.contains("ISO-8859-1"), "{}", told.all());
    let (told, _) = run_against(&serving, "wrong", &[("BPCONFORM_AUTHOR_PASSWORD", "Grünzeug-2025")], probe);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("once as UTF-8 and once as ISO-8859-1"), "{}", told.all());
    let refused = crate::support::get(&serving.author, "/__bpconform/requests").matches("\"status\":401").count();
    assert_eq!(refused, 2, "the account would be locked");
}
