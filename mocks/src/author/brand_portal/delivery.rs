//! Deliveries to the tenant, for a test or a job: first a token from IMS, then the package. Each step is written to a
//! transcript (surfaces.md §4.2, §4.5).

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use reqwest::StatusCode;

use super::agent::{Agent, Identity};
use super::queue::{Action, Item};
use super::token::Provider;
use super::transcript::Transcript;
use super::{Conversation, start};
use crate::author::Author;
use crate::machine::{Call, CallResult, Headers, Response, Step};

/// The maximum number of lines in the log of an agent.
const MOST_LINES: usize = 2_000;
/// The separator between the parts of a transcript.
const RULE: &str = "------------------------------------------------";
/// The logger of deliveries in the error log.
const LOGGER: &str = "com.day.cq.replication.impl.AgentManagerImpl";

/// A delivery that is under way.
#[derive(Debug)]
pub(super) struct Delivery {
    agent: Agent,
    job: Job,
    transcript: Transcript,
    /// The size of the package body, in bytes.
    size: usize,
    /// The provider whose token is pending; `None` while the answer of the tenant is pending.
    waits_for: Option<Provider>,
}

/// What is delivered.
#[derive(Debug)]
pub(super) enum Job {
    /// The test package.
    Test,
    /// A job of the queue: the path of its node, and its content.
    Item(String, Item),
}

impl Delivery {
    pub(super) fn action(&self) -> Action {
        match &self.job {
            Job::Test => Action::Test,
            Job::Item(_, item) => item.action,
        }
    }

    pub(super) fn path(&self) -> &str {
        match &self.job {
            Job::Test => "/content",
            Job::Item(_, item) => &item.path,
        }
    }

    /// Writes the first lines, before anything is sent.
    fn open(&mut self, now: Timestamp, identity: &Identity) {
        let (action, path) = (self.action().word(), self.path().to_owned());
        let Agent { title, http_version, connect_timeout, socket_timeout, target, by_pid, .. } = &self.agent;
        let say = &mut self.transcript;
        say.info(now, format!("Create new HttpClient for {title}"));
        say.info(now, format!("* HTTP Version: {http_version}"));
        say.info(now, format!("* Connect Timeout: {connect_timeout}"));
        say.info(now, format!("* Socket Timeout: {socket_timeout}"));
        if matches!(identity, Identity::OAuth(_) | Identity::Broken) {
            say.info(now, "* Using OAuth 2.0 Authorization Grants");
            if *by_pid {
                say.info(
                    now,
                    "* Reference to access token provider is using deprecated accessTokenProviderPid, use \
                     accessTokenProviderName instead.",
                );
            }
        }
        for header in [("Action", action), ("Path", &path), ("Handle", &path)] {
            say.info(now, format!("adding header: {}:{}", header.0, header.1));
        }
        say.info(now, "deserialize content for delivery");
        if self.size == 0 {
            say.info(now, "No message body: Content ReplicationContent.VOID is empty");
        } else {
            say.info(now, format!("Message body: {} bytes", self.size));
        }
        say.info(now, format!("Sending POST request to {target}"));
    }

    /// The log message for a failed replication.
    fn described(&self, now: Timestamp) -> String {
        format!(
            "ReplicationAction{{type={}, path[0]='{}', time={}, userId='{}', revision='null'}}",
            self.action().word().to_ascii_uppercase(),
            self.path(),
            now.as_millisecond(),
            if let Job::Item(_, item) = &self.job { &item.user } else { &self.agent.user },
        )
    }
}

impl Author {
    /// Starts a delivery; returns its first call, or the end of the conversation.
    pub(super) fn deliver(&mut self, now: Timestamp, agent: Agent, job: Job) -> Step {
        let mut delivery = Delivery { agent, job, transcript: Transcript::default(), size: 0, waits_for: None };
        if !delivery.agent.enabled {
            return self.delivered(now, delivery, &Err("Agent is disabled".into()));
        }
        if let Some(problem) = self.unknown_user(&delivery.agent) {
            return self.delivered(now, delivery, &Err(problem));
        }
        let identity = self.identity(&delivery.agent);
        let body = match self.package(&delivery) {
            Ok(body) => body,
            Err(problem) => return self.delivered(now, delivery, &Err(problem)),
        };
        delivery.size = body.len();
        delivery.open(now, &identity);
        match identity {
            Identity::OAuth(provider) => self.with_token(now, delivery, provider),
            Identity::Password(user, password) => {
                let value = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
                self.send(delivery, Some(value), body)
            }
            Identity::Nobody => self.send(delivery, None, body),
            Identity::Broken => {
                self.delivered(now, delivery, &Err("No OAuth token available. OAuth not initialized".into()))
            }
        }
    }

