//! The flags of `bpconform run`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::container::ContainedArgs;
use crate::cli::hybrid::HybridArgs;
use crate::cli::select::SelectArgs;
use crate::cli::target::TargetArgs;
use crate::cli::values::{seconds, shard};
use crate::report::ReportRequest;
use crate::shard::Shard;

/// `bpconform run`
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// What is checked, and where it is.
    #[command(flatten)]
    pub target: TargetArgs,
    /// The Author's container.
    #[command(flatten)]
    pub container: ContainedArgs,
    /// Which systems are mocks.
    #[command(flatten)]
    pub hybrid: HybridArgs,
    /// Which scenarios.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How the run goes.
    #[command(flatten)]
    pub how: RunFlags,
}

/// How the run goes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct RunFlags {
    /// Print the plan, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How many scenarios run at once [default: 8 on the mocks, 1 under --allow change or with a mocked system, else 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// With --allow change: for the scenarios that need it, delete the Brand Portal configuration that the Author has, and
    /// put it back as it was; only on the command line
    #[arg(long)]
    pub replace_configuration: bool,
    /// With --allow change: write down here each change before it is sent, for `bpconform clean` [default: journal.jsonl
    /// in the directory of --out, else bpconform-RUN.journal in this one, removed when everything was undone]
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Try a scenario that did not pass again, so often; one that passes then is flaky, and is told as such
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=10))]
    pub retry: u8,
    /// A flaky scenario is as red as what its earlier attempts found
    #[arg(long)]
    pub strict: bool,
    /// Limit for the whole run, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "600", env = "BPCONFORM_TIMEOUT")]
    pub timeout: Duration,
    /// Write run.json and junit.xml into this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Draw a report too, for example html=report.html; may be said several times
    #[arg(long = "report", value_name = "FORMAT=PATH")]
    pub reports: Vec<ReportRequest>,
    /// A file of expected verdicts: fail only on what is not as it says
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Check every environment of a configuration file: each of its profiles, in a process of its own; needs --out
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with_all = ["shard", "baseline", "dry_run", "journal", "reports"])]
    pub fleet: Option<PathBuf>,
    /// How many environments of a fleet are checked at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), default_value_t = 4)]
    pub fleet_jobs: u16,
    /// Run one of several equal parts, for example 2/5; `auto` reads it from the CI system's variables
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Run against mocks with this defect, see `bpconform selftest`; may be said several times
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Let the mocks take their time over each answer, up to 0.3 seconds, as it follows from this number: a run must be
    /// green with any
    #[arg(long, value_name = "SEED")]
    pub jitter: Option<u64>,
}
