//! A defect of the catalogue that breaks what is done in a browser is found there, too: on an Author whose undocumented
//! endpoints are at unknown paths, one of the requirements that it breaks is not passed.
//!
//! All take long, so that a run of the tests tries a few; `BPCONFORM_TEST_WHOLE=1` tries more, and
//! `BPCONFORM_TEST_DEFECTS=1` all.

use std::sync::atomic::{AtomicUsize, Ordering};

use bpconform_fixtures::{Defect, Defects, Product};
use serde_json::Value;

use super::{has_browser, moved_with, nothing_is_left, record, run_at, several_at_once};
use crate::support::{is_left_out, report_sample, tries_all};

/// The requirements that are done in a browser, and the state of the Author for each; what takes least comes first.
const BROWSED: [(&str, &str); 15] = [
    ("BP-IMS-02", "configured"),
    ("BP-JWT-01", "legacy-jwt"),
    ("BP-CLD-01", "fresh"),
    ("BP-IMS-01", "fresh"),
    ("BP-JWT-03", "legacy-jwt"),
    ("BP-IMS-04", "fresh"),
    ("BP-UPG-05", "legacy-jwt"),
    // After a delivery that fails, a run waits until nothing of it is in a queue.
    ("BP-PUB-02", "configured"),
    ("BP-PUB-03", "configured"),
    ("BP-REP-05", "configured"),
    ("BP-PUB-05", "configured"),
    ("BP-PUB-01", "configured"),
    ("BP-PUB-04", "configured"),
    ("BP-CLD-04", "fresh"),
    ("BP-REP-06", "configured"),
];

/// Requirements whose endpoints are documented, so that a run asks by HTTP although it has a browser.
const BY_HTTP: [(&str, &str); 3] =
    [("BP-REP-03", "configured"), ("BP-REP-07", "configured"), ("BP-REP-08", "configured")];

/// Why a run on a real Author cannot show what one system sends to another.
const SENT: &str = "only a mock in the place of the other system shows what is sent to it";

/// Why a page does not show what becomes of a collection.
const COLLECTION: &str = "the steps with a collection on a page are not known, so that its scenarios are skipped";

/// Defects that no run on a real Author can show, by a browser or without: why.
const UNSEEN: [(&str, &str); 9] = [
    ("token-asked-for-elsewhere", SENT),
    ("token-asked-for-with-fewer-scopes", SENT),
    ("test-package-without-handle", SENT),
    ("test-package-of-another-path", SENT),
    ("test-package-with-content", SENT),
    ("test-package-without-login", SENT),
    ("collection-without-itself", COLLECTION),
    ("collection-stays-on-the-tenant", COLLECTION),
    ("jwt-taken-for-oauth", "the Author counts as one on OAuth, and what is only for one on JWT is skipped"),
];

/// Requirements that no page of the Author can prove: why.
const NO_PAGE: [(&str, &str); 3] = [
    ("BP-PUB-06", "where the tenant keeps presets, schemas and search facets is not documented"),
    ("BP-PUB-07", "how a contribution comes to the tenant is not documented"),
    ("BP-PUB-08", "only a mock has a clock that can be advanced"),
];

/// How many of those are done within a minute.
const SOON: usize = 7;

/// How many are tried in every run of the tests, and with `BPCONFORM_TEST_WHOLE`.
const FEW: usize = 2;
const MANY: usize = 44;

/// A verdict, and whether a page was part of what is red.
struct Judgement {
    requirement: &'static str,
    verdict: String,
    in_browser: bool,
}

/// What a defect breaks that is done in a browser, then what is asked by HTTP.
fn tries(defect: &Defect) -> Vec<(&'static str, &'static str)> {
    BROWSED.into_iter().chain(BY_HTTP).filter(|(requirement, _)| defect.breaks.contains(*requirement)).collect()
}

/// The verdict of a requirement, and the scenarios that belong to it.
fn verdict(record: &Value, requirement: &str) -> (String, Vec<Value>) {
    let all = record["requirements"].as_array().expect("a list").iter();
    let found = all.filter(|it| it["id"] == requirement).find_map(|it| it["verdict"].as_str());
    let scenarios = record["scenarios"].as_array().expect("a list").iter();
    let is_of_it = |it: &&Value| it["requirements"].as_array().is_some_and(|all| all.contains(&requirement.into()));
    (found.unwrap_or_default().to_owned(), scenarios.filter(is_of_it).cloned().collect())
}

/// Whether one of the pages that a scenario looked at is in the record.
fn looked_at_a_page(scenario: &Value) -> bool {
    let steps = scenario["steps"].as_array().into_iter().flatten();
    steps.chain([scenario]).any(|it| it["pages"].as_array().is_some_and(|pages| !pages.is_empty()))
}

