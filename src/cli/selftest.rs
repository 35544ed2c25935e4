//! The flags of `bpconform selftest`.

use bpconform_fixtures::Product;
use clap::Args;

use crate::cli::values::{Pairs, fault_or_all, named_product, pairs};

/// `bpconform selftest`
#[derive(Clone, Debug, Args)]
pub struct SelftestArgs {
    /// The product of the mocks
    #[arg(id = "selftest_product", long = "product", value_name = "PRODUCT", value_parser = named_product(), default_value = "aem-6.5")]
    pub product: Product,
    /// Only this defect; can be repeated
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Run the features against mocks with each known harmless difference: every verdict must stay as it is
    #[arg(long, conflicts_with = "wire")]
    pub variations: bool,
    /// Only this variation; can be repeated
    #[arg(long = "variation", value_name = "ID", conflicts_with = "wire")]
    pub only_variations: Vec<String>,
    /// Run this many pairs of a defect and a variation, or all: each defect must be found on each installation
    #[arg(long, value_name = "all|N", value_parser = pairs, conflicts_with = "wire")]
    pub pairs: Option<Pairs>,
    /// The random seed for the choice of pairs
    #[arg(long, value_name = "SEED", default_value_t = 1, requires = "pairs")]
    pub random_seed: u64,
    /// Test faults instead of defects: this one or all of them, at every step
    #[arg(long, value_name = "FAULT", value_parser = fault_or_all(), conflicts_with = "defects")]
    pub wire: Vec<String>,
    /// Print the matrix as JSON
    #[arg(long)]
    pub json: bool,
}
