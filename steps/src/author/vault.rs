//! Parses the content of a package in the format of Apache Jackrabbit FileVault: XML of nodes (`.content.xml`), files, and
//! binary properties.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use roxmltree::{Document, ParsingOptions};
use zip::ZipArchive;

use super::tree::digest;
use crate::problem::{Checked, Problem};

/// The most that is read of one file of a package: what is packed small may be huge.
const MOST_OF_A_FILE: u64 = 64 * 1024 * 1024;

/// The properties of a node, each with its values as text; of a binary, its digest.
pub(crate) type Properties = BTreeMap<String, Vec<String>>;

/// The nodes of a package by their paths.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Contents {
    pub(crate) nodes: BTreeMap<String, Properties>,
    /// The paths that are files, whose content is a separate node.
    files: BTreeMap<String, String>,
}

/// Reads all nodes of a package.
pub(crate) fn contents(package: &[u8]) -> Checked<Contents> {
    let unreadable = |error: &dyn std::fmt::Display| Problem::error(format!("the package cannot be read: {error}"));
    let mut zip = ZipArchive::new(Cursor::new(package)).map_err(|error| unreadable(&error))?;
    let mut contents = Contents::default();
    for index in 0..zip.len() {
        let file = zip.by_index(index).map_err(|error| unreadable(&error))?;
        let name = file.name().map_err(|error| unreadable(&error))?.into_owned();
        let Some(path) = name.strip_prefix("jcr_root").filter(|path| !path.is_empty() && !path.ends_with('/')) else {
            continue;
        };
        let path = repository_path(path);
        let mut bytes = Vec::new();
        file.take(MOST_OF_A_FILE).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        contents.add(&path, &bytes)?;
    }
    Ok(contents)
}

impl Contents {
    fn add(&mut self, path: &str, bytes: &[u8]) -> Checked {
        if let Some((node, document)) = path.strip_suffix(".xml").zip(document(bytes)) {
            let node = node.strip_suffix("/.content").unwrap_or(node);
            return self.add_document(node, document);
        }
        if let Some((node, property)) = path.strip_suffix(".binary").and_then(|path| path.rsplit_once('/')) {
            self.nodes.entry(node.to_owned()).or_default().insert(property.to_owned(), vec![digest(bytes)]);
        } else {
            self.files.insert(path.to_owned(), digest(bytes));
        }
        Ok(())
    }

    fn add_document(&mut self, path: &str, text: &str) -> Checked {
        let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options)
            .map_err(|error| Problem::error(format!("the package's {path}: {error}")))?;
        let mut open = vec![(path.to_owned(), document.root_element())];
        while let Some((path, element)) = open.pop() {
            let properties: Properties =
                element.attributes().filter_map(|attribute| property(element, attribute)).collect();
            // An element without attributes only gives the order of the children.
            if !properties.is_empty() {
                self.nodes.entry(path.clone()).or_default().extend(properties);
            }
            for child in element.children().filter(roxmltree::Node::is_element) {
                let name = prefixed(
                    child.lookup_prefix(child.tag_name().namespace().unwrap_or_default()),
                    child.tag_name().name(),
                );
                open.push((format!("{path}/{}", xml_name(&name)), child));
            }
        }
        Ok(())
    }

    /// The values of a property of a node. A file has its content in a separate node, which the package need not describe.
    pub(crate) fn values(&self, path: &str, property: &str) -> Option<Vec<String>> {
        let given = self.nodes.get(path).and_then(|node| node.get(property)).cloned();
        given.filter(|values| !values.is_empty()).or_else(|| {
            let file = path.strip_suffix("/jcr:content").filter(|_| property == "jcr:data")?;
            self.files.get(file).map(|digest| vec![digest.clone()])
        })
    }

    /// Whether the package holds a file at that path.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}

/// The text of a document of nodes; any other XML is a file.
fn document(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.contains("<jcr:root").then_some(text)
}

fn property(
    element: roxmltree::Node<'_, '_>,
    attribute: roxmltree::Attribute<'_, '_>,
) -> Option<(String, Vec<String>)> {
    let prefix = attribute.namespace().and_then(|uri| element.lookup_prefix(uri));
    Some((xml_name(&prefixed(prefix, attribute.name())), values(attribute.value())?))
}

fn prefixed(prefix: Option<&str>, name: &str) -> String {
    prefix.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}:{name}"))
}

