//! Decides by the name of a value whether the value, or which part of it, is a secret.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bpconform_fixtures::Sensitivity;

use super::{ENCRYPTED, MASK};

/// Base64 with or without its padding.
pub(super) static LENIENT: LazyLock<GeneralPurpose> = LazyLock::new(|| {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&base64::alphabet::STANDARD, config.with_decode_allow_trailing_bits(true))
});

/// A part of a text that is masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Which part.
    pub(super) part: Range<usize>,
    /// What stands in its place.
    pub(super) instead: &'static str,
    /// Whether its position proves that it is a secret, so that it is one elsewhere too.
    pub(super) sure: bool,
}

/// How authentication begins in a header.
const SCHEMES: [&str; 8] = ["bearer", "basic", "digest", "negotiate", "ntlm", "token", "oauth", "apikey"];

/// What stands for a value that is not there, or that was masked before.
const PLACEHOLDERS: [&str; 8] = ["(not set)", "(none)", "null", "undefined", "{encrypted}", "[redacted]", "-", "..."];

/// The shortest value that may be found by its randomness.
const RANDOM: usize = 16;

/// The shortest value that is a secret elsewhere too because a machine seems to have drawn it.
const DRAWN: usize = 8;

/// Judges a value that stands at `part` of a text.
pub(super) fn judge(name: Sensitivity, text: &str, part: Range<usize>, sure: bool) -> Option<Finding> {
    let value = &text[part.clone()];
    let trimmed = part.start + value.len() - value.trim_start().len()..part.start + value.trim_end().len();
    let value = text.get(trimmed.clone())?;
    if name == Sensitivity::Public || is_placeholder(value) {
        return None;
    }
    if is_encrypted(value) {
        return Some(Finding { part: trimmed, instead: ENCRYPTED, sure: false });
    }
    if name == Sensitivity::Hint && (!looks_random(value) || is_named(value)) {
        return None;
    }
    let kept = scheme(value).max(hash_prefix(value));
    if &value[kept..] == MASK {
        return None;
    }
    let part = trimmed.start + kept..trimmed.end;
    // What was masked in part is not what occurs elsewhere.
    let sure = sure && !value.contains(MASK);
    (!part.is_empty()).then_some(Finding { part, instead: MASK, sure })
}

fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.is_empty()
        || PLACEHOLDERS.contains(&lower.as_str())
        || value.chars().all(|letter| matches!(letter, '*' | '•'))
        || is_reference(value)
}

/// Whether a value names where the secret is: `${env:PW}`, `${SMTP_PASSWORD}`, `$[secret:smtp]`. A password may have
/// braces around it, too, and what follows a name in them may be a default.
fn is_reference(value: &str) -> bool {
    let within = |start: &str, end: char| value.strip_prefix(start)?.strip_suffix(end);
    let Some(name) = within("${", '}').or_else(|| within("$[", ']')) else { return false };
    match name.split_once(':') {
        Some(("env" | "secret" | "prop", name)) => {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        }
        Some(_) => false,
        None => {
            value.starts_with("${")
                && !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || b"_.".contains(&byte))
        }
    }
}

/// How long the scheme before a token is, with the space behind it.
fn scheme(value: &str) -> usize {
    let Some((first, rest)) = value.split_once(' ') else { return 0 };
    let known = SCHEMES.iter().any(|scheme| first.eq_ignore_ascii_case(scheme));
    if known { first.len() + 1 + rest.len() - rest.trim_start().len() } else { 0 }
}

/// How the names of the algorithms of hashes begin, in braces before the hash.
pub(super) const HASHES: [&str; 18] = [
    "{sha",
    "{ssha",
    "{pbkdf2",
    "{bcrypt",
    "{md5}",
    "{smd5}",
    "{md4}",
    "{des}",
    "{3des}",
    "{aes",
    "{crypt}",
    "{scrypt",
    "{argon2",
    "{noop}",
    "{cipher}",
    "{xor}",
    "{enc}",
    "{x-pbkdf2",
];

/// How long the name of the algorithm before the hash of a password is: `{SHA-256}`. Other braces belong to the password.
fn hash_prefix(value: &str) -> usize {
    let end = value.find('}').filter(|end| *end < 24 && end + 1 < value.len() && begins_hash(value));
    end.map_or(0, |end| end + 1)
}

