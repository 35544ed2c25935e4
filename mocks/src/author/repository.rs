//! The Author's content repository: a tree of nodes with typed properties.

use std::collections::BTreeMap;

/// A property's value, as Sling reads and writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `String`, `Name` or `Path`.
    Text(String),
    /// `Boolean`.
    Bool(bool),
    /// `Long`.
    Long(i64),
    /// `Date`, as the instant.
    Date(jiff::Timestamp),
    /// `Binary`; Sling's JSON shows its length under `:name`.
    Binary(Vec<u8>),
    /// A multi-valued property of texts.
    Texts(Vec<String>),
}

/// A node: its properties and its children, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// The properties by name, `jcr:primaryType` among them.
    pub properties: BTreeMap<String, Value>,
    /// The children in order.
    pub children: Vec<(String, Node)>,
}

/// The tree, addressed by absolute paths such as `/etc/replication`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Repository {
    root: Node,
}

impl Repository {
    /// The node at a path.
    pub fn get(&self, path: &str) -> Option<&Node> {
        let _ = path;
        unimplemented!()
    }

    /// The node at a path, to be changed.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Node> {
        let _ = path;
        unimplemented!()
    }

    /// The node at a path; it and its missing parents are made, with that type for the node itself and
    /// `sling:Folder` for the parents.
    pub fn ensure(&mut self, path: &str, primary_type: &str) -> &mut Node {
        let _ = (path, primary_type);
        unimplemented!()
    }

    /// Takes a node with all below it out of the tree.
    pub fn remove(&mut self, path: &str) -> Option<Node> {
        let _ = path;
        unimplemented!()
    }

    /// Puts a node at a path whose parent exists; false if it does not.
    pub fn insert(&mut self, path: &str, node: Node) -> bool {
        let _ = (path, node);
        unimplemented!()
    }
}
