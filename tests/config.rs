//! The configuration: flag before environment before profile before file before default, each value with its origin,
//! and no secret in a file, in an output, or in a message.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{Told, command, directory, filtered};

const FILE: &str = "\
# what is common to all
request_timeout = 5
latest_service_pack = '6.5.24.0'
retries = 1

[target.staging]
author_url = 'https://staging.example.com:4502/aem'
tenant_url = 'https://acme.brand-portal.adobe.com'
allow = 'probe'
retries = 3
user = 'conformance'
password_command = ['printf', 'canary-of-command']
ims_client_secret_file = 'secret.txt'
headers = ['X-Stage: blue']

[target.production]
author_url = 'https://author.example.com'
allow = 'observe'
";

fn in_directory(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Told {
    let Output { status, stdout, stderr } = command(arguments)
        .current_dir(directory)
        .envs(variables.iter().copied())
        .output()
        .expect("the command can be started");
    Told {
        code: status.code(),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
        took: std::time::Duration::ZERO,
    }
}

fn configured(name: &str, text: &str) -> PathBuf {
    let directory = directory(name);
    std::fs::write(directory.join("bpconform.toml"), text).expect("it can be written");
    directory
}

/// Value and origin of a setting.
fn setting(told: &Told, key: &str) -> String {
    let line = told.out.lines().find(|line| line.split(" =").next().is_some_and(|name| name.trim() == key));
    let line = line.unwrap_or_else(|| panic!("no {key} in {}", told.all()));
    let (value, origin) = line.split_once('=').expect("a value").1.split_once('#').unwrap_or((line, ""));
    format!("{} | {}", value.trim(), origin.trim())
}

#[test]
fn every_source_comes_before_the_next() {
    let directory = configured("config-order", FILE);
    let show = |flags: &[&str], variables: &[(&str, &str)]| {
        let arguments: Vec<_> = ["config", "show", "--origin"].iter().chain(flags).copied().collect();
        setting(&in_directory(&directory, &arguments, variables), "retries")
    };
    let (profile, variable, flag) = (["--profile", "staging"], ("BPCONFORM_RETRIES", "4"), "--retries=5");
    assert_eq!(show(&[], &[]), "1 | file bpconform.toml:4");
    assert_eq!(show(&profile, &[]), "3 | profile staging, bpconform.toml:10");
    assert_eq!(show(&profile, &[variable]), "4 | environment BPCONFORM_RETRIES");
    assert_eq!(show(&["--profile", "staging", flag], &[variable]), "5 | flag --retries");
    assert_eq!(show(&["--profile", "production"], &[]), "1 | file bpconform.toml:4");
    assert_eq!(show(&[], &[("BPCONFORM_PROFILE", "staging")]), "3 | profile staging, bpconform.toml:10");
    let elsewhere = in_directory(&crate::support::directory("config-none"), &["config", "show", "--origin"], &[]);
    assert_eq!(setting(&elsewhere, "retries"), "2 | default");
}

#[test]
fn everything_is_shown_with_its_origin_and_secrets_masked() {
    let directory = configured("config-show", FILE);
    let variables = [("BPCONFORM_IMS_CLIENT_ID", "an-id"), ("BPCONFORM_CONSOLE_TOKEN", "canary-of-environment")];
    let told = in_directory(&directory, &["config", "show", "--origin", "--profile", "staging"], &variables);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(!told.all().contains("canary"), "{}", told.all());
    filtered(|| insta::assert_snapshot!("config_show_origin", told.all()));
}

#[test]
fn a_profile_is_what_is_checked() {
    let text = FILE.replace("https://author.example.com", "http://127.0.0.1:1");
    let directory = configured("config-target", &text);
    let user = [("BPCONFORM_AUTHOR_USER", "a"), ("BPCONFORM_AUTHOR_PASSWORD", "canary-1"), ("NO_PROXY", "*")];
    let told = in_directory(&directory, &["run", "--profile", "production"], &user);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("http://127.0.0.1:1"), "{}", told.all());
}

