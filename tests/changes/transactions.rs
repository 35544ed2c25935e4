//! A run with --replace-configuration loses nothing: not when two run at once, not when a single answer is wrong, and not
//! when it is killed. What the repositories of Author and tenant hold before and after is the same.
//!
//! The numbers are small here, so that they fit into every run of the tests. `BPCONFORM_TEST_WHOLE=1` tries each wrong answer
//! for each requirement; `BPCONFORM_TEST_PAIRS`, `BPCONFORM_TEST_FAULTS` and `BPCONFORM_TEST_KILLS` raise the numbers,
//! `BPCONFORM_TEST_AT_ONCE` sets how many run at once, and `BPCONFORM_TEST_ONLY` tries one requirement, as in `BP-UPG-05`,
//! or one wrong answer to it, as in `BP-UPG-05, 404`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::changes::{all_learned, changed, clean, count, now, run, told};
use crate::support::proxy::{Act, Age, Proxy};
use crate::support::{Mock, directory, sample, send, tries_all};

/// Answers in the place of the Author, which gets nothing of the request.
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnone";
const NOTHING_SAID: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

const REPLACES: [&str; 3] = ["--requirement", "BP-UPG-04", "--replace-configuration"];

#[test]
fn of_two_runs_at_once_one_is_refused_and_nothing_is_lost() {
    let (mut refused, mut both) = (0, 0);
    for pair in 0..count("BPCONFORM_TEST_PAIRS", 3) {
        let (mock, folder) = (Mock::start("configured"), directory(&format!("transaction-pair-{pair}")));
        let (learned, before) = (all_learned(&folder), now(&mock));
        let start = |name: &str| {
            let out = folder.join(name);
            let flags = [&REPLACES[..], &["--out", out.to_str().expect("UTF-8")]].concat();
            let mut command = run(&mock, mock.url("author"), &learned, &flags);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let runs = [start("a"), start("b")].map(|child| child.wait_with_output().expect("it ends"));
        let mut codes = runs.each_ref().map(|output| output.status.code());
        codes.sort_unstable();
        let all = || runs.iter().map(told).collect::<String>();
        assert_eq!(changed(&mock, &before), "", "{}", all());
        match codes {
            [Some(0), Some(3)] => {
                refused += 1;
                assert!(all().contains("it is locked by the run "), "{}", all());
            }
            // One had ended before the other began.
            [Some(0), Some(0)] => both += 1,
            _ => panic!("{codes:?}: {}", all()),
        }
    }
    println!("{refused} refused, {both} one after the other");
}

/// Wrong answers to a read, by what is wrong with them.
const WRONG: [(&str, Act); 6] = [
    ("404", Act::Answer("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot found")),
    (
        "empty",
        Act::Answer(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 34\r\nConnection: close\r\n\r\n\
             {\"jcr:primaryType\":\"sling:Folder\"}",
        ),
    ),
    (
        "300",
        Act::Answer(
            "HTTP/1.1 300 Multiple Choices\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: \
             close\r\n\r\n[]",
        ),
    ),
    ("500", Act::Answer("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops")),
    ("first", Act::Stale(Age::First)),
    ("last", Act::Stale(Age::Last)),
];

/// The requirements whose scenarios delete what the Author had: those with `@replaces`, and one that needs an Author without
/// a configuration.
const DELETE: [&str; 6] = ["BP-UPG-02", "BP-UPG-03", "BP-UPG-04", "BP-UPG-05", "BP-UPG-06", "BP-CLD-01"];

/// The requirement of AEM as a Cloud Service whose scenario changes what can be put back there.
const OF_CLOUD: &str = "BP-CS-05";

/// An Author for a requirement, and what a run that changes it needs besides.
fn author_for(requirement: &str) -> (Mock, &'static [&'static str]) {
    if requirement == OF_CLOUD {
        (Mock::with(&["--product", "aem-cloud"]), &["--product", "aem-cloud"])
    } else {
        (Mock::start("configured"), &["--replace-configuration"])
    }
}

/// Runs with one wrong answer to the n-th read, and cleans up where the run could not; nothing when there are not so many.
fn with_wrong_answer(requirement: &str, number: usize, (word, wrong): &(&str, Act)) -> Option<i32> {
    let name = format!("transaction-fault-{requirement}-{number}-{word}");
    let ((mock, more), folder) = (author_for(requirement), directory(&name));
    let (learned, out, before) = (all_learned(&folder), folder.join("out"), now(&mock));
    let reads = std::sync::Arc::new(AtomicUsize::new(0));
    let (counted, act) = (std::sync::Arc::clone(&reads), wrong.clone());
    let proxy = Proxy::start(mock.url("author"), move |request| {
        let there = request.starts_with("GET ") && counted.fetch_add(1, Ordering::SeqCst) + 1 == number;
        if there { act.clone() } else { Act::Pass }
    });
    let out_flag = out.to_str().expect("UTF-8");
    let flags = [&["--requirement", requirement, "--out", out_flag], more].concat();
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    if reads.load(Ordering::SeqCst) < number {
        return None;
    }
    // One wrong answer is no failure of the target: at most it leaves a question open.
    assert_ne!(output.status.code(), Some(1), "{requirement}, read {number}, {word}: {}", told(&output));
    let mut different = changed(&mock, &before);
    if output.status.code() == Some(7) {
        let cleaned = clean(&mock, &out, &[]);
        assert_eq!(cleaned.code, Some(0), "{requirement}, read {number}: {}{}", told(&output), cleaned.all());
        different = changed(&mock, &before);
    }
    assert_eq!(different, "", "{requirement}, read {number}, {word}: {}", told(&output));
    let _ = std::fs::remove_dir_all(&folder);
    output.status.code()
}

/// How runs with one wrong answer to the first read, and to every so many after it, end: how many by exit code.
///
/// A run mostly waits, so several are under way at once.
fn ends(requirement: &str, wrong: &(&str, Act), first: usize, step: usize) -> BTreeMap<i32, usize> {
    let (next, codes) = (AtomicUsize::new(first), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..count("BPCONFORM_TEST_AT_ONCE", 4) {
            scope.spawn(|| {
                while let Some(code) = with_wrong_answer(requirement, next.fetch_add(step, Ordering::SeqCst), wrong) {
                    *codes.lock().expect("no panic").entry(code).or_default() += 1;
                }
            });
        }
    });
    codes.into_inner().expect("no panic")
}

