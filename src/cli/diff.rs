//! The flags of `bpconform diff`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `bpconform diff`
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// The earlier record: run.json, or the directory that contains it
    pub before: PathBuf,
    /// The later record
    pub after: PathBuf,
    /// The output format
    #[arg(long, value_enum, default_value_t)]
    pub format: DiffFormat,
}

/// The output format of a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For a terminal
    #[default]
    Text,
    /// For a pull request or a ticket
    Markdown,
    /// For a machine
    Json,
}
