//! The mocked stacks of a run: the state in which each scenario's begins, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_fixtures::{Defect, Deviation, Variation};
use bpconform_mocks::authority::Authority;
use bpconform_mocks::deviations::Watch;

use crate::plan::Plan;
use crate::run::key::ScenarioKey;

/// The mocked stacks of a run; clones share what is found out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mocks {
    /// The seed of each scenario's Author.
    pub(crate) seeds: HashMap<ScenarioKey, String>,
    /// The defects of every stack.
    pub(crate) defects: Vec<Arc<Defect>>,
    /// The variations of every stack.
    pub(crate) variations: Vec<Arc<Variation>>,
    /// Watches for deviations that the stacks have not.
    pub(crate) watcher: Option<Watcher>,
    /// How every stack speaks TLS, if it does.
    pub(crate) authority: Option<Arc<Authority>>,
    /// The seed of how long every stack takes over its answers.
    pub(crate) jitter: Option<u64>,
}

impl Mocks {
    /// The stacks for a plan.
    pub(crate) fn new(plan: &Plan, defects: Vec<Arc<Defect>>, watcher: Option<Watcher>) -> Self {
        let seed = |planned: &crate::plan::Planned| (planned.key(), planned.case.author.clone());
        Self { seeds: plan.scenarios.iter().map(seed).collect(), defects, watcher, ..Self::default() }
    }
}

/// Detects the scenarios in which each defect or variation would have an effect.
#[derive(Clone, Debug)]
pub(crate) struct Watcher {
    deviations: Arc<Vec<Deviation>>,
    scenarios: Arc<Mutex<HashMap<ScenarioKey, Watch>>>,
}

impl Watcher {
    /// Watches for these deviations.
    pub(crate) fn new(deviations: impl IntoIterator<Item = Deviation>) -> Self {
        Self { deviations: Arc::new(deviations.into_iter().collect()), scenarios: Arc::default() }
    }

    /// The watch over one scenario's stack.
    pub(crate) fn over(&self, key: &ScenarioKey) -> Watch {
        let watch = Watch::new(Arc::clone(&self.deviations));
        self.scenarios.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), watch.clone());
        watch
    }

    /// The scenarios in which each deviation would have had an effect, by its id.
    pub(crate) fn touched(&self) -> BTreeMap<String, BTreeSet<ScenarioKey>> {
        let scenarios = self.scenarios.lock().unwrap_or_else(PoisonError::into_inner);
        let mut touched: BTreeMap<String, BTreeSet<ScenarioKey>> = BTreeMap::new();
        for (key, watch) in scenarios.iter() {
            for id in watch.touched() {
                touched.entry(id).or_default().insert(key.clone());
            }
        }
        touched
    }
}
