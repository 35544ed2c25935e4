//! What a command does with a record: compare it with a baseline, write the reports, and inform GitHub Actions.

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
pub fn judge(record: &Record, expected: &Baseline, output: &Output) -> Exit {
    let judgement = baseline::judge(record, expected, Timestamp::now());
    output.print_for_people(&format!("\n{}", judgement.text()));
    judgement.exit
}

/// Today's date in UTC: the same on every machine.
pub fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

/// Writes the requested reports, and what GitHub Actions shows if the process runs there.
pub fn publish(record: &Record, wanted: &[ReportRequest], output: &Output) -> Result<(), Error> {
    draw_all(record, wanted, output)?;
    if !is_github() {
        return Ok(());
    }
    let record = &record.clone().plain();
    output.print_ci_command(&github::annotations(record));
    step_summary(&github::summary(record), output)
}

/// Writes the reports only.
pub fn draw_all(record: &Record, wanted: &[ReportRequest], output: &Output) -> Result<(), Error> {
    wanted
        .iter()
        .try_for_each(|wanted| write_report(record, wanted, output, &|text| output.redactor.redact_rendered(text)))
}

fn is_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Adds to the step's summary, where GitHub Actions keeps one.
pub fn step_summary(markdown: &str, output: &Output) -> Result<(), Error> {
    match std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| is_github() && !file.is_empty()) {
        Some(file) => append(Path::new(&file), markdown, output),
        None => Ok(()),
    }
}

/// Adds to the step's summary what it has room for: GitHub throws a larger one away as a whole.
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

/// Draws one report.
pub fn draw(record: &Record, wanted: &ReportRequest, output: &Output) -> Result<(), Error> {
    write_report(record, wanted, output, &|text| output.redactor.redact_known(text))
}

/// Writes a report; `mask` is the last gate.
fn write_report(
    record: &Record,
    wanted: &ReportRequest,
    output: &Output,
    mask: &dyn Fn(&str) -> String,
) -> Result<(), Error> {
    let text = wanted.format.draw(record)?;
    if wanted.is_stdout() {
        output.out(&text);
        return Ok(());
    }
    wanted.make_room()?;
    std::fs::write(&wanted.path, mask(&text)).map_err(|source| Error::Write { file: wanted.path.clone(), source })
}
