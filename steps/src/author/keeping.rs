//! Keeps the Brand Portal configuration that a run replaces; `putting_back.rs` restores it.
//!
//! It is kept on the Author, in a package of the Package Manager (surfaces.md §5.6), since a package can contain what no
//! request can read and write, such as the keys of the Mac user. Nothing is deleted before two reads of the configuration
//! agree and the downloaded package matches them. The package is deleted only after the configuration was restored.

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::kept::{Changed, Kept};
use super::{ims_configurations, lock, removal, repository, setup, users, vault};
use crate::call::{Body, Call, Upload};
use crate::journal::{Change, NodeStage};
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::{Session, mark_of};
use crate::state_dir::StateDir;
use crate::undo::Undo;

/// The group of the run's packages.
const GROUP: &str = "bpconform";

/// The folder of the packages of that group.
const FOLDER: &str = "/etc/packages/bpconform";

/// The most of a filter that is read: what is packed small may be huge.
const MOST_OF_A_FILTER: u64 = 1024 * 1024;

/// Keeps the Author's Brand Portal configuration in a package and makes the scenario put it back at its end. From then on
/// the scenario may delete it, and nothing else.
pub async fn keep(session: &Session) -> Checked {
    let kept = read_twice(session).await?;
    if let Some(group) = kept.first_lost_membership() {
        return Err(refused(&format!(
            "the Mac user is a member of the group {group} in a form that a package does not restore; remove it from the \
             group for the time of the run"
        )));
    }
    // A package that could not be put back must not be written over by the next.
    let name = session.name(&format!("kept-{}", session.run.journal.count()));
    upload(session, &name, &kept.roots()).await?;
    succeeded(&session.send(command(&name, "build").undone_by([])).await?)?;
    let package = download(session, &name).await?;
    if let Some(missing) = kept.first_missing_in(&vault::contents(&package)?) {
        return Err(refused(&format!("the package {} does not hold {missing}", path(&name))));
    }
    store(session, &name, &kept, &package)?;
    lock::is_still_held(session).await?;
    session.will_be_undone_by("replacement of the configuration", [Undo::Replacement { name }])?;
    session.allow_deletion_of(kept.deletable());
    Ok(())
}

/// A single read may be wrong or stale: two must agree, and every node must be there.
async fn read_twice(session: &Session) -> Checked<Kept> {
    let (first, second) = (Kept::read(session).await?, Kept::read(session).await?);
    if let Some(path) = first.first_change(&second) {
        return Err(refused(&format!("two reads of {path} differ")));
    }
    match second.first_empty_root() {
        Some(path) => Err(refused(&format!("{path} cannot be read"))),
        None => Ok(second),
    }
}

fn refused(why: &str) -> Problem {
    Problem::error(format!("nothing was replaced, because {why}"))
}

async fn upload(session: &Session, name: &str, roots: &[String]) -> Checked {
    let bytes = package(name, roots, None).map_err(|error| Problem::error(format!("a package: {error}")))?;
    if removal::is_absent(session, FOLDER).await? {
        let folder = Undo::Folder { path: FOLDER.to_owned() };
        session.will_be_undone_by("the folder of the package", [folder])?;
    }
    let upload = uploaded(name, bytes).undone_by([Undo::Package { name: name.to_owned() }]);
    succeeded(&session.send(upload).await?)
}

pub(super) fn uploaded(name: &str, bytes: Vec<u8>) -> Call {
    let file = format!("{name}.zip");
    let upload = Upload { field: "package".into(), name: file, content_type: "application/zip".into(), bytes };
    Call::to("author.package-upload").body(Body::Multipart(Some(upload)))
}

/// The copy on this machine: what the configuration was, and the package, should it get lost on the Author.
fn store(session: &Session, name: &str, kept: &Kept, package: &[u8]) -> Checked {
    let state = StateDir::open(session.run.settings.state_dir.as_deref())?;
    let text = serde_json::to_vec(kept).map_err(|error| Problem::error(error.to_string()))?;
    state.write(&format!("{name}.json"), &text)?;
    state.write(&format!("{name}.zip"), package)
}

