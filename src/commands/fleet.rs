//! `bpconform run --fleet`: checks many Authors at once. Each profile of a configuration file is an environment. They are
//! checked independently, so that one that hangs or fails does not affect the others. Each has its own record, and the
//! overview is rendered from the records.

mod overview;
mod process;
mod thread;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::{Semaphore, watch};

use crate::cli::container::START;
use crate::cli::run::RunFlags;
use crate::cli::values::{minutes, seconds};
use crate::commands::fleet::overview::{EnvironmentResult, Overview};
use crate::commands::fleet::process::Processes;
use crate::commands::fleet::thread::Threads;
use crate::commands::run::flags::TARGETS;
use crate::config::file::{ConfigFile, FileEntry};
use crate::config::{self, Configured};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::publish;
use crate::record_file;
use crate::run::undo::{self, JOURNAL};
use crate::signals;

/// Flags of a run that are the fleet's own, and not those of one environment; each takes a value.
const OWN: [&str; 6] = ["--fleet", "--out", "--fleet-jobs", "--config", "--profile", "--rerun"];

/// Those that take none.
const OWN_SWITCH: &str = "--isolate";

/// Flags for the amount of output, which the fleet controls for its environments.
const OUTPUT: [&str; 2] = ["--quiet", "--verbose"];

/// How many environments are checked at once in this process: most of the time they wait.
const TOGETHER: usize = 16;

/// How many processes there are at once.
const PROCESSES: usize = 4;

/// An environment that takes longer waits for its Author: meanwhile another one begins.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most environments that are under way, whatever they wait for: memory stays bounded.
const MOST: usize = 256;

/// How long a run may exceed its limit before it is asked to end, so that it can undo its changes and write its
/// record.
const GRACE: Duration = Duration::from_secs(120);

/// How long it may take then until it is killed: if it were killed while it undoes, an Author would be half restored.
const TO_END: Duration = undo::LIMIT.saturating_add(GRACE);

/// The options of a fleet.
#[derive(Clone, Debug)]
struct Fleet {
    /// The configuration file whose profiles are the environments.
    file: PathBuf,
    /// Where the records and the overview go.
    out: PathBuf,
    /// Where those of an earlier run are.
    rerun: Option<PathBuf>,
    /// How many environments are checked at once; unset, that depends on how.
    jobs: Option<usize>,
    /// Whether each environment gets its own process.
    isolates: bool,
    /// The limit for each run, where its profile gives none.
    timeout: Duration,
    /// Whether only the overview is printed, without a line for each environment.
    quiet: bool,
}

/// An environment to check.
#[derive(Clone, Debug)]
struct Environment {
    /// The name, which is that of its directory, too.
    name: String,
    /// How long its run may take.
    limit: Duration,
    /// Where its record goes.
    out: PathBuf,
    /// Whether it needs a separate process.
    is_apart: bool,
    /// The command line of its run.
    arguments: Vec<OsString>,
}

impl Environment {
    /// The result of an environment without a record.
    fn without(&self, exit: Exit, problem: String) -> EnvironmentResult {
        EnvironmentResult { name: self.name.clone(), exit: exit.code(), problem: Some(problem), record: None }
    }
}

/// How environments are checked.
struct Checks {
    threads: Threads,
    processes: Processes,
    /// Limits those that are checked at once.
    slots: Arc<Semaphore>,
    process_slots: Semaphore,
    /// Whether a slow environment makes room for another one.
    lends: bool,
    asked: watch::Receiver<usize>,
}

