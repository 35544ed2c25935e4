//! Undoes changes: at the end of a scenario, at the end of the run, and in a later process.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bpconform_fixtures::Cause;
use jiff::Timestamp;
use serde_json::Value;

use crate::author::agents::Agent;
use crate::author::cloud_configuration::{self, CloudConfiguration};
use crate::author::ims_configurations::is_same_pid;
use crate::author::tree::Tree;
use crate::author::{
    agents, certificates, delivery, ims_configurations, keeping, lock, putting_back, queue, removal, repository, setup,
    users,
};
use crate::call::Call;
use crate::journal::Change;
use crate::problem::{Checked, Problem, agreed};
use crate::session::Session;
use crate::tenant;
use crate::undo::{AFTERMATH, OR_ACCEPT, Undo};

/// How long an agent may need to deliver what takes something back from the tenant.
const DELIVERY: Duration = Duration::from_secs(30);

/// The properties of an agent that name the IMS configuration from which it gets its tokens.
const TOKENS: [&str; 2] = ["accessTokenProviderPid", "accessTokenProviderName"];

/// Where Package Manager keeps what an installation replaced.
const SNAPSHOTS: &str = ".snapshot";

/// How long the lock must last for the configuration to be put back, whatever is left of the time of the run.
const PUTTING_BACK: Duration = Duration::from_secs(300);

/// Undoes, last first, what the session's scenario changed. Gives back what could not be undone.
pub async fn undo_scenario(session: &Session) -> Vec<Problem> {
    let (undoing, changes) = (session.undoing(), session.open_changes());
    if changes.iter().any(Change::replaces)
        && let Err(problem) = lock::extend(&undoing, PUTTING_BACK).await
    {
        // It is tried again at the end of the run.
        return vec![problem];
    }
    carry_out(&undoing, changes).await
}

/// Undoes all that the journal holds, also what it holds only because of that. Gives back how many changes were tried, and
/// those that could not be undone.
pub async fn carry_out_all(session: &Session) -> (usize, Vec<Problem>) {
    let (mut tried, mut problems) = (BTreeSet::new(), Vec::new());
    loop {
        let mut open = session.run.journal.open(None);
        open.retain(|change| tried.insert(change.number));
        if open.is_empty() {
            return (tried.len(), problems);
        }
        problems.extend(carry_out(session, open).await);
    }
}

/// Undoes changes, in the order in which they are given, and records the result of each. Returns those that could not be
/// undone.
pub async fn carry_out(session: &Session, changes: Vec<Change>) -> Vec<Problem> {
    wait_for_late_results(session, &changes).await;
    let mut problems = Vec::new();
    let mut needed: Vec<(String, &str)> = Vec::new();
    // The scenarios whose cloud service could not be deleted.
    let mut in_the_way: Vec<String> = Vec::new();
    // The lock is released last, whenever it was taken. Agents are enabled first, so that their queues empty.
    let (locks, others): (Vec<_>, Vec<_>) = changes.into_iter().partition(is_lock);
    let (agents, others): (Vec<_>, Vec<_>) = others.into_iter().partition(is_agent_off);
    for change in agents.into_iter().chain(others).chain(locks) {
        let undone = match needed.iter().find(|(name, _)| keeps(&change, name)) {
            Some((package, why)) => {
                Err(Problem::error(format!("{} is not deleted yet, {why}", keeping::path(package))))
            }
            None if change.replaces() && in_the_way.contains(&change.scenario) => Err(Problem::error(
                "not restored yet: a part of the cloud service of the run may still exist, and deleting it later would delete the agents \
                 with the same names",
            )),
            None => one_or_again(session, &change).await,
        };
        if undone.is_err() && change.undo.iter().any(|undo| matches!(undo, Undo::CloudService { .. })) {
            in_the_way.push(change.scenario.clone());
        }
        if undone.is_err() {
            needed.extend(packages_of(&change).map(|package| (package, "since the configuration is not restored")));
        }
        let reason = undone.err().map(|problem| format!("{}: {}", change.request, problem.reason));
        let reason = reason.map(|reason| session.run.redactor.redact(&reason).into_owned());
        let settled = session.run.journal.settle(change.number, reason.as_deref());
        let is_undone = reason.is_none();
        problems.extend(reason.map(Problem::error));
        if let Err(error) = settled
            && change.replaces()
            && is_undone
        {
            let request = &change.request;
            problems.push(Problem::error(format!("{request}: restored, but the journal cannot be written: {error}")));
            needed.extend(
                packages_of(&change).map(|package| (package, "since the journal does not say that all is restored")),
            );
        }
    }
    problems
}

