//! Baselines: the scenarios and requirements that are known not to pass, each with its reason and an expiry date. With a
//! baseline, a run fails on new deviations, and on entries that no longer apply.

mod expiry;
pub mod update;

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use bpconform_fixtures::{Requirements, toml_problem};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

pub use crate::compare::baseline::expiry::Expiry;
use crate::error::Error;
use crate::exit::Exit;
use crate::record::{PlanRecord, Record, RunOutcome, ScenarioRecord};
use crate::report::view;
use crate::shard::Shard;
use crate::text_file;
use crate::verdict::Verdict;

/// How long a new entry holds, in days.
const HOLDS: i64 = 90;

/// The expected verdicts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// One entry for each scenario or requirement that is not expected to pass.
    #[serde(default, rename = "expected")]
    pub all: Vec<ExpectedVerdict>,
}

/// What is not expected to pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedVerdict {
    /// The scenario's id.
    #[serde(default)]
    pub scenario: Option<String>,
    /// In place of a scenario, the id of a requirement: all its scenarios that do not pass.
    #[serde(default)]
    pub requirement: Option<String>,
    /// The profile for which the entry holds; without one, it holds for every profile that has no entry with its name.
    #[serde(default)]
    pub profile: Option<String>,
    /// What is expected.
    pub verdict: Verdict,
    /// Why that is accepted.
    #[serde(alias = "reason")]
    pub comment: String,
    /// Who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Where it is followed up.
    #[serde(default)]
    pub ticket: Option<String>,
    /// How long it is.
    pub expires: Expiry,
}

impl Baseline {
    /// Reads a baseline.
    pub fn read(file: &Path) -> Result<Self, Error> {
        Ok(Self::read_with_text(file)?.0)
    }

    /// Reads a baseline and the text of its file.
    pub fn read_with_text(file: &Path) -> Result<(Self, String), Error> {
        let problem = |problem: String| Error::Read { file: file.to_owned(), problem };
        let advice = "`bpconform baseline RECORD` writes such a file";
        let text = text_file::read(file).map_err(|error| problem(format!("{error}; {advice}")))?;
        let baseline = Self::parse(&text).map_err(|wrong| problem(format!("{wrong}; {advice}")))?;
        Ok((baseline, text))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let baseline: Self = toml::from_str(text).map_err(|error| toml_problem(text, &error))?;
        let mut seen = BTreeSet::new();
        for entry in &baseline.all {
            entry.check()?;
            if !seen.insert((entry.subject(), entry.profile.as_ref())) {
                return Err(format!("{} is there twice", entry.subject()));
            }
        }
        Ok(baseline)
    }

    /// A baseline that accepts what this record found.
    pub fn of(record: &Record, today: Date) -> Self {
        Self { all: deviations(record).map(|scenario| ExpectedVerdict::of(scenario, &record.plan, today)).collect() }
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text =
            "# What is known not to pass. `bpconform run --baseline FILE` fails on anything else, on what no \
            longer happens,\n# and on an entry that has expired. Say in each comment why it is accepted.\n"
                .to_owned();
        self.all.iter().for_each(|entry| text += &entry.text());
        text
    }

    /// The ids of the scenarios and requirements that need not pass in a run of a profile.
    pub fn accepted(&self, profile: Option<&String>, now: Timestamp) -> HashSet<String> {
        let entries = self.entries_for(profile).into_iter().filter(|entry| !entry.expires.is_over(now));
        entries.map(|entry| entry.subject().to_owned()).collect()
    }

    /// The entries for a profile: its own, and the general ones that none of them replaces.
    fn entries_for(&self, profile: Option<&String>) -> Vec<&ExpectedVerdict> {
        let is_own = |entry: &ExpectedVerdict| entry.profile.is_some() && entry.profile.as_ref() == profile;
        let has_own =
            |entry: &ExpectedVerdict| self.all.iter().any(|own| is_own(own) && own.subject() == entry.subject());
        self.all.iter().filter(|entry| is_own(entry) || entry.profile.is_none() && !has_own(entry)).collect()
    }
}

impl ExpectedVerdict {
    fn of(scenario: &ScenarioRecord, plan: &PlanRecord, today: Date) -> Self {
        Self {
            scenario: Some(scenario.id.clone()),
            requirement: None,
            profile: None,
            verdict: scenario.counted(plan),
            comment: format!("why is this accepted? {}", view::shorten(view::reason(scenario), 120)),
            owner: None,
            ticket: None,
            expires: later(today),
        }
    }

    /// The id of the scenario or requirement.
    pub fn subject(&self) -> &str {
        self.scenario.as_deref().or(self.requirement.as_deref()).unwrap_or_default()
    }

