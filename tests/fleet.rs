//! Many Authors at once: each gets a record, all together get one overview, and no environment affects another.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bpconform::mocked::MockStack;
use bpconform::record_file;
use bpconform_fixtures::{Defects, Product, Requirements};
use bpconform_mocks::stack::StackOptions;

use crate::stop::slow_author;
use crate::support::{bpconform_with, command, directory, interrupt};

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of this test is UTF-8")
}

/// Authors, some with a defect, and the file that names them `env-01`, `env-02`, …
struct Authors {
    file: PathBuf,
    credentials: Vec<(&'static str, String)>,
    /// They answer as long as this value lives.
    stacks: Vec<MockStack>,
}

impl Authors {
    async fn start(folder: &Path, count: usize, defects: &[(usize, &str)]) -> Self {
        let (mut config, mut credentials, mut stacks) = (String::new(), Vec::new(), Vec::new());
        for index in 1..=count {
            let defect = defects.iter().find(|(at, _)| *at == index);
            let find = |id: &str| Defects::built_in().get(id).cloned().map(Arc::new).expect("a defect");
            let defects = defect.map(|(_, id)| find(id)).into_iter().collect();
            let options = StackOptions { defects, ..StackOptions::new("configured") };
            let mock = MockStack::start(options).await.expect("started");
            let (author, tenant) = (&mock.stack.author, mock.stack.tenant.as_ref().expect("it has a tenant"));
            config += &format!("[target.env-{index:02}]\nauthor_url = \"{author}\"\ntenant_url = \"{tenant}\"\n");
            let of = |name: &str| mock.credentials.get(name).expect("it accepts somebody").to_owned();
            credentials = ["BPCONFORM_AUTHOR_USER", "BPCONFORM_AUTHOR_PASSWORD"].map(|name| (name, of(name))).to_vec();
            stacks.push(mock);
        }
        let file = folder.join("fleet.toml");
        std::fs::write(&file, config).expect("written");
        Self { file, credentials, stacks }
    }

