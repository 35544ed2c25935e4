//! Secrets in XML and HTML: in elements and attributes with such a name, in form fields, and in table cells that follow such
//! a name.

use std::ops::Range;

use bpconform_fixtures::Sensitivity;

use super::names::Names;
use super::value::{Finding, judge};

/// Attributes whose value is the name of what the element or another attribute holds.
const NAMING: [&str; 8] = ["name", "key", "id", "property", "itemprop", "header", "data-name", "for"];

/// Attributes that hold what another one names.
const HOLDING: [&str; 6] = ["value", "val", "content", "data-value", "values", "default"];

/// Elements whose text may name what the next one holds.
const LABELS: [&str; 8] = ["td", "th", "dt", "label", "b", "strong", "coral-label", "span"];

/// Elements that have no content.
const VOID: [&str; 8] = ["input", "meta", "param", "link", "br", "hr", "img", "col"];

/// The longest text that may be a name.
const NAME: usize = 60;

/// A tag of a text.
#[derive(Debug)]
struct Tag<'a> {
    name: &'a str,
    is_end: bool,
    is_empty: bool,
    attributes: Vec<(&'a str, Range<usize>)>,
    end: usize,
}

/// Finds the secrets. Tags that do not end, and ends of what did not begin, are passed over.
pub(super) fn find(text: &str, names: &Names<'_>) -> Vec<Finding> {
    let mut reader = Reader { text, names, found: Vec::new(), inside: None, label: None, element: "" };
    reader.read();
    reader.found
}

struct Reader<'a, 'n> {
    text: &'a str,
    names: &'a Names<'n>,
    found: Vec<Finding>,
    /// The element whose text is a secret, and what its name says.
    inside: Option<(&'a str, Sensitivity)>,
    /// What the last label says of what follows it.
    label: Option<Sensitivity>,
    element: &'a str,
}

impl<'a> Reader<'a, '_> {
    fn read(&mut self) {
        let mut at = 0;
        while at < self.text.len() {
            let next = memchr::memchr(b'<', &self.text.as_bytes()[at..]).map_or(self.text.len(), |next| at + next);
            if let Some(data) = self.text[next..].strip_prefix("<![CDATA[") {
                self.content(at..next);
                let start = self.text.len() - data.len();
                let end = data.find("]]>").map_or(self.text.len(), |end| start + end);
                self.content(start..end);
                at = (end + 3).min(self.text.len());
                continue;
            }
            let Some(tag) = tag(self.text, next) else {
                // A `<` that begins no tag is text.
                let end = (next + 1).min(self.text.len());
                self.content(at..end.max(at));
                at = end.max(at + 1);
                while at < self.text.len() && !self.text.is_char_boundary(at) {
                    at += 1;
                }
                continue;
            };
            self.content(at..next);
            at = tag.end;
            self.tag(&tag);
        }
    }

    fn content(&mut self, part: Range<usize>) {
        let content = self.text[part.clone()].trim();
        if content.is_empty() {
            return;
        }
        if let Some((_, name)) = self.inside {
            self.found.extend(judge(name, self.text, part, true));
            return;
        }
        let label = self.label.take();
        if let Some(name) = label.filter(|_| !LABELS[2..].contains(&self.element)) {
            self.found.extend(judge(name, self.text, part, true));
        } else if content.len() <= NAME && LABELS.contains(&self.element) {
            let said = self.names.classify(content.trim_end_matches([':', '*', ' ']));
            self.label = (said == Sensitivity::Secret).then_some(said);
        }
    }

    fn tag(&mut self, tag: &Tag<'a>) {
        if tag.is_end {
            self.inside = self.inside.filter(|(name, _)| *name != tag.name);
            return;
        }
        self.element = tag.name;
        if self.inside.is_some() {
            return;
        }
        let named = self.named(tag);
        let local = tag.name.rsplit(':').next().unwrap_or_default();
        let said = self.names.classify(tag.name).max(self.names.classify(local));
        let is_html = LABELS.contains(&tag.name) || VOID.contains(&tag.name) || tag.name == "form";
        let said = if is_html { named } else { said.max(named) };
        for (_, value) in tag.attributes.iter().filter(|(name, _)| is_of(&HOLDING, name)) {
            self.found.extend(judge(said, self.text, value.clone(), true));
        }
        if said > Sensitivity::Public
            && !tag.is_empty
            && !VOID.contains(&tag.name)
            && tag.name != "form"
            && tag.name != "label"
        {
            self.inside = Some((tag.name, said));
        }
    }

    /// What the attributes of a tag say of what it holds.
    fn named(&mut self, tag: &Tag<'_>) -> Sensitivity {
        let of = |(name, value): &(&str, Range<usize>)| {
            let value = &self.text[value.clone()];
            let is_password = name.eq_ignore_ascii_case("type") && value.eq_ignore_ascii_case("password");
            if is_password || is_of(&NAMING, name) {
                let value = value.rsplit('/').next().unwrap_or_default();
                self.names.classify(value).max(if is_password { Sensitivity::Secret } else { Sensitivity::Public })
            } else {
                Sensitivity::Public
            }
        };
        let named = tag.attributes.iter().map(of).max().unwrap_or(Sensitivity::Public);
        if tag.name == "input" { named.max(self.label.take().unwrap_or(Sensitivity::Public)) } else { named }
    }
}

/// Whether it is one of these names, in any case.
fn is_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The tag that begins there, if one does and ends.
fn tag(text: &str, start: usize) -> Option<Tag<'_>> {
    let inside = text.get(start + 1..)?;
    let (is_end, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
    if !inside.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        return None;
    }
    let letter = |letter: char| letter.is_alphanumeric() || "_:.-".contains(letter);
    let length = inside.find(|it: char| !letter(it)).unwrap_or(inside.len());
    let name = &inside[..length];
    let mut at = text.len() - inside.len() + length;
    let mut attributes = Vec::new();
    loop {
        let rest = &text[at..];
        let skipped = rest.trim_start_matches(|it: char| it.is_whitespace() || it == '/');
        let is_empty = rest[..rest.len() - skipped.len()].ends_with('/');
        at += rest.len() - skipped.len();
        match skipped.chars().next()? {
            '>' => return Some(Tag { name, is_end, is_empty, attributes, end: at + 1 }),
            '<' => return None,
            _ => {}
        }
        let (attribute, end) = attribute(text, at)?;
        attributes.extend(attribute);
        at = end;
    }
}

/// An attribute, if it has a value, and where what follows it begins.
type Attribute<'a> = (Option<(&'a str, Range<usize>)>, usize);

/// The attribute that begins there; none if it does not end.
fn attribute(text: &str, start: usize) -> Option<Attribute<'_>> {
    let rest = &text[start..];
    let length = rest.find(|it: char| it.is_whitespace() || "=/><".contains(it)).unwrap_or(rest.len());
    let (name, end) = (&rest[..length], start + length);
    let Some(value) = text[end..].trim_start().strip_prefix('=') else {
        // At least one letter, to skip anything that is not an attribute.
        return Some((None, if length == 0 { end + rest.chars().next()?.len_utf8() } else { end }));
    };
    let value = value.trim_start();
    let begin = text.len() - value.len();
    let quote = value.chars().next().filter(|first| ['"', '\''].contains(first));
    let (part, end) = if let Some(quote) = quote {
        let end = begin + 1 + value[1..].find(quote)?;
        (begin + 1..end, end + 1)
    } else {
        let end = begin + value.find(|it: char| it.is_whitespace() || it == '>').unwrap_or(value.len());
        (begin..end, end)
    };
    Some((Some((name, part)), end))
}
