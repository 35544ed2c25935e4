//! A real Author with mocked IMS and tenant. A mocked Author in another process takes the place of the real one. It is
//! configured for the mocks of another process, or of the run itself, as an operator would configure it.

use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::support::{Mock, Told, bpconform_with, directory, reply, serve};

/// IMS and tenant in a separate process, over TLS, and the file with their certificate authority.
fn others(directory: &Path) -> (Mock, String) {
    let others = Mock::with(&["--serve", "ims,tenant", "--tls"]);
    let ca = directory.join("ca.pem");
    std::fs::write(&ca, others.serving["ca"].as_str().expect("a certificate")).expect("it can be written");
    (others, ca.to_str().expect("UTF-8").to_owned())
}

/// An Author that is configured for these.
fn author(others: &Mock, trusted: &str) -> Mock {
    let (ims, tenant) = (others.url("ims"), others.url("tenant"));
    Mock::with(&["--serve", "author", "--ims-url", ims, "--tenant-url", tenant, "--trust", trusted])
}

/// Runs against that Author; the record exists if the run began.
fn run(author: &Mock, out: &Path, flags: &[&str]) -> (Told, Value) {
    let (url, out) = (author.url("author"), out.join("out"));
    let usual = ["run", "--target", "author", "--author-url", url, "--out", out.to_str().expect("UTF-8"), "-q"];
    let told = bpconform_with(&[&usual[..], flags].concat(), &author.credentials());
    let record = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| "null".into());
    (told, serde_json::from_str(&record).expect("JSON"))
}

/// The flags for the mocks of another process.
fn at(others: &Mock) -> [String; 2] {
    [format!("mock@{}", others.url("ims")), format!("mock@{}", others.url("tenant"))]
}

const TOKEN_REQUEST: &str = "05-replication-agents/for-the-test-the-author-asks-ims-for-a-token-as-documented";
const PACKAGES: &str =
    "05-replication-agents/the-test-package-of-each-of-the-four-agents-arrives-at-the-tenant-as-documented";
const TOKEN: &str = "02-developer-console/the-oauth-server-to-server-credential-yields-a-token";

/// The scenario of that id.
fn scenario<'a>(record: &'a Value, id: &str) -> &'a Value {
    let scenarios = record["scenarios"].as_array().unwrap_or_else(|| panic!("no record: {record}"));
    scenarios.iter().find(|scenario| scenario["id"] == id).unwrap_or_else(|| panic!("no scenario {id}"))
}

fn reason<'a>(record: &'a Value, id: &str) -> &'a str {
    scenario(record, id)["reason"].as_str().unwrap_or_default()
}

/// What arrived at the mocks for that endpoint, as in the evidence of a scenario: the requests of each look at them.
fn arrived(record: &Value, id: &str, surface: &str) -> Vec<Vec<Value>> {
    let steps = scenario(record, id)["steps"].as_array().expect("a list");
    let exchanges = steps.iter().filter_map(|step| step["exchanges"].as_array()).flatten();
    let looks = exchanges.filter(|exchange| exchange["surface"] == surface).map(|exchange| {
        let body = exchange["outcome"]["response"]["body"]["text"].as_str().expect("a text");
        let journal: Value = serde_json::from_str(body).expect("JSON that is not cut");
        journal["requests"].as_array().expect("a list").clone()
    });
    looks.filter(|requests| !requests.is_empty()).collect()
}

