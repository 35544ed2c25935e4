//! Runs the features on mocked stacks with defects and variations, for the matrices of the selftest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use bpconform_fixtures::{Defect, Deviation, Product, Variation};

use crate::causes;
use crate::commands::selftest::matrix::RedScenario;
use crate::error::Error;
use crate::features::Features;
use crate::plan::{Decision, Plan};
use crate::record::ScenarioRecord;
use crate::run::key::ScenarioKey;
use crate::run::mocks::{Mocks, Watcher};
use crate::run::options::Options;
use crate::run::play::on_mocks;
use crate::verdict::Verdict;

/// What a selftest found.
#[derive(Debug)]
pub enum SelftestResult<M> {
    /// The matrix.
    Matrix(M),
    /// The scenarios that are red without any deviation, which makes the matrix meaningless.
    NotGreen(Vec<RedScenario>),
}

/// The defect and the variation of a run; both may be absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Installation {
    pub(super) defect: Option<Arc<Defect>>,
    pub(super) variation: Option<Arc<Variation>>,
}

/// The scenarios in which each deviation could have an effect, by its id.
pub(super) type Touched = BTreeMap<String, BTreeSet<ScenarioKey>>;

/// The result of a single deviation.
pub(super) struct Alone {
    /// The scenarios in which it could have an effect.
    pub(super) scenarios: BTreeSet<ScenarioKey>,
    /// The red scenarios.
    pub(super) red: Vec<(ScenarioKey, RedScenario)>,
    /// The scenarios in which other deviations could have an effect with it.
    pub(super) touched: Touched,
}

/// Runs scenarios of the features on mocked stacks.
pub(super) struct Bench<'a> {
    options: &'a Options,
    features: &'a Features,
    plan: Plan,
    /// The ids of scenarios that are skipped without any deviation, because the product lacks an endpoint.
    skipped: OnceLock<BTreeSet<String>>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(options: &'a Options, features: &'a Features) -> Self {
        let mut plan = options.dry_plan(features);
        plan.scenarios.retain(|planned| !matches!(planned.decision, Decision::NotApplicable(_)));
        Self { options, features, plan, skipped: OnceLock::new() }
    }

    /// On the mocks of AEM 6.5 every scenario runs; other products lack endpoints.
    fn may_skip(&self) -> bool {
        self.options.mocked_product() == Product::AemCloud
    }

    /// Runs all scenarios without deviations; the error lists those that did not pass.
    pub(super) fn run_clean(&self, watcher: &Watcher) -> Result<Result<(), Vec<RedScenario>>, Error> {
        let mocks = Mocks::new(&self.plan, self.options.mocked_product(), Vec::new(), Some(watcher.clone()));
        let records = play(self.options, self.features, &self.plan, mocks)?;
        let skips = |record: &ScenarioRecord| self.may_skip() && record.verdict == Verdict::Skipped;
        let skipped = records.iter().filter(|record| skips(record)).map(|record| record.id.clone()).collect();
        let _ = self.skipped.set(skipped);
        let green = |record: &ScenarioRecord| {
            matches!(record.verdict, Verdict::Passed | Verdict::NotApplicable) || skips(record)
        };
        let red: Vec<_> = records.iter().filter(|record| !green(record)).map(red).collect();
        Ok(if red.is_empty() { Ok(()) } else { Err(red) })
    }

    /// Runs a single deviation, and watches for the effects of others.
    pub(super) fn run_alone(
        &self,
        id: &str,
        clean: &Touched,
        installation: &Installation,
        others: impl IntoIterator<Item = Deviation>,
    ) -> Result<Alone, Error> {
        let scenarios = clean.get(id).cloned().unwrap_or_default();
        let watcher = Watcher::new(others);
        let red = self.run(&scenarios, installation, Some(watcher.clone()))?;
        Ok(Alone { scenarios, red, touched: watcher.touched() })
    }

    /// Runs these scenarios on an installation; returns the red ones.
    pub(super) fn run(
        &self,
        scenarios: &BTreeSet<ScenarioKey>,
        installation: &Installation,
        watcher: Option<Watcher>,
    ) -> Result<Vec<(ScenarioKey, RedScenario)>, Error> {
        if scenarios.is_empty() {
            return Ok(Vec::new());
        }
        let mut plan = self.plan.clone();
        plan.scenarios.retain(|planned| scenarios.contains(&planned.key()));
        let mut mocks =
            Mocks::new(&plan, self.options.mocked_product(), installation.defect.iter().cloned().collect(), watcher);
        mocks.variations = installation.variation.iter().cloned().collect();
        let mut options = self.options.clone();
        if let Some(latest) = installation.variation.as_ref().and_then(|it| it.latest_service_pack.clone()) {
            options.settings.latest_service_packs = vec![latest];
        }
        let records = play(&options, self.features, &plan, mocks)?;
        // With a defect a step may be skipped for a good reason. A variation must not change any verdict.
        let counts = |verdict| match installation.defect {
            Some(_) => matches!(verdict, Verdict::Failed | Verdict::Error),
            None => verdict != Verdict::Passed,
        };
        let skipped = |record: &&ScenarioRecord| {
            let known = self.skipped.get().is_some_and(|skipped| skipped.contains(&record.id));
            !(known && record.verdict == Verdict::Skipped)
        };
        let counted = records.iter().filter(|record| counts(record.verdict)).filter(skipped);
        Ok(counted.map(|record| ((record.file.clone().into(), record.line), red(record))).collect())
    }
}

/// The number of items that are processed at once.
pub(super) fn workers() -> usize {
    thread::available_parallelism().map_or(2, usize::from)
}

/// Processes all items, several at once, and returns the results in their order.
pub(super) fn at_once<I: Sync, R: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let queue: Mutex<VecDeque<_>> = Mutex::new(items.iter().enumerate().collect());
    let done = Mutex::new(Vec::new());
    let worker = || {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((index, item)) = next else { return };
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..workers() {
            scope.spawn(worker);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// A scenario that did not pass.
pub(super) fn red(scenario: &ScenarioRecord) -> RedScenario {
    RedScenario {
        scenario: scenario.id.clone(),
        requirements: scenario.requirements.clone(),
        verdict: scenario.verdict.word().to_owned(),
        reason: scenario.reason.clone().unwrap_or_default(),
        sighting: causes::sighting(scenario),
    }
}

/// Runs a plan on this thread.
pub(super) fn play(
    options: &Options,
    features: &Features,
    plan: &Plan,
    mocks: Mocks,
) -> Result<Vec<ScenarioRecord>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Internal(format!("no runtime: {error}")))?;
    runtime.block_on(on_mocks(options, features, plan, mocks))
}

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync + 'static>;

/// Suppresses the panic hook until it is dropped. Cucumber removes the hook during a run and restores it afterwards; of
/// several runs at once, one would restore it too early, and the failures of the others would be printed.
pub(super) struct SilencedPanics(Option<Hook>);

impl SilencedPanics {
    pub(super) fn begin() -> Self {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        Self(Some(hook))
    }
}

impl Drop for SilencedPanics {
    fn drop(&mut self) {
        if let Some(hook) = self.0.take() {
            std::panic::set_hook(hook);
        }
    }
}
