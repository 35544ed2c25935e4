//! What a run changes on an Author is undone: at its end, when it is asked to end, and by `bpconform clean` when it was
//! killed. What the repository holds before and after is the same, to the property.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use bpconform::features::Features;
use bpconform::plan::Selection;
use bpconform::record::ScenarioRecord;
use bpconform::run::options::Options;
use bpconform::run::target::Target;
use bpconform::run::watch::RunListener;
use bpconform_steps::credentials::Credentials;
use bpconform_steps::redact::Redactor;
use bpconform_steps::run::Settings;
use bpconform_steps::stack::Stack;
use serde_json::Value;

use crate::changes::{all_learned, clean, differences, learned, run, told};
use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, directory, sample};

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
fn a_configuration_is_not_replaced_without_the_flag() {
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

/// Which part of a change is lost when the run is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lost {
    /// The change never arrives.
    Change,
    /// It arrives, but its answer does not.
    Answer,
}

/// Scenarios, and at which of their changes a run is killed.
const KILLS: [(&str, &[usize]); 10] = [
    ("an-oauth-integration", &[1, 2, 3, 4, 5, 8, 11, 12, 13]),
    ("save-close-creates", &[13, 15, 18, 19]),
    ("fails-the-health-check", &[14, 16]),
    ("uploaded-by-createasset", &[3, 5, 6, 7]),
    ("a-tag-is-published", &[4, 5]),
    ("an-image-preset", &[3]),
    ("a-disabled-agent-strands", &[17, 18]),
    ("the-mac-user-is-deleted", &[5]),
    ("a-new-configuration-works", &[13]),
    ("the-log-of-an-agent", &[3]),
];

/// Runs one scenario through a proxy, kills the run when its n-th change arrives there, and cleans up. Returns the
/// request, and what is different after that; `None` if there are fewer changes.
fn killed_at(number: usize, lost: Lost, scenario: &str) -> Option<(String, String)> {
    let (mock, folder) = (Mock::start("configured"), directory(&format!("undo-kill-{scenario}-{number}-{lost:?}")));
    let (learned, journal) = (all_learned(&folder), folder.join("run.journal"));
    let before = mock.repository();
    let (told, waits) = mpsc::channel();
    let count = AtomicUsize::new(0);
    let proxy = Proxy::start(mock.url("author"), move |request| match lost {
        _ if request.starts_with("GET ") || count.fetch_add(1, Ordering::SeqCst) + 1 != number => Act::Pass,
        Lost::Change => Act::Lose(told.clone()),
        Lost::Answer => Act::LoseAnswer(told.clone()),
    });
    let name = format!("(?i){}", scenario.replace('-', ".+?"));
    let more = ["--name", &name, "--replace-configuration", "--journal", journal.to_str().expect("UTF-8")];
    let quiet = || Stdio::null();
    let mut child = run(&mock, &proxy.url, &learned, &more).stdout(quiet()).stderr(quiet()).spawn().expect("it starts");
    let request = loop {
        match waits.recv_timeout(Duration::from_millis(20)) {
            Ok(request) => break request,
            Err(_) if child.try_wait().expect("it can be asked").is_some() => return None,
            Err(_) => {}
        }
    };
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let mut different = String::new();
    for time in ["once", "twice"] {
        let told = clean(&mock, &journal, &[]);
        assert_eq!(told.code, Some(0), "cleaned {time}, {request}: {}", told.all());
        different += &differences(&before, &mock.repository());
    }
    Some((request, different))
}

#[test]
fn a_run_that_was_killed_at_any_change_is_undone_by_clean() {
    let all = KILLS.iter().flat_map(|(scenario, numbers)| numbers.iter().map(move |number| (*scenario, *number)));
    let all: Vec<_> =
        all.flat_map(|(scenario, number)| [Lost::Change, Lost::Answer].map(|lost| (scenario, number, lost))).collect();
    assert_eq!(all.len(), 54);
    let all = sample("kills", all, 8);
    let next = AtomicUsize::new(0);
    let killed = Mutex::new(Vec::new());
    // They mostly wait.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some((scenario, number, lost)) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let found = killed_at(*number, *lost, scenario);
                    let (request, different) = found.unwrap_or_else(|| panic!("{scenario} has no change {number}"));
                    killed
                        .lock()
                        .expect("no test panics with it")
                        .push((*scenario, *number, *lost, request, different));
                }
            });
        }
    });
    let mut killed = killed.into_inner().expect("no test panics with it");
    killed.sort_by_key(|(scenario, number, lost, ..)| (*scenario, *number, *lost == Lost::Answer));
    for (scenario, number, lost, request, different) in &killed {
        let after = if different.is_empty() { "as before" } else { different.as_str() };
        println!("{scenario}, change {number}, {lost:?} lost: {request}: {after}");
    }
    let as_before = killed.iter().filter(|(.., different)| different.is_empty()).count();
    assert_eq!((as_before, killed.len()), (all.len(), all.len()));
}