    /// The user of an agent must exist; an empty id means the administrator (surfaces.md §4.1, §7 row 16).
    fn unknown_user(&self, agent: &Agent) -> Option<String> {
        let unknown = !agent.user.is_empty() && self.authorizable(&agent.user).is_none();
        // The misspelling is AEM's own.
        unknown.then(|| format!("Replicaiton Agent [{}] has invalid agent userId [{}]", agent.id, agent.user))
    }

    /// Drops the state of agents that no longer exist.
    fn forget_lost_agents(&mut self) {
        let agents: BTreeSet<_> = self.agents().into_iter().map(|agent| agent.id).collect();
        self.brand_portal.logs.retain(|agent, _| agents.contains(agent));
        self.brand_portal.workers.retain(|agent, _| agents.contains(agent));
    }

    /// Test Connection always requests a new token; a job uses the cached token while it is valid.
    fn with_token(&mut self, now: Timestamp, mut delivery: Delivery, provider: Provider) -> Step {
        if let Job::Item(..) = delivery.job
            && let Some(token) = self.brand_portal.tokens.get(&provider.pid).filter(|token| token.until > now)
        {
            let bearer = format!("Bearer {}", token.value);
            return self.send_with_bearer(now, delivery, bearer);
        }
        match self.token_request(now, &provider) {
            Ok(call) => {
                delivery.waits_for = Some(provider);
                start(&mut self.brand_portal, Conversation::Delivery(Box::new(delivery)), call)
            }
            Err(problem) => {
                let problem = self.token_failure(now, &problem);
                self.delivered(now, delivery, &Err(problem))
            }
        }
    }

    fn send_with_bearer(&mut self, now: Timestamp, mut delivery: Delivery, bearer: String) -> Step {
        for _ in 0..2 {
            let user = format!("* OAuth 2.0 User: {}", delivery.agent.transport_user);
            delivery.transcript.info(now, user);
        }
        match self.package(&delivery) {
            Ok(body) => self.send(delivery, Some(bearer), body),
            Err(problem) => self.delivered(now, delivery, &Err(problem)),
        }
    }

    fn send(&mut self, delivery: Delivery, authorization: Option<String>, body: Vec<u8>) -> Step {
        let kind = self.repository.get(delivery.path()).map(|node| node.primary_type().to_owned());
        let headers = headers(&delivery, authorization, kind);
        let call = Call { method: "POST".into(), url: delivery.agent.target.clone(), headers, body };
        start(&mut self.brand_portal, Conversation::Delivery(Box::new(delivery)), call)
    }

    /// Continues a delivery with the result of a call.
    pub(super) fn delivery_resumed(&mut self, now: Timestamp, mut delivery: Delivery, outcome: CallResult) -> Step {
        if let Some(provider) = delivery.waits_for.take() {
            return match self.token_answer(now, provider.is_jwt(), outcome) {
                Ok(token) => {
                    let bearer = format!("Bearer {}", token.value);
                    self.brand_portal.tokens.retain(|_, token| token.until > now);
                    self.brand_portal.tokens.insert(provider.pid, token);
                    self.send_with_bearer(now, delivery, bearer)
                }
                Err(problem) => self.delivered(now, delivery, &Err(problem)),
            };
        }
        let result = answered(now, &mut delivery, outcome);
        if let (Err(problem), Identity::OAuth(provider)) = (&result, self.identity(&delivery.agent))
            && problem.contains("status code 401")
        {
            self.brand_portal.tokens.remove(&provider.pid);
        }
        self.delivered(now, delivery, &result)
    }

