//! How changes are undone, as plain data. An undo is written to the journal before its change is sent, and a later process
//! may carry it out (`undoing.rs`). It first searches for the result of the change. So it is right whether or not the change
//! happened, and it can be carried out several times. It only affects objects with the run's name, and objects that AEM
//! created because of them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long after a change was sent its results may still appear: AEM creates some nodes and agents after its answer
/// (surfaces.md §3.2).
pub const AFTERMATH: Duration = Duration::from_secs(10);

/// Where the Author keeps its agents.
pub(crate) const AGENTS: &str = "/etc/replication/agents.author/";

/// Where the Author keeps its OSGi configurations.
pub(crate) const CONFIGURATIONS: &str = "/apps/system/config/";

/// Where the Author keeps its users.
pub(crate) const USERS: &str = "/home/users/";

/// What a person decides about a node that somebody has changed.
pub(crate) const OR_ACCEPT: &str =
    "delete it, or keep it with `bpconform clean --accept PATH`, and undo this once more";

/// An operation that undoes a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Undo {
    /// Deletes a node that the run created.
    Node {
        /// Its path, with the run's name in it.
        path: String,
    },
    /// Deletes content that the run created, as soon as no queue contains an item for it: an item without content would
    /// block the queue for all users.
    Content {
        /// Its path, with the run's name in it.
        path: String,
    },
    /// Deletes the IMS configurations of a title.
    ImsConfiguration {
        /// The title, with the run's name in it.
        title: String,
        /// The paths of the customizers that no provider used before; unknown in journals of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unused: Option<Vec<String>>,
    },
    /// Deletes the results of Save & Close: agents, Mac user and cloud configuration.
    CloudService {
        /// The configuration's title.
        title: String,
        /// The PID of the IMS configuration that the cloud configuration was created with.
        ims_configuration: String,
        /// The tenant's agents that were not there before.
        agents: Vec<String>,
        /// The agents that were there before; unknown in journals of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        there: Option<BTreeSet<String>>,
        /// The Mac user's id, if there was none before.
        mac_user: Option<String>,
        /// The folder of the tenant's Mac user, if it was not there before.
        mac_folder: Option<String>,
    },
    /// Deletes an agent that was made for the run, unless somebody has changed it since then.
    Agent {
        /// Its path, which does not have the run's name in it.
        path: String,
        /// The digest of what it was; empty if that is not known.
        made: String,
    },
    /// Deletes the projects of a title in the Developer Console.
    Project {
        /// The organization.
        org: String,
        /// The title, with the run's name in it.
        title: String,
    },
    /// Deletes a folder that did not exist before, if it is empty.
    Folder {
        /// Its path.
        path: String,
    },
    /// Unpublishes from Brand Portal.
    Publication {
        /// The node's path: with the run's name in it, or below /libs, where customers do not publish content.
        path: String,
    },
    /// Unpublishes content that only one agent delivered.
    Replication {
        /// The agent.
        agent: String,
        /// The nodes' paths, with the run's name in them.
        paths: Vec<String>,
    },
    /// Enables an agent that the run disabled.
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
    /// Releases the lock on the Author.
    Lock {
        /// The name of the node that became the lock, with the run's name in it.
        node: String,
    },
    /// Restores the configuration of the Author from the package in which it was kept.
    Replacement {
        /// The name of the package that keeps it.
        name: String,
    },
}

impl std::fmt::Display for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node { path } => write!(f, "delete the node {path}"),
            Self::Content { path } => write!(f, "delete {path} as soon as no queue contains an item for it"),
            Self::ImsConfiguration { title, .. } => write!(f, "delete the IMS configuration \"{title}\""),
            Self::CloudService { title, agents, .. } => {
                write!(f, "delete the cloud service \"{title}\" with {} and the Mac user", agents.join(", "))
            }
            Self::Agent { path, .. } => write!(f, "delete {path} unless somebody has changed it"),
            Self::Project { org, title } => write!(f, "delete the project \"{title}\" of the organization {org}"),
            Self::Folder { path } => write!(f, "delete the folder {path} if it is empty"),
            Self::Publication { path } => write!(f, "unpublish {path}"),
            Self::Replication { agent, paths } => write!(f, "unpublish what {agent} delivered: {}", paths.join(", ")),
            Self::AgentOff { agent } => write!(f, "enable the agent {agent}"),
            Self::Certificate { owner, alias } => {
                write!(f, "remove the certificate {alias} from the key store of {owner}")
            }
            Self::Package { name } => write!(f, "delete the package {name}"),
            Self::Lock { .. } => f.write_str("release the lock on the Author"),
            Self::Replacement { name } => write!(f, "restore the configuration from the package {name}"),
        }
    }
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

    /// The endpoints without which it cannot be carried out, of those that not every product has.
    pub(crate) fn needs(&self, mark: &str) -> &'static [&'static str] {
        match self {
            Self::ImsConfiguration { .. } => &["author.ims-storage"],
            // Its own title finds it otherwise.
            Self::CloudService { title, .. } if !title.contains(mark) => &["author.ims-storage"],
            Self::Package { .. } | Self::Replacement { .. } => &["author.package-command"],
            _ => &[],
        }
    }

    /// Whether the target of the undo, or the value it is found by, contains the mark of a run.
    pub(crate) fn is_of(&self, mark: &str) -> bool {
        let bears = |text: &String| text.contains(mark);
        match self {
            Self::Node { path } | Self::Content { path } => bears(path),
            Self::Publication { path } => bears(path) || path.starts_with("/libs/"),
            Self::ImsConfiguration { title, .. } | Self::Project { title, .. } => bears(title),
            Self::Certificate { alias, .. } => bears(alias),
            Self::Lock { node } => bears(node),
            Self::Package { name } | Self::Replacement { name } => bears(name),
            Self::Replication { paths, .. } => !paths.is_empty() && paths.iter().all(bears),
            // It is only found by its title or by the IMS configuration of this run, and a folder is only deleted if empty.
            Self::CloudService { .. } | Self::Folder { .. } => true,
            // It is only deleted while it is what was made for the run.
            Self::Agent { path, .. } => path.contains("/mp_replication_agent"),
            // Nothing is deleted, and an agent that is already enabled stays unchanged.
            Self::AgentOff { agent } => agent.starts_with("mp_replication_agent"),
        }
    }
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

    #[test]
    fn only_what_has_no_own_title_needs_the_stored_ims_configurations() {
        let service = |title: &str| Undo::CloudService {
            title: title.into(),
            ims_configuration: "provider.1".into(),
            agents: Vec::new(),
            there: None,
            mac_user: None,
            mac_folder: None,
        };
        let mark = "bpconform-abc1234-";
        assert!(service("bpconform-abc1234-0-cloud").needs(mark).is_empty());
        assert_eq!(service("").needs(mark), ["author.ims-storage"]);
        assert_eq!(Undo::ImsConfiguration { title: mark.into(), unused: None }.needs(mark), ["author.ims-storage"]);
        assert!(Undo::Node { path: mark.into() }.needs(mark).is_empty());
    }
}