/// A run that is held at its n-th change; the test decides what happens then.
struct Held {
    mock: Mock,
    child: std::process::Child,
    before: Value,
    out: PathBuf,
}

fn held_at(name: &str, number: usize, scenario: &str, more: &[&str]) -> Held {
    let (mock, folder) = (Mock::start("configured"), directory(name));
    let (learned, out) = (all_learned(&folder), folder.join("out"));
    let before = mock.repository();
    let (told, waits) = mpsc::channel();
    let count = AtomicUsize::new(0);
    let proxy = Proxy::start(mock.url("author"), move |request| {
        let there = !request.starts_with("GET ") && count.fetch_add(1, Ordering::SeqCst) + 1 == number;
        if there { Act::LoseAnswer(told.clone()) } else { Act::Pass }
    });
    let name = format!("(?i){}", scenario.replace('-', ".+?"));
    let patience = if more.contains(&"--request-timeout") { &[][..] } else { &["--request-timeout", "2"] };
    let flags = ["--name", &name, "--replace-configuration"];
    let flags = [&flags[..], patience, &["--out", out.to_str().expect("UTF-8")], more].concat();
    let child = run(&mock, &proxy.url, &learned, &flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("it starts");
    waits.recv_timeout(Duration::from_secs(60)).expect("it comes to its change");
    Held { mock, child, before, out }
}

impl Held {
    /// Waits for the end: the exit code, and that nothing is different.
    fn ends_with(self, code: i32) {
        let output = self.child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        assert_eq!(differences(&self.before, &self.mock.repository()), "", "{}", told(&output));
        let journal = std::fs::read_to_string(self.out.join("journal.jsonl")).expect("it was kept with the record");
        assert!(bpconform_steps::journal::read(&journal).expect("it can be read").open.is_empty(), "{journal}");
    }
}

#[test]
fn the_journal_of_a_run_that_goes_on_is_its_own() {
    let held = held_at("undo-in-use", 12, "an-oauth-integration", &["--request-timeout", "10"]);
    let out = held.out.to_str().expect("UTF-8").to_owned();
    let journal = held.out.join("journal.jsonl");
    let before = std::fs::read_to_string(&journal).expect("it is there");
    let told = clean(&held.mock, &journal, &[]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("the run goes on, and undoes by itself"), "{}", told.err);
    let told = held.mock.run(&["--allow", "change", "--journal", journal.to_str().expect("UTF-8")]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("is the journal of an active run"), "{}", told.err);
    assert!(std::fs::read_to_string(&journal).is_ok_and(|text| text.starts_with(&before)), "{out}");
    Command::new("kill").args(["-INT", &held.child.id().to_string()]).status().expect("kill is there");
    held.ends_with(130);
}

#[test]
fn what_was_changed_in_a_container_is_undone_where_its_volume_is_now() {
    let mut held = held_at("undo-container", 12, "an-oauth-integration", &["--request-timeout", "60"]);
    held.child.kill().expect("it runs");
    held.child.wait().expect("it ends");
    // As a run over a container would have written it: with an address that is no longer in use.
    let journal = held.out.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).expect("it is there");
    let (header, rest) = text.split_once('\n').expect("lines");
    let mut header: Value = serde_json::from_str(header).expect("JSON");
    header["container"] = true.into();
    header["stack"]["author"] = "http://127.0.0.1:1/".into();
    std::fs::write(&journal, format!("{header}\n{rest}")).expect("it is ours");
    let told = clean(&held.mock, &journal, &[]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("which was a container") && told.err.contains("--author-url"), "{}", told.err);
    let told = clean(&held.mock, &journal, &["--author-url", held.mock.url("author")]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_eq!(differences(&held.before, &held.mock.repository()), "", "{}", told.all());
}

#[test]
fn a_run_that_is_asked_to_end_undoes_first() {
    for (signal, name) in [("-INT", "undo-ctrl-c"), ("-TERM", "undo-term")] {
        let held = held_at(name, 12, "an-oauth-integration", &[]);
        Command::new("kill").args([signal, &held.child.id().to_string()]).status().expect("kill is there");
        held.ends_with(130);
    }
}

#[test]
fn a_run_past_its_time_limit_undoes_first() {
    held_at("undo-time-limit", 12, "an-oauth-integration", &["--timeout", "5"]).ends_with(3);
}

#[test]
fn a_half_written_line_of_the_journal_does_not_stop_clean() {
    let mut held = held_at("undo-half-line", 12, "an-oauth-integration", &["--request-timeout", "60"]);
    held.child.kill().expect("it runs");
    held.child.wait().expect("it ends");
    let journal = held.out.join("journal.jsonl");
    let whole = std::fs::read(&journal).expect("it is there");
    // A kill in the middle of a write, within a letter, and zeros after a loss of power.
    let halves: [&[u8]; 3] =
        [b"{\"line\":\"change\",\"number\":99,\"at\":\"20", b"{\"line\":\"change\",\"scenario\":\"\xc3", b"{\"l\0\0\0"];
    for half in halves {
        std::fs::write(&journal, [&whole, half].concat()).expect("it is ours");
        let dry = clean(&held.mock, &journal, &["--dry-run"]);
        assert_eq!(dry.code, Some(0), "{}", dry.all());
    }
    for time in ["once", "twice"] {
        let told = clean(&held.mock, &journal, &[]);
        assert_eq!(told.code, Some(0), "{time}: {}", told.all());
    }
    assert_eq!(differences(&held.before, &held.mock.repository()), "");
    // Cut off within its first line: nothing had been sent.
    for end in [0, 9, 40] {
        std::fs::write(&journal, &whole[..end]).expect("it is ours");
        let told = clean(&held.mock, &journal, &[]);
        assert!(told.code == Some(0) && told.out.contains("before it changed anything"), "{end}: {}", told.all());
    }
}

#[test]
fn a_tenant_that_cannot_be_read_is_not_taken_for_a_clean_one() {
    let mut held = held_at("undo-no-tenant", 5, "a-tag-is-published", &["--request-timeout", "60"]);
    held.child.kill().expect("it runs");
    held.child.wait().expect("it ends");
    let journal = held.out.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).expect("it is there");
    let (header, rest) = text.split_once('\n').expect("lines");
    let mut moved: Value = serde_json::from_str(header).expect("JSON");
    moved["stack"]["tenant"] = "http://bpdoc.localhost:1/".into();
    std::fs::write(&journal, format!("{moved}\n{rest}")).expect("it is ours");
    let told = clean(&held.mock, &journal, &[]);
    assert_eq!(told.code, Some(7), "{}", told.all());
    assert!(told.err.contains("the tenant cannot be read"), "{}", told.all());
    let left = std::fs::read_to_string(&journal).expect("it is there");
    let (_, rest) = left.split_once('\n').expect("lines");
    std::fs::write(&journal, format!("{header}\n{rest}")).expect("it is ours");
    let told = clean(&held.mock, &journal, &[]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_eq!(differences(&held.before, &held.mock.repository()), "");
}

#[test]
fn what_a_run_makes_fail_on_purpose_does_not_fail_the_next_run() {
    let (mock, folder) = (Mock::start("configured"), directory("undo-on-purpose"));
    let learned = all_learned(&folder);
    let state = folder.join("state");
    let place = ["--state-dir", state.to_str().expect("UTF-8")];
    let flags = [&["--requirement", "BP-IMS-04", "--replace-configuration"][..], &place].concat();
    let output = run(&mock, mock.url("author"), &learned, &flags).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let check = ["--requirement", "BP-IMS-02"];
    let output = run(&mock, mock.url("author"), &learned, &[&check[..], &place].concat()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let doctor = ["doctor", "--author-url", mock.url("author")];
    let seen = crate::support::with_credentials(&mock, &[&doctor[..], &place].concat());
    assert!(!seen.out.contains("invalid_client"), "{}", seen.all());
    // The entry is there: without the state directory its origin is unknown.
    let other = folder.join("other");
    let place = ["--state-dir", other.to_str().expect("UTF-8")];
    let output = run(&mock, mock.url("author"), &learned, &[&check[..], &place].concat()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let seen = crate::support::with_credentials(&mock, &[&doctor[..], &place].concat());
    assert!(seen.out.contains("invalid_client"), "{}", seen.all());
}

#[test]
fn a_mac_user_in_a_group_that_no_package_restores_is_not_deleted() {
    let (mock, folder) = (Mock::start("configured"), directory("undo-group"));
    let form = "addMembers=mac-bpdoc-replication";
    let answer = crate::support::post(&mock, "/home/groups/d/dam-users.rw.html", form);
    assert!(answer.contains(" 200 "), "{answer}");
    let before = mock.repository();
    let flags = ["--requirement", "BP-UPG-04", "--replace-configuration"];
    let output = run(&mock, mock.url("author"), &all_learned(&folder), &flags).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("/home/groups/d/dam-users"), "{}", told(&output));
    assert_eq!(differences(&before, &mock.repository()), "");
}

/// Panics when a step begins whose sentence holds these words.
struct PanicsAt(&'static str);

impl RunListener for PanicsAt {
    fn step(&mut self, _: &str, sentence: &str) {
        assert!(!sentence.contains(self.0), "{}", self.0);
    }

    fn ended_in_order(&mut self, _: &ScenarioRecord) {}
}

#[test]
fn a_run_that_panics_undoes_first() {
    let (mock, folder) = (Mock::start("configured"), directory("undo-panic"));
    let before = mock.repository();
    let url = |system: &str| Some(mock.url(system).parse().expect("an address"));
    let author = url("author").expect("an address");
    let stack = Stack { author, ims: url("ims"), console: url("console"), tenant: url("tenant"), control: None };
    let values = mock.credentials().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings { state_dir: Some(folder.join("state")), ..Settings::default() };
    let options = Options {
        settings,
        target: Target::Author(stack, Credentials::new(values).0),
        selection: Selection::new(None, None, vec!["BP-IMS-01".into()]).expect("it is known"),
        jobs: 1,
        surfaces: Arc::new(learned()),
        replace: true,
        journal: Some(folder.join("run.journal")),
        ..Options::embedded(Redactor::default(), Instant::now())
    };
    let features = Features::built_in().expect("they are well formed");
    // The futures of a run are large in a debug build, and the thread of a test has a quarter of a process's stack.
    let thread = std::thread::Builder::new().stack_size(8 * 1024 * 1024).spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let watch = PanicsAt("has exactly one IMS configuration");
        std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(bpconform::run::run(&options, &features, watch))))
            .is_err()
    });
    assert!(thread.expect("a thread").join().expect("the panic was caught"));
    let deleted = mock.paths("author").iter().any(|request| request.starts_with("POST /libs/cq/adobeims"));
    assert!(deleted, "it had not begun");
    assert_eq!(differences(&before, &mock.repository()), "");
}

