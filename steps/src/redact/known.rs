//! Finds the known secrets of a run, in all encodings, in one pass over a text.
//!
//! A run learns secrets while it masks, for example a token from every other answer. An automaton over all encodings would
//! have to be built again for each secret. Here an encoded secret is found by eight of its bytes, which are cheap to add.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::forms::{self, Kind};
use super::shapes::is_line_of_key;
use super::value::Finding;
use super::{MASK, PUBLIC, vocabulary};

/// The number of bytes of an encoded secret that are compared first, to find the places that need a full comparison.
const WINDOW: usize = 8;

/// The number of bytes that are compared first for secrets shorter than [`WINDOW`].
const SHORT: usize = 4;

/// The longest beginning of a secret that is looked for at a cut, in bytes.
const LONGEST_CUT: usize = 8 * 1024;

/// Shorter values of letters and digits are masked only as separate words.
const DISTINCTIVE: usize = 12;

/// Every form of every secret.
#[derive(Clone, Default)]
pub(super) struct Known {
    secrets: HashSet<Arc<str>>,
    long: Windows<WINDOW>,
    short: Windows<SHORT>,
    filter: Filter,
    /// Every form by its first bytes, to find the beginnings of those that were cut.
    begun: Windows<SHORT>,
    /// The length of the longest form, in bytes.
    longest: usize,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

/// A form, by its secret; its text is made again when its window was found.
#[derive(Clone)]
struct Form {
    secret: Arc<str>,
    kind: Kind,
    /// Where the window begins in the form.
    at: usize,
    /// Whether it counts only as a separate word.
    word: bool,
}

/// Forms by some of their bytes.
type Windows<const SIZE: usize> = HashMap<[u8; SIZE], Vec<Form>>;

/// Adds a form, and returns its window.
fn add<'t, const SIZE: usize>(windows: &mut Windows<SIZE>, text: &'t str, form: &Form) -> &'t [u8] {
    // The end of a token differs, its beginning rarely does.
    let at = text.len() - SIZE - (text.len() - SIZE) / 4;
    let Some(window) = text.as_bytes()[at..].first_chunk::<SIZE>() else { return &[] };
    let alike = windows.entry(*window).or_default();
    if !alike.iter().any(|known| known.at == at && known.kind == form.kind && known.secret == form.secret) {
        alike.push(Form { at, ..form.clone() });
    }
    window
}

/// The parts of a text whose window begins at that place.
fn find_at<const SIZE: usize>(windows: &Windows<SIZE>, text: &str, place: usize, found: &mut Vec<Range<usize>>) {
    let window = text.as_bytes()[place..].first_chunk::<SIZE>();
    if let Some(alike) = window.and_then(|window| windows.get(window)) {
        found.extend(alike.iter().filter_map(|form| form.stands_around(text, place)));
    }
}

/// The size of the filter, in bits.
const FILTER: usize = 1 << 16;

/// For each hash of four bytes whether a window has them.
#[derive(Clone)]
struct Bits(Box<[u64; FILTER / 64]>);

impl Default for Bits {
    fn default() -> Self {
        Self(Box::new([0; FILTER / 64]))
    }
}

impl Bits {
    /// The hash of the first bytes, of 16 bits; none if there are fewer.
    fn hash(bytes: &[u8]) -> Option<usize> {
        let number = u32::from_le_bytes(*bytes.first_chunk::<SHORT>()?);
        Some((number.wrapping_mul(0x9e37_79b9) >> 16) as usize)
    }

    fn add(&mut self, bytes: &[u8]) {
        let Some(hash) = Self::hash(bytes) else { return };
        self.0[hash / 64] |= 1 << (hash % 64);
    }

    fn has(&self, bytes: &[u8]) -> bool {
        Self::hash(bytes).is_some_and(|hash| self.0[hash / 64] & (1 << (hash % 64)) != 0)
    }
}

/// Passes over nearly every place of a text. It is what masking costs for each byte.
#[derive(Clone, Default)]
struct Filter {
    /// The first bytes of each window.
    first: Bits,
    /// The last bytes of each window.
    last: Bits,
    /// Any four bytes of a window: as long as all windows are [`WINDOW`] bytes long, each holds a place out of every
    /// `WINDOW - SHORT + 1`, and the others are not looked at.
    any: Bits,
    has_short: bool,
}

impl Filter {
    fn add(&mut self, window: &[u8]) {
        self.first.add(window);
        if let Some(bytes) = window.last_chunk::<SHORT>() {
            self.last.add(bytes);
        }
        window.windows(SHORT).for_each(|bytes| self.any.add(bytes));
        self.has_short |= window.len() < WINDOW;
    }

    /// The places of a text at which a window may begin.
    fn places(&self, text: &str) -> impl Iterator<Item = usize> {
        let bytes = text.as_bytes();
        let stride = if self.has_short { 1 } else { WINDOW - SHORT + 1 };
        let looked_at = (stride - 1..bytes.len()).step_by(stride).filter(move |place| self.any.has(&bytes[*place..]));
        let may_begin = move |place: &usize| {
            self.first.has(&bytes[*place..])
                && (self.has_short || bytes.get(place + WINDOW - SHORT..).is_some_and(|end| self.last.has(end)))
        };
        looked_at.flat_map(move |last| last + 1 - stride..=last).filter(may_begin)
    }
}

