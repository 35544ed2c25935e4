//! The contract of the mocked Author, as plain requests and answers written from surfaces.md.

mod access;
mod honest;
mod nodes;
mod packages;
mod status;
mod table;
mod users;
mod writes;

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bpconform_fixtures::Surfaces;
use bpconform_mocks::author::{Author, AuthorSeed};
use bpconform_mocks::machine::{Machine, Request, Response, Step};
use jiff::Timestamp;
use serde_json::Value;

/// The time of all tests.
const NOW: &str = "2026-11-23T20:00:00Z";

/// An Author without configuration, and a client.
struct Client {
    author: Author,
    now: Timestamp,
    headers: Vec<(String, String)>,
}

impl Client {
    /// Sends no credentials.
    fn anonymous() -> Self {
        Self::of(AuthorSeed::load("base").expect("built in"))
    }

    fn admin() -> Self {
        Self::anonymous().with_header("authorization", &basic("admin", "admin"))
    }

    fn viewer() -> Self {
        Self::anonymous().with_header("authorization", &basic("viewer", "viewer"))
    }

    fn of(seed: AuthorSeed) -> Self {
        let author = Author::new(Arc::new(Surfaces::built_in().clone()), seed);
        let headers = vec![("host".to_owned(), "localhost:4502".to_owned())];
        Self { author, now: NOW.parse().expect("a time"), headers }
    }

    /// Sends a header with every following request, in place of one of that name.
    fn with_header(mut self, name: &str, value: &str) -> Self {
        self.set_header(name, value);
        self
    }

    fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let url = url::Url::parse(&format!("http://localhost{target}")).expect("an address");
        let more = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let request = Request {
            method: method.to_owned(),
            path: target.split('?').next().unwrap_or_default().to_owned(),
            query: url.query_pairs().into_owned().collect(),
            headers: self.headers.iter().cloned().chain(more).collect(),
            body: body.to_vec(),
        };
        match self.author.handle(self.now, &request) {
            Step::Answer(response) => response,
            step => panic!("no answer to {method} {target}: {step:?}"),
        }
    }

    fn get(&mut self, target: &str) -> Response {
        self.send("GET", target, &[], b"")
    }

    /// The JSON of an answer with status 200.
    fn json(&mut self, target: &str) -> Value {
        let response = self.get(target);
        assert_eq!(response.status, 200, "{target}: {}", response.text());
        parse(&response)
    }

    fn delete(&mut self, target: &str) -> Response {
        self.send("DELETE", target, &[], b"")
    }

    fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Response {
        self.post_with(target, &[], fields)
    }

    fn post_with(&mut self, target: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", target, &[&[form], headers].concat(), body.as_bytes())
    }
}

fn parse(response: &Response) -> Value {
    assert_eq!(response.header("content-type"), Some("application/json;charset=utf-8"));
    serde_json::from_slice(&response.body).expect("JSON")
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}
