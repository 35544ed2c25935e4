//! Token requests that a run makes fail on purpose. Their entries in the error log are remembered, so that no later run
//! reports them as a problem of the configuration.

use super::error_log;
use super::own_refusals::{self, OnPurpose, Written};
use crate::problem::{Checked, Kind};
use crate::session::Session;

/// A failure on purpose that is going on.
#[derive(Debug)]
pub struct Watch {
    name: String,
    on_purpose: OnPurpose,
    before: Vec<Written>,
}

/// Remembers that a token request is about to fail on purpose.
pub async fn begin(session: &Session) -> Checked<Watch> {
    let watch =
        Watch { name: session.name("log"), on_purpose: OnPurpose::now(session), before: logged(session).await? };
    if !session.run.embedded {
        own_refusals::forget_old(session)?;
        watch.on_purpose.write(session, &watch.name)?;
    }
    Ok(watch)
}

impl Watch {
    /// Remembers what the log says of it by now.
    pub async fn note(&self, session: &Session) -> Checked {
        if session.run.embedded {
            return Ok(());
        }
        let new = logged(session).await?.into_iter().filter(|entry| !self.before.contains(entry)).collect();
        self.on_purpose.with(new).write(session, &self.name)
    }
}

/// The refusals in the log; none for a user who may not read it, and on mocks that end with the scenario.
async fn logged(session: &Session) -> Checked<Vec<Written>> {
    if session.run.embedded {
        return Ok(Vec::new());
    }
    match error_log::read(session).await {
        Ok(log) => Ok(log.token_failures().map(Written::of).collect()),
        Err(problem) if problem.kind == Kind::Skipped => Ok(Vec::new()),
        Err(problem) => Err(problem),
    }
}
