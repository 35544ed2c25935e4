//! The same features, unchanged, against an Author at an address: what each level of permission may check is checked,
//! and nothing above it is ever sent.

use crate::support::{Mock, Told, directory, post, with_credentials};
use serde_json::Value;

fn run(mock: &Mock, level: &str, name: &str) -> (Told, Value) {
    let out = directory(&format!("author-{name}"));
    let told = mock.run(&["--allow", level, "--out", out.to_str().expect("UTF-8")]);
    let record = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
    (told, serde_json::from_str(&record).expect("JSON"))
}

fn scenarios<'a>(record: &'a Value, verdict: &str) -> Vec<&'a Value> {
    let all = record["scenarios"].as_array().expect("a list").iter();
    all.filter(|scenario| scenario["verdict"] == verdict).collect()
}

/// Nothing failed, and every skipped scenario has a reason.
fn assert_green(told: &Told, record: &Value) {
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_eq!(record["exit_code"], 0);
    assert_eq!(record["complete"], true);
    for skipped in scenarios(record, "skipped") {
        assert!(skipped["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{}", skipped["id"]);
    }
}

#[test]
fn observe_only_reads_and_asks_for_no_token() {
    let mock = Mock::start("configured");
    let before = mock.repository();
    let (told, record) = run(&mock, "observe", "observe");
    assert_green(&told, &record);
    let all = record["scenarios"].as_array().expect("a list").iter();
    for scenario in all.filter(|scenario| scenario["verdict"] != "not applicable") {
        let above = scenario["allow"] != "observe";
        assert!(!above || scenario["verdict"] == "skipped", "{} ran under observe", scenario["id"]);
        if above {
            let needs = format!("needs --allow {}", scenario["allow"].as_str().expect("a word"));
            assert!(scenario["reason"].as_str().expect("a reason").contains(&needs), "{scenario}");
        }
    }
    for request in mock.paths("author") {
        assert!(request.starts_with("GET ") || request.starts_with("HEAD "), "{request} under observe");
        assert!(!request.contains(".test.html"), "{request} sends the test package");
    }
    assert!(mock.paths("ims").iter().all(|request| request.contains("/__bpconform/")), "{:?}", mock.paths("ims"));
    assert_eq!(mock.repository(), before);
}

#[test]
fn probe_tests_the_agents_and_changes_nothing() {
    let mock = Mock::start("configured");
    let before = mock.repository();
    let (told, record) = run(&mock, "probe", "probe");
    assert_green(&told, &record);
    assert!(mock.paths("author").iter().any(|request| request.contains(".test.html")));
    assert!(mock.paths("ims").iter().any(|request| request.starts_with("POST /ims/token")));
    assert_eq!(mock.repository(), before, "a probe changed the repository");
}

#[test]
fn change_undoes_what_it_did() {
    let mock = Mock::start("configured");
    let (told, record) = run(&mock, "change", "change");
    assert_green(&told, &record);
    assert!(record["left_behind"].is_null(), "{}", record["left_behind"]);
    let changing = record["scenarios"].as_array().expect("a list").iter();
    let ran = changing.filter(|scenario| scenario["allow"] == "change" && scenario["verdict"] == "passed").count();
    assert!(ran > 0, "nothing that changes anything ran");
}

fn failed(record: &Value) -> Vec<&str> {
    let all = record["requirements"].as_array().expect("a list").iter();
    all.filter(|one| one["verdict"] == "failed").filter_map(|one| one["id"].as_str()).collect()
}

#[test]
fn a_disabled_agent_reddens_exactly_what_it_breaks_and_is_named() {
    let mock = Mock::start("configured");
    let agent = "mp_replication_agent2_default_bpdoc";
    let content = format!("/etc/replication/agents.author/{agent}/jcr:content");
    assert!(post(&mock, &content, "enabled=false&enabled%40TypeHint=Boolean").contains("200"));
    let (told, record) = run(&mock, "probe", "disabled");
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert_eq!(failed(&record), ["BP-REP-02", "BP-REP-03", "BP-REP-06"]);
    for scenario in scenarios(&record, "failed") {
        let reason = scenario["reason"].as_str().expect("a reason");
        assert!(reason.contains(agent) && !reason.contains("agent1"), "{reason}");
    }
}

#[test]
fn an_author_without_a_configuration_fails_what_reads_it() {
    let mock = Mock::start("fresh");
    let (told, record) = run(&mock, "observe", "fresh");
    assert_eq!(told.code, Some(1), "{}", told.all());
    let failed = failed(&record);
    assert!(failed.contains(&"BP-REP-01") && failed.contains(&"BP-CLD-02"), "{failed:?}");
    assert!(!failed.iter().any(|id| id.starts_with("BP-PRE")), "{failed:?}");
}

#[test]
fn what_a_run_did_itself_is_no_trouble_for_the_doctor() {
    let mock = Mock::start("configured");
    let (told, record) = run(&mock, "change", "change-then-doctor");
    assert_green(&told, &record);
    let doctor = ["doctor", "--author-url", mock.url("author"), "--tenant-url", mock.url("tenant")];
    let told = with_credentials(&mock, &doctor);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("4 of 4 hold no known failure"), "{}", told.out);
}

#[test]
fn a_failed_delivery_is_a_problem_for_the_doctor() {
    let mock = Mock::with(&["--seed", "configured", "--defect", "tenant-refuses-the-agents"]);
    // The agents' logs contain the failed tests.
    mock.run(&["--allow", "probe", "--requirement", "BP-REP-03"]);
    let doctor = ["doctor", "--author-url", mock.url("author"), "--tenant-url", mock.url("tenant")];
    let told = with_credentials(&mock, &doctor);
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert!(!told.out.contains("it was delivered since"), "{}", told.out);
}
