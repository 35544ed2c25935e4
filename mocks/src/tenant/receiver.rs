//! `/bin/receive`: deliveries of the Author's agents (surfaces.md §4.5). The body is opaque: only its size and hash are
//! stored.

use jiff::Timestamp;

use super::{Tenant, sha256};
use crate::author::repository::{Node, PRIMARY_TYPE, split};
use crate::machine::{Request, Response};
use crate::routing::text;

/// The maximum number of stored deliveries.
const MOST_NODES: usize = 200_000;

/// The maximum length of a path, in bytes.
const LONGEST_PATH: usize = 2_048;

impl Tenant {
    pub(super) fn receive(&mut self, now: Timestamp, request: &Request) -> Response {
        let surface = self.surfaces.get("tenant.receive");
        let header = |word: &str| request.header(&surface.field(word).to_ascii_lowercase()).unwrap_or_default();
        let (action, path) = (header("action").to_ascii_lowercase(), header("path"));
        let Some(said) = surface.phrases.get(&action).cloned() else {
            return text(400, &format!("`{action}` is not a replication action\n"));
        };
        if action != "test" {
            if !path.starts_with('/') || path.len() > LONGEST_PATH {
                return text(400, "the header Path must be an absolute path\n");
            }
            let home = self.home_of(path);
            if action == "activate" {
                let (handle, primary_type) = (header("handle").to_owned(), header("type").to_owned());
                if !self.store(now, &home, &handle, &primary_type, request) {
                    return text(507, "the mocked tenant keeps no more deliveries\n");
                }
            } else {
                self.repository.remove(&home);
                self.remove_empty_parents(&home);
            }
        }
        text(200, &said)
    }

    /// Removes the folders that were made only because something below them was received.
    fn remove_empty_parents(&mut self, path: &str) {
        let mut path = path;
        while let Some((parent, _)) = split(path) {
            let made = |node: &Node| node.children.is_empty() && node.text("handle").is_none();
            if parent == "/" || !self.repository.get(parent).is_some_and(made) {
                return;
            }
            self.repository.remove(parent);
            path = parent;
        }
    }

    /// The path on the tenant for a path on the Author (surfaces.md §3.5).
    fn home_of(&self, path: &str) -> String {
        let roots = [
            ("/content/dam", format!("/content/dam/mac/{}", self.id)),
            ("/content/cq:tags", format!("/etc/tags/mac/{}", self.id)),
            ("/etc/tags", format!("/etc/tags/mac/{}", self.id)),
        ];
        let below = |root: &str| path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        if roots.iter().any(|(_, own)| below(own).is_some()) {
            return path.to_owned();
        }
        let moved = roots.iter().find_map(|(root, own)| Some(format!("{own}{}", below(root)?)));
        moved.unwrap_or_else(|| path.to_owned())
    }

    fn store(&mut self, now: Timestamp, path: &str, handle: &str, primary_type: &str, request: &Request) -> bool {
        if self.received >= MOST_NODES {
            // The count may be too high after deletions and repeated deliveries.
            self.received = self.repository.walk("/").take(MOST_NODES).count();
        }
        if self.received >= MOST_NODES {
            return false;
        }
        self.received += 1;
        let node = self.repository.ensure(path, "nt:unstructured");
        if !primary_type.is_empty() {
            node.set(PRIMARY_TYPE, primary_type);
        }
        node.set("handle", handle);
        node.set("contentType", request.header("content-type").unwrap_or_default());
        node.set("size", i64::try_from(request.body.len()).unwrap_or(i64::MAX));
        node.set("sha256", sha256(&request.body));
        // Text, since Sling's JSON shows dates without fractions of a second.
        node.set("received", now.to_string());
        true
    }
}
