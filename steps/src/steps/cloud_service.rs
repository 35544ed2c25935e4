//! Sentences of `04-cloud-service.feature`.

use bpconform_fixtures::Cause;
use bpconform_step_macros::{given, then, when};

use super::chosen::Chosen;
use crate::author::cloud_configuration::{self, CloudConfiguration};
use crate::author::setup::{self, CloudForm, CloudService};
use crate::author::{agents, ims_configurations, tenants};
use crate::problem::{Because as _, Checked, Problem, ensure};
use crate::reply::Reply;
use crate::session::Session;
use crate::world::World;

#[derive(Debug)]
struct Refused(Reply);

/// The cloud configurations of the tenant: each of them is judged.
#[derive(Debug)]
pub(super) struct OfTenant(pub(super) Vec<CloudConfiguration>);

#[given("the Author has no Brand Portal configuration")]
async fn has_no_configuration(world: &mut World) -> Checked {
    let traces = setup::traces(world.session()?, false).await?;
    if traces.is_empty() {
        return Ok(());
    }
    Err(Problem::skipped(format!(
        "the Author already has a configuration, which stays unchanged: {}",
        traces.join(", ")
    )))
}

fn form(world: &World) -> Checked<CloudForm> {
    let session = world.session()?;
    Ok(CloudForm {
        title: session.name("cloud"),
        ims_configuration: world.kept::<Chosen>()?.pid.clone(),
        service_url: session.stack.base(bpconform_fixtures::System::Tenant)?.to_string(),
    })
}

#[when(
    "I create a cloud configuration with a title, that IMS configuration and the tenant URL, and click Save & Close"
)]
async fn create(world: &mut World) -> Checked {
    let form = form(world)?;
    let reply = setup::save_and_close(world.session()?, &form).await?;
    if (400..500).contains(&reply.status) {
        return Err(Problem::failed(format!("Save & Close is refused with {}; {}", reply.status, reply.excerpt())));
    }
    reply.expect_status(&[200, 201])?;
    world.keep(form);
    Ok(())
}

#[then("the cloud configuration appears with that title, that IMS configuration and the tenant URL")]
async fn appears(world: &mut World) -> Checked {
    let (session, form) = (world.session()?, world.kept::<CloudForm>()?);
    let made = setup::wait_for_cloud_service(session, &form.title).await?;
    let found = &made.configuration;
    uses_ims_configuration(session, found, Some(&form.ims_configuration)).await?;
    is_for_tenant(session, found)?;
    world.keep(made);
    Ok(())
}

#[then("the four replication agents of the tenant appear")]
fn agents_appear(world: &mut World) -> Checked {
    let (session, made) = (world.session()?, world.kept::<CloudService>()?);
    let expected = agents::expected(session)?;
    for (agent, expected) in made.agents.iter().zip(&expected) {
        let target = agent.target().unwrap_or_default();
        ensure(agent.name == expected.name && target == expected.target, || {
            format!("agent {} delivers to \"{target}\", not {} to {}", agent.name, expected.name, expected.target)
        })?;
    }
    ensure(made.agents.len() == expected.len(), || {
        format!("{} agents appeared, not {}", made.agents.len(), expected.len())
    })
}

#[then("the Mac user of the tenant appears")]
fn mac_user_appears(world: &mut World) -> Checked {
    let (session, made) = (world.session()?, world.kept::<CloudService>()?);
    let folder = format!("{}/", crate::author::users::mac_folder(session)?);
    let home = &made.mac_user.home;
    ensure(home.starts_with(&folder), || format!("the user {} is at {home}, not below {folder}", made.mac_user.id))
}

#[given("the Brand Portal cloud configuration of the tenant")]
async fn configuration_of_tenant(world: &mut World) -> Checked {
    let found = tenants::cloud_configurations(world.session()?).await?;
    world.keep(OfTenant(found));
    Ok(())
}

