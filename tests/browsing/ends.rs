//! How a run with a browser ends: without one, by a kill, and what is in its evidence.

use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::{has_browser, moved, nothing_is_left, record, run_at, scenarios, temporary};
use crate::support::proxy::{Act, Proxy};
use crate::support::{bpconform, bpconform_with, command, directory, send_signal};

#[test]
fn flags_of_a_browser_that_would_have_no_effect_are_errors() {
    let author = ["--target", "author", "--author-url", "http://127.0.0.1:1"];
    for (flags, words) in [
        (vec!["--via", "auto"], "for a real Author"),
        ([&author[..], &["--headed"]].concat(), "--headed has no effect"),
        ([&author[..], &["--browser", "/x"]].concat(), "--browser has no effect"),
        ([&author[..], &["--learn", "/x"]].concat(), "--learn has no effect"),
        ([&author[..], &["--via", "auto", "--browser", "/no/such"]].concat(), "the file /no/such does not exist"),
    ] {
        let told = bpconform_with(
            &[&["run"][..], &flags[..]].concat(),
            &[("BPCONFORM_AUTHOR_USER", "a-user"), ("BPCONFORM_AUTHOR_PASSWORD", "a-password")],
        );
        assert_eq!(told.code, Some(2), "{}", told.all());
        assert!(told.err.contains(words), "{words}: {}", told.err);
    }
}

#[test]
fn without_a_browser_the_scenarios_are_skipped_with_the_reason() {
    let mock = moved("none", "configured");
    let folder = directory("no-browser");
    let out = folder.join("out");
    let flags = ["run", "--target", "author", "--author-url", mock.url("author"), "--ims-url", mock.url("ims")];
    let more =
        ["--via", "auto", "--allow", "probe", "--requirement", "BP-IMS-02", "--out", out.to_str().expect("UTF-8")];
    let mut variables = mock.credentials();
    variables.extend([("NO_PROXY", "*"), ("PATH", "/nowhere")]);
    let told = bpconform_with(&[&flags[..], &more[..]].concat(), &variables);
    assert!(told.err.contains("no Chromium or Chrome was found"), "{}", told.all());
    let skipped = scenarios(&record(&folder), "skipped");
    let (_, reason) = skipped.iter().find(|(_, reason)| reason.contains("author.ims-health")).expect("it is skipped");
    assert!(reason.starts_with("surface unknown: author.ims-health") && reason.contains("--browser PATH"), "{reason}");
}

#[test]
fn no_secret_that_is_typed_into_a_page_is_in_the_evidence() {
    if !has_browser() {
        return;
    }
    let mock = moved("secrets", "fresh");
    let flags = ["--via", "auto", "--allow", "change", "--requirement", "BP-IMS-01", "-vv"];
    let (told, folder) = run_at(&mock, mock.url("author"), "secrets", &flags);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let secrets = mock.credentials();
    let secret = secrets.iter().find(|(name, _)| *name == "BPCONFORM_IMS_CLIENT_SECRET").expect("it is there").1;
    for (name, text) in super::evidence::everything(&folder.join("out")) {
        assert!(!text.contains(secret), "{name}");
        assert!(!text.contains("YWRtaW46YWRtaW4="), "{name}: the login");
    }
    assert!(!told.all().contains(secret));
    assert!(told.out.contains("/mnt/overlay/x/ims/save"), "the request of the page is evidence: {}", told.out);
    nothing_is_left(&folder);
}

/// Kills a run when the request of its page is on its way, before it arrives or before it is answered, and undoes it by
/// `clean`, which has no browser and knows none of those requests.
fn killed(name: &str, seed: &str, arrives: bool, sent: &'static str, id: &str) {
    let mock = moved(name, seed);
    let (tell, told) = channel();
    let proxy = Proxy::start(mock.url("author"), move |request| match request.contains(sent) {
        false => Act::Pass,
        true if arrives => Act::LoseAnswer(tell.clone()),
        true => Act::Lose(tell.clone()),
    });
    let folder = temporary(name);
    let out = folder.join("out");
    let out = out.to_str().expect("UTF-8");
    let urls = ["--author-url", &proxy.url, "--ims-url", mock.url("ims"), "--tenant-url", mock.url("tenant")];
    let flags = ["run", "--target", "author", "--via", "auto", "--allow", "change", "--requirement", id, "-q"];
    let mut run = command(&[&flags[..], &urls[..], &["--out", out]].concat())
        .envs(mock.credentials())
        .envs([("NO_PROXY", "*"), ("TMPDIR", folder.to_str().expect("UTF-8"))])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    told.recv_timeout(Duration::from_secs(60)).expect("the page sends its request");
    send_signal(&run, "-KILL");
    run.wait().expect("it ends");
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let cleaned = bpconform_with(&["clean", out], &variables);
    assert_eq!(cleaned.code, Some(0), "{name}: {}", cleaned.all());
    assert!(!mock.repository().to_string().contains("bpconform-"), "{name}: something of the run is left");
    nothing_is_left(&folder);
}

#[test]
fn a_killed_run_leaves_no_browser_and_is_undone_from_its_journal() {
    if !has_browser() {
        return;
    }
    let (create, publish, unpublish) =
        ("/mnt/overlay/x/ims/save", "/mnt/overlay/x/bp/publish", "/mnt/overlay/x/bp/unpublish");
    killed("kill-create", "fresh", false, create, "BP-IMS-01");
    killed("kill-created", "fresh", true, create, "BP-IMS-01");
    killed("kill-publish", "configured", false, publish, "BP-PUB-01");
    killed("kill-published", "configured", true, publish, "BP-PUB-01");
    killed("kill-unpublish", "configured", false, unpublish, "BP-PUB-02");
    killed("kill-certificate", "legacy-jwt", true, "/mnt/overlay/x/ims/newcert", "BP-JWT-01");
}

#[test]
fn the_flags_are_in_the_help() {
    let told = bpconform(&["run", "--help"]);
    for flag in ["--via", "--browser", "--headed", "--learn"] {
        assert!(told.out.contains(flag), "{flag}: {}", told.out);
    }
}
