//! `:operation=import`: a tree of nodes from JSON.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::fields::ecma;
use super::{Refusal, Reply, names};
use crate::author::repository::{Node, PRIMARY_TYPE, Value, join, normal, split};
use crate::author::{Author, node_types};
use crate::machine::{Form, Request};

/// Properties that an import leaves out.
const LEFT_OUT: [&str; 7] = [
    "jcr:uuid",
    "jcr:created",
    "jcr:baseVersion",
    "jcr:predecessors",
    "jcr:successors",
    "jcr:versionHistory",
    "jcr:checkedOut",
];

impl Author {
    /// Imports `:content` or `:contentFile` as `:name` below the node of the request. Only JSON is understood.
    pub(super) fn import_tree(
        &mut self,
        now: Timestamp,
        request: &Request,
        form: &Form,
        reply: &mut Reply,
    ) -> Result<(), Refusal> {
        let base = normal(&request.path);
        let kind = form.get(":contentType").unwrap_or_default();
        if kind != "json" {
            return Err((500, format!("The mock imports :contentType json only, not `{kind}`")));
        }
        let file = form.files.get(":contentFile").map(|file| String::from_utf8_lossy(&file.content).into_owned());
        let text = form.get(":content").map(str::to_owned).or(file);
        let text = text.ok_or_else(|| (500, "Missing content for import".to_owned()))?;
        let json: Json =
            serde_json::from_str(&text).map_err(|error| (500, format!("The content is not JSON: {error}")))?;
        let mut node = node(&json)?;
        let empty = Node::default();
        let has_name = form.get(":name").or_else(|| form.get(":nameHint")).is_some_and(|name| !name.is_empty());
        let (target, replaces) = match form.get(":name").filter(|name| !name.is_empty()) {
            Some(name) => {
                (join(&base, name), form.get(":replace").is_some_and(|flag| flag.eq_ignore_ascii_case("true")))
            }
            None if has_name => {
                (join(&base, &names::generated(self.repository.get(&base).unwrap_or(&empty), form, now)?), false)
            }
            // Without a name the content is merged into the node itself.
            None => (base.clone(), false),
        };
        let exists = self.repository.exists(&target);
        if exists && has_name && !replaces {
            return Err((412, format!("Cannot import {target}: node exists")));
        }
        reply.at(&target);
        if !exists {
            reply.create();
        }
        self.check_import(&target, &node)?;
        self.make(&base, &[], now, reply);
        let overwrites = form.get(":replaceProperties").is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
        let existing = self.repository.get(&target).cloned();
        match existing {
            Some(existing) if !replaces => node = merged(existing, node, overwrites),
            _ => {}
        }
        node_types::complete_all(&mut node, now, &self.user);
        self.repository.insert(&target, node.clone());
        list(&target, &node, reply);
        Ok(())
    }

    /// Whether Oak would take every node.
    fn check_import(&self, path: &str, node: &Node) -> Result<(), Refusal> {
        let Some((parent, name)) = split(path) else { return Ok(()) };
        self.check_node(parent, &[])?;
        check(&self.type_of(parent, &[]), path, name, node)
    }
}

fn check(parent_type: &str, path: &str, name: &str, node: &Node) -> Result<(), Refusal> {
    let refused = |refusal| (500, format!("Unable to create node at {path}: {refusal}"));
    if let Some(refusal) = node_types::refusal(parent_type, name, node.primary_type()) {
        return Err(refused(refusal));
    }
    let needs = node_types::mandatory(node.primary_type());
    if let Some(needed) = needs.filter(|name| node.child(name).is_none() && !node.properties.contains_key(*name)) {
        return Err(refused(format!("it has no {needed}")));
    }
    let mixins = node.texts("jcr:mixinTypes");
    let has_mixins = !mixins.is_empty();
    let types: Vec<_> = std::iter::once(node.primary_type().to_owned()).chain(mixins.iter().cloned()).collect();
    for (name, value) in &node.properties {
        if node_types::is_protected(&types, name) {
            return Err((500, format!("Property is protected: {name}")));
        }
        let refusal = node_types::property_refusal(node.primary_type(), has_mixins, name, &value.as_texts());
        refusal.map_or(Ok(()), |refusal| Err(refused(refusal)))?;
    }
    node.children.iter().try_for_each(|(name, child)| check(node.primary_type(), &join(path, name), name, child))
}

fn node(json: &Json) -> Result<Node, Refusal> {
    let object = json.as_object().ok_or_else(|| (500, "The content is not a JSON object".to_owned()))?;
    let kind = object.get(PRIMARY_TYPE).and_then(Json::as_str).unwrap_or("nt:unstructured");
    let mut made = Node::new(kind);
    for (name, json) in object.iter().filter(|(name, _)| !name.starts_with(':') && !LEFT_OUT.contains(&name.as_str())) {
        if json.is_object() {
            made.children.insert(name.clone(), node(json)?);
        } else if let Some(value) = value(name, json)? {
            made.set(name, value);
        }
    }
    Ok(made)
}

fn value(name: &str, json: &Json) -> Result<Option<Value>, Refusal> {
    let refused = || (500, format!("The mock does not import {json} as the property {name}"));
    Ok(Some(match json {
        Json::Null => return Ok(None),
        Json::Bool(flag) => Value::Bool(*flag),
        Json::String(text) => {
            ecma(text).map_or_else(|| Value::Text(text.clone()), |(at, offset)| Value::Date(at, offset))
        }
        Json::Number(number) => {
            number.as_i64().map(Value::Long).or_else(|| number.as_f64().map(Value::Double)).ok_or_else(refused)?
        }
        Json::Array(values) if values.iter().all(Json::is_string) => {
            Value::Texts(values.iter().filter_map(Json::as_str).map(str::to_owned).collect())
        }
        Json::Array(values) if values.iter().any(|value| value.is_array() || value.is_object() || value.is_null()) => {
            return Err(refused());
        }
        Json::Array(values) => Value::Several(
            values.iter().map(|one| value(name, one)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect(),
        ),
        Json::Object(_) => return Err(refused()),
    }))
}

/// What is there, with what is imported; properties that are there stay unless they are to be replaced.
fn merged(mut there: Node, imported: Node, overwrites: bool) -> Node {
    for (name, value) in imported.properties {
        if name != PRIMARY_TYPE && (overwrites || !there.properties.contains_key(&name)) {
            there.properties.insert(name, value);
        }
    }
    for (name, child) in imported.children {
        let child = match there.children.get(&name).cloned() {
            Some(known) => merged(known, child, overwrites),
            None => child,
        };
        there.children.insert(name, child);
    }
    there
}

fn list(path: &str, node: &Node, reply: &mut Reply) {
    reply.changed("created", path);
    let made = node.properties.keys().filter(|name| !name.starts_with("jcr:"));
    made.for_each(|name| reply.changed("created", &join(path, name)));
    node.children.iter().for_each(|(name, child)| list(&join(path, name), child, reply));
}
