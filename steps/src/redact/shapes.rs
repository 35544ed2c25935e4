//! Secrets that are recognized by their shape, independently of a name: tokens, private keys, hashes of passwords,
//! credentials in headers and in addresses.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine as _;

use super::value::{Finding, HASHES, LENIENT, looks_random, looks_strong};
use super::{ENCRYPTED, MASK};

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
    for hit in FIRST.find_iter(text) {
        let (start, rest) = (hit.start(), &text[hit.start()..]);
        let begun = text[..start].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        let part = match STARTS.get(hit.pattern().as_usize()).copied().unwrap_or("{") {
            "eyj" => jwt(rest),
            "-----begin " => private_key(rest),
            "bearer " if begun => after_scheme(rest, "bearer ", bearer),
            "basic " if begun => after_scheme(rest, "basic ", basic),
            "digest " if begun => digest(rest),
            "{" => hash_in_braces(rest),
            " -u " | "-user " | "-user=" => user_of_curl(&text[..start], rest),
            "p8e-" | "s8e-" if begun => run(rest, 20, is_url_base64),
            "aiza" if begun => run(rest, 30, is_url_base64).filter(|_| rest.starts_with("AIza")),
            token if begun && !token.starts_with('$') => {
                run(rest, 20, |byte| is_url_base64(byte) || byte == b'.').filter(|part| is_drawn(&rest[part.clone()]))
            }
            _ if begun => run(rest, 20, |byte| byte.is_ascii_alphanumeric() || b"$./=,+-".contains(&byte)),
            _ => None,
        };
        let part = part.map(|part| start + part.start..start + part.end);
        found.extend(part.map(|part| Finding { part, instead: MASK, sure: true }));
    }
    encrypted(text, &mut found);
    addresses(text, &mut found);
    found
}

fn run(text: &str, least: usize, allowed: impl Fn(u8) -> bool) -> Option<Range<usize>> {
    let length = text.bytes().position(|byte| !allowed(byte)).unwrap_or(text.len());
    (length >= least).then_some(0..length)
}

/// Whether a token has a digit, as no name of several words does.
fn is_drawn(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_digit())
}

/// The password in a command such as `curl -u user:password`.
fn user_of_curl(before: &str, text: &str) -> Option<Range<usize>> {
    let command = before.rsplit(['\n', '\r', ';', '|']).next().unwrap_or_default();
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
    let part = |text: &str| text.bytes().position(|byte| !is_url_base64(byte)).unwrap_or(text.len());
    let header = part(text);
    let payload = text[header..].strip_prefix('.').map(part).filter(|length| *length > 0)?;
    let end = header + 1 + payload;
    let signature = text[end..].strip_prefix('.').map_or(0, |rest| 1 + part(rest));
    (header >= 8).then_some(0..end + signature)
}

/// From the first line to the last, or to the end of what was cut off.
fn private_key(text: &str) -> Option<Range<usize>> {
    let label =
        text.get(11..)?.split("-----").next().filter(|label| label.contains("PRIVATE KEY") && label.len() < 40)?;
    let start = 11 + label.len() + 5;
    let end = text.get(start..)?.find("-----END").map_or(text.len(), |end| start + end);
    let body = text[start..end].trim();
    (!body.is_empty()).then_some(start..end)
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
    let end = text.find(['\n', '\r', '<']).unwrap_or(text.len());
    text[..end].contains("response=").then_some(7..end)
}

/// What stands behind `{SHA-256}`.
fn hash_in_braces(text: &str) -> Option<Range<usize>> {
    let start = text.find('}').filter(|end| *end < 24)? + 1;
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
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        let host = &text[at + 1..];
        let length = host.find(|it: char| !(it.is_alphanumeric() || ".-[]:".contains(it))).unwrap_or(host.len());
        let host = &host[..length];
        let before = &text[..at];
        let start = before
            .rfind(|it: char| it.is_whitespace() || "\"'<>(),|`".contains(it))
            .map_or(0, |end| end + before[end..].chars().next().map_or(1, char::len_utf8));
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
