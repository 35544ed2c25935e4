//! A run that changes an Author holds a lock on it: two at once would each keep what the other has half deleted.

use std::process::Stdio;

use serde_json::Value;

use crate::changes::{all_learned, clean, run, told};
use crate::support::{Mock, directory, post, with_credentials};

const LOCK: &str = "/var/bpconform/lock";

fn lock(repository: &Value) -> &Value {
    &repository["var"]["bpconform"]["lock"]
}

/// Locks the Author as a run of another machine would have.
fn lock_by_another(mock: &Mock, until: &str) {
    let form = format!("node=x&run=other00&host=ci-7&process=42&since=2026-01-01T00%3A00%3A00Z&until={until}");
    let answer = post(mock, LOCK, &form);
    assert!(answer.contains(" 201 "), "{answer}");
}

const CHANGES: [&str; 3] = ["--requirement", "BP-UPG-04", "--replace-configuration"];

#[test]
fn a_locked_author_is_not_changed_and_the_holder_is_named() {
    let (mock, folder) = (Mock::start("configured"), directory("lock-held"));
    let learned = all_learned(&folder);
    lock_by_another(&mock, "2999-01-01T00%3A00%3A00Z");
    let before = mock.repository();
    let output = run(&mock, mock.url("author"), &learned, &CHANGES).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("locked by the run other00 on ci-7 (process 42)"), "{}", told(&output));
    assert!(before == mock.repository(), "something is left of the attempt");
    let author = ["--author-url", mock.url("author")];
    let dry = with_credentials(&mock, &[&["clean", "--lock", "--dry-run"][..], &author].concat());
    assert!(dry.code == Some(0) && dry.out.contains("other00"), "{}", dry.all());
    let removed = with_credentials(&mock, &[&["clean", "--lock"][..], &author].concat());
    assert!(removed.code == Some(0) && removed.out.contains("other00"), "{}", removed.all());
    assert!(lock(&mock.repository()).is_null());
    let output = run(&mock, mock.url("author"), &learned, &CHANGES).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(lock(&mock.repository()).is_null(), "the run gave its lock back");
}

#[test]
fn an_expired_lock_is_taken_over() {
    let (mock, folder) = (Mock::start("configured"), directory("lock-expired"));
    lock_by_another(&mock, "2026-01-01T00%3A00%3A00Z");
    let output = run(&mock, mock.url("author"), &all_learned(&folder), &CHANGES).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let left = mock.repository()["var"]["bpconform"].clone();
    let left: Vec<_> = left.as_object().expect("a folder").keys().filter(|name| !name.contains(':')).cloned().collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_user_who_may_not_lock_changes_nothing() {
    let (mock, folder) = (Mock::start("configured"), directory("lock-refused"));
    let mut command = run(&mock, mock.url("author"), &all_learned(&folder), &CHANGES);
    let output = command.envs(reader(&mock)).stdout(Stdio::piped()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("it cannot be locked"), "{}", told(&output));
}

fn reader(_: &Mock) -> [(&'static str, &'static str); 2] {
    [("BPCONFORM_AUTHOR_USER", "viewer"), ("BPCONFORM_AUTHOR_PASSWORD", "viewer")]
}

#[test]
fn clean_undoes_only_under_the_lock_of_its_run() {
    let (mock, folder) = (Mock::start("configured"), directory("lock-clean"));
    let journal = folder.join("run.journal");
    let author = format!("{}/", mock.url("author").trim_end_matches('/'));
    let text = format!(
        "{{\"line\":\"run\",\"format\":1,\"version\":\"0\",\"run\":\"abc1234\",\"began\":\"2026-01-01T00:00:00Z\",\
         \"stack\":{{\"author\":\"{author}\"}}}}\n\
         {{\"line\":\"change\",\"number\":1,\"at\":\"2026-01-01T00:00:00Z\",\"scenario\":\"f:1\",\"request\":\"a change\",\
         \"undo\":[{{\"what\":\"node\",\"path\":\"/content/bpconform-abc1234-1-x\"}}]}}\n"
    );
    std::fs::write(&journal, text).expect("it can be written");
    post(&mock, "/content/bpconform-abc1234-1-x", "a=b");
    lock_by_another(&mock, "2999-01-01T00%3A00%3A00Z");
    let refused = clean(&mock, &journal, &[]);
    assert!(refused.code == Some(3) && refused.err.contains("other00"), "{}", refused.all());
    let removed = with_credentials(&mock, &["clean", "--lock", "--author-url", mock.url("author")]);
    assert_eq!(removed.code, Some(0), "{}", removed.all());
    let cleaned = clean(&mock, &journal, &[]);
    assert_eq!(cleaned.code, Some(0), "{}", cleaned.all());
    let after = mock.repository();
    assert!(lock(&after).is_null() && after["content"]["bpconform-abc1234-1-x"].is_null());
}
