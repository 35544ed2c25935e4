//! A run: check the target, make the plan, let cucumber run it, and return the record.

pub mod destinations;
pub(crate) mod drive;
pub(crate) mod evidence;
pub(crate) mod id;
pub(crate) mod key;
mod limit;
pub(crate) mod mark;
pub(crate) mod mocks;
pub mod options;
pub(crate) mod play;
pub mod preflight;
pub mod product;
pub mod rerun;
mod rest;
mod stage;
pub mod survey;
pub mod target;
mod trace;
pub(crate) mod undo;
pub mod via;
pub mod watch;
mod whole;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bpconform_steps::author::lock;
use bpconform_steps::run::Run as Shared;
use bpconform_steps::session::Session;
use futures::FutureExt as _;
use jiff::Timestamp;

use crate::error::Error;
use crate::exit::Exit;
use crate::features::{Case, Features};
use crate::output::Output;
use crate::plan::Planned;
use crate::record::Record;
use crate::run::limit::FailureLimit;
use crate::run::mocks::Mocks;
use crate::run::options::Options;
use crate::run::play::play;
use crate::run::stage::{Backend, Stage, StopReason, StopSignal};
use crate::run::survey::Survey;
use crate::run::target::{Contained, Target};
use crate::run::watch::RunListener;
use crate::run::whole::{close, open};
use crate::signals;
use crate::surroundings;

/// Carries out a run and returns its record. `watch` receives the events of the run; a closure receives each finished
/// scenario, in the document's order.
pub async fn run(options: &Options, features: &Features, watch: impl RunListener + 'static) -> Result<Record, Error> {
    // What cannot be compared is refused before anything is sent.
    refuse_another(options, features)?;
    let stop = StopSignal::default();
    let shared = Arc::new(play::shared(options)?);
    let contained = matches!(options.target, Target::Container(_));
    let guard = guard(stop.clone(), options.timeout);
    if options.is_alone {
        let ended = Arc::clone(&shared);
        let guard = tokio::spawn(async move {
            guard.await;
            end_at_once(&ended, contained)
        });
        let result = Box::pin(run_until(options, features, shared, stop, watch)).await;
        guard.abort();
        return result;
    }
    // Others go on in this process: a run that may not even undo its changes is dropped where it stands.
    tokio::select! {
        result = Box::pin(run_until(options, features, Arc::clone(&shared), stop, watch)) => result,
        () = guard => Err(shared.journal.close(true).map_or(Error::Interrupted, Error::NotUndone)),
    }
}

/// Refuses a rerun of another target or plan, as far as that is known without sending requests.
pub fn refuse_another(options: &Options, features: &Features) -> Result<(), Error> {
    let Some(rerun) = &options.rerun else { return Ok(()) };
    let (plan, shard) = options.plan(features, None);
    let now = open(options, &plan, shard, Timestamp::now(), None, options.judge(None));
    rerun.check(&now, false, matches!(options.target, Target::Mock))
}

/// Stops the run on a signal or at its time limit; the run then undoes its changes. Ends at a second signal.
async fn guard(stop: StopSignal, timeout: Duration) {
    tokio::select! {
        () = signals::asked_to_end() => stop.stop(StopReason::Interrupted),
        () = tokio::time::sleep(timeout) => stop.stop(StopReason::TimeLimit),
    }
    signals::asked_to_end().await;
}

