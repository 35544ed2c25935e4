//! The names of new nodes, as Sling generates them.

use jiff::Timestamp;

use super::Refusal;
use crate::author::repository::Node;
use crate::machine::Form;

/// The maximum number of characters in a generated name.
const MOST: usize = 20;

/// The fields from which Sling derives the name of a node without a name, in Sling's order.
const NAMING: [&str; 8] =
    ["title", "jcr:title", "name", "description", "jcr:description", "abstract", "text", "jcr:text"];

/// A name for a new node: `:name` unchanged, or derived from `:nameHint` or a title, or a number.
pub(super) fn generated(parent: &Node, form: &Form, now: Timestamp) -> Result<String, Refusal> {
    if let Some(name) = form.get(":name").filter(|name| !name.is_empty()) {
        let taken = parent.children.contains_key(name);
        return if taken { Err((500, format!("Collision in node names: {name}"))) } else { Ok(name.to_owned()) };
    }
    let value =
        |name: &str| form.get(name).or_else(|| form.get(&format!("./{name}"))).filter(|value| !value.is_empty());
    let named = form.get(":nameHint").filter(|hint| !hint.is_empty()).or_else(|| NAMING.into_iter().find_map(value));
    let name = named.map_or_else(|| format!("{}_{}", parent.children.len() + 1, now.as_millisecond()), filtered);
    Ok(if parent.children.contains_key(&name) { free(parent, &name) } else { name })
}

/// Lower case letters, digits and underscores; anything else is one underscore.
fn filtered(text: &str) -> String {
    let text: String = text.chars().take(MOST).collect::<String>().to_lowercase();
    let mut name = String::new();
    for (at, letter) in text.chars().enumerate() {
        if !(letter.is_ascii_alphanumeric() || letter == '_') {
            if !name.ends_with('_') {
                name.push('_');
            }
            continue;
        }
        if at == 0 && letter.is_ascii_digit() {
            name.push('_');
        }
        name.push(letter);
    }
    if name.is_empty() { "_".to_owned() } else { name }
}

/// The name with a random number as a suffix.
fn free(parent: &Node, name: &str) -> String {
    std::iter::repeat_with(|| format!("{name}_{}", fastrand::u32(1..)))
        .find(|name| !parent.children.contains_key(name))
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filtered_as_sling_does() {
        let cases = [
            ("Hint me, Ärger & Co", "hint_me_rger_co"),
            ("123abc", "_123abc"),
            ("My Page!", "my_page_"),
            ("a very long title which is longer", "a_very_long_title_wh"),
            ("", "_"),
        ];
        for (hint, name) in cases {
            assert_eq!(filtered(hint), name, "{hint}");
        }
    }
}
