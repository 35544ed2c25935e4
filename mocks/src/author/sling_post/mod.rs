//! Sling's POST: create, modify, delete, copy, move; and HTTP DELETE (surfaces.md §5.7).

mod fields;
mod reply;

use jiff::Timestamp;

use super::Author;
use super::repository::{Node, PRIMARY_TYPE, Value, join, normal, split};
use crate::machine::{Form, Request, Response};

use fields::{Change, Field};
pub(super) use reply::Reply;

/// Why an operation was not carried out: the status and what is wrong.
type Refusal = (u16, String);

/// Counts up until a name is free.
fn free_name(parent: &Node, wanted: &str) -> String {
    let numbered = (0..).map(|number| format!("{wanted}_{number}"));
    std::iter::once(wanted.to_owned())
        .chain(numbered)
        .find(|name| !parent.children.contains_key(name))
        .expect("the numbers do not end")
}

/// The type of a child that is made without one, as the parent's type has it.
fn default_type(parent: &str) -> &'static str {
    match parent {
        "sling:Folder" => "sling:Folder",
        "sling:OrderedFolder" => "sling:OrderedFolder",
        _ => "nt:unstructured",
    }
}

impl Author {
    /// Carries a form out on the node that the path names.
    pub(super) fn sling_post(&mut self, now: Timestamp, request: &Request, form: &Form) -> Response {
        let word = self.surfaces.get("author.node-write").field("operation").to_owned();
        let mut reply = Reply::new(request, form, &normal(&request.path));
        let done = match form.get(&word).unwrap_or_default() {
            "" => self.modify(now, request, form, &mut reply),
            "nop" => Ok(()),
            "delete" => self.delete_all(request, form, &mut reply),
            "copy" => self.copy_or_move(request, form, &mut reply, false),
            "move" => self.copy_or_move(request, form, &mut reply, true),
            _ => Err((500, "Invalid operation specified for POST request".to_owned())),
        };
        match done {
            Ok(()) => reply.send(),
            Err((status, message)) => reply.refuse(status, &message),
        }
    }

    /// HTTP DELETE.
    pub(super) fn sling_delete(&mut self, path: &str) -> Response {
        match self.repository.remove(path) {
            Some(_) => Response { status: 204, ..Response::default() },
            None => self.not_found(path),
        }
    }

    /// The node that a path names: one that exists, or one to be made. `/` or `/*` at the end asks for a name.
    fn target(&self, request: &Request, form: &Form) -> String {
        let path = request.path.as_str();
        if path != "/" && (path.ends_with('/') || path.ends_with("/*")) {
            let parent = normal(path.trim_end_matches('*'));
            let empty = Node::default();
            let name = generated_name(self.repository.get(&parent).unwrap_or(&empty), form);
            return join(&parent, &name);
        }
        self.repository.resolve(path).map_or_else(|| normal(path), |(resource, _)| resource.to_owned())
    }

    fn modify(&mut self, now: Timestamp, request: &Request, form: &Form, reply: &mut Reply) -> Result<(), Refusal> {
        let path = self.target(request, form);
        // All values are read before anything is written, so that a refused form leaves nothing behind.
        let fields = fields::read(form, &path, now, &self.user)?;
        reply.at(&path);
        for field in fields.iter().filter(|field| field.delete) {
            self.delete_item(&field.path, reply);
        }
        if !self.repository.exists(&path) {
            reply.create();
        }
        self.make(&path, &fields, reply);
        for field in &fields {
            self.write(field, &fields, reply);
        }
        if let Some(order) = form.get(":order") {
            self.order(&path, order)?;
        }
        for (name, file) in &form.files {
            let path = fields::file_path(&path, name, file);
            self.make_file(&path, file, now, reply);
        }
        Ok(())
    }

    /// Moves a node among its siblings: `first`, `last`, `before NAME`, `after NAME` or a number.
    fn order(&mut self, path: &str, order: &str) -> Result<(), Refusal> {
        let refusal = || (500, format!("Unable to order {path}: {order}"));
        let (parent, name) = split(path).ok_or_else(refusal)?;
        let children = &mut self.repository.get_mut(parent).ok_or_else(refusal)?.children;
        let from = children.get_index_of(name).ok_or_else(refusal)?;
        let last = children.len() - 1;
        let index = |sibling: &str| children.get_index_of(sibling).filter(|at| *at != from).ok_or_else(refusal);
        let to = match order.split_once(' ') {
            None if order == "first" => 0,
            None if order == "last" => last,
            None => order.parse::<usize>().map_err(|_| refusal())?.min(last),
            Some(("before", sibling)) => index(sibling).map(|at| if from < at { at - 1 } else { at })?,
            Some(("after", sibling)) => index(sibling).map(|at| if from < at { at } else { at + 1 })?,
            Some(_) => return Err(refusal()),
        };
        children.move_index(from, to);
        Ok(())
    }

    /// Makes a node and its parents, each of the type that the form gives or the parent has as its default.
    fn make(&mut self, path: &str, fields: &[Field], reply: &mut Reply) {
        if self.repository.exists(path) {
            return;
        }
        if let Some((parent, _)) = split(path) {
            self.make(parent, fields, reply);
            let type_path = join(path, PRIMARY_TYPE);
            let given = fields.iter().find(|field| field.path == type_path).and_then(Field::text);
            let default = self.repository.get(parent).map_or("", |parent| default_type(parent.primary_type()));
            self.repository.insert(path, Node::new(given.unwrap_or(default)));
            reply.changed("created", path);
        }
    }

