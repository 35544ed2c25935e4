//! The answer to an unknown path, with suggestions.

use bpconform_fixtures::System;

use super::{Author, plain};
use crate::machine::Response;

/// The maximum number of nodes to compare with the path.
const MOST_NODES: usize = 1000;

/// The minimum similarity of a suggested path, from 0 to 1.
const ALIKE: f64 = 0.6;

impl Author {
    /// 404 with up to three suggested paths.
    pub(crate) fn not_found(&self, path: &str) -> Response {
        let near = self.nearest(path);
        let hint = if near.is_empty() { String::new() } else { format!("Did you mean:\n  {}\n", near.join("\n  ")) };
        plain(
            404,
            &format!("The mocked Author does not serve {path}: it has no such node and no such service.\n{hint}"),
        )
    }

    fn nearest(&self, path: &str) -> Vec<String> {
        let path = without_selectors(path);
        let services = self
            .surfaces
            .iter()
            .filter(|surface| surface.system == System::Author && !surface.path.contains("{*"))
            .map(|surface| surface.path.clone());
        let nodes = self.repository.walk("/").take(MOST_NODES).map(|(path, _)| path);
        let mut near: Vec<_> = services
            .chain(nodes)
            .filter(|known| may_be_alike(path, without_selectors(known)))
            .map(|known| (strsim::normalized_damerau_levenshtein(path, without_selectors(&known)), known))
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        near.dedup_by(|a, b| a.1 == b.1);
        near.into_iter().take(3).map(|(_, known)| known).collect()
    }
}

/// Whether the lengths of two texts allow a similarity; a comparison is slow.
fn may_be_alike(a: &str, b: &str) -> bool {
    let (shorter, longer) = (a.len().min(b.len()), a.len().max(b.len()));
    #[expect(clippy::cast_precision_loss, reason = "the lengths of paths are exact as f64")]
    let at_most = shorter as f64 / longer.max(1) as f64;
    at_most >= ALIKE
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
