//! What happens without a request: due times, deliveries, and the clock when it is advanced.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::courier::Courier;
use super::host::Host;
use crate::clock::Clock;
use crate::machine::{Call, Response, Step, Ticket};

/// The longest that an advance of the clock may take, in real time.
const ADVANCE_LIMIT: Duration = Duration::from_secs(60);

/// The most due times in one advance; beyond, a machine is taken to be stuck.
const MOST_STEPS: usize = 100_000;

/// The pause after something was done that was overdue, so that a stuck machine takes no whole processor.
const BREATH: Duration = Duration::from_millis(1);

/// Where the answer of a conversation goes.
pub(super) type Reply = oneshot::Sender<Response>;

/// A call to be made for a machine; one without a reply is a delivery, for which nobody waits.
pub(super) struct Errand {
    pub(super) host: Arc<Host>,
    pub(super) ticket: Ticket,
    pub(super) call: Call,
    pub(super) reply: Option<Reply>,
}

/// Takes errands; clones share it.
#[derive(Clone)]
pub(super) struct Post {
    errands: mpsc::UnboundedSender<Errand>,
    deliveries: Arc<watch::Sender<usize>>,
    changed: Arc<Notify>,
}

impl Post {
    /// Has a call made, soon and concurrently.
    pub(super) fn send(&self, errand: Errand) {
        if errand.reply.is_none() {
            self.deliveries.send_modify(|count| *count += 1);
        }
        // It fails only when the stack has stopped, and then nobody waits any more.
        let _ = self.errands.send(errand);
    }

    /// Says that a machine's due time may have changed.
    pub(super) fn changed(&self) {
        self.changed.notify_one();
    }
}

/// The heart of a stack.
pub(super) struct Pulse {
    hosts: Mutex<Vec<Arc<Host>>>,
    clock: Clock,
    courier: Courier,
    post: Post,
    /// Held by whoever does what is due: the background, or an advance of the clock.
    turn: tokio::sync::Mutex<()>,
}

impl Pulse {
    pub(super) fn new(clock: Clock, courier: Courier) -> (Arc<Self>, mpsc::UnboundedReceiver<Errand>) {
        let (errands, received) = mpsc::unbounded_channel();
        let post = Post { errands, deliveries: Arc::new(watch::Sender::new(0)), changed: Arc::default() };
        let pulse = Self { hosts: Mutex::default(), clock, courier, post, turn: tokio::sync::Mutex::default() };
        (Arc::new(pulse), received)
    }

    pub(super) fn post(&self) -> Post {
        self.post.clone()
    }

    pub(super) fn add(&self, host: Arc<Host>) {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).push(host);
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Beats until it is dropped, and everything under way with it.
    pub(super) async fn run(self: Arc<Self>, mut errands: mpsc::UnboundedReceiver<Errand>) {
        let mut under_way = JoinSet::new();
        loop {
            tokio::select! {
                Some(errand) = errands.recv() => drop(under_way.spawn(Arc::clone(&self).run_errand(errand))),
                Some(_) = under_way.join_next() => {}
                () = self.beat() => {}
            }
        }
    }

    async fn run_errand(self: Arc<Self>, errand: Errand) {
        let Errand { host, mut ticket, mut call, reply } = errand;
        let _counted = reply.is_none().then(|| Counted(&self.post.deliveries));
        loop {
            match host.resume(ticket, self.courier.carry(call).await) {
                Step::Call(next, another) => (ticket, call) = (next, another),
                Step::Answer(response) => {
                    if let Some(reply) = reply {
                        // It fails when the client has gone.
                        let _ = reply.send(response);
                    }
                    return;
                }
                Step::Done => return,
            }
        }
    }

    /// Waits until something is due or may have become so, and does what is.
    async fn beat(&self) {
        let changed = self.post.changed.notified();
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
        self.tick();
        drop(turn);
        tokio::time::sleep(BREATH).await;
    }

    /// Moves the clock ahead through all that falls due, each at its very time, and gives back the time it is then. The
    /// error says why it could not be done; the clock then stands where it got to.
    pub(super) async fn advance(&self, by: SignedDuration) -> Result<Timestamp, String> {
        let _turn = self.turn.lock().await;
        let start = self.clock.now();
        let target = start.checked_add(by).map_err(|error| error.to_string())?;
        self.clock.hold(start);
        let _held = Held(&self.clock);
        let caught_up = tokio::time::timeout(ADVANCE_LIMIT, self.catch_up(target)).await;
        caught_up.map_err(|_| format!("the clock could not be advanced within {ADVANCE_LIMIT:?}"))??;
        self.clock.hold(target);
        Ok(target)
    }

    async fn catch_up(&self, target: Timestamp) -> Result<(), String> {
        let mut deliveries = self.post.deliveries.subscribe();
        for _ in 0..MOST_STEPS {
            deliveries.wait_for(|count| *count == 0).await.map_err(|error| error.to_string())?;
            let Some(due) = self.next_due().filter(|due| *due <= target) else { return Ok(()) };
            self.clock.hold(due);
            self.tick();
        }
        Err(format!("more than {MOST_STEPS} things fall due until {target}"))
    }

    fn tick(&self) {
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

/// Lets the clock run on, even if the advance is abandoned.
struct Held<'a>(&'a Clock);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Counts a delivery as over, even if it panics.
struct Counted<'a>(&'a watch::Sender<usize>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
