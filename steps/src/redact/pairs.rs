//! Secrets that follow a name and a separator, in any text: `key=value`, `key: value`, `"key":"value"`, headers, lines of
//! properties files, parts of a multipart form, phrases of a log.

use std::ops::Range;

use bpconform_fixtures::{SecretNames, Sensitivity};

use super::names::{Names, is_of_gateway};
use super::value::{Finding, is_named, judge, looks_chosen, looks_drawn, looks_strong};
use super::{MASK, NEAR, SENTENCE, first, near, near_before, told, vocabulary};

/// The origin of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Author {
    /// The program itself: the text after a colon may continue the sentence.
    Program,
    /// Somebody else's, for example a log of the target.
    Other,
}

/// Header names whose whole line is the secret.
const WHOLE_LINE: [&str; 5] = ["authorization", "cookie", "cookie2", "authenticate", "authentication-info"];

/// What OAuth answers instead of a token.
const CODES: [&str; 17] = [
    "access_denied",
    "authorization_pending",
    "expired_token",
    "insufficient_scope",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_token",
    "login_required",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unsupported_token_type",
];

/// How many words may stand between a name and a verb: "the password of the proxy is".
const GAP: usize = 5;

/// A quoted value that does not end is not read any further.
const LONGEST: usize = 16 * 1024;

/// Whether a text holds any part of a name that may be a secret's.
pub(super) fn may_hold(text: &str, names: &Names<'_>) -> bool {
    SecretNames::built_in().triggers().is_match(text) || !names.more().is_empty()
}

/// Finds the values behind names.
pub(super) fn find(text: &str, names: &Names<'_>, author: Author) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen = 0;
    // A pattern of the operator's is about whole names, so that each name has to be looked at.
    let hits: Vec<Range<usize>> = if names.more().is_empty() {
        SecretNames::built_in().triggers().find_iter(text).map(|hit| hit.range()).collect()
    } else {
        letters(text).collect()
    };
    for hit in hits {
        if hit.start < seen {
            continue;
        }
        if author == Author::Other
            && let Some(part) = told::behind_particle(text, &hit)
        {
            seen = part.end;
            let sure = looks_drawn(&text[part.clone()]);
            found.extend(judge(Sensitivity::Secret, text, part, sure));
            continue;
        }
        let name = identifier(text, &hit);
        seen = name.end.max(hit.end);
        let is_phrase = || SecretNames::built_in().ends_with_phrase(&text[..name.end]);
        let sensitivity = match names.classify(text[name.clone()].trim_matches(['.', '-', ':', '/'])) {
            Sensitivity::Secret => Sensitivity::Secret,
            _ if is_phrase() => Sensitivity::Secret,
            other => other,
        };
        if sensitivity > Sensitivity::Public {
            let (end, before) = (name.end, found.len());
            let read = Place { text, name, sensitivity, author }.find(&mut found);
            // What is long is not read again for each name in it, unless a name in it may have a value of its own.
            let is_masked = sensitivity == Sensitivity::Secret && found.len() > before;
            if read > end + NEAR && (is_masked || !text[end..read].contains([' ', '\n', '"', '\''])) {
                seen = seen.max(read);
            }
        }
    }
    found
}

/// The runs of letters in a text.
fn letters(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = &rest[rest.find(char::is_alphabetic)?..];
        let length = rest.find(|letter: char| !letter.is_alphabetic()).unwrap_or(rest.len());
        let start = text.len() - rest.len();
        rest = &rest[length..];
        Some(start..start + length)
    })
}

/// The whole name around a part of it.
fn identifier(text: &str, hit: &Range<usize>) -> Range<usize> {
    let part = |letter: char| letter.is_alphanumeric() || "_.-$".contains(letter);
    let near = near_before(&text[..hit.start]);
    let before = near.char_indices().rev().take_while(|(_, letter)| part(*letter) || *letter == ':');
    let start = before.last().map_or(hit.start, |(at, _)| hit.start - near.len() + at);
    let after = text[hit.end..].find(|letter: char| !part(letter) && letter != '@').unwrap_or(text.len() - hit.end);
    let end = hit.end + text[hit.end..hit.end + after].trim_end_matches(['.', '-']).len();
    start..end.max(hit.end)
}

