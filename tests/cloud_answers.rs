//! What the distribution servlets of AEM as a Cloud Service may answer, and the verdict on each. Only an answer of the agent
//! itself proves something; any other is an error.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, bpconform_with, directory};

const AGENTS: &str = "GET /libs/sling/distribution/services/agents.json";
const STATUS: &str = "GET /libs/sling/distribution/services/agents/bpdistributionagent0/status.json";
const SETTINGS: &str = "GET /libs/sling/distribution/settings/agents/bpdistributionagent0.json";
const QUEUES: &str = "GET /libs/sling/distribution/services/agents/bpdistributionagent0/queues.json";
const QUEUE: &str =
    "GET /libs/sling/distribution/services/agents/bpdistributionagent0/queues/queue-bpdistributionagent0.json";
const LOG: &str = "GET /libs/sling/distribution/services/agents/bpdistributionagent0/log.txt";
const TEST: &str = "POST /libs/sling/distribution/services/agents/bpdistributionagent0";

/// An answer with its length, as the proxy sends it.
fn answer(status: u16, kind: &str, body: &str) -> &'static str {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\nContent-Length: {length}");
    format!("{head}\r\nConnection: close\r\n\r\n{body}").leak()
}

fn json(status: u16, body: &str) -> &'static str {
    answer(status, "application/json", body)
}

/// The verdict on a requirement and the reason, if these of the matching requests are answered so; and all requests.
fn verdict(
    mock: &Mock,
    id: &str,
    request: &'static str,
    times: &[usize],
    answer: &'static str,
) -> (String, Vec<String>) {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let (count, times) = (AtomicUsize::new(0), times.to_vec());
    let proxy = Proxy::start(mock.url("author"), move |line| {
        let is_next = || times.is_empty() || times.contains(&(count.fetch_add(1, Ordering::SeqCst) + 1));
        if line.starts_with(request) && is_next() { Act::Answer(answer) } else { Act::Pass }
    });
    let out = directory(&format!("cloud-answers-{}", RUNS.fetch_add(1, Ordering::SeqCst)));
    let target = ["--author-url", &proxy.url, "--ims-url", mock.url("ims"), "--tenant-url", mock.url("tenant")];
    let flags = ["run", "--target", "author", "--product", "aem-cloud", "--allow", "probe", "--requirement", id];
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let told = bpconform_with(
        &[&flags[..], &target, &["--quiet", "--out", out.to_str().expect("UTF-8")]].concat(),
        &variables,
    );
    let record = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let all = record["requirements"].as_array().expect("a list");
    let found = all.iter().find(|one| one["id"] == id).expect("the requirement is there");
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (format!("{}: {}", text("verdict"), text("reason")), proxy.seen())
}

/// Every such request is answered so, and this is how the verdict begins.
fn all_are_judged(id: &str, request: &'static str, cases: &[(&'static str, &str)]) {
    let mock = Mock::with(&["--product", "aem-cloud"]);
    for (answer, expected) in cases {
        let (verdict, _) = verdict(&mock, id, request, &[], answer);
        assert!(verdict.starts_with(expected), "{id}, {answer}: {verdict}");
    }
}

