//! The queue of a replication agent (surfaces.md §4.3).

use std::fmt;
use std::time::Duration;

use bpconform_fixtures::Cause;
use serde::Deserialize;

use super::agents::{self, Agent};
use crate::call::Call;
use crate::problem::{Because as _, Checked, Kind, Problem, ensure};
use crate::session::Session;

/// The time in which an agent makes its second attempt, unless somebody changed its `retryDelay`: the setting that AEM
/// generates is a minute (surfaces.md §4.1, inferred).
pub(super) const SECOND_ATTEMPT: Duration = Duration::from_secs(65);

/// An agent's queue at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// The agent's name.
    pub agent: String,
    /// The agent's title, if the answer names it.
    pub title: Option<String>,
    /// Whether its first item cannot be processed.
    pub blocked: bool,
    /// Whether somebody paused it.
    pub paused: bool,
    /// Whether its agent is known to be disabled: AEM shows such a queue as active, and nothing leaves it.
    pub disabled: bool,
    /// What waits, the next first.
    pub items: Vec<Item>,
}

/// What waits in a queue.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// What is replicated.
    pub path: String,
    /// `Activate`, `Deactivate`, `Delete`, `Test` …
    #[serde(rename = "type")]
    pub action: String,
    /// On whose behalf.
    #[serde(rename = "userid")]
    pub user: String,
    /// How often it was tried.
    #[serde(rename = "numProcessed")]
    pub attempts: u64,
}

/// What a queue is doing, in the words of the agent's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing waits.
    Idle,
    /// Items wait and are processed.
    Active,
    /// Items wait and the first cannot be processed.
    Blocked,
    /// Somebody paused it.
    Paused,
}

impl State {
    /// The cause that it is; none when it is idle.
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Idle => None,
            Self::Active => Some(Cause::QueueActive),
            Self::Blocked => Some(Cause::QueueBlocked),
            Self::Paused => Some(Cause::QueuePaused),
        }
    }
}

impl Queue {
    /// What it is doing: idle only when nothing waits and it is neither blocked nor paused.
    pub fn state(&self) -> State {
        match self {
            Self { paused: true, .. } => State::Paused,
            Self { blocked: true, .. } => State::Blocked,
            Self { items, .. } if items.is_empty() => State::Idle,
            _ => State::Active,
        }
    }

    /// Whether the agent is delivering, or will make a second attempt at its first item.
    pub fn may_still_deliver(&self) -> bool {
        match self.state() {
            _ if self.disabled => false,
            State::Active => true,
            State::Blocked => self.items.first().is_some_and(|item| item.attempts <= 1),
            State::Idle | State::Paused => false,
        }
    }
}

/// Fails, unless nothing waits in the queue of any of these agents: each that is busy is named, with the item that it is
/// at.
pub async fn all_idle(session: &Session, agents: &[Agent]) -> Checked {
    judge_idle(&of(session, agents).await?)
}

/// The queues of these agents, in their order.
pub async fn of(session: &Session, agents: &[Agent]) -> Checked<Vec<Queue>> {
    futures::future::try_join_all(agents.iter().map(|agent| of_agent(session, agent))).await
}

/// The queue of this agent; an error if the answer is about another one.
pub async fn of_agent(session: &Session, agent: &Agent) -> Checked<Queue> {
    own(read(session, &agent.name).await?, agent)
}

fn own(queue: Queue, agent: &Agent) -> Checked<Queue> {
    judge_owner(&queue, agent)?;
    Ok(Queue { disabled: !agent.enabled(), ..queue })
}

/// Waits until no queue of the tenant's agents holds anything of that path, by two reads in a row. Fails at once if all that
/// hold it have stopped: whoever undoes many changes would wait for the same queue each time.
pub(crate) async fn drained_of(session: &Session, path: &str) -> Checked {
    let settled = async || {
        let (first, second) = (holding(session, path).await?, holding(session, path).await?);
        let gone = first.is_empty() && second.is_empty();
        Ok((gone || (have_stopped(&first) && have_stopped(&second))).then_some(second))
    };
    let what = format!("the queues without anything of {path}");
    let limit = session.run.settings.patience.max(SECOND_ATTEMPT);
    let held =
        session.wait_for(&what, limit, settled).await.map_err(|problem| Problem { kind: Kind::Error, ..problem })?;
    let queues: Vec<_> = held.iter().map(|queue| format!("agent {} is {queue}", queue.agent)).collect();
    if queues.is_empty() {
        return Ok(());
    }
    Err(Problem::error(format!("{path} still waits in a queue that has stopped: {}", queues.join(", "))))
}