impl Checks {
    async fn check(&self, environment: &Environment) -> EnvironmentResult {
        let begun = || (*self.asked.borrow() == 0).then_some(());
        let interrupted =
            || environment.without(Exit::Interrupted, "not checked: the fleet was interrupted before".into());
        if environment.is_apart {
            let _slot = self.process_slots.acquire().await;
            return if begun().is_some() { self.processes.check(environment).await } else { interrupted() };
        }
        let slot = self.slots.acquire().await;
        if begun().is_none() {
            return interrupted();
        }
        let mut found = std::pin::pin!(self.threads.check(environment));
        if self.lends {
            if let Ok(found) = tokio::time::timeout(PATIENCE, &mut found).await {
                return found;
            }
            drop(slot);
        }
        found.await
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

/// `bpconform run --fleet`
pub async fn command(how: &RunFlags, quiet: bool, configured: &Configured, output: &Output) -> Result<Exit, Error> {
    fleet_has_its_own_targets(configured)?;
    let (Some(file), Some(out)) = (how.fleet.clone(), how.out.clone()) else {
        return Err(Error::Usage("--fleet needs --out DIR for the records".into()));
    };
    let (jobs, isolates) = (how.fleet_jobs.map(usize::from), how.isolate);
    let rerun = how.rerun.clone();
    if let Some(earlier) = rerun.as_ref().filter(|earlier| !earlier.is_dir()) {
        return Err(Error::Usage(format!("--rerun {}: it is not the --out of an earlier fleet", earlier.display())));
    }
    if rerun.as_ref().is_some_and(|earlier| record_file::is_same_place(&out, earlier)) {
        let problem =
            "--rerun and --out name the same directory: the earlier records would be lost; name another --out";
        return Err(Error::Usage(problem.into()));
    }
    run(&Fleet { file, out, rerun, jobs, isolates, timeout: how.timeout, quiet }, output).await
}

/// Checks all environments of a file in parallel, and renders the overview. Each environment's record goes into a
/// directory of its name below `out`.
async fn run(fleet: &Fleet, output: &Output) -> Result<Exit, Error> {
    let file = Arc::new(ConfigFile::read(&fleet.file)?);
    config::check_all(&file)?;
    let environments = environments(fleet, &file)?;
    std::fs::create_dir_all(&fleet.out).map_err(|source| Error::Write { file: fleet.out.clone(), source })?;
    let asked = asked_to_end();
    let program = std::env::current_exe().map_err(|error| Error::Internal(format!("its own program: {error}")))?;
    let checks = Checks {
        threads: Threads { file, variables: Arc::new(crate::environment::variables()?) },
        processes: Processes { program, asked: asked.clone() },
        slots: Arc::new(Semaphore::new(fleet.jobs.unwrap_or(TOGETHER))),
        process_slots: Semaphore::new(fleet.jobs.unwrap_or(PROCESSES)),
        // Somebody who says 1 wants one after another.
        lends: fleet.jobs != Some(1),
        asked,
    };
    let checks = &checks;
    let one = |environment: Environment| async move {
        let found = checks.check(&environment).await;
        if !fleet.quiet {
            output.print_text(&format!("{}\n", overview::line(&found)));
        }
        found
    };
    let names: Vec<String> = environments.iter().map(|one| one.name.clone()).collect();
    let mut found: Vec<EnvironmentResult> =
        futures::stream::iter(environments.into_iter().map(one)).buffer_unordered(MOST).collect().await;
    let places: BTreeMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
    found.sort_by_key(|one| places.get(one.name.as_str()).copied());
    let overview = Overview::of(&found);
    write(&fleet.out.join("fleet.html"), &output.redactor.redact_known(&overview.html()?))?;
    write(&fleet.out.join("fleet.txt"), &output.redactor.redact_known(&overview.text()))?;
    publish::step_summary(&overview.markdown(), output)?;
    output.print_text(&overview.text());
    // The runs have replaced it: cucumber silences panics while it runs.
    output.report_panics();
    Ok(overview.exit())
}

/// Counts how often the process was asked to end.
fn asked_to_end() -> watch::Receiver<usize> {
    let (count, asked) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            signals::asked_to_end().await;
            count.send_modify(|times| *times += 1);
        }
    });
    asked
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(file, text).map_err(|source| Error::Write { file: file.to_owned(), source })
}

