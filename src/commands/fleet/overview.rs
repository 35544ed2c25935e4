//! The overview of a fleet: environment by requirement, as a page, as Markdown and as text.

use std::fmt::Write as _;

use bpconform_fixtures::requirements::Document;
use bpconform_fixtures::{Requirement, Requirements};
use serde::Serialize;

use crate::error::Error;
use crate::exit::Exit;
use crate::record::Record;
use crate::report::markdown::escape;
use crate::report::{template, view};
use crate::verdict::Verdict;

/// The template of the page.
const PAGE: &str = "fleet.html.j2";

/// What was found of one environment.
#[derive(Clone, Debug)]
pub(super) struct EnvironmentResult {
    /// Its name.
    pub(super) name: String,
    /// The exit code of its process.
    pub(super) exit: u8,
    /// Why the record is missing.
    pub(super) problem: Option<String>,
    /// Its record.
    pub(super) record: Option<Record>,
}

/// The most severe first: what needs manual action, then deviations, then inconclusive results.
const GRAVEST: [Exit; 9] = [
    Exit::Interrupted,
    Exit::CleanUp,
    Exit::Internal,
    Exit::NonConformant,
    Exit::Baseline,
    Exit::Unreachable,
    Exit::Usage,
    Exit::NothingProved,
    Exit::Green,
];

/// The overview of a fleet.
#[derive(Serialize)]
pub(super) struct Overview {
    title: String,
    word: &'static str,
    mark: &'static str,
    lead: String,
    environments: Vec<EnvironmentRow>,
    sections: Vec<FleetSection>,
    document: &'static Document,
    footer: String,
    #[serde(skip)]
    exit: Exit,
}

/// The requirements of one section of the document.
#[derive(Serialize)]
struct FleetSection {
    title: &'static str,
    link: String,
    rows: Vec<RequirementLine>,
}

#[derive(Serialize)]
struct EnvironmentRow {
    name: String,
    place: Option<String>,
    href: String,
    word: &'static str,
    mark: &'static str,
    outcome: String,
    why: Vec<String>,
    sums: String,
    took: String,
    record: bool,
    #[serde(skip)]
    gravity: usize,
}

#[derive(Serialize)]
struct RequirementLine {
    id: &'static str,
    link: String,
    #[serde(skip)]
    promise: &'static str,
    code: minijinja::Value,
    cells: Vec<VerdictCell>,
}

#[derive(Serialize)]
struct VerdictCell {
    word: &'static str,
    mark: &'static str,
    /// Where the scenarios of the requirement stand, when it did not pass there.
    href: Option<String>,
}

fn known(code: u8) -> Exit {
    GRAVEST.into_iter().find(|exit| exit.code() == code).unwrap_or(Exit::Internal)
}

/// One line for an environment that was checked.
pub(super) fn line(found: &EnvironmentResult) -> String {
    let why = whys(found);
    let why = if why.is_empty() { String::new() } else { format!("  {}", view::shorten(&why.join(" · "), 160)) };
    format!("{:<24}  exit {}: {}{why}", found.name, found.exit, known(found.exit).meaning())
}

fn whys(found: &EnvironmentResult) -> Vec<String> {
    if let Some(problem) = &found.problem {
        return vec![problem.clone()];
    }
    let Some(record) = &found.record else { return vec!["it left no record".into()] };
    let lines = view::causes(record).into_iter().map(|view| {
        let seen = view::shorten(&view.evidence(), 200);
        let follows = view.consequences().map(|count| format!(" ({count})")).unwrap_or_default();
        format!("{}: {}: {seen}{follows}", view.cause.requirement, view.cause.title)
    });
    lines.collect()
}

