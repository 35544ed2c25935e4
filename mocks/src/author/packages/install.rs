//! Installs a foreign package as FileVault does: its content replaces everything that its filter covers. The whole package
//! is read before anything is changed, and rejected if the mock cannot install all of it correctly.

use jiff::Timestamp;

use super::archive::{Archive, CONTENT};
use super::docview;
use crate::author::node_types;
use crate::author::repository::{Node, PRIMARY_TYPE, Repository, Value, join, normal, split};

/// The file that describes the node of its folder.
const DESCRIPTION: &str = ".content.xml";

/// The properties of a node that FileVault keeps when it replaces the node.
const KEPT: [&str; 2] = ["jcr:created", "jcr:createdBy"];

/// Installs a package. The error says why nothing was changed.
pub(super) fn unpack(archive: &Archive, repository: &mut Repository, now: Timestamp, user: &str) -> Result<(), String> {
    if let Some(filter) = archive.filters.iter().find(|filter| filter.mode != "replace") {
        return Err(format!("the mock does not install a filter of the mode {}", filter.mode));
    }
    if let Some(name) = archive.files.keys().find(|name| name.starts_with("META-INF/vault/hooks/")) {
        return Err(format!("the mock does not run the hook {name}"));
    }
    if let Some(hook) = archive.properties_with("installhook.").next() {
        return Err(format!("the mock does not run the hook {hook}"));
    }
    if archive.roots().iter().any(|root| root == "/") {
        return Err("the mock does not install a filter of the whole repository".to_owned());
    }
    known_node_types(archive)?;
    let content = content(archive)?;
    refuse_foreign(&content, "/", archive)?;
    for root in archive.roots() {
        if repository.get(&root).is_some() && !content.exists(&root) && archive.covers(&root) {
            repository.remove(&root);
        }
    }
    let mut installing = Installing { archive, repository, now, user };
    let children: Vec<_> = content.children("/").map(|(path, node)| (path, node.clone())).collect();
    children.into_iter().for_each(|(path, node)| installing.put(&path, &node));
    Ok(())
}

/// A package may bring node types; those that the mock does not know it cannot register.
fn known_node_types(archive: &Archive) -> Result<(), String> {
    let definitions =
        archive.files.iter().filter(|(name, _)| name.starts_with("META-INF/vault/") && name.ends_with(".cnd"));
    for (name, bytes) in definitions {
        let text = String::from_utf8_lossy(bytes);
        let headers = text.lines().filter_map(|line| line.trim().strip_prefix('[')?.split_once(']'));
        let mut types = headers.map(|(kind, _)| kind.trim().trim_matches(['\'', '"']));
        if let Some(unknown) = types.find(|kind| !node_types::exists(kind)) {
            return Err(format!("{name}: the mock does not register the node type {unknown}"));
        }
    }
    Ok(())
}

/// The nodes of a package. A node without a type is only the parent of others.
fn content(archive: &Archive) -> Result<Repository, String> {
    let mut content = Repository::empty();
    let directories = archive.directories.iter().filter_map(|name| name.strip_prefix(CONTENT));
    for directory in directories.filter(|name| !name.trim_end_matches('/').ends_with(".dir")) {
        content.ensure_plain(&path_of(directory));
    }
    // Descriptions first: a file may be a child or a property of a described node.
    let files = || archive.files.iter().filter_map(|(name, bytes)| Some((name.strip_prefix(CONTENT)?, bytes)));
    for (name, bytes) in files().filter(|(name, _)| name.ends_with(".xml")) {
        if let Some(node) = docview::read(bytes).map_err(|problem| format!("{name}: {problem}"))? {
            let described = name.strip_suffix(DESCRIPTION).or_else(|| name.strip_suffix(".xml")).unwrap_or(name);
            let described = described.trim_end_matches('/');
            described_node(&mut content, &path_of(described.strip_suffix(".dir").unwrap_or(described)), node);
        }
    }
    for (name, bytes) in files() {
        let is_described = name.ends_with(".xml") && docview::read(bytes).is_ok_and(|node| node.is_some());
        let own = name.rsplit('/').next().unwrap_or_default();
        if is_described || own.starts_with(".vlt") {
            continue;
        }
        if name.ends_with("].binary") {
            return Err(format!("the mock does not read {name}, one of several binary values"));
        }
        if own == DESCRIPTION {
            return Err(format!("{name} does not describe a node"));
        }
        file(&mut content, name, bytes);
    }
    Ok(content)
}

/// Merges a node and its children with what other files contain for the same node.
fn described_node(content: &mut Repository, path: &str, node: Node) {
    let there = content.ensure_plain(path);
    there.properties.extend(node.properties);
    let mut children = node.children;
    for (name, child) in std::mem::take(&mut there.children) {
        children.entry(name).or_insert(child);
    }
    there.children = children;
}

