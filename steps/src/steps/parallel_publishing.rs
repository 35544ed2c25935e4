//! Sentences of `07-parallel-publishing.feature`: how the four agents share a batch.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bpconform_fixtures::surfaces::expand;
use bpconform_step_macros::{given, then, when};
use jiff::{SignedDuration, Timestamp};

use super::publishing::{self, Assets, Folder};
use crate::author::agents::{self, Agent};
use crate::author::assets::Asset;
use crate::author::{delivery, publication, queue, repository, transcript};
use crate::clock;
use crate::problem::{Checked, Problem, ensure};
use crate::session::Session;
use crate::tenant;
use crate::undo::Undo;
use crate::world::World;

/// The largest part of the time of one agent that four may need. From its first asset to its last, one agent has 39 steps
/// for 40 assets, four have 9 each (0.23), and three would have 13 (0.33).
const ABOUT_A_QUARTER: f64 = 0.29;

/// The time in which the mocks deliver a batch, so that all of it happens while their clock is held.
const BATCH: Duration = Duration::from_secs(60);

/// How late an asset may arrive that no queue holds any more, or none yet.
const LATE: Duration = Duration::from_secs(10);

/// The agent that the scenario disabled.
#[derive(Debug)]
struct Disabled(Agent);

/// How long the one agent needed.
#[derive(Debug)]
struct ByOne(SignedDuration);

/// How long the four needed.
#[derive(Debug)]
struct ByFour(SignedDuration);

/// What became of a batch that did not arrive as a whole.
#[derive(Debug)]
struct Incomplete {
    missing: Vec<String>,
    reason: String,
}

/// Which agent has or had which of these nodes: what waits in its queue, and what its log says that it delivered.
async fn shares(session: &Session, batch: &[Asset]) -> Checked<BTreeMap<String, BTreeSet<String>>> {
    let mut shares = BTreeMap::new();
    for agent in agents::four(session).await? {
        let waiting = queue::of_agent(session, &agent).await?;
        let lines = transcript::log(session, &agent.name).await?.lines;
        let mut share: BTreeSet<_> = waiting.items.into_iter().map(|item| item.path).collect();
        share.retain(|path| batch.iter().any(|asset| asset.path == *path));
        for asset in batch {
            let delivered = delivered(session, &asset.path)?;
            if lines.iter().any(|line| line.contains(&delivered)) {
                share.insert(asset.path.clone());
            }
        }
        shares.insert(agent.name, share);
    }
    Ok(shares)
}

/// What an agent's log says of a node that it delivered.
fn delivered(session: &Session, path: &str) -> Checked<String> {
    let surface = session.surface("author.agent-log");
    let values = [("action", surface.phrase("activate")), ("path", path)];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    expand(surface.phrase("delivered"), &values)
        .map_err(|missing| Problem::error(format!("author.agent-log: delivered: no value for {missing}")))
}

#[then("each of the four agents takes a quarter of the assets, give or take one")]
async fn equal_shares(world: &mut World) -> Checked {
    let (session, Assets(batch)) = (world.session()?, world.kept()?);
    let all_taken = async || {
        let shares = shares(session, batch).await?;
        let taken: BTreeSet<_> = shares.values().flatten().collect();
        Ok((taken.len() == batch.len()).then_some(shares.clone()))
    };
    let what = format!("all {} assets in the queues or logs of the four agents", batch.len());
    let shares = session.wait_for(&what, session.run.settings.patience, all_taken).await?;
    judge_shares(&shares, batch.len())
}

fn judge_shares(shares: &BTreeMap<String, BTreeSet<String>>, total: usize) -> Checked {
    let told: Vec<_> = shares.iter().map(|(agent, share)| format!("{agent}: {}", share.len())).collect();
    let quarter = total / agents::COUNT;
    let equal = shares.len() == agents::COUNT && shares.values().all(|share| share.len().abs_diff(quarter) <= 1);
    ensure(equal, || format!("{total} assets are not shared equally: {}", told.join(", ")))?;
    let twice = shares.values().map(BTreeSet::len).sum::<usize>();
    ensure(twice == total, || format!("{total} assets were taken {twice} times: {}", told.join(", ")))
}

#[when("one agent alone delivers all the assets")]
async fn deliver_by_one(world: &mut World) -> Checked {
    let took = by_one(world.session()?, world.kept()?).await?;
    world.keep(ByOne(took));
    Ok(())
}

