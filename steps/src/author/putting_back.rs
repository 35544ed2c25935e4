//! Restores the Brand Portal configuration that a run has replaced, from the package in which it was kept (`keeping.rs`).
//!
//! Only what is lost is restored. A node that the run did not delete and that is there is left, whoever has changed it; one
//! that was made again where the run deleted it is somebody's, and a person must decide. What is restored is compared with
//! what was kept before the package may go. The journal says how far the run is with each node: an attempt that was cut short
//! leaves nodes by half, which the next one must not take for somebody's.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zip::ZipArchive;

use super::keeping::{
    command, copy, delete_package, download, filter, is_there, package, part_of, path, succeeded, uploaded,
};
use super::kept::Kept;
use super::repository;
use super::tree::Tree;
use super::vault::{self, Contents};
use crate::call::Call;
use crate::journal::{Change, NodeStage};
use crate::problem::{Checked, Problem};
use crate::session::Session;
use crate::state_dir::StateDir;
use crate::undo::{AFTERMATH, OR_ACCEPT};

/// How long the Author may need to put a package's content back.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a configuration must be like again: the copy on this machine says it, or the package alone.
enum Wanted<'a> {
    Copy(Kept),
    Package(Vec<String>, &'a Contents),
}

impl Wanted<'_> {
    /// What the Author has not, the first of each node, apart from the order of siblings.
    async fn lost_content(&self, session: &Session) -> Checked<Vec<String>> {
        match self {
            Self::Copy(kept) => kept.lost_content(session).await,
            Self::Package(roots, package) => {
                let mut lost = Vec::new();
                for root in roots {
                    let now = Tree::read(session, std::slice::from_ref(root)).await?;
                    lost.extend(Kept::of(now, vec![root.clone()]).first_difference_from(package));
                }
                Ok(lost)
            }
        }
    }

    async fn wait_for_content(&self, session: &Session) -> Checked {
        let is_there = async || Ok(self.lost_content(session).await?.is_empty().then_some(()));
        session.wait_for("the content of the package", AFTERMATH, is_there).await
    }
}

/// Installs the package again, and sees that everything is as it was.
pub(crate) async fn put_back(session: &Session, name: &str, change: &Change) -> Checked {
    let state = StateDir::look(session.run.settings.state_dir.as_deref());
    let restored = restore(session, name, &state, change).await;
    restored.map_err(|problem| {
        let copy = state.path(&format!("{name}.zip"));
        let copy = if copy.exists() { format!(" and in {}", copy.display()) } else { String::new() };
        Problem::error(format!("{}; what was kept is in {} on the Author{copy}", problem.reason, path(name)))
    })
}

async fn restore(session: &Session, name: &str, state: &StateDir, change: &Change) -> Checked {
    let kept = copy(state, name);
    let package = whole_package(session, name, state, kept.as_ref()).await?;
    let roots = kept.as_ref().map_or_else(|| package.roots.clone(), Kept::roots);
    let look =
        async |roots: &[String]| Found::look(session, kept.as_ref(), &package.contents, roots, &change.nodes).await;
    let mut found = look(&roots).await?;
    let part = part_of(name);
    // Somebody may make one of them again meanwhile, and one answer may have been wrong: what is there is not written over.
    while !found.lost.is_empty() {
        if found.lost != package.roots {
            upload_part(session, &part, &found.lost, package.archive.clone()).await?;
        }
        let again = look(&found.lost).await?;
        if again.lost == found.lost {
            break;
        }
        found.left.extend(again.left);
        found.changed.extend(again.changed);
        found.lost = again.lost;
    }
    note(session, change, &found.lost, NodeStage::Restores)?;
    let installed = if found.lost.is_empty() {
        Ok(())
    } else if found.lost == package.roots {
        install(session, name).await
    } else {
        install_part(session, &part).await
    };
    let wanted = match kept {
        Some(kept) => {
            let others = roots.iter().filter(|root| !found.lost.contains(root));
            Wanted::Copy(others.fold(kept, |kept, root| kept.without(root)))
        }
        None => Wanted::Package(found.lost.clone(), &package.contents),
    };
    // It may have been installed all the same.
    if let Err(problem) = installed
        && wanted.wait_for_content(session).await.is_err()
    {
        let lost = wanted.lost_content(session).await.unwrap_or_else(|_| found.lost.clone());
        return Err(Problem::error(format!("{}; not as they were: {}", problem.reason, lost.join(", "))));
    }
    if let Wanted::Copy(kept) = &wanted {
        bring_into_order(session, kept).await?;
    }
    wait_until_restored(session, &wanted).await?;
    note(session, change, &found.lost, NodeStage::Restored)?;
    // What the run had deleted may have been shown once more by a node of a cluster that lags behind.
    for root in &found.left {
        if !Tree::agreed_at(session, root).await?.has(root) {
            let problem = format!("{root} was left as it was and is gone now; it is restored next time");
            return Err(Problem::error(problem));
        }
    }
    if found.changed.is_empty() {
        return Ok(());
    }
    Err(Problem::error(format!(
        "{} differs from what was kept, where the run deleted a node or was about to; it is left as it is; to restore what was \
         kept, {OR_ACCEPT}",
        found.changed.join(", ")
    )))
}

