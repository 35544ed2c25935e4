//! Apache Sling for the tests: whether it can be had, and one that all tests share, each in its turn.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Told, bpconform_with, command, send};

/// The script that starts one.
const START: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sling/start");

/// The status of the script when Maven or a JDK is missing, or Maven Central is not reached.
const CANNOT_BE_HAD: i32 = 77;

/// What the stand-ins serve where a real AEM's requests are not known.
const SURFACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sling/surfaces.toml");

/// The most nodes that a JSON answer of an Author holds.
const JSON_LIMIT: u32 = 1000;

/// `admin:admin`, as HTTP sends it.
const ADMIN: &str = "Basic YWRtaW46YWRtaW4=";

/// `stranger:stranger`.
const STRANGER: &str = "Basic c3RyYW5nZXI6c3RyYW5nZXI=";

/// A real Sling, with mocked IMS, console and tenant.
pub(super) struct Sling {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    /// What the script printed last.
    pub(super) serving: Value,
}

/// The script with nothing of ours in its environment but the program under test.
fn script(arguments: &[&str]) -> Command {
    let mut command = Command::new(START);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BPCONFORM_") {
            command.env_remove(&name);
        }
    }
    command.args(arguments).env("BPCONFORM", env!("CARGO_BIN_EXE_bpconform"));
    command
}

/// Why Sling is not available; `None` if it is. Fetched once.
fn missing() -> Option<&'static str> {
    static FETCHED: OnceLock<Option<String>> = OnceLock::new();
    let fetched = FETCHED.get_or_init(|| {
        let output = script(&["--fetch-only"]).stdin(Stdio::null()).output().expect("the script can be started");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || output.status.code() == Some(CANNOT_BE_HAD), "{err}");
        let why = || err.lines().last().unwrap_or("it cannot be fetched").to_owned();
        (!output.status.success()).then(why)
    });
    fetched.as_deref()
}

/// Whether the test can be made; if not, it says so, past the capture of the test's output. Where CI asks for a Sling,
/// there must be one.
pub(super) fn there_is_a_sling(test: &str) -> bool {
    let Some(why) = missing() else { return true };
    assert!(std::env::var_os("SLING_IS_REQUIRED").is_none(), "Apache Sling is not available: {why}");
    let told = format!("NOT TESTED: {test}: Apache Sling is not available: {why}\n");
    let _ = std::io::stderr().lock().write_all(told.as_bytes());
    false
}

/// The Sling that the tests share, in the state of the seed `configured`. A test has it to itself.
pub(super) fn shared(test: &str) -> Option<MutexGuard<'static, Sling>> {
    static SHARED: OnceLock<Mutex<Sling>> = OnceLock::new();
    if !there_is_a_sling(test) {
        return None;
    }
    let sling = SHARED.get_or_init(|| Mutex::new(Sling::start(&[])));
    let sling = sling.lock().unwrap_or_else(PoisonError::into_inner);
    sling.reset();
    // Its servlet for JSON comes back a moment after each change of its configuration.
    for path in ["/etc/replication/agents.author.-1.json", "/etc/cloudservices/mediaportal.-1.json"] {
        sling.wait_for(200, path);
    }
    Some(sling)
}

impl Sling {
    /// Starts one and waits until it is ready.
    pub(super) fn start(flags: &[&str]) -> Self {
        let mut sling = Self::starting(flags);
        sling.next_line();
        sling
    }

