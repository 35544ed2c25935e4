//! Sends one request: builds it from the endpoint's data, authenticates it, sends it, and records the exchange.

use std::time::{Instant, SystemTime};

use bpconform_fixtures::{Surface, System};
use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderValue, USER_AGENT};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::call::{Authentication, Body, Call, MADE_UP_TOKEN, Upload};
use crate::carry::carry;
use crate::credentials::{AuthorLogin, Credentials};
use crate::evidence::{Exchange, Outcome, RequestForm, SentBody, SentField, SentLogin, Text};
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::run::Run;
use crate::stack::Stack;

/// A request before it is sent: its endpoint and its run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending<'a> {
    pub(crate) run: &'a Run,
    pub(crate) stack: &'a Stack,
    pub(crate) credentials: &'a Credentials,
    pub(crate) surface: &'a Surface,
    pub(crate) call: &'a Call,
}

/// A request in the form in which it goes over the wire.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) url: Url,
    fields: Vec<(String, String)>,
    request: RequestBuilder,
}

impl Sending<'_> {
    /// Writes the request; nothing is sent.
    pub(crate) fn prepare(&self) -> Checked<Prepared> {
        let url = self.address()?;
        self.learn_secrets();
        let fields = wire_fields(self.surface, self.call);
        let request = self.request(&url, fields.clone())?;
        Ok(Prepared { url, fields, request })
    }

    /// Sends the request and reads the whole answer. Returns the answer, or why it is missing, and the evidence.
    pub(crate) async fn exchange(&self, prepared: Prepared) -> (Checked<Reply>, Exchange) {
        let Prepared { url, fields, request } = prepared;
        let turn = self.run.wire.turns.turn(&url).await;
        let started_us = i64::try_from(since_1970(SystemTime::now())).unwrap_or(i64::MAX);
        let clock = Instant::now();
        let under_way = self.run.wire.under_way.begin(&self.surface.id, &self.run.redactor.redact(url.as_str()));
        let (outcome, retries) = carry(&self.run.wire, &self.run.redactor, self.surface, &url, request).await;
        drop((under_way, turn));
        let took_us = u64::try_from(clock.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(surface = self.surface.id, took_us, ok = outcome.is_ok(), "exchange");
        let exchange = self.evidence(&fields, started_us, took_us, &outcome);
        (outcome, Exchange { retries, ..exchange })
    }

    /// Whether to repeat a rejected login with the other encoding of the password.
    pub(crate) fn may_log_in_again(&self) -> bool {
        let usual = self.call.authentication == Authentication::Usual && self.surface.system == System::Author;
        match self.credentials.author_login() {
            Ok(AuthorLogin::Password(user, password)) if usual => self.run.login.may_try_again(user, password),
            _ => false,
        }
    }

    fn address(&self) -> Checked<Url> {
        let (surface, call) = (self.surface, self.call);
        let base = self.stack.base(surface.system)?;
        let pattern = call.variant.checked_sub(1).map_or(&surface.path, |index| &surface.alternatives[index]);
        self.stays_below(pattern)?;
        // A URL keeps what looks like an escape; in the name of a node it is literal text.
        let escaped = |value: &String| value.replace('%', "%25").replace(';', "%3B");
        let arguments = call.arguments.iter().map(|(name, value)| (name.clone(), escaped(value))).collect();
        // Names that stand in addresses stay readable, also when a password of the target equals one.
        call.arguments.values().for_each(|name| self.run.redactor.add_word(name));
        let path = bpconform_fixtures::surfaces::expand(pattern, &arguments)
            .map_err(|missing| Problem::error(format!("{}: no value for {{{missing}}}", surface.id)))?;
        let mut url = base.clone();
        url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
        Ok(url)
    }

    /// An error if a value leads to another path than the endpoint's: values come from answers, too.
    fn stays_below(&self, pattern: &str) -> Checked {
        let leads_away = |(name, value): &(&String, &String)| {
            let is_one_segment = pattern.contains(&format!("/{{{name}}}"));
            let mut segments = value.split(['/', '\\']);
            segments.any(|segment| matches!(segment, "." | "..")) || (is_one_segment && value.contains(['/', '\\']))
        };
        match self.call.arguments.iter().find(leads_away) {
            Some((name, value)) => {
                let id = &self.surface.id;
                Err(Problem::error(format!("not sent: {id}: `{value}` cannot be the {name}: it leads to another path")))
            }
            None => Ok(()),
        }
    }

    fn learn_secrets(&self) {
        let secret =
            |word: &str| ["secret", "password", "jwt", "key"].contains(&word.rsplit('-').next().unwrap_or(word));
        // A client secret that does not belong to the run comes from a feature, where it must stay readable.
        let made_up = |(word, value): &&(String, String)| {
            word == "client-secret" && !self.credentials.secrets().any(|secret| secret == value)
        };
        let words = self.call.words.iter().filter(|(word, _)| secret(word)).filter(|word| !made_up(word));
        words.for_each(|(_, value)| self.run.redactor.learn(value));
        if let Authentication::Bearer(secret) | Authentication::Basic(_, secret) = &self.call.authentication {
            self.run.redactor.learn(secret);
        }
    }

    fn request(&self, url: &Url, fields: Vec<(String, String)>) -> Checked<RequestBuilder> {
        let (surface, call) = (self.surface, self.call);
        let method = surface.method.parse().map_err(|_| Problem::error(format!("{}: bad method", surface.id)))?;
        let mut request = self.run.wire.client(surface.system).request(method, url.clone()).query(&surface.query);
        let in_query = matches!(surface.method.as_str(), "GET" | "HEAD" | "DELETE");
        request = match &call.body {
            Body::Fields if in_query => request.query(&fields),
            Body::Fields => request.form(&fields),
            Body::FieldsInQuery => request.query(&fields),
            Body::Multipart(upload) => request.multipart(multipart(surface, fields, upload.as_ref())?),
            Body::Bytes { content_type, bytes } => {
                request.query(&fields).header("content-type", content_type).body(bytes.clone())
            }
        };
        // An operator finds the requests of a run by its id in the access log.
        request = request.header(USER_AGENT, self.run.user_agent());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if surface.system == System::Author {
            for (name, value) in &self.run.wire.headers {
                request = request.header(name, value.expose_secret());
            }
        }
        self.authenticate(request)
    }

    fn authenticate(&self, request: RequestBuilder) -> Checked<RequestBuilder> {
        Ok(match (&self.call.authentication, self.surface.system) {
            (Authentication::Usual, System::Author) => log_in(request, self.run, self.credentials)?,
            (Authentication::Usual, System::Console) => {
                request.bearer_auth(self.credentials.need("BPCONFORM_CONSOLE_TOKEN")?)
            }
            (Authentication::Usual | Authentication::None, _) => request,
            (Authentication::Bearer(token), _) => request.bearer_auth(token),
            (Authentication::Basic(user, password), _) => request.basic_auth(user, Some(password)),
        })
    }

    fn evidence(
        &self,
        fields: &[(String, String)],
        started_us: i64,
        took_us: u64,
        outcome: &Checked<Reply>,
    ) -> Exchange {
        let (surface, call) = (self.surface, self.call);
        let redactor = &self.run.redactor;
        let value = |(name, value): &(String, String)| (name.clone(), redactor.redact_value(name, value));
        let sent = |(name, value): &(String, String)| (name.clone(), redactor.redact_own_value(name, value));
        // First what came back: what is found in it is masked in the request, too.
        let outcome = match outcome {
            Ok(reply) => Outcome::Response {
                status: reply.status,
                headers: reply.headers.iter().map(value).collect(),
                body: if call.confidential {
                    Text::withheld(&reply.body)
                } else {
                    Text::keep_as(&reply.body, reply.header("content-type"), redactor)
                },
            },
            Err(problem) => Outcome::Error(redactor.redact(&problem.reason).into_owned()),
        };
        let url = self.address().map_or_else(|problem| problem.reason, |url| url.to_string());
        let body = if let Body::Bytes { bytes, .. } = &call.body {
            bytes.clone()
        } else {
            let fields = fields.iter().map(sent);
            fields.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n").into_bytes()
        };
        Exchange {
            surface: surface.id.clone(),
            method: surface.method.clone(),
            url: redactor.redact_foreign(&url).into_owned(),
            request_headers: call.headers.iter().map(sent).collect(),
            request_body: Text::keep(&body, redactor),
            started_us,
            took_us,
            retries: 0,
            read: None,
            shared: false,
            // A session of a browser has no name by which it could be sent again by hand.
            form: (!self.is_of_browser_session()).then(|| self.form(fields)),
            outcome,
        }
    }

    /// Whether it is sent with the cookies of a person's login.
    pub(crate) fn is_of_browser_session(&self) -> bool {
        let usual = self.call.authentication == Authentication::Usual && self.surface.system == System::Author;
        usual && matches!(self.credentials.author_login(), Ok(AuthorLogin::Cookies(_)))
    }

    /// How the request was sent, with the names of credentials in place of their values.
    fn form(&self, fields: &[(String, String)]) -> RequestForm {
        let (surface, call) = (self.surface, self.call);
        let query = surface.query.iter().map(|(name, value)| self.field(name, value));
        let all = || fields.iter().map(|(name, value)| self.field(name, value));
        let in_query = matches!(surface.method.as_str(), "GET" | "HEAD" | "DELETE");
        let (fields_in_query, body) = match &call.body {
            Body::Fields if !in_query => (false, SentBody::Urlencoded(all().collect())),
            Body::Fields | Body::FieldsInQuery => (true, SentBody::None),
            Body::Multipart(upload) => {
                let file = |upload: &Upload| {
                    (surface.field(&upload.field).to_owned(), upload.name.clone(), upload.content_type.clone())
                };
                (false, SentBody::Multipart { fields: all().collect(), file: upload.as_ref().map(file) })
            }
            Body::Bytes { content_type, .. } => (true, SentBody::Bytes(content_type.clone())),
        };
        let of_operator = if surface.system == System::Author { self.run.wire.headers.as_slice() } else { &[] };
        RequestForm {
            login: self.login(),
            operator_headers: of_operator.iter().map(|(name, _)| name.clone()).collect(),
            query: query.chain(all().filter(|_| fields_in_query)).collect(),
            body,
        }
    }

    fn login(&self) -> SentLogin {
        match (&self.call.authentication, self.surface.system) {
            (Authentication::Usual, System::Author) => match self.credentials.author_login() {
                Ok(AuthorLogin::Token(_)) => SentLogin::AuthorToken,
                _ => SentLogin::Author,
            },
            (Authentication::Usual, System::Console) => SentLogin::Console,
            (Authentication::Usual | Authentication::None, _) => SentLogin::None,
            (Authentication::Bearer(token), _) if token == MADE_UP_TOKEN => SentLogin::MadeUpToken,
            (Authentication::Bearer(_), _) => SentLogin::AccessToken,
            (Authentication::Basic(..), _) => SentLogin::OtherUser,
        }
    }

    fn field(&self, name: &str, value: &str) -> SentField {
        let (name, variable) = (name.to_owned(), self.credentials.name_of(value).map(str::to_owned));
        match variable {
            Some(_) => SentField { name, value: String::new(), variable },
            None => SentField { value: self.run.redactor.redact_own_value(&name, value), name, variable },
        }
    }
}

