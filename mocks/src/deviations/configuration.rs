//! OSGi configurations as files (surfaces.md §2.3), from the JSON of the node that holds them.

use serde_json::{Map, Value};

/// A `.config` file as Apache Felix writes it.
pub(super) fn felix(node: &Value) -> String {
    let line = |(name, value): (&String, &Value)| format!("{name}={}\r\n", felix_value(value, "[", "]"));
    properties(node).map(line).collect()
}

/// A `.config` file as a person would write it.
pub(super) fn hand_written(node: &Value) -> String {
    let line = |(name, value): (&String, &Value)| format!("{name} = {}\n", felix_value(value, "[ \\\n  ", ", \\\n  ]"));
    let lines: String = properties(node).map(line).collect();
    format!("# Adobe IMS configuration\n{lines}\n")
}

/// A `.cfg.json` file.
pub(super) fn cfg_json(node: &Value) -> String {
    let properties: Map<String, Value> = properties(node).map(|(name, value)| (name.clone(), value.clone())).collect();
    let json = serde_json::to_string_pretty(&properties).unwrap_or_default();
    format!("// Configuration created by Apache Sling JCR Installer\n{json}\n")
}

fn properties(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.as_object().into_iter().flatten().filter(|(name, value)| !name.starts_with("jcr:") && !value.is_object())
}

fn felix_value(value: &Value, start: &str, end: &str) -> String {
    match value {
        Value::Bool(flag) => format!("B\"{flag}\""),
        Value::Number(number) => format!("L\"{number}\""),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| felix_value(value, start, end)).collect();
            format!("{start}{}{end}", values.join(","))
        }
        other => format!("\"{}\"", escaped(other.as_str().unwrap_or_default())),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('=', "\\=").replace(' ', "\\ ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_becomes_a_file() {
        let node = json!({ "jcr:primaryType": "sling:OsgiConfig", "a.b": "x = \"y\"", "on": true, "list": ["1", "2"] });
        assert_eq!(felix(&node), "a.b=\"x\\ \\=\\ \\\"y\\\"\"\r\non=B\"true\"\r\nlist=[\"1\",\"2\"]\r\n");
        assert!(hand_written(&node).contains("\nlist = [ \\\n  \"1\",\"2\", \\\n  ]\n"));
        let file = cfg_json(&node);
        let (comment, json) = file.split_once('\n').expect("two lines");
        assert!(comment.starts_with("//"));
        assert_eq!(serde_json::from_str::<Value>(json).expect("JSON")["on"], true);
    }
}
