//! The mocked stacks of a run: the initial state of each scenario's stack, and its defects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_fixtures::{Defect, Deviation, Product, Variation};
use bpconform_mocks::authority::Authority;
use bpconform_mocks::deviations::Watch;

use crate::plan::Plan;
use crate::run::key::ScenarioKey;

/// The mocked stacks of a run; clones share the watcher's results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mocks {
    /// The product of every Author.
    pub(crate) product: Product,
    /// The seed of each scenario's Author.
    pub(crate) seeds: HashMap<ScenarioKey, String>,
    /// The defects of every stack.
    pub(crate) defects: Vec<Arc<Defect>>,
    /// The variations of every stack.
    pub(crate) variations: Vec<Arc<Variation>>,
    /// A watcher for defects that the stacks do not have.
    pub(crate) watcher: Option<Watcher>,
    /// The certificate authority of every stack, if the stacks use TLS.
    pub(crate) authority: Option<Arc<Authority>>,
    /// The random seed for the delays of every stack.
    pub(crate) jitter: Option<u64>,
}

impl Mocks {
    /// The stacks for a plan.
    pub(crate) fn new(plan: &Plan, product: Product, defects: Vec<Arc<Defect>>, watcher: Option<Watcher>) -> Self {
        let seed = |planned: &crate::plan::Planned| (planned.key(), planned.case.author.clone());
        Self { product, seeds: plan.scenarios.iter().map(seed).collect(), defects, watcher, ..Self::default() }
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

    /// The watch for the stack of one scenario.
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
