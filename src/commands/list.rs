//! `bpconform list`: the scenarios, or the requirements with the number of their scenarios.

use std::fmt::Write as _;
use std::sync::Arc;

use bpconform_fixtures::requirements::Level;
use bpconform_fixtures::{Allow, Product, Requirement, Requirements};

use crate::cli::list::{ListArgs, ListFormat};
use crate::error::Error;
use crate::exit::Exit;
use crate::features::Case;
use crate::inputs;
use crate::output::Output;
use crate::plan::of_another_product;
use crate::report::style::Styles;
use crate::verdict::Verdict;

/// Prints the list.
pub fn command(args: &ListArgs, styles: Styles, output: &Output) -> Result<Exit, Error> {
    let (features, selection) = (inputs::features(&args.select)?, inputs::selection(&args.select)?);
    let about = |case: &&Arc<Case>| args.product.is_none_or(|product| of_another_product(case, &[product]).is_none());
    let cases: Vec<&Arc<Case>> = features.cases.iter().filter(|case| selection.takes(case)).filter(about).collect();
    output.out(&match (args.coverage, args.format) {
        (true, ListFormat::Markdown) => coverage_markdown(&cases, args.product),
        (true, ListFormat::Text) => coverage(&cases, args.product, styles),
        (false, _) => scenarios(&cases, styles),
    });
    Ok(Exit::Green)
}

/// The scenarios under their features.
fn scenarios(cases: &[&Arc<Case>], styles: Styles) -> String {
    let mut text = String::new();
    let mut feature = "";
    let mut count = 0;
    for case in cases {
        if feature != case.feature {
            feature = &case.feature;
            let _ = writeln!(text, "\n{}", styles.bold(&format!("Feature: {feature}")));
        }
        let about = styles.dim(&format!("{}  {}", case.requirements.join(" "), case.author));
        let _ = writeln!(text, "  {:<7}  {}  {about}", case.allow, case.id);
        count += 1;
    }
    text + &format!("\n{count} scenarios\n")
}

/// Each requirement, how many scenarios prove it, and the least permission with which all of them run.
fn coverage(cases: &[&Arc<Case>], product: Option<Product>, styles: Styles) -> String {
    let mut text = String::new();
    let mut section = "";
    let all = &Requirements::built_in().all;
    let (mut covered, mut apart) = (0, 0);
    for requirement in all {
        if section != requirement.section {
            section = &requirement.section;
            let _ = writeln!(text, "\n{}", styles.bold(section));
        }
        if let Some(reason) = apart_from(requirement, product) {
            apart += 1;
            let _ = writeln!(text, "  {}  {}", requirement.id, styles.dim(&format!("not applicable: {reason}")));
            continue;
        }
        let proves = |case: &&&Arc<Case>| case.requirements.contains(&requirement.id);
        let levels: Vec<Allow> = cases.iter().filter(proves).map(|case| case.allow).collect();
        covered += usize::from(!levels.is_empty());
        let verdict = if levels.is_empty() { Verdict::Error } else { Verdict::Passed };
        let count = styles.verdict(verdict, &format!("{:>2}", levels.len()));
        let words: Vec<_> = Allow::ALL.into_iter().filter(|level| levels.contains(level)).map(Allow::word).collect();
        let _ =
            writeln!(text, "  {}  {count} scenarios  {:<20}  {}", requirement.id, words.join(" "), requirement.promise);
    }
    let of = product.map_or_else(String::new, |product| format!(" of {}", product.name()));
    text + &format!("\n{covered} of {} requirements{of} have a scenario\n", all.len() - apart)
}

/// Why a requirement is not applicable to a product.
fn apart_from(requirement: &Requirement, product: Option<Product>) -> Option<String> {
    let product = product.filter(|product| !requirement.holds_for(&[*product]));
    product.map(|_| format!("it holds for {} only", Product::names(&requirement.products)))
}

/// The requirements as a Markdown table, each with a link to its section of the document.
fn coverage_markdown(cases: &[&Arc<Case>], product: Option<Product>) -> String {
    let known = Requirements::built_in();
    let mut text =
        String::from("| id | requirement | products | level | allow | scenarios |\n|---|---|---|---|---|---|\n");
    for requirement in &known.all {
        let proves = |case: &&&Arc<Case>| case.requirements.contains(&requirement.id);
        let scenarios = match apart_from(requirement, product) {
            Some(_) => vec!["not applicable".to_owned()],
            None => cases.iter().filter(proves).map(|case| format!("`{}`", case.id)).collect(),
        };
        let products: Vec<_> = requirement.products.iter().map(|product| product.word()).collect();
        let level = match requirement.level {
            Level::Must => "must",
            Level::Should => "should",
        };
        let promise = requirement.promise.replace('|', "\\|").replace('<', "&lt;");
        let _ = writeln!(
            text,
            "| [{}]({}) | {promise} | {} | {level} | {} | {} |",
            requirement.id,
            known.link(requirement),
            products.join(", "),
            requirement.allow,
            scenarios.join("<br>")
        );
    }
    text
}
