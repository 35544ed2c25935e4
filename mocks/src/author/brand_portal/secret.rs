//! Encrypted secrets and random names in the style of Granite.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write;
use std::hash::{Hash, Hasher};

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};

/// The encryption key of every mocked Author. The secrets are test data, but must not be readable over HTTP.
const KEY: &[u8; 16] = b"bpconform-master";

/// The length of the random prefix of an encrypted text, in bytes.
const START: usize = 16;

/// A source of names that look random and are the same in each run.
#[derive(Debug, Default)]
pub(super) struct RandomNames(u64);

impl RandomNames {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// Lower-case hexadecimal of twice that many digits.
    pub(super) fn hex(&mut self, bytes: usize) -> String {
        hex(&self.bytes(bytes))
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_be_bytes());
        words.take(count.div_ceil(8)).flatten().take(count).collect()
    }

    /// Encrypts a text in the format of Granite's crypto support: braces around at least 64 hexadecimal digits.
    pub(super) fn protect(&mut self, clear: &str) -> String {
        let start = self.bytes(START);
        let cipher = cbc::Encryptor::<Aes128>::new(KEY.into(), start.as_slice().into());
        format!("{{{}{}}}", hex(&start), hex(&cipher.encrypt_padded_vec_mut::<Pkcs7>(clear.as_bytes())))
    }
}

/// Decrypts a text; `None` if it has another key or is not encrypted.
pub(super) fn unprotect(text: &str) -> Option<String> {
    let bytes = unhex(text.strip_prefix('{')?.strip_suffix('}')?)?;
    let (start, rest) = bytes.split_at_checked(START)?;
    let cipher = cbc::Decryptor::<Aes128>::new(KEY.into(), start.into());
    String::from_utf8(cipher.decrypt_padded_vec_mut::<Pkcs7>(rest).ok()?).ok()
}

/// Whether a text has the format of an encrypted one.
pub(super) fn is_protected(text: &str) -> bool {
    text.strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .and_then(unhex)
        .is_some_and(|bytes| bytes.len() > START)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|digit| char::from(digit).to_digit(16)).collect::<Option<Vec<_>>>()?;
    let pair = |pair: &[u32]| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok();
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_protected_and_only_this_author_reads_it() {
        let mut names = RandomNames::default();
        let (first, second) = (names.protect("s3cret"), names.protect("s3cret"));
        assert!(is_protected(&first) && first.len() >= 66 && first != second, "{first}");
        assert_eq!(unprotect(&first).as_deref(), Some("s3cret"));
        for foreign in ["{DES}0123", "s3cret", "{}", "{00}", &format!("{{{}}}", "ab".repeat(32))] {
            assert_eq!(unprotect(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn names_differ() {
        let mut names = RandomNames::default();
        let name = names.hex(4);
        assert_eq!(name.len(), 8);
        assert_ne!(name, names.hex(4));
    }
}