    /// Why it is accepted, who answers for it, and where it is followed up.
    pub fn about(&self) -> String {
        let parts = [Some(&self.comment), self.owner.as_ref(), self.ticket.as_ref()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    fn check(&self) -> Result<(), String> {
        match (&self.scenario, &self.requirement) {
            (Some(_), None) => {}
            (None, Some(id)) if Requirements::built_in().get(id).is_some() => {}
            (None, Some(id)) => {
                let near = Requirements::built_in().nearest(id);
                let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                return Err(format!("{id}: the requirement is unknown{hint}"));
            }
            _ => return Err("each entry needs either a scenario or a requirement".to_owned()),
        }
        let is_empty = |text: &String| text.trim().is_empty();
        if is_empty(&self.comment) {
            return Err(format!("{}: the comment is empty; say why the verdict is accepted", self.subject()));
        }
        match [("profile", &self.profile), ("owner", &self.owner), ("ticket", &self.ticket)]
            .into_iter()
            .find(|(_, text)| text.as_ref().is_some_and(is_empty))
        {
            Some((name, _)) => Err(format!("{}: the {name} is empty; complete it or remove it", self.subject())),
            None => Ok(()),
        }
    }

    fn text(&self) -> String {
        let expires = self.expires.to_string();
        let lines = [
            ("scenario", self.scenario.as_deref()),
            ("requirement", self.requirement.as_deref()),
            ("profile", self.profile.as_deref()),
            ("verdict", Some(self.verdict.word())),
            ("comment", Some(self.comment.as_str())),
            ("owner", self.owner.as_deref()),
            ("ticket", self.ticket.as_deref()),
            ("expires", Some(expires.as_str())),
        ];
        let mut text = "\n[[expected]]\n".to_owned();
        for (name, value) in lines {
            if let Some(value) = value {
                let _ = writeln!(text, "{name} = {}", toml::Value::from(value));
            }
        }
        text
    }

    /// What a record says about it; none if it has no such scenario.
    fn found<'a>(&self, record: &'a Record) -> Option<Found<'a>> {
        let is_meant = |one: &&ScenarioRecord| match &self.requirement {
            Some(id) => one.requirements.contains(id),
            None => self.scenario.as_ref() == Some(&one.id),
        };
        let own: Vec<&ScenarioRecord> = record.scenarios.iter().filter(is_meant).collect();
        let first = *own.iter().find(|one| deviates(one, &record.plan)).or(own.first())?;
        let verdict = own.iter().map(|one| one.counted(&record.plan)).fold(Verdict::default(), Verdict::merge);
        Some(Found { scenario: first, verdict })
    }

    /// Whether it accepts a scenario as one of its requirement.
    fn accepts(&self, id: &String, verdict: Verdict) -> bool {
        self.requirement.as_ref() == Some(id) && self.verdict == verdict
    }
}

/// The day until which a new entry holds.
fn later(today: Date) -> Expiry {
    today.checked_add(HOLDS.days()).unwrap_or(Date::MAX).into()
}

/// What a record says about an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// The scenario, or the first one of the requirement that did not pass.
    pub scenario: &'a ScenarioRecord,
    /// Its verdict, or that of the requirement.
    pub verdict: Verdict,
}

impl Found<'_> {
    /// Whether it speaks against the target, or could not be judged.
    pub fn deviates(&self) -> bool {
        matches!(self.verdict, Verdict::Failed | Verdict::Error)
    }
}

/// What a baseline is about: whatever speaks against the target, or does not let it be judged.
fn deviations(record: &Record) -> impl Iterator<Item = &ScenarioRecord> {
    record.scenarios.iter().filter(|scenario| deviates(scenario, &record.plan))
}

fn deviates(scenario: &ScenarioRecord, plan: &PlanRecord) -> bool {
    matches!(scenario.counted(plan), Verdict::Failed | Verdict::Error)
}

/// How a record and a baseline go together.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineComparison<'a> {
    /// What did not pass and is not expected.
    pub unexpected: Vec<&'a ScenarioRecord>,
    /// What is expected, and what came instead.
    pub otherwise: Vec<(&'a ExpectedVerdict, Found<'a>)>,
    /// Entries for scenarios that were not in the run.
    pub unused: Vec<&'a ExpectedVerdict>,
    /// Entries whose time is over, and what was found.
    pub expired: Vec<(&'a ExpectedVerdict, Option<Found<'a>>)>,
    /// How many entries are as expected.
    pub met: usize,
    /// The exit code of the process.
    pub exit: Exit,
    plan: &'a PlanRecord,
    today: Date,
}

/// Compares a record with a baseline.
pub fn judge<'a>(record: &'a Record, baseline: &'a Baseline, now: Timestamp) -> BaselineComparison<'a> {
    let entries = baseline.entries_for(record.environment.name.as_ref());
    let expects = |one: &ScenarioRecord| {
        let verdict = one.counted(&record.plan);
        let by_requirement = |id: &String| entries.iter().any(|entry| entry.accepts(id, verdict));
        // A scenario of two requirements speaks against both.
        entries.iter().any(|entry| entry.scenario.as_ref() == Some(&one.id))
            || !one.requirements.is_empty() && one.requirements.iter().all(by_requirement)
    };
    // What another shard runs is not this one's to judge.
    let shard = record.plan.shard.as_ref().and_then(|shard| Shard::new(shard.index, shard.count).ok());
    let own = |entry: &&&ExpectedVerdict| {
        shard.is_none_or(|shard| match &entry.scenario {
            Some(scenario) => shard.takes(scenario),
            None => entry.found(record).is_some_and(|found| found.deviates()),
        })
    };
    let mut judgement = BaselineComparison {
        unexpected: deviations(record).filter(|scenario| !expects(scenario)).collect(),
        otherwise: Vec::new(),
        unused: Vec::new(),
        expired: Vec::new(),
        met: 0,
        exit: Exit::Green,
        plan: &record.plan,
        today: TimeZone::UTC.to_datetime(now).date(),
    };
    for entry in entries.iter().filter(own) {
        match entry.found(record) {
            found if entry.expires.is_over(now) => judgement.expired.push((*entry, found)),
            None => judgement.unused.push(*entry),
            Some(found) if found.verdict != entry.verdict => judgement.otherwise.push((*entry, found)),
            Some(_) => judgement.met += 1,
        }
    }
    judgement.exit = judgement.exit(record);
    judgement
}

