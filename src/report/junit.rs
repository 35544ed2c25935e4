//! `junit.xml` in the dialect that Jenkins reads: one suite for each feature, one case for each scenario, failures and
//! errors kept apart. Control characters are not valid XML; the writer omits them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite, XmlString};

use crate::error::Error;
use crate::record::{Attempt, PlanRecord, Record, ScenarioRecord};
use crate::verdict::Verdict;

/// Writes a record as JUnit XML; no text of it may steer a terminal or a CI system.
pub fn write(plain: &Record, file: &Path) -> Result<(), Error> {
    std::fs::write(file, render(plain)?).map_err(|source| Error::Write { file: file.to_owned(), source })
}

/// The record as JUnit XML.
pub fn render(record: &Record) -> Result<String, Error> {
    let mut report = Report::new("bpconform");
    report.set_time(duration(record.duration_ms));
    let mut suites = BTreeMap::<&str, TestSuite>::new();
    let (mut order, mut texts) = (Vec::new(), Texts::default());
    for scenario in &record.scenarios {
        let suite = suites.entry(&scenario.file).or_insert_with(|| {
            order.push(scenario.file.as_str());
            TestSuite::new(&*scenario.feature)
        });
        suite.add_test_case(case(scenario, &record.plan, &mut texts));
    }
    for file in order {
        let Some(mut suite) = suites.remove(file) else { continue };
        let took = suite.test_cases.iter().filter_map(|case| case.time).sum();
        suite.set_time(took);
        suite.extra.insert("timestamp".into(), record.started.strftime("%Y-%m-%dT%H:%M:%S").to_string().into());
        report.add_test_suite(suite);
    }
    let xml = report.to_string().map_err(|error| Error::Internal(format!("junit.xml: {error}")))?;
    Ok(for_jenkins(&xml))
}

/// Jenkins' schema has a count of skipped cases for a suite, but not for all suites; and two characters invalid in XML pass
/// the writer.
fn for_jenkins(xml: &str) -> String {
    let xml = &xml.replace(['\u{fffe}', '\u{ffff}'], "");
    let Some((start, rest)) = xml.split_once("<testsuites ") else { return xml.to_owned() };
    let Some((tag, rest)) = rest.split_once('>') else { return xml.to_owned() };
    let tag: Vec<_> = tag.split_inclusive('"').collect();
    let tag: String =
        tag.chunks(2).filter(|pair| !pair[0].trim_start().starts_with("skipped=")).flatten().copied().collect();
    format!("{start}<testsuites {tag}>{rest}")
}

/// The texts of a report as its writer wants them. To remove ANSI escapes costs more than all else here, and many texts are
/// equal.
#[derive(Default)]
struct Texts(HashMap<String, XmlString>);

impl Texts {
    fn of(&mut self, text: impl Into<String>) -> XmlString {
        self.0.entry(text.into()).or_insert_with_key(|text| XmlString::new(text.as_str())).clone()
    }
}

fn case(scenario: &ScenarioRecord, plan: &PlanRecord, texts: &mut Texts) -> TestCase {
    // The id is unique: its part before the slash is the class, and a row's number distinguishes rows of one name.
    let (class, rest) = scenario.id.split_once('/').unwrap_or(("", &scenario.id));
    let row = rest.split_once('#').map_or_else(String::new, |(_, row)| format!(" #{row}"));
    let mut case = TestCase::new(format!("{}{row}", scenario.name), status(scenario, plan, texts));
    case.set_classname(texts.of(format!("bpconform.{class}")));
    case.set_time(duration(scenario.duration_ms));
    // Jenkins knows no properties of a case, but a group.
    case.extra.insert(texts.of("group"), texts.of(scenario.requirements.join(" ")));
    if matches!(scenario.verdict, Verdict::Failed | Verdict::Error) {
        case.set_system_out(steps(scenario));
    }
    case
}

/// Attempts before the last: of a scenario that passed in the end they say that it is flaky, else that it was tried again.
fn attempt(attempt: &Attempt) -> TestRerun {
    let kind = if attempt.verdict == Verdict::Failed { NonSuccessKind::Failure } else { NonSuccessKind::Error };
    let reason = attempt.reason.as_deref().unwrap_or("no reason was kept");
    let mut rerun = TestRerun::new(kind);
    rerun.set_type(attempt.verdict.word()).set_message(reason);
    rerun.set_stack_trace(reason);
    rerun
}

fn status(scenario: &ScenarioRecord, plan: &PlanRecord, texts: &mut Texts) -> TestCaseStatus {
    let counted = scenario.counted(plan);
    if counted != scenario.verdict {
        let worst = scenario.attempts.iter().find(|attempt| attempt.verdict == counted);
        let reason = worst.and_then(|attempt| attempt.reason.as_deref()).unwrap_or_default();
        let reason = Some(format!("flaky: it passed only when it was tried again; {reason}"));
        return status(&ScenarioRecord { verdict: counted, reason, ..scenario.clone() }, plan, texts);
    }
    let mut status = alone(scenario, texts);
    // A skipped case has no earlier attempts, and could not carry them.
    if !scenario.verdict.is_unchecked() {
        status.add_reruns(scenario.attempts.iter().map(attempt));
    }
    status
}

fn alone(scenario: &ScenarioRecord, texts: &mut Texts) -> TestCaseStatus {
    let mut status = match scenario.verdict {
        Verdict::Passed => return TestCaseStatus::success(),
        Verdict::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Skipped | Verdict::NotApplicable | Verdict::Unproven => TestCaseStatus::skipped(),
    };
    let reason = scenario.reason.as_deref().unwrap_or("it did not run");
    // JUnit knows only `skipped`, so the message says which of the two it is.
    let apart = if scenario.verdict == Verdict::NotApplicable { "not applicable: " } else { "" };
    status.set_message(texts.of(format!("{apart}{reason}")));
    if matches!(scenario.verdict, Verdict::Failed | Verdict::Error) {
        status.set_type(scenario.verdict.word());
        let full = scenario.full_reason().unwrap_or_else(|| reason.to_owned());
        status.set_description(format!("{}:{}\n{full}", scenario.file, scenario.line));
    }
    status
}

fn steps(scenario: &ScenarioRecord) -> String {
    let lines = scenario.steps.iter().map(|step| format!("{:<8}  {} {}", step.verdict, step.keyword, step.text));
    lines.collect::<Vec<_>>().join("\n")
}

fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}
