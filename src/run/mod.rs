//! A run: the target is asked whether it can be checked, the plan is made, cucumber drives it, the record is kept.

pub(crate) mod drive;
pub(crate) mod mark;
pub mod mocked;
pub(crate) mod mocks;
pub mod preflight;
mod stage;
pub mod survey;
mod trace;
pub(crate) mod undo;
pub mod watch;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpconform_fixtures::{Allow, Defect, Surfaces, System};
use bpconform_steps::credentials::Credentials;
use bpconform_steps::redact::Redactor;
use bpconform_steps::run::{Run as Shared, Settings};
use bpconform_steps::session::Session;
use bpconform_steps::stack::Stack;
use bpconform_steps::wire::{Connection, Limits, Wire};
use cucumber::gherkin::{Feature, Scenario};
use futures::FutureExt as _;
use jiff::Timestamp;

use crate::container::Contained;
use crate::error::Error;
use crate::exit::Exit;
use crate::features::Features;
use crate::mock;
use crate::output::Output;
use crate::plan::{Decision, Facts, Plan, Planned, Selection};
use crate::record::{
    self, Outcome, PlanRecord, Record, ScenarioRecord, ShardRecord, Summary, Surroundings, TargetRecord, Tool,
};
use crate::run::drive::{Happening, Key, drive, key};
use crate::run::mocks::Mocks;
use crate::run::stage::{Ground, Stage, Stop, Why};
use crate::run::survey::Survey;
pub(crate) use crate::run::trace::milliseconds;
use crate::run::trace::not_run;
use crate::run::watch::Watch;
use crate::shard::Shard;
use crate::signals;
use crate::surroundings;
use crate::verdict::Verdict;

/// What is checked.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a run has one of it")]
pub enum Target {
    /// The embedded mocks, a stack of its own for each scenario.
    Mock,
    /// A real Author, or one that is served elsewhere.
    Author(Stack, Credentials),
    /// An Author in a container that was started for the run.
    Container(Contained),
}

impl Target {
    /// The word for it, as in the record.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::Author(..) => "author",
            Self::Container(_) => "container",
        }
    }

    /// Whether it is mocks, which can be put into any state and lose nothing: embedded, or in a container and verified.
    pub const fn is_mocked(&self) -> bool {
        match self {
            Self::Mock => true,
            Self::Author(..) => false,
            Self::Container(contained) => contained.mocks.is_some(),
        }
    }

    /// A real Author, whose state must be as before in the end.
    pub(crate) fn real(&self) -> Option<(&Stack, &Credentials)> {
        self.place().filter(|_| !self.is_mocked())
    }

    /// Where its systems are and who the run is; embedded mocks have a place for each scenario.
    pub(crate) fn place(&self) -> Option<(&Stack, &Credentials)> {
        match self {
            Self::Mock => None,
            Self::Author(stack, credentials) => Some((stack, credentials)),
            Self::Container(contained) => Some((&contained.stack, &contained.credentials)),
        }
    }

    /// The same of a real Author, for who knows more of it.
    pub(crate) fn real_mut(&mut self) -> Option<(&mut Stack, &mut Credentials)> {
        match self {
            Self::Author(stack, credentials) => Some((stack, credentials)),
            Self::Container(contained) if contained.mocks.is_none() => {
                Some((&mut contained.stack, &mut contained.credentials))
            }
            Self::Mock | Self::Container(_) => None,
        }
    }
}

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
            settings: Settings { latest_service_pack: mock::latest_service_pack(), ..Settings::default() },
            surfaces: Arc::new(Surfaces::built_in().clone()),
            redactor,
            mocks: BTreeSet::new(),
            defects: Vec::new(),
            jitter: None,
            shard: None,
            name: None,
            replace: false,
            journal: None,
        }
    }

    /// Whether the Author's repository goes with its container.
    fn author_goes(&self) -> bool {
        matches!(&self.target, Target::Container(contained) if !contained.outlived)
    }

    fn facts<'a>(&'a self, survey: Option<&'a Survey>) -> Facts<'a> {
        Facts {
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

    fn plan(&self, features: &Features, survey: Option<&Survey>) -> (Plan, Option<ShardRecord>) {
        let mut plan = Plan::new(&features.cases, &self.selection, &self.facts(survey));
        let shard = self.shard.map(|shard| plan.share(shard));
        (plan, shard)
    }

    fn shared(&self) -> Result<Shared, Error> {
        let id = run_id();
        let journal = undo::begin(self, &id)?;
        let wire = Wire::new(&self.connection).map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Shared {
            embedded: self.target.is_mocked(),
            mocks: self.mocks.clone(),
            settings: self.settings.clone(),
            journal,
            ..Shared::new(id, self.allow, Arc::clone(&self.surfaces), wire, self.redactor.clone())
        })
    }
}

