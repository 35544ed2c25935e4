//! One scenario's conversation with the target. [`Session::send`] is the one place from which anything is sent: it
//! holds the run to its allow level, keeps the evidence, and writes down what undoes a change before it is sent.

mod addresses;
mod browsing;
mod controls;
mod gate;
mod outcome;
mod own_request;
pub mod recording;
mod sharing;
mod shown;
mod views;
mod walk;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bpconform_fixtures::surfaces::{Class, Evidence};
use bpconform_fixtures::{Allow, Surface, System};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use crate::call::{Authentication, Call};
use crate::credentials::Credentials;
use crate::evidence::{Exchange, PageView};
use crate::journal::Change;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::run::{PageAction, Run};
use crate::sending::{Prepared, Sending};
use crate::stack::Stack;
use crate::undo::Undo;
use crate::welcome;

/// The one page that an Author shows to everybody, so that a cache may keep it.
const FOR_EVERYBODY: &str = "author.login-page";

/// The endpoint of the token with which a browser's session may write.
const CSRF_TOKEN: &str = "author.csrf-token";

/// One scenario's conversation with the target.
#[derive(Debug)]
pub struct Session {
    /// What all scenarios share.
    pub run: Arc<Run>,
    /// Where the target is.
    pub stack: Stack,
    /// Who the run is.
    pub credentials: Credentials,
    /// What was kept and can be put back: paths, and PIDs of IMS configurations. Only that may be deleted.
    kept: Mutex<BTreeSet<String>>,
    number: u32,
    scenario: String,
    /// The number of the scenario's attempt, from 0. An attempt shares no read with another one.
    pub(crate) attempt: usize,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
    /// The pages of the browser that were looked at.
    views: Arc<Mutex<Vec<PageView>>>,
    /// What pages sent for actions of which it is not known yet whether they succeeded.
    sent_by_pages: Arc<Mutex<Vec<PageAction>>>,
    undoing: bool,
    pub(crate) stop: CancellationToken,
}

