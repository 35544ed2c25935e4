//! The arguments of `bpconform explain`.

use clap::Args;

use crate::cli::list::ListFormat;

/// `bpconform explain`
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The id of the requirement, for example BP-REP-03; `list --requirements` prints all
    #[arg(value_name = "ID")]
    pub requirement: String,
    /// The output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: ListFormat,
}