fn begins_hash(text: &str) -> bool {
    let begins = |start: &&str| text.get(..start.len()).is_some_and(|first| first.eq_ignore_ascii_case(start));
    HASHES.iter().any(begins)
}

/// Whether it is a value that Granite's crypto support encrypted: braces around hex digits.
pub(super) fn is_encrypted(value: &str) -> bool {
    value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(|hex| hex.len() >= 32 && is_hex(hex))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a value looks as if a machine had drawn it.
pub(super) fn looks_random(value: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-~!$%^*#".contains(&byte);
    if value.len() < RANDOM || is_address(value) || !value.bytes().all(allowed) {
        return false;
    }
    let has = |test: fn(&u8) -> bool| value.as_bytes().iter().any(test);
    let classes =
        [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase].map(|test| usize::from(has(test)));
    classes.iter().sum::<usize>() >= 2 && entropy(value) >= 3.0
}

/// Whether a machine drew a value more likely than a person named something by it: in names such as
/// `mp_replication_agent1_default`, `AccessTokenProviderImpl` and `aem-author-1`, letters of one kind follow each other.
pub(super) fn looks_drawn(value: &str) -> bool {
    !value.starts_with('/') && !value.contains(char::is_whitespace) && value.len() >= DRAWN && jumps(value, 4)
}

/// Whether a person named something by a value more likely than a machine drew it: `InvalidAuthenticationToken`,
/// `ERR_CONNECTION_REFUSED38`. A number of hex digits is no name.
pub(super) fn is_named(value: &str) -> bool {
    let is_number = is_hex(value) && value.bytes().any(|byte| byte.is_ascii_digit());
    !is_number && !jumps(value, 5)
}

/// Whether a person may have chosen a value as a password, and not as the name of something: it has digits, and no words
/// with anything between them, such as `agent_1` and `HealthCheck2`.
pub(super) fn looks_chosen(value: &str) -> bool {
    let is_between = |letter: char| letter.is_whitespace() || "._-/:".contains(letter);
    let has_words = value.contains(is_between)
        || value.chars().zip(value.chars().skip(1)).any(|(last, next)| last.is_lowercase() && next.is_uppercase());
    !has_words && value.contains(char::is_alphabetic) && value.contains(|it: char| it.is_ascii_digit())
}

/// Whether letters of one kind follow each other at most so often on average.
fn jumps(value: &str, most: usize) -> bool {
    let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase());
    let letters: Vec<_> = value.bytes().filter(u8::is_ascii_alphanumeric).map(kind).collect();
    // A word may begin with a capital.
    let jumps = letters.windows(2).filter(|pair| pair[0] != pair[1] && (pair[0].0 || pair[1] != (false, false)));
    jumps.count() * most > letters.len()
}

/// Whether it is a path or an address, and no secret that only begins like one: base64 may begin with a slash, too.
pub(super) fn is_address(value: &str) -> bool {
    if let Some(path) = value.strip_prefix('/') {
        let first = path.split('/').next().unwrap_or_default();
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(&byte));
        return is_word(first) || !looks_drawn(path);
    }
    let scheme = value.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| ADDRESSES.contains(&scheme.as_str()) || scheme.starts_with("jdbc:"))
}

/// Shannon's entropy, in bits for each character.
fn entropy(value: &str) -> f64 {
    let mut counts: HashMap<char, u32> = HashMap::new();
    value.chars().for_each(|letter| *counts.entry(letter).or_default() += 1);
    let all: u32 = counts.values().sum();
    counts.values().map(|count| f64::from(*count) / f64::from(all)).map(|share| -share * share.log2()).sum()
}

/// How the addresses begin that a value may be.
const ADDRESSES: [&str; 12] =
    ["http", "https", "ws", "wss", "ftp", "ftps", "sftp", "file", "ldap", "ldaps", "smb", "smtp"];

/// Attributes of a cookie, which are not secret.
const ATTRIBUTES: [&str; 6] = ["path", "domain", "expires", "max-age", "samesite", "version"];

