//! The matrix of defects: every check of every requirement can fail, and does not fail for anything else.

use crate::support::{bpconform, filtered, sample};
use bpconform_fixtures::{Defects, Product, Requirements, Variations};
use serde_json::Value;

#[test]
fn every_defect_turns_red_what_it_breaks_and_nothing_else() {
    let all: Vec<&str> = Defects::built_in().of(Product::Aem65).map(|defect| defect.id.as_str()).collect();
    let tried = sample("defects", all.clone(), 14);
    // Without names it also finds a requirement that no defect breaks.
    let named = tried.iter().filter(|_| tried.len() < all.len()).flat_map(|id| ["--defect", *id]);
    let told = bpconform(&["selftest", "--json"].into_iter().chain(named).collect::<Vec<_>>());
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{}", told.out);
    let matrix: Value = serde_json::from_str(&told.out).expect("JSON");
    let rows = matrix["defects"].as_array().expect("a list");
    let ids: Vec<&str> = rows.iter().filter_map(|row| row["defect"].as_str()).collect();
    assert_eq!(ids, tried);
    for row in rows {
        assert_eq!((&row["verdict"], &row["found"]), (&"killed".into(), &row["expected"]), "{row}");
        assert_eq!((&row["named"], &row["causes"]), (&true.into(), &serde_json::json!([row["causes"][0]])), "{row}");
    }
}

#[test]
fn every_defect_of_the_cloud_turns_red_what_it_breaks_and_nothing_else() {
    let told = bpconform(&["selftest", "--product", "aem-cloud", "--json"]);
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{}", told.out);
    let matrix: Value = serde_json::from_str(&told.out).expect("JSON");
    let count = Defects::built_in().of(Product::AemCloud).count();
    assert!(count >= 25, "{count}");
    assert_eq!(matrix["summary"]["killed"], count, "{}", told.out);
}

#[test]
fn no_variation_of_the_cloud_changes_a_verdict() {
    let told = bpconform(&["selftest", "--product", "aem-cloud", "--variations"]);
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{}", told.out);
    assert!(Variations::built_in().of(Product::AemCloud).count() >= 15);
}

#[test]
fn the_matrix_names_what_each_defect_breaks() {
    let told = bpconform(&["selftest", "--defect", "gateway-not-told", "--defect", "publish-run-mode"]);
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{}", told.out);
    filtered(|| insta::assert_snapshot!("selftest_matrix", told.out));
}

#[test]
fn one_defect_can_be_tried_by_itself_and_seen_in_a_run() {
    let told = bpconform(&["selftest", "--defect", "agent-disabled", "--json"]);
    let matrix: Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!((told.code, &matrix["summary"]["killed"]), (Some(0), &Value::from(1)), "{}", told.out);
    let expected = matrix["defects"][0]["expected"].as_array().expect("a list");

    let told = bpconform(&["run", "--defect", "agent-disabled", "--quiet"]);
    assert_eq!(told.code, Some(1), "{}", told.err);
    assert!(told.out.contains("agent mp_replication_agent2_default_bpdoc is not enabled"), "{}", told.out);
    for id in expected {
        assert!(told.out.contains(id.as_str().expect("a text")), "{id}: {}", told.out);
    }
}

#[test]
fn an_unknown_defect_is_wrong_usage() {
    for command in ["selftest", "run", "mock"] {
        let told = bpconform(&[command, "--defect", "agent-disable"]);
        assert_eq!(told.code, Some(2), "{}", told.err);
        assert!(told.err.contains("did you mean agent-disabled?"), "{}", told.err);
    }
}

#[test]
fn every_requirement_has_a_defect() {
    let defects = &bpconform_fixtures::Defects::built_in().all;
    let broken = |id: &str| defects.iter().any(|defect| defect.breaks.contains(id));
    assert!(Requirements::built_in().all.iter().all(|requirement| broken(&requirement.id)));
}
