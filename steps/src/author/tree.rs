//! A part of the repository with everything in it: properties, binaries by their digest, children in their order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::repository;
use crate::call::Call;
use crate::problem::{Checked, Problem, agreed};
use crate::session::Session;

/// The properties that FileVault or the repository sets again when it imports a node, so that they differ after a
/// configuration was restored.
pub(crate) const SET_BY_THE_REPOSITORY: [&str; 7] = [
    "jcr:created",
    "jcr:createdBy",
    "jcr:uuid",
    "jcr:lastModified",
    "jcr:lastModifiedBy",
    "jcr:isCheckedOut",
    "jcr:baseVersion",
];

/// The node in which Oak keeps who is logged in; it comes and goes with every login.
pub(crate) const LOGINS: &str = ".tokens";

/// The types whose children have an order that can be restored; the children of a `sling:Folder` have none.
const ORDERED: [&str; 5] = ["cq:Page", "cq:PageContent", "nt:unstructured", "sling:OrderedFolder", "rep:ACL"];

/// A node: its properties and the names of its children.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// The properties by name; of a binary, `sha256:` and its digest.
    pub(crate) properties: BTreeMap<String, Value>,
    /// The children, in their order where they have one, otherwise by name.
    pub(crate) children: Vec<String>,
}

/// Nodes by their paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree {
    pub(crate) nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// Reads what is at these paths and below. What is not there is not in the tree.
    pub(crate) async fn read(session: &Session, roots: &[String]) -> Checked<Self> {
        let mut tree = Self::default();
        for root in roots {
            tree.add(session, root).await?;
        }
        tree.digest_binaries(session).await?;
        Ok(tree)
    }

    /// Reads what is at a path and below until two reads agree.
    pub(crate) async fn agreed_at(session: &Session, root: &str) -> Checked<Self> {
        agreed(async || Self::read(session, &[root.to_owned()]).await).await
    }

    /// What is at a path and below, by two reads that agree; none if the node above does not list it either.
    pub(crate) async fn proved_at(session: &Session, root: &str) -> Checked<Option<Self>> {
        let now = Self::agreed_at(session, root).await?;
        if now.has(root) {
            return Ok(Some(now));
        }
        if repository::is_listed(session, root).await? {
            return Err(Problem::error(format!("{root} cannot be read, and the node above lists it")));
        }
        Ok(None)
    }

    /// The part of it at a path and below.
    pub(crate) fn below(&self, root: &str) -> Self {
        let nodes = self.nodes.iter().filter(|(path, _)| is_below(path, root));
        Self { nodes: nodes.map(|(path, node)| (path.clone(), node.clone())).collect() }
    }

    /// Reads one root, in parts where the Author says that it is too much for one answer; depth 1 is always allowed.
    async fn add(&mut self, session: &Session, root: &str) -> Checked {
        let mut open = vec![root.to_owned()];
        while let Some(path) = open.pop() {
            let reply = session.send(repository::node(&path, "-1")).await?;
            match reply.status {
                404 if path == root => return Ok(()),
                300 => {
                    let node = repository::level(session, &path).await?;
                    self.collect_one(&path, &node);
                    open.extend(child_nodes(&node).map(|(name, _)| format!("{path}/{name}")));
                }
                _ => self.collect(&path, &repository::object(reply)?),
            }
        }
        Ok(())
    }

    fn collect(&mut self, path: &str, node: &Value) {
        self.collect_one(path, node);
        for (name, child) in child_nodes(node) {
            self.collect(&format!("{path}/{name}"), child);
        }
    }

    fn collect_one(&mut self, path: &str, node: &Value) {
        let all = node.as_object().into_iter().flatten();
        let properties = all.filter(|(_, value)| !value.is_object()).map(|(name, value)| (name.clone(), value.clone()));
        let mut children: Vec<_> = child_nodes(node).map(|(name, _)| name.to_owned()).collect();
        if !is_ordered(node.get("jcr:primaryType")) {
            children.sort();
        }
        self.nodes.insert(path.to_owned(), Node { properties: properties.collect(), children });
    }

    /// Sling's JSON says of a binary only how long it is. Of a file that can be read, the digest takes its place.
    async fn digest_binaries(&mut self, session: &Session) -> Checked {
        let binary = |(path, node): (&String, &Node)| {
            let file = path.strip_suffix("/jcr:content")?;
            node.properties.contains_key(":jcr:data").then(|| (path.clone(), file.to_owned()))
        };
        let binaries: Vec<_> = self.nodes.iter().filter_map(binary).collect();
        for (content, file) in binaries {
            let Some(call) = file_call(&file) else { continue };
            let reply = session.send(call.confidential()).await?.expect_status(&[200])?;
            let digest = digest(reply.file()?);
            if let Some(node) = self.nodes.get_mut(&content) {
                node.properties.insert(":jcr:data".to_owned(), digest.into());
            }
        }
        Ok(())
    }

    /// The path, and the property where there is one, of the first thing that differs; `exempt` names the properties that
    /// may.
    pub(crate) fn first_difference(&self, other: &Self, exempt: &[&str]) -> Option<String> {
        let paths: BTreeSet<_> = self.nodes.keys().chain(other.nodes.keys()).collect();
        paths.into_iter().find_map(|path| match (self.nodes.get(path), other.nodes.get(path)) {
            (Some(one), Some(two)) => one.differs(two, exempt).map(|what| format!("{path} ({what})")),
            _ => Some(path.clone()),
        })
    }

    /// The first node or property of another tree that is not so in this one, apart from what the repository sets by itself.
    pub(crate) fn first_addition(&self, other: &Self) -> Option<String> {
        other.nodes.iter().find_map(|(path, node)| {
            let Some(own) = self.nodes.get(path) else { return Some(path.clone()) };
            let is_new = |(name, value): &(&String, &Value)| {
                !SET_BY_THE_REPOSITORY.contains(&name.as_str()) && own.properties.get(*name) != Some(value)
            };
            node.properties.iter().find(is_new).map(|(name, _)| format!("{path} ({name})"))
        })
    }

    /// A digest of all of it, by which it is recognised while nobody has changed it. When it was written last does not count,
    /// nor the type of a value: what an agent is enabled with is a text where a request has written it.
    pub(crate) fn digest(&self) -> String {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let counts = |name: &str| !name.ends_with(":lastModified") && !name.ends_with(":lastModifiedBy");
        let nodes = self.nodes.iter().map(|(path, node)| {
            let properties = node.properties.iter().filter(|(name, _)| counts(name));
            (path, properties.map(|(name, value)| (name, text(value))).collect::<Vec<_>>(), &node.children)
        });
        digest(&serde_json::to_vec(&nodes.collect::<Vec<_>>()).unwrap_or_default())
    }

    /// Whether there is anything at that path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }
}

