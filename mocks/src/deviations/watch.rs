//! Detects which deviations would have an effect on a stack that does not have them.
//!
//! A stack with a deviation behaves like one without it up to the first request, call or node that the deviation selects.
//! In a scenario without any, the deviation has no effect, and the scenario need not be run with it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_fixtures::{Deviation, Surfaces, System};
use jiff::Timestamp;

use super::edits::find;
use super::{Rules, Values};
use crate::author::repository::Repository;
use crate::machine::{Call, CallResult, Machine, Request, Step, Ticket};

/// The deviations to watch for, and those that would have had an effect; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    deviations: Arc<Vec<Deviation>>,
    touched: Arc<Mutex<BTreeSet<String>>>,
}

impl Watch {
    /// Watches for these deviations.
    pub fn new(deviations: Arc<Vec<Deviation>>) -> Self {
        Self { deviations, touched: Arc::default() }
    }

    /// The ids of the deviations that would have had an effect so far.
    pub fn touched(&self) -> BTreeSet<String> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A machine that is watched.
pub struct Watched {
    machine: Box<dyn Machine>,
    rules: Vec<Rules>,
    watch: Watch,
}

impl Watched {
    /// Watches that machine.
    pub fn new(
        machine: Box<dyn Machine>,
        system: System,
        surfaces: &Arc<Surfaces>,
        values: &Arc<Values>,
        watch: Watch,
    ) -> Self {
        let rules = |deviation: &Deviation| Rules {
            system,
            surfaces: Arc::clone(surfaces),
            values: Arc::clone(values),
            deviation: deviation.clone(),
        };
        let rules = watch.deviations.iter().map(rules).collect();
        Self { machine, rules, watch }
    }

    fn note(&mut self, meets: impl Fn(&Rules) -> bool) {
        let met: Vec<usize> =
            self.rules.iter().enumerate().filter(|(_, rules)| meets(rules)).map(|(index, _)| index).collect();
        let mut ids = self.watch.lock();
        for index in met.into_iter().rev() {
            ids.insert(self.rules.swap_remove(index).deviation.id.clone());
        }
    }

    fn note_call(&mut self, call: &Call) {
        self.note(|rules| rules.call_rule(call).is_some());
    }

    fn note_step(&mut self, step: &Step) {
        if let Step::Call(_, call) = step {
            self.note_call(call);
        }
        self.note_nodes();
    }

    fn note_nodes(&mut self) {
        let rules = std::mem::take(&mut self.rules);
        if let Some(repository) = self.machine.repository_mut() {
            let repository: &Repository = repository;
            let (touched, untouched): (Vec<_>, Vec<_>) = rules.into_iter().partition(|rules| {
                let mut edits = rules.edits().filter(|edit| edit.after.is_none() && edit.since.is_none());
                edits.any(|edit| !find(repository, &rules.fill(&edit.node), edit).is_empty())
            });
            self.watch.lock().extend(touched.into_iter().map(|rules| rules.deviation.id.clone()));
            self.rules = untouched;
        } else {
            self.rules = rules;
        }
    }
}

impl Machine for Watched {
    fn handle(&mut self, now: Timestamp, request: &Request) -> Step {
        self.note_nodes();
        self.note(|rules| {
            let mut after = rules.edits().flat_map(|edit| edit.after.iter().chain(&edit.since));
            rules.deviation.changes.framing.is_some()
                || rules.stale_reads(request).is_some()
                || !rules.answer_changes(request).is_empty()
                || after.any(|after| rules.selects(after, request))
        });
        let step = self.machine.handle(now, request);
        self.note_step(&step);
        step
    }

    fn resume(&mut self, now: Timestamp, ticket: Ticket, outcome: CallResult) -> Step {
        let step = self.machine.resume(now, ticket, outcome);
        self.note_step(&step);
        step
    }

    fn tick(&mut self, now: Timestamp) -> Vec<(Ticket, Call)> {
        let calls = self.machine.tick(now);
        for (_, call) in &calls {
            self.note_call(call);
        }
        self.note_nodes();
        calls
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.machine.next_due()
    }

    fn dump(&self) -> serde_json::Value {
        self.machine.dump()
    }

    fn repository_mut(&mut self) -> Option<&mut Repository> {
        self.machine.repository_mut()
    }
}
