//! The flags of `bpconform surface`.

use std::path::PathBuf;

use bpconform_fixtures::Evidence;
use clap::{Args, Subcommand, ValueEnum};

use crate::cli::target::TargetArgs;

/// `bpconform surface`
#[derive(Clone, Debug, Subcommand)]
pub enum SurfaceCommand {
    /// Print each endpoint, how well it is known, and its source
    Show(SurfaceShowArgs),
    /// Recognize the documented actions in a capture of a browser, and write a file for --surfaces
    Learn(LearnArgs),
    /// Check, by reads only, at which of the known candidates an Author answers
    Probe(Box<ProbeArgs>),
}

/// `bpconform surface show`
#[derive(Clone, Debug, Args)]
pub struct SurfaceShowArgs {
    /// What to print, and how.
    #[command(flatten)]
    pub show: ShowArgs,
    /// A file of endpoints that override the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
}

/// `bpconform surface learn`
#[derive(Clone, Debug, Args)]
pub struct LearnArgs {
    /// A HAR file, saved from the network tab while you performed the documented steps
    #[arg(long, value_name = "FILE", required_unless_present = "curl")]
    pub har: Vec<PathBuf>,
    /// A file of requests that the browser copied as cURL
    #[arg(long, value_name = "FILE", required_unless_present = "har")]
    pub curl: Vec<PathBuf>,
    /// Write the endpoints to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `bpconform surface probe`
#[derive(Clone, Debug, Args)]
pub struct ProbeArgs {
    /// The Author.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Write what was found to this file, for --surfaces
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `bpconform surface show`
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Only these endpoints; the beginning of an id is enough
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Only endpoints with this evidence
    #[arg(long, value_enum, value_name = "EVIDENCE")]
    pub evidence: Vec<EvidenceFilter>,
    /// The output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: SurfaceFormat,
}

/// How well an endpoint is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EvidenceFilter {
    /// Seen in a cited source
    Verified,
    /// Follows from a cited source
    Inferred,
    /// Captured on a real instance
    Learned,
    /// No source
    Unknown,
}

/// The output format of endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SurfaceFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object, by id
    Json,
    /// A file for --surfaces
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