/// So many requirements with a wrong answer are tried at once.
const WORKERS: usize = 3;

#[test]
fn no_single_wrong_answer_loses_the_configuration() {
    // Every so many reads one is wrong; 1 means each of them.
    let step = count("BPCONFORM_TEST_FAULTS", 149);
    let only = std::env::var("BPCONFORM_TEST_ONLY").unwrap_or_default();
    let all = (0..DELETE.len()).flat_map(|offset| (0..WRONG.len()).map(move |index| (offset, index)));
    let is_wanted =
        |(offset, index): &(usize, usize)| format!("{}, {}", DELETE[*offset], WRONG[*index].0).starts_with(&only);
    let all: Vec<_> = all.filter(is_wanted).collect();
    // Each requirement and each wrong answer is in a sample of so many.
    let all = sample("requirements with a wrong answer", all, 2);
    let try_one = |(offset, index): (usize, usize)| {
        let (requirement, wrong) = (DELETE[offset], &WRONG[index]);
        let first = 1 + (index * DELETE.len() + offset) * step / (WRONG.len() * DELETE.len());
        let codes = ends(requirement, wrong, first, step);
        println!("{requirement}, {}: {} positions, by exit code {codes:?}", wrong.0, codes.values().sum::<usize>());
        assert!(!codes.is_empty() || first > 60, "{requirement}");
    };
    // A run waits most of its time. Each worker tries every so many of them.
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let own = all.iter().copied().skip(worker).step_by(WORKERS);
            scope.spawn(move || own.for_each(try_one));
        }
    });
}

#[test]
fn no_single_wrong_answer_leaves_content_of_a_run_on_the_cloud() {
    let step = count("BPCONFORM_TEST_FAULTS", 29);
    for (index, wrong) in sample("wrong answers on the cloud", WRONG.iter().enumerate().collect(), 2) {
        let codes = ends(OF_CLOUD, wrong, 1 + index * step / WRONG.len(), step);
        println!("{OF_CLOUD}, {}: {} positions, by exit code {codes:?}", wrong.0, codes.values().sum::<usize>());
        assert!(!codes.is_empty(), "{}", wrong.0);
    }
}

fn kill(mut child: std::process::Child, after: Duration) {
    // The moment is the point of the test: any will do.
    std::thread::sleep(after);
    let _ = child.kill();
    let _ = child.wait();
}

fn quiet(command: &mut Command) -> std::process::Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

fn killed_after(number: usize, after: Duration, learned: &Path, folder: &Path) -> String {
    let mock = Mock::start("configured");
    let (out, before) = (folder.join(format!("out-{number}")), now(&mock));
    let mut flags =
        vec!["--out", out.to_str().expect("UTF-8"), "--requirement", "BP-UPG-04", "--requirement", "BP-PUB-05"];
    flags.extend(number.is_multiple_of(2).then_some("--replace-configuration"));
    kill(quiet(&mut run(&mock, mock.url("author"), learned, &flags)), after);
    let journal = out.join("journal.jsonl");
    if !journal.exists() {
        return changed(&mock, &before);
    }
    let mut first = crate::support::command(&["clean", journal.to_str().expect("UTF-8")]);
    first.envs(mock.credentials()).env("NO_PROXY", "*");
    kill(quiet(&mut first), after / 3);
    let cleaned = clean(&mock, &journal, &[]);
    assert_eq!(cleaned.code, Some(0), "killed after {after:?}: {}", cleaned.all());
    changed(&mock, &before)
}

#[test]
fn a_run_that_is_killed_at_any_time_is_undone_on_author_and_tenant() {
    let folder = directory("transaction-kills");
    let (learned, kills) = (all_learned(&folder), count("BPCONFORM_TEST_KILLS", 4));
    for number in 0..kills {
        // Spread over the first seconds of a run, without two at the same moment.
        let after = Duration::from_millis(200 + u64::try_from(number * 7919 % 4000).expect("small"));
        assert_eq!(killed_after(number, after, &learned, &folder), "", "killed after {after:?}");
    }
}

