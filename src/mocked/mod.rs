//! Mocked stacks: started in this process, or served elsewhere and controlled over HTTP.

pub mod client;
pub mod control;

use std::sync::Arc;

use bpconform_fixtures::{Defect, Defects, Variation, Variations};
use bpconform_mocks::stack::{self, StackError, StackOptions};
use bpconform_steps::credentials::Credentials;
use bpconform_steps::stack::Stack;
use url::Url;

use crate::error::Error;

/// The label that is `true` on an image of the mocks, which serves a control.
pub const IMAGE_LABEL: &str = "org.bpconform.mocks";

/// A mocked stack that serves until it is dropped.
#[derive(Debug)]
pub struct MockStack {
    /// The addresses of its systems.
    pub stack: Stack,
    /// The credentials that it accepts.
    pub credentials: Credentials,
    running: stack::Stack,
}

impl MockStack {
    /// Starts a stack.
    pub async fn start(options: StackOptions) -> Result<Self, Error> {
        let running = start(options).await?;
        let url = |address: &str| Url::parse(address).map_err(|error| Error::Mock(format!("{address}: {error}")));
        let author = url(&running.author)?;
        // The controls are not part of the target: they use plain HTTP even if the systems use TLS.
        let control = url(&running.author.replacen("https:", "http:", 1))?;
        let stack = Stack {
            ims: Some(url(&running.ims)?),
            console: Some(url(&running.console)?),
            tenant: Some(url(&running.tenant)?),
            control: Some(control),
            author,
        };
        let values = running.credentials().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let (credentials, _) = Credentials::new(values);
        Ok(Self { stack, credentials, running })
    }

    /// Stops it and waits until all its threads have ended.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

pub(crate) async fn start(options: StackOptions) -> Result<stack::Stack, Error> {
    stack::Stack::start(options).await.map_err(|error| match error {
        StackError::Bind { .. } | StackError::Serve(_) => Error::Mock(error.to_string()),
        StackError::Seed(_) | StackError::Tenant(_) | StackError::Host(_) | StackError::Missing { .. } => {
            Error::Usage(error.to_string())
        }
    })
}

/// The defects with these ids. The error names an unknown id.
pub fn defects_named(ids: &[String]) -> Result<Vec<Arc<Defect>>, Error> {
    // Reading them takes longer than a whole check of an Author.
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let all = Defects::built_in();
    let find = |id: &String| {
        all.get(id).cloned().map(Arc::new).ok_or_else(|| {
            let near = all.nearest(id).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            Error::Usage(format!("--defect {id}: unknown defect; fixtures/defects.toml lists all{near}"))
        })
    };
    ids.iter().map(find).collect()
}

/// The variations of these ids. The error names one that does not exist.
pub fn variations_named(ids: &[String]) -> Result<Vec<Arc<Variation>>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let all = Variations::built_in();
    let find = |id: &String| {
        all.get(id).cloned().map(Arc::new).ok_or_else(|| {
            let near = all.nearest(id).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            Error::Usage(format!("--variation {id}: unknown variation; fixtures/variations.toml lists all{near}"))
        })
    };
    ids.iter().map(find).collect()
}
