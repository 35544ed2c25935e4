//! A rehearsal of an upgrade, between two images of the mocks.

use super::engine::{AUTHOR, MOCKS, build, docker, run, there_is_an_engine};
use super::{LOGIN, out};
use crate::support::is_left_out;

#[test]
fn what_an_upgrade_breaks_is_named() {
    if is_left_out("upgrade in containers that breaks something") {
        return;
    }
    if !there_is_an_engine("what_an_upgrade_breaks_is_named") {
        return;
    }
    let new = "bpconform-defect:test";
    build(new, &format!("FROM {MOCKS}\nENV BPCONFORM_MOCK_DEFECTS=connection-left-open\n"));
    let out = out("rehearsal");
    let told = run(&["rehearse", "--from", MOCKS, "--to", new, "--out", &out], &[]);
    assert_eq!(told.code, Some(1), "{}", told.all());
    let (_, upgrade) = told.out.split_once("what the upgrade did\n").expect("it tells");
    assert!(upgrade.contains("Broken (requirements)\n  BP-REP-07  passed → failed"), "{upgrade}");
    assert!(upgrade.contains("requirements: 1 broken"), "{upgrade}");
    for part in ["before", "after"] {
        for file in ["run.json", "author.log"] {
            assert!(std::fs::metadata(format!("{out}/{part}/{file}")).is_ok(), "{part}/{file}");
        }
    }
}

#[test]
fn the_new_author_begins_with_what_the_old_one_left() {
    if !there_is_an_engine("the_new_author_begins_with_what_the_old_one_left") {
        return;
    }
    // It stores something there, as an Author stores its repository.
    let keeping = "bpconform-keeping:test";
    build(keeping, &format!("FROM {AUTHOR}\nCOPY --from={AUTHOR} /bpconform /crx-quickstart/\n"));
    let began = docker(&["info", "--format", "{{.SystemTime}}"]).expect("its time");
    let few = ["--allow", "observe", "--requirement", "BP-PRE-01"];
    let both = ["rehearse", "--from", keeping, "--to", keeping];
    let told = run(&[&both[..], &few, &["--keep", "/crx-quickstart"]].concat(), &LOGIN);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let ended = docker(&["info", "--format", "{{.SystemTime}}"]).expect("its time");
    // The engine remembers: one volume, mounted twice.
    let filter = ["--filter", "type=volume", "--filter", "event=mount"];
    let format = ["--format", "{{.Actor.ID}} {{.Actor.Attributes.destination}}"];
    let events = docker(&[&["events", "--since", &began, "--until", &ended][..], &filter, &format].concat());
    let events = events.expect("the events");
    let mounts: Vec<&str> = events.lines().filter(|line| line.ends_with(" /crx-quickstart")).collect();
    // By both Authors, and by the check of what the first one left.
    assert!(mounts.len() >= 2 && mounts.iter().all(|mount| *mount == mounts[0]), "{events}");
    assert!(mounts[0].starts_with("bpconform-"), "{events}");
    let volume = mounts[0].split(' ').next().expect("a name");
    assert!(docker(&["volume", "inspect", volume]).is_err(), "{volume} is left");
}

#[test]
fn an_upgrade_of_which_nothing_was_kept_was_not_rehearsed() {
    if !there_is_an_engine("an_upgrade_of_which_nothing_was_kept_was_not_rehearsed") {
        return;
    }
    let few = ["--allow", "observe", "--requirement", "BP-PRE-01", "--keep", "/no/such/place"];
    let told = run(&[&["rehearse", "--from", AUTHOR, "--to", AUTHOR], &few[..]].concat(), &LOGIN);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("it left nothing in what the new Author is to take over"), "{}", told.err);
    assert!(!told.out.contains("what the upgrade did"), "{}", told.out);
}

#[test]
fn an_upgrade_that_takes_nothing_over_rehearses_nothing() {
    if !there_is_an_engine("an_upgrade_that_takes_nothing_over_rehearses_nothing") {
        return;
    }
    let told = crate::support::bpconform_with(&["rehearse", "--from", AUTHOR, "--to", AUTHOR], &LOGIN);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("--keep PATH"), "{}", told.err);
}
