//! The form of an answer without what differs between any two installations: values, ids, dates, hosts and ports.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bpconform_steps::reply::Reply;
use regex::Regex;
use serde_json::Value;

/// Headers of the transport, and of whatever stands between: they say nothing of the endpoint.
const TRANSPORT: [&str; 12] = [
    "age",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "set-cookie",
    "transfer-encoding",
    "vary",
    "via",
    "x-dispatcher",
];

/// Elements that have no end tag.
const EMPTY_ELEMENTS: [&str; 8] = ["area", "br", "col", "hr", "img", "input", "link", "meta"];

/// The form of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The HTTP status.
    pub status: u16,
    /// The media type in lower case, without parameters; empty if the answer names none.
    pub media_type: String,
    /// The names of the headers, in lower case.
    pub headers: BTreeSet<String>,
    /// The types of all values of a JSON body, by their path; `None` if the body is not JSON.
    pub json: Option<BTreeMap<String, BTreeSet<&'static str>>>,
    /// The paths of all elements of an HTML or XML body; none if the body is neither.
    pub elements: Option<BTreeSet<String>>,
    /// Whether there is a body.
    pub has_body: bool,
}

impl Shape {
    /// The form of an answer.
    pub fn of(reply: &Reply) -> Self {
        let media_type = reply.header("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let names = reply.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let text = reply.text();
        let is_markup = media_type.ends_with("html") || media_type.ends_with("xml");
        Self {
            status: reply.status,
            headers: names.filter(|name| !TRANSPORT.contains(&name.as_str())).collect(),
            json: reply.json().ok().map(|json| json_types(&json)),
            elements: is_markup.then(|| elements(&text)),
            has_body: !reply.body.is_empty(),
            media_type,
        }
    }
}

fn json_types(json: &Value) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut types = BTreeMap::new();
    collect("", json, &mut types);
    types
}

fn collect(path: &str, json: &Value, types: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let word = match json {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    types.entry(path.to_owned()).or_default().insert(word);
    match json {
        Value::Array(items) => items.iter().for_each(|item| collect(&format!("{path}[]"), item, types)),
        Value::Object(members) => {
            for (name, value) in members {
                let name = key(name, value);
                let path = if path.is_empty() { name } else { format!("{path}/{name}") };
                collect(&path, value, types);
            }
        }
        _ => {}
    }
}

/// The name of a member; one that an installation makes up at random is replaced by what it is.
fn key(name: &str, value: &Value) -> String {
    static RANDOM: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|bpconform-[0-9a-z]+-\d+|\b[0-9a-f]{8}\b|\b\d+_\d+\b")
            .expect("it is tested")
    });
    if value.get("rep:authorizableId").is_some() {
        return "{authorizable}".to_owned();
    }
    RANDOM.replace_all(name, "{id}").into_owned()
}

/// The path of each element from the root, each once. What is not well formed is read as far as it goes.
fn elements(text: &str) -> BTreeSet<String> {
    static TAG: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?s)<!--.*?-->|<!\[CDATA\[.*?\]\]>|<(/?)([A-Za-z][A-Za-z0-9:_-]*)\b[^>]*?(/?)>")
            .expect("it is tested")
    });
    let mut open: Vec<String> = Vec::new();
    let mut paths = BTreeSet::new();
    for tag in TAG.captures_iter(text) {
        let Some(name) = tag.get(2).map(|name| name.as_str().to_ascii_lowercase()) else { continue };
        if !tag[1].is_empty() {
            // An end tag closes what was left open inside.
            if let Some(at) = open.iter().rposition(|other| *other == name) {
                open.truncate(at);
            }
            continue;
        }
        open.push(name.clone());
        paths.insert(open.join("/"));
        if !tag[3].is_empty() || EMPTY_ELEMENTS.contains(&name.as_str()) {
            open.pop();
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(kind: &str, body: &str) -> Reply {
        Reply {
            surface: "a".into(),
            method: "GET".into(),
            url: url::Url::parse("http://localhost/a").expect("a URL"),
            status: 200,
            headers: vec![("content-type".into(), kind.into()), ("date".into(), "today".into())],
            body: body.into(),
            redactor: bpconform_steps::redact::Redactor::default(),
        }
    }

    #[test]
    fn values_and_times_are_not_compared() {
        let one = Shape::of(&reply("application/json;charset=utf-8", r#"{"a":"b","n":1,"list":[{"x":1},{"y":"2"}]}"#));
        let other = Shape::of(&reply("Application/JSON", r#"{"n":22,"a":"c","list":[{"y":"3"},{"x":2},{"x":3}]}"#));
        assert_eq!(one, other);
        assert_eq!(one.headers, ["content-type".to_owned()].into());
    }

    #[test]
    fn types_and_keys_are_compared() {
        let types = json_types(&json!({ "a": true, "b": [1, "2"] }));
        assert_eq!(types["a"], ["boolean"].into());
        assert_eq!(types["b[]"], ["number", "string"].into());
    }

    #[test]
    fn names_that_are_made_up_at_random_are_one() {
        let user = json!({ "rep:authorizableId": "x" });
        assert_eq!(key("c522ot4-cihBhqD-wyGb", &user), "{authorizable}");
        assert_eq!(key("provider.5f1c09e7.config", &Value::Null), "provider.{id}.config");
        assert_eq!(key("bpconform-x0gdhem-12-made", &Value::Null), "{id}-made");
        assert_eq!(key("jcr:content", &Value::Null), "jcr:content");
    }

    #[test]
    fn elements_are_read_from_any_page() {
        let page = "<!DOCTYPE html><html><body><!-- <i> --><p>a<br>b<p>c</body></html>";
        let expected = ["html", "html/body", "html/body/p", "html/body/p/br", "html/body/p/p"];
        assert_eq!(elements(page), expected.map(str::to_owned).into());
        assert!(elements("no page at all < >").is_empty());
    }
}
