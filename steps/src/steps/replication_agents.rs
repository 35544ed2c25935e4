//! Sentences of `05-replication-agents.feature`.

#![expect(clippy::needless_pass_by_value, reason = "cucumber gives a step its values")]

use bpconform_fixtures::Cause;
use bpconform_step_macros::{given, then, when};
use cucumber::gherkin::Step;
use futures::future::{join_all, try_join_all};

use super::{STATUS, below_heading, fill, number};
use crate::author::agents::{self, Agent};
use crate::author::queue::{self, Queue};
use crate::author::transcript::{self, Transcript};
use crate::author::{ims_configurations, queue_page, tenants, users};
use crate::call::{Authentication, Body, Call, MADE_UP_TOKEN};
use crate::problem::{Because as _, Checked, Kind, Problem, ensure};
use crate::reply::Reply;
use crate::session::Session;
use crate::tenant;
use crate::undo::Undo;
use crate::world::World;

/// The four agents of the tenant.
#[derive(Clone, Debug)]
pub struct Four(pub Vec<Agent>);

/// What Test Connection said on each of them, in the same order.
#[derive(Debug)]
pub(super) struct Tested(pub(super) Vec<Checked<Transcript>>);

/// The agents that deliver to the tenant besides the four.
#[derive(Debug)]
struct Others(Vec<Agent>);

#[derive(Debug)]
struct Queues(Vec<Queue>);

#[derive(Debug)]
struct Delivered(Reply);

/// A replication agent of this run.
#[derive(Debug)]
struct Own {
    agent: Agent,
    transcript: Option<Transcript>,
}

#[when("I open Agents on author")]
async fn open_agents(world: &mut World) -> Checked {
    let found = agents::of_tenant(world.session()?).await?;
    let others = agents::others_of_tenant(world.session()?).await?;
    world.keep(found);
    world.keep(Others(others));
    Ok(())
}

#[then("exactly these replication agents of the tenant are there:")]
fn exactly_these(world: &mut World, step: &Step) -> Checked {
    let (session, found) = (world.session()?, world.kept::<Vec<Agent>>()?);
    agents::judge(found, &agents::expected(session)?)?;
    agents::judge_others(&world.kept::<Others>()?.0)?;
    let rows = below_heading::<2>(step)?;
    ensure(rows.len() == found.len(), || format!("{} agents are there, not {}", found.len(), rows.len()))?;
    for [name, title] in rows {
        let (name, title) = (fill(session, name)?, fill(session, title)?);
        let agent = found.iter().find(|agent| agent.name == name);
        let agent = agent.ok_or_else(|| Problem::failed(format!("agent {name} is not there")))?;
        let said = agent.property("jcr:title").unwrap_or_default();
        ensure(said == title, || format!("agent {name} has the title \"{said}\", not \"{title}\""))?;
    }
    Ok(())
}

#[then(expr = "each delivers to {string}")]
fn each_delivers_to(world: &mut World, target: String) -> Checked {
    let target = fill(world.session()?, &target)?;
    each(world.kept::<Vec<Agent>>()?, |agent| {
        let found = agent.target().unwrap_or_else(|| "nothing".to_owned());
        ensure(found == target, || format!("agent {} delivers to {found}, not to {target}", agent.name))
            .because(Cause::AgentAddress)
    })
}

/// Checks every agent, so that all wrong ones are named. A failure takes precedence over an error.
fn each<T>(all: &[T], check: impl Fn(&T) -> Checked) -> Checked {
    together(all.iter().map(check))
}

