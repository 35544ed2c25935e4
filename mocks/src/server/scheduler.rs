//! Runs what happens without a request: due events, deliveries, and advances of the clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::call_queue::{CallQueue, PendingCall};
use super::caller::Caller;
use super::host::Host;
use crate::clock::Clock;
use crate::machine::Step;

/// The limit for one advance of the clock, in real time.
const ADVANCE_LIMIT: Duration = Duration::from_secs(60);

/// The maximum number of due times in one advance. A machine that exceeds it is stuck.
const MAX_STEPS: usize = 100_000;

/// The pause after each overdue step, so that a stuck machine does not use a whole processor.
const PAUSE: Duration = Duration::from_millis(1);

/// Runs what falls due in the machines of a stack, and makes their calls.
pub(super) struct Scheduler {
    hosts: Mutex<Vec<Arc<Host>>>,
    clock: Clock,
    caller: Caller,
    calls: CallQueue,
    /// Held while due steps run: by the background task, or by an advance of the clock.
    turn: tokio::sync::Mutex<()>,
}

impl Scheduler {
    pub(super) fn new(clock: Clock, caller: Caller) -> (Arc<Self>, mpsc::UnboundedReceiver<PendingCall>) {
        let (calls, received) = CallQueue::new();
        let scheduler = Self { hosts: Mutex::default(), clock, caller, calls, turn: tokio::sync::Mutex::default() };
        (Arc::new(scheduler), received)
    }

    pub(super) fn calls(&self) -> CallQueue {
        self.calls.clone()
    }

    pub(super) fn add_host(&self, host: Arc<Host>) {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).push(host);
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Runs until it is dropped; calls under way end with it.
    pub(super) async fn run(self: Arc<Self>, mut calls: mpsc::UnboundedReceiver<PendingCall>) {
        let mut under_way = JoinSet::new();
        loop {
            tokio::select! {
                Some(call) = calls.recv() => drop(under_way.spawn(Arc::clone(&self).make_call(call))),
                Some(_) = under_way.join_next() => {}
                () = self.run_next_due() => {}
            }
        }
    }

    async fn make_call(self: Arc<Self>, pending: PendingCall) {
        let PendingCall { machine, mut ticket, mut call, reply } = pending;
        let _guard = reply.is_none().then(|| self.calls.delivery_guard());
        loop {
            match machine.resume(ticket, self.caller.send(call).await) {
                Step::Call(next, another) => (ticket, call) = (next, another),
                Step::Answer(response) => {
                    if let Some(reply) = reply {
                        // Sending fails when the client has disconnected.
                        let _ = reply.send(response);
                    }
                    return;
                }
                Step::Done => return,
            }
        }
    }

    /// Waits until a step is due or a due time changes, and runs what is due.
    async fn run_next_due(&self) {
        let changed = self.calls.changed();
        let Some(due) = self.next_due() else { return changed.await };
        if let Ok(wait) = Duration::try_from(due.duration_since(self.clock.now()))
            && !wait.is_zero()
        {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = changed => return,
            }
        }
        let turn = self.turn.lock().await;
        self.run_due();
        drop(turn);
        tokio::time::sleep(PAUSE).await;
    }

    /// Moves the clock ahead, runs each step at its due time, and returns the new time. After an error the clock stays at
    /// the last step that was run.
    pub(super) async fn advance(&self, by: SignedDuration) -> Result<Timestamp, String> {
        let _turn = self.turn.lock().await;
        let start = self.clock.now();
        let target = start.checked_add(by).map_err(|error| error.to_string())?;
        self.clock.hold(start);
        let _hold = ClockHold(&self.clock);
        let caught_up = tokio::time::timeout(ADVANCE_LIMIT, self.run_due_until(target)).await;
        caught_up.map_err(|_| format!("the clock could not be advanced within {ADVANCE_LIMIT:?}"))??;
        self.clock.hold(target);
        Ok(target)
    }

    async fn run_due_until(&self, target: Timestamp) -> Result<(), String> {
        let mut deliveries = self.calls.watch_deliveries();
        for _ in 0..MAX_STEPS {
            deliveries.wait_for(|count| *count == 0).await.map_err(|error| error.to_string())?;
            let Some(due) = self.next_due().filter(|due| *due <= target) else { return Ok(()) };
            self.clock.hold(due);
            self.run_due();
        }
        Err(format!("more than {MAX_STEPS} steps fall due until {target}"))
    }

    fn run_due(&self) {
        let now = self.clock.now();
        for host in self.hosts().iter().filter(|host| host.next_due().is_some_and(|due| due <= now)) {
            host.tick();
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.hosts().iter().filter_map(|host| host.next_due()).min()
    }

    fn hosts(&self) -> Vec<Arc<Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Holds the clock until it is dropped, even when the advance is cancelled.
struct ClockHold<'a>(&'a Clock);

impl Drop for ClockHold<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}
