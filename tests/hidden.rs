//! Not found is not absent. For each place where a verdict is `failed` because something is missing: the user may not read
//! it, the session has ended, or a gateway answers in its place. None of that is `failed`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, directory, sample, with_credentials};

/// What cannot be read: a name for it, the state of the Author, and parts of its paths.
const PLACES: [(&str, &str, &[&str]); 12] = [
    ("agents", "configured", &["/etc/replication"]),
    ("ims-configurations", "configured", &["/apps/system/config"]),
    ("apps", "configured", &["/apps"]),
    ("cloud-configurations", "configured", &["/etc/cloudservices", "/conf"]),
    ("search-for-users", "configured", &["/libs/granite/security/search"]),
    ("homes", "configured", &["/home/"]),
    ("key-store", "legacy-jwt", &[".ks.json"]),
    ("queues", "configured", &["queue.json"]),
    ("bundles", "configured", &["/system/console/bundles"]),
    ("product", "configured", &["/system/console/status-"]),
    ("error-log", "configured", &["/system/console/slinglog", ".log.html"]),
    ("packages", "configured", &["/crx/packmgr"]),
];

/// The same of what only a run asks for that probes, and of AEM as a Cloud Service.
const PLACES_OF_PROBES: [(&str, &str, &[&str]); 6] = [
    ("tests", "configured", &[".test.html"]),
    ("cloud-agents", "aem-cloud", &["/libs/sling/distribution/services/agents"]),
    ("cloud-settings", "aem-cloud", &["/libs/sling/distribution/settings"]),
    ("cloud-queues", "aem-cloud", &["/queues"]),
    ("cloud-log", "aem-cloud", &["/log.txt"]),
    ("cloud-configurations", "aem-cloud", &["/conf", "/etc/cloudservices"]),
];

/// Sling's own page for what does not exist, or what the user may not read.
const NO_RESOURCE: &str = "HTTP/1.1 404 Not Found\r\nContent-Type: text/html;charset=utf-8\r\nConnection: close\r\n\r\n\
    <html><head><title>404 No resource found</title></head><body><h1>No resource found</h1><address>ApacheSling/2.7 \
    (jetty/9.4)</address></body></html>";

/// The page of a web server in front of the Author.
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nServer: Apache\r\nConnection: close\r\n\r\n\
    <!DOCTYPE HTML><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>";
const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nServer: Apache\r\nConnection: close\r\n\r\n\
    <!DOCTYPE HTML><html><head><title>403 Forbidden</title></head><body><h1>Forbidden</h1></body></html>";
const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n\
    <html><body><h1>503 Service Unavailable</h1></body></html>";

const ANONYMOUS: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 51\r\nConnection: close\r\n\r\n\
    {\"home\":\"/home/users/a/a\",\"authorizableId\":\"anonymous\"}";
const NOBODY: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"authorizables\":[]}";

/// A gateway's answers that are no pages.
const EMPTY_404: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const JSON_404: &str = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n\
    {\"code\":\"not_found\",\"message\":\"no route\"}";
/// A single sign-on in front of the Author, and the Author's own login page.
const SIGN_ON: &str = "HTTP/1.1 302 Found\r\nLocation: https://sso.example.com/login?SAMLRequest=a\r\nContent-Length: 0\r\n\
    Connection: close\r\n\r\n";
const LOGIN: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><body>\
    <form action=\"/libs/granite/core/content/login.html/j_security_check\"></form></body></html>";
/// A node whose properties the user may not read.
const NO_PROPERTIES: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

/// How something cannot be read: a name for it, the answer, and whether the session has ended.
const WAYS: [(&str, &str, bool); 10] = [
    ("may-not-read", NO_RESOURCE, false),
    ("session-ended", NO_RESOURCE, true),
    ("not-found", NOT_FOUND, false),
    ("forbidden", FORBIDDEN, false),
    ("unavailable", UNAVAILABLE, false),
    ("empty-404", EMPTY_404, false),
    ("json-404", JSON_404, false),
    ("sign-on", SIGN_ON, false),
    ("login-page", LOGIN, false),
    ("no-properties", NO_PROPERTIES, false),
];

/// A place that cannot be read, and how.
struct Hidden {
    place: &'static str,
    seed: &'static str,
    parts: &'static [&'static str],
    way: &'static str,
    answer: &'static str,
    ended: bool,
}

/// Each place in each way, in the order of the places; with a sample of so many, each place in other ways.
fn all_hidden(what: &str, places: &[(&'static str, &'static str, &'static [&'static str])], few: usize) -> Vec<Hidden> {
    let all = places.iter().flat_map(|&(place, seed, parts)| {
        WAYS.map(|(way, answer, ended)| Hidden { place, seed, parts, way, answer, ended })
    });
    sample(what, all.collect(), few)
}

/// The record of a run that only reads from the Author at that address.
fn observed(mock: &Mock, author: &str, name: &str) -> Value {
    recorded(mock, author, name, "observe")
}

