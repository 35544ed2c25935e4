//! A run that is killed in the middle of a change through a page leaves no browser, and `clean`, which has none and knows no
//! request of a page, puts back what was there.
//!
//! A sample fits into every run of the tests; `BPCONFORM_TEST_WHOLE=1` tries all.

use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::{has_browser, moved, nothing_is_left, several_at_once, temporary};
use crate::changes::{changed, now};
use crate::support::proxy::{Act, Proxy};
use crate::support::{bpconform_with, command, is_left_out, report_sample, send_signal, tries_all};

/// A change through a page, and when its run is killed.
struct Kill {
    name: &'static str,
    seed: &'static str,
    /// What the run does: a requirement, or one scenario of it.
    flags: &'static [&'static str],
    /// The path of the page's request.
    sent: &'static str,
    /// Whether the request arrives, so that only its answer is lost.
    arrives: bool,
}

const CREATE: &str = "/mnt/overlay/x/ims/save";
const DELETE: &str = "/mnt/overlay/x/ims/remove";
const SAVE_AND_CLOSE: &str = "/apps/brandportal/config";
const CERTIFICATE: &str = "/mnt/overlay/x/ims/newcert";
const PUBLISH: &str = "/mnt/overlay/x/bp/publish";
const UNPUBLISH: &str = "/mnt/overlay/x/bp/unpublish";

const IMS: &[&str] = &["--requirement", "BP-IMS-01"];
const CLOUD: &[&str] = &["--requirement", "BP-CLD-01", "--via", "browser"];
const ASSET: &[&str] = &["--requirement", "BP-PUB-01"];
const TAG: &[&str] = &["--requirement", "BP-PUB-05", "--name=A tag is published on its own"];

const fn kill(
    name: &'static str,
    seed: &'static str,
    flags: &'static [&'static str],
    sent: &'static str,
    arrives: bool,
) -> Kill {
    Kill { name, seed, flags, sent, arrives }
}

/// The first two are the sample.
const KILLS: [Kill; 12] = [
    kill("created", "fresh", IMS, CREATE, true),
    kill("publish-tag", "configured", TAG, PUBLISH, true),
    kill("create", "fresh", IMS, CREATE, false),
    kill("delete", "fresh", &["--requirement", "BP-IMS-04"], DELETE, false),
    kill("save", "fresh", CLOUD, SAVE_AND_CLOSE, false),
    kill("saved", "fresh", CLOUD, SAVE_AND_CLOSE, true),
    kill("publish", "configured", ASSET, PUBLISH, false),
    kill("published", "configured", ASSET, PUBLISH, true),
    kill("publish-folder", "configured", &["--requirement", "BP-PUB-03"], PUBLISH, true),
    kill("unpublish", "configured", &["--requirement", "BP-PUB-02"], UNPUBLISH, false),
    kill("unpublish-tag", "configured", TAG, UNPUBLISH, true),
    kill("certificate", "legacy-jwt", &["--requirement", "BP-JWT-01"], CERTIFICATE, true),
];

/// Kills the run when the request of its page is on its way, and cleans up. Returns what is different then.
fn killed(kill: &Kill) -> String {
    let name = format!("kill-{}", kill.name);
    let mock = moved(&name, kill.seed);
    let before = now(&mock);
    let (tell, told) = channel();
    let (sent, arrives) = (kill.sent, kill.arrives);
    let proxy = Proxy::start(mock.url("author"), move |request| match request.starts_with("POST ") {
        true if request.contains(sent) && arrives => Act::LoseAnswer(tell.clone()),
        true if request.contains(sent) => Act::Lose(tell.clone()),
        _ => Act::Pass,
    });
    let folder = temporary(&name);
    let out = folder.join("out");
    let out = out.to_str().expect("UTF-8");
    let urls = ["--author-url", &proxy.url, "--ims-url", mock.url("ims"), "--tenant-url", mock.url("tenant")];
    let via = if kill.flags.contains(&"--via") { &[][..] } else { &["--via", "auto"] };
    let flags =
        [&["run", "--target", "author", "--allow", "change", "-q", "--out", out], via, kill.flags, &urls].concat();
    let mut run = command(&flags)
        .envs(mock.credentials())
        .envs([("NO_PROXY", "*"), ("TMPDIR", folder.to_str().expect("UTF-8"))])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    told.recv_timeout(Duration::from_secs(120)).unwrap_or_else(|_| panic!("{name}: the page sends no request"));
    send_signal(&run, "-KILL");
    run.wait().expect("it ends");
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let cleaned = bpconform_with(&["clean", out], &variables);
    assert_eq!(cleaned.code, Some(0), "{name}: {}", cleaned.all());
    let different = changed(&mock, &before);
    nothing_is_left(&folder);
    different
}

#[test]
fn a_killed_run_leaves_no_browser_and_is_undone_from_its_journal() {
    if is_left_out("killed run with a browser") {
        return;
    }
    if !has_browser() {
        return;
    }
    let kills = if tries_all() { &KILLS[..] } else { &KILLS[..2] };
    if kills.len() < KILLS.len() {
        report_sample("kills of a run with a browser", kills.len(), KILLS.len());
    }
    let after = several_at_once(kills, killed);
    for (kill, different) in kills.iter().zip(&after) {
        println!("{}: {}", kill.name, if different.is_empty() { "as before" } else { different });
    }
    assert_eq!(after.iter().filter(|different| different.is_empty()).count(), kills.len());
}
