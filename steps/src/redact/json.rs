//! Secrets in JSON, by the names of its properties: nested, in lists, as pairs of name and value. Truncated
//! or invalid JSON, and JSON that is followed by other text, is read as far as possible.

use std::ops::Range;

use bpconform_fixtures::{SecretNames, Sensitivity};

use super::names::Names;
use super::value::{Finding, is_address, judge, looks_chosen, looks_drawn, looks_strong};
use super::{MASK, NUMBER};

/// Properties whose value is the name of what another property of the same object holds.
const NAMING: [&str; 10] =
    ["name", "key", "id", "property", "propertyname", "header", "field", "param", "parameter", "attribute"];

/// Properties that hold what another property of the same object names.
const HOLDING: [&str; 14] = [
    "value",
    "values",
    "val",
    "data",
    "content",
    "text",
    "raw",
    "default",
    "defaultvalue",
    "$",
    "_",
    "#text",
    "propertyvalue",
    "fieldvalue",
];

/// Properties whose value is what a page shows beside a field. An option of a list has a label, too, so that what it labels
/// must look like a secret.
const LABELLING: [&str; 4] = ["title", "label", "displayname", "fieldlabel"];

/// The properties that hold what is labelled.
const LABELLED: [&str; 4] = ["value", "val", "propertyvalue", "fieldvalue"];

/// Deeper than that nothing is read.
const DEEPEST: usize = 256;

/// An object or a list that has begun.
#[derive(Debug)]
struct Frame {
    is_list: bool,
    /// What the name of the whole says.
    inherited: Sensitivity,
    /// What the name of the next value says.
    next: Option<Next>,
    /// The next value names what another property holds.
    names_next: bool,
    /// What such a name says.
    named: Option<Sensitivity>,
    /// The values that it may be about.
    held: Vec<Range<usize>>,
    /// The next value is one that a label may be about.
    holds_label: bool,
    /// The next value labels what another property holds, or is the type of a field.
    labels_next: Option<Label>,
    /// What a label says, or the type of a field.
    labelled: Option<Label>,
    /// The values that it may be about.
    held_by_label: Vec<Range<usize>>,
    /// The strings of a list, as far as they may be a pair.
    strings: Vec<Range<usize>>,
}

impl Frame {
    fn new(is_list: bool, inherited: Sensitivity) -> Self {
        Self {
            is_list,
            inherited,
            next: None,
            names_next: false,
            named: None,
            held: Vec::new(),
            holds_label: false,
            labels_next: None,
            labelled: None,
            held_by_label: Vec::new(),
            strings: Vec::new(),
        }
    }
}

/// What says that another property holds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    /// A text beside a field.
    Text,
    /// The type of a field: `password`.
    Type,
}

/// What the name of a property says of its value.
#[derive(Clone, Copy, Debug)]
struct Next {
    name: Sensitivity,
    /// It holds what another property names, or what the name of the whole says.
    holds: bool,
    /// It is public whatever the name of the whole says.
    refers: bool,
    /// It has several words, and may be a caption with its translation.
    is_caption: bool,
}

impl Next {
    /// What it says below that name.
    fn below(self, inherited: Sensitivity) -> Sensitivity {
        if self.refers && !self.holds { self.name } else { self.name.max(inherited) }
    }
}

/// What stands in a text, as ranges.
struct Reader<'a, 'n> {
    text: &'a str,
    names: &'a Names<'n>,
    frames: Vec<Frame>,
    found: Vec<Finding>,
    /// Strings with escapes: their content may be structured text.
    escaped: Vec<Range<usize>>,
}

/// Finds the secrets, and the strings that have escapes.
pub(super) fn find(text: &str, names: &Names<'_>, escaped: &mut Vec<Range<usize>>) -> Vec<Finding> {
    let mut reader = Reader {
        text,
        names,
        frames: vec![Frame::new(false, Sensitivity::Public)],
        found: Vec::new(),
        escaped: Vec::new(),
    };
    reader.read();
    escaped.append(&mut reader.escaped);
    reader.found
}

impl Reader<'_, '_> {
    fn read(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'{' => self.begin(false),
                b'[' => self.begin(true),
                b'}' | b']' => self.end(),
                b',' => self.top().next = None,
                b'"' => {
                    at = self.string(at);
                    continue;
                }
                b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    at = self.bare(at);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        while self.frames.len() > 1 {
            self.end();
        }
        self.close();
    }

    fn top(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::new(false, Sensitivity::Public));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn begin(&mut self, is_list: bool) {
        let top = self.top();
        let inherited = top.inherited;
        let inherited = top.next.take().map_or(inherited, |next| next.below(inherited));
        if self.frames.len() < DEEPEST {
            self.frames.push(Frame::new(is_list, inherited));
        }
    }

    fn end(&mut self) {
        if self.frames.len() > 1 {
            self.close();
        }
    }

