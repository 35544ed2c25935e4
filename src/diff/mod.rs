//! Two records compared, for example before and after an upgrade: what was fixed, what broke, what is no longer checked,
//! which settings of the agents changed, and which answers became slower beyond noise.

pub mod settings;
pub mod timing;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bpconform_fixtures::Requirements;
use serde::Serialize;

use crate::exit::Exit;
use crate::record::{Outcome, Record};
use crate::report::markdown::escape;
use crate::report::view;
use crate::verdict::Verdict;
use settings::Setting;
use timing::Shift;

/// What happened to a promise or a scenario between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It fails, and did not before.
    Broken,
    /// It could be judged before, and now it could not.
    NoLongerTold,
    /// It passed or failed before, and now it was not checked.
    NewlySkipped,
    /// It passes, and did not before.
    Fixed,
    /// It was not checked before, and passes.
    NewlyProved,
}

impl Change {
    /// All kinds, the gravest first.
    pub const ALL: [Self; 5] = [Self::Broken, Self::NoLongerTold, Self::NewlySkipped, Self::Fixed, Self::NewlyProved];

    /// What leads from one verdict to the other.
    pub fn between(before: Verdict, after: Verdict) -> Option<Self> {
        match (before, after) {
            (before, after) if before == after => None,
            (_, Verdict::Failed) => Some(Self::Broken),
            (Verdict::Passed | Verdict::Failed, Verdict::Error) => Some(Self::NoLongerTold),
            (Verdict::Passed | Verdict::Failed, Verdict::Skipped | Verdict::Unproven) => Some(Self::NewlySkipped),
            (Verdict::Failed | Verdict::Error, Verdict::Passed) => Some(Self::Fixed),
            (Verdict::Skipped | Verdict::Unproven, Verdict::Passed) => Some(Self::NewlyProved),
            _ => None,
        }
    }

    /// The heading for it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Broken => "Broken",
            Self::NoLongerTold => "Could be judged before, not now",
            Self::NewlySkipped => "No longer checked",
            Self::Fixed => "Fixed",
            Self::NewlyProved => "Newly proved",
        }
    }
}

/// A promise or a scenario that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The id.
    pub id: String,
    /// The promise, or the scenario's name.
    pub name: String,
    /// What happened to it.
    pub change: Change,
    /// What was found before.
    pub before: Verdict,
    /// What was found after.
    pub after: Verdict,
    /// Why, in the later record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One side of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// When the run began.
    pub started: String,
    /// What the Author calls its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What the run came to.
    pub outcome: Outcome,
    /// Whether it came to its end.
    pub complete: bool,
}

/// Two records compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// The earlier record.
    pub before: Side,
    /// The later record.
    pub after: Side,
    /// The promises that changed.
    pub requirements: Vec<Entry>,
    /// The scenarios that changed.
    pub scenarios: Vec<Entry>,
    /// Scenarios that are in the later record only.
    pub added: Vec<String>,
    /// Scenarios that are in the earlier record only.
    pub removed: Vec<String>,
    /// Settings of the agents that changed.
    pub settings: Vec<Setting>,
    /// Answers that became slower or quicker beyond noise.
    pub timing: Vec<Shift>,
    /// What the process tells its caller.
    pub exit_code: u8,
}

impl Side {
    fn of(record: &Record) -> Self {
        Self {
            started: record.started.to_string(),
            product: record.target.product.clone(),
            outcome: record.outcome,
            complete: record.complete,
        }
    }
}

/// Compares two records.
pub fn diff(before: &Record, after: &Record) -> Diff {
    let requirements = requirements(before, after);
    let scenarios = scenarios(before, after);
    let names = |record: &Record, other: &Record| {
        let theirs: Vec<_> = other.scenarios.iter().map(|scenario| &scenario.id).collect();
        let own = record.scenarios.iter().map(|scenario| &scenario.id);
        own.filter(|id| !theirs.contains(id)).cloned().collect()
    };
    let mut diff = Diff {
        before: Side::of(before),
        after: Side::of(after),
        requirements,
        scenarios,
        added: names(after, before),
        removed: names(before, after),
        settings: settings::changed(before, after),
        timing: timing::shifts(before, after),
        exit_code: 0,
    };
    diff.exit_code = diff.exit().code();
    diff
}

fn requirements(before: &Record, after: &Record) -> Vec<Entry> {
    let earlier: BTreeMap<_, _> = before.requirements.iter().map(|one| (&one.id, one.verdict)).collect();
    let entry = |one: &crate::record::RequirementRecord| {
        let was = earlier.get(&one.id).copied().unwrap_or_default();
        let change = Change::between(was, one.verdict)?;
        let promise = Requirements::built_in().get(&one.id).map_or("", |known| known.promise.as_str());
        let reason = one.reason.clone();
        Some(Entry { id: one.id.clone(), name: promise.to_owned(), change, before: was, after: one.verdict, reason })
    };
    after.requirements.iter().filter_map(entry).collect()
}

