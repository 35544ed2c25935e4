//! The connection that the settings describe: TLS, proxy, headers of a gateway, limits, retries. The files that they name
//! are read here.

use std::io::Read as _;
use std::path::Path;

use bpconform_steps::credentials::Credentials;
use bpconform_steps::wire::{Connection, Limits, Proxy};
use secrecy::SecretString;

use crate::cli::connection::{ConnectionArgs, ProxyArg};
use crate::environment;
use crate::error::Error;

/// More than any bundle of certificates has, in bytes.
const LARGEST_PEM: u64 = 4 * 1024 * 1024;

impl ConnectionArgs {
    /// The connection that these settings describe; files are read and judged here.
    pub fn connection(&self, credentials: &Credentials) -> Result<Connection, Error> {
        let headers = self.headers.iter();
        Ok(Connection {
            limits: Limits {
                request: self.request_timeout,
                connect: self.connect_timeout,
                connections: self.connections,
                ..Limits::default()
            },
            authorities: self.ca_file.as_deref().map(|file| pem(file, "--ca-file")).transpose()?,
            identity: self.identity()?,
            insecure: self.insecure,
            proxy: self.proxy(credentials),
            headers: headers.map(|header| (header.name.clone(), header.value().into())).collect(),
            retries: self.retries,
            own: None,
            only_these: false,
        })
    }

    /// The warning that stands before a run whose connection is not verified.
    pub fn warning(&self) -> Option<&'static str> {
        self.insecure.then_some(
            "WARNING: --insecure: the Author's certificate is NOT verified. Whoever is between can read the credentials \
            and change every answer. Name the certificate's authority with --ca-file instead.\n",
        )
    }

    fn identity(&self) -> Result<Option<SecretString>, Error> {
        let Some(certificate) = &self.client_cert else {
            return match &self.client_key {
                Some(_) => Err(Error::Usage("--client-key is of no use without --client-cert".into())),
                None => Ok(None),
            };
        };
        let mut both = pem(certificate, "--client-cert")?;
        let key = self.client_key.as_ref().unwrap_or(certificate);
        environment::private(key)
            .map_err(|problem| Error::Usage(format!("{}: the private key: {problem}", key.display())))?;
        if key != certificate {
            both.push(b'\n');
            both.extend(pem(key, "--client-key")?);
        }
        let no_text = |_| Error::Usage(format!("{}: this is not PEM", certificate.display()));
        Ok(Some(String::from_utf8(both).map_err(no_text)?.into()))
    }

    fn proxy(&self, credentials: &Credentials) -> Proxy {
        match &self.proxy {
            None => Proxy::Usual,
            Some(ProxyArg::None) => Proxy::None,
            Some(ProxyArg::At(url)) => {
                let value = |name| credentials.get(name).map(str::to_owned);
                let user = value("BPCONFORM_PROXY_USER");
                let password = value("BPCONFORM_PROXY_PASSWORD").unwrap_or_default();
                Proxy::At { url: url.clone(), login: user.map(|user| (user, password.into())) }
            }
        }
    }
}

/// The bytes of a file that should be PEM; `flag` names it in errors.
pub(crate) fn pem(file: &Path, flag: &str) -> Result<Vec<u8>, Error> {
    let wrong = |problem: String| Error::Usage(format!("{flag} {}: {problem}", file.display()));
    let unreadable = |error: std::io::Error| wrong(format!("cannot be read: {error}"));
    let mut bytes = Vec::new();
    std::fs::File::open(file).map_err(unreadable)?.take(LARGEST_PEM).read_to_end(&mut bytes).map_err(unreadable)?;
    if !String::from_utf8_lossy(&bytes).contains("-----BEGIN ") {
        return Err(wrong("this is not PEM, which contains -----BEGIN CERTIFICATE-----".into()));
    }
    Ok(bytes)
}
