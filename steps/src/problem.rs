//! Why a step did not pass: the target is wrong, the check had an error, or the check is not permitted or not possible.

use std::fmt;

use bpconform_fixtures::Cause;
use serde::{Deserialize, Serialize};

/// The effect of a problem on the verdict of its scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The target is not as the documentation says.
    Failed,
    /// The harness or the environment prevented a result.
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
    /// The effect on the verdict.
    pub kind: Kind,
    /// What was seen and what was expected, for a person; without secrets.
    pub reason: String,
    /// The cause, where a reader recognised it. The remedy belongs to it.
    pub cause: Option<Cause>,
    /// The lines of a transcript or a log that show it.
    pub lines: Vec<String>,
}

/// The result of a step.
pub type Checked<T = ()> = Result<T, Problem>;

impl Problem {
    /// The target is not as the documentation says.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::of(Kind::Failed, reason)
    }

    /// The harness or the environment prevented a result.
    pub fn error(reason: impl Into<String>) -> Self {
        Self::of(Kind::Error, reason)
    }

    /// It cannot be checked here.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self::of(Kind::Skipped, reason)
    }

    /// A problem of that kind.
    pub fn of(kind: Kind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), cause: None, lines: Vec::new() }
    }

    /// The problem with a cause, if one is given.
    #[must_use]
    pub fn because(self, cause: impl Into<Option<Cause>>) -> Self {
        Self { cause: cause.into().or(self.cause), ..self }
    }

    /// The problem with the lines that show it.
    #[must_use]
    pub fn showing(self, lines: Vec<String>) -> Self {
        Self { lines, ..self }
    }

    /// The problem with its subject before the reason.
    #[must_use]
    pub fn about(self, what: impl fmt::Display) -> Self {
        Self { reason: format!("{what}: {}", self.reason), ..self }
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

/// Repeats a check that failed: a single answer may be wrong. What a second attempt does not find is an error that names it.
pub(crate) async fn confirmed<T>(check: impl AsyncFn() -> Checked<T>) -> Checked<T> {
    match check().await {
        Err(first) if first.kind == Kind::Failed => match check().await {
            Ok(_) => Err(Problem::error(format!("{}; asked a second time, it was not so", first.reason))),
            second => second,
        },
        other => other,
    }
}

/// How many reads may contradict each other until that is an error.
const CONTRADICTIONS: usize = 4;

/// What two reads in a row agree on: a single one may be wrong, or show the state before the last change. A read that fails
/// is the result, so that no fault of the connection is hidden.
pub(crate) async fn agreed<T: PartialEq>(read: impl AsyncFn() -> Checked<T>) -> Checked<T> {
    agreed_by(read, T::eq).await
}

/// The same where `agree` says which results agree.
pub(crate) async fn agreed_by<T>(read: impl AsyncFn() -> Checked<T>, agree: impl Fn(&T, &T) -> bool) -> Checked<T> {
    let mut last = read().await?;
    for _ in 0..CONTRADICTIONS {
        let next = read().await?;
        if agree(&last, &next) {
            return Ok(next);
        }
        last = next;
    }
    Err(Problem::error(
        "the Author gives another answer each time that it is asked; behind a load balancer, check one Author alone",
    ))
}

/// A result whose problem can be given a cause.
pub trait Because {
    /// The result, with that cause in its problem.
    #[must_use]
    fn because(self, cause: impl Into<Option<Cause>>) -> Self;
}

impl<T> Because for Checked<T> {
    fn because(self, cause: impl Into<Option<Cause>>) -> Self {
        self.map_err(|problem| problem.because(cause))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Answers in this order, the last one again and again; and how many were read.
    async fn agree_on(answers: &[Result<u32, &str>]) -> (Checked<u32>, usize) {
        let (left, read) = (RefCell::new(answers.iter()), RefCell::new(0));
        let last = answers.last().expect("an answer");
        let one = async || {
            *read.borrow_mut() += 1;
            left.borrow_mut().next().unwrap_or(last).map_err(Problem::error)
        };
        (agreed(one).await, read.into_inner())
    }

    #[tokio::test]
    async fn what_two_reads_in_a_row_say_is_the_result() {
        assert_eq!(agree_on(&[Ok(1)]).await, (Ok(1), 2));
        assert_eq!(agree_on(&[Ok(1), Ok(2), Ok(2)]).await, (Ok(2), 3));
        assert_eq!(agree_on(&[Ok(2), Ok(1), Ok(2)]).await, (Ok(2), 4));
        let (failed, read) = agree_on(&[Ok(1), Err("refused")]).await;
        assert_eq!((failed.expect_err("it failed").reason.as_str(), read), ("refused", 2));
        let (restless, read) = agree_on(&[Ok(1), Ok(2), Ok(3), Ok(4), Ok(5), Ok(6)]).await;
        let reason = restless.expect_err("no two agree").reason;
        assert!(reason.contains("another answer each time") && read == 1 + CONTRADICTIONS, "{reason}");
    }
}
