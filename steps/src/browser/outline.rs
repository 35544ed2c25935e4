//! A page as text, as a screen reader reads it out: one line for each element, indented like the tree.

use std::collections::HashMap;

use serde_json::Value;

/// Roles that say nothing themselves: their content counts.
const WITHOUT_MEANING: [&str; 5] = ["none", "generic", "presentation", "InlineTextBox", "LineBreak"];

/// Properties that are shown if they are set.
const SHOWN: [&str; 8] = ["checked", "pressed", "selected", "expanded", "disabled", "required", "invalid", "level"];

/// The deepest nesting that is shown.
const DEEPEST: usize = 60;

/// What a page says, read from its accessibility tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    /// The tree as lines, each of its texts masked.
    pub(super) text: String,
    /// Its texts in their order with nothing in between, so that one that is split between elements is whole.
    pub(super) leaves: String,
    /// The same, each of them masked: a secret in it is split between elements.
    pub(super) masked_leaves: String,
    /// Each name, value and description.
    pub(super) all: Vec<String>,
}

/// Reads the nodes of an accessibility tree. Each text is masked as a whole: a line shows it without its line breaks.
pub(super) fn outline(nodes: &Value, mask: &dyn Fn(&str) -> String) -> Outline {
    let all: Vec<&Value> = nodes.as_array().into_iter().flatten().collect();
    let by_id: HashMap<&str, &Value> = all.iter().filter_map(|node| Some((node["nodeId"].as_str()?, *node))).collect();
    let mut lines = Lines { by_id, mask, outline: Outline::default() };
    if let Some(root) = all.iter().find(|node| node["parentId"].is_null()) {
        lines.add_all(root);
    }
    let texts = all.iter().flat_map(|node| [&node["name"], &node["value"], &node["description"]]).map(value_of);
    Outline { all: texts.filter(|text| !text.trim().is_empty()).collect(), ..lines.outline }
}

struct Lines<'a> {
    by_id: HashMap<&'a str, &'a Value>,
    mask: &'a dyn Fn(&str) -> String,
    outline: Outline,
}

impl Lines<'_> {
    /// A page decides how deep its tree is, so that no function may call itself for each level.
    fn add_all(&mut self, root: &Value) {
        let mut left = vec![(root, 0, String::new())];
        while let Some((node, depth, parent)) = left.pop() {
            let below = self.add(node, depth, &parent);
            for child in node["childIds"].as_array().into_iter().flatten().rev().filter_map(Value::as_str) {
                // Each node is read once, even if the tree has a loop.
                if let Some(child) = self.by_id.remove(child) {
                    left.push((child, below.0, below.1.clone()));
                }
            }
        }
    }

    /// Adds one node; returns the depth of what is below it, and the name that it has there.
    fn add(&mut self, node: &Value, depth: usize, parent: &str) -> (usize, String) {
        let (role, name) = (role(node), value_of(&node["name"]));
        if role == "StaticText" {
            self.outline.leaves += &name;
            self.outline.masked_leaves += &(self.mask)(&name);
        }
        let is_quiet = node["ignored"].as_bool() == Some(true)
            || WITHOUT_MEANING.contains(&role)
            || role == "StaticText" && (name.trim().is_empty() || name.trim() == parent.trim());
        if !is_quiet && depth < DEEPEST {
            let line = self.line(node, role, &name);
            self.outline.text += &format!("{}- {line}\n", "  ".repeat(depth));
        }
        if is_quiet { (depth, parent.to_owned()) } else { (depth + 1, name) }
    }

    fn line(&self, node: &Value, role: &str, name: &str) -> String {
        let masked = |text: &str| one_line(&(self.mask)(text));
        let role = if role == "StaticText" { "text" } else { role };
        let mut line = role.to_owned();
        let name = masked(name);
        if !name.is_empty() {
            line += &format!(" \"{name}\"");
        }
        for property in node["properties"].as_array().into_iter().flatten() {
            let Some(known) = property["name"].as_str().filter(|name| SHOWN.contains(name)) else { continue };
            match masked(&value_of(&property["value"])).as_str() {
                "false" | "" => {}
                "true" => line += &format!(" [{known}]"),
                value => line += &format!(" [{known}={value}]"),
            }
        }
        let value = masked(&value_of(&node["value"]));
        if !value.is_empty() && value != name {
            line += &format!(": {value}");
        }
        line
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn role(node: &Value) -> &str {
    node["role"]["value"].as_str().unwrap_or_default()
}

fn value_of(value: &Value) -> String {
    match &value["value"] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_is_read_out_like_a_tree() {
        let node = |id: &str, parent: Option<&str>, role: &str, name: &str, children: &[&str]| {
            json!({ "nodeId": id, "parentId": parent, "role": { "value": role }, "name": { "value": name },
                "childIds": children })
        };
        let mut field = node("5", Some("2"), "textbox", "Title", &[]);
        field["value"] = json!({ "value": "Acme" });
        field["properties"] = json!([{ "name": "required", "value": { "value": true } },
            { "name": "focusable", "value": { "value": true } }]);
        let nodes = json!([
            node("1", None, "RootWebArea", "Console", &["2"]),
            node("2", Some("1"), "generic", "", &["3", "5", "6"]),
            node("3", Some("2"), "heading", "Adobe IMS", &["4"]),
            node("4", Some("3"), "StaticText", "Adobe IMS", &[]),
            field,
            node("6", Some("2"), "StaticText", "in two", &[]),
        ]);
        let read = outline(&nodes, &|text| text.replace("in two", "[secret]"));
        let lines = "- RootWebArea \"Console\"\n  - heading \"Adobe IMS\"\n  - textbox \"Title\" [required]: Acme\n  \
            - text \"[secret]\"\n";
        assert_eq!(read.text, lines);
        assert_eq!((read.leaves.as_str(), read.masked_leaves.as_str()), ("Adobe IMSin two", "Adobe IMS[secret]"));
        assert!(read.all.contains(&"Acme".to_owned()), "{:?}", read.all);
    }

    #[test]
    fn a_deep_page_is_read_to_its_end() {
        let node = |number: usize| {
            let (role, name) = if number == 100_000 { ("StaticText", "the end") } else { ("generic", "") };
            let parent = number.checked_sub(1).map(|parent| parent.to_string());
            json!({ "nodeId": number.to_string(), "parentId": parent, "role": { "value": role },
                "name": { "value": name }, "childIds": [(number + 1).to_string()] })
        };
        let nodes = (0..=100_000).map(node).collect();
        assert_eq!(outline(&nodes, &str::to_owned).leaves, "the end");
    }
}
