//! Keep, delete and put back, on a real FileVault: the Author is as before, whatever came in between.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::author::{Sling, ask_at, differences, expect_as_before, shared, told};
use crate::support::proxy::{Act, Proxy};
use crate::support::{directory, is_left_out, sample};

/// Scenarios that delete everything and create it again.
const REPLACING: [&str; 10] = [
    "--allow",
    "change",
    "--replace-configuration",
    "--requirement",
    "BP-IMS-01",
    "--requirement",
    "BP-CLD-01",
    "--requirement",
    "BP-UPG-04",
    "--quiet",
];

/// Only the one that deletes the Mac user.
const ONE: [&str; 6] = ["--allow", "change", "--replace-configuration", "--requirement", "BP-UPG-04", "--quiet"];

fn out(name: &str) -> String {
    directory(name).to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_configuration_that_is_replaced_is_back_on_filevault() {
    let Some(sling) = shared("a_configuration_that_is_replaced_is_back_on_filevault") else { return };
    let (before, out) = (sling.repository(), out("sling-replaced"));
    let told = sling.run_as("admin", &[&REPLACING[..], &["--out", &out]].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    expect_as_before(&differences(&before, &sling.repository()));
    let again = sling.clean(&out);
    assert!(again.code == Some(0) && again.out.contains("nothing to undo"), "{}", again.all());
    // The agents deliver as before.
    let probe = sling.run_as("admin", &["--allow", "probe", "--requirement", "BP-REP-03", "--quiet"]);
    assert_eq!(probe.code, Some(0), "{}", probe.all());
}

#[test]
fn names_with_blanks_umlauts_and_signs_are_kept_and_put_back() {
    if is_left_out("replacement of names with blanks on a real Sling") {
        return;
    }
    let Some(sling) = shared("names_with_blanks_umlauts_and_signs_are_kept_and_put_back") else { return };
    let name = "M%C3%A4rkte%20%26%20100%20%25%20%2B%20x";
    let form = format!(":operation=move&:dest=%2Fetc%2Fcloudservices%2Fmediaportal%2F{name}&_charset_=utf-8");
    let moved = sling.ask("POST", "/etc/cloudservices/mediaportal/BPdocConfiguration", &form);
    assert!(moved.starts_with("HTTP/1.1 201"), "{moved}");
    let form = "jcr:primaryType=cq:Page&jcr:content%2Fjcr:primaryType=cq:PageContent&jcr:content%2Fjcr:title=foreign\
                &jcr:content%2Fsling:resourceType=cq%2Freplication%2Fcomponents%2Fagent";
    let made = sling.ask("POST", &format!("/etc/replication/agents.author/{name}"), form);
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    let before = sling.repository();
    let told = sling.run_as("admin", &REPLACING);
    assert_eq!(told.code, Some(0), "{}", told.all());
    expect_as_before(&differences(&before, &sling.repository()));
}

#[test]
fn a_deletion_alone_touches_nothing_else() {
    let Some(sling) = shared("a_deletion_alone_touches_nothing_else") else { return };
    let arguments = ["--allow", "change", "--replace-configuration", "--requirement", "BP-UPG-06", "--quiet"];
    let told = sling.run_as("admin", &arguments);
    assert_eq!(told.code, Some(0), "{}", told.all());
}

#[test]
fn who_logs_in_meanwhile_changes_no_verdict() {
    if is_left_out("login during a replacement on a real Sling") {
        return;
    }
    let Some(sling) = shared("who_logs_in_meanwhile_changes_no_verdict") else { return };
    let over = AtomicBool::new(false);
    let told = std::thread::scope(|scope| {
        let logins = scope.spawn(|| {
            let mut count = 0;
            while !over.load(Ordering::SeqCst) {
                for user in ["viewer", "admin"] {
                    let answer = sling.log_in(user);
                    assert!(answer.starts_with("HTTP/1.1 302") && answer.contains("login-token="), "{answer}");
                    count += 1;
                }
            }
            count
        });
        let arguments = ["--allow", "change", "--replace-configuration", "--requirement", "BP-UPG-06", "--quiet"];
        let told = sling.run_as("admin", &arguments);
        over.store(true, Ordering::SeqCst);
        assert!(logins.join().expect("each login succeeds") > 10, "hardly anybody logged in");
        told
    });
    assert!(sling.repository().to_string().contains("/.tokens/"), "Oak keeps no tokens");
    assert_eq!(told.code, Some(0), "{}", told.all());
}

#[test]
fn what_somebody_changes_while_a_configuration_is_replaced_stays_on_filevault() {
    let Some(sling) = shared("what_somebody_changes_while_a_configuration_is_replaced_stays_on_filevault") else {
        return;
    };
    let agents = "/etc/replication/agents.author/mp_replication_agent";
    let all = vec![format!("{agents}2_default_bpdoc/jcr:content"), format!("{agents}3_default_bpdoc/jcr:content")];
    for changed in sample("changed agents on a real Sling", all, 1) {
        sling.reset();
        let (before, author, is_done) = (sling.repository(), sling.url("author").to_owned(), AtomicBool::new(false));
        let path = changed.clone();
        let proxy = Proxy::start(sling.url("author"), move |request| {
            if request.starts_with("POST ") && request.contains(agents) && !is_done.swap(true, Ordering::SeqCst) {
                let answer = ask_at(&author, "POST", &path, "retryDelay=123456");
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            }
            Act::Pass
        });
        let out = out("sling-changed-meanwhile");
        let arguments =
            ["--allow", "change", "--replace-configuration", "--requirement", "BP-CLD-01", "--quiet", "--out", &out];
        let began = Instant::now();
        let run = sling.command(&proxy.url, "admin", &arguments).output().expect("it starts");
        let told = told(&run, began);
        // Whether the Author itself changed it, because of what the run deleted, only a person can say.
        assert_eq!(told.code, Some(7), "{}", told.all());
        assert!(told.all().contains("was changed since the run kept"), "{}", told.all());
        let agent = changed.trim_end_matches("/jcr:content");
        let accepted = sling.clean_with(&[&out, "--accept", agent]);
        assert_eq!(accepted.code, Some(0), "{}", accepted.all());
        let different = differences(&before, &sling.repository());
        println!("{}{different}", told.all());
        let (mine, others): (Vec<_>, Vec<_>) = different.lines().partition(|line| line.contains("123456"));
        assert_eq!(mine.len(), 1, "{}{different}", told.all());
        assert!(mine[0].contains(&format!("{changed} retryDelay")), "{different}");
        expect_as_before(&others.join("\n"));
    }
}

/// Waits for the end of a run, or for its n-th change; whether that came.
fn comes_to_its_change(child: &mut Child, waits: &mpsc::Receiver<String>) -> Option<String> {
    loop {
        match waits.recv_timeout(Duration::from_millis(20)) {
            Ok(request) => return Some(request),
            Err(_) if child.try_wait().expect("it can be asked").is_some() => return None,
            Err(_) => {}
        }
    }
}

/// Kills a run when its n-th change has come, whose answer the run never gets, and cleans up. Gives back the request, and
/// what is different after that; nothing when there are not so many changes.
fn killed_at(sling: &Sling, number: usize) -> Option<(String, String)> {
    let (before, out) = (sling.repository(), out(&format!("sling-killed-{number}")));
    let (sender, waits) = mpsc::channel();
    let count = AtomicUsize::new(0);
    let proxy = Proxy::start(sling.url("author"), move |request| {
        let there = !request.starts_with("GET ") && count.fetch_add(1, Ordering::SeqCst) + 1 == number;
        if there { Act::LoseAnswer(sender.clone()) } else { Act::Pass }
    });
    let journal = format!("{out}/run.journal");
    let arguments = [&ONE[..], &["--journal", &journal]].concat();
    let mut run = sling.command(&proxy.url, "admin", &arguments);
    let mut child = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let request = comes_to_its_change(&mut child, &waits)?;
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    for time in ["once", "twice"] {
        let told = sling.clean(&journal);
        assert_eq!(told.code, Some(0), "cleaned {time} after {request}: {}", told.all());
    }
    Some((request, differences(&before, &sling.repository())))
}

#[test]
fn a_run_that_was_killed_is_undone_by_clean_on_filevault() {
    if is_left_out("killed replacement on a real Sling") {
        return;
    }
    let Some(sling) = shared("a_run_that_was_killed_is_undone_by_clean_on_filevault") else { return };
    let mut killed = 0;
    for number in [1, 2, 3, 5, 8, 12] {
        let Some((request, different)) = killed_at(&sling, number) else { break };
        println!("killed at change {number}, {request}");
        expect_as_before(&different);
        killed += 1;
    }
    assert!(killed >= 4, "the run has only {killed} changes");
}

#[test]
fn two_runs_at_once_lose_nothing() {
    let Some(sling) = shared("two_runs_at_once_lose_nothing") else { return };
    let before = sling.repository();
    for pair in sample("pairs of runs on a real Sling", vec![0, 1, 2], 1) {
        let outs = [0, 1].map(|run| out(&format!("sling-pair-{pair}-{run}")));
        let began = Instant::now();
        let start = |out: &String| {
            let arguments = [&ONE[..], &["--out", out]].concat();
            let mut run = sling.command(sling.url("author"), "admin", &arguments);
            run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let children = [start(&outs[0]), start(&outs[1])];
        let ends = children.map(|child| told(&child.wait_with_output().expect("it ends"), began));
        let cleaned = outs.each_ref().map(|out| sling.clean(out));
        let all: String = ends.iter().chain(&cleaned).map(crate::support::Told::all).collect();
        assert!(ends.iter().any(|end| end.code == Some(0)), "{all}");
        let lost = differences(&before, &sling.repository());
        expect_as_before(&lost);
    }
}
