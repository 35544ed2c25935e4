//! OSGi configurations below `/apps/system/config`, and Felix's configuration manager (surfaces.md §2.3).

use serde_json::json;

use super::secret::is_protected;
use crate::author::repository::{Node, Value, join, split};
use crate::author::{Author, plain};
use crate::machine::{Form, Request, Response};

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
        let (factory, random) = pid.rsplit_once(['.', '-'])?;
        [pid.to_owned(), format!("{factory}.{random}"), format!("{factory}-{random}")]
            .iter()
            .map(|name| join(&folder, &format!("{name}{EXTENSION}")))
            .find(|path| self.repository.exists(path))
    }

    /// Reads, writes or deletes a configuration, depending on the form.
    pub(super) fn configuration_manager(&mut self, pid: &str, request: &Request, form: &Form) -> Response {
        let surface = self.surfaces.get("author.osgi-configuration");
        let wants = |word: &str| form.get(surface.field(word)).is_some_and(|value| matches!(value, "1" | "true"));
        let found = self.configuration_path(pid);
        if wants("delete") {
            return match found {
                Some(path) => {
                    self.repository.remove(&path);
                    Response::json(200, &json!({ "status": true }))
                }
                None => plain(404, &format!("no configuration has the PID {pid}\n")),
            };
        }
        if wants("apply") {
            let node = written(surface.field("properties"), form);
            let pid =
                found.as_deref().and_then(split).map_or(pid, |(_, name)| name.trim_end_matches(EXTENSION)).to_owned();
            self.store_configuration(&pid, node);
            let manager = request.path.rsplit_once('/').map_or("/", |(manager, _)| manager);
            return plain(302, "").with_header("location", manager);
        }
        match found.as_deref().and_then(|path| self.repository.get(path)) {
            Some(node) => Response::json(200, &described(pid, node)),
            None => plain(404, &format!("no configuration has the PID {pid}\n")),
        }
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
                _ => json!({ "name": name, "is_set": true, "value": node.text(name) }),
            };
            (name.clone(), described)
        })
        .collect();
    json!({ "pid": pid, "properties": properties })
}
