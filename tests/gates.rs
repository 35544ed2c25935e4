//! What the exit code of a run depends on besides its verdicts.

use crate::support::{bpconform, directory, requirements};

fn exit_of(arguments: &[&str]) -> (Option<i32>, String) {
    let told = bpconform(&[&["run", "-q"], arguments].concat());
    (told.code, told.all())
}

#[test]
fn a_recommendation_fails_a_run_unless_only_demands_count() {
    let only_recommended = ["--requirement", "BP-PRE-03", "--defect", "service-pack-without-oauth"];
    assert_eq!(exit_of(&only_recommended).0, Some(1));
    let with_another = [&only_recommended[..], &["--requirement", "BP-REP-02", "--fail-on", "must"]].concat();
    let (code, told) = exit_of(&with_another);
    let outcome = format!("exit 0: no deviation from a must found, 1 of {} proved", requirements());
    assert!(code == Some(0) && told.contains(&outcome), "{told}");
    assert!(told.contains("BP-PRE-03  failed"), "{told}");
    let demanded = ["--requirement", "BP-REP-02", "--defect", "agent-disabled", "--fail-on", "must"];
    assert_eq!(exit_of(&demanded).0, Some(1));
}

#[test]
fn a_run_that_a_limit_cut_short_is_not_green() {
    let deviations = ["--defect", "service-pack-without-oauth", "--defect", "agent-disabled"];
    let observed = ["--tags", "@observe", "--jobs", "1"];
    let both = [&observed[..], &deviations].concat();
    let (code, told) = exit_of(&[&both[..], &["--fail-on", "must", "--fail-fast"]].concat());
    assert_eq!(code, Some(1), "{told}");
    let folder = directory("gates-limit");
    let (known, file) = (folder.join("known"), folder.join("known.toml"));
    let (known, file) = (known.to_str().expect("UTF-8"), file.to_str().expect("UTF-8"));
    assert_eq!(exit_of(&[&observed[..], &deviations[..2], &["--out", known]].concat()).0, Some(1));
    std::fs::write(file, bpconform(&["baseline", known]).out).expect("it can be written");
    let with_baseline = ["--baseline", file];
    assert_eq!(exit_of(&[&both[..], &with_baseline].concat()).0, Some(5));
    let (code, told) = exit_of(&[&both[..], &with_baseline, &["--max-failures", "2"]].concat());
    assert!(code == Some(5) && told.contains("no more may fail"), "{told}");
    // What is known does not count.
    let known_only = [&observed[..], &deviations[..2], &with_baseline, &["--fail-fast"]].concat();
    let (code, told) = exit_of(&known_only);
    assert_eq!(code, Some(0), "{told}");
    // What the limit turned away does not begin as a retry.
    let cut = |retries: &[&str]| {
        let (_, told) = exit_of(&[&both[..], &["--fail-fast"], retries].concat());
        assert!(!told.contains("flaky"), "{told}");
    };
    cut(&[]);
    cut(&["--retry", "2"]);
}

#[test]
fn too_little_proved_is_not_enough() {
    let (code, told) = exit_of(&["--allow", "observe", "--require-proved", "BP-REP-03"]);
    assert!(code == Some(4) && told.contains("less than required; missing: BP-REP-03"), "{told}");
    let (code, told) = exit_of(&["--requirement", "BP-REP-02", "--require-proved", "2"]);
    assert!(code == Some(4) && told.contains(&format!("1 of {} proved, less than required", requirements())), "{told}");
    assert_eq!(exit_of(&["--requirement", "BP-REP-02", "--require-proved", "1,BP-REP-02"]).0, Some(0));
    let (code, told) = exit_of(&["--allow", "observe", "--require-proved", "30"]);
    let outcome = format!(" of {} proved, less than required; missing: ", requirements());
    assert!(code == Some(4) && told.contains(&outcome), "{told}");
    assert_eq!(exit_of(&["--requirement", "BP-REP-02", "--require-proved", "2,1"]).0, Some(4));
    let (code, told) = exit_of(&["--require-proved", "999"]);
    assert!(code == Some(2) && told.contains("there are only"), "{told}");
    let (code, told) = exit_of(&["--require-proved", "BP-REP-3"]);
    assert!(code == Some(2) && told.contains("did you mean"), "{told}");
}

#[test]
fn what_is_slow_is_a_warning_and_strictly_a_failure() {
    let slow = ["--requirement", "BP-CON-02", "--jitter", "7", "--max-duration", "ims.token=0.001"];
    let (code, told) = exit_of(&slow);
    assert!(code == Some(0) && told.contains("slow: ims.token took "), "{told}");
    assert_eq!(exit_of(&[&slow[..], &["--strict"]].concat()).0, Some(1));
    let (code, told) = exit_of(&["--requirement", "BP-CON-02", "--strict", "--max-duration", "ims.token=60"]);
    assert!(code == Some(0) && !told.contains("slow:"), "{told}");
    let (code, told) = exit_of(&["--max-duration", "ims.tokens=1"]);
    assert!(code == Some(2) && told.contains("did you mean ims.token?"), "{told}");
}
