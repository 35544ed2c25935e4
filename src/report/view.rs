//! Data that several reports share: the requirements by section of the document, and each failure with its remedy.

use bpconform_fixtures::{Cause, Product, Remedies, Remedy, Requirement, Requirements};
use bpconform_steps::evidence::{Exchange, Outcome};
use bpconform_steps::html;

use crate::record::{CauseRecord, Record, RequirementRecord, ScenarioRecord, StepRecord};
use crate::verdict::Verdict;

/// The product that a target was judged as, and what that was decided by.
pub fn judged_as(record: &Record) -> String {
    let names = Product::names(record.target.products());
    let decided = record.target.judged_as.iter().flat_map(|judged| &judged.decided_by).cloned().collect::<Vec<_>>();
    if decided.is_empty() { names } else { format!("{names} ({})", decided.join("; ")) }
}

/// Requirements that share the reason why they are not applicable.
#[derive(Clone, Debug)]
pub struct NotApplicable<'a> {
    /// The reason.
    pub reason: &'a str,
    /// The ids of the requirements.
    pub ids: Vec<&'a str>,
}

/// The requirements that are not applicable, by reason.
pub fn not_applicable(record: &Record) -> Vec<NotApplicable<'_>> {
    let mut groups: Vec<NotApplicable<'_>> = Vec::new();
    for found in record.requirements.iter().filter(|found| found.verdict == Verdict::NotApplicable) {
        let reason = found.reason.as_deref().unwrap_or_default();
        match groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) => group.ids.push(&found.id),
            None => groups.push(NotApplicable { reason, ids: vec![&found.id] }),
        }
    }
    groups
}

/// One section of the document and what was found of its requirements.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// Its subject.
    pub title: &'a str,
    /// The requirements, in the document's order.
    pub rows: Vec<RequirementRow<'a>>,
}

/// One requirement and what was found of it.
#[derive(Clone, Debug)]
pub struct RequirementRow<'a> {
    /// The requirement.
    pub requirement: &'a Requirement,
    /// The link to the place that makes it.
    pub link: String,
    /// What was found.
    pub found: &'a RequirementRecord,
}

/// The requirements by section of the document.
pub fn sections(record: &Record) -> Vec<Section<'_>> {
    let known = Requirements::built_in();
    let mut sections: Vec<Section<'_>> = Vec::new();
    for found in &record.requirements {
        let Some(requirement) = known.get(&found.id) else { continue };
        let row = RequirementRow { requirement, link: known.link(requirement), found };
        match sections.last_mut().filter(|section| section.title == requirement.section) {
            Some(section) => section.rows.push(row),
            None => sections.push(Section { title: &requirement.section, rows: vec![row] }),
        }
    }
    sections
}

/// A scenario that failed or could not be judged.
#[derive(Clone, Debug)]
pub struct FailedScenario<'a> {
    /// The scenario.
    pub scenario: &'a ScenarioRecord,
    /// The step that ended it, if it got to its steps.
    pub step: Option<&'a StepRecord>,
    /// Why, with the lines of a transcript or a log that show it.
    pub reason: String,
    /// What to do about it.
    pub remedy: Option<&'a Remedy>,
}

/// What failed, and then what could not be judged, each in the document's order.
pub fn failures(record: &Record) -> Vec<FailedScenario<'_>> {
    let of = |verdict| record.scenarios.iter().filter(move |scenario| scenario.verdict == verdict);
    of(Verdict::Failed).chain(of(Verdict::Error)).map(failure).collect()
}

fn failure(scenario: &ScenarioRecord) -> FailedScenario<'_> {
    let reason = scenario.full_reason().unwrap_or_else(|| reason(scenario).to_owned());
    let step = scenario.steps.iter().find(|step| step.verdict == scenario.verdict);
    FailedScenario { scenario, step, reason, remedy: remedy(scenario) }
}

/// A cause with what shows it and what follows from it.
#[derive(Clone, Debug)]
pub struct CauseView<'a> {
    /// The cause.
    pub cause: &'a CauseRecord,
    /// Whether the target is wrong; otherwise it could not be judged.
    pub verdict: Verdict,
    /// What to do about it.
    pub remedy: Option<&'static Remedy>,
    /// The scenarios that show it.
    pub shown_by: Vec<FailedScenario<'a>>,
    /// The scenarios that did not pass because of it.
    pub explains: Vec<FailedScenario<'a>>,
}

impl<'a> CauseView<'a> {
    fn of(record: &'a Record, cause: &'a CauseRecord) -> Self {
        let scenarios = |ids: &[String]| -> Vec<FailedScenario<'a>> {
            record.scenarios.iter().filter(|scenario| ids.contains(&scenario.id)).map(failure).collect()
        };
        let shown_by = scenarios(&cause.shown_by);
        let verdict = shown_by.iter().map(|one| one.scenario.verdict).max().unwrap_or_default();
        let remedy = cause.remedy.as_ref().and_then(|id| Remedies::built_in().get(id));
        Self { cause, verdict, remedy, shown_by, explains: scenarios(&cause.explains) }
    }

    /// What was seen, with the lines that show it: the first of each, and how many more there are.
    pub fn evidence(&self) -> String {
        let mut lines: Vec<String> = first(&self.cause.evidence, 5);
        lines.extend(first(&self.cause.lines, 8));
        lines.join("\n")
    }

    /// How many scenarios follow from it; none without any.
    pub fn consequences(&self) -> Option<String> {
        let count = self.explains.len();
        let follow = if count == 1 { "failure follows" } else { "failures follow" };
        (count > 0).then(|| format!("{count} {follow} from this cause"))
    }
}

