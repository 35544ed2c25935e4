//! The flags that say which features are read, and which of their scenarios are meant.

use std::path::PathBuf;

use clap::Args;
use regex::Regex;

/// The selection of features and scenarios.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// Only scenarios whose tags match this expression, for example '@BP-REP-03 and not @change'
    #[arg(long, value_name = "EXPR")]
    pub tags: Option<String>,
    /// Only scenarios whose name matches this regular expression
    #[arg(long, value_name = "REGEX")]
    pub name: Option<Regex>,
    /// Only scenarios that check this requirement; can be repeated
    #[arg(long = "requirement", value_name = "ID")]
    pub requirements: Vec<String>,
    /// Use the .feature files of this directory instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub features: Option<PathBuf>,
    /// A file of endpoints that override the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
}
