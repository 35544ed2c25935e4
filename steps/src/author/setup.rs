//! Sets up on the Author what the documentation says a person clicks together: the IMS integration, its health check, and
//! the Brand Portal cloud service. What is made here is undone when the scenario ends.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use bpconform_fixtures::{Cause, Failures, System};

use super::agents::{self, Agent};
use super::cloud_configuration::{self, CloudConfiguration};
use super::tree::Tree;
use super::users::{self, User};
use super::{ims_configurations, removal};
use crate::call::Call;
use crate::html::Page;
use crate::journal::Change;
use crate::problem::{Checked, Kind, Problem, agreed};
use crate::reply::Reply;
use crate::session::Session;
use crate::undo::{AFTERMATH, Undo};

/// Tools > Security > Adobe IMS Configurations > Create: an OAuth configuration for Brand Portal from the run's
/// credential, with `secret` in the place of the client secret when one is given. Gives back its PID.
pub async fn create_ims_configuration(session: &Session, title: &str, secret: Option<&str>) -> Checked<String> {
    let credentials = &session.credentials;
    let surface = session.surface("author.ims-create");
    let call = Call::to("author.ims-create")
        .field("cloud-solution", surface.phrase("cloud-solution"))
        .field("authentication-type", surface.phrase("oauth"))
        .field("title", title)
        .field("authorization-server", session.stack.base(System::Ims)?.as_str())
        .field("client-id", credentials.need("BPCONFORM_IMS_CLIENT_ID")?)
        .field("client-secret", secret.map_or_else(|| credentials.need("BPCONFORM_IMS_CLIENT_SECRET"), Ok)?)
        .field("scope", credentials.need("BPCONFORM_IMS_SCOPE")?)
        .field("org-id", credentials.need("BPCONFORM_IMS_ORG_ID")?);
    send_ims_configuration(session, title, call).await
}

/// Sends what creates an IMS configuration of that title, and gives its PID back.
pub async fn send_ims_configuration(session: &Session, title: &str, call: Call) -> Checked<String> {
    let surface = session.surface("author.ims-storage");
    let unused = async || Ok(ims_configurations::readable(session).await?.unused_customizers(surface, &[]));
    let unused = match agreed(unused).await {
        Ok(unused) => Some(unused),
        // Nobody may read them on AEM as a Cloud Service.
        Err(problem) if problem.kind == Kind::Skipped => None,
        Err(problem) => return Err(problem),
    };
    let undo = Undo::ImsConfiguration { title: title.to_owned(), unused };
    let reply = session.send(call.undone_by([undo])).await?.expect_status(&[200])?;
    if session.is_browsed("author.ims-create") {
        // A page does not show a PID; the title is this run's own.
        return pid_of(session, title).await;
    }
    let pid = reply.text().trim().to_owned();
    if !pid.starts_with(session.surface("author.ims-storage").phrase("provider")) {
        return Err(reply.instead("no PID of an IMS configuration"));
    }
    Ok(pid)
}

/// The PID of the stored IMS configuration of that title.
async fn pid_of(session: &Session, title: &str) -> Checked<String> {
    let titled = async || {
        let stored = ims_configurations::storage(session).await?.providers;
        Ok(stored.into_iter().find(|it| it.title.as_deref() == Some(title)).map(|it| it.pid))
    };
    session.wait_for(&format!("the IMS configuration \"{title}\""), session.run.settings.patience, titled).await
}

/// The request that deletes the IMS configuration of that PID; its page shows the title.
pub fn ims_deletion(pid: &str, title: Option<&str>) -> Call {
    let call = Call::to("author.ims-delete").field("configuration", pid);
    title.into_iter().fold(call, |call, title| call.shown_as("title", title))
}

