//! Sentences of `10-legacy-gateway.feature`: configurations from before the Developer Console.

use bpconform_step_macros::{then, when};
use serde_json::Value;

use crate::author::cloud_configuration::{self, CloudConfiguration};
use crate::author::repository;
use crate::problem::{Checked, Problem, ensure};
use crate::session::Session;
use crate::world::World;

/// What is to be done about a configuration on the legacy gateway (surfaces.md §6.15).
const ADVICE: &str = "leave it as it is while it works; if it makes problems, delete it and create a configuration by way of \
                      the Developer Console";

/// By which way a cloud configuration gets its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    DeveloperConsole,
    LegacyGateway,
    Unknown,
}

/// The cloud configurations and their ways.
#[derive(Debug)]
struct LookedAt(Vec<(CloudConfiguration, Way)>);

async fn look_at(session: &Session) -> Checked<Vec<(CloudConfiguration, Way)>> {
    let gateway = session.surface("author.cloud-storage").phrase("legacy-gateway");
    let mut found = Vec::new();
    for configuration in cloud_configuration::all(session).await? {
        let node = repository::read(session, &configuration.path, "-1").await?.unwrap_or_default();
        let way = way(&configuration, &node, gateway);
        found.push((configuration, way));
    }
    Ok(found)
}

/// A configuration that names the gateway is on it, whatever else it holds; one that names an IMS configuration is of the
/// Developer Console.
fn way(configuration: &CloudConfiguration, node: &Value, gateway: &str) -> Way {
    if names(node, gateway) {
        Way::LegacyGateway
    } else if configuration.ims_configuration.is_some() {
        Way::DeveloperConsole
    } else {
        Way::Unknown
    }
}

fn names(value: &Value, gateway: &str) -> bool {
    match value {
        Value::String(text) => text.contains(gateway),
        Value::Array(values) => values.iter().any(|value| names(value, gateway)),
        Value::Object(fields) => fields.values().any(|value| names(value, gateway)),
        _ => false,
    }
}

#[when("the Brand Portal cloud configurations are looked at")]
async fn look(world: &mut World) -> Checked {
    let found = look_at(world.session()?).await?;
    world.keep(LookedAt(found));
    Ok(())
}

#[then("one on the legacy OAuth gateway is recognised, with the advice to leave it as it is")]
fn recognised(world: &mut World) -> Checked {
    let LookedAt(found) = world.kept()?;
    let legacy = found.iter().filter(|(_, way)| *way == Way::LegacyGateway).map(|(it, _)| it.path.as_str());
    let legacy: Vec<_> = legacy.collect();
    tracing::info!("on the legacy OAuth gateway: {}; {ADVICE}", legacy.join(", "));
    ensure(!legacy.is_empty(), || {
        let others: Vec<_> = found.iter().map(|(it, way)| format!("{} ({way:?})", it.path)).collect();
        format!("no cloud configuration is on the legacy OAuth gateway; there are: {}", others.join(", "))
    })
}

#[then("each Brand Portal cloud configuration is of the Developer Console or of the legacy OAuth gateway")]
async fn each_has_its_way(world: &mut World) -> Checked {
    let found = look_at(world.session()?).await?;
    if found.is_empty() {
        return Err(Problem::skipped("the Author has no Brand Portal cloud configuration"));
    }
    let unknown: Vec<_> =
        found.iter().filter(|(_, way)| *way == Way::Unknown).map(|(it, _)| it.path.as_str()).collect();
    ensure(unknown.is_empty(), || {
        format!("these have neither an IMS configuration nor the legacy OAuth gateway: {}", unknown.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_way_is_told_by_what_the_configuration_holds() {
        let gateway = "legacy-oauth.cloud.adobe.io";
        let with_ims = CloudConfiguration { ims_configuration: Some("pid".into()), ..CloudConfiguration::default() };
        let legacy = json!({"jcr:content": {"authorizationServer": "https://legacy-oauth.cloud.adobe.io/"}});
        assert_eq!(way(&with_ims, &json!({}), gateway), Way::DeveloperConsole);
        assert_eq!(way(&CloudConfiguration::default(), &legacy, gateway), Way::LegacyGateway);
        assert_eq!(way(&with_ims, &legacy, gateway), Way::LegacyGateway);
        assert_eq!(way(&CloudConfiguration::default(), &json!({"tenantURL": "https://x"}), gateway), Way::Unknown);
    }
}
