//! The mocked Author compared with the real Sling: what differs stands in `accepted.toml`, with its reason.

use super::author::shared;
use crate::support::bpconform_with;
use serde_json::Value;

const ACCEPTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sling/accepted.toml");

#[test]
fn the_mock_differs_from_a_real_sling_only_as_is_known() {
    let Some(sling) = shared("the_mock_differs_from_a_real_sling_only_as_is_known") else { return };
    let before = sling.repository();
    let (a, b) = (sling.url("mocked_author"), sling.url("author"));
    let arguments = ["surface", "drift", a, b, "--allow", "change", "--format", "json", "--accept", ACCEPTED];
    let told = bpconform_with(&arguments, &sling.credentials("admin"));
    let report: Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{}", told.all()));
    let requests = report["requests"].as_array().expect("a list").iter();
    let open = requests.flat_map(|request| {
        let differences = request["differences"].as_array().expect("a list").iter();
        let open = differences.filter(|difference| difference["accepted"].is_null());
        open.map(move |difference| format!("{}: {difference}\n", request["request"]))
    });
    assert_eq!(open.collect::<String>(), "");
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(report["compared"].as_u64().is_some_and(|count| count >= 400), "{}", report["compared"]);
    println!("accepted, but nothing differs so: {}", report["unused"]);
    super::author::expect_as_before(&super::author::differences(&before, &sling.repository()));
}
