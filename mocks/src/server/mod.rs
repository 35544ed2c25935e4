//! The server of the machines. Each system has its own port:
//!
//! ```text
//! client ── front (hyper) ── wiremock ── Host (the machine)
//!             │  applies faults of the wire
//!             │  waits for the calls that the machine asks for, then answers
//!             └─ serves the controls: clock, requests, repository, wire
//! ```
//!
//! wiremock runs a responder under one lock, so a responder runs one step of the machine and never waits; an answer that
//! needs a call goes back to the front as a pending conversation. The fronts of a stack share one
//! wiremock server, which keeps every request in memory, so it is replaced from time to time (`backend`). TLS ends in the front.

mod arrival;
mod backend;
mod breaker;
mod call_queue;
mod caller;
mod control;
mod framing;
mod front;
mod host;
mod latency;
mod masked_target;
mod request_log;
mod scheduler;
mod wire;

use std::sync::Arc;

use bpconform_fixtures::changes::Framing;
use bpconform_fixtures::{Surfaces, System};
use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::faults::Fault;
use crate::machine::Machine;

use backend::Backend;
use breaker::{Breaker, NextFault};
pub use caller::CallOptions;
use caller::Caller;
use control::Controls;
use framing::AnswerFraming;
use front::Front;
use host::Host;
use latency::Latency;
use request_log::RequestLog;
use scheduler::Scheduler;

/// The longest body of a request or of an answer to a call, in bytes.
pub const BODY_LIMIT: usize = 64 << 20;

/// A machine with all that is needed to serve it.
pub struct Service {
    /// The system that the machine stands for.
    pub system: System,
    /// The socket to listen at.
    pub listener: TcpListener,
    /// The TLS configuration; `None` means plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// The machine.
    pub machine: Box<dyn Machine>,
    /// The fault that breaks every request of a client.
    pub wire: Option<&'static Fault>,
    /// The way in which answers are sent to clients; `None` leaves it to the HTTP library.
    pub framing: Option<Framing>,
    /// The random seed of the delays before and after each answer; `None` means no delay.
    pub jitter: Option<u64>,
}

/// The running servers of several machines with one clock; they stop when this is dropped.
pub struct Server {
    tasks: JoinSet<()>,
    scheduler: Arc<Scheduler>,
}

impl Server {
    /// Serves the machines, each at its listener; `options` apply to their calls. Must be called within a tokio runtime.
    /// The error says what failed: the client for the calls, or a port.
    pub async fn start(surfaces: Arc<Surfaces>, services: Vec<Service>, options: CallOptions) -> Result<Self, String> {
        let clock = Clock::default();
        let (scheduler, calls) = Scheduler::new(clock.clone(), Caller::new(options)?);
        let next = Arc::<NextFault>::default();
        let backend = Arc::new(Backend::start().await?);
        let mut tasks = JoinSet::new();
        for service in services {
            let host = Arc::new(Host::new(service.machine, clock.clone(), scheduler.calls()));
            scheduler.add_host(Arc::clone(&host));
            let controls = Controls {
                system: service.system,
                host,
                scheduler: Arc::clone(&scheduler),
                surfaces: Arc::clone(&surfaces),
                log: RequestLog::default(),
                breaker: Breaker::new(service.wire, Arc::clone(&next)),
                uses_tls: service.tls.is_some(),
            };
            let latency = Latency::new(service.system, service.jitter);
            let framing = AnswerFraming::new(service.framing);
            let front = Front::new(controls, service.tls, latency, framing, Arc::clone(&backend));
            tasks.spawn(front.serve(service.listener));
        }
        tasks.spawn(Arc::clone(&scheduler).run(calls));
        Ok(Self { tasks, scheduler })
    }

    /// The clock of all the machines.
    pub fn clock(&self) -> &Clock {
        self.scheduler.clock()
    }

    /// Moves the clock ahead, runs what falls due on the way, and returns the new time. The error says why that failed.
    pub async fn advance(&self, by: SignedDuration) -> Result<Timestamp, String> {
        self.scheduler.advance(by).await
    }

    /// Stops serving and waits until every task has ended.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("systems", &(self.tasks.len() - 1)).finish_non_exhaustive()
    }
}
