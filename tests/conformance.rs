//! The conformance run: the built-in features against the embedded mocks, through the library, and what the
//! reports show.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bpconform::features::Features;
use bpconform::plan::Selection;
use bpconform::record::{Record, RunOutcome, ScenarioRecord};
use bpconform::report::junit;
use bpconform::run::options::Options;
use bpconform::run::run;
use bpconform::verdict::Verdict;
use bpconform_fixtures::{Product, Requirements};
use bpconform_steps::redact::Redactor;

fn options(selection: Selection) -> Options {
    Options { selection, ..Options::embedded(Redactor::default(), Instant::now()) }
}

fn run_all(selection: Selection) -> (Record, Vec<String>) {
    let features = Features::built_in().expect("the built-in features are well formed");
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = Arc::clone(&order);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let record = runtime
        .block_on(run(&options(selection), &features, move |scenario: &ScenarioRecord| {
            told.lock().expect("no test panics with it").push(scenario.id.clone());
        }))
        .expect("the mocks are there");
    let order = order.lock().expect("no test panics with it").clone();
    (record, order)
}

#[test]
fn every_requirement_passes_on_the_mocks() {
    let (record, order) = run_all(Selection::default());
    let bad: Vec<_> = record
        .scenarios
        .iter()
        .filter(|scenario| !matches!(scenario.verdict, Verdict::Passed | Verdict::NotApplicable))
        .map(|scenario| {
            format!("{} {}: {}", scenario.verdict, scenario.id, scenario.reason.clone().unwrap_or_default())
        })
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert_eq!(record.outcome, RunOutcome::Conforms);
    assert_eq!(record.requirements.len(), Requirements::built_in().all.len());
    for found in &record.requirements {
        let holds = Requirements::built_in().get(&found.id).is_some_and(|one| one.holds_for(&[Product::Aem65]));
        let expected = if holds { Verdict::Passed } else { Verdict::NotApplicable };
        assert_eq!(found.verdict, expected, "{}", found.id);
    }
    // Reported in the document's order, although they ran in parallel.
    assert_eq!(order, record.scenarios.iter().map(|scenario| scenario.id.clone()).collect::<Vec<_>>());
    evidence_belongs_to_steps(&record);
    four_tests_overlap(&record);
    junit_agrees(&record);
    let again: Record = serde_json::from_str(&serde_json::to_string(&record).expect("JSON")).expect("the same type");
    assert_eq!(again, record);
}

fn evidence_belongs_to_steps(record: &Record) {
    for scenario in record.scenarios.iter().filter(|scenario| scenario.verdict == Verdict::Passed) {
        assert!(scenario.steps.iter().any(|step| !step.exchanges.is_empty()), "{} has no evidence", scenario.id);
        for step in &scenario.steps {
            for exchange in &step.exchanges {
                #[expect(clippy::cast_precision_loss, reason = "microseconds fit")]
                let sent = exchange.started_us as f64 / 1000.0;
                let end = step.started_ms + step.duration_ms;
                assert!(step.started_ms <= sent && sent <= end + 1.0, "{}: {}", scenario.id, step.text);
            }
        }
    }
}

fn four_tests_overlap(record: &Record) {
    let steps = record.scenarios.iter().flat_map(|scenario| &scenario.steps);
    let overlapping = steps.filter(|step| {
        let tests: Vec<_> = step.exchanges.iter().filter(|exchange| exchange.surface == "author.agent-test").collect();
        let last_start = tests.iter().map(|exchange| exchange.started_us).max();
        let first_end =
            tests.iter().map(|exchange| exchange.started_us + i64::try_from(exchange.took_us).unwrap_or(0)).min();
        tests.len() == 4 && last_start < first_end
    });
    assert!(overlapping.count() > 0, "no step tests the four agents side by side");
}

fn junit_agrees(record: &Record) {
    let xml = junit::render(record).expect("XML");
    let document = roxmltree::Document::parse(&xml).expect("well formed");
    let cases: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    let names: BTreeSet<_> = cases.iter().map(|case| (case.attribute("classname"), case.attribute("name"))).collect();
    assert_eq!((cases.len(), names.len()), (record.scenarios.len(), record.scenarios.len()));
}

#[test]
fn a_selection_judges_only_what_was_selected() {
    let selection = Selection::new(None, None, vec!["BP-PRE-02".into()]).expect("it is a requirement");
    let (record, _) = run_all(selection);
    let judged =
        record.requirements.iter().filter(|one| !matches!(one.verdict, Verdict::Unproven | Verdict::NotApplicable));
    let judged: Vec<_> = judged.collect();
    assert!(judged.iter().any(|one| one.id == "BP-PRE-02"));
    assert!(judged.len() < 5, "{judged:?}");
}
