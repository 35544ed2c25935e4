//! The flags of `bpconform report`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::values::report_format;
use crate::report::ReportFormat;

/// `bpconform report`
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The report format
    #[arg(value_parser = report_format())]
    pub format: ReportFormat,
    /// The record: run.json, or the directory that contains it
    pub record: PathBuf,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
