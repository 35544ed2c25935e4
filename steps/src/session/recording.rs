//! A recording: a person does the documented steps in a visible browser. Reads of the Author pass; what may change it is
//! shown to the recogniser, answered as if it had been done, and never sent. So a recording changes nothing on any Author.

use std::sync::{Mutex, PoisonError};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use url::Url;

use super::Session;
use crate::browser::note::{Button, Note, Report};
use crate::browser::page::Page;
use crate::browser::traffic::PageRequest;
use crate::browser::{Browser, Event, Running};
use crate::page_sending::PageSending;
use crate::plain::plain_line;
use crate::problem::{Checked, Problem};

/// The status of an answer without content: a page that sent a form stays as it is.
const NO_CONTENT: u16 = 204;

/// A request of a page. It may hold secrets.
#[derive(Clone, Default)]
pub struct RecordedRequest {
    /// Its method, in capitals.
    pub method: String,
    /// Its address.
    pub url: String,
    /// Its headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// The text that the Author answered; none for a request that was not sent.
    pub answer: Option<String>,
}

impl std::fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a request by {}", self.method)
    }
}

/// What knows the documented actions by their requests.
pub trait Recogniser: Send {
    /// Whether a request that looks like a read is known to do more, so that it must not be sent.
    fn does_more(&self, request: &RecordedRequest) -> bool;

    /// Takes a request for what the page says, after its answer or in place of sending it.
    fn take(&mut self, request: RecordedRequest);

    /// Takes the press of a button of the note.
    fn pressed(&mut self, button: Button);

    /// What the note shows now.
    fn note(&self) -> Note;

    /// Whether nothing is missing any more.
    fn is_complete(&self) -> bool;
}

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingEnd {
    /// Everything was recognised.
    Complete,
    /// The person pressed Finish.
    Finished,
    /// The window was closed.
    WindowClosed,
}

/// A recording, under way.
struct Recording<'a> {
    session: &'a Session,
    browser: &'a Running,
    page: &'a Page<'a>,
    recogniser: Mutex<&'a mut dyn Recogniser>,
    /// The world in which the note can be shown.
    world: Mutex<Option<i64>>,
}

impl Session {
    /// Records what a person does in the window of that browser, from the start page of the Author on, until everything
    /// is recognised or the person ends it. The error says why the browser cannot be used.
    pub async fn record(&self, browser: &Browser, recogniser: &mut dyn Recogniser) -> Checked<RecordingEnd> {
        let turn = browser.turn().await?;
        let browser = turn.browser()?;
        let page = browser.first_page().await?;
        page.prepare_note().await?;
        let recording = Recording {
            session: self,
            browser,
            page: &page,
            recogniser: Mutex::new(recogniser),
            world: Mutex::default(),
        };
        let mut url = self.stack.author.clone();
        url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), self.surface("author.start-page").path));
        tokio::select! {
            end = recording.serve() => Ok(end),
            problem = recording.start_at(&url) => Err(problem),
        }
    }
}

impl Recording<'_> {
    /// Opens the first page; returns only if that fails.
    async fn start_at(&self, url: &Url) -> Problem {
        match self.page.open(url.as_str()).await {
            Ok(()) => std::future::pending().await,
            Err(problem) => problem,
        }
    }

    /// Answers the requests of the browser and the note until the recording ends.
    async fn serve(&self) -> RecordingEnd {
        let mut events = self.browser.events.lock().await;
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    None => return RecordingEnd::WindowClosed,
                    Some(event) if self.page.is_closed_by(&event) => return RecordingEnd::WindowClosed,
                    Some(event) => match Report::of(&event) {
                        Some(Report::Pressed(Button::Finish)) => return RecordingEnd::Finished,
                        _ => under_way.push(self.meet(event)),
                    },
                },
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
            }
            if self.with(|recogniser| recogniser.is_complete()) {
                return RecordingEnd::Complete;
            }
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut dyn Recogniser) -> T) -> T {
        act(&mut **self.recogniser.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn meet(&self, event: Event) {
        match Report::of(&event) {
            Some(Report::Begun(world)) => {
                *self.world.lock().unwrap_or_else(PoisonError::into_inner) = Some(world);
                self.show().await;
            }
            Some(Report::Pressed(button)) => {
                self.with(|recogniser| recogniser.pressed(button));
                self.show().await;
            }
            None => match PageRequest::of(&event) {
                Some(request) => self.answer(&request).await,
                None => self.browser.refuse_unreadable(&event).await,
            },
        }
    }

    async fn answer(&self, request: &PageRequest) {
        if request.url.origin() != self.session.stack.author.origin() {
            return self.browser.refuse(request, true).await;
        }
        let mut recorded = RecordedRequest {
            method: request.method.clone(),
            url: request.url.to_string(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            answer: None,
        };
        let only_reads = request.reads()
            && self.session.effect(request).is_none()
            && !self.with(|recogniser| recogniser.does_more(&recorded));
        if !only_reads {
            self.browser.answer(request, NO_CONTENT, &[], &[]).await;
            return self.take(request, recorded).await;
        }
        let (session, surface) = (self.session, self.session.surface_of(request));
        let sending = PageSending { run: &session.run, credentials: &session.credentials, surface, request };
        match sending.exchange(false).await.0 {
            Ok(reply) => {
                self.browser.answer(request, reply.status, &reply.headers, &reply.body).await;
                if reply.status < 300 {
                    recorded.answer = Some(reply.text());
                    self.take(request, recorded).await;
                }
            }
            Err(_) => self.browser.refuse(request, false).await,
        }
    }

    async fn take(&self, request: &PageRequest, recorded: RecordedRequest) {
        if request.is_content() {
            self.with(|recogniser| recogniser.take(recorded));
            self.show().await;
        }
    }

    /// Shows the note as it is now, without secrets.
    async fn show(&self) {
        let world = *self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(world) = world else { return };
        let note = self.with(|recogniser| recogniser.note());
        let clean = |text: &String| plain_line(&self.session.run.redactor.redact_foreign(text));
        let lines = note.lines.iter().map(clean).collect();
        let note = Note { place: clean(&note.place), step: clean(&note.step), lines, ..note };
        self.page.show_note(world, &note).await;
    }
}