/// Runs one requirement on an Author with those defects.
fn judged(defects: &[&str], (requirement, seed): (&'static str, &str)) -> Judgement {
    // The names of defects are too long for the path of a browser's socket.
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("defect-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let flags: Vec<_> = defects.iter().flat_map(|id| ["--defect", id]).collect();
    let mock = moved_with(&name, seed, &flags);
    let flags = ["--via", "browser", "--allow", "change", "--replace-configuration", "--yes", "-q"];
    let flags = [&flags[..], &["--requirement", requirement]].concat();
    let (told, folder) = run_at(&mock, mock.url("author"), &name, &flags);
    let record = record(&folder);
    let (verdict, scenarios) = verdict(&record, requirement);
    assert!(!verdict.is_empty(), "{defects:?}, {requirement}: {}", told.all());
    // That says nothing of a defect.
    assert!(!record.to_string().contains("does not start: "), "{defects:?}, {requirement}: {}", told.all());
    nothing_is_left(&folder);
    let is_red = |it: &&Value| matches!(it["verdict"].as_str(), Some("failed" | "error"));
    let in_browser = scenarios.iter().filter(is_red).any(looked_at_a_page);
    Judgement { requirement, verdict, in_browser }
}

/// The first of the requirements that a defect breaks which is not passed; none if it survives them all.
fn killed(defect: &Defect) -> Option<Judgement> {
    let mut all = tries(defect).into_iter().map(|it| judged(&[&defect.id], it));
    all.find(|red| matches!(red.verdict.as_str(), "failed" | "error"))
}

/// The defects that are tried: all, or so many, evenly of those that a page shows soon.
fn chosen() -> Vec<&'static Defect> {
    let all = Defects::built_in().of(Product::Aem65);
    let all: Vec<_> = all.filter(|it| !tries(it).is_empty() && UNSEEN.iter().all(|(id, _)| *id != it.id)).collect();
    if std::env::var_os("BPCONFORM_TEST_DEFECTS").is_some() {
        return all;
    }
    let wanted = if tries_all() { MANY } else { FEW };
    if wanted == FEW {
        report_sample("defects in a browser", FEW, MANY);
    }
    let soon = |it: &&Defect| tries(it).first().is_some_and(|first| BROWSED[..SOON].contains(first));
    let soon: Vec<_> = all.into_iter().filter(soon).collect();
    assert!(soon.len() >= wanted, "{}", soon.len());
    (0..wanted).map(|index| soon[index * soon.len() / wanted]).collect()
}

#[test]
fn a_defect_that_breaks_what_is_done_in_a_browser_is_found_there() {
    if !has_browser() {
        return;
    }
    let defects = chosen();
    let reds = several_at_once(&defects, |defect| killed(defect));
    let mut survivors = Vec::new();
    for (defect, red) in defects.iter().zip(&reds) {
        match red {
            Some(Judgement { requirement, verdict, in_browser }) => {
                let place = if *in_browser { "a page" } else { "no page" };
                println!("{}: {requirement} {verdict}, with {place}", defect.id);
            }
            None => survivors.push(&defect.id),
        }
    }
    let in_browser = reds.iter().flatten().filter(|red| red.in_browser).count();
    println!("{} of {} are found, {in_browser} of them with a page", defects.len() - survivors.len(), defects.len());
    assert!(survivors.is_empty(), "{survivors:?}");
}

#[test]
fn a_defect_that_is_not_tried_in_a_browser_has_a_reason() {
    for (id, reason) in UNSEEN {
        assert!(Defects::built_in().get(id).is_some() && !reason.is_empty(), "{id}");
    }
    let tried: Vec<_> = BROWSED.iter().chain(&BY_HTTP).map(|(id, _)| *id).collect();
    for (id, reason) in NO_PAGE {
        assert!(!tried.contains(&id) && !reason.is_empty(), "{id}");
        let all = Defects::built_in().of(Product::Aem65).filter(|it| it.breaks.contains(id) && tries(it).is_empty());
        println!("{id}: {} defects break nothing else that is done in a browser: {reason}", all.count());
    }
}

/// A red verdict says something about a defect only if it is not there without it.
#[test]
fn without_a_defect_what_is_done_in_a_browser_passes() {
    if is_left_out("requirements in a browser without a defect") || !has_browser() {
        return;
    }
    let clean = several_at_once(&BROWSED[..SOON], |it| judged(&[], *it));
    for red in clean {
        assert_eq!(red.verdict, "passed", "{}", red.requirement);
    }
}
