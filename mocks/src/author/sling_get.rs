//! Sling GET: nodes as JSON, properties as text, files unchanged (surfaces.md §5.7).

use serde_json::{Map, json};

use super::repository::{Node, Value};
use super::{Author, plain};
use crate::machine::Response;

/// The depth of a JSON answer; `None` means unlimited.
type Depth = Option<usize>;

/// The characters of a path that are percent-encoded in an address.
const ENCODED: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The format of a node in JSON.
struct Rendering {
    depth: Depth,
    /// Children as a list, `harray`.
    as_list: bool,
    /// With line breaks.
    tidy: bool,
}

impl Author {
    /// Reads a path: a node with `.json`, `.N.json`, `.-1.json` or `.infinity.json`, a property alone or with `.json`, a
    /// file or an asset by its name. A node without an extension is redirected to its folder, as on a real Sling.
    pub(super) fn sling_get(&self, path: &str) -> Response {
        if let Some(response) = self.distribution_resource(path) {
            return response;
        }
        if let Some(folder) = path.strip_suffix('/').filter(|folder| self.repository.exists(folder)) {
            return plain(403, &format!("Forbidden: {folder}/ has no index; read {folder}.json\n"));
        }
        let Some((resource, rest)) = self.repository.resolve(path) else {
            return self.property(path).or_else(|| star(path)).unwrap_or_else(|| self.not_found("GET", path));
        };
        let Some(node) = self.repository.get(resource) else { return self.not_found("GET", path) };
        if rest.is_empty() {
            return file(node).unwrap_or_else(|| to_folder(path));
        }
        let Some(selectors) = rest.strip_suffix(".json") else { return not_rendered(resource, rest) };
        match Rendering::read(selectors) {
            Ok(rendering) => self.tree(resource, node, &rendering),
            Err(selector) => invalid(selector),
        }
    }

    /// A node with its descendants, or the allowed depths if there are too many.
    fn tree(&self, path: &str, node: &Node, rendering: &Rendering) -> Response {
        let (most, depth) = (self.product.json_maximum_results, rendering.depth);
        if matches!(depth, Some(0 | 1)) || node.count_below(depth.unwrap_or(usize::MAX)) <= most {
            return rendering.send(node);
        }
        let allowed = (2..=most).take_while(|levels| node.count_below(*levels) <= most).last().unwrap_or(1);
        let allowed: Vec<_> = (0..=allowed).rev().map(|levels| format!("{path}.{levels}.json")).collect();
        Response::json(300, &json!(allowed))
    }

    /// A single property: its text, or JSON of texts whatever its type.
    fn property(&self, path: &str) -> Option<Response> {
        if let Some(value) = self.repository.property(path) {
            let response = Response::new(200, "text/plain;charset=utf-8", value.as_texts().concat());
            return Some(if value.is_multiple() { to_folder(path) } else { response });
        }
        let path = path.strip_suffix(".json")?;
        let (value, name) = (self.repository.property(path)?, path.rsplit('/').next().unwrap_or_default());
        let texts = value.as_texts();
        let text = if value.is_multiple() { json!(texts) } else { texts.concat().into() };
        Some(Response::json(200, &json!({ name: text })))
    }
}

impl Rendering {
    /// Reads the selectors; the last one may be a depth. The error is the selector that is neither known nor a depth.
    fn read(selectors: &str) -> Result<Self, &str> {
        let all: Vec<_> = selectors.split('.').filter(|selector| !selector.is_empty()).collect();
        let has = |name: &str| all.contains(&name);
        let depth = match all.last() {
            None | Some(&("tidy" | "harray")) => Some(0),
            Some(&("-1" | "infinity")) => None,
            Some(number) => Some(number.parse::<i32>().map_err(|_| *number)?.max(0).unsigned_abs() as usize),
        };
        Ok(Self { depth, as_list: has("harray"), tidy: has("tidy") })
    }

    fn send(&self, node: &Node) -> Response {
        let json = if self.as_list { to_list(node, self.depth) } else { to_json(node, self.depth) };
        let text = if self.tidy { serde_json::to_string_pretty(&json).unwrap_or_default() } else { json.to_string() };
        Response::new(200, "application/json;charset=utf-8", text)
    }
}

