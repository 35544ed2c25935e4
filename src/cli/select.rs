//! The flags that say which features are read, and which of their scenarios are meant.

use std::path::PathBuf;

use clap::Args;
use regex::Regex;

/// Which features, and which of their scenarios.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// Only scenarios whose tags satisfy this, for example '@BP-REP-03 and not @change'
    #[arg(long, value_name = "EXPR")]
    pub tags: Option<String>,
    /// Only scenarios whose name matches
    #[arg(long, value_name = "REGEX")]
    pub name: Option<Regex>,
    /// Only scenarios that prove this requirement; may be said several times
    #[arg(long = "requirement", value_name = "ID")]
    pub requirements: Vec<String>,
    /// Features from the .feature files of a directory in place of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub features: Option<PathBuf>,
    /// A file of surfaces that is laid over the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
}
