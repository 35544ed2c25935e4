//! Edits of a repository.

use std::collections::{BTreeMap, BTreeSet};

use bpconform_fixtures::changes::{Edit, NodeChange, PropertyType};
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::Rules;
use crate::author::repository::{Node, Repository, Value, join, split};
use crate::author::seed::SeedValue;
use crate::machine::Request;

/// The edits of one system's repository, with their progress.
pub(super) struct Edits {
    rules: Rules,
    active: Vec<ActiveEdit>,
    late: Vec<(Timestamp, String, Node)>,
}

/// An edit with the existing nodes that it was applied to.
struct ActiveEdit {
    edit: Edit,
    done: BTreeSet<String>,
    /// Whether the first request of `since` has come.
    begun: bool,
}

impl Edits {
    pub(super) fn new(rules: &Rules) -> Self {
        let active =
            |edit: &Edit| ActiveEdit { edit: edit.clone(), done: BTreeSet::new(), begun: edit.since.is_none() };
        Self { rules: rules.clone(), active: rules.edits().map(active).collect(), late: Vec::new() }
    }

    /// When the next hidden node appears.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.late.iter().map(|(due, ..)| *due).min()
    }

    /// Applies the edits that are due, after the answer to a request if there was one.
    pub(super) fn apply_due(&mut self, now: Timestamp, repository: &mut Repository, answered: Option<&Request>) {
        self.show_late(now, repository);
        for index in 0..self.active.len() {
            let active = &mut self.active[index];
            let since = active.edit.since.as_ref();
            active.begun |=
                answered.is_some_and(|request| since.is_some_and(|since| self.rules.selects(since, request)));
            if !active.begun {
                continue;
            }
            let found = find(repository, &self.rules.fill(&active.edit.node), &active.edit);
            let to_do: Vec<String> = match &active.edit.after {
                Some(after) if answered.is_some_and(|request| self.rules.selects(after, request)) => found,
                Some(_) => Vec::new(),
                None => {
                    let to_do = found.iter().filter(|path| !active.done.contains(*path)).cloned().collect();
                    self.active[index].done = found.into_iter().collect();
                    to_do
                }
            };
            let change = self.active[index].edit.change.clone();
            for path in &to_do {
                self.apply(now, repository, path, &change);
            }
        }
    }

    fn apply(&mut self, now: Timestamp, repository: &mut Repository, path: &str, change: &NodeChange) {
        match change {
            NodeChange::Remove => drop(repository.remove(path)),
            NodeChange::Set(properties) => self.set(repository, path, properties),
            NodeChange::Unset(names) => {
                if let Some(node) = repository.get_mut(path) {
                    node.properties.retain(|name, _| !names.contains(name));
                }
            }
            NodeChange::Copy { to, with } => {
                let to = self.rules.fill(to);
                if let Some(node) = repository.get(path).cloned().filter(|_| !repository.exists(&to)) {
                    repository.insert(&to, node);
                    self.set(repository, &to, with);
                }
            }
            NodeChange::Make { path, with } => {
                let path = self.rules.fill(path);
                if !repository.exists(&path) {
                    let children = with.keys().filter_map(|name| name.rsplit_once('/'));
                    repository.ensure(&path, "nt:unstructured");
                    for (child, _) in children {
                        repository.ensure(&join(&path, child), "nt:unstructured");
                    }
                    self.set(repository, &path, with);
                }
            }
            NodeChange::Move { below } => {
                let Some((_, name)) = split(path) else { return };
                let below = self.rules.fill(below);
                repository.ensure(&below, "sling:Folder");
                if let Some(node) = repository.remove(path) {
                    repository.insert(&join(&below, name), node);
                }
            }
            NodeChange::Late(seconds) => {
                let due = now.checked_add(SignedDuration::from_secs(*seconds)).unwrap_or(Timestamp::MAX);
                self.late.extend(repository.remove(path).map(|node| (due, path.to_owned(), node)));
            }
            NodeChange::Convert(types) => {
                if let Some(node) = repository.get_mut(path) {
                    convert(node, types);
                }
            }
            NodeChange::Replace(replacements) => {
                if let Some(node) = repository.get_mut(path) {
                    for (name, (pattern, text)) in replacements {
                        replace(node, name, pattern.regex(), &self.rules.fill(text));
                    }
                }
            }
            NodeChange::Rename(pattern, text) => {
                let Some((parent, name)) = split(path) else { return };
                let name = pattern.regex().replace(name, self.rules.fill(text)).into_owned();
                let to = join(parent, &name);
                if !repository.exists(&to)
                    && let Some(node) = repository.remove(path)
                {
                    repository.insert(&to, node);
                }
            }
        }
    }

    /// Sets properties of a node or, after a slash, of one below it.
    fn set(&self, repository: &mut Repository, path: &str, properties: &BTreeMap<String, toml::Value>) {
        for (name, value) in properties {
            let (path, name) = match name.rsplit_once('/') {
                Some((child, name)) => (join(path, child), name),
                None => (path.to_owned(), name.as_str()),
            };
            let Ok(SeedValue(value)) = SeedValue::try_from(value.clone()) else { continue };
            let value = match value {
                Value::Text(text) => Value::Text(self.rules.fill(&text)),
                Value::Texts(texts) => Value::Texts(texts.iter().map(|text| self.rules.fill(text)).collect()),
                other => other,
            };
            if let Some(node) = repository.get_mut(&path) {
                node.properties.insert(name.to_owned(), value);
            }
        }
    }

    /// Shows hidden nodes whose time has come, unless their parent is gone.
    fn show_late(&mut self, now: Timestamp, repository: &mut Repository) {
        let (due, later) = std::mem::take(&mut self.late).into_iter().partition(|(due, ..)| *due <= now);
        self.late = later;
        let due: Vec<(Timestamp, String, Node)> = due;
        for (_, path, node) in due {
            if repository.insert(&path, node) {
                for active in &mut self.active {
                    active.done.insert(path.clone());
                }
            }
        }
    }
}