    /// Starts one; what it prints is read by `next_line`.
    pub(super) fn starting(flags: &[&str]) -> Self {
        // The script ends when this process does, however it ends: then its standard input is closed.
        let mut child = script(&["--until-eof"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the script can be started");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, out, serving: Value::Null }
    }

    /// Waits for the next line that the script prints.
    pub(super) fn next_line(&mut self) {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("UTF-8");
        assert!(!line.is_empty(), "Apache Sling did not start");
        self.serving = serde_json::from_str(&line).expect("one JSON object on one line");
    }

    /// The base address of a system.
    pub(super) fn url(&self, system: &str) -> &str {
        self.serving[system].as_str().expect("an address")
    }

    /// What the systems accept, as variables, with this user of the Author.
    pub(super) fn credentials<'a>(&'a self, user: &'a str) -> Vec<(&'a str, &'a str)> {
        let all = self.serving["credentials"].as_object().expect("an object").iter();
        let all = all.map(|(name, value)| (name.as_str(), value.as_str().expect("a text")));
        let others = all.filter(|(name, _)| !name.starts_with("BPCONFORM_AUTHOR_"));
        // The password of each user is the same word.
        others
            .chain([("BPCONFORM_AUTHOR_USER", user), ("BPCONFORM_AUTHOR_PASSWORD", user), ("NO_PROXY", "*")])
            .collect()
    }

    /// `bpconform run` against it, at this address of the Author.
    pub(super) fn command(&self, author: &str, user: &str, more: &[&str]) -> Command {
        let mut run = command(&["run", "--target", "author", "--surfaces", SURFACES, "--author-url", author]);
        run.args(["--console-url", self.url("console")]);
        for (flag, mocked, system) in [("--ims-url", "--ims", "ims"), ("--tenant-url", "--tenant", "tenant")] {
            if !more.contains(&mocked) {
                run.args([flag, self.url(system)]);
            }
        }
        run.args(more).envs(self.credentials(user));
        run
    }

    /// Runs `bpconform run --target author` against it as this user.
    pub(super) fn run_as(&self, user: &str, more: &[&str]) -> Told {
        let began = Instant::now();
        told(&self.command(self.url("author"), user, more).output().expect("it starts"), began)
    }

    /// Carries out what a run did not.
    pub(super) fn clean(&self, journal: &str) -> Told {
        self.clean_with(&[journal])
    }

    pub(super) fn clean_with(&self, arguments: &[&str]) -> Told {
        bpconform_with(&[&["clean"], arguments].concat(), &self.credentials("admin"))
    }

    /// Has a JSON answer hold only so many nodes.
    pub(super) fn with_json_limit(&self, most: u32) -> Restored<'_> {
        let configure = |most: u32| {
            format!(
                "apply=true&action=ajaxConfigManager&propertylist=json.maximumresults,enable.html,enable.txt,enable.xml\
                 &json.maximumresults={most}&enable.html=false&enable.txt=false&enable.xml=false"
            )
        };
        let path = "/system/console/configMgr/org.apache.sling.servlets.get.DefaultGetServlet";
        let restored = Restored { sling: self, path: path.to_owned(), form: configure(JSON_LIMIT) };
        self.ask("POST", path, &configure(most));
        // The configuration takes effect some time after the answer.
        self.wait_for(300, "/etc/replication/agents.author.-1.json");
        restored
    }