    /// The end of a delivery: the last lines, the logs, and the answer or the queue.
    fn delivered(&mut self, now: Timestamp, mut delivery: Delivery, result: &Result<(), String>) -> Step {
        let (action, path) = (delivery.action().word().to_ascii_uppercase(), delivery.path().to_owned());
        if let Err(problem) = result {
            let failed = format!("Transfer failed for {}.", delivery.described(now));
            delivery.transcript.error(now, format!("{failed} {problem}"));
            let thrown =
                format!("Error while replicating: com.day.cq.replication.ReplicationException: {failed} {problem}");
            delivery.transcript.error(now, thrown.clone());
            delivery.transcript.error(now, format!("Replication ({action}) of {path} not successful."));
            self.product.log(now, "ERROR", LOGGER, &format!("{}: {thrown}", delivery.agent.id));
        } else {
            delivery.transcript.info(now, format!("Replication ({action}) of {path} successful."));
        }
        self.forget_lost_agents();
        let log = self.brand_portal.logs.entry(delivery.agent.id.clone()).or_default();
        log.extend(delivery.transcript.0.iter().cloned());
        log.drain(..log.len().saturating_sub(MOST_LINES));
        match delivery.job {
            Job::Test => Step::Answer(delivery.transcript.page(&delivery.agent, result.is_ok())),
            Job::Item(node, item) => {
                self.lay_down(now, &delivery.agent.id, &node, result.is_ok());
                if result.is_ok() {
                    self.mark_replicated(now, &item);
                }
                Step::Done
            }
        }
    }
}

fn headers(delivery: &Delivery, authorization: Option<String>, kind: Option<String>) -> Headers {
    let mut headers = vec![
        ("action".to_owned(), delivery.action().word().to_owned()),
        ("path".to_owned(), delivery.path().to_owned()),
        ("handle".to_owned(), delivery.path().to_owned()),
        ("referer".to_owned(), "about:blank".to_owned()),
        ("content-type".to_owned(), "application/octet-stream".to_owned()),
    ];
    if let (Some(kind), Job::Item(..)) = (kind, &delivery.job) {
        headers.push(("type".into(), kind));
    }
    if delivery.agent.close_connection {
        headers.push(("connection".into(), "close".into()));
    }
    headers.extend(authorization.map(|value| ("authorization".to_owned(), value)));
    headers
}

/// Writes the exchange with the tenant to the transcript; the error is the message for the logs.
fn answered(now: Timestamp, delivery: &mut Delivery, outcome: CallResult) -> Result<(), String> {
    let target = delivery.agent.target.clone();
    let response =
        outcome.map_err(|reason| format!("java.io.IOException: Failed to execute request '{target}': {reason}"))?;
    let status = status_line(response.status);
    delivery.transcript.info(now, format!("sent. Response: {status}"));
    write_exchange(now, delivery, &response, &status);
    if (200..300).contains(&response.status) {
        delivery.transcript.info(now, "Message sent.");
        delivery.transcript.info(now, RULE);
        return Ok(());
    }
    let reason = match response.status {
        401 => "Authorization required",
        other => StatusCode::from_u16(other).ok().and_then(|status| status.canonical_reason()).unwrap_or_default(),
    };
    Err(format!(
        "java.io.IOException: Failed to execute request '{target}': Server returned status code {} with message: {reason}.",
        response.status
    ))
}

fn write_exchange(now: Timestamp, delivery: &mut Delivery, response: &Response, status: &str) {
    let path = url::Url::parse(&delivery.agent.target).map(|url| url.path().to_owned()).unwrap_or_default();
    let (action, handle) = (delivery.action().word(), delivery.path().to_owned());
    let host = delivery.agent.host();
    let size = delivery.size.to_string();
    let say = &mut delivery.transcript;
    say.info(now, RULE);
    say.info(now, format!("Sending message to {host}"));
    say.info(now, format!(">> POST {path} HTTP/1.0"));
    let sent = [("Action", action), ("Path", &handle), ("Handle", &handle), ("Referer", "about:blank")];
    let body = [("Content-Length", size.as_str()), ("Content-Type", "application/octet-stream")];
    for (name, value) in sent.into_iter().chain(body) {
        say.info(now, format!(">> {name}: {value}"));
    }
    say.info(now, "--");
    say.info(now, format!("<< HTTP/1.1 {status}"));
    for (name, value) in response.headers.iter().filter(|(name, _)| name != "set-cookie") {
        say.info(now, format!("<< {name}: {value}"));
    }
    say.info(now, "<<");
    for line in response.text().lines().take(20) {
        say.info(now, format!("<< {line}"));
    }
}

fn status_line(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    format!("{status} {reason}").trim_end().to_owned()
}
