//! The command line as pure values: flags are only read here; what they mean to the system is decided later.

use std::path::PathBuf;
use std::time::Duration;

use bpconform_fixtures::{Allow, System};
use bpconform_mocks::faults::Fault;
use bpconform_steps::credentials::{ALL, Named};
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use regex::Regex;
use url::Url;

use crate::clean::CleanArgs;
use crate::config::connection::ConnectionArgs;
use crate::config::settings;
use crate::container::args::ContainerArgs;
use crate::doctor::DoctorArgs;
use crate::evaluate::{BaselineArgs, DiffArgs, MergeArgs, ReportArgs};
use crate::hybrid::HybridArgs;
use crate::learn;
use crate::rehearse::RehearseArgs;
use crate::report::Wanted;
use crate::serve::ServeArgs;
use crate::shard::Shard;

/// The word for all faults of the wire.
pub const EVERY_FAULT: &str = "all";

/// Proves, step by step, that Adobe AEM Assets and Brand Portal are configured as Adobe's documentation says.
#[derive(Clone, Debug, Parser)]
#[command(name = "bpconform", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes:\n  0    conforms: at least one required check ran and passed, and none failed\n  \
    1    does not conform\n  2    wrong usage or configuration\n  3    could not tell: the target was not reached, \
    or not judged\n  4    nothing was proved\n  5    differs from the baseline\n  6    internal error\n  7    clean-up \
    incomplete\n  130  interrupted")]
pub struct Cli {
    /// What is common to all commands.
    #[command(flatten)]
    pub common: Common,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What is common to all commands.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// When to colour the output; NO_COLOR is obeyed
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub color: Color,
    /// Tell more; twice: each exchange; three times: what the libraries do
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Tell only what did not pass, and the summary
    #[arg(short, long, conflicts_with = "verbose", global = true)]
    pub quiet: bool,
    /// The configuration file [default: bpconform.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", global = true, env = "BPCONFORM_CONFIG")]
    pub config: Option<PathBuf>,
    /// The profile of the configuration file: its table [target.NAME]
    #[arg(long, value_name = "NAME", global = true, env = "BPCONFORM_PROFILE")]
    pub profile: Option<String>,
}

/// When to colour the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Check a target against the documentation
    Run(Box<Run>),
    /// List the scenarios, or what covers each requirement
    List(List),
    /// Explain one promise: where it is made, how it is checked, what to do when it fails
    Explain(Explain),
    /// Serve the mocked stack until Ctrl-C
    Mock(Box<Mock>),
    /// Show the configuration
    #[command(subcommand)]
    Config(Config),
    /// Show, learn or look for the endpoints of an Author
    #[command(subcommand)]
    Surface(Surface),
    /// Prove that every check can fail: run the features against mocks with each known defect
    Selftest(Selftest),
    /// Say what is wrong with an Author, what it means and what to do; reads only
    Doctor(Box<DoctorArgs>),
    /// Undo what a run changed and could not undo itself, from the journal that it left; or sweep its containers
    Clean(Box<CleanArgs>),
    /// Draw a record that was kept, in any form
    Report(ReportArgs),
    /// Merge the records of all shards
    Merge(MergeArgs),
    /// Compare two records: what was fixed, what broke, what changed
    Diff(DiffArgs),
    /// Rehearse an upgrade: check an old Author in a container, then a new one on what it left, and compare
    Rehearse(Box<RehearseArgs>),
    /// Write a file of expected verdicts from a record
    Baseline(BaselineArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which features, and which of their scenarios.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct Select {
    /// Only scenarios whose tags satisfy this, for example '@BP-REP-03 and not @change'
    #[arg(long, value_name = "EXPR")]
    pub tags: Option<String>,
    /// Only scenarios whose name matches
    #[arg(long, value_name = "REGEX")]
    pub name: Option<Regex>,
    /// Only scenarios that prove this requirement; may be said several times
    #[arg(long = "requirement", value_name = "ID")]
    pub requirements: Vec<String>,
    /// Features from the .feature files of a directory in place of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub features: Option<PathBuf>,
    /// A file of surfaces that is laid over the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
}

/// `bpconform run`
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// What is checked, and where it is.
    #[command(flatten)]
    pub target: TargetArgs,
    /// The Author's container.
    #[command(flatten)]
    pub container: ContainedArgs,
    /// Which systems are mocks.
    #[command(flatten)]
    pub hybrid: HybridArgs,
    /// Which scenarios.
    #[command(flatten)]
    pub select: Select,
    /// How the run goes.
    #[command(flatten)]
    pub how: How,
}

