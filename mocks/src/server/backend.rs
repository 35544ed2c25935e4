//! The wiremock server behind the fronts of a stack, and its replacement before its memory grows too much.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::oneshot;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use super::call_queue::ReplySender;
use super::caller::error_chain;
use super::host::Host;
use super::wire::{self, Sent};
use crate::free_port;
use crate::machine::Response;

/// How many requests a wiremock server gets before it is replaced: it keeps about 4 KB of each.
const MOST_REQUESTS: usize = 2_000;

/// How many bytes of bodies a wiremock server gets before it is replaced: it keeps them all.
const MOST_BYTES: usize = 64 << 20;

/// The header between front and wiremock with the number of a conversation.
const CONVERSATION: HeaderName = HeaderName::from_static("x-bpconform-conversation");

/// The wiremock server that is in use.
pub(super) struct Backend {
    responder: Responder,
    current: Mutex<Arc<Generation>>,
    next: AtomicU64,
}

/// One wiremock server and the connections to it; it stops after its last request.
struct Generation {
    server: MockServer,
    client: Client<HttpConnector, Full<Bytes>>,
    requests: AtomicUsize,
    bytes: AtomicUsize,
    replaced: AtomicBool,
}

/// The answer, or the receiver of one that depends on a call.
pub(super) enum BackendAnswer {
    Ready(Sent),
    Pending(oneshot::Receiver<Response>),
}

impl Backend {
    pub(super) async fn start() -> Result<Self, String> {
        let responder = Responder::default();
        let current = Mutex::new(Arc::new(Generation::start(responder.clone()).await?));
        Ok(Self { responder, current, next: AtomicU64::new(1) })
    }

    /// Sends a request to the machine of a host through wiremock.
    pub(super) async fn ask(&self, host: &Arc<Host>, parts: &Parts, body: Bytes) -> Result<BackendAnswer, String> {
        let generation = self.generation(body.len()).await?;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let _expected = self.responder.expect(id, Conversation { host: Arc::clone(host), reply });
        let request = wire::onward(&generation.server.uri(), parts, body, (CONVERSATION, id.into()))?;
        let response = generation.client.request(request).await.map_err(|error| error_chain(&error))?;
        if response.headers().contains_key(CONVERSATION) {
            return Ok(BackendAnswer::Pending(answer));
        }
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| error_chain(&error))?.to_bytes();
        let mut sent = Sent::new(Full::new(body));
        *sent.status_mut() = head.status;
        *sent.headers_mut() = wire::end_to_end(&head.headers);
        Ok(BackendAnswer::Ready(sent))
    }

    /// The server to use. The request that reaches a limit replaces it, while others still use the old one.
    async fn generation(&self, bytes: usize) -> Result<Arc<Generation>, String> {
        let current = Arc::clone(&self.lock());
        if !current.is_worn(bytes) || current.replaced.swap(true, Ordering::SeqCst) {
            return Ok(current);
        }
        let fresh = Arc::new(Generation::start(self.responder.clone()).await?);
        *self.lock() = Arc::clone(&fresh);
        Ok(fresh)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Generation>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generation {
    async fn start(responder: Responder) -> Result<Self, String> {
        let listener = free_port::bind(Ipv4Addr::LOCALHOST.into()).map_err(|error| error.to_string())?;
        let server = MockServer::builder().listener(listener).disable_request_recording().start().await;
        Mock::given(any()).respond_with(responder).mount(&server).await;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            server,
            client: Client::builder(TokioExecutor::new()).build(connector),
            requests: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            replaced: AtomicBool::new(false),
        })
    }

    fn is_worn(&self, bytes: usize) -> bool {
        let requests = self.requests.fetch_add(1, Ordering::Relaxed);
        let kept = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        requests >= MOST_REQUESTS || kept >= MOST_BYTES
    }
}

/// The wiremock responder that calls the machines.
#[derive(Clone, Default)]
struct Responder {
    waiting: Arc<Mutex<HashMap<u64, Conversation>>>,
}

/// A request on its way to a machine.
struct Conversation {
    host: Arc<Host>,
    reply: ReplySender,
}

impl Responder {
    fn expect(&self, id: u64, conversation: Conversation) -> Expected<'_> {
        self.waiting().insert(id, conversation);
        Expected { responder: self, id }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Conversation>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Respond for Responder {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let id = request.headers.get(CONVERSATION).and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or_default();
        let Some(Conversation { host, reply }) = self.waiting().remove(&id) else {
            return ResponseTemplate::new(400).set_body_string("only the mock's front may ask here");
        };
        match host.handle(&wire::to_machine(request), reply) {
            Some(response) => wire::to_template(response),
            None => ResponseTemplate::new(202).insert_header(CONVERSATION, HeaderValue::from(id)),
        }
    }
}

/// Forgets a request that is over.
struct Expected<'a> {
    responder: &'a Responder,
    id: u64,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.responder.waiting().remove(&self.id);
    }
}
