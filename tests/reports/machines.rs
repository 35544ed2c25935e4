//! What machines read: JUnit, Messages, HAR, CTRF, GitHub's commands.

use std::collections::BTreeSet;

use bpconform::record::Record;
use bpconform::report::ReportFormat;
use bpconform::report::github::{ANNOTATIONS_LIMIT, SUMMARY_LIMIT};
use bpconform::verdict::Verdict;
use proptest::prelude::*;
use roxmltree::Document;
use serde_json::Value;

use super::sample;

fn render(format: ReportFormat, record: &Record) -> String {
    format.render(record).expect("every record can be drawn")
}

#[test]
fn junit_is_xml_whatever_stands_in_it_and_keeps_failures_and_errors_apart() {
    let xml = render(ReportFormat::Junit, &sample::failing());
    let document = Document::parse(&xml).expect("well formed");
    let root = document.root_element();
    assert_eq!(
        (root.attribute("tests"), root.attribute("failures"), root.attribute("errors")),
        (Some("6"), Some("2"), Some("1"))
    );
    assert_eq!(root.attribute("skipped"), None, "Jenkins' schema does not know it there");
    let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((count("failure"), count("error"), count("skipped")), (2, 1, 1));
    let names: BTreeSet<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .map(|node| (node.attribute("classname"), node.attribute("name")))
        .collect();
    assert_eq!(names.len(), 6, "each case has a unique name");
}

/// A record that contains this text wherever a target or a feature could put it.
fn holding(text: &str) -> Record {
    let mut record = sample::failing();
    for scenario in &mut record.scenarios {
        scenario.name = text.into();
        scenario.feature = text.into();
        scenario.reason = scenario.reason.take().map(|_| text.into());
        scenario.attempts.iter_mut().for_each(|attempt| attempt.reason = Some(text.into()));
        scenario.steps.iter_mut().for_each(|step| step.text = text.into());
    }
    record
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_breaks_what_holds_it(text in any::<String>(), cut in 0..sample::HOSTILE.len()) {
        let hostile: String = sample::HOSTILE.chars().take(cut).collect();
        let record = holding(&(text + &hostile));
        let xml = render(ReportFormat::Junit, &record);
        let document = Document::parse(&xml);
        prop_assert!(document.is_ok(), "{:?}", document.err());
        prop_assert_eq!(xml.matches("<testcase ").count(), 6);
        for line in render(ReportFormat::Messages, &record).lines() {
            prop_assert!(serde_json::from_str::<Value>(line).is_ok(), "{}", line);
        }
        let commands = render(ReportFormat::Annotations, &record);
        prop_assert!(commands.lines().all(|line| line.starts_with("::error ") || line.starts_with("::warning ")));
        prop_assert_eq!(render(ReportFormat::Html, &record).matches("<script").count(), 7);
    }
}

#[test]
fn junit_shows_retries_and_flaky_scenarios() {
    let xml = render(ReportFormat::Junit, &sample::failing());
    let document = Document::parse(&xml).expect("well formed");
    let parents = |name: &'static str| {
        let found = document.descendants().filter(move |node| node.has_tag_name(name));
        found.filter_map(|node| node.parent()?.attribute("group")).collect::<Vec<_>>()
    };
    assert_eq!(parents("flakyError"), ["BP-REP-02"]);
    assert_eq!(parents("rerunFailure"), ["BP-REP-03"]);
}

#[test]
fn messages_refer_only_to_earlier_messages() {
    let text = render(ReportFormat::Messages, &sample::failing());
    let mut known = BTreeSet::new();
    let mut statuses = Vec::new();
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).expect("each line is JSON");
        let (kind, body) = message.as_object().and_then(|object| object.iter().next()).expect("one message");
        for name in ["pickleId", "testCaseId", "testCaseStartedId", "testStepId", "testRunStartedId"] {
            if let Some(id) = body[name].as_str() {
                assert!(known.contains(id), "{kind} refers to {id}, which is not defined before");
            }
        }
        introduce(body, &mut known);
        if kind == "testStepFinished" {
            statuses.push(body["testStepResult"]["status"].as_str().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(statuses.iter().filter(|status| *status == "FAILED").count(), 3 + 2, "three ended, two attempts before");
    assert!(statuses.iter().any(|status| status == "SKIPPED"));
}

fn introduce(value: &Value, known: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            known.extend(object.get("id").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| introduce(value, known));
        }
        Value::Array(all) => all.iter().for_each(|value| introduce(value, known)),
        _ => {}
    }
}

