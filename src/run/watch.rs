//! The interface to the events of a run, used by the terminal and by the growing record on the disk.

use bpconform_steps::under_way::UnderWay;

use crate::error::Error;
use crate::record::{Record, ScenarioRecord};

/// Receives the events of a run.
pub trait RunListener {
    /// The plan is made. The record is what it would be if the run ended now; an error ends the run before it begins.
    /// `requests` always shows the requests in progress.
    fn planned(&mut self, _record: &Record, _requests: &UnderWay) -> Result<(), Error> {
        Ok(())
    }

    /// A scenario begins.
    fn begun(&mut self, _id: &str, _name: &str) {}

    /// A step of a scenario begins.
    fn step(&mut self, _id: &str, _sentence: &str) {}

    /// A scenario has ended.
    fn ended(&mut self, _scenario: &ScenarioRecord) {}

    /// A scenario and all before it in the document's order have ended.
    fn ended_in_order(&mut self, scenario: &ScenarioRecord);
}

impl<F: FnMut(&ScenarioRecord)> RunListener for F {
    fn ended_in_order(&mut self, scenario: &ScenarioRecord) {
        self(scenario);
    }
}
