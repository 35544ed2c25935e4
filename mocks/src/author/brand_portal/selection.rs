//! Selects what is published together: a folder with its assets, a collection with its members, an asset with its tags;
//! content fragments are never published (surfaces.md §6.7–§6.11).

use indexmap::IndexSet;

use crate::author::Author;
use crate::author::repository::{Node, join};

/// The reason why something cannot be published: status and message of the answer.
pub(super) type Refusal = (u16, String);

impl Author {
    /// The paths to deliver when this one is published, dependencies first.
    pub(super) fn publishable(&self, path: &str) -> Result<Vec<String>, Refusal> {
        if path.starts_with("/libs/") {
            return Err((400, format!("{path} is a locked default and cannot be published")));
        }
        let Some(node) = self.repository.get(path) else { return Err((404, format!("there is no {path}"))) };
        if is_fragment(node) {
            return Err((400, format!("{path} is a content fragment and cannot be published")));
        }
        let mut chosen = IndexSet::new();
        if is_asset(node) {
            self.choose_asset(path, node, &mut chosen);
        } else if is_collection(node) {
            self.choose_members(path, node, &mut chosen)?;
        } else if is_folder(path, node) {
            self.choose_folder(path, &mut chosen)?;
        } else {
            chosen.insert(path.to_owned());
        }
        Ok(chosen.into_iter().collect())
    }

    /// The paths to remove when this one is unpublished, with the assets of a folder but not those of a collection.
    pub(super) fn unpublishable(&self, path: &str) -> Vec<String> {
        let folder = self.repository.get(path).is_some_and(|node| is_folder(path, node) && !is_collection(node));
        let below = self
            .repository
            .walk(path)
            .skip(1)
            .filter(|(path, node)| folder && (is_asset(node) || is_folder(path, node)));
        below.map(|(path, _)| path).chain([path.to_owned()]).collect()
    }

    fn choose_asset(&self, path: &str, asset: &Node, chosen: &mut IndexSet<String>) {
        let metadata = asset.child("jcr:content").and_then(|content| content.child("metadata"));
        let tags = metadata.into_iter().flat_map(|metadata| metadata.texts("cq:tags"));
        let root = self.surfaces.get("author.publish").phrase("tags");
        for tag in tags {
            let tag = if tag.starts_with('/') { tag.clone() } else { join(root, &tag.replacen(':', "/", 1)) };
            if self.repository.exists(&tag) {
                chosen.insert(tag);
            }
        }
        chosen.insert(path.to_owned());
    }

    fn choose_members(&self, path: &str, collection: &Node, chosen: &mut IndexSet<String>) -> Result<(), Refusal> {
        let members = collection.child("sling:members").map_or(&[][..], |members| members.texts("sling:resources"));
        for member in members {
            if let Some(asset) = self.repository.get(member).filter(|node| is_asset(node) && !is_fragment(node)) {
                self.choose_asset(member, asset, chosen);
            }
        }
        if chosen.is_empty() && !members.is_empty() {
            return Err((400, format!("{path} holds nothing that can be published")));
        }
        chosen.insert(path.to_owned());
        Ok(())
    }

    fn choose_folder(&self, folder: &str, chosen: &mut IndexSet<String>) -> Result<(), Refusal> {
        let mut fragments = false;
        let mut assets = false;
        for (path, node) in self.repository.walk(folder) {
            if is_fragment(node) {
                fragments = true;
            } else if is_asset(node) {
                assets = true;
                self.choose_asset(&path, node, chosen);
            } else if is_folder(&path, node) {
                chosen.insert(path);
            }
        }
        if fragments && !assets {
            return Err((400, format!("{folder} holds content fragments only, which cannot be published")));
        }
        Ok(())
    }
}

fn is_asset(node: &Node) -> bool {
    node.primary_type() == "dam:Asset"
}

fn is_fragment(node: &Node) -> bool {
    is_asset(node) && node.child("jcr:content").is_some_and(|content| content.flag("contentFragment"))
}

fn is_collection(node: &Node) -> bool {
    node.text("sling:resourceType").is_some_and(|kind| kind.ends_with("dam/collection"))
}

fn is_folder(path: &str, node: &Node) -> bool {
    path.starts_with("/content/dam/")
        && matches!(node.primary_type(), "sling:Folder" | "sling:OrderedFolder" | "nt:folder")
        && !path.contains("/jcr:content")
}
