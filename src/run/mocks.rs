//! The mocked stacks of a run: the state in which each scenario's begins, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_fixtures::Defect;
use bpconform_mocks::authority::Authority;
use bpconform_mocks::defects::Watch;

use crate::plan::Plan;
use crate::run::key::ScenarioKey;

/// The mocked stacks of a run; clones share what is found out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mocks {
    /// The seed of each scenario's Author.
    pub(crate) seeds: HashMap<ScenarioKey, String>,
    /// The deliberate deviations that every stack has.
    pub(crate) defects: Vec<Arc<Defect>>,
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
        Self { seeds: plan.scenarios.iter().map(seed).collect(), defects, watcher, authority: None, jitter: None }
    }
}

/// Finds out in which scenarios each defect would change anything.
#[derive(Clone, Debug)]
pub(crate) struct Watcher {
    defects: Arc<Vec<Arc<Defect>>>,
    scenarios: Arc<Mutex<HashMap<ScenarioKey, Watch>>>,
}

impl Watcher {
    /// Watches for these.
    pub(crate) fn new(defects: Vec<Arc<Defect>>) -> Self {
        Self { defects: Arc::new(defects), scenarios: Arc::default() }
    }

    /// The watch over one scenario's stack.
    pub(crate) fn over(&self, key: &ScenarioKey) -> Watch {
        let watch = Watch::new(Arc::clone(&self.defects));
        self.scenarios.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), watch.clone());
        watch
    }

    /// The scenarios in which each defect would have changed something, by the defect's id.
    pub(crate) fn touched(&self) -> BTreeMap<String, BTreeSet<ScenarioKey>> {
        let scenarios = self.scenarios.lock().unwrap_or_else(PoisonError::into_inner);
        let mut touched: BTreeMap<String, BTreeSet<ScenarioKey>> = BTreeMap::new();
        for (key, watch) in scenarios.iter() {
            for defect in watch.touched() {
                touched.entry(defect).or_default().insert(key.clone());
            }
        }
        touched
    }
}
