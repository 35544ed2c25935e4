//! The record as Markdown, for a pull request, a ticket or a wiki. Texts from outside are escaped, so that a reason cannot
//! become a heading, a link or HTML.

use std::fmt::Write as _;

use bpconform_steps::evidence::Exchange;
use bpconform_steps::plain::{plain, plain_line};

use crate::record::{Record, Summary};
use crate::report::curl;
use crate::report::view::{self, CauseView, FailedScenario, Section};
use crate::verdict::Verdict;

/// The whole record.
pub fn render(record: &Record) -> String {
    let mut text = head(record);
    let causes = view::causes(record);
    if !causes.is_empty() {
        text += &causes_heading(record);
    }
    let scenarios =
        |all: &[FailedScenario<'_>]| all.iter().map(|one| failure(one) + &requests(one)).collect::<String>();
    causes.iter().for_each(|view| {
        text += &cause(view, &scenarios(&view.shown_by));
        text += &consequences(view, &scenarios(&view.explains));
    });
    text + &matrix(record) + &skipped(record)
}

/// The title, the verdict in one line, and what was checked.
pub fn head(record: &Record) -> String {
    let exit = record.outcome.exit();
    let mark = if exit.code() == 0 { "✅" } else { "❌" };
    let cut = if record.complete { "" } else { " (incomplete)" };
    let result = record.result();
    let colon = if result == exit.meaning() { "" } else { ":" };
    let mut text = format!("# {mark} Brand Portal configuration{colon} {result}{cut}\n\n");
    let row = |text: &mut String, what: &str, value: &str| {
        let _ = writeln!(text, "| {what} | {value} |");
    };
    text += "| | |\n|---|---|\n";
    if let Some(name) = &record.environment.name {
        row(&mut text, "Environment", &escape(name));
    }
    let product = record.target.product.as_deref().map(|product| format!(" · {}", escape(product)));
    let at = record.target.addresses.get("author").map(|url| format!(" · {}", escape(url.as_str())));
    let target = escape(&record.target.kind) + &product.unwrap_or_default() + &at.unwrap_or_default();
    row(&mut text, "Target", &target);
    row(&mut text, "Judged as", &escape(&view::judged_as(record)));
    if let Some(mocks) = record.target.mocked() {
        row(&mut text, "Mocks", &escape(&mocks));
    }
    row(&mut text, "Allowed", record.allow.word());
    row(&mut text, "Requirements", &counts(&record.summary, true));
    row(&mut text, "Scenarios", &counts(&record.summary, false));
    row(&mut text, "Began", &record.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    row(&mut text, "Took", &view::time(record.duration_ms));
    if let Some(shard) = &record.plan.shard {
        row(&mut text, "Shard", &format!("{} of {}", shard.index, shard.count));
    }
    if let Some(rerun) = view::rerun(record) {
        row(&mut text, "Rerun", &rerun);
    }
    row(&mut text, "Exit code", &format!("{}: {result}", exit.code()));
    for slow in &record.slow {
        row(&mut text, "**Slow**", &escape(&slow.text()));
    }
    for left in &record.left_behind {
        row(&mut text, "**Could not be undone**", &escape(left));
    }
    text
}

fn counts(summary: &Summary, requirements: bool) -> String {
    let counts = if requirements { &summary.requirements } else { &summary.scenarios };
    let parts = Verdict::ALL.iter().filter_map(|verdict| Some((counts.get(verdict).filter(|n| **n > 0)?, verdict)));
    let parts: Vec<_> = parts.map(|(n, verdict)| format!("{n} {verdict}")).collect();
    if parts.is_empty() { "none".into() } else { parts.join(", ") }
}

/// The requirements by section, with links into the document.
pub fn matrix(record: &Record) -> String {
    let mut text = "\n## Requirements\n".to_owned();
    for section in view::sections(record) {
        text += &self::section(&section, record.plan.is_selection());
    }
    text
}

fn section(section: &Section<'_>, selected: bool) -> String {
    let mut rows = String::new();
    for row in &section.rows {
        // Requirements that were not selected do not belong to the result of the run.
        if selected && matches!(row.found.verdict, Verdict::Unproven | Verdict::NotApplicable) {
            continue;
        }
        let reason = row.found.reason.as_deref().map(|reason| format!(" — {}", escape(&view::shorten(reason, 200))));
        let _ = writeln!(
            rows,
            "| {} {} | [{}]({}) | {}{} |",
            mark(row.found.verdict),
            row.found.verdict,
            row.found.id,
            row.link,
            escape(&row.requirement.promise),
            reason.unwrap_or_default()
        );
    }
    if rows.is_empty() {
        return rows;
    }
    format!("\n### {}\n\n| Verdict | Requirement | Statement |\n|---|---|---|\n{rows}", escape(section.title))
}

/// How many causes explain how many failures.
pub fn causes_heading(record: &Record) -> String {
    format!("\n## What did not pass: {}\n", view::causes_in_short(record))
}

/// A cause: the remedy that comes first, and the rendered scenarios that show it.
pub fn cause(view: &CauseView<'_>, scenarios: &str) -> String {
    let cause = view.cause;
    let mut text = format!("\n### {} {} ({})\n", mark(view.verdict), escape(&cause.title), escape(&cause.requirement));
    if let Some(remedy) = view.remedy {
        let _ = writeln!(text, "\n{}\n", escape(&remedy.means));
        for (number, step) in (1..).zip(&remedy.steps) {
            let _ = writeln!(text, "{number}. {}", escape(step));
        }
        let _ = writeln!(text, "\n[What the documentation says]({})", remedy.link);
    }
    text + scenarios
}

/// What follows from a cause, folded.
pub fn consequences(view: &CauseView<'_>, scenarios: &str) -> String {
    let Some(count) = view.consequences() else { return String::new() };
    format!("\n<details><summary>{count}</summary>\n{scenarios}\n</details>\n")
}

/// One scenario that did not pass: the step, the reason, the last request.
pub fn failure(failure: &FailedScenario<'_>) -> String {
    let scenario = failure.scenario;
    let mut text = format!("\n#### {} {}\n\n", mark(scenario.verdict), escape(&scenario.name));
    let ids = scenario.requirements.join(", ");
    let _ = writeln!(text, "`{}:{}` · {} · {ids}\n", scenario.file, scenario.line, scenario.verdict);
    if let Some(step) = failure.step {
        let _ = writeln!(text, "**{}** {}\n", escape(&step.keyword), escape(&step.text));
    }
    text += &fenced(&failure.reason);
    if let Some(exchange) = failure.step.and_then(|step| step.exchanges.last()) {
        let _ = writeln!(
            text,
            "\nLast request: {} {} → {}",
            escape(&exchange.method),
            escape(&exchange.url),
            escape(&view::answer(exchange))
        );
        if let Some(lines) = view::transcript(exchange) {
            let _ =
                write!(text, "\n<details><summary>Transcript</summary>\n\n{}\n</details>\n", fenced(&lines.join("\n")));
        }
    }
    text
}

/// The lines of a shell that send the requests of a scenario again, folded.
fn requests(failure: &FailedScenario<'_>) -> String {
    let lines = view::exchanges(failure.scenario).filter_map(|exchange| {
        let Exchange { method, url, .. } = exchange;
        let what = plain_line(&format!("{method} {url} → {}", view::answer(exchange)));
        Some(format!("# {what}\n{}\n", plain(&curl::line(exchange)?)))
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        return lines;
    }
    format!("\n<details><summary>To repeat the requests</summary>\n\n{}\n</details>\n", block("sh", &lines))
}

/// A block of text as it is; its fence is longer than any in the text.
fn fenced(text: &str) -> String {
    block("text", text)
}

fn block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end())
}

fn skipped(record: &Record) -> String {
    let skipped: Vec<_> = record.scenarios.iter().filter(|scenario| scenario.verdict == Verdict::Skipped).collect();
    if skipped.is_empty() {
        return String::new();
    }
    let mut text = "\n## Skipped\n\n".to_owned();
    for scenario in skipped {
        let _ =
            writeln!(text, "- {} — {}", escape(&scenario.name), escape(&view::shorten(view::reason(scenario), 200)));
    }
    text
}

/// A mark that says the verdict without colour too.
pub const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✅",
        Verdict::Failed => "❌",
        Verdict::Error => "⚠️",
        Verdict::Skipped => "⏭️",
        Verdict::NotApplicable => "➖",
        Verdict::Unproven => "▫️",
    }
}

/// A text from outside as plain text on one line of Markdown.
pub fn escape(text: &str) -> String {
    // A text that was decoded from JSON may hold what the record only holds escaped.
    let text = &*plain(text);
    let mut plain = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match c {
            '<' => plain += "&lt;",
            '>' => plain += "&gt;",
            '&' => plain += "&amp;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' => plain.extend(['\\', c]),
            // A name in a reason must not call a person or a ticket.
            '@' => plain += "@\u{200b}",
            c => plain.push(c),
        }
    }
    plain
}
