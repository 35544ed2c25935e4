//! The record as SARIF 2.1.0, which GitHub code scanning and other viewers read: the requirements are the rules, and the
//! causes of what did not pass are the results.

use bpconform_fixtures::requirements::{Level, Requirement};
use bpconform_fixtures::{Remedies, Requirements};
use serde_json::{Value, json};

use crate::record::{CauseRecord, Record, ScenarioRecord};
use crate::report::view::{self, CauseView};
use crate::verdict::Verdict;

/// The schema of the format.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole record.
pub fn render(record: &Record) -> Value {
    let rules = &Requirements::built_in().all;
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": record.tool.name,
                "semanticVersion": record.tool.version,
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            }},
            "invocations": [{
                "executionSuccessful": record.complete && record.scenarios.iter().all(|one| !one.harness_failed),
                "exitCode": record.exit_code,
                "startTimeUtc": record.started.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": view::causes(record).iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn rule(requirement: &Requirement) -> Value {
    let level = if requirement.level == Level::Must { "error" } else { "warning" };
    let steps = Remedies::built_in().for_failure(&requirement.id, None).map(|remedy| remedy.steps.join("\n"));
    let mut rule = json!({
        "id": requirement.id,
        "shortDescription": { "text": requirement.promise },
        "helpUri": Requirements::built_in().link(requirement),
        "defaultConfiguration": { "level": level },
    });
    if let Some(steps) = steps {
        rule["help"] = json!({ "text": steps });
    }
    rule
}

/// A cause: what follows from it is counted in its message and stands in its properties.
fn result(view: &CauseView<'_>) -> Value {
    let CauseRecord { id, title, requirement, explains, shown_by, .. } = view.cause;
    let known = Requirements::built_in().all.iter().position(|rule| rule.id == *requirement);
    let is_must = known.is_none_or(|at| Requirements::built_in().all[at].level == Level::Must);
    let level = if view.verdict == Verdict::Failed && is_must { "error" } else { "warning" };
    let mut text = format!("{title}: {}", view.evidence());
    if let Some(count) = view.consequences() {
        text += &format!("\n{count}.");
    }
    if let Some(remedy) = view.remedy {
        text += &format!("\n{}\n{}", remedy.means, remedy.steps.join("\n"));
    }
    let mut result = json!({
        "ruleId": requirement,
        "level": level,
        "message": { "text": without_links(&text) },
        "locations": view.shown_by.iter().map(|one| location(one.scenario)).collect::<Vec<_>>(),
        // The same cause is the same alert in each run.
        "partialFingerprints": { "cause/v1": format!("{requirement}/{id}") },
        "properties": { "cause": id, "verdict": view.verdict, "shownBy": shown_by, "explains": explains },
    });
    if let Some(index) = known {
        result["ruleIndex"] = json!(index);
    }
    if !view.explains.is_empty() {
        let related: Vec<_> = view.explains.iter().map(|one| location(one.scenario)).collect();
        result["relatedLocations"] = json!(related);
    }
    result
}

fn location(scenario: &ScenarioRecord) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&scenario.file) },
            "region": { "startLine": scenario.line.max(1) },
        },
        "message": { "text": without_links(&scenario.name) },
    })
}

/// A message whose brackets are text: SARIF reads `[text](target)` as a link.
fn without_links(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

/// A path as a relative reference: special characters are percent-encoded.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let path = path.replace('\\', "/");
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_a_message_are_no_link() {
        assert_eq!(without_links(r"a [b](http://c) \d"), r"a \[b\](http://c) \\d");
    }
}
