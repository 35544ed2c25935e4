//! The record in the Common Test Report Format (ctrf.io), specification 0.0.

use serde_json::{Map, Value, json};

use crate::record::{Attempt, Record, ScenarioRecord, StepRecord};
use crate::report::view;
use crate::verdict::Verdict;

/// The record as CTRF.
pub fn render(record: &Record) -> Value {
    let start = record.started.as_millisecond();
    json!({
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "timestamp": record.started.to_string(),
        "generatedBy": format!("{} {}", record.tool.name, record.tool.version),
        "results": {
            "tool": { "name": record.tool.name, "version": record.tool.version },
            "summary": summary(record, start),
            "tests": record.scenarios.iter().map(test).collect::<Vec<_>>(),
            "environment": environment(record),
            "extra": { "outcome": record.outcome, "exitCode": record.exit_code, "complete": record.complete,
                "requirements": record.summary.requirements },
        },
    })
}

fn summary(record: &Record, start: i64) -> Value {
    let n = |verdict| record.scenarios.iter().filter(|scenario| scenario.verdict == verdict).count();
    let flaky = record.scenarios.iter().filter(|scenario| scenario.is_flaky()).count();
    let duration = whole(record.duration_ms);
    json!({
        "tests": record.scenarios.len(),
        "passed": n(Verdict::Passed),
        "failed": n(Verdict::Failed),
        "skipped": n(Verdict::Skipped) + n(Verdict::NotApplicable),
        "pending": n(Verdict::Unproven),
        "other": n(Verdict::Error),
        "flaky": flaky,
        "start": start,
        "stop": start + duration,
        "duration": duration,
    })
}

fn test(scenario: &ScenarioRecord) -> Value {
    let mut test = json!({
        "name": scenario.name,
        "status": status(scenario.verdict),
        "duration": whole(scenario.duration_ms),
        "suite": [scenario.feature],
        "rawStatus": scenario.verdict,
        "tags": scenario.tags,
        "type": "conformance",
        "filePath": scenario.file,
        "line": scenario.line,
        "flaky": scenario.is_flaky(),
        "retries": scenario.attempts.len(),
        "steps": scenario.steps.iter().map(step).collect::<Vec<_>>(),
        "extra": { "id": scenario.id, "requirements": scenario.requirements, "allow": scenario.allow },
    });
    if scenario.started_ms > 0.0 {
        test["start"] = json!(whole(scenario.started_ms));
        test["stop"] = json!(whole(scenario.started_ms + scenario.duration_ms));
    }
    if let Some(reason) = scenario.full_reason() {
        test["message"] = json!(reason);
    }
    if let Some(remedy) = view::remedy(scenario) {
        test["extra"]["remedy"] =
            json!({ "id": remedy.id, "title": remedy.title, "steps": remedy.steps, "link": remedy.link });
    }
    if !scenario.attempts.is_empty() {
        test["retryAttempts"] = (1..).zip(&scenario.attempts).map(|(number, one)| attempt(number, one)).collect();
    }
    test
}

fn attempt(number: usize, attempt: &Attempt) -> Value {
    let start = whole(attempt.started_ms);
    let duration = whole(attempt.duration_ms);
    let mut value = json!({ "attempt": number, "status": status(attempt.verdict), "duration": duration, "start": start,
        "stop": start + duration });
    if let Some(reason) = &attempt.reason {
        value["message"] = json!(reason);
    }
    value
}

fn step(step: &StepRecord) -> Value {
    let name = format!("{} {}", step.keyword, step.text);
    json!({ "name": name, "status": status(step.verdict), "extra": { "duration": step.duration_ms } })
}

/// CTRF has no status for "inconclusive" and none for "not applicable": use `other` and `skipped`, with the verdict in
/// `rawStatus`.
const fn status(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Error => "other",
        Verdict::Skipped | Verdict::NotApplicable => "skipped",
        Verdict::Unproven => "pending",
    }
}

fn environment(record: &Record) -> Value {
    let mut environment = Map::new();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            environment.insert(name.to_owned(), Value::from(value));
        }
    };
    set("appName", Some("AEM Assets with Brand Portal".to_owned()));
    set("appVersion", record.target.product.clone());
    set("testEnvironment", record.environment.name.clone().or_else(|| Some(record.target.kind.clone())));
    set("osPlatform", Some(record.environment.platform.clone()).filter(|platform| !platform.is_empty()));
    for (name, own) in [("buildUrl", "job"), ("branchName", "branch"), ("commit", "commit")] {
        set(name, record.environment.ci.get(own).cloned());
    }
    set("shardId", record.plan.shard.as_ref().map(|shard| format!("{}/{}", shard.index, shard.count)));
    Value::Object(environment)
}

fn whole(ms: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit for ages")]
    let whole = ms.round() as i64;
    whole
}
