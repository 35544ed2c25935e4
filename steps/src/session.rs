//! One scenario's conversation with the target. [`Session::send`] is the one place from which anything is sent: it
//! holds the run to its allow level, keeps the evidence, and writes down what undoes a change before it is sent.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bpconform_fixtures::surfaces::{Class, Evidence};
use bpconform_fixtures::{Allow, Surface, Surfaces, System};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::call::{Authentication, Body, Call};
use crate::carry::carry;
use crate::credentials::Credentials;
use crate::evidence::{Exchange, Outcome, Text};
use crate::journal::Journal;
use crate::problem::{Checked, Problem};
use crate::redact::{MASK, Redactor};
use crate::reply::Reply;
use crate::stack::Stack;
use crate::undo::{self, Undo};
use crate::welcome::{self, Welcome};
use crate::wire::Wire;

/// What all scenarios of a run share.
#[derive(Debug)]
pub struct Run {
    /// A short id that stands in the name of everything that the run creates.
    pub id: String,
    /// What the run may do.
    pub allow: Allow,
    /// Whether the target is mocks, embedded or in a container: then surfaces that are unknown in reality are known.
    pub embedded: bool,
    /// The systems that are mocks beside a real Author: of these too.
    pub mocks: BTreeSet<System>,
    /// Whether the Author has taken the run for a user.
    pub welcome: Welcome,
    /// The surfaces of the target.
    pub surfaces: Arc<Surfaces>,
    /// The client.
    pub wire: Wire,
    /// The last gate for secrets.
    pub redactor: Redactor,
    /// What the operator knows and the target cannot say.
    pub settings: Settings,
    /// What was changed and is not undone yet.
    pub journal: Journal,
    /// Counts the conversations, so that what they create has different names.
    pub conversations: AtomicU32,
}

impl Run {
    /// A run on real systems that changes nothing it would have to write down; what differs is set by its user.
    pub fn new(id: impl Into<String>, allow: Allow, surfaces: Arc<Surfaces>, wire: Wire, redactor: Redactor) -> Self {
        Self {
            id: id.into(),
            allow,
            embedded: false,
            mocks: BTreeSet::new(),
            welcome: Welcome::default(),
            surfaces,
            wire,
            redactor,
            settings: Settings::default(),
            journal: Journal::default(),
            conversations: AtomicU32::default(),
        }
    }

    /// Whether a system is a mock, so that nothing about it is unknown.
    pub fn is_mock(&self, system: System) -> bool {
        self.embedded || self.mocks.contains(&system)
    }
}

/// What the operator knows and the target cannot say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which service pack counts as the latest, for example `6.5.24.0`; unset, BP-PRE-03 is skipped.
    pub latest_service_pack: Option<String>,
    /// How long something that happens by and by may take (agents that appear after Save & Close).
    pub patience: Duration,
    /// How long before its end a certificate is reported.
    pub certificate_warning: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latest_service_pack: None,
            patience: Duration::from_secs(60),
            certificate_warning: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

/// One scenario's conversation with the target.
#[derive(Debug)]
pub struct Session {
    /// What all scenarios share.
    pub run: Arc<Run>,
    /// Where the target is.
    pub stack: Stack,
    /// Who the run is.
    pub credentials: Credentials,
    /// Whether the Author's configuration was kept, so that it can be put back.
    pub(crate) kept: AtomicBool,
    number: u32,
    scenario: String,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
    undoing: bool,
    stop: CancellationToken,
}

impl Session {
    /// A conversation that has not begun.
    pub fn new(run: Arc<Run>, stack: Stack, credentials: Credentials) -> Self {
        credentials.secrets().for_each(|secret| run.redactor.learn(secret));
        if let (Some(user), Some(password)) =
            (credentials.get("BPCONFORM_AUTHOR_USER"), credentials.get("BPCONFORM_AUTHOR_PASSWORD"))
        {
            // As Basic authentication sends them.
            run.redactor.learn(&format!("{user}:{password}"));
        }
        run.wire.headers.iter().for_each(|(_, value)| run.redactor.learn(value.expose_secret()));
        let number = run.conversations.fetch_add(1, Ordering::Relaxed);
        Self {
            run,
            stack,
            credentials,
            kept: AtomicBool::new(false),
            number,
            scenario: String::new(),
            exchanges: Arc::default(),
            undoing: false,
            stop: CancellationToken::new(),
        }
    }

