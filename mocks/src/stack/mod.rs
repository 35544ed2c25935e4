//! The mocked systems together, each at its own address, with one clock: all four, or those that are asked for beside others
//! that are elsewhere.

mod credentials;
mod options;
mod places;

use std::sync::Arc;

use bpconform_fixtures::System;
use indexmap::IndexMap;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::author::Author;
use crate::author::seed::AuthorSeed;
use crate::clock::Clock;
use crate::console::Console;
use crate::defects::{Defective, Values, Watched};
use crate::ims::Ims;
use crate::machine::Machine;
use crate::server::{Server, Service};
use crate::tenant::Tenant;

use credentials::{clients, console_options, seed_values};
pub use options::{Ports, StackError, StackOptions};
use places::Places;

/// Where a stack serves, what it accepts, and whom to trust, for programs. A system that is nowhere is left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Serving {
    /// The Author's base address, without a slash at its end.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// That of IMS.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ims: String,
    /// The Developer Console's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub console: String,
    /// The tenant's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tenant: String,
    /// What the systems accept, by the names in the environment of a run.
    pub credentials: IndexMap<String, String>,
    /// The certificate of the authority that signed theirs, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// A running stack; it stops when it is dropped.
#[derive(Debug)]
pub struct Stack {
    /// The Author's base address, without a slash at its end. A system that is elsewhere has its address there, one that
    /// is nowhere an empty text; so have the others.
    pub author: String,
    /// That of IMS.
    pub ims: String,
    /// The Developer Console's.
    pub console: String,
    /// The tenant's.
    pub tenant: String,
    credentials: IndexMap<&'static str, String>,
    server: Server,
    options: StackOptions,
    places: Places,
}

impl Stack {
    /// Starts a stack in the current tokio runtime, and gives it back once all its systems listen.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        if !is_tenant_id(&options.tenant_id) {
            return Err(StackError::Tenant(options.tenant_id));
        }
        let places = Places::find(&options)?;
        Self::serve(options, places).await
    }

    /// Ends this stack, and begins another in the state of a seed at the same addresses: with a clock, credentials and
    /// repository of its own. Who connects meanwhile is served once it listens.
    pub async fn begin_again(self, seed: &str) -> Result<Self, StackError> {
        self.server.stop().await;
        Self::serve(StackOptions { seed: seed.to_owned(), ..self.options }, self.places).await
    }

    async fn serve(options: StackOptions, places: Places) -> Result<Self, StackError> {
        let (tls, ways) = (places.tls(&options)?, places.ways(&options));
        let [author, ims, console, tenant] = System::ALL.map(|system| places.of(system));
        let values = seed_values(
            &options.tenant_id,
            &[("author", &author), ("ims", &ims), ("console", &console), ("tenant-url", &tenant)],
        );
        let seed = AuthorSeed::load(&options.seed)?.fill(&values);
        let credentials = credentials::credentials(&seed);
        let machines = Machines { options: &options, values: Arc::new(values), seed, ims: ims.clone() };
        let services = places.listeners()?.into_iter().map(|(system, listener)| {
            let machine = machines.machine(system);
            let wire = options.wire.filter(|_| system == System::Author);
            Service { system, listener, tls: tls.clone(), machine, wire, jitter: options.jitter }
        });
        let server = Server::start(Arc::clone(&options.surfaces), services.collect(), ways).await;
        let server = server.map_err(StackError::Serve)?;
        Ok(Self { author, ims, console, tenant, credentials, server, options, places })
    }

    /// What it was started with.
    pub fn options(&self) -> &StackOptions {
        &self.options
    }

    /// What of its credentials is of use for those systems that are served.
    pub fn accepted(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let author = self.options.serve.contains(&System::Author);
        let accepted = self.credentials.iter().map(|(name, value)| (*name, value.trim_end()));
        accepted.filter(move |(name, _)| author || !name.starts_with("BPCONFORM_AUTHOR"))
    }

    /// Where it serves and what it accepts, for programs.
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

    /// What the systems accept, by the names in the environment of a run.
    pub fn credentials(&self) -> &IndexMap<&'static str, String> {
        &self.credentials
    }

    /// The clock of all four systems.
    pub fn clock(&self) -> &Clock {
        self.server.clock()
    }

    /// Moves the clock ahead through all that falls due, as `control.clock-advance` does. The error says why it could
    /// not be done.
    pub async fn advance(&self, by: SignedDuration) -> Result<jiff::Timestamp, String> {
        self.server.advance(by).await
    }

    /// Stops the stack and waits until nothing of it runs any more.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// Makes the machines of a stack, with its defects.
struct Machines<'a> {
    options: &'a StackOptions,
    values: Arc<Values>,
    seed: AuthorSeed,
    /// Where the others take IMS to be.
    ims: String,
}

impl Machines<'_> {
    fn machine(&self, system: System) -> Box<dyn Machine> {
        let StackOptions { surfaces, defects, watch, .. } = self.options;
        let machine = defects.iter().rev().fold(self.sound(system), |machine, defect| {
            let (surfaces, values) = (Arc::clone(surfaces), Arc::clone(&self.values));
            Box::new(Defective::new(machine, system, surfaces, values, Arc::clone(defect)))
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
            // The controls are no system of their own: every front has them.
            System::Author | System::Control => Box::new(Author::new(surfaces, self.seed.clone())),
        }
    }
}

fn is_tenant_id(id: &str) -> bool {
    (1..=32).contains(&id.len())
        && !id.starts_with('-')
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
