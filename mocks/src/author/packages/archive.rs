//! The file of a package: its properties, its filter and its entries (Apache Jackrabbit FileVault).

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use jiff::Timestamp;
use regex::Regex;
use roxmltree::{Document, ParsingOptions};
use zip::ZipArchive;

use super::Mark;
use crate::author::repository::normal;

/// The maximum size of an unpacked package, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// The folder of a package's content.
pub(super) const CONTENT: &str = "jcr_root/";

/// One `<filter>`: a root, and which paths below it are covered.
#[derive(Debug)]
pub(super) struct Filter {
    root: String,
    /// `replace`, `merge` or `update`.
    pub(super) mode: String,
    /// The rules: whether one includes or excludes, and its pattern.
    rules: Vec<(bool, Regex)>,
}

impl Filter {
    fn covers(&self, path: &str) -> bool {
        let is_below = path == self.root || path.starts_with(&format!("{}/", self.root.trim_end_matches('/')));
        // Without a rule that includes, everything is included.
        let by_default = self.rules.first().is_none_or(|(includes, _)| !includes);
        is_below
            && self
                .rules
                .iter()
                .fold(by_default, |covered, (includes, rule)| if rule.is_match(path) { *includes } else { covered })
    }
}

/// The parsed file of a package.
#[derive(Debug)]
pub(super) struct Archive {
    properties: BTreeMap<String, String>,
    /// The filters.
    pub(super) filters: Vec<Filter>,
    /// The entries by name, without directories.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// The names of directories, with a slash at the end.
    pub(super) directories: Vec<String>,
}

impl Archive {
    /// Parses a file. The error says why it is not a package.
    pub(super) fn read(file: &[u8]) -> Result<Self, String> {
        let mut zip = ZipArchive::new(Cursor::new(file)).map_err(|error| format!("it is not a ZIP file: {error}"))?;
        let (mut files, mut directories, mut left) = (BTreeMap::new(), Vec::new(), MOST_BYTES);
        for index in 0..zip.len() {
            let entry = zip.by_index(index).map_err(|error| error.to_string())?;
            let name = entry.name().map_err(|error| error.to_string())?.into_owned();
            if entry.is_dir() {
                directories.push(name);
                continue;
            }
            let mut bytes = Vec::new();
            entry.take(left + 1).read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
            left = left.checked_sub(bytes.len() as u64).ok_or("it holds more than the mock unpacks")?;
            files.insert(name, bytes);
        }
        if !files.keys().chain(&directories).any(|name| name.starts_with(CONTENT)) {
            return Err(format!("it is not a content package: it has no {CONTENT}"));
        }
        let (filters, properties) = (filters(text(&files, "META-INF/vault/filter.xml")?)?, properties(&files)?);
        Ok(Self { properties, filters, files, directories })
    }

    /// A property of `properties.xml`.
    pub(super) fn property(&self, key: &str) -> Option<String> {
        self.properties.get(key).filter(|value| !value.is_empty()).cloned()
    }

    /// The properties whose names begin so.
    pub(super) fn properties_with(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.properties.keys().map(String::as_str).filter(move |key| key.starts_with(prefix))
    }

    /// A time and a user of `properties.xml`.
    pub(super) fn mark(&self, at: &str, by: &str) -> Mark {
        Mark { at: self.property(at).and_then(|at| at.parse::<Timestamp>().ok()), by: self.property(by) }
    }

    /// The roots of the filter.
    pub(super) fn roots(&self) -> Vec<String> {
        self.filters.iter().map(|filter| filter.root.clone()).collect()
    }

    /// Whether the filter covers a path.
    pub(super) fn covers(&self, path: &str) -> bool {
        self.filters.iter().any(|filter| filter.covers(path))
    }
}

fn text<'a>(files: &'a BTreeMap<String, Vec<u8>>, name: &str) -> Result<&'a str, String> {
    let bytes = files.get(name).ok_or_else(|| format!("it has no {name}"))?;
    std::str::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))
}

fn filters(xml: &str) -> Result<Vec<Filter>, String> {
    let document = Document::parse(xml).map_err(|error| format!("META-INF/vault/filter.xml: {error}"))?;
    let filters = document.descendants().filter(|node| node.has_tag_name("filter"));
    let read = |node: roxmltree::Node<'_, '_>| {
        known_attributes(&node, &["root", "mode"])?;
        let rules = node.children().filter(roxmltree::Node::is_element).map(|rule| {
            known_attributes(&rule, &["pattern"])?;
            let pattern = rule.attribute("pattern").unwrap_or_default();
            let regex = Regex::new(&format!("^(?:{pattern})$"));
            regex
                .map(|regex| (rule.has_tag_name("include"), regex))
                .map_err(|_| format!("the mock does not read the pattern {pattern}"))
        });
        Ok(Filter {
            root: normal(node.attribute("root").unwrap_or_default()),
            mode: node.attribute("mode").unwrap_or("replace").to_owned(),
            rules: rules.collect::<Result<_, String>>()?,
        })
    };
    filters.map(read).collect()
}

/// An attribute that changes what is covered must not be passed over.
fn known_attributes(element: &roxmltree::Node<'_, '_>, known: &[&str]) -> Result<(), String> {
    let other = element.attributes().find(|attribute| !known.contains(&attribute.name()));
    other.map_or(Ok(()), |other| {
        let name = element.tag_name().name();
        Err(format!(
            "the mock does not read {}=\"{}\" of <{name}> in META-INF/vault/filter.xml",
            other.name(),
            other.value()
        ))
    })
}

/// Java's properties in XML.
fn properties(files: &BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, String>, String> {
    let xml = text(files, "META-INF/vault/properties.xml")?;
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options);
    let document = document.map_err(|error| format!("META-INF/vault/properties.xml: {error}"))?;
    let entries = document.descendants().filter(|node| node.has_tag_name("entry"));
    let pair = |entry: roxmltree::Node<'_, '_>| {
        Some((entry.attribute("key")?.to_owned(), entry.text().unwrap_or_default().trim().to_owned()))
    };
    Ok(entries.filter_map(pair).collect())
}