#[test]
fn the_mocks_are_not_checked_in_place_of_a_target_that_somebody_named() {
    let run = |name: &str, text: &str, arguments: &[&str], variables: &[(&str, &str)]| {
        let directory = configured(name, text);
        in_directory(&directory, &[&["run", "--requirement", "BP-REP-01"], arguments].concat(), variables)
    };
    let address = [("BPCONFORM_AUTHOR_URL", "http://127.0.0.1:9")];
    let told = run("config-meant-1", "", &[], &address);
    assert_eq!(told.code, Some(2), "{}", told.all());
    let says = "author_url is set (environment BPCONFORM_AUTHOR_URL), and the embedded mocks would be checked instead";
    assert!(told.err.contains(says), "{}", told.err);
    let profile = "[target.prod]\ntenant_url = 'https://acme.example.com'\nuser = 'me'\n[target.half]\nretries = 1\n";
    let told = run("config-meant-2", profile, &["--profile", "prod"], &[]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("tenant_url is set (profile prod, bpconform.toml:2)"), "{}", told.err);
    let told = run("config-meant-3", profile, &["--profile", "half"], &[]);
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("the profile half names no author_url and no target"), "{}", told.err);
    // An explicit --target mock selects the mocks.
    let told = run("config-meant-4", profile, &["--profile", "half", "--target", "mock"], &address);
    assert_eq!(told.code, Some(0), "{}", told.all());
}

#[test]
fn what_is_wrong_is_named_with_file_and_line() {
    let cases = [
        (
            "autor_url = 'https://a'\n",
            "error: bpconform.toml:1: `autor_url` is not a setting; did you mean `author_url`?",
        ),
        ("\n[target.a]\nallow = 'everything'\n", "bpconform.toml:3: allow: it must be one of observe, probe, change"),
        ("author_url = 'author:4502'\n", "bpconform.toml:1: author_url: "),
        ("retries = 'many'\n", "bpconform.toml:1: retries: "),
        ("insecure = 'perhaps'\n", "bpconform.toml:1: insecure: it is true or false"),
        ("retries = [1, 2]\n", "bpconform.toml:1: retries: it takes one value"),
        ("retries = \n", "bpconform.toml:1: "),
        ("\nauthor_password = 'canary-2'\n", "bpconform.toml:2: author_password is a secret"),
        ("\nauthor_password = canary-2\n", "bpconform.toml:2: "),
        ("author_url = 'http://me:canary-3@a'\n", "bpconform.toml:1: author_url: it contains a user or a password"),
        ("headers = ['Authorization: canary-4']\n", "looks like a secret"),
        ("profile = 'nowhere'\n", "bpconform.toml: unknown profile nowhere"),
    ];
    for (text, message) in cases {
        let directory = configured("config-wrong", &format!("{text}[target.other]\nretries = 1\n"));
        let told = in_directory(&directory, &["config", "show"], &[]);
        assert_eq!(told.code, Some(2), "{text}: {}", told.all());
        assert!(told.err.contains(message), "{text}: {}", told.err);
        assert!(!told.all().contains("canary"), "{text}: {}", told.all());
    }
}

#[cfg(unix)]
#[test]
fn a_secret_comes_from_a_file_of_ones_own_or_a_command() {
    use std::os::unix::fs::PermissionsExt as _;
    let text = "author_url = 'http://127.0.0.1:1'\nuser = 'a'\npassword_file = 'secret.txt'\n";
    let directory = configured("config-secret", text);
    let secret = directory.join("secret.txt");
    std::fs::write(&secret, "canary-5\n").expect("it can be written");
    let mode = |mode| std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    let run = || in_directory(&directory, &["run"], &[("NO_PROXY", "*")]);
    mode(0o644);
    let told = run();
    assert_eq!(told.code, Some(2), "{}", told.all());
    assert!(told.err.contains("bpconform.toml:3: ") && told.err.contains("chmod 600"), "{}", told.all());
    mode(0o600);
    assert_eq!(run().code, Some(3), "it was read: {}", run().all());

    let command = |command: &str| {
        let text = format!("author_url = 'http://127.0.0.1:1'\nuser = 'a'\npassword_command = {command}\n");
        in_directory(&configured("config-command", &text), &["run"], &[("NO_PROXY", "*")])
    };
    assert_eq!(command("['printf', 'canary-6']").code, Some(3));
    let failed = command("['sh', '-c', 'echo canary-7; exit 1']");
    assert_eq!(failed.code, Some(2), "{}", failed.all());
    assert!(failed.err.contains("bpconform.toml:3: the command sh ended with"), "{}", failed.all());
    assert!(!failed.all().contains("canary"), "{}", failed.all());
}
