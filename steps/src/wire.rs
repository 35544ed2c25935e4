//! The one HTTP client of a run: one warmed pool for each host, no redirects, a limit for everything.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;

use crate::resolver::Resolver;

/// How a request is carried.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the first byte sent to the last byte read.
    pub request: Duration,
    /// Until a connection stands.
    pub connect: Duration,
    /// The largest body that is read, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request: Duration::from_secs(30), connect: Duration::from_secs(10), body: 32 * 1024 * 1024 }
    }
}

/// The client and its limits; clones share the pool.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Carries the requests.
    pub(crate) client: reqwest::Client,
    /// What no request may exceed.
    pub limits: Limits,
}

impl Wire {
    /// A client with these limits; the error says what the TLS or proxy settings lack.
    pub fn new(limits: Limits) -> Result<Self, reqwest::Error> {
        // A second installation of the same provider is refused, and does not matter.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("bpconform/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .dns_resolver(Arc::new(Resolver))
            .timeout(limits.request)
            .connect_timeout(limits.connect)
            .pool_max_idle_per_host(8)
            .build()?;
        Ok(Self { client, limits })
    }
}