    /// Says of which scenario it is: what it changes is written down and undone as that scenario's.
    #[must_use]
    pub fn of_scenario(mut self, scenario: impl Into<String>) -> Self {
        self.scenario = scenario.into();
        self
    }

    /// The same conversation, to undo what was changed: it goes on when the run is stopped, and its own changes are not to
    /// be undone.
    #[must_use]
    pub fn undoing(&self) -> Self {
        let (run, stack, credentials) = (Arc::clone(&self.run), self.stack.clone(), self.credentials.clone());
        let scenario = self.scenario.clone();
        let exchanges = Arc::clone(&self.exchanges);
        Self { scenario, exchanges, undoing: true, ..Self::new(run, stack, credentials) }
    }

    /// Makes the conversation end when the run is stopped: nothing more is sent but what undoes a change.
    #[must_use]
    pub fn stopped_by(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// A surface by its id.
    pub fn surface(&self, id: &str) -> &Surface {
        self.run.surfaces.get(id)
    }

    /// A name for something that this conversation creates, which says whose it is.
    pub fn name(&self, what: &str) -> String {
        format!("{}{}-{what}", self.mark(), self.number)
    }

    /// What every name of this run begins with.
    pub(crate) fn mark(&self) -> String {
        format!("bpconform-{}-", self.run.id)
    }

    /// What went over the wire so far, in the order in which it was sent; they are taken away.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        let mut exchanges = std::mem::take(&mut *lock(&self.exchanges));
        exchanges.sort_by_key(|exchange| exchange.started_us);
        exchanges
    }

    /// How many of the requests that were sent so far could change the target.
    pub fn changes_sent(&self) -> usize {
        let changes = |exchange: &&Exchange| self.surface(&exchange.surface).class == Class::Change;
        lock(&self.exchanges).iter().filter(changes).count()
    }

