//! Sentences of `08-upgrade.feature`: verify running jobs, delete what was configured, create it anew.
//!
//! The Mac user cannot be made again over HTTP: its keys are not readable. The scenarios that delete it are tagged
//! `@irreversible`; the other deletions are undone from what was read before.

use cucumber::{given, then, when};

use crate::author::agents::{self, Agent};
use crate::author::cloud_configuration::{self, CloudConfiguration};
use crate::author::queue::{self, Queue, State};
use crate::author::setup::{self, CloudForm};
use crate::author::snapshot::{self, Difference, Snapshot};
use crate::author::users::{self, User};
use crate::author::{ims_configurations, recreation, repository, transcript};
use crate::call::Call;
use crate::ims;
use crate::problem::{Checked, Kind, Problem, ensure};
use crate::session::Session;
use crate::world::World;

/// Where the agents are; the `replications` of the document is a typing error (surfaces.md §0.10).
const AGENTS: &str = "/etc/replication/agents.author";
const TYPING_ERROR: &str = "/etc/replications/agents.author";

/// Whether the upgrade may go on; the problem says which queue is not idle.
#[derive(Debug)]
struct Verified(Checked);

/// What the document says to delete.
#[derive(Debug)]
struct Old {
    agents: Vec<Agent>,
    others: Vec<String>,
    configurations: Vec<CloudConfiguration>,
    mac_user: User,
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

/// Fails, unless no queue of the four has anything to do: each that has is named, with the item that it is at.
pub(super) async fn verify_running_jobs(session: &Session) -> Checked {
    let mut queues = Vec::new();
    for agent in agents::four(session).await? {
        queues.push(queue::read(session, &agent.name).await?);
    }
    judge_queues(&queues)
}

fn judge_queues(queues: &[Queue]) -> Checked {
    if queues.len() != agents::COUNT {
        return Err(Problem::error(format!("{} queues were read, not {}", queues.len(), agents::COUNT)));
    }
    let busy: Vec<String> = queues.iter().filter(|queue| queue.state() != State::Idle).map(busy).collect();
    ensure(busy.is_empty(), || format!("the upgrade stops, because a publishing job is running: {}", busy.join("; ")))
}

/// A queue that is not idle: agent, state, and the item that it is at.
fn busy(queue: &Queue) -> String {
    let item = queue.items.first().filter(|item| !queue.to_string().contains(&item.path));
    let at = item.map_or_else(String::new, |item| format!(", next {} of {}", item.action, item.path));
    format!("{} is {queue}{at}", queue.agent)
}

#[when("the running jobs of the four agents are verified")]
async fn verify(world: &mut World) -> Checked {
    let verdict = verify_running_jobs(world.session()?).await;
    if let Err(Problem { kind: Kind::Error | Kind::Skipped, .. }) = verdict {
        return verdict;
    }
    world.keep(Verified(verdict));
    Ok(())
}

#[then("the upgrade may go on")]
fn may_go_on(world: &mut World) -> Checked {
    world.kept::<Verified>()?.0.clone()
}

#[then("the upgrade stops, and names each agent that is not idle and the item that it is at")]
async fn stops(world: &mut World) -> Checked {
    let session = world.session()?;
    let Verified(verdict) = world.kept()?;
    let Err(problem) = verdict else {
        return Err(Problem::failed("the upgrade would go on, although a queue must not be idle here"));
    };
    // A page for people says the same in words of its own.
    for agent in agents::four(session).await? {
        let named = problem.reason.contains(&agent.name);
        let now = queue::read(session, &agent.name).await?;
        let item = now.items.first().is_none_or(|item| !named || problem.reason.contains(&item.path));
        let blocked = now.state() == State::Blocked && !(named && item);
        let paused = now.state() == State::Paused && !named;
        ensure(!blocked && !paused, || format!("{} is {now}, but the reason is: {}", agent.name, problem.reason))?;
    }
    ensure(problem.kind == Kind::Failed && problem.reason.contains("mp_replication_agent"), || {
        format!("the upgrade stops without naming an agent: {}", problem.reason)
    })
}

#[given("the folder is being published to Brand Portal")]
async fn being_published(world: &mut World) -> Checked {
    let super::publishing::Folder(path) = world.kept::<super::publishing::Folder>()?.clone();
    super::publishing::publish(world, &path).await?;
    let session = world.session()?;
    let busy = async || match verify_running_jobs(session).await {
        Err(Problem { kind: Kind::Failed, .. }) => Ok(Some(())),
        other => other.map(|()| None),
    };
    session.wait_for("a publishing job in one of the four queues", session.run.settings.patience, busy).await
}

/// AEM forgets a pause by itself, after about an hour without work (surfaces.md §4.3); how to take it back over HTTP is
/// not known, so the scenario is irreversible.
#[given("the queue of one of the four agents is paused")]
async fn pause(world: &mut World) -> Checked {
    let session = world.session()?;
    let four = agents::four(session).await?;
    let agent = four.get(1).ok_or_else(|| Problem::error("there is no second agent"))?;
    let surface = session.surface("author.agent-queue-command");
    let call = Call::to("author.agent-queue-command").with("agent", &agent.name);
    let call = call.field("command", surface.phrase("pause")).field("agent", &agent.name);
    session.send(call.undone_by([])).await?.expect_status(&[200])?;
    let paused = async || Ok(queue::read(session, &agent.name).await?.paused.then_some(()));
    session.wait_for("a paused queue", session.run.settings.patience, paused).await
}

#[given("the running jobs of the four agents were verified")]
async fn verified(world: &mut World) -> Checked {
    let session = world.session()?;
    verify_running_jobs(session).await?;
    let four = agents::four(session).await?;
    let all = agents::all(session).await?;
    let others = all.into_iter().map(|agent| agent.name).filter(|name| four.iter().all(|ours| ours.name != *name));
    let configurations = cloud_configuration::all(session).await?;
    ensure(!configurations.is_empty(), || {
        "the Author has no Brand Portal cloud service that could be upgraded".into()
    })?;
    let mac_user = users::mac_user(session).await?;
    let mac_user = mac_user.ok_or_else(|| Problem::failed("the Author has no Mac user that could be upgraded"))?;
    let old = Old { others: others.collect(), agents: four, configurations, mac_user };
    world.keep(old);
    Ok(())
}

#[then("the Author has /etc/replication/agents.author and no /etc/replications/agents.author")]
async fn right_path(world: &mut World) -> Checked {
    let session = world.session()?;
    for (path, expected) in [(AGENTS, true), (TYPING_ERROR, false)] {
        let found = repository::read(session, path, "0").await?.is_some();
        ensure(found == expected, || format!("{path} {}", if found { "exists" } else { "does not exist" }))?;
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

/// Deletes a node, after it was read: what undoes it makes the node again.
async fn delete(session: &Session, path: &str) -> Checked {
    let node = repository::read(session, path, "-1").await?;
    let node = node.ok_or_else(|| Problem::failed(format!("the Author has no {path} that could be deleted")))?;
    let call = repository::deletion(path).undone_by([recreation::call(path, &node)]);
    session.send(call).await?.expect_status(&[200, 204])?;
    ensure(repository::read(session, path, "0").await?.is_none(), || format!("{path} was deleted and is still there"))
}

#[then("none of the four replication agents is left")]
async fn agents_are_gone(world: &mut World) -> Checked {
    let session = world.session()?;
    let left: Vec<_> = agents::of_tenant(session).await?.into_iter().map(|agent| agent.name).collect();
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
    let left = cloud_configuration::all(world.session()?).await?;
    let left: Vec<_> = left.into_iter().map(|configuration| configuration.path).collect();
    ensure(left.is_empty(), || format!("these cloud configurations are still there: {}", left.join(", ")))
}

#[when("the Mac user is deleted")]
async fn delete_mac_user(world: &mut World) -> Checked {
    let (session, old) = (world.session()?, world.kept::<Old>()?);
    session.send(users::deletion(&old.mac_user.home).undone_by([])).await?.expect_status(&[200, 204]).map(drop)
}

#[then("no Mac user of the tenant is left")]
async fn no_mac_user(world: &mut World) -> Checked {
    let (session, old) = (world.session()?, world.kept::<Old>()?);
    let left = users::mac_user(session).await?;
    ensure(left.is_none(), || format!("the user {} is still there", old.mac_user.id))?;
    let node = repository::read(session, &old.mac_user.home, "0").await?;
    ensure(node.is_none(), || format!("the node {} is still there", old.mac_user.home))
}

#[given("what the Author holds of agents, configurations and users is noted")]
async fn note(world: &mut World) -> Checked {
    let snapshot = Snapshot::take(world.session()?).await?;
    world.keep(Before(snapshot));
    Ok(())
}

#[then("the four agents, the cloud service and the Mac user are gone, and nothing else is different")]
async fn only_the_documented(world: &mut World) -> Checked {
    let (Before(before), old) = (world.kept()?, world.kept::<Old>()?);
    let differences = before.differences(&Snapshot::take(world.session()?).await?);
    tracing::info!("what the upgrade deleted:\n{}", snapshot::print(&differences));
    let agents = old.agents.iter().map(|agent| format!("{AGENTS}/{}", agent.name));
    let configurations = old.configurations.iter().map(|configuration| configuration.path.clone());
    let documented: Vec<_> = agents.chain(configurations).chain([old.mac_user.home.clone()]).collect();
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
    let Before(before) = world.kept()?;
    let differences = before.differences(&Snapshot::take(world.session()?).await?);
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
    for configuration in configurations {
        setup::delete_ims_configuration(session, &configuration.pid).await?;
    }
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
    let lines = setup::check_health(session, pid).await?;
    let surface = session.surface("author.ims-health");
    let message = surface.phrase("message").replace("{title}", title);
    let shown = |text: &str| lines.iter().any(|line| line.contains(text));
    ensure(shown(surface.phrase("heading")) && shown(&message), || {
        format!("Check Health does not say \"{message}\" but: {}", lines.join(" | "))
    })
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
        let page = transcript::test_connection(session, &agent.name).await?;
        page.judge(&agent.name, &expected.target, surface)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::author::queue::Item;

    fn queues(third: Queue) -> Vec<Queue> {
        let idle = |agent: &str| Queue { agent: agent.into(), blocked: false, paused: false, items: Vec::new() };
        vec![idle("agent0"), idle("agent1"), third, idle("agent3")]
    }

    fn queue(blocked: bool, paused: bool, paths: &[&str]) -> Queue {
        let item = |path: &&str| Item { path: (*path).into(), action: "Activate".into(), ..Item::default() };
        Queue { agent: "agent2".into(), blocked, paused, items: paths.iter().map(item).collect() }
    }

    #[test]
    fn every_state_but_idle_stops_the_upgrade_with_agent_and_item() {
        let stop = |queue| judge_queues(&queues(queue)).expect_err("it must stop").reason;
        for queue in [queue(false, false, &["/content/dam/a.png"]), queue(true, false, &["/content/dam/a.png", "/b"])] {
            let reason = stop(queue);
            assert!(reason.contains("agent2") && reason.contains("/content/dam/a.png"), "{reason}");
        }
        assert!(stop(queue(false, true, &[])).contains("agent2 is paused"));
    }

    #[test]
    fn only_four_idle_queues_let_it_go_on() {
        assert_eq!(judge_queues(&queues(queue(false, false, &[]))), Ok(()));
        assert_eq!(judge_queues(&[]).map_err(|problem| problem.kind), Err(Kind::Error));
    }

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
