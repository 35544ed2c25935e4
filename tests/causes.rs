//! The causes of a run: one defect is one cause, two independent ones are two, and reports show them first.

use std::path::Path;

use bpconform::features::Features;
use bpconform::record::Record;
use bpconform::record_file;
use bpconform_fixtures::Presuppositions;

use crate::support::{bpconform, directory, sample};

fn run(folder: &Path, defects: &[&str]) -> (Record, String) {
    let out = folder.join(defects.join("-and-"));
    let mut arguments = vec!["run", "-q", "--out", out.to_str().expect("a path of this test is UTF-8")];
    defects.iter().for_each(|defect| arguments.extend(["--defect", defect]));
    let told = bpconform(&arguments);
    assert_eq!(told.code, Some(1), "{}", told.all());
    (record_file::read(&out).expect("a record"), told.out)
}

/// Two defects of different parts, and the causes that a run must name for them.
const PAIRS: [([&str; 2], [&str; 2]); 10] = [
    (["service-pack-without-oauth", "agent-disabled"], ["BP-PRE-03", "agent-disabled"]),
    (["agent-disabled", "second-ims-configuration"], ["several-ims-configurations", "agent-disabled"]),
    (["secret-lost-in-an-upgrade", "mac-user-missing"], ["client-secret-refused", "BP-REP-09"]),
    (["no-trust-anchors", "connection-left-open"], ["trust-store-incomplete", "BP-REP-07"]),
    (["cloud-service-without-title", "connect-timeout-changed"], ["BP-CLD-02", "BP-REP-04"]),
    (["oauth-switched-off", "second-tenant"], ["BP-CLD-03", "oauth-flag"]),
    (["nothing-is-delivered", "transcript-of-last-year"], ["BP-REP-03", "BP-PUB-01"]),
    (["tags-left-behind", "schemas-left-behind"], ["BP-PUB-05", "BP-PUB-06"]),
    (["agents-not-deleted", "mac-user-left-behind"], ["BP-UPG-02", "BP-UPG-04"]),
    (["still-on-jwt", "token-expired"], ["BP-CON-02", "jwt"]),
];

#[test]
fn two_independent_defects_are_two_causes() {
    let folder = directory("causes-of-pairs");
    for (defects, expected) in sample("pairs of defects", PAIRS.to_vec(), 2) {
        let (record, _) = run(&folder, &defects);
        let causes: Vec<&str> = record.causes.iter().map(|cause| cause.id.as_str()).collect();
        assert_eq!(causes, expected, "{defects:?}");
        let told: Vec<&String> =
            record.causes.iter().flat_map(|cause| cause.shown_by.iter().chain(&cause.explains)).collect();
        let red = record.scenarios.iter().filter(|one| one.verdict.word() == "failed" || one.verdict.word() == "error");
        red.for_each(|one| assert!(told.contains(&&one.id), "{defects:?} do not explain {}", one.id));
    }
}

#[test]
fn the_cause_comes_first_and_brings_the_only_remedy() {
    let (record, told) = run(&directory("one-cause"), &["agent-disabled"]);
    let cause = &record.causes[0];
    assert_eq!(
        (record.causes.len(), cause.id.as_str(), cause.requirement.as_str()),
        (1, "agent-disabled", "BP-REP-02")
    );
    assert_eq!((cause.shown_by.len(), cause.explains.len()), (1, 8));
    let place = |text: &str| told.find(text).unwrap_or_else(|| panic!("{text} is missing in {told}"));
    assert!(place("1 cause explains 9 failures") < place("8 failures follow from this cause"), "{told}");
    assert!(place("8 failures follow from this cause") < place("\nRequirements\n"), "{told}");
    assert!(!told.contains("Content fragments cannot be published"), "{told}");
}

#[test]
fn a_scenario_names_its_later_deviations_and_sends_nothing_more() {
    let select = ["--requirement", "BP-REP-01", "--requirement", "BP-REP-04"];
    let folder = directory("deviations");
    let out = folder.to_str().expect("a path of this test is UTF-8");
    let defects = ["--defect", "agent-with-another-title", "--defect", "agent-with-another-target"];
    let told = bpconform(&[&["run", "-q", "--out", out], &select[..], &defects[..]].concat());
    assert_eq!(told.code, Some(1), "{}", told.all());
    let record = record_file::read(&folder).expect("a record");
    let of = |id: &str| record.scenarios.iter().find(|one| one.requirements.contains(&id.to_owned())).expect(id);
    let words = |id: &str| of(id).steps.iter().map(|step| step.verdict.word()).collect::<Vec<_>>();
    assert_eq!(words("BP-REP-01"), ["passed", "failed", "failed"]);
    let reason = of("BP-REP-01").reason.as_deref().expect("a reason");
    assert!(
        reason.contains("has the title") && reason.contains("; agent ") && reason.contains(" delivers to "),
        "{reason}"
    );
    assert_eq!(words("BP-REP-04"), ["passed", "failed", "unproven"], "the last step would have to ask the Author");
    assert!(of("BP-REP-04").steps[2].exchanges.is_empty());
}

#[test]
fn every_step_that_a_presupposition_names_is_one_of_a_feature() {
    let features = Features::built_in().expect("the features that are built in");
    let sentences: Vec<&str> =
        features.cases.iter().flat_map(|case| &case.steps).map(|step| step.value.as_str()).collect();
    for step in Presuppositions::built_in().steps() {
        assert!(sentences.iter().any(|sentence| sentence.starts_with(step)), "no step begins with `{step}`");
    }
}
