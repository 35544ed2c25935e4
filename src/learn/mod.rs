//! `bpconform surface`: which endpoints the harness knows and how well, and how it learns those that are documented
//! nowhere: from what an operator captured in the browser, or by asking a live Author.

pub mod body;
pub mod capture;
pub mod curl;
pub mod har;
mod lenient;
mod pages;
pub mod probe;
pub mod recognise;
pub mod recorder;
pub mod show;
pub mod surface;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bpconform_fixtures::actions::Action;
use bpconform_fixtures::{Actions, Surface, Surfaces};
use bpconform_steps::redact::Redactor;
use bpconform_steps::run::PageAction;
use jiff::Timestamp;

use crate::error::Error;
use crate::learn::capture::Capture;
use crate::learn::recognise::{Recognised, recognise};

/// What was learned.
#[derive(Debug, Default)]
pub struct Learned {
    /// The endpoints, by id.
    pub surfaces: BTreeMap<String, Surface>,
    /// What became of each request that was recognised, for a person.
    pub notes: Vec<String>,
    /// How many requests the captures hold that may be an action.
    pub requests: usize,
    scores: BTreeMap<String, usize>,
    secrets: Vec<String>,
    hosts: Vec<String>,
    /// What only requests teach that the Author refused, by endpoint: the best of them.
    refused: BTreeMap<String, Refused>,
}

/// An endpoint that a request teaches although the Author refused it.
#[derive(Debug)]
struct Refused {
    surface: Surface,
    score: usize,
    /// The request, and how it was answered.
    what: String,
}

/// Reads the captures. The error names the file, and the entry or the line.
pub fn learn(har: &[PathBuf], curl: &[PathBuf]) -> Result<Learned, Error> {
    let mut learned = Learned::default();
    let wrong = |file: &Path, problem| Error::Capture { file: file.to_owned(), problem };
    for file in har {
        self::har::read(file, |capture| learned.take(file, capture)).map_err(|problem| wrong(file, problem))?;
    }
    for file in curl {
        self::curl::read(file, |capture| learned.take(file, capture)).map_err(|problem| wrong(file, problem))?;
    }
    learned.take_refused();
    Ok(learned)
}

/// Learns from the requests by which pages did the actions of a run. An endpoint for which pages sent different requests is
/// not written: nothing says which of them does it.
pub fn learned_from_pages(sent: &[PageAction]) -> Learned {
    let mut learned = Learned { requests: sent.len(), ..Learned::default() };
    for of_one in sent.chunk_by(|one, other| one.surface == other.surface) {
        learned.take_pages(of_one);
    }
    learned
}

impl Learned {
    /// Takes the requests of pages for one endpoint.
    fn take_pages(&mut self, sent: &[PageAction]) {
        let source = format!("sent by a page of the Author in a browser, {}", today());
        let (mut read, mut problems) = (Vec::new(), Vec::new());
        for action in sent {
            match pages::learned(action, source.clone()) {
                Ok((surface, secrets)) => {
                    self.secrets.extend(secrets);
                    read.push((action.values.len(), surface));
                }
                Err(problem) => problems.push(format!("{}: not written: {problem}", action.surface)),
            }
        }
        let addresses: BTreeSet<_> =
            read.iter().map(|(_, surface)| format!("{} {}", surface.method, surface.path)).collect();
        match read.into_iter().max_by_key(|(values, _)| *values) {
            Some((_, surface)) if addresses.len() == 1 && problems.is_empty() => {
                self.notes.push(format!("{} {} -> {}", surface.method, surface.path, surface.id));
                self.surfaces.insert(surface.id.clone(), surface);
            }
            Some((_, surface)) if addresses.len() > 1 => {
                let all = addresses.into_iter().collect::<Vec<_>>().join(", ");
                self.notes.push(format!("{}: not written: its pages sent different requests: {all}", surface.id));
            }
            _ => self.notes.extend(problems),
        }
    }

    fn take(&mut self, file: &Path, capture: Capture) {
        self.requests += 1;
        if !self.hosts.contains(&capture.host) {
            self.hosts.push(capture.host.clone());
        }
        if let Some(recognised) = recognise(&capture, Surfaces::built_in(), Actions::built_in()) {
            let source = self.source(file, &capture);
            match &capture.refused {
                Some(answer) => self.take_refusal(&capture, &recognised, source, answer),
                // A problem is a note already.
                None => {
                    let _ = self.take_as(&capture, &recognised, source);
                }
            }
        }
        if let Some(problem) = &capture.unread {
            self.notes.push(format!("{}: {}: {problem}", capture.place, capture.method));
        }
        self.secrets.extend(capture.secrets);
    }

    /// Takes a request as that action, unless another one that looked more like it was taken before. The error says why it
    /// cannot be written.
    fn take_as(&mut self, capture: &Capture, recognised: &Recognised<'_>, source: String) -> Result<(), String> {
        let id = &recognised.surface.id;
        let better = self.scores.get(id).is_none_or(|best| recognised.score > *best);
        let what = format!("{}: {} {}", capture.place, capture.method, recognised.action.step);
        let learned = surface::learned(capture, recognised, source);
        let learned = learned.inspect_err(|problem| self.notes.push(format!("{what}: not written: {problem}")))?;
        if better {
            self.notes.push(format!("{what} -> {id}"));
            self.scores.insert(id.clone(), recognised.score);
            self.surfaces.insert(id.clone(), learned);
        }
        Ok(())
    }

