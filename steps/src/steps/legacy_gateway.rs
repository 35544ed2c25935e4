//! Sentences of `10-legacy-gateway.feature`: configurations from before the Developer Console.

use bpconform_step_macros::{then, when};

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
    let surface = session.surface("author.cloud-storage");
    let mut found = Vec::new();
    for configuration in cloud_configuration::all(session).await? {
        let node = repository::read(session, &configuration.path, "-1").await?.unwrap_or_default();
        let way = way(&configuration, cloud_configuration::names_gateway(surface, &node));
        found.push((configuration, way));
    }
    Ok(found)
}

/// A configuration that names the gateway is on it, whatever else it holds; one that names an IMS configuration is of the
/// Developer Console.
fn way(configuration: &CloudConfiguration, names_gateway: bool) -> Way {
    if names_gateway {
        Way::LegacyGateway
    } else if configuration.ims_configuration.is_some() {
        Way::DeveloperConsole
    } else {
        Way::Unknown
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
    use super::*;

    #[test]
    fn the_way_is_told_by_what_the_configuration_holds() {
        let with_ims = CloudConfiguration { ims_configuration: Some("pid".into()), ..CloudConfiguration::default() };
        assert_eq!(way(&with_ims, false), Way::DeveloperConsole);
        assert_eq!(way(&CloudConfiguration::default(), true), Way::LegacyGateway);
        assert_eq!(way(&with_ims, true), Way::LegacyGateway);
        assert_eq!(way(&CloudConfiguration::default(), false), Way::Unknown);
    }
}
