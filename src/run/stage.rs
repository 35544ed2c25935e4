//! The backend of a scenario, its own mocked stack or the real target: set up before the first step, torn down after the
//! last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bpconform_fixtures::Allow;
use bpconform_mocks::stack::StackOptions;
use bpconform_steps::author::keeping;
use bpconform_steps::credentials::Credentials;
use bpconform_steps::journal::Change;
use bpconform_steps::run::Run;
use bpconform_steps::session::Session;
use bpconform_steps::stack::Stack;
use bpconform_steps::undoing;
use bpconform_steps::wire::{Connection, Wire};
use bpconform_steps::world::end_step;
use bpconform_steps::{Kind, Problem, World};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::mocked::MockStack;
use crate::mocked::control::Control;
use crate::plan::Preparation;
use crate::run::evidence::ScenarioEvidence;
use crate::run::key::ScenarioKey;
use crate::run::limit::FailureLimit;
use crate::run::mocks::Mocks;
use crate::run::options::PROBES;

/// The reason for stopping a run early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Ctrl-C.
    Interrupted,
    /// The time limit of the whole run.
    TimeLimit,
    /// As many scenarios as may not pass did not.
    FailureLimit,
}

/// Stops a run: no scenario begins, and only requests that undo a change are sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopSignal {
    pub(crate) token: CancellationToken,
    why: Arc<OnceLock<StopReason>>,
}

impl StopSignal {
    /// Stops the run; the first reason counts.
    pub(crate) fn stop(&self, why: StopReason) {
        let _ = self.why.set(why);
        self.token.cancel();
    }

    /// The reason for stopping the run, if it was stopped.
    pub(crate) fn why(&self) -> Option<StopReason> {
        self.why.get().copied()
    }
}

/// The systems that a scenario runs against.
#[derive(Debug)]
pub(crate) enum Backend {
    /// A separate mocked stack, which starts in the state that the scenario's tag names.
    Mock(Mocks),
    /// The real target, with the preparation and the permission level of each scenario.
    Real(Stack, Credentials, HashMap<ScenarioKey, (Preparation, Allow)>),
    /// One mocked stack elsewhere, restarted for each scenario in the state that its tag names.
    Renewed(Control, Connection, Mocks),
}

/// Sets up and tears down the backends of a run's scenarios; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) run: Arc<Run>,
    pub(crate) ground: Arc<Backend>,
    pub(crate) stop: StopSignal,
    /// Whether the user asked for retries of what does not pass.
    retries: bool,
    /// How many scenarios may not pass.
    pub(crate) limit: FailureLimit,
    mocks: Arc<Mutex<HashMap<ScenarioKey, MockStack>>>,
    attempts: Arc<Mutex<HashMap<ScenarioKey, Attempts>>>,
    turns: Turns,
    /// The scenario whose changes of the Author's configuration are not undone: what comes after it would be judged by an
    /// Author that the run itself has changed.
    unrestored: Arc<OnceLock<String>>,
}

/// The attempts at a scenario so far.
#[derive(Clone, Copy, Debug, Default)]
struct Attempts {
    begun: usize,
    /// Whether it was turned away, so that it has not begun.
    turned_away: bool,
    /// How the last one ended; none if it passed.
    ended: Option<Kind>,
}

/// Limits the scenarios with probes that run at once on a real target.
#[derive(Clone, Debug)]
struct Turns {
    free: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<ScenarioKey, OwnedSemaphorePermit>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(PROBES)), taken: Arc::default() }
    }
}

impl Stage {
    /// A stage for that backend.
    pub(crate) fn new(run: Arc<Run>, ground: Backend, stop: StopSignal) -> Self {
        Self {
            run,
            ground: Arc::new(ground),
            stop,
            retries: false,
            limit: FailureLimit::default(),
            mocks: Arc::default(),
            attempts: Arc::default(),
            turns: Turns::default(),
            unrestored: Arc::default(),
        }
    }

    /// The stage for a run that retries scenarios that do not pass.
    #[must_use]
    pub(crate) fn with_retries(self, retries: bool) -> Self {
        Self { retries, ..self }
    }

    /// The stage with a limit for scenarios that do not pass.
    #[must_use]
    pub(crate) fn until(self, limit: FailureLimit) -> Self {
        Self { limit, ..self }
    }

