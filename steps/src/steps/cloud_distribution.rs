//! Sentences of `11-cloud-service.feature`: the distribution agent of AEM as a Cloud Service.

use std::time::Duration;

use bpconform_fixtures::Cause;
use bpconform_step_macros::{given, then, when};

use super::cloud_service::OfTenant;
use super::publishing::Assets;
use super::replication_agents::together;
use crate::author::agents;
use crate::author::cloud_configuration;
use crate::author::distribution::{self, Queue};
use crate::author::distribution_log::Entry;
use crate::author::distribution_verdicts;
use crate::author::ims_configurations::is_same_pid;
use crate::author::setup::CloudForm;
use crate::problem::{Because as _, Checked, Kind, Problem, ensure};
use crate::session::Session;
use crate::world::World;

/// The names of all distribution agents.
#[derive(Debug)]
struct Names(Vec<String>);

/// The queues of the agent.
#[derive(Debug)]
struct Queues(Vec<Queue>);

/// The log of the agent before something was done.
#[derive(Debug)]
struct LogBefore(Vec<Entry>);

/// The log of the agent.
#[derive(Debug)]
struct Log(Vec<Entry>);

#[when("I open Distribution")]
async fn open_distribution(world: &mut World) -> Checked {
    let names = distribution::names(world.session()?, false).await?;
    world.keep(Names(names));
    Ok(())
}

#[then("exactly one distribution agent for Brand Portal is there, named as AEM names it")]
async fn exactly_one(world: &mut World) -> Checked {
    let Names(names) = world.kept()?;
    distribution::judge_names(world.session()?, names).await
}

#[then("it is enabled")]
async fn is_enabled(world: &mut World) -> Checked {
    distribution::judge_enabled(world.session()?).await
}

#[given("the distribution agent for Brand Portal")]
async fn the_agent(world: &mut World) -> Checked {
    let session = world.session()?;
    if distribution::has_agent(session).await? { Ok(()) } else { Err(distribution::not_listed(session).await) }
}

#[given("the Author has no distribution agent for Brand Portal yet")]
async fn no_agent_yet(world: &mut World) -> Checked {
    let session = world.session()?;
    // A disabled agent is not listed.
    if !distribution::has_agent(session).await? && !distribution::has_settings(session).await? {
        return Ok(());
    }
    let agent = distribution::agent(session);
    Err(Problem::skipped(format!("the Author already has the distribution agent {agent}, which is left alone")))
}

#[when("I look at its queues")]
async fn look_at_queues(world: &mut World) -> Checked {
    let queues = emptied_queues(world.session()?).await?;
    world.keep(Queues(queues));
    Ok(())
}

/// The queues; if this scenario has changed something, once what it sent has left them.
async fn emptied_queues(session: &Session) -> Checked<Vec<Queue>> {
    if session.changes_sent() == 0 {
        return distribution::queues(session).await;
    }
    let empty = async || match distribution::queues(session).await {
        Ok(queues) => Ok(Some(queues).filter(|queues| queues.iter().all(|queue| queue.judge().is_ok()))),
        Err(problem) if problem.kind == Kind::Failed => Ok(None),
        Err(problem) => Err(problem),
    };
    match session.wait_for("the queues are empty", session.run.settings.patience, empty).await {
        // The caller says what is wrong with them.
        Err(problem) if problem.kind == Kind::Failed => distribution::queues(session).await,
        queues => queues,
    }
}

#[then("each of its two queues is idle and empty")]
fn queues_are_empty(world: &mut World) -> Checked {
    let Queues(queues) = world.kept()?;
    together(queues.iter().map(Queue::judge))
}

#[given("what its log holds is noted")]
async fn note_log(world: &mut World) -> Checked {
    let log = distribution::settled_log(world.session()?).await?;
    world.keep(LogBefore(log));
    Ok(())
}

#[when("I click its Test Connection")]
async fn test_connection(world: &mut World) -> Checked {
    distribution::test_connection(world.session()?).await
}

#[then("its log gets a new TEST request of mine, and no failure of it")]
async fn log_has_test(world: &mut World) -> Checked {
    let (session, LogBefore(before)) = (world.session()?, world.kept()?);
    let new = async || Ok(distribution_verdicts::added(before, &distribution::settled_log(session).await?));
    let started = async || distribution_verdicts::own_test(session, &new().await?).await;
    let what = format!("the log of {} gets a new TEST request of this user", distribution::agent(session));
    let test = session.wait_for(&what, session.run.settings.patience, started).await?;
    distribution_verdicts::judge_tested(&test, &new().await?)
}

