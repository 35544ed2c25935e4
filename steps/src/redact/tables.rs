//! Tables that are not of HTML: comma-separated values with the names in the first line, columns, and tables of Markdown.
//! Sentences have commas, too: a value is taken only if it looks like one.

use std::ops::Range;

use bpconform_fixtures::Sensitivity;

use super::names::Names;
use super::value::{Finding, is_address, judge, looks_drawn, looks_strong};

/// A longer line is no row, in bytes.
const LONGEST: usize = 2048;

/// A table has no more columns.
const COLUMNS: usize = 64;

/// What stands between the cells of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    Letter(char),
    /// Two or more.
    Spaces,
}

const ALL: [Between; 5] =
    [Between::Letter('|'), Between::Letter('\t'), Between::Letter(';'), Between::Letter(','), Between::Spaces];

/// Finds the values below and beside the names of secrets.
pub(super) fn find(text: &str, names: &Names<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut head: Option<(Between, usize, Vec<usize>)> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let part = start..start + line.trim_end_matches(['\n', '\r']).len();
        start += line.len();
        let row = &text[part.clone()];
        if row.len() > LONGEST || row.trim().is_empty() {
            head = None;
            continue;
        }
        if let Some((between, count, columns)) = &head {
            let cells = cells(text, part.clone(), *between);
            if cells.len() == *count {
                let values = columns.iter().map(|column| cells[*column].clone());
                found.extend(values.filter_map(|cell| value(text, cell)));
                continue;
            }
        }
        head = None;
        if !super::pairs::may_hold(row, names) {
            continue;
        }
        for between in ALL {
            // Of a sentence, a space stands behind each.
            if row.contains(", ") && between == Between::Letter(',')
                || row.contains("; ") && between == Between::Letter(';')
            {
                continue;
            }
            let cells = cells(text, part.clone(), between);
            if cells.len() < 2 || cells.len() > COLUMNS {
                continue;
            }
            let is_secret =
                |cell: &Range<usize>| names.classify(text[cell.clone()].trim_matches('*')) == Sensitivity::Secret;
            if between == Between::Letter('|') && cells.len() < 4 && is_secret(&cells[0]) && !is_secret(&cells[1]) {
                // A row of a name and its value.
                found.extend(value(text, cells[1].clone()));
            }
            if cells.iter().all(|cell| is_name(&text[cell.clone()])) {
                let columns: Vec<usize> = (0..cells.len()).filter(|column| is_secret(&cells[*column])).collect();
                if !columns.is_empty() {
                    head = Some((between, cells.len(), columns));
                    break;
                }
            }
        }
    }
    found
}

/// The cells of a row, without the blanks and the quotation marks around them.
fn cells(text: &str, row: Range<usize>, between: Between) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let line = &text[row.clone()];
    let mut add = |start: usize, end: usize| {
        let cell = &line[start..end];
        let inner = cell.trim_start_matches([' ', '\t', '"', '`']);
        let start = row.start + end - inner.len();
        cells.push(start..start + inner.trim_end_matches([' ', '\t', '"', '`']).len());
    };
    match between {
        Between::Letter(letter) => {
            let mut start = 0;
            let mut is_quoted = false;
            for (at, it) in line.char_indices() {
                if it == '"' {
                    is_quoted = !is_quoted;
                } else if it == letter && !is_quoted {
                    add(start, at);
                    start = at + it.len_utf8();
                }
            }
            add(start, line.len());
            // Markdown begins and ends a row with it.
            if letter == '|' && cells.len() > 2 && cells[0].is_empty() {
                cells.remove(0);
                cells.truncate(cells.len() - usize::from(line.trim_end().ends_with('|')));
            }
        }
        Between::Spaces => {
            let mut start = line.len() - line.trim_start().len();
            while start < line.len() {
                let end = line[start..].find("  ").map_or(line.len(), |length| start + length);
                add(start, end);
                start = line.len() - line[end..].trim_start().len();
            }
        }
    }
    cells
}

/// Whether a cell may be in the line of the names.
fn is_name(cell: &str) -> bool {
    let allowed = |letter: char| letter.is_alphanumeric() || "_.:- */".contains(letter);
    !cell.is_empty()
        && cell.len() <= 60
        && !cell.contains(": ")
        && cell.chars().all(allowed)
        && cell.split_whitespace().count() <= 3
}

fn value(text: &str, cell: Range<usize>) -> Option<Finding> {
    let value = &text[cell.clone()];
    let is_value = looks_strong(value) && !value.contains(char::is_whitespace) && !is_address(value);
    is_value.then(|| judge(Sensitivity::Secret, text, cell, looks_drawn(value)))?
}
