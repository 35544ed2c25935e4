//! A run that takes over what was green in an earlier record, and a run that ends at a failure.

use std::path::{Path, PathBuf};

use bpconform::record::Record;
use bpconform::record_file;
use bpconform::verdict::Verdict;
use serde_json::Value;

use crate::support::{Mock, Told, bpconform, bpconform_with, directory, post};

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of this test is UTF-8")
}

fn read(folder: &Path) -> Record {
    record_file::read(folder).expect("a record")
}

const AGENT: &str = "/etc/replication/agents.author/mp_replication_agent2_default_bpdoc/jcr:content";

/// A run whose agent is disabled, and the mock, whose agent is enabled again.
fn repaired(folder: &Path, more: &[&str]) -> (Mock, PathBuf, Told) {
    let (mock, before) = (Mock::start("configured"), folder.join("before"));
    let set = |enabled: &str| {
        let answer = post(&mock, AGENT, &format!("enabled={enabled}"));
        assert!(answer.contains(" 200") || answer.contains(" 201"), "{answer}");
    };
    set("false");
    let told = mock.run(&[&["--quiet", "--out", path(&before)], more].concat());
    assert_eq!(told.code, Some(1), "{}", told.all());
    set("true");
    (mock, before, told)
}

/// The ids of the scenarios of a record that are from the run itself.
fn own(record: &Record) -> Vec<&str> {
    let own = record.scenarios.iter().filter(|one| one.run == Some(record.started) && one.started_ms > 0.0);
    own.map(|one| one.id.as_str()).collect()
}

/// The ids of the scenarios that asked another system than the Author, which is where secrets are sent: no record says
/// whether they are the same.
fn sent_elsewhere(record: &Record) -> Vec<&str> {
    let elsewhere = |one: &&bpconform::record::ScenarioRecord| {
        let mut exchanges = one.steps.iter().flat_map(|step| &step.exchanges);
        exchanges.any(|exchange| !exchange.surface.starts_with("author."))
    };
    record.scenarios.iter().filter(elsewhere).map(|one| one.id.as_str()).collect()
}

