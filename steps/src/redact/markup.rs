//! Secrets in XML and HTML: in elements and attributes with such a name, in form fields, and behind such a name that stands in
//! an element before it or at the head of the column.

use std::ops::Range;

use bpconform_fixtures::Sensitivity;

use super::names::Names;
use super::value::{Finding, judge, looks_chosen, looks_drawn, looks_strong};

/// Attributes whose value is the name of what the element or another attribute holds.
const NAMING: [&str; 8] = ["name", "key", "id", "property", "itemprop", "header", "data-name", "for"];

/// Attributes that hold what another one names.
const HOLDING: [&str; 6] = ["value", "val", "content", "data-value", "values", "default"];

/// Elements whose text may name what the next one holds.
const LABELS: [&str; 8] = ["td", "th", "dt", "label", "b", "strong", "coral-label", "span"];

/// Elements whose own name is for scripts and styles: what is in them is a secret only if it looks like one.
const PARTS: [&str; 22] = [
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "div",
    "section",
    "article",
    "header",
    "footer",
    "nav",
    "main",
    "form",
    "fieldset",
    "ul",
    "li",
    "a",
    "button",
    "select",
    "table",
    "coral-tab",
];

/// Heads of columns beside which another one is a head, too, and no value.
const USERS: [&str; 7] = ["user", "username", "user name", "login", "account", "email", "benutzer"];

/// Elements whose text leads to another page, and is no value.
const LINKS: [&str; 2] = ["a", "button"];

/// What stands between a name and its value.
const SIGNS: [char; 5] = [':', '=', '：', '＝', '*'];

/// Elements that have no content.
const VOID: [&str; 8] = ["input", "meta", "param", "link", "br", "hr", "img", "col"];

/// So many columns of a table are followed.
const COLUMNS: usize = 1000;

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
    let mut reader = Reader {
        text,
        names,
        found: Vec::new(),
        inside: None,
        label: None,
        element: "",
        columns: Vec::new(),
        column: 0,
        next_column: 0,
        rows: 0,
        heads: 0,
        has_user: false,
        first: None,
        is_cell: false,
        is_head: false,
    };
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
    label: Option<Label>,
    /// The element that the text is in; empty after the end of one.
    element: &'a str,
    /// What the heads of the columns of a table say.
    columns: Vec<Head>,
    /// The column of the last cell, and of the next one.
    column: usize,
    next_column: usize,
    /// The number of rows that ended; the end of one may be left out.
    rows: usize,
    /// The number of head cells of this row.
    heads: usize,
    /// Whether a cell of the first row names a user.
    has_user: bool,
    /// What the first cell of the first row says, if it is not marked as a head.
    first: Option<Label>,
    /// Whether the text is in a cell, and in one of a head.
    is_cell: bool,
    is_head: bool,
}

/// What the head of a column says of its cells.
#[derive(Clone, Copy, Debug)]
struct Head {
    said: Sensitivity,
    /// Whether it is certain that it is one: a table of properties has none, and its first value may be a name.
    is_certain: bool,
}

