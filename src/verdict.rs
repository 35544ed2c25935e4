//! The five words for what a check found, and how they add up.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a check found, the weakest word first: merging takes the strongest.
///
/// `Unproven` is the start of every sum, so nothing merges to `Passed` from nothing. `Skipped` beside `Passed` is
/// `Passed`: something was proved, and the report names what was skipped. `Failed` is stronger than `Error`, because
/// one proof that the target is wrong stays a proof whatever else could not be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing ran.
    #[default]
    Unproven,
    /// It could not be checked here; the reason says why.
    Skipped,
    /// The target is as the documentation says.
    Passed,
    /// The harness or the environment could not tell.
    Error,
    /// The target is not as the documentation says.
    Failed,
}

impl Verdict {
    /// All verdicts in the order in which summaries name them.
    pub const ALL: [Self; 5] = [Self::Passed, Self::Failed, Self::Error, Self::Skipped, Self::Unproven];

    /// The word for it, as in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unproven => "unproven",
            Self::Skipped => "skipped",
            Self::Passed => "passed",
            Self::Error => "error",
            Self::Failed => "failed",
        }
    }

    /// Both together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl From<bpconform_steps::Kind> for Verdict {
    fn from(kind: bpconform_steps::Kind) -> Self {
        match kind {
            bpconform_steps::Kind::Failed => Self::Failed,
            bpconform_steps::Kind::Error => Self::Error,
            bpconform_steps::Kind::Skipped => Self::Skipped,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any() -> impl Strategy<Value = Verdict> {
        prop::sample::select(Verdict::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn a_sum_is_never_weaker_than_a_part_and_never_depends_on_the_order(parts in prop::collection::vec(any(), 0..8)) {
            let sum = parts.iter().copied().fold(Verdict::default(), Verdict::merge);
            prop_assert!(parts.iter().all(|part| sum >= *part));
            prop_assert_eq!(sum, parts.iter().rev().copied().fold(Verdict::default(), Verdict::merge));
            prop_assert_eq!(sum == Verdict::Passed, parts.contains(&Verdict::Passed)
                && !parts.contains(&Verdict::Failed) && !parts.contains(&Verdict::Error));
        }
    }
}
