//! Sentences of `08-upgrade.feature`: no publishing job may be running before anything is edited.

use bpconform_step_macros::{given, then, when};

use super::publishing::Folder;
use crate::author::agents::{self, Agent};
use crate::author::publication;
use crate::author::queue::{self, Queue, State};
use crate::call::Call;
use crate::problem::{Checked, Kind, Problem, ensure};
use crate::session::Session;
use crate::world::World;

/// Whether the upgrade may continue, by the queues that were read; the problem names each that is not idle.
#[derive(Debug)]
struct Verified {
    verdict: Checked,
    queues: Vec<Queue>,
}

/// Fails unless all four queues are idle. It names each other queue with its current item.
async fn verify_running_jobs(session: &Session) -> Checked<Verified> {
    let queues = queue::of(session, &agents::four(session).await?).await?;
    Ok(Verified { verdict: stops_unless(queue::judge_idle(&queues)), queues })
}

/// Fails unless the queues of these agents are idle.
pub(super) async fn none_running(session: &Session, agents: &[Agent]) -> Checked {
    stops_unless(queue::all_idle(session, agents).await)
}

fn stops_unless(idle: Checked) -> Checked {
    idle.map_err(|problem| match problem.kind {
        Kind::Failed => Problem { reason: format!("the upgrade stops, because {}", problem.reason), ..problem },
        _ => problem,
    })
}

#[when("the running jobs of the four agents are verified")]
async fn verify(world: &mut World) -> Checked {
    let verified = verify_running_jobs(world.session()?).await?;
    if let Err(Problem { kind: Kind::Error | Kind::Skipped, .. }) = verified.verdict {
        return verified.verdict;
    }
    world.keep(verified);
    Ok(())
}

#[then("the upgrade may go on")]
fn may_go_on(world: &mut World) -> Checked {
    world.kept::<Verified>()?.verdict.clone()
}

#[then("the upgrade stops, and names each agent that is not idle and the item that it is at")]
fn stops(world: &mut World) -> Checked {
    let Verified { verdict, queues } = world.kept()?;
    let Err(problem) = verdict else {
        return Err(Problem::failed("the upgrade would go on, although a queue must not be idle here"));
    };
    // By the queues as they were read: a job goes on meanwhile.
    for queue in queues {
        let named = problem.reason.contains(&queue.agent);
        let item = queue.items.first().is_none_or(|item| problem.reason.contains(&item.path));
        ensure(queue.state() == State::Idle || (named && item), || {
            format!("{} is {queue}, but the reason is: {}", queue.agent, problem.reason)
        })?;
    }
    ensure(problem.kind == Kind::Failed && problem.reason.contains("mp_replication_agent"), || {
        format!("the upgrade stops without naming an agent: {}", problem.reason)
    })
}

#[given("the folder is being published to Brand Portal")]
async fn being_published(world: &mut World) -> Checked {
    let (session, Folder(path)) = (world.session()?, world.kept()?);
    publication::publish(session, path, None).await?.expect_status(&[200])?;
    let busy = async || match verify_running_jobs(session).await?.verdict {
        Err(Problem { kind: Kind::Failed, .. }) => Ok(Some(())),
        other => other.map(|()| None),
    };
    session.wait_for("a publishing job in one of the four queues", session.run.settings.patience, busy).await
}

/// AEM forgets a pause by itself, after about an hour without work (surfaces.md §4.3); how to take it back over HTTP is
/// not known, so the scenario is irreversible.
#[given("the queue of one of the four agents is paused")]
async fn pause(world: &mut World) -> Checked {
    let session = world.session()?;
    let four = agents::four(session).await?;
    let agent = four.get(1).ok_or_else(|| Problem::error("a second agent is missing"))?;
    let surface = session.surface("author.agent-queue-command");
    let call = Call::to("author.agent-queue-command").with("agent", &agent.name);
    let call = call.field("command", surface.phrase("pause")).field("agent", &agent.name);
    session.send(call.undone_by([])).await?.expect_status(&[200])?;
    let paused = async || Ok(queue::of_agent(session, agent).await?.paused.then_some(()));
    session.wait_for("a paused queue", session.run.settings.patience, paused).await
}
