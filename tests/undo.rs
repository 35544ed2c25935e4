//! What a run changes on an Author is undone: at its end, when it is asked to end, and by `bpconform clean` when it was
//! killed. What the repository holds before and after is the same, to the property.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use bpconform_fixtures::{Evidence, Surfaces};
use serde_json::Value;

use crate::support::gateway::{Gateway, unchanged};
use crate::support::{Mock, Told, bpconform_with, command, directory, interrupt};

/// A file in which every endpoint is known: the mock serves what is unknown in reality at the stand-in's path.
pub(crate) fn all_learned(directory: &Path) -> PathBuf {
    let learned = Surfaces::built_in().iter().filter(|surface| surface.evidence == Evidence::Unknown).cloned();
    let learned = learned.map(|mut surface| {
        surface.evidence = Evidence::Learned;
        surface
    });
    let file = directory.join("learned.toml");
    let text = toml::to_string(&Surfaces::of("all-learned", learned)).expect("it can be written as TOML");
    std::fs::write(&file, text).expect("it can be written");
    file
}

/// `bpconform run --target author` with change allowed, at this address of the Author.
fn run(mock: &Mock, author: &str, learned: &Path, more: &[&str]) -> Command {
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

fn clean(mock: &Mock, journal: &Path, more: &[&str]) -> Told {
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let arguments: Vec<_> = ["clean", journal.to_str().expect("UTF-8")].iter().chain(more).copied().collect();
    bpconform_with(&arguments, &variables)
}

fn told(output: &std::process::Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{:?}\n{}\n{}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// What differs between two dumps of the repository, by path.
fn differences(before: &Value, after: &Value) -> String {
    let mut text = String::new();
    differ("", before, after, &mut text);
    text
}

fn differ(path: &str, before: &Value, after: &Value, text: &mut String) {
    match (before, after) {
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

/// Scenarios that change an Author in every way, and wait little.
const CHANGES: [&str; 8] =
    ["BP-IMS-01", "BP-IMS-04", "BP-CLD-01", "BP-REP-10", "BP-PUB-01", "BP-PUB-05", "BP-PUB-06", "BP-UPG-04"];

fn requirements(ids: &[&'static str]) -> Vec<&'static str> {
    ids.iter().flat_map(|id| ["--requirement", id]).collect()
}

#[test]
fn a_configuration_that_is_replaced_is_put_back_as_it_was() {
    let (mock, folder) = (Mock::start("configured"), directory("undo-replaced"));
    let (learned, out) = (all_learned(&folder), folder.join("out"));
    let before = mock.repository();
    let more =
        [requirements(&CHANGES), vec!["--out", out.to_str().expect("UTF-8"), "--replace-configuration"]].concat();
    let output = run(&mock, mock.url("author"), &learned, &more).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(differences(&before, &mock.repository()), "", "{}", told(&output));
    let again = clean(&mock, &out, &[]);
    assert!(again.code == Some(0) && again.out.contains("nothing to undo"), "{}", again.all());
    // The agents work as before, with the keys of the Mac user that was deleted in between.
    let probe = run(&mock, mock.url("author"), &learned, &["--requirement", "BP-REP-03"]).output().expect("it starts");
    assert_eq!(probe.status.code(), Some(0), "{}", told(&probe));
}

#[test]
fn a_configuration_is_not_replaced_unless_that_is_said() {
    let (mock, folder) = (Mock::start("configured"), directory("undo-not-said"));
    let (learned, out) = (all_learned(&folder), folder.join("out"));
    let before = mock.repository();
    let more = [requirements(&["BP-IMS-01", "BP-UPG-04"]), vec!["--out", out.to_str().expect("UTF-8")]].concat();
    let output = run(&mock, mock.url("author"), &learned, &more).output().expect("it starts");
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    let record = std::fs::read_to_string(out.join("run.json")).expect("a record");
    assert!(record.contains("with --replace-configuration a run"), "{record}");
    assert_eq!(differences(&before, &mock.repository()), "");
    let methods = mock.requests("author");
    assert!(methods["DELETE"].is_null() && methods["POST"].is_null(), "{methods}");
}
