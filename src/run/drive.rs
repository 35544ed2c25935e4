//! Runs cucumber inside the binary, and collects its events as the trace of each scenario.

use std::collections::HashMap;
use std::panic;
use std::sync::{Arc, Once};
use std::time::SystemTime;

use bpconform_steps::{Kind, Problem, World};
use cucumber::event::Retries;
use cucumber::gherkin::{Feature, LineCol, Step};
use cucumber::runner::basic::RetryOptions;
use cucumber::{Cucumber, Event, Parser, Writer, cli, event, parser, runner};
use futures::stream::{self, Iter};

use crate::features::{sentences, steps};
use crate::run::evidence::{EvidenceStore, ScenarioEvidence};
use crate::run::key::{ScenarioKey, key};
use crate::run::mark::{is_mark, with_mark};
use crate::run::rest;
use crate::run::stage::Stage;
use crate::run::trace::{EndedScenario, ScenarioTrace};

/// An event of a scenario.
#[derive(Debug)]
pub(crate) enum ScenarioEvent {
    /// The scenario begins.
    Begun,
    /// A step with this sentence begins.
    Step(String),
    /// The scenario has ended.
    Ended(Box<EndedScenario>),
}

/// Runs the scenarios of these features, `jobs` at a time, and passes their events to `on_event`. A scenario that does not
/// pass is retried up to `retries` times. Without retries, one that only reads must fail twice: one wrong answer changes
/// no verdict.
pub(crate) async fn drive(
    features: Vec<Feature>,
    jobs: usize,
    retries: usize,
    stage: Stage,
    on_event: impl FnMut(ScenarioKey, ScenarioEvent) + 'static,
) {
    let shelf = EvidenceStore::default();
    let (traces, earlier) = (HashMap::new(), HashMap::new());
    let confirms = retries == 0;
    let writer = TraceWriter { traces, earlier, confirms, shelf: shelf.clone(), on_event: Box::new(on_event) };
    let again = |times| RetryOptions { retries: Retries::initial(times), after: None };
    let stage = stage.with_retries(retries > 0);
    let (before, confirming) = (stage.clone(), stage.clone());
    let report_panics = panic_reporter();
    let said = || features.iter().flat_map(sentences);
    let readers = if said().any(is_mark) { with_mark(steps(said())) } else { steps(said()) };
    let runner = runner::Basic::default()
        .steps(readers)
        .max_concurrent_scenarios(jobs)
        .retry_options(move |feature, _, scenario, _| match retries {
            0 => confirming.confirms(&key(feature, scenario)).then(|| again(1)),
            _ => Some(again(retries)),
        })
        .before(move |feature, _, scenario, world| {
            let stage = before.clone();
            report_panics();
            Box::pin(async move { stage.enter(&key(feature, scenario), world).await })
        })
        .after(move |feature, rule, scenario, end, world| {
            let (stage, shelf) = (stage.clone(), shelf.clone());
            Box::pin(async move {
                let key = key(feature, scenario);
                stage.ended(&key, problem_at(end).as_ref());
                let _turn = stage.end_turn(&key);
                stage.limit.ended(&key, is_red(end));
                if let Some(world) = world {
                    let failed = problem_at(end).is_some_and(|problem| problem.kind == Kind::Failed);
                    let rest = if failed { rest::judge(feature, rule, scenario, world).await } else { Vec::new() };
                    let evidence = stage.leave(&key, world).await;
                    shelf.put(key, ScenarioEvidence { rest, ..evidence });
                }
            })
        });
    Cucumber::<World, _, _, _, _>::custom(ReadyFeatures, runner, writer).with_default_cli().run(features).await;
}

/// Cucumber suppresses every panic of the process while it runs, since a panic is its way to end a step that did not pass.
/// The returned function restores the report of all other panics; it has to be called after cucumber has begun.
fn panic_reporter() -> impl Fn() + 'static {
    let hook = Arc::new(panic::take_hook());
    let usual = Arc::clone(&hook);
    panic::set_hook(Box::new(move |panic| usual(panic)));
    let once = Once::new();
    move || {
        let hook = Arc::clone(&hook);
        once.call_once(|| {
            panic::set_hook(Box::new(move |info| {
                if !info.payload().is::<Problem>() {
                    hook(info);
                }
            }));
        });
    }
}

/// A parser that returns all features at once, since cucumber busy-loops on a pending stream.
struct ReadyFeatures;

impl Parser<Vec<Feature>> for ReadyFeatures {
    type Cli = cli::Empty;
    type Output = Iter<std::vec::IntoIter<parser::Result<Feature>>>;

    fn parse(self, features: Vec<Feature>, _: cli::Empty) -> Self::Output {
        stream::iter(features.into_iter().map(Ok).collect::<Vec<_>>())
    }
}

