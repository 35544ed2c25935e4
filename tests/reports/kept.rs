//! The record on the disk: its schema, and what a killed run leaves.

use std::fs;
use std::path::Path;

use bpconform::record::{Record, RunOutcome};
use bpconform::record_file::{self, PART, RecordWriter, WHOLE};
use bpconform::verdict::Verdict;
use bpconform_steps::evidence::PageView;
use bpconform_steps::redact::Redactor;

use serde_json::Value;

use super::{Folder, sample};

/// The plan of a record: nothing has run.
fn plan(record: &Record) -> Record {
    let mut plan = record.clone();
    for scenario in &mut plan.scenarios {
        (scenario.verdict, scenario.reason, scenario.started_ms, scenario.duration_ms) =
            (Verdict::Unproven, None, 0.0, 0.0);
        scenario.steps.iter_mut().for_each(|step| step.verdict = Verdict::Unproven);
    }
    plan.complete = false;
    plan.judge_again(false);
    plan
}

#[test]
fn the_schema_in_the_repository_is_that_of_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema/run.schema.json");
    let rendered = serde_json::to_string_pretty(&bpconform::schema::record()).expect("a schema is JSON") + "\n";
    if std::env::var_os("BPCONFORM_UPDATE_SCHEMA").is_some() {
        fs::create_dir_all(file.parent().expect("it is in a directory")).expect("made");
        fs::write(&file, &rendered).expect("written");
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == rendered, "{} is not that of the types; write it with BPCONFORM_UPDATE_SCHEMA=1", file.display());
}

/// A record of the first format as it was first written. It is never written again: a record that was kept for years
/// must stay readable by a later program.
const FIRST_FORM: &str = "fixtures/schema/sample.run.json";

#[test]
fn a_record_of_the_first_form_can_still_be_read() {
    let record = record_file::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(FIRST_FORM)).expect("it is read");
    assert_eq!((record.format, record.outcome), (1, RunOutcome::Fails));
    let verdicts: Vec<_> = record.scenarios.iter().map(|one| one.verdict.word()).collect();
    assert_eq!(verdicts, ["passed", "passed", "failed", "error", "skipped", "failed"]);
    assert!(record.scenarios[1].is_flaky() && record.scenarios[5].name.ends_with(sample::HOSTILE));
    assert_eq!(sample::verdict_of(&record, "BP-REP-03"), Verdict::Failed);
}

#[test]
fn every_record_matches_the_schema_and_other_json_does_not() {
    let valid = schema();
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FIRST_FORM)).expect("it is there");
    let first: Value = serde_json::from_str(&text).expect("JSON");
    valid(&first).expect("a record of the first form");
    let records = [sample::passing(), sample::failing(), plan(&sample::failing()), sample::record(Vec::new())];
    for record in records {
        valid(&serde_json::to_value(record).expect("JSON")).expect("a record");
    }
    let wrong: [fn(&mut Value); 5] = [
        |record| record["format"] = (bpconform::record::FORMAT + 1).into(),
        |record| record["started"] = "yesterday".into(),
        |record| record["scenarios"][0]["verdict"] = "green".into(),
        |record| record["exit_code"] = 300.into(),
        |record| drop(record.as_object_mut().expect("an object").remove("complete")),
    ];
    for make in wrong {
        let mut record = first.clone();
        make(&mut record);
        valid(&record).expect_err("it is not a record");
    }
}

/// The schema check of a value, as a reader in another language would do it.
fn schema() -> impl Fn(&Value) -> Result<(), String> {
    let mut compiler = boon::Compiler::new();
    compiler.enable_format_assertions();
    let name = "run.schema.json";
    compiler.add_resource(name, bpconform::schema::record()).expect("a resource");
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile(name, &mut schemas).expect("it is a schema");
    move |value| schemas.validate(value, index).map_err(|problem| problem.to_string())
}

