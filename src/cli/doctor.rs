//! The flags of `bpconform doctor`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::state::StateArgs;
use crate::cli::target::TargetArgs;

/// `bpconform doctor`
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// A file of endpoints that override the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
    /// The place where runs keep which entries of the error log they caused on purpose.
    #[command(flatten)]
    pub state: StateArgs,
    /// Print the findings as one JSON object
    #[arg(long)]
    pub json: bool,
    /// The Author. Without --tenant-url, the tenant of its configuration is used.
    #[command(flatten)]
    pub target: TargetArgs,
}
