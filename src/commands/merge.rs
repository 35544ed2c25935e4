//! `bpconform merge`: one record from those of all shards.

use std::path::PathBuf;

use bpconform_steps::page_files::PageFiles;

use crate::cli::merge::MergeArgs;
use crate::compare::baseline::Baseline;
use crate::compare::merge::merge;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::publish::{compare_with_baseline, publish, write_report};
use crate::record_file;
use crate::report::style::Styles;
use crate::report::terminal::{Detail, Terminal};
use crate::report::{ReportFormat, ReportRequest};

/// Merges the records of all shards.
pub fn command(args: &MergeArgs, styles: Styles, output: &Output) -> Result<Exit, Error> {
    let read = |path: &PathBuf| Ok((path.display().to_string(), record_file::read(path)?));
    let records = args.shards.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
    let expected = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let files: Vec<_> = records.iter().map(|(_, record)| record.files.clone()).collect();
    let mut record = merge(records)?.masked_anew(&output.redactor);
    std::fs::create_dir_all(&args.out).map_err(|source| Error::Write { file: args.out.clone(), source })?;
    for files in files {
        let copied = files.copy_to(&args.out, &record.pictures());
        copied.map_err(|source| Error::Write { file: args.out.clone(), source })?;
    }
    record.files = PageFiles::beside(&args.out);
    record_file::write(&record, &args.out.join(record_file::WHOLE))?;
    write_report(
        &record,
        &ReportRequest { format: ReportFormat::Junit, path: args.out.join(record_file::JUNIT) },
        output,
    )?;
    let output = &output.with_data_on_stdout(args.reports.iter().any(ReportRequest::is_stdout));
    publish(&record, &args.reports, output)?;
    output.print_for_people(&Terminal::new(styles, Detail::Usual).end(&record.clone().plain()));
    Ok(expected.map_or(record.outcome.exit(), |expected| compare_with_baseline(&record, &expected, output)))
}
