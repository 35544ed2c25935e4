//! `bpconform clean`: reads the journal of a run and undoes the changes that the run could not undo itself, because it was
//! killed or the Author did not answer. It can be repeated. With `--containers` it sweeps the Docker Engine instead.

use std::path::Path;
use std::sync::Arc;

use bpconform_fixtures::{Allow, Surfaces};
use bpconform_steps::author::keeping;
use bpconform_steps::author::lock::{self, Holder};
use bpconform_steps::journal::{self, Change, Journal};
use bpconform_steps::run::{Run, Settings};
use bpconform_steps::session::Session;
use bpconform_steps::undoing;
use bpconform_steps::wire::Wire;
use url::Url;

use crate::cli::clean::CleanArgs;
use crate::container::sweep;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::reach::{Reach, SettingSources};
use crate::run::id::run_id;
use crate::run::preflight;
use crate::run::undo::{JOURNAL, LIMIT};
use crate::surroundings;

/// Carries out `bpconform clean`.
pub async fn command(arguments: &CleanArgs, place: SettingSources<'_>, output: &Output) -> Result<Exit, Error> {
    if arguments.lock {
        return remove_lock(arguments, place, output).await;
    }
    let Some(journal) = &arguments.journal else {
        return sweep::clean(&arguments.sweep, arguments.dry_run, output).await;
    };
    let path = if journal.is_dir() { journal.join(JOURNAL) } else { journal.clone() };
    let text = text(&path)?;
    if journal::is_cut_at_start(&text) && !journal::is_in_use(&path) {
        output.print_text("nothing to undo: the run was killed before it changed anything\n");
        return Ok(Exit::Green);
    }
    let journal::Read { header, open, .. } = read(&path, &text)?;
    let state_dir = arguments.state.named().or(header.state_dir.clone()).or_else(|| arguments.state.directory());
    let copies = keeping::copies(state_dir.as_deref(), &header.run);
    if open.is_empty() {
        output.print_text(&format!("nothing to undo: every change of the run {} was undone\n", header.run));
        // Another machine may have undone the last of them, without these copies.
        if !arguments.dry_run && !journal::is_in_use(&path) {
            copies.iter().try_for_each(|file| remove(file, output))?;
        }
        return Ok(Exit::Green);
    }
    if let Some(other) = arguments.accept.iter().find(|node| !open.iter().any(|change| change.is_about(node))) {
        return Err(Error::Usage(format!(
            "--accept {other}: the run {} has neither deleted nor made such a node, or that is undone; name the path that a \
             message of `clean` shows",
            header.run
        )));
    }
    if arguments.dry_run {
        open.iter().rev().for_each(|change| output.print_text(&change_line(change)));
        return Ok(Exit::Green);
    }
    let (mut target, mut stack) = (arguments.target.clone(), header.stack);
    // The address that the run knew; another one may be the same Author's.
    let mut moved_from = None;
    match target.author_url.take() {
        // The changes carry the run's id, so another Author has none of them.
        Some(there) if header.container => stack.author = there,
        Some(other) if other != stack.author => moved_from = Some(std::mem::replace(&mut stack.author, other)),
        None if header.container => {
            let advice = "start it again on its volume, and say where it is with --author-url".to_owned();
            return Err(Error::Missing { what: "address of the Author, which was a container", advice });
        }
        _ => {}
    }
    let author = stack.author.clone();
    target.author_url = Some(author.clone());
    let Reach { credentials, connection, .. } = Reach::author(&target, place, output)?;
    let surfaces = Arc::new(header.surfaces.unwrap_or_else(|| Surfaces::built_in().clone()));
    let wire = Wire::new(&connection).map_err(|error| Error::Usage(error.to_string()))?;
    let journal = Journal::resume(&path).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => Error::Usage(format!(
            "{}: the run goes on, and undoes by itself what it changed; wait for its end, or end it",
            path.display()
        )),
        _ => Error::Write { file: path.clone(), source },
    })?;
    let elsewhere = header.state_dir.filter(|_| copies.is_empty() && open.iter().any(Change::keeps_copies));
    let settings = Settings { state_dir, ..Settings::default() };
    let run = Run {
        journal,
        settings,
        ..Run::new(header.run.as_str(), Allow::Change, surfaces, wire, output.redactor.clone())
    };
    let session = Session::new(Arc::new(run), stack, credentials).undoing();
    let unreachable = |problem| Error::Unreachable { url: author.to_string(), problem };
    check_author(&session, moved_from.as_ref(), &path).await?;
    // The lock of a run that was killed may be about to expire.
    lock::extend(&session, LIMIT).await.map_err(|problem| unreachable(problem.reason))?;
    let locked = lock::is_ours(&session).await;
    if !locked.map_err(|problem| unreachable(problem.reason))? {
        let taken = lock::take(&session, &surroundings::host_name(), LIMIT).await;
        taken.map_err(|problem| unreachable(problem.reason))?;
    }
    for node in &arguments.accept {
        session.run.journal.accept(node).map_err(|source| Error::Write { file: path.clone(), source })?;
    }
    let (count, left) = undoing::carry_out_all(&session).await;
    for problem in &left {
        output.err(&format!("could not be undone: {}\n", problem.reason));
    }
    output.print_text(&format!(
        "{} of {count} changes of the run {} are undone at {author}\n",
        count - left.len(),
        header.run
    ));
    if left.is_empty() && session.run.journal.open(None).is_empty() {
        // Another machine may have undone what they were kept for.
        let copies = keeping::copies(session.run.settings.state_dir.as_deref(), &header.run);
        copies.iter().try_for_each(|file| remove(file, output))?;
    }
    if let Some(directory) = elsewhere {
        output.err(&copies_elsewhere(&directory, left.is_empty()));
    }
    Ok(if left.is_empty() { Exit::Green } else { Exit::CleanUp })
}