/// The values of an attribute such as `text`, `{Boolean}true`, `[a,b]` or `{Long}[1,2]`. A binary has none: it is a file.
fn values(text: &str) -> Option<Vec<String>> {
    let (kind, text) = match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((kind, rest)) => (kind, rest),
        None => ("", text),
    };
    if kind == "Binary" {
        return Some(Vec::new());
    }
    let Some(list) = text.strip_prefix('[') else { return Some(vec![unescaped(text)]) };
    let list = list.strip_suffix(']')?;
    if list.is_empty() {
        return Some(Vec::new());
    }
    let (mut values, mut value, mut escaped) = (Vec::new(), String::new(), false);
    for character in list.chars() {
        match character {
            ',' if !escaped => values.push(unescaped(&std::mem::take(&mut value))),
            _ => value.push(character),
        }
        escaped = character == '\\' && !escaped;
    }
    values.push(unescaped(&value));
    Some(values)
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some('u') => {
                    let code: String = rest.by_ref().take(4).collect();
                    out.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                }
                other => out.extend(other),
            },
            character => out.push(character),
        }
    }
    out
}

/// A name as it is in the repository: XML writes `_x0031_` for a character that no name may hold.
fn xml_name(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("_x") {
        out += before;
        let code = after.get(..4).filter(|_| after.get(4..5) == Some("_"));
        if let Some(character) = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            out.push(character);
            rest = &after[5..];
        } else {
            out += "_x";
            rest = after;
        }
    }
    out + rest
}

/// A path in a package as it is in the repository: `_jcr_content` there is `jcr:content` here, a name that itself begins
/// with an underscore has one more, and the folder `a.dir` describes the file `a`.
fn repository_path(file: &str) -> String {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let folder = folder.split('/').map(|name| repository_name(name.strip_suffix(".dir").unwrap_or(name)));
    folder.chain([repository_name(name)]).collect::<Vec<_>>().join("/")
}

fn repository_name(name: &str) -> String {
    match name.strip_prefix('_') {
        Some(rest) if rest.starts_with('_') => rest.to_owned(),
        Some(rest) => rest.split_once('_').map_or_else(|| name.to_owned(), |(prefix, name)| format!("{prefix}:{name}")),
        None => percent_decoded(name),
    }
}

/// FileVault writes `%3a` for a character that a file system does not allow.
fn percent_decoded(name: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_package_are_those_of_the_repository() {
        assert_eq!(repository_path("/etc/a/_jcr_content/.content.xml"), "/etc/a/jcr:content/.content.xml");
        assert_eq!(repository_path("/home/__x_y/store.p12.dir/.content.xml"), "/home/_x_y/store.p12/.content.xml");
        assert_eq!(repository_path("/a/mp_replication_agent0"), "/a/mp_replication_agent0");
        assert_eq!(xml_name("_x0031_23_xyz"), "123_xyz");
    }

    #[test]
    fn values_are_read_in_every_form() {
        let read = |text: &str| values(text).expect("values");
        assert_eq!(read("a, b"), ["a, b"]);
        assert_eq!(read("{Boolean}true"), ["true"]);
        assert_eq!(read("{Name}[jcr:read,rep:write]"), ["jcr:read", "rep:write"]);
        assert_eq!(read("[a\\,b,c\\\\,\\u0041]"), ["a,b", "c\\", "A"]);
        assert_eq!(read("\\{0a1b}"), ["{0a1b}"]);
        assert!(read("[]").is_empty() && read("{Binary}").is_empty());
    }

    #[test]
    fn nodes_files_and_binaries_are_found() {
        let mut contents = Contents::default();
        let xml = b"<jcr:root xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" xmlns:cq=\"http://www.day.com/jcr/cq/1.0\" \
            jcr:primaryType=\"cq:Page\"><jcr:content cq:template=\"/t\" on=\"{Boolean}true\"/><other/></jcr:root>";
        contents.add("/etc/a/.content.xml", xml).expect("read");
        contents.add("/etc/a/keystore/store.p12", b"keys").expect("read");
        contents.add("/etc/a/jcr:content/data.binary", b"more").expect("read");
        let values = |path: &str, property: &str| contents.values(path, property).map(|values| values.join(","));
        assert_eq!(values("/etc/a", "jcr:primaryType").as_deref(), Some("cq:Page"));
        assert_eq!(values("/etc/a/jcr:content", "cq:template").as_deref(), Some("/t"));
        assert_eq!(values("/etc/a/jcr:content", "on").as_deref(), Some("true"));
        assert_eq!(values("/etc/a/keystore/store.p12/jcr:content", "jcr:data"), Some(digest(b"keys")));
        assert_eq!(values("/etc/a/jcr:content", "data"), Some(digest(b"more")));
        assert!(!contents.nodes.contains_key("/etc/a/other"));
    }
}
