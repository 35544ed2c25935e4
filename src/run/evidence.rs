//! The evidence of scenarios, from their end until their record is made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_steps::evidence::Exchange;

use crate::run::key::ScenarioKey;

/// What a scenario leaves behind when it ends: what went over the wire, and what could not be undone.
#[derive(Debug, Default)]
pub(crate) struct ScenarioEvidence {
    /// What went over the wire for its steps.
    pub(crate) exchanges: Vec<Exchange>,
    /// What went over the wire to undo what it changed.
    pub(crate) undo: Vec<Exchange>,
    /// What could not be undone.
    pub(crate) left_behind: Vec<String>,
}

/// The evidence of scenarios that have ended, until their record is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct EvidenceStore(Arc<Mutex<HashMap<ScenarioKey, ScenarioEvidence>>>);

impl EvidenceStore {
    /// Puts the evidence of a scenario there.
    pub(crate) fn put(&self, key: ScenarioKey, evidence: ScenarioEvidence) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, evidence);
    }

    /// Takes the evidence of a scenario out.
    pub(crate) fn take(&self, key: &ScenarioKey) -> ScenarioEvidence {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key).unwrap_or_default()
    }
}
