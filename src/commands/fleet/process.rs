//! Checks an environment in a separate process: a container, since its clean-up identifies it by the process, and every
//! environment with `--isolate`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::process::Command;
use tokio::sync::watch;

use crate::commands::fleet::overview::EnvironmentResult;
use crate::commands::fleet::{Environment, TO_END, killed, problem_of};
use crate::exit::Exit;
use crate::record_file;

/// What the processes of all environments have in common.
pub(super) struct Processes {
    pub(super) program: PathBuf,
    /// Counts how often the fleet was asked to end.
    pub(super) asked: watch::Receiver<usize>,
}

impl Processes {
    /// Checks one environment in a separate process, which is asked to end when the fleet is, and waited for.
    pub(super) async fn check(&self, environment: &Environment) -> EnvironmentResult {
        let mut asked = self.asked.clone();
        asked.mark_unchanged();
        let child = match self.command(environment).spawn() {
            Ok(child) => child,
            Err(error) => return environment.without(Exit::Internal, format!("it could not be started: {error}")),
        };
        let id = child.id();
        let mut ended = std::pin::pin!(child.wait_with_output());
        let mut patience = std::pin::pin!(tokio::time::sleep(environment.limit));
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
            Some(Ok(child)) => judge(environment, child.status, &String::from_utf8_lossy(&child.stderr)),
            Some(Err(error)) => environment.without(Exit::Internal, format!("it could not be waited for: {error}")),
            // What was dropped is killed.
            None => environment.without(Exit::Internal, killed(environment.limit + TO_END, &environment.out)),
        }
    }

    fn command(&self, environment: &Environment) -> Command {
        let mut command = Command::new(&self.program);
        let arguments: Vec<OsString> = environment.arguments.iter().skip(1).cloned().collect();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // Ctrl-C on a terminal must reach it once, and that through the fleet.
        #[cfg(unix)]
        command.process_group(0);
        // Only the fleet writes the step summary on GitHub.
        command.env_remove("GITHUB_STEP_SUMMARY").kill_on_drop(true);
        command
    }
}

/// What a process that has ended found.
fn judge(environment: &Environment, status: ExitStatus, said: &str) -> EnvironmentResult {
    let exit = code(status);
    let problem = problem_of(said);
    // A record of an earlier run is not this one's: a run that starts removes it.
    let record = record(&environment.out).filter(|_| exit != Exit::Usage.code() && problem.is_none());
    EnvironmentResult { name: environment.name.clone(), exit, problem, record }
}

fn record(out: &Path) -> Option<crate::record::Record> {
    Some(record_file::read(out).ok()?.for_overview())
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
