//! Keeps secrets out of every byte that leaves the process.
//!
//! A secret is recognized because the run knows it, by the name of the value (a property, a header, a field, a parameter),
//! or by its shape. A secret that is recognized by its name is learned, and then masked in every encoding. A value that is
//! short or in the program's vocabulary is masked only where its name shows that it is the secret: reports would be useless
//! if a password `admin` masked a part of every path.

mod encoded;
mod fields;
mod forms;
mod json;
mod judged;
mod known;
mod markup;
mod names;
mod pairs;
mod records;
mod shapes;
mod tables;
mod told;
mod value;
mod views;
mod vocabulary;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use regex::Regex;

pub(crate) use encoded::in_wide_units;
use judged::{Judged, Ways};
use known::Known;
use names::Names;
use pairs::Author;
use value::Finding;
use views::View;

/// The replacement of a secret; of fixed width, so that it does not reveal the length.
pub const MASK: &str = "[secret]";

/// The replacement of a value that the Author encrypted: the fact that it is encrypted is public.
pub const ENCRYPTED: &str = "{encrypted}";

/// The mask in place of a number in JSON.
const NUMBER: &str = "\"[secret]\"";

/// What stands where the rest of a text was left out.
const CUT: char = '…';

/// So many cuts of a text are looked at. Messages have few; a body of another program must not cost a search for each.
const CUTS: usize = 64;

/// Shorter values are public words, in bytes.
const PUBLIC: usize = 6;

/// Longer texts are looked at in parts, so that memory stays bounded, in bytes.
const PART: usize = 256 * 1024;

/// So much of the end of a text that was cut may be an escaped secret, in bytes.
const ESCAPED_CUT: usize = 32 * 1024;

/// To look for what is known in a text that is not longer costs no more than to remember that it is clean, in bytes.
const SENTENCE: usize = 256;

/// So far around a place a text is looked at, in bytes: to look at all of it at each place would take hours.
const NEAR: usize = 2048;

/// The maximum depth of text nested within text.
const DEEPEST: usize = 3;

/// How a text is looked at for secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Only for what the run knows.
    Known,
    /// For what looks like one, too.
    Looks,
    /// For what stands behind a name, too.
    Structure(Author),
}

impl Reading {
    /// The bit of this way to look at a text.
    const fn way(self) -> Ways {
        match self {
            Self::Known => 1,
            Self::Looks => 2,
            Self::Structure(Author::Program) => 4,
            Self::Structure(Author::Other) => 8,
        }
    }

    /// The ways in which a text is clean that is clean in this one: those that find no more.
    const fn covers(self) -> Ways {
        match self {
            Self::Known => 1,
            Self::Looks => 1 | 2,
            Self::Structure(_) => 1 | 2 | self.way(),
        }
    }
}

/// Knows the secrets of a run and replaces them. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    known: RwLock<Known>,
    /// Values that are public although their names suggest a secret, such as the client id that is also called an API key.
    open: RwLock<HashSet<String>>,
    /// Words of the target, in lower case: they occur in many texts for other reasons than that they are secret.
    words: RwLock<HashSet<String>>,
    /// Names that the operator added.
    more: OnceLock<Vec<Regex>>,
    /// What was looked at and holds nothing to mask.
    judged: Judged,
}

impl Redactor {
    /// Takes names that match one of these for those of secrets, too. Only the first call counts.
    pub fn add_names(&self, patterns: Vec<Regex>) {
        let _ = self.shared.more.set(patterns);
    }

    /// Learns a secret and all forms in which it may appear. A value that [`is_public`] calls a public word is masked only
    /// where its position says that it is the secret.
    pub fn learn(&self, secret: &str) {
        // Every scenario passes the secrets of the run again.
        if self.shared.judged.was_offered(secret) {
            return;
        }
        if !is_public(secret) {
            self.shared.known.write().unwrap_or_else(PoisonError::into_inner).learn(secret);
            self.shared.judged.begin_again();
        }
        self.shared.judged.offered(secret);
    }