/// A text that names what follows it.
#[derive(Clone, Copy, Debug)]
struct Label {
    said: Sensitivity,
    /// Whether a sign says that a value follows.
    has_sign: bool,
    /// Whether it is in one of [`LABELS`].
    is_element: bool,
    is_head: bool,
    column: usize,
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
            let is_own = self.inside.is_some_and(|(element, _)| element == self.element) && !has_space(content);
            let found = judge(name, self.text, part.clone(), is_own || is_secret_elsewhere(content));
            // What only hints at a secret, such as `key` and `code`, may hold its name or be behind one.
            if name == Sensitivity::Secret || found.is_some() {
                self.found.extend(found);
                return;
            }
        }
        if let Some(label) = self.label.as_mut().filter(|_| content.chars().all(|it| SIGNS.contains(&it))) {
            label.has_sign = true;
            return;
        }
        let is_below = |head: &&Head| self.is_cell && !self.is_head && (head.is_certain || self.rows > 0);
        if let Some(head) = self.columns.get(self.column).filter(is_below) {
            let is_value = head.is_certain || self.has_user || (looks_strong(content) && !has_space(content));
            let said = if is_value { head.said } else { Sensitivity::Public };
            self.found.extend(judge(said, self.text, part.clone(), is_secret_elsewhere(content)));
        }
        let next = self.read_label(content);
        // Not every table marks the heads of its columns.
        let is_first = self.is_cell && !self.is_head && self.rows == 0;
        if is_first && is_of(&USERS, content) {
            self.add_user();
        }
        if let Some(head) = next.filter(|label| label.is_head || (is_first && self.column > 0)) {
            self.add_head(head);
        } else if let Some(label) = next.filter(|_| is_first && self.column == 0) {
            // The names of properties stand in the first column.
            self.first = Some(label);
        }
        if let Some(label) = self.label.take().filter(|label| self.holds_value(*label, content)) {
            self.found.extend(judge(label.said, self.text, part, is_secret_elsewhere(content)));
        }
        self.label = next;
    }

    /// What a text says of the one that follows it.
    fn read_label(&self, content: &str) -> Option<Label> {
        let name = content.trim_end_matches(|it: char| SIGNS.contains(&it) || it.is_whitespace());
        let has_sign = content.ends_with([':', '=', '：', '＝']);
        // Only a sign shows that the end of a sentence is a name.
        let start = if name.len() <= NAME { 0 } else { name.char_indices().rev().nth(NAME / 2)?.0 };
        if name.is_empty() || (start > 0 && !has_sign) {
            return None;
        }
        let said = self.names.classify(&name[start..]);
        let is_element = self.is_cell || is_of(&LABELS, self.element);
        let (is_head, column) = (self.is_head, self.column);
        (said > Sensitivity::Public).then_some(Label { said, has_sign, is_element, is_head, column })
    }

    /// Whether a text is the value behind a label, and not another label or a sentence.
    fn holds_value(&self, label: Label, content: &str) -> bool {
        if is_of(&LINKS, self.element) || (label.is_head && self.is_head) {
            return false;
        }
        let is_value = self.is_cell || (!self.element.is_empty() && !is_of(&LABELS[2..], self.element));
        if self.is_cell && self.rows == 0 && self.has_user && is_of(&USERS, content) {
            return false;
        }
        let is_word = looks_strong(content) && !has_space(content);
        is_word || (label.has_sign && !content.ends_with(':')) || (label.is_element && is_value)
    }

    fn tag(&mut self, tag: &Tag<'a>) {
        self.table(tag);
        if tag.is_end {
            self.inside = self.inside.filter(|(name, _)| *name != tag.name);
            self.element = "";
            return;
        }
        if !is_of(&VOID, tag.name) {
            self.element = tag.name;
        }
        // Within what only hints at a secret there may be one.
        if self.inside.is_some_and(|(_, said)| said == Sensitivity::Secret) {
            return;
        }
        let named = self.named(tag);
        let local = tag.name.rsplit(':').next().unwrap_or_default();
        let said = self.names.classify(tag.name).max(self.names.classify(local));
        let is_html = is_of(&LABELS, tag.name) || is_of(&VOID, tag.name) || is_of(&["form"], tag.name);
        let said = if is_html { named } else { said.max(named) };
        for (_, value) in tag.attributes.iter().filter(|(name, _)| is_of(&HOLDING, name)) {
            self.found.extend(judge(said, self.text, value.clone(), true));
        }
        if said > Sensitivity::Public
            && !tag.is_empty
            && !is_of(&VOID, tag.name)
            && !is_of(&["form", "label"], tag.name)
        {
            self.inside = Some((tag.name, said));
        }
    }

    /// Follows the rows and columns of a table.
    fn table(&mut self, tag: &Tag<'_>) {
        if is_of(&["table"], tag.name) {
            (self.columns, self.label, self.rows) = (Vec::new(), None, 0);
            (self.heads, self.has_user, self.first) = (0, false, None);
        } else if is_of(&["tr"], tag.name) {
            self.label = None;
            self.rows += usize::from(self.next_column > 0);
            (self.next_column, self.heads) = (0, 0);
        } else if is_of(&["th", "td"], tag.name) {
            (self.is_cell, self.is_head) = (!tag.is_end, !tag.is_end && is_of(&["th"], tag.name));
            if !tag.is_end {
                let wide = tag.attributes.iter().find(|(name, _)| is_of(&["colspan"], name));
                let wide = wide.and_then(|(_, number)| self.text[number.clone()].parse().ok()).unwrap_or(1);
                self.column = self.next_column;
                self.next_column = (self.column + wide).min(COLUMNS);
                // A single head before other cells is that of its row.
                let first = self.columns.first_mut().filter(|_| self.heads == 1 && !self.is_head && self.column > 0);
                first.into_iter().for_each(|head| head.said = Sensitivity::Public);
                self.heads += usize::from(self.is_head);
            }
        }
    }

    fn add_head(&mut self, label: Label) {
        if self.columns.len() <= label.column {
            self.columns.resize(label.column + 1, Head { said: Sensitivity::Public, is_certain: false });
        }
        self.columns[label.column] = Head { said: label.said, is_certain: label.is_head };
    }

    /// A cell of the first row names a user: then this row is one of heads.
    fn add_user(&mut self) {
        self.has_user = true;
        if let Some(label) = self.first.take() {
            self.add_head(label);
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
        let named = if is_of(&PARTS, tag.name) { named.min(Sensitivity::Hint) } else { named };
        if !is_of(&["input"], tag.name) {
            return named;
        }
        named.max(self.label.take().map_or(Sensitivity::Public, |label| label.said))
    }
}

/// Whether a text of a page is a secret elsewhere too: captions and names of things stand in the same places.
fn is_secret_elsewhere(content: &str) -> bool {
    !has_space(content) && (looks_drawn(content) || looks_chosen(content))
}

fn has_space(content: &str) -> bool {
    content.contains(char::is_whitespace)
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