/// What Check Health says of an IMS configuration, line by line.
pub async fn check_health(session: &Session, pid: &str, title: &str) -> Checked<Vec<String>> {
    let call = Call::to("author.ims-health").field("configuration", pid).shown_as("title", title);
    let reply = session.send(call).await?.expect_status(&[200])?;
    // The message for an unhealthy one is unknown (surfaces.md §2.2), but it names this one or a token.
    let told = |page: &str| [pid, title, "token", "Token"].iter().any(|word| page.contains(word));
    let page = Page::read(&reply.page(told)?);
    // A browser has left out what is not shown.
    let lines = if session.is_browsed("author.ims-health") { page.lines() } else { page.content_lines() };
    Ok(lines.into_iter().filter(|line| line != pid && line != title).collect())
}

/// Judges the result of Check Health: the documented heading and message, each on a separate line, without any other text: in
/// which language and in which words a page reports a failure is unknown. Anything else is an error, never a failure.
pub fn judge_health(lines: &[String], heading: &str, message: &str) -> Checked {
    let shown = |text: &str| lines.iter().any(|line| line == text);
    let is_alone = lines.iter().all(|line| line == heading || line == message);
    if shown(heading) && shown(message) && is_alone {
        return Ok(());
    }
    let problem = Problem::error(format!("Check Health does not show \"{heading}\" and \"{message}\" alone"));
    let cause = Failures::built_in().deepest(lines.iter().map(String::as_str));
    Err(problem.because(cause).showing(lines.to_vec()))
}

/// What a person types into the form of the cloud service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudForm {
    /// Title.
    pub title: String,
    /// The PID of the chosen IMS configuration; empty when none was chosen.
    pub ims_configuration: String,
    /// Service URL.
    pub service_url: String,
}

/// Tools > Cloud Services > AEM Brand Portal > Create > Save & Close. Gives back the answer, whatever it is: the
/// configuration, its agents and its Mac user appear later. All of them that are not there yet are undone.
pub async fn save_and_close(session: &Session, form: &CloudForm) -> Checked<Reply> {
    let surface = session.surface("author.cloud-create");
    let call = Call::to("author.cloud-create")
        .field("item", "")
        .field("title", &form.title)
        .field("tenant-url", &form.service_url)
        .field("public-folder", "")
        .field("scopes", surface.phrase("scopes"))
        .field("ims-configuration", &form.ims_configuration)
        .field("resource-type", surface.phrase("resource-type"));
    let mut undo = vec![undo_of_cloud_service(session, form).await?];
    let folder = users::mac_folder(session)?;
    if let Some((parent, _)) = folder.rsplit_once('/')
        && agreed(async || removal::is_absent(session, parent).await).await?
    {
        undo.push(Undo::Folder { path: parent.to_owned() });
    }
    session.send(call.undone_by(undo)).await
}

/// What deletes the agents, the Mac user and the configuration that are about to be made; nothing that is there already.
async fn undo_of_cloud_service(session: &Session, form: &CloudForm) -> Checked<Undo> {
    // In which order an Author lists them says nothing.
    let names = async || Ok(agents::all(session).await?.into_iter().map(|agent| agent.name).collect::<BTreeSet<_>>());
    let there = agreed(names).await?;
    let expected = agents::expected(session)?.into_iter().map(|agent| agent.name);
    let has_user = agreed(async || Ok(users::mac_user(session).await?.is_some())).await?;
    let folder = users::mac_folder(session)?;
    let has_no_folder = agreed(async || removal::is_absent(session, &folder).await).await?;
    Ok(Undo::CloudService {
        title: form.title.clone(),
        ims_configuration: form.ims_configuration.clone(),
        agents: expected.filter(|name| !there.contains(name)).collect(),
        there: Some(there),
        mac_user: (!has_user).then(|| users::mac_user_id(session)).transpose()?,
        mac_folder: has_no_folder.then_some(folder),
    })
}

/// What AEM made after Save & Close.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudService {
    /// The configuration.
    pub configuration: CloudConfiguration,
    /// The four agents.
    pub agents: Vec<Agent>,
    /// The Mac user.
    pub mac_user: User,
}

