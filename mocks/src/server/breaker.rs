//! Selects the requests that a fault of the wire breaks.

use std::sync::{Arc, Mutex, PoisonError};

use bpconform_fixtures::Surfaces;
use hyper::HeaderMap;
use hyper::header;
use hyper::http::request::Parts;

use super::caller::USER_AGENT;
use crate::faults::{Fault, FaultPlace};

/// The faults that break requests to one system.
pub(super) struct Breaker {
    always: Option<&'static Fault>,
    next: Arc<NextFault>,
}

/// The fault that breaks the next request to a stack; all its systems share it.
#[derive(Default)]
pub(super) struct NextFault(Mutex<Option<Armed>>);

struct Armed {
    fault: &'static Fault,
    /// Limits the fault to requests to this endpoint.
    surface: Option<String>,
}

impl NextFault {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Breaker {
    pub(super) fn new(always: Option<&'static Fault>, next: Arc<NextFault>) -> Self {
        Self { always, next }
    }

    /// Applies a fault to the next request, or to the next one to that endpoint.
    pub(super) fn arm(&self, fault: &'static Fault, surface: Option<String>) {
        *self.next.lock() = Some(Armed { fault, surface });
    }

    /// The fault for a TLS handshake that begins now.
    pub(super) fn handshake_fault(&self) -> Option<&'static Fault> {
        self.take_fault(|armed| armed.fault.place == FaultPlace::Handshake)
    }

    /// The fault for this request. Requests of other systems of the stack are never broken, only those of clients.
    pub(super) fn request_fault(&self, parts: &Parts, surfaces: &Surfaces) -> Option<&'static Fault> {
        if is_from_stack(&parts.headers) {
            return None;
        }
        self.take_fault(|armed| {
            let meant = armed.surface.as_deref().and_then(|id| surfaces.find(id));
            let right = meant.is_none_or(|surface| surface.matches(parts.method.as_str(), parts.uri.path()).is_some());
            right && armed.fault.place != FaultPlace::Handshake
        })
    }

    fn take_fault(&self, applies: impl Fn(&Armed) -> bool) -> Option<&'static Fault> {
        let mut next = self.next.lock();
        if next.as_ref().is_some_and(&applies) {
            return next.take().map(|armed| armed.fault);
        }
        drop(next);
        self.always.filter(|fault| applies(&Armed { fault, surface: None }))
    }
}

/// Whether another system of the stack sent the request.
pub(super) fn is_from_stack(headers: &HeaderMap) -> bool {
    headers.get(header::USER_AGENT).is_some_and(|agent| agent == USER_AGENT)
}
