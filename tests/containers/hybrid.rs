//! An Author in a container with IMS and tenant that the run mocks on this machine: they are found from inside.

use super::engine::{AUTHOR, build, run, there_is_an_engine};
use super::network::free_ports;
use super::{LOGIN, out, over, record};

/// The scenario about the test packages that arrive.
const PACKAGES: &str =
    "05-replication-agents/the-test-package-of-each-of-the-four-agents-arrives-at-the-tenant-as-documented";

#[test]
fn what_an_author_in_a_container_sends_arrives_at_the_runs_own_mocks() {
    if !there_is_an_engine("what_an_author_in_a_container_sends_arrives_at_the_runs_own_mocks") {
        return;
    }
    let [ims, tenant] = free_ports().map(|port| port.to_string());
    // Configured for the mocks of the run, as an operator would do it.
    let image = "bpconform-hybrid:test";
    let command = [
        "mock",
        "--ims-url",
        &format!("http://host.docker.internal:{ims}"),
        "--tenant-url",
        &format!("http://bpdoc.host.docker.internal:{tenant}"),
    ];
    build(image, &format!("FROM {AUTHOR}\nCMD {}\n", serde_json::json!(command)));
    let out = out("container-hybrid");
    let mocked = ["--ims", "mock", "--tenant", "mock", "--ims-port", &ims, "--tenant-port", &tenant];
    let told = run(&over(image, &[&mocked[..], &["--allow", "probe", "--out", &out]].concat()), &LOGIN);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let record = record(&out);
    assert_eq!(record["target"]["mocks"], serde_json::json!(["ims", "tenant"]));
    let scenarios = record["scenarios"].as_array().expect("a list");
    let packages = scenarios.iter().find(|scenario| scenario["id"] == PACKAGES).expect("it is planned");
    assert_eq!(packages["verdict"], "passed", "{}", told.all());
}
