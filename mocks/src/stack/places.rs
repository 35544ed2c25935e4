//! Where the systems of a stack are: the listeners of those that it serves, and the addresses of all.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bpconform_fixtures::System;
use rustls::ServerConfig;
use tokio::net::TcpListener;

use super::options::{StackError, StackOptions};
use crate::server::Ways;

/// What each system asks of others: without their addresses it cannot be served.
const NEEDS: [(System, System); 4] = [
    (System::Author, System::Ims),
    (System::Author, System::Tenant),
    (System::Console, System::Ims),
    (System::Tenant, System::Ims),
];

/// Where the systems are.
pub(super) struct Places {
    /// The listeners of those that are served.
    pub(super) listeners: BTreeMap<System, TcpListener>,
    /// Where each of those is.
    pub(super) served: BTreeMap<System, String>,
    /// Where the Author and the tenant take each to be.
    pub(super) believed: BTreeMap<System, String>,
    names: Vec<String>,
}

impl Places {
    /// Listens for all that are served.
    pub(super) async fn find(options: &StackOptions) -> Result<Self, StackError> {
        let mut places =
            Self { listeners: BTreeMap::new(), served: BTreeMap::new(), believed: BTreeMap::new(), names: Vec::new() };
        for system in System::ALL.into_iter().filter(|system| options.serve.contains(system)) {
            places.listen(options, system).await?;
        }
        places.believed = places.served.clone().into_iter().chain(options.elsewhere.clone()).collect();
        let missing =
            NEEDS.iter().find(|(system, needs)| options.serve.contains(system) && !places.believed.contains_key(needs));
        match missing {
            Some((system, needs)) => Err(StackError::Missing { system: system.name(), needs: needs.name() }),
            None => Ok(places),
        }
    }

    async fn listen(&mut self, options: &StackOptions, system: System) -> Result<(), StackError> {
        let address = SocketAddr::new(options.bind, options.ports.of(system));
        let failed = |problem| StackError::Bind { system: system.name(), address, problem };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let host = host(options, system)?;
        let scheme = if options.authority.is_some() { "https" } else { "http" };
        let written = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        self.served.insert(system, format!("{scheme}://{written}:{port}"));
        self.listeners.insert(system, listener);
        self.names.push(host);
        Ok(())
    }

    /// Where a system is taken to be; an empty text where none needs it.
    pub(super) fn of(&self, system: System) -> String {
        self.believed.get(&system).cloned().unwrap_or_default()
    }

    /// How the systems speak TLS, if they do.
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

    /// How the calls of the systems find others: the stack's own names are here, and its own authority is trusted.
    pub(super) fn ways(&self, options: &StackOptions) -> Ways {
        let own = options.authority.iter().flat_map(|authority| authority.certificate().bytes());
        let trust = options.trust.iter().copied().chain([b'\n']).chain(own).collect();
        let names = self.names.iter().filter(|name| name.parse::<IpAddr>().is_err()).cloned().collect();
        let encrypted = options.authority.iter().flat_map(|_| self.listeners.values());
        let ports = encrypted.filter_map(|listener| Some(listener.local_addr().ok()?.port())).collect();
        Ways { trust, own: Some((names, options.here())), ports }
    }
}

/// The host by which others reach a system: the tenant's begins with the tenant's id.
fn host(options: &StackOptions, system: System) -> Result<String, StackError> {
    let StackOptions { advertise, bind, tenant_id, .. } = options;
    let is_tenant = system == System::Tenant;
    match advertise {
        None if is_tenant => Ok(format!("{tenant_id}.localhost")),
        None if bind.is_unspecified() => Ok(Ipv4Addr::LOCALHOST.to_string()),
        None => Ok(bind.to_string()),
        Some(host) if !is_tenant => Ok(host.clone()),
        Some(host) if host.parse::<IpAddr>().is_ok() => Err(StackError::Host(host.clone())),
        // One name in the hosts file of the Author's machine is then enough for all.
        Some(host) if host.split('.').next() == Some(tenant_id) => Ok(host.clone()),
        Some(host) => Ok(format!("{tenant_id}.{host}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(advertise: Option<&str>) -> [String; 2] {
        let options = StackOptions { advertise: advertise.map(str::to_owned), ..StackOptions::new("base") };
        [System::Ims, System::Tenant].map(|system| host(&options, system).unwrap_or_else(|error| error.to_string()))
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
