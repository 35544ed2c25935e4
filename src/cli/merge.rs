//! The flags of `bpconform merge`.

use std::path::PathBuf;

use clap::Args;

use crate::report::ReportRequest;

/// `bpconform merge`
#[derive(Clone, Debug, Args)]
pub struct MergeArgs {
    /// What each shard wrote: its directory or run.json
    #[arg(required = true)]
    pub shards: Vec<PathBuf>,
    /// Write run.json and junit.xml of the whole into this directory
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Draw the whole too, for example html=report.html; may be said several times
    #[arg(long = "report", value_name = "FORMAT=PATH")]
    pub reports: Vec<ReportRequest>,
    /// A file of expected verdicts
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
}