    /// Gives a scenario its session; panics, as cucumber wants it, with the [`Problem`] when it cannot begin.
    pub(crate) async fn enter(&self, key: &ScenarioKey, world: &mut World) {
        self.wait_for_turn(key).await;
        let attempt = self.begin(key);
        let began = match self.session(key, attempt).await {
            Ok(session) => {
                world.begin(session);
                match self.is_restored() {
                    Ok(()) => self.prepare(key, world).await,
                    left => left,
                }
            }
            Err(problem) => Err(problem),
        };
        end_step(began);
    }

    fn is_restored(&self) -> Result<(), Problem> {
        let Some(scenario) = self.unrestored.get() else { return Ok(()) };
        Err(Problem::error(format!(
            "not judged: the configuration that the scenario {scenario} deleted is not restored yet"
        )))
    }

    /// Prepares a real Author. The preparation is undone together with the scenario's own changes.
    async fn prepare(&self, key: &ScenarioKey, world: &World) -> Result<(), Problem> {
        let Backend::Real(_, _, prepare) = &*self.ground else { return Ok(()) };
        let session = world.session()?;
        match prepare.get(key) {
            Some((Preparation::Keep, _)) => keeping::keep(session).await,
            Some((Preparation::TakeAway, _)) => {
                keeping::keep(session).await?;
                keeping::take_away(session).await
            }
            Some((Preparation::Nothing, _)) | None => Ok(()),
        }
    }

    /// Waits for the turn of a scenario with probes.
    async fn wait_for_turn(&self, key: &ScenarioKey) {
        let Backend::Real(_, _, prepare) = &*self.ground else { return };
        if prepare.get(key).is_some_and(|(_, allow)| *allow > Allow::Observe)
            && let Ok(turn) = Arc::clone(&self.turns.free).acquire_owned().await
        {
            lock(&self.turns.taken).insert(key.clone(), turn);
        }
    }

    /// The number of this attempt at a scenario, from 0.
    fn begin(&self, key: &ScenarioKey) -> usize {
        let mut attempts = lock(&self.attempts);
        let attempts = attempts.entry(key.clone()).or_default();
        attempts.begun += 1;
        attempts.begun - 1
    }

    /// Whether a scenario must fail twice before it is red: the answers of a real target, one of which may be wrong, are
    /// all that it depends on. Where a scenario also probes or changes something, its steps read again themselves.
    pub(crate) fn confirms(&self, key: &ScenarioKey) -> bool {
        let Backend::Real(_, _, prepare) = &*self.ground else { return false };
        prepare
            .get(key)
            .is_some_and(|(preparation, allow)| *allow == Allow::Observe && matches!(preparation, Preparation::Nothing))
    }

    /// Whether a second attempt could only find again what the first one did not blame on the target.
    fn is_settled(&self, key: &ScenarioKey, attempt: usize) -> bool {
        let ended = lock(&self.attempts).get(key).and_then(|attempts| attempts.ended);
        attempt > 0 && !self.retries && self.confirms(key) && ended != Some(Kind::Failed)
    }

    /// Whether the limit of failures lets an attempt begin. A second one belongs to a scenario that has begun, unless that
    /// was turned away.
    fn permit(&self, key: &ScenarioKey, attempt: usize) -> Result<(), Problem> {
        let was_turned_away = lock(&self.attempts).get(key).is_some_and(|attempts| attempts.turned_away);
        if attempt > 0 && !was_turned_away {
            return Ok(());
        }
        let permitted = self.limit.permit();
        if let Some(attempts) = lock(&self.attempts).get_mut(key) {
            attempts.turned_away = permitted.is_err();
        }
        permitted
    }

    /// Notes how an attempt ended, by the problem of the step that ended it.
    pub(crate) fn ended(&self, key: &ScenarioKey, problem: Option<&Problem>) {
        if let Some(attempts) = lock(&self.attempts).get_mut(key) {
            attempts.ended = problem.map(|problem| problem.kind);
        }
    }

    /// Whether the last attempt passed.
    fn has_passed(&self, key: &ScenarioKey) -> bool {
        lock(&self.attempts).get(key).is_some_and(|attempts| attempts.ended.is_none())
    }