#[test]
fn a_run_that_changes_leaves_author_and_tenant_as_they_were() {
    // A seed takes minutes, most of them waiting. All of them: BPCONFORM_TEST_SEEDS=1.
    let all = std::env::var_os("BPCONFORM_TEST_SEEDS").is_some();
    let seeds = if all {
        bpconform_mocks::author::seed::states_of(bpconform_fixtures::Product::Aem65)
    } else {
        vec!["configured", "fresh"]
    };
    std::thread::scope(|scope| {
        for seed in seeds {
            scope.spawn(move || leaves_as_it_was(seed));
        }
    });
}

fn leaves_as_it_was(seed: &str) {
    // Those that deliver and replace; a whole run waits for minutes, and one of these for half of one.
    let requirements = ["BP-CLD-01", "BP-PUB-01", "BP-PUB-03", "BP-PUB-05", "BP-REP-05", "BP-PUB-04"];
    let tried = if tries_all() { &requirements[..] } else { &requirements[..5] };
    let mut flags: Vec<_> = tried.iter().flat_map(|id| ["--requirement", id]).collect();
    flags.push("--replace-configuration");
    let (mock, folder) = (Mock::start(seed), directory(&format!("transaction-green-{seed}")));
    let (learned, before) = (all_learned(&folder), now(&mock));
    let output = run(&mock, mock.url("author"), &learned, &flags).output().expect("it starts");
    println!("{seed}: exit {:?}", output.status.code());
    let (mut different, told) = (changed(&mock, &before), told(&output));
    if output.status.code() == Some(7) {
        // An agent that never delivers keeps what waits in its queue, and the run names each node that it left for that.
        let is_missing = |line: &&str| !told.contains(line.split(": ").next().unwrap_or(line));
        let left = different.lines().filter(|line| !line.starts_with("/var/eventing/jobs/")).filter(is_missing);
        different = left.collect::<Vec<_>>().join("\n");
    }
    assert!(matches!(output.status.code(), Some(0 | 1 | 3 | 7)), "{seed}: {told}");
    assert_eq!(different, "", "{seed}: {told}");
}

#[test]
fn what_a_gateway_gave_up_on_is_undone() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-gateway"));
    let (learned, before) = (all_learned(&folder), now(&mock));
    let proxy = Proxy::start(mock.url("author"), |request| {
        let gives_up = |_: &str, head: &mut String, _: &mut String| *head = head.replace(" 200 ", " 504 ");
        if request.starts_with("POST /") && request.contains("/mediaportal/publish") {
            Act::Rewrite(gives_up)
        } else {
            Act::Pass
        }
    });
    let output = run(&mock, &proxy.url, &learned, &["--requirement", "BP-PUB-01"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("answered 504"), "{}", told(&output));
    assert_eq!(changed(&mock, &before), "", "{}", told(&output));
}

/// A POST with these fields, as the administrator.
pub(super) fn post(author: &str, path: &str, fields: &str) {
    let head = format!(
        "POST {path} HTTP/1.0\r\nAuthorization: Basic YWRtaW46YWRtaW4=\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
        fields.len()
    );
    send(author, &head, fields);
}

/// A proxy that does this, once, before it passes on the first request that begins with these words.
fn before_first(mock: &Mock, words: &'static str, act: impl Fn(&str) + Send + Sync + 'static) -> Proxy {
    let (author, is_done) = (mock.url("author").to_owned(), AtomicBool::new(false));
    Proxy::start(mock.url("author"), move |request| {
        if request.starts_with(words) && !is_done.swap(true, Ordering::SeqCst) {
            act(&author);
        }
        Act::Pass
    })
}

/// The first request for the package after it was built, and the first deletion.
const IS_KEPT: &str = "GET /etc/packages/bpconform/";
const DELETES: &str = "POST /etc/replication/agents.author/mp_replication_agent";

const AGENT: &str = "/etc/replication/agents.author/mp_replication_agent2_default_bpdoc/jcr:content";
const CLOUD: &str = "/etc/cloudservices/mediaportal/BPdocConfiguration/jcr:content";

#[test]
fn what_somebody_changes_while_the_configuration_is_kept_stays() {
    // Of a node that the run does not delete nothing needs to be said.
    let cases = [
        ("BP-CLD-01", IS_KEPT, AGENT, 3),
        ("BP-UPG-02", IS_KEPT, AGENT, 3),
        // It could go with the cloud configuration.
        ("BP-UPG-03", IS_KEPT, AGENT, 3),
        ("BP-UPG-02", DELETES, CLOUD, 0),
        ("BP-UPG-02", DELETES, AGENT, 3),
        ("BP-UPG-05", DELETES, AGENT, 3),
        ("BP-UPG-05", DELETES, CLOUD, 3),
        ("BP-UPG-05", DELETES, "/apps/system/config", 3),
    ];
    for (requirement, moment, node, code) in sample("changes of a kept configuration", cases.to_vec(), 2) {
        let (mock, folder) = (Mock::start("configured"), directory("transaction-edited"));
        let (learned, before) = (all_learned(&folder), now(&mock));
        let provider = before.0["apps"]["system"]["config"].as_object().into_iter().flatten();
        let provider = provider.map(|(name, _)| name).find(|name| name.contains("provider")).expect("it is configured");
        let node = if node.starts_with("/apps") { format!("{node}/{provider}") } else { node.to_owned() };
        let proxy = before_first(&mock, moment, move |author| post(author, &node, "retryDelay=123456"));
        let flags = ["--requirement", requirement, "--replace-configuration"];
        let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
        let (different, told) = (changed(&mock, &before), told(&output));
        assert!(different.lines().count() == 1 && different.contains("123456"), "{requirement}: {different}{told}");
        assert_eq!(output.status.code(), Some(code), "{requirement}: {told}");
        assert!(code == 0 || told.contains("retryDelay) was changed since the run kept"), "{requirement}: {told}");
    }
}

