//! The owner of a container: labels that name the run and the process that started it, so that a sweep can distinguish
//! the remains of a killed run from the containers of a run in progress.

use std::collections::HashMap;

use crate::surroundings;

/// The label that names the run; everything with it belongs to this program.
pub(super) const RUN: &str = "org.bpconform.run";
const HOST: &str = "org.bpconform.host";
const PROCESS: &str = "org.bpconform.process";

/// The process that something was started by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunOwner {
    /// The run's id.
    pub(super) run: String,
    host: String,
    process: String,
}

/// Whether an owner still needs what is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnerState {
    /// Its process runs.
    Running,
    /// Its process has ended.
    Ended,
    /// Its process is, or was, on another machine.
    Elsewhere,
}

impl RunOwner {
    /// This process, for a run that begins.
    pub(super) fn this() -> Self {
        let id = std::process::id();
        let run = format!("{}-{id}", crate::run::id::run_id());
        Self { run, host: surroundings::host_name(), process: format!("{id} {}", started(id).unwrap_or_default()) }
    }

    /// The labels of all that this process starts for the run.
    pub(super) fn labels(&self) -> HashMap<String, String> {
        let labels = [(RUN, &self.run), (HOST, &self.host), (PROCESS, &self.process)];
        labels.map(|(name, value)| (name.to_owned(), value.clone())).into()
    }

    /// Who started something with these labels.
    pub(super) fn of(labels: &HashMap<String, String>) -> Option<Self> {
        let label = |name| labels.get(name).cloned().unwrap_or_default();
        Some(Self { run: labels.get(RUN)?.clone(), host: label(HOST), process: label(PROCESS) })
    }

    /// What the containers, networks and volumes of the run are called.
    pub(super) fn name(&self) -> String {
        format!("bpconform-{}", self.run)
    }

    pub(super) fn life(&self) -> OwnerState {
        if self.host != surroundings::host_name() {
            return OwnerState::Elsewhere;
        }
        let (id, start) = self.process.split_once(' ').unwrap_or((&self.process, ""));
        let Ok(id) = id.parse::<u32>() else { return OwnerState::Ended };
        match started(id) {
            // Another process may have got the number since.
            Some(now) if now == start || start.is_empty() => OwnerState::Running,
            _ => OwnerState::Ended,
        }
    }
}

/// The start time of a process, in the system's units; none if the process does not exist.
#[cfg(target_os = "linux")]
fn started(id: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Its name stands in parentheses and may hold anything; the start is the 22nd field, the 20th after the name.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?;
    (!matches!(state, "Z" | "X")).then(|| fields.nth(18).map(str::to_owned)).flatten()
}

/// Whether a process runs, on systems without a simple way to read its start time.
#[cfg(not(target_os = "linux"))]
fn started(id: u32) -> Option<String> {
    let asked = std::process::Command::new("ps").args(["-o", "lstart=", "-p", &id.to_string()]).output().ok()?;
    let started = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    (!started.is_empty()).then_some(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_runs_is_told_from_one_that_has_ended_and_from_one_elsewhere() {
        let this = RunOwner::this();
        assert_eq!(RunOwner::of(&this.labels()), Some(this.clone()));
        assert_eq!(this.life(), OwnerState::Running);
        let id = std::process::id();
        assert_eq!(
            RunOwner { process: format!("{id} 1"), ..this.clone() }.life(),
            OwnerState::Ended,
            "the number was used again"
        );
        let mut child = std::process::Command::new("true").spawn().expect("it starts");
        let started = started(child.id()).unwrap_or_default();
        child.wait().expect("it ends");
        assert_eq!(RunOwner { process: format!("{} {started}", child.id()), ..this.clone() }.life(), OwnerState::Ended);
        assert_eq!(RunOwner { host: "another".into(), ..this }.life(), OwnerState::Elsewhere);
    }
}
