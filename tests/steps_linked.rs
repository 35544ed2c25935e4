//! Cucumber counts a sentence without a step as a success, and the steps of a module that is not linked are silently
//! missing: both would be green and prove nothing.

use bpconform::features::Features;
use bpconform_fixtures::Requirements;
use bpconform_steps::World;
use cucumber::World as _;
use cucumber::codegen::{Regex, StepConstructor, WorldInventory, inventory};
use cucumber::gherkin::{Step, StepType};

/// Requirements that no scenario proves yet.
const NOT_YET_COVERED: [&str; 0] = [];

fn sentences() -> Vec<Step> {
    let features = Features::built_in().expect("the built-in features are well formed");
    features.cases.into_iter().flat_map(|case| case.steps).collect()
}

fn registered() -> Vec<(StepType, Regex, String)> {
    fn of<C: StepConstructor<World>>(ty: StepType, step: &C) -> (StepType, Regex, String) {
        let (place, pattern, _) = step.inner();
        (ty, pattern(), place.to_string())
    }
    let given = inventory::iter::<<World as WorldInventory>::Given>.into_iter().map(|step| of(StepType::Given, step));
    let when = inventory::iter::<<World as WorldInventory>::When>.into_iter().map(|step| of(StepType::When, step));
    let then = inventory::iter::<<World as WorldInventory>::Then>.into_iter().map(|step| of(StepType::Then, step));
    given.chain(when).chain(then).collect()
}

#[test]
fn every_sentence_of_the_features_has_exactly_one_step() {
    let collection = World::collection();
    let sentences = sentences();
    assert!(sentences.len() > 100, "only {} sentences", sentences.len());
    let wrong: Vec<_> = sentences
        .iter()
        .filter_map(|step| match collection.find(step) {
            Ok(Some(_)) => None,
            Ok(None) => Some(format!("no step reads: {}{}", step.keyword, step.value)),
            Err(error) => Some(format!("{}{}: {error}", step.keyword, step.value)),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_registered_step_reads_a_sentence_of_the_features() {
    let sentences = sentences();
    let registered = registered();
    assert!(!registered.is_empty(), "no module of steps is linked");
    let unused: Vec<_> = registered
        .iter()
        .filter(|(ty, pattern, _)| !sentences.iter().any(|step| step.ty == *ty && pattern.is_match(&step.value)))
        .map(|(_, pattern, place)| format!("{place}: {pattern}"))
        .collect();
    assert!(unused.is_empty(), "steps that no feature uses:\n{}", unused.join("\n"));
}

#[test]
fn every_requirement_has_a_scenario_or_is_listed_as_not_yet_covered() {
    let cases = Features::built_in().expect("the built-in features are well formed").cases;
    let uncovered: Vec<_> = Requirements::built_in()
        .all
        .iter()
        .map(|requirement| requirement.id.as_str())
        .filter(|id| !cases.iter().any(|case| case.requirements.iter().any(|own| own == id)))
        .collect();
    assert_eq!(uncovered, NOT_YET_COVERED);
}
