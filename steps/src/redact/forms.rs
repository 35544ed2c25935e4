//! The encodings in which a secret may appear in a text, such as base64, hex and other character sets. Escapes are not
//! among them, since the redactor decodes each layer of escapes before it searches.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use data_encoding::{HEXLOWER, HEXUPPER};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// The minimum length of a base64 text that is masked. A shorter one also occurs by chance.
const SHORTEST_BASE64: usize = 7;

/// An encoding of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Not encoded.
    Plain,
    /// With `+` instead of spaces, as in an HTML form.
    Plus,
    /// Its bytes in Latin-1, decoded as UTF-8: invalid bytes are replaced.
    Latin1,
    /// Its bytes in UTF-8, decoded as Latin-1.
    Mojibake,
    /// Its bytes in UTF-16, decoded as UTF-8.
    Utf16,
    /// The part of a base64 text that depends on the secret alone.
    Base64 {
        /// What is encoded.
        inner: Inner,
        /// The number of bytes before the secret in its group of three, from 0 to 2.
        before: usize,
        /// Whether the alphabet has `-` and `_` instead of `+` and `/`.
        url: bool,
    },
    /// The part of a base32 text that depends on the secret alone.
    Base32 {
        /// The number of bytes before the secret in its group of five, from 0 to 4.
        before: usize,
    },
    /// As quoted-printable.
    QuotedPrintable,
    /// Its bytes as decimal numbers.
    Decimal {
        /// Whether a byte is from -128 to 127, as in Java.
        signed: bool,
        /// The separator between two bytes.
        between: &'static str,
    },
    /// Its bytes in hex.
    Hex {
        /// What is encoded.
        inner: Inner,
        /// Whether the digits are in upper case.
        upper: bool,
        /// The separator between two bytes.
        between: &'static str,
    },
}

/// What is encoded as base64 or in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    /// The secret.
    Plain,
    /// The secret, encoded as in an HTML form.
    Url,
    /// The secret, encoded as in a path.
    Percent,
    /// The secret, escaped as in a JSON string.
    Json,
    /// The secret, escaped as in a JSON string in ASCII.
    JsonInAscii,
    /// The secret, escaped as in HTML.
    Html,
    /// The secret in UTF-16.
    Utf16,
    /// The secret in Latin-1.
    Latin1,
    /// The secret in base64, so that it is encoded twice.
    Base64,
}

const INNER: [Inner; 9] = [
    Inner::Plain,
    Inner::Url,
    Inner::Percent,
    Inner::Json,
    Inner::JsonInAscii,
    Inner::Html,
    Inner::Utf16,
    Inner::Latin1,
    Inner::Base64,
];

/// The length above which a secret is a token or a key. Most encodings leave its characters unchanged, and there are many
/// such secrets, so only the usual encodings are searched for.
const LONG: usize = 160;

/// All encodings of a secret. For most secrets some of them are equal.
pub(super) fn all(secret: &str) -> impl Iterator<Item = Kind> {
    let is_long = secret.len() > LONG;
    let base64 = INNER
        .into_iter()
        .flat_map(|inner| (0..3).flat_map(move |before| [false, true].map(|url| Kind::Base64 { inner, before, url })));
    let hex = ["", ":", " ", "-", ", 0x", " 0x", ",0x", ", ", "="]
        .map(|between| (Inner::Plain, between))
        .into_iter()
        .chain([Inner::Latin1, Inner::Utf16].into_iter().flat_map(|inner| ["", " "].map(|between| (inner, between))))
        .flat_map(|(inner, between)| [false, true].map(|upper| Kind::Hex { inner, upper, between }));
    let decimal =
        [", ", ",", " "].into_iter().flat_map(|between| [false, true].map(|signed| Kind::Decimal { signed, between }));
    let base32 = (0..5).map(|before| Kind::Base32 { before });
    let plain = [Kind::Plain, Kind::Plus, Kind::Latin1, Kind::Mojibake, Kind::Utf16, Kind::QuotedPrintable];
    let all = plain.into_iter().chain(base64).chain(hex).chain(decimal).chain(base32);
    all.filter(move |kind| !is_long || kind.is_usual())
}

impl Kind {
    /// Whether tokens and keys are searched for in this encoding, too.
    fn is_usual(self) -> bool {
        matches!(
            self,
            Self::Plain | Self::Base64 { inner: Inner::Plain, .. } | Self::Hex { inner: Inner::Plain, between: "", .. }
        )
    }