impl Form {
    /// Whether it begins with these bytes. Few bytes of an encoded form occur by chance.
    fn begins_with(&self, bytes: &[u8]) -> bool {
        if self.kind == Kind::Plain {
            return self.secret.as_bytes().starts_with(bytes);
        }
        bytes.len() >= WINDOW && self.kind.of(&self.secret).is_some_and(|form| form.as_bytes().starts_with(bytes))
    }

    /// The part of the text that is this form, if its window stands at that place.
    fn stands_around(&self, text: &str, place: usize) -> Option<Range<usize>> {
        let start = place.checked_sub(self.at)?;
        let form = self.kind.of(&self.secret)?;
        let part = start..start + form.len();
        let there = text.as_bytes().get(part.clone())? == form.as_bytes();
        (there && text.is_char_boundary(part.start) && (!self.word || is_word(text, &part))).then_some(part)
    }
}

/// Whether a part of a text has no letters or digits next to it.
fn is_word(text: &str, part: &Range<usize>) -> bool {
    let touches = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
    !touches(text[..part.start].chars().next_back()) && !touches(text[part.end..].chars().next())
}

impl Known {
    /// Adds a secret with all its forms; of a text of several lines (a private key) each long line of base64 too.
    pub(super) fn learn(&mut self, secret: &str) {
        let is_line = |line: &&str| line.len() >= 16 && is_line_of_key(line) && !vocabulary::holds(line);
        let lines = secret.lines().map(str::trim).filter(is_line);
        let others = forms::in_other_unicode_forms(secret);
        let all = std::iter::once(secret).chain(lines).chain(others.iter().map(String::as_str));
        for secret in all.filter(|secret| secret.len() >= PUBLIC) {
            let secret: Arc<str> = secret.into();
            if self.secrets.insert(Arc::clone(&secret)) {
                self.add(&secret);
            }
        }
    }

    fn add(&mut self, secret: &Arc<str>) {
        let plain = secret.len() < DISTINCTIVE && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut seen = HashSet::new();
        for kind in forms::all(secret) {
            let Some(text) = kind.of(secret).filter(|text| seen.insert(text.clone())) else { continue };
            let form = Form { secret: Arc::clone(secret), kind, at: 0, word: plain && text == **secret };
            if let Some(first) = text.as_bytes().first_chunk::<SHORT>() {
                self.begun.entry(*first).or_default().push(form.clone());
                self.longest = self.longest.max(text.len());
            }
            if text.len() >= WINDOW {
                self.filter.add(add(&mut self.long, &text, &form));
            } else if text.len() >= SHORT {
                self.filter.add(add(&mut self.short, &text, &form));
            }
        }
    }

    /// The parts of a text that hold a secret.
    pub(super) fn find(&self, text: &str) -> Vec<Finding> {
        if self.secrets.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for place in self.filter.places(text) {
            find_at(&self.long, text, place, &mut found);
            find_at(&self.short, text, place, &mut found);
        }
        self.find_within_breaks(text, &mut found);
        found.into_iter().map(|part| Finding { part, instead: MASK, sure: true }).collect()
    }

    /// Base64 may be broken into lines anywhere.
    fn find_within_breaks(&self, text: &str, found: &mut Vec<Range<usize>>) {
        if !forms::has_broken_base64(text) {
            return;
        }
        // Where each piece begins in the joined text and in the original one.
        let (mut joined, mut pieces) = (String::with_capacity(text.len()), Vec::new());
        let mut start = 0;
        for piece in text.split_inclusive(char::is_whitespace) {
            let kept = piece.trim_end();
            if !kept.is_empty() {
                pieces.push((joined.len(), start));
                joined.push_str(kept);
            }
            start += piece.len();
        }
        let mut parts = Vec::new();
        for place in self.filter.places(&joined) {
            find_at(&self.long, &joined, place, &mut parts);
        }
        let place = |byte: usize| {
            let (begin, start) = pieces[pieces.partition_point(|(begin, _)| *begin <= byte) - 1];
            start + byte - begin
        };
        found.extend(parts.into_iter().map(|part| place(part.start)..place(part.end - 1) + 1));
    }

    /// Where a text that was cut ends with the beginning of a secret, in any form. A word of the program's vocabulary is
    /// none.
    pub(super) fn cut_at(&self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let first = text.len().saturating_sub(self.longest.min(LONGEST_CUT));
        let begins = |start: &usize| {
            let rest = &bytes[*start..];
            let alike = rest.first_chunk::<SHORT>().and_then(|first| self.begun.get(first));
            alike.is_some_and(|alike| alike.iter().any(|form| form.begins_with(rest)))
        };
        let starts = (first..text.len()).filter(|start| text.is_char_boundary(*start));
        starts.filter(begins).find(|start| !vocabulary::holds(&text[*start..]))
    }
}
