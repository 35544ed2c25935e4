//! Why the Docker Engine could not do what it was asked, in an operator's words.

use std::collections::BTreeMap;

/// Why the Docker Engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is none.
    #[error(
        "no Docker Engine answers at {at}: {problem}; start one (Debian: apt-get install docker.io), or name another in \
        DOCKER_HOST"
    )]
    Absent {
        /// Where it was looked for.
        at: String,
        /// What the system says.
        problem: String,
    },
    /// This user may not use it.
    #[error(
        "the Docker Engine at {at} may not be used by this user: {problem}; join the group that owns it (sudo usermod -aG \
        docker $USER, then log in again), or name another in DOCKER_HOST"
    )]
    Forbidden {
        /// Where it is.
        at: String,
        /// What the system says.
        problem: String,
    },
    /// No image can have that name.
    #[error("{0} is no name of an image; write it like registry.example.com/aem:6.5.21")]
    Name(String),
    /// The image is not there and could not be had.
    #[error(
        "there is no image {image} here, and it could not be pulled: {problem}; `docker images` shows what is here"
    )]
    Image {
        /// Its name.
        image: String,
        /// What the engine says.
        problem: String,
    },
    /// It refused, or did not answer in time.
    #[error("the Docker Engine could not {what}: {problem}")]
    Refused {
        /// What it was asked for.
        what: String,
        /// What it says.
        problem: String,
    },
}

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

/// An error with its causes in one line, each told once.
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
