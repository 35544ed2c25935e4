//! The overview of a fleet: environment by requirement, as a page and as text.

use std::fmt::Write as _;

use bpconform_fixtures::Requirements;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use crate::error::Error;
use crate::exit::Exit;
use crate::record::Record;
use crate::report::view;
use crate::verdict::Verdict;

/// What was found of one environment.
#[derive(Clone, Debug)]
pub(super) struct Result {
    /// Its name.
    pub(super) name: String,
    /// What its process told.
    pub(super) exit: u8,
    /// Why there is no record.
    pub(super) problem: Option<String>,
    /// Its record.
    pub(super) record: Option<Record>,
}

/// The gravest first: what asks for a hand comes before what does not conform, and that before what could not be told.
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
    lead: String,
    environments: Vec<Row>,
    rows: Vec<Line>,
    #[serde(skip)]
    exit: Exit,
}

#[derive(Serialize)]
struct Row {
    name: String,
    href: String,
    word: &'static str,
    mark: &'static str,
    outcome: String,
    why: Vec<String>,
    took: String,
    record: bool,
}

#[derive(Serialize)]
struct Line {
    id: &'static str,
    link: String,
    promise: &'static str,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    word: &'static str,
    mark: &'static str,
}

fn known(code: u8) -> Exit {
    GRAVEST.into_iter().find(|exit| exit.code() == code).unwrap_or(Exit::Internal)
}

/// One line for an environment that was checked.
pub(super) fn line(found: &Result) -> String {
    let why = whys(found);
    let why = if why.is_empty() { String::new() } else { format!("  {}", view::shorten(&why.join(" · "), 160)) };
    format!("{:<24}  exit {}: {}{why}", found.name, found.exit, known(found.exit).meaning())
}

fn whys(found: &Result) -> Vec<String> {
    if let Some(problem) = &found.problem {
        return vec![problem.clone()];
    }
    let Some(record) = &found.record else { return vec!["it left no record".into()] };
    let told = record.requirements.iter().filter(|one| matches!(one.verdict, Verdict::Failed | Verdict::Error));
    told.map(|one| format!("{}: {}", one.id, view::shorten(one.reason.as_deref().unwrap_or_default(), 200))).collect()
}

impl Overview {
    /// Draws all environments together.
    pub(super) fn of(found: &[Result]) -> Self {
        let exit = GRAVEST.into_iter().find(|exit| found.iter().any(|one| known(one.exit) == *exit));
        let green = found.iter().filter(|one| one.exit == 0).count();
        Self {
            title: format!("{green} of {} environments conform", found.len()),
            lead: "One record for each environment; below, what each promise of the documentation came to in each."
                .into(),
            environments: found.iter().map(Row::of).collect(),
            rows: Requirements::built_in().all.iter().filter_map(|one| row(&one.id, found)).collect(),
            exit: exit.unwrap_or(Exit::NothingProved),
        }
    }

    /// What the process tells its caller: the gravest of all environments.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// As a page.
    pub(super) fn html(&self) -> std::result::Result<String, Error> {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(
            |name| {
                if name.ends_with(".j2") { AutoEscape::Html } else { AutoEscape::None }
            },
        );
        let defect = |error: minijinja::Error| Error::Internal(format!("the overview cannot be drawn: {error:#}"));
        let page = include_str!("../report/templates/fleet.html.j2");
        templates.add_template("fleet.html.j2", page).map_err(defect)?;
        templates.add_template("report.css", include_str!("../report/templates/report.css")).map_err(defect)?;
        templates.get_template("fleet.html.j2").and_then(|page| page.render(self)).map_err(defect)
    }

    /// As text: a column for each environment, and the promises that are not kept or proved everywhere alike.
    pub(super) fn text(&self) -> String {
        let mut text = format!("\n{}\n", self.title);
        for (number, one) in (1..).zip(&self.environments) {
            let _ = writeln!(text, "  {number:>3}  {} {:<24}  {}", one.mark, one.name, one.outcome);
            one.why.iter().for_each(|why| {
                let _ = writeln!(text, "         {}", view::shorten(why, 160));
            });
        }
        let told = self.rows.iter().filter(|row| row.cells.iter().any(|cell| matches!(cell.word, "failed" | "error")));
        let mut told = told.peekable();
        if told.peek().is_some() {
            let head: String = (1..=self.environments.len()).map(|number| format!("{number:>4}")).collect();
            let _ = writeln!(text, "\n  {:<10}{head}", "");
        }
        for row in told {
            let cells: String = row.cells.iter().map(|cell| format!("{:>4}", cell.mark)).collect();
            let _ = writeln!(text, "  {:<10}{cells}  {}", row.id, view::shorten(row.promise, 60));
        }
        let _ = writeln!(text, "\nfleet: {} · exit {}: {}", self.title, self.exit.code(), self.exit.meaning());
        text
    }
}

impl Row {
    fn of(found: &Result) -> Self {
        let exit = known(found.exit);
        let (word, mark) = match exit {
            Exit::Green => ("passed", "✓"),
            Exit::NonConformant | Exit::Baseline => ("failed", "✕"),
            _ => ("error", "!"),
        };
        Self {
            name: found.name.clone(),
            href: format!("{}/report.html", found.name),
            word,
            mark,
            outcome: exit.meaning().to_owned(),
            why: whys(found),
            took: found.record.as_ref().map_or_else(String::new, |record| view::time(record.duration_ms)),
            record: found.record.is_some(),
        }
    }
}

/// A promise in all environments; none when no environment says anything about it.
fn row(id: &str, found: &[Result]) -> Option<Line> {
    let all = Requirements::built_in();
    let requirement = all.get(id)?;
    let verdict = |one: &Result| {
        let found = one.record.as_ref()?.requirements.iter().find(|found| found.id == id)?;
        Some(found.verdict)
    };
    let verdicts: Vec<Verdict> = found.iter().map(|one| verdict(one).unwrap_or_default()).collect();
    let cell = |verdict: &Verdict| Cell { word: verdict.word(), mark: view::mark(*verdict) };
    verdicts.iter().any(|verdict| *verdict != Verdict::Unproven).then(|| Line {
        id: &requirement.id,
        link: all.link(requirement),
        promise: &requirement.promise,
        cells: verdicts.iter().map(cell).collect(),
    })
}