/// Changes the types of properties; absent ones stay absent.
fn convert(node: &mut Node, types: &BTreeMap<String, PropertyType>) {
    for (name, kind) in types {
        let Some(text) = property_text(node, name) else { continue };
        let value = match kind {
            PropertyType::Text => Value::Text(text),
            PropertyType::Boolean => Value::Bool(text == "true"),
            PropertyType::Long => text.parse().map_or(Value::Text(text), Value::Long),
            PropertyType::List => Value::Texts(vec![text]),
        };
        node.properties.insert(name.clone(), value);
    }
}

fn replace(node: &mut Node, name: &str, pattern: &Regex, text: &str) {
    if let Some(former) = property_text(node, name) {
        let changed = pattern.replace_all(&former, text).into_owned();
        node.properties.insert(name.to_owned(), Value::Text(changed));
    }
}

/// The value of a property as text; `None` for an absent one.
fn property_text(node: &Node, name: &str) -> Option<String> {
    match node.properties.get(name)? {
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Long(number) => Some(number.to_string()),
        _ => node.text(name).map(str::to_owned),
    }
}

/// The nodes that an edit selects.
pub(super) fn find(repository: &Repository, pattern: &str, edit: &Edit) -> Vec<String> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found
            .iter()
            .flat_map(|path| if part.contains('*') { named(repository, path, part) } else { vec![join(path, part)] })
            .collect();
    }
    found.retain(|path| repository.get(path).is_some_and(|node| holds(node, edit)));
    found
}

fn named(repository: &Repository, parent: &str, part: &str) -> Vec<String> {
    let names = repository.get(parent).into_iter().flat_map(|node| node.children.keys());
    names.filter(|name| is_like(name, part)).map(|name| join(parent, name)).collect()
}

fn holds(node: &Node, edit: &Edit) -> bool {
    edit.holding.iter().all(|(name, pattern)| {
        let (path, name) = name.rsplit_once('/').unwrap_or(("", name));
        let node = path.split('/').filter(|name| !name.is_empty()).try_fold(node, |node, name| node.child(name));
        let Some(node) = node else { return false };
        pattern.regex().is_match(&property_text(node, name).unwrap_or_default())
    })
}

/// Whether a name matches a pattern in which `*` is any text.
fn is_like(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_part_of_a_name() {
        for (name, pattern) in [("agent0_x", "agent*_x"), ("a", "*"), ("abcabc", "a*bc"), ("ab", "ab")] {
            assert!(is_like(name, pattern), "{name} {pattern}");
        }
        for (name, pattern) in [("agent0_y", "agent*_x"), ("b", "a*"), ("ab", "abc"), ("abc", "ab"), ("a", "a*a")] {
            assert!(!is_like(name, pattern), "{name} {pattern}");
        }
    }
}
