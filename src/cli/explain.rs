//! The arguments of `bpconform explain`.

use clap::Args;

/// `bpconform explain`
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The id of the requirement, for example BP-REP-03; `list --requirements` prints all
    #[arg(value_name = "ID")]
    pub requirement: String,
}
