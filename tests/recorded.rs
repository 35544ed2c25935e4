//! What Adobe advises, done by a real browser: the documented steps are clicked once with the network tab open, and
//! what is recorded is all that a run needs to know about an Author with other endpoints.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::{Mock, bpconform, directory, with_credentials};

/// An Author whose unknown endpoints of these steps differ from the built-in file.
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

[surface."author.cloud-console"]
system = "author"
method = "GET"
path = "/mnt/overlay/brandportal/configurations.html"
class = "read"
evidence = "unknown"
source = "a test"

[surface."author.cloud-create"]
system = "author"
method = "POST"
path = "/mnt/overlay/brandportal/save"
class = "change"
evidence = "unknown"
source = "a test"
fields = { tenant-url = "serviceUrl" }
"#;

/// The network tab with "Preserve log": what the browser sent and received so far, as in a HAR.
#[derive(Default)]
struct Network(Vec<(String, Value)>);

impl Network {
    /// Adds what came since, with the bodies of the answers while the browser still has them; waits until a request of
    /// that method was answered.
    async fn note(&mut self, browser: &Browser, method: &str) {
        let began = Instant::now();
        let from = self.0.len();
        loop {
            self.take(browser).await;
            let mut new = self.0[from..].iter().map(|(_, entry)| entry);
            if new.any(|entry| entry["request"]["method"] == method && !entry["response"].is_null()) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "the browser reports no {method}");
        }
    }

    async fn take(&mut self, browser: &Browser) {
        for event in browser.network().await {
            let (params, id) = (&event["params"], event["params"]["requestId"].as_str().unwrap_or_default().to_owned());
            match event["method"].as_str() {
                Some("Network.requestWillBeSent") => {
                    self.answered(&id, &params["redirectResponse"], "");
                    self.0.push((id, sent(params)));
                }
                Some("Network.responseReceived") => {
                    let body = browser.body(&id).await.unwrap_or_default();
                    self.answered(&id, &params["response"], &body);
                }
                _ => {}
            }
        }
    }

    /// The newest request of that id was answered; a redirect continues under the same id.
    fn answered(&mut self, id: &str, response: &Value, body: &str) {
        let entry = self.0.iter_mut().rfind(|(known, _)| known == id).filter(|_| !response.is_null());
        if let Some((_, entry)) = entry {
            let content = json!({ "mimeType": response["mimeType"], "text": body });
            entry["response"] = json!({ "status": response["status"], "headers": [], "content": content });
        }
    }

    fn har(self) -> Value {
        let entries: Vec<Value> = self.0.into_iter().map(|(_, entry)| entry).collect();
        json!({ "log": { "version": "1.2", "creator": { "name": "Chromium", "version": "0" }, "entries": entries } })
    }
}

/// A request as in a HAR.
fn sent(params: &Value) -> Value {
    let request = &params["request"];
    let headers = request["headers"].as_object().into_iter().flatten();
    let headers: Vec<Value> = headers.map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let mut entry = json!({
        "startedDateTime": "2026-11-26T10:00:00Z",
        "request": { "method": request["method"], "url": request["url"], "headers": headers },
    });
    if let Some(body) = request["postData"].as_str() {
        let kind = request["headers"]["Content-Type"].as_str().unwrap_or("application/x-www-form-urlencoded");
        entry["request"]["postData"] = json!({ "mimeType": kind, "text": body });
    }
    entry
}

