//! `bpconform report`: renders a saved record.

use crate::cli::report::ReportArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::publish::write_report;
use crate::record_file;
use crate::report::{ReportFormat, ReportRequest};

/// Renders a saved record.
pub fn command(args: &ReportArgs, output: &Output) -> Result<Exit, Error> {
    if args.format == ReportFormat::Trace && args.out.as_ref().is_none_or(|out| out.as_os_str() == "-") {
        return Err(Error::Usage("a trace is a ZIP file: name it with --out, for example --out trace.zip".into()));
    }
    let record = record_file::read(&args.record)?.masked_anew(&output.redactor);
    let path = args.out.clone().unwrap_or_else(|| "-".into());
    write_report(&record, &ReportRequest { format: args.format, path }, output)?;
    Ok(Exit::Green)
}
