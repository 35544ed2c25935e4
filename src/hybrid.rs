//! A real Author with mocked IMS and tenant, so that an upgrade can be rehearsed without touching Adobe's cloud: the run
//! serves the mocks itself, or uses those of `bpconform mock` elsewhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bpconform_fixtures::System;
use bpconform_mocks::stack::{Stack, StackOptions};
use bpconform_steps::credentials::{ALL, Credentials};
use bpconform_steps::wire::Own;
use url::Url;

use crate::cli::hybrid::{HybridArgs, SystemChoice};
use crate::error::Error;
use crate::mocked;
use crate::mocked::client::CREDENTIAL;
use crate::output::Output;
use crate::run::options::Options;
use crate::serve::CERTIFICATE;

impl HybridArgs {
    /// The systems that are mocks. The error says what does not go together.
    pub fn mocks(&self) -> Result<BTreeSet<System>, Error> {
        let wrong = |problem: &str| Err(Error::Usage(problem.to_owned()));
        match (&self.ims, &self.tenant) {
            (SystemChoice::Real, SystemChoice::Real) => Ok(BTreeSet::new()),
            (SystemChoice::Real, _) => {
                wrong("--tenant mock: a mocked tenant knows the tokens of a mocked IMS only; add --ims mock")
            }
            (_, SystemChoice::Real) => Ok([System::Ims].into()),
            (SystemChoice::Mock, SystemChoice::Mock) | (SystemChoice::MockAt(_), SystemChoice::MockAt(_)) => {
                Ok([System::Ims, System::Tenant].into())
            }
            _ => wrong("--ims and --tenant: use the run's mocks for both, or give an address for both"),
        }
    }

    /// The settings for an Author in a container, which reaches this machine by that name unless `--advertise` is set.
    #[must_use]
    pub fn advertised_as(&self, host: &str) -> Self {
        let mut hybrid = self.clone();
        if self.ims == SystemChoice::Mock {
            hybrid.serve.advertise.get_or_insert_with(|| host.to_owned());
        }
        hybrid
    }

    /// The names of this machine that an Author must know to reach the mocks.
    pub fn hosts(&self) -> Result<BTreeSet<String>, Error> {
        let Some(advertised) = self.serve.advertise.as_ref().filter(|_| self.ims == SystemChoice::Mock) else {
            return Ok(BTreeSet::new());
        };
        let options = self.serve.options("base")?;
        Ok(self
            .mocks()?
            .into_iter()
            .filter_map(|system| options.host(system).ok())
            .chain([advertised.clone()])
            .collect())
    }

    /// Sets the mocks of a run: those that are elsewhere are named, those that are its own serve as long as what is given
    /// back lives. It prints their addresses and what the Author needs.
    pub async fn begin(&self, options: &mut Options, output: &Output) -> Result<Option<Stack>, Error> {
        let Some((stack, credentials)) = options.target.real_mut() else { return Ok(None) };
        if let SystemChoice::MockAt(url) = &self.ims {
            stack.ims = Some(url.clone());
        }
        if let SystemChoice::MockAt(url) = &self.tenant {
            stack.tenant = Some(url.clone());
        }
        if self.ims != SystemChoice::Mock {
            return Ok(None);
        }
        let given = mocked::client::given(credentials)?;
        let served = StackOptions {
            surfaces: options.surfaces.clone(),
            serve: options.mocks.clone(),
            client: given.clone(),
            ..self.serve.options("base")?
        };
        let (address, authority) = (served.here(), served.authority.clone());
        let running = mocked::start(served).await?;
        stack.ims = Some(parse(&running.ims)?);
        if options.mocks.contains(&System::Tenant) {
            stack.tenant = Some(parse(&running.tenant)?);
        }
        // Generated values are not secret: they are printed before the redactor learns them.
        output.err_data(&self.text(&running, given.is_none()));
        if given.is_none() {
            *credentials = with_made_up(credentials, &running);
        }
        options.connection.own = Some(Own {
            systems: options.mocks.clone(),
            address,
            authority: authority.map(|authority| authority.certificate().into()),
        });
        Ok(Some(running))
    }

    fn text(&self, running: &Stack, made_up: bool) -> String {
        let mut text = format!("IMS is a mock at {}", running.ims);
        if !running.tenant.is_empty() {
            let _ = write!(text, ", the tenant is one at {}", running.tenant);
        }
        text += ".\nThe Author must be configured for ";
        text += if running.tenant.is_empty() { "it" } else { "both" };
        if made_up {
            let value = |name: &str| running.credentials().get(name).map_or("", String::as_str);
            let [id, secret, scope, org] = CREDENTIAL.map(value);
            let _ = write!(
                text,
                ", with the API key {id}, the client secret {secret}, the scopes {scope} and the \
                organization {org}, which are made up"
            );
        }
        if let Some(directory) = &self.serve.ca_dir {
            let _ = write!(text, ", and must trust the authority in {}", directory.join(CERTIFICATE).display());
        }
        text + ".\n"
    }
}

fn parse(address: &str) -> Result<Url, Error> {
    Url::parse(address).map_err(|error| Error::Internal(format!("{address}: {error}")))
}

fn with_made_up(given: &Credentials, running: &Stack) -> Credentials {
    let given = ALL.iter().filter_map(|named| Some((named.name.to_owned(), given.get(named.name)?.to_owned())));
    let made_up =
        CREDENTIAL.iter().filter_map(|name| Some(((*name).to_owned(), running.credentials().get(name)?.clone())));
    Credentials::new(given.chain(made_up)).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mocks(ims: &str, tenant: &str) -> Result<usize, String> {
        let whose = |text: &str| text.parse::<SystemChoice>().expect("it is right");
        let arguments = HybridArgs { ims: whose(ims), tenant: whose(tenant), ..HybridArgs::default() };
        arguments.mocks().map(|mocks| mocks.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        assert_eq!(mocks("real", "real"), Ok(0));
        assert_eq!(mocks("mock", "real"), Ok(1));
        assert_eq!(mocks("mock", "mock"), Ok(2));
        assert_eq!(mocks("mock@https://a:1", "mock@https://b.a:2"), Ok(2));
        assert!(mocks("real", "mock").is_err_and(|problem| problem.contains("add --ims mock")));
        assert!(mocks("mock", "mock@https://b.a:2").is_err_and(|problem| problem.contains("both")));
        for wrong in ["https://ims", "mock@", "mocked"] {
            assert!(wrong.parse::<SystemChoice>().is_err(), "{wrong}");
        }
    }
}
