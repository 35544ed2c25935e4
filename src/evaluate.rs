//! The commands that read records: `report`, `merge`, `diff`, `baseline`. They know nothing of how a run is made.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::baseline::{self, Baseline};
use crate::diff;
use crate::error::Error;
use crate::exit::Exit;
use crate::merge;
use crate::output::Output;
use crate::record::Record;
use crate::record_file;
use crate::report::style::Styles;
use crate::report::terminal::{Detail, Terminal};
use crate::report::{Format, Wanted, github};

/// `bpconform report`
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The form
    #[arg(value_enum)]
    pub format: Format,
    /// The record: run.json, or the directory that a run wrote it into
    pub record: PathBuf,
    /// Write into this file in place of the standard output
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

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
    pub reports: Vec<Wanted>,
    /// A file of expected verdicts
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
}

/// `bpconform diff`
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// The earlier record: run.json, or the directory that a run wrote it into
    pub before: PathBuf,
    /// The later record
    pub after: PathBuf,
    /// The form
    #[arg(long, value_enum, default_value_t)]
    pub format: DiffFormat,
}

/// A form of a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For a terminal
    #[default]
    Text,
    /// For a pull request or a ticket
    Markdown,
    /// For a machine
    Json,
}

/// `bpconform baseline`
#[derive(Clone, Debug, Args)]
pub struct BaselineArgs {
    /// The record: run.json, or the directory that a run wrote it into
    pub record: PathBuf,
    /// Compare the record with this baseline in place of writing a new one
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
}

/// Draws a record that was kept.
pub fn report(args: &ReportArgs, output: &Output) -> Result<Exit, Error> {
    let record = record_file::read(&args.record)?;
    let path = args.out.clone().unwrap_or_else(|| "-".into());
    draw(&record, &Wanted { format: args.format, path }, output)?;
    Ok(Exit::Green)
}

/// Merges the records of all shards.
pub fn merge(args: &MergeArgs, styles: Styles, output: &Output) -> Result<Exit, Error> {
    let read = |path: &PathBuf| Ok((path.display().to_string(), record_file::read(path)?));
    let records = args.shards.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
    let expected = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let record = merge::merge(records)?;
    std::fs::create_dir_all(&args.out).map_err(|source| Error::Write { file: args.out.clone(), source })?;
    record_file::write(&record, &args.out.join(record_file::WHOLE), |text| output.redactor.redact(text))?;
    draw(&record, &Wanted { format: Format::Junit, path: args.out.join(record_file::JUNIT) }, output)?;
    let output = &output.beside_data(args.reports.iter().any(Wanted::is_stdout));
    publish(&record, &args.reports, output)?;
    output.tell(&Terminal::new(styles, Detail::Usual).end(&record));
    Ok(expected.map_or(record.outcome.exit(), |expected| judge(&record, &expected, output)))
}

/// Compares two records.
pub fn diff(args: &DiffArgs, output: &Output) -> Result<Exit, Error> {
    let (before, after) = (record_file::read(&args.before)?, record_file::read(&args.after)?);
    let diff = diff::diff(&before, &after);
    output.out(&match args.format {
        DiffFormat::Text => diff.text(),
        DiffFormat::Markdown => diff.markdown(),
        DiffFormat::Json => {
            serde_json::to_string_pretty(&diff).map_err(|error| Error::Internal(error.to_string()))? + "\n"
        }
    });
    Ok(diff.exit())
}

/// Writes a baseline that accepts what a record found, or compares a record with one.
pub fn baseline(args: &BaselineArgs, output: &Output) -> Result<Exit, Error> {
    let record = record_file::read(&args.record)?;
    if let Some(file) = &args.check {
        return Ok(judge(&record, &Baseline::read(file)?, output));
    }
    output.out(&Baseline::of(&record, today()).text());
    Ok(Exit::Green)
}

/// Compares a record with a baseline, and tells.
pub fn judge(record: &Record, expected: &Baseline, output: &Output) -> Exit {
    let judgement = baseline::judge(record, expected, today());
    output.tell(&format!("\n{}", judgement.text()));
    judgement.exit
}

/// Today's date in UTC: the same on every machine.
fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

/// Draws the reports that were asked for, and what GitHub Actions shows when it runs there.
pub fn publish(record: &Record, wanted: &[Wanted], output: &Output) -> Result<(), Error> {
    wanted.iter().try_for_each(|wanted| draw(record, wanted, output))?;
    if !is_github() {
        return Ok(());
    }
    output.tell(&github::annotations(record));
    step_summary(&github::summary(record), output)
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
    let text = output.redactor.redact(text);
    let there = std::fs::metadata(file).map_or(0, |data| usize::try_from(data.len()).unwrap_or(usize::MAX));
    if there.saturating_add(text.len()) > github::SUMMARY_LIMIT {
        output.err("warning: the step's summary on GitHub is full; this one is left out\n");
        return Ok(());
    }
    let open = OpenOptions::new().create(true).append(true).open(file);
    open.and_then(|mut open| open.write_all(text.as_bytes()))
        .map_err(|source| Error::Write { file: file.to_owned(), source })
}

fn draw(record: &Record, wanted: &Wanted, output: &Output) -> Result<(), Error> {
    let text = wanted.format.draw(record)?;
    if wanted.is_stdout() {
        output.out(&text);
        return Ok(());
    }
    wanted.make_room()?;
    std::fs::write(&wanted.path, output.redactor.redact(&text))
        .map_err(|source| Error::Write { file: wanted.path.clone(), source })
}
