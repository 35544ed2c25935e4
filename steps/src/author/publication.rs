//! Publishing from the Author to Brand Portal and back (surfaces.md §3.6, §4.4, §6.7–§6.11).

use bpconform_fixtures::{Cause, Surface};
use jiff::Timestamp;
use serde_json::Value;

use super::{agents, date, repository};
use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;
use crate::undo::Undo;

/// Asks for "Publish to Brand Portal", now or at a time; what was published is unpublished again at the end of the
/// scenario. The answer is given back whatever it says: a refusal may be what is asked for.
pub async fn publish(session: &Session, path: &str, at: Option<Timestamp>) -> Checked<Reply> {
    let mut call = Call::to("author.publish").field("path", path);
    if let Some(at) = at {
        call = call.field("activation-time", at.to_string());
    }
    send(session, call, path, &[]).await
}

/// Asks for "Publish to Brand Portal" of what takes others along, which stay at the tenant when it is unpublished.
pub async fn publish_with(session: &Session, path: &str, others: &[String]) -> Checked<Reply> {
    send(session, Call::to("author.publish").field("path", path), path, others).await
}

async fn send(session: &Session, call: Call, path: &str, others: &[String]) -> Checked<Reply> {
    let all = std::iter::once(path).chain(others.iter().map(String::as_str));
    let undo = all.map(|path| Undo::Publication { path: path.to_owned() });
    let reply = session.send(call.undone_by(undo)).await?;
    judge(session, path, &reply)?;
    Ok(reply)
}

/// Fails for what is known to be wrong with the set-up when AEM's own code gives up; any other answer of that kind is an
/// error.
fn judge(session: &Session, path: &str, reply: &Reply) -> Checked {
    // The run may not do that, or no longer: this does not concern the set-up.
    if reply.redirects_to_login() || matches!(reply.status, 401 | 403) {
        return reply.clone().expect_status(&[200]).map(drop);
    }
    if reply.status < 500 {
        return Ok(());
    }
    let known = [
        (
            session.surface("author.publish").phrase("no-configuration"),
            "no folder above it names the Brand Portal configuration",
            Cause::FolderConfiguration,
        ),
        (session.surface("author.replicate").phrase("no-agent"), "no agent takes it", Cause::NoAgent),
    ];
    let text = reply.text();
    match known.iter().find(|(phrase, ..)| text.contains(phrase)) {
        Some((phrase, meaning, cause)) => {
            Err(Problem::failed(format!("{path} cannot be published, {meaning}: {phrase}")).because(*cause))
        }
        None => Err(Problem::error(format!("{} answered {}; {}", reply.what(), reply.status, reply.excerpt()))),
    }
}

/// Asks for "Unpublish from Brand Portal".
pub async fn unpublish(session: &Session, path: &str) -> Checked {
    session.send(unpublication(path).undone_by([])).await?.expect_status(&[200]).map(drop)
}

fn unpublication(path: &str) -> Call {
    Call::to("author.unpublish").field("path", path)
}

/// Has one agent alone deliver these nodes.
pub async fn replicate(session: &Session, agent: &str, paths: &[String]) -> Checked {
    let surface = session.surface("author.replicate");
    let call = Call::to("author.replicate").field("command", surface.phrase("activate")).field("agent", agent);
    let call = paths.iter().fold(call, |call, path| call.field("path", path));
    let undo = Undo::Replication { agent: agent.to_owned(), paths: paths.to_vec() };
    session.send(call.undone_by([undo])).await?.expect_status(&[200]).map(drop)
}

/// The replication status of a node: the last action, and when and by whom it was taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// `Activate`, `Deactivate` …
    pub action: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
    /// By whom.
    pub by: Option<String>,
}

/// The replication status of a node; empty when it was never replicated.
pub async fn status(session: &Session, path: &str) -> Checked<Status> {
    let content = repository::read(session, &format!("{path}/jcr:content"), "0").await?;
    let content = content.ok_or_else(|| Problem::failed(format!("the Author has no {path}/jcr:content")))?;
    let surface = session.surface("author.publish");
    let suffix = suffix(session, surface, &content)?;
    let property = |word: &str| repository::text(&content, &format!("{}{suffix}", surface.field(word)));
    let text = |word: &str| property(word).filter(|text| !text.is_empty());
    let at = text("last-replicated").map(|text| {
        date::read(&text).ok_or_else(|| {
            Problem::error(format!("the replication status of {path} is of `{text}`, which is not a time"))
        })
    });
    Ok(Status { action: text("last-action"), at: at.transpose()?, by: text("last-replicated-by") })
}

/// How the properties of the tenant's agents end: AEM can be set to write the status of each agent besides the last one
/// (`replicationStatusPerAgent`), and then the last one may be that of any other agent. The one of the four agents that
/// delivered last counts; without a delivery by one of them the status is missing.
fn suffix(session: &Session, surface: &Surface, content: &Value) -> Checked<String> {
    let prefix = format!("{}_", surface.field("last-action"));
    let written = content.as_object().into_iter().flatten().filter_map(|(name, _)| name.strip_prefix(&prefix));
    let written: Vec<&str> = written.collect();
    if written.is_empty() {
        return Ok(String::new());
    }
    let at = |agent: &str| {
        let text = repository::text(content, &format!("{}_{agent}", surface.field("last-replicated")));
        text.and_then(|text| date::read(&text))
    };
    let expected = agents::expected(session)?;
    let ours = expected.iter().filter(|agent| written.contains(&agent.name.as_str()));
    let last = ours.max_by_key(|agent| at(&agent.name)).unwrap_or(&expected[0]);
    Ok(format!("_{}", last.name))
}
