//! The sentences of steps, and which step of the harness reads each.

use std::sync::LazyLock;

use bpconform_steps::World;
use cucumber::World as _;
use cucumber::gherkin::{Feature, LineCol, Step, StepType};
use cucumber::step::Collection;

use crate::error::FeatureError;
use crate::nearest::nearest;

/// Compiled once: the expressions of all sentences are a third of what a short run costs.
static STEPS: LazyLock<Collection<World>> = LazyLock::new(World::collection);

/// All steps of the harness.
pub(crate) fn steps() -> Collection<World> {
    STEPS.clone()
}

/// Gives each step the type under which the harness knows its sentence. In Gherkin the keyword does not
/// decide which step runs: a sentence after `*` or after an unusual keyword is the same step.
///
/// # Errors
///
/// The line of a sentence that no step reads, or that several do.
pub(super) fn resolve(file: &str, feature: &mut Feature) -> Result<(), FeatureError> {
    let (own, of_rules) = (&mut feature.background, &mut feature.rules);
    let backgrounds = own.iter_mut().chain(of_rules.iter_mut().flat_map(|rule| &mut rule.background));
    backgrounds.flat_map(|background| &mut background.steps).try_for_each(|step| find(file, step))?;
    let (own, of_rules) = (&mut feature.scenarios, &mut feature.rules);
    let scenarios = own.iter_mut().chain(of_rules.iter_mut().flat_map(|rule| &mut rule.scenarios));
    scenarios.flat_map(|scenario| &mut scenario.steps).try_for_each(|step| find(file, step))
}

fn find(file: &str, step: &mut Step) -> Result<(), FeatureError> {
    let wrong = |problem: String| FeatureError { file: file.to_owned(), line: step.position.line, problem };
    let own = step.ty;
    let types = [own, StepType::Given, StepType::When, StepType::Then];
    for ty in types {
        step.ty = ty;
        match STEPS.find(step) {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
            Err(_) => return Err(wrong(format!("several steps read {:?}", step.value))),
        }
    }
    step.ty = own;
    let near = nearest(&step.value, built_in());
    let hint = near.map_or_else(
        || "; the sentences that can be used are those of the built-in features".to_owned(),
        |near| format!("; did you mean {near:?}?"),
    );
    Err(wrong(format!("no step reads {:?}{hint}", step.value)))
}

/// The sentences of the built-in features.
fn built_in() -> impl Iterator<Item = &'static str> {
    let lines = super::BUILT_IN.iter().flat_map(|(_, text)| text.lines());
    let keywords = ["Given ", "When ", "Then ", "And ", "But "];
    lines.filter_map(move |line| keywords.iter().find_map(|keyword| line.trim().strip_prefix(keyword)))
}

/// Whether a text is a sentence that a step reads, with or without a mistyped keyword before it.
pub(super) fn is_step(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let behind = text.split_once(|c: char| c.is_whitespace() || c == ':').map(|(_, rest)| rest.trim());
    [Some(text), behind].into_iter().flatten().any(is_sentence)
}

fn is_sentence(text: &str) -> bool {
    [StepType::Given, StepType::When, StepType::Then].into_iter().any(|ty| {
        let step = Step {
            keyword: String::new(),
            ty,
            value: text.to_owned(),
            docstring: None,
            table: None,
            span: cucumber::gherkin::Span::default(),
            position: LineCol::default(),
        };
        !matches!(STEPS.find(&step), Ok(None))
    })
}
