//! How a run with a browser ends: without one, and what is in its evidence.

use super::{has_browser, moved, nothing_is_left, record, run_at, scenarios};
use crate::support::{bpconform, bpconform_with, directory};

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

#[test]
fn the_flags_are_in_the_help() {
    let told = bpconform(&["run", "--help"]);
    for flag in ["--via", "--browser", "--headed", "--learn"] {
        assert!(told.out.contains(flag), "{flag}: {}", told.out);
    }
}