#[when("all four agents deliver them again")]
async fn deliver_by_four(world: &mut World) -> Checked {
    let took = by_four(world.session()?, world.kept()?, world.kept()?).await?;
    world.keep(ByFour(took));
    Ok(())
}

/// How long one agent alone needs for the batch.
async fn by_one(session: &Session, Assets(batch): &Assets) -> Checked<SignedDuration> {
    let four = agents::four(session).await?;
    let agent = four.first().ok_or_else(|| Problem::error("no agent was found"))?;
    let paths: Vec<_> = batch.iter().map(|asset| asset.path.clone()).collect();
    let begun = clock::now(session).await?;
    publication::replicate(session, &agent.name, &paths).await?;
    all_since(session, batch, begun).await
}

/// How long the four need for it.
async fn by_four(session: &Session, Assets(batch): &Assets, Folder(folder): &Folder) -> Checked<SignedDuration> {
    let begun = clock::now(session).await?;
    publication::publish(session, folder, None).await?.expect_status(&[200])?;
    all_since(session, batch, begun).await
}

/// The time from the first asset of the batch to the last one, by the tenant's own word.
///
/// The clock of the mocks is held while it is advanced, so that the load of the machine adds nothing to it.
async fn all_since(session: &Session, batch: &[Asset], begun: Timestamp) -> Checked<SignedDuration> {
    session.pass(BATCH).await?;
    let mut times = Vec::new();
    for asset in batch {
        let what = format!("{} at the tenant", asset.path);
        let again = async || {
            let Some(received) = tenant::received(session, &asset.path).await? else { return Ok(None) };
            let at = received
                .at
                .ok_or_else(|| Problem::error(format!("the tenant does not say when it received {}", asset.path)))?;
            Ok((at >= begun).then_some(at))
        };
        times.push(session.wait_for(&what, Duration::from_secs(600), again).await?);
    }
    let (first, last) = (times.iter().min(), times.iter().max());
    let took = first.zip(last).map(|(first, last)| last.duration_since(*first));
    took.ok_or_else(|| Problem::error("the scenario has no assets that could arrive"))
}

#[then("the four need about a quarter of the time of the one")]
fn a_quarter_of_the_time(world: &mut World) -> Checked {
    let (ByOne(one), ByFour(four)) = (world.kept()?, world.kept()?);
    judge_times(*one, *four)
}

fn judge_times(one: SignedDuration, four: SignedDuration) -> Checked {
    if one <= SignedDuration::from_secs(1) {
        return Err(Problem::error(format!("one agent needed {one:#} for the batch, too little to be compared")));
    }
    let part = four.as_secs_f64() / one.as_secs_f64();
    ensure(part <= ABOUT_A_QUARTER, || {
        format!("the four agents needed {four:#} and one alone {one:#}: {part:.2} of its time, not about 0.25")
    })
}

#[given("one of the four agents is disabled")]
async fn disable(world: &mut World) -> Checked {
    let session = world.session()?;
    let four = agents::four(session).await?;
    let agent = four.into_iter().nth(2).ok_or_else(|| Problem::error("a third agent is missing"))?;
    ensure(agent.enabled(), || format!("{} is disabled already", agent.name))?;
    let undo = Undo::AgentOff { agent: agent.name.clone() };
    session.send(agents::switch(session, &agent, false).undone_by([undo])).await?.expect_status(&[200])?;
    world.keep(Disabled(agent));
    Ok(())
}

#[then("about a quarter of the assets do not arrive")]
async fn a_quarter_is_missing(world: &mut World) -> Checked {
    let (session, Assets(batch), Folder(folder)) = (world.session()?, world.kept()?, world.kept()?);
    delivery::wait_until_stranded(session, folder).await?;
    let missing = publishing::arrivals(session, batch, LATE).await?;
    let quarter = batch.len() / agents::COUNT;
    ensure(missing.len().abs_diff(quarter) <= 1, || {
        format!("{} of {} assets did not arrive, not the {quarter} of one agent", missing.len(), batch.len())
    })?;
    let reason = stranded(session, &missing).await?;
    world.keep(Incomplete { missing, reason });
    Ok(())
}