/// The packages that keep what a change replaced.
fn packages_of(change: &Change) -> impl Iterator<Item = String> {
    change.undo.iter().filter_map(|undo| match undo {
        Undo::Replacement { name } => Some(name.clone()),
        _ => None,
    })
}

/// Whether it is undone by deleting the package of that name, or the folder that the package is in.
fn keeps(change: &Change, package: &str) -> bool {
    let at = keeping::path(package);
    change.undo.iter().any(|undo| match undo {
        Undo::Package { name } => name == package,
        Undo::Folder { path } => at.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/')),
        _ => false,
    })
}

/// Gives changes whose outcome is unknown time to come about: what is undone before it is there would stay.
async fn wait_for_late_results(session: &Session, changes: &[Change]) {
    let may_come = |change: &&Change| change.is_uncertain() && !change.undo.iter().any(is_only_announced);
    let until = |change: &Change| change.may_come_until.unwrap_or(change.at + AFTERMATH);
    wait_until(session, changes.iter().filter(may_come).map(until).max()).await;
}

/// Waits until then, after which nothing comes of what was sent before.
async fn wait_until(session: &Session, until: Option<Timestamp>) {
    if let Some(left) = until.and_then(time_left)
        && !session.run.embedded
    {
        tokio::time::sleep(left).await;
    }
}

fn time_left(until: Timestamp) -> Option<Duration> {
    Duration::try_from(until.duration_since(Timestamp::now())).ok().filter(|left| !left.is_zero())
}

/// Whether it was written down for requests that follow, and not with one. A change that nothing undoes by itself, such as a
/// deletion of what is put back, has its request, too.
const fn is_only_announced(undo: &Undo) -> bool {
    matches!(undo, Undo::Folder { .. } | Undo::Lock { .. } | Undo::Replacement { .. })
}

fn is_lock(change: &Change) -> bool {
    change.undo.iter().any(|undo| matches!(undo, Undo::Lock { .. }))
}

fn is_agent_off(change: &Change) -> bool {
    !change.undo.is_empty() && change.undo.iter().all(|undo| matches!(undo, Undo::AgentOff { .. }))
}

/// A single answer may be wrong, and what undoes a change can be carried out several times.
async fn one_or_again(session: &Session, change: &Change) -> Checked {
    if change.replaces() {
        // A deletion that is carried out late would delete what was just put back.
        wait_until(session, session.run.journal.undoing_may_come_until()).await;
    }
    match one(session, change).await {
        Err(first) if change.undo.iter().any(|undo| matches!(undo, Undo::CloudService { .. })) => {
            tracing::debug!(problem = first.reason, "once more");
            one(session, change).await
        }
        undone => undone,
    }
}

async fn one(session: &Session, change: &Change) -> Checked {
    let mut left = Vec::new();
    for undo in &change.undo {
        if !undo.is_of(&session.mark()) {
            left.push(format!("will not {undo}: its name does not contain the id of the run {}", session.run.id));
        } else if let Err(problem) = undo_one(session, undo, change).await {
            left.push(problem.reason);
        }
    }
    all_done(&left)
}

