//! Texts with decoded escapes, one layer at a time. Each byte has its position in the original text.

use std::borrow::Cow;
use std::ops::Range;

/// The maximum number of layers of escapes that are decoded.
const LAYERS: usize = 4;

/// A text, and the position of each of its bytes in the text that it was decoded from.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) text: Cow<'a, str>,
    /// The positions of all bytes, and of the end of the text; empty if nothing was decoded.
    places: Option<Vec<u32>>,
}

impl<'a> View<'a> {
    /// The text itself.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), places: None }
    }

    /// The view with one more layer of some escapes decoded; `None` without such escapes.
    fn decoded(&self, unit: impl Fn(&str) -> Option<(char, usize)>) -> Option<View<'static>> {
        let bytes = self.text.as_bytes();
        let mut next = memchr::memchr3(b'\\', b'&', b'%', bytes)?;
        let mut text = String::with_capacity(bytes.len());
        let mut places = Vec::with_capacity(bytes.len() + 1);
        let (mut at, mut decoded) = (0, false);
        while at < bytes.len() {
            let plain = next.max(at);
            text.push_str(&self.text[at..plain]);
            places.extend((at..plain).map(|place| self.origin(place)));
            at = plain;
            if let Some((letter, length)) = unit(&self.text[at..]) {
                let before = text.len();
                text.push(letter);
                places.extend(std::iter::repeat_n(self.origin(at), text.len() - before));
                at += length;
                decoded = true;
            } else if at < bytes.len() {
                text.push(char::from(bytes[at]));
                places.push(self.origin(at));
                at += 1;
            }
            next = memchr::memchr3(b'\\', b'&', b'%', &bytes[at..]).map_or(bytes.len(), |further| at + further);
        }
        places.push(self.origin(bytes.len()));
        decoded.then_some(View { text: Cow::Owned(text), places: Some(places) })
    }

    /// The view without the colours of a terminal, as a log may have them around a secret; `None` without any.
    fn without_colours(&self) -> Option<View<'static>> {
        if memchr::memchr(b'\x1b', self.text.as_bytes()).is_none() && !self.text.contains(SHOWN_ESCAPE) {
            return None;
        }
        let (mut text, mut places) = (String::new(), Vec::new());
        let mut start = 0;
        for (at, escape) in self.text.match_indices(['\x1b', SHOWN_ESCAPE]) {
            let Some(codes) = self.text[at + escape.len()..].strip_prefix('[') else { continue };
            let letter = codes.trim_start_matches(|code: char| code.is_ascii_digit() || ";:?".contains(code));
            if letter.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
                text.push_str(&self.text[start..at]);
                places.extend((start..at).map(|place| self.origin(place)));
                start = self.text.len() - letter.len() + 1;
            }
        }
        text.push_str(&self.text[start..]);
        places.extend((start..=self.text.len()).map(|place| self.origin(place)));
        (start > 0).then_some(View { text: Cow::Owned(text), places: Some(places) })
    }

    fn origin(&self, place: usize) -> u32 {
        match &self.places {
            Some(places) => places[place],
            None => u32::try_from(place).unwrap_or(u32::MAX),
        }
    }

    /// A part of the view as a part of the original.
    pub(super) fn back(&self, part: &Range<usize>) -> Range<usize> {
        self.origin(part.start) as usize..self.origin(part.end) as usize
    }
}

/// The text, and the text with its layers of escapes decoded one after another.
///
/// A secret may itself contain what looks like an escape of another notation: `\&lt;` is a backslash and `<` in HTML, and
/// an escaped `&` in a properties file. So the notations are also decoded one by one, in every order.
pub(super) fn all(text: &str) -> Vec<View<'_>> {
    let mut views = vec![View::of(text)];
    if memchr::memchr3(b'\\', b'&', b'%', text.as_bytes()).is_some() {
        add_decoded(&mut views);
    }
    let plain: Vec<_> = views.iter().filter_map(View::without_colours).collect();
    views.extend(plain);
    views
}

fn add_decoded(views: &mut Vec<View<'_>>) {
    for _ in 0..LAYERS {
        match views.last().and_then(|view| view.decoded(unit)) {
            Some(next) => views.push(next),
            None => break,
        }
    }
    let is_mixed = |view: &View<'_>| NOTATIONS.iter().filter(|first| view.text.as_bytes().contains(first)).count() > 1;
    if views.iter().any(is_mixed) {
        add_single_notations(views);
    }
}

/// What the codes of a terminal begin with, where a text was made harmless.
const SHOWN_ESCAPE: char = '␛';

/// The first bytes of the escapes of JSON and similar notations, of HTML, and of URLs.
const NOTATIONS: [u8; 3] = [b'\\', b'&', b'%'];

/// The largest number of views of one text.
const MOST: usize = 24;

/// The maximum size of all views of one text together, in bytes. For a large body fewer notations are decoded.
const LARGEST: usize = 2 * 1024 * 1024;

