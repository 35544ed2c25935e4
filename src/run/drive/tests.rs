//! What a step returns reaches the record with its type; a panic of the harness is never mistaken for one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bpconform_steps::redact::Redactor;
use bpconform_steps::world::end_step;
use bpconform_steps::{Call, Problem, World};
use cucumber::{given, then, when};

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

#[then(regex = "^an assertion that (holds|fails|cannot be judged|asks the target)$")]
async fn asserts(world: &mut World, how: String) {
    world.begin_step();
    end_step(match how.as_str() {
        "holds" => Ok(()),
        "fails" => Err(Problem::failed(format!("step {}", world.begun()))),
        "asks the target" => match world.session() {
            Ok(session) => session.send(Call::to("author.login-page")).await.map(drop),
            Err(problem) => Err(problem),
        },
        _ => Err(Problem::error("x")),
    });
}

#[when("a change that must not be made after a failure")]
fn changes(_: &mut World) {
    end_step(Err(Problem::failed("a change was made")));
}

#[given("a step that fails once and cannot be checked any more")]
fn fails_once(_: &mut World) {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let problem = if ASKED.fetch_add(1, Ordering::Relaxed) == 0 { Problem::failed("y") } else { Problem::skipped("x") };
    end_step(Err(problem));
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
    record_of(FEATURE, name).await
}

async fn record_of(feature: &str, name: Option<&str>) -> Record {
    retried(feature, name, 0).await
}

async fn retried(feature: &str, name: Option<&str>, retries: usize) -> Record {
    let mut features = Features { all: Vec::new(), cases: Vec::new() };
    features.add("outcomes.feature", feature, Vocabulary::built_in()).expect("it is well formed");
    let name = name.map(|name| regex::Regex::new(name).expect("a pattern"));
    let selection = Selection::new(None, name, Vec::new()).expect("it is well formed");
    let options = Options { selection, retries, ..Options::embedded(Redactor::default(), Instant::now()) };
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

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_is_skipped_erases_no_failure() {
    let feature = "Feature: Outcomes\n  @BP-PRE-01 @observe\n  Scenario: One\n    \
        Given a step that fails once and cannot be checked any more\n";
    let record = retried(feature, None, 1).await;
    let scenario = &record.scenarios[0];
    assert_eq!((scenario.verdict, scenario.attempts.len(), record.exit_code), (Verdict::Error, 1, 3));
    let reason = scenario.reason.as_deref().expect("a reason");
    assert!(reason.contains('x') && reason.contains("failed: y"), "{reason}");
}

/// The verdicts of the steps of a scenario of these sentences, and its reason.
async fn ended(sentences: &[&str]) -> (Vec<Verdict>, Verdict, String) {
    let head = "Feature: Outcomes\n  @BP-PRE-01 @observe\n  Scenario: One\n";
    let record = record_of(&format!("{head}    * {}\n", sentences.join("\n    * ")), None).await;
    let scenario = &record.scenarios[0];
    let steps = scenario.steps.iter().map(|step| step.verdict).collect();
    (steps, scenario.verdict, scenario.reason.clone().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_names_every_deviation_that_it_can_judge() {
    use Verdict::{Failed, Passed, Unproven};
    let [holds, fails] = ["an assertion that holds", "an assertion that fails"];
    let found = ended(&[holds, fails, holds, fails]).await;
    assert_eq!(found, (vec![Passed, Failed, Passed, Failed], Failed, "step 2; step 4".to_owned()));
    let change = "a change that must not be made after a failure";
    for ends in ["an assertion that cannot be judged", "an assertion that asks the target", change] {
        let found = ended(&[fails, fails, ends, fails]).await;
        assert_eq!(found, (vec![Failed, Failed, Unproven, Unproven], Failed, "step 1; step 2".to_owned()), "{ends}");
    }
    let found = ended(&["an assertion that cannot be judged", fails]).await;
    assert_eq!(found, (vec![Verdict::Error, Unproven], Verdict::Error, "x".to_owned()), "only a failure goes on");
}
