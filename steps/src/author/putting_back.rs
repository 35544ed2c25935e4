//! Restores the Brand Portal configuration that a run has replaced, from the package in which it was kept (`keeping.rs`).
//!
//! What the run has not deleted, and somebody has changed meanwhile, is left as it is. What is restored is compared with what
//! was kept before the package may go.

use std::io::Cursor;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zip::ZipArchive;

use super::keeping::{command, copy, download, filter, is_there, package, path, succeeded, throw_away, uploaded};
use super::kept::{Changed, Kept};
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
    if !is_there(session, name).await? {
        let lost = || Problem::error("the package is not on the Author any more, and this machine has no copy of it");
        let copy = state.read(&format!("{name}.zip")).ok_or_else(lost)?;
        succeeded(&session.send(uploaded(name, copy)).await?)?;
    }
    let kept = copy(state, name);
    let bytes = download(session, name).await?;
    let contents = vault::contents(&bytes)?;
    if let Some(missing) = kept.as_ref().and_then(|kept| kept.first_missing_in(&contents)) {
        return Err(Problem::error(format!("the package does not hold {missing} any more and was not installed")));
    }
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Problem::error(error.to_string()))?;
    let mut roots = filter(&archive)?;
    let spared = match &change.spared {
        Some(spared) => still_there(session, spared).await?,
        None => changed_by_others(session, kept.as_ref(), &roots, &contents).await?,
    };
    session.run.journal.puts_back(change.number, &spared);
    roots.retain(|root| !spared.contains(root));
    if spared.is_empty() {
        succeeded(&session.send(command(name, "install")).await?)?;
    } else if !roots.is_empty() {
        install_part(session, &format!("{name}-part"), &roots, archive).await?;
    }
    let wanted = match kept {
        Some(kept) => Wanted::Copy(spared.iter().fold(kept, |kept, root| kept.without(root))),
        None => Wanted::Package(roots, &contents),
    };
    if let Wanted::Copy(kept) = &wanted {
        bring_into_order(session, kept).await?;
    }
    wait_until_restored(session, &wanted).await?;
    // What the run had deleted may have been shown once more by a node of a cluster that lags behind.
    let left = still_there(session, &spared).await?;
    match spared.iter().find(|root| !left.contains(root)) {
        Some(lost) => {
            Err(Problem::error(format!("{lost} was left as it was and is gone now; it is restored next time")))
        }
        None => Ok(()),
    }
}

/// Those of these nodes that are there.
async fn still_there(session: &Session, paths: &[String]) -> Checked<Vec<String>> {
    let mut there = Vec::new();
    for path in paths {
        if Tree::agreed_at(session, path).await?.has(path) {
            there.push(path.clone());
        }
    }
    Ok(there)
}

/// The roots that are there and not as they were kept.
async fn changed_by_others(
    session: &Session,
    kept: Option<&Kept>,
    roots: &[String],
    package: &Contents,
) -> Checked<Vec<String>> {
    let mut changed = Vec::new();
    for root in roots {
        let differs = if let Some(kept) = kept {
            matches!(kept.first_change_at(session, root).await?, Some(Changed::To(_)))
        } else {
            let now = Tree::agreed_at(session, root).await?;
            now.has(root) && Kept::of(now, vec![root.clone()]).first_difference_from(package).is_some()
        };
        if differs {
            changed.push(root.clone());
        }
    }
    Ok(changed)
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
    throw_away(session, name).await?;
    succeeded(&session.send(uploaded(name, bytes)).await?)?;
    succeeded(&session.send(command(name, "install")).await?)?;
    throw_away(session, name).await
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
