//! The agent with which AEM as a Cloud Service delivers to Brand Portal: an agent of Sling content distribution
//! (aem-cloud.md). Its failures name no cause of replication agents, whose remedies are others.

use bpconform_fixtures::surfaces::expand;
use serde_json::Value;

use super::distribution_log::{self, Entry};
use super::users;
use crate::call::Call;
use crate::problem::{Checked, Problem, ensure};
use crate::reply::Reply;
use crate::session::Session;

/// The state of an agent or a queue, in the words of Sling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing waits.
    Idle,
    /// Something is being delivered.
    Running,
    /// A delivery failed, and is tried again.
    Blocked,
    /// Somebody paused it.
    Paused,
}

impl State {
    fn read(text: &str) -> Option<Self> {
        let known = [Self::Idle, Self::Running, Self::Blocked, Self::Paused];
        known.into_iter().find(|state| state.word().eq_ignore_ascii_case(text))
    }

    /// Its word on the wire.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Running => "RUNNING",
            Self::Blocked => "BLOCKED",
            Self::Paused => "PAUSED",
        }
    }
}

/// What waits in a queue, or failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub paths: Vec<String>,
    /// How often its delivery was tried.
    pub attempts: Option<i64>,
    /// Why its delivery failed.
    pub error: Option<String>,
}

impl Item {
    fn told(&self) -> String {
        let what = if self.paths.is_empty() { self.id.clone() } else { self.paths.join(", ") };
        let attempts = self.attempts.map(|attempts| format!("{attempts} attempts"));
        let parts: Vec<_> = attempts.into_iter().chain(self.error.clone()).collect();
        if parts.is_empty() { what } else { format!("{what} ({})", parts.join(", ")) }
    }
}

/// A queue of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// The number of items in it.
    pub count: i64,
    /// The first item, if there is one.
    pub first: Option<Item>,
}

impl Queue {
    /// Fails unless it is idle and empty; what waits is named.
    pub fn judge(&self) -> Checked {
        let first = self.first.as_ref().map(|item| format!(", first {}", item.told())).unwrap_or_default();
        ensure(self.state == State::Idle && self.count == 0, || {
            format!("the queue {} is {} with {} items{first}", self.name, self.state.word(), self.count)
        })
    }
}

/// The names of all distribution agents of the Author.
pub async fn names(session: &Session) -> Checked<Vec<String>> {
    let surface = session.surface("author.distribution-agents");
    let reply = session.send(Call::to("author.distribution-agents")).await?.expect_status(&[200])?;
    let items = texts(&reply.json()?, surface.field("items"));
    items.ok_or_else(|| {
        Problem::error(format!("{} is not a list of distribution agents; {}", reply.what(), reply.excerpt()))
    })
}

/// Fails unless exactly one agent for Brand Portal is there, with the name that AEM gives it.
pub fn judge_names(session: &Session, names: &[String]) -> Checked {
    let surface = session.surface("author.distribution-agents");
    let (agent, prefix) = (surface.phrase("agent"), surface.phrase("prefix"));
    let ours: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with(prefix)).collect();
    match ours[..] {
        [] => Err(Problem::failed(format!("the Author has no distribution agent {agent}"))),
        [only] if only == agent => Ok(()),
        _ => {
            let told = format!("the distribution agents for Brand Portal are {}, not {agent} alone", ours.join(", "));
            Err(Problem::failed(told))
        }
    }
}

/// The name of the agent for Brand Portal.
pub fn agent(session: &Session) -> &str {
    session.surface("author.distribution-agents").phrase("agent")
}

fn ask(session: &Session, surface: &str) -> Call {
    Call::to(surface).with("agent", agent(session))
}

/// The state of the agent.
pub async fn status(session: &Session) -> Checked<State> {
    let field = session.surface("author.distribution-status").field("state");
    let reply = session.send(ask(session, "author.distribution-status")).await?.expect_status(&[200])?;
    state(&reply, &reply.json()?, field)
}