/// One result of many: all that is wrong is named, and nothing at all is never good.
pub(super) fn together(results: impl IntoIterator<Item = Checked>) -> Checked {
    let mut problems: Vec<Problem> = Vec::new();
    let mut count = 0;
    for result in results {
        count += 1;
        problems.extend(result.err());
    }
    if count == 0 {
        return Err(Problem::error("there was nothing to check"));
    }
    let failed = problems.iter().find(|problem| problem.kind == Kind::Failed);
    let Some(kind) = failed.or(problems.first()).map(|problem| problem.kind) else { return Ok(()) };
    // Of several the deepest explains the others; the lines are of the first that shows any.
    let cause =
        Cause::deepest(problems.iter().filter(|problem| problem.kind == kind).filter_map(|problem| problem.cause));
    let lines = problems.iter().find(|problem| !problem.lines.is_empty()).map(|problem| problem.lines.clone());
    let reasons: Vec<_> = problems.into_iter().map(|problem| problem.reason).collect();
    Err(Problem::of(kind, reasons.join("; ")).because(cause).showing(lines.unwrap_or_default()))
}

#[given("the four replication agents of the tenant")]
async fn the_four(world: &mut World) -> Checked {
    let four = agents::four(world.session()?).await?;
    world.keep(Four(four));
    Ok(())
}

#[then("each of them is enabled")]
fn each_is_enabled(world: &mut World) -> Checked {
    let Four(four) = world.kept()?;
    each(four, |agent| {
        ensure(agent.enabled(), || format!("agent {} is not enabled", agent.name)).because(Cause::AgentDisabled)
    })
}

#[when("I click Test Connection on each of them")]
async fn test_each(world: &mut World) -> Checked {
    let tested = test_all(world.session()?, &world.kept::<Four>()?.0).await;
    world.keep(Tested(tested));
    Ok(())
}

/// Clicks Test Connection on all agents at once.
pub async fn test_all(session: &Session, agents: &[Agent]) -> Vec<Checked<Transcript>> {
    join_all(agents.iter().map(|agent| transcript::test_connection(session, &agent.name))).await
}

#[then("each transcript shows that the test package was delivered to the agent's own target")]
fn each_is_delivered(world: &mut World) -> Checked {
    let (Four(four), Tested(tested)) = (world.kept()?, world.kept()?);
    judge_all(world.session()?, four, tested)
}

/// Judges the tests of agents, each by its own transcript and target.
pub fn judge_all(session: &Session, agents: &[Agent], tested: &[Checked<Transcript>]) -> Checked {
    let surface = session.surface("author.agent-test");
    together(agents.iter().zip(tested).map(|(agent, tested)| {
        let transcript = tested.as_ref().map_err(|problem| named(agent, problem))?;
        transcript.judge(agent, surface)
    }))
}

/// The problem with the name of the agent before it.
pub(super) fn named(agent: &Agent, problem: &Problem) -> Problem {
    problem.clone().about(format!("agent {}", agent.name))
}

#[then("the replication test of each of them succeeded")]
fn each_succeeded(world: &mut World) -> Checked {
    let surface = world.session()?.surface("author.agent-test");
    let (Four(four), Tested(tested)) = (world.kept()?, world.kept()?);
    together(four.iter().zip(tested).map(|(agent, tested)| {
        let transcript = tested.as_ref().map_err(|problem| named(agent, problem))?;
        ensure(transcript.succeeded(surface), || {
            format!("the replication test of agent {} did not succeed", agent.name)
        })
    }))
}

#[then("each of them has the autogenerated settings:")]
fn each_has_settings(world: &mut World, step: &Step) -> Checked {
    let (session, Four(four)) = (world.session()?, world.kept()?);
    let rows = below_heading::<3>(step)?;
    let rows = rows.into_iter().map(|[setting, property, value]| {
        let (value, only_if_set) = value.strip_suffix(", if set").map_or((value, false), |value| (value, true));
        Ok(agents::Setting { setting, property, value: fill(session, value)?, only_if_set })
    });
    agents::judge_settings(four, &rows.collect::<Checked<Vec<_>>>()?)
}

