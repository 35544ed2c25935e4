//! The controls that every system of a mocked stack has: clock, requests, repository, wire.

use bpconform_fixtures::System;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use jiff::SignedDuration;
use serde_json::json;

use super::front::Front;
use super::wire::{self, Sent};
use crate::faults::Fault;
use crate::machine::{Form, Request, Response};

/// The controls.
const ALL: [&str; 5] =
    ["control.clock", "control.clock-advance", "control.wire", "control.requests", "control.repository"];

/// The control that is asked, or none if the request is for the machine.
pub(super) fn asked(front: &Front, parts: &Parts) -> Option<&'static str> {
    ALL.into_iter().find(|id| front.surfaces.get(id).matches(parts.method.as_str(), parts.uri.path()).is_some())
}

/// Whether a control is a part of the target here: what arrived at IMS or the tenant is shown to a run that has a real
/// Author.
pub(super) fn is_shown(front: &Front, parts: &Parts) -> bool {
    let id = match front.system {
        System::Ims => "ims.requests",
        System::Tenant => "tenant.requests",
        _ => return false,
    };
    front.surfaces.get(id).matches(parts.method.as_str(), parts.uri.path()).is_some()
}

/// The answer of a control.
pub(super) async fn answer(front: &Front, control: &str, parts: &Parts, body: &Bytes) -> Sent {
    match control {
        "control.clock" => json_answer(&json!({ "now": front.pulse.clock().now() })),
        "control.clock-advance" => advance(front, parts, body).await,
        "control.wire" => break_wire(front, parts, body),
        "control.requests" => {
            let after = field(front.surfaces.get("control.requests").field("after"), parts, body);
            json_answer(&front.journal.report(after.and_then(|after| after.parse().ok()).unwrap_or_default()))
        }
        _ => json_answer(&front.host.dump()),
    }
}

async fn advance(front: &Front, parts: &Parts, body: &Bytes) -> Sent {
    let field = front.surfaces.get("control.clock-advance").field("milliseconds");
    let Some(by) = milliseconds(field, parts, body) else {
        return wire::text(400, format!("the field {field} must be a whole number of milliseconds, not negative"));
    };
    match front.pulse.advance(by).await {
        Ok(now) => json_answer(&json!({ "now": now })),
        Err(problem) => wire::text(500, problem),
    }
}

/// Has the next request of a client struck by a fault.
fn break_wire(front: &Front, parts: &Parts, body: &Bytes) -> Sent {
    let surface = front.surfaces.get("control.wire");
    let value = |word| field(surface.field(word), parts, body);
    let Some(fault) = value("fault").and_then(|id| Fault::get(&id)) else {
        let ids: Vec<_> = Fault::ALL.iter().map(|fault| fault.id).collect();
        return wire::text(400, format!("the field {} must be one of {}", surface.field("fault"), ids.join(", ")));
    };
    if fault.needs_tls() && front.tls.is_none() {
        return wire::text(400, format!("{} strikes TLS, which this stack does not speak", fault.id));
    }
    front.breaker.arm(fault, value("surface").filter(|id| !id.is_empty()));
    json_answer(&json!({ "fault": fault.id, "says": fault.says }))
}

fn milliseconds(name: &str, parts: &Parts, body: &Bytes) -> Option<SignedDuration> {
    let by = field(name, parts, body)?.parse().ok().filter(|by| *by >= 0)?;
    Some(SignedDuration::from_millis(by))
}

/// A field of the query or of the body.
fn field(name: &str, parts: &Parts, body: &Bytes) -> Option<String> {
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let request = Request {
        query: query.into_owned().collect(),
        headers: super::courier::headers(&parts.headers),
        body: body.to_vec(),
        ..Request::default()
    };
    Form::read(&request).ok()?.get(name).map(str::to_owned)
}

fn json_answer(value: &serde_json::Value) -> Sent {
    wire::to_hyper(Response::json(200, value))
}
