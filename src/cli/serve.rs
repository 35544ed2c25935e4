//! The flags that say how mocks are served to others.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use url::Host;

/// How mocks are served.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// The id of the mocked tenant, which is the first label of its host [default: bpdoc]
    #[arg(long, value_name = "ID", env = "BPCONFORM_TENANT_ID")]
    pub tenant_id: Option<String>,
    /// The host name at which an Author reaches the mocks: IMS at HOST, the tenant at <tenant-id>.HOST, or at HOST if
    /// that begins with the tenant's id
    #[arg(long, value_name = "HOST", value_parser = host, env = "BPCONFORM_ADVERTISE")]
    pub advertise: Option<String>,
    /// The address at which the mocks listen [default: 127.0.0.1; with --advertise 0.0.0.0]
    #[arg(long, value_name = "ADDRESS", env = "BPCONFORM_BIND")]
    pub bind: Option<IpAddr>,
    /// Port of the mocked IMS; 0 selects a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_IMS_PORT")]
    pub ims_port: u16,
    /// Port of the mocked tenant; 0 selects a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_TENANT_PORT")]
    pub tenant_port: u16,
    /// Serve over TLS, with certificates of the authority in this directory, which is created if missing: ca.pem is
    /// what an Author must trust, ca.key.pem is a secret
    #[arg(long, value_name = "DIR", env = "BPCONFORM_CA_DIR")]
    pub ca_dir: Option<PathBuf>,
}

fn host(text: &str) -> Result<String, String> {
    match Host::parse(text) {
        Ok(Host::Domain(name)) => Ok(name),
        Ok(Host::Ipv4(_)) => Ok(text.to_owned()),
        _ => Err("it is a host name without scheme and port, for example harness.example.com".into()),
    }
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
}
