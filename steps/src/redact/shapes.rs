//! Secrets that are recognized by their shape, independently of a name: tokens, private keys, hashes of passwords,
//! credentials in headers and in addresses.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine as _;

use super::value::{Finding, HASHES, LENIENT, looks_drawn, looks_random, looks_strong};
use super::{ENCRYPTED, MASK, first, near, near_before};

/// Longer shapes are masked where they stand, and not learned, in bytes: no token is so long.
const LONGEST: usize = 16 * 1024;

/// So much of a token shows whether it is one, in bytes.
const SHORT: usize = 256;

/// How each shape begins.
const STARTS: [&str; 43] = [
    "eyj",
    "-----begin ",
    "bearer ",
    "basic ",
    "digest ",
    "$1$",
    "$5$",
    "$6$",
    "$7$",
    "$2a$",
    "$2b$",
    "$2x$",
    "$2y$",
    "$y$",
    "$gy$",
    "$argon2",
    "$apr1$",
    "$sha1$",
    "$scrypt$",
    "$pbkdf2",
    "$p$",
    "$h$",
    "p8e-",
    "s8e-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxr-",
    "xoxs-",
    "xoxe-",
    "xapp-",
    "aiza",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "hvs.",
    " -u ",
    "-user ",
    "-user=",
];

static FIRST: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let all = STARTS.iter().chain(&HASHES);
    AhoCorasick::builder().ascii_case_insensitive(true).build(all).expect("constant patterns")
});

/// Finds what looks like a secret.
pub(super) fn find(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    // Where the last finding ends, and the last run that is no header of a JWT: what begins within is not looked at again.
    let (mut seen, mut no_jwt) = (0, 0);
    for hit in FIRST.find_iter(text) {
        let (start, rest) = (hit.start(), &text[hit.start()..]);
        if start < seen {
            continue;
        }
        let mut sure = true;
        let begun = text[..start].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        let part = match STARTS.get(hit.pattern().as_usize()).copied().unwrap_or("{") {
            "eyj" if start < no_jwt => None,
            "eyj" => jwt(rest).or_else(|| {
                no_jwt = start + if rest.starts_with("eyJ") { length_of(rest, is_url_base64) } else { 0 };
                None
            }),
            "-----begin " => private_key(rest).inspect(|key| sure = is_key(&rest[key.clone()])),
            "bearer " if begun => after_scheme(rest, "bearer ", bearer),
            "basic " if begun => after_scheme(rest, "basic ", basic),
            "digest " if begun => digest(rest),
            "{" => hash_in_braces(rest),
            " -u " | "-user " | "-user=" => user_of_curl(&text[..start], rest),
            "p8e-" | "s8e-" if begun => run(rest, 20, is_url_base64),
            "aiza" if begun && rest.starts_with("AIza") => run(rest, 30, is_url_base64),
            token if begun && !token.starts_with('$') => {
                let allowed = |byte: u8| is_url_base64(byte) || byte == b'.';
                let first = first(rest, SHORT);
                run(first, 20, allowed)
                    .filter(|part| is_drawn(&first[part.clone()]))
                    .and_then(|_| run(rest, 20, allowed))
            }
            _ if begun => run(rest, 20, |byte| byte.is_ascii_alphanumeric() || b"$./=,+-".contains(&byte)),
            _ => None,
        };
        let part = part.map(|part| start + part.start..start + part.end);
        found.extend(part.map(|part| {
            seen = part.end;
            Finding { sure: sure && part.len() <= LONGEST, part, instead: MASK }
        }));
    }
    encrypted(text, &mut found);
    addresses(text, &mut found);
    found
}

fn run(text: &str, least: usize, allowed: impl Fn(u8) -> bool) -> Option<Range<usize>> {
    let length = length_of(text, allowed);
    (length >= least).then_some(0..length)
}

/// How long the bytes at the start are that are allowed.
fn length_of(text: &str, allowed: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !allowed(byte)).unwrap_or(text.len())
}

/// Whether a token has a digit, as no name of several words does.
fn is_drawn(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_digit())
}

/// The password in a command such as `curl -u user:password`.
fn user_of_curl(before: &str, text: &str) -> Option<Range<usize>> {
    let text = near(text);
    let before = near_before(before);
    let start = before.bytes().rposition(|byte| b"\n\r;|".contains(&byte)).map_or(0, |end| end + 1);
    let command = &before[start..];
    if !["curl", "wget", "http"].iter().any(|name| command.contains(name)) {
        return None;
    }
    let begin = text[1..].find([' ', '='])? + 2;
    let begin = begin + text[begin..].len() - text[begin..].trim_start_matches([' ', '"', '\'']).len();
    let quote = text[..begin].chars().next_back().filter(|last| ['"', '\''].contains(last));
    let is_end = |it: char| quote.map_or_else(|| it.is_whitespace() || "<\"'".contains(it), |quote| it == quote);
    let end = begin + text[begin..].find(is_end).unwrap_or(text.len() - begin);
    let colon = begin + text[begin..end].find(':')? + 1;
    (colon < end && !is_variable(&text[colon..end])).then_some(colon..end)
}

