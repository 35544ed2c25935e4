//! The journal of a run on a real Author: begun before anything is sent, and at the end everything in it is undone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bpconform_fixtures::{Allow, Surfaces};
use bpconform_steps::journal::{self, FORMAT, Header, Journal};
use bpconform_steps::session::Session;
use bpconform_steps::undo;
use jiff::Timestamp;

use crate::error::Error;
use crate::run::Options;

/// The journal's name in the directory of `--out`.
pub(crate) const JOURNAL: &str = "journal.jsonl";

/// How long undoing all that scenarios left may take.
const LIMIT: Duration = Duration::from_secs(300);

/// Begins the journal of a run that may change a real Author; any other run has nothing to write down.
pub(super) fn begin(options: &Options, id: &str) -> Result<Journal, Error> {
    let Some((stack, _)) = options.target.real() else { return Ok(Journal::default()) };
    if options.allow < Allow::Change || options.target.is_thrown_away() {
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
        surfaces,
    };
    Journal::create(&path, header).map_err(|source| Error::Write { file: path, source })
}

/// A journal of an earlier run makes room only when everything in it was undone.
fn make_room(path: &Path) -> Result<(), Error> {
    let earlier = match std::fs::read_to_string(path) {
        Ok(text) => journal::read(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error.to_string()),
    };
    let problem = match earlier {
        Ok(earlier) if earlier.open.is_empty() => {
            return std::fs::remove_file(path).map_err(|source| Error::Write { file: path.to_owned(), source });
        }
        Ok(earlier) => format!(
            "{} changes of the run {} are not undone; first run `bpconform clean {}`",
            earlier.open.len(),
            earlier.header.run,
            path.display()
        ),
        Err(problem) => format!("it is there and is no journal ({problem}); name another with --journal"),
    };
    Err(Error::Read { file: path.to_owned(), problem })
}

/// What could not be undone, and the journal in which that stands.
pub(super) type Left = (Vec<String>, Option<PathBuf>);

/// Undoes what no scenario has undone itself: one that was broken off by a panic, or could not undo something.
pub(super) async fn finish(session: &Session, keep: bool) -> Left {
    let journal = &session.run.journal;
    let changes = journal.open(None);
    let mut left = Vec::new();
    if !changes.is_empty() {
        match tokio::time::timeout(LIMIT, undo::carry_out(&session.undoing(), changes)).await {
            Ok(problems) => left.extend(problems.into_iter().map(|problem| problem.reason)),
            Err(_) => left.push(format!("undoing was broken off after {} s", LIMIT.as_secs())),
        }
    }
    (left, journal.close(keep))
}
