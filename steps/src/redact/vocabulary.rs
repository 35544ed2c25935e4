//! The program's own words: the names of verdicts, levels and fields, and the words of the facts about the systems. Such a
//! word occurs in every report, even if it is also a password.

use std::sync::LazyLock;

use bpconform_fixtures::facts;
use memchr::memmem::Finder;

/// Longer values are not words.
const LONGEST: usize = 40;

/// Words of the record and of reports that no fixture holds.
const WORDS: [&str; 12] = [
    "changeit",
    "passed",
    "password",
    "internal",
    "interrupted",
    "not-applicable",
    "applicable",
    "inconclusive",
    "conforms",
    "bpconform",
    "localhost",
    "undefined",
];

/// Whether a value is one of these words, or several of them as one name.
pub(super) fn holds(value: &str) -> bool {
    static LOWER: LazyLock<[String; 7]> = LazyLock::new(|| facts::TEXTS.map(str::to_ascii_lowercase));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-/".contains(&byte);
    if value.len() > LONGEST || !value.bytes().all(plain) {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    WORDS.contains(&lower.as_str()) || LOWER.iter().any(|text| is_word_of(&lower, text))
}

fn is_word_of(word: &str, text: &str) -> bool {
    let finder = Finder::new(word);
    let mut from = 0;
    while let Some(further) = finder.find(&text.as_bytes()[from..]) {
        let (start, end) = (from + further, from + further + word.len());
        if !touches(text[..start].chars().next_back()) && !touches(text[end..].chars().next()) {
            return true;
        }
        from = start + 1;
    }
    false
}

fn touches(neighbour: Option<char>) -> bool {
    neighbour.is_some_and(char::is_alphanumeric)
}
