//! The mocked stack as the command uses it: for the scenarios of a run, and served by itself for others to ask.

use std::fmt::Write as _;
use std::sync::Arc;

use bpconform_fixtures::{Defects, Surfaces};
use bpconform_mocks::author::seed;
use bpconform_mocks::stack::{self, Ports, StackOptions};
use bpconform_steps::credentials::Credentials;
use bpconform_steps::stack::Stack;
use serde::Serialize;
use url::Url;

use crate::cli;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::{selftest, signals};

/// The states in which a mocked Author can begin.
pub fn seeds() -> Vec<&'static str> {
    // What all others extend is no state of its own.
    seed::names().into_iter().filter(|name| *name != "base").collect()
}

/// The service pack that counts as the latest for the mocks: the one that their Author has.
pub fn latest_service_pack() -> Option<String> {
    seed::AuthorSeed::load(crate::features::USUAL_AUTHOR).ok()?.version
}

/// A mocked stack that serves until it is dropped.
#[derive(Debug)]
pub struct MockStack {
    /// Where its systems are.
    pub stack: Stack,
    /// What it accepts.
    pub credentials: Credentials,
    running: stack::Stack,
}

impl MockStack {
    /// Starts a stack.
    pub async fn start(options: StackOptions) -> Result<Self, Error> {
        let running = start(options).await?;
        let url = |address: &str| Url::parse(address).map_err(|error| Error::Mock(format!("{address}: {error}")));
        let author = url(&running.author)?;
        let stack = Stack {
            ims: Some(url(&running.ims)?),
            console: Some(url(&running.console)?),
            tenant: Some(url(&running.tenant)?),
            control: Some(author.clone()),
            author,
        };
        let values = running.credentials().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let (credentials, _) = Credentials::new(values);
        Ok(Self { stack, credentials, running })
    }

    /// Stops it and waits until nothing of it runs any more.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

async fn start(options: StackOptions) -> Result<stack::Stack, Error> {
    stack::Stack::start(options).await.map_err(|error| Error::Mock(error.to_string()))
}

/// What `mock --json` prints: where the systems are, and what they accept.
#[derive(Serialize)]
struct Serving<'a> {
    author: &'a str,
    ims: &'a str,
    console: &'a str,
    tenant: &'a str,
    credentials: serde_json::Map<String, serde_json::Value>,
}

/// `bpconform mock`: serves until Ctrl-C.
pub async fn serve(mock: &cli::Mock, output: &Output) -> Result<Exit, Error> {
    let surfaces = match &mock.surfaces {
        Some(file) => Surfaces::read_over_built_in(file)?,
        None => Surfaces::built_in().clone(),
    };
    let options = StackOptions {
        surfaces: Arc::new(surfaces),
        tenant_id: mock.tenant_id.clone(),
        bind: mock.bind,
        ports: Ports {
            author: mock.author_port,
            ims: mock.ims_port,
            console: mock.console_port,
            tenant: mock.tenant_port,
        },
        defects: selftest::named(&mock.defects)?,
        ..StackOptions::new(&mock.seed)
    };
    let running = start(options).await?;
    output.out(&if mock.json { json(&running)? } else { text(&running, mock) });
    signals::asked_to_end().await;
    running.stop().await;
    Ok(Exit::Green)
}

fn json(running: &stack::Stack) -> Result<String, Error> {
    let credentials = running.credentials().iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
    let serving = Serving {
        author: &running.author,
        ims: &running.ims,
        console: &running.console,
        tenant: &running.tenant,
        credentials: credentials.collect(),
    };
    serde_json::to_string(&serving).map(|json| json + "\n").map_err(|error| Error::Internal(error.to_string()))
}

fn text(running: &stack::Stack, mock: &cli::Mock) -> String {
    let mut text = format!("the mocked stack serves, the Author in the state `{}`; Ctrl-C stops it\n", mock.seed);
    for defect in mock.defects.iter().filter_map(|id| Defects::built_in().get(id)) {
        let _ = writeln!(text, "  with the defect {}: {}", defect.id, defect.says);
    }
    text.push('\n');
    let systems = [
        ("Author", &running.author),
        ("IMS", &running.ims),
        ("Developer Console", &running.console),
        ("tenant", &running.tenant),
    ];
    for (name, address) in systems {
        let _ = writeln!(text, "  {name:<18} {address}");
    }
    text += "\nit accepts (these are made up, and secrets of nobody):\n\n";
    for (name, value) in running.credentials() {
        let _ = writeln!(text, "  {name}='{}'", value.trim_end());
    }
    text
}