fn first(texts: &[String], most: usize) -> Vec<String> {
    let mut lines: Vec<String> = texts.iter().take(most).cloned().collect();
    if texts.len() > most {
        lines.push(format!("… and {} more", texts.len() - most));
    }
    lines
}

/// The causes of what did not pass, in the document's order.
pub fn causes(record: &Record) -> Vec<CauseView<'_>> {
    record.causes.iter().map(|cause| CauseView::of(record, cause)).collect()
}

/// `1 cause explains 9 failures`
pub fn causes_in_short(record: &Record) -> String {
    let red = record.scenarios.iter().filter(|one| matches!(one.verdict, Verdict::Failed | Verdict::Error)).count();
    let (causes, explain) = match record.causes.len() {
        1 => ("1 cause".to_owned(), "explains"),
        count => (format!("{count} causes"), "explain"),
    };
    format!("{causes} {explain} {red} failure{}", if red == 1 { "" } else { "s" })
}

/// `84 of 96 scenarios are from an earlier run (2026-11-28 09:14:02 UTC)`
pub fn rerun(record: &Record) -> Option<String> {
    let rerun = record.plan.rerun.as_ref()?;
    let (all, began) = (record.scenarios.len(), rerun.started.strftime("%Y-%m-%d %H:%M:%S UTC"));
    Some(format!("{} of {all} scenarios are from an earlier run ({began})", rerun.kept))
}

/// The numbers of the causes of a requirement's failure, from 1.
pub fn causes_of(record: &Record, found: &RequirementRecord) -> Vec<usize> {
    let concerns =
        |cause: &CauseRecord| cause.shown_by.iter().chain(&cause.explains).any(|id| found.scenarios.contains(id));
    (1..).zip(&record.causes).filter(|(_, cause)| concerns(cause)).map(|(number, _)| number).collect()
}

/// Why a scenario did not pass.
pub fn reason(scenario: &ScenarioRecord) -> &str {
    scenario.reason.as_deref().unwrap_or("no reason was kept")
}

/// What to do about a scenario that failed, or that the environment did not let judge.
pub fn remedy(scenario: &ScenarioRecord) -> Option<&'static Remedy> {
    if scenario.harness_failed || !matches!(scenario.verdict, Verdict::Failed | Verdict::Error) {
        return None;
    }
    let remedies = Remedies::built_in();
    let found = match scenario.explained_by.first() {
        // What follows from a cause is solved by the remedy of the cause.
        Some(cause) => remedies.for_failure(cause, Cause::parse(cause)),
        None => scenario.requirements.iter().find_map(|id| remedies.for_failure(id, scenario.cause)),
    };
    // An inconclusive scenario is not the requirement's usual failure, so only a known cause gets a remedy.
    let fits = |remedy: &&Remedy| scenario.verdict == Verdict::Failed || !remedy.causes.is_empty();
    found.filter(fits)
}

/// All exchanges of a scenario, in the order in which they were sent.
pub fn exchanges(scenario: &ScenarioRecord) -> impl Iterator<Item = &Exchange> {
    scenario.steps.iter().flat_map(|step| &step.exchanges).chain(&scenario.exchanges)
}

/// The transcript in an answer to Test Connection, line by line (surfaces.md §4.2).
pub fn transcript(exchange: &Exchange) -> Option<Vec<String>> {
    match &exchange.outcome {
        Outcome::Response { body, .. } if exchange.surface == "author.agent-test" => Some(html::lines(&body.text)),
        _ => None,
    }
}

/// The name of the agent that a request is about: it stands in the address (surfaces.md §4.1).
pub fn agent_name(url: &str) -> Option<&str> {
    let start = url.find(AGENT)?;
    url[start..].split(['/', '.', '?']).next()
}

/// Which of the four agents a request is about, from 0.
pub fn agent(url: &str) -> Option<u8> {
    let digit = agent_name(url)?.strip_prefix(AGENT)?.chars().next()?.to_digit(10)?;
    u8::try_from(digit).ok()
}

/// How the names of the agents begin.
const AGENT: &str = "mp_replication_agent";

/// The lane of a timeline that an exchange belongs to: one of the four agents, else its system.
pub fn lane(exchange: &Exchange) -> String {
    match agent(&exchange.url) {
        Some(index) => format!("Agent {index}"),
        None => match exchange.surface.split('.').next().unwrap_or_default() {
            "author" => "Author".into(),
            "ims" => "IMS".into(),
            "console" => "Console".into(),
            "tenant" => "Tenant".into(),
            _ => "Mock".into(),
        },
    }
}

/// The lanes in the order in which they are shown.
pub const LANES: [&str; 9] = ["Author", "Agent 0", "Agent 1", "Agent 2", "Agent 3", "IMS", "Tenant", "Console", "Mock"];

/// A duration for people.
pub fn time(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms if ms < 120_000.0 => format!("{:.2} s", ms / 1000.0),
        ms => format!("{:.1} min", ms / 60_000.0),
    }
}

/// The first characters of a text, on one line.
pub fn shorten(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= most {
        return text;
    }
    let cut: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// The status of an answer, or why it is missing.
pub fn answer(exchange: &Exchange) -> String {
    match &exchange.outcome {
        Outcome::Response { status, .. } => status.to_string(),
        Outcome::Error(reason) => reason.clone(),
    }
}

/// A mark that says the verdict without colour too.
pub const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✓",
        Verdict::Failed => "✕",
        Verdict::Error => "!",
        Verdict::Skipped => "–",
        Verdict::NotApplicable => "○",
        Verdict::Unproven => "·",
    }
}
