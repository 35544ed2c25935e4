//! The queues of the agents: jobs in the repository, which survive a restart, and a worker for each agent, which does not
//! (surfaces.md §4.1, §4.3).

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::agent::Agent;
use crate::author::repository::{Node, join};
use crate::author::{Author, escape, plain};
use crate::machine::{Form, Response};

/// The root of Sling's jobs.
pub(super) const JOBS: &str = "/var/eventing/jobs";
/// The topic of an agent's jobs, without the agent's id.
const TOPIC: &str = "com.day.cq.replication.job.";
/// The duration of a delivery, by the mock's clock.
pub(super) const PACE: SignedDuration = SignedDuration::from_millis(200);

/// The state of a queue, in the words of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    Active(usize),
    Blocked,
    Paused,
}

impl State {
    /// Whether somebody has paused the queue.
    pub(super) fn is_paused(self) -> bool {
        self == Self::Paused
    }

    /// The CSS class of the console's entry.
    pub(super) fn class(self) -> String {
        format!("cq-agent-queue-{}", self.word().to_ascii_lowercase())
    }

    /// The state in one word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Active(_) => "Active",
            Self::Blocked => "Blocked",
            Self::Paused => "Paused",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active(pending) => write!(f, "active - {pending} pending"),
            other => f.write_str(&other.word().to_ascii_lowercase()),
        }
    }
}

/// The replication action, with its word on the wire and in `cq:lastReplicationAction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Activate,
    Deactivate,
    Test,
}

impl Action {
    /// The word on the wire.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Activate => "Activate",
            Self::Deactivate => "Deactivate",
            Self::Test => "Test",
        }
    }

    /// Parses the word on the wire, in any case.
    pub(super) fn read(word: &str) -> Option<Self> {
        [Self::Activate, Self::Deactivate].into_iter().find(|action| action.word().eq_ignore_ascii_case(word))
    }
}

/// A job of a queue.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) path: String,
    pub(super) action: Action,
    pub(super) user: String,
    time: Timestamp,
    size: i64,
    last_processed: Option<Timestamp>,
    times_processed: i64,
}

impl Item {
    fn read(node: &Node) -> Self {
        let date = |name: &str| match node.properties.get(name) {
            Some(crate::author::repository::Value::Date(date, _)) => Some(*date),
            _ => None,
        };
        Self {
            path: node.text("path").unwrap_or_default().to_owned(),
            action: node.text("type").and_then(Action::read).unwrap_or(Action::Activate),
            user: node.text("userid").unwrap_or_default().to_owned(),
            time: date("time").unwrap_or_default(),
            size: node.number("size").unwrap_or_default(),
            last_processed: date("lastProcessed"),
            times_processed: node.number("numProcessed").unwrap_or_default(),
        }
    }

    /// The cells of the agent's grid: Time, Type, User, Size, Path.
    pub(super) fn cells(&self) -> String {
        let time = self.time.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let size = self.size.to_string();
        let cells = [time.as_str(), self.action.word(), &self.user, &size, &self.path];
        cells.map(|cell| format!("<td>{}</td>", escape(cell))).concat()
    }
}

/// The worker of an agent's queue; its state is lost when the Author stops.
#[derive(Debug, Default)]
pub(super) struct Worker {
    paused: bool,
    /// The start of the current delivery.
    busy: Option<Timestamp>,
    /// The end of the last delivery.
    done: Option<Timestamp>,
}

impl Worker {
    fn due(&self, agent: &Agent, front: &Item) -> Option<Timestamp> {
        if self.paused || self.busy.is_some() || !agent.enabled {
            return None;
        }
        let ready = match front.last_processed {
            Some(failed) if front.times_processed > 0 => failed + SignedDuration::from_millis(agent.retry_delay),
            _ => front.time + PACE,
        };
        Some(self.done.map_or(ready, |done| ready.max(done + PACE)))
    }
}

fn queue_path(agent: &str) -> String {
    format!("{JOBS}/{TOPIC}{agent}")
}

fn milliseconds(time: Option<Timestamp>) -> i64 {
    time.map_or(0, Timestamp::as_millisecond)
}

impl Author {
    /// The jobs of an agent with the paths of their nodes, the oldest first.
    pub(super) fn queue_items(&self, agent: &str) -> Vec<(String, Item)> {
        let path = queue_path(agent);
        self.repository.children(&path).map(|(path, node)| (path, Item::read(node))).collect()
    }

    /// Adds a job to an agent's queue.
    pub(super) fn enqueue(&mut self, now: Timestamp, agent: &str, action: Action, path: &str, user: &str) {
        let queue = queue_path(agent);
        self.repository.ensure(&queue, "sling:Folder");
        let id = format!("{}_{}", now.strftime("%Y-%m-%d-%H-%M-%S"), self.brand_portal.names.hex(8));
        let node = Node::new("slingevent:Job")
            .with("path", path)
            .with("type", action.word())
            .with("userid", user)
            .with("time", now)
            .with("size", self.size_of(path))
            .with("numProcessed", 0);
        self.repository.insert(&join(&queue, &id), node);
    }

