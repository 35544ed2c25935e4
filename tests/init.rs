//! The first step towards a real Author: a configuration file that works, written by flags or by questions.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::support::{Mock, Told, bpconform, command, directory, filtered, refusing, reply, serve, with_credentials};

fn init(file: &Path, flags: &[&str]) -> Told {
    bpconform(&[&["init", "--config", file.to_str().expect("UTF-8")], flags].concat())
}

#[test]
fn what_it_writes_is_what_the_next_commands_need() {
    let mock = Mock::start("configured");
    let file = directory("init-flags").join("aem.toml");
    let author = ["--author-url", mock.url("author"), "--tenant-url", mock.url("tenant")];
    let told = init(&file, &[&author[..], &["--ims-url", mock.url("ims"), "--request-timeout", "9"]].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    let written = fs::read_to_string(&file).expect("it was written");
    filtered(|| insta::assert_snapshot!("init_by_flags", format!("{}\n--- the file\n{written}", told.all())));

    let config = file.to_str().expect("UTF-8");
    let told = with_credentials(&mock, &["doctor", "--config", config, "--profile", "author"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let told = with_credentials(&mock, &["run", "--config", config, "--profile", "author", "--quiet"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(mock.requests("author").get("POST").is_none(), "it only reads");
}

#[test]
fn with_credentials_it_checks_them() {
    let mock = Mock::start("configured");
    let file = directory("init-credentials").join("aem.toml");
    let arguments = ["init", "--config", file.to_str().expect("UTF-8"), "--author-url", mock.url("author")];
    let told = with_credentials(&mock, &arguments);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.err.contains("accepts the credentials"), "{}", told.err);
    let password = mock.credentials().into_iter().find(|(name, _)| *name == "BPCONFORM_AUTHOR_PASSWORD");
    let written = fs::read_to_string(&file).expect("it was written");
    assert!(!written.contains(password.expect("a password").1), "{written}");
}

#[test]
fn what_is_no_author_is_reported_and_nothing_is_written() {
    let (free, _port) = refusing();
    let other = serve(|stream| {
        reply(stream, |_| b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nHello".to_vec());
    });
    for (name, address) in [("init_refused", free), ("init_no_aem", other)] {
        let file = directory(name).join("aem.toml");
        let told = init(&file, &["--author-url", &format!("http://{address}"), "--retries", "0"]);
        assert_eq!(told.code, Some(3), "{}", told.all());
        assert!(!file.exists());
        filtered(|| insta::assert_snapshot!(name, told.err));
    }
    let file = directory("init-offline").join("aem.toml");
    let told = init(&file, &["--author-url", &format!("http://{free}"), "--offline"]);
    assert_eq!((told.code, file.exists()), (Some(0), true), "{}", told.all());
}

#[test]
fn a_file_keeps_what_it_has() {
    let file = directory("init-twice").join("aem.toml");
    fs::write(&file, "# mine\nrequest_timeout = 20\n[target.prod]\nallow = \"probe\"").expect("it can be written");
    let url = ["--author-url", "https://author.example.com/aem", "--offline"];
    let told = init(&file, &[&url[..], &["--profile", "prod"]].concat());
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("already has the profile prod"), "{}", told.err);

    let told = init(&file, &[&url[..], &["--profile", "pre prod"]].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    let shown = bpconform(&["config", "show", "--config", file.to_str().expect("UTF-8"), "--profile", "pre prod"]);
    assert_eq!(shown.code, Some(0), "{}", shown.all());
    assert!(shown.out.contains("https://author.example.com/aem"), "{}", shown.out);
    assert!(fs::read_to_string(&file).expect("a file").starts_with("# mine\nrequest_timeout = 20\n[target.prod]\n"));
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let told = init(&directory("init-silent").join("aem.toml"), &[]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("--author-url"), "{}", told.err);
}

#[cfg(unix)]
#[test]
fn on_a_terminal_it_asks_until_the_answer_is_an_address() {
    let mock = Mock::start("configured");
    let file = directory("init-asked").join("aem.toml");
    // `script` gives the command a terminal.
    let line = format!("{} init --config {}", env!("CARGO_BIN_EXE_bpconform"), file.display());
    let mut child = std::process::Command::new("script");
    for (name, value) in command(&[]).get_envs() {
        match value {
            Some(value) => child.env(name, value),
            None => child.env_remove(name),
        };
    }
    let child = child.args(["-qefc", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().expect("script is there");
    let mut stdin = child.stdin.take().expect("it is piped");
    write!(stdin, "author.example.com\n{}\n\n", mock.url("author")).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    drop(stdin);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("Address of the Author") && shown.contains("write it like https://"), "{shown}");
    let written = fs::read_to_string(&file).expect("it was written");
    assert!(written.contains(&format!("author_url = \"{}", mock.url("author"))), "{written}");
    assert!(written.contains("# tenant_url ="), "{written}");
}

#[test]
fn every_command_has_a_manual_page() {
    let page = bpconform(&["man", "run"]);
    assert_eq!(page.code, Some(0), "{}", page.err);
    for part in [".TH bpconform-run 1", ".SH SYNOPSIS", "\\-\\-allow", "BPCONFORM_AUTHOR_PASSWORD"] {
        assert!(page.out.contains(part), "{part}: {}", page.out);
    }
    let unknown = bpconform(&["man", "runs"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.all());
    assert!(unknown.err.contains("it has baseline, clean, completions"), "{}", unknown.err);

    let out = directory("man");
    let told = bpconform(&["man", "--out", out.to_str().expect("UTF-8")]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    for name in ["bpconform", "bpconform-run", "bpconform-surface-drift", "bpconform-man"] {
        let page = fs::read_to_string(out.join(format!("{name}.1"))).expect(name);
        assert!(page.contains(".SH NAME"), "{page}");
    }
}
