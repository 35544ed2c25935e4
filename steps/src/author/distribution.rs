//! The agent with which AEM as a Cloud Service delivers to Brand Portal: an agent of Sling content distribution
//! (aem-cloud.md). Its failures name no cause of replication agents, whose remedies are others.

use std::cell::{Cell, RefCell};

use bpconform_fixtures::surfaces::expand;
use serde_json::Value;

use super::distribution_log::{self, Entry};
use crate::call::Call;
use crate::problem::{self, Checked, Problem, ensure};
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
    /// Nothing is delivered from it, as from an error queue.
    Passive,
}

impl State {
    fn read(text: &str) -> Option<Self> {
        let known = [Self::Idle, Self::Running, Self::Blocked, Self::Paused, Self::Passive];
        known.into_iter().find(|state| state.word().eq_ignore_ascii_case(text))
    }

    /// Its word on the wire.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Running => "RUNNING",
            Self::Blocked => "BLOCKED",
            Self::Paused => "PAUSED",
            Self::Passive => "PASSIVE",
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
    /// Whether it is the error queue, which is always passive (aem-cloud.md).
    pub keeps_failures: bool,
}

impl Queue {
    /// Fails unless it is idle and empty; what waits is named.
    pub fn judge(&self) -> Checked {
        let first = self.first.as_ref().map(|item| format!(", first {}", item.told())).unwrap_or_default();
        let rests = self.state == State::Idle || (self.keeps_failures && self.state == State::Passive);
        ensure(rests && self.count == 0, || {
            format!("the queue {} is {} with {} items{first}", self.name, self.state.word(), self.count)
        })
    }
}

/// What two reads in a row agree on. A read that fails is one that may be wrong, too.
pub async fn agreed<T>(read: impl AsyncFn() -> Checked<T>, agree: impl Fn(&T, &T) -> bool) -> Checked<T> {
    let (failure, one_came) = (RefCell::new(None), Cell::new(false));
    let read = async || {
        let read = read().await;
        match &read {
            Ok(_) => one_came.set(true),
            Err(problem) => drop(failure.replace(Some(problem.clone()))),
        }
        Ok(read)
    };
    let are_equal = |one: &Checked<T>, other: &Checked<T>| match (one, other) {
        (Ok(one), Ok(other)) => agree(one, other),
        _ => false,
    };
    let agreed = problem::agreed_by(read, are_equal).await;
    let failure = failure.into_inner().filter(|_| !one_came.get());
    agreed.map_err(|contradiction| failure.unwrap_or(contradiction))?
}

/// The names of all distribution agents of the Author; read again if `fresh` is asked for.
pub async fn names(session: &Session, fresh: bool) -> Checked<Vec<String>> {
    let surface = session.surface("author.distribution-agents");
    let call = Call::to("author.distribution-agents");
    let reply = session.send(if fresh { call.fresh() } else { call }).await?.expect_status(&[200])?;
    let items = texts(&reply.json()?, surface.field("items"));
    items.ok_or_else(|| {
        Problem::error(format!("{} is not a list of distribution agents; {}", reply.what(), reply.excerpt()))
    })
}

/// Fails unless exactly one agent for Brand Portal is there, with the name that AEM gives it.
pub async fn judge_names(session: &Session, names: &[String]) -> Checked {
    let surface = session.surface("author.distribution-agents");
    let (agent, prefix) = (surface.phrase("agent"), surface.phrase("prefix"));
    let ours: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with(prefix)).collect();
    match ours[..] {
        [] => Err(not_listed(session).await),
        [only] if only == agent => Ok(()),
        _ => {
            let told = format!("the distribution agents for Brand Portal are {}, not {agent} alone", ours.join(", "));
            Err(Problem::failed(told))
        }
    }
}

/// Why the Author does not list the agent: a disabled one is not registered, and its settings say so.
pub async fn not_listed(session: &Session) -> Problem {
    let agent = agent(session);
    let settings = session.send(ask(session, "author.distribution-settings")).await;
    let settings = settings.ok().filter(|reply| reply.status == 200).and_then(|reply| reply.json().ok());
    match settings.map(|settings| enabled_in(session, &settings)) {
        Some(Ok(false)) => Problem::failed(format!(
            "the distribution agent {agent} is not enabled, so that the Author does not list it"
        )),
        _ => Problem::failed(format!("the Author has no distribution agent {agent}")),
    }
}

