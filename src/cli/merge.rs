//! The flags of `bpconform merge`.

use std::path::PathBuf;

use clap::Args;

use crate::report::ReportRequest;

/// `bpconform merge`
#[derive(Clone, Debug, Args)]
pub struct MergeArgs {
    /// The records of the shards: directories or run.json files
    #[arg(required = true)]
    pub shards: Vec<PathBuf>,
    /// Write run.json and junit.xml of the whole run to this directory
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Write a report too, for example html=report.html; can be repeated. Formats: see `bpconform report --help`
    #[arg(long = "report", value_name = "FORMAT=PATH")]
    pub reports: Vec<ReportRequest>,
    /// A file of expected verdicts
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
}
