//! Sling's POST: create, modify, delete, copy, move; and HTTP DELETE (surfaces.md §5.7).

mod constraints;
mod fields;
mod import;
mod names;
mod relocation;
mod reply;

use jiff::Timestamp;

use super::node_types;
use super::repository::{Node, Value, join, normal, split};
use super::{Author, plain};
use crate::machine::{Form, Request, Response};

pub(super) use fields::date;
use fields::{Change, Field};
pub(super) use reply::Reply;

/// Why an operation was not carried out: the status and what is wrong.
type Refusal = (u16, String);

impl Author {
    /// Executes a form on the node at the path.
    pub(super) fn sling_post(&mut self, now: Timestamp, request: &Request, form: &Form) -> Response {
        let word = self.surfaces.get("author.node-write").field("operation").to_owned();
        let mut reply = Reply::new(request, form, &normal(&request.path));
        let done = match form.get(&word).unwrap_or_default() {
            "" => self.modify(now, request, form, &mut reply),
            "nop" => return reply.did_nothing(),
            "delete" => self.delete_all(request, form, &mut reply),
            "copy" => self.copy_or_move(request, form, &mut reply, false),
            "move" => self.copy_or_move(request, form, &mut reply, true),
            "import" => self.import_tree(now, request, form, &mut reply),
            _ => return reply.unknown_operation(),
        };
        match done {
            Ok(()) => reply.send(),
            Err((status, message)) => reply.refuse(status, &message),
        }
    }

    /// HTTP DELETE, which the WebDAV servlet serves: it makes the parent lockable, and does not delete the content of a page.
    pub(super) fn sling_delete(&mut self, path: &str) -> Response {
        let path = normal(path);
        if !self.repository.exists(&path) {
            return self.not_found("DELETE", &path);
        }
        if path.ends_with("/jcr:content") || path == "/" {
            return plain(403, &format!("Forbidden: WebDAV does not delete {path}\n"));
        }
        self.repository.remove(&path);
        if let Some(parent) = split(&path).and_then(|(parent, _)| self.repository.get_mut(parent)) {
            let mut mixins = parent.texts("jcr:mixinTypes").to_vec();
            if !mixins.iter().any(|mixin| mixin == "mix:lockable") {
                mixins.push("mix:lockable".to_owned());
                parent.set("jcr:mixinTypes", mixins);
            }
        }
        Response { status: 204, ..Response::default() }
    }

    /// The existing or new node at a path. With `/` or `/*` at the end, the name of a new node is generated.
    fn target(&self, now: Timestamp, request: &Request, form: &Form) -> Result<String, Refusal> {
        let path = request.path.as_str();
        if path != "/" && (path.ends_with('/') || path.ends_with("/*")) {
            let parent = normal(path.trim_end_matches('*'));
            let empty = Node::default();
            let name = names::generated(self.repository.get(&parent).unwrap_or(&empty), form, now)?;
            return Ok(join(&parent, &name));
        }
        Ok(self.repository.resolve(path).map_or_else(|| normal(path), |(resource, _)| resource.to_owned()))
    }

    fn modify(&mut self, now: Timestamp, request: &Request, form: &Form, reply: &mut Reply) -> Result<(), Refusal> {
        let path = self.target(now, request, form)?;
        reply.at(&path);
        // All values are read and checked before anything is written, so that a refused form leaves nothing behind.
        let fields = fields::read(form, &path, now, &self.user)?;
        self.check(&path, &fields, form)?;
        for field in fields.iter().filter(|field| field.delete) {
            self.delete_item(&field.path, reply);
        }
        if !self.repository.exists(&path) {
            reply.create();
        }
        self.make(&path, &fields, now, reply);
        for field in &fields {
            self.bring(field, &fields, now, reply);
            self.write(field, &fields, now, reply);
        }
        if let Some(order) = form.get(":order") {
            self.order(&path, order);
        }
        for (name, file) in &form.files {
            let path = fields::file_path(&path, name, file);
            self.make_file(&path, file, now, reply);
        }
        Ok(())
    }

    /// Whether an order can be carried out: `first`, `last`, a number, or `before` or `after` a sibling.
    fn can_order(&self, path: &str, order: &str) -> bool {
        let parent = split(path).map_or("/", |(parent, _)| parent);
        match order.split_once(' ') {
            None => matches!(order, "first" | "last") || order.parse::<usize>().is_ok(),
            Some(("before" | "after", sibling)) => {
                join(parent, sibling) != path && self.repository.exists(&join(parent, sibling))
            }
            Some(_) => false,
        }
    }

    /// Moves a node among its siblings.
    fn order(&mut self, path: &str, order: &str) {
        let Some((parent, name)) = split(path) else { return };
        let Some(children) = self.repository.get_mut(parent).map(|parent| &mut parent.children) else { return };
        let Some(from) = children.get_index_of(name) else { return };
        let last = children.len() - 1;
        let index = |sibling: &str| children.get_index_of(sibling).unwrap_or(from);
        let to = match order.split_once(' ') {
            None if order == "first" => 0,
            None if order == "last" => last,
            None => order.parse::<usize>().map_or(from, |number| number.min(last)),
            Some(("before", sibling)) => index(sibling) - usize::from(from < index(sibling)),
            Some((_, sibling)) => index(sibling) + usize::from(from > index(sibling)),
        };
        children.move_index(from, to);
    }

    /// Creates a node and its parents, each with the type from the form or the default of its parent.
    fn make(&mut self, path: &str, fields: &[Field], now: Timestamp, reply: &mut Reply) {
        if self.repository.exists(path) {
            return;
        }
        if let Some((parent, _)) = split(path) {
            self.make(parent, fields, now, reply);
            let mut node = Node::new(&self.type_of(path, fields));
            node_types::complete(&mut node, now, &self.user);
            self.repository.insert(path, node);
            reply.changed("created", path);
        }
    }