    fn front(&self, agent: &str) -> Option<(String, Item)> {
        let path = queue_path(agent);
        let (path, node) = self.repository.children(&path).next()?;
        Some((path, Item::read(node)))
    }

    fn worker(&mut self, agent: &str) -> &mut Worker {
        self.brand_portal.workers.entry(agent.to_owned()).or_default()
    }

    /// The state of an agent's queue.
    pub(super) fn queue_state(&self, agent: &Agent) -> State {
        let pending = self.repository.get(&queue_path(&agent.id)).map_or(0, |queue| queue.children.len());
        let stuck = self.front(&agent.id).is_some_and(|(_, front)| front.times_processed > 0 || !agent.enabled);
        match pending {
            _ if self.brand_portal.workers.get(&agent.id).is_some_and(|worker| worker.paused) => State::Paused,
            0 => State::Idle,
            _ if stuck => State::Blocked,
            pending => State::Active(pending),
        }
    }

    /// The queue of an agent as JSON.
    pub(super) fn queue_json(&self, now: Timestamp, agent: &Agent) -> Response {
        let state = self.queue_state(agent);
        let worker = self.brand_portal.workers.get(&agent.id);
        let due = self.front(&agent.id).and_then(|(_, front)| worker.unwrap_or(&Worker::default()).due(agent, &front));
        let retry = due.filter(|_| state == State::Blocked).map_or(0, |due| due.duration_since(now).as_millis().max(0));
        let queue: Vec<_> = self.queue_items(&agent.id).iter().map(|(path, item)| described(path, item)).collect();
        Response::json(
            200,
            &json!({
                "metaData": { "queueStatus": {
                    "agentName": agent.title,
                    "agentId": agent.id,
                    "isBlocked": state == State::Blocked,
                    "isPaused": state == State::Paused,
                    "time": now.as_millisecond(),
                    "processingSince": milliseconds(worker.and_then(|worker| worker.busy)),
                    "lastProcessTime": milliseconds(worker.and_then(|worker| worker.done)),
                    "nextRetryPeriod": i64::try_from(retry).unwrap_or(i64::MAX),
                } },
                "queue": queue,
            }),
        )
    }

    /// Clears or pauses a queue. `resume` is the mock's own command, since that of a real Author is not known.
    pub(super) fn queue_command(&mut self, now: Timestamp, agent: &Agent, form: &Form) -> Response {
        let surface = self.surfaces.get("author.agent-queue-command");
        let command = form.get(surface.field("command")).unwrap_or_default();
        if command == surface.phrase("clear") {
            self.repository.remove(&queue_path(&agent.id));
        } else if command == surface.phrase("pause") {
            self.worker(&agent.id).paused = true;
        } else if command == "resume" {
            self.worker(&agent.id).paused = false;
        } else {
            return plain(400, &format!("the command `{command}` is not known; there are clear, pause, resume\n"));
        }
        self.queue_json(now, agent)
    }

    /// The agents whose queues have jobs to deliver, with the due times.
    pub(super) fn due_deliveries(&self) -> Vec<(Timestamp, Agent, String, Item)> {
        let idle = Worker::default();
        let queues = self.repository.get(JOBS).into_iter().flat_map(|jobs| jobs.children.keys());
        queues
            .filter_map(|name| {
                let agent = self.agent(name.strip_prefix(TOPIC)?)?;
                let (path, front) = self.front(&agent.id)?;
                let worker = self.brand_portal.workers.get(&agent.id).unwrap_or(&idle);
                Some((worker.due(&agent, &front)?, agent, path, front))
            })
            .collect()
    }

    /// A worker starts its first job.
    pub(super) fn take_up(&mut self, now: Timestamp, agent: &str) {
        self.worker(agent).busy = Some(now);
    }

    /// A worker has finished a job: the job is removed, or stays first and is retried later.
    pub(super) fn lay_down(&mut self, now: Timestamp, agent: &str, job: &str, succeeded: bool) {
        let worker = self.worker(agent);
        (worker.busy, worker.done) = (None, Some(now));
        if succeeded {
            self.repository.remove(job);
            let queue = queue_path(agent);
            if self.repository.get(&queue).is_some_and(|queue| queue.children.is_empty()) {
                self.repository.remove(&queue);
            }
        } else if let Some(node) = self.repository.get_mut(job) {
            let times = node.number("numProcessed").unwrap_or_default();
            node.set("numProcessed", times + 1);
            node.set("lastProcessed", now);
        }
    }
}

fn described(path: &str, item: &Item) -> serde_json::Value {
    json!({
        "id": path.rsplit('/').next(),
        "path": item.path,
        "time": item.time.as_millisecond(),
        "userid": item.user,
        "type": item.action.word(),
        "size": item.size,
        "lastProcessed": milliseconds(item.last_processed),
        "numProcessed": item.times_processed,
    })
}
