//! Why the command could not do what it was asked: lower-case fragments that name the file, address or variable and
//! the next step. What a scenario finds is no error but a verdict.

use std::path::PathBuf;

use bpconform_fixtures::FixtureError;

use crate::features::FeatureError;

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
    Engine(#[from] crate::container::EngineError),
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