/// A name in a text.
struct Place<'a> {
    text: &'a str,
    name: Range<usize>,
    sensitivity: Sensitivity,
    author: Author,
}

/// What stands between a name and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Equals,
    Colon,
    /// Only a space, or a verb such as `is`.
    Phrase,
}

impl Place<'_> {
    /// Gives back how far the text was read.
    fn find(&self, found: &mut Vec<Finding>) -> usize {
        if let Some(part) = self.of_multipart() {
            found.extend(judge(self.sensitivity, self.text, part.clone(), true));
            return part.end;
        }
        let rest = &self.text[self.name.end..];
        if let Some(value) = rest.strip_prefix('(').and_then(argument).filter(|_| self.may_be_phrase()) {
            let start = self.name.end + 1;
            let sure = looks_drawn(value);
            found.extend(judge(self.sensitivity, self.text, start..start + value.len(), sure));
            return start + value.len();
        }
        if rest.starts_with('(') && self.may_be_phrase() {
            for part in told::arguments(rest) {
                self.add_told(self.name.end + part.start..self.name.end + part.end, found);
            }
        }
        let closed = rest.trim_start_matches(['"', '\'', '`', ']', '*']);
        let is_quoted = closed.len() < rest.len() && rest.len() - closed.len() <= 2;
        let rest = told::without_type(if is_quoted { closed } else { rest });
        let spaced =
            rest.trim_start_matches(
                |letter: char| if is_quoted { letter.is_whitespace() } else { letter == ' ' || letter == '\t' },
            );
        let sign = self.sign(spaced, is_quoted, spaced.len() < rest.len());
        if sign.is_none_or(|(sign, _)| sign == Sign::Phrase)
            && self.may_be_phrase()
            && !self.is_element()
            && rest.starts_with([' ', '\t'])
            && let Some(part) = told::value(rest)
        {
            let start = self.text.len() - rest.len();
            self.add_told(start + part.start..start + part.end, found);
            return start + part.end;
        }
        let Some((sign, value)) = sign else { return self.name.end };
        let start = self.text.len() - value.len();
        if let Some(block) = self.block(sign, value) {
            found.extend(judge(self.sensitivity, self.text, block.clone(), true));
            block.end
        } else {
            self.value(sign, start, found)
        }
    }

    /// Adds what only looks like the value.
    fn add_told(&self, part: Range<usize>, found: &mut Vec<Finding>) {
        let sure = looks_drawn(&self.text[part.clone()]);
        found.extend(judge(self.sensitivity, self.text, part, sure));
    }

    /// Whether it is the name of an element, which is followed by its attributes.
    fn is_element(&self) -> bool {
        self.text[..self.name.start].ends_with('<')
    }

    /// Whether what follows without a sign may be the value.
    fn may_be_phrase(&self) -> bool {
        self.author == Author::Other && self.sensitivity == Sensitivity::Secret
    }

    /// What follows a name, and where its value begins.
    fn sign<'t>(&self, rest: &'t str, is_quoted: bool, has_space: bool) -> Option<(Sign, &'t str)> {
        let blank = |text: &'t str| text.trim_start_matches([' ', '\t']);
        for sign in [":=", "=>", "->"] {
            if let Some(value) = rest.strip_prefix(sign) {
                return Some((Sign::Equals, blank(value)));
            }
        }
        if let Some(value) = rest.strip_prefix('=') {
            return (!value.starts_with('=')).then(|| (Sign::Equals, blank(value)));
        }
        if let Some(value) = rest.strip_prefix(['：', '＝']) {
            return Some((Sign::Colon, blank(value)));
        }
        // LDIF writes two of them before base64.
        if let Some(value) = rest.strip_prefix(":: ").filter(|value| told::begins_base64(value)) {
            return Some((Sign::Equals, blank(value)));
        }
        if let Some(value) = rest.strip_prefix(':') {
            let is_scheme = value.starts_with("//") || value.starts_with(':');
            let value = if is_quoted { value.trim_start() } else { blank(value) };
            return (!is_scheme).then_some((Sign::Colon, value));
        }
        if is_quoted {
            // A pair as Python writes it: ('password', 'x').
            let is_tuple = ["('", "(\""].iter().any(|start| self.text[..self.name.start].ends_with(start));
            let value = rest.strip_prefix(',').filter(|_| is_tuple)?;
            return Some((Sign::Equals, blank(value)));
        }
        if !self.may_be_phrase() || self.is_element() {
            return None;
        }
        has_space.then(|| (Sign::Phrase, after_verb(rest)))
    }

    /// The lines of a value that stands below its name: a block scalar of YAML, or one word.
    fn block(&self, sign: Sign, value: &str) -> Option<Range<usize>> {
        if sign != Sign::Colon {
            return None;
        }
        let line = near(value).find('\n')?;
        let (header, below) = (&value[..line], &value[line + 1..]);
        let header = header.split('#').next().unwrap_or_default().trim();
        let is_block =
            header.starts_with(['|', '>']) && header[1..].chars().all(|it| it.is_ascii_digit() || "+-".contains(it));
        if !is_block && !header.is_empty() {
            return None;
        }
        let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
        let own = indent(near_before(&self.text[..self.name.start]).rsplit('\n').next().unwrap_or_default());
        // Only a block has several lines.
        let below = if is_block { below } else { near(below) };
        let mut end = 0;
        for line in below.split_inclusive('\n') {
            if !line.trim().is_empty() && indent(line) <= own {
                break;
            }
            end += line.len();
        }
        let lines = below[..end].trim_end();
        let is_word = self.begins_line() && looks_strong(lines.trim()) && !lines.trim().contains([' ', ':', '\n', '<']);
        let start = self.text.len() - value.len() + line + 1;
        (!lines.trim().is_empty() && (is_block || is_word)).then_some(start..start + lines.len())
    }

    /// Gives back how far the text was read.
    fn value(&self, sign: Sign, start: usize, found: &mut Vec<Finding>) -> usize {
        let rest = &self.text[start..];
        if rest.strip_prefix(MASK).is_some_and(|after| !after.starts_with(char::is_alphanumeric)) {
            return start;
        }
        if self.sensitivity == Sensitivity::Hint && sign == Sign::Equals && self.is_assigned(rest) {
            let assigned = Self { sensitivity: Sensitivity::Secret, name: self.name.clone(), ..*self };
            return assigned.value(sign, start, found);
        }
        let typed = rest
            .strip_prefix(|letter: char| letter.is_ascii_uppercase())
            .filter(|rest| rest.starts_with(['"', '[', '(']));
        let (start, rest) = typed.map_or((start, rest), |rest| (start + 1, rest));
        let Some(first) = rest.chars().next() else { return start };
        match first {
            '"' | '\'' | '`' => {
                let end = quoted(rest, first);
                let sure = self.is_sure(sign, &rest[1..end]);
                found.extend(judge(self.sensitivity, self.text, start + 1..start + end, sure));
                start + end
            }
            '(' if !rest[1..].trim_start().starts_with(['"', '\'']) => self.bare(sign, start, found),
            '[' | '(' if sign != Sign::Phrase || is_one_word(rest) => self.list(sign, start, found),
            '<' | '「' | '『' | '«' | '“' | '„' => {
                // Of an element only its name stands there, and it does not look so.
                if let Some(part) = told::value_at(self.text, start) {
                    let end = part.end;
                    self.add_told(part, found);
                    end
                } else {
                    self.bare(sign, start, found)
                }
            }
            '{' if rest[1..].trim_start().starts_with(['"', '\'', '\\', '}']) => start,
            _ => self.bare(sign, start, found),
        }
    }

    /// Whether a value proves by where it stands that it is a secret elsewhere too. In a sentence, the name of something may
    /// stand there, and behind a name of several words its translation.
    fn is_sure(&self, sign: Sign, value: &str) -> bool {
        let is_named = match sign {
            Sign::Phrase => false,
            Sign::Equals => true,
            Sign::Colon => self.begins_line() || self.text[..self.name.start].ends_with(['"', '\'', '`']),
        };
        is_named || looks_drawn(value) || (sign != Sign::Phrase && self.is_password() && looks_chosen(value))
    }

    /// Whether a value is one of a line or a form that only has names and values: `&secret=a`.
    fn is_field(&self, after: &str) -> bool {
        let before = &self.text[..self.name.start];
        before.ends_with(['&', '?']) || after.starts_with('&') || self.begins_line()
    }

    /// Whether it is the name of what a person may have chosen, and not of what a machine drew.
    fn is_password(&self) -> bool {
        let name = self.text[self.name.clone()].to_lowercase();
        ["pass", "pw", "pin"].iter().any(|part| name.contains(part))
    }

    /// Whether what is assigned to a hint is a secret: `session=a1b2c3d4`.
    fn is_assigned(&self, rest: &str) -> bool {
        let rest = near(rest);
        let end = rest.find(|it: char| it.is_whitespace() || "&;,\"'<>)]}|".contains(it)).unwrap_or(rest.len());
        let is_drawn = rest[..end].len() >= 8 && rest[..end].bytes().any(|byte| byte.is_ascii_digit());
        is_drawn
            && !is_named(&rest[..end])
            && looks_strong(&rest[..end])
            && SecretNames::built_in().is_assigned(&self.text[self.name.clone()])
    }

    /// Each value of a list, as long as nothing but commas stands between them. Gives back how far the text was read.
    fn list(&self, sign: Sign, start: usize, found: &mut Vec<Finding>) -> usize {
        let close = if self.text[start..].starts_with('[') { ']' } else { ')' };
        let blank =
            |at: usize| self.text.len() - self.text[at..].trim_start_matches([' ', '\t', '\r', '\n', '\\']).len();
        let mut at = blank(start + 1);
        while let Some(first) = self.text[at..].chars().next().filter(|first| *first != close) {
            let end = if first == '"' || first == '\'' {
                let end = at + quoted(&self.text[at..], first);
                // A list may be of names, too.
                let value = &self.text[at + 1..end];
                let sure = looks_drawn(value) || (sign != Sign::Phrase && looks_chosen(value));
                found.extend(judge(self.sensitivity, self.text, at + 1..end, sure));
                (end + 1).min(self.text.len())
            } else if first == '{' || first == '[' {
                // What is nested is judged by its own names.
                return at;
            } else {
                let length = self.text[at..].find([',', close, '\n', '"', '}']).unwrap_or(self.text.len() - at);
                found.extend(judge(self.sensitivity, self.text, at..at + length, false));
                at + length
            };
            match self.text[blank(end)..].strip_prefix(',') {
                Some(rest) if end - start < LONGEST => at = blank(self.text.len() - rest.len()),
                _ => return end,
            }
        }
        at
    }

    /// A value without quotation marks. Gives back how far the text was read.
    fn bare(&self, sign: Sign, start: usize, found: &mut Vec<Finding>) -> usize {
        let rest = &self.text[start..];
        let end = if sign != Sign::Phrase && self.is_whole_line() {
            end_of_header(rest)
        } else if sign != Sign::Phrase && self.begins_line() {
            // Behind what only hints at a secret there is one word, if there is one.
            let is_hint = self.sensitivity == Sensitivity::Hint;
            let word = rest.find(char::is_whitespace).filter(|_| is_hint).unwrap_or(rest.len());
            end_of_line(&rest[..word])
        } else {
            let braces = in_braces(rest);
            let end = rest[braces..].find(|it: char| it.is_whitespace() || "&;,\"'<>)]}|`\0".contains(it));
            let end = end.map_or(rest.len(), |end| braces + end);
            end + if sign == Sign::Phrase { 0 } else { told::beyond(rest, end) }
        };
        if sign != Sign::Phrase && self.begins_line() && self.sensitivity == Sensitivity::Secret {
            for part in told::continued(rest, end) {
                self.add_told(start + part.start..start + part.end, found);
            }
        }
        let value = rest[..end].trim_end_matches(['.', ':', ',']);
        let value = if value.is_empty() { &rest[..end] } else { value };
        let is_word = !looks_strong(value.split_whitespace().next().unwrap_or_default());
        let reads_on = match (sign, self.author) {
            (Sign::Phrase, _) => is_word || is_class(value),
            (Sign::Colon, Author::Other) => self.is_reason(value, &rest[end..]),
            (Sign::Colon, Author::Program) => is_word && !self.is_whole_line() && is_prose(rest, value),
            _ => false,
        };
        let is_nothing = sign == Sign::Colon && is_literal(value);
        if !reads_on && !is_nothing {
            let is_one = !value.contains(char::is_whitespace);
            let sure = match sign {
                Sign::Phrase => looks_drawn(value),
                _ if self.is_whole_line() => true,
                Sign::Equals if self.is_field(&rest[end..]) => !is_word || is_one,
                _ => {
                    let is_header = self.begins_line() && !is_word && !is_of_gateway(&self.text[self.name.clone()]);
                    let has_digit = value.contains(|letter: char| letter.is_ascii_digit());
                    looks_drawn(value) || (is_header && has_digit) || (self.is_password() && looks_chosen(value))
                }
            };
            found.extend(judge(self.sensitivity, self.text, start..start + value.len(), sure));
        }
        // user/password: admin / a1b2c3
        if rest[end..].starts_with(" / ") && !self.begins_line() {
            let part = told::value_at(self.text, start + end + 3);
            part.into_iter().for_each(|part| self.add_told(part, found));
        }
        start + end
    }

    /// Whether what follows a colon in a sentence says why something failed: `OAuth token: expired`.
    fn is_reason(&self, value: &str, after: &str) -> bool {
        if self.is_whole_line() || self.begins_line() {
            return false;
        }
        if is_class(value) || CODES.contains(&value) {
            return true;
        }
        // A password may be a word, too, or a number with which no sentence goes on.
        let is_password = self.is_password();
        let goes_on = after.strip_prefix(' ').is_some_and(|next| next.starts_with(char::is_alphabetic));
        if value.len() <= 3 && value.bytes().all(|byte| byte.is_ascii_digit()) {
            return !is_password || goes_on;
        }
        !is_password && vocabulary::holds(value)
    }

    /// Whether it is a header whose whole line is the secret.
    fn is_whole_line(&self) -> bool {
        let name = self.text[self.name.clone()].to_ascii_lowercase();
        WHOLE_LINE.iter().any(|known| name.ends_with(known))
    }

    /// Whether the name is the first of its line, as in a properties file or among headers.
    fn begins_line(&self) -> bool {
        let before = near_before(&self.text[..self.name.start]);
        let line = memchr::memrchr2(b'\n', b'\r', before.as_bytes()).map_or(0, |end| end + 1);
        let before = before[line..].trim_start();
        before.is_empty() || ["export ", ">> ", "<< ", "> ", "< ", "set "].iter().any(|start| before.ends_with(start))
    }

    /// The value of the part of a multipart form with this name.
    fn of_multipart(&self) -> Option<Range<usize>> {
        let before = self.text[..self.name.start].strip_suffix('"').unwrap_or(&self.text[..self.name.start]);
        if !before.ends_with("name=") {
            return None;
        }
        let line = near_before(before).rsplit('\n').next().unwrap_or_default().to_ascii_lowercase();
        if !line.contains("form-data") {
            return None;
        }
        let rest = &self.text[self.name.end..];
        let blank =
            ["\r\n\r\n", "\n\n"].into_iter().filter_map(|blank| Some(near(rest).find(blank)? + blank.len())).min()?;
        let value = &rest[blank..];
        let end = ["\r\n--", "\n--"].into_iter().filter_map(|end| value.find(end)).min().unwrap_or(value.len());
        let start = self.name.end + blank;
        Some(start..start + end)
    }
}

