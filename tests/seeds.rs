//! The verdicts and remedies of a run that only reads, for each state of an Author: exactly those of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::support::{Mock, directory};
use bpconform_fixtures::remedies::Remedies;
use bpconform_fixtures::{Allow, Product, Requirements};
use serde::Deserialize;
use serde_json::Value;

type Ids = BTreeSet<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    seed: BTreeMap<String, Observed>,
}

impl Table {
    /// The requirements that no row names yet, although a read can check them. Until a row does, only the exit code is
    /// compared, so that such a requirement must pass where everything is configured.
    fn unnamed(&self) -> Ids {
        let named: BTreeSet<&String> =
            self.seed.values().flat_map(|row| [&row.failed, &row.error, &row.passed]).flatten().collect();
        let all = Requirements::built_in().all.iter();
        let read = all.filter(|one| one.allow == Allow::Observe && one.holds_for(&[Product::Aem65]));
        read.filter(|one| !named.contains(&one.id)).map(|one| one.id.clone()).collect()
    }
}

/// The expectations for one seed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Observed {
    /// The reason; not set for what was observed.
    #[serde(default)]
    why: String,
    failed: Ids,
    error: Ids,
    passed: Ids,
    remedies: Ids,
}

impl Observed {
    /// What a record contains about all requirements but these.
    fn of(record: &Value, unnamed: &Ids) -> Self {
        let requirements = record["requirements"].as_array().expect("a list");
        let with = |verdict: &str| {
            let these = requirements.iter().filter(|one| one["verdict"] == verdict);
            let ids = these.filter_map(|one| one["id"].as_str()).map(str::to_owned);
            ids.filter(|id| !unnamed.contains(id)).collect()
        };
        let scenarios = record["scenarios"].as_array().expect("a list");
        let failed = scenarios.iter().filter(|scenario| scenario["verdict"] == "failed");
        let remedies = failed.flat_map(|scenario| {
            let cause = serde_json::from_value(scenario["cause"].clone()).expect("a known cause or none");
            let requirements = scenario["requirements"].as_array().expect("a list").iter();
            let named = requirements.filter_map(Value::as_str).filter(|id| !unnamed.contains(*id));
            named.filter_map(move |id| Remedies::built_in().for_failure(id, cause))
        });
        Self {
            why: String::new(),
            failed: with("failed"),
            error: with("error"),
            passed: with("passed"),
            remedies: remedies.map(|remedy| remedy.id.clone()).collect(),
        }
    }

    /// One line for each missing or additional entry; empty if both are equal.
    fn differences(&self, seen: &Self) -> String {
        let mut text = String::new();
        for (what, expected, seen) in [
            ("failed", &self.failed, &seen.failed),
            ("error", &self.error, &seen.error),
            ("passed", &self.passed, &seen.passed),
            ("remedies", &self.remedies, &seen.remedies),
        ] {
            for id in expected.difference(seen) {
                let _ = writeln!(text, "  {what}: {id} is missing");
            }
            for id in seen.difference(expected) {
                let _ = writeln!(text, "  {what}: {id} is too much");
            }
        }
        text
    }
}

fn table() -> Table {
    toml::from_str(include_str!("../fixtures/seeds/observed.toml")).expect("the table can be read")
}

/// Runs against a mock with that seed; returns what differs from the table.
fn check(seed: &str, row: &Observed, unnamed: &Ids) -> String {
    let (mock, out) = (Mock::start(seed), directory(&format!("seed-{seed}")));
    let told = mock.run(&["--allow", "observe", "--out", out.to_str().expect("UTF-8")]);
    let record = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let seen = Observed::of(&record, unnamed);
    let mut text = row.differences(&seen);
    for id in &row.remedies {
        let title = &Remedies::built_in().get(id).unwrap_or_else(|| panic!("{seed}: no remedy {id}")).title;
        if !told.out.contains(title.as_str()) {
            let _ = writeln!(text, "  the output does not name the remedy {id}: {title}");
        }
    }
    let is_red = |one: &Value| one["verdict"] == "failed" && one["id"].as_str().is_some_and(|id| unnamed.contains(id));
    let fails_too = seed != "configured" && record["requirements"].as_array().expect("a list").iter().any(is_red);
    let code = i32::from(!row.failed.is_empty() || fails_too);
    if told.code != Some(code) {
        let _ = writeln!(text, "  exit code {:?}, not {code}", told.code);
    }
    if text.is_empty() { text } else { format!("{seed} ({}):\n{text}", row.why) }
}

#[test]
fn each_seed_gives_the_verdicts_and_remedies_of_the_table() {
    let table = table();
    let unnamed = table.unnamed();
    let different: String = table.seed.iter().map(|(seed, row)| check(seed, row, &unnamed)).collect();
    assert!(different.is_empty(), "\n{different}");
}

#[test]
fn the_table_has_every_seed() {
    let seeds: Vec<_> = table().seed.into_keys().collect();
    let all = [
        "configured",
        "fresh",
        "half-configured",
        "legacy-gateway",
        "legacy-jwt",
        "queue-blocked",
        "token-expired",
        "two-tenants",
    ];
    assert_eq!(seeds, all);
}

#[test]
fn one_verdict_more_or_less_is_reported() {
    let row = |failed: &[&str], passed: &[&str]| Observed {
        why: String::new(),
        failed: failed.iter().map(ToString::to_string).collect(),
        error: Ids::new(),
        passed: passed.iter().map(ToString::to_string).collect(),
        remedies: Ids::new(),
    };
    let expected = row(&["BP-REP-01"], &["BP-PRE-01"]);
    assert_eq!(expected.differences(&row(&["BP-REP-01"], &["BP-PRE-01"])), "");
    assert_eq!(
        expected.differences(&row(&[], &["BP-PRE-01", "BP-REP-01"])),
        "  failed: BP-REP-01 is missing\n  passed: BP-REP-01 is too much\n"
    );
}
