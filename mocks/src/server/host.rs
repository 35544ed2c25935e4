//! Holds a machine and runs its steps under a lock, one at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::call_queue::{CallQueue, PendingCall, ReplySender, Resume};
use crate::clock::Clock;
use crate::machine::{Call, CallResult, Machine, Request, Response, Step, Ticket};

/// A machine, its clock and the queue for its calls.
pub(super) struct Host {
    machine: Mutex<Box<dyn Machine>>,
    clock: Clock,
    calls: CallQueue,
}

impl Host {
    pub(super) fn new(machine: Box<dyn Machine>, clock: Clock, calls: CallQueue) -> Self {
        Self { machine: Mutex::new(machine), clock, calls }
    }

    /// Handles a request, after what has fallen due before it. `None` means that the answer depends on a call, which is
    /// queued; the answer then goes to `reply`.
    pub(super) fn handle(self: &Arc<Self>, request: &Request, reply: ReplySender) -> Option<Response> {
        let now = self.clock.now();
        let mut machine = self.lock_machine();
        let due = machine.tick(now);
        let step = machine.handle(now, request);
        drop(machine);
        self.queue_deliveries(due);
        self.calls.signal_change();
        match step {
            Step::Answer(response) => Some(response),
            Step::Call(ticket, call) => {
                self.calls.push(PendingCall { machine: Arc::clone(self) as _, ticket, call, reply: Some(reply) });
                None
            }
            Step::Done => Some(Response::new(500, "text/plain", "the mock gave no answer")),
        }
    }

    /// Runs what has fallen due.
    pub(super) fn tick(self: &Arc<Self>) {
        let due = self.lock_machine().tick(self.clock.now());
        self.queue_deliveries(due);
    }

    /// When something next falls due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.lock_machine().next_due()
    }

    /// The machine's state for comparisons.
    pub(super) fn dump(&self) -> serde_json::Value {
        self.lock_machine().dump()
    }

    fn queue_deliveries(self: &Arc<Self>, calls: Vec<(Ticket, Call)>) {
        for (ticket, call) in calls {
            self.calls.push(PendingCall { machine: Arc::clone(self) as _, ticket, call, reply: None });
        }
    }

    /// The machine, also after a panic: the panic was reported, and other requests go on.
    fn lock_machine(&self) -> MutexGuard<'_, Box<dyn Machine>> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resume for Host {
    fn resume(&self, ticket: Ticket, result: CallResult) -> Step {
        let step = self.lock_machine().resume(self.clock.now(), ticket, result);
        self.calls.signal_change();
        step
    }
}
