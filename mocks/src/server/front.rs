//! The front of one system: its port, its HTTP, its conversations.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bpconform_fixtures::{Surfaces, System};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::BODY_LIMIT;
use super::arrival::Arrival;
use super::backing::{Backing, Turn};
use super::control;
use super::host::Host;
use super::journal::{Entry, Journal, without_secrets};
use super::pulse::Pulse;
use super::wire::{self, Sent};

/// How long a client may take for the head of a request, and again for its body.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// How long a conversation may take with all its calls.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// The front of one system.
pub(super) struct Front {
    system: System,
    pub(super) host: Arc<Host>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) surfaces: Arc<Surfaces>,
    pub(super) journal: Journal,
    backing: Backing,
}

impl Front {
    pub(super) async fn start(
        system: System,
        host: Arc<Host>,
        surfaces: Arc<Surfaces>,
        pulse: Arc<Pulse>,
    ) -> Result<Arc<Self>, String> {
        let backing = Backing::start(Arc::clone(&host)).await?;
        Ok(Arc::new(Self { system, host, pulse, surfaces, journal: Journal::default(), backing }))
    }

    /// Serves until it is dropped, and its connections with it.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener, tls: Option<Arc<ServerConfig>>) {
        let tls = tls.map(TlsAcceptor::from);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(Arc::clone(&self).connection(stream, tls.clone()))),
                    // Too many open files, say: others will close in time.
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// One connection, from its first byte: here is the place for TLS and for faults of the wire.
    async fn connection(self: Arc<Self>, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Without it answers are only later, not wrong.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else { return self.talk(stream).await };
        match timeout(READ_LIMIT, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.talk(stream).await,
            // Who does not trust the authority says so with an alert; it is kept for those who wonder why nobody comes.
            Ok(Err(problem)) => self.journal.refused(self.pulse.clock().now(), problem.to_string()),
            Err(_) => self.journal.refused(self.pulse.clock().now(), "the handshake was not finished in time".into()),
        }
    }

    async fn talk(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let front = Arc::clone(&self);
            async move { Ok::<_, Infallible>(front.serve_request(request).await) }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(READ_LIMIT);
        // An error is the client's: it went away or spoke no HTTP.
        let _ = http.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn serve_request(&self, request: hyper::Request<Incoming>) -> Sent {
        let (parts, body) = request.into_parts();
        let time = self.pulse.clock().now();
        let (answer, arrival) = match read(body).await {
            Ok(body) => {
                if let Some(answer) = control::answer(self, &parts, &body).await {
                    return answer;
                }
                let arrival = Arrival::at(self.system, time, &self.surfaces, &parts, &body);
                (self.ask(&parts, body).await, arrival)
            }
            Err(refusal) => (refusal, None),
        };
        self.journal.note(Entry {
            time,
            method: parts.method.to_string(),
            path: without_secrets(parts.uri.path(), parts.uri.query()),
            status: answer.status().as_u16(),
            arrival,
        });
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
