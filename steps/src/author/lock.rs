//! The lock that a run takes on the Author before it changes anything. Without it, each of two simultaneous runs could keep
//! a configuration that the other one has half deleted.
//!
//! The run creates a node and moves it to the path of the lock without `:replace`, which a real Sling rejects if the path
//! exists. A POST to that path cannot serve as a lock, since two of them are merged. The folder `/var/bpconform` stays, since another
//! run may be about to use it; it is not part of any comparison.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{removal, repository};
use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;
use crate::undo::Undo;

/// The folder of all that the tool stores on an Author for itself.
pub const FOLDER: &str = "/var/bpconform";

/// How often something is tried that another run may have prevented.
const ATTEMPTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(150);

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The name of the node that became the lock; no two are the same.
    pub node: String,
    /// The run's id.
    pub run: String,
    /// The host on which it runs.
    pub host: String,
    /// Its process.
    pub process: String,
    /// When it took the lock.
    pub since: String,
    /// Until when it holds it.
    pub until: Option<Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, host, process, since, until, .. } = self;
        write!(f, "the run {run} on {host} (process {process}) since {since}")?;
        until.map_or(Ok(()), |until| write!(f, ", until {until} at the latest"))
    }
}

impl Holder {
    fn read(node: &Value) -> Self {
        let text = |name: &str| repository::text(node, name).unwrap_or_default();
        Self {
            node: text("node"),
            run: text("run"),
            host: text("host"),
            process: text("process"),
            since: text("since"),
            until: text("until").parse().ok(),
        }
    }

    /// A lock without a readable time never expires by itself.
    fn has_expired(&self) -> bool {
        self.until.is_some_and(|until| until < Timestamp::now())
    }
}

fn path() -> String {
    format!("{FOLDER}/lock")
}

pub(super) fn own(node: &str) -> String {
    format!("{FOLDER}/{node}")
}

/// Takes the lock for that time, or says who holds it. It is given back with all else that the run undoes.
pub async fn take(session: &Session, host: &str, lasts: Duration) -> Checked {
    let host = session.run.host.get_or_init(|| host.to_owned());
    // Unique even if two runs had the same id.
    let drawn = RandomState::new().hash_one(std::process::id());
    let node = session.name(&format!("lock-{drawn:016x}"));
    session.will_be_undone_by("the lock on the Author", [Undo::Lock { node: node.clone() }])?;
    let now = Timestamp::now();
    let until = now.checked_add(lasts).unwrap_or(now);
    let ours = Holder {
        node: node.clone(),
        run: session.run.id.clone(),
        host: host.clone(),
        process: std::process::id().to_string(),
        since: now.to_string(),
        until: Some(until),
    };
    make(session, &ours).await?;
    for _ in 0..ATTEMPTS {
        let reply = move_to(session, &own(&node), &path()).await?;
        match holder(session).await? {
            Some(now) if now.node == node => return Ok(()),
            Some(other) if other.has_expired() => break_expired(session, &other, &node).await?,
            Some(other) => return Err(held(session, &other)),
            None if (200..300).contains(&reply.status) => {
                return Err(Problem::error(format!(
                    "{} answered {}, and the lock {} cannot be read afterwards",
                    reply.what(),
                    reply.status,
                    path()
                )));
            }
            // The run that held the lock has just released it.
            None => session.pass(PAUSE).await?,
        }
    }
    Err(Problem::error(format!("the lock {} could not be taken; try again", path())))
}

fn held(session: &Session, holder: &Holder) -> Problem {
    Problem::error(format!(
        "it is locked by {holder}; wait until that run has ended, or undo it with `bpconform clean JOURNAL` when it was \
         killed (without its journal: bpconform clean --lock --author-url {})",
        session.stack.author
    ))
}

/// Makes the run's own node. Two runs that make the folder at the same moment can disturb each other once.
async fn make(session: &Session, holder: &Holder) -> Checked {
    let until = holder.until.map(|until| until.to_string()).unwrap_or_default();
    let properties = [
        ("jcr:primaryType", "nt:unstructured"),
        ("node", &holder.node),
        ("run", &holder.run),
        ("host", &holder.host),
        ("process", &holder.process),
        ("since", &holder.since),
        ("until", &until),
    ];
    let call = Call::to("author.node-write").with("path", own(&holder.node).trim_start_matches('/'));
    let call = properties.into_iter().fold(call, |call, (name, value)| call.property(name, value));
    let mut refused = None;
    for _ in 0..ATTEMPTS {
        let reply = session.send(call.clone().undone_by([])).await?;
        match reply.status {
            200..300 => return Ok(()),
            409 | 500 => refused = Some(reply),
            _ => return Err(not_writable(&reply)),
        }
        session.pass(PAUSE).await?;
    }
    Err(refused.map_or_else(|| Problem::error("the lock was not tried"), |reply| not_writable(&reply)))
}

fn not_writable(reply: &Reply) -> Problem {
    Problem::error(format!(
        "it cannot be locked, and without a lock nothing is changed: {} answered {}; does the user have the right to write \
         below /var? {}",
        reply.what(),
        reply.status,
        reply.excerpt()
    ))
}