    /// The encoded secret; `None` if it equals the secret itself, or if too little of it would be visible.
    pub(super) fn of(self, secret: &str) -> Option<String> {
        let form = match self {
            Self::Plain => return Some(secret.to_owned()),
            Self::Plus => secret.replace(' ', "+"),
            Self::Latin1 => String::from_utf8_lossy(&in_latin1(secret)?).into_owned(),
            Self::Mojibake => secret.bytes().map(char::from).collect(),
            // In either byte order there is a zero between two letters.
            Self::Utf16 => {
                secret.is_ascii().then(|| secret.chars().map(String::from).collect::<Vec<_>>().join("\0"))?
            }
            Self::Base64 { inner, before, url } => return within_base64(&inner.of(secret)?, before, url),
            Self::Base32 { before } => return within_base32(secret.as_bytes(), before),
            Self::QuotedPrintable => secret.bytes().map(quoted_printable).collect(),
            Self::Decimal { signed, between } => {
                // For ASCII both are the same.
                (!signed || !secret.is_ascii()).then_some(())?;
                let number = |byte: u8| if signed { byte.cast_signed().to_string() } else { byte.to_string() };
                secret.bytes().map(number).collect::<Vec<_>>().join(between)
            }
            Self::Hex { inner, upper, between } => {
                let bytes = inner.of(secret)?;
                // Without the zero at its end, UTF-16 in one byte order is found in the other one too.
                let bytes = if inner == Inner::Utf16 { bytes.strip_suffix(&[0]).unwrap_or(&bytes) } else { &bytes };
                let digits = if upper { HEXUPPER.encode(bytes) } else { HEXLOWER.encode(bytes) };
                (0..bytes.len()).map(|at| &digits[2 * at..2 * at + 2]).collect::<Vec<_>>().join(between)
            }
        };
        (form != secret).then_some(form)
    }
}

impl Inner {
    /// The bytes; `None` if they equal those of the secret.
    fn of(self, secret: &str) -> Option<Vec<u8>> {
        let bytes = match self {
            Self::Plain => return Some(secret.as_bytes().to_vec()),
            Self::Url => url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>().into_bytes(),
            Self::Json => {
                let json = serde_json::Value::from(secret).to_string();
                json.as_bytes()[1..json.len() - 1].to_vec()
            }
            Self::Percent => {
                let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
                form.replace('+', "%20").into_bytes()
            }
            Self::JsonInAscii => {
                let json = serde_json::Value::from(secret).to_string();
                json[1..json.len() - 1].chars().map(escaped_above_ascii).collect::<String>().into_bytes()
            }
            Self::Html => html_escape::encode_double_quoted_attribute(secret).into_owned().into_bytes(),
            Self::Utf16 => secret.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Latin1 => in_latin1(secret)?,
            Self::Base64 => STANDARD_NO_PAD.encode(secret).into_bytes(),
        };
        (bytes != secret.as_bytes()).then_some(bytes)
    }
}

fn escaped_above_ascii(letter: char) -> String {
    if letter.is_ascii() {
        return letter.into();
    }
    letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn quoted_printable(byte: u8) -> String {
    if byte != b'=' && (b' '..=b'~').contains(&byte) { char::from(byte).into() } else { format!("={byte:02X}") }
}

/// The same text with its accents as separate letters, and with them in one letter, where that makes a difference.
pub(super) fn in_other_unicode_forms(secret: &str) -> Vec<String> {
    if secret.is_ascii() {
        return Vec::new();
    }
    let apart = DecomposingNormalizerBorrowed::new_nfd().normalize(secret).into_owned();
    let together = ComposingNormalizerBorrowed::new_nfc().normalize(secret).into_owned();
    [apart, together].into_iter().filter(|form| form != secret).collect()
}

fn in_latin1(secret: &str) -> Option<Vec<u8>> {
    secret.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect()
}

/// The part of the base64 of a longer text (`user:password`) that depends on these bytes alone. `before` is the number of
/// bytes that precede them in their group of three.
fn within_base64(bytes: &[u8], before: usize, url: bool) -> Option<String> {
    let text = [&[0; 2][..before], bytes].concat();
    let encoded = if url { URL_SAFE_NO_PAD.encode(&text) } else { STANDARD_NO_PAD.encode(&text) };
    let (first, last) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
    let shown = encoded.get(first..last).filter(|shown| shown.len() >= SHORTEST_BASE64)?;
    // Without these characters the result is the same in both alphabets.
    (!url || shown.contains(['-', '_'])).then(|| shown.to_owned())
}

/// The same in base32, which has groups of five bytes.
fn within_base32(bytes: &[u8], before: usize) -> Option<String> {
    let text = [&[0; 4][..before], bytes].concat();
    let encoded = data_encoding::BASE32_NOPAD.encode(&text);
    let (first, last) = ((before * 8).div_ceil(5), text.len() * 8 / 5);
    encoded.get(first..last).filter(|shown| shown.len() >= SHORTEST_BASE64).map(str::to_owned)
}

/// Whether a text has a line that may be base64 and continues on the next line.
pub(super) fn has_broken_base64(text: &str) -> bool {
    let bytes = text.as_bytes();
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    memchr::memchr_iter(b'\n', bytes).any(|end| {
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        let next = bytes[end + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
        let run = line.iter().rev().take(8).take_while(|byte| base64(byte)).count();
        run >= 4 && next.is_some_and(base64)
    })
}
