//! The control of mocks that are served elsewhere, asked over HTTP: what they serve, and a new beginning in another state.

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

/// How long the mocks may take to begin again.
const RENEWAL: Duration = Duration::from_secs(30);

/// The pause between two questions whether they have.
const PAUSE: Duration = Duration::from_millis(5);

/// The control of a mocked stack.
#[derive(Clone, Debug)]
pub struct Control {
    /// Its base address.
    pub url: Url,
    /// The ports at which alone its Author, IMS, console and tenant may be, where somebody gave them.
    ports: Option<[u16; 4]>,
    run: Arc<Run>,
}

impl Control {
    /// The control at an address.
    pub fn at(url: Url, ports: Option<[u16; 4]>, redactor: Redactor) -> Result<Self, Error> {
        let limits = Limits { request: Duration::from_secs(5), ..Limits::default() };
        let wire = Wire::new(&Connection::to_mocks(limits)).map_err(|error| Error::Wire(error.to_string()))?;
        let surfaces = Arc::new(Surfaces::built_in().clone());
        let run = Run { embedded: true, ..Run::new("control", Allow::Observe, surfaces, wire, redactor) };
        Ok(Self { url, ports, run: Arc::new(run) })
    }

    /// What is served. Whatever else answers there is an error: only the mocks name themselves.
    pub async fn told(&self) -> Checked<StackStatus> {
        let session = self.session(&self.url);
        let reply = session.send(Call::to("control.stack")).await?.expect_status(&[200])?;
        let told: Option<StackStatus> = serde_json::from_slice(&reply.body).ok();
        told.filter(|told| told.tool == TOOL)
            .ok_or_else(|| Problem::error(format!("{} is no control of mocks; {}", reply.what(), reply.excerpt())))
    }

    /// Has the stack begin again in the state of a seed, and waits until it serves.
    pub async fn renew(&self, seed: &str) -> Checked<StackStatus> {
        let session = self.session(&self.url);
        let call = Call::to("control.stack-renew").field("seed", seed);
        let reply = session.send(call).await?.expect_status(&[202])?;
        let generation = session.surface("control.stack-renew").field("generation");
        let generation = reply.json()?.get(generation).and_then(serde_json::Value::as_u64);
        let began = Instant::now();
        loop {
            let told = self.told().await?;
            if Some(told.generation) == generation {
                return Ok(told);
            }
            if began.elapsed() > RENEWAL {
                let limit = RENEWAL.as_secs();
                return Err(Problem::error(format!("the mocks did not begin again within {limit} s")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Where the mocks serve and what they accept, as a run knows it. Whatever is elsewhere than where it must be is an error:
    /// mocks can be told to use real systems, and those may not be put into any state.
    pub fn place(&self, told: &StackStatus) -> Result<(Stack, Credentials), String> {
        let serving = &told.serving;
        let url = |address: &str, port: Option<u16>| {
            let url = Url::parse(address).map_err(|error| format!("{}: `{address}`: {error}", self.url))?;
            let host = url.host_str().unwrap_or_default();
            let here = host == "127.0.0.1" || host == "localhost" || host.ends_with(".localhost");
            if port.is_none_or(|port| here && url.port_or_known_default() == Some(port)) {
                return Ok(url);
            }
            Err(format!(
                "its mocks say that one of their systems is at {url}, which is not where the run put it, so nothing is sent \
                there; let the image's command be `mock`, without addresses and ports"
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

    /// Whether the system at that address answers: each has the mocks' clock.
    pub async fn answers(&self, system: &Url) -> Checked {
        self.session(system).send(Call::to("control.clock")).await?.expect_status(&[200]).map(drop)
    }

    fn session(&self, control: &Url) -> Session {
        let stack =
            Stack { author: control.clone(), ims: None, console: None, tenant: None, control: Some(control.clone()) };
        Session::new(Arc::clone(&self.run), stack, Credentials::default())
    }
}
