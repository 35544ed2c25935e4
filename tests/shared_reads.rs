//! One read per question: equal reads of a run are sent once, without a verdict that differs from those of a run which reads
//! everything again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use bpconform_fixtures::Product;
use bpconform_mocks::author::seed;
use serde_json::Value;

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, directory, with_credentials};

/// What a run of its level may send at most to Author, IMS, tenant and Developer Console together while it only looks.
const MOST: usize = 45;

fn record(mock: &Mock, name: &str, flags: &[&str]) -> Value {
    let out = directory(name);
    let told = mock.run(&[flags, &["--quiet", "--out", out.to_str().expect("UTF-8")]].concat());
    let text = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
    serde_json::from_str(&text).expect("JSON")
}

/// Verdict and cause of each scenario, by its id.
fn verdicts(record: &Value) -> BTreeMap<String, (String, Value)> {
    let scenarios = record["scenarios"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    scenarios.map(|one| (text(&one["id"]), (text(&one["verdict"]), one["cause"].clone()))).collect()
}

fn exchanges(record: &Value) -> Vec<&Value> {
    let scenarios = record["scenarios"].as_array().expect("a list").iter();
    let steps = scenarios.flat_map(|scenario| scenario["steps"].as_array().expect("a list"));
    steps.filter_map(|step| step["exchanges"].as_array()).flatten().collect()
}

#[test]
fn all_levels_on_all_seeds_say_what_a_run_says_that_shares_nothing() {
    for seed in seed::states_of(Product::Aem65) {
        for level in ["observe", "probe", "change"] {
            let check = |name: &str, jobs: &[&str]| {
                let flags = [&["--allow", level], jobs].concat();
                verdicts(&record(&Mock::start(seed), &format!("shared-{seed}-{level}-{name}"), &flags))
            };
            let (alone, together) = (check("alone", &["--jobs", "1"]), check("together", &[]));
            assert!(!alone.is_empty());
            assert_eq!(alone, together, "{seed}, --allow {level}");
        }
    }
}

#[test]
fn a_run_that_observes_asks_each_question_once_and_says_whose_answer_it_is() {
    let mock = Mock::start("configured");
    let record = record(&mock, "shared-count", &["--allow", "observe"]);
    let sent: usize = ["author", "ims", "tenant", "console"]
        .iter()
        .map(|system| mock.paths(system).iter().filter(|path| !path.contains("/__bpconform/")).count())
        .sum();
    assert!(sent <= MOST, "{sent} requests");
    let all = exchanges(&record);
    let (shared, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|exchange| exchange["shared"] == true);
    assert!(own.len() <= sent && shared.len() > own.len(), "{} of {sent}, {} shared", own.len(), shared.len());
    let numbers: Vec<_> = own.iter().filter_map(|exchange| exchange["read"].as_u64()).collect();
    let different: BTreeSet<_> = numbers.iter().collect();
    assert_eq!(numbers.len(), different.len(), "each request has its own number");
    for exchange in &shared {
        assert!(exchange["read"].is_u64() && exchange["outcome"]["response"]["status"].is_u64(), "{exchange}");
    }
}

#[test]
fn two_authors_that_answer_in_turn_are_noticed() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let mock = Mock::start("configured");
    let proxy = Proxy::start(mock.url("author"), |request| {
        if !request.contains("/etc/replication/agents.author.") {
            return Act::Pass;
        }
        Act::Rewrite(|_, _, body| {
            if ASKED.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
                *body =
                    body.replace("\"protocolHTTPConnectTimeout\":\"60000\"", "\"protocolHTTPConnectTimeout\":\"1\"");
                *body = body.replace("\"enabled\":\"true\"", "\"enabled\":\"false\"");
            }
        })
    });
    let flags = ["run", "--target", "author", "--author-url", &proxy.url, "--tenant-url", mock.url("tenant")];
    let told = with_credentials(&mock, &flags);
    // A scenario that sees only the other Author finds its agents switched off.
    assert!(matches!(told.code, Some(1 | 3)), "{}", told.all());
    assert!(told.out.contains("two Authors answer in turn"), "{}", told.all());
}