    /// Never masks a value, which is known not to be a secret.
    pub fn keep_readable(&self, value: &str) {
        self.shared.open.write().unwrap_or_else(PoisonError::into_inner).insert(value.to_owned());
    }

    /// Takes a word of the target, such as the label of a host or the name of an agent, into the vocabulary: if it is found
    /// as a password of the target, it is masked only where its position says that it is one.
    pub fn add_word(&self, word: &str) {
        self.shared.words.write().unwrap_or_else(PoisonError::into_inner).insert(word.to_lowercase());
    }

    /// A text of the program itself, with every secret masked.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.pass(text, Reading::Structure(Author::Program))
    }

    /// A text of another program, such as the target, with every secret masked. Secrets that are found in it are learned.
    pub fn redact_foreign<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.pass(text, Reading::Structure(Author::Other))
    }

    /// A text with only those secrets masked that the run knows or that are secrets by their looks: for data whose form is
    /// the program's own, and whose texts were masked before.
    pub fn redact_known<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.pass(text, Reading::Looks)
    }

    /// A text with only those secrets masked that the run knows: what the program hands out on purpose, such as the
    /// credentials of a mock, stays.
    pub fn redact_learned<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.pass(text, Reading::Known)
    }

    /// A report of a record whose every text was masked before, with those secrets masked that the run knows, in the forms
    /// in which they stand there. To look for other escapes in a whole page costs more than the run.
    pub fn redact_rendered(&self, text: &str) -> String {
        parts(text).fold(String::with_capacity(text.len()), |masked, part| {
            let found = self.known().find(part);
            masked + &replace(part, found)
        })
    }

    /// Learns what is secret in a text that somebody else wrote.
    pub fn learn_from(&self, text: &str) {
        // Each page of a browser brings the same scripts.
        if self.shared.judged.was_learned_from(text) {
            return;
        }
        for part in parts(text) {
            let found = self.findings(&views::all(part), Reading::Structure(Author::Other), 0);
            self.learn_found(part, &found);
        }
        self.shared.judged.learned_from(text);
    }

    fn pass<'t>(&self, text: &'t str, reading: Reading) -> Cow<'t, str> {
        if reading == Reading::Known && text.len() <= SENTENCE {
            let is_clean = is_plain(text) && self.known().find(text).is_empty();
            return if is_clean { Cow::Borrowed(text) } else { self.mask(text, reading) };
        }
        let look = match self.shared.judged.look(text, reading.way()) {
            Ok(look) => look,
            Err(judged::Clean) => return Cow::Borrowed(text),
        };
        let masked = self.mask(text, reading);
        if matches!(masked, Cow::Borrowed(_)) {
            self.shared.judged.is_clean(look, reading.covers());
        }
        masked
    }

    /// The text itself if there is nothing to mask.
    fn mask<'t>(&self, text: &'t str, reading: Reading) -> Cow<'t, str> {
        let mut all = Vec::new();
        let mut start = 0;
        for part in parts(text) {
            let views = views::all(part);
            let mut found = self.findings(&views, reading, 0);
            found.retain(|it| !self.is_open(&part[it.part.clone()]));
            if reading == Reading::Structure(Author::Other) {
                self.learn_found(part, &found);
            }
            found.extend(self.known_in(&views));
            all.extend(found.into_iter().map(|it| Finding { part: start + it.part.start..start + it.part.end, ..it }));
            start += part.len();
        }
        if all.is_empty() {
            return Cow::Borrowed(text);
        }
        let masked = replace(text, all);
        if masked == text { Cow::Borrowed(text) } else { Cow::Owned(masked) }
    }

    /// Lines of another program's text, with every secret masked, also one that a line continues from the line before it.
    pub fn redact_lines(&self, lines: &[String]) -> Vec<String> {
        let whole = lines.join("\n");
        let masked = self.redact_foreign(&whole);
        if lines.is_empty() { Vec::new() } else { masked.split('\n').map(str::to_owned).collect() }
    }

    /// What the run knows, in all views of a text.
    fn known_in(&self, views: &[View<'_>]) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut split = Vec::new();
        for view in views {
            let known = self.known();
            found.extend(known.find(&view.text).into_iter().map(|it| Finding { part: view.back(&it.part), ..it }));
            for (end, _) in view.text.match_indices(CUT).take(CUTS) {
                let begun = known.cut_at(&view.text[..end]).map(|start| view.back(&(start..end)));
                found.extend(begun.map(|part| Finding { part, instead: MASK, sure: false }));
            }
            for joined in records::rejoined(&view.text) {
                for it in known.find(&joined.text) {
                    let pieces = joined.back(&it.part);
                    if pieces.len() > 1 {
                        split.extend(pieces.iter().map(|piece| view.text[piece.clone()].to_owned()));
                    }
                    found.extend(pieces.into_iter().map(|piece| Finding { part: view.back(&piece), ..it.clone() }));
                }
            }
        }
        // A record may be quoted alone elsewhere.
        split.iter().filter(|piece| is_telling(piece)).for_each(|piece| self.learn(piece));
        found
    }

    /// The value of a property, a header, a field or a parameter, masked if its name says so, else as a text of somebody
    /// else. What is found is learned.
    pub fn redact_value(&self, name: &str, value: &str) -> String {
        let sensitivity = Names::new(self.more()).classify(name);
        let sure = !names::is_of_gateway(name) || value::looks_drawn(value.trim()) || value::looks_chosen(value.trim());
        match value::judge(sensitivity, value, 0..value.len(), sure) {
            Some(found) if !self.is_open(value) => {
                self.learn_found(value, std::slice::from_ref(&found));
                replace(value, vec![found])
            }
            _ => self.redact_foreign(value).into_owned(),
        }
    }

    /// A value that the run sends, masked if its name marks a secret. It is not learned: real secrets of the run are known,
    /// and other values with such a name are invented, such as the wrong secret of a feature.
    pub fn redact_own_value(&self, name: &str, value: &str) -> String {
        match value::judge(Names::new(self.more()).classify(name), value, 0..value.len(), true) {
            Some(found) if !self.is_open(value) => replace(value, vec![found]),
            _ => self.redact_foreign(value).into_owned(),
        }
    }

    /// A text that was cut, without the beginning of a secret at its end.
    pub fn redact_cut(&self, text: &str) -> String {
        // An escape may itself be cut, and a longer form than of a secret alone is looked at to find it decoded.
        let tail = (text.len().saturating_sub(ESCAPED_CUT)..=text.len()).find(|at| text.is_char_boundary(*at));
        let tail = tail.unwrap_or_default();
        let end = &text[tail..];
        let known = self.known();
        let views = [end, without_cut_escape(end)].map(views::all);
        let cut = views.iter().flatten().flat_map(|view| {
            let starts =
                [&view.text[..], without_cut_escape(&view.text)].into_iter().filter_map(|text| known.cut_at(text));
            starts.map(|start| tail + view.back(&(start..view.text.len())).start).collect::<Vec<_>>()
        });
        cut.min().map_or_else(|| text.to_owned(), |cut| format!("{}{MASK}", &text[..cut]))
    }

    fn more(&self) -> &[Regex] {
        self.shared.more.get().map_or(&[], Vec::as_slice)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.shared.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_word(&self, value: &str) -> bool {
        self.shared.words.read().unwrap_or_else(PoisonError::into_inner).contains(&value.to_lowercase())
    }

    fn is_open(&self, value: &str) -> bool {
        self.shared.open.read().unwrap_or_else(PoisonError::into_inner).contains(value)
    }

    /// What names and looks say is secret.
    fn findings(&self, views: &[View<'_>], reading: Reading, depth: usize) -> Vec<Finding> {
        let author = match reading {
            Reading::Known => return views.iter().flat_map(|view| self.encoded_in(view, reading, depth)).collect(),
            Reading::Looks => None,
            Reading::Structure(author) => Some(author),
        };
        let names = Names::new(self.more());
        let json_layer = views.iter().position(|view| has_properties(&view.text)).unwrap_or(0);
        let mut found = Vec::new();
        for (layer, view) in views.iter().enumerate() {
            let mut seen = shapes::find(&view.text);
            if let Some(author) = author.filter(|_| pairs::may_hold(&view.text, &names)) {
                let has_json = layer == json_layer;
                seen.extend(self.structures(view, &names, author, depth, has_json));
            }
            if depth < DEEPEST {
                seen.extend(self.continued(&view.text, reading, depth));
            }
            // Within a string no quotation mark may be added.
            let instead = |instead| if layer > 0 && instead == NUMBER { MASK } else { instead };
            found.extend(seen.into_iter().map(|it| Finding {
                part: view.back(&it.part),
                instead: instead(it.instead),
                ..it
            }));
            found.extend(self.encoded_in(view, reading, depth));
        }
        found
    }

    /// What is secret in texts that are continued from one record of a wire log to the next. The whole is learned.
    fn continued(&self, text: &str, reading: Reading, depth: usize) -> Vec<Finding> {
        let mut found = Vec::new();
        for joined in records::continued(text) {
            let inner = self.findings(&views::all(&joined.text), reading, depth + 1);
            if reading == Reading::Structure(Author::Other) {
                self.learn_found(&joined.text, &inner);
            }
            for it in inner {
                let instead = if it.instead == NUMBER { MASK } else { it.instead };
                let piece =
                    |part: Range<usize>| Finding { sure: it.sure && is_telling(&text[part.clone()]), part, instead };
                found.extend(joined.back(&it.part).into_iter().map(piece));
            }
        }
        found
    }

    /// `has_json` says whether it is also read as JSON. After quotation marks within strings were decoded, it is not JSON.
    fn structures(
        &self,
        view: &View<'_>,
        names: &Names<'_>,
        author: Author,
        depth: usize,
        has_json: bool,
    ) -> Vec<Finding> {
        let text: &str = &view.text;
        let mut found = pairs::find(text, names, author);
        found.extend(fields::find(text, names));
        // The program's own tables hold what it says of secrets.
        if author == Author::Other && text.contains(['\n', '|']) {
            found.extend(tables::find(text, names));
        }
        let mut escaped = Vec::new();
        if has_json && text.contains('"') && text.contains(['{', '[', ':']) {
            found.extend(json::find(text, names, &mut escaped));
        }
        if text.contains('<') {
            found.extend(markup::find(text, names));
        }
        // A text in a JSON string may be structured itself.
        for part in escaped.into_iter().filter(|_| depth < DEEPEST) {
            let inner = self.findings(&views::all(&text[part.clone()]), Reading::Structure(author), depth + 1);
            let back = |it: Finding| Finding { part: part.start + it.part.start..part.start + it.part.end, ..it };
            found.extend(inner.into_iter().map(back).filter(|it| it.instead != NUMBER));
        }
        found
    }

    /// Runs of base64 in a view that hold a secret, in any escapes.
    fn encoded_in(&self, view: &View<'_>, reading: Reading, depth: usize) -> Vec<Finding> {
        if depth >= DEEPEST {
            return Vec::new();
        }
        let holds = |inner: &str| {
            let views = views::all(inner);
            let looks = matches!(reading, Reading::Structure(_))
                && !self.findings(&views, Reading::Structure(Author::Other), depth + 1).is_empty();
            looks || views.iter().any(|view| !self.known().find(&view.text).is_empty())
        };
        let found = encoded::runs(&view.text).filter_map(|run| {
            let start = encoded::starts(&view.text[run.clone()])
                .map(|start| run.start + start)
                .find(|start| encoded::decoded(&view.text[*start..run.end]).is_some_and(|inner| holds(&inner)))?;
            Some(start..run.end)
        });
        let mut parts: Vec<Range<usize>> = found.collect();
        for block in encoded::blocks(&view.text) {
            if encoded::decoded_block(&view.text, &block).iter().any(|inner| holds(inner)) {
                parts.extend(block);
            }
        }
        for pairs in encoded::separated_hex(&view.text) {
            if encoded::decoded_hex(&view.text[pairs.clone()]).is_some_and(|inner| holds(&inner)) {
                parts.push(pairs);
            }
        }
        parts.into_iter().map(|run| Finding { part: view.back(&run), instead: MASK, sure: false }).collect()
    }

    fn learn_found(&self, text: &str, found: &[Finding]) {
        for finding in found.iter().filter(|finding| finding.sure) {
            for view in views::all(&text[finding.part.clone()]) {
                let value = view.text.trim();
                if !value::is_address(value) && !self.is_open(value) {
                    let secrets = std::iter::once(value.to_owned()).chain(value::within(value));
                    secrets.filter(|secret| !self.is_word(secret)).for_each(|secret| self.learn(&secret));
                }
            }
        }
    }
}

/// Whether a text has properties of JSON whose quotation marks are not escaped.
fn has_properties(text: &str) -> bool {
    text.match_indices("\":").any(|(at, _)| !text[..at].ends_with('\\'))
}

/// Whether a text shows a secret: in any form, or, if it [`is_public`], where its position says that it is one.
pub fn shows(text: &str, secret: &str) -> bool {
    let redactor = Redactor::default();
    if !is_public(secret) {
        redactor.learn(secret);
        return redactor.redact_learned(text) != text;
    }
    let found = redactor.findings(&views::all(text), Reading::Structure(Author::Other), 0);
    found.into_iter().any(|it| views::all(&text[it.part]).iter().any(|view| view.text.trim() == secret))
}

/// Whether a value occurs in many texts for other reasons: it is shorter than six bytes, or part of the program's
/// vocabulary. As a password it is weak.
pub fn is_public(value: &str) -> bool {
    value.len() < PUBLIC || vocabulary::holds(value)
}

/// Whether a text has no escapes, no cut, no lines that could continue each other, and nothing that could be base64: what
/// the run knows stands in it as it is, or not at all. Most sentences are so, and each is looked at several times.
fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| b"\\&%<>\r\n\x1b".contains(&byte))
        && !text.contains([CUT, '␛'])
        && encoded::runs(text).next().is_none()
}