    async fn session(&self, key: &ScenarioKey, attempt: usize) -> Result<Session, Problem> {
        if self.is_settled(key, attempt) {
            return Err(Problem::error("not run: a second attempt could not find more"));
        }
        match self.stop.why() {
            Some(StopReason::Interrupted) => return Err(Problem::error("not run: the run was interrupted")),
            Some(StopReason::TimeLimit) => {
                return Err(Problem::error("not run: the time limit of the run was reached"));
            }
            Some(StopReason::FailureLimit) | None => self.permit(key, attempt)?,
        }
        let mut run = Arc::clone(&self.run);
        let (stack, credentials) = match &*self.ground {
            Backend::Real(stack, credentials, _) => (stack.clone(), credentials.clone()),
            Backend::Mock(mocks) => self.mock(key, mocks).await?,
            Backend::Renewed(control, connection, mocks) => {
                run = Arc::new(with_new_connections(&run, connection)?);
                renewed(control, &mocks.seeds[key]).await?
            }
        };
        let session = Session::new(run, stack, credentials).of_scenario(name(key)).of_attempt(attempt);
        Ok(session.stopped_by(self.stop.token.child_token()))
    }

    async fn mock(&self, key: &ScenarioKey, mocks: &Mocks) -> Result<(Stack, Credentials), Problem> {
        let options = StackOptions {
            surfaces: Arc::clone(&self.run.surfaces),
            product: mocks.product,
            defects: mocks.defects.clone(),
            variations: mocks.variations.clone(),
            watch: mocks.watcher.as_ref().map(|watcher| watcher.over(key)),
            authority: mocks.authority.clone(),
            // Derived from the line, so that the delays of a scenario do not depend on what runs in parallel.
            jitter: mocks.jitter.map(|seed| seed.wrapping_mul(100_003).wrapping_add(key.1 as u64)),
            ..StackOptions::new(&mocks.seeds[key])
        };
        let start = MockStack::start(options);
        // On another thread of the runtime: all scenarios of cucumber share one task, which this would block.
        let mock = tokio::spawn(start).await.map_err(|error| Problem::error(error.to_string()))?;
        let mock = mock.map_err(|error| Problem::error(error.to_string()))?;
        let place = (mock.stack.clone(), mock.credentials.clone());
        lock(&self.mocks).insert(key.clone(), mock);
        Ok(place)
    }

    /// Gives back the turn of a scenario with probes, which ends with what is returned.
    pub(crate) fn end_turn(&self, key: &ScenarioKey) -> Option<OwnedSemaphorePermit> {
        lock(&self.turns.taken).remove(key)
    }

    /// Ends a scenario: undoes its changes on a real target, and takes its evidence.
    pub(crate) async fn leave(&self, key: &ScenarioKey, world: &mut World) -> ScenarioEvidence {
        let Some(session) = world.end() else { return ScenarioEvidence::default() };
        let (exchanges, pages) = (session.take_exchanges(), session.take_views());
        session.settle_what_pages_sent(self.has_passed(key));
        let problems = match &*self.ground {
            Backend::Real(..) => undoing::undo_scenario(&session).await,
            Backend::Mock(_) | Backend::Renewed(..) => Vec::new(),
        };
        session.settle_what_pages_sent(problems.is_empty());
        if !problems.is_empty() && session.run.journal.open(Some(&name(key))).iter().any(Change::replaces) {
            let _ = self.unrestored.set(name(key));
        }
        let mock = lock(&self.mocks).remove(key);
        // Dropping waits for the threads of the mock, which would block the other scenarios.
        drop(tokio::task::spawn_blocking(move || drop(mock)));
        let left_behind = problems.into_iter().map(|problem| problem.reason).collect();
        let (undo, undo_pages) = (session.take_exchanges(), session.take_views());
        ScenarioEvidence { exchanges, undo, pages, undo_pages, left_behind, rest: Vec::new() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A scenario's name in the journal.
fn name(key: &ScenarioKey) -> String {
    format!("{}:{}", key.0.display(), key.1)
}

/// A copy of the run with new connections: the old ones ended with the previous stack, and a client may not have noticed
/// that yet.
fn with_new_connections(run: &Run, connection: &Connection) -> Result<Run, Problem> {
    let wire = Wire::new(connection).map_err(|error| Problem::error(error.to_string()))?;
    // Changes on mocks that are restarted need no undo, so the copy has no journal.
    Ok(Run {
        embedded: run.embedded,
        mocks: run.mocks.clone(),
        settings: run.settings.clone(),
        judged: run.judged.clone(),
        ..Run::new(run.id.as_str(), run.allow, Arc::clone(&run.surfaces), wire, run.redactor.clone())
    })
}

async fn renewed(control: &Control, seed: &str) -> Result<(Stack, Credentials), Problem> {
    let status = control.renew(seed).await?;
    control.place(&status).map_err(Problem::error)
}
