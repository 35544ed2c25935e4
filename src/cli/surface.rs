//! The flags of `bpconform surface`.

use std::path::PathBuf;
use std::time::Duration;

use bpconform_fixtures::Evidence;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use url::Url;

use crate::cli::target::TargetArgs;
use crate::cli::values::{base_url, seconds};

/// `bpconform surface`
#[derive(Clone, Debug, Subcommand)]
pub enum SurfaceCommand {
    /// Print each endpoint, how well it is known, and its source
    Show(SurfaceShowArgs),
    /// Recognize the documented actions in a capture of a browser, or while you perform them in one, and write a file for
    /// --surfaces
    Learn(Box<LearnArgs>),
    /// Find out at which of the known paths an Author answers; only reads
    Probe(Box<ProbeArgs>),
    /// Send the same requests to two Authors and report where the form of their answers differs
    Drift(Box<DriftArgs>),
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
#[command(
    group(ArgGroup::new("source").args(["har", "curl", "browser"]).required(true).multiple(true)),
    after_help = "With --browser, a window opens at the start page of the Author. A note in its corner shows a documented step, \
    what was recognized and what is missing. Reads are sent; what would change the Author is recorded and not sent, and \
    requests to other hosts are blocked. The recording ends when nothing is missing, with Finish in the note, when the window \
    is closed, with Ctrl-C, and at --timeout; what was recognized by then is written.\n\n\
    Exit codes: 0 something was recognized, 2 wrong usage, 3 the Author was not reached or the browser does not start, 4 nothing was \
    recognized"
)]
pub struct LearnArgs {
    /// A HAR file, saved from the network tab while you performed the documented steps
    #[arg(long, value_name = "FILE")]
    pub har: Vec<PathBuf>,
    /// A file of requests that the browser copied as cURL
    #[arg(long, value_name = "FILE")]
    pub curl: Vec<PathBuf>,
    /// Open a browser at --author-url and record the documented steps while you perform them; nothing on the Author is
    /// changed. With a path, this browser [default: the first of chromium, google-chrome, chrome and microsoft-edge that is
    /// installed]
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, conflicts_with_all = ["har", "curl"])]
    pub browser: Option<Option<PathBuf>>,
    /// Write the endpoints to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Time limit for the recording of --browser, in seconds
    #[arg(id = "recording_timeout", long = "timeout", value_name = "SECONDS", value_parser = seconds, default_value = "3600", conflicts_with_all = ["har", "curl"])]
    pub timeout: Duration,
    /// The Author.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `bpconform surface probe`
#[derive(Clone, Debug, Args)]
pub struct ProbeArgs {
    /// Write the endpoints that were found to this file, for --surfaces
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The Author.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `bpconform surface drift`
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Only the form of an answer is compared: status, media type, header names, keys and types of JSON, \
    elements of pages. With --allow change, both Authors are also changed, below a folder that is deleted at the end.\n\n\
    Credentials of B: BPCONFORM_AUTHOR_B_USER and BPCONFORM_AUTHOR_B_PASSWORD; without them, those of A.\n\n\
    Exit codes: 0 no unexplained difference, 1 unexplained differences, 3 an Author was not reached, or not all requests were compared"
)]
pub struct DriftArgs {
    /// Address of one Author, for example a mock
    #[arg(value_name = "A", value_parser = base_url)]
    pub a: Url,
    /// Address of the other
    #[arg(value_name = "B", value_parser = base_url)]
    pub b: Url,
    /// File of differences that are expected, each with its reason
    #[arg(long, value_name = "FILE")]
    pub accept: Option<PathBuf>,
    /// How to print the report
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: DriftFormat,
    /// How both are reached.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// How to print a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DriftFormat {
    /// For a terminal
    #[default]
    Text,
    /// For a merge request
    Markdown,
    /// One JSON object
    Json,
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
    /// Tables of the requests that each permission level may send
    Markdown,
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
