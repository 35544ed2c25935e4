//! Carries out the calls of the machines over real HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Method};

use super::BODY_LIMIT;
use crate::machine::{Call, Headers, Outcome, Response};

const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(30);

/// What the systems of a stack call themselves to each other.
pub(super) const COURIER: &str = "bpconform-mocks";

/// How the calls of the machines find others.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// The certificate authorities that are trusted besides the system's, PEM.
    pub trust: Vec<u8>,
    /// Names of this very stack, and the address at which it listens: others may find it by them, and this machine not.
    pub own: Option<(Vec<String>, IpAddr)>,
    /// The ports of this very stack, where it speaks TLS. Its systems speak plain HTTP to each other, which the same ports
    /// understand.
    pub ports: Vec<u16>,
}

/// The clients of one stack; clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Courier {
    plain: Client,
    encrypted: OnceLock<Client>,
    trust: Vec<Certificate>,
    ways: Ways,
}

impl Courier {
    pub(super) fn new(ways: Ways) -> Result<Self, String> {
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trust = Certificate::from_pem_bundle(&ways.trust)
            .map_err(|error| format!("the certificates that it is to trust cannot be read: {}", chain(&error)))?;
        // No trust anchors for the client that speaks plain HTTP: to load them would be most of a stack's start.
        let plain = builder(&ways).tls_certs_only([]).build().map_err(|error| chain(&error))?;
        Ok(Self { plain, encrypted: OnceLock::new(), trust, ways })
    }

    /// Makes the call. Its outcome is a response of any status, or why there is none; 30 s is the limit.
    pub(super) async fn carry(&self, call: Call) -> Outcome {
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|error| error.to_string())?;
        let url = self.address(&call.url);
        let mut request = self.client(&url)?.request(method, &url).body(call.body);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| chain(&error))?;
        let status = response.status().as_u16();
        let headers = headers(response.headers());
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| chain(&error))? {
            if body.len() + part.len() > BODY_LIMIT {
                return Err(format!("the answer is longer than {BODY_LIMIT} bytes"));
            }
            body.extend_from_slice(&part);
        }
        Ok(Response { status, headers, body })
    }

    fn address(&self, url: &str) -> String {
        let port = url::Url::parse(url).ok().and_then(|url| url.port());
        match (url.strip_prefix("https:"), port.is_some_and(|port| self.ways.ports.contains(&port))) {
            (Some(rest), true) => format!("http:{rest}"),
            _ => url.to_owned(),
        }
    }

    fn client(&self, url: &str) -> Result<&Client, String> {
        if !url.starts_with("https:") {
            return Ok(&self.plain);
        }
        if let Some(client) = self.encrypted.get() {
            return Ok(client);
        }
        let client = builder(&self.ways).tls_certs_merge(self.trust.clone()).build().map_err(|error| chain(&error))?;
        Ok(self.encrypted.get_or_init(|| client))
    }
}

fn builder(ways: &Ways) -> ClientBuilder {
    Client::builder()
        .user_agent(COURIER)
        .dns_resolver(std::sync::Arc::new(Resolver(ways.own.clone())))
        .redirect(Policy::none())
        .no_proxy()
        .http1_only()
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
}

/// The headers of a message as a machine sees them.
pub(super) fn headers(map: &hyper::HeaderMap) -> Headers {
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// `localhost` and every name below it is this machine (RFC 6761 §6.3), and so are the stack's own names; others are
/// asked for as usual.
struct Resolver(Option<(Vec<String>, IpAddr)>);

impl Resolver {
    fn here(&self, host: &str) -> Option<IpAddr> {
        match &self.0 {
            Some((names, address)) if names.iter().any(|name| name == host) => Some(*address),
            _ if host == "localhost" || host.ends_with(".localhost") => Some(Ipv4Addr::LOCALHOST.into()),
            _ => None,
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let here = self.here(name.as_str());
        Box::pin(async move {
            if let Some(address) = here {
                return Ok(Box::new(std::iter::once(SocketAddr::new(address, 0))) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
