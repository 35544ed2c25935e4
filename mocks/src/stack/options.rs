//! The options of a stack, and its errors.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bpconform_fixtures::{Defect, Product, Surfaces, System, Variation};

use crate::author::brand_portal::Skin;
use crate::author::seed::{Account, AuthorSeed, SeedError};
use crate::authority::Authority;
use crate::deviations::Watch;
use crate::faults::Fault;
use crate::ims::Client;

/// The ports of the four systems; 0 means any free port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// The port of the Author.
    pub author: u16,
    /// The base address of IMS.
    pub ims: u16,
    /// The port of the Developer Console.
    pub console: u16,
    /// The port of the tenant.
    pub tenant: u16,
}

impl Ports {
    pub(super) fn port(self, system: System) -> u16 {
        match system {
            System::Author => self.author,
            System::Ims => self.ims,
            System::Console => self.console,
            System::Tenant => self.tenant,
            System::Control => 0,
        }
    }
}

/// The options of a stack.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The paths, fields and phrases that it serves.
    pub surfaces: Arc<Surfaces>,
    /// The product of the Author.
    pub product: Product,
    /// The name of the Author's seed.
    pub seed: String,
    /// A seed in place of the named one; a restart uses the one that it names.
    pub own_seed: Option<AuthorSeed>,
    /// The tenant's id: the first label of its host.
    pub tenant_id: String,
    /// The systems that it serves.
    pub serve: BTreeSet<System>,
    /// The addresses of systems that are served elsewhere. The Author and the tenant are configured for these.
    pub elsewhere: BTreeMap<System, String>,
    /// The address to listen at.
    pub bind: IpAddr,
    /// The ports to listen at.
    pub ports: Ports,
    /// The host name for other machines, in place of the local names; the tenant's host has the tenant id in front.
    pub advertise: Option<String>,
    /// The authority that signs the certificates; `None` means plain HTTP.
    pub authority: Option<Arc<Authority>>,
    /// The certificate authorities that Author and tenant trust in addition to those of the operating system, PEM.
    pub trust: Vec<u8>,
    /// An account of the Author, in place of the one that the seed has for the same user.
    pub account: Option<Account>,
    /// An additional credential that IMS knows.
    pub client: Option<Client>,
    /// The defects; the first one changes a request first.
    pub defects: Vec<Arc<Defect>>,
    /// The variations.
    pub variations: Vec<Arc<Variation>>,
    /// The watch for deviations that are not active but would have an effect.
    pub watch: Option<Watch>,
    /// The fault that breaks every request of a client to the Author.
    pub wire: Option<&'static Fault>,
    /// How the pages of the Author look.
    pub skin: Skin,
    /// The random seed of the delays before and after each answer; `None` means no delay.
    pub jitter: Option<u64>,
}

impl StackOptions {
    /// A stack for this machine only, with the built-in endpoints, free ports and the tenant `bpdoc`.
    pub fn new(seed: &str) -> Self {
        Self {
            surfaces: Arc::new(Surfaces::built_in().clone()),
            product: Product::default(),
            seed: seed.to_owned(),
            own_seed: None,
            tenant_id: "bpdoc".to_owned(),
            serve: System::ALL.into(),
            elsewhere: BTreeMap::new(),
            bind: Ipv4Addr::LOCALHOST.into(),
            ports: Ports::default(),
            advertise: None,
            authority: None,
            trust: Vec::new(),
            account: None,
            client: None,
            defects: Vec::new(),
            variations: Vec::new(),
            watch: None,
            wire: None,
            skin: Skin::default(),
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
            // A single entry in the hosts file of the Author's machine then suffices.
            Some(host) if host.split('.').next() == Some(tenant_id) => Ok(host.clone()),
            Some(host) => Ok(format!("{tenant_id}.{host}")),
        }
    }
}

/// A stack that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// Binding an address failed.
    #[error("cannot listen at {address} for the {system}: {problem}")]
    Bind {
        /// The system that should have listened there.
        system: &'static str,
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        problem: std::io::Error,
    },
    /// The seed cannot be loaded.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The tenant id is not a valid label of a host name.
    #[error("`{0}` is not a tenant id: it must be 1 to 32 of a-z, 0-9 and - (not first)")]
    Tenant(String),
    /// The host is an address, so that the tenant id cannot be put in front.
    #[error(
        "the tenant cannot be reached at {0}: its id is the first label of its host, so that must be a name, for example \
        acme.harness.example.com"
    )]
    Host(String),
    /// A system needs another one that is neither served nor named.
    #[error("the {system} needs the address of the {needs}: serve it too, or name it with --ims-url or --tenant-url")]
    Missing {
        /// The system that is served.
        system: &'static str,
        /// The system that it calls.
        needs: &'static str,
    },
    /// The server could not be started.
    #[error("cannot serve the mocks: {0}")]
    Serve(String),
}
