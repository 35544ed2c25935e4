//! What a stack is started with, and why it cannot be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bpconform_fixtures::{Defect, Surfaces, System};

use crate::author::seed::SeedError;
use crate::authority::Authority;
use crate::defects::Watch;
use crate::faults::Fault;
use crate::ims::Client;

/// The ports of the four systems; 0 is any that is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// The Author's.
    pub author: u16,
    /// That of IMS.
    pub ims: u16,
    /// The Developer Console's.
    pub console: u16,
    /// The tenant's.
    pub tenant: u16,
}

impl Ports {
    pub(super) fn of(self, system: System) -> u16 {
        match system {
            System::Author => self.author,
            System::Ims => self.ims,
            System::Console => self.console,
            System::Tenant => self.tenant,
            System::Control => 0,
        }
    }
}

/// What a stack is started with.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The paths, fields and phrases that it serves.
    pub surfaces: Arc<Surfaces>,
    /// The name of the state that the Author begins in.
    pub seed: String,
    /// The tenant's id: the first label of its host.
    pub tenant_id: String,
    /// The systems that it serves.
    pub serve: BTreeSet<System>,
    /// The addresses of systems that others serve. The Author is configured for these, and the tenant believes that IMS.
    pub elsewhere: BTreeMap<System, String>,
    /// The address to listen at.
    pub bind: IpAddr,
    /// The ports to listen at.
    pub ports: Ports,
    /// The host by which others reach it, in place of this machine's own names; the tenant's has its id before it.
    pub advertise: Option<String>,
    /// Who signs its certificates; it speaks TLS if there is one.
    pub authority: Option<Arc<Authority>>,
    /// The certificate authorities that its Author and tenant trust besides the system's, PEM.
    pub trust: Vec<u8>,
    /// A credential that IMS knows besides those that are made up.
    pub client: Option<Client>,
    /// The deliberate deviations that it has; the first comes first at a request.
    pub defects: Vec<Arc<Defect>>,
    /// The deviations that it has not, but would show.
    pub watch: Option<Watch>,
    /// What strikes every request that a client sends to the Author.
    pub wire: Option<&'static Fault>,
    /// The seed of how long the systems take over their answers; without one they take no longer than they must.
    pub jitter: Option<u64>,
}

impl StackOptions {
    /// A stack for this machine only, with the built-in surfaces, free ports and the tenant `bpdoc`.
    pub fn new(seed: &str) -> Self {
        Self {
            surfaces: Arc::new(Surfaces::built_in().clone()),
            seed: seed.to_owned(),
            tenant_id: "bpdoc".to_owned(),
            serve: System::ALL.into(),
            elsewhere: BTreeMap::new(),
            bind: Ipv4Addr::LOCALHOST.into(),
            ports: Ports::default(),
            advertise: None,
            authority: None,
            trust: Vec::new(),
            client: None,
            defects: Vec::new(),
            watch: None,
            wire: None,
            jitter: None,
        }
    }

    /// The address by which this machine reaches the listeners.
    pub fn here(&self) -> IpAddr {
        match self.bind {
            IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            address => address,
        }
    }

    /// The host by which others reach a system: the tenant's begins with the tenant's id.
    pub fn host(&self, system: System) -> Result<String, StackError> {
        let Self { advertise, bind, tenant_id, .. } = self;
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
}

/// A stack that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// An address cannot be listened at.
    #[error("cannot listen at {address} for the {system}: {problem}")]
    Bind {
        /// The system that should have listened there.
        system: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        problem: std::io::Error,
    },
    /// The Author cannot begin in that state.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The tenant's id cannot be the label of a host.
    #[error("`{0}` is no tenant id: it must be 1 to 32 of a-z, 0-9 and - (not first)")]
    Tenant(String),
    /// A host that has no name before which the tenant's id could stand.
    #[error(
        "the tenant cannot be reached at {0}: its id is the first label of its host, so that must be a name, for example \
        acme.harness.example.com"
    )]
    Host(String),
    /// A system needs another one, which is neither served nor named.
    #[error("the {system} needs the address of the {needs}: serve it too, or name it with --ims-url or --tenant-url")]
    Missing {
        /// The system that is served.
        system: &'static str,
        /// The system that it asks.
        needs: &'static str,
    },
    /// The shell cannot serve.
    #[error("cannot serve the mocks: {0}")]
    Serve(String),
}
