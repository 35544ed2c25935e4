//! What a page of the browser may send: reads of the Author, and the one request that the action is about, once it may. All
//! else is blocked, whatever the page does by itself.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bpconform_fixtures::Surface;
use bpconform_fixtures::surfaces::Class;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use percent_encoding::percent_decode;
use url::Url;

use super::Session;
use crate::browser::page::Page;
use crate::browser::traffic::PageRequest;
use crate::browser::{Event, Running};
use crate::page_sending::PageSending;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::run::PageAction;

/// How long a page must not have asked for anything before it counts as complete.
const QUIET: Duration = Duration::from_millis(300);

/// How many blocked requests are kept as evidence of one action.
const KEPT: usize = 50;

/// The endpoint that a read of a page counts as, if it is not that of another one.
const PAGES: &str = "author.start-page";

/// Parts of paths whose GET has an effect.
const EFFECTS: [&str; 3] = [".test.html", ".test.json", "/system/sling/logout"];

/// The gate before the requests of a page.
#[derive(Debug)]
pub(super) struct Gate<'a> {
    session: &'a Session,
    /// The endpoint that the action is about.
    surface: &'a Surface,
    /// What the action's request says, one of these at least.
    about: Vec<String>,
    /// The values of the action.
    values: Vec<(String, String)>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    is_open: bool,
    /// The entry of the change in the journal.
    number: Option<u64>,
    sent: Option<Instant>,
    reply: Option<Checked<Reply>>,
    under_way: usize,
    moved: Instant,
    document: Option<u16>,
    blocked: Vec<String>,
}

enum Ruling {
    /// It reads.
    Read,
    /// It is the request that the action is about.
    Own,
    Block(String),
}

