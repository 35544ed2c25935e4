//! The sockets and addresses of the systems of a stack. They stay the same when the stack is restarted with another seed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener as Socket};
use std::sync::Arc;

use bpconform_fixtures::System;
use rustls::ServerConfig;
use tokio::net::TcpListener;

use super::options::{StackError, StackOptions};
use crate::free_port;
use crate::server::CallOptions;

/// The other systems that a system calls; their addresses are required.
const NEEDS: [(System, System); 4] = [
    (System::Author, System::Ims),
    (System::Author, System::Tenant),
    (System::Console, System::Ims),
    (System::Tenant, System::Ims),
];

/// The addresses of the systems.
#[derive(Debug)]
pub(super) struct Addresses {
    /// The sockets of the systems that are served.
    sockets: BTreeMap<System, Socket>,
    /// The addresses of the systems that are served.
    pub(super) served: BTreeMap<System, String>,
    /// The addresses that the other systems use.
    pub(super) believed: BTreeMap<System, String>,
    names: Vec<String>,
}

impl Addresses {
    /// Binds the addresses of all systems that are served; the error names the one that failed.
    pub(super) fn find(options: &StackOptions) -> Result<Self, StackError> {
        let mut addresses =
            Self { sockets: BTreeMap::new(), served: BTreeMap::new(), believed: BTreeMap::new(), names: Vec::new() };
        for system in System::ALL.into_iter().filter(|system| options.serve.contains(system)) {
            addresses.take(options, system)?;
        }
        addresses.believed = addresses.served.clone().into_iter().chain(options.elsewhere.clone()).collect();
        let missing = NEEDS
            .iter()
            .find(|(system, needs)| options.serve.contains(system) && !addresses.believed.contains_key(needs));
        match missing {
            Some((system, needs)) => Err(StackError::Missing { system: system.name(), needs: needs.name() }),
            None => Ok(addresses),
        }
    }

    fn take(&mut self, options: &StackOptions, system: System) -> Result<(), StackError> {
        let address = SocketAddr::new(options.bind, options.ports.port(system));
        let failed = |problem| StackError::Bind { system: system.name(), address, problem };
        let socket = if address.port() == 0 { free_port::bind(address.ip()) } else { Socket::bind(address) };
        let socket = socket.map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        let host = options.host(system)?;
        let scheme = if options.authority.is_some() { "https" } else { "http" };
        let written = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        self.served.insert(system, format!("{scheme}://{written}:{port}"));
        self.sockets.insert(system, socket);
        self.names.push(host);
        Ok(())
    }

    /// Listens for all that are served.
    pub(super) fn listeners(&self) -> Result<Vec<(System, TcpListener)>, StackError> {
        let listen = |(system, socket): (&System, &Socket)| {
            let listener = socket.try_clone().and_then(TcpListener::from_std);
            let failed = |problem| StackError::Serve(format!("cannot listen for the {}: {problem}", system.name()));
            Ok((*system, listener.map_err(failed)?))
        };
        self.sockets.iter().map(listen).collect()
    }

    /// The address of a system for the others; empty for an absent system.
    pub(super) fn address(&self, system: System) -> String {
        self.believed.get(&system).cloned().unwrap_or_default()
    }

    /// The TLS configuration, if the stack has an authority.
    pub(super) fn tls(&self, options: &StackOptions) -> Result<Option<Arc<ServerConfig>>, StackError> {
        let Some(authority) = &options.authority else { return Ok(None) };
        let usual = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let tenant = format!("{}.localhost", options.tenant_id);
        let mut names: Vec<String> =
            self.names.iter().cloned().chain(usual).chain([tenant, options.here().to_string()]).collect();
        let mut known = std::collections::BTreeSet::new();
        names.retain(|name| known.insert(name.clone()));
        authority.server(names).map(Some).map_err(StackError::Serve)
    }

    /// The options for calls between systems: the stack's host names are local, and its authority is trusted.
    pub(super) fn call_options(&self, options: &StackOptions) -> CallOptions {
        let own = options.authority.iter().flat_map(|authority| authority.certificate().bytes());
        let trust = options.trust.iter().copied().chain([b'\n']).chain(own).collect();
        let names = self.names.iter().filter(|name| name.parse::<IpAddr>().is_err()).cloned().collect();
        let encrypted = options.authority.iter().flat_map(|_| self.sockets.values());
        let ports = encrypted.filter_map(|socket| Some(socket.local_addr().ok()?.port())).collect();
        CallOptions { trust, own: Some((names, options.here())), ports }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(advertise: Option<&str>) -> [String; 2] {
        let options = StackOptions { advertise: advertise.map(str::to_owned), ..StackOptions::new("base") };
        [System::Ims, System::Tenant].map(|system| options.host(system).unwrap_or_else(|error| error.to_string()))
    }

    #[test]
    fn the_tenants_host_begins_with_its_id() {
        assert_eq!(hosts(None), ["127.0.0.1", "bpdoc.localhost"]);
        assert_eq!(hosts(Some("harness.example.com")), ["harness.example.com", "bpdoc.harness.example.com"]);
        assert_eq!(hosts(Some("bpdoc.example.com")), ["bpdoc.example.com", "bpdoc.example.com"]);
        let [ims, tenant] = hosts(Some("192.0.2.7"));
        assert!(ims == "192.0.2.7" && tenant.contains("must be a name"), "{tenant}");
    }
}
