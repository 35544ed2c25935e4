//! Publishing to Brand Portal (surfaces.md §3.6, §4.4, §6.7–6.11).

use jiff::Timestamp;

use super::delivery::Delivery;
use super::queue::{Action, Item};
use crate::author::Author;
use crate::author::repository::{Node, Value, join};

/// Where an asset's own bytes are, below the asset.
const ORIGINAL: &str = "jcr:content/renditions/original/jcr:content";

impl Author {
    /// The bytes that a delivery sends: those of the asset, or the node itself as JSON. The grammar of the real body is
    /// not known; the tenant takes it as opaque (surfaces.md §4.5).
    pub(super) fn package(&self, delivery: &Delivery) -> Result<Vec<u8>, String> {
        if delivery.action() != Action::Activate {
            return Ok(Vec::new());
        }
        let path = delivery.path();
        let node = self
            .repository
            .get(path)
            .ok_or_else(|| format!("Repository error during node export: javax.jcr.PathNotFoundException: {path}"))?;
        let original = self.repository.get(&join(path, ORIGINAL)).and_then(|node| node.properties.get("jcr:data"));
        Ok(match original {
            Some(Value::Binary(bytes)) => bytes.clone(),
            _ => node.dump().to_string().into_bytes(),
        })
    }

    /// Writes to a delivered resource that it was replicated (surfaces.md §4.4).
    pub(super) fn mark_replicated(&mut self, now: Timestamp, item: &Item) {
        let content = join(&item.path, "jcr:content");
        let path = if self.repository.exists(&content) { content } else { item.path.clone() };
        let Some(node) = self.repository.get_mut(&path) else { return };
        mark(node, now, item);
    }
}

fn mark(node: &mut Node, now: Timestamp, item: &Item) {
    node.set("cq:lastReplicated", now);
    node.set("cq:lastReplicatedBy", item.user.as_str());
    node.set("cq:lastReplicationAction", item.action.word());
}
