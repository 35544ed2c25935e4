//! What is known not to pass, each with its reason and an end: a run then fails on what is new, on what no longer
//! happens, and on an entry that is no longer needed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use bpconform_fixtures::toml_problem;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

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
    /// One entry for each scenario that is not expected to pass.
    #[serde(default, rename = "expected")]
    pub all: Vec<ExpectedVerdict>,
}

/// One scenario that is not expected to pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedVerdict {
    /// The scenario's id.
    pub scenario: String,
    /// What it is expected to find.
    pub verdict: Verdict,
    /// Why that is accepted.
    pub comment: String,
    /// The last day on which it is.
    pub expires: Date,
}

impl Baseline {
    /// Reads a baseline.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let problem = |problem: String| Error::Read { file: file.to_owned(), problem };
        let advice = "`bpconform baseline RECORD` writes such a file";
        let text = text_file::read(file).map_err(|error| problem(format!("{error}; {advice}")))?;
        Self::parse(&text).map_err(|wrong| problem(format!("{wrong}; {advice}")))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let baseline: Self = toml::from_str(text).map_err(|error| toml_problem(text, &error))?;
        baseline.check()?;
        Ok(baseline)
    }

    fn check(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for entry in &self.all {
            if !seen.insert(&entry.scenario) {
                return Err(format!("{} is there twice", entry.scenario));
            }
            if entry.comment.trim().is_empty() {
                return Err(format!("{}: the comment is empty; say why the verdict is accepted", entry.scenario));
            }
        }
        Ok(())
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
}

impl ExpectedVerdict {
    fn of(scenario: &ScenarioRecord, plan: &PlanRecord, today: Date) -> Self {
        let expires = today.checked_add(HOLDS.days()).unwrap_or(Date::MAX);
        let comment = format!("why is this accepted? {}", view::shorten(view::reason(scenario), 120));
        Self { scenario: scenario.id.clone(), verdict: scenario.counted(plan), comment, expires }
    }

    fn text(&self) -> String {
        let string = |text: &str| toml::Value::from(text).to_string();
        format!(
            "\n[[expected]]\nscenario = {}\nverdict = \"{}\"\ncomment = {}\nexpires = \"{}\"\n",
            string(&self.scenario),
            self.verdict,
            string(&self.comment),
            self.expires
        )
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
    pub otherwise: Vec<(&'a ExpectedVerdict, &'a ScenarioRecord)>,
    /// Entries for scenarios that were not in the run.
    pub unused: Vec<&'a ExpectedVerdict>,
    /// Entries whose last day is over, and what was found.
    pub expired: Vec<(&'a ExpectedVerdict, Option<&'a ScenarioRecord>)>,
    /// How many entries are as expected.
    pub met: usize,
    /// The exit code of the process.
    pub exit: Exit,
    plan: &'a PlanRecord,
    today: Date,
}

/// Compares a record with a baseline.
pub fn judge<'a>(record: &'a Record, baseline: &'a Baseline, today: Date) -> BaselineComparison<'a> {
    let find = |id: &str| record.scenarios.iter().find(|scenario| scenario.id == id);
    let expects = |id: &str| baseline.all.iter().any(|entry| entry.scenario == id);
    // What another shard runs is not this one's to judge.
    let shard = record.plan.shard.as_ref().and_then(|shard| Shard::new(shard.index, shard.count).ok());
    let own = |entry: &&ExpectedVerdict| shard.is_none_or(|shard| shard.takes(&entry.scenario));
    let mut judgement = BaselineComparison {
        unexpected: deviations(record).filter(|scenario| !expects(&scenario.id)).collect(),
        otherwise: Vec::new(),
        unused: Vec::new(),
        expired: Vec::new(),
        met: 0,
        exit: Exit::Green,
        plan: &record.plan,
        today,
    };
    for entry in baseline.all.iter().filter(own) {
        match find(&entry.scenario) {
            found if entry.expires < today => judgement.expired.push((entry, found)),
            None => judgement.unused.push(entry),
            Some(scenario) if scenario.counted(&record.plan) != entry.verdict => {
                judgement.otherwise.push((entry, scenario));
            }
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
        let told = |scenario: &&ScenarioRecord| {
            format!("{}  {}: {}", scenario.id, scenario.counted(self.plan), view::shorten(view::reason(scenario), 160))
        };
        list("not expected", self.unexpected.iter().map(told).collect());
        let otherwise = |(entry, scenario): &(&ExpectedVerdict, &ScenarioRecord)| {
            format!(
                "{}  expected {}, found {} ({})",
                entry.scenario,
                entry.verdict,
                scenario.counted(self.plan),
                entry.comment
            )
        };
        list("expected, but did not happen", self.otherwise.iter().map(otherwise).collect());
        let unused = |entry: &&ExpectedVerdict| format!("{}  {} ({})", entry.scenario, entry.verdict, entry.comment);
        list("not used: no such scenario was in the run", self.unused.iter().map(unused).collect());
        let expired = |(entry, found): &(&ExpectedVerdict, Option<&ScenarioRecord>)| {
            let found = found.map_or("not in the run", |scenario| scenario.counted(self.plan).word());
            format!("{}  on {}: expected {}, {found} ({})", entry.scenario, entry.expires, entry.verdict, entry.comment)
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
        let otherwise = self.otherwise.iter().map(|(entry, scenario)| (*entry, *scenario));
        let expired = self.expired.iter().filter_map(|(entry, scenario)| Some((*entry, (*scenario)?)));
        let changed =
            otherwise.chain(expired).filter(|(_, scenario)| deviates(scenario, self.plan)).map(|(entry, scenario)| {
                ExpectedVerdict {
                    comment: entry.comment.clone(),
                    ..ExpectedVerdict::of(scenario, self.plan, self.today)
                }
            });
        let entries: String = new.chain(changed).map(|entry| entry.text()).collect();
        let mut text = String::new();
        let gone = self.otherwise.iter().map(|(entry, _)| *entry).chain(self.unused.iter().copied());
        let gone: Vec<&str> =
            gone.chain(self.expired.iter().map(|(entry, _)| *entry)).map(|entry| entry.scenario.as_str()).collect();
        if !gone.is_empty() {
            let _ = writeln!(text, "\nto remove from the baseline: {}", gone.join(", "));
        }
        if !entries.is_empty() {
            let _ = write!(text, "\nto paste into the baseline, if it is accepted:\n{entries}");
        }
        text
    }
}
