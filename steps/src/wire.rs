//! The HTTP clients of a run: pooled connections, no redirects, a limit for every wait. Settings for the way to the Author
//! (a client certificate, headers of a gateway, certificates that are not verified) are used for the Author only. So no
//! secret of the gateway reaches Adobe's systems, and no connection to them is unverified.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bpconform_fixtures::System;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use url::Url;

use crate::named_certificate;
use crate::resolver::Resolver;
use crate::stack::Stack;
use crate::turns::Turns;
use crate::under_way::UnderWay;

/// The default for the maximum number of simultaneous requests to a host.
pub const CONNECTIONS: usize = 8;

/// The limits of requests.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The time limit from the first byte sent to the last byte read.
    pub request: Duration,
    /// The time limit until a connection is established.
    pub connect: Duration,
    /// The largest body that is read, in bytes.
    pub body: usize,
    /// The maximum number of simultaneous requests to a host.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            body: 16 * 1024 * 1024,
            connections: CONNECTIONS,
        }
    }
}

/// The proxy for the requests.
#[derive(Clone, Debug, Default)]
pub enum Proxy {
    /// The proxy that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), if any.
    #[default]
    Usual,
    /// No proxy, even if the environment names one.
    None,
    /// This proxy, for every request.
    At {
        /// Its address, without user and password.
        url: Url,
        /// The user and password for the proxy.
        login: Option<(String, SecretString)>,
    },
}

impl Proxy {
    /// Whether a certificate of the proxy may have to be verified.
    fn may_use_tls(&self) -> bool {
        match self {
            Self::None => false,
            Self::At { url, .. } => url.scheme() == "https",
            Self::Usual => std::env::vars_os().any(|(name, value)| {
                let is_proxy = name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy");
                is_proxy && value.to_string_lossy().to_ascii_lowercase().starts_with("https")
            }),
        }
    }
}

/// How the systems of a target are reached.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The limits of each request.
    pub limits: Limits,
    /// Certificate authorities that are trusted besides the system's, PEM.
    pub authorities: Option<Vec<u8>>,
    /// The certificate and private key that are shown to an Author that asks for one, PEM.
    pub identity: Option<SecretString>,
    /// Whether the Author's certificate is accepted without verification.
    pub insecure: bool,
    /// The proxy.
    pub proxy: Proxy,
    /// Headers of every request to the Author, for a gateway in front of it.
    pub headers: Vec<(String, SecretString)>,
    /// The retry limit for a read without an answer.
    pub retries: u32,
    /// The mocks that the run itself serves, if it does.
    pub own: Option<Own>,
    /// Whether only `authorities` are trusted, and not those of the operating system: mocks have their own authority or use
    /// plain HTTP, and also run in images without any authorities.
    pub only_these: bool,
}

impl Connection {
    /// The same connection for these systems. If all of them use plain HTTP, no authority is loaded: reading those of the
    /// operating system takes longer than most runs compute.
    #[must_use]
    pub fn to_stack(&self, stack: &Stack) -> Self {
        let others = [&stack.ims, &stack.console, &stack.tenant].into_iter().flatten();
        let is_plain = std::iter::once(&stack.author).chain(others).all(|url| url.scheme() == "http");
        let no_tls = is_plain && self.authorities.is_none() && self.identity.is_none() && !self.proxy.may_use_tls();
        Self { only_these: self.only_these || no_tls, ..self.clone() }
    }

    /// The connection to mocks on this machine.
    pub fn to_mocks(limits: Limits) -> Self {
        Self { limits, proxy: Proxy::None, only_these: true, ..Self::default() }
    }
}

/// Mocks that the run itself serves. They are reached without a proxy, and only their own authority is trusted.
#[derive(Clone, Debug)]
pub struct Own {
    /// Which systems they are.
    pub systems: BTreeSet<System>,
    /// The address at which they listen; other machines may know them by another name.
    pub address: IpAddr,
    /// The authority of their certificates, PEM; none if they speak no TLS.
    pub authority: Option<Vec<u8>>,
}

/// The part of a [`Connection`] that cannot be used. The texts contain no secret.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The certificate authorities.
    #[error("the certificate authorities cannot be used: {0}")]
    Authorities(String),
    /// The client certificate.
    #[error("the client certificate and its key cannot be used: {0}")]
    Identity(String),
    /// The proxy.
    #[error("the proxy cannot be used: {0}")]
    Proxy(String),
    /// The client as a whole.
    #[error("no HTTP client could be made: {0}")]
    Client(String),
}

/// The clients and their limits; clones share the pools.
#[derive(Clone, Debug)]
pub struct Wire {
    author: Client,
    others: Client,
    own: Option<(BTreeSet<System>, Client)>,
    /// What no request may exceed.
    pub limits: Limits,
    /// The requests that are under way.
    pub under_way: UnderWay,
    pub(crate) turns: Turns,
    /// Permits reading a large body: one at a time, so that memory stays bounded however many scenarios run.
    pub(crate) large: Arc<Semaphore>,
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) retries: u32,
    pub(crate) proxy: Option<Url>,
}

