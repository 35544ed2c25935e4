//! The journal of a run on a real Author: created before anything is sent, and undone at the end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bpconform_fixtures::{Allow, Surfaces, System};
use bpconform_steps::Problem;
use bpconform_steps::author::lock;
use bpconform_steps::journal::{self, Change, FORMAT, Header, Journal};
use bpconform_steps::session::Session;
use bpconform_steps::undo::Undo;
use bpconform_steps::undoing;
use jiff::Timestamp;

use crate::error::Error;
use crate::run::options::Options;
use crate::run::target::Target;

/// The journal's name in the directory of `--out`.
pub(crate) const JOURNAL: &str = "journal.jsonl";

/// The time limit for undoing all remaining changes at the end of a run.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// Creates the journal of a run that may change a real Author. Other runs get an empty one.
pub(super) fn begin(options: &Options, id: &str) -> Result<Journal, Error> {
    let Some((stack, _)) = options.target.real() else { return Ok(Journal::default()) };
    if options.allow < Allow::Change {
        return Ok(Journal::default());
    }
    let path = options.journal.clone().unwrap_or_else(|| PathBuf::from(format!("bpconform-{id}.journal")));
    make_room(&path)?;
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(|source| Error::Write { file: path.clone(), source })?;
    }
    let surfaces = (*options.surfaces != *Surfaces::built_in()).then(|| (*options.surfaces).clone());
    let header = Header {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        run: id.to_owned(),
        began: Timestamp::now(),
        stack: stack.clone(),
        container: matches!(options.target, Target::Container(_)),
        surfaces,
        // `bpconform clean` may be started in another directory.
        state_dir: options.settings.state_dir.as_deref().and_then(|directory| std::path::absolute(directory).ok()),
    };
    Journal::create(&path, header).map_err(|source| Error::Write { file: path, source })
}

/// Removes the journal of an earlier run, but only if all its changes were undone.
fn make_room(path: &Path) -> Result<(), Error> {
    let remove = || std::fs::remove_file(path).map_err(|source| Error::Write { file: path.to_owned(), source });
    let earlier = match journal::text(path) {
        Ok(text) if journal::is_cut_at_start(&text) && !journal::is_in_use(path) => return remove(),
        Ok(text) => journal::read(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error.to_string()),
    };
    let problem = match earlier {
        Ok(_) if journal::is_in_use(path) => {
            format!("{} is the journal of an active run; name another file with --journal", path.display())
        }
        Ok(earlier) if earlier.open.is_empty() => return remove(),
        Ok(earlier) => format!(
            "{} changes of the run {} are not undone; first run `bpconform clean {}`",
            earlier.open.len(),
            earlier.header.run,
            path.display()
        ),
        Err(problem) => format!("the file exists and is not a journal ({problem}); name another file with --journal"),
    };
    Err(Error::Read { file: path.to_owned(), problem })
}

/// The changes that could not be undone, and the journal that contains them.
pub(super) type Left = (Vec<String>, Option<PathBuf>);

async fn undo_locked(session: &Session, changes: Vec<Change>) -> Vec<Problem> {
    let only_locks = |change: &Change| change.undo.iter().all(|undo| matches!(undo, Undo::Lock { .. }));
    if changes.iter().all(only_locks) {
        // What is left of an attempt to take the lock goes, whoever holds it.
        return undoing::carry_out(session, changes).await;
    }
    match lock::extend(session, LIMIT).await {
        Ok(()) => undoing::carry_out_all(session).await.1,
        // The run took longer than its lock lasts, and another has begun.
        Err(problem) => {
            let left = |change: &Change| {
                let undo: Vec<_> = change.undo.iter().map(ToString::to_string).collect();
                Problem::error(format!("{}: to do: {}: {}", change.request, undo.join(", "), problem.reason))
            };
            changes.iter().filter(|change| !only_locks(change)).map(left).collect()
        }
    }
}

/// Undoes the changes that scenarios left, because they panicked or could not undo them. If the Author's repository is
/// removed with its container, changes in it need no undo, but deliveries to the tenant do.
pub(super) async fn finish(session: &Session, keep: bool, author_goes: bool) -> Left {
    let journal = &session.run.journal;
    let changes = journal.open(None);
    let mut left = Vec::new();
    if !changes.is_empty() {
        match tokio::time::timeout(LIMIT, undo_locked(&session.undoing(), changes)).await {
            Ok(problems) => left.extend(problems.into_iter().map(|problem| problem.reason)),
            Err(_) => left.push(format!("undoing was stopped after {} s", LIMIT.as_secs())),
        }
    }
    if author_goes {
        let delivers = !session.run.mocks.contains(&System::Tenant);
        let goes = |undo: &Undo| undo.is_in_the_author() || undo.is_at_the_tenant() && !delivers;
        let gone = journal.open(None).into_iter().filter(|change| change.undo.iter().all(goes));
        // What a later process finds of it is on no Author any more.
        gone.for_each(|change| drop(journal.settle(change.number, None)));
        if journal.open(None).is_empty() {
            left.clear();
        }
    }
    (left, journal.close(keep))
}
