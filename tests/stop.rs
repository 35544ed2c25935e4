//! A run that is stopped, by Ctrl-C or by its time limit, ends soon and leaves a record that shows it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::{command, directory, reply, send_signal, serve};
use serde_json::Value;

/// An Author that accepts the login, and never answers anything else; it signals when such a request arrives.
pub(crate) fn slow_author() -> (SocketAddr, mpsc::Receiver<()>) {
    let (asked, waits) = mpsc::channel();
    let address = serve(move |stream| {
        reply(stream, |head| {
            let body = match head.split(' ').nth(1).unwrap_or_default() {
                path if path.contains("login.html") => "<html>QUICKSTART_HOMEPAGE",
                path if path.contains("currentuser.json") => r#"{"authorizableId":"harness"}"#,
                _ => {
                    let _ = asked.send(());
                    std::thread::park_timeout(Duration::from_secs(60));
                    ""
                }
            };
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
        });
    });
    (address, waits)
}

fn record(out: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(out.join("run.json")).expect("it was written")).expect("JSON")
}

fn run(author: SocketAddr, out: &Path, more: &[&str]) -> std::process::Command {
    let url = format!("http://{author}");
    let mut command =
        command(&["run", "--target", "author", "--author-url", &url, "--out", out.to_str().expect("UTF-8")]);
    let credentials = [("BPCONFORM_AUTHOR_USER", "harness"), ("BPCONFORM_AUTHOR_PASSWORD", "a-password-of-tests")];
    command.args(more).envs(credentials);
    command
}

#[test]
fn ctrl_c_ends_a_run_at_once() {
    a_run_ends_at_once_by("-INT");
}

#[test]
fn a_ci_system_that_cancels_a_job_ends_a_run_as_ctrl_c_does() {
    a_run_ends_at_once_by("-TERM");
}

fn a_run_ends_at_once_by(signal: &str) {
    let out = directory(&format!("interrupted{signal}"));
    let began = Instant::now();
    let (author, waits) = slow_author();
    let child = run(author, &out, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    waits.recv_timeout(Duration::from_secs(60)).expect("it waits for an answer that never comes");
    send_signal(&child, signal);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let record = record(&out);
    assert_eq!((&record["complete"], &record["exit_code"]), (&false.into(), &130.into()));
}

#[test]
fn the_time_limit_ends_a_run() {
    let out = directory("time-limit");
    let began = Instant::now();
    let output = run(slow_author().0, &out, &["--timeout", "3"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let record = record(&out);
    assert_eq!(record["complete"], false);
    let mut scenarios = record["scenarios"].as_array().expect("a list").iter();
    assert!(
        scenarios.any(|one| one["verdict"] == "error" && one["reason"].as_str().unwrap_or("").contains("time limit"))
    );
}
