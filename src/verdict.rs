//! The verdicts, and how they merge.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result of a check. The variants are ordered from weak to strong, and merging takes the strongest.
///
/// `Unproven` is the initial value of every merge, so that no checks never merge to `Passed`. `Skipped` merged with
/// `Passed` is `Passed`: something was proved, and the report names what was skipped. `Failed` is stronger than `Error`,
/// because one proof of a deviation stays a proof even if another check was inconclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing ran.
    #[default]
    Unproven,
    /// The documentation of the target's product does not contain it; the reason names the products that it holds for.
    #[serde(rename = "not applicable")]
    NotApplicable,
    /// The check did not apply here; the reason explains why.
    Skipped,
    /// The target matches the documentation.
    Passed,
    /// Inconclusive: the harness or the environment prevented a judgement.
    Error,
    /// The target deviates from the documentation.
    Failed,
}

impl Verdict {
    /// All verdicts, in the order of summaries.
    pub const ALL: [Self; 6] =
        [Self::Passed, Self::Failed, Self::Error, Self::Skipped, Self::NotApplicable, Self::Unproven];

    /// The name in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unproven => "unproven",
            Self::NotApplicable => "not applicable",
            Self::Skipped => "skipped",
            Self::Passed => "passed",
            Self::Error => "error",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing was checked.
    pub const fn is_unchecked(self) -> bool {
        matches!(self, Self::Skipped | Self::NotApplicable | Self::Unproven)
    }

    /// The stronger of two verdicts.
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