/// A short id, different for each run: the time in a few letters.
pub(crate) fn run_id() -> String {
    let digits = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut time = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
    let mut id = Vec::new();
    for _ in 0..7 {
        id.push(digits[usize::try_from(time % 36).unwrap_or_default()]);
        time /= 36;
    }
    id.reverse();
    String::from_utf8_lossy(&id).into_owned()
}

/// Runs what the options ask for and gives the record back; `watch` is told what happens meanwhile. A closure is told of
/// each scenario in the document's order, as soon as all before it have ended.
pub async fn run(options: &Options, features: &Features, watch: impl Watch + 'static) -> Result<Record, Error> {
    let stop = Stop::default();
    let shared = Arc::new(options.shared()?);
    let contained = matches!(options.target, Target::Container(_));
    let guard = tokio::spawn(guard(stop.clone(), options.timeout, Arc::clone(&shared), contained));
    let result = run_until(options, features, shared, stop, watch).await;
    guard.abort();
    result
}

/// Stops the run when it is asked to end or past its time limit; what it changed is undone then. Whoever asks once more
/// does not want to wait for that.
async fn guard(stop: Stop, timeout: Duration, shared: Arc<Shared>, contained: bool) {
    tokio::select! {
        () = signals::asked_to_end() => stop.stop(Why::Interrupted),
        () = tokio::time::sleep(timeout) => stop.stop(Why::TimeLimit),
    }
    signals::asked_to_end().await;
    let output = Output::through(shared.redactor.clone());
    if contained {
        output.err("ended before the container was removed; to remove it: bpconform clean --containers\n");
    }
    let exit = match shared.journal.close(true) {
        Some(journal) => {
            output.err(&format!("ended before all was undone; to undo it: bpconform clean {}\n", journal.display()));
            Exit::CleanUp
        }
        None => Exit::Interrupted,
    };
    std::process::exit(exit.code().into());
}

async fn run_until(
    options: &Options,
    features: &Features,
    shared: Arc<Shared>,
    stop: Stop,
    mut watch: impl Watch + 'static,
) -> Result<Record, Error> {
    let started = Timestamp::now();
    let survey = survey(options, &shared, &stop).await?;
    let (plan, shard) = options.plan(features, survey.as_ref());
    let ground = match &options.target {
        Target::Mock => {
            let mocks = Mocks::new(&plan, options.defects.clone(), None);
            Ground::Mock(Mocks { jitter: options.jitter, ..mocks })
        }
        Target::Container(Contained { mocks: Some(control), .. }) => {
            let mocks = Mocks::new(&plan, Vec::new(), None);
            Ground::Renewed(control.clone(), options.connection.clone(), mocks)
        }
        Target::Author(stack, credentials) | Target::Container(Contained { stack, credentials, .. }) => {
            let prepare = plan.scenarios.iter().map(|planned| (planned.key(), planned.prepare));
            Ground::Real(stack.clone(), credentials.clone(), prepare.collect())
        }
    };
    let stage = Stage::new(Arc::clone(&shared), ground, stop.clone());
    let mut record = open(options, &plan, shard, started, survey);
    watch.planned(&record, &shared.wire.under_way)?;
    let played = AssertUnwindSafe(play(features, &plan, options, stage, watch)).catch_unwind().await;
    // Whatever happened, what was changed is undone before anything else is said.
    if let Some((stack, credentials)) = options.target.real() {
        let session = Session::new(shared, stack.clone(), credentials.clone());
        let (left, journal) = undo::finish(&session, options.journal.is_some(), options.author_goes()).await;
        (record.left_behind, record.journal) = (left, journal.map(|path| path.display().to_string()));
    }
    record.scenarios = played.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    if options.author_goes() && record.left_behind.is_empty() {
        record.scenarios.iter_mut().for_each(|scenario| scenario.left_behind.clear());
    }
    close(&mut record, options, stop.why());
    Ok(record)
}

