//! The record as one page for people: nothing to load, light and dark, usable by keyboard and screen reader, printable.
//! The page contains the scenarios as JSON and renders each one when it is opened, so that it stays fast with thousands.

mod data;
mod facts;
mod pictures;
mod timeline;

use std::sync::LazyLock;

use bpconform_fixtures::requirements::{Document, Level};
use bpconform_fixtures::{Remedy, Requirements};
use jiff::Timestamp;
use minijinja::{Environment, Value};
use serde::Serialize;

use crate::error::Error;
use crate::record::{Record, ScenarioRecord, SlowRecord};
use crate::report::html::facts::{Fact, facts};
use crate::report::html::timeline::Timeline;
use crate::report::template;
use crate::report::view::{self, CauseView, FailedScenario, Section};
use crate::verdict::Verdict;

/// The template of the page.
const PAGE: &str = "report.html.j2";

/// The record as a page.
pub fn render(record: &Record) -> Result<String, Error> {
    static TEMPLATES: LazyLock<Environment<'_>> = LazyLock::new(|| {
        template::parsed(&[
            (PAGE, include_str!("templates/report.html.j2")),
            ("report.css", include_str!("templates/report.css")),
            ("report.js", include_str!("templates/report.js")),
        ])
    });
    template::render(&TEMPLATES, PAGE, Page::of(record)?)
}

#[derive(Serialize)]
struct Page<'a> {
    tool: String,
    name: Option<&'a str>,
    word: &'static str,
    mark: &'static str,
    title: String,
    lead: String,
    complete: bool,
    insecure: bool,
    left_behind: &'a [String],
    slow: Vec<String>,
    facts: Vec<Fact>,
    sums: Vec<Sum>,
    document: &'static Document,
    causes: Vec<CauseCard<'a>>,
    causes_in_short: String,
    failures: usize,
    sections: Vec<Group<'a>>,
    timeline: Option<Timeline>,
    scenarios: usize,
    features: Vec<Feature<'a>>,
    pictures: Option<Value>,
    footer: String,
}

