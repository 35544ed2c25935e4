//! `bpconform explain`: one requirement of the documentation: what is stated and where, how it is checked, with which
//! endpoints, and what to do when it fails.

mod markdown;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use bpconform_fixtures::requirements::Level;
use bpconform_fixtures::surfaces::Evidence;
use bpconform_fixtures::{Product, Remedies, Remedy, Requirement, Requirements, Surface, System};

use crate::cli::explain::ExplainArgs;
use crate::cli::list::ListFormat;
use crate::error::Error;
use crate::exit::Exit;
use crate::features::{Case, Features};
use crate::output::Output;
use crate::plan::Selection;
use crate::record::{Record, ScenarioRecord};
use crate::report::style::Styles;
use crate::run::options::Options;

/// Runs the scenarios of the requirement on the embedded mocks, to list the requests that they send.
pub async fn command(args: &ExplainArgs, styles: Styles, output: &Output, began: Instant) -> Result<Exit, Error> {
    let id = args.requirement.to_uppercase();
    let selection = Selection::new(None, None, vec![id.clone()])?;
    let features = Features::built_in()?;
    let requirement = Requirements::built_in().get(&id).ok_or_else(|| Error::Internal(format!("{id} is gone")))?;
    let product = requirement.products.first().copied().unwrap_or_default();
    let options = Options { selection, ..Options::of_mocks(product, output.redactor.clone(), began) };
    let played = crate::run::run(&options, &features, |_: &ScenarioRecord| {}).await?;
    output.print_text(&match args.format {
        ListFormat::Text => text(requirement, &features, &played, styles),
        ListFormat::Markdown => markdown::page(requirement, &features, &played),
    });
    Ok(Exit::Green)
}

/// The requirement of that id as a text. `played` is a record of its scenarios on the embedded mocks: what they really
/// asked is what they use.
fn text(requirement: &Requirement, features: &Features, played: &Record, styles: Styles) -> String {
    let cases: Vec<&Arc<Case>> =
        features.cases.iter().filter(|case| case.requirements.contains(&requirement.id)).collect();
    let mut text = promise(requirement, styles);
    text += &checks(&cases, styles);
    text += &endpoints(played, styles);
    text += &failures(requirement, styles);
    let product = product_flag(requirement);
    let _ = writeln!(text, "\n{}\n  bpconform run --requirement {}{product}", styles.bold("Try it"), requirement.id);
    text
}

/// The flag with which the mocks are of a product for which the requirement holds, if they are not without it.
fn product_flag(requirement: &Requirement) -> &'static str {
    match requirement.products[..] {
        [Product::AemCloud] => " --product aem-cloud",
        _ => "",
    }
}

fn promise(requirement: &Requirement, styles: Styles) -> String {
    let level = match requirement.level {
        Level::Must => "the documentation demands it",
        Level::Should => "the documentation recommends it",
    };
    let known = Requirements::built_in();
    format!(
        "{}  {}\n\n{}\n  {} ({level})\n  section \"{}\" of \"{}\"\n  {}\n  holds for {}\n",
        styles.bold(&requirement.id),
        requirement.section,
        styles.bold("The requirement"),
        requirement.promise,
        requirement.section,
        known.document.title,
        known.link(requirement),
        Product::names(&requirement.products),
    )
}

fn checks(cases: &[&Arc<Case>], styles: Styles) -> String {
    let mut text = format!("\n{}\n", styles.bold("How it is checked"));
    for case in cases {
        let _ = writeln!(text, "  {}  {}", case.name, styles.dim(&format!("needs --allow {}", case.allow)));
        for step in &case.steps {
            let _ = writeln!(text, "      {:<5} {}", step.keyword.trim(), step.value);
        }
        let _ = writeln!(text, "      {}", styles.dim(&format!("{}:{}  {}", case.file, case.line, case.id)));
    }
    if cases.is_empty() {
        text += "  by no scenario yet\n";
    }
    text
}

fn endpoints(played: &Record, styles: Styles) -> String {
    let text = format!("\n{}\n", styles.bold("What is asked of the target"));
    let lines: Vec<String> = asked_endpoints(played).map(endpoint).collect();
    if lines.is_empty() { text + "  nothing\n" } else { text + &lines.concat() }
}

/// The endpoints that the scenarios asked, without the control of the mocks.
fn asked_endpoints(played: &Record) -> impl Iterator<Item = &'static Surface> {
    let asked: BTreeSet<&str> = played.scenarios.iter().flat_map(surfaces_of).collect();
    let known = bpconform_fixtures::Surfaces::built_in();
    let found: Vec<&Surface> = asked.into_iter().filter_map(|id| known.find(id)).collect();
    found.into_iter().filter(|surface| surface.system != System::Control)
}

fn surfaces_of(scenario: &ScenarioRecord) -> impl Iterator<Item = &str> {
    let exchanges = scenario.steps.iter().flat_map(|step| &step.exchanges).chain(&scenario.exchanges);
    exchanges.map(|exchange| exchange.surface.as_str())
}

fn endpoint(surface: &Surface) -> String {
    let head = format!("  {} {} {}", surface.system.name(), surface.method, surface.path);
    if surface.is_mocks_own() {
        return format!("{head}\n      only a mock has it, and only a mock is asked: it shows what arrived there\n");
    }
    let known = match surface.evidence {
        Evidence::Verified => "verified: seen in a cited source",
        Evidence::Inferred => "inferred from a cited source",
        Evidence::Learned => "learned from a real instance",
        Evidence::Unknown => {
            "unknown: this path is the mock's stand-in; on a real target it is skipped until --surfaces FILE supplies it"
        }
    };
    let file = if surface.source.starts_with('§') { "surfaces.md " } else { "" };
    format!("{head}\n      {known}; {file}{}\n", surface.source)
}

fn failures(requirement: &Requirement, styles: Styles) -> String {
    let mut text = format!("\n{}\n", styles.bold("When it fails"));
    for remedy in Remedies::built_in().for_requirement(&requirement.id) {
        text += &remedy_lines(remedy, styles);
    }
    text
}

fn remedy_lines(remedy: &Remedy, styles: Styles) -> String {
    let mut text =
        format!("  {}\n      seen as: {}\n      {}\n", styles.bold(&remedy.title), remedy.symptom, remedy.means);
    for (number, step) in (1..).zip(&remedy.steps) {
        let _ = writeln!(text, "      {number}. {step}");
    }
    let _ = writeln!(text, "      {}", styles.dim(&remedy.link));
    text
}
