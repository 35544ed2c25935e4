//! Delays before and after each answer: none, or delays from a random seed, so that a run that depends on the order of
//! events fails reproducibly.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bpconform_fixtures::System;
use fastrand::Rng;

/// The usual maximum delay, in milliseconds.
const USUAL: u64 = 10;

/// One delay in this many is up to [`LONG`].
const ONE_IN: u64 = 16;

/// The rare maximum delay, in milliseconds.
const LONG: u64 = 150;

/// The latencies of one system.
pub(super) struct Latency(Option<Mutex<Rng>>);

impl Latency {
    /// No delays without a random seed; the systems of one stack have different ones.
    pub(super) fn new(system: System, seed: Option<u64>) -> Self {
        Self(seed.map(|seed| Mutex::new(Rng::with_seed(seed.wrapping_mul(31).wrapping_add(system as u64)))))
    }

    /// Waits for the next delay.
    pub(super) async fn wait(&self) {
        if let Some(time) = self.next_delay() {
            tokio::time::sleep(time).await;
        }
    }

    fn next_delay(&self) -> Option<Duration> {
        let mut random = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let most = if random.u64(..ONE_IN) == 0 { LONG } else { USUAL };
        Some(Duration::from_micros(random.u64(..=most * 1000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_how_long_each_answer_of_each_system_takes() {
        let first = |system, seed| {
            let latency = Latency::new(system, seed);
            (0..100).map_while(|_| latency.next_delay()).collect::<Vec<_>>()
        };
        let author = first(System::Author, Some(7));
        assert_eq!(author, first(System::Author, Some(7)));
        assert_ne!(author, first(System::Author, Some(8)));
        assert_ne!(author, first(System::Ims, Some(7)));
        assert!(author.iter().any(|time| *time > Duration::from_millis(USUAL)));
        assert!(author.iter().all(|time| *time <= Duration::from_millis(LONG)));
        assert!(first(System::Author, None).is_empty());
    }
}