    /// What a whole object or list says: pairs of a name and a value.
    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if let Some(name) = frame.named.filter(|name| *name > Sensitivity::Public) {
            for part in frame.held {
                self.found.extend(judge(name, self.text, part, true));
            }
        }
        if let Some(label) = frame.labelled {
            for part in frame.held_by_label {
                let value = &self.text[part.clone()];
                if label == Label::Type || (looks_strong(value) && !is_address(value) && is_token(value)) {
                    let sure = looks_drawn(value);
                    self.found.extend(judge(Sensitivity::Secret, self.text, part, sure));
                }
            }
        }
        if let (true, [name, value]) = (frame.is_list, frame.strings.as_slice()) {
            let name = &self.text[name.clone()];
            let other = self.names.classify(&self.text[value.clone()]);
            if is_name(name) && other == Sensitivity::Public {
                self.found.extend(judge(self.names.classify(name), self.text, value.clone(), true));
            }
        }
    }

    /// Reads a string that begins there, and gives back where it ends.
    fn string(&mut self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        let mut has_escapes = false;
        loop {
            match memchr::memchr2(b'"', b'\\', &bytes[end.min(bytes.len())..]) {
                Some(further) if bytes[end + further] == b'\\' => {
                    has_escapes = true;
                    end += further + 2;
                }
                Some(further) => {
                    end += further;
                    break;
                }
                None => {
                    end = bytes.len();
                    break;
                }
            }
        }
        let part = start + 1..end;
        let after = (end + 1).min(bytes.len());
        let colon = bytes[after..].iter().position(|byte| !byte.is_ascii_whitespace());
        let is_name = colon.is_some_and(|further| bytes[after + further] == b':') && !self.top().is_list;
        if is_name {
            self.name(&part);
            return after + colon.unwrap_or_default() + 1;
        }
        if has_escapes {
            self.escaped.push(part.clone());
        }
        self.value(part);
        after
    }

    fn name(&mut self, part: &Range<usize>) {
        let name = &self.text[part.clone()];
        let lower = name.to_ascii_lowercase();
        let holds = HOLDING.contains(&lower.as_str());
        let said = self.names.classify(name);
        let top = self.top();
        // Below a public name it makes no difference.
        let refers = top.inherited > Sensitivity::Public && SecretNames::built_in().is_reference(name);
        let next = Next { name: said, holds, refers, is_caption: name.contains(' ') };
        top.next = Some(next);
        top.names_next = NAMING.contains(&lower.as_str());
        top.labels_next = match lower.as_str() {
            "type" => Some(Label::Type),
            label => LABELLING.contains(&label).then_some(Label::Text),
        };
        top.holds_label = LABELLED.contains(&lower.as_str());
    }

    fn value(&mut self, part: Range<usize>) {
        let top = self.top();
        let names_next = std::mem::take(&mut top.names_next);
        let labels_next = top.labels_next.take();
        let (next, inherited) = (top.next.take(), top.inherited);
        if std::mem::take(&mut top.holds_label) && next.is_some() {
            top.held_by_label.push(part.clone());
        }
        if top.is_list && top.strings.len() < 3 {
            top.strings.push(part.clone());
        }
        if next.is_some_and(|next| next.holds) {
            top.held.push(part.clone());
        }
        let own = next.map_or(Sensitivity::Public, |next| next.name);
        let name = next.map_or(inherited, |next| next.below(inherited));
        if names_next && is_name(&self.text[part.clone()]) {
            let said = self.names.classify(&self.text[part.clone()]);
            let top = self.top();
            top.named = top.named.max(Some(said));
        }
        let said = &self.text[part.clone()];
        let is_label = match labels_next {
            Some(Label::Type) => said.eq_ignore_ascii_case("password"),
            Some(Label::Text) => is_name(said) && self.names.classify(said) == Sensitivity::Secret,
            None => false,
        };
        if is_label {
            let top = self.top();
            top.labelled = top.labelled.max(labels_next);
        }
        // What only stands below the name of a secret may be something about it.
        let holds = next.is_some_and(|next| next.holds);
        let is_own = own == Sensitivity::Secret && next.is_some_and(|next| !next.is_caption);
        let sure = is_own || holds || is_token(&self.text[part.clone()]);
        self.found.extend(judge(name, self.text, part, sure));
    }

    /// A number, `true`, `false`, `null`, or invalid JSON. Only a number may be a secret.
    fn bare(&mut self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let length = bytes[start..].iter().position(|byte| !(byte.is_ascii_alphanumeric() || b".+-".contains(byte)));
        let end = start + length.unwrap_or(bytes.len() - start);
        let top = self.top();
        let inherited = top.inherited;
        let name = top.next.take().map_or(inherited, |next| next.below(inherited));
        let number = self.text[start..end].starts_with(|c: char| c.is_ascii_digit() || c == '-');
        // Nought is a count: `"tokens":0`.
        if number && name == Sensitivity::Secret && &self.text[start..end] != "0" {
            self.found.push(Finding { part: start..end, instead: NUMBER, sure: false });
        }
        end.max(start + 1)
    }
}

/// Whether a text may be a password or a token, and no part of a structure and no name of something.
fn is_token(text: &str) -> bool {
    looks_strong(text)
        && (looks_drawn(text) || looks_chosen(text))
        && !text.contains(|letter: char| letter.is_whitespace() || "\"{}[]<>,".contains(letter))
}

/// Whether a text may be a name.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && !text.contains(MASK)
        && text.chars().all(|letter| letter.is_alphanumeric() || "_.:-$@ /".contains(letter))
}