#[test]
fn a_mac_user_who_joined_a_group_meanwhile_is_not_deleted() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-joined"));
    let (learned, before) = (all_learned(&folder), now(&mock));
    let proxy = before_first(&mock, IS_KEPT, |author| {
        post(author, "/home/groups/d/dam-users.rw.userprops.html", "addMembers=mac-bpdoc-replication");
    });
    let flags = ["--requirement", "BP-UPG-04", "--replace-configuration"];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    let (different, told) = (changed(&mock, &before), told(&output));
    assert!(different.lines().count() == 1 && different.contains("dam-users"), "{different}{told}");
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("in the group /home/groups/d/dam-users was changed since the run kept"), "{told}");
}

#[test]
fn a_deletion_that_is_carried_out_late_deletes_nothing_that_was_put_back() {
    // Which deletion of an agent is late, how long the gateway waits, and how much later it is carried out. The second
    // deletion of the same agent undoes what the run created in its place.
    let cases = vec![("BP-CLD-01", 1, 0, 5, 0), ("BP-UPG-02", 0, 12, 3, 3), ("BP-CLD-01", 1, 12, 4, 0)];
    for (requirement, late, waits, later, code) in sample("late deletions", cases, 1) {
        let (mock, folder) = (Mock::start("configured"), directory("transaction-late-deletion"));
        let (learned, before) = (all_learned(&folder), now(&mock));
        let (author, deletions) = (mock.url("author").to_owned(), AtomicUsize::new(0));
        let proxy = Proxy::start(mock.url("author"), move |request| {
            if request.starts_with(&format!("{DELETES}0")) && deletions.fetch_add(1, Ordering::SeqCst) == late {
                let (author, path) = (author.clone(), request.trim_start_matches("POST ").to_owned());
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_secs(waits + later));
                    post(&author, &path, ":operation=delete");
                });
                std::thread::sleep(Duration::from_secs(waits));
                return Act::Answer(
                    "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate",
                );
            }
            Act::Pass
        });
        let flags = ["--requirement", requirement, "--replace-configuration"];
        let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
        assert_eq!(output.status.code(), Some(code), "{requirement}, {waits} s: {}", told(&output));
        assert_eq!(changed(&mock, &before), "", "{requirement}, {waits} s: {}", told(&output));
        let sent = proxy.seen().iter().filter(|request| request.starts_with(&format!("{DELETES}0"))).count();
        assert!(sent > late, "{requirement}, {waits} s: {sent}");
    }
}

#[test]
fn what_somebody_makes_where_a_node_was_deleted_is_left_and_told() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-conflict"));
    let (learned, out, before) = (all_learned(&folder), folder.join("out"), now(&mock));
    let agent = "/etc/replication/agents.author/mp_replication_agent0_default_bpdoc";
    let proxy = before_first(&mock, "POST /etc/replication/agents.author/mp_replication_agent3", move |author| {
        post(author, &format!("{agent}/somebodys"), "jcr:primaryType=nt:unstructured");
    });
    let flags = ["--requirement", "BP-UPG-02", "--replace-configuration", "--out", out.to_str().expect("UTF-8")];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    let told = told(&output);
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(
        told.contains(agent) && told.contains("differs from what was kept, where the run deleted a node"),
        "{told}"
    );
    let different = changed(&mock, &before);
    assert!(different.contains("/somebodys") && !different.contains("agent1_default"), "{different}");
    let refused = clean(&mock, &out, &[]);
    assert_eq!((refused.code, changed(&mock, &before)), (Some(7), different), "{}", refused.all());
    // Whoever made it decides: that it is restored, or that nothing is there.
    post(mock.url("author"), agent, ":operation=delete");
    let is_accepted = tries_all();
    let flags: &[&str] = if is_accepted { &["--accept", agent] } else { &[] };
    let cleaned = clean(&mock, &out, flags);
    let different = changed(&mock, &before);
    assert_eq!((cleaned.code, different.is_empty()), (Some(0), !is_accepted), "{different}{}", cleaned.all());
    assert!(different.lines().all(|line| line.starts_with(agent)), "{different}");
}

