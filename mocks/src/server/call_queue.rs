//! The queue of the calls that machines ask for, until the scheduler makes them.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::machine::{Call, CallResult, Response, Step, Ticket};

/// Where the answer of a conversation goes.
pub(super) type ReplySender = oneshot::Sender<Response>;

/// What continues when the result of a call arrives.
pub(super) trait Resume: Send + Sync {
    /// Gives the result of a call to the machine that asked for it.
    fn resume(&self, ticket: Ticket, result: CallResult) -> Step;
}

/// A call to be made for a machine. Without a reply sender it is a delivery: no client waits for its answer.
pub(super) struct PendingCall {
    pub(super) machine: Arc<dyn Resume>,
    pub(super) ticket: Ticket,
    pub(super) call: Call,
    pub(super) reply: Option<ReplySender>,
}

/// The sending half of the queue; clones share it.
#[derive(Clone)]
pub(super) struct CallQueue {
    calls: mpsc::UnboundedSender<PendingCall>,
    deliveries: Arc<watch::Sender<usize>>,
    changed: Arc<Notify>,
}

impl CallQueue {
    /// A queue and its receiving half.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<PendingCall>) {
        let (calls, received) = mpsc::unbounded_channel();
        (Self { calls, deliveries: Arc::new(watch::Sender::new(0)), changed: Arc::default() }, received)
    }

    /// Queues a call. Calls are made soon and concurrently.
    pub(super) fn push(&self, call: PendingCall) {
        if call.reply.is_none() {
            self.deliveries.send_modify(|count| *count += 1);
        }
        // Sending fails only after the stack has stopped, when no client waits any more.
        let _ = self.calls.send(call);
    }

    /// Signals that the due time of a machine may have changed.
    pub(super) fn signal_change(&self) {
        self.changed.notify_one();
    }

    /// Waits for the next change of a due time.
    pub(super) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    /// The number of deliveries under way, to wait on.
    pub(super) fn watch_deliveries(&self) -> watch::Receiver<usize> {
        self.deliveries.subscribe()
    }

    /// Counts a delivery as over when it is dropped.
    pub(super) fn delivery_guard(&self) -> DeliveryGuard {
        DeliveryGuard(Arc::clone(&self.deliveries))
    }
}

/// Counts a delivery as over when it is dropped, even after a panic.
pub(super) struct DeliveryGuard(Arc<watch::Sender<usize>>);

impl Drop for DeliveryGuard {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
