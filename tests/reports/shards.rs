//! Shards of a plan and their merging.

use bpconform::compare::merge::{NamedRecord, merge};
use bpconform::record::Record;
use bpconform::shard::Shard;

use super::sample;

/// The records that the shards of this whole would have made.
fn shards(whole: &Record, count: u32) -> Vec<NamedRecord> {
    let ids: Vec<&str> = whole.scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    let shard = |index| {
        let shard = Shard::new(index, count).expect("one of them");
        let mut part = whole.clone();
        part.scenarios.retain(|scenario| shard.takes(&scenario.id));
        part.plan.run = part.scenarios.len();
        part.plan.shard = Some(shard.record(ids.iter().copied()));
        part.judge_again(false);
        (format!("shard-{index}"), part)
    };
    (1..=count).map(shard).collect()
}

fn refused(records: Vec<NamedRecord>) -> String {
    merge(records).expect_err("refused").to_string()
}

#[test]
fn the_shards_together_are_the_whole() {
    for whole in [sample::many(137), sample::many(3)] {
        for count in 1..=7 {
            let mut parts = shards(&whole, count);
            parts.reverse();
            assert_eq!(merge(parts).expect("merged"), whole, "{count} shards");
        }
    }
}

#[test]
fn a_missing_shard_is_refused_by_number() {
    let mut parts = shards(&sample::many(40), 4);
    parts.remove(2);
    assert!(refused(parts.clone()).contains("these are missing: 3"), "{}", refused(parts));
}

#[test]
fn a_shard_that_is_there_twice_is_refused() {
    let mut parts = shards(&sample::many(40), 3);
    parts[2] = parts[1].clone();
    assert!(refused(parts.clone()).contains("shard 2 of 3 is there twice"), "{}", refused(parts));
}

/// Makes a record differ.
type Change = fn(&mut Record);

#[test]
fn shards_of_different_runs_are_refused_with_what_differs() {
    let change: [(&str, Change); 5] = [
        ("state of the Author", |record| record.target.states.push("fresh".into())),
        ("surfaces", |record| record.target.surfaces_sha256 = Some("1".repeat(64))),
        ("allow level", |record| record.allow = bpconform_fixtures::Allow::Observe),
        ("product", |record| record.target.product = Some("6.5.22.0".into())),
        ("version of bpconform", |record| record.tool.version = "9.9.9".into()),
    ];
    for (what, change) in change {
        let mut parts = shards(&sample::many(40), 3);
        change(&mut parts[2].1);
        let problem = refused(parts);
        assert!(problem.contains(&format!("the {what} differs")) && problem.contains("shard-3"), "{problem}");
    }
    let mut parts = shards(&sample::many(40), 3);
    parts[1] = shards(&sample::many(41), 3)[1].clone();
    assert!(refused(parts.clone()).contains("the plan differs"), "{}", refused(parts));
}

#[test]
fn a_record_that_is_no_shard_or_lost_a_scenario_is_refused() {
    assert!(refused(vec![("run".into(), sample::passing())]).contains("not the record of a shard"));
    assert!(merge(Vec::new()).is_err());
    let mut parts = shards(&sample::many(40), 3);
    parts[0].1.scenarios.pop();
    assert!(refused(parts.clone()).contains("39 scenarios together, not the 40"), "{}", refused(parts));
}

#[test]
fn an_interrupted_shard_makes_the_whole_incomplete() {
    let mut parts = shards(&sample::many(40), 3);
    (parts[1].1.complete, parts[1].1.outcome) = (false, bpconform::record::RunOutcome::Interrupted);
    let whole = merge(parts).expect("merged");
    assert!(!whole.complete && whole.exit_code == 130);
}
