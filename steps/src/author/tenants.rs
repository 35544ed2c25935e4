//! What the Author has for the run's tenant, and what for others.

use bpconform_fixtures::{Cause, System};

use super::agents::{self, Agent, Expected};
use super::cloud_configuration::{self, CloudConfiguration};
use crate::pattern::pattern;
use crate::problem::{Because as _, Checked, ensure};
use crate::session::Session;

/// The cloud configurations of the run's tenant, in the Author's order; when none is for it, the first one, to be judged.
pub async fn cloud_configurations(session: &Session) -> Checked<Vec<CloudConfiguration>> {
    let url = agents::tenant_url(session)?;
    let all = cloud_configuration::all(session).await?;
    ensure(!all.is_empty(), || "the Author has no Brand Portal cloud configuration".into())?;
    Ok(for_tenant(all, &url))
}

fn for_tenant(mut all: Vec<CloudConfiguration>, url: &str) -> Vec<CloudConfiguration> {
    if all.iter().any(|it| it.tenant() == Some(url)) {
        all.retain(|it| it.tenant() == Some(url));
    } else {
        all.truncate(1);
    }
    all
}

/// The first of them, where only one can be used.
pub async fn cloud_configuration(session: &Session) -> Checked<CloudConfiguration> {
    Ok(cloud_configurations(session).await?.swap_remove(0))
}

/// Fails if one of these cloud configurations is for another tenant than the one with that URL.
pub fn judge_configurations(all: &[&CloudConfiguration], tenant_url: &str) -> Checked {
    let foreign = all.iter().filter(|it| it.tenant() != Some(tenant_url));
    let foreign = foreign.map(|it| format!("{} is for {}", it.path, it.tenant().unwrap_or("no tenant")));
    let foreign: Vec<_> = foreign.collect();
    ensure(foreign.is_empty(), || {
        format!("the Author is configured with another tenant than {tenant_url}: {}", foreign.join(", "))
    })
}

/// Fails unless each of these agents has the title and the target that AEM generates. One that AEM does not generate is for
/// [`agents::judge`].
pub fn judge_generated(found: &[Agent], expected: &[Expected]) -> Checked {
    let generated = |agent: &&Agent| expected.iter().find(|it| it.name == agent.name);
    let pairs: Vec<_> = found.iter().filter_map(|agent| Some((agent, generated(&agent)?))).collect();
    let titles = pairs.iter().filter_map(|(agent, Expected { title, .. })| {
        let said = agent.property("jcr:title").unwrap_or_default();
        (said != *title).then(|| format!("agent {} has the title \"{said}\", not \"{title}\"", agent.name))
    });
    let titles: Vec<_> = titles.collect();
    ensure(titles.is_empty(), || titles.join("; "))?;
    let targets = pairs.iter().filter_map(|(agent, Expected { target, .. })| {
        let to = agent.target().unwrap_or_else(|| "nothing".to_owned());
        (to != *target).then(|| format!("agent {} delivers to {to}, not to {target}", agent.name))
    });
    let targets: Vec<_> = targets.collect();
    ensure(targets.is_empty(), || targets.join("; ")).because(Cause::AgentAddress)
}

/// Fails if an agent is named for another tenant and does not deliver to the run's, or delivers to another without being named
/// for one. What is named for the run's tenant is its own, with a wrong target.
pub async fn judge_foreign_agents(session: &Session) -> Checked {
    let (tenant, url) = (session.stack.tenant_id()?, agents::tenant_url(session)?);
    let all = agents::all(session).await?;
    let (base, receiver) = (session.stack.base(System::Tenant)?, &session.surface("tenant.receive").path);
    let form = pattern(session.surface("tenant.home"), "url")?;
    let foreign = all.iter().filter(|it| match it.named_for() {
        Some(id) => id != tenant && !it.delivers_to(&url),
        None => it.delivers_to_another(base, &form, receiver),
    });
    let foreign: Vec<_> = foreign.map(|agent| agent.name.as_str()).collect();
    ensure(foreign.is_empty(), || format!("replication agents of another tenant: {}", foreign.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_of_the_tenant_is_judged() {
        let of = |path: &str, url: &str| CloudConfiguration {
            path: path.into(),
            tenant_url: Some(url.into()),
            ..CloudConfiguration::default()
        };
        let all = || vec![of("a", "https://x.example"), of("b", "https://y.example/"), of("c", "https://y.example")];
        let paths = |url: &str| for_tenant(all(), url).into_iter().map(|it| it.path).collect::<Vec<_>>();
        assert_eq!(paths("https://y.example"), ["b", "c"]);
        assert_eq!(paths("https://z.example"), ["a"]);
    }
}
