//! The properties that an answer contains for each result: `p.hits`, `p.properties`, `p.nodedepth`.

use serde_json::{Map, Value as Json, json};

use super::Parameters;
use crate::author::repository::{Node, split};
use crate::author::sling_get::to_json;

/// The properties that an answer contains for a result.
pub(super) enum Hits {
    /// Path, name and title.
    Simple,
    /// All properties, and the nodes below down to a depth.
    Full(Option<usize>),
    /// These properties, by their relative paths.
    Selective(Vec<String>),
}

impl Hits {
    pub(super) fn read(paging: &Parameters, depth: Option<i64>) -> Result<Self, String> {
        let properties = paging.get("properties");
        let hits = match paging.get("hits").map(String::as_str) {
            None if properties.is_some() => return Err("p.properties needs p.hits=selective".to_owned()),
            None | Some("simple") => Self::Simple,
            // A negative depth means all descendants.
            Some("full") => Self::Full(depth.map_or(Some(0), |depth| usize::try_from(depth).ok())),
            Some("selective") => {
                let names = properties.ok_or("p.hits=selective needs p.properties")?;
                Self::Selective(names.split_whitespace().map(str::to_owned).collect())
            }
            Some(other) => return Err(format!("p.hits={other} is not simple, full or selective")),
        };
        if depth.is_some() && !matches!(hits, Self::Full(_)) {
            return Err("p.nodedepth needs p.hits=full".to_owned());
        }
        Ok(hits)
    }

    pub(super) fn show(&self, path: &str, node: &Node) -> Json {
        match self {
            Self::Simple => simple(path, node),
            Self::Full(depth) => {
                let mut hit = json!({ "jcr:path": path });
                if let (Json::Object(hit), Json::Object(node)) = (&mut hit, to_json(node, *depth)) {
                    hit.extend(node);
                }
                hit
            }
            Self::Selective(names) => {
                let all = to_json(node, None);
                let mut hit = Map::new();
                for name in names {
                    if name == "jcr:path" {
                        hit.insert(name.clone(), path.into());
                    } else {
                        select(&all, &mut hit, name);
                    }
                }
                hit.into()
            }
        }
    }
}

/// Copies the value at a relative path, with the nodes that contain it.
fn select(from: &Json, to: &mut Map<String, Json>, path: &str) {
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    match (from.get(name), rest) {
        (Some(value), None) if !value.is_object() => drop(to.insert(name.to_owned(), value.clone())),
        (Some(child @ Json::Object(_)), Some(rest)) => {
            if let Json::Object(place) = to.entry(name.to_owned()).or_insert_with(|| json!({})) {
                select(child, place, rest);
            }
        }
        _ => {}
    }
}

fn simple(path: &str, node: &Node) -> Json {
    let name = split(path).map_or("", |(_, name)| name);
    let content = node.child("jcr:content");
    let title = content
        .and_then(|content| content.text("jcr:title").or_else(|| content.child("metadata")?.text("dc:title")))
        .or_else(|| node.text("jcr:title"))
        .or_else(|| node.text("rep:authorizableId"))
        .unwrap_or(name);
    json!({ "path": path, "excerpt": "", "name": name, "title": title })
}
