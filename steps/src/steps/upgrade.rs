//! Sentences of `08-upgrade.feature`: delete the configuration, then create it again.
//!
//! The scenarios that delete are tagged `@replaces`: on a real Author the run first keeps the whole configuration, with the
//! keys of the Mac user, and restores it afterwards.

use bpconform_step_macros::{given, then, when};

use super::running_jobs::none_running;
use crate::author::agents::{self, Agent};
use crate::author::cloud_configuration::{self, CloudConfiguration};
use crate::author::setup::{self, CloudForm};
use crate::author::snapshot::{self, Difference, Snapshot};
use crate::author::users::{self, User};
use crate::author::{ims_configurations, keeping, removal, repository, transcript};
use crate::ims;
use crate::problem::{Checked, Problem, agreed, confirmed, ensure};
use crate::session::Session;
use crate::world::World;

/// Where the agents are; the `replications` of the document is a typing error (surfaces.md §0.10).
const AGENTS: &str = "/etc/replication/agents.author";
const TYPING_ERROR: &str = "/etc/replications/agents.author";

/// What the document says to delete.
#[derive(Debug)]
struct Old {
    agents: Vec<Agent>,
    others: Vec<String>,
    configurations: Vec<CloudConfiguration>,
    mac_user: Option<User>,
}

impl Old {
    fn mac_user(&self) -> Checked<&User> {
        self.mac_user.as_ref().ok_or_else(|| Problem::failed("the Author has no Mac user that could be deleted"))
    }
}

/// What the Author held before.
#[derive(Debug)]
struct Before(Snapshot);

/// What the scenario created.
#[derive(Debug)]
struct ImsPid(String);
#[derive(Debug)]
struct Title(String);
#[derive(Debug)]
struct New(setup::CloudService);

#[given("the running jobs of the four agents were verified")]
async fn verified(world: &mut World) -> Checked {
    let session = world.session()?;
    let old = confirmed(async || to_upgrade(session).await).await?;
    world.keep(old);
    Ok(())
}

/// What an upgrade deletes; nothing of it may be at work.
async fn to_upgrade(session: &Session) -> Checked<Old> {
    // All that the tenant has: an upgrade also gets rid of one too many, and of what is left where one is missing.
    // A list that lacks one would spare it.
    let ours = agreed(async || agents::of_tenant(session).await).await?;
    ensure(!ours.is_empty(), || "the Author has no replication agent that could be upgraded".into())?;
    none_running(session, &ours).await?;
    let all = agents::all(session).await?;
    let others = all.into_iter().map(|agent| agent.name).filter(|name| ours.iter().all(|ours| ours.name != *name));
    let configurations = agreed(async || cloud_configuration::all(session).await).await?;
    ensure(!configurations.is_empty(), || {
        "the Author has no Brand Portal cloud service that could be upgraded".into()
    })?;
    let mac_user = users::mac_user(session).await?;
    Ok(Old { others: others.collect(), agents: ours, configurations, mac_user })
}

#[then("the Author has /etc/replication/agents.author and no /etc/replications/agents.author")]
async fn right_path(world: &mut World) -> Checked {
    let session = world.session()?;
    for (path, expected) in [(AGENTS, true), (TYPING_ERROR, false)] {
        let judged = async || {
            let found = repository::read(session, path, "0").await?.is_some();
            ensure(found == expected, || format!("{path} {}", if found { "exists" } else { "does not exist" }))
        };
        confirmed(judged).await?;
    }
    Ok(())
}

#[when("the four replication agents are deleted")]
async fn delete_agents(world: &mut World) -> Checked {
    let (session, old) = (world.session()?, world.kept::<Old>()?);
    for agent in &old.agents {
        delete(session, &format!("{AGENTS}/{}", agent.name)).await?;
    }
    Ok(())
}

/// Deletes a node of the configuration, which the Author keeps to be put back.
async fn delete(session: &Session, path: &str) -> Checked {
    let judged = async || {
        let there = repository::read(session, path, "0").await?.is_some();
        ensure(there, || format!("the Author has no {path} that could be deleted"))
    };
    confirmed(judged).await?;
    keeping::delete(session, path, removal::of_node(path)).await
}

#[then("none of the four replication agents is left")]
async fn agents_are_gone(world: &mut World) -> Checked {
    let session = world.session()?;
    let left = session.settled(async || agents::of_tenant(session).await, Vec::is_empty).await?;
    let left: Vec<_> = left.into_iter().map(|agent| agent.name).collect();
    ensure(left.is_empty(), || format!("these agents are still there: {}", left.join(", ")))
}