/// Which image the Author's container is started from, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Container")]
pub struct ContainedArgs {
    /// With --target container, the image of the Author; there is no public one of AEM
    #[arg(long, value_name = "IMAGE", env = "BPCONFORM_AUTHOR_IMAGE")]
    pub author_image: Option<String>,
    /// How it is started.
    #[command(flatten)]
    pub start: ContainerArgs,
}

/// What is checked, and where it is.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Target")]
pub struct TargetArgs {
    /// What to check: the embedded mocks, the Author at --author-url, or one in a container of --author-image
    #[arg(long, value_enum, default_value_t, env = "BPCONFORM_TARGET")]
    pub target: TargetKind,
    /// Address of the Author, with its context path
    #[arg(long, value_name = "URL", value_parser = base_url, env = "BPCONFORM_AUTHOR_URL")]
    pub author_url: Option<Url>,
    /// Address of IMS, for example https://ims-na1.adobelogin.com
    #[arg(long, value_name = "URL", value_parser = base_url, env = "BPCONFORM_IMS_URL")]
    pub ims_url: Option<Url>,
    /// Address of the Brand Portal tenant: https://<tenant-id>.brand-portal.adobe.com
    #[arg(long, value_name = "URL", value_parser = base_url, env = "BPCONFORM_TENANT_URL")]
    pub tenant_url: Option<Url>,
    /// Address of the Developer Console's API
    #[arg(long, value_name = "URL", value_parser = base_url, env = "BPCONFORM_CONSOLE_URL")]
    pub console_url: Option<Url>,
    /// What the run may do: observe (read), probe (also ask for a token and send the test package), change (also create
    /// and delete) [default: change on the mocks, else observe]
    #[arg(long, value_name = "LEVEL", env = "BPCONFORM_ALLOW", value_parser = allow_level())]
    pub allow: Option<Allow>,
    /// File of credentials, a line NAME=VALUE each, that only you can read; the environment comes before it
    #[arg(long, value_name = "FILE", env = "BPCONFORM_CREDENTIALS")]
    pub credentials: Option<PathBuf>,
    /// The service pack that counts as the latest, for example 6.5.24.0
    #[arg(long, value_name = "VERSION", env = "BPCONFORM_LATEST_SERVICE_PACK")]
    pub latest_service_pack: Option<String>,
    /// How it is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What to check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TargetKind {
    /// The embedded mocks.
    #[default]
    Mock,
    /// An Author at an address.
    Author,
    /// An Author in a container that is started for the run and removed after it.
    Container,
}

/// How the run goes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct How {
    /// Print the plan, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How many scenarios run at once [default: 8 on the mocks, 1 under --allow change or with a mocked system, else 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// With --allow change: for the scenarios that need it, delete the Brand Portal configuration that the Author has, and
    /// put it back as it was; only on the command line
    #[arg(long)]
    pub replace_configuration: bool,
    /// With --allow change: write down here each change before it is sent, for `bpconform clean` [default: journal.jsonl
    /// in the directory of --out, else bpconform-RUN.journal in this one, removed when everything was undone]
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Try a scenario that did not pass again, so often; one that passes then is flaky, and is told as such
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=10))]
    pub retry: u8,
    /// A flaky scenario is as red as what its earlier attempts found
    #[arg(long)]
    pub strict: bool,
    /// Limit for the whole run, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "600", env = "BPCONFORM_TIMEOUT")]
    pub timeout: Duration,
    /// Write run.json and junit.xml into this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Draw a report too, for example html=report.html; may be said several times
    #[arg(long = "report", value_name = "FORMAT=PATH")]
    pub reports: Vec<Wanted>,
    /// A file of expected verdicts: fail only on what is not as it says
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Check every environment of a configuration file: each of its profiles, in a process of its own; needs --out
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with_all = ["shard", "baseline", "dry_run", "journal", "reports"])]
    pub fleet: Option<PathBuf>,
    /// How many environments of a fleet are checked at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), default_value_t = 4)]
    pub fleet_jobs: u16,
    /// Run one of several equal parts, for example 2/5; `auto` reads it from the CI system's variables
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Run against mocks with this defect, see `bpconform selftest`; may be said several times
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Let the mocks take their time over each answer, up to 0.3 seconds, as it follows from this number: a run must be
    /// green with any
    #[arg(long, value_name = "SEED")]
    pub jitter: Option<u64>,
}