/// Why these assets did not arrive: the agents that are disabled, and what is stranded on them.
async fn stranded(session: &Session, missing: &[String]) -> Checked<String> {
    let mut disabled = Vec::new();
    let four = async || agents::four(session).await;
    for agent in session.settled(four, |four| four.iter().any(|agent| !agent.enabled())).await? {
        let waiting = queue::of_agent(session, &agent).await?;
        let here = waiting.items.iter().filter(|item| missing.contains(&item.path)).count();
        if !agent.enabled() {
            disabled.push(agent.name);
        } else if here > 0 {
            return Err(Problem::failed(format!(
                "{here} assets wait in the queue of {}, which is enabled: {waiting}",
                agent.name
            )));
        }
    }
    ensure(!disabled.is_empty(), || {
        format!("no agent is disabled, and yet these did not arrive: {}", missing.join(", "))
    })?;
    Ok(format!("{} is disabled; stranded: {}", disabled.join(" and "), missing.join(", ")))
}

#[then("the reason names the disabled agent and every asset that is stranded")]
fn reason_names_them(world: &mut World) -> Checked {
    let (Incomplete { missing, reason }, Disabled(agent)) = (world.kept()?, world.kept()?);
    let unnamed: Vec<_> = missing.iter().chain([&agent.name]).filter(|name| !reason.contains(name.as_str())).collect();
    ensure(unnamed.is_empty(), || format!("the reason \"{reason}\" does not name {unnamed:?}"))
}

#[then("none of the four agents is disabled, and so strands its share")]
async fn nothing_is_stranded(world: &mut World) -> Checked {
    let session = world.session()?;
    let mut stranded = Vec::new();
    for agent in agents::four(session).await? {
        let waiting = queue::of_agent(session, &agent).await?;
        if !agent.enabled() {
            let paths: Vec<_> = waiting.items.iter().map(|item| item.path.as_str()).collect();
            let share = if paths.is_empty() { "its share of what is published".to_owned() } else { paths.join(", ") };
            stranded.push(format!("{} is disabled; stranded: {share}", agent.name));
        }
    }
    ensure(stranded.is_empty(), || stranded.join("; "))
}

#[then("Close Connection is set on each of the four agents")]
async fn close_connection(world: &mut World) -> Checked {
    let session = world.session()?;
    let property = session.surface("author.agent").field("close-connection");
    let open: Vec<_> = (agents::four(session).await?.iter())
        .filter_map(|agent| {
            let found = repository::text(&agent.properties, property);
            let is_set = found.as_deref().is_some_and(|found| agents::is_same_setting(found, "true"));
            (!is_set).then(|| format!("{}: {property} is {}", agent.name, found.as_deref().unwrap_or("not set")))
        })
        .collect();
    ensure(open.is_empty(), || format!("Close Connection is not set, expected true: {}", open.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

    fn judged(sizes: [usize; 4], total: usize) -> Result<(), Kind> {
        let mut next = 0..;
        let mut share = |size: usize| (&mut next).take(size).map(|n: i32| n.to_string()).collect();
        let shares = sizes.iter().enumerate().map(|(agent, size)| (agent.to_string(), share(*size))).collect();
        judge_shares(&shares, total).map_err(|problem| problem.kind)
    }

    #[test]
    fn a_quarter_give_or_take_one_is_equal() {
        assert_eq!(judged([10, 10, 10, 10], 40), Ok(()));
        assert_eq!(judged([11, 10, 9, 10], 40), Ok(()));
        assert_eq!(judged([12, 9, 9, 10], 40), Err(Kind::Failed));
        assert_eq!(judged([40, 0, 0, 0], 40), Err(Kind::Failed));
    }

    #[test]
    fn about_a_quarter_of_the_time_is_told_from_a_third() {
        let judged = |one, four| {
            let time = SignedDuration::from_millis;
            judge_times(time(one), time(four)).map_err(|problem| problem.kind)
        };
        assert_eq!(judged(8000, 2200), Ok(()));
        assert_eq!(judged(7800, 2600), Err(Kind::Failed));
        assert_eq!(judged(8000, 8000), Err(Kind::Failed));
        assert_eq!(judged(500, 100), Err(Kind::Error));
    }

    #[test]
    fn an_asset_that_two_agents_took_is_not_shared() {
        assert_eq!(judged([11, 10, 10, 10], 40), Err(Kind::Failed));
    }
}