/// The name of the agent for Brand Portal.
pub fn agent(session: &Session) -> &str {
    session.surface("author.distribution-agents").phrase("agent")
}

/// Whether the agent for Brand Portal is there, as two reads in a row say.
pub async fn has_agent(session: &Session) -> Checked<bool> {
    let name = agent(session);
    let is_there = async || Ok(names(session, true).await?.iter().any(|it| it == name));
    agreed(is_there, |one, other| one == other).await
}

/// Whether settings of the agent are there, as of one that is disabled and not listed. Two reads must agree.
pub async fn has_settings(session: &Session) -> Checked<bool> {
    let is_there = async || {
        let reply = session.send(ask(session, "author.distribution-settings").fresh()).await?;
        if reply.status == 404 {
            return Ok(false);
        }
        let reply = reply.expect_status(&[200])?;
        let enabled = enabled_in(session, &reply.json()?);
        enabled.map(|_| true).map_err(|what| Problem::error(format!("{} {what}; {}", reply.what(), reply.excerpt())))
    };
    agreed(is_there, |one, other| one == other).await
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

/// Fails when the agent is paused, or its settings say that it is disabled. An agent that is listed and has a state is
/// enabled; its settings are read besides because a disabled one may still be listed for a while.
pub async fn judge_enabled(session: &Session) -> Checked {
    let state = status(session).await?;
    let stands_still = matches!(state, State::Paused | State::Passive);
    ensure(!stands_still, || format!("the distribution agent {} is {}", agent(session), state.word()))?;
    if state == State::Blocked {
        shows_why_it_is_blocked(session).await?;
    }
    let reply = session.send(ask(session, "author.distribution-settings")).await?;
    if reply.status == 404 {
        return Ok(());
    }
    let reply = reply.expect_status(&[200])?;
    let enabled = enabled_in(session, &reply.json()?)
        .map_err(|what| Problem::error(format!("{} {what}; {}", reply.what(), reply.excerpt())))?;
    ensure(enabled, || format!("the distribution agent {} is not enabled", agent(session)))
}

/// A blocked agent is enabled, and one of its queues, which are judged by themselves, shows what it cannot deliver.
async fn shows_why_it_is_blocked(session: &Session) -> Checked {
    let queues = queues(session).await.map_err(|problem| Problem::error(problem.reason))?;
    if queues.iter().any(|queue| queue.judge().is_err()) {
        return Ok(());
    }
    let state = State::Blocked.word();
    Err(Problem::error(format!("the distribution agent {} is {state}, but its queues are idle", agent(session))))
}

/// Whether these settings are of an agent that is enabled; the error is what cannot be read in them.
fn enabled_in(session: &Session, settings: &Value) -> Result<bool, &'static str> {
    let surface = session.surface("author.distribution-settings");
    let settings = settings.as_object().ok_or("does not hold the settings of an agent")?;
    let (name, enabled) = (settings.get(surface.field("name")), settings.get(surface.field("enabled")));
    if name.is_some_and(|name| name.as_str() != Some(agent(session))) {
        return Err("holds the settings of another agent");
    }
    match enabled {
        Some(Value::Bool(enabled)) => Ok(*enabled),
        Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
        // The default need not be named.
        None if name.is_some() => Ok(true),
        _ => Err("does not say whether the agent is enabled"),
    }
}