    /// Copies or moves the origin that the form names to the path of a field.
    fn bring(&mut self, field: &Field, fields: &[Field], now: Timestamp, reply: &mut Reply) {
        let Some(origin) = &field.from else { return };
        let Some((parent, name)) = split(&field.path) else { return };
        if let Some(value) = self.repository.property(&origin.path).cloned() {
            self.make(parent, fields, now, reply);
            if let Some(node) = self.repository.get_mut(parent) {
                node.properties.insert(name.to_owned(), value);
            }
        } else if let Some(node) = self.repository.get(&origin.path).cloned() {
            self.make(parent, fields, now, reply);
            self.repository.insert(&field.path, node);
        } else {
            // Sling ignores an origin that does not exist.
            return;
        }
        if origin.moves {
            self.take_away(&origin.path);
        }
        reply.copied(if origin.moves { "moved" } else { "copied" }, &origin.path, &field.path);
    }

    fn write(&mut self, field: &Field, fields: &[Field], now: Timestamp, reply: &mut Reply) {
        let Some((node, name)) = split(&field.path) else { return };
        let value = match &field.change {
            Change::Keep => return,
            Change::Remove => {
                if self.repository.get_mut(node).is_some_and(|node| node.properties.remove(name).is_some()) {
                    reply.changed("deleted", &field.path);
                }
                return;
            }
            Change::Patch(changes) => {
                let values = self.repository.property(&field.path).map_or_else(Vec::new, Value::as_texts);
                Value::Texts(patched(values, changes))
            }
            Change::Automatic(_) if self.is_protected(node, name, fields) => return,
            Change::Set(value) | Change::Automatic(value) => value.clone(),
        };
        self.make(node, fields, now, reply);
        let user = self.user.clone();
        let Some(node) = self.repository.get_mut(node) else { return };
        let value = match (value, node.properties.get(name)) {
            // A property with several values keeps that, unless the form changes it.
            (Value::Text(text), Some(Value::Texts(_))) if !field.typed => Value::Texts(vec![text]),
            (Value::Text(text), _) if name == "jcr:mixinTypes" => Value::Texts(vec![text]),
            (value, _) => value,
        };
        node.properties.insert(name.to_owned(), value);
        if name == "jcr:mixinTypes" {
            node_types::complete(node, now, &user);
        }
        reply.changed("modified", &field.path);
    }

    fn make_file(&mut self, path: &str, file: &crate::machine::File, now: Timestamp, reply: &mut Reply) {
        if let Some((parent, _)) = split(path) {
            self.make(parent, &[], now, reply);
        }
        let content = Node::new("nt:resource")
            .with("jcr:mimeType", file.content_type.as_str())
            .with("jcr:lastModified", now)
            .with_binary("jcr:data", file.content.clone());
        let mut node = Node::new("nt:file").with_child("jcr:content", content);
        node_types::complete_all(&mut node, now, &self.user);
        self.repository.insert(path, node);
        reply.changed("created", path);
    }

    fn take_away(&mut self, path: &str) -> bool {
        let property = split(path).and_then(|(parent, name)| self.repository.get_mut(parent)?.properties.remove(name));
        property.is_some() || self.repository.remove(path).is_some()
    }

    /// Removes a node or a property, if it exists.
    fn delete_item(&mut self, path: &str, reply: &mut Reply) {
        if self.take_away(path) {
            reply.changed("deleted", path);
        }
    }

    /// The paths that `:applyTo` names, `/*` being all children; none if it is not given.
    fn applies_to(&self, form: &Form, path: &str) -> Option<Vec<String>> {
        let given = form.all(":applyTo");
        (!given.is_empty()).then(|| given.iter().flat_map(|to| self.applied(to, path)).collect())
    }

    fn applied(&self, to: &str, path: &str) -> Vec<String> {
        let to = if to.starts_with('/') { to.to_owned() } else { join(path, to) };
        match to.strip_suffix("/*") {
            Some(parent) => self.repository.children(parent).map(|(path, _)| path).collect(),
            None => vec![normal(&to)],
        }
    }

    /// Deletes a node. As on a real Sling, this succeeds for a node that does not exist.
    fn delete_all(&mut self, request: &Request, form: &Form, reply: &mut Reply) -> Result<(), Refusal> {
        let path = self.named(request);
        reply.at(&path);
        let paths = self.applies_to(form, &path);
        if let Some(needed) = paths.iter().flatten().chain([&path]).find(|path| self.is_mandatory(path)) {
            return Err((500, format!("Unable to delete {needed}: the node around it needs it")));
        }
        if let Some(paths) = paths {
            for path in paths {
                self.delete_item(&path, reply);
            }
            return Ok(());
        }
        if path == "/" {
            return Err((500, "Unable to remove the root".to_owned()));
        }
        self.take_away(&path);
        reply.changed("deleted", &path);
        Ok(())
    }

    /// The node that the path of an operation names.
    fn named(&self, request: &Request) -> String {
        let path = request.path.as_str();
        self.repository.resolve(path).map_or_else(|| normal(path), |(resource, _)| resource.to_owned())
    }
}

/// The values after additions and removals, each value once.
fn patched(mut values: Vec<String>, changes: &[(bool, String)]) -> Vec<String> {
    for (adds, value) in changes {
        if !adds {
            values.retain(|known| known != value);
        } else if !values.contains(value) {
            values.push(value.clone());
        }
    }
    values
}