/// What follows the verb of a sentence: "password is", "Passwort für den Proxy ist".
fn after_verb(rest: &str) -> &str {
    let names = SecretNames::built_in();
    let line = first(rest, SENTENCE).split(['\n', '<', '.', ';', ',']).next().unwrap_or_default();
    let mut at = 0;
    for (count, word) in line.split_inclusive([' ', '\t']).take(GAP + 1).enumerate() {
        at += word.len();
        let word = word.trim();
        if names.is_verb(word.trim_end_matches(':')) {
            let value = rest[at..].trim_start_matches([' ', '\t']);
            // An address, or the name of something, is not what the name at the beginning of the sentence means.
            let is_near = count == 0 || !value.starts_with('/');
            return if is_near { value } else { rest };
        }
        // "the password policy is" is about something else, and "the password a1b2c3 is" names the value.
        if looks_strong(word) || (count == 0 && names.is_reference(word)) || word.ends_with(':') || word.contains('=') {
            break;
        }
    }
    ["of ", "value "].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest)
}

/// The only value in parentheses, as in `password(a1b2c3)`; `None` for a position in source code, as in
/// `token(Crypto.java:12)`.
fn argument(text: &str) -> Option<&str> {
    let is_other = |it: char| it.is_whitespace() || "(\"'<>,[]{}".contains(it);
    let value = &text[..near(text).find(|it| it == ')' || is_other(it)).filter(|end| text[*end..].starts_with(')'))?];
    let is_source = [".java", ".kt", ".groovy", ".scala", ".jsp", ".js", ".html"].iter().any(|end| value.contains(end));
    (!is_source && !value.starts_with('/') && looks_strong(value)).then_some(value)
}