/// Whether a value begins with a variable of the shell, as in our own lines for curl: it names a secret and holds none.
fn is_variable(value: &str) -> bool {
    let Some(name) = value.strip_prefix('$') else { return false };
    let name = name.strip_prefix('{').unwrap_or(name);
    let is_of_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let length = name.bytes().position(|byte| !is_of_name(byte)).unwrap_or(name.len());
    let rest = &name[length..];
    // What ends it may be written as JSON or HTML does.
    length >= 3 && (rest.is_empty() || rest.starts_with(['}', '"', '\'', '\\', '&', '<']))
}

const fn is_url_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// A header, a payload, and a signature if it was not cut off.
fn jwt(text: &str) -> Option<Range<usize>> {
    if !text.starts_with("eyJ") {
        return None;
    }
    let part = |text: &str| length_of(text, is_url_base64);
    let header = part(text);
    if header < 8 {
        return None;
    }
    let payload = text[header..].strip_prefix('.').map(part).filter(|length| *length > 0)?;
    let end = header + 1 + payload;
    let signature = text[end..].strip_prefix('.').map_or(0, |rest| 1 + part(rest));
    Some(0..end + signature)
}

/// From the first line to the last, or, of what was cut off, to what cannot belong to a key: a text may only speak of one.
fn private_key(text: &str) -> Option<Range<usize>> {
    let label = near(text).get(11..)?.split("-----").next()?;
    if !label.contains("PRIVATE KEY") || label.len() >= 40 {
        return None;
    }
    let start = 11 + label.len() + 5;
    let rest = text.get(start..)?;
    // No key has dashes before those of its end.
    let dashes = rest.find("-----").filter(|end| *end <= LONGEST && rest[*end..].starts_with("-----END"));
    let end = start + dashes.unwrap_or_else(|| begun_key(rest));
    (!text[start..end].trim().is_empty()).then_some(start..end)
}

/// The headers of an encrypted key.
const KEY_HEADERS: [&str; 2] = ["Proc-Type", "DEK-Info"];

/// How long the lines are that a key begins with, if they are of one. Between them line breaks may be escaped.
fn begun_key(text: &str) -> usize {
    let mut end = 0;
    loop {
        let rest = &text[end..];
        let mut start = end + rest.len() - rest.trim_start().len();
        while let Some(escape) = text[start..].strip_prefix('\\') {
            let escape = escape.trim_start_matches('\\');
            let escape = escape.strip_prefix(['n', 'r', 't']).unwrap_or(escape).trim_start();
            start = text.len() - escape.len();
        }
        let line = &text[start..];
        let length = if KEY_HEADERS.iter().any(|header| line.starts_with(header)) {
            near(line).find(['\n', '\r', '\\', '<', '"']).unwrap_or_default()
        } else {
            let length = length_of(line, is_base64);
            // The last line may be short, and words follow a key that is only spoken of.
            let is_last = end > 0 && (length == line.len() || line[..length].ends_with('='));
            // An RSA key in DER begins with a long sequence.
            let is_begun = line.starts_with("MII") && length >= 8;
            if is_line_of_key(&line[..length]) || is_begun || is_last { length } else { 0 }
        };
        if length == 0 {
            return end;
        }
        end = start + length;
    }
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Whether a text is base64 of some length, and no word of a sentence or name of a class.
pub(super) fn is_line_of_key(line: &str) -> bool {
    let is_mixed = line.bytes().any(|byte| !byte.is_ascii_alphabetic());
    line.bytes().all(is_base64) && ((line.len() >= 16 && is_mixed) || looks_drawn(line))
}

/// Whether what stands between the ends of a key is one, and no sentence.
fn is_key(text: &str) -> bool {
    let is_line = |line: &str| {
        !line.contains(' ')
            || KEY_HEADERS.iter().any(|header| line.starts_with(header))
            || line.split(' ').all(|word| word.bytes().all(is_base64) && word.bytes().any(|byte| byte.is_ascii_digit()))
    };
    text.lines().all(|line| is_line(line.trim()))
}

fn after_scheme(text: &str, scheme: &str, length: impl Fn(&str) -> Option<usize>) -> Option<Range<usize>> {
    let rest = &text[scheme.len()..];
    let start = scheme.len() + rest.len() - rest.trim_start_matches(' ').len();
    Some(start..start + length(&text[start..])?)
}

/// A token, and no word of a sentence.
fn bearer(text: &str) -> Option<usize> {
    let allowed = |byte: u8| is_url_base64(byte) || b"._~+/=".contains(&byte);
    let length = text.bytes().position(|byte| !allowed(byte)).unwrap_or(text.len());
    let token = &text[..length];
    let drawn = token.bytes().any(|byte| byte.is_ascii_digit()) || token.len() >= 24;
    (length >= 8 && drawn).then_some(length)
}

/// A user and a password in base64.
fn basic(text: &str) -> Option<usize> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let length = text.bytes().position(|byte| !allowed(byte)).unwrap_or(text.len());
    let decoded = LENIENT.decode(text[..length].trim_end_matches('=')).ok()?;
    (decoded.contains(&b':') && decoded.iter().all(|byte| *byte >= 0x20)).then_some(length)
}

