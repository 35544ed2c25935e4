//! The program's own words: the names of verdicts, levels and fields, and the words of the facts about the systems. Such a
//! word occurs in every report, even if it is also a password.

use bpconform_fixtures::facts;

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
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-/".contains(&byte);
    if value.len() > LONGEST || !value.bytes().all(plain) {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    WORDS.contains(&lower.as_str()) || facts::TEXTS.iter().any(|text| is_word_of(&lower, text))
}

fn is_word_of(word: &str, text: &str) -> bool {
    let first = word.as_bytes()[0];
    let starts = memchr::memchr2_iter(first, first.to_ascii_uppercase(), text.as_bytes());
    starts.into_iter().any(|start| {
        let end = start + word.len();
        let there = text.as_bytes().get(start..end).is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()));
        there && !touches(text[..start].chars().next_back()) && !touches(text[end..].chars().next())
    })
}

fn touches(neighbour: Option<char>) -> bool {
    neighbour.is_some_and(char::is_alphanumeric)
}
