//! The predicates of a query, alone and in groups.

use std::collections::BTreeMap;

use regex::Regex;

use super::{Parameters, kind};
use crate::author::node_types;
use crate::author::repository::{Node, Value, normal, split};
use crate::author::sling_post::date;

/// The known predicates, for error messages.
const KNOWN: &str = "path, type, nodename, property, boolproperty, fulltext, daterange, rangeproperty, tagid and group";

/// A group of predicates, of which all or any must match.
pub(super) struct Group {
    any: bool,
    not: bool,
    predicates: Vec<Predicate>,
}

enum Predicate {
    Path { path: String, exact: bool, flat: bool, includes_self: bool },
    Type(String),
    Name(Regex),
    Property { name: String, operation: Operation, values: Vec<String>, all: bool },
    Text(Vec<(bool, String)>, Option<String>),
    Range { property: String, lower: Option<(Bound, bool)>, upper: Option<(Bound, bool)> },
    Group(Group),
}

enum Operation {
    Equals,
    EqualsIgnoreCase,
    Unequals,
    Like,
    Exists(bool),
}

/// A value that others are compared with: a time in milliseconds or a number.
type Bound = f64;

impl Group {
    /// Reads the parameters of a group.
    pub(super) fn read(parameters: Parameters) -> Result<Self, String> {
        let mut named: BTreeMap<String, Parameters> = BTreeMap::new();
        for (name, value) in parameters {
            let (first, part) = name.split_once('.').unwrap_or((&name, ""));
            named.entry(first.to_owned()).or_default().insert(part.to_owned(), value);
        }
        let own = named.remove("p").unwrap_or_default();
        if let Some(unknown) = own.keys().find(|name| !matches!(name.as_str(), "or" | "not")) {
            return Err(format!("it does not know p.{unknown} in a group"));
        }
        let is_on = |name: &str| own.get(name).is_some_and(|value| value == "true");
        let read = |(name, parameters): (String, Parameters)| Predicate::read(&name, parameters);
        let predicates = named.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { any: is_on("or"), not: is_on("not"), predicates })
    }

    /// The path below which all matches are, if the group restricts it.
    pub(super) fn root(&self) -> Option<String> {
        if self.any || self.not {
            return None;
        }
        self.predicates.iter().find_map(|predicate| match predicate {
            Predicate::Path { path, .. } => Some(path.clone()),
            _ => None,
        })
    }

    /// Whether a node matches.
    pub(super) fn fits(&self, path: &str, node: &Node) -> bool {
        let mut each = self.predicates.iter().map(|predicate| predicate.fits(path, node));
        let fits = if self.any { self.predicates.is_empty() || each.any(|fits| fits) } else { each.all(|fits| fits) };
        fits != self.not
    }
}

impl Predicate {
    fn read(name: &str, mut parameters: Parameters) -> Result<Self, String> {
        let kind = kind(name);
        if kind == "group" {
            return Group::read(parameters).map(Self::Group);
        }
        let mut take = |part: &str| parameters.remove(part);
        let is_on = |value: Option<String>| value.is_some_and(|value| value == "true");
        let needed = |value: Option<String>, what: &str| value.ok_or_else(|| format!("`{name}` lacks {what}"));
        let predicate = match kind {
            "path" => Self::Path {
                path: normal(&needed(take(""), "a path")?),
                exact: is_on(take("exact")),
                flat: is_on(take("flat")),
                includes_self: is_on(take("self")),
            },
            "type" => Self::Type(known_type(needed(take(""), "a type")?)?),
            "nodename" => Self::Name(glob(&needed(take(""), "a name")?)?),
            "boolproperty" => Self::Property {
                name: needed(take(""), "a property")?,
                operation: Operation::Equals,
                values: vec![take("value").unwrap_or_else(|| "true".to_owned())],
                all: false,
            },
            "tagid" => Self::Property {
                name: take("property").unwrap_or_else(|| "cq:tags".to_owned()),
                operation: Operation::Equals,
                values: vec![needed(take(""), "a tag")?],
                all: false,
            },
            "fulltext" => Self::Text(words(&needed(take(""), "a text")?)?, take("relPath")),
            "daterange" | "rangeproperty" => range(kind, &mut take)?,
            "property" => return Self::property(name, parameters),
            _ => return Err(format!("it does not know the predicate `{name}`, only {KNOWN}")),
        };
        nothing_left(name, &parameters)?;
        Ok(predicate)
    }