/// `bpconform config`
#[derive(Clone, Debug, Subcommand)]
pub enum Config {
    /// Print every setting, secrets masked
    Show(Box<ConfigShow>),
}

/// `bpconform config show`: takes the flags of all settings, so that what they would do can be seen.
#[derive(Clone, Debug, Args)]
pub struct ConfigShow {
    /// Say for each value where it came from
    #[arg(long)]
    pub origin: bool,
}

/// `bpconform surface`
#[derive(Clone, Debug, Subcommand)]
pub enum Surface {
    /// Print each endpoint, how well it is known, and where that is known from
    Show(SurfaceShow),
    /// Recognise the documented actions in what a browser recorded, and write them as a file for --surfaces
    Learn(learn::LearnArgs),
    /// Ask a live Author, by reads only, which of the known candidates answer
    Probe(Box<learn::probe::ProbeArgs>),
}

/// `bpconform surface show`
#[derive(Clone, Debug, Args)]
pub struct SurfaceShow {
    /// What is shown, and how.
    #[command(flatten)]
    pub show: learn::show::ShowArgs,
    /// A file of surfaces that is laid over the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
}

/// `bpconform list`
#[derive(Clone, Debug, Args)]
pub struct List {
    /// Which scenarios.
    #[command(flatten)]
    pub select: Select,
    /// For each requirement, how many scenarios prove it and what they need
    #[arg(long = "requirements")]
    pub coverage: bool,
    /// How the requirements are drawn
    #[arg(long, value_enum, default_value_t, requires = "coverage")]
    pub format: ListFormat,
}

/// How a list is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For a terminal.
    #[default]
    Text,
    /// A table in Markdown.
    Markdown,
}

/// `bpconform explain`
#[derive(Clone, Debug, Args)]
pub struct Explain {
    /// The id of the promise, for example BP-REP-03; `list --requirements` shows all
    #[arg(value_name = "ID")]
    pub requirement: String,
}

/// `bpconform mock`
#[derive(Clone, Debug, Args)]
pub struct Mock {
    /// The state in which the Author begins
    #[arg(id = "mock_seed", long = "seed", value_name = "SEED", default_value = crate::features::USUAL_AUTHOR, value_parser = seed(),
        env = "BPCONFORM_MOCK_SEED")]
    pub seed: String,
    /// Serve only these systems [default: all that are not elsewhere]
    #[arg(long, value_name = "SYSTEMS", value_parser = system(), value_delimiter = ',')]
    pub serve: Vec<System>,
    /// IMS is elsewhere: the Author is configured for it, and the tenant believes it
    #[arg(id = "elsewhere_ims", long = "ims-url", value_name = "URL", value_parser = base_url)]
    pub ims_url: Option<Url>,
    /// The tenant is elsewhere: the Author is configured for it
    #[arg(id = "elsewhere_tenant", long = "tenant-url", value_name = "URL", value_parser = base_url)]
    pub tenant_url: Option<Url>,
    /// The certificate authorities that the Author and the tenant trust besides the system's, PEM
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// Serve over TLS, with certificates of an authority that is made for this once; see also --ca-dir
    #[arg(long)]
    pub tls: bool,
    /// Port of the Author; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_AUTHOR_PORT")]
    pub author_port: u16,
    /// Port of the Developer Console; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, env = "BPCONFORM_CONSOLE_PORT")]
    pub console_port: u16,
    /// How it is reached.
    #[command(flatten)]
    pub how: ServeArgs,
    /// Serve a control too: it tells what is served, and lets the stack begin again in another state; 0 is a free port
    #[arg(long, value_name = "PORT", env = "BPCONFORM_CONTROL_PORT")]
    pub control_port: Option<u16>,
    /// Serve nothing: ask the mocks whose control is at --control-port whether all their systems answer
    #[arg(long, requires = "control_port")]
    pub check: bool,
    /// Print the addresses, the credentials and, with TLS, the authority's certificate as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Serve it with this defect, see `bpconform selftest`; may be said several times
    #[arg(
        id = "mock_defects",
        long = "defect",
        value_name = "ID",
        value_delimiter = ',',
        env = "BPCONFORM_MOCK_DEFECTS"
    )]
    pub defects: Vec<String>,
    /// Break the wire at every request to the Author
    #[arg(long, value_name = "FAULT", value_parser = fault())]
    pub wire: Option<String>,
    /// Take time over each answer, up to 0.3 seconds, as it follows from this number
    #[arg(id = "mock_jitter", long = "jitter", value_name = "SEED")]
    pub jitter: Option<u64>,
    /// A file of surfaces that is laid over the built-in ones
    #[arg(long, value_name = "FILE", env = "BPCONFORM_SURFACES")]
    pub surfaces: Option<PathBuf>,
}