/// Deletes a node that was kept, by this request, and waits until it is gone. Refuses it if somebody has changed the node since
/// then: putting it back would undo the change.
pub async fn delete(session: &Session, path: &str, deletion: Call) -> Checked {
    let nodes = [path.to_owned()];
    let deletes_more = others_are_as_kept(session, &nodes).await?;
    is_as_kept(session, path).await?;
    note(session, &nodes, NodeStage::Deletes)?;
    let deleted = session.send(deletion.undone_by_putting_back()).await;
    if deletes_more {
        session.run.journal.deletes_more();
    }
    deleted?.expect_status(&[200, 204])?;
    removal::wait_until_gone(session, path).await?;
    note(session, &nodes, NodeStage::Gone)
}

async fn is_as_kept(session: &Session, path: &str) -> Checked {
    let changes = session.open_changes();
    let Some(replacement) = changes.iter().find(|change| change.replaces()) else { return Ok(()) };
    lock::is_still_held(session).await?;
    let kept = kept_by(session, replacement)?;
    let why = match kept.first_change_at(session, path).await? {
        None => return Ok(()),
        Some(Changed::To(what)) => {
            format!("{what} was changed since the run kept the configuration; it is not deleted")
        }
        Some(Changed::Gone) => {
            format!("{path} was deleted since the run kept the configuration; nothing more is deleted")
        }
    };
    // What is undone by putting back has nothing else that undoes it.
    if replacement.nodes.is_empty() {
        session.allow_deletion_of(BTreeSet::new());
        let settled = session.run.journal.settle(replacement.number, None);
        settled.map_err(|error| Problem::error(format!("the journal cannot be written: {error}")))?;
    }
    Err(Problem::error(why))
}

/// With a cloud configuration or an IMS configuration an Author may delete what belongs to it. Refuses the deletion if somebody
/// has changed a node that the run has not touched yet. Gives back whether one of them is a cloud configuration: with it the
/// Author may delete agents and Mac user, also later.
async fn others_are_as_kept(session: &Session, deleted: &[String]) -> Checked<bool> {
    let changes = session.open_changes();
    let Some(replacement) = changes.iter().find(|change| change.replaces()) else { return Ok(false) };
    let kept = kept_by(session, replacement)?;
    if kept.agents.iter().chain(&kept.mac_users).any(|it| deleted.contains(it)) {
        return Ok(false);
    }
    let is_touched = |root: &String| deleted.contains(root) || replacement.nodes.contains_key(root);
    for other in kept.roots().iter().filter(|root| !is_touched(root)) {
        if matches!(kept.first_change_at(session, other).await?, Some(Changed::To(_))) {
            is_as_kept(session, other).await?;
        }
    }
    Ok(kept.cloud_configurations.iter().any(|it| deleted.contains(it)))
}

fn note(session: &Session, paths: &[String], stage: NodeStage) -> Checked {
    let changes = session.open_changes();
    let Some(replacement) = changes.iter().find(|change| change.replaces()) else { return Ok(()) };
    let written = session.run.journal.notes_nodes(replacement.number, paths, stage);
    written.map_err(|error| Problem::error(format!("nothing more is deleted: the journal cannot be written: {error}")))
}

/// Deletes an IMS configuration that was kept. Refuses it if somebody has changed a node in which the Author stores one; nodes
/// that went with an earlier one are not there any more.
pub async fn delete_ims_configuration(session: &Session, pid: &str, title: Option<&str>) -> Checked {
    let changes = session.open_changes();
    if let Some(replacement) = changes.iter().find(|change| change.replaces()) {
        let kept = kept_by(session, replacement)?;
        others_are_as_kept(session, &kept.stored).await?;
        lock::is_still_held(session).await?;
        for path in &kept.stored {
            if matches!(kept.first_change_at(session, path).await?, Some(Changed::To(_))) {
                is_as_kept(session, path).await?;
            }
        }
        note(session, &kept.stored, NodeStage::Deletes)?;
    }
    let deletion = setup::ims_deletion(pid, title).undone_by_putting_back();
    session.send(deletion).await?.expect_status(&[200]).map(drop)
}

fn kept_by(session: &Session, replacement: &Change) -> Checked<Kept> {
    let state = StateDir::open(session.run.settings.state_dir.as_deref())?;
    let copy = replaced_by(replacement).and_then(|name| copy(&state, name));
    copy.ok_or_else(|| refused("the copy on this machine cannot be read any more"))
}

/// The copy on this machine of what a package keeps.
pub(super) fn copy(state: &StateDir, name: &str) -> Option<Kept> {
    serde_json::from_slice(&state.read(&format!("{name}.json"))?).ok()
}

