//! The matrix of faults: no step accepts a fault as an answer.

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Mock, bpconform, bpconform_with, command, sample};

/// The time limit for all steps and all faults, in a debug build on a busy machine.
const LIMIT: Duration = Duration::from_secs(900);

/// The most memory that the process may need at any time, its mocks included, in MB.
const MEMORY: u64 = 256;

#[test]
fn every_step_reports_every_fault_as_an_error_that_names_the_request() {
    let faults = sample("faults", bpconform_mocks::faults::Fault::ALL.iter().map(|fault| fault.id).collect(), 6);
    let named: Vec<_> = ["selftest"].into_iter().chain(faults.iter().flat_map(|fault| ["--wire", *fault])).collect();
    let (code, out) = within(LIMIT, &named);
    // Bypasses the capture of the test harness: the table is to be read.
    let _ = std::io::stdout().write_all(format!("\n{out}\n").as_bytes());
    assert_eq!(code, Some(0), "a cell is not as it must be, see the table");
    let summary = out.lines().last().expect("a summary");
    let count = |after: &str| {
        let number = summary.split_once(after).and_then(|(before, _)| before.rsplit(' ').next());
        number.and_then(|number| number.parse::<u64>().ok()).unwrap_or_else(|| panic!("{after}: {summary}"))
    };
    assert!(count(" steps") >= 175 && count(" faults") == faults.len() as u64, "{summary}");
    assert!(count(" rightly otherwise") < 40, "an exception is too broad: {summary}");
    for none in ["without the request", "passed", "failed", "skipped", "panics", "hangs", "not reached"] {
        assert_eq!(count(&format!(" {none}")), 0, "{summary}");
    }
    if cfg!(target_os = "linux") {
        assert!(count(" MB") < MEMORY, "{summary}");
    }
}

/// Runs the command; one that hangs is ended and fails the test.
fn within(limit: Duration, arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = command(arguments).stdout(Stdio::piped()).spawn().expect("the command can be started");
    let mut stdout = child.stdout.take().expect("it is piped");
    let (told, all) = mpsc::channel();
    std::thread::spawn(move || {
        let mut out = String::new();
        let _ = stdout.read_to_string(&mut out);
        let _ = told.send(out);
    });
    let out = all.recv_timeout(limit);
    if out.is_err() {
        child.kill().expect("it runs");
    }
    let code = child.wait().expect("it ends").code();
    (code, out.unwrap_or_else(|_| panic!("{arguments:?} did not end within {limit:?}")))
}

#[test]
fn one_fault_can_be_tried_by_itself() {
    let told = bpconform(&["selftest", "--wire", "html-page", "--json"]);
    let matrix: Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!((told.code, &matrix["faults"][0][0]), (Some(0), &"html-page".into()), "{}", told.err);
    let cells: Vec<&Value> = matrix["cells"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row[0])
        .filter(|cell| cell["fate"] == "error")
        .collect();
    assert!(cells.len() >= 170, "{} cells", cells.len());
    let named = |cell: &&Value| cell["reason"].as_str().is_some_and(|reason| reason.contains("http://"));
    assert!(cells.iter().all(named), "{cells:?}");
}

#[test]
fn an_unknown_fault_is_wrong_usage_and_the_help_lists_all() {
    for command in ["selftest", "mock"] {
        let told = bpconform(&[command, "--wire", "rest"]);
        assert_eq!(told.code, Some(2), "{}", told.err);
        assert!(told.err.contains("'reset'"), "{}", told.err);
        let help = bpconform(&[command, "--help"]).out;
        for fault in bpconform_mocks::faults::Fault::ALL {
            assert!(help.contains(fault.id) && help.contains(fault.says), "{}: {help}", fault.id);
        }
    }
}

/// What a run reports for an Author with that fault.
fn checked(fault: &str, more: &[&str]) -> String {
    let mock = Mock::with(&["--seed", "configured", "--wire", fault]);
    let url = mock.url("author");
    let target = ["run", "--target", "author", "--author-url", url, "--request-timeout", "1", "--retries", "0"];
    let told = bpconform_with(&[&target[..], more].concat(), &mock.credentials());
    assert_eq!(told.code, Some(3), "{fault}: {}", told.all());
    assert!(told.err.contains(&format!("GET {url}")), "{fault}: {}", told.err);
    told.err
}

#[test]
fn a_mock_can_be_served_with_a_fault() {
    assert!(checked("reset", &[]).contains("reset"));
    assert!(checked("gzip-bomb", &[]).contains("the answer is larger than 16 MiB"));
    assert!(checked("silence", &[]).contains("no whole answer within 1 s"));
    assert!(checked("tls-alert", &["--insecure"]).contains("https://"));
}