fn file(content: &mut Repository, name: &str, bytes: &[u8]) {
    if let Some(property) = name.strip_suffix(".binary") {
        let path = path_of(property);
        if let Some((node, name)) = split(&path) {
            content.ensure_plain(node).set(name, Value::Binary(bytes.to_vec()));
        }
        return;
    }
    let path = path_of(name);
    let node = content.ensure_plain(&path);
    if !docview::is_described(node) {
        node.set(PRIMARY_TYPE, "nt:file");
    }
    let resource = node.children.entry("jcr:content".to_owned()).or_default();
    if !docview::is_described(resource) {
        resource.set(PRIMARY_TYPE, "nt:resource");
    }
    if !resource.properties.contains_key("jcr:mimeType") {
        resource.set("jcr:mimeType", mime_type(&path));
    }
    resource.set("jcr:data", Value::Binary(bytes.to_vec()));
}

/// The media type of a file, by its extension.
fn mime_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "txt" => "text/plain",
        "css" => "text/css",
        "xml" => "text/xml",
        "html" | "htm" => "text/html",
        "js" => "application/javascript",
        "json" => "application/json",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "jar" => "application/java-archive",
        _ => "application/octet-stream",
    }
}

/// The path of the node for a file name: `_jcr_content` is `jcr:content`, `__x` is `_x`, and `%3a` is an encoded character.
fn path_of(name: &str) -> String {
    let segment = |name: &str| {
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
        if let Some(rest) = name.strip_prefix("__") {
            return format!("_{rest}");
        }
        let prefixed = name.strip_prefix('_').and_then(|rest| rest.split_once('_'));
        prefixed
            .filter(|(prefix, _)| !prefix.is_empty())
            .map_or_else(|| name.clone(), |(prefix, rest)| format!("{prefix}:{rest}"))
    };
    normal(&name.split('/').map(segment).collect::<Vec<_>>().join("/"))
}

/// Rejects users, permissions and packages, which consist of more than nodes, and unknown node types.
fn refuse_foreign(content: &Repository, path: &str, archive: &Archive) -> Result<(), String> {
    for (path, node) in content.walk(path) {
        let kind = node.primary_type();
        if !archive.covers(&path) || kind.is_empty() {
            continue;
        }
        if !node_types::exists(kind) {
            return Err(format!("{path} has the node type {kind}, which the mock does not know"));
        }
        if kind.starts_with("rep:") || path.starts_with("/etc/packages") {
            return Err(format!(
                "the mock does not install {path}: it installs neither users nor permissions nor packages"
            ));
        }
    }
    Ok(())
}

struct Installing<'a> {
    archive: &'a Archive,
    repository: &'a mut Repository,
    now: Timestamp,
    user: &'a str,
}

impl Installing<'_> {
    /// Writes a node of the package and everything below it to the repository.
    fn put(&mut self, path: &str, node: &Node) {
        let covered = self.archive.covers(path);
        let there = self.repository.get(path).is_some();
        if !there && !docview::is_described(node) {
            self.insert(path, Node::new("nt:folder"));
        } else if docview::is_described(node) && (covered || !there) {
            self.replace(path, node);
        } else if covered && let Some(folder) = self.repository.get_mut(path) {
            // FileVault turns a node that is only a directory in the package into a plain folder, whatever it was before.
            folder.set(PRIMARY_TYPE, "nt:folder");
        }
        if covered {
            let gone = |(name, _): (&String, &Node)| !node.children.contains_key(name);
            let there =
                self.repository.get(path).into_iter().flat_map(|there| &there.children).filter(|child| gone(*child));
            let gone: Vec<_> =
                there.map(|(name, _)| join(path, name)).filter(|path| self.archive.covers(path)).collect();
            gone.iter().for_each(|path| drop(self.repository.remove(path)));
        }
        for (name, child) in &node.children {
            self.put(&join(path, name), child);
        }
        if covered && docview::is_described(node) {
            self.order(path, node);
        }
    }

    fn insert(&mut self, path: &str, mut node: Node) {
        node_types::complete(&mut node, self.now, self.user);
        self.repository.insert(path, node);
    }

    /// Replaces the properties by those of the package, except the properties that Oak protects.
    fn replace(&mut self, path: &str, node: &Node) {
        let mut properties = node.properties.clone();
        let children = match self.repository.get(path) {
            Some(there) => {
                let kept =
                    KEPT.iter().filter_map(|name| Some(((*name).to_owned(), there.properties.get(*name)?.clone())));
                properties.extend(kept);
                there.children.clone()
            }
            None => indexmap::IndexMap::default(),
        };
        self.insert(path, Node { properties, children });
    }

    /// Sorts the children in the order of the package, before all others.
    fn order(&mut self, path: &str, node: &Node) {
        let Some(there) = self.repository.get_mut(path) else { return };
        for (index, name) in node.children.keys().enumerate() {
            if let Some(from) = there.children.get_index_of(name) {
                there.children.move_index(from, index.min(there.children.len() - 1));
            }
        }
    }
}
