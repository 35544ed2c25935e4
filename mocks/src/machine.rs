//! The interface of a mocked system: a state machine without sockets, threads and clock.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::author::repository::Repository;

/// Header names in lower case and their values, in the order of the wire.
pub type Headers = Vec<(String, String)>;

/// A request as a state machine sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Decoded, without the query; `_jcr_content` is already `jcr:content`.
    pub path: String,
    /// The query's parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: Headers,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Request {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The first value of a parameter of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A response of a state machine, or the response to a call of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A response of that content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type".into(), content_type.into())], body: body.into() }
    }

    /// A response of JSON.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json;charset=utf-8", body.to_string())
    }

    /// Replaces the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A request from a state machine to another system.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// In capitals.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// The response to a call, or the reason for a missing one (connection refused, time-out).
pub type CallResult = Result<Response, String>;

/// The number of a conversation that waits for a call; the machine assigns it.
pub type Ticket = u64;

/// The next step of a conversation.
#[derive(Debug)]
pub enum Step {
    /// The conversation's answer is ready.
    Answer(Response),
    /// This call must be made first; its result goes to [`Machine::resume`] with the ticket.
    Call(Ticket, Call),
    /// A conversation without a client (a delivery by the worker of a queue) is over.
    Done,
}

/// A mocked system.
pub trait Machine: Send + 'static {
    /// Handles a request at a time of the mock's clock.
    fn handle(&mut self, now: Timestamp, request: &Request) -> Step;

    /// Continues the conversation of a ticket with the result of its call.
    fn resume(&mut self, now: Timestamp, ticket: Ticket, outcome: CallResult) -> Step {
        let _ = (now, ticket, outcome);
        Step::Done
    }

    /// Runs what has fallen due by `now` (agents that appear, queues that deliver) and returns the calls that this requires.
    /// Called before each request, and at every due time when the clock is advanced.
    fn tick(&mut self, now: Timestamp) -> Vec<(Ticket, Call)> {
        let _ = now;
        Vec::new()
    }

    /// The next due time, if there is one.
    fn next_due(&self) -> Option<Timestamp> {
        None
    }

    /// The state for comparisons, as sorted JSON; null for a machine without one.
    fn dump(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// The repository, which defects and variations change; `None` for a machine without one.
    fn repository_mut(&mut self) -> Option<&mut Repository> {
        None
    }
}

/// The fields of a form: those of the query first, then those of the body (urlencoded or multipart).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Form {
    /// Every field's values in order.
    pub fields: BTreeMap<String, Vec<String>>,
    /// The uploaded files, by field.
    pub files: BTreeMap<String, File>,
}

/// One uploaded file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// The name that the client gave.
    pub name: String,
    /// Its content type.
    pub content_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl Form {
    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.first().map(String::as_str)
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> &[String] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }

    /// The first field or file that is not one of these. Fields of Sling's own, such as `:status` and `_charset_`, are not
    /// looked at.
    pub(crate) fn other_than(&self, known: &[&str]) -> Option<&str> {
        let is_other =
            |name: &&String| !name.starts_with(':') && *name != "_charset_" && !known.contains(&name.as_str());
        self.fields.keys().chain(self.files.keys()).find(is_other).map(String::as_str)
    }
}