    fn property(name: &str, mut parameters: Parameters) -> Result<Self, String> {
        let property = parameters.remove("").ok_or_else(|| format!("`{name}` lacks a property"))?;
        let all = parameters.remove("and").is_some_and(|value| value == "true");
        let operation = parameters.remove("operation");
        let is_value = |part: &String| kind(part) == "value";
        let names: Vec<_> = parameters.keys().filter(|part| is_value(part)).cloned().collect();
        let values: Vec<_> = names.iter().filter_map(|part| parameters.remove(part)).collect();
        nothing_left(name, &parameters)?;
        let operation = match operation.as_deref() {
            None if values.is_empty() => Operation::Exists(true),
            None | Some("equals") => Operation::Equals,
            Some("equalsIgnoreCase") => Operation::EqualsIgnoreCase,
            Some("unequals") => Operation::Unequals,
            Some("like") => Operation::Like,
            Some("exists") => Operation::Exists(values.first().is_none_or(|value| value != "false")),
            Some("not") => Operation::Exists(false),
            Some(other) => return Err(format!("it does not know {name}.operation={other}")),
        };
        if values.is_empty() && !matches!(operation, Operation::Exists(_)) {
            return Err(format!("`{name}` lacks a value"));
        }
        Ok(Self::Property { name: property.trim_start_matches("./").replace('@', ""), operation, values, all })
    }

    fn fits(&self, path: &str, node: &Node) -> bool {
        match self {
            Self::Path { path: root, exact: true, .. } => path == root,
            Self::Path { path: root, flat, includes_self, .. } => {
                let below = path.strip_prefix(root.trim_end_matches('/')).filter(|rest| rest.starts_with('/'));
                let is_child = below.is_some_and(|rest| !flat || !rest[1..].contains('/'));
                is_child || (*includes_self && path == root)
            }
            Self::Type(wanted) => is_of_type(node, wanted),
            Self::Name(pattern) => split(path).is_some_and(|(_, name)| pattern.is_match(name)),
            Self::Property { name, operation, values, all } => operation.fits(value(node, name), values, *all),
            Self::Text(words, place) => {
                let place = place.as_deref().map_or(Some(node), |place| below(node, place));
                place.is_some_and(|node| words.iter().all(|(wanted, word)| contains(node, word) == *wanted))
            }
            Self::Range { property, lower, upper } => in_range(value(node, property), lower.as_ref(), upper.as_ref()),
            Self::Group(group) => group.fits(path, node),
        }
    }
}

impl Operation {
    fn fits(&self, value: Option<&Value>, wanted: &[String], all: bool) -> bool {
        let texts = value.map_or_else(Vec::new, Value::as_texts);
        let fits = |wanted: &String| match self {
            Self::Equals => texts.contains(wanted),
            Self::EqualsIgnoreCase => texts.iter().any(|text| text.to_lowercase() == wanted.to_lowercase()),
            Self::Unequals => value.is_some() && !texts.contains(wanted),
            Self::Like => like(wanted).is_some_and(|pattern| texts.iter().any(|text| pattern.is_match(text))),
            Self::Exists(_) => false,
        };
        match self {
            Self::Exists(wanted) => value.is_some() == *wanted,
            _ if all => wanted.iter().all(fits),
            _ => wanted.iter().any(fits),
        }
    }
}

fn nothing_left(name: &str, parameters: &Parameters) -> Result<(), String> {
    match parameters.keys().next() {
        Some(part) => Err(format!("it does not know `{name}.{part}`")),
        None => Ok(()),
    }
}

fn known_type(name: String) -> Result<String, String> {
    if node_types::exists(&name) { Ok(name) } else { Err(format!("the node type `{name}` does not exist")) }
}

/// Whether a node is of a type, of one derived from it, or has it as a mixin.
fn is_of_type(node: &Node, wanted: &str) -> bool {
    let own = node.primary_type();
    own == wanted
        || node.texts("jcr:mixinTypes").iter().any(|mixin| mixin == wanted)
        || match wanted {
            "nt:base" => true,
            "nt:hierarchyNode" => {
                ["nt:file", "nt:folder", "sling:Folder", "sling:OrderedFolder", "cq:Page", "dam:Asset"].contains(&own)
            }
            "nt:folder" => ["sling:Folder", "sling:OrderedFolder"].contains(&own),
            "sling:Folder" => own == "sling:OrderedFolder",
            "rep:Authorizable" => ["rep:User", "rep:SystemUser", "rep:Group"].contains(&own),
            "rep:User" => own == "rep:SystemUser",
            _ => false,
        }
}

/// The node at a relative path.
pub(super) fn below<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('/').filter(|name| !name.is_empty() && *name != ".").try_fold(node, |node, name| node.child(name))
}

