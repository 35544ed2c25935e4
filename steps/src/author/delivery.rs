//! Waits for what a delivery changes at the tenant, and what the queues say of one that did not come.

use std::time::Duration;

use super::queue::{self, Queue};
use crate::problem::{Checked, Kind, Problem};
use crate::session::Session;

/// The time in which an agent makes its second attempt: AEM sets `retryDelay` to a minute.
const SECOND_ATTEMPT: Duration = Duration::from_secs(65);

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
    if !limit.is_zero() && held.iter().any(Queue::may_still_deliver) {
        match session.wait_for(what, SECOND_ATTEMPT, &check).await {
            Err(problem) if problem.kind == Kind::Failed => {}
            other => return other,
        }
        held = queue::holding(session, path).await.unwrap_or(held);
    }
    Err(Problem { reason: format!("{}; {}", late.reason, state_of(&held)), ..late })
}

fn state_of(held: &[Queue]) -> String {
    if held.is_empty() {
        return "nothing of it waits in the queue of an agent".to_owned();
    }
    let queues: Vec<_> = held.iter().map(|queue| format!("agent {} is {queue}", queue.agent)).collect();
    queues.join(", ")
}