#[test]
fn the_archive_has_every_exchange_once_in_the_order_of_time() {
    let record = sample::failing();
    let archive: Value = serde_json::from_str(&render(ReportFormat::Har, &record)).expect("JSON");
    let entries = archive["log"]["entries"].as_array().expect("entries");
    let sent: usize = record.scenarios.iter().flat_map(|one| &one.steps).map(|step| step.exchanges.len()).sum();
    assert_eq!(entries.len(), sent);
    let times: Vec<_> = entries.iter().filter_map(|entry| entry["startedDateTime"].as_str()).collect();
    assert!(times.is_sorted() && times.len() == sent, "{times:?}");
    let lost = entries.iter().find(|entry| entry["comment"] == "ims.token").expect("the lost one is there");
    assert_eq!(
        (&lost["response"]["status"], &lost["_error"]),
        (&Value::from(0), &Value::from("connection reset by peer"))
    );
    let pages = archive["log"]["pages"].as_array().expect("pages").len();
    assert_eq!(pages, 5, "the skipped scenario sent nothing");
}

#[test]
fn ctrf_counts_every_verdict_once() {
    let report: Value = serde_json::from_str(&render(ReportFormat::Ctrf, &sample::failing())).expect("JSON");
    let summary = &report["results"]["summary"];
    let n = |name: &str| summary[name].as_u64().unwrap_or_default();
    assert_eq!((n("tests"), n("passed"), n("failed"), n("other"), n("skipped"), n("flaky")), (6, 2, 2, 1, 1, 1));
    assert_eq!(n("passed") + n("failed") + n("other") + n("skipped") + n("pending"), n("tests"));
    let tests = report["results"]["tests"].as_array().expect("tests");
    assert!(tests.iter().any(|test| test["rawStatus"] == "error" && test["status"] == "other"));
    assert!(tests.iter().any(|test| test["flaky"] == true && test["retryAttempts"][0]["attempt"] == 1));
}

#[test]
fn github_gets_no_more_than_it_takes() {
    let mut record = sample::many(900);
    for scenario in &mut record.scenarios {
        if scenario.verdict == Verdict::Failed {
            scenario.reason = Some("a long reason, ".repeat(1500));
        }
    }
    let summary = render(ReportFormat::Github, &record);
    assert!(summary.len() <= SUMMARY_LIMIT && summary.contains("more did not pass"), "{}", summary.len());
    let commands = render(ReportFormat::Annotations, &record);
    assert_eq!(commands.lines().count(), ANNOTATIONS_LIMIT);
    assert!(
        commands.lines().last().is_some_and(|line| line.contains("81 more: failed")),
        "{:?}",
        commands.lines().last()
    );
    assert!(commands.lines().all(|line| line.len() < 16 * 1024));
}

#[test]
fn no_text_of_a_target_becomes_a_command_of_github() {
    let commands = render(ReportFormat::Annotations, &sample::failing());
    assert_eq!(commands.lines().count(), 3, "{commands}");
    assert!(commands.lines().all(|line| line.starts_with("::error file=") || line.starts_with("::warning file=")));
}

#[test]
fn sarif_has_a_rule_for_each_requirement_and_a_result_for_each_cause() {
    let record = sample::failing();
    let report: Value = serde_json::from_str(&render(ReportFormat::Sarif, &record)).expect("JSON");
    let run = &report["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), bpconform_fixtures::Requirements::built_in().all.len());
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), record.causes.len());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("a small number");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64() > Some(0), "{result}");
    }
}
