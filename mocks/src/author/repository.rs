//! The Author's content repository: a tree of nodes with typed properties.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use indexmap::IndexMap;
use jiff::Timestamp;
use jiff::tz::Offset;

/// The property that holds the type of a node.
pub const PRIMARY_TYPE: &str = "jcr:primaryType";

/// A property's value, as Sling reads and writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `String`, `Name` or `Path`.
    Text(String),
    /// `Boolean`.
    Bool(bool),
    /// `Long`.
    Long(i64),
    /// `Double`.
    Double(f64),
    /// `Date`: the instant, and the offset from UTC in which it was written.
    Date(Timestamp, Offset),
    /// `Binary`; Sling's JSON shows its length under `:name`.
    Binary(Vec<u8>),
    /// A multi-valued property of texts.
    Texts(Vec<String>),
    /// A multi-valued property of another type.
    Several(Vec<Value>),
}

impl Value {
    /// The values as texts, as Sling sends a property by itself: dates in ISO 8601. A binary value has none.
    pub fn as_texts(&self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Bool(flag) => vec![flag.to_string()],
            Self::Long(number) => vec![number.to_string()],
            Self::Double(number) => vec![double(*number)],
            Self::Date(date, offset) => vec![iso_8601(*date, *offset)],
            Self::Binary(_) => Vec::new(),
            Self::Texts(texts) => texts.clone(),
            Self::Several(values) => values.iter().flat_map(Self::as_texts).collect(),
        }
    }

    /// Whether it is a property of several values.
    pub fn is_multiple(&self) -> bool {
        matches!(self, Self::Texts(_) | Self::Several(_))
    }
}

/// Java's notation, which has a decimal point always.
fn double(number: f64) -> String {
    format!("{number:?}")
}

/// A date as JCR writes it.
fn iso_8601(date: Timestamp, offset: Offset) -> String {
    let text = offset.to_datetime(date).strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string();
    let seconds = offset.seconds();
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
    if seconds == 0 { text + "Z" } else { format!("{text}{sign}{:02}:{:02}", minutes / 60, minutes % 60) }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Long(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Date(value, Offset::UTC)
    }
}

impl From<&[&str]> for Value {
    fn from(values: &[&str]) -> Self {
        Self::Texts(values.iter().map(|&value| value.to_owned()).collect())
    }
}

impl From<Vec<String>> for Value {
    fn from(values: Vec<String>) -> Self {
        Self::Texts(values)
    }
}

/// A node: its properties and its children, in order of creation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// The properties by name, `jcr:primaryType` among them.
    pub properties: BTreeMap<String, Value>,
    /// The children by name, in order.
    pub children: IndexMap<String, Node>,
}

impl Node {
    /// A node of that type, without children.
    pub fn new(primary_type: &str) -> Self {
        Self::default().with(PRIMARY_TYPE, primary_type)
    }

    /// Adds a property.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Adds a binary property.
    #[must_use]
    pub fn with_binary(self, name: &str, bytes: Vec<u8>) -> Self {
        self.with(name, Value::Binary(bytes))
    }

    /// Adds a child.
    #[must_use]
    pub fn with_child(mut self, name: &str, child: Self) -> Self {
        self.children.insert(name.to_owned(), child);
        self
    }

