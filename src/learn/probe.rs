//! `bpconform surface probe`: asks a live Author, by reads only, which of the known candidates answer, and looks into the
//! pages that do for the forms of documented actions. A form is read, never sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::{Actions, Evidence, Surface, Surfaces, System};
use bpconform_steps::reply::Reply;
use bpconform_steps::run::Run;
use bpconform_steps::session::Session;
use bpconform_steps::{Call, Problem};
use futures::StreamExt as _;
use regex::Regex;

use crate::error::Error;
use crate::learn::capture::{Capture, Raw};
use crate::learn::recognise::recognise;
use crate::learn::{surface, today};

/// How many questions are open at once.
const AT_ONCE: usize = 4;

/// One address that was asked.
#[derive(Clone, Debug)]
pub struct ProbedAddress {
    /// The surface.
    pub id: String,
    /// The path.
    pub path: String,
    /// Why it may be there.
    pub source: String,
    /// What came back, or why nothing did.
    pub answer: ProbeAnswer,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeAnswer {
    /// What was asked for.
    Right,
    /// Nothing is there.
    Missing,
    /// The user may not see it, or is asked to log in.
    Refused(u16),
    /// Something else.
    Other(String),
}

/// What an Author was found to answer.
#[derive(Debug, Default)]
pub struct ProbeResult {
    /// What was asked, in the order of the endpoints.
    pub asked: Vec<ProbedAddress>,
    /// The endpoints that are found at another path than the built-in one, or in a form.
    pub surfaces: BTreeMap<String, Surface>,
    /// The forms that were recognised, for a person.
    pub forms: Vec<String>,
}

/// The endpoints that the probe may ask: reads, each at one path. It replaces the run's own, whose unknown ones are never
/// sent to a real Author.
pub fn candidates(built_in: &Surfaces) -> Surfaces {
    let own = built_in.iter().filter(|it| it.system == System::Author && it.class == Class::Read && it.method == "GET");
    let known = own.flat_map(|surface| {
        let paths = std::iter::once(&surface.path).chain(&surface.alternatives);
        let known = paths.map(|path| (surface, path.clone(), surface.source.clone()));
        let more = Actions::built_in().candidates.iter().filter(|candidate| candidate.surface == surface.id);
        known
            .chain(more.map(|candidate| (surface, candidate.path.clone(), candidate.source.clone())))
            .collect::<Vec<_>>()
    });
    // What of a path differs from case to case cannot be guessed.
    let whole = known.filter(|(_, path, _)| !path.contains('{')).enumerate();
    let surfaces = whole.map(|(number, (surface, path, source))| Surface {
        id: format!("{}#{number:03}", surface.id),
        path,
        source,
        alternatives: Vec::new(),
        activity: false,
        evidence: Evidence::Inferred,
        ..surface.clone()
    });
    Surfaces::of("candidates", surfaces)
}

/// Asks all candidates. The session's endpoints are those of [`candidates`].
pub async fn probe(session: &Session) -> ProbeResult {
    let surfaces: Vec<Surface> = session.run.surfaces.iter().cloned().collect();
    let asked = surfaces.into_iter().map(|surface| async move {
        let reply = session.send(Call::to(&surface.id)).await;
        (surface, reply)
    });
    let answers: Vec<_> = futures::stream::iter(asked).buffered(AT_ONCE).collect().await;
    let mut found = ProbeResult::default();
    for (surface, reply) in answers {
        found.take(surface, &reply);
    }
    found
}

/// A run that asks only what [`candidates`] names.
pub fn only_candidates(run: Run) -> Run {
    let surfaces = Arc::new(candidates(&run.surfaces));
    Run { allow: bpconform_fixtures::Allow::Observe, surfaces, ..run }
}

impl ProbeResult {
    fn take(&mut self, candidate: Surface, reply: &Result<Reply, Problem>) {
        let id = candidate.id.split('#').next().unwrap_or(&candidate.id).to_owned();
        let answer = reply
            .as_ref()
            .map_or_else(|problem| ProbeAnswer::Other(problem.reason.clone()), |it| judge(&candidate, it));
        if let (Ok(reply), ProbeAnswer::Right) = (reply, &answer) {
            self.forms_of(reply);
            self.keep(&id, &candidate);
        }
        self.asked.push(ProbedAddress { id, path: candidate.path, source: candidate.source, answer });
    }

    /// Keeps a path that answers: the first as the endpoint's own, others of the same endpoint as alternatives.
    fn keep(&mut self, id: &str, candidate: &Surface) {
        let built_in = Surfaces::built_in().get(id);
        if built_in.path == candidate.path && built_in.evidence != Evidence::Unknown && !self.surfaces.contains_key(id)
        {
            return;
        }
        if let Some(known) = self.surfaces.get_mut(id) {
            known.alternatives.push(candidate.path.clone());
            return;
        }
        // What is built in and was not asked for here stays: a second storage root may be empty today.
        let others = std::iter::once(&built_in.path).chain(&built_in.alternatives);
        let others = others.filter(|path| **path != candidate.path && built_in.evidence != Evidence::Unknown);
        let learned = Surface {
            id: id.to_owned(),
            path: candidate.path.clone(),
            alternatives: others.cloned().collect(),
            activity: false,
            evidence: Evidence::Learned,
            source: format!("asked of a live Author, {}", today()),
            note: None,
            ..built_in.clone()
        };
        self.surfaces.insert(id.to_owned(), learned);
    }

