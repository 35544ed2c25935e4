//! What GitHub Actions shows of a run: the step summary and the annotations, each within GitHub's limits.

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

/// The step summary: the head, the matrix, and as many failures as there is room for.
pub fn summary(record: &Record) -> String {
    let mut text = markdown::head(record) + &markdown::matrix(record);
    let failures = view::failures(record);
    // Room for the last line, which says what was left out.
    let room = SUMMARY_LIMIT - 1024;
    if text.len() > room {
        return markdown::head(record);
    }
    for (told, failure) in failures.iter().enumerate() {
        let one = markdown::failure(failure);
        if text.len() + one.len() > room {
            let _ = writeln!(text, "\n{} more did not pass; see the report.", failures.len() - told);
            break;
        }
        text += &one;
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
    let told = if all.len() > ANNOTATIONS_LIMIT { ANNOTATIONS_LIMIT - 1 } else { all.len() };
    let mut text: String = all[..told].iter().map(|scenario| annotation(command, scenario)).collect();
    if told < all.len() {
        let _ = writeln!(text, "::{command} title=bpconform::{} more: {verdict}; see the report", all.len() - told);
    }
    text
}

fn annotation(command: &str, scenario: &ScenarioRecord) -> String {
    let title = format!("{}: {}", scenario.requirements.join(" "), scenario.name);
    let mut message = scenario.full_reason().unwrap_or_else(|| view::reason(scenario).to_owned());
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
