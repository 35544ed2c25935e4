//! An entry of a HAR, as lenient as the programs that write one: a list or a text may be `null`, a number or an object.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::learn::capture::{BODY_CAP, Capture, Raw, cut};

/// Some programs leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An exchange of a request and its answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    #[serde(default)]
    started_date_time: Text,
    request: Request,
    #[serde(default)]
    response: Option<Response>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Pairs,
    #[serde(default)]
    cookies: Pairs,
    #[serde(default)]
    post_data: Option<PostData>,
    /// Where HTTP Toolkit puts a binary body.
    #[serde(default, rename = "_content")]
    content: Option<PostData>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: Text,
    #[serde(default)]
    text: Text,
    #[serde(default)]
    encoding: Text,
    #[serde(default)]
    params: Pairs,
}

#[derive(Default, Deserialize)]
struct Response {
    #[serde(default)]
    status: Text,
    #[serde(default, rename = "redirectURL")]
    redirect_url: Text,
    #[serde(default)]
    headers: Pairs,
    #[serde(default)]
    cookies: Pairs,
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    mime_type: Text,
    #[serde(default)]
    text: Text,
    #[serde(default)]
    encoding: Text,
}

/// A text, or whatever stands in its place.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(text(value)))
    }
}

fn text(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Names and values: a list of objects as the format has it, or one object.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pair = |value: Value| match value {
            Value::Object(mut pair) => {
                let mut part = |key: &str| pair.remove(key).map(text).unwrap_or_default();
                Some((part("name"), part("value")))
            }
            _ => None,
        };
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Array(list) => list.into_iter().filter_map(pair).collect(),
            Value::Object(object) => object.into_iter().map(|(name, value)| (name, text(value))).collect(),
            _ => Vec::new(),
        }))
    }
}

impl Entry {
    /// Reduces the entry of that number. The error names an invalid address.
    pub(super) fn reduce(self, number: usize) -> Result<Option<Capture>, String> {
        let Self { started_date_time, request, response } = self;
        let response = response.unwrap_or_default();
        let refused = response.refused();
        let Some(url) = absolute(&request.url, &request.headers) else { return Ok(None) };
        let post = request.post_data.into_iter().chain(request.content).find(|post| !post.is_empty());
        let (content_type, body, fields) = post.unwrap_or_default().parts(&request.headers);
        let mut headers = request.headers.0;
        headers.extend(cookies(request.cookies).chain(cookies(response.cookies)));
        let set = response.headers.0.into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        headers.extend(set);
        let raw = Raw { method: request.method, headers, content_type, body, fields };
        let capture = Capture::reduce(format!("entry {number}"), &url, raw)?;
        let day = started_date_time.0.get(..10).map(str::to_owned);
        let day = day.filter(|day| is_day(day));
        let answer = response.content.map(answer).unwrap_or_default();
        // The login page may also be answered with 200.
        let refused =
            refused.or_else(|| answer.contains("j_security_check").then(|| "answered with its login page".to_owned()));
        Ok(capture.map(|capture| Capture { answer, day, refused, ..capture }))
    }
}

/// Parts of the addresses that a gateway or AEM redirects to who is not logged in.
const LOGIN: [&str; 8] = ["login", "signin", "sign-in", "saml", "/sso", "oauth2", "authorize", "j_reason"];

impl Response {
    /// How the Author refused the request, if it did.
    fn refused(&self) -> Option<String> {
        let status = self.status.0.trim().parse::<f64>().ok()?;
        if status >= 400.0 {
            return Some(format!("answered {status}"));
        }
        let location = self.headers.0.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"));
        let location = location.map_or(&self.redirect_url.0, |(_, location)| location).to_lowercase();
        let is_login = status >= 300.0 && LOGIN.iter().any(|part| location.contains(part));
        is_login.then(|| format!("answered {status}, a redirect to a login page"))
    }
}

fn is_day(text: &str) -> bool {
    let digits =
        |part: Option<&str>, count| part.is_some_and(|part| part.len() == count && part.parse::<u16>().is_ok());
    let mut parts = text.split('-');
    digits(parts.next(), 4) && digits(parts.next(), 2) && digits(parts.next(), 2)
}

fn cookies(cookies: Pairs) -> impl Iterator<Item = (String, String)> {
    cookies.0.into_iter().map(|(name, value)| ("cookie".to_owned(), format!("{name}={value}")))
}

/// The address of a request. Some proxies write the path alone; what has no address at all was never sent.
fn absolute(url: &str, headers: &Pairs) -> Option<String> {
    let url = url.trim();
    if !url.starts_with('/') || url.starts_with("//") {
        return (!url.is_empty()).then(|| url.to_owned());
    }
    let host = headers.0.iter().find(|(name, _)| name.eq_ignore_ascii_case("host") || name == ":authority");
    let host = host.map_or("host.invalid", |(_, host)| host);
    Some(format!("http://{host}{url}"))
}

impl PostData {
    fn is_empty(&self) -> bool {
        self.text.0.is_empty() && self.params.0.is_empty()
    }

    /// The body's content type, the body, and its fields where the file has them apart.
    fn parts(self, headers: &Pairs) -> (String, Vec<u8>, Vec<(String, String)>) {
        let sent = headers.0.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let sent = sent.map(|(_, value)| value.clone()).unwrap_or_default();
        // The header of the request has the boundary, which the body's own type may lack.
        let own = self.mime_type.0;
        let same_kind = |a: &str, b: &str| a.split(';').next() == b.split(';').next();
        let content_type = if own.is_empty() || same_kind(&own, &sent) { sent } else { own };
        let body = if is_base64(&self.encoding) { decode(&self.text.0) } else { None };
        (content_type, body.unwrap_or_else(|| self.text.0.into_bytes()), self.params.0)
    }
}

fn is_base64(encoding: &Text) -> bool {
    encoding.0.eq_ignore_ascii_case("base64")
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.split_ascii_whitespace().collect();
    BASE64.decode(digits).ok()
}

/// The beginning of an answer that is a text.
fn answer(content: Content) -> String {
    let kind = content.mime_type.0.to_lowercase();
    if ["image/", "font/", "video/", "audio/"].iter().any(|start| kind.starts_with(start)) {
        return String::new();
    }
    let mut text = content.text.0;
    if is_base64(&content.encoding) {
        // Only as much as is looked at, in whole groups of four.
        let end = text.len().min(BODY_CAP / 3 * 4) / 4 * 4;
        let bytes = text.get(..end).and_then(decode);
        text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    }
    cut(&mut text);
    text
}
