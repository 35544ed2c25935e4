//! The findings of the doctor as typed values, from which text and JSON are rendered.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use bpconform_fixtures::{Cause, Presuppositions, Remedies, Requirements, Sighting};
use bpconform_steps::{Kind, Problem};
use serde::Serialize;

use crate::exit::Exit;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As the documentation says.
    Ok,
    /// Worth knowing.
    Info,
    /// Recommended otherwise, or soon to be a problem.
    Warning,
    /// Inconclusive.
    Unknown,
    /// Not as the documentation says.
    Problem,
}

impl Severity {
    const ALL: [Self; 5] = [Self::Ok, Self::Info, Self::Warning, Self::Unknown, Self::Problem];

    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Problem => "PROBLEM",
        }
    }

    const fn colour(self) -> AnsiColor {
        match self {
            Self::Ok => AnsiColor::Green,
            Self::Info => AnsiColor::Cyan,
            Self::Warning => AnsiColor::Yellow,
            Self::Unknown => AnsiColor::Magenta,
            Self::Problem => AnsiColor::Red,
        }
    }
}

/// One thing that the doctor looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub topic: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The requirement of the documentation that it is about.
    pub requirement: &'static str,
    /// What was seen.
    pub seen: String,
    /// What that means; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
    /// What the documentation says to do, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedy: Vec<String>,
    /// The page that says so.
    pub link: String,
    /// The topics of the findings that it follows from; their remedies come first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub explained_by: Vec<&'static str>,
    /// The cause, where a reader recognised it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

impl Finding {
    /// What was seen; anything worse than worth knowing gets its documented remedy.
    pub fn new(topic: &'static str, severity: Severity, requirement: &'static str, seen: impl Into<String>) -> Self {
        Self::caused(topic, severity, requirement, seen, None)
    }

    /// The same for a known cause, whose remedy it gets.
    pub fn caused(
        topic: &'static str,
        severity: Severity,
        requirement: &'static str,
        seen: impl Into<String>,
        cause: Option<Cause>,
    ) -> Self {
        let seen = seen.into();
        let remedy = Remedies::built_in().for_failure(requirement, cause).filter(|remedy| match severity {
            Severity::Ok | Severity::Info => false,
            Severity::Warning | Severity::Problem => true,
            // If the result is inconclusive, advice for a failure would mislead; advice for reaching the Author helps.
            Severity::Unknown => !remedy.causes.is_empty() || requirement.starts_with("BP-PRE"),
        });
        let section = Requirements::built_in().get(requirement).map(|it| Requirements::built_in().link(it));
        Self {
            topic,
            severity,
            requirement,
            means: remedy.map(|remedy| remedy.means.clone()),
            remedy: remedy.map(|remedy| remedy.steps.clone()).unwrap_or_default(),
            link: remedy.map(|remedy| remedy.link.clone()).or(section).unwrap_or_default(),
            explained_by: Vec::new(),
            cause,
            seen,
        }
    }

    /// All is as the documentation says.
    pub fn ok(topic: &'static str, requirement: &'static str, seen: impl Into<String>) -> Self {
        Self::new(topic, Severity::Ok, requirement, seen)
    }

    /// It is not.
    pub fn problem(topic: &'static str, requirement: &'static str, seen: impl Into<String>) -> Self {
        Self::new(topic, Severity::Problem, requirement, seen)
    }

    /// It is not, for a known cause.
    pub fn problem_of(topic: &'static str, requirement: &'static str, seen: impl Into<String>, cause: Cause) -> Self {
        Self::caused(topic, Severity::Problem, requirement, seen, Some(cause))
    }

    /// Whether it is a deviation from the documentation.
    pub fn is_problem(&self) -> bool {
        self.severity == Severity::Problem
    }

    /// What matters for its cause.
    fn sighting(&self) -> Sighting {
        Sighting {
            requirements: vec![self.requirement.to_owned()],
            cause: self.cause,
            step: String::new(),
            inconclusive: self.severity == Severity::Unknown,
        }
    }

    /// A finding for a failed read of the Author: a failure is a problem, anything else is inconclusive.
    pub fn of(topic: &'static str, requirement: &'static str, problem: &Problem) -> Self {
        let severity = match problem.kind {
            Kind::Failed => Severity::Problem,
            Kind::Error => Severity::Unknown,
            Kind::Skipped => Severity::Info,
        };
        Self::caused(topic, severity, requirement, &problem.reason, problem.cause)
    }
}

