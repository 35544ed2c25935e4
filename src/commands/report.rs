//! `bpconform report`: renders a saved record.

use crate::cli::report::ReportArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::publish::write_report;
use crate::record_file;
use crate::report::ReportRequest;

/// Renders a saved record.
pub fn command(args: &ReportArgs, output: &Output) -> Result<Exit, Error> {
    let record = record_file::read(&args.record)?.masked_anew(&output.redactor);
    let path = args.out.clone().unwrap_or_else(|| "-".into());
    write_report(&record, &ReportRequest { format: args.format, path }, output)?;
    Ok(Exit::Green)
}