/// Whether queues hold something and none of them will deliver it.
fn have_stopped(held: &[Queue]) -> bool {
    !held.is_empty() && !held.iter().any(Queue::may_still_deliver)
}

/// The queues of the tenant's agents that hold the node at that path, or one below it.
pub(super) async fn holding(session: &Session, path: &str) -> Checked<Vec<Queue>> {
    let within = |item: &Item| item.path == path || item.path.starts_with(&format!("{path}/"));
    let mut agents = agents::all(session).await?;
    agents.retain(|agent| agent.name.starts_with("mp_"));
    let mut queues = of(session, &agents).await?;
    queues.retain(|queue| queue.items.iter().any(within));
    Ok(queues)
}

/// Fails unless what waits in a queue has a path, and something waits where it is blocked.
pub fn judge_items(queue: &Queue) -> Checked {
    let nameless = queue.items.iter().filter(|item| item.path.is_empty()).count();
    ensure(nameless == 0, || format!("the queue of agent {} has {nameless} items without a path", queue.agent))?;
    let contradictory = queue.blocked && queue.items.is_empty();
    ensure(!contradictory, || format!("the queue of agent {} is blocked although nothing waits in it", queue.agent))
}

/// Fails, unless nothing waits in any of these queues.
pub fn judge_idle(queues: &[Queue]) -> Checked {
    if queues.is_empty() {
        return Err(Problem::error("no queue was read"));
    }
    let busy: Vec<String> = queues.iter().filter(|queue| queue.state() != State::Idle).map(busy).collect();
    let cause = Cause::deepest(queues.iter().filter_map(|queue| queue.state().cause()));
    ensure(busy.is_empty(), || format!("a publishing job is running: {}", busy.join("; "))).because(cause)
}

/// A queue that is not idle: agent, state, and the item that it is at.
fn busy(queue: &Queue) -> String {
    let item = queue.items.first().filter(|item| !queue.to_string().contains(&item.path));
    let at = item.map_or_else(String::new, |item| format!(", next {} of {}", item.action, item.path));
    format!("{} is {queue}{at}", queue.agent)
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state() {
            State::Idle => f.write_str("idle"),
            State::Active => write!(f, "active - {} pending", self.items.len()),
            state => {
                f.write_str(if state == State::Blocked { "blocked" } else { "paused" })?;
                match self.items.first() {
                    Some(item) => write!(
                        f,
                        " at {} of {} (attempts: {}), {} pending",
                        item.action,
                        item.path,
                        item.attempts,
                        self.items.len()
                    ),
                    None => f.write_str(", nothing pending"),
                }
            }
        }
    }
}

/// An error if the answer is about the queue of another agent.
pub fn judge_owner(queue: &Queue, agent: &Agent) -> Checked {
    let title = agent.property("jcr:title");
    match (&queue.title, title) {
        (Some(found), Some(title)) if *found != title && *found != agent.name => Err(Problem::error(format!(
            "the queue of agent {} is reported as the queue of \"{found}\", not of \"{title}\"",
            agent.name
        ))
        .because(Cause::GatewayInstead)),
        _ => Ok(()),
    }
}

/// The queue of an agent.
pub async fn read(session: &Session, agent: &str) -> Checked<Queue> {
    let reply = session.send(Call::to("author.agent-queue").with("agent", agent)).await?.expect_status(&[200])?;
    parse(agent, &reply.json()?.to_string()).map_err(|problem| {
        Problem::error(format!("{} of agent {agent}: {}; {}", reply.what(), problem.reason, reply.excerpt()))
    })
}