fn size_of(views: &[View<'_>]) -> usize {
    views.iter().map(|view| view.text.len()).sum()
}

fn add_single_notations(views: &mut Vec<View<'_>>) {
    let mut index = 0;
    while index < views.len() {
        for first in NOTATIONS {
            let next = views[index].decoded(|text| unit(text).filter(|_| text.as_bytes()[0] == first));
            let is_new = |next: &View<'_>| views.iter().all(|known| known.text != next.text);
            views.extend(next.filter(|next| views.len() < MOST && size_of(views) < LARGEST && is_new(next)));
        }
        index += 1;
    }
}

/// The character that the escape at the start of a text represents, and the length of the escape.
fn unit(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().first()? {
        b'\\' => backslash(text),
        b'&' => entity(text),
        b'%' => percent(text),
        _ => None,
    }
}

fn backslash(text: &str) -> Option<(char, usize)> {
    let letter = match text.as_bytes().get(1)? {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' if text.as_bytes().get(2) == Some(&b'{') => return code_point(text),
        b'u' => return unicode(text),
        b'0'..=b'3' => return Some((char::from_u32(number(text.get(1..4)?, 8)?)?, 4)),
        b'x' => return Some((char::from_u32(number(text.get(2..4)?, 16)?)?, 4)),
        quoted @ (b'"' | b'\'' | b'\\' | b'/' | b'=' | b':' | b' ' | b'#' | b'!' | b'&' | b'$') => char::from(*quoted),
        _ => return None,
    };
    Some((letter, 2))
}

/// `\u{26}`.
fn code_point(text: &str) -> Option<(char, usize)> {
    let digits = text[3..].bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
    let letter = char::from_u32(number(&text[3..3 + digits], 16)?)?;
    text[3 + digits..].starts_with('}').then_some((letter, digits + 4))
}

/// `\u0026` or a pair of surrogates.
fn unicode(text: &str) -> Option<(char, usize)> {
    let first = number(text.get(2..6)?, 16)?;
    if let Some(letter) = char::from_u32(first) {
        return Some((letter, 6));
    }
    let second = text.get(6..8).filter(|escape| *escape == "\\u").and(number(text.get(8..12)?, 16))?;
    let pair = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let letter = char::decode_utf16(pair).next()?.ok()?;
    Some((letter, 12))
}

/// `&amp;`, `&#38;`, `&#x26;`.
fn entity(text: &str) -> Option<(char, usize)> {
    let body = &text[1..];
    if let Some(digits) = body.strip_prefix('#') {
        let (digits, radix, head) = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16, 3),
            None => (digits, 10, 2),
        };
        let length = digits.bytes().take(8).take_while(u8::is_ascii_hexdigit).count();
        let letter = char::from_u32(number(&digits[..length], radix)?)?;
        let semicolon = usize::from(digits[length..].starts_with(';'));
        return Some((letter, head + length + semicolon));
    }
    let length = body.bytes().take(12).position(|byte| byte == b';')?;
    let whole = &text[..length + 2];
    let decoded = html_escape::decode_html_entities(whole);
    let mut letters = decoded.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => Some((letter, whole.len())),
        _ => None,
    }
}

/// `%26`, or the escapes of a letter in UTF-8. A single byte that is not valid UTF-8 is read as Latin-1.
fn percent(text: &str) -> Option<(char, usize)> {
    let byte = |index: usize| {
        let escape = text.as_bytes().get(3 * index..3 * index + 3).filter(|escape| escape[0] == b'%')?;
        u8::try_from(number(std::str::from_utf8(&escape[1..]).ok()?, 16)?).ok()
    };
    let first = byte(0)?;
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let bytes: Vec<u8> = (0..length).map_while(byte).collect();
    match std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()) {
        Some(letter) => Some((letter, 3 * length)),
        None => Some((char::from(first), 3)),
    }
}

fn number(digits: &str, radix: u32) -> Option<u32> {
    let all = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    if all { u32::from_str_radix(digits, radix).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_of_escapes_is_a_view() {
        let seen = |text: &str| all(text).last().map(|view| view.text.to_string()).unwrap_or_default();
        assert_eq!(seen(r#"{\"a\":\"b\u0026c\"}"#), r#"{"a":"b&c"}"#);
        assert_eq!(seen("&quot;&#34;&#x22;&amp;quot;"), "\"\"\"\"");
        assert_eq!(seen("a%2526b%C3%BC%FC"), "a&büü");
        assert_eq!(seen(r"\u{26}\u{1f600}\046\101 \u{zz}"), r"&😀&A \u{zz}");
        assert_eq!(seen(r"\ud83d\ude00 100% &c; \q"), "😀 100% &c; \\q");
        assert_eq!(all("nothing to decode").len(), 1);
    }

    #[test]
    fn colours_of_a_terminal_are_left_out() {
        let text = r"a \u001b[1;31mb\u001b[0m c";
        let views = all(text);
        let last = views.last().expect("one");
        assert_eq!(last.text, "a b c");
        assert!(text[last.back(&(2..3))].starts_with('b'));
        assert_eq!(all("a ␛[31mb␛[0m ␛[ ␛").last().map(|view| view.text.to_string()).as_deref(), Some("a b ␛[ ␛"));
    }

    #[test]
    fn what_looks_like_an_escape_of_another_notation_is_kept() {
        let seen = |text: &str, secret: &str| all(text).iter().any(|view| view.text.contains(secret));
        assert!(seen(r"q\&lt;A", r"q\<A") && seen(r"q\\&lt;A", r"q\\<A"), "HTML");
        assert!(seen(r#"a%41\"b"#, r#"a%41"b"#) && seen(r#"a&lt;\"b"#, r#"a&lt;"b"#), "JSON");
        assert!(seen("a%5Cn%26lt;", r"a\n&lt;"), "URL");
        assert!(seen(r"%5C%22a%2541%5C%22", "\"a%41\""), "JSON in a URL");
    }

    #[test]
    fn a_part_of_a_view_is_found_in_the_original() {
        let text = r"ü a\u0026b%26amp;c";
        let views = all(text);
        let last = views.last().expect("one");
        let at = last.text.find("b&c").expect("it is there");
        assert_eq!(&text[last.back(&(at..at + 3))], "b%26amp;c");
    }
}
