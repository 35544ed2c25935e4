//! Which requests and calls a defect means.

use std::collections::BTreeMap;

use bpconform_fixtures::defects::{self, Requests};
use bpconform_fixtures::remedies::Pattern;

use super::Rules;
use crate::machine::{Call, Form, Request};

impl Rules {
    /// The changes of answers to a request.
    pub(super) fn answers(&self, request: &Request) -> Vec<&defects::Answer> {
        self.defect.answers.iter().filter(|answer| self.means(&answer.to, request)).collect()
    }

    /// The change of a call, the first one that means it.
    pub(super) fn call(&self, call: &Call) -> Option<&defects::Call> {
        let bears = |pattern: &Option<Pattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.regex().is_match(text))
        };
        let request = as_request(call);
        self.defect.calls.iter().filter(|change| change.from == self.system).find(|change| {
            bears(&change.method, &call.method)
                && change.url.regex().is_match(&call.url)
                && fields_bear(&change.fields, &request)
        })
    }

    /// Whether a request is one of those.
    pub(super) fn means(&self, to: &Requests, request: &Request) -> bool {
        let surface = self.surfaces.get(&to.surface);
        surface.system == self.system
            && surface.matches(&request.method, &request.path).is_some()
            && to.path.as_ref().is_none_or(|path| path.regex().is_match(&request.path))
            && fields_bear(&to.fields, request)
    }

    /// Whether the defect changes nodes of the system's repository.
    pub(super) fn edits_of(&self) -> impl Iterator<Item = &defects::Edit> {
        self.defect.edits.iter().filter(|edit| edit.of == self.system)
    }
}

fn fields_bear(fields: &BTreeMap<String, Pattern>, request: &Request) -> bool {
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
