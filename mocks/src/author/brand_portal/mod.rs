//! What an Author does for Brand Portal: IMS configurations, the cloud service, agents, publishing.

use bpconform_fixtures::Surface;
use bpconform_fixtures::surfaces::Arguments;
use jiff::Timestamp;

use super::Author;
use crate::machine::{Call, Form, Outcome, Request, Step, Ticket};

/// What an Author knows of Brand Portal beyond its repository.
#[derive(Debug, Default)]
pub struct BrandPortal {}

impl Author {
    /// Answers a request to one of Brand Portal's surfaces; none if the surface is not one of them.
    pub(crate) fn brand_portal_surface(
        &mut self,
        now: Timestamp,
        surface: &Surface,
        arguments: &Arguments,
        request: &Request,
        form: &Form,
    ) -> Option<Step> {
        let _ = (now, surface, arguments, request, form);
        None
    }

    /// See [`crate::machine::Machine::resume`].
    pub(crate) fn brand_portal_resume(&mut self, now: Timestamp, ticket: Ticket, outcome: Outcome) -> Step {
        let _ = (now, ticket, outcome);
        Step::Done
    }

    /// See [`crate::machine::Machine::tick`].
    pub(crate) fn brand_portal_tick(&mut self, now: Timestamp) -> Vec<(Ticket, Call)> {
        let _ = now;
        Vec::new()
    }

    /// See [`crate::machine::Machine::next_due`].
    pub(crate) fn brand_portal_next_due(&self) -> Option<Timestamp> {
        None
    }
}
