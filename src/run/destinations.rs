//! Checks for a run with a real Author and mocks of IMS or tenant: do the mocks answer, and is the Author configured for
//! them? If it is not, it would send to the real systems.

use bpconform_fixtures::System;
use bpconform_steps::author::{agents, cloud_configuration, ims_configurations};
use bpconform_steps::problem::Checked;
use bpconform_steps::{Session, arrivals};
use url::Url;

use crate::error::Error;

/// Checks that the addresses of mocks belong to mocks, by a request that only a mock answers.
pub async fn check(session: &Session) -> Result<(), Error> {
    for system in &session.run.mocks {
        arrivals::mark(session, *system).await.map_err(|problem| {
            let url = session.stack.base(*system).map(ToString::to_string).unwrap_or_default();
            Error::NoMock { system: system.name(), url, problem: problem.reason }
        })?;
    }
    Ok(())
}

/// If the Author is configured for other systems than the mocks: where it sends, and what to do. None if it is configured
/// for the mocks, or not at all.
pub async fn elsewhere(session: &Session) -> Option<String> {
    let mut found = Vec::new();
    for system in &session.run.mocks {
        let there = match system {
            System::Ims => tokens(session).await,
            System::Tenant => deliveries(session).await,
            _ => continue,
        };
        match there {
            Ok(None) => {}
            Ok(Some(there)) => found.push(advice(session, *system, &there)),
            Err(problem) => found.push(format!(
                "whether the Author is configured for the mock of the {} could not be determined, so nothing is sent: {}",
                system.name(),
                problem.reason
            )),
        }
    }
    (!found.is_empty()).then(|| found.join("; "))
}

fn advice(session: &Session, system: System, there: &str) -> String {
    let mock = session.stack.base(system).map(|url| url.as_str().trim_end_matches('/').to_owned()).unwrap_or_default();
    let place = match system {
        System::Ims => "Tools > Security > Adobe IMS Configurations, as the Authorization Server",
        _ => "Tools > Cloud Services > AEM Brand Portal, as the Service URL",
    };
    format!(
        "the Author is configured for {there}, not for the mock of the {} at {mock}, so it would send its requests there; \
        enter {mock} under {place}",
        system.name()
    )
}

/// The address where the Author requests tokens, if it is not the mock.
async fn tokens(session: &Session) -> Checked<Option<String>> {
    let mock = session.stack.base(System::Ims)?.origin();
    let all = ims_configurations::for_brand_portal(session).await?;
    // An unreadable address counts as another system: the Author may interpret it in any way.
    let endpoints = all.into_iter().map(|configuration| configuration.token_request.unwrap_or_default());
    let mut others = endpoints.filter(|endpoint| !Url::parse(endpoint).is_ok_and(|url| url.origin() == mock));
    Ok(others.next().map(|other| if other.is_empty() { "no address".to_owned() } else { other }))
}

/// The address to which the Author delivers, if it is not the mock.
async fn deliveries(session: &Session) -> Checked<Option<String>> {
    let mock = agents::tenant_url(session)?;
    let all = cloud_configuration::all(session).await?;
    let tenants = all.iter().filter_map(|configuration| configuration.tenant().map(str::to_owned));
    if let Some(other) = tenants.into_iter().find(|tenant| tenant.trim_end_matches('/') != mock) {
        return Ok(Some(other));
    }
    let agents = agents::all(session).await?;
    let prefix = session.surface("author.agents").phrase("prefix");
    let ours = agents.iter().filter(|agent| agent.name.starts_with(prefix));
    Ok(ours.filter(|agent| !agent.delivers_to(&mock)).find_map(agents::Agent::target))
}