/// What could not be done, as one problem.
fn all_done(left: &[String]) -> Checked {
    if left.is_empty() { Ok(()) } else { Err(Problem::error(left.join("; "))) }
}

async fn undo_one(session: &Session, undo: &Undo, change: &Change) -> Checked {
    match undo {
        Undo::Node { path } => removal::delete_node(session, path).await,
        Undo::Content { path } => {
            queue::drained_of(session, path).await?;
            removal::delete_node(session, path).await
        }
        Undo::ImsConfiguration { title, unused } => {
            ims_configuration(session, title, change).await?;
            nothing_of_it_is_left(session, unused.as_deref(), change).await
        }
        Undo::CloudService { .. } => cloud_service(session, undo, change).await,
        Undo::Agent { path, .. } if change.nodes.contains_key(path) => Ok(()),
        Undo::Agent { path, made } => agent(session, path, made).await,
        Undo::Project { org, title } => project(session, org, title).await,
        Undo::Folder { path } => folder(session, path).await,
        Undo::Publication { .. } if change.was_refused() => Ok(()),
        // What is not of the run is unpublished only where it arrived: an unpublication marks the node, too.
        Undo::Publication { path } if !path.contains(&session.mark()) && !has_arrived(session, path).await? => Ok(()),
        Undo::Publication { path } => unpublish(session, path).await,
        Undo::Replication { agent, paths } => {
            let surface = session.surface("author.replicate");
            let call = Call::to(&surface.id).field("command", surface.phrase("deactivate")).field("agent", agent);
            let call = paths.iter().fold(call, |call, path| call.field("path", path));
            let mut left: Vec<_> =
                gone(session, call, &[400, 404]).await.err().map(|it| it.reason).into_iter().collect();
            for path in paths {
                left.extend(unpublish(session, path).await.err().map(|problem| problem.reason));
            }
            all_done(&left)
        }
        Undo::AgentOff { agent } => agents::switch_on(session, agent).await,
        Undo::Certificate { owner, alias } => certificate(session, owner, alias).await,
        Undo::Lock { node } => lock::give_back(session, node).await,
        Undo::Package { name } => keeping::throw_away(session, name).await,
        Undo::Replacement { name } => putting_back::put_back(session, name, change).await,
    }
}

/// How often the tenant may refuse to be read in a row: then nothing proves what it holds.
const REFUSALS: usize = 5;

/// How often the Developer Console is asked for its projects, two times of which it must not list one that was deleted.
const PROJECT_LISTS: usize = 5;

/// How often something is unpublished: the agents deliver independently of each other, so that one may deliver it after
/// another has taken it back.
const ROUNDS: usize = 3;

/// Unpublishes a node, and the folder of the run in which it is: the tenant makes the folders above what it receives. Waits
/// until the tenant has neither any more, and no agent is about to deliver them.
async fn unpublish(session: &Session, path: &str) -> Checked {
    let (folder, mut left) = (folder_of_run(path, &session.mark()), Vec::new());
    for path in std::iter::once(path).chain(folder.filter(|folder| *folder != path)) {
        if let Err(problem) = take_back(session, path).await {
            let named = problem.reason.contains(&format!("{path} "));
            left.push(if named { problem.reason } else { left_at_tenant(path, &problem).reason });
        }
    }
    all_done(&left)
}

async fn take_back(session: &Session, path: &str) -> Checked {
    let refusals = AtomicUsize::new(0);
    let left = async || Ok((!is_at_tenant(session, path, &refusals).await?).then_some(()));
    let what = format!("{path} was unpublished and is still at the tenant; remove it there");
    for _ in 0..ROUNDS {
        if session.can_send("author.unpublish") {
            gone(session, Call::to("author.unpublish").field("path", path), &[400, 404]).await?;
        } else {
            take_back_by_agent(session, path).await?;
        }
        let gone = delivery::wait_for(session, (path, &what), DELIVERY, left).await;
        gone.map_err(|problem| Problem::error(problem.reason))?;
        queue::drained_of(session, path).await?;
        if !is_at_tenant(session, path, &refusals).await? {
            return Ok(());
        }
    }
    Err(Problem::error(what))
}

