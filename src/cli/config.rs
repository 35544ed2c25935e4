//! The flags of `bpconform config`.

use clap::{Args, Subcommand};

/// `bpconform config`
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting, with secrets masked
    Show(Box<ConfigShowArgs>),
}

/// `bpconform config show`: takes the flags of all settings, so that what they would do can be seen.
#[derive(Clone, Debug, Args)]
pub struct ConfigShowArgs {
    /// Print where each value comes from
    #[arg(long)]
    pub origin: bool,
}
