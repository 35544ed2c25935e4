//! A run that only looks sends reads to the Author and nothing to other hosts, whatever the pages of the Author send.
//!
//! A sample of the states fits into every run of the tests; `BPCONFORM_TEST_WHOLE=1` tries all.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use bpconform_fixtures::Product;
use bpconform_mocks::author::seed::states_of;

use super::pages::Change;
use super::{has_browser, moved, nothing_is_left, record, run_at, several_at_once};
use crate::support::proxy::{Act, Proxy};
use crate::support::{is_left_out, report_sample, serve, tries_all};

/// The states that are tried in every run of the tests.
const SAMPLE: [&str; 2] = ["configured", "legacy-jwt"];

/// The address of a foreign host, and how many have connected to it.
static FOREIGN: OnceLock<String> = OnceLock::new();
static VISITS: AtomicUsize = AtomicUsize::new(0);

fn foreign() -> &'static str {
    FOREIGN.get_or_init(|| {
        let address = serve(|stream| {
            VISITS.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        });
        format!("http://{address}")
    })
}

/// Makes a page send what no run may send.
const RESTLESS: Change = |_, head, body| {
    if !head.contains("text/html") {
        return;
    }
    let script = "<script>fetch('/home/users/a/preferences', { method: 'POST', body: 'tour=false' });\
        fetch('/etc/replication/agents.author/mp_replication_agent0_default_bpdoc.test.html');\
        navigator.sendBeacon('/beacon', 'x'); fetch('FOREIGN/y'); navigator.sendBeacon('FOREIGN/z', 'x');\
        new Image().src = 'FOREIGN/x.png'; window.open('FOREIGN/popup');</script></body>";
    *body = body.replace("</body>", &script.replace("FOREIGN", foreign()));
};

/// What left a run with those flags and should not have; and how much left it at all.
fn strays(seed: &str, what: &str, flags: &[&str]) -> (Vec<String>, usize) {
    let name = format!("{what}-{seed}");
    let mock = moved(&name, seed);
    let proxy = Proxy::start(mock.url("author"), |_| Act::Rewrite(RESTLESS));
    let (told, folder) = run_at(&mock, &proxy.url, &name, &[flags, &["-q"]].concat());
    let record = record(&folder).to_string();
    nothing_is_left(&folder);
    let seen = proxy.seen();
    let reads = |line: &str| line.starts_with("GET ") || line.starts_with("HEAD ");
    let strays = seen.iter().filter(|line| !reads(line) || line.contains(".test.html")).cloned().collect();
    assert!(seen.len() > 10, "{name}: {}", told.all());
    // The page was looked at in the browser, and would have sent it.
    if what == "probe" {
        assert!(record.contains("is another host than the Author"), "{name}: {}", told.all());
    }
    (strays, seen.len())
}

/// The states of an Author for which this holds, or those of the sample.
fn chosen(what: &str, holds: impl Fn(&str) -> bool, few: &[&str]) -> Vec<&'static str> {
    let all: Vec<_> = states_of(Product::Aem65).into_iter().filter(|seed| holds(seed)).collect();
    if tries_all() {
        return all;
    }
    report_sample(what, few.len(), all.len());
    all.into_iter().filter(|seed| few.contains(seed)).collect()
}

#[test]
fn observing_sends_reads_to_the_author_only() {
    if !has_browser() {
        return;
    }
    let seeds = chosen("states that a run with a browser observes", |_| true, &SAMPLE);
    let observed = several_at_once(&seeds, |seed| strays(seed, "observe", &["--via", "browser"]));
    for (seed, (strays, requests)) in seeds.iter().zip(&observed) {
        println!("{seed}: {} of {requests} requests do more than read", strays.len());
        assert_eq!(strays, &Vec::<String>::new(), "{seed}");
    }
    assert_eq!(VISITS.load(Ordering::SeqCst), 0, "a foreign host was visited");
}

#[test]
fn a_check_through_a_page_sends_reads_to_the_author_only() {
    if is_left_out("check through a page behind a proxy") {
        return;
    }
    if !has_browser() {
        return;
    }
    // The others have no configuration that could be checked.
    let checked = |seed: &str| !matches!(seed, "fresh" | "half-configured" | "legacy-gateway");
    let seeds = chosen("states that are checked through a page", checked, &["configured"]);
    let flags = ["--via", "auto", "--allow", "probe", "--requirement", "BP-IMS-02"];
    let probed = several_at_once(&seeds, |seed| strays(seed, "probe", &flags));
    for (seed, (strays, requests)) in seeds.iter().zip(&probed) {
        println!("{seed}: {} of {requests} requests of a check do more than read", strays.len());
        assert_eq!(strays, &Vec::<String>::new(), "{seed}");
    }
    assert_eq!(VISITS.load(Ordering::SeqCst), 0, "a foreign host was visited");
}