/// The property at a relative path.
pub(super) fn value<'a>(node: &'a Node, path: &str) -> Option<&'a Value> {
    let (place, name) = path.trim_start_matches('@').rsplit_once('/').unwrap_or(("", path.trim_start_matches('@')));
    below(node, place)?.properties.get(name.trim_start_matches('@'))
}

fn pattern(text: &str, many: char, one: char) -> Option<Regex> {
    let letter = |letter: char| match letter {
        letter if letter == many => ".*".to_owned(),
        letter if letter == one => ".".to_owned(),
        letter => regex::escape(&letter.to_string()),
    };
    Regex::new(&format!("(?s)^{}$", text.chars().map(letter).collect::<String>())).ok()
}

fn like(text: &str) -> Option<Regex> {
    pattern(text, '%', '_')
}

fn glob(text: &str) -> Result<Regex, String> {
    pattern(text, '*', '?').ok_or_else(|| format!("nodename={text} cannot be read"))
}

/// Words and phrases that must occur or, with a minus, must not.
fn words(text: &str) -> Result<Vec<(bool, String)>, String> {
    let unknown = |word: &str| word == "OR" || word.contains(['*', '?', '~', '^', '(', ')']);
    let mut words = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        if index % 2 == 1 {
            words.push((true, part.to_lowercase()));
            continue;
        }
        for word in part.split_whitespace().filter(|word| *word != "AND") {
            if unknown(word) {
                return Err(format!("fulltext={text}: it reads words, phrases in quotes and a minus, not `{word}`"));
            }
            let excluded = word.strip_prefix('-');
            words.push((excluded.is_none(), excluded.unwrap_or(word).to_lowercase()));
        }
    }
    if words.iter().any(|(wanted, _)| *wanted) { Ok(words) } else { Err("fulltext has no word".to_owned()) }
}

/// Whether a node contains a text; for an asset or a page, also any node below it.
fn contains(node: &Node, word: &str) -> bool {
    let has = |value: &Value| {
        matches!(value, Value::Text(_) | Value::Texts(_))
            && value.as_texts().iter().any(|text| text.to_lowercase().contains(word))
    };
    let deep = matches!(node.primary_type(), "dam:Asset" | "cq:Page" | "nt:file");
    node.properties.values().any(has) || (deep && node.children.values().any(|child| contains_deep(child, &has)))
}

fn contains_deep(node: &Node, has: &impl Fn(&Value) -> bool) -> bool {
    node.properties.values().any(has) || node.children.values().any(|child| contains_deep(child, has))
}

fn range(kind: &str, take: &mut impl FnMut(&str) -> Option<String>) -> Result<Predicate, String> {
    let property = take("property").ok_or_else(|| format!("{kind} lacks .property"))?;
    let mut bound = |side: &str, closed: &str| -> Result<Option<(Bound, bool)>, String> {
        let (text, operation) = (take(&format!("{side}Bound")), take(&format!("{side}Operation")));
        let Some(text) = text else { return Ok(None) };
        let read = if kind == "daterange" { moment(&text) } else { text.parse().ok() };
        let read = read.ok_or_else(|| format!("{kind}.{side}Bound={text} cannot be read"))?;
        let open = closed.trim_end_matches('=');
        match operation.as_deref() {
            None => Ok(Some((read, false))),
            Some(operation) if operation == closed => Ok(Some((read, true))),
            Some(operation) if operation == open => Ok(Some((read, false))),
            Some(other) => Err(format!("{kind}.{side}Operation={other} is neither {open} nor {closed}")),
        }
    };
    Ok(Predicate::Range { property, lower: bound("lower", ">=")?, upper: bound("upper", "<=")? })
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact as f64")]
fn moment(text: &str) -> Option<Bound> {
    let day = || date(&format!("{text}T00:00:00Z"));
    date(text).or_else(day).map(|(at, _)| at.as_millisecond() as f64)
}

#[expect(clippy::cast_precision_loss, reason = "a comparison of large numbers need not be exact")]
fn in_range(value: Option<&Value>, lower: Option<&(Bound, bool)>, upper: Option<&(Bound, bool)>) -> bool {
    let number = match value {
        Some(Value::Date(at, _)) => at.as_millisecond() as f64,
        Some(Value::Long(number)) => *number as f64,
        Some(Value::Double(number)) => *number,
        _ => return false,
    };
    let above = lower.is_none_or(|(bound, closed)| number > *bound || (*closed && number >= *bound));
    above && upper.is_none_or(|(bound, closed)| number < *bound || (*closed && number <= *bound))
}
