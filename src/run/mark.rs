//! A step that no feature has: it makes the mocks strike the next request. What is struck can so be said to the step.

use bpconform_mocks::faults::Fault;
use bpconform_steps::world::end_step;
use bpconform_steps::{Call, Problem, World};
use cucumber::step::{Collection, Context};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use regex::Regex;

/// How its sentence begins.
const MARK: &str = "the next request is struck: ";

/// Its sentence; with a surface, it means the next request to that one.
pub(crate) fn sentence(fault: &Fault, surface: Option<&str>) -> String {
    format!("{MARK}{} {}", fault.id, surface.unwrap_or_default())
}

/// The steps with this one.
pub(crate) fn with_mark(steps: Collection<World>) -> Collection<World> {
    steps.given(None, Regex::new(&format!("^{MARK}(\\S+) (.*)$")).expect("a constant pattern"), mark)
}

fn mark(world: &mut World, context: Context) -> LocalBoxFuture<'_, ()> {
    async move {
        end_step(strike(world, &context).await);
    }
    .boxed_local()
}

async fn strike(world: &World, context: &Context) -> Result<(), Problem> {
    let word = |at: usize| context.matches.get(at).map(|(_, word)| word.as_str()).unwrap_or_default();
    let call = Call::to("control.wire").field("fault", word(1)).field("surface", word(2));
    world.session()?.send(call).await?.expect_status(&[200]).map(drop)
}