/// Writes down how far the run is with nodes, before it goes on.
fn note(session: &Session, change: &Change, nodes: &[String], stage: NodeStage) -> Checked {
    if nodes.is_empty() {
        return Ok(());
    }
    let written = session.run.journal.notes_nodes(change.number, nodes, stage);
    written.map_err(|error| Problem::error(format!("not restored: the journal cannot be written: {error}")))
}

/// What has become of the nodes of a configuration.
#[derive(Default)]
struct Found {
    /// Those that are gone, and those that were gone and hold nothing but what was kept of them: an import may have been cut
    /// short.
    lost: Vec<String>,
    /// Those that are there and were not deleted, or are restored.
    left: Vec<String>,
    /// What else is where a node was deleted, and what of it was not kept so.
    changed: Vec<String>,
}

impl Found {
    async fn look(
        session: &Session,
        kept: Option<&Kept>,
        package: &Contents,
        roots: &[String],
        stages: &BTreeMap<String, NodeStage>,
    ) -> Checked<Self> {
        let mut found = Self::default();
        // What somebody wants to stay as it is may also be gone.
        for root in roots.iter().filter(|root| stages.get(*root) != Some(&NodeStage::Accepted)) {
            let stage = stages.get(root);
            let now = Tree::agreed_at(session, root).await?;
            if !now.has(root) {
                // What the run did not delete is gone only if the node above it says so, too.
                let was_deleted = !matches!(stage, None | Some(NodeStage::Restored));
                let is_gone = was_deleted || repository::read(session, root, "0").await?.is_none();
                if is_gone { &mut found.lost } else { &mut found.left }.push(root.clone());
                continue;
            }
            match stage {
                None | Some(NodeStage::Restored | NodeStage::Accepted) => found.left.push(root.clone()),
                // Its deletion was refused, or something was made in its place.
                Some(NodeStage::Deletes) if is_same_node(kept, package, &now, root) => found.left.push(root.clone()),
                Some(NodeStage::Deletes) => found.changed.push(root.clone()),
                Some(NodeStage::Gone | NodeStage::Restores) => {
                    let missing = kept.and_then(|kept| kept.first_missing_at(root, &now));
                    let missing = missing.map(|path| format!(", without {path}")).unwrap_or_default();
                    match first_addition(kept, package, now, root) {
                        Some(path) => found.changed.push(format!("{root} (with {path}{missing})")),
                        None => found.lost.push(root.clone()),
                    }
                }
            }
        }
        Ok(found)
    }
}

/// Whether a node is still the one that was kept. The package may not say when it was created.
fn is_same_node(kept: Option<&Kept>, package: &Contents, now: &Tree, root: &str) -> bool {
    match kept {
        Some(kept) => kept.is_same_node(now, root),
        None => Kept::of(now.clone(), vec![root.to_owned()]).first_difference_from(package).is_none(),
    }
}

/// What is at a node and was not kept so.
fn first_addition(kept: Option<&Kept>, package: &Contents, now: Tree, root: &str) -> Option<String> {
    match kept {
        Some(kept) => kept.first_addition(&now),
        None => Kept::of(now, vec![root.to_owned()]).first_missing_in(package),
    }
}

/// The package from which a configuration is restored.
struct Package {
    archive: ZipArchive<Cursor<Vec<u8>>>,
    contents: Contents,
    /// The nodes that its filter names.
    roots: Vec<String>,
}

