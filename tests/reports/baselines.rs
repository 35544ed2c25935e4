//! Baselines: unexpected failures, expected failures that did not happen, unused and expired entries.

use bpconform::compare::baseline::{Baseline, BaselineComparison, judge};
use bpconform::exit::Exit;
use bpconform::record::Record;
use bpconform::verdict::Verdict;
use jiff::civil::{Date, date};

use super::{Folder, sample};

const TODAY: Date = date(2026, 3, 4);

fn entry(scenario: &str, verdict: &str, expires: &str) -> String {
    format!(
        "[[expected]]\nscenario = \"{scenario}\"\nverdict = \"{verdict}\"\ncomment = \"BP-123\"\nexpires = \"{expires}\"\n"
    )
}

fn baseline(text: &str) -> Baseline {
    toml::from_str(text).expect("a baseline")
}

/// One scenario that failed among some that passed.
fn record() -> Record {
    let mut record = sample::many(9);
    record.scenarios.push(sample::scenario("05-agents/known", "BP-REP-07", Verdict::Failed));
    record.judge_again(false);
    record
}

fn exit_and_text(record: &Record, text: &str) -> (Exit, String) {
    let baseline = baseline(text);
    let judgement: BaselineComparison<'_> = judge(record, &baseline, TODAY);
    (judgement.exit, judgement.text())
}

#[test]
fn what_is_expected_is_green() {
    let (exit, text) = exit_and_text(&record(), &entry("05-agents/known", "failed", "2026-03-04"));
    assert_eq!((exit, text.as_str()), (Exit::Green, "baseline: as expected, 1 known\n"));
}

#[test]
fn an_unexpected_failure_is_reported_with_the_entry_to_paste() {
    let (exit, text) = exit_and_text(&record(), "");
    assert_eq!(exit, Exit::Baseline);
    assert!(text.contains("not expected:\n  05-agents/known  failed"), "{text}");
    let (_, paste) = text.split_once("to paste into the baseline, if it is accepted:\n").expect("what to paste");
    assert_eq!(judge(&record(), &baseline(paste), TODAY).exit, Exit::Green, "what is pasted makes it fit");
}

#[test]
fn an_expected_failure_that_does_not_happen_is_reported() {
    let mut record = record();
    record.scenarios[9].verdict = Verdict::Passed;
    record.judge_again(false);
    let (exit, text) = exit_and_text(&record, &entry("05-agents/known", "failed", "2026-12-31"));
    assert_eq!(exit, Exit::Baseline);
    assert!(
        text.contains("expected failed, found passed (BP-123)")
            && text.contains("to remove from the baseline: 05-agents/known"),
        "{text}"
    );
}

#[test]
fn another_verdict_than_the_expected_one_is_reported() {
    let (exit, text) = exit_and_text(&record(), &entry("05-agents/known", "error", "2026-12-31"));
    assert!(exit == Exit::Baseline && text.contains("expected error, found failed"), "{text}");
}

#[test]
fn an_unused_entry_and_an_expired_one_are_reported() {
    let known = entry("05-agents/known", "failed", "2026-12-31");
    let (exit, text) = exit_and_text(&record(), &(known + &entry("05-agents/gone", "failed", "2026-12-31")));
    assert!(exit == Exit::Baseline && text.contains("not used") && text.contains("05-agents/gone"), "{text}");
    let (exit, text) = exit_and_text(&record(), &entry("05-agents/known", "failed", "2026-03-03"));
    let told = "expired:\n  05-agents/known  on 2026-03-03: expected failed, failed (BP-123)";
    assert!(exit == Exit::Baseline && text.contains(told), "{text}");
    let (_, paste) = text.split_once("if it is accepted:\n").expect("what to paste: it still fails");
    assert!(paste.contains("comment = \"BP-123\"") && paste.contains("expires = \"2026-06-02\""), "{paste}");
    assert_eq!(judge(&record(), &baseline(paste), TODAY).exit, Exit::Green, "what is pasted makes it fit");
    let mut mended = record();
    mended.scenarios[9].verdict = Verdict::Passed;
    mended.judge_again(false);
    let (_, text) = exit_and_text(&mended, &entry("05-agents/known", "failed", "2026-03-03"));
    assert!(text.contains("to remove from the baseline: 05-agents/known") && !text.contains("to paste"), "{text}");
}

#[test]
fn a_baseline_never_hides_what_is_no_verdict() {
    let mut record = record();
    record.left_behind.push("an agent".into());
    record.judge_again(false);
    assert_eq!(exit_and_text(&record, &entry("05-agents/known", "failed", "2026-12-31")).0, Exit::CleanUp);
    let only = sample::record(vec![sample::scenario("05-agents/known", "BP-REP-07", Verdict::Failed)]);
    assert_eq!(exit_and_text(&only, &entry("05-agents/known", "failed", "2026-12-31")).0, Exit::NothingProved);
}

#[test]
fn the_baseline_that_is_written_accepts_the_record_it_was_written_from() {
    let failing = sample::failing();
    let written = Baseline::of(&failing, TODAY);
    assert_eq!(baseline(&written.text()), written);
    assert_eq!(judge(&failing, &written, TODAY).exit, Exit::Green);
}

#[test]
fn a_mistake_in_the_file_is_named() {
    let folder = Folder::new("baseline");
    let file = folder.0.join("baseline.toml");
    let twice = entry("a/b", "failed", "2026-12-31") + &entry("a/b", "failed", "2026-12-31");
    let empty = entry("a/b", "failed", "2026-12-31").replace("BP-123", " ");
    let cases = [
        (twice.as_str(), "a/b is there twice"),
        (empty.as_str(), "the comment is empty"),
        ("[[expected]]\nscenario = \"a/b\"\n", "missing field"),
        ("[[expekted]]\n", "unknown field"),
        (
            "[[expected]]\nscenario = \"a\"\nverdict = \"fine\"\ncomment = \"x\"\nexpires = \"2026-01-01\"\n",
            "unknown variant",
        ),
    ];
    for (text, expected) in cases {
        std::fs::write(&file, text).expect("written");
        let problem = Baseline::read(&file).expect_err("a mistake").to_string();
        assert!(problem.contains("baseline.toml") && problem.contains(expected), "{problem}");
    }
}
