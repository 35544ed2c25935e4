//! How long a system takes over its answers: nothing more than it must, or times that follow from a seed, so that a run that
//! only passes in one order of events is found, and found again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bpconform_fixtures::System;
use fastrand::Rng;

/// Most answers take up to this, in milliseconds.
const USUAL: u64 = 10;

/// One in so many takes up to [`LONG`].
const ONE_IN: u64 = 16;

/// What an answer seldom takes, in milliseconds.
const LONG: u64 = 150;

/// The latencies of one system.
pub(super) struct Latency(Option<Mutex<Rng>>);

impl Latency {
    /// None without a seed; the systems of one stack have different ones.
    pub(super) fn of(system: System, seed: Option<u64>) -> Self {
        Self(seed.map(|seed| Mutex::new(Rng::with_seed(seed.wrapping_mul(31).wrapping_add(system as u64)))))
    }

    /// Lets the next one pass.
    pub(super) async fn pass(&self) {
        if let Some(time) = self.next() {
            tokio::time::sleep(time).await;
        }
    }

    fn next(&self) -> Option<Duration> {
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
            let latency = Latency::of(system, seed);
            (0..100).map_while(|_| latency.next()).collect::<Vec<_>>()
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