impl Session {
    /// A conversation that has not begun.
    pub fn new(run: Arc<Run>, stack: Stack, credentials: Credentials) -> Self {
        // A user name may equal the password; then it is masked too.
        let is_secret = |value: &str| credentials.secrets().any(|secret| secret == value);
        credentials.open().filter(|it| !is_secret(it)).for_each(|value| run.redactor.keep_readable(value));
        credentials.secrets().for_each(|secret| run.redactor.learn(secret));
        if let (Some(user), Some(password)) =
            (credentials.get("BPCONFORM_AUTHOR_USER"), credentials.get("BPCONFORM_AUTHOR_PASSWORD"))
        {
            // As Basic authentication sends them.
            run.redactor.learn(&format!("{user}:{password}"));
        }
        run.wire.headers.iter().for_each(|(_, value)| run.redactor.learn(value.expose_secret()));
        let addresses = [Some(&stack.author), stack.ims.as_ref(), stack.console.as_ref(), stack.tenant.as_ref()];
        for host in addresses.into_iter().flatten().filter_map(|address| address.host_str()) {
            host.split('.').chain([host]).for_each(|word| run.redactor.add_word(word));
        }
        let number = run.conversations.fetch_add(1, Ordering::Relaxed);
        Self {
            run,
            stack,
            credentials,
            kept: Mutex::default(),
            number,
            scenario: String::new(),
            attempt: 0,
            exchanges: Arc::default(),
            views: Arc::default(),
            sent_by_pages: Arc::default(),
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

    /// Names the attempt at the scenario, from 0: what an earlier one has read is doubted, and read again.
    #[must_use]
    pub fn of_attempt(mut self, attempt: usize) -> Self {
        self.attempt = attempt;
        self
    }

    /// The same conversation, to undo what was changed: it goes on when the run is stopped, and its own changes are not to
    /// be undone.
    #[must_use]
    pub fn undoing(&self) -> Self {
        let (run, stack, credentials) = (Arc::clone(&self.run), self.stack.clone(), self.credentials.clone());
        let scenario = self.scenario.clone();
        let (exchanges, sent_by_pages) = (Arc::clone(&self.exchanges), Arc::clone(&self.sent_by_pages));
        let views = Arc::clone(&self.views);
        Self { scenario, exchanges, views, sent_by_pages, undoing: true, ..Self::new(run, stack, credentials) }
    }

    /// Makes the conversation end when the run is stopped: nothing more is sent but what undoes a change.
    #[must_use]
    pub fn stopped_by(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// An endpoint by its id.
    pub fn surface(&self, id: &str) -> &Surface {
        self.run.surfaces.get(id)
    }

    /// A name for something that this conversation creates, which says whose it is.
    pub fn name(&self, what: &str) -> String {
        format!("{}{}-{what}", self.mark(), self.number)
    }

    /// What every name of this run begins with.
    pub(crate) fn mark(&self) -> String {
        mark_of(&self.run.id)
    }

    /// What went over the wire so far, in the order in which it was sent; they are taken away.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        let mut exchanges = std::mem::take(&mut *lock(&self.exchanges));
        exchanges.sort_by_key(|exchange| exchange.started_us);
        exchanges
    }

    /// The pages of the browser that were looked at so far; they are taken away.
    pub fn take_views(&self) -> Vec<PageView> {
        std::mem::take(&mut *lock(&self.views))
    }

    /// Ends the part of the conversation so far: what pages sent in it can be learned only if it succeeded.
    pub fn settle_what_pages_sent(&self, succeeded: bool) {
        let sent = std::mem::take(&mut *lock(&self.sent_by_pages));
        let browsing = self.run.browsing.as_ref().filter(|_| succeeded);
        if let Some(browsing) = browsing {
            sent.into_iter().for_each(|action| browsing.sent.keep(action));
        }
    }

    /// How many of the requests that were sent so far could change the target.
    pub fn changes_sent(&self) -> usize {
        let changes = |exchange: &&Exchange| self.surface(&exchange.surface).class == Class::Change;
        lock(&self.exchanges).iter().filter(changes).count()
    }

    /// Sends a request and reads the whole reply, whatever its status.
    ///
    /// A request that the run's allow level does not permit, or to an endpoint that is unknown on a real target, is not
    /// sent. A missing reply, or one past a limit, is an error, never a failure: it does not describe the configuration.
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

    /// The reply; an error if a cache gave it, or if the Author no longer accepts the run's login, which does not concern its
    /// configuration.
    async fn still_welcome(&self, whom: &Authentication, reply: Reply) -> Checked<Reply> {
        if self.surface(&reply.surface).system != System::Author {
            return Ok(reply);
        }
        let reply = if reply.surface == FOR_EVERYBODY { reply } else { reply.not_from_cache()? };
        match self.run.welcome.doubt(whom, &reply) {
            // In a box: every step holds this, and it rarely happens.
            Some(call) => welcome::judge(reply, &Box::pin(self.send_now(call)).await?),
            None => Ok(reply),
        }
    }

    async fn send_whatever(&self, call: Call) -> Checked<Reply> {
        // In boxes: every step holds this, and a stack is small.
        if self.may_share(&call) { Box::pin(self.share(call)).await } else { Box::pin(self.send_now(call)).await }
    }

    async fn send_now(&self, call: Call) -> Checked<Reply> {
        let surface = self.surface(&call.surface);
        self.permit(surface, &call)?;
        let needs = needs(surface);
        let _altering = (needs > Allow::Observe).then(|| self.run.reads.alter(surface.system, needs));
        if let Some(browsing) = self.steps_for(surface) {
            return Box::pin(self.browse(browsing, &call)).await;
        }
        let call = self.with_csrf_token(surface, call).await?;
        let (run, stack, credentials) = (&*self.run, &self.stack, &self.credentials);
        let sending = Sending { run, stack, credentials, surface, call: &call };
        let prepared = sending.prepare()?;
        // The embedded mocks go away with all that was changed.
        if surface.class != Class::Change || run.embedded {
            return self.exchange(sending, prepared, None).await.0;
        }
        if self.undoing {
            let request = run.journal.undoing_sends();
            let outcome = self.exchange(sending, prepared, None).await.0;
            run.journal.undoing_answered(request, outcome.as_ref().ok().map(|reply| reply.status));
            return outcome;
        }
        let what = format!("{} {} {}", surface.id, surface.method, prepared.url.path());
        let number = self.write_down(&what, call.undo.clone().unwrap_or_default())?;
        let outcome = self.exchange(sending, prepared, None).await.0;
        run.journal.answered(number, outcome.as_ref().ok().map(|reply| reply.status));
        outcome
    }

    /// The request; one that writes with the cookies of a browser has AEM's token against foreign pages (CSRF), as a page of
    /// AEM sends it.
    async fn with_csrf_token(&self, surface: &Surface, mut call: Call) -> Checked<Call> {
        let (run, stack, credentials) = (&*self.run, &self.stack, &self.credentials);
        let reads = matches!(surface.method.as_str(), "GET" | "HEAD");
        if reads || !(Sending { run, stack, credentials, surface, call: &call }).is_of_browser_session() {
            return Ok(call);
        }
        let token =
            Box::pin(self.send_now(Call::to(CSRF_TOKEN).confidential())).await?.expect_status(&[200])?.json()?;
        let token = token["token"].as_str().ok_or_else(|| Problem::error("the Author gives no CSRF token"))?;
        run.redactor.learn(token);
        call.headers.push((self.surface(CSRF_TOKEN).field("header").to_owned(), token.to_owned()));
        Ok(call)
    }

    /// Sends a request and keeps the evidence; that of a numbered read is returned, too.
    async fn exchange(
        &self,
        sending: Sending<'_>,
        prepared: Prepared,
        read: Option<u32>,
    ) -> (Checked<Reply>, Option<Exchange>) {
        let (outcome, exchange) = sending.exchange(prepared).await;
        // What the Author refused with 401 it has not done.
        if !outcome.as_ref().is_ok_and(|reply| reply.status == 401 && sending.may_log_in_again()) {
            return (outcome, self.keep_evidence(exchange, read));
        }
        self.keep_evidence(exchange, None);
        let prepared = match sending.prepare() {
            Ok(prepared) => prepared,
            Err(problem) => return (Err(problem), None),
        };
        let (outcome, exchange) = sending.exchange(prepared).await;
        self.run.login.tried_again(outcome.as_ref().is_ok_and(|reply| reply.status != 401));
        (outcome, self.keep_evidence(exchange, read))
    }

    fn keep_evidence(&self, exchange: Exchange, read: Option<u32>) -> Option<Exchange> {
        let exchange = Exchange { read, ..exchange };
        let shared = read.map(|_| exchange.clone());
        lock(&self.exchanges).push(exchange);
        shared
    }

    /// Makes the scenario end with these, for what becomes possible by its next requests.
    pub fn will_be_undone_by(&self, what: &str, undo: impl IntoIterator<Item = Undo>) -> Checked {
        self.write_down(what, undo.into_iter().collect()).map(drop)
    }

    /// Nothing is changed that is not written down, or that a product of this Author does not allow to be undone.
    fn write_down(&self, what: &str, undo: Vec<Undo>) -> Checked<u64> {
        let mark = self.mark();
        if let Some(reason) = undo.iter().flat_map(|undo| undo.needs(&mark)).find_map(|id| self.run.lacks(id)) {
            return Err(Problem::skipped(format!("not sent: {what} could not be undone: {reason}")));
        }
        let text = serde_json::to_string(&undo).unwrap_or_default();
        if self.run.redactor.redact_known(&text) != text {
            return Err(Problem::error(format!(
                "not sent: what undoes {what} holds a secret, which no journal may hold"
            )));
        }
        let what = self.run.redactor.redact(what).into_owned();
        let entered = self.run.journal.enter(&self.scenario, what, undo);
        entered.map_err(|error| Problem::error(format!("not sent: the journal cannot be written: {error}")))
    }

    /// Allows the scenario to delete these, since they were kept: paths, and PIDs of IMS configurations.
    pub(crate) fn allow_deletion_of(&self, kept: BTreeSet<String>) {
        *lock(&self.kept) = kept;
    }

    /// Whatever has turned up since the configuration was kept is left alone.
    fn permit_deletion(&self, surface: &Surface, call: &Call) -> Checked {
        let path = call.arguments.get("path").map(|path| format!("/{path}"));
        let pid = call.words.iter().find(|(word, _)| word == "configuration").map(|(_, pid)| pid.clone());
        let target = path.or(pid).unwrap_or_default();
        if lock(&self.kept).contains(&target) {
            return Ok(());
        }
        Err(Problem::error(format!("not sent: {} deletes {target}, which was not kept before; it is left", surface.id)))
    }

    /// What the scenario changed and is not undone yet, the newest first.
    pub(crate) fn open_changes(&self) -> Vec<Change> {
        self.run.journal.open(Some(&self.scenario))
    }

    fn permit(&self, surface: &Surface, call: &Call) -> Checked {
        let needs = needs(surface);
        if needs > self.run.allow {
            return Err(Problem::error(format!(
                "not sent: {} {} needs --allow {needs}, and this run has {}",
                surface.method, surface.id, self.run.allow
            )));
        }
        if surface.system == System::Author && surface.method == "DELETE" {
            return Err(Problem::error(format!(
                "not sent: {} is an HTTP DELETE, which reaches the WebDAV servlet of an Author and locks the parent; learn the \
                 request that deletes with POST",
                surface.id
            )));
        }
        if let Some(reason) = self.run.unreachable(&surface.id) {
            return Err(Problem::skipped(reason));
        }
        let unknown = surface.evidence == Evidence::Unknown || self.run.is_unknown_there(surface);
        let is_unknown = unknown && !self.run.is_mock(surface.system);
        if is_unknown && self.steps_for(surface).is_none() {
            return Err(unknown_surface(surface));
        }
        if surface.class == Class::Change && call.undo.is_none() && !self.undoing {
            return Err(Problem::error(format!("not sent: nothing says what undoes {}", surface.id)));
        }
        if call.needs_kept && !self.run.embedded {
            self.permit_deletion(surface, call)?;
        }
        Ok(())
    }
}

/// What every name of that run begins with.
pub(crate) fn mark_of(run: &str) -> String {
    format!("bpconform-{run}-")
}

pub(crate) fn stopped() -> Problem {
    Problem::error("not finished: the run was stopped")
}

/// The least permission under which an endpoint may be asked. The class says it; but whatever a file of endpoints calls a
/// read, only a GET or HEAD is one. The mocks' own controls touch no target.
fn needs(surface: &Surface) -> Allow {
    let reads = matches!(surface.method.as_str(), "GET" | "HEAD") || surface.system == System::Control;
    if reads { surface.class.needs() } else { surface.class.needs().max(Allow::Probe) }
}

/// The reason why a scenario cannot be checked: its request is unknown.
pub fn unknown_surface(surface: &Surface) -> Problem {
    Problem::skipped(format!(
        "surface unknown: {} ({}); capture the request on your Author and supply it with --surfaces FILE",
        surface.id, surface.source
    ))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned;

    #[tokio::test]
    async fn what_an_author_answers_is_of_now_unless_everybody_may_see_it() {
        let cached = |_: &str| (200, "Age: 604800\r\nX-Cache: HIT\r\n", "{}".to_owned());
        let session = canned::session(cached).await;
        let problem = session.send(Call::to("author.agents")).await.expect_err("it is a week old");
        assert!(problem.reason.contains("from a cache that is 604800 s old"), "{problem}");
        assert!(session.send(Call::to(FOR_EVERYBODY)).await.is_ok());
    }
}
