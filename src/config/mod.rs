//! The configuration: a file with profiles, which the environment and the flags override. The definition of the command
//! line is the only table of settings: a setting is an argument with an environment variable, its key in the file is the
//! id of the argument, and a value of the file becomes the default of the argument. So the same parser reads every source,
//! and clap knows the source of each value.

pub mod connection;
pub mod file;
pub mod secrets;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use crate::cli;
use crate::cli::connection::Header;
use crate::cli::settings::{self, Setting};
use crate::config::file::{ConfigFile, FileEntry};
use crate::error::Error;

/// The name of the file that is read when it lies in the working directory.
pub const FILE: &str = "bpconform.toml";

/// The command line with the configuration laid under it.
#[derive(Debug)]
pub struct Configured {
    /// What clap read from all sources.
    pub matches: ArgMatches,
    /// The file, if there is one.
    pub file: Option<Arc<ConfigFile>>,
    /// The profile of the file that is in use, if there is one.
    pub profile: Option<String>,
    /// What the file and its profile give, by key.
    pub given: BTreeMap<String, FileEntry>,
}

/// Why the command line and the configuration could not be read.
#[derive(Debug)]
pub enum ConfigFailure {
    /// What clap says, which may be the help that was asked for.
    CommandLine(clap::Error),
    /// The file, or something that it names, cannot be used.
    Configuration(Error),
}

impl From<clap::Error> for ConfigFailure {
    fn from(error: clap::Error) -> Self {
        Self::CommandLine(error)
    }
}

impl From<Error> for ConfigFailure {
    fn from(error: Error) -> Self {
        Self::Configuration(error)
    }
}

/// A value that no argument gave came from the environment, and clap blames the flag.
fn blame(error: clap::Error, arguments: &[OsString]) -> ConfigFailure {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return error.into() };
    let flag = flag.split([' ', '=']).next().unwrap_or_default().to_owned();
    let is_said = arguments.iter().any(|argument| {
        let argument = argument.to_string_lossy();
        argument == flag.as_str() || argument.strip_prefix(&flag).is_some_and(|rest| rest.starts_with('='))
    });
    let invalid = matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation);
    let setting = settings::all().iter().find(|setting| format!("--{}", setting.flag) == flag);
    match setting.filter(|setting| invalid && !is_said && std::env::var_os(&setting.variable).is_some()) {
        Some(setting) => {
            Error::Environment { name: setting.variable.clone(), problem: settings::reason(&error) }.into()
        }
        None => error.into(),
    }
}

impl Configured {
    /// Reads the arguments of the process, the environment, and the file that either names or that lies in the working
    /// directory.
    pub fn read(arguments: &[OsString]) -> Result<Self, ConfigFailure> {
        let matches = cli::command().try_get_matches_from(arguments).map_err(|error| blame(error, arguments))?;
        // These do not use the configuration, and `init` writes it.
        if matches!(matches.subcommand_name(), Some("completions" | "init" | "man")) {
            return Ok(Self { matches, file: None, profile: None, given: BTreeMap::new() });
        }
        let named = deepest(&matches).get_one::<PathBuf>("config").cloned();
        let profile = deepest(&matches).get_one::<String>("profile").cloned();
        let Some(file) = find(named.as_deref())? else {
            return match profile {
                Some(profile) => Err(Error::Usage(format!(
                    "profile {profile} is asked for, but there is no {FILE} here; name the file with --config"
                ))
                .into()),
                None => Ok(Self { matches, file: None, profile: None, given: BTreeMap::new() }),
            };
        };
        check_all(&file)?;
        Self::of_profile(arguments, &Arc::new(file), profile.as_deref())
    }

    /// The settings of a profile of a file that was read and checked before.
    pub fn of_profile(
        arguments: &[OsString],
        file: &Arc<ConfigFile>,
        profile: Option<&str>,
    ) -> Result<Self, ConfigFailure> {
        let profile = file.profile(profile).map(str::to_owned);
        let given = file.given(profile.as_deref())?;
        let command = lay_under(cli::command(), &given, settings::all(), file);
        let matches = command.try_get_matches_from(arguments)?;
        Ok(Self { matches, file: Some(Arc::clone(file)), profile, given })
    }