#[test]
fn what_another_setting_or_secret_decided_is_not_taken_over() {
    let folder = directory("rerun-inputs");
    let (mock, first) = (Mock::start("configured"), folder.join("first"));
    let selected = ["--quiet", "--allow", "probe", "--requirement", "BP-PRE-03", "--requirement", "BP-CON-02"];
    let run = |more: &[&str]| mock.run(&[&selected[..], more].concat());
    let told = run(&["--latest-service-pack", "6.5.21.0", "--out", path(&first)]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let (next, rerun) = (folder.join("next"), ["--rerun", path(&first)]);
    let told = run(&[&rerun[..], &["--latest-service-pack", "6.5.99.0", "--out", path(&next)]].concat());
    assert!(told.code == Some(2) && told.err.contains("settings and users differs"), "{}", told.all());
    let same = ["--latest-service-pack", "6.5.21.0"];
    let told = run(&[&rerun[..], &same, &["--header", "X-Route: other", "--out", path(&next)]].concat());
    assert!(told.code == Some(2) && told.err.contains("headers of a gateway"), "{}", told.all());
    let told = run(&[&rerun[..], &same, &["--out", path(&first)]].concat());
    assert!(told.code == Some(2) && told.err.contains("the same directory"), "{}", told.all());
    assert_eq!(read(&first).outcome, bpconform::record::RunOutcome::Conforms, "it is still there");
    // Another secret: what was sent with it is sent again.
    let mut variables = mock.credentials();
    variables.retain(|(name, _)| *name != "BPCONFORM_IMS_CLIENT_SECRET");
    variables.push(("BPCONFORM_IMS_CLIENT_SECRET", "p8e-another-secret-without-worth"));
    let urls = ["--author-url", mock.url("author"), "--ims-url", mock.url("ims"), "--tenant-url", mock.url("tenant")];
    let console = ["--console-url", mock.url("console"), "--out", path(&next)];
    let arguments = [&["run", "--target", "author"], &urls[..], &console, &selected, &rerun, &same].concat();
    let told = bpconform_with(&arguments, &variables);
    assert_eq!(told.code, Some(1), "{}", told.all());
}

#[test]
fn after_a_repair_only_what_is_needed_runs_and_the_record_is_whole() {
    let folder = directory("rerun-author");
    let (mock, before, _) = repaired(&folder, &["--allow", "probe"]);
    let after = folder.join("after");
    let told = mock.run(&["--allow", "probe", "--quiet", "--rerun", path(&before), "--out", path(&after)]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let (then, now) = (read(&before), read(&after));
    assert!(told.out.contains(" scenarios are from an earlier run ("), "{}", told.out);

    let ids = |record: &Record| record.scenarios.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&then), ids(&now), "the record is whole");
    let own = own(&now);
    for (then, now) in then.scenarios.iter().zip(&now.scenarios) {
        let red = !matches!(then.verdict, Verdict::Passed | Verdict::Skipped | Verdict::NotApplicable);
        assert!(!red || own.contains(&then.id.as_str()), "{} did not run again", then.id);
        assert!(now.run.is_some(), "{} is from no run", now.id);
        let kept = own.contains(&now.id.as_str()) || now.verdict == Verdict::Skipped || now.steps == then.steps;
        assert!(kept, "{} is not what it was", now.id);
    }
    let red = then.scenarios.iter().filter(|one| one.verdict == Verdict::Failed).count();
    let with_secrets = sent_elsewhere(&then);
    let own_only = own.iter().filter(|id| !with_secrets.contains(id)).count();
    let kept = now.plan.rerun.as_ref().expect("a rerun").kept;
    assert!(own_only <= red + 4 && own_only * 3 < kept && own.len() < kept, "{own:?}");

    let told = bpconform(&["diff", path(&before), path(&after), "--format", "json"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let found: Value = serde_json::from_str(&told.out).expect("JSON");
    let text = found.to_string();
    assert!(text.contains("BP-REP-02") && text.contains("\"failed\"") && text.contains("\"passed\""), "{text}");
    for format in ["html", "markdown", "text", "sarif", "junit"] {
        assert_eq!(bpconform(&["report", format, path(&after)]).code, Some(0), "{format}");
    }
    // The repaired run is itself an earlier one: then only what was skipped for want of a setting runs.
    let again = folder.join("again");
    let told = mock.run(&["--allow", "probe", "--quiet", "--rerun", path(&after), "--out", path(&again)]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let again = read(&again);
    let skipped = again.scenarios.iter().filter(|one| one.verdict == Verdict::Skipped).map(|one| one.id.as_str());
    let skipped: Vec<_> = skipped.collect();
    let allowed = |id: &&str| skipped.contains(id) || with_secrets.contains(id);
    assert!(self::own(&again).iter().all(allowed), "{:?}", self::own(&again));
    let first = then.started;
    assert!(again.scenarios.iter().any(|one| one.run == Some(first)), "each scenario names the run that it is from");
}

#[test]
fn shards_that_were_repaired_are_merged() {
    let folder = directory("rerun-shards");
    let select = ["--requirement", "BP-REP-01", "--requirement", "BP-REP-02", "--requirement", "BP-REP-04"];
    let mut merge = vec!["merge".to_owned()];
    for shard in ["1/2", "2/2"] {
        let (red, green) = (folder.join(format!("red-{}", &shard[..1])), folder.join(format!("green-{}", &shard[..1])));
        let common = [&["run", "-q", "--shard", shard], &select[..]].concat();
        bpconform(&[&common[..], &["--defect", "agent-disabled", "--out", path(&red)]].concat());
        let told = bpconform(&[&common[..], &["--rerun", path(&red), "--out", path(&green)]].concat());
        assert!(matches!(told.code, Some(0 | 4)), "{}", told.all());
        merge.push(path(&green).to_owned());
    }
    let whole = folder.join("whole");
    merge.extend(["--out".to_owned(), path(&whole).to_owned()]);
    let told = bpconform(&merge.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(told.code, Some(0), "{}", told.all());
    let whole = read(&whole);
    assert!(whole.plan.rerun.is_some_and(|rerun| rerun.kept == 2) && whole.scenarios.len() == 3);
}

#[test]
fn a_rerun_of_another_target_product_or_plan_is_refused() {
    let folder = directory("rerun-refused");
    let (mock, before, _) = repaired(&folder, &["--requirement", "BP-REP-02"]);
    let usual = ["--quiet", "--requirement", "BP-REP-02", "--rerun", path(&before)];
    let refused = |told: &Told, why: &str| {
        assert!(told.code == Some(2) && told.err.contains(why), "{why}: {}", told.all());
    };
    refused(&Mock::start("configured").run(&usual), "the target differs");
    refused(&mock.run(&[&usual[..], &["--requirement", "BP-REP-01"]].concat()), "the selection differs");
    refused(&mock.run(&[&usual[..], &["--allow", "probe"]].concat()), "the allow level differs");
    refused(&mock.run(&[&usual[..], &["--shard", "1/2"]].concat()), "the shard differs");
    refused(&mock.run(&[&usual[..], &["--dry-run", "--allow", "probe"]].concat()), "the allow level differs");
    let change = |edit: &dyn Fn(&mut Value)| {
        let file = before.join("run.json");
        let mut record: Value =
            serde_json::from_str(&std::fs::read_to_string(&file).expect("it is there")).expect("JSON");
        edit(&mut record);
        std::fs::write(&file, record.to_string()).expect("it can be written");
    };
    change(&|record| record["target"]["product"] = "Adobe Experience Manager (6.4.8.0)".into());
    refused(&mock.run(&usual), "the product differs");
    change(&|record| record["left_behind"] = serde_json::json!(["a folder"]));
    refused(&mock.run(&usual), "were not undone");
    refused(&mock.run(&["--quiet", "--rerun", path(&folder.join("nothing"))]), "nothing");
}

#[test]
fn what_is_in_another_state_is_asked_everything() {
    let folder = directory("rerun-state");
    let (mock, before, _) = repaired(&folder, &["--tags", "@BP-REP-02 or @BP-REP-04"]);
    let file = before.join("run.json");
    let text = std::fs::read_to_string(&file).expect("it is there");
    let mut record: Value = serde_json::from_str(&text).expect("JSON");
    record["target"]["states"] = serde_json::json!(["fresh"]);
    std::fs::write(&file, record.to_string()).expect("it can be written");
    let after = folder.join("after");
    let select = ["--quiet", "--tags", "@BP-REP-02 or @BP-REP-04"];
    let told = mock.run(&[&select[..], &["--rerun", path(&before), "--out", path(&after)]].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_eq!(read(&after).plan.rerun.expect("a rerun").kept, 0);
}

#[test]
fn nothing_is_changed_after_the_last_failure_that_is_permitted() {
    let folder = directory("fail-fast");
    let changes = |more: &[&str]| {
        let (mock, out) = (Mock::start("configured"), folder.join(more.first().map_or("none", |flag| &flag[2..])));
        post(&mock, AGENT, "enabled=false");
        let usual = ["--quiet", "--allow", "change", "--tags", "@BP-REP-02 or @BP-REP-10", "--out", path(&out)];
        let told = mock.run(&[&usual[..], more].concat());
        assert_eq!(told.code, Some(1), "{}", told.all());
        let paths = mock.paths("author");
        let own = paths.iter().filter(|sent| sent.starts_with("POST /etc/replication/agents.author/bpconform"));
        (read(&out), own.count())
    };
    let (all, changed) = changes(&[]);
    assert!(changed > 0 && all.complete, "without a limit there are changes");
    let (ended, changed) = changes(&["--fail-fast"]);
    assert_eq!(changed, 0, "nothing is changed after the first failure");
    assert!(!ended.complete && ended.outcome.exit().code() == 1);
    let not_run: Vec<_> =
        ended.scenarios.iter().filter(|one| one.started_ms > 0.0 && one.verdict == Verdict::Skipped).collect();
    assert!(
        !not_run.is_empty()
            && not_run.iter().all(|one| one.reason.as_ref().is_some_and(|it| it.starts_with("not run: 1 scenario")))
    );
    assert!(changes(&["--max-failures", "5"]).1 > 0);
}
