//! Users with fewer rights: what may not be read is unknown, never absent.

use super::author::{Sling, shared};
use super::verdicts::check;
use crate::support::{bpconform_with, is_left_out};

/// What the doctor says to this user.
fn doctor(sling: &Sling, user: &str) -> crate::support::Told {
    let arguments = ["doctor", "--author-url", sling.url("author"), "--tenant-url", sling.url("tenant")];
    bpconform_with(&arguments, &sling.credentials(user))
}

#[test]
fn who_may_read_all_is_told_all() {
    let Some(sling) = shared("who_may_read_all_is_told_all") else { return };
    check(&sling, "viewer");
}

#[test]
fn what_a_user_may_not_read_is_never_said_to_be_absent() {
    let Some(sling) = shared("what_a_user_may_not_read_is_never_said_to_be_absent") else { return };
    // Oak answers as if there were nothing.
    assert!(sling.ask_as_stranger("/etc/replication/agents.author.1.json").starts_with("HTTP/1.1 404"));
    check(&sling, "stranger");
}

#[test]
fn the_doctor_does_not_miss_what_a_user_may_not_read() {
    if is_left_out("doctor without rights on a real Sling") {
        return;
    }
    let Some(sling) = shared("the_doctor_does_not_miss_what_a_user_may_not_read") else { return };
    let told = doctor(&sling, "stranger");
    let problems: Vec<_> = told.out.lines().filter(|line| line.starts_with("PROBLEM")).collect();
    // That the user may not open the web console, the console says itself.
    assert!(problems.iter().all(|problem| problem.contains("BP-PRE-05")), "{problems:#?}");
    assert!(matches!(told.code, Some(1 | 3)), "{}", told.all());
    let console = |line: &&str| line.starts_with("unknown") && line.contains("/system/console/");
    let unknown: Vec<_> = told.out.lines().filter(console).collect();
    assert!(
        !unknown.is_empty() && unknown.iter().all(|line| line.contains("no right to the Web Console")),
        "{unknown:#?}"
    );
}

#[test]
fn the_doctor_names_what_a_publisher_may_not_read() {
    if is_left_out("doctor of a publisher on a real Sling") {
        return;
    }
    let Some(sling) = shared("the_doctor_names_what_a_publisher_may_not_read") else { return };
    // The name of each user is also the password, which is masked unless it is as common as "admin".
    for (user, expected) in [
        ("admin", "ok       publisher           BP-PRE-05  admin is the administrator"),
        ("viewer", "info     publisher           BP-PRE-05  [secret] may read what publishing needs"),
        ("stranger", "PROBLEM  publisher           BP-PRE-05  [secret] may not read /conf, and publishing requires it"),
    ] {
        let arguments = ["doctor", "--author-url", sling.url("author"), "--product", "aem-6.5"];
        let told = bpconform_with(&arguments, &sling.credentials(user));
        assert!(told.out.contains(expected), "{}", told.all());
    }
}

#[test]
fn a_wrong_password_is_told_before_anything_else() {
    let Some(sling) = shared("a_wrong_password_is_told_before_anything_else") else { return };
    let told = sling.run_as("nobody", &["--quiet"]);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("401"), "{}", told.err);
}