/// Whether it is the whole name of a class of Java, such as an exception.
fn is_class(value: &str) -> bool {
    let mut parts = value.rsplit('.');
    let is_word = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$".contains(&byte));
    let is_last =
        parts.next().is_some_and(|last| last.starts_with(|it: char| it.is_ascii_uppercase()) && is_word(last));
    let packages: Vec<_> = parts.collect();
    is_last
        && packages.len() > 1
        && packages.iter().all(|part| part.starts_with(|it: char| it.is_ascii_lowercase()) && is_word(part))
}

/// How long the braces are that a value begins with: `${PASSWORD}`, `{SHA-256}`.
fn in_braces(rest: &str) -> usize {
    let is_open = ["{", "${"].iter().any(|start| rest.starts_with(start));
    let end = rest.find(|it: char| it.is_whitespace() || "}&;,\"'<>".contains(it));
    end.filter(|end| is_open && rest[*end..].starts_with('}')).map_or(0, |end| end + 1)
}

/// The end of a quoted value; a backslash hides what follows it.
fn quoted(text: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, letter) in text.char_indices().skip(1) {
        if letter == quote && !hidden {
            return at;
        }
        if at > LONGEST {
            return at;
        }
        hidden = letter == '\\' && !hidden;
    }
    text.len()
}

