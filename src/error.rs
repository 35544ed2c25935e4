//! Why the command could not do what it was asked: lower-case fragments that name the file, address or variable and
//! the next step. What a scenario finds is no error but a verdict.

use std::path::PathBuf;

use bpconform_fixtures::FixtureError;

use crate::exit::Exit;

/// A feature that cannot be used, with the place and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct FeatureError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub problem: String,
}

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

/// Why the command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A feature could not be used.
    #[error("{0}")]
    Feature(#[from] FeatureError),
    /// The directory holds no features.
    #[error("{}: there is no file that ends in .feature; name another directory with --features", .0.display())]
    NoFeatures(PathBuf),
    /// The tag expression cannot be read.
    #[error("--tags '{expression}': {problem}; write it like '@BP-REP-03 and not @change'")]
    Tags {
        /// As it was given.
        expression: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No requirement has that id.
    #[error("no requirement has the id {id}; `bpconform list --requirements` shows all{hint}")]
    Requirement {
        /// As it was given.
        id: String,
        /// What was probably meant.
        hint: String,
    },
    /// A file of facts could not be read.
    #[error("{0}")]
    Fixture(#[from] FixtureError),
    /// The credentials file cannot be used.
    #[error("{}: {problem}", file.display())]
    Credentials {
        /// The file.
        file: PathBuf,
        /// What is wrong, with the line, and what to do.
        problem: String,
    },
    /// A variable of the environment cannot be used.
    #[error("{name}: {problem}")]
    Environment {
        /// The variable.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A capture cannot be read.
    #[error("{}: {problem}", file.display())]
    Capture {
        /// The file.
        file: PathBuf,
        /// What is wrong, with the entry or the line.
        problem: String,
    },
    /// The configuration file cannot be used.
    #[error("{place}: {problem}")]
    Configuration {
        /// The file, with the line where it is known.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Something that the target needs was not given.
    #[error("no {what} was given: {advice}")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// How to give it.
        advice: String,
    },
    /// Flags that do not go together, or the like.
    #[error("{0}")]
    Usage(String),
    /// A record or a baseline could not be read.
    #[error("{}: {problem}", file.display())]
    Read {
        /// The file or directory.
        file: PathBuf,
        /// What is wrong and what to do.
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
    /// The target is not there, is no AEM, or does not accept the credentials.
    #[error("the Author at {url} cannot be checked: {problem}")]
    Unreachable {
        /// The address.
        url: String,
        /// What was seen and what to do.
        problem: String,
    },
    /// What is said to be a mock is none.
    #[error("no mock of the {system} answers at {url}: {problem}")]
    NoMock {
        /// The system.
        system: &'static str,
        /// The address.
        url: String,
        /// What was seen.
        problem: String,
    },
    /// The HTTP client could not be made.
    #[error("no HTTP client could be made: {0}")]
    Wire(String),
    /// The mocked stack did not start.
    #[error("the mocked stack did not start: {0}")]
    Mock(String),
    /// Mocks that should run already do not answer.
    #[error("the mocks do not serve: {0}")]
    NotServed(String),
    /// The Docker Engine cannot be used.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// The Author's container did not become an Author that can be checked.
    #[error("{image} cannot be checked: {problem}")]
    Container {
        /// The image.
        image: String,
        /// What was seen, and what to do.
        problem: String,
    },
    /// Ctrl-C before anything ran.
    #[error("interrupted")]
    Interrupted,
    /// A defect of the harness.
    #[error("{0}; this is a defect of bpconform, please report it")]
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
            Error::Interrupted => Self::Interrupted,
            Error::Internal(_) => Self::Internal,
        }
    }
}
