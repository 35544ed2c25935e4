//! The flags of `bpconform rehearse`.

use clap::Args;

use crate::cli::container::ContainerArgs;
use crate::cli::hybrid::HybridArgs;
use crate::cli::run::RunFlags;
use crate::cli::select::SelectArgs;
use crate::cli::target::TargetArgs;

/// `bpconform rehearse`
#[derive(Clone, Debug, Args)]
pub struct RehearseArgs {
    /// The image of the old Author
    #[arg(long, value_name = "IMAGE")]
    pub from: String,
    /// The image of the new Author
    #[arg(long, value_name = "IMAGE")]
    pub to: String,
    /// The directory in the container that the new Author takes over from the old one, for example
    /// /opt/aem/crx-quickstart; it is a temporary volume [default: the volumes that the image of --from declares]
    #[arg(long = "keep", value_name = "PATH")]
    pub keep: Vec<String>,
    /// How both are reached.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How both are started.
    #[command(flatten)]
    pub start: ContainerArgs,
    /// The systems that are mocks.
    #[command(flatten)]
    pub hybrid: HybridArgs,
    /// The selection of scenarios.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How the runs are carried out.
    #[command(flatten)]
    pub how: RunFlags,
}
