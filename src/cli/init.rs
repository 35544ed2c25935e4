//! The flags of `bpconform init`.

use clap::Args;

use crate::cli::target::TargetArgs;

/// `bpconform init`
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The profile is written into the file of --config [default: bpconform.toml], under the name of \
    --profile [default: the first part of the Author's host name]. An existing file keeps its content."
)]
pub struct InitArgs {
    /// Write the profile without a check that the Author is reached
    #[arg(long)]
    pub offline: bool,
    /// What is written: each setting that a flag or the environment gives.
    #[command(flatten)]
    pub target: TargetArgs,
}
