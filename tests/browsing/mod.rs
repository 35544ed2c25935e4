//! Actions whose requests are unknown are done in a real browser. If none is installed, the tests print so and prove nothing;
//! with `BPCONFORM_BROWSER=required` its absence fails them.

mod answers;
mod controls;
mod defects;
mod ends;
mod evidence;
mod kills;
mod login;
mod observing;
mod pages;
mod people;
mod recorder;
mod skins;
mod whole;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::changes::count;
use crate::support::{Mock, Told, bpconform_with, directory};

/// An Author whose undocumented endpoints are at paths that no file knows.
const MOVED: &str = include_str!("moved.toml");

/// Whether a browser is installed.
fn has_browser() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
    let found = std::env::split_paths(&path).any(|folder| names.iter().any(|name| folder.join(name).is_file()));
    if !found {
        let required = std::env::var("BPCONFORM_BROWSER").is_ok_and(|value| value == "required");
        assert!(!required, "no browser is installed");
        // Bypasses the capture of the test harness, so that it is visible.
        let _ = std::io::stderr().write_all(b"NOT TESTED: no browser is installed, so no step was done in one\n");
    }
    found
}

/// A mock in that state, its undocumented endpoints moved.
fn moved(name: &str, seed: &str) -> Mock {
    moved_with(name, seed, &[])
}

/// The same with more flags of the mock.
fn moved_with(name: &str, seed: &str, more: &[&str]) -> Mock {
    let file = directory(&format!("browsing-{name}")).join("moved.toml");
    std::fs::write(&file, MOVED).expect("it can be written");
    Mock::with(&[&["--seed", seed, "--surfaces", file.to_str().expect("UTF-8")], more].concat())
}

/// Runs against an Author at that address; the other systems are those of the mock. A separate temporary directory shows what
/// the browser leaves.
fn run_at(mock: &Mock, author: &str, name: &str, more: &[&str]) -> (Told, PathBuf) {
    let folder = temporary(name);
    let out = folder.join("out");
    let urls = [
        "run",
        "--target",
        "author",
        "--author-url",
        author,
        "--ims-url",
        mock.url("ims"),
        "--tenant-url",
        mock.url("tenant"),
        "--out",
        out.to_str().expect("UTF-8"),
    ];
    let mut variables = mock.credentials();
    let temporary = folder.to_str().expect("UTF-8");
    variables.extend([("NO_PROXY", "*"), ("TMPDIR", temporary)]);
    let told = bpconform_with(&[&urls[..], more].concat(), &variables);
    (told, folder)
}

/// A new directory with a short path: a browser has a socket in it, whose path must fit into about a hundred characters.
fn temporary(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("bpc-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the temporary directory can be written");
    folder
}

fn record(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("out/run.json")).expect("a record");
    serde_json::from_str(&text).expect("JSON")
}

/// The scenarios with that verdict: requirements and reason.
fn scenarios(record: &Value, verdict: &str) -> Vec<(String, String)> {
    let all = record["scenarios"].as_array().expect("a list").iter().filter(|it| it["verdict"] == verdict);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.map(|it| (it["requirements"].to_string(), text(&it["reason"]))).collect()
}

/// Whether nothing of a browser is left in that temporary directory, and no process uses it. Removes it.
fn nothing_is_left(folder: &Path) {
    let began = Instant::now();
    // Some processes of a browser notice a moment later that it has ended.
    while !left_of_a_browser(folder).is_empty() && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let left = left_of_a_browser(folder);
    assert!(left.is_empty(), "{left:?}");
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

fn left_of_a_browser(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("it is there").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|it| it != "out");
    let processes = std::process::Command::new("ps").args(["-eo", "pid,args"]).output().expect("ps is there");
    let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
    let folder = folder.to_str().expect("UTF-8");
    let processes = processes.lines().filter(|line| line.contains(folder) && line.contains("user-data-dir"));
    names.chain(processes.map(str::to_owned)).collect()
}

/// Works on all, several at once, since a run with a browser mostly waits; `BPCONFORM_TEST_AT_ONCE` says how many. The
/// results are in the order of `all`. One test at a time does so: more browsers would only wait for each other.
fn several_at_once<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..count("BPCONFORM_TEST_AT_ONCE", 3).min(all.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = all.get(index) else { return };
                    let result = work(one);
                    done.lock().expect("no panic").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no panic");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
