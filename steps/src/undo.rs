//! What undoes a change, as plain data: it is written down before the change is sent and may be carried out by a later
//! process. Each looks for what it undoes, so that it is right whether the change happened or not, and however often it is
//! carried out. None touches what does not bear the run's name, or did not come of something that does.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::author::cloud_configuration::{self, CloudConfiguration};
use crate::author::{agents, ims_configurations, keeping, queue, repository, users};
use crate::call::Call;
use crate::journal::Change;
use crate::problem::{Checked, Problem};
use crate::session::Session;

/// How long after a change was sent what comes of it may still appear; AEM makes nodes and agents some time after its
/// answer (surfaces.md §3.2).
pub const AFTERMATH: Duration = Duration::from_secs(10);

/// What undoes a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Undo {
    /// Deletes a node that the run made.
    Node {
        /// Its path, with the run's name in it.
        path: String,
    },
    /// Deletes content that the run made, once no queue holds anything of it: an item whose content is gone would block the
    /// queue for everybody.
    Content {
        /// Its path, with the run's name in it.
        path: String,
    },
    /// Deletes the IMS configurations of a title.
    ImsConfiguration {
        /// The title, with the run's name in it.
        title: String,
    },
    /// Deletes what came of Save & Close: agents, Mac user and cloud configuration.
    CloudService {
        /// The configuration's title.
        title: String,
        /// The PID of the IMS configuration that it was to use.
        ims_configuration: String,
        /// The tenant's agents that were not there before.
        agents: Vec<String>,
        /// The Mac user's id, if there was none before.
        mac_user: Option<String>,
        /// The folder of the tenant's Mac user, if it was not there before.
        mac_folder: Option<String>,
    },
    /// Deletes the projects of a title in the Developer Console.
    Project {
        /// The organization.
        org: String,
        /// The title, with the run's name in it.
        title: String,
    },
    /// Deletes a folder that was not there before, when nothing is in it any more.
    Folder {
        /// Its path.
        path: String,
    },
    /// Unpublishes from Brand Portal.
    Publication {
        /// The node's path: with the run's name in it, or below /libs, where nothing of anybody's can have been published.
        path: String,
    },
    /// Takes back what one agent alone delivered.
    Replication {
        /// The agent.
        agent: String,
        /// The nodes' paths, with the run's name in them.
        paths: Vec<String>,
    },
    /// Switches an agent on that the run switched off.
    AgentOff {
        /// The agent.
        agent: String,
    },
    /// Removes a certificate from a key store.
    Certificate {
        /// The path of the key store's owner.
        owner: String,
        /// The alias, with the run's name in it.
        alias: String,
    },
    /// Deletes the package in which the run kept the Author's configuration.
    Package {
        /// The package's name, with the run's name in it.
        name: String,
    },
    /// Puts the Author's configuration back as it was kept.
    Replacement {
        /// The name of the package that keeps it.
        name: String,
    },
}

impl std::fmt::Display for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node { path } => write!(f, "delete the node {path}"),
            Self::Content { path } => write!(f, "delete {path} once no queue holds anything of it"),
            Self::ImsConfiguration { title } => write!(f, "delete the IMS configuration \"{title}\""),
            Self::CloudService { title, agents, .. } => {
                write!(f, "delete the cloud service \"{title}\" with {} and the Mac user", agents.join(", "))
            }
            Self::Project { org, title } => write!(f, "delete the project \"{title}\" of the organization {org}"),
            Self::Folder { path } => write!(f, "delete the folder {path} if nothing is in it"),
            Self::Publication { path } => write!(f, "unpublish {path}"),
            Self::Replication { agent, paths } => write!(f, "take back what {agent} delivered: {}", paths.join(", ")),
            Self::AgentOff { agent } => write!(f, "switch the agent {agent} on"),
            Self::Certificate { owner, alias } => {
                write!(f, "remove the certificate {alias} from the key store of {owner}")
            }
            Self::Package { name } => write!(f, "delete the package {name}"),
            Self::Replacement { name } => write!(f, "put back the configuration that the package {name} keeps"),
        }
    }
}

/// Undoes changes, in the order in which they are given, and writes down what came of each. Gives back what could not be
/// undone.
pub async fn carry_out(session: &Session, changes: Vec<Change>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut needed: Vec<Undo> = Vec::new();
    for change in changes {
        let undone = match change.undo.iter().find(|undo| needed.contains(*undo)) {
            Some(package) => Err(Problem::error(format!("will not {package}: it still keeps the configuration"))),
            None => one(session, &change).await,
        };
        if undone.is_err() {
            // What could not be put back must not be thrown away.
            let kept = change.undo.iter().filter_map(|undo| match undo {
                Undo::Replacement { name } => Some(Undo::Package { name: name.clone() }),
                _ => None,
            });
            needed.extend(kept);
        }
        let reason = undone.err().map(|problem| format!("{}: {}", change.request, problem.reason));
        let reason = reason.map(|reason| session.run.redactor.redact(&reason));
        session.run.journal.settle(change.number, reason.as_deref());
        problems.extend(reason.map(Problem::error));
    }
    problems
}

