//! The flags of `bpconform list`.

use clap::{Args, ValueEnum};

use crate::cli::select::SelectArgs;

/// `bpconform list`
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Which scenarios.
    #[command(flatten)]
    pub select: SelectArgs,
    /// For each requirement, how many scenarios prove it and what they need
    #[arg(long = "requirements")]
    pub coverage: bool,
    /// How the requirements are drawn
    #[arg(long, value_enum, default_value_t, requires = "coverage")]
    pub format: ListFormat,
}

/// How a list is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For a terminal.
    #[default]
    Text,
    /// A table in Markdown.
    Markdown,
}
