//! The difference of two records.

use bpconform::compare::diff::{VerdictChange, diff};
use bpconform::exit::Exit;
use bpconform::record::{Record, RunOutcome, ScenarioRecord};
use bpconform::verdict::Verdict;
use bpconform_fixtures::Allow;
use bpconform_steps::evidence::Outcome;

use super::sample;

fn with(record: &Record, id: &str, verdict: Verdict) -> Record {
    let mut other = record.clone();
    for scenario in other.scenarios.iter_mut().filter(|scenario| scenario.requirements.iter().any(|own| own == id)) {
        scenario.verdict = verdict;
        scenario.reason = Some("Extended > Close Connection is not set".into());
    }
    other.judge_again(false);
    other
}

#[test]
fn what_broke_is_named_and_fails_the_gate() {
    let before = sample::passing();
    let mut after = with(&before, "BP-REP-04", Verdict::Failed);
    for scenario in
        after.scenarios.iter_mut().filter(|scenario| scenario.requirements.iter().any(|id| id == "BP-REP-04"))
    {
        scenario.steps[0].exchanges = vec![sample::agents("true", "90000")];
    }
    let diff = diff(&before, &after);
    assert_eq!(diff.exit(), Exit::NonConformant);
    assert_eq!(diff.requirements.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["BP-REP-04"]);
    assert_eq!(diff.settings.len(), 4, "the setting on the four agents, and nothing that always differs");
    assert!(diff.settings.iter().all(|one| one.property == "protocolConnectTimeout"));
    let text = diff.text();
    assert!(
        text.contains("BP-REP-04  passed → failed") && text.contains("protocolConnectTimeout: 180000 → 90000"),
        "{text}"
    );
    assert!(diff.markdown().contains("| (not set) |") || diff.markdown().contains("| 180000 | 90000 |"));
}

#[test]
fn the_same_configuration_on_another_port_does_not_differ() {
    let before = sample::passing();
    let mut after = before.clone();
    for exchange in after.scenarios.iter_mut().flat_map(|one| &mut one.steps).flat_map(|step| &mut step.exchanges) {
        if let Outcome::Response { body, .. } = &mut exchange.outcome {
            body.text = body.text.replace("localhost:4000", "localhost:5123");
        }
    }
    let diff = diff(&before, &after);
    assert!(diff.settings.is_empty() && diff.requirements.is_empty() && diff.exit() == Exit::Green, "{}", diff.text());
    assert!(diff.text().contains("no change"));
}

#[test]
fn a_fixed_requirement_is_green_but_reported() {
    let passing = sample::passing();
    let broken = with(&passing, "BP-REP-04", Verdict::Failed);
    let fixed = diff(&broken, &passing);
    assert_eq!((fixed.requirements[0].change, fixed.exit()), (VerdictChange::Fixed, Exit::Green));
    assert_eq!(diff(&broken, &broken).exit(), Exit::Green, "what failed before and fails now did not break");
}

#[test]
fn a_requirement_that_became_inconclusive_is_not_green() {
    let passing = sample::passing();
    let inconclusive = with(&passing, "BP-REP-04", Verdict::Error);
    for before in [&passing, &inconclusive, &with(&passing, "BP-REP-04", Verdict::Skipped)] {
        let diff = diff(before, &inconclusive);
        assert_eq!((diff.requirements[0].change, diff.exit()), (VerdictChange::Undecided, Exit::Unreachable));
    }
    let skipped = diff(&passing, &with(&passing, "BP-REP-04", Verdict::Skipped));
    assert_eq!((skipped.requirements[0].change, skipped.exit()), (VerdictChange::NewlySkipped, Exit::Unreachable));
    assert!(skipped.text().contains("No longer checked (requirements)"), "{}", skipped.text());
    let mut cut = passing.clone();
    cut.complete = false;
    assert_eq!(diff(&passing, &cut).exit(), Exit::Unreachable);
    let mut other = passing.clone();
    other.requirements.retain(|one| one.id != "BP-REP-04");
    assert_eq!(diff(&passing, &other).requirements[0].id, "BP-REP-04", "a promise that is gone is not checked");
    let nothing = sample::record(Vec::new());
    assert_eq!(diff(&nothing, &nothing).exit(), Exit::NothingProved);
}

#[test]
fn differences_between_the_runs_themselves_are_reported() {
    let before = sample::passing();
    assert!(diff(&before, &before).notes.is_empty());
    let mut after = before.clone();
    after.allow = bpconform_fixtures::Allow::Observe;
    after.plan.tags = Some("@observe".into());
    after.complete = false;
    for exchange in after.scenarios.iter_mut().flat_map(|one| &mut one.steps).flat_map(|step| &mut step.exchanges) {
        if let Outcome::Response { body, .. } = &mut exchange.outcome {
            body.capped = true;
        }
    }
    let text = diff(&before, &after).text();
    for note in [
        "the allow level is not the same: change, then observe",
        "the selection is not the same: everything, then @observe",
        "the later run did not come to its end",
        "the later run's list of agents is longer than the 64 KiB",
    ] {
        assert!(text.contains(note), "{note} is missing in\n{text}");
    }
}

#[test]
fn scenarios_that_came_and_went_are_named() {
    let before = sample::passing();
    let mut after = before.clone();
    after.scenarios[0].id = "00-feature/new".into();
    let diff = diff(&before, &after);
    assert_eq!(
        (diff.added.as_slice(), diff.removed.as_slice()),
        (&["00-feature/new".to_owned()][..], &[before.scenarios[0].id.clone()][..])
    );
}

#[test]
fn answers_that_all_became_slower_are_reported() {
    let before = sample::passing();
    let mut after = before.clone();
    for exchange in after.scenarios.iter_mut().flat_map(|one| &mut one.steps).flat_map(|step| &mut step.exchanges) {
        exchange.took_us += 900_000;
    }
    let shifts = diff(&before, &after).timing;
    assert_eq!(shifts.len(), 2, "{shifts:?}");
    assert!(shifts[0].to_string().contains("slower"));
}

#[test]
fn a_scenario_that_may_do_less_than_its_requirement_needs_proves_nothing() {
    let scenario = |id: &str, allow: Allow, verdict: Verdict| {
        let id = format!("03-ims-integration/{id}");
        ScenarioRecord { allow, ..sample::scenario(&id, "BP-IMS-02", verdict) }
    };
    let judged = |scenarios: Vec<ScenarioRecord>| {
        let record = sample::record(scenarios);
        (sample::verdict_of(&record, "BP-IMS-02"), record.outcome)
    };
    let silent = || scenario("no-refusal", Allow::Observe, Verdict::Passed);
    assert_eq!(judged(vec![silent()]), (Verdict::Skipped, RunOutcome::NothingProved));
    let told = scenario("no-refusal", Allow::Observe, Verdict::Failed);
    assert_eq!(judged(vec![told]), (Verdict::Failed, RunOutcome::Fails));
    let healthy = scenario("health-check", Allow::Probe, Verdict::Passed);
    assert_eq!(judged(vec![silent(), healthy]), (Verdict::Passed, RunOutcome::Conforms));
}