#[then("the other replication agents are still there")]
async fn others_are_there(world: &mut World) -> Checked {
    let (session, old) = (world.session()?, world.kept::<Old>()?);
    if old.others.is_empty() {
        return Err(Problem::skipped("the Author has no other replication agents that could be lost"));
    }
    let now: Vec<_> = agents::all(session).await?.into_iter().map(|agent| agent.name).collect();
    let lost: Vec<_> = old.others.iter().filter(|name| !now.contains(name)).cloned().collect();
    ensure(lost.is_empty(), || format!("these agents are gone too: {}", lost.join(", ")))
}

#[when("the Brand Portal cloud service is deleted")]
async fn delete_cloud_service(world: &mut World) -> Checked {
    let (session, old) = (world.session()?, world.kept::<Old>()?);
    for configuration in &old.configurations {
        delete(session, &configuration.path).await?;
    }
    Ok(())
}

#[then("no Brand Portal cloud configuration is left")]
async fn no_cloud_configuration(world: &mut World) -> Checked {
    let session = world.session()?;
    let left = session.settled(async || cloud_configuration::all(session).await, Vec::is_empty).await?;
    let left: Vec<_> = left.into_iter().map(|configuration| configuration.path).collect();
    ensure(left.is_empty(), || format!("these cloud configurations are still there: {}", left.join(", ")))
}

#[when("the Mac user is deleted")]
async fn delete_mac_user(world: &mut World) -> Checked {
    let (session, old) = (world.session()?, world.kept::<Old>()?);
    let home = &old.mac_user()?.home;
    keeping::delete(session, home, users::deletion(home)).await
}

#[then("no Mac user of the tenant is left")]
async fn no_mac_user(world: &mut World) -> Checked {
    let (session, old) = (world.session()?, world.kept::<Old>()?);
    let old = old.mac_user()?;
    let left = session.settled(async || users::mac_user(session).await, Option::is_none).await?;
    ensure(left.is_none(), || format!("the user {} is still there", old.id))?;
    let node = async || repository::read(session, &old.home, "0").await;
    let node = session.settled(node, Option::is_none).await?;
    ensure(node.is_none(), || format!("the node {} is still there", old.home))
}

#[given("what the Author holds of agents, configurations and users is noted")]
async fn note(world: &mut World) -> Checked {
    // What one read hides now would be something new later.
    let session = world.session()?;
    let snapshot = agreed(async || Snapshot::take(session).await).await?;
    world.keep(Before(snapshot));
    Ok(())
}

#[then("the four agents, the cloud service and the Mac user are gone, and nothing else is different")]
async fn only_the_documented(world: &mut World) -> Checked {
    let (Before(before), old) = (world.kept()?, world.kept::<Old>()?);
    let agents = old.agents.iter().map(|agent| format!("{AGENTS}/{}", agent.name));
    let configurations = old.configurations.iter().map(|configuration| configuration.path.clone());
    let documented: Vec<_> = agents.chain(configurations).chain([old.mac_user()?.home.clone()]).collect();
    let session = world.session()?;
    let differences = async || Ok(before.differences(&Snapshot::take(session).await?));
    let differences = session.settled(differences, |found| judge_differences(found, &documented).is_ok()).await?;
    tracing::info!("what the upgrade deleted:\n{}", snapshot::print(&differences));
    judge_differences(&differences, &documented)
}

fn judge_differences(differences: &[Difference], documented: &[String]) -> Checked {
    let gone: Vec<_> = documented.iter().map(|path| Difference::Gone(path.clone())).collect();
    let left: Vec<_> = gone.iter().filter(|one| !differences.contains(one)).map(Difference::path).collect();
    ensure(left.is_empty() && !documented.is_empty(), || format!("this is not gone: {}", left.join(", ")))?;
    let other: Vec<_> = differences.iter().filter(|one| !gone.contains(one)).cloned().collect();
    ensure(other.is_empty(), || format!("this is different too:\n{}", snapshot::print(&other)))
}

#[then("what the Author holds of agents, configurations and users is as before")]
async fn as_before(world: &mut World) -> Checked {
    let (Before(before), session) = (world.kept()?, world.session()?);
    let differences = async || Ok(before.differences(&Snapshot::take(session).await?));
    let differences = session.settled(differences, Vec::is_empty).await?;
    ensure(differences.is_empty(), || format!("this is different:\n{}", snapshot::print(&differences)))
}

#[then("no request of this scenario has changed anything")]
fn only_reads(world: &mut World) -> Checked {
    let changes = world.session()?.changes_sent();
    if changes == 0 { Ok(()) } else { Err(Problem::error(format!("{changes} requests of this scenario were changes"))) }
}

