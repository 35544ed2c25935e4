//! `bpconform selftest --variations`: the proof that every check stays green on installations that differ in harmless
//! ways. Each variation runs alone; every verdict must be the same as without it.

use std::fmt::Write as _;
use std::sync::Arc;

use bpconform_fixtures::Variation;
use serde::Serialize;

use crate::commands::selftest::engine::Alone;
use crate::commands::selftest::matrix::RedScenario;
use crate::error::Error;

/// The maximum number of scenarios with a reason in the text, for each variation.
const MAX_EXPLAINED: usize = 5;

/// One variation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VariationRow {
    /// The variation's id.
    pub variation: String,
    /// The difference.
    pub says: String,
    /// The source of the difference.
    pub source: String,
    /// The number of scenarios in which it has an effect.
    pub touched: usize,
    /// The scenarios with another verdict than without it.
    pub false_alarms: Vec<RedScenario>,
}

/// The results of all variations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VariationMatrix {
    /// The variations, in the order of the file.
    pub variations: Vec<VariationRow>,
}

impl VariationMatrix {
    /// The results of single variations.
    pub(super) fn new(variations: &[Arc<Variation>], alone: &[Alone]) -> Self {
        let row = |(variation, alone): (&Arc<Variation>, &Alone)| VariationRow {
            variation: variation.id.clone(),
            says: variation.says.clone(),
            source: variation.source.clone(),
            touched: alone.scenarios.len(),
            false_alarms: alone.red.iter().map(|(_, red)| red.clone()).collect(),
        };
        Self { variations: variations.iter().zip(alone).map(row).collect() }
    }

    /// Whether every verdict stays as it is, and every variation has an effect.
    pub fn holds(&self) -> bool {
        self.variations.iter().all(|row| row.false_alarms.is_empty() && row.touched > 0)
    }

    /// The matrix for a program.
    pub fn json(&self) -> Result<String, Error> {
        let json = serde_json::to_string_pretty(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(json + "\n")
    }

    /// The matrix for a person; the last line is a summary.
    pub fn text(&self) -> String {
        let width = self.variations.iter().map(|row| row.variation.len()).max().unwrap_or_default().max(9);
        let mut text = format!("{:<width$}  scenarios  verdicts\n", "variation");
        for row in &self.variations {
            let _ = writeln!(text, "{:<width$}  {:>9}  {}", row.variation, row.touched, row.word());
        }
        for row in self.variations.iter().filter(|row| !row.false_alarms.is_empty()) {
            let _ = writeln!(text, "\n{} ({}; {})", row.variation, row.says, row.source);
            for red in row.false_alarms.iter().take(MAX_EXPLAINED) {
                let _ = writeln!(text, "  {} {}: {}", red.scenario, red.verdict, red.reason);
            }
            if let Some(more) = row.false_alarms.len().checked_sub(MAX_EXPLAINED).filter(|more| *more > 0) {
                let _ = writeln!(text, "  and {more} more; --json lists all");
            }
        }
        let alarms = self.variations.iter().filter(|row| !row.false_alarms.is_empty()).count();
        let without_effect = self.variations.iter().filter(|row| row.touched == 0).count();
        let _ = writeln!(
            text,
            "\nselftest: {} variations, {alarms} false alarms, {without_effect} without effect",
            self.variations.len()
        );
        text
    }
}

impl VariationRow {
    fn word(&self) -> String {
        match self.false_alarms.len() {
            0 if self.touched == 0 => "no effect".to_owned(),
            0 => "the same".to_owned(),
            count => format!("{count} false alarms"),
        }
    }
}