/// The rest of a header that answers a challenge.
fn digest(text: &str) -> Option<Range<usize>> {
    if !first(text, 32).contains('=') {
        return None;
    }
    let text = near(text);
    let end = text.find(['\n', '\r', '<']).unwrap_or(text.len());
    text[..end].contains("response=").then_some(7..end)
}

/// What stands behind `{SHA-256}`.
fn hash_in_braces(text: &str) -> Option<Range<usize>> {
    let start = text.bytes().take(24).position(|byte| byte == b'}')? + 1;
    let part = run(&text[start..], 8, |byte| byte.is_ascii_alphanumeric() || b"+/=-_.$".contains(&byte))?;
    Some(start..start + part.end)
}

/// What Granite's crypto support encrypted.
fn encrypted(text: &str, found: &mut Vec<Finding>) {
    for start in memchr::memchr_iter(b'{', text.as_bytes()) {
        let length = text.as_bytes()[start + 1..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let end = start + 1 + length;
        if length >= 32 && text.as_bytes().get(end) == Some(&b'}') {
            found.push(Finding { part: start..end + 1, instead: ENCRYPTED, sure: false });
        }
    }
}

/// Passwords in addresses, however little of an address is left of one: `http://user:password@host`, `user:password@host:1`.
fn addresses(text: &str, found: &mut Vec<Finding>) {
    let mut last = 0;
    // Where the word begins that an `@` ends.
    let mut word = 0;
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        if text[at + 1..].starts_with('@') {
            continue;
        }
        let host = near(&text[at + 1..]);
        let length = host.find(|it: char| !(it.is_alphanumeric() || ".-[]:".contains(it))).unwrap_or(host.len());
        let host = &host[..length];
        let before = &text[..at];
        let end = text[last..at].rfind(|it: char| it.is_whitespace() || "\"'<>(),|`".contains(it));
        word = end.map_or(word, |end| last + end + text[last + end..].chars().next().map_or(1, char::len_utf8));
        last = at;
        let start = word.max(at - near_before(before).len());
        if let Some(part) = user_info(&before[start..], host) {
            found.push(Finding {
                part: start + part.start..at,
                instead: MASK,
                sure: looks_strong(&before[start + part.start..]),
            });
        }
    }
}

/// The password in what stands before the `@` of an address.
fn user_info(text: &str, host: &str) -> Option<Range<usize>> {
    let is_host = host.contains('.') || host.contains(':') || host.starts_with("localhost") || host.starts_with('[');
    let slashes = text.find("//").map(|start| start + 2);
    let scheme = text.find(":/").filter(|_| slashes.is_none()).map(|start| start + 2);
    let start = slashes.or(scheme).unwrap_or(0);
    let info = &text[start..];
    let Some(colon) = info.find(':') else {
        // A token in place of a user.
        return (slashes.is_some() && looks_random(info)).then_some(start..text.len());
    };
    if info.len() == colon + 1 || host.is_empty() {
        return None;
    }
    // `http://host:4502/path@suffix` has no user.
    let (user, password) = (&info[..colon], &info[colon + 1..]);
    let first = password.split('/').next().unwrap_or_default();
    let is_port = password.contains('/') && first.bytes().all(|byte| byte.is_ascii_digit());
    let certain = slashes.is_some() && !password.contains('/') && !user.contains('/');
    let likely = is_host && !user.contains(['/', '=', '?']) && !user.eq_ignore_ascii_case("mailto");
    ((certain || likely) && !is_port).then_some(start + colon + 1..text.len())
}
