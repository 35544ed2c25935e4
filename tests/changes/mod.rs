//! What a run changes on an Author: it is asked first, it holds a lock, it loses nothing, and it is undone.

#[cfg(unix)]
mod confirmation;
mod locks;
#[cfg(unix)]
mod side_effects;
#[cfg(unix)]
mod transactions;
mod undo;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bpconform_fixtures::{Evidence, Surface, Surfaces};
use serde_json::Value;

use crate::support::{Mock, Told, bpconform_with, command, get};

/// Endpoints that are all known: the mock serves what is unknown in reality at the path of the placeholder.
pub(crate) fn learned() -> Surfaces {
    let learn = |mut surface: Surface| {
        if surface.evidence == Evidence::Unknown {
            surface.evidence = Evidence::Learned;
        }
        surface
    };
    Surfaces::of("all-learned", Surfaces::built_in().iter().cloned().map(learn))
}

/// The same as a file.
pub(crate) fn all_learned(directory: &Path) -> PathBuf {
    let file = directory.join("learned.toml");
    let text = toml::to_string(&learned()).expect("it can be written as TOML");
    std::fs::write(&file, text).expect("it can be written");
    file
}

/// `bpconform run --target author` with change allowed, at this address of the Author.
pub(crate) fn run(mock: &Mock, author: &str, learned: &Path, more: &[&str]) -> Command {
    let flags = [
        ("--author-url", author),
        ("--ims-url", mock.url("ims")),
        ("--tenant-url", mock.url("tenant")),
        ("--console-url", mock.url("console")),
        ("--surfaces", learned.to_str().expect("UTF-8")),
        ("--allow", "change"),
    ];
    let mut command = command(&["run", "--target", "author", "--quiet"]);
    command.args(flags.iter().flat_map(|(flag, value)| [*flag, *value])).args(more);
    command.envs(mock.credentials()).env("NO_PROXY", "*");
    command
}

pub(crate) fn clean(mock: &Mock, journal: &Path, more: &[&str]) -> Told {
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let arguments: Vec<_> = ["clean", journal.to_str().expect("UTF-8")].iter().chain(more).copied().collect();
    bpconform_with(&arguments, &variables)
}

pub(crate) fn told(output: &std::process::Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{:?}\n{}\n{}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The place of the lock, which is excluded from a comparison.
const OWN: &str = "/var/bpconform";

/// What differs between two dumps of the repository, by path.
pub(crate) fn differences(before: &Value, after: &Value) -> String {
    let mut text = String::new();
    differ("", before, after, &mut text);
    text
}

fn differ(path: &str, before: &Value, after: &Value, text: &mut String) {
    match (before, after) {
        _ if path == OWN => {}
        (Value::Object(before), Value::Object(after)) => {
            for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
                let part = |all: &serde_json::Map<String, Value>| all.get(name).cloned().unwrap_or_default();
                differ(&format!("{path}/{name}"), &part(before), &part(after), text);
            }
        }
        _ if before == after => {}
        _ => writeln!(text, "{path}: {before} -> {after}").expect("a text takes all"),
    }
}

pub(crate) fn count(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn tenant(mock: &Mock) -> Value {
    serde_json::from_str(&get(mock.url("tenant"), "/__bpconform/repository")).expect("JSON")
}

/// Where a distribution agent keeps its log, to which each request adds.
const OF_DISTRIBUTION: &str = "/var/sling/distribution/";

/// What differs from before, on the Author and on the tenant.
pub(crate) fn changed(mock: &Mock, before: &(Value, Value)) -> String {
    let author = differences(&before.0, &mock.repository());
    let author = author.lines().filter(|line| !line.starts_with(OF_DISTRIBUTION)).map(|line| format!("{line}\n"));
    author.collect::<String>() + &differences(&before.1, &tenant(mock))
}

pub(crate) fn now(mock: &Mock) -> (Value, Value) {
    (mock.repository(), tenant(mock))
}
