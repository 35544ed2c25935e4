//! `bpconform selftest --wire`: the proof that no step accepts a broken answer. For every documented step and
//! every fault of the wire, the shortest scenario with that step runs on a separate stack; the first request that the
//! step sends to the target gets the fault. The state of the target is then unknown: the verdict must be
//! `error`, with a reason that names the request, and in time.

mod cell;
mod cells;
mod exceptions;
mod table;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpconform_mocks::authority::Authority;
use bpconform_mocks::faults::Fault;
use bpconform_steps::redact::Redactor;

use crate::commands::selftest::engine::{SelftestResult, SilencedPanics, at_once, play, red, workers};
use crate::error::Error;
use crate::features::Features;
use crate::record::ScenarioRecord;
use crate::run::mocks::Mocks;
use crate::run::options::Options;
use crate::verdict::Verdict;

pub use cell::{Cell, CellFate};
use cells::StruckStep;
pub use table::WireMatrix;

/// The time limit of a request, which is how long a run waits with a fault that never answers.
const REQUEST: Duration = Duration::from_secs(1);

/// The time limit of a request when a cell is repeated.
const REQUEST_AGAIN: Duration = Duration::from_secs(8);

/// The time limit of a step with a fault, with a margin for a busy machine.
const STEP: Duration = Duration::from_secs(20);

/// The maximum number of scenarios that run at once with faults that make them wait, for all faults together.
const AT_ONCE: usize = 16;

/// The maximum number of scenarios that run at once with a fault that needs computing; more would only need more memory.
const AT_WORK: usize = 2;

/// How many cells are played together. Their records and what was learned from their mocks are in memory until all of them
/// are judged.
const CHUNK: usize = 64;

/// Breaks the wire at each step of the features by each of these faults.
pub fn wires(
    options: &Options,
    features: &Features,
    faults: &[&'static Fault],
) -> Result<SelftestResult<WireMatrix>, Error> {
    let _quiet = SilencedPanics::begin();
    let plan = options.dry_plan(features);
    let clean = play(options, features, &plan, Mocks::new(&plan, options.mocked_product(), Vec::new(), None))?;
    let green = |scenario: &&ScenarioRecord| matches!(scenario.verdict, Verdict::Passed | Verdict::NotApplicable);
    let failed: Vec<_> = clean.iter().filter(|scenario| !green(scenario)).map(red).collect();
    if !failed.is_empty() {
        return Ok(SelftestResult::NotGreen(failed));
    }
    let authority = Arc::new(Authority::new().map_err(Error::Mock)?);
    let mut options = options.clone();
    options.connection.authorities = Some(authority.certificate().as_bytes().to_vec());
    let targets = cells::targets(&features.cases, &clean);
    drop(clean);
    let columns = at_once(faults, |fault| column(&options, &targets, fault, &authority))?;
    Ok(SelftestResult::Matrix(WireMatrix::new(targets.iter().map(StruckStep::name).collect(), faults, columns)))
}

/// What comes of one fault at each step. A cell that is not as it must be is played again with more time: on a busy
/// machine another request may take longer than it has here.
fn column(
    options: &Options,
    targets: &[StruckStep],
    fault: &'static Fault,
    authority: &Arc<Authority>,
) -> Result<Vec<Cell>, Error> {
    let all: Vec<usize> = (0..targets.len()).collect();
    let mut column = Vec::with_capacity(all.len());
    for some in all.chunks(CHUNK) {
        column.extend(strike(options, targets, some, fault, authority, REQUEST)?);
    }
    let again: Vec<usize> = all.into_iter().filter(|index| !column[*index].fate.is_right()).collect();
    for (index, cell) in again.iter().zip(strike(options, targets, &again, fault, authority, REQUEST_AGAIN)?) {
        column[*index] = cell;
    }
    Ok(column)
}

fn strike(
    options: &Options,
    targets: &[StruckStep],
    which: &[usize],
    fault: &'static Fault,
    authority: &Arc<Authority>,
    request: Duration,
) -> Result<Vec<Cell>, Error> {
    let began = Instant::now();
    // The secrets of thousands of mocks, in all their forms, would stay in memory until the end of the matrix.
    let mut options = Options { redactor: Redactor::default(), ..options.clone() };
    options.connection.limits.request = request;
    options.jobs = if fault.makes_wait() { (AT_ONCE / workers()).max(AT_WORK) } else { AT_WORK };
    let mut features = Features { all: Vec::new(), cases: Vec::new() };
    for index in which {
        let (feature, case) = targets[*index].struck_by(fault, *index);
        features.all.push(feature);
        features.cases.push(Arc::new(case));
    }
    let plan = options.dry_plan(&features);
    let mocks = Mocks {
        authority: fault.needs_tls().then(|| Arc::clone(authority)),
        ..Mocks::new(&plan, options.mocked_product(), Vec::new(), None)
    };
    let records = play(&options, &features, &plan, mocks)?;
    tracing::info!(fault = fault.id, cells = which.len(), took = ?began.elapsed(), "struck");
    let redact = |reason: &str| options.redactor.redact(reason).into_owned();
    let judge = |(index, record): (&usize, &_)| targets[*index].judge(fault, record, STEP, redact);
    Ok(which.iter().zip(&records).map(judge).collect())
}

/// The peak memory of this process, in MB, if the system reports it.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string(PathBuf::from("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}
