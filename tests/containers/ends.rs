//! However a run over a container ends, nothing of it is left: it starts late or never, dies, is interrupted,
//! is killed.

use std::path::Path;

use super::engine::{
    AUTHOR, Going, MOCKS, assert_nothing_left, docker, left, run, there_is_an_engine, wait_for_scenarios,
};
use super::{LOGIN, out, over, record};
use crate::support::{bpconform, bpconform_with, is_left_out};

/// Everything that changes an Author.
const ALL: [&str; 2] = ["--allow", "change"];

/// The same, slow enough to be interrupted in the middle on any machine.
const SLOW: [&str; 6] = ["--allow", "change", "--jobs", "1", "--container-env", "BPCONFORM_MOCK_JITTER=1"];

#[test]
fn a_slow_starter_is_waited_for() {
    if is_left_out("slow start of a container") {
        return;
    }
    if !there_is_an_engine("a_slow_starter_is_waited_for") {
        return;
    }
    let out = out("container-slow");
    let going = Going::start(&over(AUTHOR, &["--allow", "observe", "--out", &out]), &LOGIN);
    // Stopped before it can serve, like a slow one.
    let container = going.container().to_owned();
    docker(&["pause", &container]).expect("it runs");
    std::thread::sleep(std::time::Duration::from_secs(2));
    docker(&["unpause", &container]).expect("it was paused");
    let (told, name) = going.end();
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.took.as_secs() >= 2, "{:?}", told.took);
    assert_eq!(record(&out)["complete"], true);
    assert_nothing_left(&name);
}

#[test]
fn one_that_never_becomes_ready_is_given_up_and_its_log_is_kept() {
    if !there_is_an_engine("one_that_never_becomes_ready_is_given_up_and_its_log_is_kept") {
        return;
    }
    let out = out("container-never");
    let never = ["--container-env", "BPCONFORM_MOCK_DEFECTS=author-still-starting", "--start-timeout", "0.05"];
    let told = run(&over(AUTHOR, &[&never[..], &["--out", &out]].concat()), &LOGIN);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("not ready within 3 s") && told.err.contains("shows no login page"), "{}", told.err);
    assert!(told.err.contains("--start-timeout"), "{}", told.err);
    assert!(told.err.contains("the last lines of its log"), "{}", told.err);
    let log = std::fs::read_to_string(format!("{out}/author.log")).expect("the log is kept");
    assert!(log.contains("with the defect author-still-starting"), "{log}");
    assert!(!told.all().contains("MIIE") && !log.contains("MIIE"), "a private key is shown");
}

#[test]
fn one_that_ends_at_once_is_not_waited_for() {
    if !there_is_an_engine("one_that_ends_at_once_is_not_waited_for") {
        return;
    }
    let told = run(&over(AUTHOR, &["--container-env", "BPCONFORM_MOCK_DEFECTS=no-such-defect"]), &LOGIN);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("its container ended with exit code 2"), "{}", told.err);
    assert!(told.err.contains("no-such-defect"), "its log says why: {}", told.err);
    assert!(told.took.as_secs() < 30, "{:?}", told.took);
}

#[test]
fn one_that_dies_half_way_could_not_be_judged() {
    if !there_is_an_engine("one_that_dies_half_way_could_not_be_judged") {
        return;
    }
    for (image, login) in [(MOCKS, &[][..]), (AUTHOR, &LOGIN)] {
        let out = out(&format!("container-dies-{}", login.len()));
        let going = Going::start(&over(image, &[&SLOW[..], &["--out", &out]].concat()), login);
        wait_for_scenarios(Path::new(&out), 3);
        docker(&["kill", going.container()]).expect("it runs");
        let (told, name) = going.end();
        assert_eq!(told.code, Some(3), "{}", told.all());
        assert!(told.err.contains("container ended with exit code 137, before the run was over"), "{}", told.err);
        let record = record(&out);
        let scenarios = &record["summary"]["scenarios"];
        assert_eq!(scenarios["failed"], 0, "{scenarios}");
        assert!(scenarios["error"].as_u64() > Some(0) && scenarios["passed"].as_u64() > Some(0), "{scenarios}");
        assert!(record["left_behind"].is_null(), "what has gone holds nothing: {}", record["left_behind"]);
        assert!(std::fs::read_to_string(format!("{out}/author.log")).is_ok_and(|log| log.contains("serves")));
        assert_nothing_left(&name);
    }
}

#[test]
fn who_asks_it_to_end_waits_for_nothing_and_finds_nothing() {
    if is_left_out("interrupted run over a container") {
        return;
    }
    if !there_is_an_engine("who_asks_it_to_end_waits_for_nothing_and_finds_nothing") {
        return;
    }
    // During the run, and while it starts.
    for (signal, never) in [("-INT", false), ("-TERM", false), ("-INT", true)] {
        let out = out(&format!("container-interrupted{signal}{never}"));
        let defect = ["--container-env", "BPCONFORM_MOCK_DEFECTS=author-still-starting"];
        let more = if never { &defect[..] } else { &[] };
        let going = Going::start(&over(MOCKS, &[&SLOW[..], &["--out", &out], more].concat()), &[]);
        if never {
            going.container();
        } else {
            wait_for_scenarios(Path::new(&out), 3);
        }
        going.signal(signal);
        let (told, name) = going.end();
        assert_eq!(told.code, Some(130), "{signal}: {}", told.all());
        assert_nothing_left(&name);
    }
}

#[test]
fn what_a_killed_run_left_is_swept_and_nothing_else() {
    if is_left_out("killed run over a container") {
        return;
    }
    if !there_is_an_engine("what_a_killed_run_left_is_swept_and_nothing_else") {
        return;
    }
    let out = [out("container-killed"), out("container-not-killed")];
    let killed = Going::start(&over(MOCKS, &[&ALL[..], &["--out", &out[0]]].concat()), &[]);
    let other = Going::start(&over(MOCKS, &[&ALL[..], &["--out", &out[1]]].concat()), &[]);
    wait_for_scenarios(Path::new(&out[0]), 3);
    wait_for_scenarios(Path::new(&out[1]), 1);
    killed.signal("-KILL");
    let (told, name) = killed.end();
    assert_eq!(told.code, None, "{}", told.all());
    assert_ne!(left(&name), "", "a killed run cannot have removed anything");
    let clean = bpconform(&["clean", "--containers"]);
    assert_eq!(clean.code, Some(0), "{}", clean.all());
    assert!(clean.out.contains(&format!("removed the container {name}")), "{}", clean.out);
    assert!(clean.out.contains(&format!("removed the network {name}")), "{}", clean.out);
    assert_nothing_left(&name);
    let (told, name) = other.end();
    assert_eq!(told.code, Some(0), "a sweep took the container of another run: {}", told.all());
    assert_nothing_left(&name);
}

#[test]
fn a_missing_image_is_reported_by_its_name() {
    if !there_is_an_engine("a_missing_image_is_reported_by_its_name") {
        return;
    }
    // No registry answers at that port, so no foreign registry is contacted.
    let told = bpconform_with(&over("127.0.0.1:1/no-such-image:6.5", &[]), &LOGIN);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("the image 127.0.0.1:1/no-such-image:6.5 is not available here"), "{}", told.err);
    let told = bpconform_with(&over("No Name", &[]), &LOGIN);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("No Name is not a valid image name"), "{}", told.err);
}
