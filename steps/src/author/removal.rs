//! Deletions on the Author: by Sling POST, and read afterwards (surfaces.md §5.7).
//!
//! HTTP DELETE is never sent. On a real Author it reaches the WebDAV servlet, which makes the parent `mix:lockable`
//! permanently. Where that servlet is stopped, as Adobe's security checklist asks, the answer is 405.

use std::time::Duration;

use bpconform_fixtures::Cause;

use super::{repository, users};
use crate::call::Call;
use crate::problem::{Checked, Kind, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// How long a node may still be read after it was deleted: another node of a cluster may answer.
const STALE: Duration = Duration::from_secs(10);

/// How many reads in a row must find nothing: a single one may be wrong.
const READS: usize = 2;

/// The request that deletes the node at that path.
pub fn of_node(path: &str) -> Call {
    Call::to("author.node-delete").with("path", path.trim_start_matches('/'))
}

/// Deletes a node that is to be deleted if it is there, and sees that it is gone.
pub(crate) async fn delete_node(session: &Session, path: &str) -> Checked {
    accepted(&session.send(of_node(path)).await?)?;
    wait_until_gone(session, path).await.map_err(not_undone)
}

/// Deletes a user, known by its home, and sees that it is gone.
pub(crate) async fn delete_user(session: &Session, home: &str) -> Checked {
    accepted(&session.send(users::deletion(home)).await?)?;
    wait_until_gone(session, home).await.map_err(not_undone)
}

/// Waits until a node that was deleted cannot be read any more, and the node above does not list it; fails when it stays.
pub(crate) async fn wait_until_gone(session: &Session, path: &str) -> Checked {
    let gone = async || {
        if !is_absent(session, path).await? {
            return Ok(None);
        }
        match repository::is_listed(session, path).await {
            Ok(is_listed) => Ok((!is_listed).then_some(())),
            // Another node of a cluster, or what is in front of the Author, has answered one of them.
            Err(problem) if matches!(problem.cause, Some(Cause::TwoStates | Cause::GatewayInstead)) => Ok(None),
            Err(problem) => Err(problem),
        }
    };
    let what = format!("{path} was deleted and is still there");
    session.wait_for(&what, STALE, gone).await
}

/// A change that cannot be undone is an error: it does not show that the target's configuration is wrong.
fn not_undone(problem: Problem) -> Problem {
    Problem { kind: Kind::Error, ..problem }
}

/// Whether the node at that path is absent, confirmed by more than one read.
pub(crate) async fn is_absent(session: &Session, path: &str) -> Checked<bool> {
    for _ in 0..READS {
        let call = Call::to("author.node").with("path", path.trim_start_matches('/')).with("depth", "0");
        let reply = session.send(call).await?;
        match reply.status {
            404 => {}
            // The tree is there, however deep it may be.
            300 => return Ok(false),
            _ => return reply.expect_status(&[200]).map(|_| false),
        }
    }
    Ok(true)
}

/// An absent node need not be deleted; any other refusal is reported with its answer. A redirect, for example to a login
/// page, has deleted nothing.
fn accepted(reply: &Reply) -> Checked {
    match reply.status {
        200..300 | 404 => Ok(()),
        status => Err(Problem::error(format!("{} answered {status}; {}", reply.what(), reply.excerpt()))),
    }
}