/// What was checked, as its record says.
fn place(found: &EnvironmentResult) -> Option<String> {
    let target = &found.record.as_ref()?.target;
    let author = target.addresses.get("author").map(ToString::to_string);
    Some(match (author, target.mocks.is_empty()) {
        (None, _) => "the embedded mocks".to_owned(),
        (Some(author), true) => author,
        (Some(author), false) => format!("{author}, mocked: {}", target.mocks.join(", ")),
    })
}

impl Overview {
    /// Draws all environments together.
    pub(super) fn of(found: &[EnvironmentResult]) -> Self {
        let exit = GRAVEST.into_iter().find(|exit| found.iter().any(|one| known(one.exit) == *exit));
        let exit = exit.unwrap_or(Exit::NothingProved);
        let green = found.iter().filter(|one| one.exit == 0).count();
        let not: Vec<&str> = found.iter().filter(|one| one.exit != 0).map(|one| one.name.as_str()).collect();
        let (word, mark) = look(exit);
        Self {
            title: format!("{green} of {} environments conform", found.len()),
            word,
            mark,
            lead: if not.is_empty() { "All of them do.".into() } else { format!("Not so: {}.", not.join(", ")) },
            environments: found.iter().map(EnvironmentRow::of).collect(),
            sections: sections(found),
            document: &Requirements::built_in().document,
            footer: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            exit,
        }
    }

    /// The exit code of the process: the most severe of all environments.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// As a page.
    pub(super) fn html(&self) -> Result<String, Error> {
        // What needs a person's eye comes first.
        let mut first: Vec<&EnvironmentRow> = self.environments.iter().collect();
        first.sort_by_key(|row| row.gravity);
        let templates = template::parsed(&[
            (PAGE, include_str!("../../report/templates/fleet.html.j2")),
            ("report.css", include_str!("../../report/templates/report.css")),
            ("fleet.css", include_str!("../../report/templates/fleet.css")),
        ]);
        template::render(&templates, PAGE, minijinja::context! { first, ..minijinja::Value::from_serialize(self) })
    }

    /// For a step's summary on GitHub, or a ticket.
    pub(super) fn markdown(&self) -> String {
        let mark = if self.exit == Exit::Green { "✅" } else { "❌" };
        let mut text = format!("# {mark} {}\n\n{}\n\n", escape(&self.title), escape(&self.lead));
        text += "| Environment | Outcome | Requirements | Why |\n|---|---|---|---|\n";
        for one in &self.environments {
            let why: Vec<_> = one.why.iter().map(|why| escape(&view::shorten(why, 200))).collect();
            let place = one.place.as_ref().map_or_else(String::new, |place| format!("<br>{}", escape(place)));
            let (name, outcome) = (escape(&one.name) + &place, escape(&one.outcome));
            let _ = writeln!(text, "| {name} | {outcome} | {} | {} |", one.sums, why.join("<br>"));
        }
        text
    }

    /// As text: a column for each environment, and the requirements that failed or are inconclusive somewhere.
    pub(super) fn text(&self) -> String {
        let mut text = format!("\n{}\n", self.title);
        for (number, one) in (1..).zip(&self.environments) {
            let sums = if one.sums.is_empty() { String::new() } else { format!(" ({})", one.sums) };
            let place = one.place.as_ref().map_or_else(String::new, |place| format!("  {place}"));
            let _ = writeln!(text, "  {number:>3}  {} {:<24}  {}{sums}{place}", one.mark, one.name, one.outcome);
            one.why.iter().for_each(|why| {
                let _ = writeln!(text, "         {}", view::shorten(why, 160));
            });
        }
        let rows = self.sections.iter().flat_map(|section| &section.rows);
        let rows = rows.filter(|row| row.cells.iter().any(|cell| matches!(cell.word, "failed" | "error")));
        let mut rows = rows.peekable();
        if rows.peek().is_some() {
            let head: String = (1..=self.environments.len()).map(|number| format!("{number:>4}")).collect();
            let _ = writeln!(text, "\n  {:<10}{head}", "");
        }
        for row in rows {
            let cells: String = row.cells.iter().map(|cell| format!("{:>4}", cell.mark)).collect();
            let _ = writeln!(text, "  {:<10}{cells}  {}", row.id, view::shorten(row.promise, 60));
        }
        let _ = writeln!(text, "\nfleet: {} · exit {}: {}", self.title, self.exit.code(), self.exit.meaning());
        text
    }
}

