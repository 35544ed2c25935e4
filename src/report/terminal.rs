//! The text for a terminal, during a run and at its end: a pure function of the record.

use std::fmt::Write as _;

use bpconform_fixtures::{Remedy, Requirement, Requirements};
use bpconform_steps::evidence::{Exchange, Outcome as Answer};

use crate::plan::{Decision, Plan};
use crate::record::{Record, RequirementRecord, ScenarioRecord, StepRecord};
use crate::report::curl;
use crate::report::style::Styles;
use crate::report::view::{self, CauseView};
use crate::verdict::Verdict;

/// The amount of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Only what did not pass, and the summary.
    Quiet,
    /// Every scenario, and the steps of those that ran.
    Usual,
    /// Every request too.
    Verbose,
    /// The line of a shell that sends each request again, too.
    Requests,
}

/// Renders the record for a terminal.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Colours.
    pub styles: Styles,
    /// The amount of detail.
    pub detail: Detail,
    feature: Option<String>,
}

impl Terminal {
    /// A renderer that has printed nothing yet.
    pub fn new(styles: Styles, detail: Detail) -> Self {
        Self { styles, detail, feature: None }
    }

    /// Whether nothing is printed about a scenario.
    pub fn is_silent_about(&self, scenario: &ScenarioRecord) -> bool {
        let quiet = matches!(scenario.verdict, Verdict::Passed | Verdict::Skipped) && scenario.attempts.is_empty();
        self.detail == Detail::Quiet && quiet
    }

    /// The lines for a scenario that has ended, under its feature's name.
    pub fn scenario(&mut self, scenario: &ScenarioRecord) -> String {
        // The table of requirements names what is about another product, with the reason, in one line.
        let apart = scenario.verdict == Verdict::NotApplicable && self.detail < Detail::Verbose;
        if apart || self.is_silent_about(scenario) {
            return String::new();
        }
        let mut text = self.feature(&scenario.feature);
        let (mark, name) = (self.styles.mark(scenario.verdict), self.styles.bold(&scenario.name));
        let about = self.styles.dim(&format!("{}  {}", scenario.requirements.join(" "), time(scenario.duration_ms)));
        if matches!(scenario.verdict, Verdict::Skipped | Verdict::NotApplicable) && scenario.started_ms == 0.0 {
            let ids = self.styles.dim(&scenario.requirements.join(" "));
            line(&mut text, &format!("  {mark} {name}  {ids}"));
        } else {
            line(&mut text, &format!("  {mark} {name}  {about}"));
            scenario.steps.iter().for_each(|step| text += &self.step(step));
        }
        if let Some(reason) = scenario.reason.as_ref().filter(|_| !scenario.steps.iter().any(|s| s.reason.is_some())) {
            line(&mut text, &self.reason(scenario.verdict, reason, 6));
        }
        for (number, attempt) in (1..).zip(&scenario.attempts) {
            let reason = attempt.reason.as_deref().unwrap_or_default();
            let flaky = if scenario.is_flaky() { "flaky, " } else { "" };
            let attempted = format!("{flaky}attempt {number} {}: {reason}", attempt.verdict);
            line(&mut text, &self.reason(attempt.verdict, &attempted, 6));
        }
        for left in &scenario.left_behind {
            line(&mut text, &self.reason(Verdict::Error, &format!("could not be undone: {left}"), 6));
        }
        text
    }

    fn feature(&mut self, name: &str) -> String {
        if self.feature.as_deref() == Some(name) {
            return String::new();
        }
        self.feature = Some(name.to_owned());
        format!("\n{}\n", self.styles.bold(&format!("Feature: {name}")))
    }

    fn step(&self, step: &StepRecord) -> String {
        let mark = self.styles.mark(step.verdict);
        let sentence = format!("{:<5} {}", step.keyword, step.text);
        let mut text = String::new();
        if step.verdict == Verdict::Unproven {
            line(&mut text, &format!("      {mark} {}", self.styles.dim(&sentence)));
            return text;
        }
        line(&mut text, &format!("      {mark} {sentence}  {}", self.styles.dim(&time(step.duration_ms))));
        if let Some(reason) = step.full_reason() {
            line(&mut text, &self.reason(step.verdict, &reason, 10));
        }
        let exchanges: &[Exchange] = match step.verdict {
            _ if self.detail >= Detail::Verbose => &step.exchanges,
            Verdict::Failed | Verdict::Error => &step.exchanges[step.exchanges.len().saturating_sub(1)..],
            _ => &[],
        };
        for exchange in exchanges {
            line(&mut text, &self.styles.dim(&format!("          {}", exchange_line(exchange))));
            if let Some(curl) = curl::line(exchange).filter(|_| self.detail == Detail::Requests) {
                line(&mut text, &format!("          {curl}"));
            }
        }
        text
    }

