//! Why a step did not pass: the target is wrong, or the harness could not tell, or it may not or cannot be checked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a step's ending means for the verdict of its scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The target is not as the documentation says.
    Failed,
    /// The harness or the environment could not tell.
    Error,
    /// It cannot be checked here; the reason says what is missing.
    Skipped,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// Why a step did not pass. Steps return it, and the engine gets this value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// What it means for the verdict.
    pub kind: Kind,
    /// What was seen and what was expected, for a person; without secrets.
    pub reason: String,
}

/// What a step returns.
pub type Checked<T = ()> = Result<T, Problem>;

impl Problem {
    /// The target is not as the documentation says.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, reason: reason.into() }
    }

    /// The harness or the environment could not tell.
    pub fn error(reason: impl Into<String>) -> Self {
        Self { kind: Kind::Error, reason: reason.into() }
    }

    /// It cannot be checked here.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self { kind: Kind::Skipped, reason: reason.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.word(), self.reason)
    }
}

/// Fails the step with `reason` unless the target is as it should be.
pub fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Problem::failed(reason())) }
}
