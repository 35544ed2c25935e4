//! The front of one system: its port, its HTTP, its conversations.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bpconform_fixtures::{Surfaces, System};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::BODY_LIMIT;
use super::arrival::Arrival;
use super::backing::{Backing, Turn};
use super::breaker::Breaker;
use super::control;
use super::host::Host;
use super::journal::{Entry, Journal, without_secrets};
use super::latency::Latency;
use super::pulse::Pulse;
use super::wire::{self, Sent};
use crate::faults::{self, Fault, Line, Place};
use crate::machine::Response;

/// How long a client may take for the head of a request, and again for its body.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// How long a conversation may take with all its calls.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// The first byte of a client that begins to speak TLS.
const TLS: u8 = 0x16;

/// The front of one system.
pub(super) struct Front {
    pub(super) system: System,
    pub(super) host: Arc<Host>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) surfaces: Arc<Surfaces>,
    pub(super) journal: Journal,
    pub(super) breaker: Breaker,
    pub(super) tls: Option<TlsAcceptor>,
    latency: Latency,
    backing: Backing,
}

/// An answer that is not to reach its client as it is.
struct Struck {
    fault: &'static Fault,
    answer: Response,
}

impl Front {
    pub(super) async fn start(
        system: System,
        host: Arc<Host>,
        surfaces: Arc<Surfaces>,
        pulse: Arc<Pulse>,
        breaker: Breaker,
        tls: Option<Arc<ServerConfig>>,
        latency: Latency,
    ) -> Result<Arc<Self>, String> {
        let backing = Backing::start(Arc::clone(&host)).await?;
        let tls = tls.map(TlsAcceptor::from);
        Ok(Arc::new(Self {
            system,
            host,
            pulse,
            surfaces,
            journal: Journal::default(),
            breaker,
            tls,
            latency,
            backing,
        }))
    }

    /// Serves until it is dropped, and its connections with it.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(Arc::clone(&self).connection(stream))),
                    // Too many open files, say: others will close in time.
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// One connection, from its first byte to its last, or to the fault that strikes it.
    async fn connection(self: Arc<Self>, stream: TcpStream) {
        // Without it answers are only later, not wrong.
        let _ = stream.set_nodelay(true);
        let mut http = hyper::server::conn::http1::Builder::new();
        // A connection for each request: TLS can break in the handshake before any of them.
        http.timer(TokioTimer::new()).header_read_timeout(READ_LIMIT).keep_alive(self.tls.is_none());
        let Some(line) = self.open(stream).await else { return };
        let (strike, mut struck) = mpsc::channel(1);
        let service = service_fn(|request: hyper::Request<Incoming>| async {
            match self.serve_request(request).await {
                Ok(answer) => Ok::<_, Infallible>(answer),
                Err(fault) => {
                    let _ = strike.send(fault).await;
                    // Nothing more is written here: the connection is taken away.
                    pending().await
                }
            }
        });
        let mut connection = http.serve_connection(TokioIo::new(line), service);
        tokio::select! {
            // An error is the client's: it went away or spoke no HTTP.
            _ = &mut connection => {}
            Some(Struck { fault, answer }) = struck.recv() => {
                faults::play(connection.into_parts().io.into_inner(), fault.script(&answer)).await;
            }
        }
    }

    /// The connection as it is to be spoken on; none if it ends before a request can come.
    async fn open(&self, stream: TcpStream) -> Option<Line> {
        let Some(tls) = &self.tls else { return Some(Line::Left(stream)) };
        let mut first = [0];
        timeout(READ_LIMIT, stream.peek(&mut first)).await.ok()?.ok()?;
        if first != [TLS] {
            return Some(Line::Left(stream));
        }
        if let Some(fault) = self.breaker.strikes_handshake() {
            // What is closed with something unread is reset.
            let mut line = Line::Left(stream);
            let _ = timeout(READ_LIMIT, line.read(&mut [0; 4096])).await;
            faults::play(line, fault.script(&Response::default())).await;
            return None;
        }
        match timeout(READ_LIMIT, tls.accept(stream)).await {
            Ok(Ok(stream)) => return Some(Line::Right(stream)),
            // Who does not trust the authority says so with an alert; it is kept for those who wonder why nobody comes.
            Ok(Err(problem)) => self.journal.refused(self.pulse.clock().now(), problem.to_string()),
            Err(_) => self.journal.refused(self.pulse.clock().now(), "the handshake was not finished in time".into()),
        }
        None
    }

    async fn serve_request(&self, request: hyper::Request<Incoming>) -> Result<Sent, Struck> {
        let (parts, body) = request.into_parts();
        let time = self.pulse.clock().now();
        let body = read(body).await;
        let control = control::asked(self, &parts);
        if control.is_some() && !control::is_shown(self, &parts) {
            return Ok(self.answer(control, &parts, body).await);
        }
        let whole = body.as_ref().ok();
        let arrival = whole.and_then(|body| Arrival::at(self.system, time, &self.surfaces, &parts, body));
        let note = |status: u16| {
            if control.is_some() {
                return;
            }
            let (method, path) = (parts.method.to_string(), without_secrets(parts.uri.path(), parts.uri.query()));
            self.journal.note(Entry { time, method, path, status, arrival });
        };
        let Some(fault) = self.breaker.strikes(&parts, &self.surfaces) else {
            let answer = self.answer(control, &parts, body).await;
            note(answer.status().as_u16());
            return Ok(answer);
        };
        let answer = match fault.place {
            Place::Request => Response::default(),
            _ => wire::from_hyper(self.answer(control, &parts, body).await).await,
        };
        note(answer.status);
        Err(Struck { fault, answer })
    }

    async fn answer(&self, control: Option<&str>, parts: &Parts, body: Result<Bytes, Sent>) -> Sent {
        let body = match body {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        if let Some(control) = control {
            return control::answer(self, control, parts, &body).await;
        }
        // On the way there and on the way back: what happened and what was told of it are two things.
        self.latency.pass().await;
        let answer = self.ask(parts, body).await;
        self.latency.pass().await;
        answer
    }

    async fn ask(&self, parts: &Parts, body: Bytes) -> Sent {
        if !parts.uri.path().starts_with('/') {
            return wire::text(400, "the mock serves paths only");
        }
        match self.backing.ask(parts, body).await {
            Ok(Turn::Answer(answer)) => answer,
            Ok(Turn::Waits(answer)) => match timeout(ANSWER_LIMIT, answer).await {
                Ok(Ok(answer)) => wire::to_hyper(answer),
                Ok(Err(_)) => wire::text(502, "the mock lost the conversation; its error output says why"),
                Err(_) => wire::text(504, format!("the mock had no answer after {ANSWER_LIMIT:?}")),
            },
            Err(problem) => wire::text(502, format!("the mock failed: {problem}")),
        }
    }
}

async fn read(body: Incoming) -> Result<Bytes, Sent> {
    match timeout(READ_LIMIT, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(wire::text(413, format!("the body is longer than {BODY_LIMIT} bytes")))
        }
        Ok(Err(error)) => Err(wire::text(400, format!("the body cannot be read: {error}"))),
        Err(_) => Err(wire::text(408, format!("the body did not come within {READ_LIMIT:?}"))),
    }
}