    fn write(&mut self, field: &Field, fields: &[Field], reply: &mut Reply) {
        let Some((node, name)) = split(&field.path) else { return };
        let value = match &field.change {
            Change::Keep => return,
            Change::Remove => {
                if self.repository.get_mut(node).is_some_and(|node| node.properties.remove(name).is_some()) {
                    reply.changed("deleted", &field.path);
                }
                return;
            }
            Change::Set(value) => value,
        };
        self.make(node, fields, reply);
        let Some(node) = self.repository.get_mut(node) else { return };
        let value = match (value, node.properties.get(name)) {
            // What has several values keeps having several, unless the form says otherwise.
            (Value::Text(text), Some(Value::Texts(_))) if !field.typed => Value::Texts(vec![text.clone()]),
            (value, _) => value.clone(),
        };
        node.properties.insert(name.to_owned(), value);
        reply.changed("modified", &field.path);
    }

    fn make_file(&mut self, path: &str, file: &crate::machine::File, now: Timestamp, reply: &mut Reply) {
        if let Some((parent, _)) = split(path) {
            self.make(parent, &[], reply);
        }
        let content = Node::new("nt:resource")
            .with("jcr:mimeType", file.content_type.as_str())
            .with("jcr:lastModified", now)
            .with_binary("jcr:data", file.content.clone());
        self.repository.insert(path, Node::new("nt:file").with_child("jcr:content", content));
        reply.changed("created", path);
    }

    /// Takes a node or a property away, if there is one.
    fn delete_item(&mut self, path: &str, reply: &mut Reply) -> bool {
        let property = split(path).and_then(|(parent, name)| self.repository.get_mut(parent)?.properties.remove(name));
        let deleted = property.is_some() || self.repository.remove(path).is_some();
        if deleted {
            reply.changed("deleted", path);
        }
        deleted
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

    fn delete_all(&mut self, request: &Request, form: &Form, reply: &mut Reply) -> Result<(), Refusal> {
        let path = self.target(request, form);
        reply.at(&path);
        if let Some(paths) = self.applies_to(form, &path) {
            for path in paths {
                self.delete_item(&path, reply);
            }
            return Ok(());
        }
        if self.delete_item(&path, reply) { Ok(()) } else { Err((404, format!("Missing source {path} for delete"))) }
    }

    fn copy_or_move(&mut self, request: &Request, form: &Form, reply: &mut Reply, moves: bool) -> Result<(), Refusal> {
        let surface = self.surfaces.get("author.node-write").clone();
        let verb = if moves { "move" } else { "copy" };
        let path = self.target(request, form);
        reply.at(&path);
        let given = form.get(surface.field("destination")).filter(|given| !given.is_empty());
        let given = given.ok_or_else(|| (500, format!("Unable to process {verb}. Missing destination")))?;
        let parent = split(&path).map_or("/", |(parent, _)| parent);
        let into = given.ends_with('/');
        let to = if given.starts_with('/') { normal(given) } else { normal(&join(parent, given)) };
        let replaces = form.get(surface.field("replace")).is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
        let exists = !into && self.repository.exists(&to);
        if exists && !replaces {
            return Err((412, format!("Cannot {verb} {path} to {to}: destination exists")));
        }
        let folder = if into { to.as_str() } else { split(&to).map_or("/", |(parent, _)| parent) };
        if !self.repository.exists(folder) {
            return Err((412, format!("Cannot {verb} {path} to {to}: parent of destination does not exist")));
        }
        let many = self.applies_to(form, &path);
        if many.is_some() && !into {
            return Err((
                500,
                format!("Applying {verb} to multiple resources requires a trailing slash on the destination"),
            ));
        }
        if many.is_none() && !exists {
            reply.create();
        }
        for from in many.unwrap_or_else(|| vec![path.clone()]) {
            let name = split(&from).map_or("", |(_, name)| name);
            let to = if into { join(&to, name) } else { to.clone() };
            self.copy_or_move_one(&from, &to, moves, reply)?;
        }
        Ok(())
    }

    fn copy_or_move_one(&mut self, from: &str, to: &str, moves: bool, reply: &mut Reply) -> Result<(), Refusal> {
        let verb = if moves { "move" } else { "copy" };
        let node = self.repository.get(from).cloned();
        let node = node.ok_or_else(|| (404, format!("Missing source {from} for {verb}")))?;
        if moves && (to == from || to.starts_with(&format!("{from}/"))) {
            return Err((500, format!("Cannot move {from} to {to}: it is the node itself or lies below it")));
        }
        if moves {
            self.repository.remove(from);
        }
        self.repository.insert(to, node);
        reply.copied(if moves { "moved" } else { "copied" }, from, to);
        Ok(())
    }
}

/// A name for a new node, from `:name`, `:nameHint` or the title.
fn generated_name(parent: &Node, form: &Form) -> String {
    if let Some(name) = form.get(":name").filter(|name| !name.is_empty() && !name.contains('/')) {
        return name.to_owned();
    }
    let hints = [":nameHint", "./jcr:title", "jcr:title", "./title", "title", "./name", "name"];
    let hint = hints.into_iter().find_map(|hint| form.get(hint)).unwrap_or("node");
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    let name: String = hint.chars().take(20).map(plain).collect();
    free_name(parent, if name.is_empty() { "node" } else { &name })
}
