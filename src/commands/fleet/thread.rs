//! Checks an environment in a thread of this process. Shared data (features, expressions, endpoints, the file of profiles)
//! is prepared once. Each environment has its own session, secrets, journal, time limit, record and output. A thread that
//! panics or hangs does not affect the others.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use clap::FromArgMatches as _;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::subscriber::NoSubscriber;

use crate::cli::{Cli, Command};
use crate::commands::fleet::overview::EnvironmentResult;
use crate::commands::fleet::{Environment, TO_END, killed, problem_of};
use crate::commands::run;
use crate::config::file::ConfigFile;
use crate::config::{ConfigFailure, Configured};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::reach::SettingSources;
use crate::record::Record;

/// The stack of a thread, in bytes: as large as that of a process, of which only what is used takes memory.
const STACK: usize = 8 * 1024 * 1024;

/// What the threads of all environments have in common.
pub(super) struct Threads {
    pub(super) file: Arc<ConfigFile>,
    pub(super) variables: Arc<BTreeMap<String, String>>,
}

impl Threads {
    /// Checks one environment. Its run ends by itself at its time limit; a thread that does not is given up.
    pub(super) async fn check(&self, environment: &Environment) -> EnvironmentResult {
        let (one, file, variables) = (environment.clone(), Arc::clone(&self.file), Arc::clone(&self.variables));
        let handle = Handle::current();
        let work = move || handle.block_on(check(&one, &file, &variables));
        in_thread(environment, environment.limit + TO_END, work).await
    }
}

/// Does the work of an environment in a thread. It is given up after that time, and a panic is a result.
async fn in_thread(
    environment: &Environment,
    limit: Duration,
    work: impl FnOnce() -> EnvironmentResult + Send + 'static,
) -> EnvironmentResult {
    let (sender, receiver) = oneshot::channel();
    let one = environment.clone();
    let thread = std::thread::Builder::new().name(environment.name.clone()).stack_size(STACK).spawn(move || {
        // The logs of libraries are dropped here, since only the redactor of this run knows its secrets.
        let _silent = tracing::subscriber::set_default(NoSubscriber::default());
        let found = std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
            one.without(Exit::Internal, format!("internal error: {}", text.unwrap_or("a panic without a text")))
        });
        let _ = sender.send(found);
    });
    if let Err(error) = thread {
        return environment.without(Exit::Internal, format!("it could not be started: {error}"));
    }
    match tokio::time::timeout(limit, receiver).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => environment.without(Exit::Internal, "it ended without a result".into()),
        Err(_) => environment.without(Exit::Internal, killed(limit, &environment.out)),
    }
}

async fn check(
    environment: &Environment,
    file: &Arc<ConfigFile>,
    variables: &BTreeMap<String, String>,
) -> EnvironmentResult {
    let output = Output::captured();
    let outcome = run(environment, file, variables, &output).await;
    let name = environment.name.clone();
    match outcome {
        Ok(record) => {
            let exit = record.outcome.exit().code();
            EnvironmentResult { name, exit, problem: None, record: Some(record.for_overview()) }
        }
        Err(error) => {
            output.err(&format!("error: {error}\n"));
            EnvironmentResult {
                name,
                exit: Exit::from(&error).code(),
                problem: problem_of(&output.said()),
                record: None,
            }
        }
    }
}

async fn run(
    environment: &Environment,
    file: &Arc<ConfigFile>,
    variables: &BTreeMap<String, String>,
    output: &Output,
) -> Result<Record, Error> {
    let configured = Configured::of_profile(&environment.arguments, file, Some(&environment.name));
    let configured = configured.map_err(|failure| match failure {
        ConfigFailure::Configuration(error) => error,
        ConfigFailure::CommandLine(error) => {
            let text = error.render().to_string();
            Error::Usage(text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned())
        }
    })?;
    let cli = Cli::from_arg_matches(&configured.matches).map_err(|error| Error::Internal(error.to_string()))?;
    let Command::Run(args) = &cli.command else { return Err(Error::Internal("a fleet checks by `run` only".into())) };
    output.redactor.add_names(cli.common.redact_names.clone());
    run::environment(args, &cli.common, SettingSources { configured: &configured, variables }, output).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Environment {
        let (out, arguments) = (std::path::PathBuf::from(name), Vec::new());
        Environment { name: name.to_owned(), limit: Duration::from_secs(60), out, is_apart: false, arguments }
    }

    #[tokio::test]
    async fn a_panic_and_a_hang_leave_the_others_alone() {
        let names = ["panics", "hangs", "ends"].map(environment);
        let [panics, hangs, ends] = &names;
        let usual = ends.without(Exit::Green, String::new());
        // It waits until the test is over.
        let (over, waits) = std::sync::mpsc::channel::<()>();
        let (late, second) = (usual.clone(), Duration::from_secs(1));
        let (panicked, hung, ended) = tokio::join!(
            in_thread(panics, Duration::from_secs(60), || panic!("a bug")),
            in_thread(hangs, second, move || {
                let _ = waits.recv();
                late
            }),
            in_thread(ends, Duration::from_secs(60), move || usual),
        );
        drop(over);
        assert_eq!((panicked.exit, panicked.problem.as_deref()), (6, Some("internal error: a bug")));
        assert_eq!(hung.problem.as_deref(), Some("it did not end within 1 s, and was given up"));
        assert_eq!((ended.name.as_str(), ended.exit), ("ends", 0));
    }
}
