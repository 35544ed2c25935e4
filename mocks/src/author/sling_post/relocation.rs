//! Copies and moves of Sling POST.

use super::{Refusal, Reply};
use crate::author::repository::{join, normal, split};
use crate::author::{Author, node_types};
use crate::machine::{Form, Request};

impl Author {
    /// `:operation=copy` and `:operation=move`, to `:dest`.
    pub(super) fn copy_or_move(
        &mut self,
        request: &Request,
        form: &Form,
        reply: &mut Reply,
        moves: bool,
    ) -> Result<(), Refusal> {
        let surface = self.surfaces.get("author.node-write").clone();
        let verb = if moves { "move" } else { "copy" };
        let path = self.named(request);
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
        let sources = many.unwrap_or_else(|| vec![path.clone()]);
        // A real Sling answers 201 here, although nothing was copied.
        if let Some(missing) = sources.iter().find(|from| !self.repository.exists(from)) {
            return Err((404, format!("Missing source {missing} for {verb}")));
        }
        for from in sources {
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
        if to == from || to.starts_with(&format!("{from}/")) {
            return Err((500, format!("Cannot {verb} {from} to {to}: it is the node itself or lies below it")));
        }
        let mut node = node;
        if moves {
            self.repository.remove(from);
        } else {
            node_types::renew_identifiers(&mut node);
        }
        self.repository.insert(to, node);
        reply.copied(if moves { "moved" } else { "copied" }, from, to);
        Ok(())
    }
}
