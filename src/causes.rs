//! The causes of a record: which failures no other one explains, and which only follow from them.

use bpconform_fixtures::{Cause, Explanation, Presuppositions, Remedies, Remedy, Sighting};

use crate::record::{CauseRecord, ScenarioRecord};
use crate::verdict::Verdict;

/// Finds the causes of a run, and notes in each consequence what explains it.
pub fn explain(scenarios: &mut [ScenarioRecord]) -> Vec<CauseRecord> {
    scenarios.iter_mut().for_each(|scenario| scenario.explained_by.clear());
    let red: Vec<usize> = (0..scenarios.len()).filter(|at| is_red(&scenarios[*at])).collect();
    if red.is_empty() {
        return Vec::new();
    }
    let seen: Vec<Sighting> = red.iter().map(|at| sighting(&scenarios[*at])).collect();
    let found = Presuppositions::built_in().explain(&seen);
    for one in &found {
        one.explains.iter().for_each(|at| scenarios[red[*at]].explained_by.push(one.key.clone()));
    }
    let of = |places: &[usize]| -> Vec<&ScenarioRecord> { places.iter().map(|at| &scenarios[red[*at]]).collect() };
    found.iter().map(|one| record(one, &of(&one.shown_by), &of(&one.explains))).collect()
}

fn is_red(scenario: &ScenarioRecord) -> bool {
    matches!(scenario.verdict, Verdict::Failed | Verdict::Error)
}

/// A scenario that did not pass, as far as it matters for its cause.
pub fn sighting(scenario: &ScenarioRecord) -> Sighting {
    let step = scenario.steps.iter().find(|step| step.verdict == scenario.verdict);
    Sighting {
        requirements: scenario.requirements.clone(),
        cause: scenario.cause,
        step: step.map(|step| step.text.clone()).unwrap_or_default(),
        inconclusive: scenario.verdict == Verdict::Error,
    }
}

fn record(found: &Explanation, shown_by: &[&ScenarioRecord], explains: &[&ScenarioRecord]) -> CauseRecord {
    let cause = shown_by.iter().find_map(|scenario| scenario.cause);
    let requirement = shown_by.iter().find_map(|scenario| scenario.requirements.first()).cloned().unwrap_or_default();
    let failed = shown_by.iter().any(|scenario| scenario.verdict == Verdict::Failed);
    let harness = shown_by.iter().all(|scenario| scenario.harness_failed);
    let remedy = remedy_of(&found.key, &requirement, failed).filter(|_| !harness);
    let title = match remedy {
        Some(remedy) => remedy.title.clone(),
        None if harness => "The harness itself failed".to_owned(),
        None => format!("{requirement} could not be judged"),
    };
    let ids = |all: &[&ScenarioRecord]| all.iter().map(|scenario| scenario.id.clone()).collect();
    CauseRecord {
        id: found.key.clone(),
        cause,
        requirement,
        title,
        evidence: unique(shown_by.iter().filter_map(|scenario| scenario.reason.clone())),
        lines: unique(shown_by.iter().flat_map(|scenario| scenario.lines.iter().cloned())),
        shown_by: ids(shown_by),
        explains: ids(explains),
        remedy: remedy.map(|remedy| remedy.id.clone()),
    }
}

/// What to do about the cause of that id; `failed`: whether the target is wrong, so that the usual failure of the
/// requirement may be meant.
pub fn remedy_of(id: &str, requirement: &str, failed: bool) -> Option<&'static Remedy> {
    let remedy = Remedies::built_in().for_failure(requirement, Cause::parse(id));
    remedy.filter(|remedy| failed || !remedy.causes.is_empty())
}

fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    texts.for_each(|text| {
        if !all.contains(&text) {
            all.push(text);
        }
    });
    all
}
