//! Selects the requests and calls that a deviation changes.

use std::collections::BTreeMap;

use bpconform_fixtures::changes::{AnswerChange, CallRule, Edit, Requests};
use bpconform_fixtures::remedies::Pattern;

use super::Rules;
use crate::machine::{Call, Form, Request};

/// The path of the controls, which are not part of a real system.
const CONTROLS: &str = "/__bpconform/";

impl Rules {
    /// The changes of answers to a request.
    pub(super) fn answer_changes(&self, request: &Request) -> Vec<&AnswerChange> {
        self.deviation.changes.answers.iter().filter(|answer| self.selects(&answer.to, request)).collect()
    }

    /// The first rule that applies to a call, with its number.
    pub(super) fn call_rule(&self, call: &Call) -> Option<(usize, &CallRule)> {
        let matches = |pattern: &Option<Pattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.regex().is_match(text))
        };
        let request = as_request(call);
        let rules = self.deviation.changes.calls.iter().enumerate();
        rules.filter(|(_, change)| change.from == self.system).find(|(_, change)| {
            matches(&change.method, &call.method)
                && change.url.regex().is_match(&call.url)
                && fields_match(&change.fields, &request)
        })
    }

    /// The number of stale reads for a request, if any.
    pub(super) fn stale_reads(&self, request: &Request) -> Option<u32> {
        let stale = &self.deviation.changes.stale;
        stale.iter().find(|stale| self.selects(&stale.to, request)).map(|stale| stale.reads)
    }

    /// Whether a request is one of the selected ones.
    pub(super) fn selects(&self, to: &Requests, request: &Request) -> bool {
        self.is_for_endpoint(to, request)
            && to.path.as_ref().is_none_or(|path| path.regex().is_match(&request.path))
            && fields_match(&to.fields, request)
    }

    fn is_for_endpoint(&self, to: &Requests, request: &Request) -> bool {
        if let Some(system) = to.whole_system() {
            return system == self.system && !request.path.starts_with(CONTROLS);
        }
        let surface = self.surfaces.get(&to.surface);
        surface.system == self.system && surface.matches(&request.method, &request.path).is_some()
    }

    /// The edits of the system's repository.
    pub(super) fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.deviation.changes.edits.iter().filter(|edit| edit.of == self.system)
    }
}

fn fields_match(fields: &BTreeMap<String, Pattern>, request: &Request) -> bool {
    if fields.is_empty() {
        return true;
    }
    // Without a form only the headers can match.
    let form = Form::read(request).unwrap_or_default();
    fields.iter().all(|(name, pattern)| {
        let value = form.get(name).or_else(|| request.header(&name.to_ascii_lowercase())).unwrap_or_default();
        pattern.regex().is_match(value)
    })
}

fn as_request(call: &Call) -> Request {
    Request { headers: call.headers.clone(), body: call.body.clone(), ..Request::default() }
}
