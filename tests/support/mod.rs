//! The command as a process, for tests: started with a clean environment, its output filtered for snapshots.

pub(crate) mod browser;
pub(crate) mod gateway;
pub(crate) mod proxy;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::TcpSocket;

/// The outcome of a process.
#[derive(Debug)]
pub(crate) struct Told {
    /// The exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    /// The standard output.
    pub(crate) out: String,
    /// The standard error.
    pub(crate) err: String,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Told {
    /// Exit code, stdout and stderr as one text for a snapshot.
    pub(crate) fn all(&self) -> String {
        format!("exit {:?}\n--- stdout\n{}--- stderr\n{}", self.code, self.out, self.err)
    }
}

/// The command without any variable of ours in its environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bpconform"));
    // The CI job that runs these tests must not influence them.
    let others = ["CI_", "GITHUB_", "GITLAB_", "JENKINS_", "CIRCLE", "BUILDKITE", "JOB_COMPLETION"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("BPCONFORM_") || others.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    // The state that a run keeps must not end up in the user's home directory.
    command.env("XDG_STATE_HOME", PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("state"));
    command.args(arguments).env("NO_COLOR", "1").env_remove("RUST_BACKTRACE").env("COLUMNS", "100");
    command
}

/// Runs the command to its end.
pub(crate) fn bpconform(arguments: &[&str]) -> Told {
    bpconform_with(arguments, &[])
}

/// Runs the command to its end with these variables.
pub(crate) fn bpconform_with(arguments: &[&str], variables: &[(&str, &str)]) -> Told {
    let began = Instant::now();
    let output = command(arguments).envs(variables.iter().copied()).output().expect("the command can be started");
    Told {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        err: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        took: began.elapsed(),
    }
}

/// Runs the command to its end with the credentials of a mock, without the proxy of this machine.
pub(crate) fn with_credentials(mock: &Mock, arguments: &[&str]) -> Told {
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    bpconform_with(arguments, &variables)
}

/// The number of requirements of AEM 6.5, the product of the embedded mocks.
pub(crate) fn requirements() -> usize {
    let all = bpconform_fixtures::Requirements::built_in().all.iter();
    all.filter(|one| one.holds_for(&[bpconform_fixtures::Product::Aem65])).count()
}

/// A new directory for a test.
pub(crate) fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("the target directory can be written");
    directory
}

/// Whether the tests try all that they can, as in `.ci/run`; otherwise what takes minutes is tried as a sample.
pub(crate) fn tries_all() -> bool {
    std::env::var_os("BPCONFORM_TEST_WHOLE").is_some()
}

/// All of them, or a sample of so many, evenly spread and the same each time.
pub(crate) fn sample<T>(what: &str, all: Vec<T>, few: usize) -> Vec<T> {
    let many = all.len();
    if tries_all() || many <= few {
        return all;
    }
    report_sample(what, few, many);
    // Of each of as many equal parts the first.
    let part = |index: usize| index * few / many;
    all.into_iter()
        .enumerate()
        .filter(|(index, _)| *index == 0 || part(*index) != part(index - 1))
        .map(|(_, it)| it)
        .collect()
}

/// Whether a test is left out here, since it takes long and others show nearly the same; says so.
pub(crate) fn is_left_out(what: &str) -> bool {
    if !tries_all() {
        report_sample(what, 0, 1);
    }
    !tries_all()
}

/// Prints what a sample has left out. Bypasses the capture of the test harness, so that it is visible.
pub(crate) fn report_sample(what: &str, few: usize, many: usize) {
    let text = format!("SAMPLE: {few} of {many} {what}; all with BPCONFORM_TEST_WHOLE=1\n");
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Replaces what differs from run to run: times, ports, paths of this machine.
pub(crate) fn filtered(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"\b\d+(\.\d+)? (ms|s)\b", "[time]");
    // An additional requirement does not change these snapshots.
    settings.add_filter(r"\b\d+ (requirements have no scenario in this run|unproven)", "[others] $1");
    settings.add_filter(r"(, )\d+ not applicable", "$1[others] not applicable");
    settings.add_filter(r"of \d+ proved", "of [all] proved");
    settings.add_filter(r"(127\.0\.0\.1|localhost):\d+", "$1:[port]");
    settings.add_filter(env!("CARGO_TARGET_TMPDIR"), "[tmp]");
    settings.add_filter(r"\[tmp\]/([a-z-]+)-\d+", "[tmp]/$1");
    settings.add_filter(env!("CARGO_PKG_VERSION"), "[version]");
    settings.bind(check);
}

/// The mocked stack in a separate process.
pub(crate) struct Mock {
    child: Child,
    /// The output of `--json`.
    pub(crate) serving: Value,
}

impl Mock {
    /// Starts it in that state and waits until it serves.
    pub(crate) fn start(seed: &str) -> Self {
        Self::with(&["--seed", seed])
    }