async fn survey(options: &Options, shared: &Arc<Shared>, stop: &Stop) -> Result<Option<Survey>, Error> {
    let Some((stack, credentials)) = options.target.place() else { return Ok(None) };
    let session = Session::new(Arc::clone(shared), stack.clone(), credentials.clone());
    let session = session.stopped_by(stop.token.clone());
    let unreachable = |problem| Error::Unreachable { url: stack.author.to_string(), problem };
    preflight::check(&session).await.map_err(|problem| match stop.why() {
        Some(Why::Interrupted) => Error::Interrupted,
        Some(Why::TimeLimit) => {
            unreachable("no answer within the time limit of the run; give it more with --timeout".into())
        }
        None => unreachable(problem),
    })?;
    mocked::check(&session).await?;
    match survey::ask(&session).await {
        Err(problem) if stop.why().is_none() => Err(unreachable(problem)),
        // Each scenario puts mocks into another state.
        Ok(survey) if options.target.is_mocked() => Ok(Some(Survey { states: BTreeSet::new(), ..survey })),
        // A run that was stopped leaves a record that says so.
        survey => Ok(Some(survey.unwrap_or_default())),
    }
}

/// Runs a plan on mocked stacks, and gives the records of its scenarios back.
pub(crate) async fn on_mocks(
    options: &Options,
    features: &Features,
    plan: &Plan,
    mocks: Mocks,
) -> Result<Vec<ScenarioRecord>, Error> {
    let stage = Stage::new(Arc::new(options.shared()?), Ground::Mock(mocks), Stop::default());
    Ok(play(features, plan, options, stage, |_: &ScenarioRecord| ()).await)
}

/// Runs what the plan says and gives all records back in the document's order.
async fn play(
    features: &Features,
    plan: &Plan,
    options: &Options,
    stage: Stage,
    mut watch: impl Watch + 'static,
) -> Vec<ScenarioRecord> {
    let planned = plan.scenarios.iter().map(skipped);
    let records: Rc<RefCell<Vec<Option<ScenarioRecord>>>> = Rc::new(RefCell::new(planned.collect()));
    let cases: HashMap<Key, _> = plan
        .scenarios
        .iter()
        .enumerate()
        .map(|(index, planned)| (planned.key(), (index, planned.case.clone())))
        .collect();
    let chosen = choose(features, plan);
    let mut told = 0;
    let mut tell_ready = move |watch: &mut dyn Watch, records: &[Option<ScenarioRecord>]| {
        while let Some(Some(record)) = records.get(told) {
            watch.told(record);
            told += 1;
        }
    };
    tell_ready(&mut watch, &records.borrow());
    let known = Rc::clone(&records);
    drive(chosen, options.jobs, options.retries, stage, move |key, happening| {
        let Some((index, case)) = cases.get(&key) else { return };
        match happening {
            Happening::Begun => watch.begun(&case.id, &case.name),
            Happening::Step(sentence) => watch.step(&case.id, &sentence),
            Happening::Ended(ended) => {
                let record = ended.record(case);
                watch.ended(&record);
                known.borrow_mut()[*index] = Some(record);
                tell_ready(&mut watch, &known.borrow());
            }
        }
    })
    .await;
    let records = records.take();
    let lost = |case| not_run(case, Verdict::Error, Some("the harness lost it".into()));
    let with_plan = records.into_iter().zip(&plan.scenarios);
    with_plan.map(|(record, planned)| record.unwrap_or_else(|| lost(&planned.case))).collect()
}

/// The record of a scenario that the plan skips.
fn skipped(planned: &Planned) -> Option<ScenarioRecord> {
    match &planned.decision {
        Decision::Run => None,
        Decision::Skip(reason) => Some(not_run(&planned.case, Verdict::Skipped, Some(reason.clone()))),
    }
}

