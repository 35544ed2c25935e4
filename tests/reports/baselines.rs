//! Baselines: unexpected failures, expected failures that did not happen, unused and expired entries.

use bpconform::compare::baseline::update::update;
use bpconform::compare::baseline::{Baseline, BaselineComparison, judge};
use bpconform::exit::Exit;
use bpconform::record::Record;
use bpconform::verdict::Verdict;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::{Folder, sample};

const TODAY: Date = date(2026, 3, 4);

/// Noon of that day.
fn now() -> Timestamp {
    TODAY.at(12, 0, 0, 0).to_zoned_datetime(TimeZone::UTC).expect("a time").timestamp()
}

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
    let judgement: BaselineComparison<'_> = judge(record, &baseline, now());
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
    assert_eq!(judge(&record(), &baseline(paste), now()).exit, Exit::Green, "what is pasted makes it fit");
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
    assert_eq!(judge(&record(), &baseline(paste), now()).exit, Exit::Green, "what is pasted makes it fit");
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
    assert_eq!(judge(&failing, &written, now()).exit, Exit::Green);
}

#[test]
fn a_requirement_stands_for_its_scenarios_of_that_verdict() {
    let of = |verdict: &str| entry("BP-REP-07", verdict, "2026-12-31").replace("scenario =", "requirement =");
    assert_eq!(exit_and_text(&record(), &of("failed")).0, Exit::Green);
    let mut two = record();
    two.scenarios.push(sample::scenario("05-agents/other", "BP-REP-07", Verdict::Error));
    two.judge_again(false);
    let (exit, text) = exit_and_text(&two, &of("failed"));
    assert!(exit == Exit::Baseline && text.contains("not expected:\n  05-agents/other  error"), "{text}");
    let mut mended = record();
    mended.scenarios[9].verdict = Verdict::Passed;
    mended.judge_again(false);
    let (_, text) = exit_and_text(&mended, &of("failed"));
    assert!(text.contains("BP-REP-07  expected failed, found passed"), "{text}");
    // A scenario of two requirements is accepted only with both.
    let mut both = record();
    both.scenarios[9].requirements.push("BP-REP-08".into());
    assert_eq!(exit_and_text(&both, &of("failed")).0, Exit::Baseline);
    let second = of("failed").replace("BP-REP-07", "BP-REP-08");
    assert_eq!(exit_and_text(&both, &(of("failed") + &second)).0, Exit::Green);
}

#[test]
fn an_entry_of_a_profile_comes_before_a_general_one_and_holds_nowhere_else() {
    let general = entry("05-agents/known", "failed", "2026-12-31");
    let of_staging = general.replace("verdict =", "profile = \"staging\"\nverdict =");
    assert_eq!(exit_and_text(&record(), &of_staging).0, Exit::Baseline, "it is of another profile");
    let mut staging = record();
    staging.environment.name = Some("staging".into());
    assert_eq!(exit_and_text(&staging, &of_staging).0, Exit::Green);
    let expired = of_staging.replace("2026-12-31", "2026-01-01");
    let (exit, text) = exit_and_text(&staging, &(general.clone() + &expired));
    assert!(exit == Exit::Baseline && text.contains("expired:"), "the general one does not prolong it: {text}");
    assert_eq!(exit_and_text(&record(), &(general + &expired)).0, Exit::Green);
}

#[test]
fn the_owner_the_ticket_and_the_end_in_its_time_zone_are_told() {
    let of = |expires: &str| {
        let with = "comment = \"until the upgrade\"\nowner = \"DAM team\"\nticket = \"OPS-7\"";
        entry("05-agents/known", "failed", expires).replace("comment = \"BP-123\"", with)
    };
    // Noon in UTC is evening in Tokyo and morning in Denver.
    assert_eq!(exit_and_text(&record(), &of("2026-03-04T20:59:00+09:00")).0, Exit::Baseline);
    assert_eq!(exit_and_text(&record(), &of("2026-03-04[America/Denver]")).0, Exit::Green);
    assert_eq!(exit_and_text(&record(), &of("2026-03-03[Pacific/Pago_Pago]")).0, Exit::Baseline);
    let (_, text) = exit_and_text(&record(), &of("2026-03-03[Asia/Tokyo]"));
    let told =
        "05-agents/known  on 2026-03-03[Asia/Tokyo]: expected failed, failed (until the upgrade; DAM team; OPS-7)";
    assert!(text.contains(told) && text.contains("owner = \"DAM team\"\nticket = \"OPS-7\""), "{text}");
}

