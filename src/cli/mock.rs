//! The flags of `bpconform mock`.

use std::path::PathBuf;

use bpconform_fixtures::{Product, System};
use clap::{Args, ValueEnum};
use url::Url;

use crate::cli::serve::ServeArgs;
use crate::cli::values::{base_url, fault, named_product, seed, system};

/// `bpconform mock`
#[derive(Clone, Debug, Args)]
pub struct MockArgs {
    /// The state in which the Author starts
    #[arg(id = "mock_seed", long = "seed", value_name = "SEED", default_value = crate::features::USUAL_AUTHOR, value_parser = seed(),
        env = "BPCONFORM_MOCK_SEED")]
    pub seed: String,
    /// A seed of your own in place of --seed: a TOML file, which may extend a built-in one (`extends = "base"`)
    #[arg(long, value_name = "FILE", conflicts_with = "mock_seed")]
    pub seed_file: Option<PathBuf>,
    /// The product of the Author
    #[arg(id = "mock_product", long = "product", value_name = "PRODUCT", value_parser = named_product(), default_value = "aem-6.5")]
    pub product: Product,
    /// Serve only these systems [default: all without an address in --ims-url or --tenant-url]
    #[arg(long, value_name = "SYSTEMS", value_parser = system(), value_delimiter = ',')]
    pub serve: Vec<System>,
    /// Use this IMS: the Author is configured for it, and the tenant validates tokens there
    #[arg(id = "elsewhere_ims", long = "ims-url", value_name = "URL", value_parser = base_url)]
    pub ims_url: Option<Url>,
    /// Use this tenant: the Author is configured for it
    #[arg(id = "elsewhere_tenant", long = "tenant-url", value_name = "URL", value_parser = base_url)]
    pub tenant_url: Option<Url>,
    /// Further certificate authorities that the Author and the tenant trust (PEM)
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// Serve over TLS, with certificates of a new, temporary authority; see also --ca-dir
    #[arg(long)]
    pub tls: bool,
    /// Port of the Author; 0 selects a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_AUTHOR_PORT")]
    pub author_port: u16,
    /// Port of the Developer Console; 0 selects a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_CONSOLE_PORT")]
    pub console_port: u16,
    /// How it is served.
    #[command(flatten)]
    pub how: ServeArgs,
    /// Port of the control, which reports what is served (GET /__bpconform/stack) and restarts the stack in another state
    /// (POST /__bpconform/stack, seed=SEED); 0 selects a free one
    #[arg(long, value_name = "PORT", env = "BPCONFORM_CONTROL_PORT")]
    pub control_port: Option<u16>,
    /// Do not serve: check that all systems of the mocks whose control is at --control-port answer
    #[arg(long, requires = "control_port")]
    pub check: bool,
    /// Print the addresses, including the control's, the credentials and, with TLS, the certificate of the authority as one
    /// JSON object
    #[arg(long)]
    pub json: bool,
    /// Serve the mocks with this defect, see `bpconform selftest`; can be repeated
    #[arg(
        id = "mock_defects",
        long = "defect",
        value_name = "ID",
        value_delimiter = ',',
        env = "BPCONFORM_MOCK_DEFECTS"
    )]
    pub defects: Vec<String>,
    /// Serve the mocks with this variation, see `bpconform selftest --variations`; can be repeated
    #[arg(
        id = "mock_variations",
        long = "variation",
        value_name = "ID",
        value_delimiter = ',',
        env = "BPCONFORM_MOCK_VARIATIONS"
    )]
    pub variations: Vec<String>,
    /// Answer every request to the Author with this fault
    #[arg(long, value_name = "FAULT", value_parser = fault())]
    pub wire: Option<String>,
    /// Delay each answer by up to 0.3 seconds, repeatable for each random seed
    #[arg(id = "mock_jitter", long = "jitter", value_name = "SEED", env = "BPCONFORM_MOCK_JITTER")]
    pub jitter: Option<u64>,
    /// A file of endpoints that override the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
    /// How the pages of the Author look: plain forms, like AEM 6.5 (Coral 3), or built with Adobe's component library
    /// (spectrum, which needs --ui-assets). The pages of the last two are in the language of the user's preferences, otherwise
    /// in that of the browser: English or German
    #[arg(long, value_name = "SKIN", value_enum, default_value_t, env = "BPCONFORM_MOCK_UI_SKIN")]
    pub ui_skin: SkinKind,
    /// The directory of the unpacked npm package @adobe/coral-spectrum, for --ui-skin spectrum
    #[arg(long, value_name = "DIR", env = "BPCONFORM_MOCK_UI_ASSETS")]
    pub ui_assets: Option<PathBuf>,
}

/// How the pages of the Author look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SkinKind {
    /// Forms without scripts.
    #[default]
    Plain,
    /// Elements with the roles and names of Coral 3 in AEM 6.5.
    Coral3,
    /// Elements of Adobe's open-source component library.
    Spectrum,
}
