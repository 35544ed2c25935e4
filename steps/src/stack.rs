//! The addresses of the four systems of a target.

use bpconform_fixtures::System;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::problem::{Checked, Problem};
use crate::resolver::is_localhost;

/// The addresses of a target. A system that was not named cannot be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stack {
    /// The Author, with its context path if it has one.
    pub author: Url,
    /// IMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ims: Option<Url>,
    /// The Developer Console's API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<Url>,
    /// The Brand Portal tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Url>,
    /// The mocks' controls; only an embedded stack has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Url>,
}

impl Stack {
    /// The base address of a system, or why it is missing.
    pub fn base(&self, system: System) -> Checked<&Url> {
        let (base, flag) = match system {
            System::Author => return Ok(&self.author),
            System::Ims => (&self.ims, "--ims-url"),
            System::Console => (&self.console, "--console-url"),
            System::Tenant => (&self.tenant, "--tenant-url"),
            System::Control => (&self.control, ""),
        };
        base.as_ref().ok_or_else(|| match system {
            System::Control => {
                Problem::skipped("this needs a clock that can be advanced; only the embedded mocks have one")
            }
            _ => Problem::skipped(format!("no address of the {} was given: set {flag} URL", system.name())),
        })
    }

    /// The tenant's id: the first label of its host (surfaces.md §3.5).
    pub fn tenant_id(&self) -> Checked<String> {
        let tenant = self.base(System::Tenant)?;
        match tenant.host() {
            Some(Host::Domain(host)) => Ok(host.split('.').next().unwrap_or(host).to_owned()),
            _ => Err(Problem::failed(format!(
                "{tenant} is not a tenant URL: its host has no tenant id as its first label"
            ))),
        }
    }

    /// Whether a base is a stand-in on this machine, for which HTTPS and Adobe's domain cannot be asked.
    pub fn is_stand_in(base: &Url) -> bool {
        match base.host() {
            Some(Host::Domain(host)) => is_localhost(host),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}
