//! The report of a comparison as text, Markdown or JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bpconform_steps::plain::plain;
use serde_json::json;

use crate::drift::{Compared, Difference, Drift};

/// The most differences of one request that a report for people shows.
const MOST_SHOWN: usize = 12;

/// The two addresses that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The address of A.
    pub a: &'a str,
    /// The address of B.
    pub b: &'a str,
}

fn unexplained<'a>(compared: &'a Compared<'_>) -> Vec<&'a Difference> {
    let open = compared.differences.iter().filter(|(_, reason)| reason.is_none());
    open.map(|(difference, _)| difference).collect()
}

/// How often each reason explains a difference.
fn reasons<'a>(drift: &'a Drift<'_>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    let all = drift.compared.iter().flat_map(|compared| &compared.differences);
    for reason in all.filter_map(|(_, reason)| reason.as_deref()) {
        *counts.entry(reason).or_default() += 1;
    }
    counts
}

fn heading(compared: &Compared<'_>) -> String {
    let endpoint = compared.request.endpoint.as_ref();
    format!("{}{}", compared.request.name(), endpoint.map_or_else(String::new, |id| format!("  ({id})")))
}

fn summary(drift: &Drift<'_>) -> String {
    let open = drift.compared.iter().filter(|compared| !unexplained(compared).is_empty()).count();
    format!(
        "{} requests compared, {} not; {} unexplained differences in {open} requests, {} accepted for {} reasons",
        drift.compared.len(),
        drift.unanswered.len(),
        drift.count(false),
        drift.count(true),
        reasons(drift).len()
    )
}

/// The report for a terminal.
pub fn text(drift: &Drift<'_>, sides: Sides<'_>) -> String {
    let mut text = format!("A  {}\nB  {}\n", sides.a, sides.b);
    for compared in drift.compared.iter().filter(|compared| !unexplained(compared).is_empty()) {
        let _ = writeln!(text, "\n{}", heading(compared));
        let open = unexplained(compared);
        for Difference { aspect, item, a, b } in open.iter().take(MOST_SHOWN) {
            let item = if item.is_empty() { String::new() } else { format!("{item}: ") };
            let _ = writeln!(text, "  {:10} {item}A {a}, B {b}", aspect.name());
        }
        if open.len() > MOST_SHOWN {
            let _ = writeln!(text, "  … and {} more", open.len() - MOST_SHOWN);
        }
    }
    let _ = writeln!(text);
    for (request, why) in &drift.unanswered {
        let _ = writeln!(text, "not compared: {request}: {why}");
    }
    for (reason, count) in reasons(drift) {
        let _ = writeln!(text, "accepted: {count:4}  {reason}");
    }
    for reason in &drift.unused {
        let _ = writeln!(text, "accepted, but nothing differs so: {reason}");
    }
    let _ = writeln!(text, "{}", summary(drift));
    // Names of headers, members and tags are the target's.
    plain(&text).into_owned()
}

/// The report as Markdown.
pub fn markdown(drift: &Drift<'_>, sides: Sides<'_>) -> String {
    let mut text = format!("# Drift\n\n- A: {}\n- B: {}\n\n{}\n", sides.a, sides.b, summary(drift));
    for compared in drift.compared.iter().filter(|compared| !unexplained(compared).is_empty()) {
        let _ = writeln!(text, "\n## {}\n\n| | | A | B |\n|---|---|---|---|", cell(&heading(compared)));
        let open = unexplained(compared);
        for Difference { aspect, item, a, b } in open.iter().take(MOST_SHOWN) {
            let _ = writeln!(text, "| {} | {} | {} | {} |", aspect.name(), cell(item), cell(a), cell(b));
        }
        if open.len() > MOST_SHOWN {
            let _ = writeln!(text, "| … | and {} more | | |", open.len() - MOST_SHOWN);
        }
    }
    let counts = reasons(drift);
    if !counts.is_empty() {
        let _ = writeln!(text, "\n## Accepted\n\n| differences | reason |\n|---:|---|");
        for (reason, count) in counts {
            let _ = writeln!(text, "| {count} | {} |", cell(reason));
        }
    }
    for (request, why) in &drift.unanswered {
        let _ = writeln!(text, "\nNot compared: {}: {}", cell(request), cell(why));
    }
    text
}

/// Text with the characters escaped that would end a cell or start markup.
fn cell(text: &str) -> String {
    let special = |letter: char| "\\`*_[]<>|{}".contains(letter);
    let escaped = text.chars().map(|letter| if special(letter) { format!("\\{letter}") } else { letter.to_string() });
    escaped.collect::<String>().replace('\n', " ")
}

/// The report as JSON: every difference, with the reason of each that is accepted.
pub fn json(drift: &Drift<'_>, sides: Sides<'_>) -> String {
    let differing = drift.compared.iter().filter(|compared| !compared.differences.is_empty());
    let requests: Vec<_> = differing
        .map(|compared| {
            let of_each = compared.differences.iter();
            let differences: Vec<_> =
                of_each.map(|(difference, reason)| json_of(difference, reason.as_deref())).collect();
            let request = compared.request;
            json!({ "request": request.name(), "endpoint": request.endpoint, "differences": differences })
        })
        .collect();
    let unanswered: Vec<_> =
        drift.unanswered.iter().map(|(request, why)| json!({ "request": request, "why": why })).collect();
    let report = json!({
        "a": sides.a, "b": sides.b, "compared": drift.compared.len(), "unexplained": drift.count(false),
        "accepted": drift.count(true), "requests": requests, "not_compared": unanswered, "unused": drift.unused,
    });
    format!("{report:#}\n")
}

fn json_of(difference: &Difference, reason: Option<&str>) -> serde_json::Value {
    let Difference { aspect, item, a, b } = difference;
    json!({ "aspect": aspect, "item": item, "a": a, "b": b, "accepted": reason })
}
