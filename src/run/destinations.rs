//! A run whose Author is real and whose IMS or tenant is a mock: is the mock there, and is the Author configured for it? One
//! that is not would send to the real systems what is meant for the mocks.

use bpconform_fixtures::System;
use bpconform_steps::author::{agents, cloud_configuration, ims_configurations};
use bpconform_steps::problem::Checked;
use bpconform_steps::{Session, arrivals};
use url::Url;

use crate::error::Error;

/// Whether what is said to be mocks are some. They are asked what arrived, which only a mock tells.
pub async fn check(session: &Session) -> Result<(), Error> {
    for system in &session.run.mocks {
        arrivals::mark(session, *system).await.map_err(|problem| {
            let url = session.stack.base(*system).map(ToString::to_string).unwrap_or_default();
            Error::NoMock { system: system.name(), url, problem: problem.reason }
        })?;
    }
    Ok(())
}

/// Where the Author is configured to send in place of the mocks, and what to do; none if it is configured for them, or not
/// at all.
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
                "it could not be told whether the Author is configured for the mock of the {}, so nothing is sent: {}",
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
        "the Author is configured for {there}, not for the mock of the {} at {mock}, and what it sends would go there; \
        enter {mock} under {place}",
        system.name()
    )
}

/// Where the Author asks for tokens, if that is not the mock.
async fn tokens(session: &Session) -> Checked<Option<String>> {
    let mock = session.stack.base(System::Ims)?.origin();
    let all = ims_configurations::for_brand_portal(session).await?;
    // What cannot be read as an address is not the mock's: who knows where the Author takes it to be.
    let endpoints = all.into_iter().map(|configuration| configuration.token_request.unwrap_or_default());
    let mut others = endpoints.filter(|endpoint| !Url::parse(endpoint).is_ok_and(|url| url.origin() == mock));
    Ok(others.next().map(|other| if other.is_empty() { "no address at all".to_owned() } else { other }))
}

/// Where the Author delivers to, if that is not the mock.
async fn deliveries(session: &Session) -> Checked<Option<String>> {
    let mock = agents::tenant_url(session)?;
    let all = cloud_configuration::all(session).await?;
    let tenants = all.iter().filter_map(|configuration| configuration.tenant().map(str::to_owned));
    if let Some(other) = tenants.into_iter().find(|tenant| tenant.trim_end_matches('/') != mock) {
        return Ok(Some(other));
    }
    let agents = agents::all(session).await?;
    let ours = agents.iter().filter(|agent| agent.name.starts_with("mp_replication"));
    Ok(ours.filter(|agent| !agent.delivers_to(&mock)).find_map(agents::Agent::target))
}
