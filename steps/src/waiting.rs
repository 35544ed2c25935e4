//! The waits of a scenario: for objects that appear with a delay, and for reads that show the last change.

use std::time::Duration;

use bpconform_fixtures::Cause;

use crate::call::Call;
use crate::problem::{Checked, Kind, Problem};
use crate::session::{Session, stopped};

/// The time limit for reads that show the state before a change. An Author of a cluster reads its own copy of the
/// repository, and a load balancer may ask another one.
const STALE: Duration = Duration::from_secs(10);

impl Session {
    /// Asks again and again until `check` finds something, on the mocks by advancing their clock, on a real target by
    /// waiting. What is not there after `limit` fails the step: `what` says what was waited for.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        check: impl AsyncFn() -> Checked<Option<T>>,
    ) -> Checked<T> {
        let mut pauses = self.pauses(limit);
        loop {
            if let Some(found) = check().await? {
                return Ok(found);
            }
            let Some(pause) = pauses.next() else {
                return Err(Problem::failed(format!("{what}: not within {} s", limit.as_secs())));
            };
            self.pass(pause).await?;
        }
    }

    /// Reads what a change of this conversation should have made true, until it `holds`. The first reads may still show
    /// the state before the change. Returns the last read, which the caller judges.
    pub async fn settled<T>(&self, read: impl AsyncFn() -> Checked<T>, holds: impl Fn(&T) -> bool) -> Checked<T> {
        // Without a change there is nothing to wait for.
        let mut pauses = self.pauses(if self.changes_sent() == 0 { Duration::ZERO } else { STALE });
        loop {
            let found = read().await;
            let is_settled = match &found {
                Ok(found) => holds(found),
                // Two reads that contradict each other, or something that is not there yet.
                Err(problem) => problem.kind != Kind::Failed && problem.cause != Some(Cause::TwoStates),
            };
            match pauses.next() {
                Some(pause) if !is_settled => self.pass(pause).await?,
                _ => return found,
            }
        }
    }

    /// The pauses between attempts, which add up to the limit. Each is twice as long as the one before.
    fn pauses(&self, limit: Duration) -> impl Iterator<Item = Duration> + use<> {
        // On the mocks only their clock is advanced, so a long pause costs nothing.
        let longest = Duration::from_secs(if self.stack.control.is_some() { 20 } else { 5 });
        let mut left = limit;
        let mut next = Duration::from_millis(100);
        std::iter::from_fn(move || {
            let pause = next.min(left);
            left -= pause;
            next = (next * 2).min(longest);
            (!pause.is_zero()).then_some(pause)
        })
    }

    /// Lets that time pass: on the mocks by advancing their clock.
    pub async fn pass(&self, time: Duration) -> Checked {
        self.run.reads.begin_again();
        if self.stack.control.is_none() {
            return self.stop.run_until_cancelled(tokio::time::sleep(time)).await.ok_or_else(stopped);
        }
        let call = Call::to("control.clock-advance").field("milliseconds", time.as_millis().to_string());
        self.send(call).await?.expect_status(&[200])?.json().map(drop)
    }
}
