//! The flags of `bpconform doctor`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::state::StateArgs;
use crate::cli::target::TargetArgs;

/// `bpconform doctor`
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// The Author. Without --tenant-url, the tenant of its configuration is used.
    #[command(flatten)]
    pub target: TargetArgs,
    /// A file of endpoints that override the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
    /// Which entries of the error log earlier runs caused on purpose.
    #[command(flatten)]
    pub state: StateArgs,
    /// Print the findings as one JSON object
    #[arg(long)]
    pub json: bool,
}
