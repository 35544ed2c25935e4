//! The head of the page: what was checked, how, when and where.

use serde::Serialize;

use crate::record::{PlanRecord, Record, TargetRecord};
use crate::report::view;

/// One of them: a link where the value is an address.
#[derive(Serialize)]
pub(super) struct Fact {
    what: &'static str,
    value: String,
    link: Option<String>,
}

/// What a reader must know before the verdicts: what was checked, how, when and where.
pub(super) fn facts(record: &Record) -> Vec<Fact> {
    let target = &record.target;
    let of = |name: &str| target.addresses.get(name).map(ToString::to_string);
    let ci = |name: &str| record.environment.ci.get(name).cloned();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let facts = [
        ("Target", Some(target.kind.clone())),
        ("Product", target.product.clone()),
        ("Judged as", Some(view::judged_as(record))),
        ("Author", of("author")),
        ("Tenant", of("tenant")),
        ("Mocks", target.mocked()),
        ("State", some(target.states.join(", "))),
        ("Allowed", Some(record.allow.to_string())),
        ("Selected", some(selected(&record.plan))),
        ("Surfaces", Some(surfaces(target))),
        ("Defects of the mock", some(target.defects.join(", "))),
        ("Variations of the mock", some(target.variations.join(", "))),
        ("Latencies of the mock", target.jitter.map(|seed| format!("from the seed {seed}"))),
        ("Began", Some(record.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())),
        ("Took", Some(view::time(record.duration_ms))),
        ("Shard", record.plan.shard.as_ref().map(|shard| format!("{} of {}", shard.index, shard.count))),
        ("Rerun", view::rerun(record)),
        ("Job", ci("job")),
        ("Branch", ci("branch")),
        ("Commit", ci("commit")),
        ("Exit code", Some(record.exit_code.to_string())),
    ];
    let fact = |(what, value): (&'static str, Option<String>)| {
        let value = value?;
        let link = Some(&value).filter(|value| value.starts_with("https://") || value.starts_with("http://")).cloned();
        Some(Fact { what, value, link })
    };
    facts.into_iter().filter_map(fact).collect()
}

/// The selection, if there was one: it explains why the other requirements are unproven.
fn selected(plan: &PlanRecord) -> String {
    let name = plan.name.as_ref().map(|name| format!("/{name}/"));
    plan.tags.iter().cloned().chain(name).chain(plan.requirements.iter().cloned()).collect::<Vec<_>>().join(" · ")
}

fn surfaces(target: &TargetRecord) -> String {
    let hash = target.surfaces_sha256.as_ref().and_then(|hash| hash.get(..8));
    hash.map_or_else(|| target.surfaces.clone(), |hash| format!("{} ({hash})", target.surfaces))
}
