//! The page for people: complete without a network, and safe whatever the record contains.

use bpconform::report::ReportFormat;
use serde_json::Value;

use super::sample;

fn page() -> String {
    ReportFormat::Html.render(&sample::failing()).expect("rendered")
}

#[test]
fn the_page_loads_nothing() {
    let page = page();
    for loads in [" src=", "@import", "url(", "<link", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(page.contains("default-src 'none'"), "and the page declares it");
}

#[test]
fn a_failure_stands_there_with_its_reason_and_its_way_out() {
    let page = page();
    for expected in [
        "What did not pass",
        "401 Unauthorized",
        "What the documentation says",
        "prefers-color-scheme: dark",
        "@media print",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[test]
fn no_text_of_a_target_becomes_markup() {
    let page = page();
    // Its own three; no other script runs.
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("<script type=\"application/json\">").count(), 6);
    assert_eq!(page.matches("</script>").count(), 7);
}

#[test]
fn the_data_of_every_scenario_can_be_read_back() {
    let page = page();
    let mut read = 0;
    for part in page.split("<script type=\"application/json\">").skip(1) {
        let json = part.split("</script>").next().expect("it ends");
        let data: Value = serde_json::from_str(json).expect("it is JSON");
        assert_eq!(data["steps"].as_array().map(Vec::len), Some(3));
        read += 1;
    }
    assert_eq!(read, 6);
}