impl<'a> Page<'a> {
    fn of(record: &'a Record) -> Result<Self, Error> {
        let exit = record.outcome.exit();
        let (word, mark) = match exit.code() {
            0 => ("passed", "✓"),
            1 => ("failed", "✕"),
            _ => ("error", "!"),
        };
        Ok(Self {
            tool: format!("{} {}", record.tool.name, record.tool.version),
            name: record.environment.name.as_deref(),
            word,
            mark,
            title: capital(&record.result()),
            slow: record.slow.iter().map(SlowRecord::text).collect(),
            lead: lead(record),
            complete: record.complete,
            insecure: record.target.insecure,
            left_behind: &record.left_behind,
            facts: facts(record),
            sums: vec![
                Sum::of("Requirements", |verdict| record.summary.requirements.get(&verdict).copied()),
                Sum::of("Scenarios", |verdict| record.summary.scenarios.get(&verdict).copied()),
            ],
            document: &Requirements::built_in().document,
            causes: view::causes(record).into_iter().map(CauseCard::of).collect(),
            causes_in_short: view::causes_in_short(record),
            failures: view::failures(record).len(),
            sections: view::sections(record).iter().map(Group::of).collect(),
            timeline: Timeline::of(record),
            scenarios: record.scenarios.len(),
            features: features(record)?,
            pictures: pictures::embedded(record)?,
            footer: format!("record of {}, form {}", record.started, record.format),
        })
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The run in one sentence.
fn lead(record: &Record) -> String {
    let n = |verdict| record.summary.requirements.get(&verdict).copied().unwrap_or_default();
    let (passed, failed, error) = (n(Verdict::Passed), n(Verdict::Failed), n(Verdict::Error));
    let mut text = format!("{passed} of {} requirements of the documentation were proved", record.requirements.len());
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    if error > 0 {
        text += &format!(", {error} could not be judged");
    }
    let apart = n(Verdict::NotApplicable);
    if apart > 0 {
        text += &format!(", {apart} {} not apply to this product", if apart == 1 { "does" } else { "do" });
    }
    let rest = n(Verdict::Skipped) + n(Verdict::Unproven);
    if rest > 0 {
        text += &format!(", {rest} {} not checked", if rest == 1 { "was" } else { "were" });
    }
    text + "."
}

#[derive(Serialize)]
struct Sum {
    title: &'static str,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    word: &'static str,
    mark: &'static str,
    n: usize,
}

impl Sum {
    fn of(title: &'static str, count: impl Fn(Verdict) -> Option<usize>) -> Self {
        let part = |verdict: Verdict| {
            let n = count(verdict).filter(|n| *n > 0)?;
            Some(Part { word: verdict.word(), mark: view::mark(verdict), n })
        };
        Self { title, parts: Verdict::ALL.into_iter().filter_map(part).collect() }
    }
}

#[derive(Serialize)]
struct CauseCard<'a> {
    word: &'static str,
    mark: &'static str,
    title: &'a str,
    requirement: Option<Promise>,
    evidence: String,
    remedy: Option<&'static Remedy>,
    shown_by: Vec<Card<'a>>,
    consequences: Option<String>,
    explains: Vec<Card<'a>>,
}

impl<'a> CauseCard<'a> {
    fn of(view: CauseView<'a>) -> Self {
        Self {
            word: view.verdict.word(),
            mark: view::mark(view.verdict),
            title: &view.cause.title,
            requirement: Promise::of(&view.cause.requirement),
            evidence: view.evidence(),
            remedy: view.remedy,
            consequences: view.consequences(),
            shown_by: view.shown_by.into_iter().map(Card::of).collect(),
            explains: view.explains.into_iter().map(Card::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct Card<'a> {
    word: &'static str,
    mark: &'static str,
    name: &'a str,
    requirements: Vec<Promise>,
    place: String,
    step: Option<(&'a str, &'a str)>,
    reason: String,
    anchor: String,
}

#[derive(Serialize)]
struct Promise {
    id: &'static str,
    link: String,
    promise: &'static str,
}

impl Promise {
    fn of(id: &str) -> Option<Self> {
        let known = Requirements::built_in();
        let promise = known.get(id)?;
        Some(Self { id: &promise.id, link: known.link(promise), promise: &promise.promise })
    }
}

impl<'a> Card<'a> {
    fn of(failure: FailedScenario<'a>) -> Self {
        let scenario = failure.scenario;
        Self {
            word: scenario.verdict.word(),
            mark: view::mark(scenario.verdict),
            name: &scenario.name,
            requirements: scenario.requirements.iter().filter_map(|id| Promise::of(id)).collect(),
            place: format!("{}:{}", scenario.file, scenario.line),
            step: failure.step.map(|step| (step.keyword.as_str(), step.text.as_str())),
            reason: failure.reason,
            anchor: anchor(scenario),
        }
    }
}

#[derive(Serialize)]
struct Group<'a> {
    title: &'a str,
    link: String,
    rows: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    link: String,
    word: &'static str,
    mark: &'static str,
    promise: Value,
    should: bool,
    reason: Option<String>,
    scenarios: usize,
}

impl<'a> Group<'a> {
    fn of(section: &Section<'a>) -> Self {
        let line = |row: &view::RequirementRow<'a>| Line {
            id: &row.found.id,
            link: row.link.clone(),
            word: row.found.verdict.word(),
            mark: view::mark(row.found.verdict),
            promise: template::code(&row.requirement.promise),
            should: row.requirement.level == Level::Should,
            reason: row.found.reason.as_deref().map(|reason| view::shorten(reason, 240)),
            scenarios: row.found.scenarios.len(),
        };
        let link = section.rows.first().map(|row| row.link.clone()).unwrap_or_default();
        Self { title: section.title, link, rows: section.rows.iter().map(line).collect() }
    }
}

#[derive(Serialize)]
struct Feature<'a> {
    name: &'a str,
    file: &'a str,
    scenarios: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    anchor: String,
    word: &'static str,
    mark: &'static str,
    name: &'a str,
    flaky: bool,
    /// When the run began that it is from, if that is an earlier one.
    earlier: Option<String>,
    requirements: String,
    tags: String,
    took: String,
    reason: Option<String>,
    data: Value,
}

fn features(record: &Record) -> Result<Vec<Feature<'_>>, Error> {
    let mut features: Vec<Feature<'_>> = Vec::new();
    for scenario in &record.scenarios {
        let entry = entry(scenario, record.started)?;
        match features.last_mut().filter(|feature| feature.file == scenario.file) {
            Some(feature) => feature.scenarios.push(entry),
            None => {
                features.push(Feature { name: &scenario.feature, file: &scenario.file, scenarios: vec![entry] });
            }
        }
    }
    Ok(features)
}

fn entry(scenario: &ScenarioRecord, started: Timestamp) -> Result<Entry<'_>, Error> {
    let took = if scenario.started_ms > 0.0 { view::time(scenario.duration_ms) } else { String::new() };
    Ok(Entry {
        anchor: anchor(scenario),
        word: scenario.verdict.word(),
        mark: view::mark(scenario.verdict),
        name: &scenario.name,
        flaky: scenario.is_flaky(),
        earlier: scenario.run.filter(|run| *run != started).map(|run| run.strftime("%Y-%m-%d %H:%M UTC").to_string()),
        requirements: scenario.requirements.join(" "),
        tags: format!("{} {}", scenario.id, scenario.tags.join(" ")),
        took,
        reason: scenario.full_reason(),
        data: data::embedded(scenario)?,
    })
}

/// The id as it can stand in an address: the page looks for exactly this.
fn anchor(scenario: &ScenarioRecord) -> String {
    scenario.id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '.' }).collect()
}