/// The secrets that a secret is made of: the values of cookies, the password in the base64 of user and password.
pub(super) fn within(value: &str) -> Vec<String> {
    let pairs = value.split([';', ',']).filter_map(|pair| pair.trim().split_once('='));
    let drawn = |(name, value): &(&str, &str)| {
        let attribute = ATTRIBUTES.iter().any(|known| name.trim().eq_ignore_ascii_case(known));
        let name = !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "-_. ".contains(letter));
        name && !attribute && looks_drawn(value.trim_matches('"'))
    };
    let mut secrets: Vec<String> = pairs.filter(drawn).map(|(_, value)| value.trim_matches('"').to_owned()).collect();
    let decoded = LENIENT.decode(value.trim_end_matches('=')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((user, password)) = decoded.as_deref().and_then(|text| text.split_once(':'))
        && !user.is_empty()
        && !password.contains(char::is_control)
    {
        secrets.push(password.to_owned());
    }
    secrets
}

/// Whether an unquoted value looks more like a secret than like part of a sentence.
pub(super) fn looks_strong(value: &str) -> bool {
    let letters = value.chars().any(char::is_alphabetic);
    let others = value.chars().any(|letter| !letter.is_alphabetic() && !".,;:!?'\"()-".contains(letter));
    let mixed = value.chars().skip(1).any(char::is_uppercase) && value.chars().any(char::is_lowercase);
    value.len() >= 6 && ((letters && others) || mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(name: Sensitivity, value: &str) -> Option<String> {
        let found = judge(name, value, 0..value.len(), true)?;
        Some(format!("{}{}{}", &value[..found.part.start], found.instead, &value[found.part.end..]))
    }

    #[test]
    fn what_a_person_needs_to_see_of_a_secret_stays() {
        let masked = |value: &str| masked(Sensitivity::Secret, value).unwrap_or_else(|| "none".into());
        assert_eq!(masked("Bearer abc"), "Bearer [secret]");
        assert_eq!(masked("{SHA-256}0a1b-1000-ff"), "{SHA-256}[secret]");
        assert_eq!(masked(&format!("{{{}}}", "0a".repeat(32))), "{encrypted}");
        assert_eq!(masked("a"), "[secret]");
        for nothing in
            ["", " ", "***", "(not set)", "${env:PW}", "${SMTP_PW}", "$[secret:smtp]", "[secret]", "Bearer [secret]"]
        {
            assert_eq!(masked(nothing), "none", "{nothing}");
        }
    }

    #[test]
    fn braces_and_a_mask_within_a_password_keep_nothing_of_it_readable() {
        for password in
            ["{a1B2c3d4}", "{a1B2}tail", "{SHA-256}", "${a1b2c3}", "{{a1b2c3}}", "$[a1b2c3]", "a1[secret]b2"]
        {
            assert_eq!(masked(Sensitivity::Secret, password).as_deref(), Some(MASK), "{password}");
        }
        assert_eq!(masked(Sensitivity::Secret, "$[env:PW;default=a1b2c3]").as_deref(), Some(MASK));
    }

    #[test]
    fn names_that_persons_gave_do_not_look_drawn() {
        for drawn in ["cnryQ7f3kZ9pL", "0a1b2c3d4e5f", "Zk3pQ9xLm2Vt7RbY", "a1/b2&c3+d4"] {
            assert!(looks_drawn(drawn), "{drawn}");
        }
        for name in [
            "mp_replication_agent1_default_bpdoc",
            "AccessTokenProviderImpl",
            "org.apache.http.conn.HttpHostConnectException",
            "aem-author-1",
            "ims-na1.adobelogin.com:443",
            "2026-11-30T13:00:01Z",
            "1234567890",
        ] {
            assert!(!looks_drawn(name), "{name}");
        }
        assert!(within("SERVERID=aem-author-1; Path=/").is_empty());
    }

    #[test]
    fn where_the_name_only_hints_the_value_must_look_drawn() {
        let masked = |value: &str| masked(Sensitivity::Hint, value).is_some();
        assert!(masked("Zk3pQ9xLm2Vt7RbY") && masked("0123456789abcdef0123456789abcdef"));
        for public in
            ["mp_replication_agent", "/conf/global/settings", "com.adobe.granite.x", "author", "1234567890123456"]
        {
            assert!(!masked(public), "{public}");
        }
    }
}
