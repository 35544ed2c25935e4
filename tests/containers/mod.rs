//! An Author in a container, with a real Docker Engine: the image of the mocks is the Author. Without an engine these
//! tests pass, and print how many did not run, and why.

mod ends;
mod engine;
mod hybrid;
mod network;
mod upgrade;
mod without;

use crate::support::{directory, is_left_out, sample};
use engine::{AUTHOR, MOCKS, build, docker, run, there_is_an_engine};
use serde_json::Value;

/// The files with these tests, to count those that need an engine.
const SOURCES: [&str; 5] = [
    include_str!("mod.rs"),
    include_str!("ends.rs"),
    include_str!("hybrid.rs"),
    include_str!("network.rs"),
    include_str!("upgrade.rs"),
];

/// The first line of each of them.
const GATE: &str = "    if !there_is_an_engine(";

#[test]
fn what_is_not_tested_is_reported() {
    let count: usize = SOURCES.iter().map(|source| source.lines().filter(|line| line.starts_with(GATE)).count()).sum();
    assert!(count > 10, "the tests are not counted any more");
    if let Some(why) = engine::missing() {
        engine::say(&format!("SKIPPED {count} tests of containers, which need a Docker Engine: {why}\n"));
    }
}

fn record(out: &str) -> Value {
    let text = std::fs::read_to_string(format!("{out}/run.json")).expect("it was written");
    serde_json::from_str(&text).expect("JSON")
}

fn out(name: &str) -> String {
    directory(name).to_str().expect("UTF-8").to_owned()
}

/// The credentials of the mocked Author, which an operator would supply.
const LOGIN: [(&str, &str); 2] = [("BPCONFORM_AUTHOR_USER", "admin"), ("BPCONFORM_AUTHOR_PASSWORD", "admin")];

/// The arguments of a run over an image.
fn over<'a>(image: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--target", "container", "--author-image", image], more].concat()
}

#[test]
fn the_mocks_in_a_container_pass_at_every_level_and_all_requirements_at_the_highest() {
    if !there_is_an_engine("the_mocks_in_a_container_pass_at_every_level_and_all_requirements_at_the_highest") {
        return;
    }
    let known = bpconform_fixtures::Requirements::built_in().all.iter();
    let all = known.filter(|one| one.holds_for(&[bpconform_fixtures::Product::Aem65])).count();
    // The highest takes a minute, most of which the restarts of the mocks need.
    let levels = vec![("observe", 1), ("change", all as u64), ("probe", 10)];
    for (level, promises) in sample("levels of a run over the mocks in a container", levels, 2) {
        let out = out(&format!("container-{level}"));
        let told = run(&over(MOCKS, &["--allow", level, "--out", &out]), &[]);
        assert_eq!(told.code, Some(0), "{level}: {}", told.all());
        let record = record(&out);
        let passed = record["summary"]["requirements"]["passed"].as_u64().expect("a number");
        assert!(passed >= promises, "{level}: {passed} passed");
        assert_eq!(record["target"]["kind"], "container");
        assert!(record["target"]["image"].as_str().is_some_and(|image| image.starts_with(MOCKS)), "{record}");
        let skipped = record["scenarios"].as_array().expect("a list").iter().filter(|one| one["verdict"] == "skipped");
        for scenario in skipped {
            assert!(scenario["reason"].as_str().is_some_and(|reason| reason.contains("needs --allow")), "{scenario}");
        }
        let log = std::fs::read_to_string(format!("{out}/author.log")).expect("the container's log");
        assert!(log.contains("the mocked stack serves") && !log.contains("MIIE"), "{log}");
    }
}

