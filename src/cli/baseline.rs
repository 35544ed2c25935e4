//! The flags of `bpconform baseline`.

use std::path::PathBuf;

use clap::Args;

/// `bpconform baseline`
#[derive(Clone, Debug, Args)]
pub struct BaselineArgs {
    /// The record: run.json, or the directory that contains it
    pub record: PathBuf,
    /// Compare the record with this baseline instead of writing a new one
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// Update this baseline: new entries for what did not pass, none for what passed; everything else stays as it was
    /// written
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub update: Option<PathBuf>,
}