impl Package {
    fn open(bytes: Vec<u8>) -> Checked<Self> {
        let contents = vault::contents(&bytes)?;
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Problem::error(error.to_string()))?;
        let roots = filter(&archive)?;
        Ok(Self { archive, contents, roots })
    }

    /// What it lacks of what was kept, or of what it is to hold: somebody may have built it again.
    fn first_missing(&self, kept: Option<&Kept>) -> Option<String> {
        let missing = kept.and_then(|kept| kept.first_missing_in(&self.contents));
        let is_empty = |root: &&String| !self.contents.nodes.contains_key(*root) && !self.contents.has_file(root);
        let nothing = || self.roots.is_empty().then(|| "anything".to_owned());
        missing.or_else(|| self.roots.iter().find(is_empty).cloned()).or_else(nothing)
    }
}

/// The package on the Author, or, where that is lost or does not hold what was kept, the copy of this machine, which is then
/// the package on the Author again.
async fn whole_package(session: &Session, name: &str, state: &StateDir, kept: Option<&Kept>) -> Checked<Package> {
    let is_there = is_there(session, name).await?;
    let mut why = "the package is not on the Author any more".to_owned();
    if is_there {
        let package = Package::open(download(session, name).await?)?;
        match package.first_missing(kept) {
            None => return Ok(package),
            Some(missing) => why = format!("the package does not hold {missing} any more and was not installed"),
        }
    }
    let lost = || Problem::error(format!("{why}, and this machine has no copy of it"));
    let copy = state.read(&format!("{name}.zip")).ok_or_else(lost)?;
    if is_there {
        delete_package(session, name).await?;
    }
    succeeded(&session.send(uploaded(name, copy)).await?)?;
    let package = Package::open(download(session, name).await?)?;
    match package.first_missing(kept) {
        None => Ok(package),
        Some(missing) => Err(Problem::error(format!("{why}, and the copy of this machine does not hold {missing}"))),
    }
}

/// Uploads what is in a package at these roots and below, and nothing else.
async fn upload_part(session: &Session, name: &str, roots: &[String], archive: ZipArchive<Cursor<Vec<u8>>>) -> Checked {
    let bytes = package(name, roots, Some(archive)).map_err(|error| Problem::error(format!("a package: {error}")))?;
    // It may be left of an attempt that was cut short.
    if is_there(session, name).await? {
        delete_package(session, name).await?;
    }
    succeeded(&session.send(uploaded(name, bytes)).await?)
}

async fn install_part(session: &Session, name: &str) -> Checked {
    install(session, name).await?;
    delete_package(session, name).await
}

async fn install(session: &Session, name: &str) -> Checked {
    succeeded(&session.send(command(name, "install")).await?)
}

/// An import puts nodes behind all their siblings.
async fn bring_into_order(session: &Session, kept: &Kept) -> Checked {
    for (path, next) in kept.moves(session).await? {
        let order = next.map_or_else(|| "last".to_owned(), |next| format!("before {next}"));
        let call = Call::to("author.node-write").with("path", path.trim_start_matches('/')).property(":order", order);
        let reply = session.send(call).await?;
        if !(200..300).contains(&reply.status) {
            return Err(Problem::error(format!("{} answered {}; {}", reply.what(), reply.status, reply.excerpt())));
        }
    }
    Ok(())
}

/// Waits until the configuration is what it was, by two reads. The package alone does not say all orders.
async fn wait_until_restored(session: &Session, wanted: &Wanted<'_>) -> Checked {
    let differs = Mutex::new(Vec::new());
    let differs = || differs.lock().unwrap_or_else(PoisonError::into_inner);
    let same = async || {
        for _ in 0..2 {
            let differences = match wanted {
                Wanted::Copy(kept) => kept.losses(&kept.read_again(session).await?),
                Wanted::Package(..) => wanted.lost_content(session).await?,
            };
            if !differences.is_empty() {
                *differs() = differences;
                return Ok(None);
            }
        }
        Ok(Some(()))
    };
    let waited = session.wait_for("the configuration as it was", PATIENCE, same).await;
    waited.map_err(|problem| {
        let differs = differs().join(", ");
        Problem::error(format!("the configuration is not as it was: {differs} differs ({})", problem.reason))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_was_built_again_after_the_deletion_is_not_whole() {
        let bytes = package("bpconform-1-kept", &["/etc/a".to_owned()], None).expect("a package");
        let built_again = Package::open(bytes).expect("a package");
        assert_eq!(built_again.first_missing(None).as_deref(), Some("/etc/a"));
        let nothing = Package::open(package("bpconform-1-kept", &[], None).expect("a package")).expect("a package");
        assert!(nothing.first_missing(None).is_some());
    }
}