/// The end of a header. A quotation mark ends it, unless it stands around a parameter: `nextnonce="a"`.
fn end_of_header(rest: &str) -> usize {
    let mut is_open = false;
    let end = rest.char_indices().find(|(at, letter)| match letter {
        '"' if is_open || rest[..*at].ends_with('=') => {
            is_open = !is_open;
            false
        }
        letter => ['\n', '\r', '<', '"', '\0'].contains(letter),
    });
    end.map_or(rest.len(), |(at, _)| at)
}

/// The end of a value that fills its line, unless another name and value follow on it.
fn end_of_line(rest: &str) -> usize {
    let end = rest.find(['\n', '\r', '<', '\0']).unwrap_or(rest.len());
    let line = &rest[..end];
    let next = line.match_indices(['&', ';', ',']).find(|(at, _)| {
        let after = line[at + 1..].trim_start();
        let name = after.find(|letter: char| !(letter.is_alphanumeric() || "_.-:@%[]$/ ".contains(letter)));
        name.is_some_and(|length| length > 0 && after[length..].starts_with('='))
    });
    next.map_or(end, |(at, _)| at)
}

/// Whether the text after a colon continues or ends a sentence.
fn is_prose(rest: &str, value: &str) -> bool {
    let after = &rest[value.len()..];
    let next = after.trim_start_matches(['.', ',', ';', ':']);
    next.is_empty() || next.starts_with(' ') || next.starts_with('\n')
}

/// Whether what stands in brackets is one word.
fn is_one_word(text: &str) -> bool {
    near(text).find([']', ')', ' ']).is_some_and(|end| end > 6 && !text[end..].starts_with(' '))
}

/// Whether it is what JSON and YAML write for no text. Nought is a count.
fn is_literal(value: &str) -> bool {
    ["true", "false", "null", "0"].contains(&value)
}