#[test]
fn the_test_packages_of_all_four_agents_arrive_at_another_process_over_tls() {
    let directory = directory("hybrid-two");
    let (others, ca) = others(&directory);
    let author = author(&others, &ca);
    let [ims, tenant] = at(&others);
    let (told, record) =
        run(&author, &directory, &["--ims", &ims, "--tenant", &tenant, "--ca-file", &ca, "--allow", "probe"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_eq!(record["target"]["mocks"], serde_json::json!(["ims", "tenant"]));
    assert!(told.out.contains("mocks: ims, tenant: nothing was proved about the real ones"), "{}", told.out);
    assert!(record["target"]["addresses"]["tenant"].as_str().is_some_and(|url| url.starts_with("https://bpdoc.")));
    for id in [TOKEN_REQUEST, PACKAGES] {
        assert_eq!(scenario(&record, id)["verdict"], "passed", "{}", told.all());
    }
    let packages = arrived(&record, PACKAGES, "tenant.requests");
    assert_eq!(packages.len(), 4, "one look for each agent: {packages:?}");
    for package in packages {
        let headers = ["action", "path", "handle", "referer"].map(|name| package[0]["headers"][name].clone());
        assert_eq!(headers, ["Test", "/content", "/content", "about:blank"]);
        assert_eq!((&package[0]["bearer"]["state"], &package[0]["status"]), (&"valid".into(), &200.into()));
    }
    let token = arrived(&record, TOKEN_REQUEST, "ims.requests");
    assert!(token[0].iter().any(|request| request["fields"]["client_secret"] == "***"), "{token:?}");
    // A mock used with a real Author proves nothing about the system that it replaces.
    assert!(reason(&record, TOKEN).contains("would only prove itself"), "{}", reason(&record, TOKEN));
    let kept = record.to_string();
    let secret = author.credentials().into_iter().find(|(name, _)| *name == "BPCONFORM_IMS_CLIENT_SECRET");
    assert!(!kept.contains(secret.expect("it has one").1) && !kept.contains("Bearer ey"), "a secret is in the record");
}

/// A port that is free now.
fn free() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port().to_string()
}

#[test]
fn a_run_serves_the_mocks_itself_under_the_name_that_it_advertises() {
    let directory = directory("hybrid-own");
    let ca_dir = directory.join("ca");
    let ca_dir = ca_dir.to_str().expect("UTF-8");
    // The authority is kept: an Author trusts it before the run begins.
    drop(Mock::with(&["--serve", "ims", "--ca-dir", ca_dir]));
    let (ims_port, tenant_port) = (free(), free());
    let (ims, tenant) = (format!("https://localhost:{ims_port}"), format!("https://bpdoc.localhost:{tenant_port}"));
    let trusted = format!("{ca_dir}/ca.pem");
    let author = Mock::with(&["--serve", "author", "--ims-url", &ims, "--tenant-url", &tenant, "--trust", &trusted]);
    let serving = ["--advertise", "localhost", "--ims-port", &ims_port, "--tenant-port", &tenant_port];
    let flags = ["--ims", "mock", "--tenant", "mock", "--ca-dir", ca_dir, "--allow", "probe"];
    let (told, record) = run(&author, &directory, &[&flags[..], &serving].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    let said = format!("IMS is a mock at {ims}, the tenant is one at {tenant}.");
    assert!(told.err.contains(&said) && told.err.contains("ca.pem"), "{}", told.err);
    for id in [TOKEN_REQUEST, PACKAGES] {
        assert_eq!(scenario(&record, id)["verdict"], "passed", "{}", told.all());
    }
}

#[test]
fn an_author_that_does_not_trust_the_mocks_is_reported_as_such() {
    let directory = directory("hybrid-untrusted");
    let (first, ca) = others(&directory);
    let (_second, other) = others(&crate::support::directory("hybrid-other"));
    let author = author(&first, &other);
    let [ims, tenant] = at(&first);
    let flags = ["--ims", &ims, "--tenant", &tenant, "--allow", "probe"];
    let (told, record) = run(&author, &directory, &[&flags[..], &["--ca-file", &ca]].concat());
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert_eq!(scenario(&record, PACKAGES)["verdict"], "failed");
    assert!(reason(&record, TOKEN_REQUEST).contains("does the Author trust the authority"), "{}", told.all());
    let lines = scenario(&record, PACKAGES)["lines"].to_string();
    assert!(lines.contains("UnknownIssuer"), "{lines}");

    // The same for a run that does not trust them.
    let (told, _) = run(&author, &directory, &[&flags[..], &["--ca-file", &other]].concat());
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(
        told.err.contains("does not answer like a mock")
            && told.err.contains("the IMS at")
            && told.err.contains("--ca-file"),
        "{}",
        told.err
    );
}

#[test]
fn a_real_tenant_shows_nothing_and_only_that_is_skipped() {
    let directory = directory("hybrid-ims");
    let (others, ca) = others(&directory);
    let author = Mock::with(&["--serve", "author,tenant", "--ims-url", others.url("ims"), "--trust", &ca]);
    let ims = format!("mock@{}", others.url("ims"));
    let flags = ["--ims", &ims, "--tenant-url", author.url("tenant"), "--ca-file", &ca, "--allow", "probe"];
    let (told, record) = run(&author, &directory, &flags);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert_eq!(scenario(&record, TOKEN_REQUEST)["verdict"], "passed");
    assert_eq!(scenario(&record, PACKAGES)["verdict"], "skipped");
    assert!(reason(&record, PACKAGES).contains("add --tenant mock"), "{}", reason(&record, PACKAGES));
    assert!(author.paths("tenant").iter().all(|path| !path.contains("__bpconform")), "a real tenant was asked");
}

#[test]
fn an_author_that_is_configured_for_others_sends_them_nothing() {
    let directory = directory("hybrid-elsewhere");
    let author = Mock::start("configured");
    let (told, record) = run(&author, &directory, &["--ims", "mock", "--tenant", "mock", "--allow", "probe"]);
    // Reads alone show that the Author belongs to another tenant.
    assert_eq!(told.code, Some(1), "{}", told.all());
    for id in [TOKEN_REQUEST, PACKAGES] {
        assert_eq!(scenario(&record, id)["verdict"], "skipped");
        let reason = reason(&record, id);
        assert!(reason.contains("so it would send its requests there") && reason.contains("Service URL"), "{reason}");
        assert!(reason.contains(author.url("ims")) && reason.contains(author.url("tenant")), "{reason}");
    }
    for system in ["ims", "tenant"] {
        assert_eq!(author.requests(system), serde_json::json!({}), "{system}");
    }
}

/// The undocumented requests, as learned from an Author whose endpoints are those of the mock.
const LEARNED: &str = r#"
name = "learned"

[surface."author.ims-create"]
system = "author"
method = "POST"
path = "/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/update"
class = "change"
evidence = "learned"
source = "a test"

[surface."author.ims-delete"]
system = "author"
method = "POST"
path = "/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/delete"
class = "change"
evidence = "learned"
source = "a test"
"#;

#[test]
fn a_new_configuration_is_made_for_the_mocks_and_taken_away_again() {
    let directory = directory("hybrid-change");
    let surfaces = directory.join("learned.toml");
    std::fs::write(&surfaces, LEARNED).expect("it can be written");
    let author = Mock::start("fresh");
    let before = author.repository();
    let selected = ["--requirement", "BP-IMS-01", "--requirement", "BP-CLD-01", "--allow", "change"];
    let flags = ["--ims", "mock", "--tenant", "mock", "--surfaces", surfaces.to_str().expect("UTF-8")];
    let (told, record) = run(&author, &directory, &[&flags[..], &selected].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    let passed = record["scenarios"].as_array().expect("a list").iter().filter(|one| one["verdict"] == "passed");
    assert_eq!(passed.count(), 2, "{}", told.all());
    let after = author.repository();
    assert!(["apps", "etc"].iter().all(|root| after[*root] == before[*root]), "something was left behind");
}

#[test]
fn a_server_that_is_not_a_mock_is_not_treated_as_one() {
    let (directory, author) = (directory("hybrid-no-mock"), Mock::start("configured"));
    let address = serve(|stream| {
        reply(stream, |_| b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec());
    });
    let (told, _) = run(&author, &directory, &["--ims", &format!("mock@http://{address}")]);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains(&format!("the IMS at http://{address}")), "{}", told.err);
    assert!(told.err.contains("does not answer like a mock"), "{}", told.err);
}

#[test]
fn what_does_not_go_together_is_wrong_usage() {
    let author = Mock::start("configured");
    let directory = directory("hybrid-usage");
    let cases: [(&[&str], &str); 6] = [
        (&["--tenant", "mock"], "add --ims mock"),
        (&["--advertise", "harness.example.com"], "add --ims mock"),
        (&["--ims", "mock", "--jobs", "4"], "--jobs"),
        (&["--ims", "mock", "--ims-url", "https://ims.example.com"], "--ims-url is of the real one"),
        (&["--ims", "https://ims.example.com"], "mock@"),
        (&["--ims", "mock", "--tenant", "mock", "--advertise", "192.0.2.7"], "must be a name"),
    ];
    for (flags, word) in cases {
        let (told, _) = run(&author, &directory, flags);
        assert!(told.code == Some(2) && told.err.contains(word), "{flags:?}: {}", told.all());
    }
    let cases: [(&[&str], &str); 4] = [
        (&["run", "--ims", "mock"], "add --target author"),
        (&["mock", "--serve", "tenant"], "the tenant needs the address of the IMS"),
        (&["mock", "--serve", "ims", "--ims-url", "https://ims.example.com"], "--serve that it is here"),
        (&["mock", "--serve", "ims"], "set BPCONFORM_IMS_CLIENT_SECRET"),
    ];
    for (arguments, word) in cases {
        let told = bpconform_with(arguments, &[("BPCONFORM_IMS_CLIENT_ID", "half-a-credential")]);
        assert!(told.code == Some(2) && told.err.contains(word), "{arguments:?}: {}", told.all());
    }
}
