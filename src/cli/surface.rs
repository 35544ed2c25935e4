//! The flags of `bpconform surface`.

use std::path::PathBuf;

use bpconform_fixtures::Evidence;
use clap::{Args, Subcommand, ValueEnum};

use crate::cli::target::TargetArgs;

/// `bpconform surface`
#[derive(Clone, Debug, Subcommand)]
pub enum SurfaceCommand {
    /// Print each endpoint, how well it is known, and where that is known from
    Show(SurfaceShowArgs),
    /// Recognise the documented actions in what a browser recorded, and write them as a file for --surfaces
    Learn(LearnArgs),
    /// Ask a live Author, by reads only, which of the known candidates answer
    Probe(Box<ProbeArgs>),
}

/// `bpconform surface show`
#[derive(Clone, Debug, Args)]
pub struct SurfaceShowArgs {
    /// What is shown, and how.
    #[command(flatten)]
    pub show: ShowArgs,
    /// A file of surfaces that is laid over the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
}

/// `bpconform surface learn`
#[derive(Clone, Debug, Args)]
pub struct LearnArgs {
    /// A HAR file: what the browser's network tab saved while you did the documented steps
    #[arg(long, value_name = "FILE", required_unless_present = "curl")]
    pub har: Vec<PathBuf>,
    /// A file of commands that the browser copied as cURL (bash)
    #[arg(long, value_name = "FILE", required_unless_present = "har")]
    pub curl: Vec<PathBuf>,
    /// Write the surfaces into this file in place of the standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `bpconform surface probe`
#[derive(Clone, Debug, Args)]
pub struct ProbeArgs {
    /// The Author.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Write what was found into this file, which --surfaces takes
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `bpconform surface show`
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Only these surfaces; the beginning of an id is enough
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Only surfaces that are known so well
    #[arg(long, value_enum, value_name = "EVIDENCE")]
    pub evidence: Vec<EvidenceFilter>,
    /// How to print them
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: SurfaceFormat,
}

/// How well a surface is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EvidenceFilter {
    /// Seen in a cited source
    Verified,
    /// Follows from a cited source
    Inferred,
    /// Captured on a real instance
    Learned,
    /// Found nowhere
    Unknown,
}

/// How to print surfaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SurfaceFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object, by id
    Json,
    /// A file that --surfaces takes
    Toml,
}

impl From<EvidenceFilter> for Evidence {
    fn from(known: EvidenceFilter) -> Self {
        match known {
            EvidenceFilter::Verified => Self::Verified,
            EvidenceFilter::Inferred => Self::Inferred,
            EvidenceFilter::Learned => Self::Learned,
            EvidenceFilter::Unknown => Self::Unknown,
        }
    }
}
