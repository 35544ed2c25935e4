//! The flags that say how a target is reached: TLS, proxy, headers of a gateway, limits, retries.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Args};
use url::Url;

use crate::cli::values::{connections, seconds};
use bpconform_steps::wire::CONNECTIONS;

/// The connection to a target.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Also trust the certificate authorities in this file (PEM)
    #[arg(long, value_name = "FILE", env = "BPCONFORM_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Client certificate for the Author (PEM)
    #[arg(long, value_name = "FILE", env = "BPCONFORM_CLIENT_CERT")]
    pub client_cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM), readable only by you
    #[arg(long, value_name = "FILE", env = "BPCONFORM_CLIENT_KEY")]
    pub client_key: Option<PathBuf>,
    /// Do not verify the Author's certificate: anyone on the network path can read and change everything
    #[arg(long, action = ArgAction::SetTrue, env = "BPCONFORM_INSECURE")]
    pub insecure: bool,
    /// Send everything through this proxy; `none` ignores HTTPS_PROXY and uses no proxy
    #[arg(long, value_name = "URL", env = "BPCONFORM_PROXY")]
    pub proxy: Option<ProxyArg>,
    /// Send this header with every request to the Author; can be repeated, in the environment one per line. A secret
    /// header must come from the environment
    #[arg(long = "header", value_name = "NAME: VALUE", env = "BPCONFORM_HEADERS", value_delimiter = '\n',
        action = ArgAction::Append)]
    pub headers: Vec<Header>,
    /// Time limit for each request, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30",
        env = "BPCONFORM_REQUEST_TIMEOUT")]
    pub request_timeout: Duration,
    /// Time limit for each connection, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10",
        env = "BPCONFORM_CONNECT_TIMEOUT")]
    pub connect_timeout: Duration,
    /// The maximum number of simultaneous requests to a host; lower while it answers 429 or 503
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS, value_parser = connections,
        env = "BPCONFORM_CONNECTIONS")]
    pub connections: usize,
    /// How often to retry a read after a failed connection, or after 502, 503 or 504
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
            return Err("it contains a user or a password; set them in the environment: BPCONFORM_PROXY_USER, \
                BPCONFORM_PROXY_PASSWORD"
                .into());
        }
        Ok(Self::At(url))
    }
}

/// A header; its value is never printed.
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
        let (name, value) = text.split_once(':').ok_or("the colon is missing; write it like X-Gateway: value")?;
        let (name, value) = (name.trim(), value.trim());
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err("its name is not valid for a header; write it like X-Gateway: value".into());
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
    /// The value, which may be a secret.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it authenticates the run, so that its value is not allowed on a command line or in a file.
    pub fn authenticates(&self) -> bool {
        let name = self.name.to_lowercase();
        ["auth", "cookie", "token", "secret", "password", "key"].iter().any(|word| name.contains(word))
    }
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
