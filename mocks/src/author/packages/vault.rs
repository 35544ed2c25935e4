//! Writes nodes in the format of Apache Jackrabbit FileVault's packages: XML, and a file for each binary property.

use std::collections::BTreeSet;
use std::io::{Seek, Write};

use zip::ZipWriter;
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;

use crate::author::escape;
use crate::author::repository::{Node, Value, join};

/// The namespaces of known prefixes; any other prefix gets a namespace of the mock.
const NAMESPACES: [(&str, &str); 7] = [
    ("jcr", "http://www.jcp.org/jcr/1.0"),
    ("nt", "http://www.jcp.org/jcr/nt/1.0"),
    ("mix", "http://www.jcp.org/jcr/mix/1.0"),
    ("rep", "internal"),
    ("sling", "http://sling.apache.org/jcr/sling/1.0"),
    ("cq", "http://www.day.com/jcr/cq/1.0"),
    ("dam", "http://www.day.com/dam/1.0"),
];

/// Writes a node with everything below it.
pub(super) fn write(zip: &mut ZipWriter<impl Write + Seek>, path: &str, node: &Node) -> ZipResult<()> {
    let mut prefixes = BTreeSet::from(["jcr".to_owned()]);
    collect_prefixes(node, &mut prefixes);
    let namespaces: String =
        prefixes.iter().map(|prefix| format!(" xmlns:{prefix}=\"{}\"", namespace(prefix))).collect();
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", element("jcr:root", &namespaces, node));
    zip.start_file(format!("jcr_root{}/.content.xml", platform(path)), SimpleFileOptions::default())?;
    zip.write_all(text.as_bytes())?;
    write_binaries(zip, path, node)
}

fn write_binaries(zip: &mut ZipWriter<impl Write + Seek>, path: &str, node: &Node) -> ZipResult<()> {
    for (name, value) in &node.properties {
        if let Value::Binary(bytes) = value {
            let file = format!("jcr_root{}.binary", platform(&join(path, name)));
            zip.start_file(file, SimpleFileOptions::default())?;
            zip.write_all(bytes)?;
        }
    }
    node.children.iter().try_for_each(|(name, child)| write_binaries(zip, &join(path, name), child))
}

fn collect_prefixes(node: &Node, prefixes: &mut BTreeSet<String>) {
    let names = node.properties.keys().chain(node.children.keys());
    prefixes.extend(names.filter_map(|name| Some(name.split_once(':')?.0.to_owned())));
    node.children.values().for_each(|child| collect_prefixes(child, prefixes));
}

fn namespace(prefix: &str) -> String {
    let known = NAMESPACES.iter().find(|(known, _)| *known == prefix);
    known.map_or_else(|| format!("urn:bpconform:{prefix}"), |(_, uri)| (*uri).to_owned())
}

fn element(name: &str, namespaces: &str, node: &Node) -> String {
    let attribute = |(name, value): (&String, &Value)| format!(" {}=\"{}\"", xml_name(name), escape(&text(value)));
    let attributes: String = node.properties.iter().map(attribute).collect();
    let children: String = node.children.iter().map(|(name, child)| element(&xml_name(name), "", child)).collect();
    format!("<{name}{namespaces}{attributes}>{children}</{name}>")
}

/// A value as an attribute: its type in braces, several values in brackets.
fn text(value: &Value) -> String {
    let plain = |text: &str| text.replace('\\', "\\\\");
    match value {
        Value::Text(text) if text.starts_with(['{', '[']) => format!("\\{}", plain(text)),
        Value::Text(text) => plain(text),
        Value::Bool(flag) => format!("{{Boolean}}{flag}"),
        Value::Long(number) => format!("{{Long}}{number}"),
        Value::Double(_) => format!("{{Double}}{}", value.as_texts().concat()),
        Value::Date(..) => format!("{{Date}}{}", value.as_texts().concat()),
        Value::Several(values) => format!("{{{}}}[{}]", kind(values), value.as_texts().join(",")),
        Value::Binary(_) => "{Binary}".to_owned(),
        Value::Texts(texts) => {
            let texts: Vec<_> = texts.iter().map(|text| plain(text).replace(',', "\\,")).collect();
            format!("[{}]", texts.join(","))
        }
    }
}

/// The type of several values.
fn kind(values: &[Value]) -> &'static str {
    match values.first() {
        Some(Value::Bool(_)) => "Boolean",
        Some(Value::Long(_)) => "Long",
        Some(Value::Double(_)) => "Double",
        Some(Value::Date(..)) => "Date",
        _ => "String",
    }
}

/// A name that is valid in XML: `_x0031_` replaces a character that is not allowed there.
fn xml_name(name: &str) -> String {
    let allowed = |at: usize, letter: char| {
        letter.is_alphabetic()
            || letter == '_'
            || letter == ':'
            || (at > 0 && (letter.is_numeric() || "-.".contains(letter)))
    };
    let write = |(at, letter): (usize, char)| {
        if allowed(at, letter) { letter.to_string() } else { format!("_x{:04x}_", u32::from(letter)) }
    };
    name.char_indices().map(write).collect()
}

/// A path as in packages: `_jcr_content` for `jcr:content`, and one more underscore before a name that begins with one.
fn platform(path: &str) -> String {
    let name = |name: &str| match name.split_once(':') {
        Some((prefix, name)) => format!("_{prefix}_{name}"),
        None if name.starts_with('_') => format!("_{name}"),
        None => name.to_owned(),
    };
    path.split('/').map(name).collect::<Vec<_>>().join("/")
}
