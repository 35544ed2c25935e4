//! Compares two records, for example before and after an upgrade: what was fixed, what broke, what is no longer checked,
//! which settings of the agents changed, and which answers became slower beyond noise.

mod render;
pub mod settings;
pub mod side;
pub mod timing;

use std::collections::{BTreeMap, BTreeSet};

use bpconform_fixtures::Requirements;
use serde::Serialize;

use crate::exit::Exit;
use crate::record::{Record, RequirementRecord, RunOutcome, ScenarioRecord};
use crate::verdict::Verdict;
use settings::SettingChange;
use side::ComparedRun;
use timing::TimingShift;

/// What happened to a requirement or a scenario between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictChange {
    /// It fails, and did not before.
    Broken,
    /// It cannot be judged, so whether it broke is unknown. The word in JSON is part of the format.
    #[serde(rename = "untold")]
    Undecided,
    /// It was checked before, and now it was not.
    NewlySkipped,
    /// It passes, and did not before.
    Fixed,
    /// It was not checked before, and passes.
    NewlyProved,
}

impl VerdictChange {
    /// All kinds, the most severe first.
    pub const ALL: [Self; 5] = [Self::Broken, Self::Undecided, Self::NewlySkipped, Self::Fixed, Self::NewlyProved];

    /// What leads from one verdict to the other.
    pub fn between(before: Verdict, after: Verdict) -> Option<Self> {
        match (before, after) {
            (_, Verdict::Error) => Some(Self::Undecided),
            (before, after) if before == after => None,
            (_, Verdict::Failed) => Some(Self::Broken),
            (before, Verdict::Passed) if before.is_unchecked() => Some(Self::NewlyProved),
            (_, Verdict::Passed) => Some(Self::Fixed),
            (before, _) if before.is_unchecked() => None,
            (_, after) if after.is_unchecked() => Some(Self::NewlySkipped),
            (_, _) => None,
        }
    }

    /// The heading for it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Broken => "Broken",
            Self::Undecided => "Could not be judged",
            Self::NewlySkipped => "No longer checked",
            Self::Fixed => "Fixed",
            Self::NewlyProved => "Newly proved",
        }
    }
}

/// A requirement or a scenario that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangedVerdict {
    /// The id.
    pub id: String,
    /// The requirement, or the scenario's name.
    pub name: String,
    /// What happened to it.
    pub change: VerdictChange,
    /// What was found before.
    pub before: Verdict,
    /// What was found after.
    pub after: Verdict,
    /// Why, in the later record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Two records compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// The earlier record.
    pub before: ComparedRun,
    /// The later record.
    pub after: ComparedRun,
    /// What makes them hard to compare: what else differs than the Author, and what was cut off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The requirements that changed.
    pub requirements: Vec<ChangedVerdict>,
    /// The scenarios that changed.
    pub scenarios: Vec<ChangedVerdict>,
    /// Scenarios that are in the later record only.
    pub added: Vec<String>,
    /// Scenarios that are in the earlier record only.
    pub removed: Vec<String>,
    /// Settings of the agents that changed.
    pub settings: Vec<SettingChange>,
    /// Answers that became slower or quicker beyond noise.
    pub timing: Vec<TimingShift>,
    /// The exit code of the process.
    pub exit_code: u8,
}

/// Compares two records.
pub fn diff(before: &Record, after: &Record) -> Diff {
    let names = |record: &Record, other: &Record| {
        let theirs: BTreeSet<_> = other.scenarios.iter().map(|scenario| &scenario.id).collect();
        let own = record.scenarios.iter().map(|scenario| &scenario.id);
        own.filter(|id| !theirs.contains(id)).cloned().collect()
    };
    let mut diff = Diff {
        before: ComparedRun::of(before),
        after: ComparedRun::of(after),
        notes: side::notes(before, after),
        requirements: requirements(before, after),
        scenarios: scenarios(before, after),
        added: names(after, before),
        removed: names(before, after),
        settings: settings::changed(before, after),
        timing: timing::shifts(before, after),
        exit_code: 0,
    };
    diff.exit_code = diff.exit().code();
    diff
}

