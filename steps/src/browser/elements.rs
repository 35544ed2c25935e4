//! What a page consists of for a person: controls with their role and name, as the browser computes them for a screen
//! reader.

use bpconform_fixtures::ui::Label;
use serde_json::Value;

/// The roles of what can be pressed; of two controls with one label, the one whose role is first is meant.
pub(crate) const PRESSABLE: [&str; 7] = ["button", "menuitem", "link", "tab", "treeitem", "option", "listitem"];

/// The roles of what can be typed into.
pub(crate) const TYPABLE: [&str; 3] = ["textbox", "searchbox", "spinbutton"];

/// The roles of what can be ticked.
pub(crate) const TICKABLE: [&str; 2] = ["checkbox", "switch"];

/// The roles of what offers values.
pub(crate) const CHOOSABLE: [&str; 3] = ["combobox", "listbox", "button"];

/// How many controls a message lists.
const LISTED: usize = 12;

/// A control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) disabled: bool,
    /// Its node, in the browser's numbers.
    pub(crate) node: i64,
}

/// Reads the nodes of an accessibility tree; what a screen reader does not see is left out.
pub(super) fn read(nodes: &Value) -> Vec<Element> {
    nodes.as_array().into_iter().flatten().filter_map(element).collect()
}

fn element(node: &Value) -> Option<Element> {
    if node["ignored"].as_bool() == Some(true) {
        return None;
    }
    let properties = node["properties"].as_array().into_iter().flatten();
    let disabled =
        properties.clone().any(|it| it["name"] == "disabled" && it["value"]["value"].as_bool() == Some(true));
    Some(Element {
        role: node["role"]["value"].as_str()?.to_owned(),
        name: node["name"]["value"].as_str().unwrap_or_default().to_owned(),
        disabled,
        node: node["backendDOMNodeId"].as_i64()?,
    })
}

/// The controls of these roles with one of these labels. If they have several roles, only those of the first one.
pub(crate) fn with_label<'a>(all: &'a [Element], roles: &[&str], labels: &[&Label]) -> Vec<&'a Element> {
    let of_role = |role: &&str| -> Vec<&Element> {
        let named = |element: &&Element| element.role == *role && labels.iter().any(|label| label.is(&element.name));
        all.iter().filter(named).collect()
    };
    roles.iter().map(of_role).find(|found| !found.is_empty()).unwrap_or_default()
}

/// The controls of these roles, for a message.
pub(crate) fn listed(all: &[Element], roles: &[&str]) -> String {
    let mut names: Vec<String> = Vec::new();
    for element in all.iter().filter(|element| roles.contains(&element.role.as_str())) {
        let text = format!("{} \"{}\"", element.role, element.name.trim());
        if !names.contains(&text) {
            names.push(text);
        }
    }
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    match (names.is_empty(), more) {
        (true, _) => "nothing of that kind".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bpconform_fixtures::UserInterface;
    use serde_json::json;

    #[test]
    fn a_control_is_found_by_role_and_label_in_any_language() {
        let node = |id: i64, role: &str, name: &str| json!({ "ignored": false, "role": { "value": role }, "name": { "value": name }, "backendDOMNodeId": id });
        let hidden = json!({ "ignored": true, "role": { "value": "button" }, "name": { "value": "Erstellen" },
            "backendDOMNodeId": 9 });
        let all = read(&json!([
            node(1, "link", "Create"),
            node(2, "button", " Erstellen "),
            node(3, "heading", "Create"),
            hidden
        ]));
        let label = &UserInterface::built_in().labels["create"];
        let found: Vec<_> = with_label(&all, &PRESSABLE, &[label]).iter().map(|it| it.node).collect();
        assert_eq!(found, [2]);
        assert_eq!(listed(&all, &PRESSABLE), "link \"Create\", button \"Erstellen\"");
        assert_eq!(listed(&all, &TYPABLE), "nothing of that kind");
    }
}
