//! What one scenario knows: its session with the target, and what its steps found out so far.

use std::panic;

use crate::memory::Memory;
use crate::problem::{Checked, Problem};
use crate::session::Session;

/// The World of cucumber: made new for each scenario; the run gives it its session before the first step.
#[derive(Debug, Default, cucumber::World)]
pub struct World {
    session: Option<Session>,
    memory: Memory,
    begun: usize,
}

impl World {
    /// Gives the scenario its session.
    pub fn begin(&mut self, session: Session) {
        self.session = Some(session);
    }

    /// The session; without one the harness was put together wrongly.
    pub fn session(&self) -> Checked<&Session> {
        self.session.as_ref().ok_or_else(|| Problem::error("the scenario was begun without a session"))
    }

    /// Keeps what a step found out for the steps after it, in place of what was kept of that type before.
    pub fn keep<T: std::fmt::Debug + Send + Sync + 'static>(&mut self, found: T) {
        self.memory.keep(found);
    }

    /// What an earlier step kept of that type; without it the scenario lacks that step.
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

    /// Ends the conversation with the target: the steps that follow may only judge what was read.
    pub fn settle(&self) {
        if let Some(session) = &self.session {
            session.stop.cancel();
        }
    }

    /// Ends the scenario and gives its session back.
    pub fn end(&mut self) -> Option<Session> {
        self.session.take()
    }
}

/// Reports the outcome of a step to cucumber. A panic is the only way to report that a step did not pass; it carries the
/// [`Problem`] itself, so that any other panic is recognized as such.
pub fn end_step(outcome: Checked) {
    if let Err(problem) = outcome {
        // Unlike a panic this calls no hook: runs in several threads replace the hook, and for a moment the default one is
        // in force, which prints.
        panic::resume_unwind(Box::new(problem));
    }
}
