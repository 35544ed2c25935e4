//! From the command line to the exit code.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bpconform_fixtures::{Allow, Requirements, Surfaces};
use bpconform_steps::session::Settings;
use bpconform_steps::wire::{Connection, Limits, Proxy};
use clap::FromArgMatches as _;
use clap::parser::ValueSource;

use crate::baseline::Baseline;
use crate::cli::{self, Cli, Command, Select, TargetArgs, TargetKind};
use crate::config::{self, Configured, Failure};
use crate::error::Error;
use crate::exit::Exit;
use crate::features::{Features, Known};
use crate::fleet::{self, Fleet};
use crate::hybrid::Whose;
use crate::observe::{Place, Reach};
use crate::observer::Observer;
use crate::output::Output;
use crate::plan::Selection;
use crate::record::ScenarioRecord;
use crate::report::Wanted;
use crate::report::style::Styles;
use crate::report::terminal::{Detail, Terminal};
use crate::run::undo::JOURNAL;
use crate::run::{JOBS_ON_MOCKS, Options, Target};
use crate::{clean, doctor, environment, evaluate, explain, learn, list, mock, record_file, selftest};

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
        Command::Run(run) if run.how.fleet.is_some() => runtime()?.block_on(fleet(&run.how, cli.common.quiet, output)),
        Command::Run(run) => {
            addresses_need_a_target(&run.target, configured.command())?;
            mocks_need_a_target(run, configured.command())?;
            runtime()?.block_on(self::run(run, &cli.common, &place, output, began))
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

/// An address that is not used would make a person believe that it was checked.
fn addresses_need_a_target(target: &TargetArgs, matches: &clap::ArgMatches) -> Result<(), Error> {
    let said = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let ids = ["author_url", "ims_url", "tenant_url", "console_url", "credentials"];
    match ids.into_iter().find(|id| target.target == TargetKind::Mock && said(id)) {
        Some(id) => {
            let flag = id.replace('_', "-");
            Err(Error::Usage(format!("--{flag} means nothing to the embedded mocks; add --target author")))
        }
        None => Ok(()),
    }
}

/// What serves no mock, or would serve it in vain.
fn mocks_need_a_target(run: &cli::Run, matches: &clap::ArgMatches) -> Result<(), Error> {
    let said = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let flag = |id: &str| id.replace('_', "-");
    if run.target.target == TargetKind::Mock {
        return match ["ims", "tenant"].iter().find(|id| said(id)) {
            Some(id) => Err(Error::Usage(format!(
                "--{id} means nothing to the embedded mocks, which are all mocks; add --target author"
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
    let serving = ["tenant_id", "advertise", "bind", "ims_port", "tenant_port", "ca_dir"];
    match serving.iter().find(|id| run.hybrid.ims != Whose::Mock && said(id)) {
        Some(id) => Err(Error::Usage(format!("--{} is for mocks that the run serves; add --ims mock", flag(id)))),
        None => Ok(()),
    }
}

fn surfaces(select: &Select) -> Result<Arc<Surfaces>, Error> {
    Ok(Arc::new(match &select.surfaces {
        Some(file) => Surfaces::read_over_built_in(file)?,
        None => Surfaces::built_in().clone(),
    }))
}

fn features(select: &Select) -> Result<Features, Error> {
    let known =
        Known { requirements: Requirements::built_in(), surfaces: Surfaces::built_in(), authors: &mock::seeds() };
    Features::read(select.features.as_deref(), &known)
}

fn selection(select: &Select) -> Result<Selection, Error> {
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

async fn run(
    run: &cli::Run,
    common: &cli::Common,
    place: &Place<'_>,
    output: &Output,
    began: Instant,
) -> Result<Exit, Error> {
    let mut options = options(run, place, output, began)?;
    let features = features(&run.select)?;
    let output = &output.beside_data(run.how.reports.iter().any(Wanted::is_stdout));
    let detail = match (common.quiet, common.verbose) {
        (true, _) => Detail::Quiet,
        (false, 0) => Detail::Usual,
        (false, _) => Detail::Verbose,
    };
    let mut terminal = Terminal::new(Styles::for_stdout(common.color), detail);
    if run.how.dry_run {
        output.tell(&terminal.plan(&options.dry_plan(&features)));
        return Ok(Exit::Green);
    }
    let expected = run.how.baseline.as_deref().map(Baseline::read).transpose()?;
    run.how.out.as_deref().map_or(Ok(()), record_file::clear)?;
    run.how.reports.iter().try_for_each(Wanted::make_room)?;
    let own_mocks = run.hybrid.begin(&mut options, output).await?;
    let observer = Observer::new(output.clone(), terminal.clone(), run.how.out.as_deref());
    let record = crate::run::run(&options, &features, observer.clone()).await?;
    drop(own_mocks);
    let record = record_file::redacted(record, |text| output.redactor.redact(text))?;
    observer.finish(&record)?;
    output.tell(&terminal.end(&record));
    evaluate::publish(&record, &run.how.reports, output)?;
    Ok(expected.map_or(record.outcome.exit(), |expected| evaluate::judge(&record, &expected, output)))
}

fn options(run: &cli::Run, place: &Place<'_>, output: &Output, began: Instant) -> Result<Options, Error> {
    let (target, connection) = target(&run.target, place, output)?;
    let embedded = matches!(target, Target::Mock);
    if !embedded && !run.how.defects.is_empty() {
        return Err(Error::Usage(
            "--defect is for the embedded mocks; without --target author they are checked".into(),
        ));
    }
    let allow = run.target.allow.unwrap_or(if embedded { Allow::Change } else { Allow::Observe });
    changes_need_care(run, embedded, allow)?;
    let mocks = if embedded { BTreeSet::new() } else { run.hybrid.mocks()? };
    let usual_jobs = match (embedded, allow) {
        (true, _) => JOBS_ON_MOCKS,
        (false, Allow::Change) => 1,
        (false, _) if !mocks.is_empty() => 1,
        (false, _) => 4,
    };
    if run.how.jobs.is_some_and(|jobs| jobs > 1) && !mocks.is_empty() {
        return Err(Error::Usage(
            "--jobs: what arrives at a mock is told apart by its time only, so one scenario runs at once; leave it out"
                .into(),
        ));
    }
    let latest = run.target.latest_service_pack.clone();
    Ok(Options {
        began,
        target,
        allow,
        selection: selection(&run.select)?,
        jobs: run.how.jobs.map_or(usual_jobs, usize::from),
        retries: usize::from(run.how.retry),
        strict: run.how.strict,
        timeout: run.how.timeout,
        connection,
        settings: Settings {
            latest_service_pack: latest.or_else(|| embedded.then(mock::latest_service_pack).flatten()),
            ..Settings::default()
        },
        surfaces: surfaces(&run.select)?,
        redactor: output.redactor.clone(),
        mocks,
        defects: selftest::named(&run.how.defects)?,
        shard: run.how.shard,
        name: place.configured.profile.clone(),
        replace: run.how.replace_configuration,
        journal: run.how.journal.clone().or_else(|| Some(run.how.out.as_ref()?.join(JOURNAL))),
    })
}

/// What only means something when a real Author is changed, and what would make that dangerous.
fn changes_need_care(run: &cli::Run, embedded: bool, allow: Allow) -> Result<(), Error> {
    let changes = !embedded && allow == Allow::Change;
    if !changes && (run.how.replace_configuration || run.how.journal.is_some()) {
        let flag = if run.how.replace_configuration { "--replace-configuration" } else { "--journal" };
        return Err(Error::Usage(format!("{flag} means something only with --target author --allow change")));
    }
    if changes && run.how.jobs.is_some_and(|jobs| jobs > 1) {
        return Err(Error::Usage(
            "--jobs must be 1 with --allow change: scenarios change an Author one after another".into(),
        ));
    }
    Ok(())
}

fn target(target: &TargetArgs, place: &Place<'_>, output: &Output) -> Result<(Target, Connection), Error> {
    if target.target == TargetKind::Mock {
        let limits = Limits { request: target.connection.request_timeout, ..Limits::default() };
        return Ok((Target::Mock, Connection { limits, proxy: Proxy::None, ..Connection::default() }));
    }
    let Reach { stack, credentials, connection } = Reach::author(target, *place, output)?;
    Ok((Target::Author(stack, credentials), connection))
}
