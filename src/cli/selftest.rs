//! The flags of `bpconform selftest`.

use clap::Args;

use crate::cli::values::fault_or_all;

/// `bpconform selftest`
#[derive(Clone, Debug, Args)]
pub struct SelftestArgs {
    /// Only this defect; can be repeated
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Test faults instead of defects: this one or all of them, at every step
    #[arg(long, value_name = "FAULT", value_parser = fault_or_all(), conflicts_with = "defects")]
    pub wire: Vec<String>,
    /// Print the matrix as JSON
    #[arg(long)]
    pub json: bool,
}