#[given("the old configuration is deleted: agents, cloud service, Mac user and IMS configuration")]
async fn delete_old(world: &mut World) -> Checked {
    let configurations = ims_configurations::for_brand_portal(world.session()?).await?;
    delete_agents(world).await?;
    delete_cloud_service(world).await?;
    delete_mac_user(world).await?;
    let session = world.session()?;
    for configuration in &configurations {
        keeping::delete_ims_configuration(session, &configuration.pid, configuration.title.as_deref()).await?;
    }
    let deleted: Vec<_> = configurations.into_iter().map(|configuration| configuration.pid).collect();
    let left = async || ims_configurations::for_brand_portal(session).await;
    let left: Vec<_> = session.settled(left, Vec::is_empty).await?.into_iter().map(|left| left.pid).collect();
    let is_deleted = |pid: &String| deleted.contains(pid);
    // Those that were not there before were not deleted: one of the two reads was wrong, or somebody creates one.
    if !left.iter().all(is_deleted) {
        return Err(Problem::error(format!(
            "the Author shows IMS configurations that it did not show before: {}",
            left.join(", ")
        )));
    }
    ensure(left.is_empty(), || {
        format!("these IMS configurations were deleted and are still there: {}", left.join(", "))
    })?;
    let traces = setup::traces(session, true).await?;
    ensure(traces.is_empty(), || format!("of the old configuration this is left: {}", traces.join(", ")))
}

#[when("IMS gives a token for the OAuth credential of the Developer Console")]
async fn token(world: &mut World) -> Checked {
    ims::token(world.session()?).await.map(drop)
}

#[when("an IMS configuration is created from that credential and passes its health check")]
async fn create_ims(world: &mut World) -> Checked {
    let session = world.session()?;
    let title = session.name("upgraded");
    let pid = setup::create_ims_configuration(session, &title, None).await?;
    healthy(session, &pid, &title).await?;
    world.keep(ImsPid(pid));
    Ok(())
}

/// Fails, unless Check Health shows the heading and the message of a healthy configuration.
pub(super) async fn healthy(session: &Session, pid: &str, title: &str) -> Checked {
    let lines = setup::check_health(session, pid, title).await?;
    let surface = session.surface("author.ims-health");
    let message = surface.wording("message").replace("{title}", title);
    setup::judge_health(&lines, surface.wording("heading"), &message)
}

#[when("the cloud service is created with that IMS configuration")]
async fn create_cloud_service(world: &mut World) -> Checked {
    let (session, ImsPid(pid)) = (world.session()?, world.kept()?);
    let title = session.name("upgraded");
    let service_url = agents::tenant_url(session)?;
    let form = CloudForm { title: title.clone(), ims_configuration: pid.clone(), service_url };
    setup::save_and_close(session, &form).await?.expect_status(&[200])?;
    world.keep(Title(title));
    Ok(())
}

#[then("the four agents and the Mac user appear again")]
async fn appear_again(world: &mut World) -> Checked {
    let Title(title) = world.kept()?;
    let new = setup::wait_for_cloud_service(world.session()?, title).await?;
    world.keep(New(new));
    Ok(())
}

#[then("the test of each of the four new agents succeeds")]
async fn tests_succeed(world: &mut World) -> Checked {
    let (session, New(new)) = (world.session()?, world.kept()?);
    ensure(new.agents.len() == agents::COUNT, || format!("there are {} agents, not four", new.agents.len()))?;
    let surface = session.surface("author.agent-test");
    for (agent, expected) in new.agents.iter().zip(agents::expected(session)?) {
        let target = agent.target().unwrap_or_default();
        ensure(target == expected.target, || {
            format!("agent {} delivers to {target}, not to {}", agent.name, expected.target)
        })?;
        let page = transcript::test_connection(session, &agent.name).await?;
        page.judge(agent, surface)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_documented_may_be_gone_and_all_of_it_must_be() {
        let gone = |path: &str| Difference::Gone(path.into());
        let documented = ["/a".to_owned(), "/b".to_owned()];
        let judge = |differences: &[Difference]| judge_differences(differences, &documented);
        assert_eq!(judge(&[gone("/a"), gone("/b")]), Ok(()));
        assert!(judge(&[gone("/a")]).expect_err("one is left").reason.contains("/b"));
        let more = [gone("/a"), gone("/b"), Difference::Changed("/etc/publish".into(), "enabled".into())];
        assert!(judge(&more).expect_err("more").reason.contains("~ /etc/publish (enabled)"));
        assert!(judge_differences(&[], &[]).is_err());
    }
}