/// Performs the documented steps with mouse and keyboard, on the pages of the mocked Author.
async fn click_through(browser: &Browser, mock: &Mock) -> Value {
    let author = mock.url("author");
    let credentials = mock.credentials();
    let credential = |name: &str| credentials.iter().find(|(known, _)| *known == name).expect("it is there").1;
    let mut network = Network::default();
    let page = |path: &str| format!("{author}{path}");

    browser.go(&page("/")).await;
    browser.type_into("input[name=j_username]", credential("BPCONFORM_AUTHOR_USER")).await;
    browser.type_into("input[name=j_password]", credential("BPCONFORM_AUTHOR_PASSWORD")).await;
    browser.click("button").await;
    network.note(browser, "POST").await;

    // Tools > Security > Adobe IMS Configurations > Create
    browser.click_link("Adobe IMS Configurations").await;
    network.note(browser, "GET").await;
    let fields = [
        ("Title", "My integration"),
        ("Authorization Server", mock.url("ims")),
        ("API Key", credential("BPCONFORM_IMS_CLIENT_ID")),
        ("Client Secret", credential("BPCONFORM_IMS_CLIENT_SECRET")),
        ("Scope", credential("BPCONFORM_IMS_SCOPE")),
        ("Organization ID", credential("BPCONFORM_IMS_ORG_ID")),
    ];
    for (label, value) in fields {
        browser.fill(label, value).await;
    }
    browser.click_button("Create").await;
    network.note(browser, "POST").await;

    browser.go(&page("/")).await;
    browser.click_link("Adobe IMS Configurations").await;
    browser.click_button("Check Health").await;
    browser.wait_for_part("body", "My integration: Token retrieved successfully!").await;
    network.note(browser, "GET").await;

    // Tools > Cloud Services > AEM Brand Portal > Create > Save & Close
    browser.go(&page("/")).await;
    browser.click_link("AEM Brand Portal").await;
    network.note(browser, "GET").await;
    browser.fill("Title", "My tenant").await;
    browser.fill("Service URL", mock.url("tenant")).await;
    browser.click_button("Save & Close").await;
    network.note(browser, "POST").await;

    // Tools > Deployment > Replication > Agents on author, each of the four > Test Connection
    browser.go(&page("/")).await;
    browser.click_link("Agents on author").await;
    browser.reload_until("bpdoc MP Replication Agent3 Default").await;
    network.note(browser, "GET").await;
    for agent in 0..4 {
        browser.go(&page("/etc/replication/agents.author.html")).await;
        browser.click_link(&format!("bpdoc MP Replication Agent{agent} Default")).await;
        network.note(browser, "GET").await;
        browser.click_link("Test Connection").await;
        assert!(browser.text("body").await.contains("Replication test succeeded"));
        network.note(browser, "GET").await;
    }

    // An integration that is no longer needed is deleted.
    browser.go(&page("/")).await;
    browser.click_link("Adobe IMS Configurations").await;
    browser.click_button("Delete").await;
    network.note(browser, "POST").await;
    network.har()
}

#[tokio::test]
async fn what_a_browser_recorded_of_the_documented_steps_is_all_that_a_run_needs() {
    let folder = directory("recorded");
    let Some(browser) = Browser::start(&folder).await else { return };
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (moved, har, learned) = (folder.join("moved.toml"), folder.join("steps.har"), folder.join("learned.toml"));
    std::fs::write(&moved, MOVED).expect("it can be written");
    let moved = text(&moved);
    let mock = Mock::with(&["--seed", "fresh", "--surfaces", &moved]);
    let recorded = click_through(&browser, &mock).await;
    std::fs::write(&har, recorded.to_string()).expect("it can be written");

    let told = bpconform(&["surface", "learn", "--har", &text(&har), "--out", &text(&learned)]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let written = std::fs::read_to_string(&learned).expect("it was written");
    for surface in ["ims-create", "ims-health", "ims-delete", "cloud-console", "cloud-create"] {
        assert!(
            written.contains(&format!("[surface.\"author.{surface}\"]")),
            "no {surface} in {written}\n{}",
            told.err
        );
    }
    for action in ["Test Connection", "Agents on author"] {
        assert!(told.err.contains(action), "no {action} in {}", told.err);
    }
    let credentials = mock.credentials();
    for (name, value) in credentials.iter().filter(|(name, _)| !name.ends_with("USER") && !name.ends_with("PASSWORD")) {
        assert!(!written.contains(value), "{name} in {written}");
    }
    for private in ["bpdoc", "localhost", "127.0.0.1", "My integration", "My tenant", "login-token"] {
        assert!(!written.contains(private), "{private} in {written}");
    }

    // Another Author of the same kind, of which only the learned endpoints are known.
    let mock = Mock::with(&["--seed", "fresh", "--surfaces", &moved]);
    let out = text(&folder.join("out"));
    let mut flags = vec![
        "run",
        "--target",
        "author",
        "--author-url",
        mock.url("author"),
        "--ims-url",
        mock.url("ims"),
        "--tenant-url",
        mock.url("tenant"),
        "--allow",
        "change",
        "--out",
        &out,
    ];
    for id in ["BP-IMS-01", "BP-IMS-04", "BP-CLD-01"] {
        flags.extend(["--requirement", id]);
    }
    let without = with_credentials(&mock, &flags);
    assert_eq!(without.code, Some(4), "nothing is known of this Author: {}", without.all());
    let learned = text(&learned);
    flags.extend(["--surfaces", &learned]);
    let told = with_credentials(&mock, &flags);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("out/run.json")).expect("a record")).expect("JSON");
    assert_eq!(record["summary"]["scenarios"]["passed"], 3, "{}", told.all());
}