    /// Checks them in another process, while this one answers.
    fn check(&self, more: &[&str], variables: &[(&str, &str)], out: &Path) -> crate::support::Told {
        let mut arguments = vec!["run", "--fleet", path(&self.file), "--out", path(out)];
        arguments.extend(more);
        let known = self.credentials.iter().map(|(name, value)| (*name, value.as_str()));
        let variables: Vec<_> = known.chain(variables.iter().copied()).collect();
        assert!(!self.stacks.is_empty(), "somebody answers");
        tokio::task::block_in_place(|| bpconform_with(&arguments, &variables))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_shows_which_three_of_twenty_do_not_conform_and_why() {
    let folder = directory("fleet");
    let defects = [(3, "agent-disabled"), (11, "three-agents"), (17, "connect-timeout-changed")];
    let authors = Authors::start(&folder, 20, &defects).await;
    let out = folder.join("out");
    let told = authors.check(&[], &[], &out);
    println!("twenty Authors took {:?}", told.took);
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert!(told.out.contains("17 of 20 environments conform"), "{}", told.out);
    let page = std::fs::read_to_string(out.join("fleet.html")).expect("an overview").replace("&#x2f;", "/");
    let red = page.split("<tr class=\"failed\">").skip(1);
    let red: Vec<_> = red.filter_map(|row| row.split("report.html\">").nth(1)?.get(..6)).collect();
    assert_eq!(red, ["env-03", "env-11", "env-17"]);
    for (index, why) in [(3, "BP-REP-02"), (11, "BP-REP-01"), (17, "BP-REP-04")] {
        let name = format!("env-{index:02}");
        assert!(told.out.lines().any(|line| line.starts_with(&name) && line.contains(why)), "{}", told.out);
        assert!(page.contains(&format!("{name}/report.html#q={why}")), "the matrix leads to the scenarios");
        let record = record_file::read(&out.join(&name)).expect("a separate record");
        assert_eq!(record.environment.name.as_deref(), Some(name.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_prints_as_much_as_requested_and_notifies_github_once() {
    let folder = directory("fleet-told");
    let authors = Authors::start(&folder, 2, &[(2, "agent-disabled")]).await;
    let out = folder.join("out");
    let summary = folder.join("summary.md");
    let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", path(&summary))];
    let quiet = authors.check(&["-q", "--requirement", "BP-REP-02"], &github, &out);
    assert_eq!(quiet.code, Some(1), "{}", quiet.all());
    assert!(!quiet.out.lines().any(|line| line.starts_with("env-01")), "{}", quiet.out);
    assert!(quiet.out.contains("1 of 2 environments conform"), "{}", quiet.out);
    let summary = std::fs::read_to_string(&summary).expect("the step's summary");
    assert_eq!(summary.matches("# ").count(), 1, "one overview, and no summary of each: {summary}");
    assert!(summary.contains("| env-02<br>http://127.0.0.1:"), "{summary}");
    let (own, apart): (Vec<_>, Vec<_>) =
        Requirements::built_in().all.iter().partition(|one| one.holds_for(&[Product::Aem65]));
    let (others, apart) = (own.len() - 1, apart.len());
    let row = format!("/ | does not conform | 1 failed, {others} not checked, {apart} not applicable | BP-REP-02: ");
    assert!(summary.contains(&row), "{summary}");

    let verbose = authors.check(&["-vv", "--requirement", "BP-REP-02"], &[], &out);
    assert_eq!(verbose.code, Some(1), "{}", verbose.all());
    assert!(verbose.out.lines().any(|line| line.starts_with("env-01")), "{}", verbose.out);

    let rerun = ["-q", "--requirement", "BP-REP-02", "--rerun", path(&out)];
    let onto_itself = authors.check(&rerun, &[], &out);
    assert!(onto_itself.code == Some(2) && onto_itself.err.contains("the same directory"), "{}", onto_itself.all());
    assert!(record_file::read(&out.join("env-01")).is_ok(), "the earlier record is still there");
    let next = authors.check(&rerun, &[], &folder.join("next"));
    assert!(next.code == Some(1) && next.out.contains("1 of 2 environments conform"), "{}", next.all());
}

#[test]
fn an_interrupted_fleet_ends_its_runs_begins_no_other_and_keeps_their_records() {
    let folder = directory("fleet-interrupted");
    let (author, waits) = slow_author();
    let file = folder.join("fleet.toml");
    let profile = |name: &str| format!("[target.{name}]\nauthor_url = \"http://{author}\"\n");
    std::fs::write(&file, profile("first") + &profile("second")).expect("written");
    let out = folder.join("out");
    let mut fleet = command(&["run", "--fleet", path(&file), "--out", path(&out), "--fleet-jobs", "1"]);
    fleet.env("BPCONFORM_AUTHOR_USER", "harness").env("BPCONFORM_AUTHOR_PASSWORD", "a-password-of-tests");
    let fleet = fleet.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    waits.recv_timeout(Duration::from_secs(60)).expect("the first is being asked");
    interrupt(&fleet);
    let told = fleet.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&told.stdout);
    assert_eq!(told.status.code(), Some(130), "{text}");
    assert!(text.contains("first") && text.contains("not checked: the fleet was interrupted before"), "{text}");
    assert!(!record_file::read(&out.join("first")).expect("it closed its record").complete);
    assert!(!out.join("second").exists());
}

#[test]
fn what_names_a_target_is_no_settings_of_all_environments() {
    let folder = directory("fleet-targets");
    let file = folder.join("fleet.toml");
    let address = "author_url = \"http://127.0.0.1:9\"\n";
    std::fs::write(&file, format!("[target.a]\n{address}[target.b]\n{address}")).expect("written");
    let out = folder.join("out");
    let fleet = ["run", "--fleet", path(&file), "--out", path(&out)];
    let login = [("BPCONFORM_AUTHOR_USER", "u"), ("BPCONFORM_AUTHOR_PASSWORD", "p"), ("NO_PROXY", "*")];
    for (flags, variable, says) in [
        (
            &[][..],
            ("BPCONFORM_AUTHOR_URL", "http://127.0.0.1:8"),
            "author_url is set (environment BPCONFORM_AUTHOR_URL)",
        ),
        (&[], ("BPCONFORM_TARGET", "mock"), "target is set (environment BPCONFORM_TARGET)"),
        (&["--tenant-url", "http://127.0.0.1:8"], ("NO_PROXY", "*"), "tenant_url is set (flag --tenant-url)"),
    ] {
        let told = bpconform_with(&[&fleet[..], flags].concat(), &[&login[..], &[variable]].concat());
        assert_eq!(told.code, Some(2), "{}", told.all());
        assert!(told.err.contains(says) && told.err.contains("the same for every environment"), "{}", told.err);
    }
    // Each is reported with its own outcome; a profile that names no target is not the mocks.
    std::fs::write(&file, format!("[target.a]\n{address}[target.b]\nretries = 1\n[target.c]\ntarget = \"mock\"\n"))
        .expect("written");
    let told = bpconform_with(&[&fleet[..], &["--requirement", "BP-REP-01"]].concat(), &login);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(
        told.out.contains("1 of 3 environments conform") && told.out.contains("the embedded mocks"),
        "{}",
        told.out
    );
    assert!(told.out.contains("the profile b names no author_url and no target"), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_that_hang_keep_no_other_waiting() {
    let folder = directory("fleet-hangs");
    let authors = Authors::start(&folder, 4, &[]).await;
    // Before all others in the alphabet, so that they take the first places.
    let hangs: Vec<_> = (0..2).map(|_| slow_author()).collect();
    let profiles = hangs.iter().zip(["a", "b"]).map(|((address, _), name)| {
        format!("[target.{name}-hangs]\nauthor_url = \"http://{address}\"\nretries = 0\nrequest_timeout = 12\n")
    });
    let all = std::fs::read_to_string(&authors.file).expect("written") + &profiles.collect::<String>();
    std::fs::write(&authors.file, all).expect("written");
    let told = authors.check(&["--fleet-jobs", "2"], &[], &folder.join("out"));
    assert_eq!(told.code, Some(3), "{}", told.all());
    let began: Vec<&str> = told.out.lines().take(6).filter_map(|line| line.split(' ').next()).collect();
    assert!(began[..4].iter().all(|name| name.starts_with("env-")), "{}", told.out);
    assert!(began[4..].iter().all(|name| name.ends_with("-hangs")), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_finds_what_a_process_for_each_finds() {
    let folder = directory("fleet-isolated");
    let authors = Authors::start(&folder, 3, &[(2, "agent-disabled")]).await;
    let check = |out: &str, more: &[&str]| {
        let out = folder.join(out);
        let told = authors.check(more, &[], &out);
        assert_eq!(told.code, Some(1), "{}", told.all());
        ["env-01", "env-02", "env-03"].map(|name| {
            let record = record_file::read(&out.join(name)).expect("a separate record");
            assert!(out.join(name).join("report.html").exists());
            record.scenarios.iter().map(|one| (one.id.clone(), one.verdict, one.cause)).collect::<Vec<_>>()
        })
    };
    assert_eq!(check("together", &[]), check("apart", &["--isolate"]));
}