impl Wire {
    /// Creates the clients for these settings. The error says which setting is invalid.
    pub fn new(connection: &Connection) -> Result<Self, WireError> {
        // This fails if the same provider is already installed, which does not matter.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |builder: ClientBuilder| builder.build().map_err(|error| WireError::Client(cause(&error)));
        let usual = || proxied(trusting(builder(connection), connection)?, &connection.proxy);
        let author = identified(usual()?, connection)?;
        let author = match (&connection.authorities, connection.only_these || connection.insecure) {
            // The same settings, with a verifier of this crate instead of the client's.
            (Some(authorities), false) => {
                let identity = connection.identity.as_ref().map(ExposeSecret::expose_secret);
                let tls = named_certificate::client(authorities, identity).map_err(WireError::Authorities)?;
                proxied(builder(connection), &connection.proxy)?.tls_backend_preconfigured(tls)
            }
            _ => author,
        };
        Ok(Self {
            author: build(author.tls_danger_accept_invalid_certs(connection.insecure))?,
            others: build(usual()?)?,
            own: match &connection.own {
                Some(own) => Some((own.systems.clone(), build(to_own(connection, own)?)?)),
                None => None,
            },
            limits: connection.limits.clone(),
            under_way: UnderWay::default(),
            turns: Turns::new(connection.limits.connections),
            large: Arc::new(Semaphore::new(1)),
            headers: connection.headers.clone(),
            retries: connection.retries,
            proxy: match &connection.proxy {
                Proxy::At { url, .. } => Some(url.clone()),
                Proxy::Usual | Proxy::None => None,
            },
        })
    }

    /// The client that asks that system.
    pub(crate) fn client(&self, system: System) -> &Client {
        match &self.own {
            _ if system == System::Author => &self.author,
            Some((systems, own)) if systems.contains(&system) => own,
            _ => &self.others,
        }
    }
}

/// The client of mocks that the run itself serves.
fn to_own(connection: &Connection, own: &Own) -> Result<ClientBuilder, WireError> {
    let builder = builder(connection).dns_resolver(Arc::new(Resolver { always: Some(own.address) })).no_proxy();
    match &own.authority {
        Some(pem) => Ok(builder.tls_certs_only(certificates(pem)?)),
        None => Ok(builder.tls_certs_only([])),
    }
}

fn builder(connection: &Connection) -> ClientBuilder {
    let limits = &connection.limits;
    Client::builder()
        .user_agent(concat!("bpconform/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]))
        .redirect(Policy::none())
        .dns_resolver(Arc::new(Resolver::default()))
        .timeout(limits.request)
        // A connect timeout shorter than the request timeout distinguishes a failed connection from a slow answer.
        .connect_timeout(limits.connect.min(limits.request.mul_f32(0.8)))
        .pool_max_idle_per_host(limits.connections)
}

fn trusting(builder: ClientBuilder, connection: &Connection) -> Result<ClientBuilder, WireError> {
    let given = connection.authorities.as_deref().map(certificates).transpose()?;
    Ok(match given {
        given if connection.only_these => builder.tls_certs_only(given.unwrap_or_default()),
        Some(given) => builder.tls_certs_merge(given),
        None => builder,
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, WireError> {
    let certificates = Certificate::from_pem_bundle(pem).map_err(|error| WireError::Authorities(cause(&error)))?;
    if certificates.is_empty() {
        return Err(WireError::Authorities(
            "it contains no certificate; one begins with -----BEGIN CERTIFICATE-----".into(),
        ));
    }
    Ok(certificates)
}

fn proxied(builder: ClientBuilder, proxy: &Proxy) -> Result<ClientBuilder, WireError> {
    match proxy {
        Proxy::Usual => Ok(builder),
        Proxy::None => Ok(builder.no_proxy()),
        Proxy::At { url, login } => {
            let proxy = reqwest::Proxy::all(url.clone()).map_err(|error| WireError::Proxy(cause(&error)))?;
            Ok(builder.proxy(match login {
                Some((user, password)) => proxy.basic_auth(user, password.expose_secret()),
                None => proxy,
            }))
        }
    }
}

fn identified(builder: ClientBuilder, connection: &Connection) -> Result<ClientBuilder, WireError> {
    let Some(pem) = &connection.identity else { return Ok(builder) };
    let identity = Identity::from_pem(pem.expose_secret().as_bytes());
    Ok(builder.identity(identity.map_err(|error| WireError::Identity(cause(&error)))?))
}

/// The innermost cause of an error: it says what happened, and the outer ones only that a request failed.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_named_and_shows_no_secret() {
        let wrong = |connection: Connection| Wire::new(&connection).expect_err("it is broken").to_string();
        let authorities = wrong(Connection { authorities: Some(b"no PEM at all".to_vec()), ..Connection::default() });
        assert!(authorities.contains("contains no certificate"), "{authorities}");
        let identity = wrong(Connection { identity: Some("canary-key".into()), ..Connection::default() });
        assert!(identity.contains("client certificate") && !identity.contains("canary"), "{identity}");
    }
}