#[test]
fn a_later_attempt_restores_only_what_is_lost() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-later-attempt"));
    let (learned, out, before) = (all_learned(&folder), folder.join("out"), now(&mock));
    let is_refused = std::sync::Arc::new(AtomicBool::new(true));
    let refuses = std::sync::Arc::clone(&is_refused);
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.starts_with("POST ") && request.contains("-part") && refuses.load(Ordering::SeqCst) {
            return Act::Answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        }
        Act::Pass
    });
    let flags = ["BP-UPG-02", "BP-UPG-03"].iter().flat_map(|id| ["--requirement", id]);
    let flags = flags.chain(["--replace-configuration", "--out", out.to_str().expect("UTF-8")]).collect::<Vec<_>>();
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    let told = told(&output);
    assert_eq!(output.status.code(), Some(7), "{told}");
    // What comes next is not judged by an Author without its agents.
    let record = std::fs::read_to_string(out.join("run.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(record["summary"]["scenarios"]["failed"].as_u64().unwrap_or_default(), 0, "{told}");
    assert!(told.contains("deleted is not restored yet"), "{told}");
    // Neither is a node that the run deletes.
    for node in [CLOUD, "/etc/replication/agents.author/publish/jcr:content"] {
        post(mock.url("author"), node, "note=edited");
    }
    is_refused.store(false, Ordering::SeqCst);
    let cleaned = clean(&mock, &out, &[]);
    let different = changed(&mock, &before);
    assert_eq!(cleaned.code, Some(0), "{different}{}", cleaned.all());
    assert_eq!(different.lines().filter(|line| line.contains("edited")).count(), 2, "{different}");
    assert_eq!(different.lines().count(), 2, "{different}");
}

#[test]
fn a_run_that_loses_its_lock_between_two_deletions_deletes_nothing_more() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-lock-lost"));
    let (learned, out, before) = (all_learned(&folder), folder.join("out"), now(&mock));
    let proxy = before_first(&mock, DELETES, |author| {
        post(author, "/var/bpconform/lock", ":operation=delete");
        let lock = "node=theirs&run=abc1234&host=elsewhere&process=1&since=now&until=2999-01-01T00:00:00Z";
        post(author, "/var/bpconform/lock", lock);
    });
    let flags = ["--requirement", "BP-UPG-02", "--replace-configuration", "--out", out.to_str().expect("UTF-8")];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    let told = told(&output);
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(told.contains("it is locked by the run abc1234 on elsewhere"), "{told}");
    let deletions = proxy.seen().iter().filter(|request| request.starts_with(DELETES)).count();
    assert_eq!(deletions, 1, "{told}");
    post(mock.url("author"), "/var/bpconform/lock", ":operation=delete");
    let cleaned = clean(&mock, &out, &[]);
    assert_eq!((cleaned.code, changed(&mock, &before).as_str()), (Some(0), ""), "{told}{}", cleaned.all());
}

#[test]
fn what_somebody_changes_in_a_node_that_was_not_deleted_stays() {
    let agent = "/etc/replication/agents.author/mp_replication_agent1_default_bpdoc/jcr:content";
    for (edit, shows) in [("retryDelay=123456", "123456"), ("enabled@Delete=", "enabled")] {
        let (mock, folder) = (Mock::start("configured"), directory("transaction-refused"));
        let (learned, before) = (all_learned(&folder), now(&mock));
        let author = mock.url("author").to_owned();
        let proxy = Proxy::start(mock.url("author"), move |request| {
            if request.starts_with("POST /etc/replication/agents.author/mp_replication_agent1") {
                post(&author, agent, edit);
                return Act::Answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
            }
            Act::Pass
        });
        let flags = ["--requirement", "BP-UPG-02", "--replace-configuration"];
        let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
        let (different, told) = (changed(&mock, &before), told(&output));
        assert!(different.lines().count() == 1 && different.contains(shows), "{edit}: {different}{told}");
        assert_eq!(output.status.code(), Some(3), "{edit}: {told}");
    }
}

#[test]
fn what_was_installed_is_restored_whatever_the_answer_says() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-installed"));
    let (learned, before, installs) = (all_learned(&folder), now(&mock), AtomicUsize::new(0));
    let gives_up = |_: &str, head: &mut String, _: &mut String| *head = head.replace(" 200 ", " 504 ");
    let proxy = Proxy::start(mock.url("author"), move |request| {
        let is_first = request.contains("-part") && installs.fetch_add(1, Ordering::SeqCst) == 0;
        if is_first { Act::Rewrite(gives_up) } else { Act::Pass }
    });
    let flags = ["--requirement", "BP-UPG-02", "--replace-configuration"];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    assert_eq!((output.status.code(), changed(&mock, &before).as_str()), (Some(0), ""), "{}", told(&output));
}

#[test]
fn what_was_restored_by_half_is_restored_by_the_next_attempt() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-half"));
    let (learned, before) = (all_learned(&folder), now(&mock));
    let (author, parts, is_deleted) = (mock.url("author").to_owned(), AtomicUsize::new(0), AtomicBool::new(false));
    let proxy = Proxy::start(mock.url("author"), move |request| {
        // It goes with the cloud configuration, which the run deletes, and comes back without its content.
        let cloud = "POST /etc/cloudservices/mediaportal/BPdocConfiguration";
        if request == cloud && !is_deleted.swap(true, Ordering::SeqCst) {
            post(&author, AGENT.trim_end_matches("/jcr:content"), ":operation=delete");
        }
        if request.contains("-part") && parts.fetch_add(1, Ordering::SeqCst) == 1 {
            post(&author, AGENT, ":operation=delete");
            return Act::Answer("HTTP/1.1 500 Error\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhalf");
        }
        Act::Pass
    });
    let flags = ["--requirement", "BP-UPG-03", "--replace-configuration"];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    assert_eq!((output.status.code(), changed(&mock, &before).as_str()), (Some(0), ""), "{}", told(&output));
    assert!(proxy.seen().iter().filter(|request| request.contains("-part")).count() > 3, "{}", told(&output));
}

