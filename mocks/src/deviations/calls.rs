//! Changes of calls between systems.

use bpconform_fixtures::changes::CallChange;

use super::Rules;
use super::headers::set_headers;
use crate::machine::{Call, CallResult, Response};

impl Rules {
    /// The changed call, or the result of one that is not made. `changed` counts the calls that each rule has changed.
    pub(super) fn changed_call(&self, mut call: Call, changed: &mut Vec<u32>) -> Result<Call, CallResult> {
        let Some((number, rule)) = self.call_rule(&call) else { return Ok(call) };
        changed.resize(changed.len().max(number + 1), 0);
        if changed[number] >= rule.first {
            return Ok(call);
        }
        changed[number] += 1;
        match rule.change.clone() {
            CallChange::Answer { status, body } => {
                return Err(Ok(Response::new(status, "text/plain;charset=utf-8", self.fill(&body))));
            }
            CallChange::Fail(reason) => return Err(Err(reason)),
            CallChange::Headers(headers) => {
                let headers = headers.into_iter().map(|(name, value)| (name, self.fill(&value))).collect();
                set_headers(&mut call.headers, &headers);
            }
            CallChange::Body(body) => call.body = self.fill(&body).into_bytes(),
            CallChange::Url(pattern, text) => {
                call.url = pattern.regex().replace_all(&call.url, self.fill(&text)).into_owned();
            }
        }
        Ok(call)
    }
}
