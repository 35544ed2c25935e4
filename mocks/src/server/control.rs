//! The controls that every system of a mocked stack has: clock, requests, repository, wire.

use std::sync::Arc;

use bpconform_fixtures::{Surfaces, System};
use hyper::body::Bytes;
use hyper::http::request::Parts;
use jiff::SignedDuration;
use serde_json::json;

use super::breaker::Breaker;
use super::host::Host;
use super::request_log::RequestLog;
use super::scheduler::Scheduler;
use super::wire::{self, Sent};
use crate::faults::Fault;
use crate::machine::{Form, Request, Response};

/// The ids of the controls.
const IDS: [&str; 5] =
    ["control.clock", "control.clock-advance", "control.wire", "control.requests", "control.repository"];

/// What the controls of one system show and change. The front of the system uses the same parts.
pub(super) struct Controls {
    pub(super) system: System,
    pub(super) host: Arc<Host>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) surfaces: Arc<Surfaces>,
    pub(super) log: RequestLog,
    pub(super) breaker: Breaker,
    /// Whether the system speaks TLS.
    pub(super) uses_tls: bool,
}

impl Controls {
    /// The id of the control that serves a request; `None` if the request is for the machine.
    pub(super) fn find(&self, parts: &Parts) -> Option<&'static str> {
        IDS.into_iter().find(|id| self.surfaces.get(id).matches(parts.method.as_str(), parts.uri.path()).is_some())
    }

    /// Whether a request for a control is also a part of the target: a run with a real Author reads what arrived at a
    /// mocked IMS or tenant.
    pub(super) fn is_part_of_target(&self, parts: &Parts) -> bool {
        let id = match self.system {
            System::Ims => "ims.requests",
            System::Tenant => "tenant.requests",
            _ => return false,
        };
        self.surfaces.get(id).matches(parts.method.as_str(), parts.uri.path()).is_some()
    }

    /// The answer of a control.
    pub(super) async fn answer(&self, control: &str, parts: &Parts, body: &Bytes) -> Sent {
        match control {
            "control.clock" => json_answer(&json!({ "now": self.scheduler.clock().now() })),
            "control.clock-advance" => self.advance_clock(parts, body).await,
            "control.wire" => self.arm_fault(parts, body),
            "control.requests" => {
                let after = field_value(self.surfaces.get("control.requests").field("after"), parts, body);
                json_answer(&self.log.report(after.and_then(|after| after.parse().ok()).unwrap_or_default()))
            }
            _ => json_answer(&self.host.dump()),
        }
    }

    async fn advance_clock(&self, parts: &Parts, body: &Bytes) -> Sent {
        let field = self.surfaces.get("control.clock-advance").field("milliseconds");
        let Some(by) = milliseconds(field, parts, body) else {
            return wire::plain_text(
                400,
                format!("the field {field} must be a whole number of milliseconds, not negative"),
            );
        };
        match self.scheduler.advance(by).await {
            Ok(now) => json_answer(&json!({ "now": now })),
            Err(problem) => wire::plain_text(500, problem),
        }
    }

    /// Applies a fault to the next request of a client.
    fn arm_fault(&self, parts: &Parts, body: &Bytes) -> Sent {
        let surface = self.surfaces.get("control.wire");
        let value = |word| field_value(surface.field(word), parts, body);
        let Some(fault) = value("fault").and_then(|id| Fault::get(&id)) else {
            let ids: Vec<_> = Fault::ALL.iter().map(|fault| fault.id).collect();
            return wire::plain_text(
                400,
                format!("the field {} must be one of {}", surface.field("fault"), ids.join(", ")),
            );
        };
        if fault.needs_tls() && !self.uses_tls {
            return wire::plain_text(400, format!("{} needs TLS, and this stack uses plain HTTP", fault.id));
        }
        self.breaker.arm(fault, value("surface").filter(|id| !id.is_empty()));
        json_answer(&json!({ "fault": fault.id, "says": fault.says }))
    }
}

fn milliseconds(name: &str, parts: &Parts, body: &Bytes) -> Option<SignedDuration> {
    let by = field_value(name, parts, body)?.parse().ok().filter(|by| *by >= 0)?;
    Some(SignedDuration::from_millis(by))
}

/// The value of a field of the query or the body.
fn field_value(name: &str, parts: &Parts, body: &Bytes) -> Option<String> {
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let request = Request {
        query: query.into_owned().collect(),
        headers: super::caller::headers(&parts.headers),
        body: body.to_vec(),
        ..Request::default()
    };
    Form::read(&request).ok()?.get(name).map(str::to_owned)
}

fn json_answer(value: &serde_json::Value) -> Sent {
    wire::to_hyper(Response::json(200, value))
}