#[test]
fn what_clean_does_not_recognise_it_leaves_alone() {
    let (mock, folder) = (Mock::start("configured"), directory("undo-foreign"));
    let before = mock.repository();
    let journal = folder.join("run.journal");
    let author = format!("{}/", mock.url("author").trim_end_matches('/'));
    let header = |run: &str, author: &str| {
        format!(
            "{{\"line\":\"run\",\"format\":1,\"version\":\"0\",\"run\":\"{run}\",\"began\":\"2026-01-01T00:00:00Z\",\
             \"stack\":{{\"author\":\"{author}\"}}}}\n"
        )
    };
    let theirs = "{\"line\":\"change\",\"number\":1,\"at\":\"2026-01-01T00:00:00Z\",\"scenario\":\"f:1\",\"request\":\"a change\",\
        \"undo\":[{\"what\":\"node\",\"path\":\"/etc/replication/agents.author/publish\"}]}\n";
    let cases = [
        ("no journal at all".to_owned(), 2, "line 1: this is not a journal of bpconform"),
        (header("", &author) + theirs, 2, "no run of bpconform has such an id"),
        (header("abc1234", &author) + "{\"line\":\"change\"}\n", 2, "line 2: "),
        (
            header("abc1234", &author) + theirs,
            7,
            "will not delete the node /etc/replication/agents.author/publish: its name does not contain",
        ),
        (header("abc1234", "http://127.0.0.1:1/") + theirs, 3, "http://127.0.0.1:1/"),
    ];
    for (text, code, words) in cases {
        std::fs::write(&journal, &text).expect("it can be written");
        let told = clean(&mock, &journal, &[]);
        assert_eq!(told.code, Some(code), "{text}: {}", told.all());
        assert!(
            told.err.contains(words) && told.err.contains(if code == 2 { "run.journal" } else { "" }),
            "{}",
            told.err
        );
    }
    std::fs::write(&journal, header("abc1234", &author) + theirs).expect("it can be written");
    let other = clean(&mock, &journal, &["--author-url", "http://127.0.0.1:1"]);
    assert!(other.code == Some(2) && other.err.contains("the journal is of the Author at"), "{}", other.all());
    let dry = clean(&mock, &journal, &["--dry-run"]);
    assert!(dry.code == Some(0) && dry.out.contains("would delete the node"), "{}", dry.all());
    assert_eq!(differences(&before, &mock.repository()), "");
    let run = run(&mock, mock.url("author"), &all_learned(&folder), &["--journal", journal.to_str().expect("UTF-8")])
        .output();
    let told = told(&run.expect("it starts"));
    assert!(told.contains("1 changes of the run abc1234 are not undone; first run `bpconform clean"), "{told}");
}
