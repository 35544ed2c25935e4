//! The record as Cucumber Messages (NDJSON), so that Cucumber's own formatters and reporting services read it. The
//! documents are built from the record: each row of an outline's examples is a separate scenario in them.

mod document;

use serde_json::{Value, json};

use self::document::{documents, pickle, test_case};
use crate::error::Error;
use crate::record::{Record, ScenarioRecord, StepRecord};
use crate::report::view;
use crate::verdict::Verdict;

/// The version of the protocol that is spoken.
const PROTOCOL: &str = "34.0.0";

/// All messages, one on each line.
pub fn render(record: &Record) -> Result<String, Error> {
    let mut lines = Lines(String::new());
    lines.add(&json!({ "meta": meta(record) }))?;
    for document in documents(record) {
        lines.add(&json!({ "source": document.source() }))?;
        lines.add(&json!({ "gherkinDocument": document.gherkin() }))?;
        for scenario in &document.scenarios {
            lines.add(&json!({ "pickle": pickle(scenario) }))?;
        }
    }
    lines.add(&json!({ "testRunStarted": { "timestamp": time(started(record)), "id": "run" } }))?;
    for scenario in &record.scenarios {
        lines.add(&json!({ "testCase": test_case(scenario) }))?;
    }
    for scenario in &record.scenarios {
        lines.play(scenario, started(record))?;
    }
    let finished = started(record) + record.duration_ms;
    let run = json!({ "success": record.exit_code == 0, "timestamp": time(finished), "testRunStartedId": "run" });
    lines.add(&json!({ "testRunFinished": run }))?;
    Ok(lines.0)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
fn started(record: &Record) -> f64 {
    record.started.as_millisecond() as f64
}

struct Lines(String);

impl Lines {
    fn add(&mut self, message: &Value) -> Result<(), Error> {
        self.0 += &serde_json::to_string(message).map_err(|error| Error::Internal(error.to_string()))?;
        self.0.push('\n');
        Ok(())
    }

    /// The messages of one scenario: earlier attempts first, of which only the end is known.
    fn play(&mut self, scenario: &ScenarioRecord, run_started: f64) -> Result<(), Error> {
        let began = if scenario.started_ms > 0.0 { scenario.started_ms } else { run_started };
        for (number, attempt) in scenario.attempts.iter().enumerate() {
            let end = attempt.started_ms + attempt.duration_ms;
            self.begin(scenario, number, attempt.started_ms)?;
            let result = result(attempt.verdict, attempt.duration_ms, attempt.reason.as_deref());
            self.step_at(scenario, number, 0, attempt.started_ms, end, &result)?;
            self.end(scenario, number, end, true)?;
        }
        let last = scenario.attempts.len();
        self.begin(scenario, last, began)?;
        let mut at = began;
        for (index, step) in scenario.steps.iter().enumerate() {
            at = if step.started_ms > 0.0 { step.started_ms } else { at };
            let reason = reason_of(scenario, step, index);
            let result = result(verdict_of(scenario, step, index), step.duration_ms, reason.as_deref());
            self.attach(scenario, last, index, step)?;
            self.step_at(scenario, last, index, at, at + step.duration_ms, &result)?;
            at += step.duration_ms;
        }
        self.end(scenario, last, began + scenario.duration_ms, false)
    }

    fn begin(&mut self, scenario: &ScenarioRecord, attempt: usize, at: f64) -> Result<(), Error> {
        self.add(&json!({ "testCaseStarted": {
            "attempt": attempt,
            "id": format!("{}!{attempt}", scenario.id),
            "testCaseId": format!("case:{}", scenario.id),
            "timestamp": time(at),
        }}))
    }

    fn end(&mut self, scenario: &ScenarioRecord, attempt: usize, at: f64, again: bool) -> Result<(), Error> {
        self.add(&json!({ "testCaseFinished": {
            "testCaseStartedId": format!("{}!{attempt}", scenario.id),
            "timestamp": time(at),
            "willBeRetried": again,
        }}))
    }

    fn step_at(
        &mut self,
        scenario: &ScenarioRecord,
        attempt: usize,
        index: usize,
        from: f64,
        to: f64,
        result: &Value,
    ) -> Result<(), Error> {
        let (case, step) = (format!("{}!{attempt}", scenario.id), format!("test-step:{}:{index}", scenario.id));
        self.add(&json!({ "testStepStarted":
            { "testCaseStartedId": case, "testStepId": step, "timestamp": time(from) } }))?;
        self.add(&json!({ "testStepFinished":
            { "testCaseStartedId": case, "testStepId": step, "testStepResult": result, "timestamp": time(to) } }))
    }

    /// The transcripts behind a step, and its last request when it did not pass.
    fn attach(
        &mut self,
        scenario: &ScenarioRecord,
        attempt: usize,
        index: usize,
        step: &StepRecord,
    ) -> Result<(), Error> {
        let mut texts: Vec<_> =
            step.exchanges.iter().filter_map(view::transcript).map(|lines| lines.join("\n")).collect();
        if let Some(exchange) = step.exchanges.last().filter(|_| step.reason.is_some()) {
            texts.push(format!("{} {} → {}", exchange.method, exchange.url, view::answer(exchange)));
        }
        for text in texts {
            self.add(&json!({ "attachment": {
                "body": text,
                "contentEncoding": "IDENTITY",
                "mediaType": "text/plain",
                "testCaseStartedId": format!("{}!{attempt}", scenario.id),
                "testStepId": format!("test-step:{}:{index}", scenario.id),
                "timestamp": time(step.started_ms),
            }}))?;
        }
        Ok(())
    }
}

/// Where a scenario could not begin, or was skipped as a whole, its first step says so.
fn verdict_of(scenario: &ScenarioRecord, step: &StepRecord, index: usize) -> Verdict {
    let none_ran = scenario.steps.iter().all(|step| step.verdict == Verdict::Unproven);
    if none_ran && index == 0 { scenario.verdict } else { step.verdict }
}

fn reason_of(scenario: &ScenarioRecord, step: &StepRecord, index: usize) -> Option<String> {
    let has_no_reason = index == 0 && scenario.steps.iter().all(|step| step.reason.is_none());
    let reason = step.full_reason().or_else(|| scenario.full_reason().filter(|_| has_no_reason))?;
    let remedy = view::remedy(scenario).map(|remedy| format!("\n\n{}. {}", remedy.title, remedy.means));
    Some(reason + &remedy.unwrap_or_default())
}

/// Cucumber has no status for "inconclusive"; a failed step whose exception is of type `error` is the nearest.
fn result(verdict: Verdict, duration_ms: f64, reason: Option<&str>) -> Value {
    let status = match verdict {
        Verdict::Passed => "PASSED",
        Verdict::Failed | Verdict::Error => "FAILED",
        Verdict::Skipped | Verdict::NotApplicable | Verdict::Unproven => "SKIPPED",
    };
    let mut result = json!({ "duration": time(duration_ms), "status": status });
    if let Some(reason) = reason {
        result["message"] = json!(reason);
        if status == "FAILED" {
            result["exception"] = json!({ "type": verdict, "message": reason });
        }
    }
    result
}

fn meta(record: &Record) -> Value {
    let (os, cpu) = record.environment.platform.split_once(' ').unwrap_or(("unknown", "unknown"));
    let mut meta = json!({
        "protocolVersion": PROTOCOL,
        "implementation": { "name": record.tool.name, "version": record.tool.version },
        "runtime": { "name": "Rust" },
        "os": { "name": os },
        "cpu": { "name": cpu },
    });
    let ci = &record.environment.ci;
    if let Some(system) = ci.get("system") {
        meta["ci"] = json!({ "name": system });
        if let Some(job) = ci.get("job").filter(|job| job.starts_with("http")) {
            meta["ci"]["url"] = json!(job);
        }
    }
    meta
}

/// Seconds and nanoseconds from milliseconds: a duration, or a time since 1970.
fn time(ms: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "microseconds since 1970 fit for ages")]
    let us = (ms.max(0.0) * 1000.0).round() as i64;
    json!({ "seconds": us / 1_000_000, "nanos": us % 1_000_000 * 1000 })
}