/// Takes a node back by one agent of the tenant, where no request is known that unpublishes: it was published in a browser,
/// by a run that was killed.
async fn take_back_by_agent(session: &Session, path: &str) -> Checked {
    let agent = agents::of_tenant(session).await?.into_iter().next();
    let agent = agent.ok_or_else(|| Problem::error(format!("the tenant has no agent that could unpublish {path}")))?;
    let surface = session.surface("author.replicate");
    let call = Call::to(&surface.id).field("command", surface.phrase("deactivate")).field("agent", &agent.name);
    gone(session, call.field("path", path), &[400, 404]).await
}

/// Whether the tenant has a node: not if two reads in a row do not find it. A tenant that cannot be read proves nothing; it
/// counts as having the node, until it was refused too often.
async fn is_at_tenant(session: &Session, path: &str, refusals: &AtomicUsize) -> Checked<bool> {
    for _ in 0..2 {
        match tenant::received(session, path).await {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(true),
            Err(problem) if refusals.fetch_add(1, Ordering::Relaxed) < REFUSALS => {
                tracing::debug!(problem = problem.reason, "the tenant cannot be read");
                return Ok(true);
            }
            Err(problem) => return Err(unreadable_tenant(path, &problem)),
        }
    }
    Ok(false)
}

/// Whether the tenant has a node that agents may still be delivering.
async fn has_arrived(session: &Session, path: &str) -> Checked<bool> {
    queue::drained_of(session, path).await?;
    is_at_tenant(session, path, &AtomicUsize::new(0)).await
}

fn left_at_tenant(path: &str, problem: &Problem) -> Problem {
    Problem::error(format!("{path} may still be at the tenant ({})", problem.reason))
}

fn unreadable_tenant(path: &str, problem: &Problem) -> Problem {
    Problem::error(format!(
        "{path} was unpublished, but the tenant cannot be read; see that it is gone there ({})",
        problem.reason
    ))
}

/// The topmost folder above a node, or the node itself, whose name contains the run's name.
fn folder_of_run<'a>(path: &'a str, mark: &str) -> Option<&'a str> {
    let marked = path.find(mark)?;
    let end = path[marked..].find('/').map_or(path.len(), |end| marked + end);
    Some(&path[..end])
}

