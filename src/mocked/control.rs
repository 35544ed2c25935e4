//! The control of mocks that are served elsewhere: reports over HTTP what they serve, and restarts them in another state.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bpconform_fixtures::{Allow, Surfaces};
use bpconform_mocks::renewal::{StackStatus, TOOL};
use bpconform_steps::credentials::Credentials;
use bpconform_steps::problem::Checked;
use bpconform_steps::redact::Redactor;
use bpconform_steps::run::Run;
use bpconform_steps::session::Session;
use bpconform_steps::stack::Stack;
use bpconform_steps::wire::{Connection, Limits, Wire};
use bpconform_steps::{Call, Problem};
use url::Url;

use crate::error::Error;

/// The time limit for a restart of the mocks, and for each answer: while they restart, one may be late.
const RENEWAL: Duration = Duration::from_secs(30);

/// The pause between two polls for the restart.
const PAUSE: Duration = Duration::from_millis(5);

/// The control of a mocked stack.
#[derive(Clone, Debug)]
pub struct Control {
    /// The base address.
    pub url: Url,
    /// The only valid ports of its Author, IMS, console and tenant, if they were assigned.
    ports: Option<[u16; 4]>,
    run: Arc<Run>,
}

impl Control {
    /// The control at an address.
    pub fn at(url: Url, ports: Option<[u16; 4]>, redactor: Redactor) -> Result<Self, Error> {
        let limits = Limits { request: RENEWAL, ..Limits::default() };
        let wire = Wire::new(&Connection::to_mocks(limits)).map_err(|error| Error::Wire(error.to_string()))?;
        let surfaces = Arc::new(Surfaces::built_in().clone());
        let run = Run { embedded: true, ..Run::new("control", Allow::Observe, surfaces, wire, redactor) };
        Ok(Self { url, ports, run: Arc::new(run) })
    }

    /// What the mocks serve. Any other program at that address is an error: the answer must name the mocks.
    pub async fn status(&self) -> Checked<StackStatus> {
        let session = self.session(&self.url);
        let reply = session.send(Call::to("control.stack")).await?.expect_status(&[200])?;
        let status: Option<StackStatus> = serde_json::from_slice(&reply.body).ok();
        status
            .filter(|status| status.tool == TOOL)
            .ok_or_else(|| Problem::error(format!("{} is not the control of mocks; {}", reply.what(), reply.excerpt())))
    }

    /// Restarts the stack in the state of a seed, and waits until it serves.
    pub async fn renew(&self, seed: &str) -> Checked<StackStatus> {
        let session = self.session(&self.url);
        let call = Call::to("control.stack-renew").field("seed", seed);
        let reply = session.send(call).await?.expect_status(&[202])?;
        let generation = session.surface("control.stack-renew").field("generation");
        let generation = reply.json()?.get(generation).and_then(serde_json::Value::as_u64);
        let began = Instant::now();
        loop {
            let status = self.status().await?;
            if Some(status.generation) == generation {
                return Ok(status);
            }
            if began.elapsed() > RENEWAL {
                let limit = RENEWAL.as_secs();
                return Err(Problem::error(format!("the mocks did not restart within {limit} s")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The addresses and credentials of the mocks. An address other than the assigned one is an error: mocks can be
    /// configured to use real systems, which must not be put into another state.
    pub fn place(&self, status: &StackStatus) -> Result<(Stack, Credentials), String> {
        let serving = &status.serving;
        let url = |address: &str, port: Option<u16>| {
            let url = Url::parse(address).map_err(|error| format!("{}: `{address}`: {error}", self.url))?;
            let host = url.host_str().unwrap_or_default();
            let here = host == "127.0.0.1" || host == "localhost" || host.ends_with(".localhost");
            if port.is_none_or(|port| here && url.port_or_known_default() == Some(port)) {
                return Ok(url);
            }
            Err(format!(
                "the mocks report one of their systems at {url}, which is not the address that the run assigned, so nothing is sent \
                there; use `mock` as the image's command, without addresses and ports"
            ))
        };
        let [author, ims, console, tenant] = self.ports.map_or([None; 4], |ports| ports.map(Some));
        let author = url(&serving.author, author)?;
        let stack = Stack {
            ims: Some(url(&serving.ims, ims)?),
            console: Some(url(&serving.console, console)?),
            tenant: Some(url(&serving.tenant, tenant)?),
            control: Some(author.clone()),
            author,
        };
        let (credentials, _) = Credentials::new(serving.credentials.clone());
        Ok((stack, credentials))
    }

    /// Checks that the system at that address answers: each system of the mocks serves their clock.
    pub async fn answers(&self, system: &Url) -> Checked {
        self.session(system).send(Call::to("control.clock")).await?.expect_status(&[200]).map(drop)
    }

    fn session(&self, control: &Url) -> Session {
        let stack =
            Stack { author: control.clone(), ims: None, console: None, tenant: None, control: Some(control.clone()) };
        Session::new(Arc::clone(&self.run), stack, Credentials::default())
    }
}