/// Whether a piece of a secret is long and mixed enough to be masked where it stands alone.
fn is_telling(piece: &str) -> bool {
    piece.len() >= 8 && (value::looks_strong(piece) || value::looks_random(piece))
}

/// Replaces the parts; those that overlap are one.
fn replace(text: &str, mut found: Vec<Finding>) -> String {
    found.sort_by_key(|it| (it.part.start, std::cmp::Reverse((it.part.end, it.instead.len()))));
    let mut masked = String::with_capacity(text.len());
    let mut rest = 0;
    for it in found {
        if it.part.start >= rest {
            masked += &text[rest..it.part.start];
            masked += it.instead;
        }
        rest = rest.max(it.part.end);
    }
    masked + &text[rest..]
}

/// The beginning of a text, as far as it is near.
fn near(text: &str) -> &str {
    first(text, NEAR)
}

/// The beginning of a text, of about so many bytes.
fn first(text: &str, bytes: usize) -> &str {
    &text[..(0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default()]
}

/// The end of a text, as far as it is near.
fn near_before(text: &str) -> &str {
    let first = text.len().saturating_sub(NEAR);
    &text[(first..=text.len()).find(|start| text.is_char_boundary(*start)).unwrap_or_default()..]
}

/// A text without the beginning of an escape at its end: `%4`, `&#x3`, `\u00`.
fn without_cut_escape(text: &str) -> &str {
    let begun = [('%', 2), ('&', 9), ('\\', 5)].into_iter().filter_map(|(first, longest)| {
        let at = text.rfind(first)?;
        let rest = &text[at + 1..];
        (rest.len() <= longest && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"#{%".contains(&byte)))
            .then_some(at)
    });
    &text[..begun.min().unwrap_or(text.len())]
}

/// A long text in parts, each of whole lines if they are not too long.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if rest.len() <= PART {
            return Some(std::mem::take(&mut rest));
        }
        let most = (0..=PART).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(PART);
        let end = rest[..most].rfind(['\n', ',', '>']).map_or(most, |end| end + 1);
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests;