#[test]
fn what_people_wrote_survives_an_update() {
    let written = "# Kept by the DAM team.\n\n# Gone soon.\n[[expected]]\nscenario = \"05-agents/mended\"\n\
        verdict = \"failed\"\ncomment = \"was fixed\"\nexpires = \"2026-12-31\"\n\n\
        # We know.\n[[expected]]\nscenario = '05-agents/known' # the third agent\nverdict = \"error\"\n\
        comment = \"\"\"\nlong\nstory\"\"\"\nowner = \"DAM team\"\nexpires = \"2026-12-31[Europe/Berlin]\"\n\n\
        [[expected]]\nscenario = \"05-agents/elsewhere\"\nverdict = \"failed\"\ncomment = \"not run today\"\n\
        expires = \"2026-12-31\"\n";
    let mut record = record();
    record.scenarios.push(sample::scenario("05-agents/mended", "BP-REP-08", Verdict::Passed));
    record.scenarios.push(sample::scenario("05-agents/new", "BP-REP-08", Verdict::Failed));
    record.judge_again(false);
    let updated = update(written, &record, now(), TODAY).expect("it can be updated");
    let counts = (updated.added, updated.changed, updated.removed, updated.kept);
    assert_eq!(counts, (1, 1, 1, 1), "{}", updated.text);
    let known = written[written.find("# We know.").expect("it is there")..].replace("\"error\"", "\"failed\"");
    let expected = format!("# Kept by the DAM team.\n\n{known}\n[[expected]]\nscenario = \"05-agents/new\"\n");
    assert!(updated.text.starts_with(&expected), "{}", updated.text);
    let again = update(&updated.text, &record, now(), TODAY).expect("it can be updated");
    assert_eq!(again.text, updated.text, "an update of what fits changes nothing");
    let on_windows = written.replace('\n', "\r\n");
    let of_windows = update(&on_windows, &record, now(), TODAY).expect("it can be updated");
    assert_eq!(of_windows.text, updated.text.replace('\n', "\r\n"));
    let in_one_array = "expected = [{ scenario = \"05-agents/mended\", verdict = \"failed\", comment = \"known\", \
        expires = \"2026-12-31\" }]\n";
    let told = update(in_one_array, &record, now(), TODAY).expect_err("it is written otherwise");
    assert!(told.contains("below a line [[expected]]"), "{told}");
}

#[test]
fn an_update_removes_only_what_the_record_speaks_of() {
    let mut record = record();
    record.scenarios.push(sample::scenario("05-agents/mended", "BP-REP-09", Verdict::Passed));
    record.judge_again(false);
    let removed = |record: &Record, text: &str| update(text, record, now(), TODAY).expect("an update").removed;
    let general = entry("05-agents/mended", "failed", "2026-12-31");
    let of_requirement = general.replace("scenario = \"05-agents/mended\"", "requirement = \"BP-REP-09\"");
    assert_eq!((removed(&record, &general), removed(&record, &of_requirement)), (1, 1));
    let mut staging = record.clone();
    staging.environment.name = Some("staging".into());
    let of_staging = general.replace("verdict =", "profile = \"staging\"\nverdict =");
    assert_eq!((removed(&staging, &general), removed(&staging, &of_staging)), (0, 1), "another profile may need it");
    let mut selection = record.clone();
    selection.plan.name = Some("mended".into());
    assert_eq!((removed(&selection, &general), removed(&selection, &of_requirement)), (1, 0), "not all of it ran");
    let incomplete = Record { complete: false, ..record };
    assert_eq!(removed(&incomplete, &of_requirement), 0);
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
        (&entry("BP-REP-7", "failed", "2026-12-31").replace("scenario =", "requirement ="), "did you mean BP-REP-07"),
        (
            &entry("a/b", "failed", "2026-12-31").replace("scenario =", "profile ="),
            "either a scenario or a requirement",
        ),
        (&entry("a/b", "failed", "2026-12-31T12:00:00"), "a time with its zone"),
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
