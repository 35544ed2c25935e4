//! The text of a profile: every given setting, each with its help as a comment, and a comment about credentials.

use std::fmt::Write as _;

use clap::parser::ValueSource;
use toml::Value;
use url::{Host, Url};

use crate::cli::settings::{self, Setting};
use crate::config::Configured;

/// What the profile says.
pub(super) struct ProfileText<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The Author.
    pub(super) author: &'a Url,
    /// The tenant, if it is known.
    pub(super) tenant: Option<&'a Url>,
    /// The settings of flags and environment.
    pub(super) configured: &'a Configured,
}

/// A name for the profile of an Author: the first part of its host name.
pub(super) fn name_for(author: &Url) -> String {
    match author.host() {
        Some(Host::Domain(domain)) => domain.split('.').next().unwrap_or(domain).to_owned(),
        _ => "author".to_owned(),
    }
}

impl ProfileText<'_> {
    /// The table; a new file begins with what the file is.
    pub(super) fn render(&self, is_new_file: bool) -> String {
        let mut text = String::new();
        if is_new_file {
            text += "# The configuration of bpconform: one table for each environment, chosen with --profile NAME.\n\
                # `bpconform config show --origin --profile NAME` prints every setting and where it comes from.\n";
        }
        let name = toml_key(self.name);
        let _ = writeln!(text, "\n[target.{name}]");
        for setting in settings::all() {
            if let Some(value) = self.value(setting) {
                let _ = writeln!(text, "# {}\n{} = {value}", setting.help, setting.key);
            }
        }
        text + &self.hints()
    }

    fn value(&self, setting: &Setting) -> Option<Value> {
        match setting.key.as_str() {
            "author_url" => return Some(Value::from(self.author.as_str())),
            "tenant_url" => return self.tenant.map(|tenant| Value::from(tenant.as_str())),
            // A header may be a secret, the address says what the target is, and the others where this is written.
            "headers" | "target" | "config" | "profile" => return None,
            _ => {}
        }
        let matches = self.configured.command();
        let is_known = matches.try_get_raw(&setting.key).is_ok();
        let given = [Some(ValueSource::CommandLine), Some(ValueSource::EnvVariable)];
        if !is_known || !given.contains(&matches.value_source(&setting.key)) {
            return None;
        }
        if setting.switch {
            return matches.get_flag(&setting.key).then_some(Value::Boolean(true));
        }
        let values = matches.get_raw(&setting.key)?.map(|value| value.to_string_lossy().into_owned());
        let values: Vec<Value> = values.map(|value| toml_value(setting, value)).collect();
        if setting.several { Some(Value::Array(values)) } else { values.into_iter().next() }
    }

    fn hints(&self) -> String {
        let mut text = String::new();
        if self.tenant.is_none() {
            text += "# tenant_url = \"https://<tenant-id>.brand-portal.adobe.com\"\n";
        }
        text + "# Credentials are no part of this file. They come from the environment (`bpconform run --help` lists them), or:\n\
            # author_user = \"conformance\"\n\
            # author_password_command = [\"pass\", \"show\", \"aem\"]   # or author_password_file = \"PATH\"\n\
            # A run only reads unless this, or --allow, permits more:\n\
            # allow = \"probe\"\n"
    }
}

/// A value as a person would write it. A path of the file is relative to the file, and one of a flag to the working
/// directory.
fn toml_value(setting: &Setting, value: String) -> Value {
    if setting.path {
        return Value::String(std::path::absolute(&value).map_or(value, |path| path.to_string_lossy().into_owned()));
    }
    value.parse().map_or(Value::String(value), Value::Integer)
}

/// A name that needs no quotation marks in TOML has none.
fn toml_key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char));
    if is_bare { name.to_owned() } else { Value::from(name).to_string() }
}
