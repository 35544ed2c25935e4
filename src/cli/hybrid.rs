//! The flags that replace the systems around a real Author with mocks.

use std::str::FromStr;

use clap::Args;
use url::Url;

use crate::cli::serve::ServeArgs;
use crate::cli::values::base_url;

/// The systems that are mocks.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Mocks")]
pub struct HybridArgs {
    /// The IMS to use: real; mock, served by the run; or mock@URL, served there by `bpconform mock`
    #[arg(long, value_name = "MODE", default_value = "real", env = "BPCONFORM_IMS")]
    pub ims: SystemChoice,
    /// The tenant to use, with the same values; a mocked tenant needs a mocked IMS
    #[arg(long, value_name = "MODE", default_value = "real", env = "BPCONFORM_TENANT")]
    pub tenant: SystemChoice,
    /// How the run serves them.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Which implementation of a system is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SystemChoice {
    /// The real one.
    #[default]
    Real,
    /// A mock that the run serves.
    Mock,
    /// A mock that is served at this address.
    MockAt(Url),
}

impl FromStr for SystemChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "real" => Ok(Self::Real),
            "mock" => Ok(Self::Mock),
            _ => match text.strip_prefix("mock@") {
                Some(url) => base_url(url).map(Self::MockAt),
                None => Err("it is real, mock, or mock@ and the address of a mock".into()),
            },
        }
    }
}
