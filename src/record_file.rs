//! The record on the disk. During a run it grows as `run.part.jsonl`: one line for the plan, then one for each finished
//! scenario. At the end `run.json` replaces it atomically. A killed run leaves the lines written so far, which every
//! reader of records accepts as an incomplete record.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use bpconform_steps::page_files::{self, PageFiles};
use bpconform_steps::plain::plain_json;
use serde::Serialize;

use crate::causes;
use crate::error::Error;
use crate::record::{self, FORMAT, Record, RunOutcome, ScenarioRecord, Summary};
use crate::text_file;
use crate::verdict::Verdict;

/// The whole record.
pub const WHOLE: &str = "run.json";

/// The record of a run that has not ended.
pub const PART: &str = "run.part.jsonl";

/// The JUnit report for CI systems, next to the record.
pub const JUNIT: &str = "junit.xml";

/// The reason of a scenario that the run did not reach.
const NOT_REACHED: &str = "not run: the run ended before it";

/// Whether two directories are one.
pub fn is_same_place(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    place(one) == place(other)
}

/// Writes the record of a run in progress.
#[derive(Debug)]
pub struct RecordWriter {
    directory: PathBuf,
    part: File,
}

impl RecordWriter {
    /// Begins with the plan, a record whose scenarios have not run. Files of an earlier run are removed.
    pub fn begin(directory: &Path, plan: &Record) -> Result<Self, Error> {
        clear(directory)?;
        fs::create_dir_all(directory).map_err(|source| Error::Write { file: directory.to_owned(), source })?;
        let file = directory.join(PART);
        let part = File::create(&file).map_err(|source| Error::Write { file, source })?;
        let mut keeper = Self { directory: directory.to_owned(), part };
        keeper.add(plan)?;
        Ok(keeper)
    }

    /// Adds a finished scenario.
    pub fn ended(&mut self, scenario: &ScenarioRecord) -> Result<(), Error> {
        self.add(scenario)
    }

    fn add(&mut self, value: &impl Serialize) -> Result<(), Error> {
        let line = serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))?;
        // One write for each line, so that a killed run truncates at most the last line.
        let line = plain_json(&line).into_owned() + "\n";
        self.part.write_all(line.as_bytes()).map_err(|source| Error::Write { file: self.directory.join(PART), source })
    }

    /// Replaces the partial record with the whole one, and removes pictures of an earlier run.
    pub fn finish(self, record: &Record) -> Result<(), Error> {
        write(record, &self.directory.join(WHOLE))?;
        page_files::remove_others(&self.directory, &record.pictures());
        let part = self.directory.join(PART);
        fs::remove_file(&part).map_err(|source| Error::Write { file: part, source })
    }
}

/// Removes the files of an earlier run from a directory. If this run fails before it has a record, the earlier one must
/// not be mistaken for its result.
pub fn clear(directory: &Path) -> Result<(), Error> {
    page_files::remove_others(directory, &[]);
    [WHOLE, PART, JUNIT].into_iter().try_for_each(|name| remove(&directory.join(name)))
}

/// Removes a regular file if it exists. Pipes and devices are kept, since they cannot be an earlier report.
pub fn remove(file: &Path) -> Result<(), Error> {
    if !fs::symlink_metadata(file).is_ok_and(|meta| meta.is_file()) {
        return Ok(());
    }
    fs::remove_file(file).map_err(|source| Error::Write { file: file.to_owned(), source })
}

/// Writes a record atomically: a reader sees the old file or the new one, never a part.
pub fn write(record: &Record, file: &Path) -> Result<(), Error> {
    let next = file.with_extension("json.next");
    stream(record, &next)
        .and_then(|()| fs::rename(&next, file))
        .map_err(|source| Error::Write { file: file.to_owned(), source })
}

/// Writes one scenario at a time, so that the text of thousands of scenarios is never in memory at once.
fn stream(record: &Record, file: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    let empty = record.clone_without_scenarios();
    let frame = serde_json::to_string_pretty(&empty)?;
    let frame = plain_json(&frame);
    let (before, after) = frame
        .split_once("\"scenarios\": []")
        .ok_or_else(|| io::Error::other("the record has no field for scenarios"))?;
    out.write_all(before.as_bytes())?;
    out.write_all(b"\"scenarios\": [")?;
    for (index, scenario) in record.scenarios.iter().enumerate() {
        let comma: &[u8] = if index == 0 { b"\n" } else { b",\n" };
        out.write_all(comma)?;
        out.write_all(plain_json(&serde_json::to_string_pretty(scenario)?).as_bytes())?;
    }
    out.write_all(b"]")?;
    out.write_all(after.as_bytes())?;
    out.write_all(b"\n")?;
    // Not synced: a reader sees the old file or the new one, and a disk makes a short run wait for longer than it takes.
    out.flush()
}

/// Reads a record, whole or partial, from a file or from the directory of a run.
pub fn read(path: &Path) -> Result<Record, Error> {
    if !path.is_dir() {
        return read_file(path);
    }
    let whole = path.join(WHOLE);
    let file = if whole.exists() { whole } else { path.join(PART) };
    if file.exists() {
        return read_file(&file);
    }
    Err(unreadable(
        path,
        format!("it contains neither {WHOLE} nor {PART}; name a file or directory that `bpconform run --out` wrote"),
    ))
}