/// Ends the process after a second signal, without waiting until all is undone.
fn end_at_once(shared: &Shared, contained: bool) -> ! {
    let output = Output::through(shared.redactor.clone());
    if contained {
        output.err("ended before the container was removed; to remove it: bpconform clean --containers\n");
    }
    let exit = match shared.journal.close(true) {
        Some(journal) => {
            output.err(&format!(
                "ended before all changes were undone; to undo them: bpconform clean {}\n",
                journal.display()
            ));
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
    stop: StopSignal,
    mut watch: impl RunListener + 'static,
) -> Result<Record, Error> {
    let started = Timestamp::now();
    let survey = match survey(options, features, &shared, &stop).await {
        Ok(survey) => survey,
        Err(error) => return Err(given_up(options, shared, error).await),
    };
    let judged = options.judge(survey.as_ref());
    // Nothing has set it before: a run has one plan.
    let _ = shared.judged.set(judged.clone());
    let (plan, shard) = options.plan(features, survey.as_ref());
    let asked = survey.is_some();
    let mut record = open(options, &plan, shard, started, survey, judged);
    let is_mock = matches!(options.target, Target::Mock);
    if let Some(Err(error)) = options.rerun.as_ref().map(|rerun| rerun.check(&record, asked, is_mock)) {
        return Err(given_up(options, shared, error).await);
    }
    let ground = match &options.target {
        Target::Mock => {
            let mocks = Mocks::new(&plan, options.mocked_product(), options.defects.clone(), None);
            Backend::Mock(Mocks { variations: options.variations.clone(), jitter: options.jitter, ..mocks })
        }
        Target::Container(Contained { mocks: Some(control), .. }) => {
            let mocks = Mocks::new(&plan, options.mocked_product(), Vec::new(), None);
            Backend::Renewed(control.clone(), options.connection.clone(), mocks)
        }
        Target::Author(stack, credentials) | Target::Container(Contained { stack, credentials, .. }) => {
            let prepare = plan.scenarios.iter().map(|planned| (planned.key(), (planned.prepare, planned.case.allow)));
            Backend::Real(stack.clone(), credentials.clone(), prepare.collect())
        }
    };
    let exempt = plan.scenarios.iter().filter(|planned| {
        let Case { id, requirements, .. } = &*planned.case;
        let known = |id: &String| options.accepted.contains(id);
        known(id) || requirements.iter().any(known) || !options.gate.counts_for(requirements)
    });
    let limit = FailureLimit::new(options.max_failures, options.retries, options.strict)
        .without(exempt.map(Planned::key).collect());
    let stage = Stage::new(Arc::clone(&shared), ground, stop.clone()).until(limit.clone());
    if let Err(error) = watch.planned(&record, &shared.wire.under_way) {
        return Err(given_up(options, shared, error).await);
    }
    let played = AssertUnwindSafe(play(features, &plan, options, stage, watch)).catch_unwind().await;
    // Changes are undone first, even if a scenario panicked.
    if let Some((stack, credentials)) = options.target.real() {
        let session = Session::new(Arc::clone(&shared), stack.clone(), credentials.clone());
        let (left, journal) = undo::finish(&session, options.journal.is_some(), options.author_goes()).await;
        (record.left_behind, record.journal) = (left, journal.map(|path| path.display().to_string()));
    }
    end_browser(&shared).await;
    record.scenarios = played.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    if options.author_goes() && record.left_behind.is_empty() {
        record.scenarios.iter_mut().for_each(|scenario| scenario.left_behind.clear());
    }
    let stopped = stop.why().or_else(|| limit.turned_away().then_some(StopReason::FailureLimit));
    close(&mut record, options, stopped);
    Ok(record)
}

/// Undoes what was changed before a run was given up, which is at most the lock; what stays is in the journal.
async fn given_up(options: &Options, shared: Arc<Shared>, error: Error) -> Error {
    if let Some((stack, credentials)) = options.target.real() {
        let session = Session::new(Arc::clone(&shared), stack.clone(), credentials.clone());
        undo::finish(&session, options.journal.is_some(), options.author_goes()).await;
    }
    end_browser(&shared).await;
    error
}

async fn end_browser(shared: &Shared) {
    if let Some(browsing) = &shared.browsing {
        browsing.browser.close().await;
    }
}

async fn survey(
    options: &Options,
    features: &Features,
    shared: &Arc<Shared>,
    stop: &StopSignal,
) -> Result<Option<Survey>, Error> {
    let Some((stack, credentials)) = options.target.place() else { return Ok(None) };
    let session = Session::new(Arc::clone(shared), stack.clone(), credentials.clone());
    let session = session.stopped_by(stop.token.clone());
    let unreachable = |problem| Error::Unreachable { url: stack.author.to_string(), problem };
    preflight::check(&session).await.map_err(|problem| match stop.why() {
        Some(StopReason::Interrupted) => Error::Interrupted,
        Some(StopReason::TimeLimit | StopReason::FailureLimit) => {
            unreachable("no answer within the time limit of the run; raise it with --timeout".into())
        }
        None => unreachable(problem),
    })?;
    destinations::check(&session).await?;
    let mut answer = survey::ask(&session).await;
    let changes = answer.as_ref().is_ok_and(|survey| options.plan(features, Some(survey)).0.changes());
    if options.target.real().is_some() && changes {
        let lasts = options.timeout.saturating_mul(2);
        lock::take(&session, &surroundings::host_name(), lasts).await.map_err(|problem| unreachable(problem.reason))?;
        // What was read before the lock was held may be what another run had half changed.
        answer = survey::ask(&session).await;
    }
    match answer {
        Err(problem) if stop.why().is_none() => Err(unreachable(problem)),
        // Each scenario restarts mocks in its own state.
        Ok(survey) if options.target.is_mocked() => Ok(Some(Survey { states: BTreeSet::new(), ..survey })),
        // A stopped run still produces a record, which is marked as incomplete.
        survey => Ok(Some(survey.unwrap_or_default())),
    }
}
