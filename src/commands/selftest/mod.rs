//! `bpconform selftest`: the proof that every check can fail. The features are run once against mocks without a defect
//! and once for each defect; a defect must turn exactly the requirements red that it breaks.
//!
//! A defect changes nothing before the first request, call or node that it selects. The run without defects records those.
//! A scenario in which none of them occurs is not run again, since the defect would have no effect.

#[cfg(test)]
mod agreement;
mod engine;
pub mod matrix;
pub mod pairs;
pub mod variations;
pub mod wires;

use std::sync::Arc;
use std::time::Instant;

use bpconform_fixtures::{Defect, Defects, Product, Variation, Variations};
use bpconform_mocks::faults::Fault;

use crate::cli::selftest::SelftestArgs;
use crate::cli::values::EVERY_FAULT;
use crate::error::Error;
use crate::exit::Exit;
use crate::features::Features;
use crate::mocked::{defects_named, variations_named};
use crate::output::Output;
use crate::run::mocks::Watcher;
use crate::run::options::Options;

pub use engine::SelftestResult;
use engine::{Bench, Installation, SilencedPanics, at_once};
use matrix::{DefectMatrix, DefectRow, RedScenario};
use pairs::Combinations;
use variations::VariationMatrix;

/// `bpconform selftest`
pub fn command(args: &SelftestArgs, output: &Output, began: Instant) -> Result<Exit, Error> {
    let options = Options::of_mocks(args.product, output.redactor.clone(), began);
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
    if args.variations || !args.only_variations.is_empty() || args.pairs.is_some() {
        return run_variations(args, output, &options, &features);
    }
    let defects = defects(args.product, &args.defects)?;
    Ok(match selftest(&options, &features, &defects, args.defects.is_empty())? {
        SelftestResult::Matrix(matrix) => {
            output.out(&if args.json { matrix.json()? } else { matrix.text() });
            exit(matrix.holds())
        }
        SelftestResult::NotGreen(red) => not_green(&red, output),
    })
}

/// `--variations` and `--pairs`; with both, the pairs follow the variations.
fn run_variations(args: &SelftestArgs, output: &Output, options: &Options, features: &Features) -> Result<Exit, Error> {
    if !args.defects.is_empty() && args.pairs.is_none() {
        return Err(Error::Usage("--defect has no effect with --variations; add --pairs all".into()));
    }
    let variations = all_or_named(args.product, &args.only_variations)?;
    let defects = if args.pairs.is_some() { defects(args.product, &args.defects)? } else { Vec::new() };
    let _quiet = SilencedPanics::begin();
    let bench = Bench::new(options, features);
    let changes_of_defects = || defects.iter().map(|defect| defect.deviation());
    let changes_of_variations = || variations.iter().map(|variation| variation.deviation());
    let watcher = Watcher::new(changes_of_defects().chain(changes_of_variations()));
    if let Err(red) = bench.run_clean(&watcher)? {
        return Ok(not_green(&red, output));
    }
    let clean = watcher.touched();
    let of_variations = at_once(&variations, |variation| {
        let installation = Installation { defect: None, variation: Some(Arc::clone(variation)) };
        bench.run_alone(&variation.id, &clean, &installation, changes_of_defects())
    })?;
    let mut holds = true;
    if args.variations || args.pairs.is_none() {
        let matrix = VariationMatrix::new(&variations, &of_variations);
        output.out(&if args.json { matrix.json()? } else { matrix.text() });
        holds &= matrix.holds();
    }
    if let Some(pairs) = args.pairs {
        let of_defects = at_once(&defects, |defect| {
            let installation = Installation { defect: Some(Arc::clone(defect)), variation: None };
            bench.run_alone(&defect.id, &clean, &installation, changes_of_variations())
        })?;
        let combinations =
            Combinations { clean: &clean, defects: (&defects, &of_defects), variations: (&variations, &of_variations) };
        let matrix = pairs::run(&bench, &combinations, pairs, args.random_seed)?;
        output.out(&if args.json { matrix.json()? } else { matrix.text() });
        holds &= matrix.holds();
    }
    Ok(exit(holds))
}

/// The variations of these ids, all without any.
fn all_or_named(product: Product, ids: &[String]) -> Result<Vec<Arc<Variation>>, Error> {
    if ids.is_empty() {
        return Ok(Variations::built_in().of(product).cloned().map(Arc::new).collect());
    }
    variations_named(ids)
}

fn exit(holds: bool) -> Exit {
    if holds { Exit::Green } else { Exit::NonConformant }
}

fn not_green(red: &[RedScenario], output: &Output) -> Exit {
    let lines = red.iter().map(|red| format!("  {} {}: {}\n", red.scenario, red.verdict, red.reason));
    output.err(&format!(
        "error: scenarios are red without any defect, so the defects cannot be checked:\n{}",
        lines.collect::<String>()
    ));
    Exit::Internal
}

/// The faults of these ids; `all` is every one.
fn faults(ids: &[String]) -> Vec<&'static Fault> {
    let meant = |fault: &&Fault| ids.iter().any(|id| id == fault.id || id == EVERY_FAULT);
    Fault::ALL.iter().filter(meant).collect()
}

/// The defects of these ids, all without any. The error names one that does not exist.
fn defects(product: Product, ids: &[String]) -> Result<Vec<Arc<Defect>>, Error> {
    let all = Defects::built_in().of(product);
    if ids.is_empty() {
        return Ok(all.cloned().map(Arc::new).collect());
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
    let bench = Bench::new(options, features);
    let watcher = Watcher::new(defects.iter().map(|defect| defect.deviation()));
    if let Err(red) = bench.run_clean(&watcher)? {
        return Ok(SelftestResult::NotGreen(red));
    }
    let touched = watcher.touched();
    let rows = at_once(defects, |defect| {
        let Some(touched) = touched.get(&defect.id) else { return Ok(DefectRow::new(defect, 0, Vec::new())) };
        let installation = Installation { defect: Some(Arc::clone(defect)), variation: None };
        let red = bench.run(touched, &installation, None)?;
        Ok(DefectRow::new(defect, touched.len(), red.into_iter().map(|(_, red)| red).collect()))
    })?;
    Ok(SelftestResult::Matrix(DefectMatrix::new(rows, whole.then(|| options.mocked_product()))))
}