#[test]
fn what_a_run_made_is_found_without_its_cloud_configuration() {
    // Whether somebody has deleted the agents of the run, too, by which its Mac user is known.
    for agents_too in [false, true] {
        let (mock, folder) = (Mock::start("configured"), directory(&format!("transaction-tidied-{agents_too}")));
        let (learned, out, before) = (all_learned(&folder), folder.join("out"), now(&mock));
        let (lost, lose) = std::sync::mpsc::channel();
        let proxy = Proxy::start(mock.url("author"), move |request| {
            if request.starts_with("POST ") && request.contains("brandportal/config") {
                return Act::LoseAnswer(lost.clone());
            }
            Act::Pass
        });
        let flags = ["--requirement", "BP-CLD-01", "--replace-configuration", "--out", out.to_str().expect("UTF-8")];
        let mut child = quiet(&mut run(&mock, &proxy.url, &learned, &flags));
        lose.recv_timeout(Duration::from_secs(60)).expect("Save & Close");
        let _ = child.kill();
        let _ = child.wait();
        let (began, home) = (std::time::Instant::now(), "/home/users/mac/bpdoc");
        let made = loop {
            let now = mock.repository();
            let (users, agents) =
                (now["home"]["users"]["mac"]["bpdoc"].clone(), &now["etc"]["replication"]["agents.author"]);
            let made = users.as_object().into_iter().flatten().find(|(_, node)| node.is_object());
            match made {
                Some((name, _)) if agents["mp_replication_agent3_default_bpdoc"].is_object() => {
                    break format!("{home}/{name}");
                }
                _ => assert!(began.elapsed() < Duration::from_secs(20), "Save & Close makes nobody: {now}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let pages = mock.repository()["etc"]["cloudservices"]["mediaportal"].clone();
        let page = pages.as_object().into_iter().flatten().find(|(name, _)| name.starts_with("bpconform-"));
        let page = format!("/etc/cloudservices/mediaportal/{}", page.expect("the page of the run").0);
        post(mock.url("author"), &page, ":operation=delete");
        if agents_too {
            for index in 0..4 {
                let agent = format!("/etc/replication/agents.author/mp_replication_agent{index}_default_bpdoc");
                post(mock.url("author"), &agent, ":operation=delete");
            }
            let refused = clean(&mock, &out, &[]);
            assert_eq!(refused.code, Some(7), "{}", refused.all());
            assert!(refused.all().contains(&made), "{made}: {}", refused.all());
            post(mock.url("author"), &made, "deleteAuthorizable=");
        }
        let cleaned = clean(&mock, &out, &[]);
        assert_eq!((cleaned.code, changed(&mock, &before).as_str()), (Some(0), ""), "{agents_too}: {}", cleaned.all());
    }
}

#[test]
fn a_user_that_the_search_does_not_find_yet_is_not_taken_for_one_of_the_run() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-late-index"));
    let (learned, before) = (all_learned(&folder), now(&mock));
    let proxy = Proxy::start(mock.url("author"), |request| {
        if request.contains("/search/authorizables.json") && request.contains("mac-") {
            Act::Answer(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\nConnection: close\r\n\r\n\
                 {\"authorizables\":[],\"total\":0}",
            )
        } else {
            Act::Pass
        }
    });
    for requirement in sample("requirements with a late index", vec!["BP-CLD-03", "BP-UPG-05"], 1) {
        let flags = ["--requirement", requirement, "--replace-configuration"];
        let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{requirement}: {}", told(&output));
        assert_eq!(changed(&mock, &before), "", "{requirement}: {}", told(&output));
    }
}

#[test]
fn clean_compares_what_it_puts_back_without_the_copy_of_the_run() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-no-copy"));
    let (learned, out, before) = (all_learned(&folder), folder.join("out"), now(&mock));
    let state = folder.join("state");
    let (lost, lose) = std::sync::mpsc::channel();
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.starts_with("POST /home/users/mac") { Act::LoseAnswer(lost.clone()) } else { Act::Pass }
    });
    let [out_flag, state_flag] = [&out, &state].map(|path| path.to_str().expect("UTF-8"));
    let flags = ["--requirement", "BP-UPG-04", "--replace-configuration", "--out", out_flag, "--state-dir", state_flag];
    let mut child = quiet(&mut run(&mock, &proxy.url, &learned, &flags));
    lose.recv_timeout(Duration::from_secs(60)).expect("the Mac user is deleted");
    let _ = child.kill();
    let _ = child.wait();
    assert_ne!(changed(&mock, &before), "");
    // As on another machine.
    let elsewhere = folder.join("elsewhere");
    let journal = std::fs::read(out.join("journal.jsonl")).expect("a journal");
    let cleaned = clean(&mock, &out, &["--state-dir", elsewhere.to_str().expect("UTF-8")]);
    assert_eq!((cleaned.code, changed(&mock, &before).as_str()), (Some(0), ""), "{}", cleaned.all());
    assert!(cleaned.all().contains(&format!("with key material, in {state_flag}")), "{}", cleaned.all());
    let copies = || std::fs::read_dir(&state).expect("it was used").count();
    assert_eq!(copies(), 2, "{}", cleaned.all());
    // The journal may have been undone in place, or as a copy.
    let undone = clean(&mock, &out, &["--state-dir", state_flag]);
    assert!(undone.code == Some(0) && undone.all().contains("removed: "), "{}", undone.all());
    assert_eq!(copies(), 0, "{}", undone.all());
    std::fs::write(out.join("journal.jsonl"), journal).expect("it can be written");
    let again = clean(&mock, &out, &["--state-dir", state_flag]);
    assert_eq!((again.code, changed(&mock, &before).as_str()), (Some(7), ""), "{}", again.all());
}

