//! Keeps what a run replaces of an Author's Brand Portal configuration, and puts it back as it was.
//!
//! It is kept on the Author, in a package of its own Package Manager (surfaces.md §5.6): a package can hold what no request
//! can read and write again, the Mac user's keys among it. Nothing is deleted before the package was downloaded and seen to
//! hold everything.

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _, Write as _};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::{agents, cloud_configuration, ims_configurations, queue, removal, repository, users};
use crate::call::{Body, Call, Upload};
use crate::problem::{Checked, Kind, Problem};
use crate::reply::Reply;
use crate::session::Session;
use crate::undo::Undo;

/// The group of the run's packages.
const GROUP: &str = "bpconform";

/// The most of a filter that is read: what is packed small may be huge.
const MOST_OF_A_FILTER: u64 = 1024 * 1024;

/// How long the Author may need to put a package's content back.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps the Author's Brand Portal configuration in a package and makes the scenario put it back at its end. From then on
/// the scenario may delete it.
pub async fn keep(session: &Session) -> Checked {
    let roots = Roots::find(session).await?;
    // A package that could not be put back must not be written over by the next.
    let name = session.name(&format!("kept-{}", session.run.journal.count()));
    let upload = Upload {
        field: "package".into(),
        name: format!("{name}.zip"),
        content_type: "application/zip".into(),
        bytes: package(&name, &roots.all()).map_err(|error| Problem::error(format!("a package: {error}")))?,
    };
    let call = Call::to("author.package-upload").body(Body::Multipart(Some(upload)));
    succeeded(&session.send(call.undone_by([Undo::Package { name: name.clone() }])).await?)?;
    succeeded(&session.send(command(&name, "build").undone_by([])).await?)?;
    verify(session, &name, &roots.all()).await?;
    session.will_be_undone_by("replacement of the configuration", [Undo::Replacement { name }])?;
    session.kept.store(true, Ordering::Relaxed);
    Ok(())
}

/// Deletes what was kept, so that the Author is one without a Brand Portal configuration.
pub async fn take_away(session: &Session) -> Checked {
    let roots = Roots::find(session).await?;
    for pid in &roots.ims_configurations {
        let call = Call::to("author.ims-delete").field("configuration", pid);
        session.send(call.undone_by_putting_back()).await?.expect_status(&[200])?;
    }
    for path in roots.agents.iter().chain(&roots.cloud_configurations) {
        session.send(removal::of_node(path).undone_by_putting_back()).await?.expect_status(&[200, 204])?;
    }
    for home in &roots.mac_users {
        session.send(users::deletion(home).undone_by_putting_back()).await?.expect_status(&[200, 204])?;
    }
    Ok(())
}

