//! The options of a run.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpconform_fixtures::{Allow, Defect, Product, Surfaces, System, Variation};
use bpconform_mocks::author::seed;
use bpconform_steps::redact::Redactor;
use bpconform_steps::run::{Judged, Settings};
use bpconform_steps::wire::{Connection, Limits};

use crate::features::{Features, USUAL_AUTHOR};
use crate::plan::{Plan, Selection, TargetFacts};
use crate::record::{GateRecord, ShardRecord};
use crate::run::product;
use crate::run::rerun::Rerun;
use crate::run::survey::Survey;
use crate::run::target::Target;
use crate::run::via::Via;
use crate::shard::Shard;

/// The number of scenarios that run at once on the mocks.
pub const JOBS_ON_MOCKS: usize = 8;

/// The number of scenarios that run at once on a real target that is not changed: most of the time they wait. What its
/// hosts get at once is limited for each host.
pub const JOBS_WITHOUT_CHANGES: usize = 32;

/// The number of scenarios with probes that run at once on a real target.
pub(crate) const PROBES: usize = 4;

/// The options of a run.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the choices are independent")]
pub struct Options {
    /// The start of the process, for the wall time.
    pub began: Instant,
    /// The target.
    pub target: Target,
    /// The permission level.
    pub allow: Allow,
    /// The product that the operator named; without one, the Author's signs decide.
    pub product: Option<Product>,
    /// The selected scenarios.
    pub selection: Selection,
    /// Whether the process has no other run, so that a second signal ends it.
    pub is_alone: bool,
    /// The number of scenarios that run at once.
    pub jobs: usize,
    /// Whether equal reads of a real target are sent once.
    pub shares_reads: bool,
    /// The retry limit for a scenario that does not pass.
    pub retries: usize,
    /// Whether a flaky scenario counts as its worst attempt.
    pub strict: bool,
    /// How many scenarios may not pass before no other one begins; none for no limit.
    pub max_failures: Option<usize>,
    /// The ids of scenarios and requirements that are known not to pass: they do not count for that.
    pub accepted: HashSet<String>,
    /// The earlier run whose green scenarios are taken over.
    pub rerun: Option<Rerun>,
    /// What the exit code depends on besides the verdicts.
    pub gate: GateRecord,
    /// The time limit of the whole run.
    pub timeout: Duration,
    /// The connection to the target.
    pub connection: Connection,
    /// Settings that only the operator knows.
    pub settings: Settings,
    /// The endpoints of the target.
    pub surfaces: Arc<Surfaces>,
    /// Masks secrets in all output.
    pub redactor: Redactor,
    /// The systems that are mocks while the Author is real.
    pub mocks: BTreeSet<System>,
    /// The defects of the embedded mocks.
    pub defects: Vec<Arc<Defect>>,
    /// The variations of the embedded mocks.
    pub variations: Vec<Arc<Variation>>,
    /// The random seed for the delays of the embedded mocks; none for no delays.
    pub jitter: Option<u64>,
    /// The shard of the plan that this machine runs, if the plan is split.
    pub shard: Option<Shard>,
    /// The name of the checked environment, if it has one.
    pub name: Option<String>,
    /// Whether the configuration of a real Author may be replaced and restored afterwards.
    pub replace: bool,
    /// How actions whose endpoint is unknown are done.
    pub via: Via,
    /// The file of the journal; without one, it lies in the working directory until everything is undone.
    pub journal: Option<PathBuf>,
}

impl Options {
    /// A run of all scenarios against the embedded mocks of AEM 6.5.
    pub fn embedded(redactor: Redactor, began: Instant) -> Self {
        Self { product: None, ..Self::of_mocks(Product::Aem65, redactor, began) }
    }

    /// A run of all scenarios against the embedded mocks of a product.
    pub fn of_mocks(product: Product, redactor: Redactor, began: Instant) -> Self {
        let latest_service_packs = seed::version_of(product, USUAL_AUTHOR).into_iter().collect();
        Self {
            began,
            target: Target::Mock,
            allow: Allow::Change,
            product: Some(product),
            selection: Selection::default(),
            is_alone: true,
            jobs: JOBS_ON_MOCKS,
            shares_reads: true,
            retries: 0,
            strict: false,
            max_failures: None,
            accepted: HashSet::new(),
            rerun: None,
            gate: GateRecord::default(),
            timeout: Duration::from_secs(600),
            connection: Connection::to_mocks(Limits::default()),
            settings: Settings { latest_service_packs, ..Settings::default() },
            surfaces: Arc::new(Surfaces::built_in().clone()),
            redactor,
            mocks: BTreeSet::new(),
            defects: Vec::new(),
            variations: Vec::new(),
            jitter: None,
            shard: None,
            name: None,
            replace: false,
            via: Via::default(),
            journal: None,
        }
    }

    /// Whether the Author's repository is removed with its container.
    pub(super) fn author_goes(&self) -> bool {
        matches!(&self.target, Target::Container(contained) if !contained.outlived)
    }

    /// The product of the mocks that a run starts itself.
    pub fn mocked_product(&self) -> Product {
        self.product.unwrap_or(Product::Aem65)
    }

    /// The product that the target is judged as.
    pub(super) fn judge(&self, survey: Option<&Survey>) -> Judged {
        match &self.target {
            Target::Mock if self.product.is_none() => Judged::as_named(self.mocked_product(), "the embedded mocks"),
            _ => product::judge(self.product, survey.map(|survey| &survey.signs)),
        }
    }

    fn facts<'a>(&'a self, survey: Option<&'a Survey>, products: &'a [Product]) -> TargetFacts<'a> {
        TargetFacts {
            allow: self.allow,
            embedded: self.target.is_mocked(),
            mocks: &self.mocks,
            elsewhere: survey.and_then(|survey| survey.elsewhere.as_deref()),
            surfaces: &self.surfaces,
            browser: self.via.facts(),
            replace: self.replace,
            products,
            unread: survey.and_then(|survey| survey.signs.unread()),
            states: survey.map(|survey| &survey.states),
        }
    }

    /// The plan as far as it can be made without sending requests.
    pub fn dry_plan(&self, features: &Features) -> Plan {
        self.plan(features, None).0
    }

    pub(super) fn plan(&self, features: &Features, survey: Option<&Survey>) -> (Plan, Option<ShardRecord>) {
        let judged = self.judge(survey);
        let mut plan = Plan::new(&features.cases, &self.selection, &self.facts(survey, &judged.products));
        let shard = self.shard.map(|shard| plan.share(shard));
        if let Some(rerun) = &self.rerun {
            rerun.keep(&mut plan, survey.map(|survey| &survey.states), &self.gate, self.strict);
        }
        (plan, shard)
    }
}
