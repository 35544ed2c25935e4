//! The flags of `bpconform selftest`.

use clap::Args;

use crate::cli::values::fault_or_all;

/// `bpconform selftest`
#[derive(Clone, Debug, Args)]
pub struct SelftestArgs {
    /// Only this defect; may be said several times
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Break the wire in place of the promises: at every step, by this fault or by all of them
    #[arg(long, value_name = "FAULT", value_parser = fault_or_all(), conflicts_with = "defects")]
    pub wire: Vec<String>,
    /// Print the matrix as JSON
    #[arg(long)]
    pub json: bool,
}
