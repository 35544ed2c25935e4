//! The HTTP exchanges behind a verdict, without secrets.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::redact::{Redactor, in_wide_units};

/// The longest part of a body that is kept, in bytes. The list of all agents of a real Author must fit: `diff` reads
/// their settings from it.
pub const BODY_CAP: usize = 64 * 1024;

/// One request and what came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// The endpoint's id.
    pub surface: String,
    /// In capitals.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The request's headers; those that authenticate are masked.
    pub request_headers: Vec<(String, String)>,
    /// The request's body, masked and capped.
    pub request_body: Text,
    /// When it was sent: microseconds since 1970.
    pub started_us: i64,
    /// How long it took until the last byte, in microseconds.
    pub took_us: u64,
    /// How often it was sent again, because it did not get through.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u32,
    /// The number of the read in its run, if others may refer to it: exchanges of equal number are one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<u32>,
    /// Whether no request was sent, since the answer to an equal one was there: then the times are those of the question.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// How it was sent, as far as the rest does not show it: what it takes to send it again by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<RequestForm>,
    /// What came back, or why nothing did.
    pub outcome: Outcome,
}

/// A page of the browser, as it was at the end of a step in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageView {
    /// When it was looked at: microseconds since 1970.
    pub at_us: i64,
    /// The id of the endpoint whose request the steps replace.
    pub surface: String,
    /// What was done, for example `press "Create"`.
    pub step: String,
    /// The page's address.
    pub url: String,
    /// The page's title.
    pub title: String,
    /// The file of its picture, beside the record: `pages/DIGEST.webp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Why there is no picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_picture: Option<String>,
    /// Its accessibility tree, a line for each element, masked and capped.
    pub tree: Text,
    /// Errors that it reported in its console since the step before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console: Vec<String>,
}

/// How a request was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestForm {
    /// What proved who sent it.
    #[serde(default, skip_serializing_if = "SentLogin::is_none")]
    pub login: SentLogin,
    /// The names of the headers that the operator adds to each request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator_headers: Vec<String>,
    /// The fields of the query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<SentField>,
    /// The body.
    #[serde(default, skip_serializing_if = "SentBody::is_none")]
    pub body: SentBody,
}

/// What proved who sent a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SentLogin {
    /// Nothing.
    #[default]
    None,
    /// The Author's user and password.
    Author,
    /// The Author's access token.
    AuthorToken,
    /// The token for the Developer Console.
    Console,
    /// An access token of IMS.
    AccessToken,
    /// A token that no system gave.
    MadeUpToken,
    /// Another user and password.
    OtherUser,
}

impl SentLogin {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// A field of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentField {
    /// Its name on the wire.
    pub name: String,
    /// Its value, masked; empty if a variable holds it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// The variable that holds its value, if that is a credential of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
}

/// The body of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SentBody {
    /// None.
    #[default]
    None,
    /// Fields, URL-encoded.
    Urlencoded(Vec<SentField>),
    /// Fields as `multipart/form-data`, and the file among them.
    Multipart {
        /// The fields.
        fields: Vec<SentField>,
        /// The file: the name of its field, its own name and its content type.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<(String, String, String)>,
    },
    /// Bytes of that content type.
    Bytes(String),
}

impl SentBody {
    fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// The fields of a form.
    pub fn fields_mut(&mut self) -> &mut [SentField] {
        match self {
            Self::Urlencoded(fields) | Self::Multipart { fields, .. } => fields,
            Self::None | Self::Bytes(_) => &mut [],
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A response.
    Response {
        /// The HTTP status.
        status: u16,
        /// The headers; those that authenticate are masked.
        headers: Vec<(String, String)>,
        /// The body, masked and capped.
        body: Text,
    },
    /// Why the answer is missing.
    Error(String),
}

/// A body as evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Text {
    /// The part that is kept; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Its whole length in bytes.
    pub bytes: usize,
    /// Whether something was cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub capped: bool,
}

impl Text {
    /// Says only how long a body is that holds keys.
    pub fn withheld(body: &[u8]) -> Self {
        Self { text: "[not recorded: key material]".to_owned(), bytes: body.len(), capped: true }
    }

    /// Keeps a body up to the cap, after all of it was masked: a secret must not slip through at the cut.
    pub fn keep(body: &[u8], redactor: &Redactor) -> Self {
        Self::keep_as(body, None, redactor)
    }

    /// The same for a body with such a `Content-Type`.
    pub fn keep_as(body: &[u8], content_type: Option<&str>, redactor: &Redactor) -> Self {
        let whole = decoded_as(body, content_type);
        let looked_at = floor(&whole, 4 * BODY_CAP);
        let mut text = redactor.redact_foreign(&whole[..looked_at]).into_owned();
        redactor.learn_from(&whole[looked_at..]);
        let capped = text.len() > BODY_CAP || looked_at < whole.len();
        if capped {
            text.truncate(floor(&text, BODY_CAP));
            text = redactor.redact_cut(&text);
        }
        Self { text, bytes: body.len(), capped }
    }

