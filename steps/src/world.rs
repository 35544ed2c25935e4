//! What one scenario knows: its session with the target, and what its steps found out so far.

use crate::problem::{Checked, Problem};
use crate::session::Session;

/// The World of cucumber: made new for each scenario; the run gives it its session before the first step.
#[derive(Debug, Default, cucumber::World)]
pub struct World {
    session: Option<Session>,
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

    /// Ends the scenario and gives its session back.
    pub fn end(&mut self) -> Option<Session> {
        self.session.take()
    }
}
