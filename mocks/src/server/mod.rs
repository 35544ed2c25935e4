//! The shell that serves the machines. Each system has its own port:
//!
//! ```text
//! client ── front (hyper) ── wiremock ── Host (the machine)
//!             │  breaks the wire where it is told to
//!             │  carries out the calls that the machine asks for, and answers at last
//!             └─ serves the controls: clock, requests, repository
//! ```
//!
//! wiremock runs a responder under one lock, so a responder only steps the machine and never waits; what it must wait
//! for goes back to the front as a conversation. wiremock keeps every request in memory, so the front replaces its
//! wiremock server from time to time (`backing`). TLS ends in the front.

mod arrival;
mod backing;
mod breaker;
mod control;
mod courier;
mod front;
mod host;
mod journal;
mod latency;
mod pulse;
mod wire;

use std::sync::Arc;

use bpconform_fixtures::{Surfaces, System};
use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::faults::Fault;
use crate::machine::Machine;

use breaker::{Breaker, Next};
use courier::Courier;
pub use courier::Ways;
use front::Front;
use host::Host;
use latency::Latency;
use pulse::Pulse;

/// The longest body of a request or of an answer to a call, in bytes.
pub const BODY_LIMIT: usize = 64 << 20;

/// What a machine and its address need to be served.
pub struct Service {
    /// Which system it is.
    pub system: System,
    /// Where it listens.
    pub listener: TcpListener,
    /// How it speaks TLS, if it does.
    pub tls: Option<Arc<ServerConfig>>,
    /// What it is.
    pub machine: Box<dyn Machine>,
    /// What strikes every request that a client sends to it.
    pub wire: Option<&'static Fault>,
    /// The seed of how long it takes over its answers; without one no longer than it must.
    pub jitter: Option<u64>,
}

/// Machines that are served with one clock, until this is dropped.
pub struct Server {
    tasks: JoinSet<()>,
    pulse: Arc<Pulse>,
}

impl Server {
    /// Serves the machines, each at its listener; `ways` is how their calls find others. Must be called within a tokio
    /// runtime. The error names what is missing: a client for the calls cannot be made, or a port is not to be had.
    pub async fn start(surfaces: Arc<Surfaces>, services: Vec<Service>, ways: Ways) -> Result<Self, String> {
        let clock = Clock::default();
        let (pulse, deliveries) = Pulse::new(clock.clone(), Courier::new(ways)?);
        let next = Arc::<Next>::default();
        let mut tasks = JoinSet::new();
        for service in services {
            let host = Arc::new(Host::new(service.machine, clock.clone(), pulse.post()));
            pulse.add(Arc::clone(&host));
            let breaker = Breaker::new(service.wire, Arc::clone(&next));
            let (surfaces, pulse) = (Arc::clone(&surfaces), Arc::clone(&pulse));
            let latency = Latency::of(service.system, service.jitter);
            let front = Front::start(service.system, host, surfaces, pulse, breaker, service.tls, latency).await?;
            tasks.spawn(front.serve(service.listener));
        }
        tasks.spawn(Arc::clone(&pulse).run(deliveries));
        Ok(Self { tasks, pulse })
    }

    /// The clock of all the machines.
    pub fn clock(&self) -> &Clock {
        self.pulse.clock()
    }

    /// Moves the clock ahead through all that falls due, and gives back the time it is then. The error says why it could
    /// not be done.
    pub async fn advance(&self, by: SignedDuration) -> Result<Timestamp, String> {
        self.pulse.advance(by).await
    }

    /// Stops serving and waits until nothing runs any more.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("systems", &(self.tasks.len() - 1)).finish_non_exhaustive()
    }
}
