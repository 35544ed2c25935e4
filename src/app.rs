//! From the command line to the exit code.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bpconform_fixtures::{Requirements, Surfaces};
use clap::FromArgMatches as _;
use clap::parser::ValueSource;

use crate::cli::{self, Cli, Command, Select, TargetArgs, TargetKind};
use crate::config::{self, Configured, Failure};
use crate::error::Error;
use crate::exit::Exit;
use crate::features::Features;
use crate::fleet::{self, Fleet};
use crate::hybrid::Whose;
use crate::output::Output;
use crate::plan::Selection;
use crate::reach::Place;
use crate::record::ScenarioRecord;
use crate::report::style::Styles;
use crate::run::Options;
use crate::tags::Vocabulary;
use crate::{check, clean, doctor, environment, evaluate, explain, learn, list, mock, reach, rehearse, selftest};

/// Does what the command line asks for.
pub fn main() -> Exit {
    let began = Instant::now();
    let output = Output::default();
    output.tell_panics();
    std::panic::catch_unwind(AssertUnwindSafe(|| act(&output, began))).unwrap_or_else(|panic| {
        output.tell_panic(&*panic);
        Exit::Internal
    })
}

fn act(output: &Output, began: Instant) -> Exit {
    let configured = match Configured::read(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(configured) => Ok(configured),
        Err(Failure::CommandLine(error)) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Green };
        }
        Err(Failure::Configuration(error)) => Err(error),
    };
    let result = configured.and_then(|configured| {
        let cli = Cli::from_arg_matches(&configured.matches).map_err(|error| Error::Internal(error.to_string()))?;
        command(&cli, &configured, output, began)
    });
    result.unwrap_or_else(|error| {
        output.err(&format!("error: {error}\n"));
        Exit::from(&error)
    })
}

fn command(cli: &Cli, configured: &Configured, output: &Output, began: Instant) -> Result<Exit, Error> {
    output.log(cli.common.verbose);
    let variables = environment::variables()?;
    for message in environment::unknown(&variables) {
        output.err(&format!("warning: {message}\n"));
    }
    let styles = Styles::for_stdout(cli.common.color);
    let place = Place { configured, variables: &variables };
    match &cli.command {
        Command::Run(run) if run.how.fleet.is_some() => {
            fleet_has_its_own_targets(configured)?;
            runtime()?.block_on(fleet(&run.how, cli.common.quiet, output))
        }
        Command::Run(run) => {
            flags_need_a_target(&run.target, configured.command())?;
            mocks_need_a_target(run, configured.command())?;
            mocks_are_meant(run, configured)?;
            runtime()?.block_on(check::run(run, &cli.common, place, output, began))
        }
        Command::List(list) => {
            let (features, selection) = (features(&list.select)?, selection(&list.select)?);
            output.out(&match (list.coverage, list.format) {
                (true, cli::ListFormat::Markdown) => list::coverage_markdown(&features.cases, &selection),
                (true, cli::ListFormat::Text) => list::coverage(&features.cases, &selection, styles),
                (false, _) => list::scenarios(&features.cases, &selection, styles),
            });
            Ok(Exit::Green)
        }
        Command::Explain(args) => runtime()?.block_on(explain(&args.requirement, styles, output, began)),
        Command::Config(cli::Config::Show(show)) => {
            configured.headers_are_no_secrets()?;
            output.out(&config::show::text(configured, &variables, show.origin));
            Ok(Exit::Green)
        }
        Command::Doctor(doctor) => runtime()?.block_on(doctor::command(doctor, &cli.common, place, output)),
        Command::Clean(args) => runtime()?.block_on(clean::command(args, place, output)),
        Command::Rehearse(args) => runtime()?.block_on(rehearse::command(args, &cli.common, place, output, began)),
        Command::Surface(surface) => runtime()?.block_on(learn::command::run(surface, place, output)),
        Command::Mock(mock) => runtime()?.block_on(mock::serve(mock, &variables, output)),
        Command::Selftest(args) => selftest::command(args, output, began),
        Command::Report(args) => evaluate::report(args, output),
        Command::Merge(args) => evaluate::merge(args, styles, output),
        Command::Diff(args) => evaluate::diff(args, output),
        Command::Baseline(args) => evaluate::baseline(args, output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli::command(), "bpconform", &mut script);
            output.out(&String::from_utf8_lossy(&script));
            Ok(Exit::Green)
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Internal(format!("no runtime: {error}")))
}

/// The settings that say which systems are checked.
const TARGETS: [&str; 8] =
    ["target", "author_url", "author_image", "ims_url", "tenant_url", "console_url", "ims", "tenant"];

/// Without a word the embedded mocks are checked. Who names a real system anywhere, or a profile, has said a word, and would
/// take their verdict for that of the real one.
fn mocks_are_meant(run: &cli::Run, configured: &Configured) -> Result<(), Error> {
    if run.target.target != TargetKind::Mock || configured.is_given("target") {
        return Ok(());
    }
    let advice = "the embedded mocks would be checked instead: say --target author or --target container, or --target \
        mock if they are meant";
    if let Some(id) = TARGETS.into_iter().find(|id| configured.is_given(id)) {
        return Err(Error::Usage(format!("{id} is set ({}), and {advice}", configured.origin_of(id))));
    }
    match &configured.profile {
        Some(profile) => {
            Err(Error::Usage(format!("the profile {profile} names no author_url and no target; {advice}")))
        }
        None => Ok(()),
    }
}

