//! The flags of `bpconform clean`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::state::StateArgs;
use crate::cli::target::TargetArgs;

/// `bpconform clean`
#[derive(Clone, Debug, Args)]
pub struct CleanArgs {
    /// The journal that a run left, or the directory of --out that contains it
    #[arg(value_name = "JOURNAL", required_unless_present_any = ["containers", "lock"])]
    pub journal: Option<PathBuf>,
    /// Remove the lock on the Author of --author-url, whichever run holds it; only after that run has ended
    #[arg(long, conflicts_with_all = ["journal", "containers"])]
    pub lock: bool,
    /// What runs left in the Docker Engine.
    #[command(flatten)]
    pub sweep: SweepArgs,
    /// Where the copy of what was replaced is.
    #[command(flatten)]
    pub state: StateArgs,
    /// Leave what is at this path on the Author as it is now, where the run deleted or made a node and somebody has changed it
    /// since; can be repeated
    #[arg(long, value_name = "PATH", requires = "journal")]
    pub accept: Vec<String>,
    /// Print what would be undone or removed, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The journal names the Author; this is what else is needed to reach it.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// What is removed from the Docker Engine.
#[derive(Clone, Copy, Debug, Args)]
pub struct SweepArgs {
    /// Remove the containers, networks and volumes that killed runs left in the Docker Engine
    #[arg(long, conflicts_with = "journal")]
    pub containers: bool,
    /// Also those of runs in progress, and of other machines that use the same engine
    #[arg(long, requires = "containers", conflicts_with = "journal")]
    pub all: bool,
}
