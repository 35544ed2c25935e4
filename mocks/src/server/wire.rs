//! Conversion between messages on the wire and messages of the machines.

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request as HyperRequest, Response as HyperResponse, StatusCode};
use percent_encoding::percent_decode_str;
use wiremock::ResponseTemplate;

use super::caller;
use crate::machine::{Headers, Request, Response};

/// A response that is ready to be sent.
pub(super) type Sent = HyperResponse<Full<Bytes>>;

/// Headers of a single connection, and the length, which is computed again.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request as a machine sees it.
pub(super) fn to_machine(request: &wiremock::Request) -> Request {
    let path = percent_decode_str(request.url.path()).decode_utf8_lossy();
    Request {
        method: request.method.to_string(),
        path: path.replace("/_jcr_content", "/jcr:content"),
        query: request.url.query_pairs().into_owned().collect(),
        headers: caller::headers(&request.headers),
        body: request.body.clone(),
    }
}

/// A machine's answer as wiremock sends it. Invalid headers are left out, since wiremock would panic.
pub(super) fn to_template(response: Response) -> ResponseTemplate {
    let template = ResponseTemplate::new(status(response.status));
    valid(&response.headers)
        .fold(template, |template, (name, value)| template.append_header(name, value))
        .set_body_bytes(response.body)
}

/// A machine's answer as the front sends it.
pub(super) fn to_hyper(response: Response) -> Sent {
    let mut sent = HyperResponse::new(Full::new(Bytes::from(response.body)));
    *sent.status_mut() = status(response.status);
    for (name, value) in valid(&response.headers) {
        sent.headers_mut().append(name, value);
    }
    sent
}

/// The front's response as a machine's answer.
pub(super) async fn from_hyper(sent: Sent) -> Response {
    let (head, body) = sent.into_parts();
    // The body is in memory, so this cannot fail.
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    Response { status: head.status.as_u16(), headers: caller::headers(&head.headers), body }
}

/// A plain text response of the server itself.
pub(super) fn plain_text(status: u16, text: impl Into<String>) -> Sent {
    to_hyper(Response::new(status, "text/plain;charset=utf-8", text.into()))
}

/// The request for wiremock at `base`, with one more header. HEAD becomes GET for the machines.
pub(super) fn onward(
    base: &str,
    parts: &hyper::http::request::Parts,
    body: Bytes,
    extra: (HeaderName, HeaderValue),
) -> Result<HyperRequest<Full<Bytes>>, String> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let method = if parts.method == "HEAD" { &hyper::Method::GET } else { &parts.method };
    let mut request = HyperRequest::builder()
        .method(method)
        .uri(format!("{base}{target}"))
        .body(Full::new(body))
        .map_err(|error| error.to_string())?;
    *request.headers_mut() = end_to_end(&parts.headers);
    request.headers_mut().insert(extra.0, extra.1);
    Ok(request)
}

/// The headers without those that belong to one connection.
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| !HOP_BY_HOP.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>().into_iter().collect()
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn valid(headers: &Headers) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers
        .iter()
        .filter(|(name, _)| !HOP_BY_HOP.contains(&name.to_ascii_lowercase().as_str()))
        .filter_map(|(name, value)| Some((name.parse().ok()?, HeaderValue::from_str(value).ok()?)))
}
