//! The rest of the Assets HTTP API (surfaces.md §5.8): the root, PUT, COPY and MOVE.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::assets::{OCTETS, ROOT, entity, siren, siren_error, whole_only};
use crate::author::repository::{Node, Value, join, normal, split};
use crate::author::{Author, node_types};
use crate::machine::{Form, Request, Response};

/// The class of an asset in a request.
const ASSET: &str = "asset";

impl Author {
    /// `GET /api/assets.json`: the folders and assets at the root.
    pub(super) fn api_root(&self, form: &Form) -> Response {
        if let Some(other) = form.other_than(&[]) {
            return whole_only(other);
        }
        let children: Vec<_> = self.repository.get(ROOT).map_or_else(Vec::new, |root| {
            root.children
                .iter()
                .filter(|(name, _)| *name != "jcr:content")
                .map(|(name, child)| entity(name, name, child))
                .collect()
        });
        siren(
            200,
            &json!({
                "class": ["assets/folder"],
                "links": [{ "rel": ["self"], "href": "/api/assets.json" }],
                "properties": { "name": "dam", "title": "Assets", "srn:paging": { "total": children.len(), "offset": 0, "limit": children.len() } },
                "entities": children,
            }),
        )
    }

    /// `PUT /api/assets/<path>`: JSON sets metadata of an asset or properties of a folder, any other body is a new original.
    pub(super) fn api_update(&mut self, now: Timestamp, path: &str, request: &Request) -> Response {
        let full = join(ROOT, path.strip_suffix("/renditions/original").unwrap_or(path));
        let Some(node) = self.repository.get(&full) else { return siren_error(404, &format!("there is no {full}")) };
        let is_asset = node.primary_type() == "dam:Asset";
        let kind = request.header("content-type").unwrap_or(OCTETS).to_owned();
        if !kind.starts_with("application/json") {
            if !is_asset || kind.starts_with("multipart/") || kind.starts_with("application/x-www-form-urlencoded") {
                return siren_error(400, "the mock takes JSON with properties, or the bytes of an asset's original");
            }
            self.store_asset(now, &full, &kind, request.body.clone());
            return updated(&full);
        }
        let body = serde_json::from_slice::<Json>(&request.body).unwrap_or_default();
        let class = body["class"].as_str().unwrap_or(if is_asset { ASSET } else { "assetFolder" });
        if (class == ASSET) != is_asset {
            return siren_error(400, &format!("{full} is not of the class {class}"));
        }
        let Some(properties) = body["properties"].as_object() else {
            return siren_error(400, "the body has no `properties`");
        };
        let place = join(&full, if is_asset { "jcr:content/metadata" } else { "jcr:content" });
        let mut values = Vec::new();
        for (name, json) in properties {
            // For a folder, the API's `title` is the property `jcr:title`.
            let name = if !is_asset && name == "title" { "jcr:title" } else { name };
            match (value(json), node_types::property_refusal("nt:unstructured", false, name, &[])) {
                (Some(value), None) => values.push((name.to_owned(), value)),
                _ => return siren_error(400, &format!("the property {name} cannot be set to {json}")),
            }
        }
        let node = self.repository.ensure(&place, "nt:unstructured");
        for (name, value) in values {
            match value {
                Update::Set(value) => drop(node.properties.insert(name, value)),
                Update::Remove => drop(node.properties.remove(&name)),
            }
        }
        updated(&full)
    }

    /// `COPY` and `MOVE` to `X-Destination`. They replace an existing node, except with `X-Overwrite: F`.
    pub(super) fn api_copy(&mut self, path: &str, request: &Request, moves: bool) -> Response {
        let from = join(ROOT, path);
        let Some(node) = self.repository.get(&from) else { return siren_error(404, &format!("there is no {from}")) };
        let Some(to) = request.header("x-destination").and_then(destination) else {
            return siren_error(400, "the header X-Destination does not name a path below /api/assets");
        };
        if to == from || to.starts_with(&format!("{from}/")) {
            return siren_error(412, &format!("{to} is {from} itself or below it"));
        }
        let exists = self.repository.exists(&to);
        if exists && request.header("x-overwrite").is_some_and(|flag| flag.eq_ignore_ascii_case("f")) {
            return siren_error(412, &format!("{to} exists already"));
        }
        if !split(&to).is_some_and(|(parent, _)| self.repository.exists(parent)) {
            return siren_error(412, &format!("the folder of {to} does not exist"));
        }
        if request.header("x-depth").is_some_and(|depth| !matches!(depth, "0" | "infinity")) {
            return siren_error(400, "X-Depth is neither 0 nor infinity");
        }
        let is_shallow = request.header("x-depth") == Some("0") && node.primary_type() != "dam:Asset";
        let mut node = if is_shallow { without_assets(node) } else { node.clone() };
        if moves {
            if is_shallow {
                return siren_error(400, "a folder is moved with all that is in it, not with X-Depth: 0");
            }
            self.repository.remove(&from);
        } else {
            node_types::renew_identifiers(&mut node);
        }
        self.repository.insert(&to, node);
        let status = if exists { 204 } else { 201 };
        siren(status, &json!({ "class": ["core/response"], "properties": { "path": to, "status.code": status } }))
    }
}

fn updated(path: &str) -> Response {
    siren(200, &json!({ "class": ["core/response"], "properties": { "path": path, "status.code": 200 } }))
}

/// The path of an address such as `http://host/api/assets/folder/name`.
fn destination(address: &str) -> Option<String> {
    let path = match address.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => address,
    };
    let path = percent_encoding::percent_decode_str(path.strip_prefix("/api/assets/")?).decode_utf8().ok()?;
    let is_safe = !path.split('/').any(|name| name == ".." || name.is_empty());
    is_safe.then(|| normal(&join(ROOT, &path)))
}

fn without_assets(node: &Node) -> Node {
    let content = node.children.iter().filter(|(name, _)| *name == "jcr:content");
    Node {
        properties: node.properties.clone(),
        children: content.map(|(name, child)| (name.clone(), child.clone())).collect(),
    }
}

/// The new value of a property, or its removal.
enum Update {
    Set(Value),
    Remove,
}

/// A JSON value as the value of a property; null removes the property.
fn value(json: &Json) -> Option<Update> {
    Some(Update::Set(match json {
        Json::Null => return Some(Update::Remove),
        Json::Bool(flag) => Value::Bool(*flag),
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => number.as_i64().map(Value::Long).or_else(|| number.as_f64().map(Value::Double))?,
        Json::Array(values) => {
            Value::Texts(values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<_>>()?)
        }
        Json::Object(_) => return None,
    }))
}
