//! The details of one scenario, as the JSON that the page renders when the scenario is opened.

use bpconform_fixtures::Remedy;
use bpconform_steps::evidence::{Exchange, Outcome, PageView, Text};
use minijinja::Value;
use serde::Serialize;

use crate::error::Error;
use crate::record::{Attempt, ScenarioRecord, StepRecord};
use crate::report::{curl, view};
use crate::verdict::Verdict;

/// How much of a body stays in the page for a scenario that passed, in bytes: a page that opens at once is worth more
/// than a second copy of `run.json`.
const BODY_OF_PASSED: usize = 1024;

#[derive(Serialize)]
struct Data<'a> {
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a Remedy>,
    steps: Vec<Step<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pages: Vec<Page<'a>>,
    exchanges: Vec<Request<'a>>,
    lanes: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    attempts: &'a [Attempt],
    cut: bool,
}

#[derive(Serialize)]
struct Step<'a> {
    keyword: &'a str,
    text: &'a str,
    verdict: Verdict,
    took: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a [Vec<String>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doc: Option<&'a str>,
}

#[derive(Serialize)]
struct Page<'a> {
    step: &'a str,
    url: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_picture: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<Body<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    console: &'a [String],
}

#[derive(Serialize)]
struct Request<'a> {
    surface: &'a str,
    lane: String,
    method: &'a str,
    url: &'a str,
    at: f64,
    took: f64,
    sent: &'a [(String, String)],
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Body<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    got: &'a [(String, String)],
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Body<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<Vec<String>>,
    /// The line of a shell that sends it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    curl: Option<String>,
    /// Whether it is about the agent that the reason names.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    named: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    text: &'a str,
    bytes: usize,
    cut: bool,
}

/// The JSON for inside a `script` element: no `<` can end it early.
pub(super) fn embedded(scenario: &ScenarioRecord) -> Result<Value, Error> {
    let json = serde_json::to_string(&data(scenario)).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Value::from_safe_string(json.replace('<', "\\u003c")))
}

fn data(scenario: &ScenarioRecord) -> Data<'_> {
    let most = if scenario.verdict == Verdict::Passed { BODY_OF_PASSED } else { usize::MAX };
    let named = |one: &Exchange| {
        view::agent_name(&one.url)
            .is_some_and(|name| scenario.reason.as_ref().is_some_and(|reason| reason.contains(name)))
    };
    let request = |one| Request { named: named(one), ..request(one, scenario.started_ms, most) };
    let exchanges: Vec<_> = view::exchanges(scenario).map(request).collect();
    let cut = exchanges.iter().any(|one| [&one.request, &one.response].into_iter().flatten().any(|body| body.cut));
    Data {
        place: format!("{}:{}", scenario.file, scenario.line),
        remedy: view::remedy(scenario),
        steps: scenario.steps.iter().map(step).collect(),
        pages: scenario.all_pages().map(|view| page(view, most)).collect(),
        lanes: if exchanges.is_empty() { Vec::new() } else { view::LANES.to_vec() },
        exchanges,
        attempts: &scenario.attempts,
        cut,
    }
}

fn step(step: &StepRecord) -> Step<'_> {
    Step {
        keyword: &step.keyword,
        text: &step.text,
        verdict: step.verdict,
        took: step.duration_ms,
        reason: step.full_reason(),
        table: Some(step.table.as_slice()).filter(|table| !table.is_empty()),
        doc: step.doc_string.as_deref(),
    }
}

fn page(view: &PageView, most: usize) -> Page<'_> {
    Page {
        step: &view.step,
        url: &view.url,
        title: &view.title,
        picture: view.picture.as_deref(),
        no_picture: view.no_picture.as_deref(),
        tree: body(&view.tree, most),
        console: &view.console,
    }
}

fn request(exchange: &Exchange, began_ms: f64, most: usize) -> Request<'_> {
    #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit into 53 bits for centuries")]
    let (at, took) = (exchange.started_us as f64 / 1000.0, exchange.took_us as f64 / 1000.0);
    let mut request = Request {
        surface: &exchange.surface,
        lane: view::lane(exchange),
        method: &exchange.method,
        url: &exchange.url,
        // To the microsecond: more digits say nothing.
        at: (((at - began_ms).max(0.0)) * 1000.0).round() / 1000.0,
        took,
        sent: &exchange.request_headers,
        request: body(&exchange.request_body, most),
        status: None,
        got: &[],
        response: None,
        error: None,
        transcript: view::transcript(exchange),
        curl: curl::line(exchange),
        named: false,
    };
    match &exchange.outcome {
        Outcome::Response { status, headers, body: text } => {
            request.status = Some(*status);
            request.got = headers;
            request.response = body(text, most);
        }
        Outcome::Error(reason) => request.error = Some(reason),
    }
    request
}

fn body(text: &Text, most: usize) -> Option<Body<'_>> {
    if text.bytes == 0 {
        return None;
    }
    let end = (0..=most.min(text.text.len())).rev().find(|end| text.text.is_char_boundary(*end)).unwrap_or(0);
    Some(Body { text: &text.text[..end], bytes: text.bytes, cut: text.capped || end < text.text.len() })
}
