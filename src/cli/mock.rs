//! The flags of `bpconform mock`.

use std::path::PathBuf;

use bpconform_fixtures::System;
use clap::Args;
use url::Url;

use crate::cli::serve::ServeArgs;
use crate::cli::values::{base_url, fault, seed, system};

/// `bpconform mock`
#[derive(Clone, Debug, Args)]
pub struct MockArgs {
    /// The state in which the Author begins
    #[arg(id = "mock_seed", long = "seed", value_name = "SEED", default_value = crate::features::USUAL_AUTHOR, value_parser = seed(),
        env = "BPCONFORM_MOCK_SEED")]
    pub seed: String,
    /// Serve only these systems [default: all that are not elsewhere]
    #[arg(long, value_name = "SYSTEMS", value_parser = system(), value_delimiter = ',')]
    pub serve: Vec<System>,
    /// IMS is elsewhere: the Author is configured for it, and the tenant believes it
    #[arg(id = "elsewhere_ims", long = "ims-url", value_name = "URL", value_parser = base_url)]
    pub ims_url: Option<Url>,
    /// The tenant is elsewhere: the Author is configured for it
    #[arg(id = "elsewhere_tenant", long = "tenant-url", value_name = "URL", value_parser = base_url)]
    pub tenant_url: Option<Url>,
    /// The certificate authorities that the Author and the tenant trust besides the system's, PEM
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// Serve over TLS, with certificates of an authority that is made for this once; see also --ca-dir
    #[arg(long)]
    pub tls: bool,
    /// Port of the Author; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_AUTHOR_PORT")]
    pub author_port: u16,
    /// Port of the Developer Console; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_CONSOLE_PORT")]
    pub console_port: u16,
    /// How it is reached.
    #[command(flatten)]
    pub how: ServeArgs,
    /// Serve a control too: it tells what is served, and lets the stack begin again in another state; 0 is a free port
    #[arg(long, value_name = "PORT", env = "BPCONFORM_CONTROL_PORT")]
    pub control_port: Option<u16>,
    /// Serve nothing: ask the mocks whose control is at --control-port whether all their systems answer
    #[arg(long, requires = "control_port")]
    pub check: bool,
    /// Print the addresses, the credentials and, with TLS, the authority's certificate as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Serve it with this defect, see `bpconform selftest`; may be said several times
    #[arg(
        id = "mock_defects",
        long = "defect",
        value_name = "ID",
        value_delimiter = ',',
        env = "BPCONFORM_MOCK_DEFECTS"
    )]
    pub defects: Vec<String>,
    /// Break the wire at every request to the Author
    #[arg(long, value_name = "FAULT", value_parser = fault())]
    pub wire: Option<String>,
    /// Take time over each answer, up to 0.3 seconds, as it follows from this number
    #[arg(id = "mock_jitter", long = "jitter", value_name = "SEED")]
    pub jitter: Option<u64>,
    /// A file of surfaces that is laid over the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
}
