//! Pages with the structure of AEM 6.5, and pages of Adobe's component library, prove what the plain ones do.
//!
//! A sample fits into every run of the tests; `BPCONFORM_TEST_SKINS=1` proves with each skin all that an Author's pages can.
//! The library comes from npm (`fetch-coral`). If it is not available, its tests print so and prove nothing; with
//! `CORAL_IS_REQUIRED` its absence fails them.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use super::whole::{MOST, proved};
use super::{has_browser, moved_with, nothing_is_left, record, run_at, scenarios};
use crate::support::{Mock, is_left_out, post, report_sample, sample, tries_all};

/// How long the proof of all that the pages can prove may take.
const LONGEST: Duration = Duration::from_secs(300);

/// The flags of the mock for a skin; none if it needs the library, which is not available.
pub(super) fn flags(skin: &str) -> Option<Vec<String>> {
    let mut flags = vec!["--ui-skin".to_owned(), skin.to_owned()];
    if skin == "spectrum" {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browsing/fetch-coral");
        let fetched = Command::new(script).output().expect("it can be started");
        let told = String::from_utf8_lossy(&fetched.stderr).into_owned();
        if !fetched.status.success() {
            assert!(std::env::var_os("CORAL_IS_REQUIRED").is_none() && fetched.status.code() == Some(77), "{told}");
            let why = told.lines().last().unwrap_or_default();
            // Bypasses the capture of the test harness, so that it is visible.
            let _ = writeln!(std::io::stderr(), "NOT TESTED: pages of Adobe's component library: {why}");
            return None;
        }
        let library = String::from_utf8_lossy(&fetched.stdout).trim().to_owned();
        flags.extend(["--ui-assets".to_owned(), library]);
    }
    Some(flags)
}

/// Sets the language of the administrator's pages.
pub(super) fn speak(mock: &Mock, language: &str) {
    let repository = mock.repository();
    let home = home_of(&repository["home"]["users"], "admin").expect("the administrator");
    let answer = post(mock, &format!("/home/users{home}/preferences"), &format!("language={language}"));
    assert!(answer.contains(" 20"), "{answer}");
}

/// The path of a user, below the folder of a repository.
fn home_of(folder: &serde_json::Value, user: &str) -> Option<String> {
    folder.as_object()?.iter().find_map(|(name, node)| {
        if node["rep:authorizableId"] == user {
            return Some(format!("/{name}"));
        }
        home_of(node, user).map(|below| format!("/{name}{below}"))
    })
}

/// Proves requirements through the pages of a skin in a language.
fn prove(skin: &str, language: &str, seed: &str, ids: &[&str]) {
    if !has_browser() {
        return;
    }
    let Some(flags) = flags(skin) else { return };
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let name = format!("{skin}-{language}-{seed}");
    let mock = moved_with(&name, seed, &flags);
    speak(&mock, language);
    let more = ["--via", "auto", "--allow", "change", "-q"];
    let ids: Vec<_> = ids.iter().flat_map(|id| ["--requirement", id]).collect();
    let (told, folder) = run_at(&mock, mock.url("author"), &name, &[&more[..], &ids].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    let record = record(&folder);
    let proved = proved(&record);
    assert!(ids.iter().skip(1).step_by(2).all(|id| proved.contains(id)), "{proved:?}");
    nothing_is_left(&folder);
}

/// Checking a configuration, and publishing.
const CONFIGURED: [&str; 2] = ["BP-IMS-02", "BP-PUB-01"];

/// Setting up a service account.
const ACCOUNT: [&str; 2] = ["BP-JWT-01", "BP-JWT-03"];

#[test]
fn pages_like_coral_3_in_german_prove_what_they_show() {
    if is_left_out("pages like Coral 3 in German") {
        return;
    }
    prove("coral3", "de", "configured", &CONFIGURED);
}

#[test]
fn pages_of_the_library_in_german_set_up_a_service_account() {
    if is_left_out("service account on pages of the library") {
        return;
    }
    let ids = sample("requirements of a service account on pages of the library", ACCOUNT.to_vec(), 1);
    prove("spectrum", "de", "legacy-jwt", &ids);
}

#[test]
fn each_skin_proves_in_english_what_it_proves_in_german() {
    if !tries_all() {
        return report_sample("skins with what they prove", 2, 4);
    }
    prove("coral3", "en", "legacy-jwt", &ACCOUNT);
    prove("spectrum", "en", "configured", &CONFIGURED);
}

#[test]
fn every_skin_proves_all_that_pages_can() {
    // A skin takes minutes.
    if std::env::var_os("BPCONFORM_TEST_SKINS").is_none() || !has_browser() {
        return;
    }
    for skin in ["plain", "coral3", "spectrum"] {
        let Some(flags) = flags(skin) else { continue };
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let mock = moved_with(&format!("all-{skin}"), "configured", &flags);
        let run = ["--allow", "change", "--replace-configuration", "--yes", "--latest-service-pack", "6.5.21.0", "-q"];
        let (told, folder) =
            run_at(&mock, mock.url("author"), &format!("all-{skin}"), &[&run[..], &["--via", "auto"]].concat());
        assert_eq!(told.code, Some(0), "{skin}: {}", told.all());
        let record = record(&folder);
        let proved = proved(&record);
        assert!(proved.len() >= MOST, "{skin}: {} are proved: {proved:?}", proved.len());
        assert!(scenarios(&record, "skipped").iter().all(|(_, reason)| !reason.is_empty()), "{skin}");
        assert!(told.took < LONGEST, "{skin}: {:?}", told.took);
        nothing_is_left(&folder);
    }
}
