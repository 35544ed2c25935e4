//! A comparison for people: on a terminal, and as Markdown.

use std::fmt::Write as _;

use bpconform_fixtures::Requirements;

use super::side::ComparedRun;
use super::{ChangedVerdict, Diff, VerdictChange};
use crate::report::markdown::escape;
use crate::report::view;

impl Diff {
    fn of(entries: &[ChangedVerdict], change: VerdictChange) -> impl Iterator<Item = &ChangedVerdict> {
        entries.iter().filter(move |entry| entry.change == change)
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = format!("before  {}\nafter   {}\n", self.before, self.after);
        self.notes.iter().for_each(|note| text += &format!("note    {note}\n"));
        for (what, entries) in [("requirements", &self.requirements), ("scenarios", &self.scenarios)] {
            for change in VerdictChange::ALL {
                let mut shown = Self::of(entries, change).peekable();
                if shown.peek().is_some() {
                    let _ = writeln!(text, "{} ({what})", change.title());
                }
                for entry in shown {
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
        text + &self.summary() + "\n"
    }

    /// The counts in one line.
    pub fn summary(&self) -> String {
        let count = |change, word: &str| {
            let n = Self::of(&self.requirements, change).count();
            (n > 0).then(|| format!("{n} {word}"))
        };
        let counts = [
            count(VerdictChange::Broken, "broken"),
            count(VerdictChange::Undecided, "inconclusive"),
            count(VerdictChange::NewlySkipped, "no longer checked"),
            count(VerdictChange::Fixed, "fixed"),
            count(VerdictChange::NewlyProved, "newly proved"),
        ];
        let counts: Vec<_> = counts.into_iter().flatten().collect();
        let counts = if counts.is_empty() { "no change".to_owned() } else { counts.join(", ") };
        format!("requirements: {counts} · settings changed: {} · exit {}", self.settings.len(), self.exit_code)
    }

    /// For a pull request or a ticket.
    pub fn markdown(&self) -> String {
        let mark = if self.exit_code == 0 { "✅" } else { "❌" };
        let product = |side: &ComparedRun| side.product.clone().unwrap_or_else(|| "(unknown)".into());
        let mut text = format!(
            "# {mark} Brand Portal configuration, before and after\n\n| | Before | After |\n|---|---|---|\n\
             | Product | {} | {} |\n| Began | {} | {} |\n\n{}\n",
            escape(&product(&self.before)),
            escape(&product(&self.after)),
            self.before.started,
            self.after.started,
            escape(&self.summary())
        );
        if !self.notes.is_empty() {
            text.push('\n');
            self.notes.iter().for_each(|note| text += &format!("> {}\n", escape(note)));
        }
        for change in VerdictChange::ALL {
            let shown: Vec<_> = Self::of(&self.requirements, change).collect();
            if shown.is_empty() {
                continue;
            }
            let _ = writeln!(
                text,
                "\n## {}\n\n| Requirement | Before | After | Statement |\n|---|---|---|---|",
                change.title()
            );
            for entry in shown {
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