/// The requirements of either record: one that the later does not know was not checked by it.
fn requirements(before: &Record, after: &Record) -> Vec<ChangedVerdict> {
    let (earlier, later) = (by_id(before), by_id(after));
    let gone = before.requirements.iter().filter(|one| !later.contains_key(&one.id));
    let entry = |id: &String| {
        let verdict = |of: &BTreeMap<String, RequirementRecord>| of.get(id).map(|one| one.verdict).unwrap_or_default();
        let (was, is) = (verdict(&earlier), verdict(&later));
        let change = VerdictChange::between(was, is)?;
        if change == VerdictChange::NewlySkipped && was != Verdict::Passed && is_repaired(id, before, after) {
            return None;
        }
        let promise = Requirements::built_in().get(id).map_or("", |known| known.promise.as_str());
        let reason = later.get(id).and_then(|one| one.reason.clone());
        Some(ChangedVerdict { id: id.clone(), name: promise.to_owned(), change, before: was, after: is, reason })
    };
    after.requirements.iter().chain(gone).filter_map(|one| entry(&one.id)).collect()
}

/// Whether each scenario of a requirement that did not pass before passes now. That need not prove the requirement; the
/// scenarios are listed as fixed.
fn is_repaired(id: &str, before: &Record, after: &Record) -> bool {
    let passes = |id: &str| after.scenarios.iter().any(|one| one.id == id && one.verdict == Verdict::Passed);
    let own = before.scenarios.iter().filter(|one| one.requirements.iter().any(|own| own == id));
    own.filter(|one| matches!(one.verdict, Verdict::Failed | Verdict::Error)).all(|one| passes(&one.id))
}

/// The requirements of a record as they count: of a strict run with what was flaky.
fn by_id(record: &Record) -> BTreeMap<String, RequirementRecord> {
    let mut all: BTreeMap<_, _> = record.requirements.iter().map(|one| (one.id.clone(), one.clone())).collect();
    for scenario in &record.scenarios {
        let counted = scenario.counted(&record.plan);
        for id in scenario.requirements.iter().filter(|_| counted != scenario.verdict) {
            if let Some(one) = all.get_mut(id) {
                one.verdict = one.verdict.merge(counted);
            }
        }
    }
    all
}

fn scenarios(before: &Record, after: &Record) -> Vec<ChangedVerdict> {
    let earlier: BTreeMap<_, _> = before.scenarios.iter().map(|one| (&one.id, one.counted(&before.plan))).collect();
    let entry = |one: &ScenarioRecord| {
        let was = earlier.get(&one.id).copied().unwrap_or_default();
        let is = one.counted(&after.plan);
        let change = VerdictChange::between(was, is)?;
        let (id, name, reason) = (one.id.clone(), one.name.clone(), one.reason.clone());
        Some(ChangedVerdict { id, name, change, before: was, after: is, reason })
    };
    after.scenarios.iter().filter_map(entry).collect()
}

impl Diff {
    /// The exit code of the process: 1 when something broke; 3 when that is inconclusive: the later run did not
    /// come to its end, could not judge, or no longer checked a requirement; 4 when it proved nothing at all.
    pub fn exit(&self) -> Exit {
        let is = |change| move |entry: &ChangedVerdict| entry.change == change;
        let any = |change| self.requirements.iter().chain(&self.scenarios).any(is(change));
        let unchecked = self.requirements.iter().any(is(VerdictChange::NewlySkipped));
        if any(VerdictChange::Broken) {
            Exit::NonConformant
        } else if any(VerdictChange::Undecided) || unchecked || !self.after.complete {
            Exit::Unreachable
        } else if self.after.outcome == RunOutcome::NothingProved {
            Exit::NothingProved
        } else {
            Exit::Green
        }
    }
}
