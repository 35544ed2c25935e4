//! Values that a sentence or a call gives to a name, with something between them: "Password for user admin: a1b2c3",
//! "password set to a1b2c3", `setPassword("a1b2c3")`. Much else stands there too, so that only a value is taken that looks
//! like one.

use std::ops::Range;

use bpconform_fixtures::SecretNames;

use super::value::{is_address, looks_drawn, looks_strong};
use super::{MASK, NEAR, first, near, vocabulary};

/// How many words may stand between a name and its value.
const GAP: usize = 6;

/// What may stand alone between the words and the value.
const SIGNS: [&str; 10] = [":", "=", ":=", "->", "=>", "-->", "==>", "→", "：", "＝"];

/// What stands right behind a name, or begins another thought.
const DASHES: [&str; 3] = ["-", "–", "—"];

/// After these words follows why something failed.
const REASONS: [&str; 26] = [
    "failed",
    "failure",
    "fails",
    "error",
    "invalid",
    "expired",
    "expires",
    "missing",
    "not",
    "no",
    "cannot",
    "could",
    "rejected",
    "denied",
    "wrong",
    "exception",
    "because",
    "refused",
    "unknown",
    "fehlgeschlagen",
    "ungültig",
    "falsch",
    "nicht",
    "abgelaufen",
    "invalide",
    "incorrect",
];

/// Quotation marks, and what ends them.
const QUOTES: [(char, char); 9] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('„', '“'), ('«', '»'), ('「', '」'), ('『', '』'), ('<', '>')];

/// The value that the words behind a name give it, as a part of what follows the name.
pub(super) fn value(rest: &str) -> Option<Range<usize>> {
    let names = SecretNames::built_in();
    let line = near(rest).split(['\n', '\r']).next()?;
    let (mut at, mut before, mut count) = (0, "", 0);
    for piece in line.split_inclusive([' ', '\t']) {
        at += piece.len();
        let word = piece.trim();
        if word.is_empty() {
            continue;
        }
        let is_sign = SIGNS.contains(&word) || (count == 0 && DASHES.contains(&word));
        let plain = word.trim_end_matches([':', '=', '：']);
        let bare = plain.strip_prefix('(').and_then(|word| word.strip_suffix(')')).unwrap_or(plain);
        if is_sign || (plain.len() < word.len() && is_complement(bare, count)) || names.is_setter(before, plain) {
            return value_at(rest, at);
        }
        // "the password a1b2c3 is" names the value, and "the password policy is" is about something else.
        if !is_complement(bare, count) || count == GAP || (count == 0 && looks_strong(word) && has_digit(word)) {
            return None;
        }
        before = plain;
        count += 1;
    }
    None
}

/// Whether a letter ends a sentence, or belongs to code.
fn is_mark(letter: char) -> bool {
    "<>{}[]()\"=;?|:&".contains(letter)
}

/// Whether a word may stand in "password of the user admin".
fn is_complement(word: &str, count: usize) -> bool {
    let lower = word.to_lowercase();
    let is_no_word = word.is_empty() || word.ends_with(['.', ',', ';']) || word.contains(is_mark);
    let is_about = count == 0 && SecretNames::built_in().is_reference(word);
    !is_no_word && !is_about && !REASONS.contains(&lower.as_str())
}

/// The value that stands there, if it looks like one.
pub(super) fn value_at(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let start = at + rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let rest = near(&text[start..]);
    let quote = QUOTES.iter().find(|(open, _)| rest.starts_with(*open));
    let quoted = quote.and_then(|(open, close)| Some((open.len_utf8(), rest[open.len_utf8()..].find(*close)?)));
    let (start, inner) = if let Some((first, length)) = quoted {
        (start + first, &rest[first..first + length])
    } else {
        let ends = |it: char| is_unspaced(it) || it.is_whitespace() || "&;,\"'<>)]}|`\0".contains(it);
        (start, rest[..rest.find(ends).unwrap_or(rest.len())].trim_end_matches(['.', ':', ',']))
    };
    let trimmed = inner.trim();
    let start = start + inner.len() - inner.trim_start().len();
    // What stands in angle brackets may be an element.
    let is_element = quoted.is_some() && rest.starts_with('<') && trimmed == trimmed.to_ascii_lowercase();
    (!is_element && looks_given(trimmed)).then_some(start..start + trimmed.len())
}