impl<'a> Gate<'a> {
    pub(super) fn new(
        session: &'a Session,
        surface: &'a Surface,
        about: Vec<String>,
        values: Vec<(String, String)>,
    ) -> Self {
        let state = State {
            is_open: false,
            number: None,
            sent: None,
            reply: None,
            under_way: 0,
            moved: Instant::now(),
            document: None,
            blocked: Vec::new(),
        };
        Self { session, surface, about, values, state: Mutex::new(state) }
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the action's request through; `number` is its entry in the journal.
    pub(super) fn open(&self, number: Option<u64>) {
        self.state(|state| (state.is_open, state.number) = (true, number));
    }

    /// Whether the action's request may be sent.
    pub(super) fn is_open(&self) -> bool {
        self.state(|state| state.is_open)
    }

    /// Whether the action's request was sent.
    pub(super) fn has_sent(&self) -> bool {
        self.has_sent_for(Duration::ZERO)
    }

    /// Whether the action's request was sent so long ago.
    pub(super) fn has_sent_for(&self, time: Duration) -> bool {
        self.state(|state| state.sent.is_some_and(|sent| sent.elapsed() >= time))
    }

    /// What came back for the action's request.
    pub(super) fn take_reply(&self) -> Option<Checked<Reply>> {
        self.state(|state| state.reply.take())
    }

    /// Whether the page has asked for nothing for a moment.
    pub(super) fn is_quiet(&self) -> bool {
        self.state(|state| state.under_way == 0 && state.moved.elapsed() >= QUIET)
    }

    /// The status of the page that was loaded last.
    pub(super) fn document(&self) -> Option<u16> {
        self.state(|state| state.document)
    }

    /// The requests that were blocked, for a message.
    pub(super) fn blocked(&self) -> Vec<String> {
        self.state(|state| state.blocked.clone())
    }

    /// Answers the requests of the page, until the browser ends.
    pub(super) async fn serve(&self, browser: &Running, page: &Page<'_>) -> Problem {
        let mut events = browser.events.lock().await;
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => under_way.push(self.meet(browser, page, event)),
                    None => return Problem::error("the browser has ended"),
                },
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
            }
        }
    }

    async fn meet(&self, browser: &Running, page: &Page<'_>, event: Event) {
        if event.name == "Page.javascriptDialogOpening" {
            return page.dismiss(event.about["type"].as_str().unwrap_or_default()).await;
        }
        let Some(request) = PageRequest::of(&event) else { return browser.refuse_unreadable(&event).await };
        let ruling = self.rule(&request);
        let own = matches!(ruling, Ruling::Own);
        let pages = self.surface_of(&request);
        let surface = if own { self.surface } else { pages };
        let session = self.session;
        let sending = PageSending { run: &session.run, credentials: &session.credentials, surface, request: &request };
        if let Ruling::Block(why) = ruling {
            self.note_blocked(&sending, &why);
            return browser.refuse(&request, true).await;
        }
        let (outcome, exchange) = sending.exchange().await;
        if own || request.is_content() {
            session.keep_evidence(exchange, None);
        }
        match &outcome {
            Ok(reply) => browser.answer(&request, reply.status, &reply.headers, &reply.body).await,
            Err(_) => browser.refuse(&request, false).await,
        }
        self.ended(&request, own, outcome);
    }

    fn ended(&self, request: &PageRequest, own: bool, outcome: Checked<Reply>) {
        let number = self.state(|state| {
            state.under_way -= 1;
            state.moved = Instant::now();
            if request.kind == "Document" {
                state.document = outcome.as_ref().ok().map(|reply| reply.status);
            }
            state.number
        });
        if own {
            self.learn(request, &outcome);
            if let (Some(number), Ok(reply)) = (number, &outcome) {
                self.session.run.journal.answered(number, reply.status);
            }
            self.state(|state| state.reply = Some(outcome));
        }
    }

    /// Keeps the request of an action that the Author accepted: it shows how to do without a browser.
    fn learn(&self, request: &PageRequest, outcome: &Checked<Reply>) {
        let accepted = outcome.as_ref().is_ok_and(|reply| reply.status < 400 && !reply.redirects_to_login());
        let Some(browsing) = self.session.run.browsing.as_ref().filter(|_| accepted) else { return };
        browsing.sent.keep(PageAction {
            surface: self.surface.id.clone(),
            method: request.method.clone(),
            url: request.url.to_string(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            values: self.values.clone(),
        });
    }

    fn note_blocked(&self, sending: &PageSending<'_>, why: &str) {
        let request = sending.request;
        let what = format!("{} {} ({why})", request.method, self.session.run.redactor.redact(request.url.path()));
        let is_new = self.state(|state| {
            let is_new = state.blocked.len() < KEPT && !state.blocked.contains(&what);
            if is_new {
                state.blocked.push(what);
            }
            is_new
        });
        if is_new {
            self.session.keep_evidence(sending.blocked(why), None);
        }
    }

    fn rule(&self, request: &PageRequest) -> Ruling {
        let base = &self.session.stack.author;
        if request.url.origin() != base.origin() {
            return Ruling::Block(format!("{} is another host than the Author", host(&request.url)));
        }
        let plain = request.reads() && !self.has_effect(request);
        // A change is sent once. What asks may first open a dialog that names the same.
        let once = self.surface.class == Class::Change;
        self.state(|state| {
            let may_be_own = state.is_open && !(once && state.sent.is_some()) && self.fits(request);
            let ruling = if may_be_own {
                state.sent = Some(Instant::now());
                Ruling::Own
            } else if plain {
                Ruling::Read
            } else if state.sent.is_some() {
                return Ruling::Block("the action has already sent its request".to_owned());
            } else if state.is_open {
                return Ruling::Block(format!("it does not name {}", self.about.join(" or ")));
            } else {
                return Ruling::Block(format!("not yet, and only the request of {} is let through", self.surface.id));
            };
            state.under_way += 1;
            state.moved = Instant::now();
            ruling
        })
    }

    /// Whether it can be the request that the action is about: one that names what the action concerns, and that does more
    /// than read where the action does.
    fn fits(&self, request: &PageRequest) -> bool {
        if !request.is_content() || (self.surface.class == Class::Change && request.reads()) {
            return false;
        }
        let mut text = request.url.as_str().as_bytes().to_vec();
        text.push(b'\n');
        text.extend(&request.body);
        let read = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let decoded = read(&percent_decode(&text).collect::<Vec<_>>());
        let forms = [decoded.replace('+', " "), decoded, read(&text)];
        self.about.iter().any(|value| forms.iter().any(|form| form.contains(value)))
    }

    /// Whether a read is known to do more than that.
    fn has_effect(&self, request: &PageRequest) -> bool {
        let path = request.url.path().to_ascii_lowercase();
        EFFECTS.iter().any(|part| path.contains(part))
            || self.known(request).is_some_and(|surface| surface.class != Class::Read)
    }

    /// The known endpoint of the request. Endpoints for any node do not count.
    fn known(&self, request: &PageRequest) -> Option<&'a Surface> {
        let context = self.session.stack.author.path().trim_end_matches('/');
        let path = request.url.path().strip_prefix(context)?;
        let path = percent_decode(path.as_bytes()).decode_utf8_lossy();
        let own = self.session.run.surfaces.iter().filter(|surface| !surface.path.starts_with("/{"));
        let mut own = own.filter(|surface| surface.id.starts_with("author."));
        own.find(|surface| surface.matches(&request.method, &path).is_some())
    }

    fn surface_of(&self, request: &PageRequest) -> &'a Surface {
        let known = self.known(request).filter(|surface| surface.class == Class::Read);
        known.unwrap_or_else(|| self.session.run.surfaces.get(PAGES))
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("a page without a host")
}
