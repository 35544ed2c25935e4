//! Evidence through the command itself: what a run leaves, and what the commands that read records make of it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{bpconform, bpconform_with, command, directory, sample};
use bpconform::record::Record;
use bpconform::record_file;
use bpconform::report::ReportFormat;
use bpconform::verdict::Verdict;
use serde_json::Value;

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of this test is UTF-8")
}

/// The record without what differs from run to run: times, ports, ids, and the exchanges.
fn without_times(record: &Record) -> Value {
    let mut record = record.clone();
    record.plan.shard = None;
    record.started = jiff::Timestamp::UNIX_EPOCH;
    (record.duration_ms, record.summary.wall_ms) = (0.0, 0.0);
    for scenario in &mut record.scenarios {
        (scenario.started_ms, scenario.duration_ms) = (0.0, 0.0);
        scenario.exchanges.clear();
        for step in &mut scenario.steps {
            (step.started_ms, step.duration_ms) = (0.0, 0.0);
            step.exchanges.clear();
        }
    }
    serde_json::to_value(record).expect("a record is JSON")
}

#[test]
fn shards_merged_are_the_unsharded_run() {
    let folder = directory("shards");
    let whole = folder.join("whole");
    assert_eq!(bpconform(&["run", "-q", "--tags", "@observe", "--out", path(&whole)]).code, Some(0));
    let whole = record_file::read(&whole).expect("a record");
    for count in sample("numbers of shards", (1..=7).collect(), 3) {
        let mut arguments = vec!["merge".to_owned()];
        for index in 1..=count {
            let out = folder.join(format!("{index}-of-{count}"));
            let shard = format!("{index}/{count}");
            let told = bpconform(&["run", "-q", "--tags", "@observe", "--shard", &shard, "--out", path(&out)]);
            assert!(matches!(told.code, Some(0 | 4)), "{}", told.all());
            arguments.push(path(&out).to_owned());
        }
        let merged = folder.join(format!("merged-{count}"));
        arguments.extend(["--out".to_owned(), path(&merged).to_owned()]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(bpconform(&arguments).code, Some(0));
        let merged = record_file::read(&merged).expect("a record");
        assert_eq!(without_times(&merged), without_times(&whole), "{count} shards");
        let told = bpconform(&[&arguments[..1], &arguments[2..]].concat());
        assert_eq!(told.code, Some(2), "{}", told.all());
    }
}

#[test]
fn a_shard_is_read_from_the_ci_system() {
    let variables = [("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3"), ("GITLAB_CI", "true")];
    let told = bpconform_with(&["run", "--dry-run", "--shard", "auto"], &variables);
    let by_hand = bpconform(&["run", "--dry-run", "--shard", "2/3"]);
    assert_eq!((told.code, &told.out), (Some(0), &by_hand.out));
    assert_ne!(bpconform(&["run", "--dry-run"]).out, by_hand.out);
}

#[test]
fn the_difference_names_what_one_defect_broke_and_the_setting_that_changed() {
    let folder = directory("diff");
    let (before, after) = (folder.join("before"), folder.join("after"));
    // Whole runs: what they create, and what differs from run to run, is in the evidence too.
    let green = bpconform(&["run", "-q", "--out", path(&before)]);
    assert_eq!(green.code, Some(0), "{}", green.all());
    let red = bpconform(&["run", "-q", "--defect", "connect-timeout-changed", "--out", path(&after)]);
    assert_eq!(red.code, Some(1), "{}", red.all());

    let told = bpconform(&["diff", path(&before), path(&after), "--format", "json"]);
    assert_eq!(told.code, Some(1), "{}", told.all());
    let diff: Value = serde_json::from_str(&told.out).expect("JSON");
    let broken: Vec<_> = diff["requirements"].as_array().expect("a list").iter().map(|one| &one["id"]).collect();
    assert_eq!(broken, ["BP-REP-04"], "{}", told.out);
    let settings = diff["settings"].as_array().expect("a list");
    assert_eq!(settings.len(), 1, "{}", told.out);
    let changed = ["agent", "property", "before", "after"].map(|part| settings[0][part].as_str().unwrap_or_default());
    assert_eq!(changed, ["mp_replication_agent1_default_bpdoc", "protocolConnectTimeout", "180000", "10000"]);
    assert_eq!(bpconform(&["diff", path(&before), path(&before)]).code, Some(0));
    assert_eq!(bpconform(&["diff", path(&after), path(&before)]).code, Some(0), "the other way it was fixed");
}

#[test]
fn a_baseline_turns_what_is_known_green_and_nothing_else() {
    let folder = directory("baseline");
    let (out, file) = (folder.join("out"), folder.join("baseline.toml"));
    let run = ["run", "-q", "--tags", "@BP-REP-01 or @BP-REP-02", "--defect", "agent-disabled", "--out", path(&out)];
    assert_eq!(bpconform(&run).code, Some(1));
    let written = bpconform(&["baseline", path(&out)]);
    std::fs::write(&file, &written.out).expect("written");
    let with = [&run[..], &["--baseline", path(&file)]].concat();
    let told = bpconform(&with);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_eq!(bpconform(&["baseline", path(&out), "--check", path(&file)]).code, Some(0));

    // Fixed, and still expected to fail.
    let mended: Vec<&str> = with.iter().copied().filter(|one| !["--defect", "agent-disabled"].contains(one)).collect();
    let told = bpconform(&mended);
    assert!(told.code == Some(5) && told.out.contains("to remove from the baseline"), "{}", told.all());
    // Nothing is expected, and something fails.
    std::fs::write(&file, "").expect("written");
    let told = bpconform(&with);
    assert!(told.code == Some(5) && told.out.contains("to paste into the baseline"), "{}", told.all());
}

#[test]
fn every_requested_report_is_written_and_github_is_notified() {
    let folder = directory("reports");
    let (page, summary) = (folder.join("deep/report.html"), folder.join("summary.md"));
    let wanted = format!("html={}", path(&page));
    let told = bpconform_with(
        &[
            "run",
            "-q",
            "--requirement",
            "BP-REP-02",
            "--defect",
            "agent-disabled",
            "--report",
            &wanted,
            "--report",
            "ctrf=-",
        ],
        &[("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", path(&summary))],
    );
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert!(std::fs::read_to_string(&page).expect("the page").contains("BP-REP-02"));
    assert!(std::fs::read_to_string(&summary).expect("the summary").contains("does not conform"));
    assert!(told.err.contains("::error file=features/05-replication-agents.feature,line="), "{}", told.err);
    assert!(told.err.contains("exit 1: does not conform"), "the summary is on standard error: {}", told.err);
    let data: Value = serde_json::from_str(&told.out).expect("the standard output is data and nothing else");
    assert_eq!(data["reportFormat"], "CTRF");
    for wrong in [&["run", "--report", "trace=-"][..], &["report", "trace", path(&folder)]] {
        let told = bpconform(wrong);
        assert!(told.code == Some(2) && told.err.contains("ZIP file"), "{}", told.all());
    }
    let wrong = bpconform(&["run", "--report", "pdf=x"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("unknown format `pdf`"), "{}", wrong.all());
}

#[test]
fn a_run_that_reaches_no_target_leaves_no_record() {
    let folder = directory("stale");
    let out = folder.join("out");
    let page = out.join("report.html");
    let wanted = format!("html={}", path(&page));
    let run = ["run", "-q", "--requirement", "BP-REP-02", "--out", path(&out), "--report", &wanted];
    assert_eq!(bpconform(&run).code, Some(0));
    assert!(out.join("junit.xml").exists() && page.exists());
    let nobody = ["--target", "author", "--author-url", "http://127.0.0.1:9"];
    let credentials = [("BPCONFORM_AUTHOR_USER", "a"), ("BPCONFORM_AUTHOR_PASSWORD", "a-password-of-tests")];
    let told = bpconform_with(&[&run[..], &nobody].concat(), &credentials);
    assert_eq!(told.code, Some(3), "{}", told.all());
    let left: Vec<_> = std::fs::read_dir(&out).expect("listed").collect();
    assert!(left.is_empty(), "the green evidence of the earlier run is still there: {left:?}");
    // A report that cannot be written is rejected before the run, not after it.
    std::fs::write(folder.join("file"), "").expect("written");
    let told = bpconform(&["run", "--report", &format!("html={}/x", path(&folder.join("file")))]);
    assert!(told.code == Some(2) && told.out.is_empty(), "{}", told.all());
}

#[test]
fn a_report_that_is_rendered_later_is_the_same_to_the_byte() {
    let folder = directory("later");
    let runs = vec![("failing", &["--defect", "agent-disabled"][..]), ("passing", &[])];
    for (name, flags) in sample("records of which each report is rendered later", runs, 1) {
        let out = folder.join(name);
        let earlier = |format: ReportFormat| out.join(format!("report.{}", format.word()));
        let wanted: Vec<String> =
            ReportFormat::all().map(|format| format!("{}={}", format.word(), path(&earlier(format)))).collect();
        let reports: Vec<&str> = wanted.iter().flat_map(|wanted| ["--report", wanted]).collect();
        let told = bpconform(&[&["run", "-q", "--out", path(&out)][..], flags, &reports].concat());
        assert!(matches!(told.code, Some(0 | 1)), "{}", told.all());
        for format in ReportFormat::all() {
            let later = out.join("later");
            let told = bpconform(&["report", format.word(), path(&out), "--out", path(&later)]);
            assert_eq!(told.code, Some(0), "{}", told.all());
            let bytes = |file: &Path| std::fs::read(file).expect("written");
            let (earlier, later) = (bytes(&earlier(format)), bytes(&later));
            if format == ReportFormat::Trace {
                assert!(earlier == later, "{name}: the trace differs");
                continue;
            }
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
            let (earlier, later) = (text(earlier), text(later));
            let differs = earlier.lines().zip(later.lines()).find(|(one, two)| one != two);
            assert!(earlier == later, "{name}, {}: {differs:?}", format.word());
        }
    }
}

#[test]
fn a_run_that_is_killed_leaves_a_readable_record() {
    let folder = directory("killed");
    let out = folder.join("out");
    let mut run = command(&["run", "-q", "--jobs", "1", "--out", path(&out)]);
    let mut child = run.stdout(Stdio::null()).spawn().expect("started");
    let part = out.join(record_file::PART);
    let began = Instant::now();
    // The plan and at least two scenarios.
    while std::fs::read_to_string(&part).map_or(0, |text| text.lines().count()) < 3 {
        assert!(began.elapsed() < Duration::from_secs(120), "nothing was kept");
        std::thread::yield_now();
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let record = record_file::read(&out).expect("what is left can be read");
    assert!(!record.complete && record.exit_code == 130);
    assert!(record.scenarios.iter().any(|scenario| scenario.verdict == Verdict::Passed));
    assert!(record.scenarios.iter().any(|scenario| scenario.verdict == Verdict::Unproven));
    assert_eq!(bpconform(&["report", "html", path(&out), "--out", path(&folder.join("left.html"))]).code, Some(0));
}
