//! One side of a comparison, and the differences that make two runs hard to compare.

use std::fmt;

use bpconform_fixtures::{Allow, Product};
use serde::Serialize;

use super::settings;
use crate::record::{Record, RunOutcome};

/// One side of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedRun {
    /// When the run began.
    pub started: String,
    /// `mock` or `author`.
    pub target: String,
    /// Where the Author is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The version that the Author reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The permission level of the run.
    pub allow: Allow,
    /// The outcome of the run.
    pub outcome: RunOutcome,
    /// The outcome of the run in words.
    #[serde(skip)]
    pub result: String,
    /// Whether it was complete.
    pub complete: bool,
}

impl ComparedRun {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            started: record.started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            target: record.target.kind.clone(),
            author: record.target.addresses.get("author").map(ToString::to_string),
            product: record.target.product.clone(),
            allow: record.allow,
            outcome: record.outcome,
            result: record.result(),
            complete: record.complete,
        }
    }
}

impl fmt::Display for ComparedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            Some(self.started.as_str()),
            Some(self.author.as_deref().unwrap_or(&self.target)),
            self.product.as_deref(),
            Some(self.allow.word()),
            Some(self.result.as_str()),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
    }
}

/// What else differs than the Author's own doing, and what the evidence does not show.
pub(super) fn notes(before: &Record, after: &Record) -> Vec<String> {
    let mut notes: Vec<String> = differences(before, after).collect();
    for (record, which) in [(before, "earlier"), (after, "later")] {
        if !record.complete {
            notes.push(format!("the {which} run did not come to its end"));
        }
        if settings::are_cut(record) {
            let cap = record.body_cap / 1024;
            notes.push(format!(
                "the {which} run's list of agents is longer than the {cap} KiB that are kept of an answer: their \
                 settings are not compared"
            ));
        }
    }
    notes
}

fn differences(before: &Record, after: &Record) -> impl Iterator<Item = String> {
    let selection = |record: &Record| {
        let plan = &record.plan;
        let all = plan.tags.iter().chain(&plan.name).chain(&plan.requirements).cloned().collect::<Vec<_>>();
        if all.is_empty() { "everything".to_owned() } else { all.join(", ") }
    };
    let shard = |record: &Record| {
        record.plan.shard.as_ref().map_or_else(|| "whole".into(), |shard| format!("{}/{}", shard.index, shard.count))
    };
    let surfaces = |record: &Record| {
        let hash = record.target.surfaces_sha256.as_deref().and_then(|hash| hash.get(..8)).unwrap_or("unknown");
        format!("{} ({hash})", record.target.surfaces)
    };
    let traits = move |record: &Record| {
        [
            ("target", record.target.kind.clone()),
            ("judged product", Product::names(record.target.products())),
            ("allow level", record.allow.to_string()),
            ("selection", selection(record)),
            ("shard", shard(record)),
            ("set of surfaces", surfaces(record)),
            ("version of bpconform", record.tool.version.clone()),
        ]
    };
    let both = traits(before).into_iter().zip(traits(after));
    both.filter(|((_, one), (_, two))| one != two)
        .map(|((what, one), (_, two))| format!("the {what} is not the same: {one}, then {two}"))
}
