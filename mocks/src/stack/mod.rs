//! The mocked systems together, each at its own address, with one clock: all four, or those that are asked for beside others
//! that are elsewhere.

mod credentials;
mod options;
mod places;

use std::sync::Arc;

use bpconform_fixtures::System;
use indexmap::IndexMap;
use jiff::SignedDuration;

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
}

impl Stack {
    /// Starts a stack in the current tokio runtime, and gives it back once all its systems listen.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        if !is_tenant_id(&options.tenant_id) {
            return Err(StackError::Tenant(options.tenant_id));
        }
        let mut places = Places::find(&options).await?;
        let (tls, ways) = (places.tls(&options)?, places.ways(&options));
        let [author, ims, console, tenant] = System::ALL.map(|system| places.of(system));
        let values = seed_values(
            &options.tenant_id,
            &[("author", &author), ("ims", &ims), ("console", &console), ("tenant-url", &tenant)],
        );
        let seed = AuthorSeed::load(&options.seed)?.fill(&values);
        let credentials = credentials::credentials(&seed);
        let machines = Machines { options: &options, values: Arc::new(values), seed, ims: ims.clone() };
        let listeners = std::mem::take(&mut places.listeners).into_iter();
        let services = listeners.map(|(system, listener)| {
            let machine = machines.machine(system);
            let wire = options.wire.filter(|_| system == System::Author);
            Service { system, listener, tls: tls.clone(), machine, wire }
        });
        let server = Server::start(Arc::clone(&options.surfaces), services.collect(), ways).await;
        let server = server.map_err(StackError::Serve)?;
        Ok(Self { author, ims, console, tenant, credentials, server })
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