impl EnvironmentRow {
    fn of(found: &EnvironmentResult) -> Self {
        let exit = known(found.exit);
        let (word, mark) = look(exit);
        Self {
            name: found.name.clone(),
            place: place(found),
            href: href(found),
            word,
            mark,
            outcome: found
                .record
                .as_ref()
                .filter(|_| exit == Exit::Green)
                .map_or_else(|| exit.meaning().to_owned(), Record::result),
            why: whys(found),
            sums: found.record.as_ref().map_or_else(String::new, sums),
            took: found.record.as_ref().map_or_else(String::new, |record| view::time(record.duration_ms)),
            record: found.record.is_some(),
            gravity: GRAVEST.iter().position(|one| *one == exit).unwrap_or_default(),
        }
    }
}

fn look(exit: Exit) -> (&'static str, &'static str) {
    match exit {
        Exit::Green => ("passed", view::mark(Verdict::Passed)),
        Exit::NonConformant | Exit::Baseline => ("failed", view::mark(Verdict::Failed)),
        _ => ("error", view::mark(Verdict::Error)),
    }
}

fn href(found: &EnvironmentResult) -> String {
    format!("{}/report.html", found.name)
}

/// `48 proved, 1 failed, 1 not checked`
fn sums(record: &Record) -> String {
    let n = |verdicts: &[Verdict]| record.requirements.iter().filter(|one| verdicts.contains(&one.verdict)).count();
    let parts = [
        (n(&[Verdict::Passed]), "proved"),
        (n(&[Verdict::Failed]), "failed"),
        (n(&[Verdict::Error]), "inconclusive"),
        (n(&[Verdict::Skipped, Verdict::Unproven]), "not checked"),
        (n(&[Verdict::NotApplicable]), "not applicable"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// The requirements about which an environment says something, by section of the document.
fn sections(found: &[EnvironmentResult]) -> Vec<FleetSection> {
    let mut sections: Vec<FleetSection> = Vec::new();
    for requirement in &Requirements::built_in().all {
        let Some(line) = row(requirement, found) else { continue };
        match sections.last_mut().filter(|section| section.title == requirement.section) {
            Some(section) => section.rows.push(line),
            None => {
                sections.push(FleetSection { title: &requirement.section, link: line.link.clone(), rows: vec![line] });
            }
        }
    }
    sections
}

/// A requirement in all environments; none when no environment says anything about it.
fn row(requirement: &'static Requirement, found: &[EnvironmentResult]) -> Option<RequirementLine> {
    let verdict = |one: &EnvironmentResult| {
        let found = one.record.as_ref()?.requirements.iter().find(|found| found.id == requirement.id)?;
        Some(found.verdict)
    };
    let cell = |one: &EnvironmentResult| {
        let verdict = verdict(one).unwrap_or_default();
        let href = matches!(verdict, Verdict::Failed | Verdict::Error);
        let href = href.then(|| format!("{}#q={}", self::href(one), requirement.id));
        VerdictCell { word: verdict.word(), mark: view::mark(verdict), href }
    };
    let is_without_result = |verdict| matches!(verdict, Verdict::Unproven | Verdict::NotApplicable);
    let is_judged = found.iter().any(|one| verdict(one).is_some_and(|verdict| !is_without_result(verdict)));
    is_judged.then(|| RequirementLine {
        id: &requirement.id,
        link: Requirements::built_in().link(requirement),
        promise: &requirement.promise,
        code: template::code(&requirement.promise),
        cells: found.iter().map(cell).collect(),
    })
}
