//! The clock of a mocked stack: the real time plus all advances; it is held while an advance runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// One clock for a whole stack; clones share it. It is monotonic.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    hands: Arc<Mutex<Hands>>,
}

#[derive(Debug, Default)]
struct Hands {
    ahead: SignedDuration,
    held: Option<Timestamp>,
}

impl Hands {
    fn now(&self) -> Timestamp {
        self.held.unwrap_or_else(|| Timestamp::now().saturating_add(self.ahead).unwrap_or(Timestamp::MAX))
    }
}

impl Clock {
    /// The time of the stack.
    pub fn now(&self) -> Timestamp {
        self.hands().now()
    }

    /// Moves the clock to a time, unless it is later already, and holds it.
    pub fn hold(&self, at: Timestamp) {
        let mut hands = self.hands();
        hands.held = Some(at.max(hands.now()));
    }

    /// Releases a held clock; it continues from the held time.
    pub fn release(&self) {
        let mut hands = self.hands();
        if let Some(held) = hands.held.take() {
            hands.ahead = held.duration_since(Timestamp::now());
        }
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_clock_stands_and_never_goes_back() {
        let clock = Clock::default();
        let later = clock.now() + SignedDuration::from_hours(1);
        clock.hold(later);
        assert_eq!(clock.now(), later);
        clock.hold(later - SignedDuration::from_hours(2));
        assert_eq!(clock.now(), later);
        clock.release();
        assert!(clock.now() >= later);
        assert!(clock.now() < later + SignedDuration::from_mins(1));
    }
}
