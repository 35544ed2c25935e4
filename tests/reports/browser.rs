//! The page in a real browser: Chromium, driven over the WebDriver protocol. Where it is not installed the tests say so
//! loudly and prove nothing; with `BPCONFORM_BROWSER=required` its absence fails them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bpconform::record::Record;
use bpconform::report::Format;
use serde_json::{Value, json};

use super::{Folder, sample};

/// How the protocol calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// Starts a browser; none where there is none.
    async fn start(folder: &Path) -> Option<Self> {
        let required = std::env::var("BPCONFORM_BROWSER").is_ok_and(|value| value == "required");
        let driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut driver) = driver else {
            assert!(!required, "chromedriver is not installed");
            eprintln!("NOT TESTED: chromedriver is not installed, so the page was not looked at in a browser");
            return None;
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let lines = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
        let started = |line: String| Some(line.strip_suffix('.')?.rsplit_once("on port ")?.1.to_owned());
        let port = lines.map_while(Result::ok).find_map(started).expect("chromedriver says its port");
        let mut browser = Self {
            driver,
            http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().expect("a client"),
            session: format!("http://127.0.0.1:{port}/session"),
        };
        let profile = format!("--user-data-dir={}", folder.join("profile").display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
            "--disable-background-networking",
            "--disable-component-update",
            "--window-size=1280,900",
            &profile,
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments }, "goog:loggingPrefs": { "browser": "ALL" } } } });
        let id = browser.post("", &wanted).await["sessionId"].as_str().expect("a session").to_owned();
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let reply = self.http.post(format!("{}{path}", self.session)).json(body).send().await.expect("answered");
        let reply: Value = reply.json().await.expect("JSON");
        assert!(reply["value"]["error"].is_null(), "{path}: {}", reply["value"]);
        reply["value"].clone()
    }

    async fn open(&self, folder: &Path, record: &Record) {
        let file = folder.join("report.html");
        std::fs::write(&file, Format::Html.draw(record).expect("drawn")).expect("written");
        self.post("/url", &json!({ "url": format!("file://{}", file.display()) })).await;
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector })).await;
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        // A person scrolls until nothing that sticks to the top covers it.
        let script = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })";
        self.post("/execute/sync", &json!({ "script": script, "args": [{ ELEMENT: element }] })).await;
        self.post(&format!("/element/{element}/click"), &json!({})).await;
    }

    async fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/value"), &json!({ "text": text })).await;
    }

    async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// The text that a person sees there.
    async fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({})?.innerText ?? null", json!(selector));
        self.run(&script).await.as_str().unwrap_or_default().to_owned()
    }

    /// Asks until the text is there; the page answers to typing after a moment.
    async fn wait_for(&self, selector: &str, expected: &str) {
        let began = Instant::now();
        loop {
            let text = self.text(selector).await;
            if text == expected {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "{selector} says {text:?}, not {expected:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn has_no_complaints(&self) {
        let log = self.post("/se/log", &json!({ "type": "browser" })).await;
        assert_eq!(log, json!([]), "the browser complains");
    }
}

#[tokio::test]
async fn a_person_filters_opens_a_failure_and_reads_the_remedy() {
    let folder = Folder::new("browser");
    let Some(browser) = Browser::start(&folder.0).await else { return };
    browser.open(&folder.0, &sample::failing()).await;
    browser.wait_for("#shown", "6 scenarios").await;

    browser.type_into("#q", "bp-rep-03 agent2").await;
    browser.wait_for("#shown", "1 of 6 scenarios").await;
    browser.click("details.scenario:not([hidden]) > summary").await;
    let remedy = browser.text("details.scenario[open] .remedy").await;
    assert!(remedy.contains("What the documentation says") && remedy.lines().count() > 3, "{remedy}");
    assert_eq!(browser.text("details.scenario[open] .agents section:nth-child(3) h5").await, "Agent 2");
    let lanes = browser.run("return document.querySelectorAll('details.scenario[open] .water .lane').length").await;
    assert_eq!(lanes, 5, "the Author and the four agents");

    browser.click("details.scenario[open] .exchange > summary").await;
    assert!(browser.text("details.scenario[open] .exchange[open]").await.contains("transportUri"));
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn verdicts_are_chosen_by_keyboard_and_the_address_remembers() {
    let folder = Folder::new("keyboard");
    let Some(browser) = Browser::start(&folder.0).await else { return };
    browser.open(&folder.0, &sample::failing()).await;
    // The space bar on the check box of those that passed.
    browser.type_into("input[value=passed]", " ").await;
    browser.wait_for("#shown", "4 of 6 scenarios").await;
    assert_eq!(browser.run("return location.hash").await, "#v=failed%2Cerror%2Cskipped");
    browser.type_into("body", "/").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "q");
    browser.type_into("#q", "no such thing").await;
    browser.wait_for("#shown", "0 of 6 scenarios").await;
    browser.click("#reset").await;
    browser.wait_for("#shown", "6 scenarios").await;

    // A link from a failure opens its scenario.
    browser.click(".card .more a").await;
    browser.wait_for("details.scenario[open] .steps li:last-child b", "Then").await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn hostile_text_is_shown_and_never_run() {
    let folder = Folder::new("hostile");
    let Some(browser) = Browser::start(&folder.0).await else { return };
    browser.open(&folder.0, &sample::failing()).await;
    browser.type_into("#q", "hostile").await;
    browser.wait_for("#shown", "1 of 6 scenarios").await;
    browser.click("details.scenario:not([hidden]) > summary").await;
    assert!(browser.text("details.scenario[open]").await.contains("<script>alert(1)</script>"));
    // An alert that was opened would fail every further command.
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn two_thousand_scenarios_do_not_lag() {
    let folder = Folder::new("many");
    let Some(browser) = Browser::start(&folder.0).await else { return };
    browser.open(&folder.0, &sample::many(2000)).await;
    browser.type_into("#q", "bp-rep-03").await;
    browser.wait_for("#shown", "40 of 2000 scenarios").await;
    let filtered = browser.run(
        "const q = document.getElementById('q'); const began = performance.now(); q.value = 'agent2 bp-pub'; \
         document.querySelector('input[name=v]').dispatchEvent(new Event('change')); void document.body.offsetHeight; \
         return performance.now() - began",
    );
    let ms = filtered.await.as_f64().expect("a time");
    eprintln!("filtering 2,000 scenarios took {ms:.0} ms");
    // A person calls more than a second a lag; a busy machine gets some of that.
    assert!(ms < 1000.0, "filtering took {ms} ms");
    browser.has_no_complaints().await;
}