fn read_file(file: &Path) -> Result<Record, Error> {
    let missing = |error: io::Error| {
        unreadable(file, format!("{error}; name a file or directory that `bpconform run --out` wrote"))
    };
    let open = File::open(file).map_err(missing)?;
    let mut record = if file.extension().is_some_and(|extension| extension == "jsonl") {
        from_lines(BufReader::new(open)).map_err(|problem| unreadable(file, problem))?
    } else {
        // A text is read several times faster than a stream.
        let text = text_file::read(file).map_err(|error| unreadable(file, error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| unreadable(file, not_a_record(&error)))?
    };
    if record.format > FORMAT {
        let problem = format!(
            "its format is {}, and this program reads formats up to {FORMAT}; use a newer version",
            record.format
        );
        return Err(unreadable(file, problem));
    }
    record.files = PageFiles::beside(file.parent().unwrap_or(Path::new("")));
    // Earlier versions wrote no causes.
    if record.causes.is_empty() {
        record.causes = causes::explain(&mut record.scenarios);
    }
    Ok(record)
}

fn not_a_record(error: &serde_json::Error) -> String {
    format!("it is not the record of a run: {error}")
}

pub(crate) fn from_lines(lines: impl BufRead) -> Result<Record, String> {
    let mut lines = lines.lines();
    let plan = lines.next().transpose().map_err(|error| error.to_string())?;
    let plan = plan.ok_or("it is empty: the run ended before its plan was made")?;
    let mut record: Record = serde_json::from_str(&plan).map_err(|error| not_a_record(&error))?;
    let place: HashMap<String, usize> =
        record.scenarios.iter().enumerate().map(|(index, scenario)| (scenario.id.clone(), index)).collect();
    // The last line may be truncated; its scenario counts as not finished.
    for scenario in lines.map_while(Result::ok).filter_map(|line| serde_json::from_str::<ScenarioRecord>(&line).ok()) {
        if let Some(index) = place.get(&scenario.id) {
            record.scenarios[*index] = scenario;
        }
    }
    record.close_incomplete();
    Ok(record)
}

fn unreadable(file: &Path, problem: String) -> Error {
    Error::Read { file: file.to_owned(), problem }
}

impl Record {
    /// What an overview of many records needs: the scenarios that did not pass, without their exchanges.
    #[must_use]
    pub fn for_overview(mut self) -> Self {
        self.scenarios.retain(|scenario| matches!(scenario.verdict, Verdict::Failed | Verdict::Error));
        self.without_exchanges().plain()
    }

    /// A copy of all fields except the scenarios, which are by far the largest.
    fn clone_without_scenarios(&self) -> Self {
        Self {
            format: self.format,
            tool: self.tool.clone(),
            started: self.started,
            duration_ms: self.duration_ms,
            target: self.target.clone(),
            allow: self.allow,
            plan: self.plan.clone(),
            environment: self.environment.clone(),
            body_cap: self.body_cap,
            scenarios: Vec::new(),
            requirements: self.requirements.clone(),
            causes: self.causes.clone(),
            slow: self.slow.clone(),
            summary: self.summary.clone(),
            outcome: self.outcome,
            exit_code: self.exit_code,
            complete: self.complete,
            left_behind: self.left_behind.clone(),
            journal: self.journal.clone(),
            files: self.files.clone(),
        }
    }

    /// The files of pictures to which it refers.
    pub fn pictures(&self) -> Vec<&str> {
        let pages = self.scenarios.iter().flat_map(ScenarioRecord::all_pages);
        pages.filter_map(|page| page.picture.as_deref()).collect()
    }

    /// Recomputes verdicts, counts and outcome after scenarios were replaced or added.
    pub fn judge_again(&mut self, interrupted: bool) {
        self.requirements = record::requirements(&self.scenarios, self.target.products());
        self.causes = causes::explain(&mut self.scenarios);
        self.slow = self.plan.gate.slow(&self.scenarios);
        self.outcome = RunOutcome::of_record(self, interrupted);
        self.exit_code = self.outcome.exit().code();
        self.summary = Summary {
            scenarios: record::count_verdicts(self.scenarios.iter().map(|scenario| scenario.verdict)),
            requirements: record::count_verdicts(self.requirements.iter().map(|requirement| requirement.verdict)),
            flaky: self.scenarios.iter().filter(|scenario| scenario.is_flaky()).count(),
            wall_ms: self.summary.wall_ms,
        };
    }

    /// Completes the record of a killed run: scenarios that did not run get a reason, and the times are those that are known.
    fn close_incomplete(&mut self) {
        for scenario in self.scenarios.iter_mut().filter(|scenario| scenario.verdict == Verdict::Unproven) {
            scenario.reason.get_or_insert_with(|| NOT_REACHED.to_owned());
        }
        self.complete = false;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
        let began = self.started.as_millisecond() as f64;
        let ends = self.scenarios.iter().filter(|one| one.started_ms > 0.0).map(|one| one.started_ms + one.duration_ms);
        self.duration_ms = ends.fold(0.0, |most: f64, end| most.max(end - began));
        self.summary.wall_ms = self.duration_ms;
        self.left_behind = self.scenarios.iter().flat_map(|scenario| scenario.left_behind.clone()).collect();
        self.judge_again(true);
    }
}
