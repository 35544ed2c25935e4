//! The flags of `bpconform list`.

use bpconform_fixtures::Product;
use clap::{Args, ValueEnum};

use crate::cli::select::SelectArgs;
use crate::cli::values::named_product;

/// `bpconform list`
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Print the requirements, with the number of their scenarios and what those need
    #[arg(long = "requirements")]
    pub coverage: bool,
    /// Only what holds for this product; requirements of others are listed as not applicable
    #[arg(long, value_name = "PRODUCT", value_parser = named_product())]
    pub product: Option<Product>,
    /// The output format of the requirements
    #[arg(long, value_enum, default_value_t, requires = "coverage")]
    pub format: ListFormat,
    /// Which scenarios.
    #[command(flatten)]
    pub select: SelectArgs,
}

/// The output format of what is read by people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For a terminal.
    #[default]
    Text,
    /// Markdown.
    Markdown,
}
