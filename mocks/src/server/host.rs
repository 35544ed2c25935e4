//! Holds a machine and steps it under a lock, for a moment each time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::pulse::{Errand, Post, Reply};
use crate::clock::Clock;
use crate::machine::{Call, Machine, Outcome, Request, Response, Step, Ticket};

/// A machine, its clock and its way to have calls made.
pub(super) struct Host {
    machine: Mutex<Box<dyn Machine>>,
    clock: Clock,
    post: Post,
}

impl Host {
    pub(super) fn new(machine: Box<dyn Machine>, clock: Clock, post: Post) -> Self {
        Self { machine: Mutex::new(machine), clock, post }
    }

    /// Takes a request, after what has fallen due before it. Without an answer, the call that it needs is under way and
    /// the answer will go to `reply`.
    pub(super) fn request(self: &Arc<Self>, request: &Request, reply: Reply) -> Option<Response> {
        let now = self.clock.now();
        let mut machine = self.machine();
        let due = machine.tick(now);
        let step = machine.handle(now, request);
        drop(machine);
        self.deliver(due);
        self.post.changed();
        match step {
            Step::Answer(response) => Some(response),
            Step::Call(ticket, call) => {
                self.post.send(Errand { host: Arc::clone(self), ticket, call, reply: Some(reply) });
                None
            }
            Step::Done => Some(Response::new(500, "text/plain", "the mock gave no answer")),
        }
    }

    /// Gives the outcome of a call to the machine.
    pub(super) fn resume(&self, ticket: Ticket, outcome: Outcome) -> Step {
        let step = self.machine().resume(self.clock.now(), ticket, outcome);
        self.post.changed();
        step
    }

    /// Does what has fallen due.
    pub(super) fn tick(self: &Arc<Self>) {
        let due = self.machine().tick(self.clock.now());
        self.deliver(due);
    }

    /// When something next falls due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.machine().next_due()
    }

    /// The machine's state for comparisons.
    pub(super) fn dump(&self) -> serde_json::Value {
        self.machine().dump()
    }

    fn deliver(self: &Arc<Self>, calls: Vec<(Ticket, Call)>) {
        for (ticket, call) in calls {
            self.post.send(Errand { host: Arc::clone(self), ticket, call, reply: None });
        }
    }

    /// The machine, even if a thread panicked with it: the panic was reported, and other requests go on.
    fn machine(&self) -> MutexGuard<'_, Box<dyn Machine>> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
