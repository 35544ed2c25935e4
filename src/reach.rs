//! A session with an Author for commands that only read. Addresses, connection and credentials come from the same settings
//! as for a run, and only reads can be sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpconform_fixtures::{Allow, Surfaces};
use bpconform_steps::credentials::Credentials;
use bpconform_steps::run::{Run, Settings};
use bpconform_steps::session::Session;
use bpconform_steps::stack::Stack;
use bpconform_steps::wire::{Connection, Wire};
use url::Url;

use crate::cli::target::TargetArgs;
use crate::config::{Configured, secrets};
use crate::error::Error;
use crate::output::Output;

/// Where settings and credentials come from.
#[derive(Clone, Copy, Debug)]
pub struct SettingSources<'a> {
    /// The settings of all sources.
    pub configured: &'a Configured,
    /// The variables of the environment that are ours.
    pub variables: &'a BTreeMap<String, String>,
}

/// A real Author: where it is, who asks, and how it is reached.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Where its systems are.
    pub stack: Stack,
    /// Who asks.
    pub credentials: Credentials,
    /// How it is reached.
    pub connection: Connection,
}

fn author_url(target: &TargetArgs) -> Result<Url, Error> {
    target.author_url.clone().ok_or_else(|| {
        let advice = "set --author-url URL or BPCONFORM_AUTHOR_URL".to_owned();
        Error::Missing { what: "address of the Author", advice }
    })
}

impl Reach {
    /// Reads the settings and the files that they name. It prints a warning if certificates are not verified.
    pub fn author(target: &TargetArgs, place: SettingSources<'_>, output: &Output) -> Result<Self, Error> {
        Self::at(author_url(target)?, target, place, output)
    }

    /// The same for an Author at which somebody logs in later.
    pub fn without_credentials(target: &TargetArgs, place: SettingSources<'_>, output: &Output) -> Result<Self, Error> {
        Self::with_what_is_known(author_url(target)?, target, place, output)
    }

    /// Reads the settings for an Author whose address is already known.
    pub fn at(author: Url, target: &TargetArgs, place: SettingSources<'_>, output: &Output) -> Result<Self, Error> {
        let reach = Self::with_what_is_known(author, target, place, output)?;
        if reach.credentials.author_login().is_err() {
            return Err(reach.without_login());
        }
        Ok(reach)
    }

    fn without_login(&self) -> Error {
        let file = "or write it into a file and set --credentials FILE";
        match self.credentials.get("BPCONFORM_AUTHOR_USER") {
            None => Error::Missing {
                what: "user of the Author",
                advice: format!("set BPCONFORM_AUTHOR_USER, or BPCONFORM_AUTHOR_TOKEN for an access token, {file}"),
            },
            Some(_) => Error::Missing {
                what: "password of the Author's user",
                advice: format!("set BPCONFORM_AUTHOR_PASSWORD, {file}"),
            },
        }
    }

    /// Reads the settings for an Author whose address is already known. Credentials of the Author are optional.
    pub fn with_what_is_known(
        author: Url,
        target: &TargetArgs,
        place: SettingSources<'_>,
        output: &Output,
    ) -> Result<Self, Error> {
        place.configured.headers_are_no_secrets()?;
        let credentials =
            secrets::credentials(place.configured, place.variables, target.credentials.as_deref(), output)?;
        credentials.secrets().for_each(|secret| output.redactor.learn(secret));
        for name in credentials.weak() {
            output.err(&format!(
                "warning: the value of {name} is shorter than six characters or a common word: it is weak, and masked only \
                where it stands as the secret\n"
            ));
        }
        let connection = target.connection.connection(&credentials)?;
        target.connection.warning().inspect(|warning| output.err(warning));
        let stack = Stack {
            author,
            ims: target.ims_url.clone(),
            console: target.console_url.clone(),
            tenant: target.tenant_url.clone(),
            control: None,
        };
        Ok(Self { stack, credentials, connection })
    }

    /// What the conversations of a command that only looks share.
    pub fn run(&self, surfaces: impl Into<Arc<Surfaces>>, target: &TargetArgs, output: &Output) -> Result<Run, Error> {
        let wire =
            Wire::new(&self.connection.to_stack(&self.stack)).map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Run {
            settings: Settings {
                latest_service_packs: target.latest_service_pack.clone(),
                log_age: target.log_age,
                ..Settings::default()
            },
            ..Run::new("observe", Allow::Observe, surfaces.into(), wire, output.redactor.clone())
        })
    }

    /// A conversation.
    pub fn session(&self, run: Run) -> Session {
        Session::new(Arc::new(run), self.stack.clone(), self.credentials.clone())
    }
}
