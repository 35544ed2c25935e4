//! Deliberate deviations of the mocks, to prove that a check can fail (`fixtures/defects.toml`).
//!
//! A defect needs no hook in a machine: [`Defective`] wraps one and changes what goes into it, what comes out of it, what
//! it asks of others, and what its repository holds.

mod answers;
mod calls;
mod edits;
mod requests;
mod token;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bpconform_fixtures::{Defect, Surfaces, System};
use jiff::Timestamp;

use crate::author::repository::Repository;
use crate::machine::{Call, CallResult, Machine, Request, Response, Step, Ticket};

use edits::Edits;
pub use watch::{Watch, Watched};

/// The values of a stack's placeholders, such as the tenant's id.
pub type Values = BTreeMap<String, String>;

/// The most calls of one conversation that are answered in the place of another system.
const MOST_ANSWERED: usize = 100;

/// What a defect is to one system.
#[derive(Clone, Debug)]
struct Rules {
    system: System,
    surfaces: Arc<Surfaces>,
    values: Arc<Values>,
    defect: Arc<Defect>,
}

impl Rules {
    fn fill(&self, text: &str) -> String {
        fill(text, &self.values)
    }
}

/// Replaces `{name}` by the value of that name; other braces stay.
fn fill(text: &str, values: &Values) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// A machine with a defect.
pub struct Defective {
    machine: Box<dyn Machine>,
    rules: Rules,
    edits: Edits,
    /// The requests whose answers wait for a call.
    waiting: HashMap<Ticket, Request>,
}

impl Defective {
    /// Wraps a machine; a defect of other systems has no effect.
    pub fn new(
        machine: Box<dyn Machine>,
        system: System,
        surfaces: Arc<Surfaces>,
        values: Arc<Values>,
        defect: Arc<Defect>,
    ) -> Self {
        let rules = Rules { system, surfaces, values, defect };
        Self { machine, edits: Edits::new(&rules), rules, waiting: HashMap::new() }
    }

    /// What is left to do once the machine gave a step: calls are changed, an answer too, and the repository.
    fn go_on(&mut self, now: Timestamp, step: Step, request: Option<&Request>) -> Step {
        let step = self.with_changed_calls(now, step);
        match step {
            Step::Call(ticket, call) => {
                self.waiting.extend(request.map(|request| (ticket, request.clone())));
                self.settle(now, None);
                Step::Call(ticket, call)
            }
            Step::Answer(response) => {
                self.settle(now, request);
                Step::Answer(match request {
                    Some(request) => self.rules.changed_answer(request, response),
                    None => response,
                })
            }
            Step::Done => {
                self.settle(now, None);
                Step::Done
            }
        }
    }

    fn settle(&mut self, now: Timestamp, answered: Option<&Request>) {
        if let Some(repository) = self.machine.repository_mut() {
            self.edits.settle(now, repository, answered);
        }
    }

    /// Calls are changed, or answered here until one is to be made or the conversation is over.
    fn with_changed_calls(&mut self, now: Timestamp, mut step: Step) -> Step {
        for _ in 0..MOST_ANSWERED {
            let Step::Call(ticket, call) = step else { return step };
            match self.rules.changed_call(call) {
                Ok(call) => return Step::Call(ticket, call),
                Err(outcome) => step = self.machine.resume(now, ticket, outcome),
            }
        }
        Step::Answer(Response::new(500, "text/plain", "the defect answered too many calls of one conversation"))
    }
}

impl Machine for Defective {
    fn handle(&mut self, now: Timestamp, request: &Request) -> Step {
        self.settle(now, None);
        let step = match self.rules.changed_request(request) {
            Some(changed) => self.machine.handle(now, &changed),
            None => Step::Answer(Response::default()),
        };
        self.go_on(now, step, Some(request))
    }

    fn resume(&mut self, now: Timestamp, ticket: Ticket, outcome: CallResult) -> Step {
        let request = self.waiting.remove(&ticket);
        let step = self.machine.resume(now, ticket, outcome);
        self.go_on(now, step, request.as_ref())
    }

    fn tick(&mut self, now: Timestamp) -> Vec<(Ticket, Call)> {
        self.settle(now, None);
        let calls = self.machine.tick(now);
        let made = calls.into_iter().filter_map(|(ticket, call)| {
            match self.with_changed_calls(now, Step::Call(ticket, call)) {
                Step::Call(ticket, call) => Some((ticket, call)),
                Step::Answer(_) | Step::Done => None,
            }
        });
        let made = made.collect();
        self.settle(now, None);
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