/// `bpconform selftest`
#[derive(Clone, Debug, Args)]
pub struct Selftest {
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

/// The definition of the command line: parser, help and completions come from it.
pub fn command() -> clap::Command {
    let command = Cli::command();
    let settings = settings::of(&command).into_iter().map(|setting| setting.arg);
    let settings: Vec<clap::Arg> = settings.filter(|arg| !arg.is_global_set()).collect();
    // What only looks needs no level, and looks at no mocks of its own.
    let looks =
        |command: clap::Command| command.mut_arg("target", |arg| arg.hide(true)).mut_arg("allow", |arg| arg.hide(true));
    let command = command.mut_subcommand("doctor", looks).mut_subcommand("clean", looks);
    // A rehearsal is one of containers.
    let of_containers = |arg: clap::Arg| arg.hide(true);
    let command = command.mut_subcommand("rehearse", |rehearse| {
        const NOT: [&str; 11] = [
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
            "jitter",
        ];
        NOT.into_iter().fold(rehearse, |rehearse, id| rehearse.mut_arg(id, of_containers))
    });
    let command = command.mut_subcommand("surface", |surface| surface.mut_subcommand("probe", looks));
    let needs = |command: clap::Command| command.after_long_help(credentials());
    let command =
        ["run", "doctor", "clean", "rehearse"].into_iter().fold(command, |it, name| it.mut_subcommand(name, needs));
    command.mut_subcommand("config", |config| config.mut_subcommand("show", |show| show.args(settings)))
}

/// The credentials that exist: they are given in the environment, or in a file of one's own, and by no flag.
fn credentials() -> String {
    let widest = ALL.iter().map(|credential| credential.name.len()).max().unwrap_or_default();
    let line = |credential: &Named| format!("\n  {:widest$}  {}", credential.name, credential.what);
    let lines: String = ALL.iter().map(line).collect();
    format!("Credentials, as variables of the environment or lines NAME=VALUE of --credentials FILE:{lines}")
}

fn allow_level() -> impl clap::builder::TypedValueParser<Value = Allow> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(Allow::ALL.map(Allow::word)).try_map(|word| word.parse::<Allow>())
}

fn faults() -> impl Iterator<Item = PossibleValue> {
    Fault::ALL.iter().map(|fault| PossibleValue::new(fault.id).help(fault.says))
}

fn fault() -> impl clap::builder::TypedValueParser<Value = String> {
    PossibleValuesParser::new(faults())
}

fn fault_or_all() -> impl clap::builder::TypedValueParser<Value = String> {
    PossibleValuesParser::new([PossibleValue::new(EVERY_FAULT).help("every one of these")].into_iter().chain(faults()))
}

fn system() -> impl clap::builder::TypedValueParser<Value = System> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(System::ALL.map(System::word)).try_map(|word| word.parse::<System>())
}

fn seed() -> impl clap::builder::TypedValueParser<Value = String> {
    PossibleValuesParser::new(crate::mock::seeds())
}

pub(crate) fn base_url(text: &str) -> Result<Url, String> {
    let example = "write it like https://author.example.com:4502";
    let mut url = Url::parse(text).map_err(|error| format!("{error}; {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("it needs a scheme http or https and a host; {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user or a password; give them in the environment: BPCONFORM_AUTHOR_USER, \
            BPCONFORM_AUTHOR_PASSWORD"
            .into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("it has a query or a fragment; {example}"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

pub(crate) fn shard(text: &str) -> Result<Shard, String> {
    if text != "auto" {
        return text.parse();
    }
    let told = Shard::from_environment(|name| std::env::var(name).ok())?;
    told.ok_or_else(|| "no CI system says which part this is; write it like 2/5".into())
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    duration(text, "seconds", 1.0)
}

pub(crate) fn minutes(text: &str) -> Result<Duration, String> {
    duration(text, "minutes", 60.0)
}

/// A number of units of so many seconds.
fn duration(text: &str, units: &str, seconds: f64) -> Result<Duration, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0);
    let duration = number.and_then(|number| Duration::try_from_secs_f64(number * seconds).ok());
    duration.ok_or_else(|| format!("it must be a number of {units} greater than 0"))
}
