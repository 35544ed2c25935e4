//! The guided recorder, driven by a scripted person: the browser that it opens also listens at a port, and a driver clicks.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::skins::flags;
use super::{has_browser, moved, moved_with, nothing_is_left, record, run_at, temporary};
use crate::support::browser::Browser;
use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, Told, bpconform_with, command, interrupt, is_left_out, sample};

/// The start page, at which a recording begins.
const START: &str = "/aem/start.html";

/// A label that no file knows, and a form that the mock does not have.
fn other_labels(_: &str, _: &mut String, body: &mut String) {
    *body = body.replace(">Publish to Brand Portal<", ">Zum Portal senden<");
    let form = "<form method=post action=/mnt/overlay/x/bp/contribution><input type=hidden name=path value=/content/dam/mine>\
        <input type=hidden name=title value=Mine><button>Asset Contribution folder</button></form></body>";
    *body = body.replace("</body>", form);
}

/// A recording, and the person in its browser.
struct Recorder {
    process: Child,
    person: Browser,
    author: String,
    folder: PathBuf,
}

impl Recorder {
    /// Starts a recording of that Author, and its person; `None` if no browser or no driver is installed.
    async fn start(mock: &Mock, author: &str, name: &str) -> Option<Self> {
        if !has_browser() {
            return None;
        }
        let (mut process, folder) = Self::process(mock, author, name, &[]);
        let Some(person) = Browser::join(&port(&folder)).await else {
            interrupt(&process);
            process.wait().expect("it ends");
            return None;
        };
        let recorder = Self { process, person, author: author.to_owned(), folder };
        recorder.person.wait_for_script(&format!("return location.pathname === '{START}'")).await;
        Some(recorder)
    }

    /// Starts a recording of that Author without a person.
    fn process(mock: &Mock, author: &str, name: &str, more: &[&str]) -> (Child, PathBuf) {
        let folder = temporary(name);
        let out = folder.join("out");
        std::fs::create_dir_all(&out).expect("it can be made");
        let program = out.join("browser");
        // A person needs a window, this one a port.
        let script = "#!/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin:$PATH\n\
            for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do\n\
            command -v $name >/dev/null && exec $name --headless=new --remote-debugging-port=0 \"$@\"\ndone\n";
        std::fs::write(&program, script).expect("it can be written");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
        let (program, file) = (format!("--browser={}", program.display()), out.join("learned.toml"));
        let flags = ["surface", "learn", &program, "--author-url", author, "--out", file.to_str().expect("UTF-8")];
        let process = command(&[&flags[..], more].concat())
            .envs(mock.credentials())
            .envs([("NO_PROXY", "*"), ("DISPLAY", ":none"), ("TMPDIR", folder.to_str().expect("UTF-8"))])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        (process, folder)
    }

    async fn go(&self, path: &str) {
        self.person.go(&format!("{}{path}", self.author)).await;
    }

