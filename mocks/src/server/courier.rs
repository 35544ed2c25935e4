//! Carries out the calls of the machines over real HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Method};

use super::BODY_LIMIT;
use crate::machine::{Call, Headers, Outcome, Response};

const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(30);

/// The clients of one stack; clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Courier {
    plain: Client,
    encrypted: OnceLock<Client>,
}

impl Courier {
    pub(super) fn new() -> Result<Self, String> {
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No trust anchors for the client that speaks plain HTTP: to load them would be most of a stack's start.
        let plain = builder().tls_certs_only([]).build().map_err(|error| chain(&error))?;
        Ok(Self { plain, encrypted: OnceLock::new() })
    }

    /// Makes the call. Its outcome is a response of any status, or why there is none; 30 s is the limit.
    pub(super) async fn carry(&self, call: Call) -> Outcome {
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = self.client(&call.url)?.request(method, &call.url).body(call.body);
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

    fn client(&self, url: &str) -> Result<&Client, String> {
        if !url.starts_with("https:") {
            return Ok(&self.plain);
        }
        if let Some(client) = self.encrypted.get() {
            return Ok(client);
        }
        let client = builder().build().map_err(|error| chain(&error))?;
        Ok(self.encrypted.get_or_init(|| client))
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .dns_resolver(std::sync::Arc::new(Resolver))
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

/// `localhost` and every name below it is this machine (RFC 6761 §6.3); others are asked for as usual.
struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str();
            if host == "localhost" || host.ends_with(".localhost") {
                let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
                return Ok(Box::new(std::iter::once(loopback)) as Addrs);
            }
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
