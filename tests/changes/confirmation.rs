//! What a person is asked before a configuration is replaced, and where the copy of it is kept.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

use crate::changes::{all_learned, clean, differences, run, told};
use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, directory};

const REPLACES: [&str; 3] = ["--requirement", "BP-UPG-04", "--replace-configuration"];

/// The same command, with a pseudo-terminal as its standard input and these words typed; nothing without util-linux.
fn on_terminal(command: &Command, typed: &str) -> Option<Output> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = shell_words::join(words.map(|word| word.to_str().expect("UTF-8")));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--echo", "never", "--command", &line, "/dev/null"]);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    let child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("NOT TESTED: there is no `script` of util-linux, which gives a command a terminal");
        return None;
    };
    child.stdin.take().expect("it is piped").write_all(typed.as_bytes()).expect("it reads");
    Some(child.wait_with_output().expect("it ends"))
}

#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_the_tenant_id_is_asked_for() {
    for (typed, flags, code) in [
        ("bpdoc\n", &[][..], 0),
        ("  bpdoc \n", &[], 0),
        ("other\n", &[], 2),
        ("\n", &[], 2),
        ("y\n", &[], 2),
        ("", &["--yes"], 0),
    ] {
        let (mock, folder) = (Mock::start("configured"), directory("confirm-terminal"));
        let before = mock.repository();
        let command = run(&mock, mock.url("author"), &all_learned(&folder), &[&REPLACES[..], flags].concat());
        let Some(output) = on_terminal(&command, typed) else { return };
        assert_eq!(output.status.code(), Some(code), "{typed:?} {flags:?}: {}", told(&output));
        assert_eq!(told(&output).contains("bpdoc"), flags.is_empty(), "{typed:?} {flags:?}: {}", told(&output));
        assert_eq!(differences(&before, &mock.repository()), "", "{typed:?} {flags:?}");
        let changes = mock.paths("author").iter().filter(|request| request.starts_with("POST")).count();
        assert_eq!(changes > 0, code == 0, "{typed:?} {flags:?}");
    }
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let (mock, folder) = (Mock::start("configured"), directory("confirm-none"));
    let mut command = run(&mock, mock.url("author"), &all_learned(&folder), &REPLACES);
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
}

/// The names of the files in a directory; none without the directory.
fn files(directory: &Path) -> Vec<String> {
    let all = std::fs::read_dir(directory).into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[test]
fn the_copy_is_private_and_goes_when_the_configuration_is_back() {
    let (mock, folder) = (Mock::start("configured"), directory("confirm-state"));
    let (learned, state, out) = (all_learned(&folder), folder.join("deep/state"), folder.join("out"));
    let before = mock.repository();
    let state_flag = ["--state-dir", state.to_str().expect("UTF-8")];
    let (lost, waits) = mpsc::channel();
    let proxy = Proxy::start(mock.url("author"), move |request| {
        let deletes = request.starts_with("POST /home/users/mac");
        if deletes { Act::LoseAnswer(lost.clone()) } else { Act::Pass }
    });
    let flags = [&REPLACES[..], &state_flag, &["--out", out.to_str().expect("UTF-8")]].concat();
    let mut command = run(&mock, &proxy.url, &learned, &flags);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    waits.recv_timeout(std::time::Duration::from_secs(60)).expect("it deletes the user");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let kept = files(&state);
    assert!(kept.len() == 2 && kept.iter().any(|name| name.ends_with(".zip")), "{kept:?}");
    for name in &kept {
        let mode = std::fs::metadata(state.join(name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        assert!(!files(&out).contains(name), "{name} is in the directory of the reports");
    }
    assert_eq!(std::fs::metadata(&state).expect("it is there").permissions().mode() & 0o777, 0o700);
    let cleaned = clean(&mock, &out, &state_flag);
    assert_eq!(cleaned.code, Some(0), "{}", cleaned.all());
    assert_eq!(differences(&before, &mock.repository()), "");
    assert_eq!(files(&state), Vec::<String>::new());
}

#[test]
fn without_a_place_for_the_copy_nothing_is_replaced() {
    let (mock, folder) = (Mock::start("configured"), directory("confirm-no-state"));
    let before = mock.repository();
    let file = folder.join("a-file");
    std::fs::write(&file, "").expect("written");
    let flags = [&REPLACES[..], &["--state-dir", file.to_str().expect("UTF-8")]].concat();
    let output = run(&mock, mock.url("author"), &all_learned(&folder), &flags).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("cannot be written"), "{}", told(&output));
    assert_eq!(differences(&before, &mock.repository()), "");
    let deletions = mock.paths("author").into_iter().filter(|request| request.starts_with("POST /home/users"));
    assert_eq!(deletions.count(), 0);
}