#[when("I open its log")]
async fn open_log(world: &mut World) -> Checked {
    let log = distribution::log(world.session()?, false).await?;
    world.keep(Log(log));
    Ok(())
}

#[then("no failure follows its last delivery")]
fn no_failure(world: &mut World) -> Checked {
    let Log(log) = world.kept()?;
    distribution_verdicts::judge_log(world.session()?, log)
}

#[then("its log shows a request and a delivery of the asset and of its parent folder")]
async fn asset_and_folder(world: &mut World) -> Checked {
    let (session, Assets(assets), LogBefore(before)) = (world.session()?, world.kept()?, world.kept()?);
    for asset in assets {
        let folder = asset.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for path in [asset.path.as_str(), folder] {
            delivered(session, before, path).await?;
        }
    }
    Ok(())
}

/// Waits until the log shows that a path was requested and delivered since then. A delivery that failed is tried again.
async fn delivered(session: &Session, before: &[Entry], path: &str) -> Checked {
    let what = format!("the log of {} shows that {path} was requested and delivered", distribution::agent(session));
    let new = async || Ok(distribution_verdicts::added(before, &distribution::settled_log(session).await?));
    let found = async || Ok(distribution_verdicts::is_delivered(session, &new().await?, path).then_some(()));
    match session.wait_for(&what, session.run.settings.patience, found).await {
        Err(problem) if problem.kind == Kind::Failed => match distribution_verdicts::failure_of(&new().await?, path) {
            Some(failed) => Err(Problem::failed(format!("{path} was not delivered: {}", failed.message))
                .showing(vec![failed.line.clone()])),
            None => Err(problem),
        },
        ended => ended,
    }
}

#[then("the cloud configuration appears, with that IMS configuration and the tenant URL")]
async fn configuration_appears(world: &mut World) -> Checked {
    let (session, form) = (world.session()?, world.kept::<CloudForm>()?);
    let appears = async || {
        let all = cloud_configuration::all(session).await?;
        Ok(all.into_iter().find(|found| found.title.as_deref() == Some(&form.title)))
    };
    let found = session.wait_for("the cloud configuration", session.run.settings.patience, appears).await?;
    let url = agents::tenant_url(session)?;
    ensure(found.tenant() == Some(&url), || {
        format!("{} is for {}, not for {url}", found.path, found.tenant().unwrap_or("nothing"))
    })
    .because(Cause::TenantAddress)?;
    let ims = found.ims_configuration.as_deref().unwrap_or_default();
    ensure(is_same_pid(ims, &form.ims_configuration), || {
        format!("{} names the IMS configuration `{ims}`, not {}", found.path, form.ims_configuration)
    })
}

#[then("the distribution agent for Brand Portal appears")]
async fn agent_appears(world: &mut World) -> Checked {
    let session = world.session()?;
    let agent = distribution::agent(session);
    let appears = async || Ok(distribution::has_agent(session).await?.then_some(()));
    session.wait_for(&format!("the distribution agent {agent}"), session.run.settings.patience, appears).await
}

#[then("it names an IMS configuration")]
fn names_ims_configuration(world: &mut World) -> Checked {
    let OfTenant(found) = world.kept()?;
    let without = found.iter().find(|it| it.ims_configuration.as_deref().is_none_or(|pid| pid.trim().is_empty()));
    ensure(without.is_none(), || format!("{} names no IMS configuration", without.map_or("", |it| &it.path)))
}

/// How long something that must not appear is given to appear all the same.
const AFTERMATH: Duration = Duration::from_secs(30);

#[then("after a while there is still no Brand Portal cloud configuration or distribution agent")]
async fn nothing_appears(world: &mut World) -> Checked {
    let session = world.session()?;
    session.pass(AFTERMATH).await?;
    let all = async || cloud_configuration::all(session).await;
    let all = distribution::agreed(all, |one, other| one == other).await?;
    ensure(all.is_empty(), || format!("the refused configuration left behind: {}", all[0].path))?;
    let has_agent = distribution::has_agent(session).await?;
    ensure(!has_agent, || format!("the distribution agent {} exists", distribution::agent(session)))
}
