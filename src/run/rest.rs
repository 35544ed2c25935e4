//! The assertions after the first failure of a scenario, as far as they can be judged on what was read before it. No further
//! request is sent, and the verdict does not depend on them.

use std::panic::AssertUnwindSafe;

use bpconform_steps::{Kind, Problem, World};
use cucumber::gherkin::{Feature, Rule, Scenario, Step, StepType};
use futures::FutureExt as _;

use crate::features::steps;

/// Judges the steps after the one that failed, up to the first that depends on it: a step that is not an assertion, that
/// would have to send a request, or that needs what the failed step would have found.
pub(crate) async fn judge(
    feature: &Feature,
    rule: Option<&Rule>,
    scenario: &Scenario,
    world: &mut World,
) -> Vec<Option<Problem>> {
    world.settle();
    let backgrounds = [feature.background.as_ref(), rule.and_then(|rule| rule.background.as_ref())];
    let all = backgrounds.into_iter().flatten().flat_map(|background| &background.steps).chain(&scenario.steps);
    let begun = world.begun();
    let rest: Vec<&Step> = if begun == 0 { Vec::new() } else { all.skip(begun).collect() };
    let steps = steps(rest.iter().copied());
    let mut judged = Vec::new();
    for step in rest.into_iter().take_while(|step| step.ty == StepType::Then) {
        let Ok(Some((function, _, _, context))) = steps.find(step) else { break };
        let ended = AssertUnwindSafe(async { function(world, context).await }).catch_unwind().await;
        let problem = ended.err().map(|info| info.downcast_ref::<Problem>().cloned());
        match problem {
            None => judged.push(None),
            Some(Some(problem)) if problem.kind == Kind::Failed => judged.push(Some(problem)),
            Some(_) => break,
        }
    }
    judged
}