impl BaselineComparison<'_> {
    /// Whether everything is as expected.
    pub fn is_met(&self) -> bool {
        self.unexpected.is_empty() && self.otherwise.is_empty() && self.unused.is_empty() && self.expired.is_empty()
    }

    /// A baseline speaks about verdicts only: what stopped the run, or was left behind, stays what it is.
    fn exit(&self, record: &Record) -> Exit {
        let plan = &record.plan;
        if plan.strict && !record.slow.is_empty() && record.outcome == RunOutcome::Fails {
            return if self.is_met() { Exit::NonConformant } else { Exit::Baseline };
        }
        let proved = record.proved() > 0 && (plan.shard.is_some() || plan.gate.missing(record).is_empty());
        match record.outcome {
            RunOutcome::Conforms | RunOutcome::Fails | RunOutcome::CouldNotTell => match (self.is_met(), proved) {
                (false, _) => Exit::Baseline,
                // What was not run might have failed in another way than is expected.
                (true, _) if !record.complete => Exit::Unreachable,
                (true, false) => Exit::NothingProved,
                (true, true) => Exit::Green,
            },
            RunOutcome::NothingProved if !self.is_met() => Exit::Baseline,
            other => other.exit(),
        }
    }

    /// What a person reads, and what they paste.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut list = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                let _ = writeln!(text, "{title}:");
                lines.iter().for_each(|line| {
                    let _ = writeln!(text, "  {line}");
                });
            }
        };
        let line = |scenario: &&ScenarioRecord| {
            format!("{}  {}: {}", scenario.id, scenario.counted(self.plan), view::shorten(view::reason(scenario), 160))
        };
        list("not expected", self.unexpected.iter().map(line).collect());
        let otherwise = |(entry, found): &(&ExpectedVerdict, Found<'_>)| {
            let (subject, about) = (entry.subject(), entry.about());
            format!("{subject}  expected {}, found {} ({about})", entry.verdict, found.verdict)
        };
        list("expected, but did not happen", self.otherwise.iter().map(otherwise).collect());
        let unused = |entry: &&ExpectedVerdict| format!("{}  {} ({})", entry.subject(), entry.verdict, entry.about());
        list("not used: no such scenario was in the run", self.unused.iter().map(unused).collect());
        let expired = |(entry, found): &(&ExpectedVerdict, Option<Found<'_>>)| {
            let found = found.as_ref().map_or("not in the run", |found| found.verdict.word());
            let (subject, about) = (entry.subject(), entry.about());
            format!("{subject}  on {}: expected {}, {found} ({about})", entry.expires, entry.verdict)
        };
        list("expired", self.expired.iter().map(expired).collect());
        if self.is_met() {
            let _ = writeln!(text, "baseline: as expected, {} known", self.met);
        } else {
            text += &self.paste();
        }
        text
    }

    /// The entries that would make the baseline fit: those that are new, and those that last longer or find otherwise,
    /// with the comment that they had.
    fn paste(&self) -> String {
        let new = self.unexpected.iter().map(|scenario| ExpectedVerdict::of(scenario, self.plan, self.today));
        let otherwise = self.otherwise.iter().map(|(entry, found)| (*entry, found));
        let expired = self.expired.iter().filter_map(|(entry, found)| Some((*entry, found.as_ref()?)));
        let changed = otherwise.chain(expired).filter(|(_, found)| found.deviates()).map(|(entry, found)| {
            ExpectedVerdict { verdict: found.verdict, expires: later(self.today), ..entry.clone() }
        });
        let entries: String = new.chain(changed).map(|entry| entry.text()).collect();
        let mut text = String::new();
        let gone = self.otherwise.iter().map(|(entry, _)| *entry).chain(self.unused.iter().copied());
        let gone: Vec<&str> =
            gone.chain(self.expired.iter().map(|(entry, _)| *entry)).map(ExpectedVerdict::subject).collect();
        if !gone.is_empty() {
            let _ = writeln!(text, "\nto remove from the baseline: {}", gone.join(", "));
        }
        if !entries.is_empty() {
            let _ = write!(text, "\nto paste into the baseline, if it is accepted:\n{entries}");
        }
        text
    }
}