/// Reads a queue's JSON. The members of an idle queue must all be present: a missing flag or list is an error, never "idle".
pub(crate) fn parse(agent: &str, json: &str) -> Checked<Queue> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(rename = "metaData")]
        meta: Meta,
        queue: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Meta {
        #[serde(rename = "queueStatus")]
        status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        is_blocked: bool,
        is_paused: bool,
        #[serde(default)]
        agent_id: Option<String>,
        #[serde(default)]
        agent_name: Option<String>,
    }
    let page: Page =
        serde_json::from_str(json).map_err(|error| Problem::error(format!("no queue can be read from it: {error}")))?;
    let Status { is_blocked, is_paused, agent_id, agent_name } = page.meta.status;
    if let Some(other) = agent_id.filter(|id| !id.is_empty() && id != agent) {
        return Err(Problem::error(format!("the answer is about the queue of another agent, {other}")));
    }
    Ok(Queue {
        agent: agent.to_owned(),
        title: agent_name.filter(|name| !name.is_empty()),
        blocked: is_blocked,
        paused: is_paused,
        disabled: false,
        items: page.queue,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(blocked: bool, paused: bool, items: &str) -> Checked<Queue> {
        parse(
            "a",
            &format!(
                r#"{{"metaData":{{"queueStatus":{{"agentName":"A","agentId":"a","isBlocked":{blocked},"isPaused":{paused},
                "time":1,"processingSince":0,"lastProcessTime":0,"nextRetryPeriod":0}}}},"queue":[{items}]}}"#
            ),
        )
    }

    const ITEM: &str = r#"{"id":"1","path":"/content/dam/a.png","time":9,"userid":"u","type":"Activate","size":3,
        "lastProcessed":0,"numProcessed":7}"#;

    #[test]
    fn every_state_is_told() {
        let said = |blocked, paused, items| queue(blocked, paused, items).expect("readable").to_string();
        assert_eq!(said(false, false, ""), "idle");
        assert_eq!(said(false, false, ITEM), "active - 1 pending");
        assert_eq!(said(true, false, ITEM), "blocked at Activate of /content/dam/a.png (attempts: 7), 1 pending");
        assert_eq!(said(false, true, ""), "paused, nothing pending");
    }

    #[test]
    fn an_agent_is_waited_for_until_its_second_attempt() {
        let after = |attempts: &str, blocked| {
            let item = ITEM.replace("\"numProcessed\":7", &format!("\"numProcessed\":{attempts}"));
            queue(blocked, false, &item).expect("readable").may_still_deliver()
        };
        assert!(after("1", true) && !after("2", true) && after("2", false));
        assert!(!queue(true, false, "").expect("readable").may_still_deliver());
        assert!(!queue(false, true, ITEM).expect("readable").may_still_deliver());
        let active = queue(false, false, ITEM).expect("readable");
        assert!(active.may_still_deliver() && !Queue { disabled: true, ..active }.may_still_deliver());
    }

    fn queues(third: Queue) -> Vec<Queue> {
        let idle = |agent: &str| Queue {
            agent: agent.into(),
            title: None,
            blocked: false,
            paused: false,
            disabled: false,
            items: Vec::new(),
        };
        vec![idle("agent0"), idle("agent1"), third, idle("agent3")]
    }

    fn third(blocked: bool, paused: bool, paths: &[&str]) -> Queue {
        let item = |path: &&str| Item { path: (*path).into(), action: "Activate".into(), ..Item::default() };
        Queue {
            agent: "agent2".into(),
            title: None,
            blocked,
            paused,
            disabled: false,
            items: paths.iter().map(item).collect(),
        }
    }

    #[test]
    fn every_state_but_idle_is_told_with_agent_and_item() {
        let told = |queue| judge_idle(&queues(queue)).expect_err("it is busy").reason;
        for queue in [third(false, false, &["/content/dam/a.png"]), third(true, false, &["/content/dam/a.png", "/b"])] {
            let reason = told(queue);
            assert!(reason.contains("agent2") && reason.contains("/content/dam/a.png"), "{reason}");
        }
        assert!(told(third(false, true, &[])).contains("agent2 is paused"));
    }

    #[test]
    fn only_idle_queues_are_idle_and_none_are_not() {
        assert_eq!(judge_idle(&queues(third(false, false, &[]))), Ok(()));
        assert_eq!(judge_idle(&[]).map_err(|problem| problem.kind), Err(Kind::Error));
    }

    #[test]
    fn the_queue_of_another_agent_is_an_error() {
        let json = r#"{"metaData":{"queueStatus":{"agentId":"b","isBlocked":false,"isPaused":false}},"queue":[]}"#;
        assert_eq!(parse("a", json).map_err(|problem| problem.kind), Err(Kind::Error));
        assert!(parse("b", json).is_ok());
    }

    #[test]
    fn the_queue_of_an_agent_with_another_title_is_an_error() {
        let of = |title: &str| {
            let properties = serde_json::json!({"jcr:title": title, "enabled": "true"});
            own(queue(false, false, "").expect("readable"), &Agent { name: "a".into(), properties })
        };
        assert_eq!(of("A").map(|queue| queue.disabled), Ok(false));
        assert_eq!(of("B").map_err(|problem| problem.kind), Err(Kind::Error));
    }

    #[test]
    fn what_cannot_be_read_is_never_idle() {
        for json in [
            "{}",
            r#"{"queue":[]}"#,
            r#"{"metaData":{"queueStatus":{}},"queue":[]}"#,
            "[]",
            "",
            "<html>",
            r#"{"metaData":{"queueStatus":{"isBlocked":false,"isPaused":false}}}"#,
        ] {
            assert_eq!(parse("a", json).map_err(|problem| problem.kind), Err(Kind::Error), "{json}");
        }
        assert!(queue(false, false, r#"{"numProcessed":1e400}"#).is_err());
    }
}