    /// Sends a request and reads the whole reply, whatever its status.
    ///
    /// A request that the run's allow level does not permit, or to a surface that is unknown on a real target, is not
    /// sent. No reply, or one past a limit, is an error, never a failure: it says nothing about the configuration.
    pub async fn send(&self, call: Call) -> Checked<Reply> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        let whom = call.authentication.clone();
        // A change is waited for even then: whether it happened decides what undoing it means.
        if self.surface(&call.surface).class == Class::Change {
            return self.still_welcome(&whom, self.send_whatever(call).await?).await;
        }
        let asked = async { self.still_welcome(&whom, self.send_whatever(call).await?).await };
        self.stop.run_until_cancelled(asked).await.unwrap_or_else(|| Err(stopped()))
    }

    /// The reply, unless it is the Author's refusal to go on with the run: that says nothing about its configuration.
    async fn still_welcome(&self, whom: &Authentication, reply: Reply) -> Checked<Reply> {
        if self.surface(&reply.surface).system != System::Author {
            return Ok(reply);
        }
        match self.run.welcome.doubt(whom, &reply) {
            Some(call) => welcome::judge(reply, &self.send_whatever(call).await?),
            None => Ok(reply),
        }
    }

    async fn send_whatever(&self, call: Call) -> Checked<Reply> {
        let surface = self.surface(&call.surface);
        self.permit(surface, &call)?;
        let url = self.address(surface, &call)?;
        self.learn_secrets(&call);
        let fields = wire_fields(surface, &call);
        let request = self.request(surface, &url, &call, fields.clone())?;
        // The embedded mocks go away with all that was changed.
        if surface.class != Class::Change || self.undoing || self.run.embedded {
            return self.exchange(surface, url, &call, &fields, request).await;
        }
        let what = format!("{} {} {}", surface.id, surface.method, url.path());
        let number = self.write_down(&what, call.undo.clone().unwrap_or_default())?;
        let outcome = self.exchange(surface, url, &call, &fields, request).await;
        if let Ok(reply) = &outcome {
            self.run.journal.answered(number, reply.status);
        }
        outcome
    }

    /// Makes the scenario end with these, for what becomes possible by its next requests.
    pub fn will_be_undone_by(&self, what: &str, undo: impl IntoIterator<Item = Undo>) -> Checked {
        self.write_down(what, undo.into_iter().collect()).map(drop)
    }

    /// Nothing is changed that is not written down.
    fn write_down(&self, what: &str, undo: Vec<Undo>) -> Checked<u64> {
        let text = serde_json::to_string(&undo).unwrap_or_default();
        if self.run.redactor.redact(&text) != text {
            return Err(Problem::error(format!(
                "not sent: what undoes {what} holds a secret, which no journal may hold"
            )));
        }
        let what = self.run.redactor.redact(what);
        let entered = self.run.journal.enter(&self.scenario, what, undo);
        entered.map_err(|error| Problem::error(format!("not sent: the journal cannot be written: {error}")))
    }

    /// Undoes, last first, what the scenario changed. Gives back what could not be undone.
    pub async fn undo_all(&self) -> Vec<Problem> {
        undo::carry_out(&self.undoing(), self.run.journal.open(Some(&self.scenario))).await
    }

    /// Asks again and again until `check` finds something, on the mocks by advancing their clock, on a real target by
    /// waiting. What is not there after `limit` fails the step: `what` says what was waited for.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        check: impl AsyncFn() -> Checked<Option<T>>,
    ) -> Checked<T> {
        let mut waited = Duration::ZERO;
        let mut pause = Duration::from_millis(100);
        // Nobody waits for the mocks' clock.
        let longest = Duration::from_secs(if self.stack.control.is_some() { 20 } else { 5 });
        loop {
            if let Some(found) = check().await? {
                return Ok(found);
            }
            if waited >= limit {
                return Err(Problem::failed(format!("{what}: not within {} s", limit.as_secs())));
            }
            let time = pause.min(limit.saturating_sub(waited));
            self.pass(time).await?;
            waited += time;
            pause = (pause * 2).min(longest);
        }
    }

    /// Lets that time pass: on the mocks by advancing their clock.
    pub async fn pass(&self, time: Duration) -> Checked {
        if self.stack.control.is_none() {
            return self.stop.run_until_cancelled(tokio::time::sleep(time)).await.ok_or_else(stopped);
        }
        let call = Call::to("control.clock-advance").field("milliseconds", time.as_millis().to_string());
        self.send(call).await?.expect_status(&[200])?.json().map(drop)
    }

    fn permit(&self, surface: &Surface, call: &Call) -> Checked {
        let needs = needs(surface);
        if needs > self.run.allow {
            return Err(Problem::error(format!(
                "not sent: {} {} needs --allow {needs}, and this run has {}",
                surface.method, surface.id, self.run.allow
            )));
        }
        if surface.evidence == Evidence::Unknown && !self.run.is_mock(surface.system) {
            return Err(unknown_surface(surface));
        }
        if surface.class == Class::Change && call.undo.is_none() && !self.undoing {
            return Err(Problem::error(format!("not sent: nothing says what undoes {}", surface.id)));
        }
        if call.needs_kept && !self.run.embedded && !self.kept.load(Ordering::Relaxed) {
            return Err(Problem::error(format!("not sent: {} deletes what was not kept before", surface.id)));
        }
        Ok(())
    }

    fn address(&self, surface: &Surface, call: &Call) -> Checked<Url> {
        let base = self.stack.base(surface.system)?;
        let pattern = call.variant.checked_sub(1).map_or(&surface.path, |index| &surface.alternatives[index]);
        let path = bpconform_fixtures::surfaces::expand(pattern, &call.arguments)
            .map_err(|missing| Problem::error(format!("{}: no value for {{{missing}}}", surface.id)))?;
        let mut url = base.clone();
        url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
        Ok(url)
    }

    fn learn_secrets(&self, call: &Call) {
        let secret =
            |word: &str| ["secret", "password", "jwt", "key"].contains(&word.rsplit('-').next().unwrap_or(word));
        call.words.iter().filter(|(word, _)| secret(word)).for_each(|(_, value)| self.run.redactor.learn(value));
        if let Authentication::Bearer(secret) | Authentication::Basic(_, secret) = &call.authentication {
            self.run.redactor.learn(secret);
        }
    }

    fn request(
        &self,
        surface: &Surface,
        url: &Url,
        call: &Call,
        fields: Vec<(String, String)>,
    ) -> Checked<RequestBuilder> {
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
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if surface.system == System::Author {
            for (name, value) in &self.run.wire.headers {
                request = request.header(name, value.expose_secret());
            }
        }
        self.authenticate(surface.system, &call.authentication, request)
    }

    fn authenticate(&self, system: System, whom: &Authentication, request: RequestBuilder) -> Checked<RequestBuilder> {
        Ok(match (whom, system) {
            (Authentication::Usual, System::Author) => {
                let user = self.credentials.need("BPCONFORM_AUTHOR_USER")?;
                request.basic_auth(user, Some(self.credentials.need("BPCONFORM_AUTHOR_PASSWORD")?))
            }
            (Authentication::Usual, System::Console) => {
                request.bearer_auth(self.credentials.need("BPCONFORM_CONSOLE_TOKEN")?)
            }
            (Authentication::Usual | Authentication::None, _) => request,
            (Authentication::Bearer(token), _) => request.bearer_auth(token),
            (Authentication::Basic(user, password), _) => request.basic_auth(user, Some(password)),
        })
    }

    async fn exchange(
        &self,
        surface: &Surface,
        url: Url,
        call: &Call,
        fields: &[(String, String)],
        request: RequestBuilder,
    ) -> Checked<Reply> {
        let started_us = i64::try_from(since_1970(SystemTime::now())).unwrap_or(i64::MAX);
        let clock = Instant::now();
        let under_way = self.run.wire.under_way.begin(&surface.id, url.as_str());
        let (outcome, retries) = carry(&self.run.wire, surface, &url, request).await;
        drop(under_way);
        let took_us = u64::try_from(clock.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Ok(reply) = &outcome {
            reply.secrets().iter().for_each(|secret| self.run.redactor.learn(secret));
        }
        tracing::debug!(surface = surface.id, took_us, ok = outcome.is_ok(), "exchange");
        let exchange = self.evidence(surface, call, fields, started_us, took_us, &outcome);
        lock(&self.exchanges).push(Exchange { retries, ..exchange });
        outcome
    }

    fn evidence(
        &self,
        surface: &Surface,
        call: &Call,
        fields: &[(String, String)],
        started_us: i64,
        took_us: u64,
        outcome: &Checked<Reply>,
    ) -> Exchange {
        let mask = |text: &str| self.run.redactor.redact(text);
        let url = self.address(surface, call).map_or_else(|problem| problem.reason, |url| url.to_string());
        let body = match &call.body {
            Body::Bytes { bytes, .. } => bytes.clone(),
            _ => {
                fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n").into_bytes()
            }
        };
        Exchange {
            surface: surface.id.clone(),
            method: surface.method.clone(),
            url: mask(&url),
            request_headers: call.headers.iter().map(|(name, value)| (name.clone(), mask(value))).collect(),
            request_body: Text::keep(&body, mask),
            started_us,
            took_us,
            retries: 0,
            outcome: match outcome {
                Ok(reply) => Outcome::Response {
                    status: reply.status,
                    headers: reply.headers.iter().map(|header| masked_header(header, mask)).collect(),
                    body: Text::keep(&reply.body, mask),
                },
                Err(problem) => Outcome::Error(mask(&problem.reason)),
            },
        }
    }
}