#[then("each gets its tokens from the IMS configuration of the tenant's cloud configuration")]
async fn each_has_token_provider(world: &mut World) -> Checked {
    let (session, Four(four)) = (world.session()?, world.kept()?);
    let configurations = tenants::cloud_configurations(session).await?;
    let storage = ims_configurations::readable(session).await?;
    configurations.iter().try_for_each(|configuration| agents::judge_token_providers(four, configuration, &storage))
}

#[when("I read the queue of each of them")]
async fn read_queues(world: &mut World) -> Checked {
    let queues = read_all(world.session()?, &world.kept::<Four>()?.0).await?;
    world.keep(Queues(queues));
    Ok(())
}

/// The queues of agents, read at once, in the same order.
pub async fn read_all(session: &Session, agents: &[Agent]) -> Checked<Vec<Queue>> {
    try_join_all(agents.iter().map(|agent| queue::read(session, &agent.name))).await
}

#[then("every queue says whether it is idle, active, blocked or paused, and what waits in it")]
fn every_queue_says(world: &mut World) -> Checked {
    let (Four(four), Queues(queues)) = (world.kept()?, world.kept()?);
    ensure(queues.len() == four.len(), || format!("{} queues of {} agents were read", queues.len(), four.len()))?;
    together(four.iter().zip(queues).map(|(agent, queue)| queue::judge_owner(queue, agent)))?;
    each(queues, queue::judge_items)
}

#[then("the page of each agent says the same of its queue")]
async fn pages_agree(world: &mut World) -> Checked {
    let (session, Queues(queues)) = (world.session()?, world.kept()?);
    together(join_all(queues.iter().map(|queue| queue_page::judge(session, queue))).await)
}

#[then(expr = "the user {string} exists below {string}")]
async fn user_exists(world: &mut World, id: String, folder: String) -> Checked {
    let session = world.session()?;
    let (id, folder) = (fill(session, &id)?, format!("{}/", fill(session, &folder)?));
    // The index that is searched may lag behind a Mac user that was just made.
    let user = if id == users::mac_user_id(session)? {
        users::mac_user(session).await?
    } else {
        users::find(session, &id).await?
    };
    let user = user.ok_or_else(|| Problem::failed(format!("the user {id} does not exist")))?;
    users::judge_home(&user, &folder)?;
    users::judge_enabled(session, &user).await?;
    world.keep(user);
    Ok(())
}

#[then(expr = "it has the nodes {string} and {string}")]
async fn user_has_nodes(world: &mut World, first: String, second: String) -> Checked {
    let (session, user) = (world.session()?, world.kept::<users::User>()?);
    users::judge_nodes(session, user, &[&first, &second]).await
}

#[when(regex = "^I deliver a test package to the tenant (without a token|with a made-up token)$")]
async fn deliver_without_right(world: &mut World, how: String) -> Checked {
    let session = world.session()?;
    let surface = session.surface("tenant.receive");
    let whom = match how.as_str() {
        "without a token" => Authentication::None,
        _ => Authentication::Bearer(MADE_UP_TOKEN.to_owned()),
    };
    let call = Call::to("tenant.receive")
        .header(surface.field("action"), "Test")
        .header(surface.field("path"), "/content")
        .header(surface.field("handle"), "/content")
        .header("Referer", "about:blank")
        .body(Body::Bytes { content_type: "application/octet-stream".to_owned(), bytes: Vec::new() })
        .as_whom(whom);
    let reply = session.send(call).await?;
    world.keep(Delivered(reply));
    Ok(())
}

