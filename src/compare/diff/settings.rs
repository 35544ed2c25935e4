//! The settings of the replication agents as the evidence of a run shows them, and which of them changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bpconform_steps::evidence::{Exchange, Outcome, Text};
use bpconform_steps::plain::plain_line;
use serde::Serialize;
use serde_json::Value;

use crate::record::{Record, ScenarioRecord};
use crate::report::view;

/// The endpoints whose answers hold the agents' settings (surfaces.md §4.1).
const READ_BY: &str = "author.agents";

/// How the name of an agent begins that a run made for itself; each run has others.
const OWN: &str = "bpconform-";

/// Properties that Sling changes whenever a node is written; they are not settings.
const BOOK_KEEPING: [&str; 9] = [
    "jcr:created",
    "jcr:createdBy",
    "jcr:lastModified",
    "jcr:lastModifiedBy",
    "jcr:uuid",
    "jcr:baseVersion",
    "jcr:versionHistory",
    "cq:lastModified",
    "cq:lastModifiedBy",
];

/// A setting that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SettingChange {
    /// The agent's node.
    pub agent: String,
    /// The property.
    pub property: String,
    /// Its value before.
    pub before: Option<String>,
    /// Its value after.
    pub after: Option<String>,
}

impl fmt::Display for SettingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".into());
        // They were read from JSON, in which the record holds them escaped.
        let Self { agent, property, before, after } = self;
        let [before, after] = [before, after].map(|it| plain_line(&value(it)));
        write!(f, "{}  {}: {before} → {after}", plain_line(agent), plain_line(property))
    }
}

type Settings = BTreeMap<(String, String), String>;

/// The settings that differ. Compared is what the same scenario saw first, before it may have changed something itself.
pub fn changed(before: &Record, after: &Record) -> Vec<SettingChange> {
    let earlier: BTreeMap<&str, &ScenarioRecord> =
        before.scenarios.iter().map(|scenario| (scenario.id.as_str(), scenario)).collect();
    let mut changed = BTreeSet::new();
    for scenario in &after.scenarios {
        let Some(was) = earlier.get(scenario.id.as_str()).filter(|was| was.seed == scenario.seed) else { continue };
        if let (Some(one), Some(two)) = (seen(was), seen(scenario)) {
            changed.extend(differences(&one, &two));
        }
    }
    changed.into_iter().collect()
}

fn differences(before: &Settings, after: &Settings) -> Vec<SettingChange> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differs = |key: &&(String, String)| before.get(*key) != after.get(*key);
    let setting = |(agent, property): &(String, String)| SettingChange {
        agent: agent.clone(),
        property: property.clone(),
        before: before.get(&(agent.clone(), property.clone())).cloned(),
        after: after.get(&(agent.clone(), property.clone())).cloned(),
    };
    keys.into_iter().filter(differs).map(setting).collect()
}

/// Whether a run read the agents' settings and no answer was kept whole.
pub fn are_cut(record: &Record) -> bool {
    let mut lists = record.scenarios.iter().flat_map(view::exchanges).filter_map(list).peekable();
    lists.peek().is_some() && lists.all(|body| body.capped)
}

/// The body of an answer that lists the agents.
fn list(exchange: &Exchange) -> Option<&Text> {
    match &exchange.outcome {
        Outcome::Response { status: 200, body, .. } if exchange.surface == READ_BY && exchange.method == "GET" => {
            Some(body)
        }
        _ => None,
    }
}

/// The settings that a scenario saw first; none if it never read them, or if the evidence is cut.
fn seen(scenario: &ScenarioRecord) -> Option<Settings> {
    view::exchanges(scenario).find_map(read)
}

fn read(exchange: &Exchange) -> Option<Settings> {
    let body = list(exchange).filter(|body| !body.capped)?;
    let Value::Object(node) = serde_json::from_str(&body.text).ok()? else { return None };
    let mut settings = Settings::new();
    for (agent, page) in node.iter().filter(|(agent, _)| !agent.starts_with(OWN)) {
        let Some(Value::Object(content)) = page.get("jcr:content") else { continue };
        for (property, value) in content {
            if value.is_object() || BOOK_KEEPING.contains(&property.as_str()) {
                continue;
            }
            settings.insert((agent.clone(), property.clone()), text(value));
        }
    }
    Some(settings)
}

/// A value as text; the port of a mock, which is another for each run, is left out.
fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some((before, after)) = text.split_once("localhost:") else { return text };
    format!("{before}localhost{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}
