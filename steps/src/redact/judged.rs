//! Remembers texts without secrets, so that they are not searched again until another secret is known.
//!
//! Many verdicts refer to the same answer, and its text is checked before each output.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The maximum number of texts, and of secrets, that are remembered. When it is reached, all are forgotten: they are only
/// searched once more, and memory stays bounded.
const MOST: usize = 1 << 16;

/// The text holds nothing to mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clean;

/// A search of a text: its digest, and how much was known when the search began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Look {
    digest: (u64, usize),
    known: u64,
}

/// Ways to look at a text, as bits.
pub(super) type Ways = u8;

/// Remembers texts by their digests.
#[derive(Debug, Default)]
pub(super) struct Judged {
    hasher: RandomState,
    /// Counts what was learned.
    known: AtomicU64,
    /// For each text that was searched, the ways in which it is clean.
    clean: Mutex<HashMap<Look, Ways>>,
    offered: Mutex<HashSet<u64>>,
    /// Texts from which all was learned.
    learned_from: Mutex<HashSet<(u64, usize)>>,
}

impl Judged {
    /// Begins a look at a text in some way, unless it is known to be clean.
    pub(super) fn look(&self, text: &str, way: Ways) -> Result<Look, Clean> {
        let digest = (self.hasher.hash_one(text), text.len());
        let look = Look { digest, known: self.known.load(Ordering::Acquire) };
        let clean = lock(&self.clean).get(&look).copied().unwrap_or_default();
        if clean & way == way { Err(Clean) } else { Ok(look) }
    }

    /// The text of this look held nothing to mask in these ways, as far as was known when the look began.
    pub(super) fn is_clean(&self, look: Look, ways: Ways) {
        let mut clean = lock(&self.clean);
        if clean.len() >= MOST {
            clean.clear();
        }
        *clean.entry(look).or_default() |= ways;
    }

    /// More is known: every text is looked at again.
    pub(super) fn begin_again(&self) {
        self.known.fetch_add(1, Ordering::Release);
        lock(&self.clean).clear();
    }

    /// Whether all that a text says was learned before.
    pub(super) fn was_learned_from(&self, text: &str) -> bool {
        lock(&self.learned_from).contains(&(self.hasher.hash_one(text), text.len()))
    }

    /// Remembers that all that a text says was learned.
    pub(super) fn learned_from(&self, text: &str) {
        let mut learned_from = lock(&self.learned_from);
        if learned_from.len() >= MOST {
            learned_from.clear();
        }
        learned_from.insert((self.hasher.hash_one(text), text.len()));
    }

    /// Whether that secret was offered before.
    pub(super) fn was_offered(&self, secret: &str) -> bool {
        lock(&self.offered).contains(&self.hasher.hash_one(secret))
    }

    /// Remembers that a secret was learned, or needs not be.
    pub(super) fn offered(&self, secret: &str) {
        let mut offered = lock(&self.offered);
        if offered.len() >= MOST {
            offered.clear();
        }
        offered.insert(self.hasher.hash_one(secret));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