/// The package from which a change is put back.
pub(super) fn replaced_by(change: &Change) -> Option<&str> {
    change.undo.iter().find_map(|undo| if let Undo::Replacement { name } = undo { Some(name.as_str()) } else { None })
}

/// Whether the package of a change keeps a node. Where neither the package nor its copy is there any more, it may.
pub(crate) async fn is_kept(session: &Session, replacement: &Change, node: &str) -> Checked<bool> {
    let Some(name) = replaced_by(replacement) else { return Ok(false) };
    let state = StateDir::look(session.run.settings.state_dir.as_deref());
    let roots = match copy(&state, name) {
        Some(kept) => kept.roots(),
        None if is_there(session, name).await? => read(&download(session, name).await?)?.0,
        None => return Ok(true),
    };
    Ok(roots.iter().any(|root| root == node))
}

/// Writes down that something of the run is where a kept node was that the run did not delete itself. Should it be the kept
/// one all the same, restoring recognises it.
pub(crate) fn note_in(session: &Session, replacement: &Change, node: &str) -> Checked {
    let written = session.run.journal.notes_nodes(replacement.number, &[node.to_owned()], NodeStage::Deletes);
    written.map_err(|error| Problem::error(format!("the journal cannot be written: {error}")))
}

/// Deletes what was kept, so that the Author is one without a Brand Portal configuration.
pub async fn take_away(session: &Session) -> Checked {
    let kept = Kept::read(session).await?;
    for path in kept.roots() {
        is_as_kept(session, &path).await?;
    }
    let stored = ims_configurations::storage(session).await?.providers;
    for pid in &kept.ims_configurations {
        let title = stored.iter().find(|it| it.is(pid)).and_then(|it| it.title.as_deref());
        delete_ims_configuration(session, pid, title).await?;
    }
    for path in kept.agents.iter().chain(&kept.cloud_configurations) {
        delete(session, path, removal::of_node(path)).await?;
    }
    for home in &kept.mac_users {
        delete(session, home, users::deletion(home)).await?;
    }
    Ok(())
}

/// The package that holds the part of another one that is to be installed.
pub(super) fn part_of(name: &str) -> String {
    format!("{name}-part")
}

/// Deletes the package, what was made of it, and the copy of this machine; one that is not there needs no deleting.
pub(crate) async fn throw_away(session: &Session, name: &str) -> Checked {
    let part = part_of(name);
    for name in there(session, &[name, &part]).await? {
        delete_package(session, name).await?;
    }
    if let Ok(state) = StateDir::open(session.run.settings.state_dir.as_deref()) {
        state.remove(&format!("{name}.json"))?;
        state.remove(&format!("{name}.zip"))?;
    }
    Ok(())
}

/// The files of a run in the state directory: copies of what it replaced, with key material.
pub fn copies(state_dir: Option<&Path>, run: &str) -> Vec<PathBuf> {
    let state = StateDir::look(state_dir);
    let mark = mark_of(run);
    let names = state.names().into_iter().filter(|name| name.starts_with(&mark));
    names.map(|name| state.path(&name)).collect()
}

/// Deletes a package that is there.
pub(super) async fn delete_package(session: &Session, name: &str) -> Checked {
    succeeded(&session.send(command(name, "delete")).await?)?;
    if is_there(session, name).await? {
        return Err(Problem::error(format!("{} was deleted and is still there", path(name))));
    }
    Ok(())
}

/// Whether the Author has the package.
pub(super) async fn is_there(session: &Session, name: &str) -> Checked<bool> {
    Ok(!there(session, &[name]).await?.is_empty())
}

/// Those of the packages that the Author has; two lists must say that it has not all of them.
async fn there<'a>(session: &Session, names: &[&'a str]) -> Checked<Vec<&'a str>> {
    let mut there: Vec<&str> = Vec::new();
    for _ in 0..2 {
        let list = session.send(Call::to("author.packages")).await?.expect_status(&[200])?;
        let json = list.json()?;
        let all = json.get("results").and_then(Value::as_array);
        let all = all.ok_or_else(|| list.instead("no list of packages"))?;
        let is = |package: &Value, field: &str, value: &str| package.get(field).and_then(Value::as_str) == Some(value);
        let has = |name: &str| all.iter().any(|package| is(package, "group", GROUP) && is(package, "name", name));
        let new: Vec<_> = names.iter().copied().filter(|name| !there.contains(name) && has(name)).collect();
        there.extend(new);
        if there.len() == names.len() {
            break;
        }
    }
    Ok(there)
}