    fn forms_of(&mut self, page: &Reply) {
        for capture in forms(page) {
            let Some(recognised) = recognise(&capture, Surfaces::built_in(), Actions::built_in()) else { continue };
            let day = today();
            let source = format!("read in a form of {}, {day}", page.url.path());
            let Ok(learned) = surface::learned(&capture, &recognised, source) else { continue };
            let (id, step) = (learned.id.clone(), &recognised.action.step);
            if self.surfaces.contains_key(&id) {
                continue;
            }
            self.forms.push(format!("{} {}  {step} ({id})", learned.method, learned.path));
            self.surfaces.insert(id, learned);
        }
    }

    /// The summary for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let width = self.asked.iter().map(|asked| asked.id.len()).max().unwrap_or(0);
        for asked in &self.asked {
            let ProbedAddress { id, path, .. } = asked;
            let _ = match &asked.answer {
                ProbeAnswer::Right => writeln!(text, "{id:width$}  answers      {path}"),
                ProbeAnswer::Missing => writeln!(text, "{id:width$}  not there    {path}"),
                ProbeAnswer::Refused(status) => writeln!(text, "{id:width$}  refused {status}  {path}"),
                ProbeAnswer::Other(what) => writeln!(text, "{id:width$}  no answer    {path}: {what}"),
            };
        }
        for form in &self.forms {
            let _ = writeln!(text, "found in a form: {form}");
        }
        let right = self.asked.iter().filter(|asked| asked.answer == ProbeAnswer::Right).count();
        let _ = writeln!(
            text,
            "{right} of {} candidates answer; {} endpoints differ from the built-in ones",
            self.asked.len(),
            self.surfaces.len()
        );
        text
    }

    /// The file of what was found.
    pub fn file(&self) -> Result<String, Error> {
        let surfaces = Surfaces::of("aem-6.5, probed", self.surfaces.values().cloned());
        super::file_text(&surfaces, "Found by `bpconform surface probe`: names and paths only, no values of yours.")
    }
}

fn judge(candidate: &Surface, reply: &Reply) -> ProbeAnswer {
    let login = candidate.path != Surfaces::built_in().get("author.login-page").path
        && reply.text().contains(Surfaces::built_in().get("author.login-page").phrase("ready"));
    let is_json = Path::new(&candidate.path).extension().is_some_and(|extension| extension == "json");
    match reply.status {
        200 if login => ProbeAnswer::Refused(200),
        200 if is_json && reply.json().is_err() => ProbeAnswer::Other("200 without JSON".into()),
        200 => ProbeAnswer::Right,
        // A tree that is too deep to be sent at once is there.
        300 if is_json => ProbeAnswer::Right,
        404 | 410 => ProbeAnswer::Missing,
        301..=303 | 307 | 308 | 401 | 403 => ProbeAnswer::Refused(reply.status),
        status => ProbeAnswer::Other(status.to_string()),
    }
}

/// The forms of a page, as the requests that they would send.
fn forms(page: &Reply) -> Vec<Capture> {
    static FORM: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?is)<form\b([^>]*)>(.*?)</form>").expect("it is tested"));
    static FIELD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?is)<(?:input|select|textarea|coral-[a-z]+)\b([^>]*)>").expect("it is tested"));
    let text = page.text();
    let form = |form: regex::Captures<'_>| {
        let action = attribute(&form[1], "action").unwrap_or_else(|| page.url.path().to_owned());
        let fields = FIELD.captures_iter(&form[2]).filter_map(|field| {
            Some((attribute(&field[1], "name")?, attribute(&field[1], "value").unwrap_or_default()))
        });
        // A field for user input counts as filled: only its name matters.
        let fields = fields.map(|(name, value)| (name, if value.is_empty() { "?".to_owned() } else { value }));
        let method = attribute(&form[1], "method").unwrap_or_else(|| "GET".to_owned());
        let raw = Raw { method, fields: fields.collect(), ..Raw::default() };
        let url = page.url.join(&action).ok()?;
        Capture::reduce("a form".into(), url.as_str(), raw).ok().flatten()
    };
    FORM.captures_iter(&text).filter_map(form).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    static ATTRIBUTE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?s)([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')"#).expect("it is tested"));
    let found = ATTRIBUTE.captures_iter(tag).find(|found| found[1].eq_ignore_ascii_case(name))?;
    let value = found.get(2).or_else(|| found.get(3))?;
    Some(html_escape::decode_html_entities(value.as_str()).into_owned())
}
