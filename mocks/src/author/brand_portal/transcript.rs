//! Transcripts of deliveries: the lines on the page of Test Connection and in the log of an agent (surfaces.md §4.2, §4.3).

use jiff::Timestamp;

use super::agent::Agent;
use crate::author::{escape, html};
use crate::machine::Response;

/// The level of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// A normal event.
    Info,
    /// A failure.
    Error,
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    time: Timestamp,
    level: Level,
    text: String,
}

impl Line {
    /// The line in the format of a test page.
    fn in_test(&self) -> String {
        format!("{} - {}", self.time.strftime("%Y-%m-%d %H:%M:%S"), self.text)
    }

    /// The line in the format of an agent's log.
    pub(super) fn in_log(&self, agent: &str) -> String {
        let level = if self.level == Level::Info { "INFO" } else { "ERROR" };
        format!("{} - {level} - {agent} : {}", self.time.strftime("%Y-%m-%d %H:%M:%S"), self.text)
    }
}

/// The lines of one delivery.
#[derive(Debug, Default)]
pub(super) struct Transcript(pub(super) Vec<Line>);

impl Transcript {
    /// Adds a line of level INFO.
    pub(super) fn info(&mut self, time: Timestamp, text: impl Into<String>) {
        self.0.push(Line { time, level: Level::Info, text: text.into() });
    }

    /// Adds a line of level ERROR.
    pub(super) fn error(&mut self, time: Timestamp, text: impl Into<String>) {
        self.0.push(Line { time, level: Level::Error, text: text.into() });
    }

    /// The page that Test Connection answers with.
    pub(super) fn page(&self, agent: &Agent, succeeded: bool) -> Response {
        let lines: Vec<_> = self.0.iter().map(|line| format!("{}<br>\n", escape(&line.in_test()))).collect();
        let lines = lines.concat();
        let verdict = if succeeded { "succeeded" } else { "failed" };
        let target = escape(&agent.target);
        html(
            200,
            &format!(
                "<!DOCTYPE html>\n<html><head><title>Replication test</title></head><body>\n\
                 <h1>Replication test to {target}</h1>\n<code>{lines}</code>\n\
                 <hr>Replication test <strong>{verdict}</strong>\n</body></html>\n"
            ),
        )
    }
}