/// The environments of the file, each with its command line, and how long the run of each may take.
fn environments(fleet: &Fleet, config: &ConfigFile) -> Result<Vec<Environment>, Error> {
    let file = fleet.file.display();
    let names: Vec<&str> = config.profiles().collect();
    if names.is_empty() {
        return Err(Error::Usage(format!("{file}: it contains no environment; write [target.NAME]")));
    }
    if let Some(name) = names.iter().find(|name| !is_directory_name(name)) {
        let advice = "cannot be the name of a directory; use letters, digits, - and _";
        return Err(Error::Usage(format!("{file}: {name} {advice}")));
    }
    let shared = common(std::env::args_os());
    let environment = |name: &str| {
        let given = config.given(Some(name)).unwrap_or_default();
        let out = fleet.out.join(name);
        Environment {
            name: name.to_owned(),
            limit: limit(fleet, &given),
            // The clean-up of a container knows it by its process, and mocks that a run serves are that run's.
            is_apart: fleet.isolates || ["target", "ims", "tenant"].iter().any(|key| is_served(&given, key)),
            arguments: arguments(&shared, fleet, name, &out),
            out,
        }
    };
    Ok(names.into_iter().map(environment).collect())
}

fn text<'a>(given: &'a BTreeMap<String, FileEntry>, key: &str) -> Option<&'a String> {
    given.get(key)?.texts.first()
}

/// Whether a run of the profile serves a system itself.
fn is_served(given: &BTreeMap<String, FileEntry>, key: &str) -> bool {
    text(given, key).is_some_and(|value| value == "container" || value == "mock" && key != "target")
}

fn limit(fleet: &Fleet, given: &BTreeMap<String, FileEntry>) -> Duration {
    let run = text(given, "timeout").and_then(|text| seconds(text).ok()).unwrap_or(fleet.timeout);
    // A container is started before the run begins.
    let contained = text(given, "target").is_some_and(|target| target == "container");
    let start = text(given, "start_timeout").map_or(START, String::as_str);
    let start = minutes(start).ok().filter(|_| contained).unwrap_or_default();
    run + GRACE + start
}

/// The command line of the run of one environment, beginning with the program.
fn arguments(shared: &[OsString], fleet: &Fleet, name: &str, out: &Path) -> Vec<OsString> {
    let mut html = OsString::from("html=");
    html.push(out.join("report.html"));
    let own: [OsString; 9] = [
        "--config".into(),
        fleet.file.clone().into(),
        "--profile".into(),
        name.into(),
        "--quiet".into(),
        "--report".into(),
        html,
        "--out".into(),
        out.into(),
    ];
    // An environment that was not checked before is checked as a whole.
    let earlier = fleet.rerun.as_ref().map(|earlier| earlier.join(name)).filter(|earlier| earlier.exists());
    let rerun = earlier.map(|earlier| ["--rerun".into(), earlier.into()]);
    shared.iter().cloned().chain(own).chain(rerun.into_iter().flatten()).collect()
}

fn is_directory_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

/// The arguments that all environments share.
fn common(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut shared = Vec::new();
    let mut skip = false;
    for argument in arguments {
        let text = argument.to_string_lossy();
        if std::mem::take(&mut skip) || is_about_output(&text) || text == OWN_SWITCH {
            continue;
        }
        if OWN.contains(&text.as_ref()) {
            skip = true;
        } else if !OWN.iter().any(|own| text.strip_prefix(own).is_some_and(|rest| rest.starts_with('='))) {
            shared.push(argument);
        }
    }
    shared
}

/// `--quiet`, `-v`, `-vv`.
fn is_about_output(argument: &str) -> bool {
    let short = |letters: &str| !letters.is_empty() && letters.chars().all(|letter| matches!(letter, 'q' | 'v'));
    OUTPUT.contains(&argument) || argument.strip_prefix('-').is_some_and(short)
}

/// The message about a run that did not end.
fn killed(after: Duration, out: &Path) -> String {
    let journal = out.join(JOURNAL);
    let undo = if journal.exists() {
        format!("; to undo what it changed: bpconform clean {}", out.display())
    } else {
        String::new()
    };
    format!("it did not end within {} s, and was given up{undo}", after.as_secs())
}

/// Why a run ended without a record, as it said on stderr.
fn problem_of(said: &str) -> Option<String> {
    said.lines().rfind(|line| line.starts_with("error: ")).map(|line| line[7..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_gets_the_flags_of_the_run_but_not_those_of_the_fleet() {
        let given = "run --fleet f.toml -vv --allow observe --out=x --quiet --profile=a --isolate";
        let shared = common(given.split(' ').map(OsString::from));
        assert_eq!(shared, ["run", "--allow", "observe"]);
    }
}
