//! `bpconform selftest`: the proof that every check can fail. The features are run once against mocks without a defect
//! and once for each defect; a defect must turn exactly the promises red that it breaks.
//!
//! A defect changes nothing before the first request, call or node that it means. The run without defects is watched for
//! those, and a scenario in which none of them occurs is not run again: it would do the same.

pub mod matrix;
pub mod wires;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use bpconform_fixtures::{Defect, Defects};
use bpconform_mocks::faults::Fault;

use crate::cli::selftest::SelftestArgs;
use crate::cli::values::EVERY_FAULT;
use crate::error::Error;
use crate::exit::Exit;
use crate::features::Features;
use crate::mocked::defects_named;
use crate::output::Output;
use crate::plan::Plan;
use crate::record::ScenarioRecord;
use crate::run::key::ScenarioKey;
use crate::run::mocks::{Mocks, Watcher};
use crate::run::options::Options;
use crate::run::play::on_mocks;
use crate::verdict::Verdict;

use matrix::{DefectMatrix, DefectRow, RedScenario};

/// What came of a selftest.
#[derive(Debug)]
pub enum SelftestResult<M> {
    /// The matrix.
    Matrix(M),
    /// The features are red without any defect, so that nothing can be told: the scenarios.
    NotGreen(Vec<RedScenario>),
}

/// `bpconform selftest`
pub fn command(args: &SelftestArgs, output: &Output, began: Instant) -> Result<Exit, Error> {
    let options = Options::embedded(output.redactor.clone(), began);
    let features = Features::built_in()?;
    if !args.wire.is_empty() {
        let faults = faults(&args.wire);
        return Ok(match wires::wires(&options, &features, &faults)? {
            SelftestResult::Matrix(wires) => {
                output.out(&if args.json { wires.json()? } else { wires.text(wires::peak_memory()) });
                exit(wires.holds())
            }
            SelftestResult::NotGreen(red) => not_green(&red, output),
        });
    }
    Ok(match selftest(&options, &features, &defects(&args.defects)?, args.defects.is_empty())? {
        SelftestResult::Matrix(matrix) => {
            output.out(&if args.json { matrix.json()? } else { matrix.text() });
            exit(matrix.holds())
        }
        SelftestResult::NotGreen(red) => not_green(&red, output),
    })
}

fn exit(holds: bool) -> Exit {
    if holds { Exit::Green } else { Exit::NonConformant }
}

fn not_green(red: &[RedScenario], output: &Output) -> Exit {
    let told = red.iter().map(|red| format!("  {} {}: {}\n", red.scenario, red.verdict, red.reason));
    output
        .err(&format!("error: red although nothing is broken, so nothing can be told:\n{}", told.collect::<String>()));
    Exit::Internal
}

/// The faults of these ids; `all` is every one.
fn faults(ids: &[String]) -> Vec<&'static Fault> {
    let meant = |fault: &&Fault| ids.iter().any(|id| id == fault.id || id == EVERY_FAULT);
    Fault::ALL.iter().filter(meant).collect()
}

/// The defects of these ids, all without any. The error names one that does not exist.
fn defects(ids: &[String]) -> Result<Vec<Arc<Defect>>, Error> {
    let all = Defects::built_in();
    if ids.is_empty() {
        return Ok(all.all.iter().cloned().map(Arc::new).collect());
    }
    defects_named(ids)
}

/// Runs the features without and with each of these defects. `whole`: whether these are all that there are.
pub fn selftest(
    options: &Options,
    features: &Features,
    defects: &[Arc<Defect>],
    whole: bool,
) -> Result<SelftestResult<DefectMatrix>, Error> {
    let _quiet = SilencedPanics::begin();
    let plan = options.dry_plan(features);
    let watcher = Watcher::new(defects.to_vec());
    let clean = play(options, features, &plan, Mocks::new(&plan, Vec::new(), Some(watcher.clone())))?;
    let red: Vec<_> = clean.iter().filter(|scenario| scenario.verdict != Verdict::Passed).map(red).collect();
    if !red.is_empty() {
        return Ok(SelftestResult::NotGreen(red));
    }
    let touched = watcher.touched();
    let rows = rows(options, features, &plan, defects, &touched)?;
    Ok(SelftestResult::Matrix(DefectMatrix::new(rows, whole)))
}

/// The rows of the matrix, in the order of the defects.
fn rows(
    options: &Options,
    features: &Features,
    plan: &Plan,
    defects: &[Arc<Defect>],
    touched: &BTreeMap<String, BTreeSet<ScenarioKey>>,
) -> Result<Vec<DefectRow>, Error> {
    at_once(defects, |defect| row(options, features, plan, defect, touched.get(&defect.id)))
}

/// How many are worked on at once.
fn workers() -> usize {
    thread::available_parallelism().map_or(2, usize::from)
}

/// Does the work for all items, several at once, and gives its results back in their order.
fn at_once<I: Sync, R: Send>(items: &[I], work: impl Fn(&I) -> Result<R, Error> + Sync) -> Result<Vec<R>, Error> {
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

fn row(
    options: &Options,
    features: &Features,
    plan: &Plan,
    defect: &Arc<Defect>,
    touched: Option<&BTreeSet<ScenarioKey>>,
) -> Result<DefectRow, Error> {
    let Some(touched) = touched else { return Ok(DefectRow::new(defect, 0, Vec::new())) };
    let mut plan = plan.clone();
    plan.scenarios.retain(|planned| touched.contains(&(planned.case.file.clone().into(), planned.case.line)));
    let scenarios = play(options, features, &plan, Mocks::new(&plan, vec![Arc::clone(defect)], None))?;
    let turned = scenarios.iter().filter(|scenario| matches!(scenario.verdict, Verdict::Failed | Verdict::Error));
    Ok(DefectRow::new(defect, touched.len(), turned.map(red).collect()))
}

fn red(scenario: &ScenarioRecord) -> RedScenario {
    RedScenario {
        scenario: scenario.id.clone(),
        requirements: scenario.requirements.clone(),
        verdict: scenario.verdict.word().to_owned(),
        reason: scenario.reason.clone().unwrap_or_default(),
    }
}

/// Runs a plan on this thread.
fn play(options: &Options, features: &Features, plan: &Plan, mocks: Mocks) -> Result<Vec<ScenarioRecord>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Internal(format!("no runtime: {error}")))?;
    runtime.block_on(on_mocks(options, features, plan, mocks))
}

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync + 'static>;

/// Cucumber takes the panic hook away while it runs and puts it back afterwards; of several that run at once, one puts it
/// back too early, and the failures of the others would be printed. So nothing is printed until the end.
struct SilencedPanics(Option<Hook>);

impl SilencedPanics {
    fn begin() -> Self {
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