#[test]
fn what_is_written_is_read_back_the_same() {
    let folder = Folder::new("round");
    for record in [sample::failing(), sample::passing(), sample::record(Vec::new())] {
        let file = folder.0.join(WHOLE);
        record_file::write(&record, &file).expect("written");
        assert_eq!(record_file::read(&file).expect("read"), record);
        assert_eq!(record_file::read(&folder.0).expect("a directory will do"), record);
        assert_eq!(fs::read_dir(&folder.0).expect("listed").count(), 1, "nothing else is left there");
    }
}

/// What only the program itself writes: its own words, ids and numbers.
const OWN: [&str; 23] = [
    "id",
    "method",
    "surface",
    "keyword",
    "kind",
    "platform",
    "requirements",
    "scenarios",
    "seed",
    "states",
    "defects",
    "mocks",
    "surfaces",
    "surfaces_sha256",
    "plan_sha256",
    "version",
    "cause",
    "requirement",
    "remedy",
    "shown_by",
    "explains",
    "explained_by",
    "name of a header",
];

/// Puts a text in the place of each string of a document, one at a time.
fn each_string(value: &Value, path: &str, replace: &mut dyn FnMut(&str)) {
    match value {
        Value::String(_) => replace(path),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(index, one)| each_string(one, &format!("{path}/{index}"), replace));
        }
        Value::Object(all) => {
            all.iter().for_each(|(name, one)| each_string(one, &format!("{path}/{name}"), replace));
        }
        _ => {}
    }
}

#[test]
fn every_text_of_the_record_passes_the_gate_for_secrets() {
    let redactor = Redactor::default();
    redactor.learn("p8x-canary-of-tests");
    let mut record = sample::failing();
    record.environment.name = Some("production".into());
    record.environment.ci.insert("job".into(), "https://ci.example".into());
    record.left_behind.push("something".into());
    record.journal = Some("journal.jsonl".into());
    record.scenarios[0].pages.push(sample::page("a page"));
    record.scenarios[0].steps[0].pages.push(sample::page("a page"));
    record.target.addresses.insert("author".into(), "http://author.example:4502/".parse().expect("an address"));
    let whole = serde_json::to_value(&record).expect("JSON");
    let (mut seen, mut left) = (0, Vec::new());
    each_string(&whole, "", &mut |path| {
        let mut changed = whole.clone();
        *changed.pointer_mut(path).expect("it is there") = "http://p8x-canary-of-tests/".into();
        let Ok(record) = serde_json::from_value::<Record>(changed) else { return };
        let masked = serde_json::to_string(&record.masked(&redactor)).expect("JSON");
        seen += 1;
        if masked.contains("canary") {
            left.push(path.to_owned());
        }
    });
    let is_own = |path: &String| {
        let parts: Vec<&str> = path.rsplit('/').collect();
        let header = path.contains("headers/") && parts[0] == "0";
        header || OWN.iter().any(|own| parts.iter().take(2).any(|part| part == own)) || path == "/tool/name"
    };
    left.retain(|path| !is_own(path));
    assert!(left.is_empty() && seen > 50, "of {seen} texts these show it: {left:?}");
}

#[test]
fn a_secret_in_an_address_is_masked_wherever_it_stands() {
    let redactor = Redactor::default();
    redactor.learn("p8x-canary-of-tests");
    for address in [
        "http://p8x-canary-of-tests/",
        "https://p8x-canary-of-tests.example.com:8443/cms",
        "https://a.p8x-canary-of-tests/",
        "http://admin:p8x-canary-of-tests@author.example/",
        "http://p8x-canary-of-tests@author.example/",
        "http://author.example/p8x-canary-of-tests/x",
        "http://author.example/?token=p8x-canary-of-tests",
        "http://author.example/#p8x-canary-of-tests",
        "p8x-canary-of-tests://author.example/",
    ] {
        let address = url::Url::parse(address).expect("an address");
        for anew in [false, true] {
            let mut record = sample::passing();
            record.target.addresses.insert("author".into(), address.clone());
            let record = if anew { record.masked_anew(&redactor) } else { record.masked(&redactor) };
            let left = record.target.addresses["author"].as_str();
            assert!(!left.contains("canary"), "{address} becomes {left}");
        }
    }
}