    /// Stops a bundle.
    pub(super) fn with_bundle_stopped(&self, name: &str) -> Restored<'_> {
        let path = format!("/system/console/bundles/{name}");
        self.ask("POST", &path, "action=stop");
        Restored { sling: self, path, form: "action=start".to_owned() }
    }

    /// Waits until a read is answered with this status.
    fn wait_for(&self, status: u16, path: &str) {
        let (began, expected) = (Instant::now(), format!("HTTP/1.1 {status} "));
        while !self.ask("GET", path, "").starts_with(&expected) {
            assert!(began.elapsed() < Duration::from_secs(10), "{path} is not answered with {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a request as the administrator; the whole answer.
    pub(super) fn ask(&self, method: &str, path: &str, form: &str) -> String {
        ask_at(self.url("author"), method, path, form)
    }

    /// Reads as the user without rights; the whole answer.
    pub(super) fn ask_as_stranger(&self, path: &str) -> String {
        let (address, context) = parts(self.url("author"));
        send(address, &format!("GET {context}{path} HTTP/1.0\r\nAuthorization: {STRANGER}\r\n"), "")
    }

    /// Logs in by the form, as a browser does; the whole answer.
    pub(super) fn log_in(&self, user: &str) -> String {
        let form = format!("j_username={user}&j_password={user}");
        let (address, context) = parts(self.url("author"));
        let head = format!(
            "POST {context}/libs/granite/core/content/login.html/j_security_check HTTP/1.0\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            form.len()
        );
        send(address, &head, &form)
    }

    /// Whatever was changed, it is again as it was when it started.
    pub(super) fn reset(&self) {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("from", self.url("mocked_author"))
            .append_pair("secret", self.serving["credentials"]["BPCONFORM_IMS_CLIENT_SECRET"].as_str().expect("a text"))
            .finish();
        let answer = self.ask("POST", "/bin/stand-ins/copy", &form);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// The whole repository: the properties of each node by its path.
    pub(super) fn repository(&self) -> Value {
        let answer = self.ask("GET", "/bin/stand-ins/dump", "");
        let (head, body) = answer.split_once("\r\n\r\n").expect("headers and a body");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {head}"))
    }
}

/// Sends a request to the Author at that address as the administrator; the whole answer.
pub(super) fn ask_at(author: &str, method: &str, path: &str, form: &str) -> String {
    let (address, context) = parts(author);
    let head = format!(
        "{method} {context}{path} HTTP/1.0\r\nAuthorization: {ADMIN}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
        form.len()
    );
    send(address, &head, form)
}

/// An address without its context path, and that path.
fn parts(author: &str) -> (&str, &str) {
    author.match_indices('/').nth(2).map_or((author, ""), |(at, _)| author.split_at(at))
}

/// Puts back what a test changed of a Sling itself, however the test ends.
pub(super) struct Restored<'a> {
    sling: &'a Sling,
    path: String,
    form: String,
}

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        self.sling.ask("POST", &self.path, &self.form);
        self.sling.wait_for(200, "/etc/replication/agents.author.-1.json");
    }
}

/// The outcome of a process.
pub(super) fn told(output: &std::process::Output, began: Instant) -> Told {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Told { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr), took: began.elapsed() }
}

impl Drop for Sling {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = self.out.read_to_string(&mut String::new());
    }
}

/// What differs between two states of a repository, a line for each property and node.
pub(super) fn differences(before: &Value, after: &Value) -> String {
    let mut text = String::new();
    let (before, after) = (before.as_object().expect("an object"), after.as_object().expect("an object"));
    for path in before.keys().filter(|path| !after.contains_key(*path)) {
        let _ = writeln!(text, "- {path}");
    }
    for (path, node) in after {
        let Some(old) = before.get(path).and_then(Value::as_object) else {
            let _ = writeln!(text, "+ {path}");
            continue;
        };
        let node = node.as_object().expect("an object");
        let names = old.keys().chain(node.keys().filter(|name| !old.contains_key(*name)));
        for name in names.filter(|name| old.get(*name) != node.get(*name)) {
            let of = |all: &serde_json::Map<String, Value>| all.get(name).cloned().unwrap_or_default();
            let _ = writeln!(text, "~ {path} {name}: {} -> {}", of(old), of(node));
        }
    }
    text
}

/// What FileVault cannot put back: Oak sets and protects them.
const PROTECTED: [&str; 2] = [" jcr:created: ", " jcr:createdBy: "];

/// FileVault keeps a plain file as its bytes and type; Oak gives the resource a new identifier and time.
const OF_FILES: [&str; 2] = ["/store.p12/jcr:content jcr:uuid: ", "/store.p12/jcr:content jcr:lastModified: "];

/// The folder of the lock, which stays empty: another run may be about to take the lock in it.
const LOCKS: &str = "+ /var/bpconform";

/// Fails when something is different that could be as before.
pub(super) fn expect_as_before(different: &str) {
    let known = |line: &str| line == LOCKS || PROTECTED.iter().chain(&OF_FILES).any(|name| line.contains(name));
    let different: Vec<_> = different.lines().filter(|line| !known(line)).collect();
    assert!(different.is_empty(), "not as before:\n{}", different.join("\n"));
}