    /// Keeps the tree of a page, whose texts were masked one by one, up to the cap. The label of a field says nothing about
    /// its value here: a client id is also called an API key.
    pub(crate) fn keep_tree(tree: &str, redactor: &Redactor) -> Self {
        let mut text = redactor.redact_known(tree).into_owned();
        let capped = text.len() > BODY_CAP;
        if capped {
            text.truncate(floor(&text, BODY_CAP));
            text = redactor.redact_cut(&text);
        }
        Self { text, bytes: tree.len(), capped }
    }
}

/// A body as text. One in UTF-16 or UTF-32 is decoded, and in a text each byte that is not UTF-8 is read as Latin-1: else a
/// name and its value could not be recognized.
pub(crate) fn decoded(body: &[u8]) -> Cow<'_, str> {
    if let Some(text) = in_wide_units(body) {
        return Cow::Owned(text);
    }
    let text = String::from_utf8_lossy(body);
    let is_binary = || body.iter().any(|it| (*it < 0x20 && !it.is_ascii_whitespace() && *it != 0x1b) || *it == 0x7f);
    if matches!(text, Cow::Borrowed(_)) || is_binary() {
        return text;
    }
    // A page may hold both, as where a template is in UTF-8 and a value is not.
    let mut mixed = String::with_capacity(text.len());
    let mut chunks = body.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        mixed.push_str(chunk.valid());
        let rest = chunk.invalid();
        // The last letter may only be cut.
        let is_cut = chunks.peek().is_none() && std::str::from_utf8(rest).is_err_and(|it| it.error_len().is_none());
        if is_cut {
            mixed.push(char::REPLACEMENT_CHARACTER);
        } else {
            mixed.extend(rest.iter().map(|byte| char::from(*byte)));
        }
    }
    Cow::Owned(mixed)
}

/// A body as text, in the character set that its header names. A body that is valid UTF-8 is read so whatever its header says.
pub(crate) fn decoded_as<'b>(body: &'b [u8], content_type: Option<&str>) -> Cow<'b, str> {
    let Some(charset) = content_type.and_then(charset) else { return decoded(body) };
    let is_escaped = charset == encoding_rs::ISO_2022_JP;
    // Latin-1 is what servers say by default, and is read byte by byte below.
    let is_told = charset != encoding_rs::UTF_8 && charset != encoding_rs::WINDOWS_1252;
    if !is_told || (!is_escaped && std::str::from_utf8(body).is_ok()) {
        return decoded(body);
    }
    match charset.decode(body) {
        (text, _, false) => text,
        _ => decoded(body),
    }
}

/// The character set that a content type names.
fn charset(content_type: &str) -> Option<&'static encoding_rs::Encoding> {
    let named = content_type.split(';').skip(1).filter_map(|part| part.trim().split_once('='));
    let mut named = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    encoding_rs::Encoding::for_label(named.next()?.1.trim().trim_matches(['"', '\'']).as_bytes())
}

/// The last end of a letter that is not past `end`.
fn floor(text: &str, end: usize) -> usize {
    (0..=end.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_in_another_unicode_encoding_is_masked() {
        let text = "<p>password=cnryQ7f3kZ9pL</p>";
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let utf32: Vec<u32> = text.chars().map(u32::from).collect();
        for body in [
            utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>(),
            utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            [0xfeff].iter().chain(&utf16).flat_map(|unit| unit.to_le_bytes()).collect(),
            utf32.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            utf32.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
        ] {
            let kept = Text::keep(&body, &Redactor::default());
            assert!(kept.text.ends_with("<p>password=[secret]</p>"), "{}", kept.text);
        }
        let redactor = Redactor::default();
        let latin1 = Text::keep(b"<p>Passwort=P\xe4ssw\xf6rter9</p> \x93quoted\x94", &redactor);
        assert!(latin1.text.starts_with("<p>Passwort=[secret]</p>"), "{}", latin1.text);
        assert_eq!(redactor.redact("it is Pässwörter9 here"), "it is [secret] here");
        assert_eq!(decoded("cut ü".as_bytes().strip_suffix(b"\xbc").expect("its end")), "cut \u{fffd}");
        assert_eq!(decoded(b"PK\x03\x04\xe4\xf6"), "PK\x03\x04\u{fffd}\u{fffd}");
        let mixed = Text::keep(
            "<p>ü</p>".bytes().chain(*b"Contrase\xf1a: cnryQ7f3kZ9pL<br>").collect::<Vec<_>>().as_slice(),
            &redactor,
        );
        assert_eq!(mixed.text, "<p>ü</p>Contraseña: [secret]<br>");
        for body in [&b"a\0b"[..], b"", b"\xff\xfe\xff", b"\0", "ü".as_bytes()] {
            let kept = Text::keep(body, &Redactor::default());
            assert_eq!(kept.bytes, body.len());
        }
    }

    #[test]
    fn a_body_in_the_charset_of_its_header_is_masked() {
        for (charset, name) in [
            ("shift_jis", "パスワード"),
            ("iso-8859-2", "hasło"),
            ("\"windows-1251\"", "Пароль"),
            ("GBK", "密码"),
            ("iso-8859-1", "Contraseña"),
            ("iso-2022-jp", "パスワード"),
            ("utf-8", "Contraseña"),
            ("no-charset", "Contraseña"),
        ] {
            let encoding = encoding_rs::Encoding::for_label(charset.trim_matches('"').as_bytes());
            let text = format!("<td>{name}</td><td>cnryQ7f3kZ9pL</td>");
            let body = encoding.unwrap_or(encoding_rs::UTF_8).encode(&text).0;
            let content_type = format!("text/html; charset={charset}");
            let kept = Text::keep_as(&body, Some(&content_type), &Redactor::default());
            assert_eq!(kept.text, text.replace("cnryQ7f3kZ9pL", "[secret]"), "{charset}");
            assert_eq!(kept.bytes, body.len());
        }
        // A header that is wrong hides nothing.
        let kept =
            Text::keep_as("Contraseña: cnryQ7f3kZ9pL".as_bytes(), Some("a/b; charset=gbk"), &Redactor::default());
        assert_eq!(kept.text, "Contraseña: [secret]");
    }
}
