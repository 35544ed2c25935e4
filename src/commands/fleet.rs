//! Many Authors at once: each profile of a configuration file is an environment, and is checked by a separate process,
//! so that one that hangs or dies takes no other along. Each writes its own record; the overview is rendered from them.

mod overview;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::process::Command;
use tokio::sync::watch;

use crate::cli::container::START;
use crate::cli::run::RunFlags;
use crate::cli::values::{minutes, seconds};
use crate::commands::fleet::overview::{EnvironmentResult, Overview};
use crate::commands::run::flags::TARGETS;
use crate::config::Configured;
use crate::config::file::ConfigFile;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::publish;
use crate::record_file;
use crate::run::undo::{self, JOURNAL};
use crate::signals;

/// Flags of a run that are the fleet's own, and not those of one environment; each takes a value.
const OWN: [&str; 5] = ["--fleet", "--out", "--fleet-jobs", "--config", "--profile"];

/// Flags for the amount of output, which the fleet controls for its environments.
const TELLING: [&str; 2] = ["--quiet", "--verbose"];

/// What a process may take beyond the limit of its run before it is asked to end: to put back what a scenario changed, and to
/// write its record.
const GRACE: Duration = Duration::from_secs(120);

/// What it may take then until it is killed: killed while it undoes, it would leave an Author half put back.
const TO_END: Duration = undo::LIMIT.saturating_add(GRACE);

/// The options of a fleet.
#[derive(Clone, Debug)]
struct Fleet {
    /// The configuration file whose profiles are the environments.
    file: PathBuf,
    /// Where the records and the overview go.
    out: PathBuf,
    /// How many environments are checked at once.
    jobs: usize,
    /// The limit for each run, where its profile gives none.
    timeout: Duration,
    /// Whether only the overview is printed, without a line for each environment.
    quiet: bool,
}

/// How each environment is checked.
struct EnvironmentCheck {
    program: PathBuf,
    arguments: Vec<OsString>,
    file: PathBuf,
    asked: watch::Receiver<usize>,
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
    let fleet = Fleet { file, out, jobs: usize::from(how.fleet_jobs), timeout: how.timeout, quiet };
    run(&fleet, output).await
}

