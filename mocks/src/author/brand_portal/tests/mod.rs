//! Tests of the Author's Brand Portal functions without HTTP: requests, calls and results are values.

mod configuration;
mod delivery;
mod legacy;
mod publishing;

use std::collections::BTreeMap;
use std::sync::Arc;

use bpconform_fixtures::Surfaces;
use bpconform_fixtures::certificates::{JWT_CLIENT_CERTIFICATE, JWT_CLIENT_KEY};
use jiff::{SignedDuration, Timestamp};

use crate::author::{Author, AuthorSeed};
use crate::machine::{Call, CallResult, Machine, Request, Response, Step, Ticket};

const TENANT_URL: &str = "http://bpdoc.localhost:4000";
const SECRET: &str = "s3cret-of-the-client";
const AGENT: &str = "/etc/replication/agents.author/mp_replication_agent0_default_bpdoc";

/// An Author with a manual clock.
struct Stage {
    author: Author,
    now: Timestamp,
}

impl Stage {
    fn new(seed: &str) -> Self {
        let values = [
            ("tenant", "bpdoc"),
            ("tenant-url", TENANT_URL),
            ("ims", "http://127.0.0.1:5000"),
            ("client-id", "a-client"),
            ("client-secret", SECRET),
            ("scope", "openid,AdobeID"),
            ("org-id", "0123@AdobeOrg"),
            ("jwt-client-id", "a-jwt-client"),
            ("jwt-client-secret", SECRET),
            ("jwt-technical-account", "0123@techacct.adobe.com"),
            ("jwt-private-key", JWT_CLIENT_KEY),
            ("jwt-certificate", JWT_CLIENT_CERTIFICATE),
        ];
        let values: BTreeMap<_, _> = values.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let seed = AuthorSeed::load(seed).expect("a seed").fill(&values);
        let now = "2026-11-23T12:00:00Z".parse().expect("a time");
        Self { author: Author::new(Arc::new(Surfaces::built_in().clone()), seed), now }
    }

    fn step(&mut self, method: &str, path: &str, form: &[(&str, &str)]) -> Step {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let headers = vec![
            ("authorization".into(), "Basic YWRtaW46YWRtaW4=".into()),
            ("content-type".into(), "application/x-www-form-urlencoded".into()),
        ];
        let request = Request { method: method.into(), path: path.into(), query, headers, body: body.into_bytes() };
        self.author.handle(self.now, &request)
    }

    fn get(&mut self, path: &str) -> Response {
        answer(self.step("GET", path, &[]))
    }

    fn json(&mut self, path: &str) -> serde_json::Value {
        serde_json::from_slice(&self.get(path).body).unwrap_or_default()
    }

    fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Response {
        answer(self.step("POST", path, form))
    }

    fn resume(&mut self, ticket: Ticket, outcome: CallResult) -> Step {
        self.author.resume(self.now, ticket, outcome)
    }

    /// Runs all that falls due, with working IMS and tenant; returns the calls.
    fn advance(&mut self, by: SignedDuration) -> Vec<Call> {
        let until = self.now + by;
        let mut made = Vec::new();
        while let Some(due) = self.author.next_due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let mut open = self.author.tick(self.now);
            while let Some((ticket, call)) = open.pop() {
                let outcome = if call.url.contains("/ims/") { token() } else { accepted(&call) };
                made.push(call);
                if let Step::Call(ticket, call) = self.resume(ticket, outcome) {
                    open.push((ticket, call));
                }
            }
        }
        self.now = until;
        made
    }
}

fn answer(step: Step) -> Response {
    match step {
        Step::Answer(response) => response,
        other => panic!("no answer but {other:?}"),
    }
}

fn call(step: Step) -> (Ticket, Call) {
    match step {
        Step::Call(ticket, call) => (ticket, call),
        other => panic!("no call but {other:?}"),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for what became of a call")]
fn token() -> CallResult {
    Ok(Response::new(200, "application/json", r#"{"access_token":"t0k3n","token_type":"bearer","expires_in":86399}"#))
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for what became of a call")]
fn refused() -> CallResult {
    let body = r#"{"error":"invalid_client","error_description":"invalid client_secret parameter"}"#;
    Ok(Response::new(400, "application/json", body))
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for what became of a call")]
fn accepted(call: &Call) -> CallResult {
    let action = header(call, "action").to_ascii_uppercase();
    Ok(Response::new(200, "text/plain;charset=utf-8", format!("ReplicationAction {action} ok.")))
}

fn header<'a>(call: &'a Call, name: &str) -> &'a str {
    call.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

fn form(call: &Call) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&call.body).into_owned().collect()
}
