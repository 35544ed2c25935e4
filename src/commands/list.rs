//! `bpconform list`: the scenarios, and what covers each requirement.

use std::fmt::Write as _;

use bpconform_fixtures::requirements::Level;
use bpconform_fixtures::{Allow, Requirements};

use crate::cli::list::{ListArgs, ListFormat};
use crate::error::Error;
use crate::exit::Exit;
use crate::features::Case;
use crate::inputs;
use crate::output::Output;
use crate::plan::Selection;
use crate::report::style::Styles;
use crate::verdict::Verdict;

/// Prints the list.
pub fn command(args: &ListArgs, styles: Styles, output: &Output) -> Result<Exit, Error> {
    let (features, selection) = (inputs::features(&args.select)?, inputs::selection(&args.select)?);
    output.out(&match (args.coverage, args.format) {
        (true, ListFormat::Markdown) => coverage_markdown(&features.cases, &selection),
        (true, ListFormat::Text) => coverage(&features.cases, &selection, styles),
        (false, _) => scenarios(&features.cases, &selection, styles),
    });
    Ok(Exit::Green)
}

/// The scenarios under their features.
fn scenarios(cases: &[Case], selection: &Selection, styles: Styles) -> String {
    let mut text = String::new();
    let mut feature = "";
    let mut count = 0;
    for case in cases.iter().filter(|case| selection.takes(case)) {
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
fn coverage(cases: &[Case], selection: &Selection, styles: Styles) -> String {
    let mut text = String::new();
    let mut section = "";
    let all = &Requirements::built_in().all;
    let mut covered = 0;
    for requirement in all {
        if section != requirement.section {
            section = &requirement.section;
            let _ = writeln!(text, "\n{}", styles.bold(section));
        }
        let proves = |case: &&Case| case.requirements.contains(&requirement.id) && selection.takes(case);
        let levels: Vec<Allow> = cases.iter().filter(proves).map(|case| case.allow).collect();
        covered += usize::from(!levels.is_empty());
        let verdict = if levels.is_empty() { Verdict::Error } else { Verdict::Passed };
        let count = styles.verdict(verdict, &format!("{:>2}", levels.len()));
        let words: Vec<_> = Allow::ALL.into_iter().filter(|level| levels.contains(level)).map(Allow::word).collect();
        let _ =
            writeln!(text, "  {}  {count} scenarios  {:<20}  {}", requirement.id, words.join(" "), requirement.promise);
    }
    text + &format!("\n{covered} of {} requirements have a scenario\n", all.len())
}

/// The same as a table in Markdown, with a link to the section of the document that makes each requirement.
fn coverage_markdown(cases: &[Case], selection: &Selection) -> String {
    let known = Requirements::built_in();
    let mut text = String::from("| id | requirement | level | allow | scenarios |\n|---|---|---|---|---|\n");
    for requirement in &known.all {
        let proves = |case: &&Case| case.requirements.contains(&requirement.id) && selection.takes(case);
        let scenarios: Vec<_> = cases.iter().filter(proves).map(|case| format!("`{}`", case.id)).collect();
        let level = match requirement.level {
            Level::Must => "must",
            Level::Should => "should",
        };
        let promise = requirement.promise.replace('|', "\\|").replace('<', "&lt;");
        let _ = writeln!(
            text,
            "| [{}]({}) | {promise} | {level} | {} | {} |",
            requirement.id,
            known.link(requirement),
            requirement.allow,
            scenarios.join("<br>")
        );
    }
    text
}
