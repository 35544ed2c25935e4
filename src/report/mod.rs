//! What people and machines read, each drawn from the record alone.

pub mod ctrf;
pub mod github;
pub mod har;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod messages;
pub mod style;
pub mod template;
pub mod terminal;
pub mod view;

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use crate::error::Error;
use crate::record::Record;
use crate::record_file;
use crate::report::style::Styles;
use crate::report::terminal::{Detail, Terminal};

/// A form in which a record can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The record itself
    Json,
    /// One page for people, with nothing to load
    Html,
    /// JUnit XML as Jenkins reads it
    Junit,
    /// Cucumber Messages, one JSON object on each line
    Messages,
    /// The HTTP exchanges as HAR 1.2
    Har,
    /// Common Test Report Format
    Ctrf,
    /// Markdown
    Markdown,
    /// Markdown within the limits of a GitHub step summary
    Github,
    /// GitHub's workflow commands: one annotation for each failure, within its limits
    Annotations,
    /// As on a terminal
    Text,
}

impl Format {
    /// The word for it on the command line.
    pub fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Draws a record. An error is a defect of the program.
    pub fn draw(self, record: &Record) -> Result<String, Error> {
        Ok(match self {
            Self::Json => json(record)? + "\n",
            Self::Html => html::draw(record)?,
            Self::Junit => junit::draw(record)?,
            Self::Messages => messages::draw(record)?,
            Self::Har => json(&har::draw(record))? + "\n",
            Self::Ctrf => json(&ctrf::draw(record))? + "\n",
            Self::Markdown => markdown::draw(record),
            Self::Github => github::summary(record),
            Self::Annotations => github::annotations(record),
            Self::Text => text(record),
        })
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

/// `--report FORMAT=PATH`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The form.
    pub format: Format,
    /// Where to; `-` is the standard output.
    pub path: PathBuf,
}

impl Wanted {
    /// Whether it goes to the standard output.
    pub fn is_stdout(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// Makes its directory, and removes what an earlier run left in its place. Before a run, so that one of an hour is
    /// not lost to a path that cannot be written, and so that nobody takes an earlier report for this run's.
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

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Format::value_variants().iter().map(|format| format.word()).collect::<Vec<_>>().join(", ");
        let (format, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or_else(|| format!("write it like html=report.html; the formats are {}", known()))?;
        let format = Format::from_str(format, false)
            .map_err(|_| format!("there is no format `{format}`; there are {}", known()))?;
        Ok(Self { format, path: path.into() })
    }
}