#[test]
fn a_picture_of_a_page_that_shows_what_is_learned_later_is_withheld() {
    let redactor = Redactor::default();
    redactor.learn("p8x-canary-of-tests");
    let pages = || {
        let mut record = sample::passing();
        let page = |text: &str, picture: &str| PageView { picture: Some(picture.to_owned()), ..sample::page(text) };
        record.scenarios[0].pages = vec![page("a p8x-canary-of-tests", "one"), page("nothing", "two")];
        record.scenarios[0].steps[0].pages.push(page("the same picture", "one"));
        record
    };
    for record in [pages().masked_with_pictures(&redactor), pages().masked_anew(&redactor)] {
        assert_eq!(record.pictures(), ["two"]);
        let told = record.scenarios[0].steps[0].pages[0].no_picture.as_deref();
        assert!(told.is_some_and(|told| told.contains("learned later")), "{told:?}");
    }
}

#[test]
fn a_killed_run_leaves_an_incomplete_record_of_what_ran() {
    let folder = Folder::new("killed");
    let whole = sample::failing();
    fs::write(folder.0.join(WHOLE), "an older record").expect("written");
    let mut keeper = RecordWriter::begin(&folder.0, &plan(&whole)).expect("begun");
    whole.scenarios[..3].iter().for_each(|scenario| keeper.ended(scenario).expect("kept"));
    drop(keeper);
    // The process died in the middle of a line.
    let part = folder.0.join(PART);
    let cut = fs::read_to_string(&part).expect("read");
    fs::write(&part, cut + "{\"id\":\"05-replication-agents/every-queue").expect("cut");

    let left = record_file::read(&folder.0).expect("what is left can be read");
    assert!(!left.complete && left.outcome == RunOutcome::Interrupted && left.exit_code == 130);
    assert_eq!(left.scenarios[..3], whole.scenarios[..3]);
    assert!(left.scenarios[3..].iter().all(|scenario| scenario.verdict == Verdict::Unproven));
    assert_eq!(sample::verdict_of(&left, "BP-REP-03"), Verdict::Failed);
    assert!(left.scenarios[4].reason.as_deref().is_some_and(|reason| reason.contains("the run ended before it")));
    assert!(left.duration_ms > 100.0, "the time is that of what ran");
}

#[test]
fn a_run_that_ends_leaves_the_whole_record_only() {
    let folder = Folder::new("ended");
    let whole = sample::passing();
    let mut keeper = RecordWriter::begin(&folder.0, &plan(&whole)).expect("begun");
    whole.scenarios.iter().for_each(|scenario| keeper.ended(scenario).expect("kept"));
    keeper.finish(&whole).expect("finished");
    assert!(!folder.0.join(PART).exists());
    assert_eq!(record_file::read(&folder.0).expect("read"), whole);
}

#[test]
fn what_is_no_record_is_refused_by_name() {
    let folder = Folder::new("none");
    let problem = |path: &Path| record_file::read(path).expect_err("no record").to_string();
    assert!(problem(&folder.0).contains("neither run.json nor run.part.jsonl"), "{}", problem(&folder.0));
    let file = folder.0.join("other.json");
    fs::write(&file, "{\"a\": 1}").expect("written");
    assert!(
        problem(&file).contains("other.json") && problem(&file).contains("not the record of a run"),
        "{}",
        problem(&file)
    );
    let mut newer = sample::passing();
    newer.format = bpconform::record::FORMAT + 1;
    record_file::write(&newer, &file).expect("written");
    assert!(problem(&file).contains("use a newer version"), "{}", problem(&file));
}