#[then("it has a title")]
fn has_title(world: &mut World) -> Checked {
    world.kept::<OfTenant>()?.0.iter().try_for_each(cloud_configuration::judge_title)
}

#[then("its IMS configuration is one for Brand Portal that exists on the Author")]
async fn has_ims_configuration(world: &mut World) -> Checked {
    let (session, OfTenant(found)) = (world.session()?, world.kept()?);
    for configuration in found {
        uses_ims_configuration(session, configuration, None).await?;
    }
    Ok(())
}

async fn uses_ims_configuration(session: &Session, found: &CloudConfiguration, given: Option<&str>) -> Checked {
    let used = found.ims_configuration.as_deref();
    let used = used.ok_or_else(|| Problem::failed(format!("{} names no IMS configuration", found.path)))?;
    let all = async || ims_configurations::readable(session).await;
    let all = session.settled(all, |all| all.providers.iter().any(|it| it.is(used))).await?;
    let Some(existing) = all.providers.iter().find(|it| it.is(used)) else {
        all.judge_whole()?;
        let problem = format!("{} names the IMS configuration {used}, which is not on the Author", found.path);
        return Err(Problem::failed(problem));
    };
    let right = given.is_none_or(|given| existing.is(given));
    ensure(right, || format!("{} names the IMS configuration {used}, not {}", found.path, given.unwrap_or_default()))?;
    existing.judge_solution(session)
}

#[then("its Service URL is the tenant URL")]
fn has_service_url(world: &mut World) -> Checked {
    let (session, OfTenant(found)) = (world.session()?, world.kept()?);
    found.iter().try_for_each(|configuration| is_for_tenant(session, configuration))
}

fn is_for_tenant(session: &Session, found: &CloudConfiguration) -> Checked {
    let (expected, used) = (agents::tenant_url(session)?, found.tenant().unwrap_or("nothing"));
    ensure(used == expected, || format!("{} is for {used}, not for {expected}", found.path))
        .because(Cause::TenantAddress)
}

#[then("every Brand Portal cloud configuration of the Author is for the tenant")]
async fn only_one_tenant(world: &mut World) -> Checked {
    let session = world.session()?;
    let expected = agents::tenant_url(session)?;
    let all = cloud_configuration::all(session).await?;
    ensure(!all.is_empty(), || "the Author has no Brand Portal cloud configuration".to_owned())?;
    tenants::judge_configurations(&all.iter().collect::<Vec<_>>(), &expected)
}

#[then("no replication agent of another tenant is on the Author")]
async fn no_foreign_agent(world: &mut World) -> Checked {
    tenants::judge_foreign_agents(world.session()?).await
}

#[when(
    regex = r#"^I click Save & Close on a cloud configuration with (no title|no IMS configuration|no Service URL|the Service URL "[^"]+")$"#
)]
async fn create_wrongly(world: &mut World, mistake: String) -> Checked {
    let mut form = form(world)?;
    match mistake.as_str() {
        "no title" => form.title.clear(),
        "no IMS configuration" => form.ims_configuration.clear(),
        "no Service URL" => form.service_url.clear(),
        malformed => form.service_url = malformed.split('"').nth(1).unwrap_or_default().to_owned(),
    }
    let reply = setup::save_and_close(world.session()?, &form).await?;
    world.keep(Refused(reply));
    Ok(())
}

#[then("the Author refuses it")]
fn is_refused(world: &mut World) -> Checked {
    let Refused(reply) = world.kept()?;
    match reply.status {
        200..300 => Err(Problem::failed(format!("the Author accepts it with {}", reply.status))),
        _ => reply.expect_authors_refusal(),
    }
}

#[then("after a while there is still no Brand Portal cloud configuration, replication agent or Mac user of the tenant")]
async fn nothing_is_left(world: &mut World) -> Checked {
    let traces = setup::traces(world.session()?, true).await?;
    ensure(traces.is_empty(), || format!("the refused configuration left behind: {}", traces.join(", ")))
}
