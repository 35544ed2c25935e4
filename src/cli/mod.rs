//! The command line as plain values. Flags are only parsed here; the commands decide what they mean.

pub mod baseline;
pub mod browser;
pub mod clean;
pub mod config;
pub mod connection;
pub mod container;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod gate;
pub mod hybrid;
pub mod init;
pub mod list;
pub mod merge;
pub mod mock;
pub mod rehearse;
pub mod report;
pub mod run;
pub mod select;
pub mod selftest;
pub mod serve;
pub mod settings;
pub mod state;
pub mod surface;
pub mod target;
pub mod values;

use std::path::PathBuf;
use std::sync::LazyLock;

use bpconform_steps::credentials::{ALL, Named};
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand};

use regex::Regex;

use crate::cli::baseline::BaselineArgs;
use crate::cli::clean::CleanArgs;
use crate::cli::config::ConfigCommand;
use crate::cli::diff::DiffArgs;
use crate::cli::doctor::DoctorArgs;
use crate::cli::explain::ExplainArgs;
use crate::cli::init::InitArgs;
use crate::cli::list::ListArgs;
use crate::cli::merge::MergeArgs;
use crate::cli::mock::MockArgs;
use crate::cli::rehearse::RehearseArgs;
use crate::cli::report::ReportArgs;
use crate::cli::run::RunArgs;
use crate::cli::selftest::SelftestArgs;
use crate::cli::settings::Setting;
use crate::cli::surface::SurfaceCommand;
use crate::report::style::Color;

/// Checks, step by step, that Adobe AEM Assets and Brand Portal are configured as Adobe's documentation says.
#[derive(Clone, Debug, Parser)]
#[command(name = "bpconform", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes:\n  0    conforms, or no deviation found\n  \
    1    does not conform\n  2    wrong usage or configuration\n  3    inconclusive: the target was not reached, \
    or not judged\n  4    nothing, or less than required, was proved\n  5    differs from the baseline\n  6    internal error\n  7    clean-up \
    incomplete\n  130  interrupted")]
pub struct Cli {
    /// The flags of all commands.
    #[command(flatten)]
    pub common: CommonArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The flags of all commands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "General")]
pub struct CommonArgs {
    /// When to color the output; NO_COLOR turns colors off, too
    #[arg(long, value_name = "WHEN", value_parser = values::color(), default_value = "auto", global = true)]
    pub color: Color,
    /// Print more; twice: each HTTP exchange; three times: the logs of the libraries
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Print only what did not pass, and the summary
    #[arg(short, long, conflicts_with = "verbose", global = true)]
    pub quiet: bool,
    /// The configuration file [default: bpconform.toml in the working directory, if it exists]
    #[arg(long, value_name = "FILE", global = true, env = "BPCONFORM_CONFIG")]
    pub config: Option<PathBuf>,
    /// The profile of the configuration file: its table [target.NAME]
    #[arg(long, value_name = "NAME", global = true, env = "BPCONFORM_PROFILE")]
    pub profile: Option<String>,
    /// Also mask the values of fields, properties and headers whose name matches this pattern; can be repeated
    #[arg(id = "redact_name", long = "redact-name", value_name = "REGEX", value_parser = values::regex, global = true,
        env = "BPCONFORM_REDACT_NAME")]
    pub redact_names: Vec<Regex>,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Check a target against the documentation
    Run(Box<RunArgs>),
    /// List the scenarios, or the requirements and their scenarios
    List(ListArgs),
    /// Explain one requirement: where it is documented, how it is checked, what to do when it fails
    Explain(ExplainArgs),
    /// Serve mocks of Author, IMS, Developer Console and tenant until Ctrl-C
    Mock(Box<MockArgs>),
    /// Show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show the endpoints of an Author, learn them from a capture, or probe them
    #[command(subcommand)]
    Surface(SurfaceCommand),
    /// Prove that every check can fail: run the features against mocks with each known defect
    Selftest(SelftestArgs),
    /// Report what is wrong with an Author, what it means and what to do; only reads
    Doctor(Box<DoctorArgs>),
    /// Undo the changes that a run could not undo itself, from the journal that it left; or remove its containers
    Clean(Box<CleanArgs>),
    /// Render a record in any report format
    Report(ReportArgs),
    /// Merge the records of all shards of a run
    Merge(MergeArgs),
    /// Compare two records: what was fixed, what broke, what changed
    Diff(DiffArgs),
    /// Rehearse an upgrade: check an old Author in a container, then a new one with its data, and compare them
    Rehearse(Box<RehearseArgs>),
    /// Write a file of expected verdicts from a record
    Baseline(BaselineArgs),
    /// Write a configuration file for an Author: ask for missing values, and check that the Author is reached; only reads
    Init(Box<InitArgs>),
    /// Print the manual page of the program or of one command, or write all of them
    Man(ManArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `bpconform man`
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The command, for example `run` or `surface drift`; without it, the program
    #[arg(value_name = "COMMAND")]
    pub names: Vec<String>,
    /// Write the pages of the program and of all commands into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "names")]
    pub out: Option<PathBuf>,
}

/// The definition of the command line, for the parser, the help and the completions. It is made once: a fleet parses the
/// arguments of each environment.
pub fn command() -> clap::Command {
    DEFINED.0.clone()
}

/// The command line, and its settings. To define the arguments again for them would take as long as to parse a command line.
static DEFINED: LazyLock<(clap::Command, Vec<Setting>)> = LazyLock::new(|| {
    let command = Cli::command();
    let settings = settings::of(&command);
    (defined(command, &settings), settings)
});

fn defined(command: clap::Command, settings: &[Setting]) -> clap::Command {
    let settings = settings.iter().map(|setting| setting.arg.clone());
    let settings: Vec<clap::Arg> = settings.filter(|arg| !arg.is_global_set()).collect();
    // These commands have a fixed target and permission level, so the flags would have no effect.
    let looks =
        |command: clap::Command| command.mut_arg("target", |arg| arg.hide(true)).mut_arg("allow", |arg| arg.hide(true));
    let command = command.mut_subcommand("doctor", looks).mut_subcommand("clean", looks).mut_subcommand("init", looks);
    // A rehearsal is one of containers.
    let of_containers = |arg: clap::Arg| arg.hide(true);
    let command = command.mut_subcommand("rehearse", |rehearse| {
        const NOT: [&str; 12] = [
            "target",
            "author_url",
            "dry_run",
            "fleet",
            "fleet_jobs",
            "shard",
            "baseline",
            "reports",
            "journal",
            "defects",
            "variations",
            "jitter",
        ];
        NOT.into_iter().fold(rehearse, |rehearse, id| rehearse.mut_arg(id, of_containers))
    });
    let command = command
        .mut_subcommand("surface", |surface| surface.mut_subcommand("probe", looks).mut_subcommand("learn", looks));
    let needs = |command: clap::Command| command.after_long_help(credentials());
    let command = ["run", "doctor", "clean", "rehearse", "init"]
        .into_iter()
        .fold(command, |it, name| it.mut_subcommand(name, needs));
    command.mut_subcommand("config", |config| config.mut_subcommand("show", |show| show.args(settings)))
}

/// The list of credentials. They come from the environment or from a private file, never from a flag.
fn credentials() -> String {
    let widest = ALL.iter().map(|credential| credential.name.len()).max().unwrap_or_default();
    let line = |credential: &Named| format!("\n  {:widest$}  {}", credential.name, credential.what);
    let lines: String = ALL.iter().map(line).collect();
    format!("Credentials, as variables of the environment or lines NAME=VALUE of --credentials FILE:{lines}")
}
