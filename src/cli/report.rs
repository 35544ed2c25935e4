//! The flags of `bpconform report`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::values::report_format;
use crate::report::ReportFormat;

/// `bpconform report`
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The form
    #[arg(value_parser = report_format())]
    pub format: ReportFormat,
    /// The record: run.json, or the directory that a run wrote it into
    pub record: PathBuf,
    /// Write into this file in place of the standard output
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