/// The features with only the scenarios that run.
fn choose(features: &Features, plan: &Plan) -> Vec<Feature> {
    let running = plan.scenarios.iter().filter(|planned| planned.decision == Decision::Run);
    let keys: BTreeSet<Key> = running.map(Planned::key).collect();
    let choose = |feature: &Feature| {
        let keep = |scenario: &Scenario| keys.contains(&key(feature, scenario));
        let mut chosen = feature.clone();
        chosen.scenarios.retain(keep);
        chosen.rules.iter_mut().for_each(|rule| rule.scenarios.retain(keep));
        chosen.rules.retain(|rule| !rule.scenarios.is_empty());
        (!chosen.scenarios.is_empty() || !chosen.rules.is_empty()).then_some(chosen)
    };
    features.all.iter().filter_map(choose).collect()
}

/// The record before anything has run.
fn open(
    options: &Options,
    plan: &Plan,
    shard: Option<ShardRecord>,
    started: Timestamp,
    survey: Option<Survey>,
) -> Record {
    let not_yet =
        |planned: &Planned| skipped(planned).unwrap_or_else(|| not_run(&planned.case, Verdict::Unproven, None));
    let scenarios: Vec<_> = plan.scenarios.iter().map(not_yet).collect();
    Record {
        format: record::FORMAT,
        tool: Tool::this(),
        started,
        duration_ms: 0.0,
        target: target(options, survey),
        allow: options.allow,
        plan: PlanRecord {
            tags: options.selection.tags().map(str::to_owned),
            name: options.selection.name().map(str::to_owned),
            requirements: options.selection.requirements().to_vec(),
            run: plan.running(),
            skip: plan.scenarios.len() - plan.running(),
            jobs: options.jobs,
            retries: options.retries,
            strict: options.strict,
            timeout_s: options.timeout.as_secs(),
            shard,
        },
        environment: Surroundings { name: options.name.clone(), ..surroundings::here() },
        body_cap: bpconform_steps::evidence::BODY_CAP,
        left_behind: Vec::new(),
        journal: None,
        requirements: record::requirements(&scenarios),
        scenarios,
        summary: Summary::default(),
        outcome: Outcome::Interrupted,
        exit_code: Outcome::Interrupted.exit().code(),
        complete: false,
    }
}

/// Completes the record when its scenarios are those that ran.
fn close(record: &mut Record, options: &Options, stopped: Option<Why>) {
    record.duration_ms = milliseconds(Timestamp::now().duration_since(record.started).unsigned_abs());
    record.summary.wall_ms = milliseconds(options.began.elapsed());
    record.complete = stopped.is_none();
    record.judge_again(stopped == Some(Why::Interrupted));
}

fn target(options: &Options, survey: Option<Survey>) -> TargetRecord {
    let addresses = match options.target.place() {
        None => BTreeMap::new(),
        Some((stack, _)) => {
            let all = [
                ("author", Some(&stack.author)),
                ("ims", stack.ims.as_ref()),
                ("console", stack.console.as_ref()),
                ("tenant", stack.tenant.as_ref()),
            ];
            all.into_iter().filter_map(|(name, url)| Some((name.to_owned(), url?.clone()))).collect()
        }
    };
    let contained = match &options.target {
        Target::Container(contained) => Some(contained),
        _ => None,
    };
    let (product, states) = survey.map(|survey| (survey.product, survey.states)).unwrap_or_default();
    TargetRecord {
        kind: options.target.word().to_owned(),
        addresses,
        mocks: options.mocks.iter().map(|system| system.word().to_owned()).collect(),
        insecure: options.connection.insecure,
        product,
        states: states.into_iter().collect(),
        surfaces: options.surfaces.name.clone(),
        surfaces_sha256: surroundings::sha256_of(&*options.surfaces),
        defects: match contained {
            Some(contained) => contained.defects.clone(),
            None => options.defects.iter().map(|defect| defect.id.clone()).collect(),
        },
        jitter: options.jitter,
        image: contained.map(|contained| format!("{} ({})", contained.image.name, contained.image.id)),
    }
}
