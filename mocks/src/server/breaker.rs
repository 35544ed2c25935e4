//! Says which request is struck by a fault of the wire, and knows the answers that break.

use std::sync::{Arc, Mutex, PoisonError};

use bpconform_fixtures::Surfaces;
use hyper::HeaderMap;
use hyper::header::USER_AGENT;
use hyper::http::request::Parts;

use super::courier::COURIER;
use crate::faults::{Fault, Place};

/// What strikes the requests to one system.
pub(super) struct Breaker {
    always: Option<&'static Fault>,
    next: Arc<Next>,
}

/// What strikes the next request to a stack; all its systems share it.
#[derive(Default)]
pub(super) struct Next(Mutex<Option<Armed>>);

struct Armed {
    fault: &'static Fault,
    /// Only a request to this surface.
    surface: Option<String>,
}

impl Next {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Breaker {
    pub(super) fn new(always: Option<&'static Fault>, next: Arc<Next>) -> Self {
        Self { always, next }
    }

    /// Has the next request struck, or the next one to that surface.
    pub(super) fn arm(&self, fault: &'static Fault, surface: Option<String>) {
        *self.next.lock() = Some(Armed { fault, surface });
    }

    /// What strikes a client that begins to speak TLS.
    pub(super) fn strikes_handshake(&self) -> Option<&'static Fault> {
        self.take(|armed| armed.fault.place == Place::Handshake)
    }

    /// What strikes this request. One that another system of the stack sends goes through: only what a client sees is
    /// broken.
    pub(super) fn strikes(&self, parts: &Parts, surfaces: &Surfaces) -> Option<&'static Fault> {
        if is_couriers(&parts.headers) {
            return None;
        }
        self.take(|armed| {
            let meant = armed.surface.as_deref().and_then(|id| surfaces.find(id));
            let right = meant.is_none_or(|surface| surface.matches(parts.method.as_str(), parts.uri.path()).is_some());
            right && armed.fault.place != Place::Handshake
        })
    }

    fn take(&self, strikes: impl Fn(&Armed) -> bool) -> Option<&'static Fault> {
        let mut next = self.next.lock();
        if next.as_ref().is_some_and(&strikes) {
            return next.take().map(|armed| armed.fault);
        }
        drop(next);
        self.always.filter(|fault| strikes(&Armed { fault, surface: None }))
    }
}

fn is_couriers(headers: &HeaderMap) -> bool {
    headers.get(USER_AGENT).is_some_and(|agent| agent == COURIER)
}