/// The request with the run's login at the Author.
pub(crate) fn log_in(request: RequestBuilder, run: &Run, credentials: &Credentials) -> Checked<RequestBuilder> {
    Ok(match credentials.author_login()? {
        AuthorLogin::Token(token) => request.bearer_auth(token),
        AuthorLogin::Password(user, password) => request.header(AUTHORIZATION, run.login.header(user, password)),
        AuthorLogin::Cookies(cookies) => {
            let mut value = HeaderValue::from_str(cookies)
                .map_err(|_| Problem::error("a cookie of the browser has a character that no header can have"))?;
            value.set_sensitive(true);
            request.header(COOKIE, value)
        }
    })
}

fn wire_fields(surface: &Surface, call: &Call) -> Vec<(String, String)> {
    let translated = call.words.iter().map(|(word, value)| (surface.field(word).to_owned(), value.clone()));
    let said: Vec<_> = translated.chain(call.fields.iter().cloned()).collect();
    let always = surface.always.iter().filter(|(name, _)| !said.iter().any(|(known, _)| known == *name));
    always.map(|(name, value)| (name.clone(), value.clone())).chain(said.iter().cloned()).collect()
}

fn multipart(
    surface: &Surface,
    fields: Vec<(String, String)>,
    upload: Option<&Upload>,
) -> Checked<reqwest::multipart::Form> {
    let form = fields.into_iter().fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(name, value));
    let Some(upload) = upload else { return Ok(form) };
    let part = reqwest::multipart::Part::bytes(upload.bytes.clone())
        .file_name(upload.name.clone())
        .mime_str(&upload.content_type)
        .map_err(|error| Problem::error(format!("{}: {error}", upload.content_type)))?;
    Ok(form.part(surface.field(&upload.field).to_owned(), part))
}

pub(crate) fn since_1970(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |duration| duration.as_micros())
}
