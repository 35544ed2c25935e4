//! The flags of `bpconform clean`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::target::TargetArgs;

/// `bpconform clean`
#[derive(Clone, Debug, Args)]
pub struct CleanArgs {
    /// The journal that a run left, or the directory of --out in which it lies
    #[arg(value_name = "JOURNAL", required_unless_present_any = ["containers", "lock"])]
    pub journal: Option<PathBuf>,
    /// Remove the lock on the Author of --author-url, whichever run holds it; only when that run has ended
    #[arg(long, conflicts_with_all = ["journal", "containers"])]
    pub lock: bool,
    /// What runs left with the Docker Engine.
    #[command(flatten)]
    pub sweep: SweepArgs,
    /// Say what would be undone or removed, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The Author is the journal's; what else is needed to reach it.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// What of the Docker Engine is swept.
#[derive(Clone, Copy, Debug, Args)]
pub struct SweepArgs {
    /// Remove the containers, networks and volumes that runs which were killed left with the Docker Engine
    #[arg(long, conflicts_with = "journal")]
    pub containers: bool,
    /// Also those of runs that go on, and of other machines that use the same engine
    #[arg(long, requires = "containers", conflicts_with = "journal")]
    pub all: bool,
}