async fn move_to(session: &Session, from: &str, to: &str) -> Checked<Reply> {
    let call = Call::to("author.node-write").with("path", from.trim_start_matches('/'));
    session.send(call.field("operation", "move").field("destination", to).undone_by([])).await
}

/// Who holds the lock now. A single read that finds nothing may be wrong.
pub async fn holder(session: &Session) -> Checked<Option<Holder>> {
    let mut nameless = None;
    for _ in 0..2 {
        match repository::read(session, &path(), "0").await?.map(|node| Holder::read(&node)) {
            Some(holder) if !holder.node.is_empty() => return Ok(Some(holder)),
            // A node without what the run that made it has written there.
            found => nameless = found.or(nameless),
        }
    }
    Ok(nameless)
}

/// Moves an expired lock away; only one of several runs that try can do that. One that turns out to be another's is put
/// back.
async fn break_expired(session: &Session, expired: &Holder, node: &str) -> Checked {
    let aside = own(&format!("{node}-expired"));
    if !(200..300).contains(&move_to(session, &path(), &aside).await?.status) {
        return Ok(());
    }
    let moved = repository::read(session, &aside, "0").await?.map(|node| Holder::read(&node));
    if moved.as_ref() == Some(expired) {
        session.send(removal::of_node(&aside).undone_by([])).await?;
        return Ok(());
    }
    move_to(session, &aside, &path()).await.map(drop)
}

/// Whether the lock is still the run's, so that it may change the Author: its journal names the node. The error names the
/// holder.
pub async fn is_ours(session: &Session) -> Checked<bool> {
    let is_taken_by_us = |holder: &Holder| {
        let ours = Undo::Lock { node: holder.node.clone() };
        session.run.journal.open(None).iter().any(|change| change.undo.contains(&ours))
    };
    match holder(session).await? {
        Some(holder) if is_taken_by_us(&holder) => Ok(true),
        Some(holder) if !holder.has_expired() => Err(held(session, &holder)),
        _ => Ok(false),
    }
}

/// Refuses to delete what another run may be keeping: a run that was paused may have lost its lock without noticing it.
pub(super) async fn is_still_held(session: &Session) -> Checked {
    let is_lock = |undo: &Undo| matches!(undo, Undo::Lock { .. });
    let took = session.run.journal.open(None).iter().any(|change| change.undo.iter().any(is_lock));
    if !took || is_ours(session).await? {
        return Ok(());
    }
    Err(Problem::error(format!("the lock {} of the run is not there any more; nothing more is deleted", path())))
}

/// Checks before undoing that no other run holds the lock, and extends the run's own lock for that time; one that was taken
/// away is taken again.
pub async fn extend(session: &Session, lasts: Duration) -> Checked {
    if !is_ours(session).await? {
        return match session.run.host.get() {
            Some(host) => take(session, host, lasts).await,
            None => Ok(()),
        };
    }
    let until = Timestamp::now().checked_add(lasts).map_err(|error| Problem::error(error.to_string()))?;
    if holder(session).await?.is_some_and(|holder| holder.until.is_some_and(|now| now >= until)) {
        return Ok(());
    }
    let call = Call::to("author.node-write").with("path", path().trim_start_matches('/'));
    session.send(call.property("until", until.to_string()).undone_by([])).await?;
    // To write to a lock that was just taken away makes a node that is nobody's.
    if is_ours(session).await? { Ok(()) } else { Err(Problem::error(format!("the lock {} was taken away", path()))) }
}

/// Gives the lock back that came of the run's own node; another's stays.
pub(crate) async fn give_back(session: &Session, node: &str) -> Checked {
    for rest in [own(node), own(&format!("{node}-expired"))] {
        if !removal::is_absent(session, &rest).await? {
            removal::delete_node(session, &rest).await?;
        }
    }
    match holder(session).await? {
        Some(holder) if holder.node == node => removal::delete_node(session, &path()).await,
        _ => Ok(()),
    }
}

/// Removes the lock, whoever holds it; for a person who knows that its run has ended. Gives back who held it.
pub async fn remove(session: &Session) -> Checked<Option<Holder>> {
    let found = holder(session).await?;
    if found.is_some() {
        removal::delete_node(session, &path()).await?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lock_expires_at_its_time_and_one_without_a_time_never() {
        let holder = |until: &str| Holder::read(&json!({"run": "abc1234", "until": until}));
        assert!(holder("2020-01-01T00:00:00Z").has_expired());
        assert!(!holder("2999-01-01T00:00:00Z").has_expired());
        assert!(!holder("").has_expired());
    }

    #[test]
    fn the_holder_is_named_with_run_host_and_process() {
        let node = json!({"run": "abc1234", "host": "ci-7", "process": "42", "since": "2026-01-01T00:00:00Z"});
        assert_eq!(Holder::read(&node).to_string(), "the run abc1234 on ci-7 (process 42) since 2026-01-01T00:00:00Z");
    }
}
