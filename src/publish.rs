//! What commands do with a record: compare it with a baseline, write its reports, and print the annotations and the step
//! summary of GitHub Actions.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::compare::baseline::{self, Baseline};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::record::Record;
use crate::report::{ReportRequest, github};

/// Compares a record with a baseline, and prints the result.
pub fn compare_with_baseline(record: &Record, expected: &Baseline, output: &Output) -> Exit {
    let judgement = baseline::judge(record, expected, Timestamp::now());
    output.print_for_people(&format!("\n{}", judgement.text()));
    judgement.exit
}

/// Today's date in UTC: the same on every machine.
pub fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

/// Writes the requested reports, and under GitHub Actions also annotations and the step summary.
pub fn publish(record: &Record, wanted: &[ReportRequest], output: &Output) -> Result<(), Error> {
    write_reports(record, wanted, output)?;
    if !is_github() {
        return Ok(());
    }
    let record = &record.clone().plain();
    output.print_ci_command(&github::annotations(record));
    step_summary(&github::summary(record), output)
}

/// Writes the reports.
pub fn write_reports(record: &Record, wanted: &[ReportRequest], output: &Output) -> Result<(), Error> {
    wanted.iter().try_for_each(|wanted| write_report(record, wanted, output))
}

fn is_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Appends to the summary of the step, if GitHub Actions provides a file for it.
pub fn step_summary(markdown: &str, output: &Output) -> Result<(), Error> {
    match std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| is_github() && !file.is_empty()) {
        Some(file) => append(Path::new(&file), markdown, output),
        None => Ok(()),
    }
}

/// Appends a text if it fits: GitHub discards a summary that is too large as a whole.
fn append(file: &Path, text: &str, output: &Output) -> Result<(), Error> {
    let text = output.redactor.redact_known(text);
    let there = std::fs::metadata(file).map_or(0, |data| usize::try_from(data.len()).unwrap_or(usize::MAX));
    if there.saturating_add(text.len()) > github::SUMMARY_LIMIT {
        output.err("warning: the step's summary on GitHub is full; this one is left out\n");
        return Ok(());
    }
    let open = OpenOptions::new().create(true).append(true).open(file);
    open.and_then(|mut open| open.write_all(text.as_bytes()))
        .map_err(|source| Error::Write { file: file.to_owned(), source })
}

/// Writes a report of a record whose every text was masked before. Only what the run knows is masked again: what merely
/// looks like a secret may reach over the end of a text, and the file would not be well-formed without that.
pub fn write_report(record: &Record, wanted: &ReportRequest, output: &Output) -> Result<(), Error> {
    if wanted.is_stdout() {
        output.out(&wanted.format.render(record)?);
        return Ok(());
    }
    let bytes = wanted.format.bytes(record, &|text| output.redactor.redact_rendered(text))?;
    wanted.make_room()?;
    std::fs::write(&wanted.path, bytes).map_err(|source| Error::Write { file: wanted.path.clone(), source })
}
