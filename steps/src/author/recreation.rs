//! Makes a node that was deleted again from the JSON that was read before, with Sling POST (surfaces.md §5.7).

use serde_json::{Map, Value};

use crate::call::Call;

/// Properties that the repository sets itself and refuses to have set.
const PROTECTED: [&str; 5] = ["jcr:created", "jcr:createdBy", "jcr:uuid", "jcr:baseVersion", "jcr:versionHistory"];

/// The request that makes the node at `path` again, with its descendants.
pub fn call(path: &str, node: &Value) -> Call {
    let mut fields = Vec::new();
    if let Some(node) = node.as_object() {
        collect("", node, &mut fields);
    }
    let call = Call::to("author.node-write").with("path", path.trim_start_matches('/'));
    fields.into_iter().fold(call, |call, (name, value)| call.property(&name, value))
}

fn collect(prefix: &str, node: &Map<String, Value>, fields: &mut Vec<(String, String)>) {
    for (name, value) in node.iter().filter(|(name, _)| !PROTECTED.contains(&name.as_str()) && !name.starts_with(':')) {
        let name = format!("{prefix}{name}");
        match value {
            Value::Object(child) => collect(&format!("{name}/"), child, fields),
            Value::Array(values) => {
                fields.push((format!("{name}@TypeHint"), "String[]".into()));
                fields.extend(values.iter().map(|value| (name.clone(), plain(value))));
            }
            Value::Null => {}
            value => {
                if let Some(hint) = hint(value) {
                    fields.push((format!("{name}@TypeHint"), hint.into()));
                }
                fields.push((name, plain(value)));
            }
        }
    }
}

fn hint(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(text) if is_date(text) => Some("Date"),
        Value::Bool(_) => Some("Boolean"),
        Value::Number(number) if number.is_i64() => Some("Long"),
        Value::Number(_) => Some("Double"),
        _ => None,
    }
}

/// Whether it is a date as Sling's JSON shows it and its POST reads it: `Mon Nov 23 2026 08:30:00 GMT+0000`.
fn is_date(text: &str) -> bool {
    jiff::Timestamp::strptime("%a %b %d %Y %H:%M:%S GMT%z", text).is_ok()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_and_children_come_back_and_protected_properties_do_not() {
        let node = json!({
            "jcr:primaryType": "cq:Page", "jcr:created": "x", "jcr:createdBy": "admin",
            "jcr:content": {"at": "Mon Nov 23 2026 08:30:00 GMT+0000", "enabled": true, "retryDelay": 60000,
                "tags": ["a", "b"], "title": "T"},
        });
        let call = call("/etc/replication/agents.author/a", &node);
        let fields: Vec<_> = call.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(call.arguments["path"], "etc/replication/agents.author/a");
        assert_eq!(
            fields,
            [
                "jcr:primaryType=cq:Page",
                "jcr:content/at@TypeHint=Date",
                "jcr:content/at=Mon Nov 23 2026 08:30:00 GMT+0000",
                "jcr:content/enabled@TypeHint=Boolean",
                "jcr:content/enabled=true",
                "jcr:content/retryDelay@TypeHint=Long",
                "jcr:content/retryDelay=60000",
                "jcr:content/tags@TypeHint=String[]",
                "jcr:content/tags=a",
                "jcr:content/tags=b",
                "jcr:content/title=T",
            ]
        );
    }
}