fn scenarios(before: &Record, after: &Record) -> Vec<Entry> {
    let earlier: BTreeMap<_, _> = before.scenarios.iter().map(|one| (&one.id, one.verdict)).collect();
    let entry = |one: &crate::record::ScenarioRecord| {
        let was = earlier.get(&one.id).copied().unwrap_or_default();
        let change = Change::between(was, one.verdict)?;
        let (id, name, reason) = (one.id.clone(), one.name.clone(), one.reason.clone());
        Some(Entry { id, name, change, before: was, after: one.verdict, reason })
    };
    after.scenarios.iter().filter_map(entry).collect()
}

impl Diff {
    /// What the process tells its caller: 1 when something broke; 3 when the later run cannot tell whether.
    pub fn exit(&self) -> Exit {
        let any = |change| self.requirements.iter().chain(&self.scenarios).any(|entry| entry.change == change);
        if any(Change::Broken) {
            Exit::NonConformant
        } else if any(Change::NoLongerTold) || !self.after.complete {
            Exit::Unreachable
        } else {
            Exit::Green
        }
    }

    fn of(entries: &[Entry], change: Change) -> impl Iterator<Item = &Entry> {
        entries.iter().filter(move |entry| entry.change == change)
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (what, entries) in [("requirements", &self.requirements), ("scenarios", &self.scenarios)] {
            for change in Change::ALL {
                let mut told = Self::of(entries, change).peekable();
                if told.peek().is_some() {
                    let _ = writeln!(text, "{} ({what})", change.title());
                }
                for entry in told {
                    let name = view::shorten(&entry.name, 88);
                    let _ = writeln!(text, "  {}  {} → {}  {name}", entry.id, entry.before, entry.after);
                    if let Some(reason) = &entry.reason {
                        let _ = writeln!(text, "      {}", view::shorten(reason, 200));
                    }
                }
            }
        }
        let mut list = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                let _ = writeln!(text, "{title}");
                lines.iter().for_each(|line| text += &format!("  {line}\n"));
            }
        };
        list("Changed settings of agents", self.settings.iter().map(ToString::to_string).collect());
        list("Slower or quicker beyond noise", self.timing.iter().map(ToString::to_string).collect());
        list("Scenarios that are new", self.added.clone());
        list("Scenarios that are gone", self.removed.clone());
        if !self.after.complete {
            text += "The later run did not come to its end.\n";
        }
        text + &self.summary() + "\n"
    }

    /// One line that says it all.
    pub fn summary(&self) -> String {
        let count = |change, word: &str| {
            let n = Self::of(&self.requirements, change).count();
            (n > 0).then(|| format!("{n} {word}"))
        };
        let counts = [
            count(Change::Broken, "broken"),
            count(Change::NoLongerTold, "not told"),
            count(Change::NewlySkipped, "no longer checked"),
            count(Change::Fixed, "fixed"),
            count(Change::NewlyProved, "newly proved"),
        ];
        let counts: Vec<_> = counts.into_iter().flatten().collect();
        let counts = if counts.is_empty() { "no change".to_owned() } else { counts.join(", ") };
        format!("requirements: {counts} · settings changed: {} · exit {}", self.settings.len(), self.exit_code)
    }

    /// For a pull request or a ticket.
    pub fn markdown(&self) -> String {
        let mark = if self.exit_code == 0 { "✅" } else { "❌" };
        let product = |side: &Side| side.product.clone().unwrap_or_else(|| "Author".into());
        let mut text = format!(
            "# {mark} Brand Portal configuration, before and after\n\n| | Before | After |\n|---|---|---|\n\
             | Product | {} | {} |\n| Began | {} | {} |\n\n{}\n",
            escape(&product(&self.before)),
            escape(&product(&self.after)),
            self.before.started,
            self.after.started,
            escape(&self.summary())
        );
        for change in Change::ALL {
            let told: Vec<_> = Self::of(&self.requirements, change).collect();
            if told.is_empty() {
                continue;
            }
            let _ = writeln!(
                text,
                "\n## {}\n\n| Requirement | Before | After | Promise |\n|---|---|---|---|",
                change.title()
            );
            for entry in told {
                let reason =
                    entry.reason.as_deref().map(|reason| format!(" — {}", escape(&view::shorten(reason, 200))));
                let known = Requirements::built_in();
                let link = known.get(&entry.id).map(|one| known.link(one)).unwrap_or_default();
                let (id, promise, reason) = (&entry.id, escape(&entry.name), reason.unwrap_or_default());
                let _ = writeln!(text, "| [{id}]({link}) | {} | {} | {promise}{reason} |", entry.before, entry.after);
            }
        }
        if !self.settings.is_empty() {
            text += "\n## Changed settings of agents\n\n| Agent | Setting | Before | After |\n|---|---|---|---|\n";
            for one in &self.settings {
                let cell = |value: &Option<String>| value.as_deref().map_or("(not set)".to_owned(), escape);
                let (before, after) = (cell(&one.before), cell(&one.after));
                let _ = writeln!(text, "| {} | {} | {before} | {after} |", escape(&one.agent), escape(&one.property));
            }
        }
        let mut list = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                let _ = write!(text, "\n## {title}\n\n");
                lines.iter().for_each(|line| text += &format!("- {}\n", escape(line)));
            }
        };
        list("Slower or quicker beyond noise", self.timing.iter().map(ToString::to_string).collect());
        list("Scenarios that are new", self.added.clone());
        list("Scenarios that are gone", self.removed.clone());
        text
    }
}
