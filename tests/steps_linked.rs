//! Cucumber counts a sentence without a step as a success, and the steps of a module that is not linked are silently
//! missing: both would be green and prove nothing.

use std::collections::BTreeSet;

use bpconform::features::Features;
use bpconform_fixtures::Requirements;
use bpconform_steps::World;
use cucumber::World as _;
use cucumber::codegen::{Regex, StepConstructor, WorldInventory, inventory};
use cucumber::gherkin::{Step, StepType};

use crate::support::{bpconform, directory};

/// Requirements that no scenario proves yet.
const NOT_YET_COVERED: [&str; 0] = [];

fn sentences() -> Vec<Step> {
    let features = Features::built_in().expect("the built-in features are well formed");
    features.cases.iter().flat_map(|case| case.steps.clone()).collect()
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

/// The sentences with arguments, each with others in their place.
fn with_odd_arguments() -> BTreeSet<String> {
    let (numbers, texts) = (Regex::new(r"-?\d+").expect("it is right"), Regex::new("\"[^\"]*\"").expect("it is right"));
    let odd = ["99999999999999999999", "-1", "70000"].into_iter().flat_map(|number| {
        let (numbers, texts) = (numbers.clone(), texts.clone());
        sentences().into_iter().flat_map(move |step| {
            let text = texts.replace_all(&step.value, "\"../%00{x} ☃\"").into_owned();
            let number = numbers.replace_all(&text, number).into_owned();
            [text, number].map(|value| Step { value, ..step.clone() })
        })
    });
    let collection = World::collection();
    let plain: BTreeSet<String> = sentences().into_iter().map(|step| step.value).collect();
    let read = odd.filter(|step| matches!(collection.find(step), Ok(Some(_))));
    read.map(|step| step.value).filter(|value| !plain.contains(value)).collect()
}

#[test]
fn no_argument_of_a_sentence_is_an_error_of_the_harness() {
    let sentences = with_odd_arguments();
    assert!(sentences.len() > 20, "only {} sentences have arguments", sentences.len());
    let mut text = "@change @BP-PRE-01\nFeature: odd\n".to_owned();
    for (number, sentence) in sentences.iter().enumerate() {
        text += &format!("\n  Scenario: number {number}\n    * {sentence}\n");
    }
    let folder = directory("odd-arguments");
    std::fs::write(folder.join("a.feature"), text).expect("it can be written");
    let told = bpconform(&["run", "--features", folder.to_str().expect("UTF-8")]);
    assert!(matches!(told.code, Some(1 | 3)), "{}", told.all());
}
