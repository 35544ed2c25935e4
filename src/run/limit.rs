//! The limit for scenarios that do not pass. Once it is reached, no further scenario starts, so that nothing more is changed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_steps::Problem;

use crate::run::key::ScenarioKey;

/// Counts what did not pass; clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailureLimit {
    /// The number that ends the run; none for no limit.
    most: Option<usize>,
    /// How many attempts a scenario has before its result counts.
    attempts: usize,
    /// The scenarios whose result does not count.
    exempt: Arc<HashSet<ScenarioKey>>,
    state: Arc<Mutex<LimitState>>,
}

#[derive(Debug, Default)]
struct LimitState {
    attempts: HashMap<ScenarioKey, usize>,
    red: usize,
    turned_away: bool,
}

impl FailureLimit {
    /// A limit. In a strict run the first failed attempt counts, otherwise the last one.
    pub(crate) fn new(most: Option<usize>, retries: usize, strict: bool) -> Self {
        Self { most, attempts: if strict { 1 } else { retries + 1 }, exempt: Arc::default(), state: Arc::default() }
    }

    /// The limit without these scenarios, which do not count.
    #[must_use]
    pub(crate) fn without(self, exempt: HashSet<ScenarioKey>) -> Self {
        Self { exempt: Arc::new(exempt), ..self }
    }

    /// Notes how an attempt at a scenario ended. This happens before another scenario that waits for it may begin.
    pub(crate) fn ended(&self, key: &ScenarioKey, red: bool) {
        if !red || self.exempt.contains(key) {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = state.attempts.entry(key.clone()).or_default();
        *attempts += 1;
        if *attempts == self.attempts {
            state.red += 1;
        }
    }

    /// Whether a scenario may begin.
    pub(crate) fn permit(&self) -> Result<(), Problem> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.most {
            Some(most) if state.red >= most => {
                state.turned_away = true;
                let scenarios = if most == 1 { "1 scenario" } else { &format!("{most} scenarios") };
                Err(Problem::skipped(format!("not run: {scenarios} before did not pass, and no more may fail")))
            }
            _ => Ok(()),
        }
    }

    /// Whether a scenario was not run because of it.
    pub(crate) fn turned_away(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).turned_away
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn key(line: usize) -> ScenarioKey {
        (PathBuf::from("a.feature"), line)
    }

    #[test]
    fn only_the_last_attempt_counts_unless_the_run_is_strict() {
        let (usual, strict) = (FailureLimit::new(Some(1), 1, false), FailureLimit::new(Some(1), 1, true));
        for limit in [&usual, &strict] {
            limit.ended(&key(1), true);
        }
        assert!(usual.permit().is_ok() && strict.permit().is_err());
        usual.ended(&key(1), true);
        assert!(usual.permit().is_err() && usual.turned_away());
    }

    #[test]
    fn what_does_not_count_for_the_gate_ends_no_run() {
        let limit = FailureLimit::new(Some(1), 0, false).without([key(1)].into());
        limit.ended(&key(1), true);
        assert!(limit.permit().is_ok());
        limit.ended(&key(2), true);
        assert!(limit.permit().is_err());
    }

    #[test]
    fn without_a_limit_everything_runs() {
        let none = FailureLimit::new(None, 0, false);
        (0..9).for_each(|line| none.ended(&key(line), true));
        assert!(none.permit().is_ok() && !none.turned_away());
    }
}
