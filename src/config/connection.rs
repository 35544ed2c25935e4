//! How a target is reached, as flags: TLS, proxy, headers of a gateway, limits, retries. What stands here is a setting
//! like any other: it may come from a flag, the environment or the configuration file.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use bpconform_steps::credentials::Credentials;
use bpconform_steps::wire::{Connection, Limits, Proxy};
use clap::{ArgAction, Args};
use secrecy::SecretString;
use url::Url;

use crate::cli;
use crate::environment;
use crate::error::Error;

/// More than any bundle of certificates has, in bytes.
const LARGEST_PEM: u64 = 4 * 1024 * 1024;

/// How a target is reached.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Trust the certificate authorities of this file too, PEM
    #[arg(long, value_name = "FILE", env = "BPCONFORM_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Show this client certificate to the Author, PEM
    #[arg(long, value_name = "FILE", env = "BPCONFORM_CLIENT_CERT")]
    pub client_cert: Option<PathBuf>,
    /// The private key of the client certificate, PEM, that only you can read
    #[arg(long, value_name = "FILE", env = "BPCONFORM_CLIENT_KEY")]
    pub client_key: Option<PathBuf>,
    /// Do not verify the Author's certificate: whoever is between can read and change everything
    #[arg(long, action = ArgAction::SetTrue, env = "BPCONFORM_INSECURE")]
    pub insecure: bool,
    /// Send everything through this proxy; none: through no proxy, whatever HTTPS_PROXY says
    #[arg(long, value_name = "URL", env = "BPCONFORM_PROXY")]
    pub proxy: Option<ProxyArg>,
    /// Send this header with every request to the Author; may be said several times, in the environment a line each.
    /// One that is a secret is taken from the environment only
    #[arg(long = "header", value_name = "NAME: VALUE", env = "BPCONFORM_HEADERS", value_delimiter = '\n',
        action = ArgAction::Append)]
    pub headers: Vec<Header>,
    /// Limit for each request, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = cli::seconds, default_value = "30",
        env = "BPCONFORM_REQUEST_TIMEOUT")]
    pub request_timeout: Duration,
    /// Limit for making a connection, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = cli::seconds, default_value = "10",
        env = "BPCONFORM_CONNECT_TIMEOUT")]
    pub connect_timeout: Duration,
    /// How often a read is sent again that got no connection, or 502, 503, 504
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=10),
        env = "BPCONFORM_RETRIES")]
    pub retries: u32,
}

/// A proxy's address, or none.
#[derive(Clone, Debug)]
pub enum ProxyArg {
    /// No proxy.
    None,
    /// This one.
    At(Url),
}

impl FromStr for ProxyArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let url = Url::parse(text).map_err(|error| format!("{error}; write it like http://proxy.example.com:3128"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(
                "it needs a scheme http or https and a host; write it like http://proxy.example.com:3128".into()
            );
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user or a password; give them in the environment: BPCONFORM_PROXY_USER, \
                BPCONFORM_PROXY_PASSWORD"
                .into());
        }
        Ok(Self::At(url))
    }
}

/// A header; its value is never shown.
#[derive(Clone)]
pub struct Header {
    /// The name.
    pub name: String,
    value: String,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: [secret]", self.name)
    }
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("there is no colon; write it like X-Gateway: value")?;
        let (name, value) = (name.trim(), value.trim());
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err("its name is none of a header; write it like X-Gateway: value".into());
        }
        if value.chars().any(char::is_control) {
            return Err(format!("the value of {name} holds a control character"));
        }
        if ["host", "content-length", "transfer-encoding", "connection"].contains(&name.to_lowercase().as_str()) {
            return Err(format!("{name} is set by the client itself"));
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

impl Header {
    /// Whether it proves to somebody who the run is, so that its value must not stand on a command line or in a file.
    pub fn authenticates(&self) -> bool {
        let name = self.name.to_lowercase();
        ["auth", "cookie", "token", "secret", "password", "key"].iter().any(|word| name.contains(word))
    }
}

impl ConnectionArgs {
    /// The connection that these settings describe; files are read and judged here.
    pub fn connection(&self, credentials: &Credentials) -> Result<Connection, Error> {
        let headers = self.headers.iter();
        Ok(Connection {
            limits: Limits { request: self.request_timeout, connect: self.connect_timeout, ..Limits::default() },
            authorities: self.ca_file.as_deref().map(|file| pem(file, "--ca-file")).transpose()?,
            identity: self.identity()?,
            insecure: self.insecure,
            proxy: self.proxy(credentials),
            headers: headers.map(|header| (header.name.clone(), header.value.clone().into())).collect(),
            retries: self.retries,
            own: None,
            only_these: false,
        })
    }

    /// The warning that stands before a run whose connection is not verified.
    pub fn warning(&self) -> Option<&'static str> {
        self.insecure.then_some(
            "WARNING: --insecure: the Author's certificate is NOT verified. Whoever is between can read the password \
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
        let no_text = |_| Error::Usage(format!("{}: this is no PEM", certificate.display()));
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
        return Err(wrong("this is no PEM; it holds -----BEGIN CERTIFICATE-----".into()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_and_its_value_not_shown() {
        let header: Header = "X-Api-Key:  canary-1 ".parse().expect("it is right");
        assert_eq!((header.name.as_str(), header.value.as_str()), ("X-Api-Key", "canary-1"));
        assert!(header.authenticates() && !format!("{header:?}").contains("canary"));
        for wrong in ["X-Api", ": x", "A b: c", "Host: a", "X: a\u{7}"] {
            assert!(wrong.parse::<Header>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_proxy_with_a_password_in_its_address_is_refused_without_showing_it() {
        let error = "http://me:canary@proxy:1".parse::<ProxyArg>().expect_err("it holds a password");
        assert!(error.contains("BPCONFORM_PROXY_PASSWORD") && !error.contains("canary"), "{error}");
    }
}
