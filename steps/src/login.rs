//! How user and password are written for the Author. RFC 7617 leaves the encoding open: browsers and curl send UTF-8, while
//! Sling reads ISO-8859-1 unless its `sling.auth` configuration says otherwise.

use std::sync::atomic::{AtomicU8, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const UTF_8: u8 = 0;
const LATIN_1: u8 = 1;
const NEITHER: u8 = 2;

/// The encoding of user and password. It is changed at most once in a run: each refusal counts towards locking the account.
#[derive(Debug, Default)]
pub struct Login(AtomicU8);

impl Login {
    /// The value of the `Authorization` header.
    pub(crate) fn header(&self, user: &str, password: &str) -> String {
        let text = format!("{user}:{password}");
        let latin1 = if self.0.load(Ordering::Relaxed) == LATIN_1 { in_latin1(&text) } else { None };
        format!("Basic {}", STANDARD.encode(latin1.unwrap_or_else(|| text.into_bytes())))
    }

    /// Whether a refused login is worth one more try, as ISO-8859-1. It is so once.
    pub(crate) fn may_try_again(&self, user: &str, password: &str) -> bool {
        let text = format!("{user}:{password}");
        let differs = !text.is_ascii() && in_latin1(&text).is_some();
        differs && self.0.compare_exchange(UTF_8, LATIN_1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Records the result of that attempt.
    pub(crate) fn tried_again(&self, accepted: bool) {
        if accepted {
            tracing::warn!("the Author reads user and password as ISO-8859-1; as UTF-8 they were refused");
        } else {
            self.0.store(NEITHER, Ordering::Relaxed);
        }
    }

    /// What a person must know of a refusal, if the login was refused in both encodings.
    pub fn advice(&self) -> Option<&'static str> {
        (self.0.load(Ordering::Relaxed) == NEITHER).then_some(
            "they have characters beyond ASCII and were sent once as UTF-8 and once as ISO-8859-1, so the Author counts two \
            failed logins",
        )
    }
}

fn in_latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_changed_once_and_only_where_it_differs() {
        let login = Login::default();
        assert_eq!(login.header("a", "ü"), format!("Basic {}", STANDARD.encode("a:ü")));
        assert!(!login.may_try_again("a", "b") && !login.may_try_again("a", "€"));
        assert!(login.may_try_again("a", "ü") && !login.may_try_again("a", "ü"));
        assert_eq!(login.header("a", "ü"), format!("Basic {}", STANDARD.encode(b"a:\xfc")));
        assert_eq!(login.advice(), None);
        login.tried_again(false);
        assert!(login.advice().is_some() && !login.may_try_again("a", "ü"));
        assert_eq!(login.header("a", "ü"), format!("Basic {}", STANDARD.encode("a:ü")));
    }
}
