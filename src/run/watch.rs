//! Who is told what happens while a run goes on: the terminal, and the record that grows on the disk.

use bpconform_steps::under_way::UnderWay;

use crate::error::Error;
use crate::record::{Record, ScenarioRecord};

/// Is told what happens while a run goes on.
pub trait RunListener {
    /// The plan is made. The record is what it would be if the run ended now; an error ends the run before it begins.
    /// The requests are those that are under way, now and later.
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
    fn told(&mut self, scenario: &ScenarioRecord);
}

impl<F: FnMut(&ScenarioRecord)> RunListener for F {
    fn told(&mut self, scenario: &ScenarioRecord) {
        self(scenario);
    }
}