#[test]
fn only_settings_that_say_so_are_of_an_enabled_agent() {
    all_are_judged(
        "BP-CS-01",
        SETTINGS,
        &[
            (json(200, "[]"), "error"),
            (json(200, "{}"), "error"),
            (json(200, r#"{"enabled":0}"#), "error"),
            (json(200, r#"{"enabled":null}"#), "error"),
            (json(200, r#"{"enabled":"yes"}"#), "error"),
            (json(200, r#"{"name":"another","enabled":true}"#), "error"),
            (json(200, r#"{"name":"bpdistributionagent0","enabled":"FALSE"}"#), "failed"),
            (json(200, r#"{"name":"bpdistributionagent0","enabled":" true "}"#), "passed"),
        ],
    );
    all_are_judged(
        "BP-CS-01",
        STATUS,
        &[
            (json(200, r#"{"state":"PAUSED"}"#), "failed"),
            (json(200, r#"{"state":"BLOCKED"}"#), "error"),
            (json(200, r#"{"state":"PASSIVE"}"#), "failed"),
            (json(200, r#"{"state":"RUNNING"}"#), "passed"),
            (json(200, r#"{"state":"OTHER"}"#), "error"),
        ],
    );
}

#[test]
fn a_queue_that_contradicts_itself_is_not_empty() {
    all_are_judged(
        "BP-CS-02",
        QUEUE,
        &[
            (json(200, r#"{"state":"IDLE","empty":false,"itemsCount":0,"items":[]}"#), "failed"),
            (json(200, r#"{"state":"IDLE","empty":true,"itemsCount":2,"items":[]}"#), "failed"),
            (json(200, r#"{"state":"IDLE","empty":true,"itemsCount":0,"items":["package-1"]}"#), "failed"),
            (json(200, r#"{"state":"BLOCKED","empty":true,"itemsCount":0,"items":[]}"#), "failed"),
            (json(200, r#"{"state":"PASSIVE","empty":true,"itemsCount":"0","items":[]}"#), "failed"),
            (json(200, r#"{"state":"IDLE","empty":false,"itemsCount":"1","items":[]}"#), "failed"),
            (json(200, r#"{"state":"IDLE","empty":true,"itemsCount":"0","items":[]}"#), "passed"),
            (json(200, r#"{"state":"IDLE","empty":true,"itemsCount":"none","items":[]}"#), "error"),
            (json(200, r#"{"state":"IDLE","empty":true,"itemsCount":-1,"items":[]}"#), "error"),
            (json(200, r#"{"state":"IDLE","empty":true,"itemsCount":0,"items":{"x":{}}}"#), "error"),
            (json(200, r#"{"state":"IDLE","empty":"true","itemsCount":"0","items":[]}"#), "error"),
            (json(200, r#"{"name":"another","state":"IDLE","empty":true,"itemsCount":0,"items":[]}"#), "error"),
        ],
    );
}

#[test]
fn a_name_in_an_answer_leads_to_no_other_path() {
    let mock = Mock::with(&["--product", "aem-cloud"]);
    for (request, body) in [
        (QUEUES, r#"{"items":["queue-bpdistributionagent0","error-queue-bpdistributionagent0","../../../x"]}"#),
        (QUEUES, r#"{"items":["queue-bpdistributionagent0","error-queue-bpdistributionagent0","..\\x"]}"#),
        (QUEUE, r#"{"state":"BLOCKED","empty":false,"itemsCount":1,"items":["../../../../../../../crx/x?y=1#"]}"#),
        (QUEUE, r#"{"state":"BLOCKED","empty":false,"itemsCount":1,"items":["a/x"]}"#),
        (QUEUE, r#"{"state":"BLOCKED","empty":false,"itemsCount":1,"items":[".."]}"#),
    ] {
        let (verdict, seen) = verdict(&mock, "BP-CS-02", request, &[], json(200, body));
        assert!(verdict.starts_with("error: not sent"), "{body}: {verdict}");
        assert!(!seen.iter().any(|line| line.contains("/x") || line.contains("..")), "{body}: {seen:?}");
    }
}

#[test]
fn only_the_agent_refuses_a_test() {
    all_are_judged(
        "BP-CS-03",
        TEST,
        &[
            (json(400, r#"{"success":false,"state":"DROPPED","message":"not reachable"}"#), "failed"),
            (json(400, r#"{"success":false,"state":"dropped","message":"not reachable"}"#), "failed"),
            (json(202, r#"{"success":false,"state":"ACCEPTED","message":"?"}"#), "failed"),
            (json(202, r#"{"state":"OTHER"}"#), "error"),
            (json(204, ""), "error"),
            (json(400, r#"{"message":"action is missing"}"#), "error"),
            (json(403, r#"{"state":"DROPPED"}"#), "error"),
            (json(404, r#"{"message":"agent not found"}"#), "error"),
            (json(429, r#"{"state":"DROPPED"}"#), "error"),
            (json(503, r#"{"success":false,"state":"DROPPED","message":"gateway"}"#), "error"),
            (answer(202, "text/html", "<html>Welcome</html>"), "error"),
        ],
    );
}

#[test]
fn one_wrong_log_or_list_decides_nothing_about_a_test() {
    let mock = Mock::with(&["--product", "aem-cloud"]);
    let start = "2026/11/23 10:00:00:001 - INFO - REQUEST-START DSTRQ1: TEST paths=[], user=admin\n";
    let failed = "2026/11/23 10:00:00:001 - ERROR - REQUEST-FAIL DSTRQ1: TEST paths=[], no\n";
    for (request, wrong) in [
        (LOG, answer(200, "text/plain", "")),
        (LOG, answer(200, "text/plain", start)),
        (LOG, answer(200, "text/plain", failed)),
        (LOG, answer(500, "text/plain", "oops")),
        (AGENTS, json(200, r#"{"items":[]}"#)),
    ] {
        for number in 1..=4 {
            let (verdict, _) = verdict(&mock, "BP-CS-03", request, &[number], wrong);
            assert!(verdict.starts_with("passed"), "{request}, {number}, {wrong}: {verdict}");
        }
    }
}
