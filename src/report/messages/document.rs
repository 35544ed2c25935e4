//! The features, scenarios and test cases of the Messages, built from the record.

use serde_json::{Value, json};

use crate::record::{Record, ScenarioRecord, StepRecord};

/// One feature of the record.
pub(super) struct Document<'a> {
    file: &'a str,
    name: &'a str,
    pub(super) scenarios: Vec<&'a ScenarioRecord>,
}

/// The features of the record, in its order.
pub(super) fn documents(record: &Record) -> Vec<Document<'_>> {
    let mut documents: Vec<Document<'_>> = Vec::new();
    for scenario in &record.scenarios {
        match documents.iter_mut().rfind(|document| document.file == scenario.file) {
            Some(document) => document.scenarios.push(scenario),
            None => {
                documents.push(Document { file: &scenario.file, name: &scenario.feature, scenarios: vec![scenario] });
            }
        }
    }
    documents
}

/// The most lines of a feature file.
const MOST_LINES: usize = 100_000;

impl Document<'_> {
    /// The feature as text; each line is where the record says that it is.
    pub(super) fn source(&self) -> Value {
        let mut lines: Vec<String> = Vec::new();
        let mut put = |line: usize, text: String| {
            // A record may be of anybody; no feature file is so long.
            let line = line.min(MOST_LINES);
            if lines.len() < line {
                lines.resize(line, String::new());
            }
            lines[line.max(1) - 1] = text;
        };
        put(1, format!("Feature: {}", self.name));
        for scenario in &self.scenarios {
            put(scenario.line, format!("  Scenario: {}", scenario.name));
            scenario.steps.iter().for_each(|step| put(step.line, format!("    {} {}", step.keyword, step.text)));
        }
        json!({ "uri": self.file, "data": lines.join("\n") + "\n", "mediaType": "text/x.cucumber.gherkin+plain" })
    }

    /// The feature as a syntax tree.
    pub(super) fn gherkin(&self) -> Value {
        let children: Vec<_> = self.scenarios.iter().map(|scenario| json!({ "scenario": node(scenario) })).collect();
        json!({
            "uri": self.file,
            "feature": {
                "location": { "line": 1, "column": 1 },
                "tags": [],
                "language": "en",
                "keyword": "Feature",
                "name": self.name,
                "description": "",
                "children": children,
            },
            "comments": [],
        })
    }
}

fn node(scenario: &ScenarioRecord) -> Value {
    let at = |line: usize| json!({ "line": line.max(1) });
    let tag = |(index, tag): (usize, &String)| {
        let id = format!("tag:{}:{index}", scenario.id);
        json!({ "location": at(scenario.line), "name": format!("@{tag}"), "id": id })
    };
    let step = |(index, step): (usize, &StepRecord)| {
        let mut node = json!({
            "location": at(step.line),
            "keyword": format!("{} ", step.keyword),
            "keywordType": keyword_type(&step.keyword),
            "text": step.text,
            "id": format!("step:{}:{index}", scenario.id),
        });
        if !step.table.is_empty() {
            let cell = |cell: &String| json!({ "location": at(step.line), "value": cell });
            let row = |(number, row): (usize, &Vec<String>)| {
                let cells: Vec<_> = row.iter().map(cell).collect();
                json!({ "location": at(step.line + number + 1), "cells": cells,
                    "id": format!("row:{}:{index}:{number}", scenario.id) })
            };
            node["dataTable"] = json!({ "location": at(step.line + 1), "rows": step.table.iter().enumerate().map(row).collect::<Vec<_>>() });
        }
        if let Some(text) = &step.doc_string {
            node["docString"] = json!({ "location": at(step.line + 1), "content": text, "delimiter": "\"\"\"" });
        }
        node
    };
    json!({
        "location": at(scenario.line),
        "tags": scenario.tags.iter().enumerate().map(tag).collect::<Vec<_>>(),
        "keyword": "Scenario",
        "name": scenario.name,
        "description": "",
        "steps": scenario.steps.iter().enumerate().map(step).collect::<Vec<_>>(),
        "examples": [],
        "id": format!("scenario:{}", scenario.id),
    })
}

/// The scenario as it is run.
pub(super) fn pickle(scenario: &ScenarioRecord) -> Value {
    let tag = |(index, tag): (usize, &String)| json!({ "name": format!("@{tag}"), "astNodeId": format!("tag:{}:{index}", scenario.id) });
    let mut kind = "Unknown";
    let mut step = |(index, step): (usize, &StepRecord)| {
        kind = match keyword_type(&step.keyword) {
            "Conjunction" => kind,
            own => own,
        };
        let mut pickle = json!({
            "astNodeIds": [format!("step:{}:{index}", scenario.id)],
            "id": format!("pickle-step:{}:{index}", scenario.id),
            "type": kind,
            "text": step.text,
        });
        if !step.table.is_empty() {
            let row = |row: &Vec<String>| json!({ "cells": row.iter().map(|cell| json!({ "value": cell })).collect::<Vec<_>>() });
            pickle["argument"] = json!({ "dataTable": { "rows": step.table.iter().map(row).collect::<Vec<_>>() } });
        } else if let Some(text) = &step.doc_string {
            pickle["argument"] = json!({ "docString": { "content": text } });
        }
        pickle
    };
    json!({
        "id": format!("pickle:{}", scenario.id),
        "uri": scenario.file,
        "location": { "line": scenario.line.max(1) },
        "name": scenario.name,
        "language": "en",
        "steps": scenario.steps.iter().enumerate().map(&mut step).collect::<Vec<_>>(),
        "tags": scenario.tags.iter().enumerate().map(tag).collect::<Vec<_>>(),
        "astNodeIds": [format!("scenario:{}", scenario.id)],
    })
}

/// The steps of a scenario as the messages refer to them.
pub(super) fn test_case(scenario: &ScenarioRecord) -> Value {
    let step = |index: usize| {
        json!({
            "id": format!("test-step:{}:{index}", scenario.id),
            "pickleStepId": format!("pickle-step:{}:{index}", scenario.id),
            "stepDefinitionIds": [],
            "stepMatchArgumentsLists": [],
        })
    };
    json!({
        "id": format!("case:{}", scenario.id),
        "pickleId": format!("pickle:{}", scenario.id),
        "testSteps": (0..scenario.steps.len()).map(step).collect::<Vec<_>>(),
        "testRunStartedId": "run",
    })
}

fn keyword_type(keyword: &str) -> &'static str {
    match keyword {
        "Given" => "Context",
        "When" => "Action",
        "Then" => "Outcome",
        "And" | "But" => "Conjunction",
        _ => "Unknown",
    }
}