fn state(reply: &Reply, json: &Value, field: &str) -> Checked<State> {
    let text = json.get(field).and_then(Value::as_str).unwrap_or_default();
    State::read(text).ok_or_else(|| {
        Problem::error(format!("{} names no state of an agent or a queue; {}", reply.what(), reply.excerpt()))
    })
}

/// Fails when the settings of the agent say that it is disabled. An agent that is listed and has a state is enabled; its
/// settings are read besides because a disabled one may still be listed for a while.
pub async fn judge_enabled(session: &Session) -> Checked {
    status(session).await?;
    let reply = session.send(ask(session, "author.distribution-settings")).await?;
    if reply.status == 404 {
        return Ok(());
    }
    let settings = reply.expect_status(&[200])?.json()?;
    let enabled = settings.get(session.surface("author.distribution-settings").field("enabled"));
    let off = enabled.is_some_and(|value| match value {
        Value::Bool(enabled) => !enabled,
        Value::String(text) => !text.trim().eq_ignore_ascii_case("true"),
        _ => false,
    });
    ensure(!off, || format!("the distribution agent {} is not enabled", agent(session)))
}

/// The two queues of the agent; fails when they are not the two that AEM makes.
pub async fn queues(session: &Session) -> Checked<Vec<Queue>> {
    let surface = session.surface("author.distribution-queues");
    let values = [("agent".to_owned(), agent(session).to_owned())].into();
    let expected = ["queue", "error-queue"].map(|word| expand(surface.phrase(word), &values).unwrap_or_default());
    let reply = session.send(ask(session, "author.distribution-queues")).await?.expect_status(&[200])?;
    let names = texts(&reply.json()?, surface.field("items"));
    let names = names.ok_or_else(|| Problem::error(format!("{} is not a list of queues", reply.what())))?;
    let missing: Vec<_> = expected.iter().filter(|name| !names.contains(name)).map(String::as_str).collect();
    ensure(missing.is_empty(), || {
        format!("the agent {} lacks the queues {}; it has {}", agent(session), missing.join(", "), names.join(", "))
    })?;
    let mut queues = Vec::new();
    for name in &names {
        queues.push(queue(session, name).await?);
    }
    Ok(queues)
}

async fn queue(session: &Session, name: &str) -> Checked<Queue> {
    let surface = session.surface("author.distribution-queue");
    let call = ask(session, "author.distribution-queue").with("queue", name);
    let reply = session.send(call).await?.expect_status(&[200])?;
    let json = reply.json()?;
    let state = state(&reply, &json, surface.field("state"))?;
    let empty = json.get(surface.field("empty")).and_then(Value::as_bool);
    let count = json.get(surface.field("count")).and_then(Value::as_i64);
    let (Some(empty), Some(count)) = (empty, count) else {
        return Err(Problem::error(format!("{} does not say what waits in it; {}", reply.what(), reply.excerpt())));
    };
    // Either of the two may be older than the other, and an item counts as soon as one of them knows it.
    let count = if empty { count } else { count.max(1) };
    let first = texts(&json, surface.field("items")).unwrap_or_default().into_iter().next();
    let first = match first {
        Some(id) => Some(item(session, name, &id).await?),
        None => None,
    };
    let count = count.max(i64::from(first.is_some()));
    Ok(Queue { name: name.to_owned(), state, count, first })
}

/// An item by its id. One that is gone meanwhile was delivered, so only its id is told.
async fn item(session: &Session, queue: &str, id: &str) -> Checked<Item> {
    let surface = session.surface("author.distribution-item");
    let call = ask(session, "author.distribution-item").with("queue", queue).with("item", id);
    let reply = session.send(call).await?;
    let unknown = Item { id: id.to_owned(), ..Item::default() };
    let Some(json) = Some(&reply).filter(|reply| reply.status == 200).and_then(|reply| reply.json().ok()) else {
        return Ok(unknown);
    };
    Ok(Item {
        paths: texts(&json, surface.field("paths")).unwrap_or_default(),
        attempts: json.get(surface.field("attempts")).and_then(Value::as_i64),
        error: json.get(surface.field("error")).and_then(Value::as_str).map(str::to_owned),
        ..unknown
    })
}

