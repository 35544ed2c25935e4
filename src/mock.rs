//! The mocked stack as the command uses it: started from a seed, with the addresses and credentials for the steps.

use std::sync::Arc;

use bpconform_fixtures::Surfaces;
use bpconform_steps::credentials::Credentials;
use bpconform_steps::stack::Stack;

use crate::error::Error;

/// The states in which a mocked Author can begin.
pub fn seeds() -> Vec<&'static str> {
    vec![
        "fresh",
        "configured",
        "legacy-jwt",
        "legacy-gateway",
        "half-configured",
        "two-tenants",
        "queue-blocked",
        "token-expired",
    ]
}

/// A mocked stack that serves until it is dropped.
#[derive(Debug)]
pub struct MockStack {
    /// Where its systems are.
    pub stack: Stack,
    /// What it accepts.
    pub credentials: Credentials,
}

impl MockStack {
    /// Starts a stack whose Author begins in the state of that seed.
    pub async fn start(seed: String, surfaces: Arc<Surfaces>) -> Result<Self, Error> {
        let _ = (seed, surfaces);
        Err(Error::Mock("it is not built yet".into()))
    }
}

/// The service pack that counts as the latest for the mocks.
pub fn latest_service_pack() -> String {
    "6.5.21.0".to_owned()
}

/// `bpconform mock`: serves until Ctrl-C.
pub async fn serve(mock: &crate::cli::Mock, output: &crate::output::Output) -> Result<crate::exit::Exit, Error> {
    let _ = (mock, output);
    Err(Error::Mock("it is not built yet".into()))
}