fn stopped() -> Problem {
    Problem::error("not finished: the run was stopped")
}

/// The least permission under which a surface may be asked. The class says it; but whatever a file of surfaces calls a
/// read, only a GET or HEAD is one. The mocks' own controls touch no target.
fn needs(surface: &Surface) -> Allow {
    let reads = matches!(surface.method.as_str(), "GET" | "HEAD") || surface.system == System::Control;
    if reads { surface.class.needs() } else { surface.class.needs().max(Allow::Probe) }
}

/// The reason of a scenario that cannot be checked because nobody knows the request behind it.
pub fn unknown_surface(surface: &Surface) -> Problem {
    Problem::skipped(format!(
        "surface unknown: {} ({}); capture the request on your Author and supply it with --surfaces FILE",
        surface.id, surface.source
    ))
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
    upload: Option<&crate::call::Upload>,
) -> Checked<reqwest::multipart::Form> {
    let form = fields.into_iter().fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(name, value));
    let Some(upload) = upload else { return Ok(form) };
    let part = reqwest::multipart::Part::bytes(upload.bytes.clone())
        .file_name(upload.name.clone())
        .mime_str(&upload.content_type)
        .map_err(|error| Problem::error(format!("{}: {error}", upload.content_type)))?;
    Ok(form.part(surface.field(&upload.field).to_owned(), part))
}

fn masked_header((name, value): &(String, String), mask: impl Fn(&str) -> String) -> (String, String) {
    let authenticates = ["authorization", "cookie", "set-cookie", "csrf-token", "x-api-key"].contains(&name.as_str());
    (name.clone(), if authenticates { MASK.to_owned() } else { mask(value) })
}

fn since_1970(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |duration| duration.as_micros())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
