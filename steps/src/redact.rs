//! The last gate before a byte leaves the process: replaces every known secret, in every form in which it may appear.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// What stands in a secret's place; of fixed width, so that it tells nothing.
pub const MASK: &str = "[secret]";

/// Shorter values would mask half of every text; they are refused as secrets where they are read.
const SHORTEST: usize = 4;

/// Shorter values are masked only where they stand as a word of their own: a password `admin` is no part of `adminui`.
const DISTINCTIVE: usize = 8;

/// How many bytes of a form tell whether a place in a text is worth a closer look.
const START: usize = SHORTEST;

/// Knows the secrets of a run and replaces them. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    forms: Arc<RwLock<Forms>>,
}

/// Every form of every secret, by how it starts: a run learns thousands, and a text is read once for all of them.
#[derive(Clone, Default)]
struct Forms {
    by_start: HashMap<[u8; START], BTreeSet<LongestFirst>>,
    /// For each pair of bytes whether a form starts with it: nearly every place of a text is passed over by this alone.
    pairs: Vec<bool>,
}

#[derive(Clone, PartialEq, Eq)]
struct LongestFirst(String);

impl Ord for LongestFirst {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.len().cmp(&self.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for LongestFirst {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Debug for Forms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

fn pair(start: [u8; START]) -> usize {
    usize::from(u16::from_be_bytes([start[0], start[1]]))
}

impl Forms {
    fn add(&mut self, form: String) {
        let Some(start) = form.as_bytes().first_chunk::<START>().copied() else { return };
        self.pairs.resize(usize::from(u16::MAX) + 1, false);
        self.pairs[pair(start)] = true;
        self.by_start.entry(start).or_default().insert(LongestFirst(form));
    }

    /// The end of the longest form that stands at a place of the text.
    fn at(&self, text: &str, place: usize) -> Option<usize> {
        let rest = &text.as_bytes()[place..];
        let start = rest.first_chunk::<START>()?;
        if !self.pairs.get(pair(*start)).is_some_and(|starts| *starts) {
            return None;
        }
        let alike = self.by_start.get(start)?.iter().map(|LongestFirst(form)| form);
        let mut ends = alike.filter(|form| rest.starts_with(form.as_bytes())).map(|form| place + form.len());
        ends.find(|end| end - place >= DISTINCTIVE || is_word(text, place, *end))
    }

    /// The parts of the text that hold a form; those that overlap are one.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for place in 0..text.len() {
            let Some(end) = self.at(text, place) else { continue };
            match found.last_mut().filter(|last| place < last.end) {
                Some(last) => last.end = last.end.max(end),
                None => found.push(place..end),
            }
        }
        found
    }
}

/// Whether a part of a text is no part of a longer word.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let touches = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
    !touches(text[..start].chars().next_back()) && !touches(text[end..].chars().next())
}

impl Redactor {
    /// Learns a secret and the forms in which it may appear: plain, base64, URL-encoded, JSON- and HTML-escaped; of a text of
    /// several lines (a private key) each long line too.
    pub fn learn(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut forms = self.forms.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let lines = secret.lines().filter(|line| line.len() >= 16 && !line.starts_with("-----"));
        std::iter::once(secret).chain(lines).flat_map(forms_of).for_each(|form| forms.add(form));
    }

    /// The text with every known secret masked.
    pub fn redact(&self, text: &str) -> String {
        let found = self.forms.read().unwrap_or_else(std::sync::PoisonError::into_inner).find(text);
        let mut masked = String::with_capacity(text.len());
        let mut rest = 0;
        for part in found {
            masked += &text[rest..part.start];
            masked += MASK;
            rest = part.end;
        }
        masked + &text[rest..]
    }
}

