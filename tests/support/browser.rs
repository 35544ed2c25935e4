//! Chromium for tests, driven over the WebDriver protocol.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The key of an element in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser and its driver.
pub(crate) struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
}

/// A driver and its port. A driver whose port has been taken in the meantime ends silently.
fn drive() -> Option<(Child, String)> {
    let driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut driver = driver.ok()?;
    let lines = BufReader::new(driver.stdout.take()?).lines();
    let started = |line: String| Some(line.strip_suffix('.')?.rsplit_once("on port ")?.1.to_owned());
    let port = lines.map_while(Result::ok).find_map(started);
    if port.is_none() {
        let _ = driver.wait();
    }
    Some((driver, port?))
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A driver that is killed leaves its browser running.
        let _ = self.close();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// Starts a browser; `None` if none is installed.
    pub(crate) async fn start(folder: &Path) -> Option<Self> {
        let mut browser = Self::driven()?;
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
        browser.begin(&json!({ "args": arguments })).await;
        Some(browser)
    }

    /// Joins the browser that listens at this port; it runs on when this is dropped. `None` if no driver is installed.
    pub(crate) async fn join(port: &str) -> Option<Self> {
        let mut browser = Self::driven()?;
        browser.begin(&json!({ "debuggerAddress": format!("127.0.0.1:{port}") })).await;
        Some(browser)
    }

    /// A driver without a browser.
    fn driven() -> Option<Self> {
        let required = std::env::var("BPCONFORM_BROWSER").is_ok_and(|value| value == "required");
        let Some((driver, port)) = (0..5).find_map(|_| drive()) else {
            assert!(!required, "chromedriver is not installed, or does not start");
            // Bypasses the capture of the test harness, so that it is visible.
            let told = "NOT TESTED: chromedriver is not installed, so the page was not looked at in a browser\n";
            let _ = std::io::stderr().write_all(told.as_bytes());
            return None;
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        Some(Self {
            driver,
            http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().expect("a client"),
            session: format!("http://127.0.0.1:{port}/session"),
        })
    }

    async fn begin(&mut self, options: &Value) {
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" } } } });
        let id = self.post("", &wanted).await["sessionId"].as_str().expect("a session").to_owned();
        self.session = format!("{}/{id}", self.session);
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let reply = self.http.post(format!("{}{path}", self.session)).json(body).send().await.expect("answered");
        let reply: Value = reply.json().await.expect("JSON");
        assert!(reply["value"]["error"].is_null(), "{path}: {}", reply["value"]);
        reply["value"].clone()
    }

    /// Ends the session, and with it the browser.
    fn close(&self) -> std::io::Result<()> {
        let (host, path) = self.session.trim_start_matches("http://").split_once('/').unwrap_or_default();
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        write!(stream, "DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        // The answer comes when the browser has ended.
        stream.read_exact(&mut [0])
    }

    /// Opens a page that is a file.
    pub(crate) async fn open(&self, page: &Path) {
        self.go(&format!("file://{}", page.display())).await;
    }

    /// Opens an address.
    pub(crate) async fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url })).await;
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector })).await;
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    /// Clicks as a person does.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        // A person scrolls until no sticky element covers it.
        let script = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })";
        self.post("/execute/sync", &json!({ "script": script, "args": [{ ELEMENT: element }] })).await;
        self.post(&format!("/element/{element}/click"), &json!({})).await;
    }

    /// Clicks what makes another process close the window: the driver may lose it before it answers.
    pub(crate) async fn click_and_leave(&self, selector: &str) {
        let element = self.element(selector).await;
        let _ = self.http.post(format!("{}/element/{element}/click", self.session)).json(&json!({})).send().await;
    }

    /// Clicks the link with this text, and waits for its page.
    pub(crate) async fn click_link(&self, text: &str) {
        self.follow(&format!("//a[normalize-space()='{text}']")).await;
    }

    /// Clicks the first button with this text, and waits for the result.
    pub(crate) async fn click_button(&self, text: &str) {
        self.follow(&format!("//button[normalize-space()='{text}']")).await;
    }

    /// Clicks the element that a script returns, once it does and nothing covers the element.
    pub(crate) async fn click_found(&self, script: &str) {
        let (began, mut why) = (Instant::now(), "it is not there".to_owned());
        loop {
            let found = self.run(script).await;
            if let Some(element) = found[ELEMENT].as_str() {
                let click = self.http.post(format!("{}/element/{element}/click", self.session)).json(&json!({}));
                let reply: Value = click.send().await.expect("answered").json().await.expect("JSON");
                if reply["value"].is_null() {
                    return;
                }
                why = reply["value"]["message"].to_string();
            }
            assert!(began.elapsed() < Duration::from_secs(20), "cannot be clicked, {why}: {script}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks what has this text or title, once it is there.
    pub(crate) async fn click_text(&self, text: &str) {
        let script = format!(
            "const plain = (it) => (it || '').replace(/\\s+/g, ' ').trim();
            const shown = (it) => it.getClientRects().length && getComputedStyle(it).visibility !== 'hidden';
            const is = (it) => plain(it.getAttribute('title')) === {text} || plain(it.textContent) === {text} && !it.childElementCount;
            const found = [...document.querySelectorAll('body *')].filter(is).find(shown);
            return found?.closest('button, a') || found || null;",
            text = json!(text),
        );
        self.click_found(&script).await;
    }

    /// Waits until a script of the page returns something true.
    pub(crate) async fn wait_for_script(&self, script: &str) {
        let began = Instant::now();
        while self.run(script).await != Value::Bool(true) {
            assert!(began.elapsed() < Duration::from_secs(20), "never true: {script}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn follow(&self, path: &str) {
        let found = self.post("/element", &json!({ "using": "xpath", "value": path })).await;
        let element = found[ELEMENT].as_str().expect("an element");
        self.post(&format!("/element/{element}/click"), &json!({})).await;
    }

    /// Types into the field of that label.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let path = format!("//label[normalize-space(text())='{label}']/input");
        let found = self.post("/element", &json!({ "using": "xpath", "value": path })).await;
        let element = found[ELEMENT].as_str().expect("an element");
        self.post(&format!("/element/{element}/value"), &json!({ "text": text })).await;
    }

    /// Reloads the page until it shows this text, which appears later.
    pub(crate) async fn reload_until(&self, text: &str) {
        let began = Instant::now();
        while !self.text("body").await.contains(text) {
            assert!(began.elapsed() < Duration::from_secs(20), "the page never says {text}");
            self.post("/refresh", &json!({})).await;
        }
    }

    /// Types into a field.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/value"), &json!({ "text": text })).await;
    }

    /// Runs a script in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// The text that a person sees there.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({})?.innerText ?? null", json!(selector));
        self.run(&script).await.as_str().unwrap_or_default().to_owned()
    }

    /// Polls until the text appears; the page reacts to typing after a moment.
    pub(crate) async fn wait_for(&self, selector: &str, expected: &str) {
        self.wait_until(selector, expected, |text| text == expected).await;
    }

    /// Polls until the text appears within more.
    pub(crate) async fn wait_for_part(&self, selector: &str, expected: &str) {
        self.wait_until(selector, expected, |text| text.contains(expected)).await;
    }

    async fn wait_until(&self, selector: &str, expected: &str, is_there: impl Fn(&str) -> bool) {
        let began = Instant::now();
        loop {
            let text = self.text(selector).await;
            if is_there(&text) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "{selector} says {text:?}, not {expected:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The network traffic since the last call, as the browser's own protocol reports it.
    pub(crate) async fn network(&self) -> Vec<Value> {
        let log = self.post("/se/log", &json!({ "type": "performance" })).await;
        let message = |entry: &Value| serde_json::from_str::<Value>(entry["message"].as_str()?).ok();
        log.as_array().expect("a list").iter().filter_map(message).map(|mut it| it["message"].take()).collect()
    }

    /// The body of an answer that the browser still has.
    pub(crate) async fn body(&self, request: &str) -> Option<String> {
        let called = self.call("Network.getResponseBody", &json!({ "requestId": request })).await?;
        Some(called["body"].as_str()?.to_owned())
    }

    /// Calls a method of the browser's own protocol; `None` if it fails.
    async fn call(&self, method: &str, params: &Value) -> Option<Value> {
        let wanted = json!({ "cmd": method, "params": params });
        let reply = self.http.post(format!("{}/goog/cdp/execute", self.session)).json(&wanted).send().await.ok()?;
        let mut reply = reply.json::<Value>().await.ok()?;
        reply["value"]["error"].is_null().then(|| reply["value"].take())
    }

    /// What a screen reader reads out, closed parts of the page included: role, name and node of each element.
    pub(crate) async fn read_out(&self) -> Vec<(String, String, Value)> {
        let tree = self.call("Accessibility.getFullAXTree", &json!({})).await.unwrap_or_default();
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        let nodes = tree["nodes"].as_array().into_iter().flatten().filter(|node| node["ignored"] != true);
        nodes.map(|node| (text(&node["role"]), text(&node["name"]), node["backendDOMNodeId"].clone())).collect()
    }

    /// Clicks the button with this name, wherever it is, once it is there.
    pub(crate) async fn press_read_out(&self, name: &str) {
        let began = Instant::now();
        loop {
            let buttons = self.read_out().await;
            if let Some((.., node)) = buttons.iter().find(|(role, said, _)| role == "button" && said == name)
                && let Some(found) = self.call("DOM.getContentQuads", &json!({ "backendNodeId": node })).await
            {
                let corner = |index: usize| found["quads"][0][index].as_f64().expect("a number");
                let (x, y) = (f64::midpoint(corner(0), corner(4)), f64::midpoint(corner(1), corner(5)));
                for kind in ["mousePressed", "mouseReleased"] {
                    let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
                    self.call("Input.dispatchMouseEvent", &event).await;
                }
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "no button {name}: {buttons:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Closes the window.
    pub(crate) async fn close_window(&self) {
        let _ = self.http.delete(format!("{}/window", self.session)).send().await;
    }

    /// Nothing was refused, and no script failed.
    pub(crate) async fn has_no_complaints(&self) {
        let log = self.post("/se/log", &json!({ "type": "browser" })).await;
        assert_eq!(log, json!([]), "the browser complains");
    }
}