async fn one(session: &Session, change: &Change) -> Checked {
    for undo in &change.undo {
        if !undo.is_of(&session.mark()) {
            return Err(Problem::error(format!("will not {undo}: it bears no name of the run {}", session.run.id)));
        }
        undo.on(session, change).await?;
    }
    Ok(())
}

impl Undo {
    /// Whether what it undoes was delivered to the tenant.
    pub const fn is_at_the_tenant(&self) -> bool {
        matches!(self, Self::Publication { .. } | Self::Replication { .. })
    }

    /// Whether what it undoes is in the Author's own repository.
    pub const fn is_in_the_author(&self) -> bool {
        !self.is_at_the_tenant() && !matches!(self, Self::Project { .. })
    }

    /// Whether what it undoes bears the mark of a run, or is found by something that does.
    fn is_of(&self, mark: &str) -> bool {
        let bears = |text: &String| text.contains(mark);
        match self {
            Self::Node { path } | Self::Content { path } => bears(path),
            Self::Publication { path } => bears(path) || path.starts_with("/libs/"),
            Self::ImsConfiguration { title } | Self::Project { title, .. } => bears(title),
            Self::Certificate { alias, .. } => bears(alias),
            Self::Package { name } | Self::Replacement { name } => bears(name),
            Self::Replication { paths, .. } => !paths.is_empty() && paths.iter().all(bears),
            // Found by its title or by the IMS configuration of this run, or not at all; a folder goes only when it is empty.
            Self::CloudService { .. } | Self::Folder { .. } => true,
            // Nothing is deleted, and an agent that is on is left alone.
            Self::AgentOff { agent } => agent.starts_with("mp_replication_agent"),
        }
    }

    async fn on(&self, session: &Session, change: &Change) -> Checked {
        match self {
            Self::Node { path } => delete(session, path).await,
            Self::Content { path } => {
                queue::drained_of(session, path).await?;
                delete(session, path).await
            }
            Self::ImsConfiguration { title } => ims_configuration(session, title, change).await,
            Self::CloudService { .. } => self.cloud_service(session, change).await,
            Self::Project { org, title } => project(session, org, title).await,
            Self::Folder { path } => match repository::read(session, path, "1").await? {
                Some(folder) if !folder.as_object().is_some_and(|it| it.values().any(Value::is_object)) => {
                    delete(session, path).await
                }
                _ => Ok(()),
            },
            // What was refused was not published.
            Self::Publication { .. } if change.status.is_some_and(|status| status >= 400) => Ok(()),
            Self::Publication { path } => {
                gone(session, Call::to("author.unpublish").field("path", path), &[400, 404]).await
            }
            Self::Replication { agent, paths } => {
                let surface = session.surface("author.replicate");
                let call = Call::to(&surface.id).field("command", surface.phrase("deactivate")).field("agent", agent);
                let call = paths.iter().fold(call, |call, path| call.field("path", path));
                gone(session, call, &[400, 404]).await
            }
            Self::AgentOff { agent } => agents::switch_on(session, agent).await,
            Self::Certificate { owner, alias } => {
                let call = Call::to("author.key-store-write").with("user", owner.trim_start_matches('/'));
                gone(session, call.field("remove-alias", alias), &[404]).await
            }
            Self::Package { name } => keeping::throw_away(session, name).await,
            Self::Replacement { name } => keeping::put_back(session, name).await,
        }
    }

    /// Agents and user first: as long as the configuration is there, it shows whose they are.
    async fn cloud_service(&self, session: &Session, change: &Change) -> Checked {
        let Self::CloudService { title, ims_configuration, agents, mac_user, mac_folder } = self else { return Ok(()) };
        let ours = ours(session, title, ims_configuration).await?;
        let came = async || {
            let Some(found) = ours.find(session).await? else { return Ok(None) };
            let there = agents::all(session).await?;
            let all = agents.iter().all(|name| there.iter().any(|it| it.name == *name));
            let user = match mac_user {
                Some(id) => users::find(session, id).await?.is_some(),
                None => true,
            };
            Ok((all && user).then_some(found))
        };
        let found = match until(session, change, came).await? {
            Some(found) => Some(found),
            // Not whole: somebody, or an undoing that was itself cut short, has deleted a part of it.
            None => ours.find(session).await?,
        };
        let Some(configuration) = found else { return Ok(()) };
        for agent in agents {
            delete(session, &format!("/etc/replication/agents.author/{agent}")).await?;
        }
        if let Some(id) = mac_user
            && let Some(user) = users::find(session, id).await?
        {
            gone(session, users::deletion(&user.home), &[404]).await?;
        }
        if let Some(folder) = mac_folder {
            delete(session, folder).await?;
        }
        delete(session, &configuration.path).await
    }
}

