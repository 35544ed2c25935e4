//! The evidence as HAR 1.2: what browsers and proxies read. A page for each scenario, an entry for each exchange.

use bpconform_steps::evidence::{Exchange, Outcome};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::record::{Record, ScenarioRecord};
use crate::report::view;

/// The record's exchanges, in the order in which they were sent.
pub fn render(record: &Record) -> Value {
    let began: Vec<_> = record.scenarios.iter().filter(|scenario| view::exchanges(scenario).next().is_some()).collect();
    let mut entries: Vec<(&Exchange, &str)> = began
        .iter()
        .flat_map(|scenario| view::exchanges(scenario).map(|exchange| (exchange, scenario.id.as_str())))
        // A shared answer went over the wire once.
        .filter(|(exchange, _)| !exchange.shared)
        .collect();
    entries.sort_by_key(|(exchange, _)| exchange.started_us);
    json!({ "log": {
        "version": "1.2",
        "creator": { "name": record.tool.name, "version": record.tool.version },
        "pages": began.into_iter().map(page).collect::<Vec<_>>(),
        "entries": entries.into_iter().map(|(exchange, page)| entry(exchange, page)).collect::<Vec<_>>(),
    }})
}

fn page(scenario: &ScenarioRecord) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "microseconds since 1970 fit for centuries")]
    let started = (scenario.started_ms * 1000.0) as i64;
    json!({
        "startedDateTime": time(started),
        "id": scenario.id,
        "title": scenario.name,
        "pageTimings": { "onContentLoad": -1, "onLoad": scenario.duration_ms },
    })
}

fn entry(exchange: &Exchange, page: &str) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "a duration in microseconds fits into 53 bits")]
    let took = exchange.took_us as f64 / 1000.0;
    let mut entry = json!({
        "pageref": page,
        "startedDateTime": time(exchange.started_us),
        "time": took,
        "request": request(exchange),
        "response": response(&exchange.outcome),
        "cache": {},
        // Only the whole is measured.
        "timings": { "send": 0, "wait": took, "receive": 0 },
        "comment": exchange.surface,
    });
    if let Outcome::Error(reason) = &exchange.outcome {
        entry["_error"] = json!(reason);
    }
    entry
}

fn request(exchange: &Exchange) -> Value {
    let body = &exchange.request_body;
    let mut request = json!({
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&exchange.request_headers),
        "queryString": query(&exchange.url),
        "headersSize": -1,
        "bodySize": body.bytes,
    });
    if body.bytes > 0 {
        let kind = header(&exchange.request_headers, "content-type");
        request["postData"] = json!({ "mimeType": kind, "text": body.text, "comment": cut(body.capped, body.bytes) });
    }
    request
}

fn response(outcome: &Outcome) -> Value {
    let none = Vec::new();
    let (status, list, body) = match outcome {
        Outcome::Response { status, headers, body } => (*status, headers, Some(body)),
        // By custom, 0 says that there was no answer.
        Outcome::Error(_) => (0, &none, None),
    };
    let reason = if let Outcome::Error(reason) = outcome { reason } else { "" };
    json!({
        "status": status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(list),
        "content": {
            "size": body.map_or(0, |body| body.bytes),
            "mimeType": header(list, "content-type"),
            "text": body.map_or("", |body| body.text.as_str()),
            "comment": body.map_or(String::new(), |body| cut(body.capped, body.bytes)),
        },
        "redirectURL": header(list, "location"),
        "headersSize": -1,
        "bodySize": body.map_or(-1, |body| i64::try_from(body.bytes).unwrap_or(-1)),
        "comment": reason,
    })
}

fn headers(all: &[(String, String)]) -> Vec<Value> {
    all.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn header<'a>(all: &'a [(String, String)], name: &str) -> &'a str {
    all.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

fn query(url: &str) -> Vec<Value> {
    let Ok(url) = Url::parse(url) else { return Vec::new() };
    url.query_pairs().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn cut(capped: bool, bytes: usize) -> String {
    if capped { format!("cut; the whole has {bytes} bytes") } else { String::new() }
}

fn time(us: i64) -> String {
    let time = Timestamp::from_microsecond(us).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
