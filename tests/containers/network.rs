//! The network between harness, Author and tenant is cut during a run: the verdict is right, and names the side.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use super::engine::{AUTHOR, Going, MOCKS, assert_nothing_left, docker, say, there_is_an_engine, wait_for_scenarios};
use super::{LOGIN, out, over, record};
use serde_json::Value;

/// Ports that are free now, below the ephemeral ones of the system; no two tests get the same.
pub(super) fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = 10_000 + u16::try_from(std::process::id() % 1_500).expect("it is small");
    let next = || begin + NEXT.fetch_add(1, Ordering::Relaxed);
    let free = std::iter::repeat_with(next).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.take(COUNT).collect::<Vec<_>>().try_into().expect("there are some")
}

fn scenarios<'a>(record: &'a Value, verdict: &str) -> Vec<&'a Value> {
    let all = record["scenarios"].as_array().expect("a list").iter();
    all.filter(|one| one["verdict"] == verdict).collect()
}

#[test]
fn an_author_that_cannot_be_reached_any_more_could_not_be_judged() {
    if !there_is_an_engine("an_author_that_cannot_be_reached_any_more_could_not_be_judged") {
        return;
    }
    let out = out("container-cut-off");
    let more = ["--allow", "change", "--out", &out, "--request-timeout", "1"];
    let going = Going::start(&over(MOCKS, &more), &[]);
    wait_for_scenarios(Path::new(&out), 5);
    docker(&["network", "disconnect", "--force", &going.name, going.container()]).expect("it is connected");
    let (told, name) = going.end();
    assert_eq!(told.code, Some(3), "{}", told.all());
    let record = record(&out);
    assert_eq!(record["summary"]["scenarios"]["failed"], 0, "inconclusive, without blaming a side: {}", told.out);
    let errors = scenarios(&record, "error");
    assert!(!errors.is_empty());
    for scenario in errors {
        assert!(scenario["reason"].as_str().is_some_and(|reason| reason.contains("answer")), "{}", scenario["reason"]);
    }
    assert_nothing_left(&name);
}

#[test]
fn an_author_that_cannot_reach_its_tenant_fails_and_the_tenant_is_named() {
    if !there_is_an_engine("an_author_that_cannot_reach_its_tenant_fails_and_the_tenant_is_named") {
        return;
    }
    let [tenant] = free_ports();
    let port = tenant.to_string();
    let (environment, url) = (format!("BPCONFORM_TENANT_PORT={port}"), format!("http://bpdoc.localhost:{port}"));
    let out = out("container-tenant-cut-off");
    let more = ["--allow", "probe", "--out", &out, "--publish", &port, "--container-env", &environment];
    let target = ["--tenant-url", &url, "--jobs", "1", "--name", "Test Connection|tenant URL"];
    let going = Going::start(&over(AUTHOR, &[&more[..], &target].concat()), &LOGIN);
    if let Err(why) = cut(going.container(), &port) {
        going.signal("-INT");
        going.end();
        say(&format!("SKIPPED the cut between Author and tenant: {why}\n"));
        return;
    }
    let (told, name) = going.end();
    assert_eq!(told.code, Some(1), "{}", told.all());
    let record = record(&out);
    assert_eq!(record["summary"]["scenarios"]["error"], 0, "the harness reaches both: {}", told.out);
    let failed = scenarios(&record, "failed");
    assert!(!failed.is_empty(), "{}", told.out);
    for scenario in failed {
        // The address stands in the transcript's lines or in the reason itself.
        let said = format!("{} {}", scenario["reason"], scenario["lines"]);
        assert!(said.contains(&format!("bpdoc.localhost:{port}")), "which side was it? {said}");
    }
    assert!(!scenarios(&record, "passed").is_empty(), "the tenant answers the harness: {}", told.out);
    assert_nothing_left(&name);
}

/// Cuts the connection from the Author in a container to its tenant, and not that of the harness.
fn cut(container: &str, port: &str) -> Result<(), String> {
    let process = docker(&["inspect", "--format", "{{.State.Pid}}", container])?;
    let rule = ["INPUT", "-i", "lo", "-p", "tcp", "--dport", port, "-j", "REJECT", "--reject-with", "tcp-reset"];
    let cut = Command::new("nsenter")
        .args(["--target", &process, "--net", "iptables", "--insert"])
        .args(rule)
        .output()
        .map_err(|error| format!("nsenter: {error}"))?;
    let said = String::from_utf8_lossy(&cut.stderr).trim().to_owned();
    if cut.status.success() { Ok(()) } else { Err(said) }
}
