//! The Docker Engine for the tests: whether one is available, the images that are built once for all of them, and what
//! a run left in it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::support::{Told, command};

/// The image of the mocks, built from the binary under test.
pub(super) const MOCKS: &str = "bpconform-mock:test";

/// The same without the label of the mocks: an Author like any other.
pub(super) const AUTHOR: &str = "bpconform-author:test";

/// Why no engine is available; `None` if one is. Determined once; then the images are built.
pub(super) fn missing() -> Option<&'static str> {
    static ENGINE: OnceLock<Option<String>> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| {
        if let Err(why) = docker(&["version", "--format", "{{.Server.Version}}"]) {
            return Some(why.lines().last().unwrap_or("docker prints nothing").to_owned());
        }
        let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/ci/image.sh"))
            .args(["--binary", env!("CARGO_BIN_EXE_bpconform"), MOCKS])
            .output()
            .expect("the script can be started");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        build(AUTHOR, &format!("FROM {MOCKS}\nLABEL org.bpconform.mocks=\"\"\n"));
        // Older images with these names are now unnamed.
        let _ = docker(&["image", "prune", "--force", "--filter", "label=org.bpconform.mocks"]);
        None
    });
    engine.as_deref()
}

/// Whether the test can run; if not, it prints so, bypassing the capture of the test's output. Where CI requires an
/// engine, a missing one is a failure.
pub(super) fn there_is_an_engine(test: &str) -> bool {
    let Some(why) = missing() else { return true };
    assert!(std::env::var_os("DOCKER_IS_REQUIRED").is_none(), "no Docker Engine is available: {why}");
    say(&format!("SKIPPED {test}: no Docker Engine is available: {why}\n"));
    false
}

/// Prints something that the test harness does not capture.
pub(super) fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Runs Docker's own client; returns its output, or the problem.
pub(super) fn docker(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(arguments).output().map_err(|error| format!("docker: {error}"))?;
    text(&output)
}

fn text(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Builds an image from a few lines.
pub(super) fn build(name: &str, dockerfile: &str) {
    let mut child = Command::new("docker")
        .args(["build", "--quiet", "--tag", name, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("docker is there");
    child.stdin.take().expect("it is piped").write_all(dockerfile.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    text(&output).unwrap_or_else(|why| panic!("{name}: {why}"));
}

/// A run over a container that is in progress.
pub(super) struct Going {
    child: Child,
    /// The name of the container, its network and its volumes.
    pub(super) name: String,
    told: String,
    err: BufReader<std::process::ChildStderr>,
    began: Instant,
}

impl Going {
    /// Starts it, and waits until it prints the name of its container.
    pub(super) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = command(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let err = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut going = Self { child, name: String::new(), told: String::new(), err, began: Instant::now() };
        while going.name.is_empty() {
            let read = going.err.read_line(&mut going.told).expect("UTF-8");
            assert!(read > 0, "it ended before it started a container: {}", going.told);
            let line = going.told.lines().last().unwrap_or_default();
            if let Some((_, name)) = line.strip_prefix("starting ").and_then(|rest| rest.rsplit_once(" as ")) {
                going.name = name.to_owned();
            }
        }
        going
    }

    /// Waits until a container of it runs.
    pub(super) fn container(&self) -> &str {
        wait_for("a container that runs", || {
            docker(&["ps", "--quiet", "--filter", &format!("name={}", self.name)]).is_ok_and(|ids| !ids.is_empty())
        });
        &self.name
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: &str) {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill is there");
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> (Told, String) {
        let mut out = self.child.stdout.take().expect("it is piped");
        // Both at once: an unread pipe would block it.
        let out = std::thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).map(|_| text)
        });
        self.err.read_to_string(&mut self.told).expect("UTF-8");
        let code = self.child.wait().expect("it ends").code();
        let out = out.join().expect("it reads").expect("UTF-8");
        (Told { code, out, err: self.told, took: self.began.elapsed() }, self.name)
    }
}

/// Runs the command over a container to its end, and makes sure that nothing of it is left.
pub(super) fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Told {
    let (told, name) = Going::start(arguments, variables).end();
    assert_nothing_left(&name);
    told
}

/// Neither a container nor a network nor a volume is left of a run.
pub(super) fn assert_nothing_left(name: &str) {
    assert_eq!(left(name), "", "{name} left something");
}

/// What is left of a run.
pub(super) fn left(name: &str) -> String {
    let filter = format!("name={name}");
    let list = |arguments: &[&str]| docker(&[arguments, &["--quiet", "--filter", &filter]].concat()).expect("a list");
    [list(&["ps", "--all"]), list(&["network", "ls"]), list(&["volume", "ls"])].concat()
}

/// Waits until a condition is true.
pub(super) fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a number of scenarios of a run have ended.
pub(super) fn wait_for_scenarios(out: &Path, count: usize) {
    let part = out.join("run.part.jsonl");
    // The first line is the plan.
    wait_for("scenarios that have ended", || {
        std::fs::read_to_string(&part).is_ok_and(|text| text.lines().count() > count)
    });
}
