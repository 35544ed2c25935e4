//! A stack of mocked systems, each at its own address, with one clock: all four, or some of them together with systems
//! that are served elsewhere.

mod addresses;
mod credentials;
mod options;

use std::sync::Arc;

use bpconform_fixtures::System;
use indexmap::IndexMap;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::author::Author;
use crate::author::seed::AuthorSeed;
use crate::clock::Clock;
use crate::console::Console;
use crate::deviations::{Deviating, Values, Watched};
use crate::ims::Ims;
use crate::machine::Machine;
use crate::server::{Server, Service};
use crate::tenant::Tenant;

use addresses::Addresses;
use credentials::{clients, console_options, seed_values};
pub use options::{Ports, StackError, StackOptions};

/// The addresses, credentials and certificate of a stack, for programs. An absent system is left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Serving {
    /// The Author's base address, without a slash at its end.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The base address of IMS.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ims: String,
    /// The base address of the Developer Console.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub console: String,
    /// The base address of the tenant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tenant: String,
    /// The credentials that the systems accept, by environment variable of a run.
    pub credentials: IndexMap<String, String>,
    /// The certificate of the authority, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// A running stack; it stops when it is dropped.
#[derive(Debug)]
pub struct Stack {
    /// The Author's base address, without a slash at its end; empty for an absent system, as in the other fields.
    pub author: String,
    /// The base address of IMS.
    pub ims: String,
    /// The base address of the Developer Console.
    pub console: String,
    /// The base address of the tenant.
    pub tenant: String,
    credentials: IndexMap<&'static str, String>,
    server: Server,
    options: StackOptions,
    addresses: Addresses,
}

impl Stack {
    /// Starts a stack in the current tokio runtime; returns when all its systems listen.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        if !is_tenant_id(&options.tenant_id) {
            return Err(StackError::Tenant(options.tenant_id));
        }
        let addresses = Addresses::find(&options)?;
        Self::serve(options, addresses).await
    }

    /// Stops this stack and starts another with that seed at the same addresses, with a new clock and repository. Connections
    /// made meanwhile are served when it listens.
    pub async fn restart(self, seed: &str) -> Result<Self, StackError> {
        self.server.stop().await;
        Self::serve(StackOptions { seed: seed.to_owned(), own_seed: None, ..self.options }, self.addresses).await
    }

    async fn serve(options: StackOptions, addresses: Addresses) -> Result<Self, StackError> {
        let (tls, call_options) = (addresses.tls(&options)?, addresses.call_options(&options));
        let [author, ims, console, tenant] = System::ALL.map(|system| addresses.address(system));
        let values = seed_values(
            &options.tenant_id,
            &[("author", &author), ("ims", &ims), ("console", &console), ("tenant-url", &tenant)],
        );
        let seed = options.own_seed.clone().map_or_else(|| AuthorSeed::load_of(options.product, &options.seed), Ok)?;
        let mut seed = seed.fill(&values);
        if let Some(account) = &options.account {
            seed.accounts.retain(|other| other.id != account.id);
            seed.accounts.insert(0, account.clone());
        }
        let credentials = credentials::credentials(&seed);
        let machines = Machines { options: &options, values: Arc::new(values), seed, ims: ims.clone() };
        let services = addresses.listeners()?.into_iter().map(|(system, listener)| {
            let machine = machines.machine(system);
            let wire = options.wire.filter(|_| system == System::Author);
            let framing = options.variations.iter().find_map(|variation| variation.changes.framing);
            Service { system, listener, tls: tls.clone(), machine, wire, framing, jitter: options.jitter }
        });
        let server = Server::start(Arc::clone(&options.surfaces), services.collect(), call_options).await;
        let server = server.map_err(StackError::Serve)?;
        Ok(Self { author, ims, console, tenant, credentials, server, options, addresses })
    }

    /// The options of the stack.
    pub fn options(&self) -> &StackOptions {
        &self.options
    }

    /// The credentials for the systems that are served.
    pub fn accepted(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let author = self.options.serve.contains(&System::Author);
        let accepted = self.credentials.iter().map(|(name, value)| (*name, value.trim_end()));
        accepted.filter(move |(name, _)| author || !name.starts_with("BPCONFORM_AUTHOR"))
    }

    /// The addresses and credentials, for programs.
    pub fn serving(&self) -> Serving {
        Serving {
            author: self.author.clone(),
            ims: self.ims.clone(),
            console: self.console.clone(),
            tenant: self.tenant.clone(),
            credentials: self.accepted().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ca: self.options.authority.as_ref().map(|authority| authority.certificate().to_owned()),
        }
    }

    /// The credentials that the systems accept, by environment variable of a run.
    pub fn credentials(&self) -> &IndexMap<&'static str, String> {
        &self.credentials
    }

    /// The clock of all four systems.
    pub fn clock(&self) -> &Clock {
        self.server.clock()
    }

    /// Moves the clock ahead and runs what falls due, as `control.clock-advance` does. The error says why that failed.
    pub async fn advance(&self, by: SignedDuration) -> Result<jiff::Timestamp, String> {
        self.server.advance(by).await
    }

    /// Stops the stack and waits until all its tasks have ended.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// Creates the machines of a stack, with its defects and variations.
struct Machines<'a> {
    options: &'a StackOptions,
    values: Arc<Values>,
    seed: AuthorSeed,
    /// The address of IMS for the other systems.
    ims: String,
}

impl Machines<'_> {
    fn machine(&self, system: System) -> Box<dyn Machine> {
        let StackOptions { surfaces, defects, variations, watch, .. } = self.options;
        let defects = defects.iter().rev().map(|defect| defect.deviation());
        // Variations are outside of defects: they show what a defective system does in another way.
        let deviations = defects.chain(variations.iter().rev().map(|variation| variation.deviation()));
        let machine = deviations.fold(self.sound(system), |machine, deviation| {
            let (surfaces, values) = (Arc::clone(surfaces), Arc::clone(&self.values));
            Box::new(Deviating::new(machine, system, surfaces, values, deviation))
        });
        match watch {
            Some(watch) => Box::new(Watched::new(machine, system, surfaces, &self.values, watch.clone())),
            None => machine,
        }
    }

    fn sound(&self, system: System) -> Box<dyn Machine> {
        let surfaces = Arc::clone(&self.options.surfaces);
        match system {
            System::Ims => Box::new(Ims::new(surfaces, clients().into_iter().chain(self.options.client.clone()))),
            System::Console => Box::new(Console::new(surfaces, console_options(&self.ims))),
            System::Tenant => Box::new(Tenant::new(surfaces, &self.options.tenant_id, &self.ims)),
            // Every front serves the controls; they need no separate machine here.
            System::Author | System::Control => {
                Box::new(Author::new(surfaces, self.seed.clone()).with_skin(self.options.skin.clone()))
            }
        }
    }
}

fn is_tenant_id(id: &str) -> bool {
    (1..=32).contains(&id.len())
        && !id.starts_with('-')
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
