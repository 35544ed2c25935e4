//! The flags that say what is checked, and where it is.

use std::path::PathBuf;
use std::time::Duration;

use bpconform_fixtures::Allow;
use clap::{Args, ValueEnum};
use url::Url;

use crate::cli::connection::ConnectionArgs;
use crate::cli::values::{ANY_PRODUCT, ProductChoice, allow_level, base_url, hours, latest_service_pack, product};

/// What is checked, and its addresses.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Target")]
pub struct TargetArgs {
    /// What to check: the embedded mocks, the Author at --author-url, or an Author in a container of --author-image
    #[arg(long, value_enum, default_value_t, env = "BPCONFORM_TARGET")]
    pub target: TargetKind,
    /// The product whose documentation applies; auto: recognized by the Author's version and agents, on the embedded mocks
    /// aem-6.5
    #[arg(long, value_name = "PRODUCT", env = "BPCONFORM_PRODUCT", value_parser = product(), default_value = ANY_PRODUCT)]
    pub product: ProductChoice,
    /// Address of the Author, with its context path
    #[arg(long, value_name = "URL", value_parser = base_url, env = "BPCONFORM_AUTHOR_URL")]
    pub author_url: Option<Url>,
    /// Address of IMS, for example https://ims-na1.adobelogin.com
    #[arg(long, value_name = "URL", value_parser = base_url, env = "BPCONFORM_IMS_URL")]
    pub ims_url: Option<Url>,
    /// Address of the Brand Portal tenant: https://<tenant-id>.brand-portal.adobe.com
    #[arg(long, value_name = "URL", value_parser = base_url, env = "BPCONFORM_TENANT_URL")]
    pub tenant_url: Option<Url>,
    /// Address of the API of the Developer Console
    #[arg(long, value_name = "URL", value_parser = base_url, env = "BPCONFORM_CONSOLE_URL")]
    pub console_url: Option<Url>,
    /// What the run may do: observe (read), probe (also request a token and send the test package), change (also create
    /// and delete) [default: change on the mocks, otherwise observe]
    #[arg(long, value_name = "LEVEL", env = "BPCONFORM_ALLOW", value_parser = allow_level())]
    pub allow: Option<Allow>,
    /// File of credentials, one NAME=VALUE per line, readable only by you; the environment overrides it
    #[arg(long, value_name = "FILE", env = "BPCONFORM_CREDENTIALS")]
    pub credentials: Option<PathBuf>,
    /// The latest service pack of a release line, for example 6.5.24.0, or 6.6=6.6.3 to name the line; can be repeated
    #[arg(long, value_name = "[LINE=]VERSION", env = "BPCONFORM_LATEST_SERVICE_PACK", value_delimiter = ',', value_parser = latest_service_pack)]
    pub latest_service_pack: Vec<String>,
    /// The maximum age of log entries that count, in hours by the Author's clock
    #[arg(long, value_name = "HOURS", value_parser = hours, default_value = "24", env = "BPCONFORM_LOG_AGE")]
    pub log_age: Duration,
    /// The connection.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What to check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TargetKind {
    /// The embedded mocks.
    #[default]
    Mock,
    /// An Author at an address.
    Author,
    /// An Author in a container that is started for the run and removed after it.
    Container,
}
