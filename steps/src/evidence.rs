//! What went over the wire behind a verdict, without secrets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::redact::Redactor;

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
    /// What came back, or why nothing did.
    pub outcome: Outcome,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
        let whole = String::from_utf8_lossy(body);
        let looked_at = floor(&whole, 4 * BODY_CAP);
        let mut text = redactor.redact_foreign(&whole[..looked_at]);
        redactor.learn_from(&whole[looked_at..]);
        let capped = text.len() > BODY_CAP || looked_at < whole.len();
        if capped {
            text.truncate(floor(&text, BODY_CAP));
            text = redactor.redact_cut(&text);
        }
        Self { text, bytes: body.len(), capped }
    }
}

/// The last end of a letter that is not past `end`.
fn floor(text: &str, end: usize) -> usize {
    (0..=end.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0)
}
