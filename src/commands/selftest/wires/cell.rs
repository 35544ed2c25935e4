//! A cell of the wire matrix: the result of one fault at one step.

use serde::Serialize;

/// The result of a fault at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellFate {
    /// Inconclusive, with a reason that names the request, as required.
    Error,
    /// Something else, and rightly: it is one of the exceptions.
    Excepted,
    /// An error that does not name the request.
    Nameless,
    /// The fault was mistaken for an answer, and the scenario passed.
    Passed,
    /// The fault was mistaken for an answer, and the scenario failed.
    Failed,
    /// It was not checked.
    Skipped,
    /// The harness itself failed.
    Panicked,
    /// It took longer than it may.
    Hung,
    /// The scenario did not get as far as the step.
    NotReached,
}

impl CellFate {
    pub(super) const ALL: [(Self, char, &'static str); 9] = [
        (Self::Error, 'E', "error"),
        (Self::Excepted, 'x', "rightly otherwise"),
        (Self::Nameless, 'n', "without the request"),
        (Self::Passed, 'P', "passed"),
        (Self::Failed, 'F', "failed"),
        (Self::Skipped, 'S', "skipped"),
        (Self::Panicked, '!', "panics"),
        (Self::Hung, 'H', "hangs"),
        (Self::NotReached, '?', "not reached"),
    ];

    pub(super) fn letter_and_word(self) -> (char, &'static str) {
        let found = Self::ALL.iter().find(|(fate, ..)| *fate == self);
        found.map_or(('?', ""), |(_, letter, word)| (*letter, *word))
    }

    pub(super) const fn is_right(self) -> bool {
        matches!(self, Self::Error | Self::Excepted)
    }
}

/// One cell.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// The step's sentence.
    pub step: String,
    /// The scenario that was played.
    pub scenario: String,
    /// The fault's id.
    pub fault: &'static str,
    /// The result.
    pub fate: CellFate,
    /// The reason that the scenario gave, or why the cell is rightly no error.
    pub reason: String,
}
