//! The wire matrix: steps × faults.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bpconform_mocks::faults::Fault;
use serde::Serialize;

use super::cells::Target;
use crate::error::Error;
use crate::verdict::Verdict;

/// How wide the sentence of a step may be in the table.
const WIDTH: usize = 84;

/// How many columns stand together.
const GROUP: usize = 5;

/// Cells that are rightly something else than an error.
pub(super) struct Exception {
    at: At,
    fault: &'static str,
    verdict: Verdict,
    pub(super) why: &'static str,
}

/// Where such cells are.
enum At {
    /// At this step.
    Step(&'static str),
    /// At requests to this surface, which no step asks first.
    Surface(&'static str),
    /// Wherever the answer that is struck is 400 or more.
    Refusal,
}

impl Exception {
    /// The one that a cell is, if it is one; `status` is that of the answer that was struck.
    pub(super) fn of(target: &Target, fault: &str, verdict: Verdict, status: Option<u16>) -> Option<&'static Self> {
        let is = |it: &&Self| {
            let there = match it.at {
                At::Step(sentence) => target.sentence == sentence,
                At::Surface(id) => target.surface.as_deref() == Some(id),
                At::Refusal => status.is_some_and(|status| status >= 400),
            };
            there && (it.fault, it.verdict) == (fault, verdict)
        };
        EXCEPTIONS.iter().find(is)
    }
}

/// All of them. Each was looked at: either it is the very thing that was asked for, or no reader of HTTP could tell.
const EXCEPTIONS: &[Exception] = &[
    except(
        At::Step("I open the Author's login page"),
        "login-page",
        Verdict::Passed,
        "the login page is what was asked for",
    ),
    except(
        At::Step("I may open each of these:"),
        "login-page",
        Verdict::Failed,
        "the login page is how AEM denies a page, and whether it is denied is what is asked",
    ),
    except(At::Step(TENANT), "html-page", Verdict::Passed, ANY_PAGE),
    except(At::Step(TENANT), "login-page", Verdict::Passed, ANY_PAGE),
    except(
        At::Step("I ask for the replication agents below a context path that does not exist"),
        "redirect-loop",
        Verdict::Passed,
        "a wrong address must be told clearly, and a redirect is",
    ),
    except(
        At::Refusal,
        "over-long-body",
        Verdict::Passed,
        "to HTTP it is a whole answer, and of one that is 400 or more the status alone was asked for",
    ),
    except(At::Step("I delete it"), "over-long-body", Verdict::Passed, LOOKED_AT_LATER),
    except(At::Surface("author.cloud-create"), "over-long-body", Verdict::Passed, LOOKED_AT_LATER),
    except(At::Surface("author.node-delete"), "over-long-body", Verdict::Passed, LOOKED_AT_LATER),
    except(At::Surface("author.certificate-create"), "over-long-body", Verdict::Passed, LOOKED_AT_LATER),
    except(
        At::Step("I read the end of the Author's error log"),
        "over-long-body",
        Verdict::Passed,
        "to HTTP it is a whole answer, and no log says where it ends",
    ),
    except(
        At::Step("the Author still has the asset"),
        "over-long-body",
        Verdict::Failed,
        "to HTTP it is a whole answer, and half of a file is another file",
    ),
];

const TENANT: &str = "the tenant answers at it";
const ANY_PAGE: &str = "no page of the tenant's is known: any page shows that something answers there";
const LOOKED_AT_LATER: &str = "to HTTP it is a whole answer, a text; whether it was done is looked at afterwards";

const fn except(at: At, fault: &'static str, verdict: Verdict, why: &'static str) -> Exception {
    Exception { at, fault, verdict, why }
}

/// What came of a fault at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Nobody could tell, and the reason names the request: as it must be.
    Error,
    /// Something else, and rightly: it is one of the exceptions.
    Excepted,
    /// An error that does not name the request.
    Nameless,
    /// The broken wire was taken for an answer, and the answer for right.
    Passed,
    /// The broken wire was taken for an answer, and the answer for wrong.
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

impl Fate {
    const ALL: [(Self, char, &'static str); 9] = [
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

    fn told(self) -> (char, &'static str) {
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
    /// What came of it.
    pub fate: Fate,
    /// The reason that the scenario gave, or why the cell is rightly no error.
    pub reason: String,
}

/// The whole matrix.
#[derive(Debug, Serialize)]
pub struct Wires {
    /// The faults: id and sentence.
    pub faults: Vec<(&'static str, &'static str)>,
    /// The steps' sentences.
    pub steps: Vec<String>,
    /// The cells: for each step those of all faults.
    pub cells: Vec<Vec<Cell>>,
}

impl Wires {
    /// The matrix of these columns, one for each fault.
    pub(super) fn new(targets: &[Target], faults: &[&'static Fault], columns: Vec<Vec<Cell>>) -> Self {
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let row = |_: &Target| columns.iter_mut().filter_map(Iterator::next).collect();
        Self {
            cells: targets.iter().map(row).collect(),
            faults: faults.iter().map(|fault| (fault.id, fault.says)).collect(),
            steps: targets.iter().map(Target::name).collect(),
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
        let mut text = String::from("each step's first request is struck by each of these:\n\n");
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
            let letters = grouped(cells.iter().map(|cell| cell.fate.told().0));
            let _ = writeln!(text, "{:<WIDTH$}  {letters}", shortened(step));
        }
        self.explain_exceptions(&mut text);
        self.all().filter(|cell| !cell.fate.is_right()).for_each(|cell| explain(&mut text, cell));
        text + &self.summary(peak_memory)
    }

    /// The cells that are rightly no error, under the reason for it.
    fn explain_exceptions(&self, text: &mut String) {
        let excepted: Vec<_> = self.all().filter(|cell| cell.fate == Fate::Excepted).collect();
        let reasons: BTreeSet<_> = excepted.iter().map(|cell| &cell.reason).collect();
        for reason in reasons {
            let _ = writeln!(text, "\nx  {reason}:");
            for cell in excepted.iter().filter(|cell| cell.reason == *reason) {
                let _ = writeln!(text, "     {} × {}", cell.step, cell.fault);
            }
        }
    }

    fn summary(&self, peak_memory: Option<u64>) -> String {
        let counts = Fate::ALL.iter().map(|(fate, letter, word)| {
            let count = self.all().filter(|cell| cell.fate == *fate).count();
            format!("{count} {word} ({letter})")
        });
        let memory = peak_memory.map_or_else(String::new, |memory| format!("; peak memory {memory} MB"));
        let (steps, faults) = (self.steps.len(), self.faults.len());
        format!("\nwires: {steps} steps × {faults} faults: {}{memory}\n", counts.collect::<Vec<_>>().join(", "))
    }
}

fn explain(text: &mut String, cell: &Cell) {
    let (letter, word) = cell.fate.told();
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
