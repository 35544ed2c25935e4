//! The state of a scenario: its session with the target, and the results of its steps.

use std::panic;

use cucumber::codegen::collect;
use cucumber::step::Location;

use crate::memory::Memory;
use crate::problem::{Checked, Problem};
use crate::session::Session;

/// The World of cucumber. Each scenario has a new one, and the run sets its session before the first step.
#[derive(Debug, Default, cucumber::World)]
pub struct World {
    session: Option<Session>,
    memory: Memory,
    begun: usize,
}

/// What is known of the sentences of a step. A run compiles the expressions only of the steps that may read its sentences:
/// those of all would be a fifth of what a short run costs.
#[derive(Debug)]
pub struct SentenceForm {
    /// Where the step is registered.
    pub place: Location,
    /// The text, which all sentences of the step have in common.
    pub text: &'static str,
    /// Whether it is the whole sentence.
    pub is_whole: bool,
    /// A regular expression that reads the same of those in ASCII; empty if it is not known.
    pub ascii: &'static str,
}

collect!(SentenceForm);

impl World {
    /// Sets the session of the scenario.
    pub fn begin(&mut self, session: Session) {
        self.session = Some(session);
    }

    /// The session. That it is missing is a bug of the harness.
    pub fn session(&self) -> Checked<&Session> {
        self.session.as_ref().ok_or_else(|| Problem::error("the scenario was begun without a session"))
    }

    /// Keeps the result of a step for later steps. It replaces an earlier result of the same type.
    pub fn keep<T: std::fmt::Debug + Send + Sync + 'static>(&mut self, found: T) {
        self.memory.keep(found);
    }

    /// The result of that type from an earlier step. That it is missing is a mistake in the scenario.
    pub fn kept<T: std::fmt::Debug + Send + Sync + 'static>(&self) -> Checked<&T> {
        self.memory.get().ok_or_else(|| {
            Problem::error(format!("no earlier step of this scenario found any {}", std::any::type_name::<T>()))
        })
    }

    /// Counts a step that begins.
    pub fn begin_step(&mut self) {
        self.begun += 1;
    }

    /// How many steps have begun.
    pub fn begun(&self) -> usize {
        self.begun
    }

    /// Ends all requests to the target: the following steps may only judge what was read before.
    pub fn settle(&self) {
        if let Some(session) = &self.session {
            session.stop.cancel();
        }
    }

    /// Ends the scenario and returns its session.
    pub fn end(&mut self) -> Option<Session> {
        self.session.take()
    }
}

/// Reports the outcome of a step to cucumber. A panic is the only way to report that a step did not pass; it carries the
/// [`Problem`] itself, so that any other panic is recognized as such.
pub fn end_step(outcome: Checked) {
    if let Err(problem) = outcome {
        // Unlike `panic!` this calls no hook: runs in several threads replace the hook, and the default hook, which prints,
        // is active for a moment.
        panic::resume_unwind(Box::new(problem));
    }
}
