//! The evidence of scenarios, held from their end until their record is made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_steps::Problem;
use bpconform_steps::evidence::{Exchange, PageView};

use crate::run::key::ScenarioKey;

/// The evidence of a finished scenario: its exchanges and pages, and the changes that could not be undone.
#[derive(Debug, Default)]
pub(crate) struct ScenarioEvidence {
    /// The exchanges of its steps.
    pub(crate) exchanges: Vec<Exchange>,
    /// The exchanges that undo its changes.
    pub(crate) undo: Vec<Exchange>,
    /// The pages of the browser in its steps.
    pub(crate) pages: Vec<PageView>,
    /// The pages of the browser that undo its changes.
    pub(crate) undo_pages: Vec<PageView>,
    /// The changes that could not be undone.
    pub(crate) left_behind: Vec<String>,
    /// How the steps after a failure were judged by what was read before it; none for a step that holds.
    pub(crate) rest: Vec<Option<Problem>>,
}

/// The evidence of finished scenarios, until their record is made; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct EvidenceStore(Arc<Mutex<HashMap<ScenarioKey, ScenarioEvidence>>>);

impl EvidenceStore {
    /// Stores the evidence of a scenario.
    pub(crate) fn put(&self, key: ScenarioKey, evidence: ScenarioEvidence) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, evidence);
    }

    /// Removes and returns the evidence of a scenario.
    pub(crate) fn take(&self, key: &ScenarioKey) -> ScenarioEvidence {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key).unwrap_or_default()
    }
}