/// Where a package of that name is.
pub(crate) fn path(name: &str) -> String {
    format!("/etc/packages/{GROUP}/{name}.zip")
}

pub(super) fn command(name: &str, command: &str) -> Call {
    Call::to("author.package-command").with("package", path(name).trim_start_matches('/')).field("command", command)
}

/// Package Manager answers 200 whatever came of it; its JSON says.
pub(super) fn succeeded(reply: &Reply) -> Checked {
    let json = reply.clone().expect_status(&[200])?.json()?;
    if json.get("success") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    Err(Problem::error(format!("{} says that it did not succeed; {}", reply.what(), reply.excerpt())))
}

/// A package whose filter names what it is to hold: empty, so that building it on the Author fills it, or with what another
/// one holds of that.
pub(super) fn package(
    name: &str,
    roots: &[String],
    content: Option<ZipArchive<Cursor<Vec<u8>>>>,
) -> zip::result::ZipResult<Vec<u8>> {
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
    if let Some(mut content) = content {
        for index in 0..content.len() {
            let file = content.by_index_raw(index)?;
            if file.name().is_ok_and(|name| name.strip_prefix("jcr_root/").is_some_and(|path| !path.is_empty())) {
                zip.raw_copy_file(file)?;
            }
        }
    }
    Ok(zip.finish()?.into_inner())
}

pub(super) async fn download(session: &Session, name: &str) -> Checked<Vec<u8>> {
    let call = Call::to("author.package-file").with("package", path(name).trim_start_matches("/etc/packages/"));
    // It holds the Mac user's keys, which no evidence may hold.
    let reply = session.send(call.confidential()).await?.expect_status(&[200])?;
    Ok(reply.file()?.to_vec())
}

/// What a package's filter names, and the paths of the nodes that it holds.
pub(crate) fn read(package: &[u8]) -> Checked<(Vec<String>, Vec<String>)> {
    let unreadable = |error: zip::result::ZipError| Problem::error(error.to_string());
    let archive = ZipArchive::new(Cursor::new(package.to_vec())).map_err(unreadable)?;
    Ok((filter(&archive)?, vault::contents(package)?.nodes.into_keys().collect()))
}

/// The roots that a package's filter names.
pub(super) fn filter(package: &ZipArchive<Cursor<Vec<u8>>>) -> Checked<Vec<String>> {
    let unreadable = |error: &dyn std::fmt::Display| Problem::error(format!("the package's filter: {error}"));
    let mut package = package.clone();
    let file = package.by_name("META-INF/vault/filter.xml").map_err(|error| unreadable(&error))?;
    let text = std::io::read_to_string(file.take(MOST_OF_A_FILTER)).map_err(|error| unreadable(&error))?;
    let document = roxmltree::Document::parse(&text).map_err(|error| unreadable(&error))?;
    let filters = document.descendants().filter(|node| node.has_tag_name("filter"));
    Ok(filters.filter_map(|node| node.attribute("root").map(str::to_owned)).collect())
}

/// Whether the Author knows the run: it holds the lock, or something that its journal names with its id is there.
pub async fn is_known(session: &Session) -> Checked<bool> {
    if lock::holder(session).await?.is_some_and(|holder| holder.run == session.run.id) {
        return Ok(true);
    }
    let open = session.run.journal.open(None);
    let nodes = open.iter().flat_map(|change| &change.undo).filter_map(|undo| match undo {
        Undo::Node { path } | Undo::Content { path } => Some(path.clone()),
        Undo::Package { name } => Some(path(name)),
        Undo::Lock { node } => Some(lock::own(node)),
        _ => None,
    });
    let mark = session.mark();
    for path in nodes.filter(|path| path.contains(&mark)) {
        if repository::read(session, &path, "0").await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_names_what_it_is_to_hold() {
        let roots = vec!["/etc/a&b".to_owned(), "/home/users/mac/x/y".to_owned()];
        let bytes = package("bpconform-1-kept", &roots, None).expect("a package");
        let archive = ZipArchive::new(Cursor::new(bytes)).expect("a zip file");
        assert_eq!(filter(&archive), Ok(roots));
    }
}
