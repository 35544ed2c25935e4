//! The wire matrix: steps × faults.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bpconform_mocks::faults::Fault;
use serde::Serialize;

use super::cell::{Cell, CellFate};
use crate::error::Error;

/// How wide the sentence of a step may be in the table.
const WIDTH: usize = 84;

/// How many columns stand together.
const GROUP: usize = 5;

/// The whole matrix.
#[derive(Debug, Serialize)]
pub struct WireMatrix {
    /// The faults: id and sentence.
    pub faults: Vec<(&'static str, &'static str)>,
    /// The steps' sentences.
    pub steps: Vec<String>,
    /// The cells: for each step those of all faults.
    pub cells: Vec<Vec<Cell>>,
}

impl WireMatrix {
    /// The matrix of these columns, one for each fault.
    pub(super) fn new(steps: Vec<String>, faults: &[&'static Fault], columns: Vec<Vec<Cell>>) -> Self {
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let row = |_: &String| columns.iter_mut().filter_map(Iterator::next).collect();
        Self {
            cells: steps.iter().map(row).collect(),
            faults: faults.iter().map(|fault| (fault.id, fault.says)).collect(),
            steps,
        }
    }

    /// Whether every cell is as it must be.
    pub fn holds(&self) -> bool {
        self.all().all(|cell| cell.fate.is_right()) && self.all().next().is_some()
    }

    fn all(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().flatten()
    }

    /// The matrix for a program.
    pub fn json(&self) -> Result<String, Error> {
        let json = serde_json::to_string_pretty(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(json + "\n")
    }

    /// The matrix for a person; the last line says it in one.
    pub fn text(&self, peak_memory: Option<u64>) -> String {
        let mut text = String::from("each of these is applied to the first request of each step:\n\n");
        let ids = self.faults.iter().map(|(id, _)| id.len()).max().unwrap_or_default();
        for (number, (id, says)) in self.faults.iter().enumerate() {
            let _ = writeln!(text, "  {:>2}  {id:<ids$}  {says}", number + 1);
        }
        text.push('\n');
        for digit in [10, 1] {
            let numbers = (1..=self.faults.len()).map(|number| match (number / digit % 10, digit) {
                (0, 10) => ' ',
                (digit, _) => char::from_digit(u32::try_from(digit).unwrap_or_default(), 10).unwrap_or('?'),
            });
            let _ = writeln!(text, "{:WIDTH$}  {}", "", grouped(numbers).trim_end());
        }
        for (step, cells) in self.steps.iter().zip(&self.cells) {
            let letters = grouped(cells.iter().map(|cell| cell.fate.letter_and_word().0));
            let _ = writeln!(text, "{:<WIDTH$}  {letters}", shortened(step));
        }
        self.explain_exceptions(&mut text);
        self.all().filter(|cell| !cell.fate.is_right()).for_each(|cell| explain(&mut text, cell));
        text + &self.summary(peak_memory)
    }

    /// The cells that are rightly no error, under the reason for it.
    fn explain_exceptions(&self, text: &mut String) {
        let excepted: Vec<_> = self.all().filter(|cell| cell.fate == CellFate::Excepted).collect();
        let reasons: BTreeSet<_> = excepted.iter().map(|cell| &cell.reason).collect();
        for reason in reasons {
            let _ = writeln!(text, "\nx  {reason}:");
            for cell in excepted.iter().filter(|cell| cell.reason == *reason) {
                let _ = writeln!(text, "     {} × {}", cell.step, cell.fault);
            }
        }
    }

    fn summary(&self, peak_memory: Option<u64>) -> String {
        let counts = CellFate::ALL.iter().map(|(fate, letter, word)| {
            let count = self.all().filter(|cell| cell.fate == *fate).count();
            format!("{count} {word} ({letter})")
        });
        let memory = peak_memory.map_or_else(String::new, |memory| format!("; peak memory {memory} MB"));
        let (steps, faults) = (self.steps.len(), self.faults.len());
        format!("\nwires: {steps} steps × {faults} faults: {}{memory}\n", counts.collect::<Vec<_>>().join(", "))
    }
}

fn explain(text: &mut String, cell: &Cell) {
    let (letter, word) = cell.fate.letter_and_word();
    let _ = writeln!(text, "\n{letter}  {} × {} ({}): {word}: {}", cell.step, cell.fault, cell.scenario, cell.reason);
}

fn grouped(letters: impl Iterator<Item = char>) -> String {
    let letters: Vec<char> = letters.collect();
    letters.chunks(GROUP).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn shortened(sentence: &str) -> String {
    if sentence.chars().count() <= WIDTH {
        return sentence.to_owned();
    }
    sentence.chars().take(WIDTH - 1).chain(['…']).collect()
}
