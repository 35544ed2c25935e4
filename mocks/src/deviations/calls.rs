//! Changes of calls between systems.

use bpconform_fixtures::changes::CallChange;

use super::Rules;
use super::headers::set_headers;
use crate::machine::{Call, CallResult, Response};

impl Rules {
    /// The changed call, or the result of one that is not made.
    pub(super) fn changed_call(&self, mut call: Call) -> Result<Call, CallResult> {
        let Some(change) = self.call_rule(&call).map(|change| change.change.clone()) else { return Ok(call) };
        match change {
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