/// Edits an agent that was made for the run, just before the run deletes it.
#[test]
fn what_somebody_changes_in_an_agent_of_the_run_stays() {
    let agent = AGENT.trim_end_matches("/jcr:content");
    let made_again = ":operation=delete";
    for edit in sample("edits of an agent of the run", vec!["retryDelay=123456", made_again], 1) {
        let (mock, folder) = (Mock::start("configured"), directory("transaction-made"));
        let (learned, out, before) = (all_learned(&folder), folder.join("out"), now(&mock));
        let (author, deletions) = (mock.url("author").to_owned(), AtomicUsize::new(0));
        let proxy = Proxy::start(mock.url("author"), move |request| {
            // The first deletion is that of the agent that was replaced.
            if request.starts_with(&format!("{DELETES}0")) && deletions.fetch_add(1, Ordering::SeqCst) == 1 {
                if edit == made_again {
                    post(&author, agent, made_again);
                    post(&author, agent, "jcr:primaryType=cq:Page");
                }
                post(&author, AGENT, "jcr:primaryType=cq:PageContent&retryDelay=123456");
            }
            Act::Pass
        });
        let flags = ["--requirement", "BP-CLD-01", "--replace-configuration", "--out", out.to_str().expect("UTF-8")];
        let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
        let (different, told) = (changed(&mock, &before), told(&output));
        assert_eq!(output.status.code(), Some(7), "{edit}: {different}{told}");
        assert!(told.contains(agent) && told.contains("bpconform clean --accept PATH"), "{edit}: {told}");
        let only_there = |different: &str| different.lines().all(|line| line.contains(agent));
        assert!(different.contains("123456") && only_there(&different), "{edit}: {different}");
        let refused = clean(&mock, &out, &["--accept", "/etc/other"]);
        assert!(refused.code == Some(2) && refused.all().contains("/etc/other"), "{}", refused.all());
        let refused = clean(&mock, &out, &[]);
        assert_eq!((refused.code, changed(&mock, &before)), (Some(7), different), "{edit}: {}", refused.all());
        let below = clean(&mock, &out, &["--accept", AGENT]);
        assert_eq!(below.code, Some(2), "{}", below.all());
        let accepted = clean(&mock, &out, &["--accept", agent]);
        let different = changed(&mock, &before);
        assert_eq!(accepted.code, Some(0), "{edit}: {different}{}", accepted.all());
        assert!(different.contains("123456") && only_there(&different), "{edit}: {different}");
    }
}

#[test]
fn what_is_left_of_a_cloud_service_takes_nothing_of_what_was_restored() {
    let agent = "/etc/replication/agents.author/mp_replication_agent3_default_bpdoc";
    for way in sample("ways out", vec!["back", "deleted", "accepted"], 1) {
        // It has no third agent before.
        let (mock, folder) = (Mock::start("half-configured"), directory("transaction-left"));
        let (learned, out, before) = (all_learned(&folder), folder.join("out"), now(&mock));
        let (author, deletions) = (mock.url("author").to_owned(), AtomicUsize::new(0));
        let proxy = Proxy::start(mock.url("author"), move |request| {
            if request.starts_with(&format!("{DELETES}0")) && deletions.fetch_add(1, Ordering::SeqCst) == 1 {
                post(&author, &format!("{agent}/jcr:content"), "retryDelay=123456");
            }
            Act::Pass
        });
        let flags = ["--requirement", "BP-CLD-01", "--replace-configuration", "--out", out.to_str().expect("UTF-8")];
        let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
        let (different, told) = (changed(&mock, &before), told(&output));
        assert_eq!(output.status.code(), Some(7), "{different}{told}");
        assert!(told.contains(&format!("{agent} was made for the run and was changed since then")), "{told}");
        let only_there = |different: &str| different.lines().all(|line| line.contains(agent));
        assert!(different.contains(agent) && only_there(&different), "{different}{told}");
        let refused = clean(&mock, &out, &[]);
        assert_eq!((refused.code, changed(&mock, &before)), (Some(7), different), "{way}: {}", refused.all());
        match way {
            "back" => post(mock.url("author"), &format!("{agent}/jcr:content"), "retryDelay=60000"),
            "deleted" => post(mock.url("author"), agent, ":operation=delete"),
            _ => {}
        }
        let is_accepted = way == "accepted";
        let flags: &[&str] = if is_accepted { &["--accept", agent] } else { &[] };
        let cleaned = clean(&mock, &out, flags);
        let different = changed(&mock, &before);
        assert_eq!(cleaned.code, Some(0), "{way}: {different}{}", cleaned.all());
        assert!(only_there(&different) && different.is_empty() != is_accepted, "{way}: {different}");
    }
}