/// What comes before a profile would be the same for all environments, whatever their profiles say.
fn fleet_has_its_own_targets(configured: &Configured) -> Result<(), Error> {
    match TARGETS.into_iter().find(|id| configured.is_said(id)) {
        Some(id) => Err(Error::Usage(format!(
            "{id} is set ({}), and would be the same for every environment of the fleet: leave it out, and write it into \
            their profiles",
            configured.origin_of(id)
        ))),
        None => Ok(()),
    }
}

/// What is said of a target that is not this one would make a person believe that it was checked.
fn flags_need_a_target(target: &TargetArgs, matches: &clap::ArgMatches) -> Result<(), Error> {
    let said = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let flag = |id: &str| id.replace('_', "-");
    let of_container = ["author_image", "container_port", "publish", "container_env", "mount", "start_timeout"];
    if let Some(id) = of_container.iter().find(|id| target.target != TargetKind::Container && said(id)) {
        return Err(Error::Usage(format!("--{} means nothing without --target container", flag(id))));
    }
    let of_author: &[&str] = match target.target {
        TargetKind::Mock => &[
            "author_url",
            "ims_url",
            "tenant_url",
            "console_url",
            "credentials",
            "ca_file",
            "client_cert",
            "client_key",
            "insecure",
            "proxy",
            "headers",
        ],
        TargetKind::Container => &["author_url"],
        TargetKind::Author => &[],
    };
    match (of_author.iter().find(|id| said(id)), target.target) {
        (Some(id), TargetKind::Mock) => {
            Err(Error::Usage(format!("--{} means nothing to the embedded mocks; add --target author", flag(id))))
        }
        (Some(_), _) => {
            Err(Error::Usage("--author-url means nothing to a container, which is given its address".into()))
        }
        (None, _) => Ok(()),
    }
}

/// How a run serves mocks to a real Author.
const SERVING: [&str; 6] = ["tenant_id", "advertise", "bind", "ims_port", "tenant_port", "ca_dir"];

/// What serves no mock, or would serve it in vain.
fn mocks_need_a_target(run: &cli::Run, matches: &clap::ArgMatches) -> Result<(), Error> {
    let said = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let flag = |id: &str| id.replace('_', "-");
    if run.target.target == TargetKind::Mock {
        return match ["ims", "tenant"].iter().chain(&SERVING).find(|id| said(id)) {
            Some(id) => Err(Error::Usage(format!(
                "--{} means nothing to the embedded mocks, which are all mocks; add --target author",
                flag(id)
            ))),
            None => Ok(()),
        };
    }
    let mocks = run.hybrid.mocks()?;
    if let Some(id) = ["ims", "tenant"]
        .into_iter()
        .find(|id| mocks.iter().any(|system| system.word() == *id) && said(&format!("{id}_url").as_str()))
    {
        return Err(Error::Usage(format!("--{id}-url is of the real one, and --{id} says that it is a mock")));
    }
    match SERVING.iter().find(|id| run.hybrid.ims != Whose::Mock && said(id)) {
        Some(id) => Err(Error::Usage(format!("--{} is for mocks that the run serves; add --ims mock", flag(id)))),
        None => Ok(()),
    }
}

pub(crate) fn surfaces(select: &Select) -> Result<Arc<Surfaces>, Error> {
    reach::surfaces(select.surfaces.as_deref()).map(Arc::new)
}

pub(crate) fn features(select: &Select) -> Result<Features, Error> {
    Features::read(select.features.as_deref(), Vocabulary::built_in())
}

pub(crate) fn selection(select: &Select) -> Result<Selection, Error> {
    Selection::new(select.tags.as_deref(), select.name.clone(), select.requirements.clone())
}

/// Plays the scenarios of the promise on the embedded mocks, to tell what they really ask.
async fn explain(id: &str, styles: Styles, output: &Output, began: Instant) -> Result<Exit, Error> {
    let id = id.to_uppercase();
    let selection = Selection::new(None, None, vec![id.clone()])?;
    let features = Features::built_in()?;
    let options = Options { selection, ..Options::embedded(output.redactor.clone(), began) };
    let played = crate::run::run(&options, &features, |_: &ScenarioRecord| {}).await?;
    let requirement = Requirements::built_in().get(&id).ok_or_else(|| Error::Internal(format!("{id} is gone")))?;
    output.out(&explain::text(requirement, &features, &played, styles));
    Ok(Exit::Green)
}

async fn fleet(how: &cli::How, quiet: bool, output: &Output) -> Result<Exit, Error> {
    let (Some(file), Some(out)) = (how.fleet.clone(), how.out.clone()) else {
        return Err(Error::Usage("--fleet needs --out DIR for the records".into()));
    };
    let fleet = Fleet { file, out, jobs: usize::from(how.fleet_jobs), timeout: how.timeout, quiet };
    fleet::run(&fleet, output).await
}
