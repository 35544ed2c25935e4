//! `run --login manual`: a person logs in, in a window of the browser, and the run continues with that session.
//!
//! The window is there without a display: the program that is named as the browser is a script that starts it headless, with
//! a port at which the person of the test joins it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::evidence::everything;
use super::{has_browser, moved, nothing_is_left, record, scenarios, temporary};
use crate::support::browser::Browser;
use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, bpconform_with, command, is_left_out, send_signal};

/// A run that waits for a person.
struct Waiting {
    child: Child,
    folder: PathBuf,
}

/// The script that takes the place of the browser.
fn headless(folder: &Path) -> PathBuf {
    let script = folder.join("out/browser");
    std::fs::create_dir_all(folder.join("out")).expect("it can be made");
    let text = "#!/bin/sh\nfor name in chromium chromium-browser google-chrome google-chrome-stable chrome; do\n\
        command -v $name >/dev/null && exec $name \"$@\" --headless=new --remote-debugging-port=0\ndone\n";
    std::fs::write(&script, text).expect("it can be written");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("it can be made executable");
    script
}

/// The profile of the person, which outlives the run.
fn profile(folder: &Path) -> PathBuf {
    folder.join("out/profile")
}

/// Starts a run without the credentials of the Author.
fn start(mock: &Mock, author: &str, name: &str, more: &[&str], display: &str) -> Waiting {
    let folder = temporary(name);
    let (script, profile) = (headless(&folder), profile(&folder));
    let out = folder.join("out/run");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (script, profile, out) = (text(&script), text(&profile), text(&out));
    let flags = ["run", "--target", "author", "--author-url", author, "--ims-url", mock.url("ims"), "-q"];
    let tenant = ["--tenant-url", mock.url("tenant"), "--login", "manual", "--browser", &script];
    let places = ["--browser-profile", &profile, "--out", &out];
    let of_author = |name: &str| name.starts_with("BPCONFORM_AUTHOR");
    let child = command(&[&flags[..], &tenant, &places, more].concat())
        .envs(mock.credentials().into_iter().filter(|(name, _)| !of_author(name)))
        .envs([("NO_PROXY", "*"), ("TMPDIR", folder.to_str().expect("UTF-8")), ("DISPLAY", display)])
        .env_remove("WAYLAND_DISPLAY")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    Waiting { child, folder }
}

