//! The flags that say which systems beside a real Author are mocks.

use std::str::FromStr;

use clap::Args;
use url::Url;

use crate::cli::serve::ServeArgs;
use crate::cli::values::base_url;

/// Which systems are mocks.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Mocks")]
pub struct HybridArgs {
    /// Whose IMS it is: real; mock, which the run serves; or mock@URL, which `bpconform mock` serves there
    #[arg(long, value_name = "WHOSE", default_value = "real", env = "BPCONFORM_IMS")]
    pub ims: SystemChoice,
    /// Whose tenant it is, likewise; a mocked tenant believes a mocked IMS only
    #[arg(long, value_name = "WHOSE", default_value = "real", env = "BPCONFORM_TENANT")]
    pub tenant: SystemChoice,
    /// How the run serves them.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Whose a system is.
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
