//! The entry point: from the command line to the exit code.

use std::io::IsTerminal as _;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use bpconform_fixtures::Allow;
use clap::FromArgMatches as _;
use tokio::runtime::Runtime;

use crate::cli::browser::{LoginKind, ViaKind};
use crate::cli::config::ConfigCommand;
use crate::cli::run::RunArgs;
use crate::cli::target::TargetKind;
use crate::cli::{Cli, Command};
use crate::commands::{
    baseline, clean, completions, config, diff, doctor, explain, fleet, init, list, man, merge, mock, rehearse, report,
    run, selftest, surface,
};
use crate::config::{ConfigFailure, Configured};
use crate::environment;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::reach::SettingSources;
use crate::report::style::Styles;

/// Runs the command of the command line and returns its exit code.
pub fn main() -> Exit {
    let began = Instant::now();
    let output = Output::default();
    output.report_panics();
    std::panic::catch_unwind(AssertUnwindSafe(|| run_process(&output, began))).unwrap_or_else(|panic| {
        output.report_panic(&*panic);
        Exit::Internal
    })
}

fn run_process(output: &Output, began: Instant) -> Exit {
    let configured = match Configured::read(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(configured) => Ok(configured),
        Err(ConfigFailure::CommandLine(error)) => {
            if !error.use_stderr() {
                let _ = error.print();
                return Exit::Green;
            }
            // It quotes the command line, which may hold a password where none belongs.
            let text = error.render();
            let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            output.err(&if is_coloured { text.ansi().to_string() } else { text.to_string() });
            return Exit::Usage;
        }
        Err(ConfigFailure::Configuration(error)) => Err(error),
    };
    let result = configured.and_then(|configured| {
        let cli = Cli::from_arg_matches(&configured.matches).map_err(|error| Error::Internal(error.to_string()))?;
        run_command(&cli, &configured, output, began)
    });
    result.unwrap_or_else(|error| {
        output.err(&format!("error: {error}\n"));
        Exit::from(&error)
    })
}

fn run_command(cli: &Cli, configured: &Configured, output: &Output, began: Instant) -> Result<Exit, Error> {
    output.redactor.add_names(cli.common.redact_names.clone());
    output.log(cli.common.verbose);
    let variables = environment::variables()?;
    for message in environment::unknown(&variables) {
        output.err(&format!("warning: {message}\n"));
    }
    let styles = Styles::for_stdout(cli.common.color);
    let place = SettingSources { configured, variables: &variables };
    match &cli.command {
        Command::Run(args) if args.how.fleet.is_some() => {
            let runtime = runtime()?;
            let exit = runtime.block_on(fleet::command(&args.how, cli.common.quiet, configured, output));
            // A thread that was given up must not keep the process.
            runtime.shutdown_background();
            exit
        }
        Command::Run(args) if only_asks(args) => {
            let runtime = built(&mut tokio::runtime::Builder::new_current_thread())?;
            runtime.block_on(run::command(args, &cli.common, place, output, began))
        }
        Command::Run(args) => runtime()?.block_on(run::command(args, &cli.common, place, output, began)),
        Command::List(args) => list::command(args, styles, output),
        Command::Explain(args) => runtime()?.block_on(explain::command(args, styles, output, began)),
        Command::Config(ConfigCommand::Show(args)) => config::command(args, configured, &variables, output),
        Command::Doctor(args) => runtime()?.block_on(doctor::command(args, &cli.common, place, output)),
        Command::Clean(args) => runtime()?.block_on(clean::command(args, place, output)),
        Command::Rehearse(args) => runtime()?.block_on(rehearse::command(args, &cli.common, place, output, began)),
        Command::Surface(args) => runtime()?.block_on(surface::command(args, place, output)),
        Command::Mock(args) => runtime()?.block_on(mock::command(args, &variables, output)),
        Command::Selftest(args) => selftest::command(args, output, began),
        Command::Report(args) => report::command(args, output),
        Command::Merge(args) => merge::command(args, styles, output),
        Command::Diff(args) => diff::command(args, output),
        Command::Baseline(args) => baseline::command(args, output),
        Command::Init(args) => runtime()?.block_on(init::command(args, &cli.common, place, output)),
        Command::Man(args) => man::command(args, output),
        Command::Completions { shell } => {
            completions::command(*shell, output);
            Ok(Exit::Green)
        }
    }
}

/// Whether a run only sends reads to an Author. It waits more than it computes, and to wake another thread for each answer
/// takes a tenth of its time.
fn only_asks(run: &RunArgs) -> bool {
    let (target, browser) = (&run.target, &run.how.browser);
    target.target == TargetKind::Author
        && target.allow.is_none_or(|allow| allow == Allow::Observe)
        && browser.via == ViaKind::Http
        && browser.login != LoginKind::Manual
}

fn runtime() -> Result<Runtime, Error> {
    built(&mut tokio::runtime::Builder::new_multi_thread())
}

fn built(builder: &mut tokio::runtime::Builder) -> Result<Runtime, Error> {
    builder.enable_all().build().map_err(|error| Error::Internal(format!("the async runtime did not start: {error}")))
}