fn texts(json: &Value, field: &str) -> Option<Vec<String>> {
    json.get(field)?.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The agent's log, the oldest entry first.
pub async fn log(session: &Session) -> Checked<Vec<Entry>> {
    let reply = session.send(ask(session, "author.distribution-log")).await?.expect_status(&[200])?;
    if reply.looks_like_html() {
        return Err(Problem::error(format!("{} is a page, not a log; {}", reply.what(), reply.excerpt())));
    }
    distribution_log::parse(&reply.text())
        .map_err(|problem| Problem::error(format!("{}: {}", reply.what(), problem.reason)))
}

/// Clicks Test Connection, and fails unless the package was accepted.
pub async fn test_connection(session: &Session) -> Checked {
    let surface = session.surface("author.distribution-test");
    let reply = session.send(ask(session, "author.distribution-test")).await?;
    let told = reply.json().ok().filter(|json| json.get(surface.field("state")).is_some());
    let Some(json) = told else {
        let reply = reply.expect_status(&[202])?;
        return Err(Problem::error(format!(
            "{} does not say what became of the test; {}",
            reply.what(),
            reply.excerpt()
        )));
    };
    let text = |word: &str| json.get(surface.field(word)).and_then(Value::as_str).unwrap_or_default();
    let success = json.get(surface.field("success")).and_then(Value::as_bool) == Some(true);
    let accepted = reply.status == 202 && success && text("state") == surface.phrase("accepted");
    ensure(accepted, || {
        let (state, message) = (text("state"), text("message"));
        format!("Test Connection of {} answered {} {state}: {message}", agent(session), reply.status)
    })
}

/// The entries that were added since the log was read before. The log holds its last lines only, so entries that were there
/// before may be gone.
pub fn added(before: &[Entry], after: &[Entry]) -> Vec<Entry> {
    let mut known: Vec<&Entry> = before.iter().collect();
    let is_new = |entry: &&Entry| match known.iter().position(|one| one == entry) {
        Some(at) => {
            known.swap_remove(at);
            false
        }
        None => true,
    };
    after.iter().filter(is_new).cloned().collect()
}

/// Fails unless these new entries show a test by this run's user that was taken up, and no failure of it.
pub async fn judge_tested(session: &Session, added: &[Entry]) -> Checked {
    let user = users::current(session).await?;
    let mut tests = added.iter().filter(|entry| entry.is_start_of("TEST"));
    let own = tests.find(|entry| entry.user.as_deref().is_some_and(|by| by.eq_ignore_ascii_case(&user)));
    let own =
        own.ok_or_else(|| Problem::failed(format!("the log of {} got no new TEST request of {user}", agent(session))))?;
    let failed = added.iter().find(|entry| entry.is_failure() && entry.request == own.request);
    match failed {
        Some(failed) => {
            Err(Problem::failed(format!("the test failed: {}", failed.message)).showing(vec![failed.line.clone()]))
        }
        None => Ok(()),
    }
}

/// Fails when a failure follows the last delivery; a log without any delivery or failure proves nothing.
pub fn judge_log(session: &Session, entries: &[Entry]) -> Checked {
    let delivered = entries.iter().rposition(Entry::is_delivery);
    let after = delivered.map_or(0, |at| at + 1);
    let failures: Vec<&Entry> = entries[after..].iter().filter(|entry| entry.is_failure()).collect();
    if let Some(last) = failures.last() {
        let told =
            format!("{} failures follow the last delivery of {}: {}", failures.len(), agent(session), last.message);
        let lines = failures.iter().rev().take(5).rev().map(|entry| entry.line.clone()).collect();
        return Err(Problem::failed(told).showing(lines));
    }
    if delivered.is_none() && !entries.iter().any(|entry| entry.is_start_of("TEST")) {
        return Err(Problem::skipped(format!(
            "the log of {} holds no delivery and no failure yet; Test Connection or a published asset adds one",
            agent(session)
        )));
    }
    Ok(())
}
