//! The visible part of a request that arrived at IMS or at the tenant. The Author sends these, and a run judges how it
//! does. Only values that are known not to be secrets are shown.

use std::collections::BTreeMap;

use bpconform_fixtures::{Surfaces, System};
use hyper::body::Bytes;
use hyper::http::request::Parts;
use jiff::Timestamp;
use jsonwebtoken::dangerous::insecure_decode_claims;
use serde::Serialize;
use serde_json::Value;

use super::caller;
use super::masked_target::without_secrets;
use crate::ims;
use crate::machine::{Form, Headers, Request};
use crate::routing::bearer;

/// The mask for a value that may be a secret.
const MASK: &str = "***";

/// The maximum length of a value, in characters.
const LONGEST: usize = 512;

/// The maximum size of a body that is read as a form, in bytes. Token requests are far shorter.
const FORM_LIMIT: usize = 64 * 1024;

/// The maximum number of fields and of headers.
const MOST: usize = 40;

/// Headers that are not secret, in addition to those of a delivery.
const HARMLESS: [&str; 9] = [
    "host",
    "content-type",
    "content-length",
    "transfer-encoding",
    "user-agent",
    "accept",
    "accept-encoding",
    "connection",
    "referer",
];

/// Fields of the endpoints `ims.token` and `ims.validate-token` that are not secret.
const OPEN: [(&str, &str); 5] = [
    ("ims.token", "grant"),
    ("ims.token", "client-id"),
    ("ims.token", "scope"),
    ("ims.token", "org-id"),
    ("ims.validate-token", "type"),
];

/// The visible part of a request.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Arrival {
    headers: BTreeMap<String, String>,
    fields: BTreeMap<String, String>,
    /// The length of the body, in bytes.
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    bearer: Option<Bearer>,
}

/// The bearer token of a request.
#[derive(Clone, Debug, Serialize)]
struct Bearer {
    /// `valid`, or the problem with it.
    state: &'static str,
    /// The client id in its claims.
    client_id: Option<String>,
}

impl Arrival {
    /// The visible part of a request to that system; `None` for systems that only the harness calls.
    pub(super) fn new(
        system: System,
        now: Timestamp,
        surfaces: &Surfaces,
        parts: &Parts,
        body: &Bytes,
    ) -> Option<Self> {
        if !matches!(system, System::Ims | System::Tenant) {
            return None;
        }
        let headers = caller::headers(&parts.headers);
        let is_form = system == System::Ims && body.len() <= FORM_LIMIT;
        let request = Request {
            query: url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
            headers,
            body: if is_form { body.to_vec() } else { Vec::new() },
            ..Request::default()
        };
        let fields = if is_form { fields(surfaces, &request) } else { BTreeMap::new() };
        let bearer = bearer(&request).map(|token| Bearer::new(now, token));
        Some(Self { headers: shown(surfaces, &request.headers), fields, bytes: body.len(), bearer })
    }
}

impl Bearer {
    fn new(now: Timestamp, token: &str) -> Self {
        let claims = insecure_decode_claims::<Value>(token).unwrap_or_default();
        let client_id = claims["client_id"].as_str().map(short);
        Self { state: ims::token_state(now, token), client_id }
    }
}

/// The headers, each once; the values of repeated headers are joined by commas.
fn shown(surfaces: &Surfaces, headers: &Headers) -> BTreeMap<String, String> {
    let delivery = &surfaces.get("tenant.receive").fields;
    let harmless =
        |name: &str| HARMLESS.contains(&name) || delivery.values().any(|header| header.eq_ignore_ascii_case(name));
    let mut shown = BTreeMap::<String, String>::new();
    for (name, value) in headers.iter().take(MOST) {
        let value = match name.as_str() {
            "referer" => short(&without_query_secrets(value)),
            name if harmless(name) => short(value),
            _ => MASK.to_owned(),
        };
        shown.entry(name.clone()).and_modify(|known| *known = short(&format!("{known}, {value}"))).or_insert(value);
    }
    shown
}

/// The fields of a form. An empty value is shown as empty, which reveals no secret.
fn fields(surfaces: &Surfaces, request: &Request) -> BTreeMap<String, String> {
    let open = OPEN.map(|(surface, word)| surfaces.get(surface).field(word));
    let form = Form::read(request).unwrap_or_default();
    let value = |name: &str, values: &[String]| match values.join(", ") {
        value if value.is_empty() || open.contains(&name) => short(&value),
        _ => MASK.to_owned(),
    };
    form.fields.iter().take(MOST).map(|(name, values)| (short(name), value(name, values))).collect()
}

/// An address with the values of secret parameters removed.
fn without_query_secrets(address: &str) -> String {
    match address.split_once(['?', '#']) {
        Some((path, query)) => without_secrets(path, Some(query)),
        None => address.to_owned(),
    }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arrival(system: System, head: hyper::http::request::Builder, body: &'static str) -> Value {
        let (parts, ()) = head.body(()).expect("a request").into_parts();
        let surfaces = Surfaces::built_in();
        json!(Arrival::new(system, Timestamp::UNIX_EPOCH, surfaces, &parts, &Bytes::from_static(body.as_bytes())))
    }

    #[test]
    fn a_token_request_is_seen_without_its_secret() {
        let head = hyper::Request::post("/ims/token/v3?scope=openid&client_assertion=hush")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-api-key", "hush");
        let seen =
            arrival(System::Ims, head, "grant_type=client_credentials&client_id=c&client_secret=hush&jwt_token=");
        let fields = json!({"grant_type": "client_credentials", "client_id": "c", "client_secret": "***",
            "jwt_token": "", "scope": "openid", "client_assertion": "***"});
        assert_eq!(seen["fields"], fields);
        assert_eq!(seen["headers"]["x-api-key"], "***");
        assert!(!seen.to_string().contains("hush"), "{seen}");
    }

    #[test]
    fn a_delivery_is_seen_without_its_token() {
        let head = hyper::Request::post("/bin/receive")
            .header("action", "Test")
            .header("handle", "/content")
            .header("handle", "/other")
            .header("authorization", "Bearer hush");
        let seen = arrival(System::Tenant, head, "");
        assert_eq!(
            (&seen["headers"]["action"], &seen["headers"]["handle"]),
            (&json!("Test"), &json!("/content, /other"))
        );
        assert_eq!(seen["bearer"], json!({"state": "bad signature or payload", "client_id": null}));
        assert!(!seen.to_string().contains("hush"), "{seen}");
    }

    #[test]
    fn what_the_harness_itself_asks_is_not_kept() {
        assert_eq!(arrival(System::Author, hyper::Request::get("/"), ""), Value::Null);
    }
}
