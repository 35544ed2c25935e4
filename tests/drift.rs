//! `bpconform surface drift`: what differs between two Authors is named, and nothing else.

use std::path::PathBuf;

use crate::support::{Mock, Told, bpconform_with, command, directory, with_credentials};
use serde_json::Value;

/// The command in a separate directory, where a journal would be left.
fn drift_in(folder: &PathBuf, a: &Mock, b: &Mock, more: &[&str]) -> Told {
    let arguments = [&["surface", "drift", a.url("author"), b.url("author")], more].concat();
    let began = std::time::Instant::now();
    let output = command(&arguments).current_dir(folder).envs(a.credentials()).env("NO_PROXY", "*").output();
    let output = output.expect("the command can be started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Told { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), took: began.elapsed() }
}

fn drift(a: &Mock, b: &Mock, more: &[&str]) -> Told {
    let arguments = [&["surface", "drift", a.url("author"), b.url("author")], more].concat();
    with_credentials(a, &arguments)
}

#[test]
fn two_equal_mocks_do_not_drift_and_are_left_as_they_were() {
    let (a, b, folder) = (Mock::start("configured"), Mock::start("configured"), directory("drift-equal"));
    let before = [a.repository(), b.repository()];
    let told = drift_in(&folder, &a, &b, &["--allow", "change"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let compared: usize =
        told.out.lines().last().and_then(|line| line.split(' ').next()?.parse().ok()).expect("a count");
    assert!(compared >= 450, "{}", told.out);
    assert_eq!([a.repository(), b.repository()], before);
    assert!(a.paths("author").iter().any(|request| request.starts_with("POST /content/bpconform-")));
    let left: Vec<_> = std::fs::read_dir(&folder).expect("it is there").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_change_it_only_reads() {
    let (a, b) = (Mock::start("configured"), Mock::start("configured"));
    let told = drift(&a, &b, &[]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    for request in a.paths("author").iter().chain(&b.paths("author")) {
        assert!(request.starts_with("GET "), "{request}");
        assert!(!request.contains(".test.html"), "{request} sends the test package");
    }
}

#[test]
fn a_missing_agent_is_named_with_its_endpoint_in_every_format() {
    let (a, b) = (Mock::start("configured"), Mock::with(&["--seed", "configured", "--defect", "three-agents"]));
    let told = drift(&a, &b, &[]);
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert!(told.out.contains("GET /etc/replication/agents.author.-1.json  (author.agents)"), "{}", told.out);
    assert!(told.out.contains("mp_replication_agent3_default_bpdoc: A object, B absent"), "{}", told.out);
    let markdown = drift(&a, &b, &["--format", "markdown"]);
    assert!(
        markdown.out.contains("| JSON | mp\\_replication\\_agent3\\_default\\_bpdoc | object | absent |"),
        "{}",
        markdown.out
    );
    let json: Value = serde_json::from_str(&drift(&a, &b, &["--format", "json"]).out).expect("JSON");
    let requests = json["requests"].as_array().expect("a list");
    assert!(requests.iter().any(|request| request["endpoint"] == "author.agents"), "{json}");
    assert!(json["unexplained"].as_u64().is_some_and(|count| count > 0), "{json}");
}

#[test]
fn what_is_accepted_is_no_drift_and_what_nothing_needs_is_told() {
    let (a, b) = (Mock::start("configured"), Mock::with(&["--seed", "configured", "--defect", "three-agents"]));
    let file = directory("drift-accepted").join("accepted.toml");
    let text = "[[accepted]]\nreason = \"the fourth is not there\"\nitem = \"*agent3*\"\n\
                [[accepted]]\nreason = \"a reason\"\nrequest = \"GET /nowhere\"\n";
    std::fs::write(&file, text).expect("it can be written");
    let told = drift(&a, &b, &["--accept", file.to_str().expect("UTF-8")]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("the fourth is not there"), "{}", told.out);
    assert!(told.out.contains("accepted, but nothing differs so: a reason"), "{}", told.out);
    std::fs::write(&file, "[[accepted]]\nitem = \"*\"\n").expect("it can be written");
    let told = drift(&a, &b, &["--accept", file.to_str().expect("UTF-8")]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("accepted.toml") && told.err.contains("reason"), "{}", told.err);
}

#[test]
fn who_is_not_reached_or_refuses_the_user_is_named() {
    let (a, b) = (Mock::start("configured"), Mock::start("configured"));
    let told = with_credentials(&a, &["surface", "drift", a.url("author"), "http://127.0.0.1:1"]);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("http://127.0.0.1:1"), "{}", told.err);
    let mut variables = a.credentials();
    variables.extend([
        ("NO_PROXY", "*"),
        ("BPCONFORM_AUTHOR_B_USER", "admin"),
        ("BPCONFORM_AUTHOR_B_PASSWORD", "wrong"),
    ]);
    let told = bpconform_with(&["surface", "drift", a.url("author"), b.url("author")], &variables);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains(b.url("author")) && !told.all().contains("wrong"), "{}", told.all());
}
