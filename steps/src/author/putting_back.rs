//! Restores the Brand Portal configuration that a run has replaced, from the package in which it was kept (`keeping.rs`).
//!
//! Only what is lost is restored. A node that the run did not delete and that is there is left, whoever has changed it; one
//! that the run deleted and that is there with something that was not kept is somebody's, and a person must decide. What is
//! restored is compared with what was kept before the package may go.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zip::ZipArchive;

use super::keeping::{command, copy, delete, download, filter, is_there, package, part_of, path, succeeded, uploaded};
use super::kept::Kept;
use super::tree::Tree;
use super::vault::{self, Contents};
use crate::call::Call;
use crate::journal::Change;
use crate::problem::{Checked, Problem};
use crate::session::Session;
use crate::state_dir::StateDir;

/// How long the Author may need to put a package's content back.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a configuration must be like again: the copy on this machine says it, or the package alone.
enum Wanted<'a> {
    Copy(Kept),
    Package(Vec<String>, &'a Contents),
}

/// Installs the package again, and sees that everything is as it was.
pub(crate) async fn put_back(session: &Session, name: &str, change: &Change) -> Checked {
    let state = StateDir::look(session.run.settings.state_dir.as_deref());
    let restored = restore(session, name, &state, change).await;
    restored.map_err(|problem| {
        Problem::error(format!(
            "{}; what was kept is in {} on the Author and in {}",
            problem.reason,
            path(name),
            state.path(&format!("{name}.zip")).display()
        ))
    })
}

async fn restore(session: &Session, name: &str, state: &StateDir, change: &Change) -> Checked {
    let kept = copy(state, name);
    let package = whole_package(session, name, state, kept.as_ref()).await?;
    let roots = kept.as_ref().map_or_else(|| package.roots.clone(), Kept::roots);
    let found = Found::look(session, kept.as_ref(), &package.contents, &roots, &change.deleted).await?;
    if found.lost == package.roots {
        succeeded(&session.send(command(name, "install")).await?)?;
    } else if !found.lost.is_empty() {
        install_part(session, &part_of(name), &found.lost, package.archive).await?;
    }
    let wanted = match kept {
        Some(kept) => {
            let others = roots.iter().filter(|root| !found.lost.contains(root));
            Wanted::Copy(others.fold(kept, |kept, root| kept.without(root)))
        }
        None => Wanted::Package(found.lost, &package.contents),
    };
    if let Wanted::Copy(kept) = &wanted {
        bring_into_order(session, kept).await?;
    }
    wait_until_restored(session, &wanted).await?;
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
        "{} is there again since the run deleted it, and is not what was kept, so that it is left; where it may be restored, \
         delete it, and undo this once more",
        found.changed.join(", ")
    )))
}

/// What has become of the nodes of a configuration.
#[derive(Default)]
struct Found {
    /// Those that are gone, and those that the run deleted and that hold nothing but what was kept of them: an import may
    /// have been cut short.
    lost: Vec<String>,
    /// Those that the run did not delete and that are there.
    left: Vec<String>,
    /// What else is where the run deleted a node: its first path that was not kept so.
    changed: Vec<String>,
}

impl Found {
    async fn look(
        session: &Session,
        kept: Option<&Kept>,
        package: &Contents,
        roots: &[String],
        deleted: &BTreeSet<String>,
    ) -> Checked<Self> {
        let mut found = Self::default();
        for root in roots {
            let now = Tree::agreed_at(session, root).await?;
            if !now.has(root) {
                found.lost.push(root.clone());
            } else if !deleted.contains(root) {
                found.left.push(root.clone());
            } else if let Some(path) = match kept {
                Some(kept) => kept.first_addition(&now),
                None => Kept::of(now, vec![root.clone()]).first_missing_in(package),
            } {
                found.changed.push(path);
            } else {
                found.lost.push(root.clone());
            }
        }
        Ok(found)
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
        delete(session, name).await?;
    }
    succeeded(&session.send(uploaded(name, copy)).await?)?;
    let package = Package::open(download(session, name).await?)?;
    match package.first_missing(kept) {
        None => Ok(package),
        Some(missing) => Err(Problem::error(format!("{why}, and the copy of this machine does not hold {missing}"))),
    }
}

/// Installs what is in a package at these roots and below, and nothing else.
async fn install_part(
    session: &Session,
    name: &str,
    roots: &[String],
    archive: ZipArchive<Cursor<Vec<u8>>>,
) -> Checked {
    let bytes = package(name, roots, Some(archive)).map_err(|error| Problem::error(format!("a package: {error}")))?;
    // It may be left of an attempt that was cut short.
    if is_there(session, name).await? {
        delete(session, name).await?;
    }
    succeeded(&session.send(uploaded(name, bytes)).await?)?;
    succeeded(&session.send(command(name, "install")).await?)?;
    delete(session, name).await
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
    let differs = Mutex::new(String::new());
    let differs = || differs.lock().unwrap_or_else(PoisonError::into_inner);
    let same = async || {
        for _ in 0..2 {
            let difference = match wanted {
                Wanted::Copy(kept) => kept.first_loss(&kept.read_again(session).await?),
                Wanted::Package(roots, package) => {
                    let now = Tree::read(session, roots).await?;
                    Kept::of(now, roots.clone()).first_difference_from(package)
                }
            };
            if let Some(path) = difference {
                *differs() = path;
                return Ok(None);
            }
        }
        Ok(Some(()))
    };
    let waited = session.wait_for("the configuration as it was", PATIENCE, same).await;
    waited.map_err(|problem| {
        Problem::error(format!("the configuration is not as it was: {} differs ({})", differs(), problem.reason))
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
