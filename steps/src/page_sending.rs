//! Sends a request of a page as the run sends its own: with its login, its connection and its limits, and with evidence.

use std::time::{Instant, SystemTime};

use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::{Surface, System};
use reqwest::header::USER_AGENT;
use secrecy::ExposeSecret as _;

use crate::browser::traffic::PageRequest;
use crate::carry::carry;
use crate::credentials::{AuthorLogin, Credentials};
use crate::evidence::{Exchange, Outcome, Text, decoded_as};
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::run::Run;
use crate::sending::{log_in, since_1970};

/// Headers that the run sets itself, or that make a request another one than its method says.
const NOT_OF_A_PAGE: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "user-agent",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// A request of a page before it is sent, and the endpoint that it counts as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSending<'a> {
    pub(crate) run: &'a Run,
    pub(crate) credentials: &'a Credentials,
    pub(crate) surface: &'a Surface,
    pub(crate) request: &'a PageRequest,
}

impl PageSending<'_> {
    /// Sends it and reads the whole answer. Returns the answer, or why it is missing, and if it `keeps` any the evidence.
    pub(crate) async fn exchange(&self, keeps: bool) -> (Checked<Reply>, Option<Exchange>) {
        let (run, request) = (self.run, self.request);
        let turn = run.wire.turns.turn(&request.url).await;
        let started_us = i64::try_from(since_1970(SystemTime::now())).unwrap_or(i64::MAX);
        let clock = Instant::now();
        let under_way = run.wire.under_way.begin(&self.surface.id, &run.redactor.redact(request.url.as_str()));
        // Only a read is sent again. What a change answers is read by who asked for it: it is meant for a page.
        let class = if request.reads() && self.surface.class == Class::Read { Class::Read } else { Class::Probe };
        let surface = Surface { method: request.method.clone(), class, ..self.surface.clone() };
        let (outcome, retries) = match self.build() {
            Ok(built) => carry(&run.wire, &run.redactor, &surface, &request.url, built).await,
            Err(problem) => (Err(problem), 0),
        };
        drop((under_way, turn));
        let took_us = u64::try_from(clock.elapsed().as_micros()).unwrap_or(u64::MAX);
        if keeps {
            let exchange = self.evidence(started_us, took_us, &outcome);
            return (outcome, Some(Exchange { retries, ..exchange }));
        }
        self.learn(&outcome);
        (outcome, None)
    }

    /// The evidence of a request that was not let through.
    pub(crate) fn blocked(&self, why: &str) -> Exchange {
        let now = i64::try_from(since_1970(SystemTime::now())).unwrap_or(i64::MAX);
        self.evidence(now, 0, &Err(Problem::error(format!("blocked in the browser, not sent: {why}"))))
    }

    fn build(&self) -> Checked<reqwest::RequestBuilder> {
        let (run, request) = (self.run, self.request);
        let bad = |_| Problem::error(format!("a page sends the method {}", request.method));
        let method = request.method.parse().map_err(bad)?;
        let mut built = run.wire.client(System::Author).request(method, request.url.clone());
        let by_cookies = matches!(self.credentials.author_login(), Ok(AuthorLogin::Cookies(_)));
        for (name, value) in &request.headers {
            // With a person's login, the cookies are those of its window.
            if by_cookies && name == "cookie" {
                continue;
            }
            if !is_set_by(name, run.wire.headers.iter().map(|(name, _)| name.as_str())) {
                built = built.header(name, value);
            }
        }
        // An operator finds the requests of a run by its id in the access log; the filters of AEM know a browser by its name.
        let agent = request.headers.iter().find(|(name, _)| name == "user-agent").map_or("", |(_, agent)| agent);
        built = built.header(USER_AGENT, format!("{agent} {}", run.user_agent()).trim());
        for (name, value) in &run.wire.headers {
            built = built.header(name, value.expose_secret());
        }
        built = log_in(built, run, self.credentials)?;
        Ok(if request.body.is_empty() { built } else { built.body(request.body.clone()) })
    }

    /// Learns the secrets of a request of which no evidence is kept: a page may show what only its script says is secret.
    fn learn(&self, outcome: &Checked<Reply>) {
        let (redactor, request) = (&self.run.redactor, self.request);
        redactor.redact_foreign(request.url.as_str());
        let answered = outcome.as_ref().map(|reply| reply.headers.as_slice()).unwrap_or_default();
        for (name, value) in request.headers.iter().chain(answered) {
            redactor.redact_value(name, value);
        }
        if let Ok(reply) = outcome
            && request.is_text()
        {
            redactor.learn_from(&decoded_as(&reply.body, reply.header("content-type")));
        }
    }

    fn evidence(&self, started_us: i64, took_us: u64, outcome: &Checked<Reply>) -> Exchange {
        let (redactor, request) = (&self.run.redactor, self.request);
        let value = |(name, value): &(String, String)| (name.clone(), redactor.redact_value(name, value));
        let outcome = match outcome {
            Ok(reply) => Outcome::Response {
                status: reply.status,
                headers: reply.headers.iter().map(value).collect(),
                body: Text::keep_as(&reply.body, reply.header("content-type"), redactor),
            },
            Err(problem) => Outcome::Error(redactor.redact(&problem.reason).into_owned()),
        };
        Exchange {
            surface: self.surface.id.clone(),
            method: request.method.clone(),
            url: redactor.redact_foreign(request.url.as_str()).into_owned(),
            request_headers: request.headers.iter().map(value).collect(),
            request_body: Text::keep(&self.fields(), redactor),
            started_us,
            took_us,
            retries: 0,
            read: None,
            shared: false,
            // Its token is of its page only: it cannot be sent again by hand.
            form: None,
            outcome,
        }
    }

    /// The body; of a form its fields, one per line, with what their names say is secret masked.
    fn fields(&self) -> Vec<u8> {
        let request = self.request;
        let is_form = request.headers.iter().any(|(name, value)| {
            name == "content-type" && value.to_lowercase().starts_with("application/x-www-form-urlencoded")
        });
        if !is_form {
            return request.body.clone();
        }
        let fields = url::form_urlencoded::parse(&request.body);
        let lines = fields.map(|(name, value)| format!("{name}={}", self.run.redactor.redact_value(&name, &value)));
        lines.collect::<Vec<_>>().join("\n").into_bytes()
    }
}

/// Whether the run sets a header of that name, or leaves it out, whatever the page says; `operators` are those of the
/// operator.
fn is_set_by<'a>(name: &str, operators: impl IntoIterator<Item = &'a str>) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    NOT_OF_A_PAGE.into_iter().any(is) || operators.into_iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_cannot_send_what_the_run_sets_or_what_changes_the_method() {
        for name in ["Authorization", "authorization", "X-HTTP-Method-Override", "x-method-override", "x-gateway-key"] {
            assert!(is_set_by(name, ["X-Gateway-Key"]), "{name}");
        }
        assert!(!is_set_by("csrf-token", ["X-Gateway-Key"]));
    }
}