    /// The matches of the command itself, however deep it stands.
    pub fn command(&self) -> &ArgMatches {
        deepest(&self.matches)
    }

    /// A header that proves who the run is must come from the environment: a command line is seen by others, and a file
    /// is copied.
    pub fn headers_are_no_secrets(&self) -> Result<(), Error> {
        let matches = self.command();
        if matches.value_source("headers") == Some(ValueSource::EnvVariable) {
            return Ok(());
        }
        let headers = matches.get_many::<Header>("headers").into_iter().flatten();
        match headers.into_iter().find(|header| header.authenticates()) {
            Some(header) => Err(Error::Usage(format!(
                "the header {} looks like a secret; set it in the environment, BPCONFORM_HEADERS='{}: …', and in no \
                flag or file",
                header.name, header.name
            ))),
            None => Ok(()),
        }
    }

    /// Whether a flag or the environment sets a value, apart from the file.
    pub fn is_said(&self, key: &str) -> bool {
        matches!(self.command().value_source(key), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    }

    /// Whether somebody gave a setting a value: in a flag, the environment or the file.
    pub fn is_given(&self, key: &str) -> bool {
        self.is_said(key) || self.given.contains_key(key)
    }

    /// Where the value of the setting of that key came from, for a person.
    pub fn origin_of(&self, key: &str) -> String {
        settings::all().iter().find(|setting| setting.key == key).map_or_else(String::new, |it| self.origin(it))
    }

    /// Where the value of a setting came from, for a person.
    pub fn origin(&self, setting: &Setting) -> String {
        match self.command().value_source(&setting.key) {
            Some(ValueSource::CommandLine) => format!("flag --{}", setting.flag),
            Some(ValueSource::EnvVariable) => format!("environment {}", setting.variable),
            _ => match (self.given.get(&setting.key), &self.file) {
                (Some(entry), Some(file)) => entry.origin(file),
                _ => "default".to_owned(),
            },
        }
    }
}

fn deepest(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, matches)| deepest(matches))
}

/// Checks the entries of all profiles: one that is wrong should be seen before the day on which it is needed.
pub fn check_all(file: &ConfigFile) -> Result<(), Error> {
    for (key, entry) in file.entries() {
        let setting = settings::all().iter().find(|setting| setting.key == *key);
        setting.map_or(Ok(()), |setting| check(setting, entry, file))?;
    }
    Ok(())
}

fn find(named: Option<&Path>) -> Result<Option<ConfigFile>, Error> {
    match named {
        Some(path) => ConfigFile::read(path).map(Some),
        None if Path::new(FILE).is_file() => ConfigFile::read(Path::new(FILE)).map(Some),
        None => Ok(None),
    }
}

/// Validates a value of the file with the argument's parser, so that the message can name file and line.
fn check(setting: &Setting, entry: &FileEntry, file: &ConfigFile) -> Result<(), Error> {
    let wrong = |problem: String| Err(file.error(entry.line, format!("{}: {problem}", setting.key)));
    if setting.switch {
        return match entry.texts.as_slice() {
            [text] if text == "true" || text == "false" => Ok(()),
            _ => wrong("it is true or false".into()),
        };
    }
    if entry.texts.len() != 1 && !setting.several {
        return wrong("it takes one value, not a list".into());
    }
    let lone = Command::new("bpconform").no_binary_name(true).arg(setting.arg.clone());
    let arguments = entry.texts.iter().map(|text| format!("--{}={text}", setting.flag));
    match lone.try_get_matches_from(arguments) {
        Ok(_) => Ok(()),
        Err(error) => wrong(settings::reason(&error)),
    }
}

/// Makes the values of the file the defaults of the arguments that they are for.
fn lay_under(
    command: Command,
    given: &BTreeMap<String, FileEntry>,
    settings: &[Setting],
    file: &ConfigFile,
) -> Command {
    let command = command.mut_args(|arg| {
        let setting = settings.iter().find(|setting| arg.get_id() == setting.key.as_str());
        match setting.and_then(|setting| Some((setting, given.get(&setting.key)?))) {
            Some((setting, entry)) => arg.default_values(file.values(setting, entry)),
            None => arg,
        }
    });
    command.mut_subcommands(|command| lay_under(command, given, settings, file))
}
