//! How mocks are served to others: the settings that `bpconform mock` and a run with mocked systems have in common, and
//! the certificate authority that is kept from one time to the next, so that an Author needs to trust it once only.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bpconform_mocks::authority::Authority;
use bpconform_mocks::stack::{Ports, StackOptions};
use clap::Args;
use url::Host;

use crate::environment;
use crate::error::Error;

/// The certificate of an authority that is kept: what others are to trust.
pub const CERTIFICATE: &str = "ca.pem";

/// Its private key.
const KEY: &str = "ca.key.pem";

/// More than a certificate or a key has, in bytes.
const LARGEST: u64 = 64 * 1024;

/// How mocks are served to others.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// The id of the mocked tenant, which is the first label of its host [default: bpdoc]
    #[arg(long, value_name = "ID", env = "BPCONFORM_TENANT_ID")]
    pub tenant_id: Option<String>,
    /// The host name by which an Author reaches the mocks: IMS at HOST, the tenant at <tenant-id>.HOST, or at HOST when
    /// that begins with the tenant's id
    #[arg(long, value_name = "HOST", value_parser = host, env = "BPCONFORM_ADVERTISE")]
    pub advertise: Option<String>,
    /// The address at which the mocks listen [default: 127.0.0.1; with --advertise 0.0.0.0]
    #[arg(long, value_name = "ADDRESS", env = "BPCONFORM_BIND")]
    pub bind: Option<IpAddr>,
    /// Port of the mocked IMS; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_IMS_PORT")]
    pub ims_port: u16,
    /// Port of the mocked tenant; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_TENANT_PORT")]
    pub tenant_port: u16,
    /// Serve over TLS, with certificates of the authority in this directory. It is made when there is none: ca.pem is what
    /// an Author must trust, ca.key.pem is a secret
    #[arg(long, value_name = "DIR", env = "BPCONFORM_CA_DIR")]
    pub ca_dir: Option<PathBuf>,
}

impl ServeArgs {
    /// Where the mocks listen.
    pub fn address(&self) -> IpAddr {
        let usual = if self.advertise.is_some() { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        self.bind.unwrap_or(usual.into())
    }

    /// The options of a stack that is served like this.
    pub fn options(&self, seed: &str) -> Result<StackOptions, Error> {
        let usual = StackOptions::new(seed);
        Ok(StackOptions {
            tenant_id: self.tenant_id.clone().unwrap_or(usual.tenant_id),
            advertise: self.advertise.clone(),
            bind: self.address(),
            ports: Ports { ims: self.ims_port, tenant: self.tenant_port, ..Ports::default() },
            authority: self.ca_dir.as_deref().map(authority).transpose()?.map(Arc::new),
            ..StackOptions::new(seed)
        })
    }
}

fn host(text: &str) -> Result<String, String> {
    match Host::parse(text) {
        Ok(Host::Domain(name)) => Ok(name),
        Ok(Host::Ipv4(_)) => Ok(text.to_owned()),
        _ => Err("it is a host name without scheme and port, for example harness.example.com".into()),
    }
}

/// The authority that is kept in a directory; one is made when there is none.
fn authority(directory: &Path) -> Result<Authority, Error> {
    let (certificate, key) = (directory.join(CERTIFICATE), directory.join(KEY));
    if !certificate.exists() && !key.exists() {
        return make(directory, &certificate, &key);
    }
    let wrong = |problem: String| {
        let directory = directory.display();
        Error::Usage(format!("--ca-dir {directory}: {problem}; name another directory to have an authority made"))
    };
    environment::private(&key).map_err(|problem| wrong(format!("{KEY}: {problem}")))?;
    let text = |file: &Path| read(file).map_err(|error| wrong(format!("{}: cannot be read: {error}", file.display())));
    Authority::from_pem(&text(&certificate)?, &text(&key)?).map_err(wrong)
}

fn make(directory: &Path, certificate: &Path, key: &Path) -> Result<Authority, Error> {
    let authority = Authority::new().map_err(Error::Internal)?;
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |source| Error::Write { file, source }
    };
    fs::create_dir_all(directory).map_err(failed(directory))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(key).and_then(|mut file| file.write_all(authority.key().as_bytes()));
    written.map_err(failed(key))?;
    fs::write(certificate, authority.certificate()).map_err(failed(certificate))?;
    Ok(authority)
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advertised_is_a_host_and_nothing_else() {
        assert_eq!(host("Harness.Example.com").as_deref(), Ok("harness.example.com"));
        assert_eq!(host("192.0.2.7").as_deref(), Ok("192.0.2.7"));
        for wrong in ["", "https://harness", "harness:8443", "a b", "[::1]"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_authority_is_made_once_and_then_kept() {
        let directory = std::env::temp_dir().join(format!("bpconform-ca-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        let made = authority(&directory).expect("it is made");
        let again = authority(&directory).expect("it is there");
        assert_eq!(again.certificate(), made.certificate());
        fs::remove_file(directory.join(CERTIFICATE)).expect("it was there");
        let problem = authority(&directory).map(drop).expect_err("half of it is gone").to_string();
        assert!(problem.contains("ca.pem: cannot be read"), "{problem}");
        fs::remove_dir_all(&directory).expect("it is ours");
    }
}
