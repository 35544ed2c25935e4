//! Variations: every check stays green on installations that differ in harmless ways, and every defect is found there.

use serde_json::Value;

use crate::support::{bpconform, directory, filtered};

#[test]
fn single_variations_and_a_sample_of_pairs_can_be_tried() {
    let flags = ["--variation", "service-pack-22", "--variation", "add-ons-installed", "--variations"];
    let told = bpconform(&[&["selftest"][..], &flags, &["--defect", "aem-too-old", "--pairs", "2"]].concat());
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{}", told.out);
    filtered(|| insta::assert_snapshot!("variation_pairs", told.out));
}

#[test]
fn a_variation_can_be_seen_in_a_run_and_is_recorded() {
    let out = directory("variation-in-a-run");
    let place = out.to_str().expect("a path");
    let told = bpconform(&["run", "--variation", "service-pack-22", "--requirement", "BP-PRE-03", "--out", place]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    let record = std::fs::read_to_string(out.join("run.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(record["target"]["variations"], Value::from(vec!["service-pack-22"]));
}

#[test]
fn an_unknown_variation_is_wrong_usage() {
    for command in ["selftest", "run", "mock"] {
        let told = bpconform(&[command, "--variation", "chunked-answer"]);
        assert_eq!(told.code, Some(2), "{}", told.err);
        assert!(told.err.contains("did you mean chunked-answers?"), "{}", told.err);
    }
}
