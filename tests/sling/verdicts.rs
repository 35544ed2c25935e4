//! The verdicts of each kind of run on a real Sling: every one, as the table `verdicts.toml` expects it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::author::{Sling, shared};
use crate::support::{Told, bpconform_with, directory, is_left_out, report_sample, tries_all};

type Ids = BTreeSet<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The requirements that no run here can check.
    unproved: Ids,
    run: BTreeMap<String, Row>,
}

impl Table {
    fn read() -> Self {
        toml::from_str(include_str!("verdicts.toml")).expect("the table can be read")
    }

    /// Whether the table has a place for a requirement.
    fn names(&self, id: &str) -> bool {
        let mut lists = self.run.values().flat_map(|row| [&row.passed, &row.failed, &row.error]);
        self.unproved.contains(id) || lists.any(|list| list.contains(id))
    }
}

/// The expectations for one run. What is in none of the lists is skipped or has no scenario in the run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    /// Why it is so.
    why: String,
    user: String,
    arguments: Vec<String>,
    exit: i32,
    passed: Ids,
    failed: Ids,
    error: Ids,
    /// What is still to be repaired, while a part of the expectation is not met.
    #[serde(default)]
    awaits: String,
}

fn row(name: &str) -> Row {
    Table::read().run.into_iter().find_map(|(own, row)| (own == name).then_some(row)).expect("a row of the table")
}

/// Runs what a row says; what differs from it.
fn differences(sling: &Sling, name: &str) -> String {
    let (row, out) = (row(name), directory(&format!("sling-{name}")));
    let out = out.to_str().expect("UTF-8");
    let addresses: Vec<_> = row.arguments.iter().map(|argument| filled(sling, argument)).collect();
    let arguments: Vec<_> = addresses.iter().map(String::as_str).chain(["--out", out]).collect();
    let told = sling.run_as(&row.user, &arguments);
    let record = std::fs::read_to_string(format!("{out}/run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let (mut text, table) = (String::new(), Table::read());
    for (verdict, expected) in [("passed", &row.passed), ("failed", &row.failed), ("error", &row.error)] {
        let seen = with(&record, verdict);
        for id in expected.difference(&seen) {
            let _ = writeln!(text, "{verdict}: {id} is missing");
        }
        for id in seen.difference(expected).filter(|id| table.names(id)) {
            let _ = writeln!(text, "{verdict}: {id} is too much: {}", reasons(&record, id));
        }
    }
    if told.code != Some(row.exit) {
        let _ = writeln!(text, "exit {:?}, not {}\n{}", told.code, row.exit, told.err);
    }
    text
}

/// An argument of the table with the addresses of what serves.
fn filled(sling: &Sling, argument: &str) -> String {
    argument.replace("{ims}", sling.url("ims")).replace("{tenant}", sling.url("tenant"))
}

fn with(record: &Value, verdict: &str) -> Ids {
    let requirements = record["requirements"].as_array().expect("a list").iter();
    let these = requirements.filter(|one| one["verdict"] == verdict);
    these.filter_map(|one| one["id"].as_str()).map(str::to_owned).collect()
}

fn reasons(record: &Value, id: &str) -> String {
    let scenarios = record["scenarios"].as_array().expect("a list").iter();
    let of = |scenario: &&Value| scenario["requirements"].as_array().is_some_and(|ids| ids.iter().any(|one| one == id));
    scenarios.filter(of).filter_map(|scenario| scenario["reason"].as_str()).collect::<Vec<_>>().join(" / ")
}

/// Fails when a run says something else than its row, unless the row awaits a repair.
pub(super) fn check(sling: &Sling, name: &str) {
    let different = differences(sling, name);
    let Row { why, awaits, .. } = row(name);
    if !different.is_empty() && !awaits.is_empty() {
        println!("{name} awaits: {awaits}\n{different}");
        return;
    }
    assert!(different.is_empty(), "{name} ({why}):\n{different}");
}

#[test]
fn observe_passes_on_a_real_sling() {
    let Some(sling) = shared("observe_passes_on_a_real_sling") else { return };
    check(&sling, "observe");
}

#[test]
fn probe_passes_on_a_real_sling() {
    let Some(sling) = shared("probe_passes_on_a_real_sling") else { return };
    check(&sling, "probe");
}

#[test]
fn change_passes_on_a_real_sling() {
    let Some(sling) = shared("change_passes_on_a_real_sling") else { return };
    check(&sling, "change");
}

#[test]
fn what_the_author_really_sends_is_seen_by_mocked_ims_and_tenant() {
    let Some(sling) = shared("what_the_author_really_sends_is_seen_by_mocked_ims_and_tenant") else { return };
    check(&sling, "mocked-systems");
}

#[test]
fn every_documented_step_passes_when_the_configuration_may_be_replaced() {
    let kinds = Table::read().run.len();
    if !tries_all() {
        return report_sample("kinds of runs on Apache Sling", kinds - 1, kinds);
    }
    // It takes minutes; with a separate Sling the other tests do not wait for it.
    if !super::author::there_is_a_sling("every_documented_step_passes_when_the_configuration_may_be_replaced") {
        return;
    }
    check(&Sling::start(&[]), "replace");
}

#[test]
fn a_json_limit_of_15_nodes_changes_no_verdict() {
    if is_left_out("small limit of nodes on a real Sling") {
        return;
    }
    let Some(sling) = shared("a_json_limit_of_15_nodes_changes_no_verdict") else { return };
    let limited = sling.with_json_limit(15);
    check(&sling, "few-nodes");
    drop(limited);
}

#[test]
fn without_webdav_nothing_of_a_run_stays() {
    if is_left_out("real Sling without WebDAV") {
        return;
    }
    let Some(sling) = shared("without_webdav_nothing_of_a_run_stays") else { return };
    let stopped = sling.with_bundle_stopped("org.apache.sling.jcr.webdav");
    let refused = sling.ask("DELETE", "/etc/replication/agents.author/nothing", "");
    assert!(refused.contains("Method DELETE not supported"), "{refused}");
    let before = sling.repository();
    check(&sling, "without-webdav");
    let different = super::author::differences(&before, &sling.repository());
    super::author::expect_as_before(&different);
    drop(stopped);
}

fn doctor(sling: &Sling, user: &str) -> Told {
    let arguments = ["doctor", "--author-url", sling.url("author"), "--tenant-url", sling.url("tenant")];
    bpconform_with(&arguments, &sling.credentials(user))
}

#[test]
fn the_doctor_finds_nothing_wrong() {
    let Some(sling) = shared("the_doctor_finds_nothing_wrong") else { return };
    let told = doctor(&sling, "admin");
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("0 problems, 0 warnings, 0 could not be determined"), "{}", told.out);
}

#[test]
fn the_doctor_names_what_is_wrong() {
    let Some(sling) = shared("the_doctor_names_what_is_wrong") else { return };
    let agent = "mp_replication_agent2_default_bpdoc";
    let path = format!("/etc/replication/agents.author/{agent}/jcr:content");
    assert!(sling.ask("POST", &path, "enabled=false").starts_with("HTTP/1.1 200"));
    let told = doctor(&sling, "admin");
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert!(told.out.contains(agent), "{}", told.out);
}
