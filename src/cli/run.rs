//! The flags of `bpconform run`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::browser::BrowserArgs;
use crate::cli::container::ContainedArgs;
use crate::cli::gate::GateArgs;
use crate::cli::hybrid::HybridArgs;
use crate::cli::select::SelectArgs;
use crate::cli::state::StateArgs;
use crate::cli::target::TargetArgs;
use crate::cli::values::{seconds, shard};
use crate::report::ReportRequest;
use crate::shard::Shard;

/// `bpconform run`
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// What is checked, and its addresses.
    #[command(flatten)]
    pub target: TargetArgs,
    /// The Author's container.
    #[command(flatten)]
    pub container: ContainedArgs,
    /// The systems that are mocks.
    #[command(flatten)]
    pub hybrid: HybridArgs,
    /// The selection of scenarios.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How the run is carried out.
    #[command(flatten)]
    pub how: RunFlags,
}

/// How the run is carried out.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct RunFlags {
    /// Print the plan, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How many scenarios run in parallel; with 1, equal reads are also sent again instead of shared [default: 8 on the mocks, 1 with
    /// --allow change or a mocked system, otherwise 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// With --allow change: for the scenarios that need it, delete the Brand Portal configuration of the Author, and
    /// restore it as it was; only on the command line
    #[arg(long)]
    pub replace_configuration: bool,
    /// Replace the configuration without asking for confirmation
    #[arg(long, requires = "replace_configuration")]
    pub yes: bool,
    /// The place of the copy of what is replaced.
    #[command(flatten)]
    pub state: StateArgs,
    /// With --allow change: the log of changes, for `bpconform clean` [default: journal.jsonl
    /// in the directory of --out, otherwise bpconform-RUN.journal in this one, removed when everything was undone]
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// How often to repeat a scenario that did not pass; one that passes then is reported as flaky
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=10))]
    pub retry: u8,
    /// Give a flaky scenario the verdict of its failed attempts
    #[arg(long)]
    pub strict: bool,
    /// Take over the green scenarios of this earlier record, and run only the others and those that they presuppose; the new
    /// record is complete. A record of another target, product or plan is refused
    #[arg(long, value_name = "DIR")]
    pub rerun: Option<PathBuf>,
    /// Start no further scenario after the first one that did not pass, so that nothing more is changed
    #[arg(long, conflicts_with = "max_failures")]
    pub fail_fast: bool,
    /// Start no further scenario after N scenarios that did not pass
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub max_failures: Option<u16>,
    /// Time limit for the whole run, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "600", env = "BPCONFORM_TIMEOUT")]
    pub timeout: Duration,
    /// Write run.json and junit.xml to this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write a report too, for example html=report.html, or html=- for standard output; can be repeated. Formats: see
    /// `bpconform report --help`
    #[arg(long = "report", value_name = "FORMAT=PATH")]
    pub reports: Vec<ReportRequest>,
    /// A file of expected verdicts: fail only on differences from it
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Check every profile of a configuration file, in parallel; needs --out
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with_all = ["shard", "baseline", "dry_run", "journal", "reports"])]
    pub fleet: Option<PathBuf>,
    /// How many environments of a fleet are checked in parallel; with more than 1, an environment that takes long does not
    /// block the next one [default: 16; with --isolate 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub fleet_jobs: Option<u16>,
    /// Check each environment of a fleet in a separate process
    #[arg(long, requires = "fleet")]
    pub isolate: bool,
    /// Run one of several equal parts, for example 2/5; `auto` takes it from the variables of the CI system
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Run against mocks with this defect, see `bpconform selftest`; can be repeated
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Run against mocks with this variation, see `bpconform selftest --variations`; can be repeated
    #[arg(long = "variation", value_name = "ID")]
    pub variations: Vec<String>,
    /// Delay each answer of the mocks by up to 0.3 seconds, repeatable for each random seed; every verdict must
    /// stay the same
    #[arg(long, value_name = "SEED")]
    pub jitter: Option<u64>,
    // Groups with a heading come last: clap puts what follows one under its heading.
    /// What the exit code depends on.
    #[command(flatten)]
    pub gate: GateArgs,
    /// The use of a browser.
    #[command(flatten)]
    pub browser: BrowserArgs,
}