impl Waiting {
    /// The person at the window; `None` if no driver is installed.
    async fn person(&self) -> Option<Browser> {
        let (file, began) = (profile(&self.folder).join("DevToolsActivePort"), Instant::now());
        let port = loop {
            // It is written after it has been made.
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if let Some((port, rest)) = text.split_once('\n')
                && !rest.is_empty()
            {
                break port.to_owned();
            }
            assert!(began.elapsed() < Duration::from_secs(60), "no window is opened");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        Browser::join(&port).await
    }

    /// The exit code, and all that the run has printed.
    fn end(self) -> (Option<i32>, String, PathBuf) {
        let Output { status, stdout, stderr } = self.child.wait_with_output().expect("it ends");
        let text = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (status.code(), text, self.folder)
    }
}

/// Logs in as a person does at AEM's login page.
async fn log_in(person: &Browser) {
    person.wait_for_script("return !!document.querySelector('[name=j_username]')").await;
    person.type_into("[name=j_username]", "admin").await;
    person.type_into("[name=j_password]", "admin").await;
    person.click_and_leave("button[type=submit]").await;
}

/// The record. Removes what belongs to the test, and fails if a browser has left something.
fn cleared(folder: &Path) -> Value {
    std::fs::rename(folder.join("out/run"), folder.join("out-run")).expect("a record");
    std::fs::remove_dir_all(folder.join("out")).expect("it can be removed");
    std::fs::rename(folder.join("out-run"), folder.join("out")).expect("it can be moved");
    let record = record(folder);
    nothing_is_left(folder);
    record
}

/// The values of the session's cookies that the Author has set.
fn tokens(proxy: &Proxy) -> Vec<String> {
    let answers = proxy.answers();
    let lines = answers.iter().flat_map(|answer| answer.lines());
    let values = lines.filter_map(|line| line.split_once("login-token=")).map(|(_, rest)| rest);
    values.filter_map(|rest| rest.split(';').next()).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_and_the_run_continues_with_that_session() {
    if !has_browser() {
        return;
    }
    let mock = moved("manual", "fresh");
    let proxy = Proxy::start(mock.url("author"), |_| Act::Pass);
    let more = ["--via", "auto", "--allow", "change", "--requirement", "BP-IMS-01"];
    let run = start(&mock, &proxy.url, "manual", &more, ":99");
    let Some(person) = run.person().await else { return };
    log_in(&person).await;
    drop(person);
    let (code, told, folder) = run.end();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("the Author knows you as admin"), "{told}");
    // The person's profile is as the browser left it.
    assert!(profile(&folder).join("Default").is_dir());
    let tokens = tokens(&proxy);
    assert!(!tokens.is_empty());
    let texts = everything(&folder.join("out/run"));
    assert!(texts.iter().any(|(name, _)| name.ends_with("journal.jsonl")));
    for (name, text) in texts.iter().chain([&("the output".to_owned(), told.clone())]) {
        assert!(tokens.iter().all(|token| !text.contains(token)), "{name}");
    }
    // What is deleted by HTTP is sent with AEM's token against foreign pages.
    assert!(proxy.seen().iter().any(|line| line == "GET /libs/granite/csrf/token.json"), "{:?}", proxy.seen());
    assert!(!mock.repository().to_string().contains("bpconform-"), "everything is undone");
    let record = cleared(&folder);
    assert_eq!(scenarios(&record, "passed").len(), 1, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_person_that_ends_half_way_is_an_error() {
    const LOGIN: &str = "HTTP/1.1 302 Found\r\nLocation: /libs/granite/core/content/login.html?resource=%2F\r\nContent-Length: 0\r\n\
        Connection: close\r\n\r\n";
    if !has_browser() {
        return;
    }
    let mock = moved("manual-ends", "configured");
    let ended = std::sync::atomic::AtomicBool::new(false);
    let proxy = Proxy::start(mock.url("author"), move |request| {
        use std::sync::atomic::Ordering::SeqCst;
        if request.contains("/adobeims-configuration/") {
            ended.store(true, SeqCst);
        }
        let is_login = request.contains("/content/login.html");
        if ended.load(SeqCst) && !is_login { Act::Answer(LOGIN) } else { Act::Pass }
    });
    let more = ["--via", "auto", "--allow", "probe", "--requirement", "BP-IMS-02"];
    let run = start(&mock, &proxy.url, "manual-ends", &more, ":99");
    let Some(person) = run.person().await else { return };
    log_in(&person).await;
    drop(person);
    let (code, told, folder) = run.end();
    assert_eq!(code, Some(3), "{told}");
    let record = cleared(&folder);
    assert_eq!(scenarios(&record, "failed"), []);
    let errors = scenarios(&record, "error");
    assert!(errors.iter().any(|(_, reason)| reason.contains("login")), "{errors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_closed_ends_the_run() {
    if is_left_out("window that is closed") {
        return;
    }
    if !has_browser() {
        return;
    }
    let mock = moved("manual-closed", "configured");
    let run = start(&mock, mock.url("author"), "manual-closed", &[], ":99");
    let Some(person) = run.person().await else { return };
    person.close_window().await;
    drop(person);
    let (code, told, folder) = run.end();
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("the window was closed before the Author knew a user; start again"), "{told}");
    std::fs::remove_dir_all(folder.join("out")).expect("it can be removed");
    nothing_is_left(&folder);
}

#[test]
fn nobody_logs_in() {
    if !has_browser() {
        return;
    }
    let mock = moved("manual-nobody", "configured");
    let run = start(&mock, mock.url("author"), "manual-late", &["--login-timeout", "1"], ":99");
    let (code, told, folder) = run.end();
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("no login within 1 s; start again, or allow more with --login-timeout"), "{told}");
    std::fs::remove_dir_all(folder.join("out")).expect("it can be removed");
    nothing_is_left(&folder);

    let mut run = start(&mock, mock.url("author"), "manual-stop", &[], ":99");
    let (file, began) = (profile(&run.folder).join("DevToolsActivePort"), Instant::now());
    while !file.exists() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    send_signal(&run.child, "-INT");
    assert_eq!(run.child.wait().expect("it ends").code(), Some(130));
    std::fs::remove_dir_all(run.folder.join("out")).expect("it can be removed");
    nothing_is_left(&run.folder);

    let (code, told, folder) = start(&mock, mock.url("author"), "manual-no-window", &[], "").end();
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("no display is available") && told.contains("BPCONFORM_AUTHOR_USER"), "{told}");
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

#[test]
fn a_profile_in_use_is_refused_and_left_as_it_is() {
    if !has_browser() {
        return;
    }
    let mock = moved("manual-locked", "configured");
    let folder = temporary("manual-lock");
    std::os::unix::fs::symlink("another-host-17", folder.join("SingletonLock")).expect("it can be made");
    let used = folder.to_str().expect("UTF-8");
    let flags = ["run", "--target", "author", "--author-url", mock.url("author"), "--login", "manual"];
    let told =
        bpconform_with(&[&flags[..], &["--browser-profile", used]].concat(), &[("NO_PROXY", "*"), ("DISPLAY", ":99")]);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("a browser uses") && told.err.contains("another-host-17"), "{}", told.all());
    assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), 1);
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

#[test]
fn a_login_by_a_person_where_nobody_can_log_in_is_an_error() {
    for (flags, words) in [
        (&["run", "--login", "manual"][..], "add --target author"),
        (&["run", "--target", "author", "--author-url", "http://127.0.0.1:1", "--browser-profile", "/x"], "no effect"),
        (&["run", "--target", "author", "--author-url", "http://127.0.0.1:1", "--login-timeout", "9"], "no effect"),
        (&["run", "--target", "author", "--login", "manual"], "set --author-url"),
    ] {
        let told = bpconform_with(flags, &[]);
        assert_eq!(told.code, Some(2), "{}", told.all());
        assert!(told.err.contains(words), "{words}: {}", told.err);
    }
}
