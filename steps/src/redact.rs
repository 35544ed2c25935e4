//! The last gate before a byte leaves the process: replaces every known secret, in every form in which it may appear.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// What stands in a secret's place; of fixed width, so that it tells nothing.
pub const MASK: &str = "[secret]";

/// Shorter values would mask half of every text; they are refused as secrets where they are read.
const SHORTEST: usize = 4;

/// Shorter values are masked only where they stand as a word of their own: a password `admin` is no part of `adminui`.
const DISTINCTIVE: usize = 8;

/// Knows the secrets of a run and replaces them. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    forms: Arc<RwLock<BTreeSet<LongestFirst>>>,
}

#[derive(Clone, PartialEq, Eq)]
struct LongestFirst(String);

impl std::fmt::Debug for LongestFirst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

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

impl Redactor {
    /// Learns a secret and the forms in which it may appear: plain, base64, URL-encoded, JSON-escaped; of a text of
    /// several lines (a private key) each long line too.
    pub fn learn(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut forms = self.forms.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let lines = secret.lines().filter(|line| line.len() >= 16 && !line.starts_with("-----"));
        for part in std::iter::once(secret).chain(lines) {
            forms.extend(forms_of(part).into_iter().filter(|form| form.len() >= SHORTEST).map(LongestFirst));
        }
    }

    /// The text with every known secret masked.
    pub fn redact(&self, text: &str) -> String {
        let forms = self.forms.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        forms.iter().fold(text.to_owned(), |text, LongestFirst(form)| {
            if !text.contains(form.as_str()) {
                text
            } else if form.len() < DISTINCTIVE {
                replace_words(&text, form)
            } else {
                text.replace(form.as_str(), MASK)
            }
        })
    }
}

fn replace_words(text: &str, word: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = 0;
    for (start, _) in text.match_indices(word) {
        let end = start + word.len();
        let touches = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        if touches(text[..start].chars().next_back()) || touches(text[end..].chars().next()) {
            continue;
        }
        replaced += &text[rest..start];
        replaced += MASK;
        rest = end;
    }
    replaced + &text[rest..]
}

fn forms_of(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = vec![secret.to_owned(), json[1..json.len() - 1].to_owned(), url.replace('+', "%20"), url];
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        forms.push(engine.encode(secret));
    }
    forms
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
    fn a_short_secret_is_masked_as_a_word_and_not_within_one() {
        let redactor = Redactor::default();
        redactor.learn("admin");
        let text = "user=admin&password=admin /adminui/administrators \"admin\"";
        let masked = format!("user={MASK}&password={MASK} /adminui/administrators \"{MASK}\"");
        assert_eq!(redactor.redact(text), masked);
    }

    #[test]
    fn a_short_value_does_not_mask_half_the_text() {
        let redactor = Redactor::default();
        redactor.learn("a");
        assert_eq!(redactor.redact("a banana"), "a banana");
    }
}
