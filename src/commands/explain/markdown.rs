//! A requirement as a page of Markdown, for the user guide.

use std::fmt::Write as _;

use bpconform_fixtures::requirements::Level;
use bpconform_fixtures::{Remedies, Remedy, Requirement, Requirements, Surface};

use crate::commands::explain::{asked_endpoints, product_flag};
use crate::features::{Case, Features};
use crate::record::Record;
use crate::report::markdown::escape;

/// The page. `played` is a record of the scenarios on the embedded mocks.
pub(super) fn page(requirement: &Requirement, features: &Features, played: &Record) -> String {
    let cases = features.cases.iter().filter(|case| case.requirements.contains(&requirement.id));
    let remedies = Remedies::built_in().for_requirement(&requirement.id);
    let mut text = statement(requirement);
    text += "## How it is checked\n\n";
    cases.for_each(|case| text += &scenario(case));
    text += "## What is asked of the target\n\n| system | request | source |\n|---|---|---|\n";
    asked_endpoints(played).filter(|surface| !surface.is_mocks_own()).for_each(|surface| text += &endpoint(surface));
    text += "\n## When it fails\n\n";
    remedies.into_iter().for_each(|remedy| text += &cause(remedy));
    let product = product_flag(requirement);
    text + &format!("## Try it\n\n```console\n$ bpconform run --requirement {}{product}\n```\n", requirement.id)
}

fn statement(requirement: &Requirement) -> String {
    let known = Requirements::built_in();
    let level = match requirement.level {
        Level::Must => "demands",
        Level::Should => "recommends",
    };
    format!(
        "# {}\n\n{}. The documentation {level} it: section \"{}\" of [{}]({}).\n\n",
        requirement.id,
        escape(&requirement.promise),
        escape(&requirement.section),
        escape(&known.document.title),
        known.link(requirement),
    )
}

fn scenario(case: &Case) -> String {
    let mut text = format!("**{}** (`--allow {}`)\n\n```gherkin\n", escape(&case.name), case.allow);
    for step in &case.steps {
        let _ = writeln!(text, "{} {}", step.keyword.trim(), step.value);
        for row in step.table.iter().flat_map(|table| &table.rows) {
            let _ = writeln!(text, "  | {} |", row.join(" | "));
        }
    }
    text + "```\n\n"
}

fn endpoint(surface: &Surface) -> String {
    format!("| {} | `{} {}` | {} |\n", surface.system.name(), surface.method, surface.path, escape(&surface.source))
}

fn cause(remedy: &Remedy) -> String {
    let steps: String =
        (1..).zip(&remedy.steps).map(|(number, step)| format!("{number}. {}\n", escape(step))).collect();
    format!(
        "### {}\n\nSeen as: {}. {}\n\n{steps}\n[Documentation]({})\n\n",
        escape(&remedy.title),
        escape(&remedy.symptom),
        escape(&remedy.means),
        remedy.link
    )
}
