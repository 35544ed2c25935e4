//! The front of one system: its port, its HTTP, its conversations.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

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
use super::backend::{Backend, BackendAnswer};
use super::breaker;
use super::control::Controls;
use super::framing::AnswerFraming;
use super::latency::Latency;
use super::masked_target::without_secrets;
use super::request_log::LoggedRequest;
use super::wire::{self, Sent};
use crate::faults::{self, Connection, FaultPlace, ScriptStep};
use crate::machine::Response;

/// The time limit for the head of a request, and again for its body.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// The time limit for a conversation with all its calls.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// The first byte of a client that begins to speak TLS.
const TLS: u8 = 0x16;

/// The front of one system.
pub(super) struct Front {
    controls: Controls,
    tls: Option<TlsAcceptor>,
    latency: Latency,
    framing: AnswerFraming,
    backend: Arc<Backend>,
}

/// An answer that a script sends on the connection, in place of the HTTP library.
struct Scripted(Vec<ScriptStep>);

impl Front {
    pub(super) fn new(
        controls: Controls,
        tls: Option<Arc<ServerConfig>>,
        latency: Latency,
        framing: AnswerFraming,
        backend: Arc<Backend>,
    ) -> Arc<Self> {
        Arc::new(Self { controls, tls: tls.map(TlsAcceptor::from), latency, framing, backend })
    }

    /// Serves until it is dropped; its connections end with it.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(Arc::clone(&self).connection(stream))),
                    // For example too many open files: other connections will close in time.
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// One connection, from its first byte to its last, or to the fault that breaks it.
    async fn connection(self: Arc<Self>, stream: TcpStream) {
        // Without it answers are slower, but correct.
        let _ = stream.set_nodelay(true);
        let mut http = hyper::server::conn::http1::Builder::new();
        // With TLS each request gets its own connection, so that a fault of the handshake can meet any of them.
        http.timer(TokioTimer::new()).header_read_timeout(READ_LIMIT).keep_alive(self.tls.is_none());
        let Some(connection) = self.accept_tls(stream).await else { return };
        let (to_script, mut scripted) = mpsc::channel(1);
        let service = service_fn(|request: hyper::Request<Incoming>| async {
            match self.serve_request(request).await {
                Ok(answer) => Ok::<_, Infallible>(answer),
                Err(script) => {
                    let _ = to_script.send(script).await;
                    // Nothing more is written here: the script gets the connection.
                    pending().await
                }
            }
        });
        let mut connection = http.serve_connection(TokioIo::new(connection), service);
        tokio::select! {
            // An error is the client's fault: it disconnected or sent something other than HTTP.
            _ = &mut connection => {}
            Some(Scripted(script)) = scripted.recv() => {
                faults::play(connection.into_parts().io.into_inner(), script).await;
            }
        }
    }

    /// The connection with TLS if the client begins a handshake; `None` if it ends before a request can arrive.
    async fn accept_tls(&self, stream: TcpStream) -> Option<Connection> {
        let Some(tls) = &self.tls else { return Some(Connection::Left(stream)) };
        let mut first = [0];
        timeout(READ_LIMIT, stream.peek(&mut first)).await.ok()?.ok()?;
        if first != [TLS] {
            return Some(Connection::Left(stream));
        }
        if let Some(fault) = self.controls.breaker.handshake_fault() {
            // Unread bytes would turn the close into a reset.
            let mut line = Connection::Left(stream);
            let _ = timeout(READ_LIMIT, line.read(&mut [0; 4096])).await;
            faults::play(line, fault.script(&Response::default())).await;
            return None;
        }
        match timeout(READ_LIMIT, tls.accept(stream)).await {
            Ok(Ok(stream)) => return Some(Connection::Right(stream)),
            // A client that does not trust the authority sends an alert; the log shows it, since no request will follow.
            Ok(Err(problem)) => self.record_refused(problem.to_string()),
            Err(_) => self.record_refused("the handshake was not finished in time".into()),
        }
        None
    }

    fn record_refused(&self, problem: String) {
        self.controls.log.record_refused(self.controls.scheduler.clock().now(), problem);
    }

    async fn serve_request(&self, request: hyper::Request<Incoming>) -> Result<Sent, Scripted> {
        let (parts, body) = request.into_parts();
        let time = self.controls.scheduler.clock().now();
        let body = read(body).await;
        let control = self.controls.find(&parts);
        if control.is_some() && !self.controls.is_part_of_target(&parts) {
            return Ok(self.answer(control, &parts, body).await);
        }
        let whole = body.as_ref().ok();
        let arrival =
            whole.and_then(|body| Arrival::new(self.controls.system, time, &self.controls.surfaces, &parts, body));
        let note = |status: u16| {
            if control.is_some() {
                return;
            }
            let (method, path) = (parts.method.to_string(), without_secrets(parts.uri.path(), parts.uri.query()));
            self.controls.log.record(LoggedRequest { time, method, path, status, arrival });
        };
        let Some(fault) = self.controls.breaker.request_fault(&parts, &self.controls.surfaces) else {
            let answer = self.answer(control, &parts, body).await;
            note(answer.status().as_u16());
            return self.frame(&parts, answer).await;
        };
        let answer = match fault.place {
            FaultPlace::Request => Response::default(),
            _ => wire::from_hyper(self.answer(control, &parts, body).await).await,
        };
        note(answer.status);
        Err(Scripted(fault.script(&answer)))
    }

    /// Sends an answer to a client in the way of a variation. Other systems of the stack get it as usual.
    async fn frame(&self, parts: &Parts, answer: Sent) -> Result<Sent, Scripted> {
        if breaker::is_from_stack(&parts.headers) {
            return Ok(answer);
        }
        self.framing.delay().await;
        if !self.framing.has_script() {
            return Ok(answer);
        }
        Err(Scripted(self.framing.script(&wire::from_hyper(answer).await)))
    }

    async fn answer(&self, control: Option<&str>, parts: &Parts, body: Result<Bytes, Sent>) -> Sent {
        let body = match body {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        if let Some(control) = control {
            return self.controls.answer(control, parts, &body).await;
        }
        // Before and after the machine's step: its effect and its answer are separate events.
        self.latency.wait().await;
        let answer = self.ask(parts, body).await;
        self.latency.wait().await;
        answer
    }

    async fn ask(&self, parts: &Parts, body: Bytes) -> Sent {
        if !parts.uri.path().starts_with('/') {
            return wire::plain_text(400, "the mock serves paths only");
        }
        match self.backend.ask(&self.controls.host, parts, body).await {
            Ok(BackendAnswer::Ready(answer)) => answer,
            Ok(BackendAnswer::Pending(answer)) => match timeout(ANSWER_LIMIT, answer).await {
                Ok(Ok(answer)) => wire::to_hyper(answer),
                Ok(Err(_)) => wire::plain_text(502, "the mock lost the conversation; its error output says why"),
                Err(_) => wire::plain_text(504, format!("the mock had no answer after {ANSWER_LIMIT:?}")),
            },
            Err(problem) => wire::plain_text(502, format!("the mock failed: {problem}")),
        }
    }
}

async fn read(body: Incoming) -> Result<Bytes, Sent> {
    match timeout(READ_LIMIT, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(wire::plain_text(413, format!("the body is longer than {BODY_LIMIT} bytes")))
        }
        Ok(Err(error)) => Err(wire::plain_text(400, format!("the body cannot be read: {error}"))),
        Err(_) => Err(wire::plain_text(408, format!("the body did not come within {READ_LIMIT:?}"))),
    }
}