/// The values among the arguments of a call that begins there: `("admin", "a1b2c3")`.
pub(super) fn arguments(rest: &str) -> Vec<Range<usize>> {
    let call = near(rest);
    let mut found = Vec::new();
    let Some(mut left) = call.strip_prefix('(') else { return found };
    for _ in 0..4 {
        left = left.trim_start_matches([' ', '\t', ',', '\n', '\r']);
        let Some(quote) = left.chars().next().filter(|first| "\"'".contains(*first)) else { break };
        let start = call.len() - left.len() + 1;
        let Some(length) = left[1..].find(quote) else { break };
        if looks_given(&call[start..start + length]) {
            found.push(start..start + length);
        }
        left = &left[length + 2..];
    }
    found
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a value looks like a secret that somebody chose or a machine drew, and not like a date, a version, an address or
/// the name of something.
pub(super) fn looks_given(value: &str) -> bool {
    if !looks_strong(value) || !has_digit(value) || value.contains(MASK) || value.contains(char::is_whitespace) {
        return false;
    }
    if is_address(value) || value.contains("://") || vocabulary::holds(value) {
        return false;
    }
    let is_date = value.chars().all(|letter| letter.is_ascii_digit() || "-:.,/+TZ".contains(letter));
    if is_date || value.starts_with(['$', '@', '#']) {
        return false;
    }
    if looks_drawn(value) {
        // `status=a1b2` is a pair of its own.
        return value.trim_end_matches('=').split_once('=').is_none_or(|(name, _)| !is_name(name));
    }
    let lower = value.to_ascii_lowercase();
    let is_version = ["http", "tls", "ssl", "oauth", "sha", "aes", "rsa", "java", "jdk", "utf"];
    let is_named = lower == value && value.contains(['_', '-', '.', '~', ':', '/', '@']);
    !is_named && !value.contains('=') && !is_version.iter().any(|start| lower.starts_with(start))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-.".contains(&byte))
}

/// What follows a name without what says only which one it is: `[0]`, `()`, ` (STRING)`, `{String}`, `.....`. Behind it
/// stands a sign.
pub(super) fn without_type(rest: &str) -> &str {
    let blank = |text: &'_ str| text.len() - text.trim_start_matches([' ', '\t']).len();
    let start = blank(rest);
    let open = &rest[start..];
    let dots = open.len() - open.trim_start_matches(['.', '…', '·']).len();
    let length = match open.chars().next() {
        _ if dots > 1 => dots,
        Some('[') => closed(open, ']', |letter| letter.is_ascii_digit()),
        Some('(') => closed(open, ')', |letter| letter.is_ascii_alphanumeric() || "_.$[]".contains(letter)),
        Some('{') => closed(open, '}', |letter| letter.is_ascii_alphanumeric() || "_.$[]".contains(letter)),
        _ => 0,
    };
    let after = &open[length..];
    let after = &after[blank(after)..];
    let is_colon = after.starts_with(':') && (dots > 1 || open.starts_with(['[', '{']));
    let is_equals = after.starts_with('=') && !after.starts_with("==") && !after.starts_with("=>");
    if length > 0 && (is_colon || is_equals) { after } else { rest }
}

/// How long what stands in brackets is, with them, if it holds only such letters.
fn closed(open: &str, close: char, allowed: fn(char) -> bool) -> usize {
    let end = first(open, 64).char_indices().skip(1).find(|(_, letter)| *letter == close || !allowed(*letter));
    end.filter(|(at, letter)| *letter == close && (*at > 1 || close == ')')).map_or(0, |(at, _)| at + 1)
}

/// What stands between a name and its value in scripts without spaces.
const PARTICLES: [&str; 15] =
    ["は", "が", "を", "是", "为", "為", "은", "는", "이", "が「", "：", ":", "设为", "改为", "設為"];

/// The value behind a name in a script without spaces, in which the words around a name belong to the same run of letters:
/// `パスワードはa1b2c3です`.
pub(super) fn behind_particle(text: &str, name: &Range<usize>) -> Option<Range<usize>> {
    if !text[name.clone()].chars().next_back().is_some_and(is_unspaced) {
        return None;
    }
    let rest = &text[name.end..];
    let after = PARTICLES.iter().filter_map(|particle| rest.strip_prefix(particle)).map(str::len).min();
    let at = name.end + rest.len() - after.unwrap_or(rest.len());
    let is_next = after.is_some() || rest.starts_with(['「', '『', '“', '"']);
    // What a sign connects is found by the sign.
    let is_sign = rest.starts_with([':', '：', '"']);
    (is_next && !is_sign).then(|| value_at(text, at))?
}

/// Whether a letter is of a script without spaces, or of Korean, which adds particles to names.
fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{3001}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff08}'..='\u{ff09}')
}

/// How much of a value stands behind a letter that usually ends one: `x;a1b2c3`. What follows may be a pair of its own, or
/// the next value.
pub(super) fn beyond(rest: &str, end: usize) -> usize {
    let Some(after) = rest[end..].strip_prefix([';', ',', ')', '&']) else { return 0 };
    let after = near(after);
    let ends = |it: char| it.is_whitespace() || "&;,\"'<>)]}|`\0".contains(it);
    let next = &after[..after.find(ends).unwrap_or(after.len())];
    let is_value = looks_given(next) && !next.contains([':', '=']) && end > 0;
    if is_value && (looks_drawn(next) || !looks_strong(&rest[..end])) { next.len() + 1 } else { 0 }
}

/// The lines below a value that ends with a backslash, as in a properties file.
pub(super) fn continued(rest: &str, end: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut end = end;
    while end < NEAR && rest[..end].ends_with('\\') && !rest[..end].ends_with("\\\\") {
        let below = &rest[end..];
        let Some(below) = below.strip_prefix("\r\n").or_else(|| below.strip_prefix('\n')) else { break };
        let line = below.trim_start_matches([' ', '\t']);
        let length = line.find(['\n', '\r']).unwrap_or(line.len());
        let start = rest.len() - line.len();
        end = start + length;
        let said = line[..length].trim_end_matches('\\').len();
        lines.push(start..start + said);
    }
    lines
}

/// Whether a text begins with a word in base64.
pub(super) fn begins_base64(text: &str) -> bool {
    let word = near(text.trim_start()).split_whitespace().next().unwrap_or_default();
    word.len() >= 8
        && word.len().is_multiple_of(4)
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
        && (has_digit(word) || word.ends_with('='))
}