    /// Takes a request that the Author refused, which teaches an endpoint only if no other one does.
    fn take_refusal(&mut self, capture: &Capture, recognised: &Recognised<'_>, source: String, answer: &str) {
        let what = format!("{}: {} {}", capture.place, capture.method, recognised.action.step);
        match surface::learned(capture, recognised, source) {
            Err(problem) => self.notes.push(format!("{what}: not written: {problem}")),
            Ok(surface) => {
                let what = format!("{what}: the Author {answer}");
                self.refuse(Refused { surface, score: recognised.score, what });
            }
        }
    }

    /// Keeps the better of the refused requests for an endpoint, and names the other one.
    fn refuse(&mut self, refused: Refused) {
        let id = refused.surface.id.clone();
        let other = match self.refused.remove(&id) {
            Some(best) if best.score >= refused.score => {
                self.refused.insert(id, best);
                Some(refused)
            }
            worse => {
                self.refused.insert(id, refused);
                worse
            }
        };
        self.notes.extend(other.map(|other| format!("{}, not learned", other.what)));
    }

    /// What the Author refused is learned only if no other request teaches it, and with a warning.
    fn take_refused(&mut self) {
        for (id, Refused { mut surface, score, what }) in std::mem::take(&mut self.refused) {
            if self.surfaces.contains_key(&id) {
                self.notes.push(format!("{what}, not learned"));
                continue;
            }
            self.notes.push(format!(
                "{what} -> {id}\n    warning: no other request teaches it; capture the step again where it succeeds"
            ));
            let note = "the captured request was refused";
            surface.note = Some(surface.note.take().map_or_else(|| note.to_owned(), |more| format!("{note}; {more}")));
            self.scores.insert(id.clone(), score);
            self.surfaces.insert(id, surface);
        }
    }

    /// Where an endpoint comes from. A browser names a HAR after the host, which must stay private.
    fn source(&self, file: &Path, capture: &Capture) -> String {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let telling = self.hosts.iter().any(|host| name.contains(host.as_str()));
        let name = if telling || name.chars().any(char::is_control) { "a capture".to_owned() } else { name };
        let day = capture.day.clone().unwrap_or_else(today);
        format!("captured from {name}, {day}")
    }

    /// The file of the endpoints. What would hold a secret of the capture, in whatever form, is not written.
    pub fn text(&self) -> Result<String, Error> {
        let surfaces = Surfaces::of("aem-6.5, learned", self.surfaces.values().cloned());
        let text =
            file_text(&surfaces, "Learned by `bpconform surface learn`: names and paths only, no values of yours.")?;
        if self.holds_no_secret(&text)? {
            Ok(text)
        } else {
            Err(Error::Usage("what was learned would hold a secret of the capture, and is not written".into()))
        }
    }

    fn holds_no_secret(&self, text: &str) -> Result<bool, Error> {
        let redactor = Redactor::default();
        let known = show::toml(Surfaces::built_in())?;
        // A password like `admin` is part of every second path: it cannot be distinguished from the same word in a path.
        self.secrets.iter().filter(|secret| !known.contains(secret.as_str())).for_each(|secret| redactor.learn(secret));
        Ok(redactor.redact_known(text) == text)
    }

    /// Leaves out each endpoint that would hold a secret, so that the others can be written.
    fn leave_out_secrets(&mut self) -> Result<(), Error> {
        for (id, surface) in std::mem::take(&mut self.surfaces) {
            if self.holds_no_secret(&show::toml(&Surfaces::of("one", [surface.clone()]))?)? {
                self.surfaces.insert(id, surface);
            } else {
                self.notes.push(format!("{id}: not written: it would hold a secret"));
            }
        }
        Ok(())
    }

    /// The summary of what pages sent.
    pub fn of_pages(&self) -> String {
        let mut text = format!("{} endpoints learned from the pages of the Author\n", self.surfaces.len());
        for note in &self.notes {
            let _ = writeln!(text, "  {note}");
        }
        text
    }

    /// The documented actions that are unknown, and not learned either.
    fn missing(&self) -> impl Iterator<Item = &'static Action> {
        unknown_actions().filter(|action| !self.surfaces.contains_key(&action.surface))
    }

    /// The summary for people: what was recognised, and what is missing.
    pub fn summary(&self) -> String {
        let mut text = format!("{} requests, {} actions recognised\n", self.requests, self.surfaces.len());
        for note in &self.notes {
            let _ = writeln!(text, "  {note}");
        }
        for action in self.missing() {
            let _ = writeln!(text, "  not there, and unknown so far: {} ({})", action.step, action.surface);
        }
        text
    }
}

/// The documented actions whose requests no file knows.
fn unknown_actions() -> impl Iterator<Item = &'static Action> {
    let is_unknown = |action: &&Action| Surfaces::built_in().find(&action.surface).is_some_and(is_unknown);
    Actions::built_in().all.iter().filter(is_unknown)
}

/// The day in UTC, `2026-11-23`.
fn today() -> String {
    Timestamp::now().strftime("%Y-%m-%d").to_string()
}

fn is_unknown(surface: &Surface) -> bool {
    surface.evidence == bpconform_fixtures::Evidence::Unknown
}

/// The text of a file of endpoints, as `--surfaces` takes it.
pub fn file_text(surfaces: &Surfaces, head: &str) -> Result<String, Error> {
    Ok(format!(
        "# {head}\n# Use it with --surfaces FILE; it overrides the built-in endpoints.\n\n{}",
        show::toml(surfaces)?
    ))
}

#[cfg(test)]
mod tests;
