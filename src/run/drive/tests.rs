//! What a step returns reaches the record with its type; a panic of the harness is never mistaken for one.

use std::time::Instant;

use bpconform_steps::redact::Redactor;
use bpconform_steps::world::end_step;
use bpconform_steps::{Problem, World};
use cucumber::given;

use crate::features::Features;
use crate::plan::Selection;
use crate::record::{Record, ScenarioRecord};
use crate::run::{self, Options};
use crate::tags::Vocabulary;
use crate::verdict::Verdict;

#[given("a step that panics with the text of a failure")]
fn panics(_: &mut World) {
    panic!("failed: x");
}

#[given("a step that returns a failure")]
fn fails(_: &mut World) {
    end_step(Err(Problem::failed("x")));
}

#[given("a step that cannot be checked here")]
fn skips(_: &mut World) {
    end_step(Err(Problem::skipped("x")));
}

const FEATURE: &str = "Feature: Outcomes
  @BP-PRE-01 @observe
  Scenario: Panic
    Given a step that panics with the text of a failure
  @BP-PRE-01 @observe
  Scenario: Failure
    Given a step that returns a failure
  @BP-PRE-01 @observe
  Scenario: Skip
    Given a step that cannot be checked here
";

async fn record(name: Option<&str>) -> Record {
    let mut features = Features { all: Vec::new(), cases: Vec::new() };
    features.add("outcomes.feature", FEATURE, Vocabulary::built_in()).expect("it is well formed");
    let name = name.map(|name| regex::Regex::new(name).expect("a pattern"));
    let selection = Selection::new(None, name, Vec::new()).expect("it is well formed");
    let options = Options { selection, ..Options::embedded(Redactor::default(), Instant::now()) };
    run::run(&options, &features, |_: &ScenarioRecord| ()).await.expect("it runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_step_returned_is_its_outcome() {
    let record = record(None).await;
    let ended = |scenario: &ScenarioRecord| {
        (scenario.verdict, scenario.harness_failed, scenario.reason.clone().unwrap_or_default())
    };
    let ended: Vec<_> = record.scenarios.iter().map(ended).collect();
    assert_eq!(
        ended,
        [
            (Verdict::Error, true, "the harness itself failed: failed: x".to_owned()),
            (Verdict::Failed, false, "x".to_owned()),
            (Verdict::Skipped, false, "x".to_owned()),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_harness_is_an_internal_error() {
    assert_eq!(record(Some("Panic")).await.exit_code, 6);
}
