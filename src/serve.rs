//! Mocks that other machines can reach: the settings that `bpconform mock` and a run with mocked systems share, and the
//! certificate authority, which is kept, so that an Author has to trust it only once.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use bpconform_mocks::authority::Authority;
use bpconform_mocks::stack::{Ports, StackOptions};

use crate::cli::serve::ServeArgs;
use crate::environment;
use crate::error::Error;

/// The certificate of an authority that is kept: what others are to trust.
pub const CERTIFICATE: &str = "ca.pem";

/// Its private key.
const KEY: &str = "ca.key.pem";

/// More than a certificate or a key has, in bytes.
const LARGEST: u64 = 64 * 1024;

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

/// The authority of a directory, which is created if it is missing.
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
