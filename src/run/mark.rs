//! An internal step, used by no feature, that makes the mocks inject a fault into the next request. With it, the fault hits
//! exactly the step that follows.

use std::sync::LazyLock;

use bpconform_mocks::faults::Fault;
use bpconform_steps::world::end_step;
use bpconform_steps::{Call, Problem, World};
use cucumber::gherkin::Step;
use cucumber::step::{Collection, Context};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use regex::Regex;

/// The beginning of its sentence.
const MARK: &str = "the next request gets the fault: ";

/// Its sentence; with an endpoint, the fault hits the next request to that endpoint.
pub(crate) fn sentence(fault: &Fault, surface: Option<&str>) -> String {
    format!("{MARK}{} {}", fault.id, surface.unwrap_or_default())
}

/// Whether a step is this one.
pub(crate) fn is_mark(step: &Step) -> bool {
    step.value.starts_with(MARK)
}

/// The given steps, plus this one.
pub(crate) fn with_mark(steps: Collection<World>) -> Collection<World> {
    static SENTENCE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(&format!("^{MARK}(\\S+) (.*)$")).expect("a constant pattern"));
    steps.given(None, SENTENCE.clone(), mark)
}

fn mark(world: &mut World, context: Context) -> LocalBoxFuture<'_, ()> {
    async move {
        world.begin_step();
        end_step(strike(world, &context).await);
    }
    .boxed_local()
}

async fn strike(world: &World, context: &Context) -> Result<(), Problem> {
    let word = |at: usize| context.matches.get(at).map(|(_, word)| word.as_str()).unwrap_or_default();
    let call = Call::to("control.wire").field("fault", word(1)).field("surface", word(2));
    world.session()?.send(call).await?.expect_status(&[200]).map(drop)
}