    fn reason(&self, verdict: Verdict, reason: &str, indent: usize) -> String {
        let indent = " ".repeat(indent);
        let lines = reason.lines().collect::<Vec<_>>().join(&format!("\n{indent}"));
        format!("{indent}{}", self.styles.verdict(verdict, &lines))
    }

    /// The table of requirements and the one line that says it all.
    pub fn end(&self, record: &Record) -> String {
        let mut text = String::new();
        if self.detail > Detail::Quiet || record.exit_code != 0 || !record.causes.is_empty() {
            text += &self.causes(record);
            text += &self.table(record);
        }
        for left in &record.left_behind {
            line(&mut text, &self.reason(Verdict::Error, &format!("could not be undone: {left}"), 0));
        }
        if let Some(journal) = &record.journal {
            line(&mut text, &format!("to undo it later: bpconform clean {journal}"));
        }
        for slow in &record.slow {
            line(&mut text, &self.styles.verdict(Verdict::Error, &slow.text()));
        }
        if let Some(rerun) = view::rerun(record) {
            line(&mut text, &rerun);
        }
        if let Some(mocks) = record.target.mocked() {
            line(&mut text, &format!("\nmocks: {mocks}"));
        }
        text + "\n" + &self.summary(record)
    }

    /// The causes first, each with the remedy that comes first; what follows from it is counted below it.
    fn causes(&self, record: &Record) -> String {
        if record.causes.is_empty() {
            return String::new();
        }
        let mut text = format!("\n{}\n", self.styles.bold(&view::causes_in_short(record)));
        for (number, cause) in (1..).zip(view::causes(record)) {
            text += &self.cause(number, &cause);
        }
        text
    }

    fn cause(&self, number: usize, view: &CauseView<'_>) -> String {
        let mut text = String::new();
        let (title, id) = (self.styles.bold(&view.cause.title), self.styles.dim(&view.cause.requirement));
        line(&mut text, &format!("  {} {number}. {title}  {id}", self.styles.mark(view.verdict)));
        view.evidence().lines().for_each(|seen| line(&mut text, &self.reason(view.verdict, &shorten(seen, 160), 7)));
        if let Some(remedy) = view.remedy {
            text += &remedy_lines(remedy, self.styles);
        }
        if let Some(count) = view.consequences() {
            let mut ids: Vec<&str> =
                view.explains.iter().flat_map(|one| &one.scenario.requirements).map(String::as_str).collect();
            ids.sort_unstable();
            ids.dedup();
            line(&mut text, &self.styles.dim(&format!("       {count}: {}", ids.join(" "))));
        }
        text
    }

    fn table(&self, record: &Record) -> String {
        let mut text = format!("\n{}\n", self.styles.bold("Requirements"));
        let known = Requirements::built_in();
        let mut section = "";
        for found in &record.requirements {
            let quiet = self.detail == Detail::Quiet && found.verdict == Verdict::Passed;
            // A record of another version may know other requirements.
            let Some(requirement) = known.get(&found.id) else { continue };
            if quiet || found.scenarios.is_empty() || found.verdict == Verdict::NotApplicable {
                continue;
            }
            if section != requirement.section {
                section = &requirement.section;
                line(&mut text, &format!("  {}", self.styles.dim(section)));
            }
            text += &self.row(requirement, found, &view::causes_of(record, found));
        }
        // Of a selection, only what it names counts.
        let groups = if record.plan.is_selection() { Vec::new() } else { view::not_applicable(record) };
        for group in groups {
            let skipped = format!("  not applicable, since {}: {}", group.reason, group.ids.join(", "));
            line(&mut text, &self.styles.dim(&skipped));
        }
        let selected = |found: &&RequirementRecord| found.verdict != Verdict::NotApplicable;
        let without = record.requirements.iter().filter(selected).filter(|found| found.scenarios.is_empty()).count();
        if without > 0 {
            line(&mut text, &self.styles.dim(&format!("  {without} requirements have no scenario in this run")));
        }
        text
    }

