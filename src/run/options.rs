//! All that a run is told.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpconform_fixtures::{Allow, Defect, Surfaces, System, Variation};
use bpconform_mocks::author::seed;
use bpconform_steps::redact::Redactor;
use bpconform_steps::run::Settings;
use bpconform_steps::wire::{Connection, Limits};

use crate::features::{Features, USUAL_AUTHOR};
use crate::plan::{Plan, Selection, TargetFacts};
use crate::record::ShardRecord;
use crate::run::survey::Survey;
use crate::run::target::Target;
use crate::shard::Shard;

/// How many scenarios run at once on the mocks.
pub const JOBS_ON_MOCKS: usize = 8;

/// All that a run is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// When the process began, for the wall time.
    pub began: Instant,
    /// What is checked.
    pub target: Target,
    /// What the run may do to it.
    pub allow: Allow,
    /// Which scenarios are asked for.
    pub selection: Selection,
    /// How many scenarios run at once.
    pub jobs: usize,
    /// How often a scenario that does not pass is tried again.
    pub retries: usize,
    /// Whether a scenario that passed only when it was tried again is red.
    pub strict: bool,
    /// The limit for the whole run.
    pub timeout: Duration,
    /// How the target is reached.
    pub connection: Connection,
    /// What the operator knows.
    pub settings: Settings,
    /// The surfaces of the target.
    pub surfaces: Arc<Surfaces>,
    /// The last gate for secrets.
    pub redactor: Redactor,
    /// The systems that are mocks beside a real Author.
    pub mocks: BTreeSet<System>,
    /// The deliberate deviations of the embedded mocks.
    pub defects: Vec<Arc<Defect>>,
    /// The variations of the embedded mocks.
    pub variations: Vec<Arc<Variation>>,
    /// The seed of how long embedded mocks take over their answers; without one they take no longer than they must.
    pub jitter: Option<u64>,
    /// The part of the plan that this machine runs, where it is shared out.
    pub shard: Option<Shard>,
    /// The name of the environment that is checked, where it has one.
    pub name: Option<String>,
    /// Whether the configuration that a real Author has may be replaced, to be put back afterwards.
    pub replace: bool,
    /// Where the journal is kept; without a place it lies in the working directory until everything is undone.
    pub journal: Option<PathBuf>,
}

impl Options {
    /// A run of all scenarios against the embedded mocks.
    pub fn embedded(redactor: Redactor, began: Instant) -> Self {
        Self {
            began,
            target: Target::Mock,
            allow: Allow::Change,
            selection: Selection::default(),
            jobs: JOBS_ON_MOCKS,
            retries: 0,
            strict: false,
            timeout: Duration::from_secs(600),
            connection: Connection::to_mocks(Limits::default()),
            settings: Settings { latest_service_pack: seed::version_of(USUAL_AUTHOR), ..Settings::default() },
            surfaces: Arc::new(Surfaces::built_in().clone()),
            redactor,
            mocks: BTreeSet::new(),
            defects: Vec::new(),
            variations: Vec::new(),
            jitter: None,
            shard: None,
            name: None,
            replace: false,
            journal: None,
        }
    }

    /// Whether the Author's repository goes with its container.
    pub(super) fn author_goes(&self) -> bool {
        matches!(&self.target, Target::Container(contained) if !contained.outlived)
    }

    fn facts<'a>(&'a self, survey: Option<&'a Survey>) -> TargetFacts<'a> {
        TargetFacts {
            allow: self.allow,
            embedded: self.target.is_mocked(),
            mocks: &self.mocks,
            elsewhere: survey.and_then(|survey| survey.elsewhere.as_deref()),
            surfaces: &self.surfaces,
            replace: self.replace,
            states: survey.map(|survey| &survey.states),
        }
    }

    /// The plan as far as it can be made without asking the target.
    pub fn dry_plan(&self, features: &Features) -> Plan {
        self.plan(features, None).0
    }

    pub(super) fn plan(&self, features: &Features, survey: Option<&Survey>) -> (Plan, Option<ShardRecord>) {
        let mut plan = Plan::new(&features.cases, &self.selection, &self.facts(survey));
        let shard = self.shard.map(|shard| plan.share(shard));
        (plan, shard)
    }
}