/// The two queues of the agent; fails when they are not the two that AEM makes.
pub async fn queues(session: &Session) -> Checked<Vec<Queue>> {
    let surface = session.surface("author.distribution-queues");
    let expected = ["queue", "error-queue"].map(|word| queue_name(session, word));
    let reply = session.send(ask(session, "author.distribution-queues")).await?.expect_status(&[200])?;
    let names = texts(&reply.json()?, surface.field("items"));
    let names = names.ok_or_else(|| Problem::error(format!("{} is not a list of queues", reply.what())))?;
    let missing: Vec<_> = expected.iter().filter(|name| !names.contains(name)).map(String::as_str).collect();
    ensure(missing.is_empty(), || {
        format!("the agent {} lacks the queues {}; it has {}", agent(session), missing.join(", "), names.join(", "))
    })?;
    let mut queues = Vec::new();
    for name in &names {
        let keeps_failures = *name == expected[1];
        queues.push(Queue { keeps_failures, ..queue(session, name).await? });
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
    let count = number(&json, surface.field("count")).filter(|count| *count >= 0);
    let items = json.get(surface.field("items")).map_or(Some(Vec::new()), |_| texts(&json, surface.field("items")));
    let is_other = json.get(surface.field("name")).is_some_and(|other| other.as_str() != Some(name));
    let (Some(empty), Some(count), Some(items), false) = (empty, count, items, is_other) else {
        return Err(Problem::error(format!("{} does not say what waits in it; {}", reply.what(), reply.excerpt())));
    };
    // Either of the two may be older than the other, and an item counts as soon as one of them knows it.
    let count = if empty { count } else { count.max(1) };
    let first = match items.into_iter().next() {
        Some(id) => Some(item(session, name, &id).await?),
        None => None,
    };
    let count = count.max(i64::from(first.is_some()));
    Ok(Queue { name: name.to_owned(), state, count, first, keeps_failures: false })
}

/// An item by its id. One that is gone meanwhile was delivered, so only its id is named.
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
        attempts: number(&json, surface.field("attempts")),
        error: json.get(surface.field("error")).and_then(Value::as_str).map(str::to_owned),
        ..unknown
    })
}

/// A number, which Sling's JSON of a queue contains as text.
fn number(json: &Value, field: &str) -> Option<i64> {
    let value = json.get(field)?;
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn texts(json: &Value, field: &str) -> Option<Vec<String>> {
    json.get(field)?.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The agent's log, the oldest entry first; read again if `fresh` is asked for.
pub async fn log(session: &Session, fresh: bool) -> Checked<Vec<Entry>> {
    let call = ask(session, "author.distribution-log");
    let reply = session.send(if fresh { call.fresh() } else { call }).await?.expect_status(&[200])?;
    if reply.looks_like_html() {
        return Err(Problem::error(format!("{} is a page, not a log; {}", reply.what(), reply.excerpt())));
    }
    distribution_log::parse(&reply.text(), session.surface("author.distribution-log").phrase("error-queue"))
        .map_err(|problem| Problem::error(format!("{}: {}", reply.what(), problem.reason)))
}

/// The agent's log as two reads in a row show it: the later one still holds the newest entry of the earlier one.
pub async fn settled_log(session: &Session) -> Checked<Vec<Entry>> {
    let goes_on = |before: &Vec<Entry>, after: &Vec<Entry>| match before.last() {
        Some(newest) => after.contains(newest),
        None => after.is_empty(),
    };
    agreed(async || log(session, true).await, goes_on).await
}

/// Clicks Test Connection, and fails unless the package was accepted. Any other answer than the agent's is an error.
pub async fn test_connection(session: &Session) -> Checked {
    let surface = session.surface("author.distribution-test");
    let reply = session.send(ask(session, "author.distribution-test")).await?.expect_status(&[202, 400])?;
    let json = reply.json()?;
    let text = |word: &str| json.get(surface.field(word)).and_then(Value::as_str).unwrap_or_default();
    let (state, message) = (text("state"), text("message"));
    let is = |word: &str| state.trim().eq_ignore_ascii_case(surface.phrase(word));
    let success = json.get(surface.field("success")).and_then(Value::as_bool) == Some(true);
    let told = || format!("Test Connection of {} answered {} {state}: {message}", agent(session), reply.status);
    match reply.status {
        202 if is("accepted") => ensure(success, told),
        202 | 400 if is("dropped") => Err(Problem::failed(told())),
        _ => Err(Problem::error(format!("{} does not say what became of the test; {}", reply.what(), reply.excerpt()))),
    }
}

/// The queue from which the agent delivers.
pub fn delivery_queue(session: &Session) -> String {
    queue_name(session, "queue")
}

/// The name of a queue of the agent, by its word in the endpoint file.
pub fn queue_name(session: &Session, word: &str) -> String {
    let values = [("agent".to_owned(), agent(session).to_owned())].into();
    expand(session.surface("author.distribution-queues").phrase(word), &values).unwrap_or_default()
}
