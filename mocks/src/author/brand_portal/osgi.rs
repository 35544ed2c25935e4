//! OSGi configurations below `/apps/system/config`, and Felix's configuration manager (surfaces.md §2.3).

use serde_json::json;

use super::secret::is_protected;
use crate::author::repository::{Node, Value, join, split};
use crate::author::sling_get::address;
use crate::author::{Author, node_types, plain};
use crate::machine::{Form, Request, Response};

/// The PID with which the console saves a new configuration of a factory begins so.
const TEMPORARY: &str = "[Temporary PID";

/// The PID of a configuration that is described before it is saved.
const UNSAVED: &str = "[Temporary PID replaced by real PID upon save]";

/// The suffix of a stored configuration.
const EXTENSION: &str = ".config";

impl Author {
    /// The folder of stored configurations, read by `author.ims-storage`.
    pub(super) fn configurations_path(&self) -> String {
        let path = &self.surfaces.get("author.ims-storage").path;
        let cut = path.rmatch_indices('.').nth(1).map_or(path.len(), |(at, _)| at);
        path[..cut].to_owned()
    }

    /// The stored configurations of a factory, each with its PID in the form with a dot.
    pub(super) fn configurations(&self, factory: &str) -> Vec<(String, String, &Node)> {
        let folder = self.configurations_path();
        let Some(node) = self.repository.get(&folder) else { return Vec::new() };
        node.children
            .iter()
            .filter_map(|(name, node)| {
                let random = name.strip_suffix(EXTENSION)?.strip_prefix(factory)?.strip_prefix(['.', '-'])?;
                Some((format!("{factory}.{random}"), join(&folder, name), node))
            })
            .collect()
    }

    /// Stores a configuration under its PID, with its secret encrypted.
    pub(super) fn store_configuration(&mut self, pid: &str, mut node: Node) {
        let surface = self.surfaces.get("author.ims-storage");
        if let Some(secret) = node.text(surface.field("secret")).filter(|secret| !is_protected(secret)) {
            let protected = self.brand_portal.names.protect(secret);
            node.set(surface.field("secret"), protected);
        }
        let folder = self.configurations_path();
        self.repository.ensure(&folder, "sling:Folder");
        self.repository.insert(&join(&folder, &format!("{pid}{EXTENSION}")), node);
    }

    /// Encrypts the secrets that a seed holds in clear, as Granite does at start-up.
    pub(super) fn protect_secrets(&mut self) {
        let surface = self.surfaces.get("author.ims-storage");
        let stored = self.configurations(surface.phrase("customizer"));
        let clear: Vec<_> = stored
            .into_iter()
            .filter(|(_, _, node)| node.text(surface.field("secret")).is_some_and(|secret| !is_protected(secret)))
            .map(|(_, path, node)| (path, node.clone()))
            .collect();
        for (path, node) in clear {
            let Some((_, name)) = split(&path) else { continue };
            self.store_configuration(name.trim_end_matches(EXTENSION), node.clone());
        }
    }

    fn configuration_path(&self, pid: &str) -> Option<String> {
        let folder = self.configurations_path();
        let either = pid
            .rsplit_once(['.', '-'])
            .map(|(factory, random)| [format!("{factory}.{random}"), format!("{factory}-{random}")]);
        std::iter::once(pid.to_owned())
            .chain(either.into_iter().flatten())
            .map(|name| join(&folder, &format!("{name}{EXTENSION}")))
            .find(|path| self.repository.exists(path))
    }

    /// Reads, writes or deletes a configuration, depending on the form.
    pub(super) fn configuration_manager(&mut self, pid: &str, request: &Request, form: &Form) -> Response {
        let surface = self.surfaces.get("author.osgi-configuration");
        let is_on = |field: &str| form.get(field).is_some_and(|value| matches!(value, "1" | "true"));
        let wants = |word: &str| is_on(surface.field(word));
        let found = self.configuration_path(pid);
        if wants("delete") {
            if let Some(path) = found {
                self.repository.remove(&path);
            }
            // Felix answers the same when there was nothing.
            return Response::json(200, &json!({ "status": true }));
        }
        if is_on("unbind") {
            // A configuration here is bound to no bundle.
            return Response::json(200, &json!({ "status": true }));
        }
        if is_on("create") {
            return Response::json(200, &described(UNSAVED, &Node::default()));
        }
        if wants("apply") && !form.fields.contains_key(surface.field("properties")) {
            return plain(400, &format!("{} is missing\n", surface.field("properties")));
        }
        if wants("apply") {
            let node = written(surface.field("properties"), form);
            let factory = form.get("factoryPid").filter(|factory| !factory.is_empty());
            let made = factory.filter(|_| pid.starts_with(TEMPORARY));
            let pid = match (made, found.as_deref().and_then(split)) {
                (Some(factory), _) => format!("{factory}.{}", node_types::identifier()),
                (None, Some((_, name))) => name.trim_end_matches(EXTENSION).to_owned(),
                (None, None) => pid.to_owned(),
            };
            self.store_configuration(&pid, node);
            let manager = request.path.rsplit_once('/').map_or("/", |(manager, _)| manager);
            return Response { status: 302, ..Response::default() }
                .with_header("location", address(&format!("{manager}/{pid}")));
        }
        let known = found.as_deref().and_then(|path| self.repository.get(path));
        Response::json(200, &known.map_or_else(|| described(pid, &Node::default()), |node| described(pid, node)))
    }

    /// A list with the configuration; empty if it does not exist.
    pub(super) fn configuration_json(&self, pid: &str) -> Response {
        let found = self.configuration_path(pid);
        let node = found.as_deref().and_then(|path| self.repository.get(path));
        let list: Vec<_> = node.map(|node| described(pid, node)).into_iter().collect();
        Response::json(200, &json!(list))
    }
}

fn written(list: &str, form: &Form) -> Node {
    let names = form.all(list).iter().flat_map(|names| names.split(',')).map(str::trim).filter(|name| !name.is_empty());
    names.fold(Node::new("sling:OsgiConfig"), |node, name| match form.all(name) {
        [] => node,
        [one] => node.with(name, one.as_str()),
        several => node.with(name, several.to_vec()),
    })
}

fn described(pid: &str, node: &Node) -> serde_json::Value {
    let properties: serde_json::Map<_, _> = node
        .properties
        .iter()
        .filter(|(name, _)| !name.starts_with("jcr:"))
        .map(|(name, value)| {
            let described = match value {
                Value::Texts(values) => json!({ "name": name, "is_set": true, "values": values }),
                Value::Bool(value) => json!({ "name": name, "is_set": true, "value": value }),
                Value::Long(value) => json!({ "name": name, "is_set": true, "value": value }),
                Value::Double(value) => json!({ "name": name, "is_set": true, "value": value }),
                _ => json!({ "name": name, "is_set": true, "value": node.text(name) }),
            };
            (name.clone(), described)
        })
        .collect();
    json!({ "pid": pid, "title": pid, "description": "", "properties": properties })
}
