//! The step summary and the annotations for GitHub Actions, each within GitHub's limits.

use std::fmt::Write as _;

use crate::record::{Record, ScenarioRecord};
use crate::report::{markdown, view};
use crate::verdict::Verdict;

/// The largest step summary that GitHub takes, in bytes: 1 MiB; GitHub discards a larger one as a whole.
pub const SUMMARY_LIMIT: usize = 1024 * 1024;

/// How many annotations of one kind GitHub shows for a step.
pub const ANNOTATIONS_LIMIT: usize = 10;

/// The longest message of an annotation, in bytes; GitHub cuts at 64 KiB, a person much earlier.
const MESSAGE_LIMIT: usize = 4096;

/// The step summary: the head, the causes with as many consequences as there is room for, and the matrix.
pub fn summary(record: &Record) -> String {
    let (head, matrix) = (markdown::head(record), markdown::matrix(record));
    // Room for the last lines, which say what was left out.
    let Some(room) = (SUMMARY_LIMIT - 4096).checked_sub(head.len() + matrix.len()) else { return head };
    head + &causes(record, room) + &matrix
}

fn causes(record: &Record, room: usize) -> String {
    let causes = view::causes(record);
    let mut text = if causes.is_empty() { String::new() } else { markdown::causes_heading(record) };
    let mut left_out = 0;
    for cause in &causes {
        let one = markdown::cause(cause, &cause.shown_by.iter().map(markdown::failure).collect::<String>());
        if text.len() + one.len() > room {
            left_out += cause.shown_by.len() + cause.explains.len();
            continue;
        }
        text += &one;
        let mut consequences = String::new();
        for failure in &cause.explains {
            let one = markdown::failure(failure);
            // The frame around the consequences is about this long.
            if text.len() + consequences.len() + one.len() + 128 > room {
                left_out += 1;
            } else {
                consequences += &one;
            }
        }
        text += &markdown::consequences(cause, &consequences);
    }
    if left_out > 0 {
        let _ = writeln!(text, "\n{left_out} more did not pass; see the report.");
    }
    text
}

/// The annotations as workflow commands: an error for each failure, a warning for each scenario that could not be
/// judged. What has no room is counted in the last one of its kind.
pub fn annotations(record: &Record) -> String {
    commands(record, "error", Verdict::Failed) + &commands(record, "warning", Verdict::Error)
}

fn commands(record: &Record, command: &str, verdict: Verdict) -> String {
    let all: Vec<_> = record.scenarios.iter().filter(|scenario| scenario.verdict == verdict).collect();
    let shown = if all.len() > ANNOTATIONS_LIMIT { ANNOTATIONS_LIMIT - 1 } else { all.len() };
    let mut text: String = all[..shown].iter().map(|scenario| annotation(command, scenario)).collect();
    if shown < all.len() {
        let _ = writeln!(text, "::{command} title=bpconform::{} more: {verdict}; see the report", all.len() - shown);
    }
    text
}

fn annotation(command: &str, scenario: &ScenarioRecord) -> String {
    let title = format!("{}: {}", scenario.requirements.join(" "), scenario.name);
    let mut message = scenario.full_reason().unwrap_or_else(|| view::reason(scenario).to_owned());
    if !scenario.explained_by.is_empty() {
        let _ = write!(message, "\nfollows from: {}", scenario.explained_by.join(", "));
    }
    if let Some(remedy) = view::remedy(scenario) {
        let _ = write!(message, "\n{}. {}", remedy.title, remedy.means);
    }
    let end = (0..=MESSAGE_LIMIT.min(message.len())).rev().find(|end| message.is_char_boundary(*end));
    message.truncate(end.unwrap_or(0));
    format!(
        "::{command} file={},line={},title={}::{}\n",
        property(&scenario.file),
        scenario.line,
        property(&title),
        data(&message)
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
