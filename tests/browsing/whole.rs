//! As much of the documentation as an Author's pages can prove.
//!
//! That takes minutes, so that a run of the tests tries a sample; `BPCONFORM_TEST_WHOLE=1` tries all of it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{has_browser, moved, nothing_is_left, record, run_at, scenarios, temporary};
use crate::support::{is_left_out, report_sample, tries_all};

/// How many requirements can be proved on a configured Author when each of its endpoints is known.
pub(super) const MOST: usize = 41;

/// What is tried without `BPCONFORM_TEST_WHOLE`: a step of each kind of page, none of which waits long.
const SAMPLE: [&str; 4] = ["BP-CLD-01", "BP-IMS-02", "BP-PUB-01", "BP-REP-05"];

pub(super) fn proved(record: &Value) -> Vec<&str> {
    let all = record["requirements"].as_array().expect("a list").iter();
    all.filter(|it| it["verdict"] == "passed").filter_map(|it| it["id"].as_str()).collect()
}

#[test]
fn what_nobody_knows_on_the_wire_is_proved_through_the_pages() {
    if !has_browser() {
        return;
    }
    let mock = moved("whole", "configured");
    let before = mock.repository();
    let folder = temporary("whole");
    let file = folder.join("out/learned.toml");
    let file = file.to_str().expect("UTF-8");
    let all = tries_all();
    if !all {
        report_sample("requirements through the pages", SAMPLE.len(), MOST);
    }
    let sample = SAMPLE.iter().filter(|_| !all).flat_map(|id| ["--requirement", id]);
    let flags = ["--allow", "change", "--replace-configuration", "--yes", "--latest-service-pack", "6.5.21.0", "-q"];
    let flags: Vec<_> = flags.into_iter().chain(sample).collect();
    let (told, folder) =
        run_at(&mock, mock.url("author"), "whole", &[&flags[..], &["--via", "auto", "--learn", file]].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    let browsed = record(&folder);
    let proved = proved(&browsed);
    if all {
        assert!(proved.len() >= MOST, "{} are proved: {proved:?}", proved.len());
    } else {
        assert_eq!(proved.iter().collect::<BTreeSet<_>>(), SAMPLE.iter().collect());
    }
    assert_eq!(scenarios(&browsed, "failed"), []);
    assert_eq!(scenarios(&browsed, "error"), []);
    assert!(scenarios(&browsed, "skipped").iter().all(|(_, reason)| !reason.is_empty()));
    let agents =
        |repository: &Value| repository["etc"]["replication"]["agents.author"].as_object().map(serde_json::Map::len);
    assert_eq!(agents(&before), agents(&mock.repository()), "everything is put back");

    // What the pages sent is all that the next run needs.
    let learned = std::fs::read_to_string(file).expect("it was written");
    for (_, value) in
        mock.credentials().iter().filter(|(name, _)| name.contains("SECRET") || name.contains("CLIENT_ID"))
    {
        assert!(!learned.contains(value), "{learned}");
    }
    let (told, second) = run_at(&mock, mock.url("author"), "learned", &[&flags[..], &["--surfaces", file]].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_eq!(verdicts(&record(&second)), verdicts(&browsed), "{learned}");
    nothing_is_left(&second);
    nothing_is_left(&folder);
}

fn verdicts(record: &Value) -> Vec<(&str, &str)> {
    let all = record["requirements"].as_array().expect("a list").iter();
    all.filter_map(|it| Some((it["id"].as_str()?, it["verdict"].as_str()?))).collect()
}

#[test]
fn a_service_account_is_set_up_through_the_pages() {
    if is_left_out("service account through the pages") {
        return;
    }
    if !has_browser() {
        return;
    }
    let mock = moved("jwt", "legacy-jwt");
    let ids = ["--requirement", "BP-JWT-01", "--requirement", "BP-JWT-03"];
    let (told, folder) =
        run_at(&mock, mock.url("author"), "jwt", &[&["--via", "auto", "--allow", "change", "-q"], &ids[..]].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_eq!(proved(&record(&folder)), ["BP-JWT-01", "BP-JWT-03"]);
    nothing_is_left(&folder);
}

#[test]
fn all_documented_steps_can_be_done_in_the_browser() {
    if is_left_out("all documented steps in the browser") {
        return;
    }
    if !has_browser() {
        return;
    }
    let mock = moved("everything", "fresh");
    let flags = ["--via", "browser", "--allow", "change", "--requirement", "BP-CLD-01", "-q"];
    let (told, folder) = run_at(&mock, mock.url("author"), "everything", &flags);
    assert_eq!(told.code, Some(0), "{}", told.all());
    // Save & Close was a form of a page: a browser says where it comes from.
    let record = record(&folder);
    let exchanges = record["scenarios"].as_array().expect("a list").iter();
    let exchanges = exchanges.flat_map(|it| it["steps"].as_array().expect("a list"));
    let mut exchanges = exchanges.flat_map(|it| it["exchanges"].as_array().into_iter().flatten());
    let saved = exchanges.find(|it| it["surface"] == "author.cloud-create").expect("it was sent");
    assert!(saved["request_headers"].to_string().contains("\"referer\""), "{saved}");
    nothing_is_left(&folder);
}