fn forms_of(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let json = &json[1..json.len() - 1];
    let ascii: String = json.encode_utf16().map(ascii_json).collect();
    let url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let lower = lower_case_escapes(&url);
    let mut forms = vec![secret.to_owned(), json.to_owned(), json.replace('/', "\\/"), ascii];
    forms.extend([url.replace('+', "%20"), url, lower.replace('+', "%20"), lower]);
    let html = html_escape::encode_text(secret).into_owned();
    let quoted = html.replace('"', "&quot;");
    forms.extend(["&#39;", "&#x27;", "&apos;"].map(|quote| quoted.replace('\'', quote)));
    forms.extend([html.replace('"', "&#34;"), quoted, html]);
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        forms.push(engine.encode(secret));
    }
    let within =
        [0, 1, 2].into_iter().flat_map(|before| [STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|engine| (before, engine)));
    forms.extend(within.filter_map(|(before, engine)| within_base64(secret, before, &engine)));
    forms
}

/// A letter as JSON that is kept to ASCII has it.
fn ascii_json(unit: u16) -> String {
    match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    }
}

/// `%2F` as `%2f`.
fn lower_case_escapes(url: &str) -> String {
    let mut parts = url.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |lower, part| {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lower + "%" + &digits.to_ascii_lowercase() + rest
    })
}

/// What the base64 of a longer text shows of a secret that stands in it after so many bytes (`user:password`), without
/// the characters that depend on its neighbours.
fn within_base64(secret: &str, before: usize, engine: &impl base64::Engine) -> Option<String> {
    let text = [vec![0; before], secret.as_bytes().to_vec()].concat();
    let encoded = engine.encode(&text);
    let (first, last) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
    let shown = encoded.get(first..last)?;
    (shown.len() >= DISTINCTIVE).then(|| shown.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_masked() {
        let redactor = Redactor::default();
        let secret = "p8e-\"a/b c+ü";
        redactor.learn(secret);
        for form in forms_of(secret) {
            assert_eq!(redactor.redact(&format!("<{form}>")), format!("<{MASK}>"), "{form}");
        }
    }

    #[test]
    fn a_secret_within_what_is_encoded_is_masked() {
        let redactor = Redactor::default();
        redactor.learn("p8e-canary-of-tests");
        for before in ["", "a", "ab", "admin:", "user:"] {
            for engine in [STANDARD, URL_SAFE_NO_PAD] {
                let text = engine.encode(format!("{before}p8e-canary-of-tests:and more"));
                let masked = redactor.redact(&text);
                assert!(masked.contains(MASK) && masked.len() < text.len(), "{before}: {masked}");
            }
        }
        assert_eq!(lower_case_escapes("a%2Fb%C3%BCC"), "a%2fb%c3%bcC");
        assert!(forms_of("a/ü").contains(&"a/\\u00fc".to_owned()));
    }

    #[test]
    fn a_short_secret_is_masked_as_a_word_and_not_within_one() {
        let redactor = Redactor::default();
        redactor.learn("admin");
        let text = "user=admin&password=admin /adminui/administrators \"admin\"";
        let masked = format!("user={MASK}&password={MASK} /adminui/administrators \"{MASK}\"");
        assert_eq!(redactor.redact(text), masked);
    }

    #[test]
    fn secrets_that_overlap_or_touch_leave_nothing_behind() {
        let redactor = Redactor::default();
        ["abcdefghij", "ghijklmnop", "abcdefgh"].iter().for_each(|secret| redactor.learn(secret));
        assert_eq!(redactor.redact("1 abcdefghijklmnop 2"), format!("1 {MASK} 2"));
        assert_eq!(redactor.redact("abcdefghijabcdefgh"), format!("{MASK}{MASK}"));
        assert_eq!(redactor.redact("ä abcdefgh ü"), format!("ä {MASK} ü"));
    }

    #[test]
    fn one_of_thousands_of_secrets_is_found() {
        let redactor = Redactor::default();
        (0..5000).for_each(|n| redactor.learn(&format!("a token that differs at its end {n:08}")));
        let text = "what an Author says ".repeat(50_000) + "a token that differs at its end 00004321";
        assert!(redactor.redact(&text).ends_with(&format!("says {MASK}")));
    }

    #[test]
    fn a_short_value_does_not_mask_half_the_text() {
        let redactor = Redactor::default();
        redactor.learn("a");
        assert_eq!(redactor.redact("a banana"), "a banana");
    }
}
