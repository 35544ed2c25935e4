//! The errors of the Docker Engine as messages for an operator.

use std::collections::BTreeMap;

use crate::error::EngineError;

/// That no engine answers, or that it may not be asked.
pub(super) fn absent(problem: String) -> EngineError {
    let at = std::env::var("DOCKER_HOST").unwrap_or_else(|_| usual().to_owned());
    if problem.to_lowercase().contains("permission denied") {
        return EngineError::Forbidden { at, problem };
    }
    EngineError::Absent { at, problem }
}

fn usual() -> &'static str {
    if cfg!(windows) { "npipe:////./pipe/docker_engine" } else { "unix:///var/run/docker.sock" }
}

/// An error with its causes in one line, each once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut causes: BTreeMap<usize, String> = BTreeMap::from([(0, error.to_string())]);
    for (index, cause) in std::iter::successors(error.source(), |cause| cause.source()).enumerate() {
        let cause = cause.to_string();
        if !causes.values().any(|known| known.contains(&cause)) {
            causes.insert(index + 1, cause);
        }
    }
    causes.into_values().collect::<Vec<_>>().join(": ")
}
