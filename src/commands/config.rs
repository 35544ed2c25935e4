//! `bpconform config show`: every setting and credential with its value and, with `--origin`, its source. Secrets are
//! masked; no file with a secret is read and no command for one is run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bpconform_steps::credentials::{ALL, Named};
use bpconform_steps::redact::MASK;

use crate::cli::config::ConfigShowArgs;
use crate::cli::settings::{self, Setting, credential_key};
use crate::config::Configured;
use crate::config::secrets::CredentialSource;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// Prints the settings.
pub fn command(
    args: &ConfigShowArgs,
    configured: &Configured,
    variables: &BTreeMap<String, String>,
    output: &Output,
) -> Result<Exit, Error> {
    configured.headers_are_no_secrets()?;
    output.out(&text(configured, variables, args.origin));
    Ok(Exit::Green)
}

struct SettingLine {
    key: String,
    value: Option<String>,
    origin: String,
}

/// The settings as text, one on each line; `origin` adds where each came from.
fn text(configured: &Configured, variables: &BTreeMap<String, String>, origin: bool) -> String {
    let settings = settings::all().iter().map(|setting| line_of_setting(configured, setting));
    let credentials = ALL.iter().map(|named| line_of_credential(configured, variables, named));
    let lines: Vec<SettingLine> = settings.chain(credentials).collect();
    let (keys, values) = (width(lines.iter().map(|line| &line.key)), width(lines.iter().map(SettingLine::shown)));
    let mut text = String::new();
    for line in &lines {
        let _ = if origin && line.value.is_some() {
            writeln!(text, "{:keys$} = {:values$}  # {}", line.key, line.shown(), line.origin)
        } else {
            writeln!(text, "{:keys$} = {}", line.key, line.shown())
        };
    }
    text
}

impl SettingLine {
    fn shown(&self) -> &str {
        self.value.as_deref().unwrap_or("(not set)")
    }
}

/// The widest text, but not one that is far wider than usual.
fn width(texts: impl Iterator<Item = impl AsRef<str>>) -> usize {
    texts.map(|text| text.as_ref().chars().count()).filter(|width| *width <= 44).max().unwrap_or(0)
}

fn line_of_setting(configured: &Configured, setting: &Setting) -> SettingLine {
    if let ("config", Some(file)) = (setting.key.as_str(), &configured.file) {
        let origin = match configured.origin(setting).as_str() {
            "default" => "found in the working directory".to_owned(),
            origin => origin.to_owned(),
        };
        return SettingLine { key: setting.key.clone(), value: Some(file.path.display().to_string()), origin };
    }
    let raw = configured.command().try_get_raw(&setting.key).ok().flatten();
    let values: Option<Vec<String>> = raw.map(|values| values.map(|value| value.to_string_lossy().into()).collect());
    let value = values.map(|values| match setting.key.as_str() {
        // A header's name may be seen.
        "headers" => values.iter().map(|it| masked_header(it)).collect::<Vec<_>>().join(", "),
        _ => values.join(", "),
    });
    SettingLine { key: setting.key.clone(), value, origin: configured.origin(setting) }
}

fn masked_header(header: &str) -> String {
    let names = header.split('\n').map(|line| line.split(':').next().unwrap_or_default().trim());
    names.map(|name| format!("{name}: {MASK}")).collect::<Vec<_>>().join(", ")
}

fn line_of_credential(configured: &Configured, variables: &BTreeMap<String, String>, named: &Named) -> SettingLine {
    let key = credential_key(named.name);
    if let Some(value) = variables.get(named.name) {
        let value = if named.secret { MASK.to_owned() } else { value.clone() };
        return SettingLine { key, value: Some(value), origin: format!("environment {}", named.name) };
    }
    match (&configured.file, CredentialSource::of(named, &configured.given)) {
        (Some(file), Some(source)) => {
            let value = match &source {
                CredentialSource::Value(entry) => entry.texts.join(", "),
                CredentialSource::File(_) | CredentialSource::Command(_) => MASK.to_owned(),
            };
            SettingLine { key, value: Some(value), origin: source.origin(file) }
        }
        _ => SettingLine { key, value: None, origin: String::new() },
    }
}