    /// Waits until the note says this.
    async fn notes(&self, text: &str) {
        let began = Instant::now();
        loop {
            let read = self.person.read_out().await;
            if read.iter().any(|(_, name, _)| name.contains(text)) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "the note does not say {text}: {read:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks for another step until the note shows this one.
    async fn choose_step(&self, step: &str) {
        for _ in 0..20 {
            if self.person.read_out().await.iter().any(|(_, name, _)| name == step) {
                return;
            }
            self.person.press_read_out("Another step").await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("no step {step}");
    }

    /// Waits for the end; returns what was printed, and the file if there is one.
    fn end(self) -> (Told, Option<String>) {
        drop(self.person);
        Self::ended(self.process, &self.folder)
    }

    fn ended(process: Child, folder: &Path) -> (Told, Option<String>) {
        let began = Instant::now();
        let output = process.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let told = Told {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
            took: began.elapsed(),
        };
        let learned = std::fs::read_to_string(folder.join("out/learned.toml")).ok();
        nothing_is_left(folder);
        (told, learned)
    }
}

/// The port at which the browser listens, which it writes into its profile.
fn port(folder: &Path) -> String {
    let began = Instant::now();
    loop {
        let profiles = std::fs::read_dir(folder).expect("it is there").flatten();
        let mut ports =
            profiles.filter_map(|entry| std::fs::read_to_string(entry.path().join("DevToolsActivePort")).ok());
        if let Some(port) = ports.find_map(|text| Some(text.lines().next()?.to_owned())) {
            return port;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "the browser does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Does each documented step of which no file knows the request.
async fn does_everything(recorder: &Recorder) {
    let person = &recorder.person;
    person.click_link("Adobe IMS Configurations").await;
    for (label, text) in [
        ("Title", "Mine"),
        ("Authorization Server", "https://ims-na1.adobelogin.com"),
        ("API Key", "canary-client-id"),
        ("Client Secret", "canary-client-secret"),
        ("Scope", "openid,AdobeID"),
        ("Organization ID", "CANARY@AdobeOrg"),
    ] {
        person.fill(label, text).await;
    }
    person.click_button("Create").await;
    recorder.notes("Recognised: Tools > Security > Adobe IMS Configurations > Create").await;
    recorder.notes("recorded, and not sent").await;
    person.fill("Alias", "canary-alias").await;
    person.click_button("Create certificate").await;
    recorder.notes("2 of 9 steps recognised").await;
    person.click_link("Download Public Key").await;
    recorder.notes("3 of 9 steps recognised").await;
    // Neither its path nor its fields say what it does: the person says it.
    recorder.choose_step("Tools > Security > Adobe IMS Configurations > select the card > Delete").await;
    person.click_button("Delete").await;
    recorder.notes("POST /mnt/overlay/x/ims/remove (:cq_csrf_token, configurationIds)").await;
    person.press_read_out("Yes").await;
    recorder.notes("4 of 9 steps recognised").await;
    person.click_button("Check Health").await;
    recorder.notes("5 of 9 steps recognised").await;
    recorder.go(START).await;
    person.click_link("AEM Brand Portal").await;
    recorder.notes("6 of 9 steps recognised").await;
    recorder.go("/assets.html/content/dam").await;
    person.click_button("Zum Portal senden").await;
    recorder.notes("7 of 9 steps recognised").await;
    person.click_button("Unpublish from Brand Portal").await;
    recorder.notes("8 of 9 steps recognised").await;
    person.press_read_out("Asset Contribution folder").await;
}

#[tokio::test]
async fn everything_that_a_person_does_is_recognised_and_nothing_is_changed() {
    if is_left_out("recording of all steps") {
        return;
    }
    let mock = moved("recorder", "legacy-jwt");
    let before = mock.repository();
    let rewrite = |request: &str| {
        if request.contains("/assets.html/") { Act::Rewrite(other_labels) } else { Act::Pass }
    };
    let (proxy, foreign) = (Proxy::start(mock.url("author"), rewrite), Proxy::start(mock.url("ims"), |_| Act::Pass));
    let Some(recorder) = Recorder::start(&mock, &proxy.url, "rec-all").await else { return };
    let fetch = format!("return fetch('{}').then(() => 'sent', () => 'blocked')", foreign.url);
    assert_eq!(recorder.person.run(&fetch).await, "blocked");
    // A page cannot see the note, and not press its buttons.
    let sees =
        "return document.documentElement.innerText.includes('Finish') || typeof bpconformRecorder !== 'undefined'
        || [...document.querySelectorAll('*')].some((it) => it.shadowRoot)";
    assert_eq!(recorder.person.run(sees).await, false);
    does_everything(&recorder).await;
    let (told, learned) = recorder.end();
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.err.contains("the recording has ended: nothing is missing"), "{}", told.err);
    assert!(told.err.contains("; 0 of 9 missing"), "{}", told.err);
    assert!(!told.err.contains("not there, and unknown so far"), "{}", told.err);
    let learned = learned.expect("it is written");
    for canary in ["canary", "CANARY", "/content/dam/", "brandportal/AEM-Adobe"] {
        assert!(!learned.contains(canary) && !told.all().contains(canary), "{canary}: {learned} {}", told.all());
    }
    let writes: Vec<_> =
        proxy.seen().into_iter().filter(|it| !it.starts_with("GET ") && !it.starts_with("HEAD ")).collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert_eq!(foreign.seen(), Vec::<String>::new());
    assert_eq!(mock.repository(), before, "the Author is as it was");
    works_without_a_browser(&learned);
}

/// With the file, a run by HTTP gives the verdicts that a run in a browser gives without it.
fn works_without_a_browser(learned: &str) {
    let mock = moved("recorded", "configured");
    let folder = temporary("rec-file");
    let file = folder.join("learned.toml");
    std::fs::write(&file, learned).expect("it can be written");
    let file = file.to_str().expect("UTF-8");
    let told = bpconform_with(&["surface", "show", "--surfaces", file, "--evidence", "unknown"], &[]);
    assert!(told.code == Some(0) && !told.out.contains("author.ims-"), "{}", told.all());
    let flags = ["--allow", "change", "--requirement", "BP-IMS-02", "--requirement", "BP-PUB-01", "-q"];
    let verdicts = |name: &str, more: &[&str]| {
        let (told, out) = run_at(&mock, mock.url("author"), name, &[&flags[..], more].concat());
        let record = record(&out);
        std::fs::remove_dir_all(out).expect("it can be removed");
        let all = record["requirements"].as_array().expect("a list").clone();
        let all: Vec<_> = all.into_iter().map(|it| (it["id"].clone(), it["verdict"].clone())).collect();
        assert!(all.iter().filter(|(_, verdict)| verdict == "passed").count() == 2, "{}", told.all());
        all
    };
    assert_eq!(verdicts("rec-http", &["--via", "http", "--surfaces", file]), verdicts("rec-via", &["--via", "auto"]));
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

#[tokio::test]
async fn what_was_recognised_is_written_however_a_recording_ends() {
    let mock = moved("recorder-ends", "configured");
    let ends = vec!["Finish was pressed", "the window was closed", "it was interrupted"];
    for end in sample("ends of a recording", ends, 1) {
        let Some(recorder) = Recorder::start(&mock, mock.url("author"), "rec-end").await else { return };
        recorder.go("/assets.html/content/dam").await;
        recorder.person.click_button("Unpublish from Brand Portal").await;
        recorder.notes("1 of 9 steps recognised").await;
        match end {
            "Finish was pressed" => recorder.person.press_read_out("Finish").await,
            "the window was closed" => recorder.person.close_window().await,
            _ => interrupt(&recorder.process),
        }
        let (told, learned) = recorder.end();
        assert_eq!(told.code, Some(0), "{}", told.all());
        for words in [end, "1 actions recognised", "not there, and unknown so far: ", "(author.publish)"] {
            assert!(told.err.contains(words), "{words}: {}", told.err);
        }
        assert!(learned.expect("it is written").contains("[surface.\"author.unpublish\"]"));
    }
    // Nothing recognised is nothing written.
    let Some(recorder) = Recorder::start(&mock, mock.url("author"), "rec-end").await else { return };
    recorder.person.press_read_out("Finish").await;
    let (told, learned) = recorder.end();
    assert_eq!((told.code, learned), (Some(4), None), "{}", told.err);
}

#[test]
fn a_recording_ends_at_its_time_limit() {
    if !has_browser() {
        return;
    }
    let mock = moved("recorder-limit", "configured");
    let (process, folder) = Recorder::process(&mock, mock.url("author"), "rec-limit", &["--timeout", "1"]);
    let (told, learned) = Recorder::ended(process, &folder);
    assert_eq!((told.code, learned), (Some(4), None), "{}", told.all());
    assert!(told.err.contains("the recording has ended: the time limit of --timeout"), "{}", told.err);
}

/// Does steps on pages that ask again before they send anything, and whose controls appear when an item is selected.
async fn does_steps_with_a_skin(recorder: &Recorder) {
    const SELECT: &str = "const it = document.querySelector('.foundation-collection-item-thumbnail, \
        .foundation-collection-item-select, coral-quickactions-item button'); it?.click(); return Boolean(it)";
    let person = &recorder.person;
    person.click_found("return document.querySelector('.granite-shell-onboarding [coral-close]')").await;
    let steps: [(&str, &[&str]); 3] = [
        ("/libs/cq/adobeims-configuration/content/configurations.html", &["Check Health", "Check"]),
        ("/assets.html/content/dam", &["Quick Publish", "Publish to Brand Portal", "Publish"]),
        ("/assets.html/content/dam", &["Unpublish from Brand Portal", "Unpublish"]),
    ];
    for (number, (page, labels)) in (1..).zip(steps) {
        recorder.go(page).await;
        person.wait_for_script(SELECT).await;
        for label in labels {
            person.click_text(label).await;
        }
        recorder.notes(&format!("{number} of 9 steps recognised")).await;
    }
}

async fn is_recognised_with_a_skin(skin: &str) {
    let Some(flags) = flags(skin) else { return };
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let mock = moved_with(&format!("rec-{skin}"), "configured", &flags);
    let before = mock.repository();
    let Some(recorder) = Recorder::start(&mock, mock.url("author"), &format!("rec-{skin}")).await else { return };
    does_steps_with_a_skin(&recorder).await;
    recorder.person.press_read_out("Finish").await;
    let (told, learned) = recorder.end();
    assert_eq!(told.code, Some(0), "{}", told.all());
    let learned = learned.expect("it is written");
    for id in ["author.ims-health", "author.publish", "author.unpublish"] {
        assert!(learned.contains(&format!("[surface.\"{id}\"]")), "{skin}: {id}: {learned}");
    }
    assert_eq!(mock.repository(), before, "{skin}: the Author is as it was");
}

#[tokio::test]
async fn what_is_done_on_pages_like_coral_3_is_recognised() {
    is_recognised_with_a_skin("coral3").await;
}

#[tokio::test]
async fn what_is_done_on_pages_of_the_library_is_recognised() {
    if is_left_out("recording on pages of the library") {
        return;
    }
    is_recognised_with_a_skin("spectrum").await;
}

#[test]
fn a_recording_without_a_display_says_what_else_can_be_done() {
    let flags = ["surface", "learn", "--browser", "--author-url", "http://127.0.0.1:1"];
    let told = bpconform_with(&flags, &[("DISPLAY", ""), ("WAYLAND_DISPLAY", "")]);
    if cfg!(target_os = "linux") {
        assert_eq!(told.code, Some(2), "{}", told.all());
        assert!(told.err.contains("no display") && told.err.contains("--har FILE"), "{}", told.err);
    }
    let told = bpconform_with(&["surface", "learn"], &[]);
    assert!(told.code == Some(2) && told.err.contains("--browser"), "{}", told.all());
    let told = bpconform_with(&["surface", "learn", "--browser", "--har", "x.har"], &[]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    let told = bpconform_with(&[&flags[..], &["--timeout", "0"]].concat(), &[("DISPLAY", ":0")]);
    assert_eq!(told.code, Some(2), "{}", told.all());
}

#[test]
fn a_display_that_does_not_exist_is_a_clear_error() {
    if !has_browser() || !cfg!(target_os = "linux") {
        return;
    }
    let mock = Mock::start("configured");
    let mut variables = mock.credentials();
    variables.extend([("NO_PROXY", "*"), ("DISPLAY", ":none"), ("WAYLAND_DISPLAY", "")]);
    let told = bpconform_with(&["surface", "learn", "--browser", "--author-url", mock.url("author")], &variables);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("does not start") && told.err.contains("needs a display that exists"), "{}", told.err);
}
