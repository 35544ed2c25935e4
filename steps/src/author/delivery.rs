//! Waits for what a delivery changes at the tenant, and what the queues say of one that did not come.

use std::time::Duration;

use super::queue::{self, Queue, SECOND_ATTEMPT};
use crate::problem::{Checked, Kind, Problem};
use crate::session::Session;

/// The time for another look at what no queue holds any more: it may have arrived after the last one.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// Waits until `check` finds what the delivery of the node at that path changes at the tenant; `what` says what that is. A
/// node that waits in a queue is waited for longer if the agent is delivering, or if only its first attempt failed: a
/// tenant that was overloaded for a moment is not a wrong configuration. A failure says which queue holds the node.
pub async fn wait_for<T>(
    session: &Session,
    (path, what): (&str, &str),
    limit: Duration,
    check: impl AsyncFn() -> Checked<Option<T>>,
) -> Checked<T> {
    let late = match session.wait_for(what, limit, &check).await {
        Err(problem) if problem.kind == Kind::Failed => problem,
        other => return other,
    };
    // The verdict stands without the queues, so one that cannot be read is no error.
    let Ok(mut held) = queue::holding(session, path).await else { return Err(late) };
    let more = match &held[..] {
        _ if limit.is_zero() => Duration::ZERO,
        [] => LAST_LOOK,
        held if held.iter().any(Queue::may_still_deliver) => SECOND_ATTEMPT,
        _ => Duration::ZERO,
    };
    if !more.is_zero() {
        match session.wait_for(what, more, &check).await {
            Err(problem) if problem.kind == Kind::Failed => {}
            other => return other,
        }
        held = queue::holding(session, path).await.unwrap_or(held);
    }
    Err(Problem { reason: format!("{}; {}", late.reason, state_of(&held)), ..late })
}

/// Waits while an agent may still deliver the node at that path. The result is judged by what follows.
pub async fn wait_for_agents(session: &Session, path: &str) -> Checked {
    let settled = async || {
        let held = if let Ok(held) = queue::holding(session, path).await {
            held
        } else {
            // One answer may be wrong. An Author that refuses to show its queues is not waited for.
            session.pass(LAST_LOOK).await?;
            queue::holding(session, path).await.unwrap_or_default()
        };
        Ok((!held.iter().any(Queue::may_still_deliver)).then_some(()))
    };
    in_time(session.wait_for(path, session.run.settings.patience + SECOND_ATTEMPT, settled).await)
}

/// Waits until all that is left of the node at that path, and of those below it, waits in queues that deliver nothing. The
/// result is judged by what follows.
pub async fn wait_until_stranded(session: &Session, path: &str) -> Checked {
    let settled = async || {
        let held = queue::holding(session, path).await?;
        Ok((!held.is_empty() && !held.iter().any(Queue::may_still_deliver)).then_some(()))
    };
    in_time(session.wait_for(path, session.run.settings.patience + SECOND_ATTEMPT, settled).await)
}

/// What did not come in time is no problem of the wait.
fn in_time(waited: Checked) -> Checked {
    match waited {
        Err(problem) if problem.kind == Kind::Failed => Ok(()),
        other => other,
    }
}

fn state_of(held: &[Queue]) -> String {
    if held.is_empty() {
        return "nothing of it waits in the queue of an agent".to_owned();
    }
    let queue = |queue: &Queue| {
        let disabled = if queue.disabled { "disabled, and its queue " } else { "" };
        format!("agent {} is {disabled}{queue}", queue.agent)
    };
    held.iter().map(queue).collect::<Vec<_>>().join(", ")
}