impl Node {
    fn differs(&self, other: &Self, exempt: &[&str]) -> Option<String> {
        let names: BTreeSet<_> = self.properties.keys().chain(other.properties.keys()).collect();
        let mut names = names.into_iter().filter(|name| !exempt.contains(&name.as_str()));
        let differs = |name: &&String| self.properties.get(*name) != other.properties.get(*name);
        let order = || (self.children != other.children).then(|| "its children or their order".to_owned());
        names.find(differs).cloned().or_else(order)
    }
}

/// Whether a path is that of a root, or below it.
pub(crate) fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the children of a node of that type have an order.
pub(crate) fn is_ordered(primary_type: Option<&Value>) -> bool {
    primary_type.and_then(Value::as_str).is_some_and(|name| ORDERED.contains(&name))
}

fn child_nodes(node: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = node.as_object().into_iter().flatten();
    all.filter(|(name, value)| value.is_object() && name.as_str() != LOGINS).map(|(name, value)| (name.as_str(), value))
}

/// The request that reads a file of a configuration.
fn file_call(path: &str) -> Option<Call> {
    let (folder, name) = path.rsplit_once('/')?;
    if folder == "/apps/system/config" {
        return Some(Call::to("author.ims-file").with("file", name));
    }
    let user = folder.strip_suffix("/keystore")?;
    Some(Call::to("author.key-store-file").with("user", user.trim_start_matches('/')).with("file", name))
}

/// The digest by which binaries are compared.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tree(node: &Value) -> Tree {
        let mut tree = Tree::default();
        tree.collect("/a", node);
        tree
    }

    #[test]
    fn every_property_counts_and_order_only_where_there_is_one() {
        let page = json!({"jcr:primaryType": "cq:Page", "x": {"b": 1}, "y": {}});
        let turned = json!({"jcr:primaryType": "cq:Page", "y": {}, "x": {"b": 1}});
        let differs = |one: &Value, two: &Value| tree(one).first_difference(&tree(two), &SET_BY_THE_REPOSITORY);
        assert_eq!(differs(&page, &page), None);
        assert_eq!(differs(&page, &turned).as_deref(), Some("/a (its children or their order)"));
        let folder = json!({"x": {}, "y": {}});
        assert_eq!(differs(&folder, &json!({"y": {}, "x": {}})), None);
        assert_eq!(differs(&folder, &json!({"x": {"b": 1}, "y": {}})).as_deref(), Some("/a/x (b)"));
        assert_eq!(differs(&folder, &json!({"x": {}})).as_deref(), Some("/a (its children or their order)"));
        let made = json!({"jcr:created": "then", "x": {".tokens": {}}});
        assert_eq!(differs(&made, &json!({"jcr:created": "now", "x": {}})), None);
    }
}