    /// Sets or replaces a property.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.properties.insert(name.to_owned(), value.into());
    }

    /// The text of a property; the first one of several.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.properties.get(name)? {
            Value::Text(text) => Some(text),
            Value::Texts(texts) => texts.first().map(String::as_str),
            _ => None,
        }
    }

    /// All texts of a property.
    pub fn texts(&self, name: &str) -> &[String] {
        match self.properties.get(name) {
            Some(Value::Text(text)) => std::slice::from_ref(text),
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// A flag, stored as `Boolean` or as the text `true`. An absent property is false.
    pub fn flag(&self, name: &str) -> bool {
        match self.properties.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::Text(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    /// A whole number, stored as `Long` or as text.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.properties.get(name)? {
            Value::Long(number) => Some(*number),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The node's type, empty if it has none.
    pub fn primary_type(&self) -> &str {
        self.text(PRIMARY_TYPE).unwrap_or_default()
    }

    /// A child by its name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.get(name)
    }

    /// The number of nodes below this one, down to a number of levels.
    pub fn count_below(&self, levels: usize) -> usize {
        if levels == 0 {
            return 0;
        }
        self.children.values().map(|child| 1 + child.count_below(levels - 1)).sum()
    }

    /// The node with all below it as JSON for comparisons: sorted by name, dates in ISO 8601, binaries as their length
    /// and a hash.
    pub fn dump(&self) -> serde_json::Value {
        let properties = self.properties.iter().map(|(name, value)| (name.clone(), dump_value(value)));
        let children = self.children.iter().map(|(name, child)| (name.clone(), child.dump()));
        let sorted: BTreeMap<_, _> = properties.chain(children).collect();
        sorted.into_iter().collect()
    }
}

fn dump_value(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Bool(flag) => (*flag).into(),
        Value::Long(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Date(date, _) => date.to_string().into(),
        Value::Several(values) => values.iter().map(dump_value).collect(),
        Value::Texts(texts) => texts.clone().into(),
        Value::Binary(bytes) => {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            format!("{} bytes, hash {:016x}", bytes.len(), hasher.finish()).into()
        }
    }
}

/// The tree, addressed by absolute paths such as `/etc/replication`; `/` is the root.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    root: Node,
}

impl Default for Repository {
    fn default() -> Self {
        Self { root: Node::new("rep:root") }
    }
}

impl Repository {
    /// A tree whose root has no type.
    pub fn empty() -> Self {
        Self { root: Node::default() }
    }

    /// The node at a path. A missing node and missing parents are created without a type.
    pub fn ensure_plain(&mut self, path: &str) -> &mut Node {
        segments(path).fold(&mut self.root, |node, name| node.children.entry(name.to_owned()).or_default())
    }

    /// The node at a path.
    pub fn get(&self, path: &str) -> Option<&Node> {
        segments(path).try_fold(&self.root, |node, name| node.children.get(name))
    }

    /// The node at a path, mutable.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Node> {
        segments(path).try_fold(&mut self.root, |node, name| node.children.get_mut(name))
    }

    /// Whether there is a node at a path.
    pub fn exists(&self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// The node at a path. A missing node is created with that type, missing parents as `sling:Folder`.
    pub fn ensure(&mut self, path: &str, primary_type: &str) -> &mut Node {
        let mut names = segments(path).peekable();
        let mut node = &mut self.root;
        while let Some(name) = names.next() {
            let made = if names.peek().is_some() { "sling:Folder" } else { primary_type };
            node = node.children.entry(name.to_owned()).or_insert_with(|| Node::new(made));
        }
        node
    }

    /// Removes a node with its descendants; the root cannot be removed.
    pub fn remove(&mut self, path: &str) -> Option<Node> {
        let (parent, name) = split(path)?;
        self.get_mut(parent)?.children.shift_remove(name)
    }

    /// Inserts or replaces the node at a path; returns false if its parent does not exist.
    pub fn insert(&mut self, path: &str, node: Node) -> bool {
        let Some((parent, name)) = split(path) else { return false };
        let Some(parent) = self.get_mut(parent) else { return false };
        parent.children.insert(name.to_owned(), node);
        true
    }

    /// The children of a node with their absolute paths, in order; empty if the node does not exist.
    pub fn children<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (String, &'a Node)> {
        self.get(path)
            .into_iter()
            .flat_map(move |node| node.children.iter().map(move |(name, child)| (join(path, name), child)))
    }

    /// A node and its descendants with their absolute paths, parents first; empty if the node does not exist.
    pub fn walk(&self, path: &str) -> impl Iterator<Item = (String, &Node)> {
        let mut open: Vec<_> = self.get(path).map(|node| (normal(path), node)).into_iter().collect();
        std::iter::from_fn(move || {
            let (path, node) = open.pop()?;
            open.extend(node.children.iter().rev().map(|(name, child)| (join(&path, name), child)));
            Some((path, node))
        })
    }

    /// The first node at or below a path that is accepted, in the order of [`Self::walk`], with its path. No path is made for
    /// the others.
    pub fn find(&self, path: &str, accepts: impl Fn(&Node) -> bool) -> Option<(String, &Node)> {
        let (mut open, mut names) = (vec![(0, "", self.get(path)?)], Vec::new());
        while let Some((depth, name, node)) = open.pop() {
            names.truncate(depth);
            names.push(name);
            if accepts(node) {
                return Some((names.iter().skip(1).fold(normal(path), |path, name| join(&path, name)), node));
            }
            open.extend(node.children.iter().rev().map(|(name, child)| (depth + 1, name.as_str(), child)));
        }
        None
    }

    /// The longest prefix of a request path that is a node, and the rest: selectors and extension, or nothing. Like Sling, it
    /// cuts only before a `.`.
    pub fn resolve<'a>(&self, path: &'a str) -> Option<(&'a str, &'a str)> {
        let name = path.rfind('/').map_or(0, |slash| slash + 1);
        let dots = path[name..].rmatch_indices('.').map(|(at, _)| name + at);
        std::iter::once(path.len())
            .chain(dots)
            .map(|cut| path.split_at(cut))
            .find(|(resource, _)| resource.starts_with('/') && self.exists(resource))
    }

    /// The property at a path.
    pub fn property(&self, path: &str) -> Option<&Value> {
        let (node, name) = split(path)?;
        self.get(node)?.properties.get(name)
    }

    /// The tree as sorted JSON, see [`Node::dump`].
    pub fn dump(&self) -> serde_json::Value {
        self.root.dump()
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

/// The normal form of a path: one slash before each name, none at the end.
pub fn normal(path: &str) -> String {
    let joined = segments(path).fold(String::new(), |joined, name| joined + "/" + name);
    if joined.is_empty() { "/".to_owned() } else { joined }
}

/// The path of the parent and the name of the node; `None` for the root.
pub fn split(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_end_matches('/');
    let (parent, name) = path.rsplit_once('/')?;
    let parent = if parent.is_empty() { "/" } else { parent };
    (!name.is_empty()).then_some((parent, name))
}

/// The path of a child.
pub fn join(parent: &str, name: &str) -> String {
    format!("{}/{name}", parent.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Repository {
        let mut repository = Repository::default();
        repository.ensure("/etc/replication/agents.author", "cq:Page");
        repository.ensure("/etc/replication/agents.author/publish/jcr:content", "nt:unstructured").set("enabled", true);
        repository
    }

    #[test]
    fn a_node_is_made_with_its_parents_and_removed_with_its_children() {
        let mut repository = sample();
        assert_eq!(repository.get("/etc/replication").map(Node::primary_type), Some("sling:Folder"));
        assert_eq!(repository.get("/etc/replication/agents.author/").map(Node::primary_type), Some("cq:Page"));
        assert!(repository.remove("/etc/replication/agents.author/publish").is_some());
        assert!(!repository.exists("/etc/replication/agents.author/publish/jcr:content"));
        assert!(repository.remove("/etc/replication/agents.author/publish").is_none());
        assert!(repository.remove("/").is_none());
    }

    #[test]
    fn a_node_is_put_only_under_a_parent() {
        let mut repository = sample();
        assert!(!repository.insert("/nowhere/child", Node::new("nt:folder")));
        assert!(repository.insert("/etc/child", Node::new("nt:folder")));
        assert!(repository.exists("/etc/child"));
    }

    #[test]
    fn the_longest_existing_name_wins() {
        let repository = sample();
        let cases = [
            ("/etc/replication/agents.author.-1.json", "/etc/replication/agents.author", ".-1.json"),
            ("/etc/replication/agents.author", "/etc/replication/agents.author", ""),
            (
                "/etc/replication/agents.author/publish/jcr:content.queue.json",
                "/etc/replication/agents.author/publish/jcr:content",
                ".queue.json",
            ),
        ];
        for (path, resource, rest) in cases {
            assert_eq!(repository.resolve(path), Some((resource, rest)), "{path}");
        }
        assert_eq!(repository.resolve("/etc/replications/agents.author.json"), None);
    }

    #[test]
    fn a_walk_goes_parents_first_in_order() {
        let paths: Vec<_> = sample().walk("/etc/replication").map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "/etc/replication",
                "/etc/replication/agents.author",
                "/etc/replication/agents.author/publish",
                "/etc/replication/agents.author/publish/jcr:content",
            ]
        );
    }

    #[test]
    fn a_dump_tells_binaries_of_one_length_apart() {
        let dump = |byte: u8| Node::new("nt:resource").with_binary("jcr:data", vec![byte]).dump();
        assert_ne!(dump(1), dump(2));
        assert_eq!(dump(1), dump(1));
    }
}
