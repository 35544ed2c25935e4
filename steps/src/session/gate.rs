//! What a page of the browser may send: reads of the Author, and the one request that the action is about, once it may. All
//! else is blocked, whatever the page does by itself.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bpconform_fixtures::surfaces::Class;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use url::Url;

use super::Session;
use super::own_request::{Own, Said};
use crate::browser::console;
use crate::browser::page::Page;
use crate::browser::traffic::PageRequest;
use crate::browser::{Event, Running};
use crate::page_sending::PageSending;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::run::PageAction;

/// How long a page must not have asked for anything before it counts as complete.
const QUIET: Duration = Duration::from_millis(300);

/// How many blocked requests, and errors of the page, are kept as evidence of one action.
const KEPT: usize = 50;

/// The gate before the requests of a page.
#[derive(Debug)]
pub(super) struct Gate<'a> {
    session: &'a Session,
    /// What the action is about, and the endpoint whose place its request takes.
    own: Own<'a>,
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
    /// How many requests other than reads may still pass.
    writes: usize,
    reply: Option<Answered>,
    /// Requests that may be the action's own, too, and were blocked.
    more: Vec<String>,
    /// Why the page itself has no answer.
    lost: Option<Problem>,
    under_way: usize,
    moved: Instant,
    document: Option<u16>,
    blocked: Vec<String>,
    /// Errors of the page that nobody has taken yet.
    console: Vec<String>,
    /// What the page said in dialogs of scripts.
    dialogs: Vec<String>,
}

enum Ruling {
    /// It reads.
    Read,
    /// It is the request that the action is about.
    Own,
    Block(Blocked),
}

/// Why a request was blocked.
struct Blocked {
    why: String,
    /// Whether it may have been what the action is about.
    may_be_own: bool,
}

/// What came back for the request that the action is about.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) reply: Checked<Reply>,
    /// Whether the page is that answer.
    pub(super) is_shown: bool,
}

