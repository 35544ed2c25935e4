//! Retries hide nothing: a scenario that passes only in a retry is flaky, is reported as such everywhere, and is red
//! with `--strict`.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, Told, bpconform, directory, with_credentials};

/// Checks that the Author is up, where a number of the requests for its run modes are answered wrongly.
fn check(name: &str, wrong: usize, answer: &'static str, more: &[&str]) -> (Told, Value, String) {
    let (mock, folder) = (Mock::start("configured"), directory(name));
    let asked = AtomicUsize::new(0);
    let proxy = Proxy::start(mock.url("author"), move |request| {
        let run_modes = request.contains("status-slingsettings");
        if run_modes && asked.fetch_add(1, Ordering::SeqCst) < wrong { Act::Answer(answer) } else { Act::Pass }
    });
    let out = folder.to_str().expect("UTF-8");
    let flags = [
        "run",
        "--target",
        "author",
        "--author-url",
        &proxy.url,
        "--tenant-url",
        mock.url("tenant"),
        "--requirement",
        "BP-PRE-01",
        "--out",
        out,
    ];
    let told = with_credentials(&mock, &[&flags[..], more].concat());
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).expect("it was written");
    (told, serde_json::from_str(&read("run.json")).expect("JSON"), read("junit.xml"))
}

const BROKEN: &str = "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops";
/// An instance that is not an Author. The run modes are read by this scenario alone: what a run reads twice, such as the
/// agents, would be reported as two Authors in turn.
const PUBLISH: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 52\r\nConnection: close\r\n\r\n\
     [\"Apache Sling Settings\",\"\",\"Run Modes = [publish]\"]";

#[test]
fn what_passes_only_when_tried_again_is_flaky() {
    let (told, record, junit) = check("retries-flaky", 1, BROKEN, &["--retry", "2", "--quiet"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("flaky, attempt 1 error: ") && told.out.contains("1 passed (1 flaky)"), "{}", told.out);
    let scenario = &record["scenarios"][0];
    assert_eq!((&scenario["verdict"], &scenario["attempts"][0]["verdict"]), (&"passed".into(), &"error".into()));
    assert_eq!((&record["summary"]["flaky"], &record["plan"]["retries"]), (&1.into(), &2.into()));
    let reason = record["requirements"].as_array().expect("a list").iter().find(|one| one["id"] == "BP-PRE-01");
    let reason = reason.expect("it is there")["reason"].as_str().expect("a reason");
    assert_eq!(reason, "1 of 1 scenarios passed only on a retry");
    assert!(junit.contains("<flakyError") && !junit.contains("<failure"), "{junit}");
}

#[test]
fn strict_is_as_red_as_the_earlier_attempts() {
    let (told, record, _) = check("retries-strict-error", 1, BROKEN, &["--retry", "1", "--strict"]);
    assert_eq!((told.code, &record["exit_code"]), (Some(3), &3.into()), "{}", told.all());
    let (told, record, junit) = check("retries-strict-failed", 1, PUBLISH, &["--retry", "1", "--strict"]);
    assert_eq!((told.code, &record["outcome"]), (Some(1), &"fails".into()), "{}", told.all());
    assert!(junit.contains("<failure message=\"flaky: it passed only when it was tried again; "), "{junit}");
}

#[test]
fn what_is_red_for_being_flaky_is_so_for_a_baseline_and_a_comparison_too() {
    let strict = ["--retry", "1", "--strict"];
    let (told, ..) = check("retries-sound", 0, PUBLISH, &strict);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let (told, ..) = check("retries-flaky-again", 1, PUBLISH, &strict);
    assert_eq!(told.code, Some(1), "{}", told.all());
    let [sound, flaky] = ["retries-sound", "retries-flaky-again"].map(kept);
    let told = bpconform(&["diff", &sound, &flaky]);
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert!(told.out.contains("BP-PRE-01  passed → failed"), "{}", told.out);
    let (empty, known) = (format!("{sound}/empty.toml"), format!("{sound}/known.toml"));
    std::fs::write(&empty, "").expect("written");
    let told = bpconform(&["baseline", "--check", &empty, &flaky]);
    assert_eq!(told.code, Some(5), "{}", told.all());
    std::fs::write(&known, bpconform(&["baseline", &flaky]).out).expect("written");
    let told = bpconform(&["baseline", "--check", &known, &flaky]);
    assert!(told.out.contains("as expected, 1 known"), "{}", told.all());
}

/// Where the record of that check is.
fn kept(name: &str) -> String {
    format!("{}/{name}-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id())
}

#[test]
fn a_scenario_that_never_passes_shows_each_attempt() {
    let (told, record, junit) = check("retries-never", 9, PUBLISH, &["--retry", "2"]);
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert_eq!(record["scenarios"][0]["attempts"].as_array().map(Vec::len), Some(2));
    assert!(junit.contains("<failure") && junit.contains("<rerunFailure"), "{junit}");
    let (told, record, _) = check("retries-none", 1, BROKEN, &["--strict"]);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(record["scenarios"][0]["attempts"].is_null());
}
