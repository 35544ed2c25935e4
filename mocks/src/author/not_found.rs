//! The answer to an unknown path, with suggestions.

use bpconform_fixtures::{Surfaces, System};

use super::{Author, plain};
use crate::machine::Response;

/// The maximum number of nodes that are considered.
const MOST_NODES: usize = 1000;

/// How many of the paths that may be similar are compared letter by letter, which is slow.
const MOST_COMPARED: usize = 20;

/// The minimum similarity of a suggested path, from 0 to 1.
const ALIKE: f64 = 0.6;

/// Where Sling's default servlet answers what no other servlet does.
const DEFAULT: [&str; 7] = ["/content", "/conf", "/apps", "/etc", "/home", "/var", "/tmp"];

/// Paths below them that AEM binds to special servlets, which the mock does not have.
const BOUND: [&str; 9] = [
    "/etc/workflow",
    "/var/workflow",
    "/etc/packages",
    "/etc/taskmanagement",
    "/var/taskmanagement",
    "/etc/importers",
    "/etc/notification",
    "/etc/reports",
    "/var/audit",
];

/// Extensions with which AEM's pages post to servlets of their resource type.
const PAGES: [&str; 2] = [".html", ".json"];

impl Author {
    /// Whether Sling's default servlet answers a POST or DELETE, so that a node may be written: anything else would be
    /// answered by a servlet that the mock does not have, and a node in its place would be a false success.
    pub(super) fn is_for_default_servlet(&self, path: &str) -> bool {
        let is_below =
            |root: &&str| path.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !DEFAULT.iter().any(is_below) || BOUND.iter().any(is_below) {
            return false;
        }
        if self.is_suffix(path) {
            return false;
        }
        // Selectors choose a servlet: `.createasset.html`, `.rw.html`, `.queue.json`.
        let rest = self.repository.resolve(path).map_or("", |(_, rest)| rest);
        let selectors = PAGES.iter().find_map(|extension| rest.strip_suffix(extension));
        selectors.is_none_or(|selectors| selectors.is_empty() || is_depth(selectors))
    }

    /// Whether a path continues after the extension of a node, as in `/content/dam.html/folder`: for Sling that is the node and a
    /// suffix.
    fn is_suffix(&self, path: &str) -> bool {
        let slashes = path.match_indices('/').map(|(at, _)| &path[..at]).filter(|start| !start.is_empty());
        slashes.into_iter().any(|start| self.repository.resolve(start).is_some_and(|(_, rest)| !rest.is_empty()))
    }

    /// 404 with up to three suggested paths.
    pub(crate) fn not_found(&self, method: &str, path: &str) -> Response {
        let near = self.nearest(path);
        let hint = if near.is_empty() { String::new() } else { format!("Did you mean:\n  {}\n", near.join("\n  ")) };
        let done = if matches!(method, "GET" | "HEAD") { "" } else { " Nothing was changed." };
        let what = if done.is_empty() { path.to_owned() } else { format!("{method} {path}") };
        plain(
            404,
            &format!("The mocked Author does not serve {what}: No resource found, and no such service.{done}\n{hint}"),
        )
    }

    fn nearest(&self, path: &str) -> Vec<String> {
        let path = without_selectors(path);
        let services = self
            .surfaces
            .iter()
            .chain(Surfaces::mocked_only().iter())
            .filter(|surface| surface.system == System::Author && !surface.path.contains("{*"))
            .map(|surface| surface.path.clone());
        let nodes = self.repository.walk("/").take(MOST_NODES).map(|(path, _)| path);
        let known = services.chain(nodes).map(|known| (highest_similarity(path, without_selectors(&known)), known));
        let mut candidates: Vec<_> = known.filter(|(similarity, _)| *similarity >= ALIKE).collect();
        sort_by_similarity(&mut candidates);
        candidates.truncate(MOST_COMPARED);
        let compared = candidates.into_iter().map(|(_, known)| {
            let similarity = strsim::normalized_damerau_levenshtein(path, without_selectors(&known));
            (similarity, known)
        });
        let mut near: Vec<_> = compared.filter(|(similarity, _)| *similarity >= ALIKE).collect();
        sort_by_similarity(&mut near);
        near.into_iter().take(3).map(|(_, known)| known).collect()
    }
}

fn is_depth(selectors: &str) -> bool {
    let depth = selectors.trim_start_matches('.');
    matches!(depth, "-1" | "infinity" | "tidy" | "harray") || depth.parse::<u32>().is_ok()
}

/// Sorts paths, the most similar first, and removes what is there twice.
fn sort_by_similarity(paths: &mut Vec<(f64, String)>) {
    paths.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    paths.dedup_by(|a, b| a.1 == b.1);
}

/// The highest similarity that two texts can have, from their bytes in any order: each byte that only one of them has is an
/// edit.
fn highest_similarity(a: &str, b: &str) -> f64 {
    let mut surplus = [0_i32; 256];
    a.bytes().for_each(|byte| surplus[usize::from(byte)] += 1);
    b.bytes().for_each(|byte| surplus[usize::from(byte)] -= 1);
    let (of_a, of_b) = surplus.iter().fold((0, 0), |(of_a, of_b), left| (of_a + left.max(&0), of_b - left.min(&0)));
    let longer = i32::try_from(a.len().max(b.len()).max(1)).unwrap_or(i32::MAX);
    1.0 - f64::from(of_a.max(of_b)) / f64::from(longer)
}

/// The path without `.json` and the depth before it.
fn without_selectors(path: &str) -> &str {
    let Some(path) = path.strip_suffix(".json") else { return path };
    match path.rsplit_once('.') {
        Some((resource, "-1" | "infinity" | "{depth}")) => resource,
        Some((resource, depth)) if depth.parse::<u32>().is_ok() => resource,
        _ => path,
    }
}