/// Checks all environments of a file in parallel, and renders the overview. Each environment's record goes into a
/// directory of its name below `out`.
async fn run(fleet: &Fleet, output: &Output) -> Result<Exit, Error> {
    let environments = environments(fleet)?;
    std::fs::create_dir_all(&fleet.out).map_err(|source| Error::Write { file: fleet.out.clone(), source })?;
    let check = EnvironmentCheck {
        program: std::env::current_exe().map_err(|error| Error::Internal(format!("its own program: {error}")))?,
        arguments: common(std::env::args_os().skip(1)),
        file: fleet.file.clone(),
        asked: asked_to_end(),
    };
    let check = &check;
    let one = |(name, limit): &(String, Duration)| {
        let (name, limit, out) = (name.clone(), *limit, fleet.out.join(name));
        async move {
            let found = check.environment(name, limit, out).await;
            if !fleet.quiet {
                output.print_text(&format!("{}\n", overview::line(&found)));
            }
            found
        }
    };
    let mut found: Vec<EnvironmentResult> =
        futures::stream::iter(environments.iter().map(one)).buffer_unordered(fleet.jobs).collect().await;
    found.sort_by_key(|one| environments.iter().position(|(name, _)| *name == one.name));
    let overview = Overview::of(&found);
    write(&fleet.out.join("fleet.html"), &output.redactor.redact_known(&overview.html()?))?;
    write(&fleet.out.join("fleet.txt"), &output.redactor.redact_known(&overview.text()))?;
    publish::step_summary(&overview.markdown(), output)?;
    output.print_text(&overview.text());
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

/// The names of the environments, each of which is that of a directory too, and how long the run of each may take.
fn environments(fleet: &Fleet) -> Result<Vec<(String, Duration)>, Error> {
    let file = fleet.file.display();
    let config = ConfigFile::read(&fleet.file)?;
    let names: Vec<String> = config.profiles().map(str::to_owned).collect();
    if names.is_empty() {
        return Err(Error::Usage(format!("{file}: it contains no environment; write [target.NAME]")));
    }
    if let Some(name) = names.iter().find(|name| !is_directory_name(name)) {
        let advice = "cannot be the name of a directory; use letters, digits, - and _";
        return Err(Error::Usage(format!("{file}: {name} {advice}")));
    }
    let limit = |name: &str| {
        let given = config.given(Some(name)).unwrap_or_default();
        let text = |key: &str| given.get(key).and_then(|entry| entry.texts.first());
        let run = text("timeout").and_then(|text| seconds(text).ok()).unwrap_or(fleet.timeout);
        // A container is started before the run begins.
        let contained = text("target").is_some_and(|target| target == "container");
        let start = text("start_timeout").map_or(START, String::as_str);
        let start = minutes(start).ok().filter(|_| contained).unwrap_or_default();
        run + GRACE + start
    };
    let environments = names.into_iter().map(|name| (limit(&name), name));
    Ok(environments.map(|(limit, name)| (name, limit)).collect())
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
        if std::mem::take(&mut skip) || tells(&text) {
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
fn tells(argument: &str) -> bool {
    let short = |letters: &str| !letters.is_empty() && letters.chars().all(|letter| matches!(letter, 'q' | 'v'));
    TELLING.contains(&argument) || argument.strip_prefix('-').is_some_and(short)
}

impl EnvironmentCheck {
    /// Checks one environment in a separate process, which is asked to end when the fleet is, and waited for.
    async fn environment(&self, name: String, limit: Duration, out: PathBuf) -> EnvironmentResult {
        let without = |exit: Exit, problem: String| {
            let name = name.clone();
            EnvironmentResult { name, exit: exit.code(), problem: Some(problem), record: None }
        };
        let mut asked = self.asked.clone();
        if *asked.borrow_and_update() > 0 {
            return without(Exit::Interrupted, "not checked: the fleet was interrupted before".into());
        }
        let child = match self.command(&name, &out).spawn() {
            Ok(child) => child,
            Err(error) => return without(Exit::Internal, format!("it could not be started: {error}")),
        };
        let id = child.id();
        let mut ended = std::pin::pin!(child.wait_with_output());
        let mut patience = std::pin::pin!(tokio::time::sleep(limit));
        let mut late = false;
        let ended = loop {
            tokio::select! {
                ended = &mut ended => break Some(ended),
                // As often as the fleet is asked: a run that is asked twice does not wait until all is undone.
                Ok(()) = asked.changed() => ask_to_end(id),
                () = &mut patience => {
                    if std::mem::replace(&mut late, true) {
                        break None;
                    }
                    ask_to_end(id);
                    patience.as_mut().reset(tokio::time::Instant::now() + TO_END);
                }
            }
        };
        match ended {
            Some(Ok(child)) => judge(name, child.status, &String::from_utf8_lossy(&child.stderr), &out),
            Some(Err(error)) => without(Exit::Internal, format!("it could not be waited for: {error}")),
            // What was dropped is killed.
            None => without(Exit::Internal, killed(limit + TO_END, &out)),
        }
    }

    fn command(&self, name: &str, out: &Path) -> Command {
        let mut html = OsString::from("html=");
        html.push(out.join("report.html"));
        let own: [&OsStr; 9] = [
            "--config".as_ref(),
            self.file.as_ref(),
            "--profile".as_ref(),
            name.as_ref(),
            "--quiet".as_ref(),
            "--report".as_ref(),
            &html,
            "--out".as_ref(),
            out.as_ref(),
        ];
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(own).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // Ctrl-C on a terminal must reach it once, and that through the fleet.
        #[cfg(unix)]
        command.process_group(0);
        // Only the fleet writes the step summary on GitHub.
        command.env_remove("GITHUB_STEP_SUMMARY").kill_on_drop(true);
        command
    }
}

/// The message about a process that did not end.
fn killed(after: Duration, out: &Path) -> String {
    let journal = out.join(JOURNAL);
    let undo = if journal.exists() {
        format!("; to undo what it changed: bpconform clean {}", out.display())
    } else {
        String::new()
    };
    format!("it did not end within {} s, and was killed{undo}", after.as_secs())
}

/// What a process that has ended found.
fn judge(name: String, status: ExitStatus, said: &str, out: &Path) -> EnvironmentResult {
    let exit = code(status);
    let problem = said.lines().rfind(|line| line.starts_with("error: ")).map(|line| line[7..].to_owned());
    // A record of an earlier run is not this one's: a run that starts removes it.
    let record = record_file::read(out).ok().filter(|_| exit != Exit::Usage.code() && problem.is_none());
    EnvironmentResult { name, exit, problem, record }
}

/// Lets a process undo what it changed and close its record.
#[cfg(unix)]
fn ask_to_end(id: Option<u32>) {
    let id = id.and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(id) = id {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
}

#[cfg(not(unix))]
fn ask_to_end(_: Option<u32>) {}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| i32::from(Exit::Internal.code()));
    u8::try_from(code).unwrap_or(Exit::Internal.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_gets_the_flags_of_the_run_but_not_those_of_the_fleet() {
        let given = "run --fleet f.toml -vv --allow observe --out=x --quiet --profile=a";
        let shared = common(given.split(' ').map(OsString::from));
        assert_eq!(shared, ["run", "--allow", "observe"]);
    }
}
