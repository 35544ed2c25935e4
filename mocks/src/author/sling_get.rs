//! Sling GET: nodes as JSON, files as they are (surfaces.md §5.7).

use serde_json::{Map, json};

use super::repository::{Node, Value, split};
use super::{Author, plain};
use crate::machine::Response;

/// The depth of a JSON answer; `None` means unlimited.
type Depth = Option<usize>;

impl Author {
    /// Reads a path: a node with `.json`, `.N.json`, `.-1.json` or `.infinity.json`, a property with `.json`, or a file or an
    /// asset by its name.
    pub(super) fn sling_get(&self, path: &str) -> Response {
        let Some((resource, rest)) = self.repository.resolve(path) else {
            return self.property(path).unwrap_or_else(|| self.not_found(path));
        };
        let Some(node) = self.repository.get(resource) else { return self.not_found(path) };
        let Some(selectors) = rest.strip_suffix(".json") else {
            let file = file(node).filter(|_| rest.is_empty());
            return file.unwrap_or_else(|| not_rendered(resource, rest));
        };
        let selectors: Vec<_> = selectors.split('.').filter(|selector| !matches!(*selector, "" | "tidy")).collect();
        match selectors[..] {
            [] => Response::json(200, &to_json(node, Some(0))),
            [selector] => match depth(selector) {
                Some(depth) => self.tree(resource, node, depth),
                None => plain(400, &format!("Invalid recursion selector value '{selector}'\n")),
            },
            _ => self.not_found(path),
        }
    }

    /// A node with its descendants, or the allowed depths if there are too many.
    fn tree(&self, path: &str, node: &Node, depth: Depth) -> Response {
        let most = self.product.json_maximum_results;
        if matches!(depth, Some(0 | 1)) || node.count_below(depth.unwrap_or(usize::MAX)) <= most {
            return Response::json(200, &to_json(node, depth));
        }
        let allowed = (2..=most).take_while(|levels| node.count_below(*levels) <= most).last().unwrap_or(1);
        let allowed: Vec<_> = (0..=allowed).rev().map(|levels| format!("{path}.{levels}.json")).collect();
        Response::json(300, &json!(allowed))
    }

    fn property(&self, path: &str) -> Option<Response> {
        let (parent, name) = split(path.strip_suffix(".json")?)?;
        let value = self.repository.get(parent)?.properties.get(name)?;
        let (name, value) = property_to_json(name, value);
        Some(Response::json(200, &json!({ name: value })))
    }
}

fn not_rendered(resource: &str, rest: &str) -> Response {
    plain(
        404,
        &format!(
            "The mocked Author has a node {resource}, but does not render it as `{resource}{rest}`; \
             read {resource}.json\n"
        ),
    )
}

fn depth(selector: &str) -> Option<Depth> {
    match selector {
        "-1" | "infinity" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

/// A node in Sling's JSON: its properties, then its children down to that depth.
pub(crate) fn to_json(node: &Node, depth: Depth) -> serde_json::Value {
    let mut object: Map<_, _> = node.properties.iter().map(|(name, value)| property_to_json(name, value)).collect();
    if depth != Some(0) {
        let below = depth.map(|depth| depth - 1);
        object.extend(node.children.iter().map(|(name, child)| (name.clone(), to_json(child, below))));
    }
    object.into()
}

fn property_to_json(name: &str, value: &Value) -> (String, serde_json::Value) {
    let value = match value {
        Value::Text(text) => text.as_str().into(),
        Value::Bool(flag) => (*flag).into(),
        Value::Long(number) => (*number).into(),
        Value::Date(date) => date.strftime("%a %b %d %Y %H:%M:%S GMT%z").to_string().into(),
        Value::Texts(texts) => texts.clone().into(),
        Value::Binary(bytes) => return (format!(":{name}"), bytes.len().into()),
    };
    (name.to_owned(), value)
}

/// The bytes of a file, or of an asset's original rendition.
fn file(node: &Node) -> Option<Response> {
    let content = match node.primary_type() {
        "nt:file" => node.child("jcr:content")?,
        "dam:Asset" => ["jcr:content", "renditions", "original", "jcr:content"]
            .into_iter()
            .try_fold(node, |node, name| node.child(name))?,
        _ => return None,
    };
    let Some(Value::Binary(bytes)) = content.properties.get("jcr:data") else { return None };
    let mime_type = content.text("jcr:mimeType").unwrap_or("application/octet-stream");
    Some(Response::new(200, mime_type, bytes.clone()))
}
