//! Parses nodes from FileVault's XML ("docview"): an element for each node, an attribute for each property, with the type
//! in braces.

use roxmltree::Document;

use crate::author::repository::{Node, PRIMARY_TYPE, Value};
use crate::author::sling_post::date;

const JCR: &str = "http://www.jcp.org/jcr/1.0";

/// The node that a document describes; `None` for a file that contains any other XML, or no XML.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Node>, String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(None) };
    let Ok(document) = Document::parse(text) else { return Ok(None) };
    let root = document.root_element();
    if !root.has_tag_name((JCR, "root")) {
        return Ok(None);
    }
    node(&root).map(Some)
}

fn node(element: &roxmltree::Node<'_, '_>) -> Result<Node, String> {
    let mut made = Node::default();
    for attribute in element.attributes() {
        let name = qualified(element, attribute.namespace(), attribute.name());
        if let Some(value) = value(&name, attribute.value())? {
            made.properties.insert(name, value);
        }
    }
    for child in element.children().filter(roxmltree::Node::is_element) {
        let name = qualified(&child, child.tag_name().namespace(), child.tag_name().name());
        made.children.insert(name, node(&child)?);
    }
    Ok(made)
}

/// A name with its prefix and with decoded characters.
fn qualified(element: &roxmltree::Node<'_, '_>, namespace: Option<&str>, name: &str) -> String {
    let prefix = namespace.and_then(|uri| element.lookup_prefix(uri)).filter(|prefix| !prefix.is_empty());
    let name = decoded(name);
    prefix.map_or_else(|| name.clone(), |prefix| format!("{prefix}:{name}"))
}

/// Decodes `_x0031_`, which is how a name contains characters that XML does not allow.
fn decoded(name: &str) -> String {
    let (mut text, mut rest) = (String::new(), name);
    while let Some(at) = rest.find("_x") {
        let code = rest.get(at + 2..at + 6).filter(|_| rest.get(at + 6..at + 7) == Some("_"));
        let letter = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        let (kept, skipped) = letter.map_or((at + 2, at + 2), |_| (at, at + 7));
        text += &rest[..kept];
        text.extend(letter);
        rest = &rest[skipped..];
    }
    text + rest
}

/// The value of a property, such as `{Long}5`, `[a,b]` or `{Boolean}[true,false]`; a backslash escapes a character.
fn value(name: &str, text: &str) -> Result<Option<Value>, String> {
    let (kind, rest) = match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((kind, rest)) => (kind, rest),
        None => ("String", text),
    };
    let Some(list) = rest.strip_prefix('[').and_then(|list| list.strip_suffix(']')) else {
        let one = single(name, kind, &unescaped(rest))?;
        // The property for mixins is always a list, even if the file has a single value.
        return Ok(Some(if name == "jcr:mixinTypes" { Value::Texts(one.as_texts()) } else { one }));
    };
    let values = items(list);
    if values.is_empty() {
        return Ok(None);
    }
    let values = values.iter().map(|value| single(name, kind, value)).collect::<Result<Vec<_>, _>>()?;
    let are_texts = values.iter().all(|value| matches!(value, Value::Text(_)));
    Ok(Some(if are_texts {
        Value::Texts(values.iter().flat_map(Value::as_texts).collect())
    } else {
        Value::Several(values)
    }))
}

/// The items of a list, which are separated by commas.
fn items(list: &str) -> Vec<String> {
    let (mut items, mut item, mut escaped) = (Vec::new(), String::new(), false);
    for letter in list.chars() {
        match letter {
            '\\' if !escaped => escaped = true,
            ',' if !escaped => items.push(std::mem::take(&mut item)),
            letter => {
                item.push(letter);
                escaped = false;
            }
        }
    }
    if list.is_empty() { Vec::new() } else { items.into_iter().chain([item]).collect() }
}

fn unescaped(text: &str) -> String {
    let (mut plain, mut escaped) = (String::with_capacity(text.len()), false);
    for letter in text.chars() {
        if letter == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(letter);
            escaped = false;
        }
    }
    plain
}

fn single(name: &str, kind: &str, text: &str) -> Result<Value, String> {
    let wrong = || format!("the property {name} is not a {kind}: {text}");
    Ok(match kind {
        "String" | "Name" | "Path" | "URI" | "Reference" | "WeakReference" | "" => Value::Text(text.to_owned()),
        "Boolean" => Value::Bool(text.eq_ignore_ascii_case("true")),
        "Long" => Value::Long(text.parse().map_err(|_| wrong())?),
        "Double" | "Decimal" => Value::Double(text.parse().map_err(|_| wrong())?),
        "Date" => date(text).map(|(at, offset)| Value::Date(at, offset)).ok_or_else(wrong)?,
        // The bytes of a binary property are in a separate file.
        "Binary" if text.is_empty() => Value::Binary(Vec::new()),
        _ => return Err(format!("the mock does not read the property {name} of type {kind}")),
    })
}

/// Whether the document describes the node itself. Otherwise it only contains the node as a parent of others.
pub(super) fn is_described(node: &Node) -> bool {
    node.properties.contains_key(PRIMARY_TYPE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_typed_values_and_names_are_decoded() {
        let xml = "<jcr:root xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" jcr:primaryType=\"nt:unstructured\" n=\"{Long}5\" \
                   many=\"[a,b\\,c]\" odd=\"\\{x}\" flags=\"{Boolean}[true,false]\" none=\"[]\"><_x0031_st/></jcr:root>";
        let node = read(xml.as_bytes()).expect("readable").expect("a node");
        assert_eq!(node.number("n"), Some(5));
        assert_eq!(node.texts("many"), ["a", "b,c"]);
        assert_eq!(node.text("odd"), Some("{x}"));
        assert_eq!(
            node.properties.get("flags").map(Value::as_texts),
            Some(vec!["true".to_owned(), "false".to_owned()])
        );
        assert!(!node.properties.contains_key("none"));
        assert!(node.child("1st").is_some());
        assert_eq!(read(b"<a/>"), Ok(None));
    }
}
