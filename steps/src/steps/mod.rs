//! The sentences of the features: a module for each feature, and separate modules for requests that arrive at mocked
//! systems, for published content other than assets, and for the jobs that stop an upgrade.

pub mod arriving;
mod chosen;
pub mod cloud_distribution;
pub mod cloud_service;
pub mod developer_console;
pub mod ims_integration;
pub mod legacy_gateway;
pub mod legacy_jwt;
pub mod parallel_publishing;
pub mod prerequisites;
pub mod publishing;
pub mod publishing_others;
pub mod replication_agents;
pub mod running_jobs;
pub mod upgrade;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use bpconform_fixtures::surfaces::expand;
use cucumber::gherkin::Step;

use crate::author::agents;
use crate::problem::{Checked, Problem};
use crate::session::Session;

/// Fills `{tenant}` and `{tenant-url}` into a text of a feature.
pub(crate) fn fill(session: &Session, text: &str) -> Checked<String> {
    if !text.contains('{') {
        return Ok(text.to_owned());
    }
    let values = [("tenant", session.stack.tenant_id()?), ("tenant-url", agents::tenant_url(session)?)];
    let values: BTreeMap<_, _> = values.map(|(name, value)| (name.to_owned(), value)).into();
    expand(text, &values).map_err(|name| Problem::error(format!("the feature contains {{{name}}}, which has no value")))
}

/// The statuses that an answer can have.
pub(crate) const STATUS: RangeInclusive<u16> = 100..=599;

/// The minutes that a scenario may wait: up to a day.
pub(crate) const MINUTES: RangeInclusive<u64> = 0..=24 * 60;

/// The number that a feature names. Cucumber's own conversion would end the harness on one that does not fit.
pub(crate) fn number<T: FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<T>) -> Checked<T> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        Problem::error(format!(
            "the feature says {text}; a number from {} to {} can stand there",
            range.start(),
            range.end()
        ))
    })
}

/// The rows of a step's table; a step without one is a mistake of the feature.
pub(crate) fn rows(step: &Step) -> Checked<&[Vec<String>]> {
    let rows = step.table.as_ref().map_or(&[][..], |table| &table.rows);
    if rows.is_empty() {
        return Err(Problem::error(format!("the step \"{}\" has no table", step.value)));
    }
    Ok(rows)
}

/// The rows below the heading of a step's table, each with so many cells.
pub(crate) fn below_heading<const N: usize>(step: &Step) -> Checked<Vec<[&str; N]>> {
    let rows = &rows(step)?[1..];
    let all: Option<Vec<_>> = rows.iter().map(|row| cells(row)).collect();
    all.filter(|rows| !rows.is_empty())
        .ok_or_else(|| Problem::error(format!("the step \"{}\" needs a table of {N} columns", step.value)))
}

fn cells<const N: usize>(row: &[String]) -> Option<[&str; N]> {
    row.iter().map(String::as_str).collect::<Vec<_>>().try_into().ok()
}

/// The first cell of each row of a table without heading.
pub(crate) fn first_column(step: &Step) -> Checked<Vec<String>> {
    Ok(rows(step)?.iter().filter_map(|row| row.first().cloned()).collect())
}