/// All that the doctor found, in the order in which a person would look.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// The Author's address.
    pub author: String,
    /// Whether its certificate was taken unverified.
    pub insecure: bool,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Notes in each finding from which others it follows.
    pub fn explain(&mut self) {
        let bad = |finding: &Finding| matches!(finding.severity, Severity::Problem | Severity::Unknown);
        let places: Vec<usize> = (0..self.findings.len()).filter(|at| bad(&self.findings[*at])).collect();
        let seen: Vec<Sighting> = places.iter().map(|at| self.findings[*at].sighting()).collect();
        for cause in Presuppositions::built_in().explain(&seen) {
            let topics = cause.shown_by.iter().map(|at| self.findings[places[*at]].topic);
            let topics: Vec<_> = topics.collect();
            for at in cause.explains {
                self.findings[places[at]].explained_by.extend(&topics);
            }
        }
    }

    /// `1 cause explains 3 findings`; none where no finding follows from another one.
    fn causes_in_short(&self) -> Option<String> {
        let follow = self.findings.iter().filter(|finding| !finding.explained_by.is_empty()).count();
        let all = self.count(Severity::Problem) + self.count(Severity::Unknown);
        let causes = all - follow;
        let (word, explain) = if causes == 1 { ("cause", "explains") } else { ("causes", "explain") };
        (follow > 0).then(|| format!("{causes} {word} {explain} {all} findings"))
    }

    /// The exit code: 1 for a problem, 3 for an inconclusive finding or an Author that was not reached.
    pub fn exit(&self) -> Exit {
        match self.findings.iter().map(|finding| finding.severity).max() {
            Some(Severity::Problem) => Exit::NonConformant,
            Some(Severity::Unknown) | None => Exit::Unreachable,
            Some(Severity::Ok | Severity::Info | Severity::Warning) => Exit::Green,
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// For machines.
    pub fn json(&self) -> String {
        let summary: serde_json::Map<_, _> = Severity::ALL
            .into_iter()
            .map(|severity| (severity.word().to_lowercase(), self.count(severity).into()))
            .collect();
        let mut json = serde_json::json!(self);
        json["summary"] = summary.into();
        json["exit_code"] = self.exit().code().into();
        format!("{json:#}\n")
    }

    /// For people; `colour` marks the severities, `quiet` leaves out what is well.
    pub fn text(&self, colour: bool, quiet: bool) -> String {
        let mut text = format!("Author {}\n\n", self.author);
        if let Some(causes) = self.causes_in_short() {
            let _ = writeln!(text, "{causes}\n");
        }
        for finding in self.findings.iter().filter(|finding| !quiet || finding.severity > Severity::Info) {
            write(&mut text, finding, colour);
        }
        let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let _ = writeln!(
            text,
            "\n{}, {}, {} could not be determined, {} as documented: {}",
            plural(self.count(Severity::Problem), "problem"),
            plural(self.count(Severity::Warning), "warning"),
            self.count(Severity::Unknown),
            self.count(Severity::Ok),
            self.exit().meaning()
        );
        text
    }
}

fn write(text: &mut String, finding: &Finding, colour: bool) {
    let word = format!("{:7}", finding.severity.word());
    let style = Style::new().fg_color(Some(finding.severity.colour().into()));
    let word = if colour { format!("{style}{word}{style:#}") } else { word };
    let _ = writeln!(text, "{word}  {:18}  {}  {}", finding.topic, finding.requirement, finding.seen);
    if finding.severity <= Severity::Info {
        return;
    }
    let indent = " ".repeat(9);
    if !finding.explained_by.is_empty() {
        let _ = writeln!(text, "{indent}follows from  {}", finding.explained_by.join(", "));
        return;
    }
    if let Some(means) = &finding.means {
        let _ = writeln!(text, "{indent}means  {means}");
    }
    for (number, step) in finding.remedy.iter().enumerate() {
        let lead = if number == 0 { "do   " } else { "     " };
        let _ = writeln!(text, "{indent}{lead}  {}. {step}", number + 1);
    }
    if !finding.link.is_empty() {
        let _ = writeln!(text, "{indent}see    {}", finding.link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: Vec<Finding>) -> Diagnosis {
        Diagnosis { author: "http://a".into(), insecure: false, findings }
    }

    #[test]
    fn the_worst_decides_and_nothing_is_no_success() {
        let ok = Finding::ok("reachable", "BP-PRE-01", "yes");
        let finding = |severity| Finding::new("queues", severity, "BP-REP-08", "agent0 is blocked");
        assert_eq!(report(vec![ok.clone(), finding(Severity::Warning)]).exit(), Exit::Green);
        assert_eq!(report(vec![ok.clone(), finding(Severity::Unknown)]).exit(), Exit::Unreachable);
        assert_eq!(
            report(vec![finding(Severity::Problem), ok, finding(Severity::Unknown)]).exit(),
            Exit::NonConformant
        );
        assert_eq!(report(Vec::new()).exit(), Exit::Unreachable);
    }

    #[test]
    fn a_problem_says_what_it_means_what_to_do_and_where_that_stands() {
        let finding = Finding::problem("queues", "BP-REP-08", "agent0 is blocked at Activate of /content/dam/a.png");
        assert!(finding.means.is_some() && !finding.remedy.is_empty() && finding.link.starts_with("https://"));
        let text = report(vec![finding]).text(false, false);
        assert!(
            text.contains("PROBLEM  queues") && text.contains("do     1. ") && text.contains("see    https://"),
            "{text}"
        );
        assert!(
            text.ends_with("1 problem, 0 warnings, 0 could not be determined, 0 as documented: does not conform\n"),
            "{text}"
        );
    }
}
