//! The flags of `bpconform doctor`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::target::TargetArgs;

/// `bpconform doctor`
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// The Author. Without --tenant-url, the tenant is the one that it is configured with.
    #[command(flatten)]
    pub target: TargetArgs,
    /// A file of surfaces that is laid over the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