/// What tells a cloud configuration of the run from all others.
struct Ours<'a> {
    title: Option<&'a str>,
    ims_configuration: Option<&'a str>,
}

/// A title counts when it bears the run's name; an IMS configuration when its own title does.
async fn ours<'a>(session: &Session, title: &'a str, pid: &'a str) -> Checked<Ours<'a>> {
    let mark = session.mark();
    let all = if pid.is_empty() { Vec::new() } else { ims_configurations::storage(session).await?.providers };
    let made = all.iter().any(|it| it.is(pid) && it.title.as_ref().is_some_and(|title| title.contains(&mark)));
    Ok(Ours { title: Some(title).filter(|title| title.contains(&mark)), ims_configuration: made.then_some(pid) })
}

impl Ours<'_> {
    async fn find(&self, session: &Session) -> Checked<Option<CloudConfiguration>> {
        let is_ours = |it: &CloudConfiguration| {
            self.title.is_some_and(|title| it.title.as_deref() == Some(title))
                || self.ims_configuration.is_some_and(|pid| it.ims_configuration.as_deref() == Some(pid))
        };
        Ok(cloud_configuration::all(session).await?.into_iter().find(is_ours))
    }
}

/// Looks for what may have come of a change, as long as it may still appear.
async fn until<T>(
    session: &Session,
    change: &Change,
    look: impl AsyncFn() -> Checked<Option<T>>,
) -> Checked<Option<T>> {
    loop {
        if let Some(found) = look().await? {
            return Ok(Some(found));
        }
        let since = Timestamp::now().duration_since(change.at).unsigned_abs();
        let Some(left) = AFTERMATH.checked_sub(since) else { return Ok(None) };
        tokio::time::sleep(left.min(Duration::from_millis(250))).await;
        if session.run.embedded {
            return Ok(None);
        }
    }
}

async fn ims_configuration(session: &Session, title: &str, change: &Change) -> Checked {
    let titled = async || {
        let all = ims_configurations::storage(session).await?.providers;
        let titled: Vec<_> = all.into_iter().filter(|it| it.title.as_deref() == Some(title)).collect();
        // One that was answered is there now or was deleted since; only one without an answer may still appear.
        Ok((!titled.is_empty() || change.status.is_some()).then_some(titled))
    };
    for configuration in until(session, change, titled).await?.unwrap_or_default() {
        let call = Call::to("author.ims-delete").field("configuration", &configuration.pid);
        gone(session, call, &[404]).await?;
    }
    Ok(())
}

async fn project(session: &Session, org: &str, title: &str) -> Checked {
    let reply = session.send(Call::to("console.projects").with("org", org)).await?.expect_status(&[200])?.json()?;
    let projects = reply.get("projects").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |project: &Value, name: &str| project.get(name).and_then(Value::as_str).map(str::to_owned);
    let ours = projects.iter().filter(|project| text(project, "title").as_deref() == Some(title));
    for id in ours.filter_map(|project| text(project, "id")) {
        gone(session, Call::to("console.project-delete").with("org", org).with("project", &id), &[404]).await?;
    }
    Ok(())
}

/// Deletes a node; one that is not there needs no deleting.
async fn delete(session: &Session, path: &str) -> Checked {
    gone(session, repository::deletion(path), &[404]).await
}

/// Sends what makes something go; these statuses say that it is not there.
async fn gone(session: &Session, call: Call, absent: &[u16]) -> Checked {
    let reply = session.send(call).await?;
    // A redirect, to a login page say, has done nothing.
    if (200..300).contains(&reply.status) || absent.contains(&reply.status) {
        return Ok(());
    }
    Err(Problem::error(format!("{} answered {}; {}", reply.what(), reply.status, reply.excerpt())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_bears_the_runs_name_is_its_own() {
        let node = |path: &str| Undo::Node { path: path.into() };
        assert!(node("/content/dam/bpconform-abc1234-folder").is_of("bpconform-abc1234-"));
        assert!(!node("/content/dam/bpconform-abc1235-folder").is_of("bpconform-abc1234-"));
        assert!(!node("/etc/replication/agents.author/publish").is_of("bpconform-abc1234-"));
        let paths = vec!["/content/dam/bpconform-abc1234-x".to_owned(), "/content/dam/theirs".to_owned()];
        assert!(!Undo::Replication { agent: "a".into(), paths }.is_of("bpconform-abc1234-"));
        assert!(!Undo::AgentOff { agent: "publish".into() }.is_of("bpconform-abc1234-"));
    }
}