#[then(expr = "the tenant refuses it with status {int}")]
fn tenant_refuses(world: &mut World, status: String) -> Checked {
    let status: u16 = number(&status, STATUS)?;
    let (session, Delivered(reply)) = (world.session()?, world.kept()?);
    let receiver = session.surface("tenant.receive");
    let refuses = tenant::refuses_delivery(session.surface("tenant.home"), receiver, reply)?;
    let taken = reply.status == 200 && reply.text().contains(receiver.phrase("test"));
    match reply.status {
        found if found == status && refuses => Ok(()),
        found if taken || refuses => Err(Problem::failed(format!(
            "the tenant answers {found} and not {status} to a delivery without a valid token"
        ))),
        // What something else refuses is not evidence about the tenant.
        400..500 => {
            Err(reply.instead("something that is not known as the tenant's refusal").because(Cause::GatewayInstead))
        }
        _ => reply.clone().expect_status(&[status]).map(drop),
    }
}

#[given("a replication agent of my own that delivers to the tenant without OAuth")]
async fn own_agent(world: &mut World) -> Checked {
    let session = world.session()?;
    let name = session.name("agent");
    let target = format!("{}/bin/receive?sling:authRequestLogin=1", agents::tenant_url(session)?);
    let path = agents::path(&name);
    let properties = [
        ("jcr:primaryType", "cq:Page"),
        ("jcr:content/jcr:primaryType", "cq:PageContent"),
        ("jcr:content/jcr:title", name.as_str()),
        ("jcr:content/sling:resourceType", "cq/replication/components/agent"),
        ("jcr:content/cq:template", "/libs/cq/replication/templates/agent"),
        ("jcr:content/transportUri", target.as_str()),
        ("jcr:content/enabled", "true"),
        ("jcr:content/triggerSpecific", "true"),
        ("jcr:content/enableOauth", "false"),
        ("jcr:content/serializationType", "durbo"),
    ];
    let call = properties
        .into_iter()
        .fold(Call::to("author.node-write").with("path", path.trim_start_matches('/')), |call, (name, value)| {
            call.property(name, value)
        });
    session.send(call.undone_by([Undo::Node { path }])).await?.expect_status(&[200, 201])?;
    let own = async || Ok(agents::all(session).await?.into_iter().find(|agent| agent.name == name));
    let agent = session.settled(own, Option::is_some).await?;
    let agent = agent.ok_or_else(|| Problem::error(format!("the agent {name} was created and is not listed")))?;
    world.keep(Own { agent, transcript: None });
    Ok(())
}

#[when("I click Test Connection on it")]
async fn test_own(world: &mut World) -> Checked {
    let (session, Own { agent, .. }) = (world.session()?, world.kept()?);
    let transcript = transcript::test_connection(session, &agent.name).await?;
    let agent = agent.clone();
    world.keep(Own { agent, transcript: Some(transcript) });
    Ok(())
}

#[then("its replication test did not succeed")]
fn own_did_not_succeed(world: &mut World) -> Checked {
    let (session, own) = (world.session()?, world.kept::<Own>()?);
    let transcript = own.transcript.as_ref().ok_or_else(|| Problem::error("the agent was not tested"))?;
    let succeeded = transcript.succeeded(session.surface("author.agent-test"));
    ensure(!succeeded, || {
        format!("the tenant takes a test package from agent {}, which sends no token", own.agent.name)
    })
}

#[then(expr = "its log shows status {int}")]
async fn own_log_tells(world: &mut World, status: String) -> Checked {
    let status: u16 = number(&status, STATUS)?;
    let (session, own) = (world.session()?, world.kept::<Own>()?);
    let log = transcript::log(session, &own.agent.name).await?;
    let tells = log.statuses().contains(&status);
    ensure(tells, || format!("the log of agent {} does not show the status {status}", own.agent.name))
        .map_err(|problem| problem.showing(transcript::last(&log.lines, &session.run.redactor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_named_and_nothing_checked_is_never_good() {
        let failed = |reason: &str| Err(Problem::failed(reason));
        let both = together([Ok(()), failed("a"), Err(Problem::error("b"))]);
        assert_eq!(both, Err(Problem::failed("a; b")));
        assert_eq!(together([]).map_err(|problem| problem.kind), Err(Kind::Error));
        assert_eq!(together([Ok(())]), Ok(()));
    }
}