#[test]
fn what_is_there_is_not_restored_whatever_two_reads_say() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-not-found"));
    let (learned, before) = (all_learned(&folder), now(&mock));
    let (author, moment, wrong) = (mock.url("author").to_owned(), AtomicUsize::new(0), AtomicUsize::new(0));
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.starts_with(DELETES) && moment.fetch_max(1, Ordering::SeqCst) == 0 {
            post(&author, CLOUD, "note=123456");
        }
        // The package is read before it is decided what is lost.
        if request.starts_with(IS_KEPT) && moment.load(Ordering::SeqCst) > 0 {
            moment.store(2, Ordering::SeqCst);
        }
        let is_asked = request.starts_with("GET /etc/cloudservices/mediaportal/BPdocConfiguration");
        if is_asked && moment.load(Ordering::SeqCst) == 2 && wrong.fetch_add(1, Ordering::SeqCst) < 2 {
            return Act::Answer(NOT_FOUND);
        }
        Act::Pass
    });
    let flags = ["--requirement", "BP-UPG-02", "--replace-configuration"];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    let (different, told) = (changed(&mock, &before), told(&output));
    assert!(different.lines().count() == 1 && different.contains("123456"), "{different}{told}");
    assert_eq!(output.status.code(), Some(0), "{told}");
}

#[test]
fn what_somebody_makes_while_the_package_is_prepared_is_not_written_over() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-prepared"));
    let (learned, before) = (all_learned(&folder), now(&mock));
    let (author, is_deleted, is_made) = (mock.url("author").to_owned(), AtomicBool::new(false), AtomicBool::new(false));
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.starts_with(DELETES) {
            is_deleted.store(true, Ordering::SeqCst);
        }
        let prepares = request.starts_with("POST ") && request.contains("cmd=upload");
        if prepares && is_deleted.load(Ordering::SeqCst) && !is_made.swap(true, Ordering::SeqCst) {
            post(&author, AGENT.trim_end_matches("/jcr:content"), "jcr:primaryType=cq:Page");
            post(&author, AGENT, "jcr:primaryType=nt:unstructured&retryDelay=123456");
        }
        Act::Pass
    });
    let flags = ["--requirement", "BP-UPG-02", "--replace-configuration"];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    let (different, told) = (changed(&mock, &before), told(&output));
    assert!(different.contains("123456"), "{different}{told}");
    assert!(different.lines().all(|line| line.contains(AGENT.trim_end_matches("/jcr:content"))), "{different}{told}");
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(told.contains("where the run deleted a node"), "{told}");
}

#[test]
fn what_a_run_made_is_deleted_whatever_one_answer_says() {
    // The deletion, which of such requests it is, what it is answered without being carried out, and how many reads of what it
    // deletes are answered 404 then.
    let ims = "POST /libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/delete";
    let cases = [
        ("BP-CLD-01", "fresh", ims, 1, NOT_FOUND, 0),
        ("BP-CLD-01", "fresh", "POST /etc/replication/agents.author/mp_replication_agent2", 1, NOT_FOUND, 2),
        ("BP-JWT-01", "legacy-jwt", "POST /home/users/", 2, NOTHING_SAID, 0),
        ("BP-CLD-01", "fresh", ims, 1, NOTHING_SAID, 0),
        ("BP-CLD-01", "fresh", "POST /etc/cloudservices/mediaportal/bpconform-", 1, NOT_FOUND, 2),
        ("BP-CLD-01", "fresh", "POST /home/users/mac/", 1, NOT_FOUND, 2),
    ];
    for (index, case) in sample("deletions that are not carried out", cases.to_vec(), 3).into_iter().enumerate() {
        let (requirement, seed, deletion, which, answer, reads) = case;
        let (mock, folder) = (Mock::start(seed), directory(&format!("transaction-not-carried-out-{index}")));
        let (learned, before) = (all_learned(&folder), now(&mock));
        let (count, wrong) = (AtomicUsize::new(0), Mutex::new((String::new(), reads)));
        let proxy = Proxy::start(mock.url("author"), move |request| {
            let mut wrong = wrong.lock().expect("no panic");
            let node = request.split([' ', '.']).nth(1).unwrap_or_default();
            if request.starts_with(deletion) && count.fetch_add(1, Ordering::SeqCst) + 1 == which {
                node.clone_into(&mut wrong.0);
                return Act::Answer(answer);
            }
            if request.starts_with("GET ") && node == wrong.0 && wrong.1 > 0 {
                wrong.1 -= 1;
                return Act::Answer(NOT_FOUND);
            }
            Act::Pass
        });
        let output = run(&mock, &proxy.url, &learned, &["--requirement", requirement]).output().expect("it starts");
        assert_eq!(changed(&mock, &before), "", "{case:?}: {}", told(&output));
        assert_eq!(output.status.code(), Some(0), "{case:?}: {}", told(&output));
    }
}

#[test]
fn what_goes_with_a_cloud_configuration_a_moment_later_is_restored_after_it() {
    let (mock, folder) = (Mock::start("configured"), directory("transaction-goes-later"));
    let (learned, before) = (all_learned(&folder), now(&mock));
    let (author, is_deleted) = (mock.url("author").to_owned(), AtomicBool::new(false));
    let proxy = Proxy::start(mock.url("author"), move |request| {
        let deletes = request.starts_with("POST /etc/cloudservices/mediaportal/bpconform-");
        if deletes && !is_deleted.swap(true, Ordering::SeqCst) {
            let author = author.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(5));
                for index in 0..4 {
                    let agent = format!("/etc/replication/agents.author/mp_replication_agent{index}_default_bpdoc");
                    post(&author, &agent, ":operation=delete");
                }
            });
        }
        Act::Pass
    });
    let flags = ["--requirement", "BP-CLD-01", "--replace-configuration"];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    assert_eq!((output.status.code(), changed(&mock, &before).as_str()), (Some(0), ""), "{}", told(&output));
}