/// An error unless the Author can be used. At another address than the run knew it must have something of the run: then it is
/// the same one.
async fn check_author(session: &Session, known: Option<&Url>, journal: &Path) -> Result<(), Error> {
    let (checked, author) = (preflight::check(session).await, &session.stack.author);
    let Some(known) = known else {
        return checked.map_err(|problem| Error::Unreachable { url: author.to_string(), problem });
    };
    let is_known = match checked {
        Ok(()) => keeping::is_known(session).await.map_err(|problem| problem.reason),
        Err(problem) => Err(problem),
    };
    let why = match is_known {
        Ok(true) => return Ok(()),
        Ok(false) => "nothing of the run is there".to_owned(),
        Err(problem) => problem,
    };
    Err(Error::Usage(format!(
        "{}: the journal is of the Author at {known}, not {author}: {why}; leave --author-url out, or name the address at which \
         that Author is now",
        journal.display()
    )))
}

/// What to do about the copies that the machine of the run may have, with key material.
fn copies_elsewhere(directory: &Path, is_undone: bool) -> String {
    let advice = if is_undone {
        "delete its files there"
    } else {
        "before you run `bpconform clean` there, copy this journal back: only this one says what is undone"
    };
    format!(
        "note: this machine has no copy of the configuration; the machine of the run may have one, with key material, in {}: \
         {advice}\n",
        directory.display()
    )
}

fn remove(file: &Path, output: &Output) -> Result<(), Error> {
    std::fs::remove_file(file).map_err(|source| Error::Write { file: file.to_owned(), source })?;
    output.print_text(&format!("removed: {}, a copy of the configuration\n", file.display()));
    Ok(())
}

/// Removes the lock of a run that was killed and whose journal is lost.
async fn remove_lock(arguments: &CleanArgs, place: SettingSources<'_>, output: &Output) -> Result<Exit, Error> {
    let Reach { stack, credentials, connection, .. } = Reach::author(&arguments.target, place, output)?;
    let author = stack.author.clone();
    let wire = Wire::new(&connection).map_err(|error| Error::Usage(error.to_string()))?;
    let surfaces = Arc::new(Surfaces::built_in().clone());
    let run = Run::new(run_id(), Allow::Change, surfaces, wire, output.redactor.clone());
    let session = Session::new(Arc::new(run), stack, credentials).undoing();
    let unreachable = |problem| Error::Unreachable { url: author.to_string(), problem };
    preflight::check(&session).await.map_err(unreachable)?;
    if arguments.dry_run {
        let holder = lock::holder(&session).await.map_err(|problem| unreachable(problem.reason))?;
        output.out(&lock_line("would be removed", holder.as_ref()));
        return Ok(Exit::Green);
    }
    match lock::remove(&session).await {
        Ok(holder) => {
            output.out(&lock_line("was removed", holder.as_ref()));
            Ok(Exit::Green)
        }
        Err(problem) => {
            output.err(&format!("the lock could not be removed: {}\n", problem.reason));
            Ok(Exit::CleanUp)
        }
    }
}

fn lock_line(done: &str, holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) => format!("the lock of {holder} {done}\n"),
        None => "the Author is not locked\n".to_owned(),
    }
}

fn text(path: &Path) -> Result<String, Error> {
    let advice = "a run that changed nothing leaves none; name the journal, or the directory of --out";
    let unreadable = |error| Error::Read { file: path.to_owned(), problem: format!("{error}; {advice}") };
    journal::text(path).map_err(unreadable)
}

/// Reads a journal; one that no run of ours wrote is refused.
fn read(path: &Path, text: &str) -> Result<journal::Read, Error> {
    let wrong = |problem: String| Error::Read { file: path.to_owned(), problem };
    let read = journal::read(text).map_err(|problem| wrong(format!("{problem}; name the journal that a run left")))?;
    let run = &read.header.run;
    if run.len() != 7 || !run.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()) {
        return Err(wrong("line 1: no run of bpconform has such an id; nothing is undone".into()));
    }
    Ok(read)
}

fn change_line(change: &Change) -> String {
    let undo: String = change.undo.iter().map(|undo| format!("    would {undo}\n")).collect();
    let nothing = if undo.is_empty() { "    goes with what is undone after it\n" } else { "" };
    format!("{}  ({})\n{undo}{nothing}", change.request, change.scenario)
}