#[test]
fn the_image_has_few_rights_and_a_health_check() {
    if !there_is_an_engine("the_image_has_few_rights_and_a_health_check") {
        return;
    }
    let image = docker(&["image", "inspect", "--format", "{{.Config.User}} {{.Config.Healthcheck.Test}}", MOCKS]);
    assert_eq!(image.as_deref(), Ok("65532:65532 [CMD /bpconform mock --check]"));
    let id = docker(&["run", "--detach", "--rm", "--read-only", "--cap-drop", "ALL", MOCKS]).expect("it starts");
    let check = || docker(&["exec", &id, "/bpconform", "mock", "--check"]);
    engine::wait_for("the mocks", || check().is_ok());
    assert_eq!(check().as_deref(), Ok("the mocks serve, the Author in the state `configured`"));
    // Nothing listens there.
    let none = docker(&["exec", &id, "/bpconform", "mock", "--check", "--control-port", "4999"]);
    assert!(none.expect_err("nothing serves").contains("the mocks do not answer"));
    // Process 1 has no default signal handlers: without an explicit one, stopping it would take until the time-out.
    let began = std::time::Instant::now();
    docker(&["stop", &id]).expect("it stops");
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn an_image_without_the_label_is_never_treated_as_the_mocks() {
    if !there_is_an_engine("an_image_without_the_label_is_never_treated_as_the_mocks") {
        return;
    }
    // Its IMS and tenant have the same ports inside and outside, because the Author names them.
    let ports: Vec<String> = network::free_ports::<2>().iter().map(ToString::to_string).collect();
    let out = out("container-as-author");
    let told = run(
        &over(
            AUTHOR,
            &[
                "--allow",
                "change",
                "--out",
                &out,
                "--publish",
                &ports.join(","),
                "--container-env",
                &format!("BPCONFORM_IMS_PORT={}", ports[0]),
                "--container-env",
                &format!("BPCONFORM_TENANT_PORT={}", ports[1]),
                "--ims-url",
                &format!("http://127.0.0.1:{}", ports[0]),
                "--tenant-url",
                &format!("http://bpdoc.localhost:{}", ports[1]),
            ],
        ),
        &LOGIN,
    );
    assert_eq!(told.code, Some(0), "{}", told.all());
    let record = record(&out);
    assert_eq!(record["target"]["states"], serde_json::json!(["configured"]));
    assert!(record["left_behind"].is_null(), "{}", record["left_behind"]);
    let reasons: Vec<&str> =
        record["scenarios"].as_array().expect("a list").iter().filter_map(|one| one["reason"].as_str()).collect();
    for real in ["surface unknown", "cannot be undone"] {
        assert!(reasons.iter().any(|reason| reason.contains(real)), "nothing was skipped for: {real}");
    }
    let changed = record["scenarios"].as_array().expect("a list").iter();
    assert!(changed.filter(|one| one["allow"] == "change" && one["verdict"] == "passed").count() > 0);
    assert!(!std::fs::read_to_string(format!("{out}/run.json")).expect("it is there").contains("__bpconform"));
}

#[test]
fn an_image_with_only_the_label_of_the_mocks_is_not_checked() {
    if !there_is_an_engine("an_image_with_only_the_label_of_the_mocks_is_not_checked") {
        return;
    }
    let name = "bpconform-pretender:test";
    build(name, &format!("FROM {MOCKS}\nCMD [\"mock\", \"--control-port\", \"4999\"]\n"));
    let told = run(&over(name, &["--start-timeout", "0.05"]), &LOGIN);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("it says that it is the mocks, but they do not answer"), "{}", told.err);
}

#[test]
fn mocks_that_are_elsewhere_than_the_run_put_them_are_not_touched() {
    if is_left_out("container of somebody else") {
        return;
    }
    if !there_is_an_engine("mocks_that_are_elsewhere_than_the_run_put_them_are_not_touched") {
        return;
    }
    // Another Author, which answers at that port of this machine.
    let other = crate::support::Mock::start("configured");
    let before = other.repository();
    let port = other.url("author").rsplit(':').next().expect("a port").to_owned();
    let name = "bpconform-elsewhere:test";
    for command in [["mock", "--author-port", &port], ["mock", "--tenant-url", "http://bpdoc.localhost:1"]] {
        build(name, &format!("FROM {MOCKS}\nCMD {}\n", serde_json::json!(command)));
        let told = run(&over(name, &["--start-timeout", "0.2", "--requirement", "BP-UPG-02"]), &[]);
        assert_eq!(told.code, Some(3), "{}", told.all());
        assert!(
            told.err.contains("which is not the address that the run assigned, so nothing is sent there"),
            "{}",
            told.err
        );
    }
    assert_eq!(other.repository(), before);
}
