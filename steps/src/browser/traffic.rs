//! A request of a page that was stopped before it left, and how it is answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::Url;

use super::{Event, Running};

/// Headers that concern one connection only, or that the sender sets.
const OF_A_CONNECTION: [&str; 9] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// A request of a page.
#[derive(Clone, Debug)]
pub(crate) struct PageRequest {
    id: String,
    /// The frame that it is for.
    pub(crate) frame: String,
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What it is for, in the browser's word: `Document`, `XHR`, `Image` …
    pub(crate) kind: String,
}

impl PageRequest {
    /// The request that an event is about; none for another event.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        if event.name != "Fetch.requestPaused" {
            return None;
        }
        let request = &event.about["request"];
        let headers = request["headers"].as_object().into_iter().flatten();
        let headers = headers.filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())));
        Some(Self {
            id: event.about["requestId"].as_str()?.to_owned(),
            frame: event.about["frameId"].as_str().unwrap_or_default().to_owned(),
            method: request["method"].as_str()?.to_uppercase(),
            url: request["url"].as_str()?.parse().ok()?,
            headers: headers.filter(|(name, _)| !OF_A_CONNECTION.contains(&name.as_str())).collect(),
            body: body(request),
            kind: event.about["resourceType"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// A form that a page sends.
    #[cfg(test)]
    pub(crate) fn for_test(method: &str, url: &str, content_type: &str, body: &[u8]) -> Self {
        Self {
            id: "1".to_owned(),
            frame: "main".to_owned(),
            method: method.to_owned(),
            url: url.parse().expect("an address"),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.to_vec(),
            kind: "Document".to_owned(),
        }
    }

    /// Whether it reads.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// Whether it is for a text.
    pub(crate) fn is_text(&self) -> bool {
        !matches!(self.kind.as_str(), "Image" | "Media" | "Font")
    }

    /// Whether it is for what a page says: not for how it looks, and not a report of which the page reads no answer.
    pub(crate) fn is_content(&self) -> bool {
        !matches!(
            self.kind.as_str(),
            "Stylesheet"
                | "Image"
                | "Media"
                | "Font"
                | "Script"
                | "TextTrack"
                | "Manifest"
                | "Ping"
                | "CSPViolationReport"
        ) && !self.url.path().ends_with("/favicon.ico")
    }
}

fn body(request: &Value) -> Vec<u8> {
    let entries = request["postDataEntries"].as_array().into_iter().flatten();
    let bytes: Vec<u8> = entries.filter_map(|entry| STANDARD.decode(entry["bytes"].as_str()?).ok()).flatten().collect();
    if bytes.is_empty() { request["postData"].as_str().unwrap_or_default().as_bytes().to_vec() } else { bytes }
}

impl Running {
    /// Answers a page's request with this.
    pub(crate) async fn answer(&self, request: &PageRequest, status: u16, headers: &[(String, String)], body: &[u8]) {
        let headers: Vec<_> = headers
            .iter()
            .filter(|(name, _)| !OF_A_CONNECTION.contains(&name.to_lowercase().as_str()))
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        let answer = json!({
            "requestId": request.id, "responseCode": status, "responseHeaders": headers, "body": STANDARD.encode(body),
        });
        // A page that has gone in the meantime no longer wants it.
        let _ = self.call("Fetch.fulfillRequest", answer).await;
    }

    /// Ends a page's request without an answer.
    pub(crate) async fn refuse(&self, request: &PageRequest, blocked: bool) {
        let reason = if blocked { "BlockedByClient" } else { "ConnectionFailed" };
        let _ = self.call("Fetch.failRequest", json!({ "requestId": request.id, "errorReason": reason })).await;
    }

    /// Ends whatever an event about a request without a readable address is about, so that no page waits for it.
    pub(crate) async fn refuse_unreadable(&self, event: &Event) {
        if event.name == "Fetch.requestPaused" {
            let id = &event.about["requestId"];
            let _ = self.call("Fetch.failRequest", json!({ "requestId": id, "errorReason": "BlockedByClient" })).await;
        }
    }
}