/// A resource outside the repository as JSON, as these selectors request it.
pub(super) fn rendered(resource: &Node, selectors: &str) -> Response {
    match Rendering::read(selectors) {
        Ok(rendering) => rendering.send(resource),
        Err(selector) => invalid(selector),
    }
}

fn invalid(selector: &str) -> Response {
    plain(400, &format!("Invalid recursion selector value '{selector}'\n"))
}

/// A path in the form of an address: percent-encoded, with `_jcr_content` for `jcr:content`.
pub(super) fn address(path: &str) -> String {
    let mangle = |name: &str| match name.split_once(':') {
        Some((prefix, rest)) if !prefix.is_empty() => format!("_{prefix}_{rest}"),
        _ => name.to_owned(),
    };
    let path = path.split('/').map(mangle).collect::<Vec<_>>().join("/");
    percent_encoding::utf8_percent_encode(&path, ENCODED).to_string()
}

/// Redirects to the address with a slash at its end, at which Sling has the index of a node.
pub(super) fn to_folder(path: &str) -> Response {
    Response { status: 302, ..Response::default() }.with_header("location", format!("{}/", address(path)))
}

/// The node `*`, which stands for a new node and can be read before it exists.
fn star(path: &str) -> Option<Response> {
    match path.rsplit('/').next()? {
        "*" => Some(to_folder(path)),
        "*.json" => Some(Response::json(200, &json!({ "*": "" }))),
        _ => None,
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

/// A node in Sling's JSON: its properties, then its children down to that depth.
pub(crate) fn to_json(node: &Node, depth: Depth) -> serde_json::Value {
    let mut object: Map<_, _> = node.properties.iter().map(|(name, value)| property_to_json(name, value)).collect();
    if depth != Some(0) {
        let below = depth.map(|depth| depth - 1);
        object.extend(node.children.iter().map(|(name, child)| (name.clone(), to_json(child, below))));
    }
    object.into()
}

/// A node in Sling's JSON with its children as a list, each with its name.
fn to_list(node: &Node, depth: Depth) -> serde_json::Value {
    let mut object: Map<_, _> = node.properties.iter().map(|(name, value)| property_to_json(name, value)).collect();
    if depth != Some(0) && !node.children.is_empty() {
        let below = depth.map(|depth| depth - 1);
        let child = |(name, child): (&String, &Node)| {
            let mut list = to_list(child, below);
            list["__name__"] = name.as_str().into();
            list
        };
        object.insert("__children__".to_owned(), node.children.iter().map(child).collect());
    }
    object.into()
}

fn property_to_json(name: &str, value: &Value) -> (String, serde_json::Value) {
    if let Value::Binary(bytes) = value {
        return (format!(":{name}"), bytes.len().into());
    }
    (name.to_owned(), value_to_json(value))
}

fn value_to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Bool(flag) => (*flag).into(),
        Value::Long(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Date(date, offset) => {
            let seconds = offset.seconds();
            let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
            let time = offset.to_datetime(*date).strftime("%a %b %d %Y %H:%M:%S");
            format!("{time} GMT{sign}{:02}{:02}", minutes / 60, minutes % 60).into()
        }
        Value::Texts(texts) => texts.clone().into(),
        Value::Several(values) => values.iter().map(value_to_json).collect(),
        Value::Binary(bytes) => bytes.len().into(),
    }
}

/// The bytes of a file, of its content, or of an asset's original rendition.
fn file(node: &Node) -> Option<Response> {
    let content = match node.primary_type() {
        "nt:file" => node.child("jcr:content")?,
        "nt:resource" => node,
        "dam:Asset" => ["jcr:content", "renditions", "original", "jcr:content"]
            .into_iter()
            .try_fold(node, |node, name| node.child(name))?,
        _ => return None,
    };
    let Some(Value::Binary(bytes)) = content.properties.get("jcr:data") else { return None };
    let mime_type = content.text("jcr:mimeType").unwrap_or("application/octet-stream");
    Some(Response::new(200, mime_type, bytes.clone()))
}
