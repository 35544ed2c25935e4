//! Makes the calls of the machines over real HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Method};

use super::BODY_LIMIT;
use crate::machine::{Call, CallResult, Headers, Response};

const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(30);

/// The user agent of calls between the systems of a stack.
pub(super) const USER_AGENT: &str = "bpconform-mocks";

/// The options of calls between systems.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// The certificate authorities that are trusted in addition to those of the operating system, PEM.
    pub trust: Vec<u8>,
    /// The host names of this stack and the address at which it listens, since this machine may not resolve them.
    pub own: Option<(Vec<String>, IpAddr)>,
    /// The TLS ports of this stack. Its systems use plain HTTP among themselves, which the same ports accept.
    pub ports: Vec<u16>,
}

/// The clients of one stack; clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    plain: Client,
    encrypted: OnceLock<Client>,
    trust: Vec<Certificate>,
    options: CallOptions,
}

impl Caller {
    pub(super) fn new(options: CallOptions) -> Result<Self, String> {
        // An error means that a provider is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trust = Certificate::from_pem_bundle(&options.trust)
            .map_err(|error| format!("the trusted certificates cannot be read: {}", error_chain(&error)))?;
        // No trust anchors for the plain HTTP client: loading them would dominate the start of a stack.
        let plain = builder(&options).tls_certs_only([]).build().map_err(|error| error_chain(&error))?;
        Ok(Self { plain, encrypted: OnceLock::new(), trust, options })
    }

    /// Makes a call. The result is a response of any status, or the reason for its absence; the limit is 30 s.
    pub(super) async fn send(&self, call: Call) -> CallResult {
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|error| error.to_string())?;
        let url = self.address(&call.url);
        let mut request = self.client(&url)?.request(method, &url).body(call.body);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| error_chain(&error))?;
        let status = response.status().as_u16();
        let headers = headers(response.headers());
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| error_chain(&error))? {
            if body.len() + part.len() > BODY_LIMIT {
                return Err(format!("the answer is longer than {BODY_LIMIT} bytes"));
            }
            body.extend_from_slice(&part);
        }
        Ok(Response { status, headers, body })
    }

    fn address(&self, url: &str) -> String {
        let port = url::Url::parse(url).ok().and_then(|url| url.port());
        match (url.strip_prefix("https:"), port.is_some_and(|port| self.options.ports.contains(&port))) {
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
        let client =
            builder(&self.options).tls_certs_merge(self.trust.clone()).build().map_err(|error| error_chain(&error))?;
        Ok(self.encrypted.get_or_init(|| client))
    }
}

fn builder(options: &CallOptions) -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .dns_resolver(std::sync::Arc::new(Resolver(options.own.clone())))
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
pub(super) fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Resolves `localhost`, every name below it (RFC 6761 §6.3) and the stack's host names to this machine, and other names
/// as usual.
struct Resolver(Option<(Vec<String>, IpAddr)>);

impl Resolver {
    fn local_address(&self, host: &str) -> Option<IpAddr> {
        match &self.0 {
            Some((names, address)) if names.iter().any(|name| name == host) => Some(*address),
            _ if host == "localhost" || host.ends_with(".localhost") => Some(Ipv4Addr::LOCALHOST.into()),
            _ => None,
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let local = self.local_address(name.as_str());
        Box::pin(async move {
            if let Some(address) = local {
                return Ok(Box::new(std::iter::once(SocketAddr::new(address, 0))) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