/// Installs the package again. What is there now of the same paths is replaced.
pub(crate) async fn put_back(session: &Session, name: &str) -> Checked {
    if !is_there(session, name).await? {
        return Err(Problem::error(format!(
            "{} is not on the Author any more: the configuration that it kept must be put back by hand",
            path(name)
        )));
    }
    let roots = filter(&download(session, name).await?)?;
    succeeded(&session.send(command(name, "install")).await?)?;
    let back = async || {
        for root in &roots {
            // A configuration may be a file, whose JSON is its node's.
            if repository::read(session, root, "0").await?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    };
    let what = format!("what {} keeps, on the Author again", path(name));
    session.wait_for(&what, PATIENCE, back).await.map_err(|problem| Problem { kind: Kind::Error, ..problem })
}

/// Deletes the package; one that is not there needs no deleting.
pub(crate) async fn throw_away(session: &Session, name: &str) -> Checked {
    if is_there(session, name).await? {
        succeeded(&session.send(command(name, "delete")).await?)?;
    }
    Ok(())
}

/// What makes up a Brand Portal configuration.
#[derive(Debug, Default)]
struct Roots {
    agents: Vec<String>,
    cloud_configurations: Vec<String>,
    mac_users: Vec<String>,
    /// The nodes of the IMS configurations.
    stored: Vec<String>,
    /// Their PIDs.
    ims_configurations: Vec<String>,
}

impl Roots {
    async fn find(session: &Session) -> Checked<Self> {
        let all = agents::all(session).await?;
        let ours: Vec<_> = all.into_iter().filter(|agent| agent.name.starts_with("mp_replication")).collect();
        if !ours.is_empty() {
            queue::all_idle(session, &ours).await.map_err(|problem| {
                let kind = if problem.kind == Kind::Failed { Kind::Skipped } else { problem.kind };
                Problem { kind, ..problem }.about("the configuration is not replaced")
            })?;
        }
        let mut tenants: BTreeSet<String> =
            ours.iter().filter_map(|agent| agent.named_for().map(str::to_owned)).collect();
        tenants.insert(session.stack.tenant_id()?);
        let mut mac_users = Vec::new();
        for tenant in tenants {
            mac_users.extend(users::mac_user_of(session, &tenant).await?.map(|user| user.home));
        }
        let cloud = cloud_configuration::all(session).await?;
        let (storage, ims) =
            (ims_configurations::storage(session).await?, ims_configurations::for_brand_portal(session).await?);
        let surface = session.surface("author.ims-storage");
        let secrets = ims.iter().flat_map(|one| storage.secrets_of(surface, one, None)).map(|secret| secret.node);
        let nodes: BTreeSet<_> = ims.iter().map(|one| one.stored.node.clone()).chain(secrets).collect();
        let root = surface.path.split_once(".2.json").map_or(surface.path.as_str(), |(root, _)| root);
        Ok(Self {
            agents: ours.into_iter().map(|agent| format!("/etc/replication/agents.author/{}", agent.name)).collect(),
            cloud_configurations: cloud.into_iter().map(|one| one.path).collect(),
            mac_users,
            stored: nodes.into_iter().map(|node| format!("{root}/{node}")).collect(),
            ims_configurations: ims.into_iter().map(|one| one.pid).collect(),
        })
    }

    fn all(&self) -> Vec<String> {
        let all = [&self.agents, &self.cloud_configurations, &self.mac_users, &self.stored];
        all.into_iter().flatten().cloned().collect()
    }
}

fn path(name: &str) -> String {
    format!("/etc/packages/{GROUP}/{name}.zip")
}

fn command(name: &str, command: &str) -> Call {
    Call::to("author.package-command").with("package", path(name).trim_start_matches('/')).field("command", command)
}

async fn is_there(session: &Session, name: &str) -> Checked<bool> {
    let list = session.send(Call::to("author.packages")).await?.expect_status(&[200])?.json()?;
    let all = list.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
    let is = |package: &Value, field: &str, value: &str| package.get(field).and_then(Value::as_str) == Some(value);
    Ok(all.iter().any(|package| is(package, "group", GROUP) && is(package, "name", name)))
}

/// Package Manager answers 200 whatever came of it; its JSON says.
fn succeeded(reply: &Reply) -> Checked {
    let json = reply.clone().expect_status(&[200])?.json()?;
    if json.get("success") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    Err(Problem::error(format!("{} says that it did not succeed; {}", reply.what(), reply.excerpt())))
}

/// An empty package whose filter names what it is to hold; building it on the Author fills it.
fn package(name: &str, roots: &[String]) -> zip::result::ZipResult<Vec<u8>> {
    let escaped = |text: &str| html_escape::encode_quoted_attribute(text).into_owned();
    let filters: String = roots.iter().map(|root| format!("<filter root=\"{}\"/>", escaped(root))).collect();
    // Without `acHandling` the permissions below the Mac user would stay away.
    let entries = [("group", GROUP), ("name", name), ("version", ""), ("acHandling", "overwrite")];
    let entries: String = entries.iter().map(|(key, value)| format!("<entry key=\"{key}\">{value}</entry>")).collect();
    let files = [
        ("META-INF/vault/filter.xml", format!("<workspaceFilter version=\"1.0\">{filters}</workspaceFilter>")),
        (
            "META-INF/vault/properties.xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<!DOCTYPE properties SYSTEM \
                 \"http://java.sun.com/dtd/properties.dtd\">\n<properties>{entries}</properties>"
            ),
        ),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.add_directory("jcr_root", stored)?;
    for (file, text) in files {
        zip.start_file(file, stored)?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

async fn download(session: &Session, name: &str) -> Checked<ZipArchive<Cursor<Vec<u8>>>> {
    let call = Call::to("author.package-file").with("package", path(name).trim_start_matches("/etc/packages/"));
    let reply = session.send(call).await?.expect_status(&[200])?;
    let what = reply.what();
    ZipArchive::new(Cursor::new(reply.body)).map_err(|error| Problem::error(format!("{what} is no package: {error}")))
}

/// What a package's filter names, and the paths that it holds.
pub(crate) fn read(package: &[u8]) -> Checked<(Vec<String>, Vec<String>)> {
    let unreadable = |error: zip::result::ZipError| Problem::error(error.to_string());
    let package = ZipArchive::new(Cursor::new(package.to_vec())).map_err(unreadable)?;
    Ok((filter(&package)?, paths(&package).map_err(unreadable)?))
}

fn paths(package: &ZipArchive<Cursor<Vec<u8>>>) -> zip::result::ZipResult<Vec<String>> {
    package.file_names().map(|file| Ok(unescaped(&file?))).collect()
}

/// The roots that a package's filter names.
fn filter(package: &ZipArchive<Cursor<Vec<u8>>>) -> Checked<Vec<String>> {
    let unreadable = |error: &dyn std::fmt::Display| Problem::error(format!("the package's filter: {error}"));
    let mut package = package.clone();
    let file = package.by_name("META-INF/vault/filter.xml").map_err(|error| unreadable(&error))?;
    let text = std::io::read_to_string(file.take(MOST_OF_A_FILTER)).map_err(|error| unreadable(&error))?;
    let document = roxmltree::Document::parse(&text).map_err(|error| unreadable(&error))?;
    let filters = document.descendants().filter(|node| node.has_tag_name("filter"));
    Ok(filters.filter_map(|node| node.attribute("root").map(str::to_owned)).collect())
}

/// Sees that a package holds all that it is to hold.
async fn verify(session: &Session, name: &str, roots: &[String]) -> Checked {
    let package = download(session, name).await?;
    let files = paths(&package).map_err(|error| Problem::error(format!("the package {}: {error}", path(name))))?;
    let holds = |root: &&String| {
        let own = format!("jcr_root{root}");
        files.iter().any(|file| {
            let rest = file.strip_prefix(&own);
            rest.is_some_and(|rest| rest.is_empty() || rest == ".xml" || rest.starts_with('/'))
        })
    };
    let missing: Vec<_> = roots.iter().filter(|root| !holds(root)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Problem::error(format!(
        "nothing was replaced, because the package {} does not hold {}",
        path(name),
        missing.join(", ")
    )))
}

/// A path in a package as it is in the repository: `_jcr_content` there is `jcr:content` here, and a name that itself
/// begins with an underscore has one more.
fn unescaped(file: &str) -> String {
    let name = |name: &str| match name.strip_prefix('_') {
        Some(rest) if rest.starts_with('_') => rest.to_owned(),
        Some(rest) => rest.split_once('_').map_or_else(|| name.to_owned(), |(prefix, name)| format!("{prefix}:{name}")),
        None => name.to_owned(),
    };
    file.split('/').map(name).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_names_what_it_is_to_hold() {
        let roots = vec!["/etc/a&b".to_owned(), "/home/users/mac/x/y".to_owned()];
        let bytes = package("bpconform-1-kept", &roots).expect("a package");
        let archive = ZipArchive::new(Cursor::new(bytes)).expect("a zip file");
        assert_eq!(filter(&archive), Ok(roots));
    }

    #[test]
    fn names_in_a_package_are_those_of_the_repository() {
        assert_eq!(unescaped("jcr_root/etc/a/_jcr_content/.content.xml"), "jcr_root/etc/a/jcr:content/.content.xml");
        assert_eq!(unescaped("jcr_root/home/__x_y"), "jcr_root/home/_x_y");
        assert_eq!(unescaped("mp_replication_agent0"), "mp_replication_agent0");
    }
}
