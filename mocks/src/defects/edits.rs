//! What a defect changes of a repository.

use std::collections::{BTreeMap, BTreeSet};

use bpconform_fixtures::defects::{Change, Edit};
use jiff::{SignedDuration, Timestamp};

use super::Rules;
use crate::author::repository::{Node, Repository, Value, join, split};
use crate::author::seed::SeedValue;
use crate::machine::Request;

/// The edits of one system's repository, and what has become of them.
pub(super) struct Edits {
    rules: Rules,
    standing: Vec<Standing>,
    late: Vec<(Timestamp, String, Node)>,
}

/// An edit with the nodes to which it was done since they are there.
struct Standing {
    edit: Edit,
    done: BTreeSet<String>,
    /// Whether its time has come.
    begun: bool,
}

impl Edits {
    pub(super) fn new(rules: &Rules) -> Self {
        let standing =
            |edit: &Edit| Standing { edit: edit.clone(), done: BTreeSet::new(), begun: edit.since.is_none() };
        Self { rules: rules.clone(), standing: rules.edits_of().map(standing).collect(), late: Vec::new() }
    }

    /// When a node that is late comes.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.late.iter().map(|(due, ..)| *due).min()
    }

    /// Does to the repository what is to be done now, after the answer to a request if there was one.
    pub(super) fn settle(&mut self, now: Timestamp, repository: &mut Repository, answered: Option<&Request>) {
        self.arrive(now, repository);
        for index in 0..self.standing.len() {
            let standing = &mut self.standing[index];
            let since = standing.edit.since.as_ref();
            standing.begun |=
                answered.is_some_and(|request| since.is_some_and(|since| self.rules.means(since, request)));
            if !standing.begun {
                continue;
            }
            let found = find(repository, &self.rules.fill(&standing.edit.node), &standing.edit);
            let to_do: Vec<String> = match &standing.edit.after {
                Some(after) if answered.is_some_and(|request| self.rules.means(after, request)) => found,
                Some(_) => Vec::new(),
                None => {
                    let to_do = found.iter().filter(|path| !standing.done.contains(*path)).cloned().collect();
                    self.standing[index].done = found.into_iter().collect();
                    to_do
                }
            };
            let change = self.standing[index].edit.change.clone();
            for path in &to_do {
                self.apply(now, repository, path, &change);
            }
        }
    }

    fn apply(&mut self, now: Timestamp, repository: &mut Repository, path: &str, change: &Change) {
        match change {
            Change::Remove => drop(repository.remove(path)),
            Change::Set(properties) => self.set(repository, path, properties),
            Change::Unset(names) => {
                if let Some(node) = repository.get_mut(path) {
                    node.properties.retain(|name, _| !names.contains(name));
                }
            }
            Change::Copy { to, with } => {
                let to = self.rules.fill(to);
                if let Some(node) = repository.get(path).cloned().filter(|_| !repository.exists(&to)) {
                    repository.insert(&to, node);
                    self.set(repository, &to, with);
                }
            }
            Change::Make { path, with } => {
                let path = self.rules.fill(path);
                if !repository.exists(&path) {
                    repository.ensure(&path, "nt:unstructured");
                    self.set(repository, &path, with);
                }
            }
            Change::Move { below } => {
                let Some((_, name)) = split(path) else { return };
                let below = self.rules.fill(below);
                repository.ensure(&below, "sling:Folder");
                if let Some(node) = repository.remove(path) {
                    repository.insert(&join(&below, name), node);
                }
            }
            Change::Late(seconds) => {
                let due = now.checked_add(SignedDuration::from_secs(*seconds)).unwrap_or(Timestamp::MAX);
                self.late.extend(repository.remove(path).map(|node| (due, path.to_owned(), node)));
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
                other => other,
            };
            if let Some(node) = repository.get_mut(&path) {
                node.properties.insert(name.to_owned(), value);
            }
        }
    }

    /// What was late comes, unless its place is gone.
    fn arrive(&mut self, now: Timestamp, repository: &mut Repository) {
        let (due, later) = std::mem::take(&mut self.late).into_iter().partition(|(due, ..)| *due <= now);
        self.late = later;
        let due: Vec<(Timestamp, String, Node)> = due;
        for (_, path, node) in due {
            if repository.insert(&path, node) {
                for standing in &mut self.standing {
                    standing.done.insert(path.clone());
                }
            }
        }
    }
}

/// The nodes that an edit means.
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
        let text = match node.properties.get(name) {
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::Long(number)) => number.to_string(),
            _ => node.text(name).unwrap_or_default().to_owned(),
        };
        pattern.regex().is_match(&text)
    })
}

/// Whether a name is like a pattern in which `*` is any text.
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
