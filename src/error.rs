//! The errors of a command. Messages are lower-case fragments that name the file, address or variable and the next step.
//! A deviation of the target is not an error but a verdict.

use std::path::PathBuf;

use bpconform_fixtures::FixtureError;

use crate::exit::Exit;

/// An invalid feature file, with the place and the next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct FeatureError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and the next step.
    pub problem: String,
}

/// An error of the Docker Engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No engine answers.
    #[error(
        "no Docker Engine answers at {at}: {problem}; start one (Debian: apt-get install docker.io), or name another in \
        DOCKER_HOST"
    )]
    Absent {
        /// The address that was tried.
        at: String,
        /// The error of the operating system.
        problem: String,
    },
    /// This user has no permission to use the engine.
    #[error(
        "this user has no permission to use the Docker Engine at {at}: {problem}; join the group that owns it (sudo usermod -aG \
        docker $USER, then log in again), or name another in DOCKER_HOST"
    )]
    Forbidden {
        /// Where it is.
        at: String,
        /// The error of the operating system.
        problem: String,
    },
    /// The name is not valid for an image.
    #[error("{0} is not a valid image name; write it like registry.example.com/aem:6.5.21")]
    Name(String),
    /// The image is not available and could not be pulled.
    #[error(
        "the image {image} is not available here and could not be pulled: {problem}; `docker images` lists the local images"
    )]
    Image {
        /// Its name.
        image: String,
        /// The error of the engine.
        problem: String,
    },
    /// The engine refused a request, or did not answer in time.
    #[error("the Docker Engine could not {what}: {problem}")]
    Refused {
        /// The request.
        what: String,
        /// The error of the engine.
        problem: String,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A feature file is invalid.
    #[error("{0}")]
    Feature(#[from] FeatureError),
    /// The directory contains no features.
    #[error("{}: the directory contains no .feature file; name another directory with --features", .0.display())]
    NoFeatures(PathBuf),
    /// The tag expression is invalid.
    #[error("--tags '{expression}': {problem}; write it like '@BP-REP-03 and not @change'")]
    Tags {
        /// The value as given.
        expression: String,
        /// What is wrong.
        problem: String,
    },
    /// The id of a requirement is unknown.
    #[error("no requirement has the id {id}; `bpconform list --requirements` shows all{hint}")]
    Requirement {
        /// The value as given.
        id: String,
        /// A similar id, as a hint.
        hint: String,
    },
    /// A file of facts is invalid.
    #[error("{0}")]
    Fixture(#[from] FixtureError),
    /// The credentials file is invalid.
    #[error("{}: {problem}", file.display())]
    Credentials {
        /// The file.
        file: PathBuf,
        /// What is wrong, with the line, and the next step.
        problem: String,
    },
    /// An environment variable is invalid.
    #[error("{name}: {problem}")]
    Environment {
        /// The variable.
        name: String,
        /// What is wrong, and the next step.
        problem: String,
    },
    /// A capture is unreadable.
    #[error("{}: {problem}", file.display())]
    Capture {
        /// The file.
        file: PathBuf,
        /// What is wrong, with the entry or the line.
        problem: String,
    },
    /// The configuration file is invalid.
    #[error("{place}: {problem}")]
    Configuration {
        /// The file, with the line where it is known.
        place: String,
        /// What is wrong, and the next step.
        problem: String,
    },
    /// A required value is missing.
    #[error("no {what} was given: {advice}")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// How to give it.
        advice: String,
    },
    /// Flags that conflict, or values that do not fit together.
    #[error("{0}")]
    Usage(String),
    /// A record or a baseline is unreadable.
    #[error("{}: {problem}", file.display())]
    Read {
        /// The file or directory.
        file: PathBuf,
        /// What is wrong, and the next step.
        problem: String,
    },
    /// A file could not be written.
    #[error("{}: cannot be written: {source}", file.display())]
    Write {
        /// The file or directory.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The target does not answer, is not AEM, or rejects the credentials.
    #[error("the Author at {url} cannot be checked: {problem}")]
    Unreachable {
        /// The address.
        url: String,
        /// What was observed, and the next step.
        problem: String,
    },
    /// The address of a mock answers like another system.
    #[error("the {system} at {url} does not answer like a mock: {problem}")]
    NoMock {
        /// The system.
        system: &'static str,
        /// The address.
        url: String,
        /// What was observed.
        problem: String,
    },
    /// The HTTP client could not be created.
    #[error("the HTTP client could not be created: {0}")]
    Wire(String),
    /// The mocked stack did not start.
    #[error("the mocked stack did not start: {0}")]
    Mock(String),
    /// Mocks that should be running do not answer.
    #[error("the mocks do not answer: {0}")]
    NotServed(String),
    /// The Docker Engine failed.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// The container did not become an Author that can be checked.
    #[error("{image} cannot be checked: {problem}")]
    Container {
        /// The image.
        image: String,
        /// What was observed, and the next step.
        problem: String,
    },
    /// Ended, by a second signal, before all changes were undone.
    #[error("ended before all changes were undone; to undo them: bpconform clean {}", .0.display())]
    NotUndone(PathBuf),
    /// Interrupted before any scenario ran.
    #[error("interrupted")]
    Interrupted,
    /// A bug in the harness.
    #[error("{0}; this is a bug in bpconform, please report it")]
    Internal(String),
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error {
            Error::Feature(_)
            | Error::NoFeatures(_)
            | Error::Tags { .. }
            | Error::Requirement { .. }
            | Error::Fixture(_)
            | Error::Credentials { .. }
            | Error::Environment { .. }
            | Error::Capture { .. }
            | Error::Configuration { .. }
            | Error::Missing { .. }
            | Error::Usage(_)
            | Error::Engine(EngineError::Name(_))
            | Error::Read { .. }
            | Error::Write { .. } => Self::Usage,
            Error::Unreachable { .. }
            | Error::NoMock { .. }
            | Error::Wire(_)
            | Error::Mock(_)
            | Error::NotServed(_)
            | Error::Engine(_)
            | Error::Container { .. } => Self::Unreachable,
            Error::NotUndone(_) => Self::CleanUp,
            Error::Interrupted => Self::Interrupted,
            Error::Internal(_) => Self::Internal,
        }
    }
}
