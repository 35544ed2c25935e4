//! Merges the records of all shards of a plan into the record of an unsharded run. Records of different plans, missing
//! shards and duplicate shards are rejected: a gap must not look like a proof.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::record::{Record, RerunRecord, RunOutcome, ScenarioRecord, ShardRecord};
use crate::shard;
use crate::text::json as text;

/// A record and what it is called in messages, usually its file.
pub type NamedRecord = (String, Record);

/// Merges the records of all shards.
pub fn merge(records: Vec<NamedRecord>) -> Result<Record, Error> {
    let shards = shards(&records)?;
    alike(&records)?;
    let (count, of) =
        shards.first().map(|shard| (shard.count, (*shard).clone())).ok_or_else(|| usage("nothing to merge"))?;
    complete(&records, &shards, count)?;
    let mut records = records;
    records.sort_by_key(|(_, record)| record.plan.shard.as_ref().map(|shard| shard.index));
    let merged = join(records.into_iter().map(|(_, record)| record).collect())?;
    let found = shard::fingerprint(merged.scenarios.iter().map(|scenario| scenario.id.as_str()));
    if found != (of.scenarios, of.plan_sha256) {
        let problem = format!("the shards have {} scenarios together, not the {} of their plan", found.0, of.scenarios);
        return Err(Error::Usage(problem));
    }
    Ok(merged)
}

fn usage(problem: &str) -> Error {
    Error::Usage(format!("merge: {problem}"))
}

fn shards(records: &[NamedRecord]) -> Result<Vec<&ShardRecord>, Error> {
    let shard = |(name, record): &'_ NamedRecord| -> Result<(), Error> {
        record.plan.shard.as_ref().map(drop).ok_or_else(|| {
            usage(&format!("{name} is not the record of a shard; run it with --shard I/N, or use it as it is"))
        })
    };
    records.iter().try_for_each(shard)?;
    Ok(records.iter().filter_map(|(_, record)| record.plan.shard.as_ref()).collect())
}

/// What must be the same in all records for their verdicts to say something together.
fn traits(record: &Record) -> [(&'static str, String); 12] {
    let (shard, target) = (record.plan.shard.as_ref(), &record.target);
    [
        ("number of shards", text(&shard.map(|shard| shard.count))),
        ("plan", text(&shard.map(|shard| &shard.plan_sha256))),
        ("selection", text(&(&record.plan.tags, &record.plan.name, &record.plan.requirements))),
        ("target", record.about()),
        ("product", text(&target.product)),
        ("judged product", text(&target.judged_as)),
        ("state of the Author", text(&target.states)),
        ("surfaces", text(&(&target.surfaces, &target.surfaces_sha256, &target.defects, &target.variations))),
        ("allow level", text(&record.allow)),
        ("gate", text(&record.plan.gate)),
        ("retries", text(&(record.plan.retries, record.plan.strict))),
        ("version of bpconform", text(&(&record.tool.version, record.format))),
    ]
}

fn alike(records: &[NamedRecord]) -> Result<(), Error> {
    let Some((first, rest)) = records.split_first() else { return Ok(()) };
    for other in rest {
        for ((what, one), (_, two)) in traits(&first.1).into_iter().zip(traits(&other.1)) {
            if one != two {
                let (a, b) = (&first.0, &other.0);
                return Err(usage(&format!("{a} and {b} do not belong together: the {what} differs: {one}, {two}")));
            }
        }
    }
    Ok(())
}

fn complete(records: &[NamedRecord], shards: &[&ShardRecord], count: u32) -> Result<(), Error> {
    let mut seen = BTreeMap::new();
    for ((name, _), shard) in records.iter().zip(shards) {
        if let Some(earlier) = seen.insert(shard.index, name) {
            return Err(usage(&format!("shard {} of {count} is there twice: {earlier} and {name}", shard.index)));
        }
    }
    let missing: Vec<_> =
        (1..=count).filter(|index| !seen.contains_key(index)).map(|index| index.to_string()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(usage(&format!("of {count} shards, these are missing: {}", missing.join(", "))))
}

/// One record from those of all shards, in the order of the shards.
fn join(records: Vec<Record>) -> Result<Record, Error> {
    let mut records = records.into_iter();
    let mut whole = records.next().ok_or_else(|| usage("nothing to merge"))?;
    let mut interrupted = whole.outcome == RunOutcome::Interrupted;
    for other in records {
        interrupted |= other.outcome == RunOutcome::Interrupted;
        whole.complete &= other.complete;
        whole.started = whole.started.min(other.started);
        whole.duration_ms = whole.duration_ms.max(other.duration_ms);
        whole.summary.wall_ms = whole.summary.wall_ms.max(other.summary.wall_ms);
        whole.plan.run += other.plan.run;
        whole.plan.skip += other.plan.skip;
        whole.plan.rerun = match (whole.plan.rerun.take(), other.plan.rerun) {
            (Some(one), Some(two)) => {
                Some(RerunRecord { started: one.started.min(two.started), kept: one.kept + two.kept })
            }
            (one, two) => one.or(two),
        };
        whole.plan.not_applicable += other.plan.not_applicable;
        whole.left_behind.extend(other.left_behind);
        whole.journal = whole.journal.or(other.journal);
        whole.scenarios.extend(other.scenarios);
    }
    whole.plan.shard = None;
    whole.scenarios.sort_by(|a, b| place(a).cmp(&place(b)));
    whole.judge_again(interrupted);
    Ok(whole)
}

/// The document's order: features are numbered in it.
fn place(scenario: &ScenarioRecord) -> (&str, usize) {
    (&scenario.file, scenario.line)
}