    /// Starts it with these flags and waits until it serves.
    pub(crate) fn with(flags: &[&str]) -> Self {
        let arguments: Vec<_> = ["mock", "--json"].iter().chain(flags).copied().collect();
        let mut child = command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the command can be started");
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("it prints its addresses");
        let serving = serde_json::from_str(&line).expect("one JSON object on one line");
        Self { child, serving }
    }

    /// The base address of a system.
    pub(crate) fn url(&self, system: &str) -> &str {
        self.serving[system].as_str().expect("an address")
    }

    /// The credentials as variables.
    pub(crate) fn credentials(&self) -> Vec<(&str, &str)> {
        let all = self.serving["credentials"].as_object().expect("an object");
        all.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("a text"))).collect()
    }

    /// Runs `bpconform run --target author` against it.
    pub(crate) fn run(&self, more: &[&str]) -> Told {
        let target = [
            ("--author-url", self.url("author")),
            ("--ims-url", self.url("ims")),
            ("--tenant-url", self.url("tenant")),
            ("--console-url", self.url("console")),
        ];
        let flags = target.iter().flat_map(|(flag, url)| [*flag, *url]);
        let arguments: Vec<_> =
            ["run", "--target", "author"].into_iter().chain(flags).chain(more.iter().copied()).collect();
        bpconform_with(&arguments, &self.credentials())
    }

    /// How many requests a system received, by method.
    pub(crate) fn requests(&self, system: &str) -> Value {
        serde_json::from_str::<Value>(&get(self.url(system), "/__bpconform/requests")).expect("JSON")["counts"].take()
    }

    /// The paths of the requests that a system received.
    pub(crate) fn paths(&self, system: &str) -> Vec<String> {
        requests(self.url(system))
    }

    /// The Author's whole repository.
    pub(crate) fn repository(&self) -> Value {
        serde_json::from_str(&get(self.url("author"), "/__bpconform/repository")).expect("JSON")
    }

    /// Interrupts it as Ctrl-C does and gives its exit code back.
    #[cfg(unix)]
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        interrupt(&self.child);
        self.child.wait().expect("it ends").code()
    }
}

/// Interrupts a process as Ctrl-C does.
#[cfg(unix)]
pub(crate) fn interrupt(child: &Child) {
    send_signal(child, "-INT");
}

/// Sends a process a signal.
#[cfg(unix)]
pub(crate) fn send_signal(child: &Child, signal: &str) {
    Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill is there");
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The requests that a system of the mock received: method and path of each.
pub(crate) fn requests(base: &str) -> Vec<String> {
    let journal: Value = serde_json::from_str(&get(base, "/__bpconform/requests")).expect("JSON");
    let requests = journal["requests"].as_array().expect("a list").iter();
    let text = |request: &Value, word: &str| request[word].as_str().unwrap_or_default().to_owned();
    requests.map(|request| format!("{} {}", text(request, "method"), text(request, "path"))).collect()
}

/// The body of a GET, over plain HTTP/1.0, so that the test needs no HTTP client.
pub(crate) fn get(base: &str, path: &str) -> String {
    let answer = send(base, &format!("GET {path} HTTP/1.0\r\n"), "");
    answer.split_once("\r\n\r\n").expect("headers and a body").1.to_owned()
}

/// Sends a form to the mocked Author as its administrator; the answer's first line.
pub(crate) fn post(mock: &Mock, path: &str, form: &str) -> String {
    // admin:admin, as AEM has it out of the box.
    let head = format!(
        "POST {path} HTTP/1.0\r\nAuthorization: Basic YWRtaW46YWRtaW4=\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
        form.len()
    );
    send(mock.url("author"), &head, form).lines().next().unwrap_or_default().to_owned()
}

/// Sends a request with this head and body over plain HTTP/1.0; the whole answer.
pub(crate) fn send(base: &str, head: &str, body: &str) -> String {
    let address = base.trim_start_matches("http://");
    let port = address.rsplit(':').next().expect("a port");
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    write!(stream, "{head}Host: {address}\r\n\r\n{body}").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// An address of this machine that refuses connections, and the socket that keeps others from listening there.
pub(crate) fn refusing() -> (SocketAddr, TcpSocket) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    (socket.local_addr().expect("it is bound"), socket)
}

/// Serves every connection with this function, until the test ends.
pub(crate) fn serve(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = std::sync::Arc::clone(&answer);
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

/// Reads a request's head and answers with these bytes.
pub(crate) fn reply(mut stream: TcpStream, bytes: impl FnOnce(&str) -> Vec<u8>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let _ = stream.write_all(&bytes(&String::from_utf8_lossy(&head)));
}

/// The files of a ZIP file, by name.
pub(crate) fn unzipped(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a ZIP file");
    let mut files = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).expect("an entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("it can be read");
        files.push((entry.name().expect("UTF-8").into_owned(), bytes));
    }
    files
}
