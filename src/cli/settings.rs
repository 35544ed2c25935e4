//! The table of settings, derived from the definition of the command line: every flag with an environment variable is a
//! setting.

use std::any::TypeId;
use std::error::Error as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use bpconform_steps::credentials;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};

use crate::nearest::nearest;

/// The prefix of all our environment variables.
pub const PREFIX: &str = "BPCONFORM_";

/// Suffixes of a credential's key in the file, which name the source of its value.
pub const SOURCES: [&str; 2] = ["_file", "_command"];

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its key in the file, which is the id of its argument.
    pub key: String,
    /// Its name in the environment.
    pub variable: String,
    /// Its flag, without the hyphens.
    pub flag: String,
    /// Its help text.
    pub help: String,
    /// Whether it is a path, which in the file is relative to the file.
    pub path: bool,
    /// Whether it is switched on by its flag alone.
    pub switch: bool,
    /// Whether it may be given several times.
    pub several: bool,
    /// Its argument.
    pub arg: Arg,
}

/// All settings, each once, in the order in which the help shows them.
pub fn all() -> &'static [Setting] {
    &super::DEFINED.1
}

/// The settings of a command and of those below it.
pub(super) fn of(command: &Command) -> Vec<Setting> {
    let mut settings = Vec::new();
    add(command, &mut settings);
    settings
}

fn add(command: &Command, settings: &mut Vec<Setting>) {
    // Most arguments are those of several commands.
    let new = |known: &[Setting], arg: &Arg| !known.iter().any(|known| arg.get_id() == known.key.as_str());
    for arg in command.get_arguments() {
        if new(settings, arg) {
            settings.extend(setting(arg));
        }
    }
    command.get_subcommands().for_each(|below| add(below, settings));
}

fn setting(arg: &Arg) -> Option<Setting> {
    Some(Setting {
        key: arg.get_id().to_string(),
        variable: arg.get_env()?.to_string_lossy().into_owned(),
        flag: arg.get_long()?.to_owned(),
        help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        path: arg.get_value_parser().type_id() == TypeId::of::<PathBuf>(),
        switch: matches!(arg.get_action(), ArgAction::SetTrue),
        several: matches!(arg.get_action(), ArgAction::Append),
        arg: arg.clone(),
    })
}

/// A credential's key in the file: `author_password` of `BPCONFORM_AUTHOR_PASSWORD`.
pub fn credential_key(name: &str) -> String {
    name.trim_start_matches(PREFIX).to_lowercase()
}

/// Every key that the file can contain. `config` names the file itself and is not allowed in it.
pub fn keys() -> &'static [String] {
    static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let settings = all().iter().map(|setting| setting.key.clone()).filter(|key| key != "config");
        let credentials = credentials::ALL.iter().flat_map(|named| {
            let key = credential_key(named.name);
            std::iter::once(key.clone()).chain(SOURCES.map(|source| format!("{key}{source}")))
        });
        settings.chain(credentials).collect()
    });
    &KEYS
}

/// `; did you mean KEY?`, or nothing if no key is similar.
pub fn did_you_mean(key: &str) -> String {
    let keys = keys();
    nearest(key, keys.iter().map(String::as_str)).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// What is wrong with a value, as the parser of the argument reports it, without the value.
pub fn reason(error: &clap::Error) -> String {
    if let Some(source) = error.source() {
        return source.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) => format!("it must be one of {}", valid.join(", ")),
        _ => error.kind().to_string(),
    }
}
