//! Defects and variations of the mocks (`fixtures/defects.toml`, `fixtures/variations.toml`).
//!
//! A deviation needs no code in a machine: [`Deviating`] wraps a machine and changes its requests, its answers, its calls
//! and its repository.

mod answers;
mod calls;
mod configuration;
mod edits;
mod encoding;
mod headers;
mod requests;
mod stale;
mod times;
mod token;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bpconform_fixtures::{Deviation, Surfaces, System};
use jiff::Timestamp;

use crate::author::repository::Repository;
use crate::machine::{Call, CallResult, Machine, Request, Response, Step, Ticket};

use edits::Edits;
use stale::Stale;
pub use watch::{Watch, Watched};

/// The values of a stack's placeholders, such as the tenant's id.
pub type Values = BTreeMap<String, String>;

/// The maximum number of calls of one conversation that are answered in place of another system.
const MAX_ANSWERED: usize = 100;

/// The changes of a deviation, as they apply to one system.
#[derive(Clone, Debug)]
struct Rules {
    system: System,
    surfaces: Arc<Surfaces>,
    values: Arc<Values>,
    deviation: Deviation,
}

impl Rules {
    fn fill(&self, text: &str) -> String {
        fill(text, &self.values)
    }
}

/// Replaces `{name}` with the value of that name; other braces stay.
fn fill(text: &str, values: &Values) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// A machine with a deviation.
pub struct Deviating {
    machine: Box<dyn Machine>,
    rules: Rules,
    edits: Edits,
    stale: Stale,
    /// The number of calls that each rule has changed.
    changed_calls: Vec<u32>,
    /// The requests whose answers wait for a call.
    waiting: HashMap<Ticket, Request>,
}

impl Deviating {
    /// Wraps a machine; changes of other systems have no effect.
    pub fn new(
        machine: Box<dyn Machine>,
        system: System,
        surfaces: Arc<Surfaces>,
        values: Arc<Values>,
        deviation: Deviation,
    ) -> Self {
        let rules = Rules { system, surfaces, values, deviation };
        Self {
            machine,
            edits: Edits::new(&rules),
            stale: Stale::default(),
            changed_calls: Vec::new(),
            rules,
            waiting: HashMap::new(),
        }
    }

    /// Applies the changes after a step of the machine: to its calls, its answer and its repository.
    fn finish_step(&mut self, now: Timestamp, step: Step, request: Option<&Request>) -> Step {
        let step = self.with_changed_calls(now, step);
        match step {
            Step::Call(ticket, call) => {
                self.waiting.extend(request.map(|request| (ticket, request.clone())));
                self.apply_edits(now, None);
                Step::Call(ticket, call)
            }
            Step::Answer(response) => {
                self.apply_edits(now, request);
                Step::Answer(match request {
                    Some(request) => self.rules.changed_answer(request, response),
                    None => response,
                })
            }
            Step::Done => {
                self.apply_edits(now, None);
                Step::Done
            }
        }
    }

    fn apply_edits(&mut self, now: Timestamp, answered: Option<&Request>) {
        if let Some(repository) = self.machine.repository_mut() {
            self.edits.apply_due(now, repository, answered);
        }
    }

    /// Changes calls, or answers them here, until one must be made or the conversation is over.
    fn with_changed_calls(&mut self, now: Timestamp, mut step: Step) -> Step {
        for _ in 0..MAX_ANSWERED {
            let Step::Call(ticket, call) = step else { return step };
            match self.rules.changed_call(call, &mut self.changed_calls) {
                Ok(call) => return Step::Call(ticket, call),
                Err(outcome) => step = self.machine.resume(now, ticket, outcome),
            }
        }
        Step::Answer(Response::new(500, "text/plain", "the deviation answered too many calls of one conversation"))
    }
}

impl Machine for Deviating {
    fn handle(&mut self, now: Timestamp, request: &Request) -> Step {
        self.apply_edits(now, None);
        let step = match self.rules.changed_request(request) {
            Some(changed) => self.stale.handle(&self.rules, now, &changed, self.machine.as_mut()),
            None => Step::Answer(Response::default()),
        };
        self.finish_step(now, step, Some(request))
    }

    fn resume(&mut self, now: Timestamp, ticket: Ticket, outcome: CallResult) -> Step {
        let request = self.waiting.remove(&ticket);
        let step = self.machine.resume(now, ticket, outcome);
        self.finish_step(now, step, request.as_ref())
    }

    fn tick(&mut self, now: Timestamp) -> Vec<(Ticket, Call)> {
        self.apply_edits(now, None);
        let calls = self.machine.tick(now);
        let made = calls.into_iter().filter_map(|(ticket, call)| {
            match self.with_changed_calls(now, Step::Call(ticket, call)) {
                Step::Call(ticket, call) => Some((ticket, call)),
                Step::Answer(_) | Step::Done => None,
            }
        });
        let made = made.collect();
        self.apply_edits(now, None);
        made
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.machine.next_due().into_iter().chain(self.edits.next_due()).min()
    }

    fn dump(&self) -> serde_json::Value {
        self.machine.dump()
    }

    fn repository_mut(&mut self) -> Option<&mut Repository> {
        self.machine.repository_mut()
    }
}

#[cfg(test)]
mod tests;
