//! What Oak allows: the types, names and properties of a form, checked before anything is written.

use super::fields::{self, Change, Field};
use super::{Refusal, join, split};
use crate::author::Author;
use crate::author::node_types;
use crate::author::repository::{Node, PRIMARY_TYPE};
use crate::machine::Form;

/// The type of a file that Sling makes of an upload, unless the form asks for another one.
const FILE: &str = "nt:file";

/// The type of a child that is made without one, as the parent's type has it.
fn default_type(parent: &str) -> &'static str {
    match parent {
        "sling:Folder" => "sling:Folder",
        "sling:OrderedFolder" => "sling:OrderedFolder",
        _ => "nt:unstructured",
    }
}

impl Author {
    /// Whether Oak would take all nodes and properties of a form.
    pub(super) fn check(&self, path: &str, fields: &[Field], form: &Form) -> Result<(), Refusal> {
        self.check_node(path, fields)?;
        for field in fields {
            self.check_field(field, fields)?;
        }
        let nodes = fields.iter().filter_map(|field| split(&field.path)).map(|(node, _)| node);
        for node in std::iter::once(path).chain(nodes) {
            self.check_whole(node, path, fields, form)?;
        }
        for (name, file) in &form.files {
            let hint = form.get(&format!("{name}@TypeHint")).filter(|hint| *hint != FILE);
            if let Some(hint) = hint {
                return Err((500, format!("The mock makes an {FILE} of the file {name}, not a {hint}")));
            }
            self.check_node(&fields::file_path(path, name, file), &[])?;
        }
        match form.get(":order") {
            Some(order) if !self.can_order(path, order) => Err((500, format!("Unable to order {path}: {order}"))),
            _ => Ok(()),
        }
    }

    fn check_field(&self, field: &Field, fields: &[Field]) -> Result<(), Refusal> {
        let Some((node, name)) = split(&field.path) else { return Ok(()) };
        let is_removed = field.delete || matches!(field.change, Change::Remove);
        let is_written = matches!(field.change, Change::Set(_) | Change::Patch(_));
        if is_removed && self.is_mandatory(&field.path) {
            return Err((500, format!("Property is mandatory: {name}")));
        }
        if (is_removed || is_written) && self.is_protected(node, name, fields) {
            return Err((500, format!("Property is protected: {name}")));
        }
        if is_removed && name == PRIMARY_TYPE {
            return Err((500, format!("Property is mandatory: {name}")));
        }
        if !is_written {
            return Ok(());
        }
        self.check_node(node, fields)?;
        let values = match &field.change {
            Change::Set(value) => value.as_texts(),
            _ => Vec::new(),
        };
        let is_of_date = name == "jcr:lastModified" && self.type_of(node, fields) == "nt:resource";
        if let Some(wrong) = values.iter().find(|value| is_of_date && fields::date(value).is_none()) {
            return Err((500, format!("Unable to write {}: `{wrong}` is not a date", field.path)));
        }
        let has_mixins = self.types_of(node, fields).len() > 1;
        match node_types::property_refusal(&self.type_of(node, fields), has_mixins, name, &values) {
            Some(refusal) => Err((500, format!("Unable to write {}: {refusal}", field.path))),
            None => Ok(()),
        }
    }

    /// Whether a node that is made, or gets another type, will have what its type needs, and only what its type allows.
    fn check_whole(&self, node: &str, target: &str, fields: &[Field], form: &Form) -> Result<(), Refusal> {
        let type_path = join(node, PRIMARY_TYPE);
        let given = fields.iter().find(|field| field.path == type_path).and_then(Field::text);
        let there = self.repository.get(node);
        if given.is_none() && there.is_some() {
            return Ok(());
        }
        let kind = given.map_or_else(|| self.type_of(node, fields), str::to_owned);
        for name in there.iter().flat_map(|there| there.properties.keys()).filter(|name| *name != PRIMARY_TYPE) {
            if let Some(refusal) = node_types::property_refusal(&kind, false, name, &[]) {
                return Err((500, format!("Unable to change the type of {node}: {refusal}")));
            }
        }
        let Some(name) = node_types::mandatory(&kind) else { return Ok(()) };
        let needed = join(node, name);
        let is_there = there.is_some_and(|node| node.child(name).is_some() || node.properties.contains_key(name));
        let makes = |path: &str| path == needed || path.starts_with(&format!("{needed}/"));
        let is_given = fields.iter().any(|field| makes(&field.path))
            || form.files.iter().any(|(name, file)| makes(&fields::file_path(target, name, file)));
        if is_there || is_given {
            return Ok(());
        }
        Err((500, format!("javax.jcr.nodetype.ConstraintViolationException: {node} of type {kind} has no {name}")))
    }

    /// Whether the type of the node around it needs a child or property.
    pub(super) fn is_mandatory(&self, path: &str) -> bool {
        split(path).is_some_and(|(node, name)| {
            let kind = self.repository.get(node).map(Node::primary_type);
            kind.and_then(node_types::mandatory) == Some(name)
        })
    }

    /// Whether a node is there, or it and its parents can be made.
    pub(super) fn check_node(&self, path: &str, fields: &[Field]) -> Result<(), Refusal> {
        let Some((parent, name)) = split(path).filter(|_| !self.repository.exists(path)) else { return Ok(()) };
        self.check_node(parent, fields)?;
        match node_types::refusal(&self.type_of(parent, fields), name, &self.type_of(path, fields)) {
            Some(refusal) => Err((500, format!("Unable to create node at {path}: {refusal}"))),
            None => Ok(()),
        }
    }

    /// Whether Oak protects a property of a node as it will be.
    pub(super) fn is_protected(&self, node: &str, name: &str, fields: &[Field]) -> bool {
        node_types::is_protected(&self.types_of(node, fields), name)
    }

    /// The type of a node, and its mixins: those that it has and those of the form.
    fn types_of(&self, path: &str, fields: &[Field]) -> Vec<String> {
        let mixins = join(path, "jcr:mixinTypes");
        let given = fields.iter().filter(|field| field.path == mixins).flat_map(|field| match &field.change {
            Change::Set(value) => value.as_texts(),
            _ => Vec::new(),
        });
        let own = self.repository.get(path).map_or(&[][..], |node: &Node| node.texts("jcr:mixinTypes"));
        std::iter::once(self.type_of(path, fields)).chain(own.iter().cloned()).chain(given).collect()
    }

    /// The type that a node has, or will have: that of the form, or its parent's default.
    pub(super) fn type_of(&self, path: &str, fields: &[Field]) -> String {
        let type_path = join(path, PRIMARY_TYPE);
        if let Some(node) = self.repository.get(path) {
            return node.primary_type().to_owned();
        }
        let given = fields.iter().find(|field| field.path == type_path).and_then(Field::text);
        given.map_or_else(
            || split(path).map_or("", |(parent, _)| default_type(&self.type_of(parent, fields))).to_owned(),
            str::to_owned,
        )
    }
}
