//! The agents, configurations and users of an Author at one moment, and their differences from another moment: the proof
//! that an upgrade touches nothing else (surfaces.md §5.7, §6.13).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::repository;
use crate::problem::{Checked, Problem};
use crate::session::Session;

/// What is compared. The first three are on every Author; one of the others may be missing.
const ROOTS: [&str; 5] = [
    "/etc/replication/agents.author",
    "/home/users",
    "/apps/system/config",
    "/etc/cloudservices",
    "/conf/global/settings/cloudconfigs",
];
const ALWAYS: usize = 3;

/// Where Oak keeps the tokens of a user: whoever logs in meanwhile gets one.
const TOKENS: &str = ".tokens";

/// Every property by the path of its node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    nodes: BTreeMap<String, BTreeMap<String, Value>>,
}

/// One way in which two snapshots differ.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// The node was there before.
    Gone(String),
    /// The node was not there before.
    New(String),
    /// The node's property had another value, or only one of the two has it.
    Changed(String, String),
}

impl Difference {
    /// The path of the node.
    pub fn path(&self) -> &str {
        match self {
            Self::Gone(path) | Self::New(path) | Self::Changed(path, _) => path,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(path) => write!(f, "- {path}"),
            Self::New(path) => write!(f, "+ {path}"),
            Self::Changed(path, property) => write!(f, "~ {path} ({property})"),
        }
    }
}

/// The differences, one on each line.
pub fn print(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Snapshot {
    /// Reads what is compared. What every Author has must be there, or nothing would be proved.
    pub async fn take(session: &Session) -> Checked<Self> {
        let mut snapshot = Self::default();
        for (index, root) in ROOTS.into_iter().enumerate() {
            let found = snapshot.read(session, root).await?;
            if !found && index < ALWAYS {
                return Err(Problem::error(format!("the Author has no {root} that could be compared")));
            }
        }
        Ok(snapshot)
    }

    /// Reads a node with all below it, in parts where the Author says that it is too much for one answer.
    async fn read(&mut self, session: &Session, root: &str) -> Checked<bool> {
        let mut open = vec![root.to_owned()];
        let mut found = false;
        while let Some(path) = open.pop() {
            let reply = session.send(repository::node(&path, "-1")).await?;
            if reply.status == 404 {
                continue;
            }
            found = true;
            if reply.status != 300 {
                self.collect(&path, &repository::object(reply)?);
                continue;
            }
            let node = repository::level(session, &path).await?;
            self.collect_one(&path, &node);
            open.extend(
                child_nodes(&node).filter(|(name, _)| *name != TOKENS).map(|(name, _)| format!("{path}/{name}")),
            );
        }
        Ok(found)
    }

    fn collect(&mut self, path: &str, node: &Value) {
        self.collect_one(path, node);
        for (name, child) in child_nodes(node).filter(|(name, _)| *name != TOKENS) {
            self.collect(&format!("{path}/{name}"), child);
        }
    }

    fn collect_one(&mut self, path: &str, node: &Value) {
        let properties = node.as_object().into_iter().flatten().filter(|(_, value)| !value.is_object());
        self.nodes.insert(path.to_owned(), properties.map(|(name, value)| (name.clone(), value.clone())).collect());
    }

    /// Whether there is a node at that path.
    pub fn has(&self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }

    /// What is different in a later snapshot, ordered by path. For a removed or new node, its descendants are not
    /// listed.
    pub fn differences(&self, later: &Self) -> Vec<Difference> {
        let paths: BTreeSet<_> = self.nodes.keys().chain(later.nodes.keys()).collect();
        let mut differences: Vec<Difference> = Vec::new();
        for path in paths {
            match (self.nodes.get(path), later.nodes.get(path)) {
                (Some(before), Some(after)) => differences.extend(changes(path, before, after)),
                (before, _) => {
                    let told = parent(path).is_some_and(|parent| self.has(parent) != later.has(parent));
                    let difference =
                        if before.is_some() { Difference::Gone(path.clone()) } else { Difference::New(path.clone()) };
                    differences.extend((!told).then_some(difference));
                }
            }
        }
        differences
    }
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

fn child_nodes(node: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = node.as_object().into_iter().flatten();
    all.filter(|(_, value)| value.is_object()).map(|(name, value)| (name.as_str(), value))
}

fn changes<'a>(
    path: &'a str,
    before: &'a BTreeMap<String, Value>,
    after: &'a BTreeMap<String, Value>,
) -> impl Iterator<Item = Difference> + 'a {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    changed.map(|name| Difference::Changed(path.to_owned(), name.clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(node: &Value) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.collect("/etc", node);
        snapshot
    }

    #[test]
    fn every_kind_of_difference_is_told_once() {
        let before = snapshot(&json!({"a": {"b": {"c": {}}}, "d": {"x": 1, "y": [1]}, "rep:policy": {}}));
        let after = snapshot(&json!({"d": {"x": 2, "y": [1], "z": true}, "e": {"f": {}}, "rep:policy": {"allow": {}}}));
        assert_eq!(
            print(&before.differences(&after)),
            "- /etc/a\n~ /etc/d (x)\n~ /etc/d (z)\n+ /etc/e\n+ /etc/rep:policy/allow"
        );
    }

    #[test]
    fn the_same_has_no_difference() {
        let one = snapshot(&json!({"a": {"x": null}}));
        assert_eq!(one.differences(&one.clone()), []);
        assert!(one.has("/etc/a") && !one.has("/etc/b"));
    }
}