/// Waits for what AEM makes after Save & Close on a form with that title: configuration, four agents, Mac user.
pub async fn wait_for_cloud_service(session: &Session, title: &str) -> Checked<CloudService> {
    let patience = session.run.settings.patience;
    let configuration = wait_for_configuration(session, title).await?;
    let what = "the Mac user of the tenant";
    let mac_user = session.wait_for(what, patience, async || users::mac_user(session).await).await?;
    let some = async || {
        let found = agents::of_tenant(session).await?;
        Ok((found.len() >= agents::COUNT).then_some(found))
    };
    let mut agents = wait_for_pages(session, "the four replication agents of the tenant", some).await?;
    agents::judge(&agents, &agents::expected(session)?)?;
    agents.sort_by(|a, b| a.name.cmp(&b.name));
    note_made(session, title).await?;
    Ok(CloudService { configuration, agents, mac_user })
}

/// Writes down what the agents are that AEM has made for the run: they have the names of the tenant's agents, and somebody
/// may take them for his.
async fn note_made(session: &Session, title: &str) -> Checked {
    let changes = session.open_changes();
    let agents_of = |change: &Change| {
        change.undo.iter().find_map(|undo| match undo {
            Undo::CloudService { title: own, agents, .. } if own == title => Some(agents.clone()),
            _ => None,
        })
    };
    let Some((change, agents)) = changes.iter().find_map(|change| Some((change, agents_of(change)?))) else {
        return Ok(());
    };
    let mut digests = BTreeMap::new();
    for path in agents.iter().map(|agent| agents::path(agent)) {
        // The list that showed it may have been an old one.
        let is_there = async || {
            let tree = Tree::agreed_at(session, &path).await?;
            Ok(tree.has(&format!("{path}/jcr:content")).then_some(tree))
        };
        let tree = session.wait_for(&path, session.run.settings.patience, is_there).await?;
        digests.insert(path, tree.digest());
    }
    let written = session.run.journal.made(change.number, digests);
    written.map_err(|error| Problem::error(format!("the journal cannot be written: {error}")))
}

async fn wait_for_configuration(session: &Session, title: &str) -> Checked<CloudConfiguration> {
    let titled = async || {
        let all = cloud_configuration::all(session).await?;
        Ok(all.into_iter().find(|it| it.title.as_deref() == Some(title)))
    };
    let what = format!("the cloud configuration \"{title}\"");
    wait_for_pages(session, &what, titled).await
}

/// Waits for pages that AEM makes. One that has no content yet seems to be hidden, which counts only if it stays so.
async fn wait_for_pages<T>(session: &Session, what: &str, check: impl AsyncFn() -> Checked<Option<T>>) -> Checked<T> {
    let hidden = Cell::new(None);
    let whole = async || match check().await {
        Err(problem) if problem.cause == Some(Cause::AccessDenied) => {
            hidden.set(Some(problem));
            Ok(None)
        }
        found => {
            hidden.set(None);
            found
        }
    };
    let found = session.wait_for(what, session.run.settings.patience, whole).await;
    found.map_err(|problem| hidden.take().unwrap_or(problem))
}

/// What of a Brand Portal configuration the Author has, in words; empty when it has nothing. Waits for what AEM may still
/// be making when `later` is asked for.
pub async fn traces(session: &Session, later: bool) -> Checked<Vec<String>> {
    if later {
        session.pass(AFTERMATH).await?;
        let found = session.settled(async || traces_now(session).await, Vec::is_empty).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    agreed(async || traces_now(session).await).await
}

async fn traces_now(session: &Session) -> Checked<Vec<String>> {
    let mut traces: Vec<String> = Vec::new();
    let configurations = cloud_configuration::all(session).await?;
    traces.extend(configurations.into_iter().map(|it| format!("cloud configuration {}", it.path)));
    let agents = agents::of_tenant(session).await?;
    traces.extend(agents.into_iter().map(|agent| format!("replication agent {}", agent.name)));
    traces.extend(users::mac_user(session).await?.map(|user| format!("user {}", user.id)));
    traces.sort();
    Ok(traces)
}