impl<'a> Gate<'a> {
    pub(super) fn new(session: &'a Session, own: Own<'a>, values: Vec<(String, String)>) -> Self {
        let state = State {
            is_open: false,
            number: None,
            sent: None,
            writes: 0,
            reply: None,
            more: Vec::new(),
            lost: None,
            under_way: 0,
            moved: Instant::now(),
            document: None,
            blocked: Vec::new(),
            console: Vec::new(),
            dialogs: Vec::new(),
        };
        Self { session, own, values, state: Mutex::new(state) }
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens the gate for the action's request; `number` is its entry in the journal.
    pub(super) fn open(&self, number: Option<u64>) {
        self.state(|state| (state.is_open, state.number) = (true, number));
    }

    /// Lets one request other than a read through, for a step that sends.
    pub(super) fn begin_step(&self) {
        self.state(|state| state.writes = 1);
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
    pub(super) fn take_reply(&self) -> Option<Answered> {
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

    /// Why the page itself has no answer.
    pub(super) fn take_lost(&self) -> Option<Problem> {
        self.state(|state| state.lost.take())
    }

    /// An error if the page sent another request that may be the action's own, which was blocked: nothing says which of
    /// them does the action.
    pub(super) fn is_unambiguous(&self) -> Checked {
        let more = self.state(|state| state.more.clone());
        if more.is_empty() {
            return Ok(());
        }
        let (about, more) = (self.own.about.join(" or "), more.join(", "));
        Err(Problem::error(format!("the page sent more than one request that names {about}; blocked: {more}")))
    }

    /// The requests that were blocked, for a message.
    pub(super) fn blocked(&self) -> Vec<String> {
        self.state(|state| state.blocked.clone())
    }

    /// The errors that the page reported since they were taken last.
    pub(super) fn take_console(&self) -> Vec<String> {
        self.state(|state| std::mem::take(&mut state.console))
    }

    /// What the page said in dialogs of scripts since they were forgotten last.
    pub(super) fn dialogs(&self) -> Vec<String> {
        self.state(|state| state.dialogs.clone())
    }

    /// Forgets what was said in dialogs of scripts.
    pub(super) fn forget_dialogs(&self) {
        self.state(|state| state.dialogs.clear());
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
            let kind = event.about["type"].as_str().unwrap_or_default();
            if kind != "beforeunload" {
                let text = event.about["message"].as_str().unwrap_or_default().to_owned();
                self.state(|state| {
                    if state.dialogs.len() < KEPT {
                        state.dialogs.push(text);
                    }
                });
            }
            return page.dismiss(kind).await;
        }
        if let Some(error) = console::error(&event) {
            return self.state(|state| {
                if state.console.len() < KEPT && !state.console.contains(&error) {
                    state.console.push(error);
                }
            });
        }
        let Some(request) = PageRequest::of(&event) else { return browser.refuse_unreadable(&event).await };
        let ruling = self.rule(&request);
        let own = matches!(ruling, Ruling::Own);
        let pages = self.session.surface_of(&request);
        let surface = if own { self.own.surface } else { pages };
        let session = self.session;
        let sending = PageSending { run: &session.run, credentials: &session.credentials, surface, request: &request };
        if let Ruling::Block(blocked) = ruling {
            self.note_blocked(&sending, &blocked);
            return browser.refuse(&request, true).await;
        }
        let (outcome, exchange) = sending.exchange(own || request.is_content()).await;
        if let Some(exchange) = exchange {
            session.keep_evidence(exchange, None);
        }
        let is_page = request.kind == "Document" && page.is_itself(&request.frame);
        if is_page {
            self.note_page(&outcome);
        }
        match &outcome {
            Ok(reply) => browser.answer(&request, reply.status, &reply.headers, &reply.body).await,
            Err(_) => browser.refuse(&request, false).await,
        }
        self.ended(&request, own, is_page, outcome);
    }

    /// Keeps the answer for the page itself before the browser gets it: a missing one is reported by the browser without its
    /// reason.
    fn note_page(&self, outcome: &Checked<Reply>) {
        self.state(|state| {
            state.document = outcome.as_ref().ok().map(|reply| reply.status);
            state.lost = outcome.as_ref().err().cloned();
        });
    }

    fn ended(&self, request: &PageRequest, own: bool, is_page: bool, outcome: Checked<Reply>) {
        let number = self.state(|state| {
            state.under_way -= 1;
            state.moved = Instant::now();
            state.number
        });
        if own {
            self.learn(request, &outcome);
            if let Some(number) = number {
                self.session.run.journal.answered(number, outcome.as_ref().ok().map(|reply| reply.status));
            }
            self.state(|state| state.reply = Some(Answered { reply: outcome, is_shown: is_page }));
        }
    }

    /// Keeps the request of an action that the Author accepted: it shows how to do without a browser, once it is known that
    /// the action succeeded.
    fn learn(&self, request: &PageRequest, outcome: &Checked<Reply>) {
        let accepted = outcome.as_ref().is_ok_and(|reply| reply.status < 400 && !reply.redirects_to_login());
        if !accepted {
            return;
        }
        super::lock(&self.session.sent_by_pages).push(PageAction {
            surface: self.own.surface.id.clone(),
            method: request.method.clone(),
            url: request.url.to_string(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            values: self.values.clone(),
        });
    }

    fn note_blocked(&self, sending: &PageSending<'_>, blocked: &Blocked) {
        let (request, why) = (sending.request, &blocked.why);
        let what = format!("{} {} ({why})", request.method, self.session.run.redactor.redact(request.url.path()));
        let is_new = self.state(|state| {
            if blocked.may_be_own && state.more.len() < KEPT && !state.more.contains(&what) {
                state.more.push(what.clone());
            }
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
            let why = format!("{} is another host than the Author", host(&request.url));
            return Ruling::Block(Blocked { why, may_be_own: false });
        }
        let said = Said::by(request);
        let misfit = self.own.fits(request, &said, &self.session.more_than_reads(request)).err();
        let effect =
            if request.reads() { self.session.effect(request) } else { Some("it does more than read".to_owned()) };
        // A change is sent once. What asks may first open a dialog that names the same.
        let once = self.own.surface.class == Class::Change;
        self.state(|state| {
            let is_spent = if once { state.sent.is_some() } else { !request.reads() && state.writes == 0 };
            let ruling = if state.is_open && misfit.is_none() && !is_spent {
                state.writes -= usize::from(!request.reads() && state.writes > 0);
                state.sent = Some(Instant::now());
                Ruling::Own
            } else if effect.is_none() {
                Ruling::Read
            } else {
                let why = match (state.is_open, misfit) {
                    (false, _) if request.reads() => effect.unwrap_or_default(),
                    (false, _) => "blocked before the step that sends".to_owned(),
                    (true, None) => "the action has already sent its request".to_owned(),
                    (true, Some(misfit)) => misfit,
                };
                let may_be_own = state.is_open && request.is_content() && self.own.is_named_by(&said);
                return Ruling::Block(Blocked { why, may_be_own });
            };
            state.under_way += 1;
            state.moved = Instant::now();
            ruling
        })
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("a page without a host")
}