    fn row(&self, requirement: &Requirement, found: &RequirementRecord, causes: &[usize]) -> String {
        let verdict = self.styles.verdict(found.verdict, &format!("{:<8}", found.verdict));
        let promise = shorten(&requirement.promise, 68);
        let mark = self.styles.mark(found.verdict);
        let mut text = String::new();
        line(&mut text, &format!("    {mark} {}  {verdict}  {promise}", requirement.id));
        if let Some(reason) = &found.reason {
            line(&mut text, &self.styles.dim(&format!("{:31}{}", "", shorten(reason, 160))));
        }
        if !causes.is_empty() {
            let numbers = causes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let causes = if causes.len() == 1 { "cause" } else { "causes" };
            line(&mut text, &self.styles.dim(&format!("{:31}see {causes} {numbers}", "")));
        }
        text
    }

    /// One line: scenarios, requirements, wall time, what it comes to.
    pub fn summary(&self, record: &Record) -> String {
        let counts = |counts: &std::collections::BTreeMap<Verdict, usize>| {
            let parts = Verdict::ALL.into_iter().filter(|verdict| counts.get(verdict).is_some_and(|n| *n > 0));
            let parts = parts.map(|verdict| self.styles.verdict(verdict, &format!("{} {verdict}", counts[&verdict])));
            let parts = parts.collect::<Vec<_>>().join(", ");
            if parts.is_empty() { "none".to_owned() } else { parts }
        };
        let exit = record.outcome.exit();
        let cut = if record.complete { "" } else { " (incomplete)" };
        format!(
            "scenarios: {}{} · requirements: {} · {:.2} s · exit {}: {}{cut}\n",
            counts(&record.summary.scenarios),
            if record.summary.flaky > 0 { format!(" ({} flaky)", record.summary.flaky) } else { String::new() },
            counts(&record.summary.requirements),
            record.summary.wall_ms / 1000.0,
            exit.code(),
            record.result(),
        )
    }

    /// The plan of a dry run.
    pub fn plan(&mut self, plan: &Plan) -> String {
        let mut text = String::new();
        for planned in &plan.scenarios {
            text += &self.feature(&planned.case.feature);
            let ids = self.styles.dim(&planned.case.requirements.join(" "));
            let (word, reason) = match &planned.decision {
                Decision::Run => (self.styles.verdict(Verdict::Passed, "run "), None),
                Decision::Skip(reason) => (self.styles.verdict(Verdict::Skipped, "skip"), Some(reason)),
                Decision::Keep(_) => (self.styles.verdict(Verdict::Unproven, "keep"), None),
                Decision::NotApplicable(reason) => (self.styles.verdict(Verdict::NotApplicable, "n/a "), Some(reason)),
                Decision::Unclear(reason) => (self.styles.verdict(Verdict::Error, "err "), Some(reason)),
            };
            line(&mut text, &format!("  {word}  {:<7}  {}  {ids}", planned.case.allow, planned.case.id));
            if let Some(reason) = reason {
                line(&mut text, &self.reason(Verdict::Skipped, reason, 17));
            }
        }
        let (running, skipped, apart) = (plan.running(), plan.skipped(), plan.not_applicable());
        let kept = plan.scenarios.len() - running - skipped - apart;
        let more = [(apart, "not applicable"), (kept, "keep")].into_iter().filter(|(count, _)| *count > 0);
        let more: String = more.map(|(count, word)| format!(", {word} {count}")).collect();
        line(&mut text, &format!("\nplan: run {running}, skip {skipped}{more}; nothing was sent"));
        text
    }
}

/// What to do about a cause: its documented remedy.
fn remedy_lines(remedy: &Remedy, styles: Styles) -> String {
    let mut text = format!("       {}\n", remedy.means);
    for (number, step) in (1..).zip(&remedy.steps) {
        line(&mut text, &format!("       {number}. {step}"));
    }
    line(&mut text, &styles.dim(&format!("       {}", remedy.link)));
    text
}

fn line(text: &mut String, line: &str) {
    let _ = writeln!(text, "{line}");
}

/// `GET http://… → 200 in 3 ms`
fn exchange_line(exchange: &Exchange) -> String {
    let answer = match &exchange.outcome {
        Answer::Response { status, .. } => status.to_string(),
        Answer::Error(reason) => reason.clone(),
    };
    if exchange.shared {
        return format!("{} {} → {answer}, as answered before", exchange.method, exchange.url);
    }
    let took = std::time::Duration::from_micros(exchange.took_us);
    format!("{} {} → {answer} in {}", exchange.method, exchange.url, time(crate::text::milliseconds(took)))
}

fn time(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.2} s", ms / 1000.0)
    }
}

fn shorten(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= most {
        return text;
    }
    let cut: String = text.chars().take(most - 1).collect();
    format!("{}…", cut.trim_end())
}