fn recorded(mock: &Mock, author: &str, name: &str, level: &str) -> Value {
    let out = directory(name);
    let place = out.to_str().expect("UTF-8");
    let target = ["run", "--target", "author", "--author-url", author, "--tenant-url", mock.url("tenant")];
    let more = ["--ims-url", mock.url("ims"), "--allow", level, "--retries", "0", "-q", "--out", place];
    let told = with_credentials(mock, &[&target[..], &more].concat());
    let record = std::fs::read_to_string(out.join("run.json"));
    let record = record.unwrap_or_else(|error| panic!("{name}: {error}: {}", told.all()));
    serde_json::from_str(&record).expect("JSON")
}

/// The scenarios with that verdict, as requirement and reason.
fn scenarios(record: &Value, verdict: &str) -> Vec<(String, String)> {
    let all = record["scenarios"].as_array().expect("a list").iter();
    let all = all.filter(|scenario| scenario["verdict"] == verdict);
    all.map(|scenario| (scenario["requirements"].to_string(), scenario["reason"].to_string())).collect()
}

/// Runs against an Author of which that place cannot be read.
fn hidden(mock: &Mock, name: &str, parts: &'static [&'static str], answer: &'static str, ended: bool) -> Value {
    hidden_at("observe", mock, name, parts, answer, ended)
}

fn hidden_at(
    level: &str,
    mock: &Mock,
    name: &str,
    parts: &'static [&'static str],
    answer: &'static str,
    ended: bool,
) -> Value {
    let is_over = AtomicBool::new(false);
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if parts.iter().any(|part| request.contains(part)) {
            is_over.store(ended, Ordering::SeqCst);
            return Act::Answer(answer);
        }
        let asks_who = request.contains("currentuser.json");
        if asks_who && is_over.load(Ordering::SeqCst) { Act::Answer(ANONYMOUS) } else { Act::Pass }
    });
    recorded(mock, &proxy.url, name, level)
}

#[test]
fn what_a_probe_cannot_read_is_an_error_and_never_missing() {
    let mut wrong = Vec::new();
    let of_product =
        |seed: &str| if seed == "aem-cloud" { Mock::with(&["--product", seed]) } else { Mock::start(seed) };
    let all = all_hidden("places and ways for a probe not to read", &PLACES_OF_PROBES, 7);
    for rows in all.chunk_by(|one, next| one.seed == next.seed) {
        let mock = of_product(rows[0].seed);
        for &Hidden { place, parts, way, answer, ended, .. } in rows {
            let name = format!("hidden-probe-{place}-{way}");
            let record = hidden_at("probe", &mock, &name, parts, answer, ended);
            let mut failed = scenarios(&record, "failed");
            // That the user may not open something is what BP-PRE-05 is about.
            failed.retain(|(requirement, _)| !(way == "may-not-read" && requirement.contains("BP-PRE-05")));
            // Settings that are not there are the default.
            let is_noticed = place == "cloud-settings" || !scenarios(&record, "error").is_empty();
            if !failed.is_empty() || !is_noticed {
                wrong.push(format!("{place}, {way}: {failed:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_missing() {
    let mut wrong = Vec::new();
    let all = all_hidden("places and ways not to read", &PLACES, 12);
    for rows in all.chunk_by(|one, next| one.seed == next.seed) {
        let mock = Mock::start(rows[0].seed);
        for &Hidden { place, parts, way, answer, ended, .. } in rows {
            let record = hidden(&mock, &format!("hidden-{place}-{way}"), parts, answer, ended);
            let mut failed = scenarios(&record, "failed");
            // That the user may not open something is what BP-PRE-05 is about; that the integration is on JWT is true.
            failed.retain(|(requirement, _)| {
                !(requirement.contains("BP-JWT-06") || way == "may-not-read" && requirement.contains("BP-PRE-05"))
            });
            let found = scenarios(&record, "error").len() + scenarios(&record, "skipped").len();
            if !failed.is_empty() || found == 0 {
                wrong.push(format!("{place}, {way}: {failed:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_search_that_finds_nobody_does_not_prove_that_a_user_is_missing() {
    let mock = Mock::start("configured");
    let record = hidden(&mock, "hidden-nobody", &["/libs/granite/security/search"], NOBODY, false);
    assert_eq!(scenarios(&record, "failed"), []);
    assert!(scenarios(&record, "error").iter().any(|(requirement, _)| requirement.contains("BP-REP-09")), "{record}");
}

#[test]
fn two_authors_in_turn_are_noticed() {
    let (one, other) = (Mock::start("configured"), Mock::start("two-tenants"));
    // The second Author answers every second read of the configuration, as behind a balancer without sticky sessions.
    for turn in 0..4 {
        let count = AtomicUsize::new(turn);
        let second = Proxy::start(other.url("author"), |_| Act::Pass);
        let address = second.url.clone();
        let balancer = Proxy::start(one.url("author"), move |request| {
            let configures = ["/etc/", "/apps/", "/conf/"].iter().any(|path| request.contains(path));
            if configures && count.fetch_add(1, Ordering::SeqCst) % 2 == 1 {
                return Act::Elsewhere(address.clone());
            }
            Act::Pass
        });
        let record = observed(&one, &balancer.url, &format!("two-authors-{turn}"));
        let noticed = scenarios(&record, "error");
        assert!(noticed.iter().any(|(_, reason)| reason.contains("two Authors answer in turn")), "{turn}: {record:#}");
    }
}
