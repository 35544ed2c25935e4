//! The command as a person and a pipeline use it: help, messages, exit codes, files.

use std::fs;
use std::path::Path;

use crate::support::{bpconform, bpconform_with, directory, filtered};
use bpconform_fixtures::{Product, Requirements};
use serde_json::Value;

macro_rules! snapshot {
    ($name:expr, $told:expr) => {
        filtered(|| insta::assert_snapshot!($name, $told.all()))
    };
}

fn feature(name: &str, text: &str) -> String {
    let directory = directory(name);
    fs::write(directory.join("a.feature"), text).expect("it can be written");
    directory.to_str().expect("UTF-8").to_owned()
}

/// How many requirements hold for AEM 6.5.
fn requirements() -> usize {
    Requirements::built_in().all.iter().filter(|one| one.holds_for(&[Product::Aem65])).count()
}

#[test]
fn help_lists_commands_and_flags() {
    for arguments in [&["--help"][..], &["run", "--help"], &["list", "--help"], &["mock", "--help"]] {
        let told = bpconform(arguments);
        assert_eq!(told.code, Some(0));
        snapshot!(format!("help_{}", arguments[0].trim_start_matches('-')), told);
    }
}

#[test]
fn a_requirement_is_explained_to_a_newcomer() {
    let told = bpconform(&["explain", "BP-REP-03"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    snapshot!("explain", told);
    assert_eq!(bpconform(&["explain", "bp-rep-03"]).out, told.out);
    let unknown = bpconform(&["explain", "BP-REP-3"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("did you mean BP-REP-03?"), "{}", unknown.err);
}

#[test]
fn every_requirement_can_be_explained() {
    let table = bpconform(&["list", "--requirements", "--format", "markdown"]).out;
    let rows: Vec<_> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), Requirements::built_in().all.len());
    for row in rows {
        let scenarios = row.rsplit('|').nth(1).expect("a table row ends with a bar");
        assert!(scenarios.contains('`'), "no scenario: {row}");
    }
}

#[test]
fn a_bad_flag_is_wrong_usage() {
    for arguments in [
        &["run", "--no-such-flag"][..],
        &["run", "--allow", "everything"],
        &["run", "--timeout", "-1"],
        &["run", "--jobs", "0"],
        &["run", "--name", "("],
        &["run", "--target", "author", "--author-url", "author:4502"],
        &["run", "--target", "author", "--author-url", "http://admin:admin@localhost:4502"],
        &["mock", "--seed", "configurd"],
        &["nonsense"],
        &[],
    ] {
        let told = bpconform(arguments);
        assert_eq!(told.code, Some(2), "{arguments:?}: {}", told.all());
        assert!(told.out.is_empty() && !told.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn invalid_input_is_reported_with_the_next_step() {
    let cases: [(&str, &[&str]); 7] = [
        ("error_tags", &["run", "--tags", "@a and and"]),
        ("error_requirement", &["run", "--requirement", "BP-REP-3"]),
        ("error_no_author_url", &["run", "--target", "author"]),
        ("error_no_user", &["run", "--target", "author", "--author-url", "http://localhost:1"]),
        ("error_no_features", &["run", "--features", "/no/such/directory"]),
        ("error_no_surfaces", &["run", "--surfaces", "/no/such/file.toml"]),
        ("error_url_for_mock", &["run", "--author-url", "http://localhost:4502"]),
    ];
    for (name, arguments) in cases {
        let told = bpconform(arguments);
        assert_eq!(told.code, Some(2), "{arguments:?}: {}", told.all());
        snapshot!(name, told);
    }
}

#[test]
fn an_unusable_feature_is_reported_with_file_and_line() {
    let cases = [
        ("feature_no_gherkin", "Feature: F\n\n  Scenaro: misspelt\n    Given x\n"),
        ("feature_unknown_requirement", "Feature: F\n\n  @observe @BP-REP-3\n  Scenario: S\n    Given x\n"),
        ("feature_no_level", "Feature: F\n\n  Scenario: S\n    Given x\n"),
        ("feature_two_levels", "Feature: F\n\n  @observe @probe\n  Scenario: S\n    Given x\n"),
        (
            "feature_two_authors",
            "@observe\nFeature: F\n\n  @author:fresh @author:configured\n  Scenario: S\n    Given x\n",
        ),
        ("feature_unknown_author", "Feature: F\n\n  @observe @author:configurd\n  Scenario: S\n    Given x\n"),
        ("feature_unknown_surface", "Feature: F\n\n  @observe @surface:author.agent-tst\n  Scenario: S\n    Given x\n"),
        ("feature_same_name", "@observe\nFeature: F\n\n  Scenario: S\n    Given x\n\n  Scenario: S!\n    Given x\n"),
        (
            "feature_no_column",
            "@observe\nFeature: F\n\n  Scenario Outline: S\n    Given <y>\n\n    Examples:\n      | x |\n      | 1 |\n",
        ),
    ];
    for (name, text) in cases {
        let told = bpconform(&["run", "--features", &feature(&name.replace('_', "-"), text)]);
        assert_eq!(told.code, Some(2), "{name}: {}", told.all());
        assert!(told.err.contains("a.feature:"), "{name}: {}", told.err);
        snapshot!(name, told);
    }
}

#[test]
fn an_unknown_tag_is_refused_wherever_it_is_written() {
    let levels = [
        ("feature", 1, "@irreversable\nFeature: F\n\n  @observe\n  Scenario: S\n    Given x\n"),
        ("rule", 4, "@observe\nFeature: F\n\n  @irreversable\n  Rule: R\n\n    Scenario: S\n      Given x\n"),
        ("scenario", 4, "Feature: F\n\n  @observe # @irreversable\n  @irreversable\n\n  Scenario: S\n    Given x\n"),
        (
            "second",
            7,
            "@observe\nFeature: F\n\n  Scenario: S\n    Given x\n\n  @probe@irreversable\n  Scenario: T\n    Given x\n",
        ),
        (
            "examples",
            7,
            "@observe\nFeature: F\n\n  Scenario Outline: S\n    Given <x>\n\n    @irreversable\n    Examples:\n      | x |\n      \
             | 1 |\n",
        ),
    ];
    for (level, line, text) in levels {
        let told = bpconform(&["run", "--features", &feature(&format!("tag-of-{level}"), text)]);
        assert_eq!(told.code, Some(2), "{level}: {}", told.all());
        let wanted = format!("a.feature:{line}: @irreversable is not a known tag; did you mean @irreversible?");
        assert!(told.err.contains(&wanted), "{level}: {}", told.err);
    }
    for command in ["run", "list"] {
        let told = bpconform(&[command, "--tags", "not @irreversable"]);
        assert_eq!(told.code, Some(2), "{}", told.all());
        assert!(told.err.contains("did you mean @irreversible?"), "{}", told.err);
    }
}

#[test]
fn tags_of_ones_own_and_repeated_tags_are_read() {
    let text = "@observe @observe @x-smoke @BP-PRE-01\nFeature: F\n\n  @BP-PRE-01 @x-Mine\n  Scenario: S\n    \
        When I open the Author's login page\n    Then AEM's login page is shown\n";
    let features = feature("own-tags", text);
    let told = bpconform(&["list", "--features", &features, "--tags", "@x-smoke and @x-Mine"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("a/s"), "{}", told.out);
}

#[test]
fn a_sentence_without_a_step_and_a_scenario_without_steps_are_refused_before_the_run() {
    let unread = "@observe @BP-PRE-01\nFeature: F\n\n  Scenario: Unread\n    Given a sentence that no step reads\n";
    let mistyped = "@observe @BP-PRE-01\nFeature: F\n\n  Scenario: S\n    When I open the Author's log in page\n";
    let empty = "@observe @BP-PRE-01\nFeature: F\n\n  Scenario: Empty\n";
    for (name, text) in [("undefined", unread), ("mistyped", mistyped), ("empty", empty)] {
        let told = bpconform(&["run", "--features", &feature(name, text)]);
        assert_eq!(told.code, Some(2), "{}", told.all());
        snapshot!(name, told);
    }
}

#[test]
fn nothing_selected_proves_nothing() {
    let told = bpconform(&["run", "--tags", "@x-no-such"]);
    assert_eq!(told.code, Some(4), "{}", told.all());
    let told = bpconform(&["run", "--allow", "observe", "--tags", "@change"]);
    assert_eq!(told.code, Some(4), "{}", told.all());
}

#[test]
fn one_requirement_is_checked_and_recorded() {
    let out = directory("one-requirement");
    let told = bpconform(&["run", "--requirement", "BP-PRE-01", "--out", out.to_str().expect("UTF-8")]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    snapshot!("run_one_requirement", told);
    let record = read(&out.join("run.json"));
    assert_eq!(record["tool"]["name"], "bpconform");
    assert_eq!(record["target"]["kind"], "mock");
    assert_eq!((&record["exit_code"], &record["complete"]), (&0.into(), &true.into()));
    assert_eq!(record["requirements"][0]["id"], "BP-PRE-01");
    assert_eq!(record["requirements"][0]["verdict"], "passed");
    assert_eq!(record["summary"]["requirements"]["unproven"], requirements() - 1);
    let xml = fs::read_to_string(out.join("junit.xml")).expect("it was written");
    let document = roxmltree::Document::parse(&xml).expect("well formed");
    assert_eq!(document.root_element().attribute("failures"), Some("0"));
}

#[test]
fn a_dry_run_prints_the_plan_and_sends_nothing() {
    let arguments =
        ["run", "--dry-run", "--target", "author", "--author-url", "http://127.0.0.1:1", "--requirement", "BP-CON-02"];
    let told = bpconform_with(&arguments, &[("BPCONFORM_AUTHOR_USER", "u"), ("BPCONFORM_AUTHOR_PASSWORD", "p")]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("skip") && told.out.contains("needs --allow"), "{}", told.out);
}

#[test]
fn the_list_names_scenarios_and_coverage() {
    let told = bpconform(&["list", "--requirement", "BP-PRE-01"]);
    assert_eq!(told.code, Some(0));
    assert!(told.out.contains("01-prerequisites/"), "{}", told.out);
    let told = bpconform(&["list", "--requirements", "--product", "aem-6.5"]);
    let all = format!("of {} requirements of AEM 6.5 have a scenario", requirements());
    assert!(told.out.contains(&all), "{}", told.out);
}

#[test]
fn variables_are_held_to_what_they_are() {
    let author = ["run", "--target", "author", "--author-url", "http://127.0.0.1:1"];
    let good = [("BPCONFORM_AUTHOR_USER", "harness"), ("BPCONFORM_AUTHOR_PASSWORD", "a-password-of-tests")];
    let cases = [
        ("env_empty", ("BPCONFORM_AUTHOR_PASSWORD", "")),
        ("env_org", ("BPCONFORM_IMS_ORG_ID", "1234")),
        ("env_key", ("BPCONFORM_JWT_PRIVATE_KEY", "hush-hush")),
        ("env_url", ("BPCONFORM_IMS_URL", "ims")),
    ];
    for (name, variable) in cases {
        let variables: Vec<_> = good.into_iter().chain([variable]).collect();
        let told = bpconform_with(&author, &variables);
        assert_eq!(told.code, Some(2), "{name}: {}", told.all());
        assert!(!told.all().contains("hush-hush"), "{name} prints a secret");
        snapshot!(name, told);
    }
    let told = bpconform_with(&["list", "--requirement", "BP-PRE-01"], &[("BPCONFORM_AUTOR_USER", "harness")]);
    assert!(told.err.contains("did you mean BPCONFORM_AUTHOR_USER?"), "{}", told.err);
}

#[cfg(unix)]
#[test]
fn a_file_of_credentials_is_read_only_when_nobody_else_can() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = directory("credentials").join("credentials");
    let write = |text: &str, mode| {
        fs::write(&file, text).expect("it can be written");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let path = file.to_str().expect("UTF-8");
    let run = || bpconform(&["run", "--target", "author", "--author-url", "http://127.0.0.1:1", "--credentials", path]);
    let good = "# of tests\nBPCONFORM_AUTHOR_USER=harness\nBPCONFORM_AUTHOR_PASSWORD = \"hush-hush\"\n";
    write(good, 0o644);
    assert_eq!(run().code, Some(2));
    snapshot!("credentials_mode", run());
    write("BPCONFORM_AUTHOR_USR=harness\n", 0o600);
    snapshot!("credentials_name", run());
    write("hush-hush\n", 0o600);
    assert!(!run().all().contains("hush-hush"));
    write(good, 0o600);
    let told = run();
    assert_eq!(told.code, Some(3), "read, and then nothing answers: {}", told.all());
}

#[test]
fn an_unwritable_directory_is_reported_before_the_run() {
    let told = bpconform(&["run", "--requirement", "BP-PRE-01", "--out", "/dev/null/x"]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(!told.out.contains("Feature"), "{}", told.out);
}

#[test]
fn completions_know_the_flags() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(bpconform(&["completions", shell]).out.contains("dry-run"));
    }
}

fn read(file: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).expect("it was written")).expect("JSON")
}

#[test]
fn slow_mocks_change_no_verdict_and_the_record_shows_how_slow_they_were() {
    let record = |seed: &str, more: &[&str]| {
        let out = directory(&format!("jitter-{seed}-{}", more.len()));
        let out = out.to_str().expect("UTF-8");
        let told = bpconform(&[&["run", "--jitter", seed, "--requirement", "BP-REP-03", "--out", out], more].concat());
        let text = std::fs::read_to_string(format!("{out}/run.json")).expect("the record");
        (told.code, serde_json::from_str::<serde_json::Value>(&text).expect("JSON"))
    };
    let (code, green) = record("7", &[]);
    assert_eq!(code, Some(0), "{green}");
    assert_eq!(green["target"]["jitter"], 7);
    let exchanges = |record: &serde_json::Value| -> Vec<u64> {
        let scenarios = record["scenarios"].as_array().expect("a list").iter();
        let steps = scenarios.flat_map(|scenario| scenario["steps"].as_array().expect("a list"));
        let all = steps.flat_map(|step| step["exchanges"].as_array().map(Vec::as_slice).unwrap_or_default());
        all.map(|exchange| exchange["took_us"].as_u64().expect("a number")).collect()
    };
    let times = exchanges(&green);
    assert!(times.iter().sum::<u64>() / times.len() as u64 > 5_000, "they did not take their time: {times:?}");
    let (code, red) = record("7", &["--defect", "agent-disabled"]);
    assert_eq!(code, Some(1), "{red}");
    let login = [("BPCONFORM_AUTHOR_USER", "u"), ("BPCONFORM_AUTHOR_PASSWORD", "p")];
    let author = ["run", "--target", "author", "--author-url", "http://127.0.0.1:1", "--jitter", "1"];
    let told = bpconform_with(&author, &login);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("--jitter is for the embedded mocks"), "{}", told.err);
}