/// Turns events into traces, and passes each trace on when its scenario ends.
struct TraceWriter {
    traces: HashMap<ScenarioKey, ScenarioTrace>,
    earlier: HashMap<ScenarioKey, Vec<EndedScenario>>,
    /// Whether a second attempt confirms the first one instead of being a retry.
    confirms: bool,
    shelf: EvidenceStore,
    on_event: Box<dyn FnMut(ScenarioKey, ScenarioEvent)>,
}

impl Writer<World> for TraceWriter {
    type Cli = cli::Empty;

    async fn handle_event(&mut self, event: parser::Result<Event<event::Cucumber<World>>>, _: &cli::Empty) {
        let Ok(event) = event else { return };
        let at = event.at;
        let event::Cucumber::Feature(feature, of_feature) = event.into_inner() else { return };
        match of_feature {
            event::Feature::Scenario(scenario, of_scenario)
            | event::Feature::Rule(_, event::Rule::Scenario(scenario, of_scenario)) => {
                let left = of_scenario.retries.map_or(0, |retries| retries.left);
                self.note(key(&feature, &scenario), of_scenario.event, left, at);
            }
            _ => {}
        }
    }
}

impl cucumber::writer::Normalized for TraceWriter {}

impl TraceWriter {
    fn note(&mut self, key: ScenarioKey, event: event::Scenario<World>, left: usize, at: SystemTime) {
        let trace = self.traces.entry(key.clone()).or_default();
        match event {
            event::Scenario::Started => {
                trace.started(at);
                (self.on_event)(key, ScenarioEvent::Begun);
            }
            event::Scenario::Hook(_, event::Hook::Failed(_, info)) => match problem_of(&info) {
                Ok(problem) => trace.hook_failed(problem),
                Err(reason) => trace.hook_harness_failed(reason),
            },
            event::Scenario::Hook(..) | event::Scenario::Log(_) => {}
            event::Scenario::Background(step, event) | event::Scenario::Step(step, event) => {
                if matches!(event, event::Step::Started) {
                    (self.on_event)(key, ScenarioEvent::Step(format!("{}{}", step.keyword, step.value)));
                }
                note_step(trace, &step, event, at);
            }
            event::Scenario::Finished => {
                let trace = self.traces.remove(&key).unwrap_or_default();
                let ended = trace.end(at, self.shelf.take(&key));
                if left > 0 && ended.has_problem() {
                    self.earlier.entry(key).or_default().push(ended);
                } else {
                    let mut earlier = self.earlier.remove(&key).unwrap_or_default();
                    let ended = match earlier.pop_if(|_| self.confirms) {
                        Some(first) => ended.confirming(first),
                        None => ended.after(earlier),
                    };
                    (self.on_event)(key, ScenarioEvent::Ended(Box::new(ended)));
                }
            }
        }
    }
}

fn note_step(trace: &mut ScenarioTrace, step: &Step, event: event::Step<World>, at: SystemTime) {
    let LineCol { line, .. } = step.position;
    match event {
        event::Step::Started => trace.step_started(line, at),
        event::Step::Passed(..) => trace.step_ended(at, None),
        event::Step::Skipped => {
            let sentence = format!("{}{}", step.keyword, step.value);
            trace.harness_failed(at, format!("no step definition matches `{}`", sentence.trim()));
        }
        event::Step::Failed(_, _, _, event::StepError::Panic(info)) => match problem_of(&info) {
            Ok(problem) => trace.step_ended(at, Some(problem)),
            Err(reason) => trace.harness_failed(at, reason),
        },
        event::Step::Failed(_, _, _, error) => trace.harness_failed(at, error.to_string()),
    }
}

/// The problem of the step at which a scenario ended, if one stands behind its end.
fn problem_at(end: &event::ScenarioFinished) -> Option<Problem> {
    match end {
        event::ScenarioFinished::BeforeHookFailed(info)
        | event::ScenarioFinished::StepFailed(_, _, event::StepError::Panic(info)) => problem_of(info).ok(),
        _ => None,
    }
}

/// Whether an attempt at a scenario failed or could not be judged.
fn is_red(ended: &event::ScenarioFinished) -> bool {
    match ended {
        event::ScenarioFinished::StepPassed => false,
        event::ScenarioFinished::StepFailed(_, _, event::StepError::Panic(info))
        | event::ScenarioFinished::BeforeHookFailed(info) => {
            problem_of(info).map_or(true, |problem| problem.kind != Kind::Skipped)
        }
        event::ScenarioFinished::StepFailed(..) | event::ScenarioFinished::StepSkipped => true,
    }
}

/// The problem that a step returned. A panic that no problem stands behind is the harness's own, whatever its text says:
/// then the reason.
fn problem_of(info: &event::Info) -> Result<Problem, String> {
    if let Some(problem) = info.downcast_ref::<Problem>() {
        return Ok(problem.clone());
    }
    let text = info.downcast_ref::<String>().map(String::as_str).or_else(|| info.downcast_ref::<&str>().copied());
    Err(format!("the harness itself failed: {}", text.unwrap_or("a panic without a text")))
}

#[cfg(test)]
mod tests;
