//! What a mocked system is: a state machine that knows nothing of sockets, threads or the time of day.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::author::repository::Repository;

/// Header names in lower case and their values, in the order in which they came or are to go.
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

/// A response as a state machine gives it, and as it gets one from a call it asked for.
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

    /// The same with one more header.
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

/// A request that a state machine wants to have sent to another system.
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

/// What came of a call: a response, or why there is none (a connection refused, a time-out).
pub type Outcome = Result<Response, String>;

/// Names a conversation that waits for a call; chosen by the machine.
pub type Ticket = u64;

/// What a machine does with a request, or with the outcome of a call.
#[derive(Debug)]
pub enum Step {
    /// The conversation's answer is ready.
    Answer(Response),
    /// First this call is to be made; its outcome goes to [`Machine::resume`] with the ticket.
    Call(Ticket, Call),
    /// A conversation that nobody waits for (a delivery by a queue's worker) is over.
    Done,
}

/// A mocked system.
pub trait Machine: Send + 'static {
    /// Takes a request at a time of the mock's clock.
    fn handle(&mut self, now: Timestamp, request: &Request) -> Step;

    /// Takes the outcome of the call that a ticket waits for.
    fn resume(&mut self, now: Timestamp, ticket: Ticket, outcome: Outcome) -> Step {
        let _ = (now, ticket, outcome);
        Step::Done
    }

    /// Does what has fallen due by `now` (agents that appear, queues that deliver) and returns the calls which that
    /// needs. Called before each request, and for every due time when the clock is advanced.
    fn tick(&mut self, now: Timestamp) -> Vec<(Ticket, Call)> {
        let _ = now;
        Vec::new()
    }

    /// When something next falls due, if anything will.
    fn next_due(&self) -> Option<Timestamp> {
        None
    }

    /// The whole state that a test may want to compare, as sorted JSON; null where there is none.
    fn dump(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// Its repository, for a deliberate defect to change; none where there is none.
    fn repository_mut(&mut self) -> Option<&mut Repository> {
        None
    }
}

/// The fields of a form, whatever its encoding: the query's first, then the body's (urlencoded or multipart).
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
}
