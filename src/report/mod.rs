//! The reports for people and machines, each rendered from the record and the pictures that it names.

pub mod ctrf;
pub mod curl;
pub mod github;
pub mod har;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod messages;
pub mod sarif;
pub mod style;
pub mod template;
pub mod terminal;
pub mod trace;
pub mod view;

use std::path::PathBuf;
use std::str::FromStr;

use bpconform_steps::plain::plain_json;

use crate::error::Error;
use crate::record::Record;
use crate::record_file;
use crate::report::style::Styles;
use crate::report::terminal::{Detail, Terminal};

/// A report format: one way in which a record is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// The record itself.
    Json,
    /// One page for people, without external resources.
    Html,
    /// JUnit XML for Jenkins and others.
    Junit,
    /// Cucumber Messages, one JSON object per line.
    Messages,
    /// The HTTP exchanges, as HAR 1.2.
    Har,
    /// Common Test Report Format.
    Ctrf,
    /// SARIF 2.1.0: requirements as rules, causes as results.
    Sarif,
    /// Markdown.
    Markdown,
    /// Markdown within the limits of a GitHub step summary.
    Github,
    /// GitHub's workflow commands: one annotation for each failure, within its limits.
    Annotations,
    /// The text of the terminal.
    Text,
    /// A ZIP file of what the run saw in a browser.
    Trace,
}

impl ReportFormat {
    /// All formats, in the order in which the help shows them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain([Self::Trace])
    }

    /// The formats that are text, in the order in which the help shows them.
    pub const ALL: [Self; 11] = [
        Self::Json,
        Self::Html,
        Self::Junit,
        Self::Messages,
        Self::Har,
        Self::Ctrf,
        Self::Sarif,
        Self::Markdown,
        Self::Github,
        Self::Annotations,
        Self::Text,
    ];

    /// The word for it on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Junit => "junit",
            Self::Messages => "messages",
            Self::Har => "har",
            Self::Ctrf => "ctrf",
            Self::Sarif => "sarif",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Annotations => "annotations",
            Self::Text => "text",
            Self::Trace => "trace",
        }
    }

    /// What it is, for the help.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Json => "The record itself",
            Self::Html => "One HTML page for people, which loads nothing from a network",
            Self::Junit => "JUnit XML for Jenkins and others",
            Self::Messages => "Cucumber Messages, one JSON object per line",
            Self::Har => "The HTTP exchanges, as HAR 1.2",
            Self::Ctrf => "Common Test Report Format",
            Self::Sarif => "SARIF 2.1.0 for code scanning: requirements as rules, causes as results",
            Self::Markdown => "Markdown",
            Self::Github => "Markdown within the limits of a GitHub step summary",
            Self::Annotations => "GitHub's workflow commands: one annotation for each failure, within its limits",
            Self::Text => "The text of the terminal",
            Self::Trace => {
                "A ZIP file of what was done in a browser: screenshots, accessibility trees, consoles and requests"
            }
        }
    }

    /// The words for all formats, as a list for messages.
    fn words() -> String {
        Self::all().map(Self::word).collect::<Vec<_>>().join(", ")
    }

    /// Whether it shows pictures of pages.
    pub const fn shows_pictures(self) -> bool {
        matches!(self, Self::Html | Self::Trace)
    }

    /// The bytes of a report, whose texts went through `mask`. An error is a bug in the program.
    pub fn bytes(self, record: &Record, mask: &dyn Fn(&str) -> String) -> Result<Vec<u8>, Error> {
        match self {
            Self::Trace => trace::render(record, mask),
            _ => self.render(record).map(|text| mask(&text).into_bytes()),
        }
    }

    /// Renders a record as text. An error is a bug in the program.
    pub fn render(self, record: &Record) -> Result<String, Error> {
        if self.is_json() {
            return self.render_json(record).map(|text| plain_json(&text).into_owned());
        }
        let record = &record.clone().plain();
        Ok(match self {
            Self::Html => html::render(record)?,
            Self::Junit => junit::render(record)?,
            Self::Markdown => markdown::render(record),
            Self::Github => github::summary(record),
            Self::Annotations => github::annotations(record),
            Self::Trace => return Err(Error::Internal("a trace is not a text".to_owned())),
            Self::Text | Self::Json | Self::Messages | Self::Har | Self::Ctrf | Self::Sarif => text(record),
        })
    }

    const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Messages | Self::Har | Self::Ctrf | Self::Sarif)
    }

    fn render_json(self, record: &Record) -> Result<String, Error> {
        match self {
            Self::Messages => messages::render(record),
            Self::Har => Ok(json(&har::render(record))? + "\n"),
            Self::Ctrf => Ok(json(&ctrf::render(record))? + "\n"),
            Self::Sarif => Ok(json(&sarif::render(record))? + "\n"),
            _ => Ok(json(record)? + "\n"),
        }
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(value).map_err(|error| Error::Internal(error.to_string()))
}

fn text(record: &Record) -> String {
    let mut terminal = Terminal::new(Styles::PLAIN, Detail::Usual);
    let scenarios: String = record.scenarios.iter().map(|scenario| terminal.scenario(scenario)).collect();
    scenarios + &terminal.end(record)
}

impl FromStr for ReportFormat {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::all().find(|format| format.word() == word);
        found.ok_or_else(|| format!("unknown format `{word}`; the formats are {}", Self::words()))
    }
}

/// `--report FORMAT=PATH`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRequest {
    /// The form.
    pub format: ReportFormat,
    /// Where to; `-` is the standard output.
    pub path: PathBuf,
}

impl ReportRequest {
    /// Whether it goes to the standard output.
    pub fn is_stdout(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// Makes its directory, and removes what an earlier run left in its place. Before a run, so that one of an hour is
    /// not lost to a path that cannot be written, and so that an earlier report is not mistaken for this run's.
    pub fn make_room(&self) -> Result<(), Error> {
        if self.is_stdout() {
            return Ok(());
        }
        if let Some(directory) = self.path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(|source| Error::Write { file: directory.to_owned(), source })?;
        }
        record_file::remove(&self.path)
    }
}

impl FromStr for ReportRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or_else(|| format!("write it like html=report.html; the formats are {}", ReportFormat::words()))?;
        let format = format.parse()?;
        if format == ReportFormat::Trace && path == "-" {
            return Err("a trace is a ZIP file: name it, as in trace=trace.zip".to_owned());
        }
        Ok(Self { format, path: path.into() })
    }
}
