//! Names to addresses: `localhost` and every name below it is this machine (RFC 6761 §6.3), others are asked for as
//! usual. So a mocked tenant can have an address of the documented form, `http://<tenant-id>.localhost:<port>`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether a host's name is reserved for this machine.
pub fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// The resolver of every client of the harness.
#[derive(Debug, Default)]
pub struct Resolver {
    /// The address of every name: that of mocks which the run itself serves, and which others know by other addresses.
    pub always: Option<IpAddr>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let local = is_localhost(name.as_str()).then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let known = self.always.or(local);
        Box::pin(async move {
            if let Some(address) = known {
                return Ok(Box::new(std::iter::once(SocketAddr::new(address, 0))) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
