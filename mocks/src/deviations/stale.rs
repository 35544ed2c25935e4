//! Reads that show the repository before the last change (`stale` in `fixtures/variations.toml`).

use std::collections::HashMap;

use jiff::Timestamp;

use super::Rules;
use crate::author::repository::Repository;
use crate::machine::{Machine, Request, Step};

/// The repository before the last change, and the number of stale reads of each path since then.
#[derive(Default)]
pub(super) struct Stale {
    before: Option<Repository>,
    reads: HashMap<String, u32>,
}

impl Stale {
    /// Handles a request, with the former repository if the read is stale.
    pub(super) fn handle(
        &mut self,
        rules: &Rules,
        now: Timestamp,
        request: &Request,
        machine: &mut dyn Machine,
    ) -> Step {
        if rules.deviation.changes.stale.is_empty() {
            return machine.handle(now, request);
        }
        if request.method != "GET" {
            self.before = machine.repository_mut().map(|repository| repository.clone());
            self.reads.clear();
            return machine.handle(now, request);
        }
        match self.former(rules, request) {
            Some(former) => handle_with(former, now, request, machine),
            None => machine.handle(now, request),
        }
    }

    fn former(&mut self, rules: &Rules, request: &Request) -> Option<Repository> {
        let limit = rules.stale_reads(request)?;
        let former = self.before.as_ref()?;
        let reads = self.reads.entry(request.path.clone()).or_default();
        *reads += 1;
        (*reads <= limit).then(|| former.clone())
    }
}

/// Handles a read with another repository.
fn handle_with(mut former: Repository, now: Timestamp, request: &Request, machine: &mut dyn Machine) -> Step {
    if let Some(repository) = machine.repository_mut() {
        std::mem::swap(repository, &mut former);
    }
    let step = machine.handle(now, request);
    if let Some(repository) = machine.repository_mut() {
        std::mem::swap(repository, &mut former);
    }
    step
}
