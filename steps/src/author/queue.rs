//! The queue of a replication agent (surfaces.md §4.3).

use std::fmt;

use serde::Deserialize;

use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::session::Session;

/// An agent's queue at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// The agent's name.
    pub agent: String,
    /// Whether its first item cannot be processed.
    pub blocked: bool,
    /// Whether somebody paused it.
    pub paused: bool,
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

/// The queue of an agent.
pub async fn read(session: &Session, agent: &str) -> Checked<Queue> {
    let reply = session.send(Call::to("author.agent-queue").with("agent", agent)).await?.expect_status(&[200])?;
    parse(agent, &reply.json()?.to_string()).map_err(|problem| {
        Problem::error(format!("{} of agent {agent}: {}; {}", reply.what(), problem.reason, reply.excerpt()))
    })
}

/// Reads a queue's JSON. What an idle queue says must be said: a missing flag or list is an error, never "idle".
fn parse(agent: &str, json: &str) -> Checked<Queue> {
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
    }
    let page: Page =
        serde_json::from_str(json).map_err(|error| Problem::error(format!("no queue can be read from it: {error}")))?;
    let Status { is_blocked, is_paused } = page.meta.status;
    Ok(Queue { agent: agent.to_owned(), blocked: is_blocked, paused: is_paused, items: page.queue })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

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