/// Deletes a folder in which nothing is any more. Package Manager leaves an empty folder for its snapshots there.
async fn folder(session: &Session, path: &str) -> Checked {
    let Some(folder) = agreed(async || repository::read(session, path, "2").await).await? else {
        return removal::wait_until_gone(session, path).await;
    };
    let children = |node: &Value| -> Vec<(String, Value)> {
        let all = node.as_object().into_iter().flatten().filter(|(_, value)| value.is_object());
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let left = |(name, child): &(String, Value)| name != SNAPSHOTS || !children(child).is_empty();
    if children(&folder).iter().any(left) { Ok(()) } else { removal::delete_node(session, path).await }
}

/// Removes a certificate, and sees that it is gone, whatever the answer says.
async fn certificate(session: &Session, owner: &str, alias: &str) -> Checked {
    let call = Call::to("author.key-store-write").with("user", owner.trim_start_matches('/'));
    gone(session, call.field("remove-alias", alias), &[404]).await?;
    let is_gone = async || {
        if repository::read(session, owner, "0").await?.is_none() {
            return Ok(Some(()));
        }
        let there = agreed(async || {
            let certificates = certificates::key_store_of(session, owner).await?;
            Ok(certificates.iter().any(|it| it.has_alias(alias)))
        });
        Ok((!there.await?).then_some(()))
    };
    let what = format!("the certificate {alias} of {owner} was removed and is still there");
    session.wait_for(&what, AFTERMATH, is_gone).await
}

async fn cloud_service(session: &Session, undo: &Undo, change: &Change) -> Checked {
    let Undo::CloudService { agents, mac_user, mac_folder, .. } = undo else { return Ok(()) };
    let deleted = delete_cloud_service(session, undo, change).await;
    if deleted == Ok(false) && mac_user.is_some() && !change.was_refused() {
        return nobody_is_left(session, change).await;
    }
    deleted.map(drop).map_err(|problem| {
        let all = agents.iter().map(|agent| format!("the agent {agent}"));
        let all = all.chain(mac_user.iter().map(|id| format!("the user {id}"))).chain(mac_folder.clone());
        let all: Vec<_> = all.chain(["the cloud configuration".to_owned()]).collect();
        Problem::error(format!(
            "{}; of what is deleted in this order, this may be left: {}",
            problem.reason,
            all.join(", ")
        ))
    })
}

/// Agents and user first: as long as the configuration is there, it shows whose they are. Gives back whether anything was found.
async fn delete_cloud_service(session: &Session, undo: &Undo, change: &Change) -> Checked<bool> {
    let Undo::CloudService { title, ims_configuration, agents, there: before, mac_user, mac_folder } = undo else {
        return Ok(false);
    };
    let home = async || Ok(users::mac_user(session).await?.map(|user| user.home));
    let ours = ours(session, title, ims_configuration).await?;
    let came = async || {
        let found = ours.find(session).await?;
        if found.is_empty() {
            return Ok(None);
        }
        let there = agents::all(session).await?;
        let all = agents.iter().all(|name| there.iter().any(|it| it.name == *name));
        let user = mac_user.is_none() || home().await?.is_some();
        Ok((all && user).then_some(found))
    };
    let found = match until(session, change, came).await? {
        Some(found) => found,
        // Not whole: somebody, or an undoing that was itself cut short, has deleted a part of it.
        None => ours.find(session).await?,
    };
    let (mut deleted, mut changed) = (0, Vec::new());
    for path in agents.iter().map(|name| agents::path(name)) {
        // A person wants it to stay as it is.
        if change.nodes.contains_key(&path) {
            continue;
        }
        let Some(now) = Tree::proved_at(session, &path).await? else { continue };
        let is_ours = if let Some(made) = change.made.get(&path) {
            // It has a name of the customer's, who may have changed it.
            now.digest() == *made
        } else {
            // The run was killed before it saw the agent, which gets its tokens from the IMS configuration of the run.
            let content = now.nodes.get(&format!("{path}/jcr:content"));
            let named = TOKENS.iter().find_map(|property| content?.properties.get(*property)?.as_str());
            named
                .is_some_and(|pid| ours.gives_tokens(pid) || (!found.is_empty() && is_same_pid(pid, ims_configuration)))
        };
        if is_ours {
            removal::delete_node(session, &path).await?;
            deleted += 1;
        } else if !found.is_empty() || change.made.contains_key(&path) {
            changed.push(path);
        }
    }
    // An Author may make agents under other names, too. Only the run's own get their tokens from its IMS configuration.
    for name in others(session, &ours, agents, before.as_ref()).await? {
        let path = agents::path(&name);
        if !change.nodes.contains_key(&path) && !is_kept(session, change, &path).await? {
            removal::delete_node(session, &path).await?;
            deleted += 1;
        }
    }
    leave(session, change, changed).await?;
    if found.is_empty() && deleted == 0 {
        return Ok(false);
    }
    if mac_user.is_some() {
        // A single search may show a user who was deleted before, and hide the one who is there. What is searched may be an
        // index that still holds who was just deleted.
        let mut deleted = Vec::new();
        while let Some(home) = agreed(home).await?
            && !deleted.contains(&home)
            && !change.nodes.contains_key(&home)
        {
            removal::delete_user(session, &home).await?;
            deleted.push(home);
        }
    }
    if let Some(path) = mac_folder {
        folder(session, path).await?;
    }
    // What sends the form again, such as a gateway, makes a second one.
    for configuration in found {
        let deleted = removal::delete_node(session, &configuration.path).await;
        session.run.journal.deletes_more();
        deleted?;
    }
    Ok(true)
}

/// The names of agents that were not there before, besides the expected ones, and get their tokens from the run's own IMS
/// configuration.
async fn others(
    session: &Session,
    ours: &Ours<'_>,
    expected: &[String],
    before: Option<&BTreeSet<String>>,
) -> Checked<Vec<String>> {
    let Some(before) = before else { return Ok(Vec::new()) };
    let is_new = |agent: &Agent| !before.contains(&agent.name) && !expected.contains(&agent.name);
    let gives =
        |agent: &Agent| TOKENS.iter().any(|name| agent.property(name).is_some_and(|pid| ours.gives_tokens(&pid)));
    let all = agreed(async || {
        let all = agents::all(session).await?.into_iter();
        Ok(all.filter(|it| is_new(it) && gives(it)).map(|it| it.name).collect::<BTreeSet<_>>())
    });
    Ok(all.await?.into_iter().collect())
}

/// Whether a node is one of the customer's that the scenario of a change keeps.
async fn is_kept(session: &Session, change: &Change, path: &str) -> Checked<bool> {
    for replacement in session.run.journal.open(Some(&change.scenario)).iter().filter(|it| it.replaces()) {
        if keeping::is_kept(session, replacement, path).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes a change of its own of each agent that was made for the run and that somebody has changed: the rest of the cloud service
/// is deleted once, and never again when what was there before is restored. Where an agent of that name was kept, restoring it
/// says what is there.
async fn leave(session: &Session, change: &Change, changed: Vec<String>) -> Checked {
    let open = session.run.journal.open(Some(&change.scenario));
    for path in changed {
        if let Some(replacement) = open.iter().find(|it| it.replaces()) {
            if replacement.nodes.contains_key(&path) {
                continue;
            }
            // It was kept, and went without a request of the run: with the cloud configuration, say. What is there now would be
            // taken for what was never deleted.
            if keeping::is_kept(session, replacement, &path).await? {
                keeping::note_in(session, replacement, &path)?;
                continue;
            }
        }
        let made = change.made.get(&path).cloned().unwrap_or_default();
        let is_noted =
            |it: &Change| it.undo.iter().any(|undo| matches!(undo, Undo::Agent { path: own, .. } if *own == path));
        if !open.iter().any(is_noted) {
            let entered =
                session.run.journal.enter(&change.scenario, change.request.clone(), vec![Undo::Agent { path, made }]);
            entered.map_err(|error| Problem::error(format!("the journal cannot be written: {error}")))?;
        }
    }
    Ok(())
}

/// Deletes an agent that was made for the run, once it is again what it was then.
async fn agent(session: &Session, path: &str, made: &str) -> Checked {
    let Some(now) = Tree::proved_at(session, path).await? else { return Ok(()) };
    if now.digest() == *made {
        return removal::delete_node(session, path).await;
    }
    // Nothing was written down of an agent that the run did not see being made.
    let why = if made.is_empty() {
        "was not there before the run, and whether it was made for the run cannot be told"
    } else {
        "was made for the run and was changed since then"
    };
    Err(Problem::error(format!("{path} {why}; it is left as it is; {OR_ACCEPT}")))
}

/// An error if there is a Mac user where none was before Save & Close, and nothing says whose it is.
async fn nobody_is_left(session: &Session, change: &Change) -> Checked {
    let home = async || {
        let Some(user) = users::mac_user(session).await? else { return Ok(None) };
        // A search may still show who was deleted.
        Ok(repository::read(session, &user.home, "0").await?.map(|_| user.home))
    };
    match agreed(home).await? {
        Some(home) if !change.nodes.contains_key(&home) => Err(Problem::error(format!(
            "the Author has no cloud configuration of the run, and {home} was not there before it: whether this Mac user is \
             the run's cannot be told; if nobody needs it, {OR_ACCEPT}"
        ))),
        _ => Ok(()),
    }
}

/// What distinguishes a cloud configuration of the run from all others.
struct Ours<'a> {
    title: Option<&'a str>,
    ims_configuration: Option<&'a str>,
    /// The name of that IMS configuration, by which an agent may know it, too.
    provider: Option<String>,
}

/// A title counts if it contains the run's name; an IMS configuration if its own title does.
async fn ours<'a>(session: &Session, title: &'a str, pid: &'a str) -> Checked<Ours<'a>> {
    let mark = session.mark();
    let title = Some(title).filter(|title| title.contains(&mark));
    let all =
        if pid.is_empty() { Ok(Vec::new()) } else { ims_configurations::storage(session).await.map(|it| it.providers) };
    let all = match all {
        // Where the stored IMS configurations cannot be read, its own title finds it all the same.
        Err(problem) if title.is_some() => {
            tracing::debug!(problem = problem.reason, "the IMS configuration of the cloud service is not looked for");
            Vec::new()
        }
        all => all?,
    };
    let made = all.iter().find(|it| it.is(pid) && it.title.as_ref().is_some_and(|title| title.contains(&mark)));
    // A name that another provider has, too, says nothing.
    let name = made.and_then(|it| it.name.clone());
    let provider = name.filter(|name| all.iter().filter(|it| it.name.as_ref() == Some(name)).count() == 1);
    Ok(Ours { title, ims_configuration: made.is_some().then_some(pid), provider })
}

impl Ours<'_> {
    fn gives_tokens(&self, reference: &str) -> bool {
        self.ims_configuration.is_some_and(|pid| is_same_pid(reference, pid))
            || self.provider.as_deref() == Some(reference)
    }

    /// Those with the run's title; without any, those with its IMS configuration. Beside one with the title, another with the
    /// IMS configuration is somebody else's.
    async fn find(&self, session: &Session) -> Checked<Vec<CloudConfiguration>> {
        let has_title = |it: &CloudConfiguration| self.title.is_some_and(|title| it.title.as_deref() == Some(title));
        let (titled, others): (Vec<_>, Vec<_>) =
            cloud_configuration::all(session).await?.into_iter().partition(has_title);
        if !titled.is_empty() {
            return Ok(titled);
        }
        let is_used = |it: &CloudConfiguration| it.ims_configuration.as_ref().is_some_and(|pid| self.gives_tokens(pid));
        Ok(others.into_iter().filter(is_used).collect())
    }
}

/// An error if the creation of an IMS configuration made a customizer, which holds the client secret, without its provider.
async fn nothing_of_it_is_left(session: &Session, unused: Option<&[String]>, change: &Change) -> Checked {
    let Some(before) = unused.filter(|_| !change.was_refused()) else { return Ok(()) };
    let surface = session.surface("author.ims-storage");
    let left = async || Ok(ims_configurations::readable(session).await?.unused_customizers(surface, before));
    let mut left = agreed(left).await?;
    left.retain(|path| !change.nodes.contains_key(path));
    if left.is_empty() {
        return Ok(());
    }
    Err(Problem::error(format!(
        "{} came while the run created its IMS configuration, and no provider uses it: it may hold the client secret; {OR_ACCEPT}",
        left.join(", ")
    )))
}

/// Looks for what may have come of a change, as long as it may still appear.
async fn until<T>(
    session: &Session,
    change: &Change,
    look: impl AsyncFn() -> Checked<Option<T>>,
) -> Checked<Option<T>> {
    loop {
        let found = look().await;
        // A page that AEM is making has no content yet, and seems to be hidden.
        let may_come = match &found {
            Ok(found) => found.is_none(),
            Err(problem) => problem.cause == Some(Cause::AccessDenied),
        };
        let until = change.may_come_until.unwrap_or(change.at + AFTERMATH);
        let Some(left) = time_left(until).filter(|_| may_come) else { return found };
        tokio::time::sleep(left.min(Duration::from_millis(250))).await;
        if session.run.embedded {
            return found;
        }
    }
}

async fn ims_configuration(session: &Session, title: &str, change: &Change) -> Checked {
    let titled = async || {
        let mut titled = Vec::new();
        // A read that finds nothing may be wrong.
        for pause in [Duration::ZERO, Duration::from_millis(100), Duration::from_millis(300)] {
            if titled.is_empty() {
                tokio::time::sleep(pause).await;
                titled = ims_configurations::storage(session).await?.providers;
                titled.retain(|it| it.title.as_deref() == Some(title));
            }
        }
        // It may still appear: another node of a cluster may list it later.
        Ok((!titled.is_empty() || change.was_refused()).then_some(titled))
    };
    for configuration in until(session, change, titled).await?.unwrap_or_default() {
        let nodes = ims_configurations::nodes_of(session, &configuration).await?;
        let can_ask = session.can_send("author.ims-delete");
        if can_ask {
            gone(session, setup::ims_deletion(&configuration.pid, Some(title)), &[404]).await?;
        }
        // Its nodes are known, whatever the answer says: one of them holds the client secret. A run that created it in a browser,
        // and was killed, has no other way.
        for path in nodes {
            if !can_ask || removal::wait_until_gone(session, &path).await.is_err() {
                removal::delete_node(session, &path).await?;
            }
        }
    }
    Ok(())
}

async fn project(session: &Session, org: &str, title: &str) -> Checked {
    let text = |project: &Value, name: &str| project.get(name).and_then(Value::as_str).map(str::to_owned);
    // A single list may be wrong, and so may what a deletion answers.
    let mut empty = 0;
    for _ in 0..PROJECT_LISTS {
        let reply = session.send(Call::to("console.projects").with("org", org)).await?.expect_status(&[200])?.json()?;
        let projects = reply.get("projects").and_then(Value::as_array);
        let projects = projects.ok_or_else(|| Problem::error("the Developer Console lists no projects"))?;
        let ours = projects.iter().filter(|project| text(project, "title").as_deref() == Some(title));
        let ours: Vec<_> = ours.filter_map(|project| text(project, "id")).collect();
        empty = if ours.is_empty() { empty + 1 } else { 0 };
        if empty == 2 {
            return Ok(());
        }
        for id in ours {
            gone(session, Call::to("console.project-delete").with("org", org).with("project", &id), &[404]).await?;
        }
    }
    Err(Problem::error(format!("the project \"{title}\" of the organization {org} was deleted and is still listed")))
}

/// Sends what makes something go; these statuses say that it is not there.
async fn gone(session: &Session, call: Call, absent: &[u16]) -> Checked {
    let reply = session.send(call).await?;
    // A redirect, to a login page say, has done nothing.
    if (200..300).contains(&reply.status) || absent.contains(&reply.status) {
        return Ok(());
    }
    Err(Problem::error(format!("{} answered {}; {}", reply.what(), reply.status, reply.excerpt())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_run_is_the_topmost_that_bears_its_name() {
        let folder = |path| folder_of_run(path, "bpconform-abc1234-");
        let path = "/content/dam/bpconform-abc1234-1-folder/bpconform-abc1234-1-asset.bin";
        assert_eq!(folder(path), Some("/content/dam/bpconform-abc1234-1-folder"));
        assert_eq!(folder("/content/dam/bpconform-abc1234-1-folder"), Some("/content/dam/bpconform-abc1234-1-folder"));
        assert_eq!(folder("/libs/dam/form"), None);
    }
}
