//! From the command line to the exit code.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bpconform_fixtures::{Allow, Requirements, Surfaces};
use bpconform_steps::session::Settings;
use bpconform_steps::stack::Stack;
use bpconform_steps::wire::Limits;
use clap::FromArgMatches as _;
use clap::parser::ValueSource;

use crate::cli::{self, Cli, Command, Select, TargetArgs, TargetKind};
use crate::error::Error;
use crate::exit::Exit;
use crate::features::{Features, Known};
use crate::output::Output;
use crate::plan::Selection;
use crate::report::style::Styles;
use crate::report::terminal::{Detail, Terminal};
use crate::run::{Options, Target};
use crate::{environment, list, mock, report};

/// Does what the command line asks for.
pub fn main() -> Exit {
    let began = Instant::now();
    let matches = match cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Green };
        }
    };
    let output = Output::default();
    let result = Cli::from_arg_matches(&matches)
        .map_err(|error| Error::Internal(error.to_string()))
        .and_then(|cli| command(&cli, &matches, &output, began));
    result.unwrap_or_else(|error| {
        output.err(&format!("error: {error}\n"));
        Exit::from(&error)
    })
}

fn command(cli: &Cli, matches: &clap::ArgMatches, output: &Output, began: Instant) -> Result<Exit, Error> {
    output.log(cli.common.verbose);
    let variables = environment::variables()?;
    environment::unknown(&variables).iter().for_each(|message| output.err(&format!("warning: {message}\n")));
    let styles = Styles::for_stdout(cli.common.color);
    match &cli.command {
        Command::Run(run) => {
            if let Some((_, matches)) = matches.subcommand() {
                addresses_need_a_target(&run.target, matches)?;
            }
            runtime()?.block_on(self::run(run, &cli.common, &variables, output, began))
        }
        Command::List(list) => {
            let (features, selection) = (features(&list.select)?, selection(&list.select)?);
            output.out(&if list.coverage {
                list::coverage(&features.cases, &selection, styles)
            } else {
                list::scenarios(&features.cases, &selection, styles)
            });
            Ok(Exit::Green)
        }
        Command::Mock(mock) => runtime()?.block_on(mock::serve(mock, output)),
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

async fn run(
    run: &cli::Run,
    common: &cli::Common,
    variables: &BTreeMap<String, String>,
    output: &Output,
    began: Instant,
) -> Result<Exit, Error> {
    let options = options(run, variables, output, began)?;
    let features = features(&run.select)?;
    let detail = match (common.quiet, common.verbose) {
        (true, _) => Detail::Quiet,
        (false, 0) => Detail::Usual,
        (false, _) => Detail::Verbose,
    };
    let mut terminal = Terminal::new(Styles::for_stdout(common.color), detail);
    if run.how.dry_run {
        output.out(&terminal.plan(&options.dry_plan(&features)));
        return Ok(Exit::Green);
    }
    if let Some(directory) = &run.how.out {
        // Before the run, so that a run of an hour is not lost to a directory that cannot be written.
        std::fs::create_dir_all(directory).map_err(|source| Error::Write { file: directory.clone(), source })?;
    }
    let (teller, told) = (output.clone(), terminal.clone());
    let mut told = told;
    let record = crate::run::run(&options, &features, move |scenario| teller.out(&told.scenario(scenario))).await?;
    if let Some(directory) = &run.how.out {
        record.write(&directory.join("run.json"), |text| output.redactor.redact(text))?;
        report::junit::write(&record, &directory.join("junit.xml"), |text| output.redactor.redact(text))?;
    }
    output.out(&terminal.end(&record));
    Ok(record.outcome.exit())
}

fn options(
    run: &cli::Run,
    variables: &BTreeMap<String, String>,
    output: &Output,
    began: Instant,
) -> Result<Options, Error> {
    let target = target(&run.target, variables)?;
    let embedded = matches!(target, Target::Mock);
    let allow = run.target.allow.unwrap_or(if embedded { Allow::Change } else { Allow::Observe });
    let usual_jobs = match (embedded, allow) {
        (true, _) => 8,
        (false, Allow::Change) => 1,
        (false, _) => 4,
    };
    let latest = run.target.latest_service_pack.clone();
    Ok(Options {
        began,
        target,
        allow,
        selection: selection(&run.select)?,
        jobs: run.how.jobs.map_or(usual_jobs, usize::from),
        timeout: run.how.timeout,
        limits: Limits { request: run.how.request_timeout, ..Limits::default() },
        settings: Settings {
            latest_service_pack: latest.or_else(|| embedded.then(mock::latest_service_pack).flatten()),
            ..Settings::default()
        },
        surfaces: surfaces(&run.select)?,
        redactor: output.redactor.clone(),
    })
}

fn target(target: &TargetArgs, variables: &BTreeMap<String, String>) -> Result<Target, Error> {
    if target.target == TargetKind::Mock {
        return Ok(Target::Mock);
    }
    let Some(author) = target.author_url.clone() else {
        let advice = "say --author-url URL or set BPCONFORM_AUTHOR_URL".to_owned();
        return Err(Error::Missing { what: "address of the Author", advice });
    };
    let credentials = environment::credentials(variables, target.credentials.as_deref())?;
    for name in ["BPCONFORM_AUTHOR_USER", "BPCONFORM_AUTHOR_PASSWORD"] {
        if credentials.get(name).is_none() {
            let advice = format!("set {name}, or write it into a file and say --credentials FILE");
            let what = if name.ends_with("USER") { "user of the Author" } else { "password of the Author's user" };
            return Err(Error::Missing { what, advice });
        }
    }
    let stack = Stack {
        author,
        ims: target.ims_url.clone(),
        console: target.console_url.clone(),
        tenant: target.tenant_url.clone(),
        control: None,
    };
    Ok(Target::Author(stack, credentials))
}
