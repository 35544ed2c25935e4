//! Sling's own content distribution, with an agent that is named like Brand Portal's: the servlets and the log that AEM as a
//! Cloud Service shows, from an implementation that this project did not write.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::author::{Sling, differences, there_is_a_sling};
use crate::support::{Mock, Told, bpconform_with, command, directory, is_left_out};

const AGENT: &str = "/libs/sling/distribution/services/agents/bpdistributionagent0";

/// The cloud configuration that the delivery follows.
const CLOUD: &str = "/etc/cloudservices/mediaportal/BPdocConfiguration/jcr:content";

/// The folder that is published.
const FOLDER: &str = "/content/dam/distributed";

/// What the stand-ins of content distribution serve.
const SURFACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sling/surfaces-distribution.toml");

/// The requirements that are judged.
const JUDGED: [&str; 5] = ["BP-CS-01", "BP-CS-02", "BP-CS-03", "BP-CS-04", "BP-CS-05"];

/// Where they are changed by a run: what the agent keeps of its work, and the index of it.
const TRACES: [&str; 3] = ["/var/sling/distribution", "/var/eventing", "/oak:index"];

/// A tenant that refuses each delivery with 403; its address.
fn refusing_tenant() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://bpdoc.localhost:{}", listener.local_addr().expect("it is bound").port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || refuse(stream));
        }
    });
    url
}

/// Reads one request to its end, and refuses it.
fn refuse(stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let line = line(&mut reader)?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
    }
    std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink()).ok()?;
    reader.get_mut().write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

/// What a run says of this Author.
struct Judged {
    verdicts: Vec<String>,
    told: Told,
}

/// Runs what is for AEM as a Cloud Service alone.
fn judged(sling: &Sling, name: &str, allow: &str) -> Judged {
    let out = directory(&format!("sling-distribution-{name}"));
    let place = out.to_str().expect("UTF-8");
    let began = Instant::now();
    let mut run = command(&["run", "--target", "author", "--surfaces", SURFACES, "--author-url", sling.url("author")]);
    for (flag, system) in [("--ims-url", "ims"), ("--tenant-url", "tenant"), ("--console-url", "console")] {
        run.args([flag, sling.url(system)]);
    }
    run.args(["--product", "aem-cloud", "--allow", allow, "--tags", "@product:aem-cloud", "--out", place]);
    let told = super::author::told(&run.envs(sling.credentials("admin")).output().expect("it starts"), began);
    let record = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let all = record["requirements"].as_array().expect("a list");
    let verdict = |id: &&str| {
        let one = all.iter().find(|one| one["id"] == **id).expect("the requirement is there");
        println!("{name}: {id} {}: {}", one["verdict"], one["reason"]);
        one["verdict"].as_str().expect("a word").to_owned()
    };
    Judged { verdicts: JUDGED.iter().map(verdict).collect(), told }
}

/// Waits until an answer contains a text, or does not contain it any more.
fn wait_until(sling: &Sling, path: &str, text: &str, contains: bool) {
    let began = Instant::now();
    loop {
        let answer = sling.ask("GET", path, "");
        if answer.starts_with("HTTP/1.1 200") && answer.contains(text) == contains {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{path} and {text}: {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Has the agent deliver to another tenant.
fn deliver_to(sling: &Sling, tenant: &str) {
    let answer = sling.ask("POST", CLOUD, &format!("tenantURL={tenant}"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn publish(sling: &Sling) {
    let answer = sling.ask("POST", AGENT, &format!("action=ADD&path={FOLDER}"));
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

/// Disables the agent. The web console keeps only what is sent along.
fn disable(sling: &Sling) {
    let kept = [
        ("name", "bpdistributionagent0"),
        ("title", "Publish to Brand Portal"),
        ("serviceName", "distributionService"),
        ("requestAuthorizationStrategy.target", "(name=brand-portal)"),
        ("transportSecretProvider.target", "(name=brand-portal)"),
        ("packageBuilder.target", "(name=brand-portal)"),
        ("triggers.target", "(name=none)"),
        ("enabled", "false"),
    ];
    let names: Vec<_> = kept.iter().map(|(name, _)| *name).collect();
    let form = url::form_urlencoded::Serializer::new("apply=true&action=ajaxConfigManager".to_owned())
        .append_pair("propertylist", &names.join(","))
        .extend_pairs(kept)
        .finish();
    let factory = "org.apache.sling.distribution.agent.impl.ForwardDistributionAgentFactory~bpdistributionagent0";
    sling.ask("POST", &format!("/system/console/configMgr/{factory}"), &form);
    let settings = "/libs/sling/distribution/settings/agents/bpdistributionagent0.json";
    wait_until(sling, settings, "\"enabled\":false", true);
    wait_until(sling, "/libs/sling/distribution/services/agents.json", "bpdistributionagent0", false);
}

/// What may differ between the mocked agent and the real one.
const ACCEPTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sling/accepted-distribution.toml");

/// Fails when the mock shows the agent differently from the real core while both have an item in the error queue.
fn compare(sling: &Sling) {
    let mock = Mock::with(&["--product", "aem-cloud", "--seed", "error-queue"]);
    let failures = || {
        let log = sling.ask("GET", &format!("{AGENT}/log.txt"), "");
        log.lines().filter(|line| line.contains("ERROR") || line.contains("-FAIL ")).count()
    };
    let failed_before = failures();
    let arguments = ["surface", "drift", mock.url("author"), sling.url("author"), "--product", "aem-cloud"];
    let arguments = [&arguments[..], &["--allow", "change", "--format", "json", "--accept", ACCEPTED]].concat();
    let told = bpconform_with(&arguments, &sling.credentials("admin"));
    let report: Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{}", told.all()));
    let requests = report["requests"].as_array().expect("a list").iter();
    // Another test compares the other requests.
    let ours = requests.filter(|request| request["request"].to_string().contains("/libs/sling/distribution"));
    let open = ours.flat_map(|request| {
        let differences = request["differences"].as_array().expect("a list").iter();
        let open = differences.filter(|difference| difference["accepted"].is_null());
        open.map(move |difference| format!("{}: {difference}\n", request["request"]))
    });
    assert_eq!(open.collect::<String>(), "");
    assert_ne!(told.code, Some(3), "{}", told.err);
    assert_eq!(failures(), failed_before, "a comparison logs no failure, which would fail BP-CS-04");
    println!("accepted, but nothing differs so: {}", report["unused"]);
}

/// The agent of one version of the distribution core in each of its states.
fn judge(core: &str) {
    let sling = Sling::start(&["--distribution", "tenant", "--core", core]);
    wait_until(&sling, "/libs/sling/distribution/services/agents.json", "bpdistributionagent0", true);
    let expect = |name: &str, allow: &str, verdicts: [&str; 5]| {
        let judged = judged(&sling, &format!("{core}-{name}"), allow);
        assert_eq!(judged.verdicts, verdicts, "{core} {name}: {}", judged.told.all());
        judged.told
    };
    expect("new", "probe", ["passed", "passed", "passed", "skipped", "skipped"]);

    let before = sling.repository();
    let told = expect("published", "change", ["passed", "passed", "passed", "skipped", "passed"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let differences = differences(&before, &sling.repository());
    let left = differences.lines().filter(|line| !TRACES.iter().any(|path| line[2..].starts_with(path)));
    super::author::expect_as_before(&left.collect::<Vec<_>>().join("\n"));

    sling.ask("POST", FOLDER, "jcr:primaryType=sling:Folder");
    publish(&sling);
    wait_until(&sling, &format!("{AGENT}/queues/queue-bpdistributionagent0.json"), "\"empty\":true", true);
    expect("delivered", "probe", ["passed", "passed", "passed", "passed", "skipped"]);

    let refusing = refusing_tenant();
    deliver_to(&sling, &refusing);
    publish(&sling);
    wait_until(&sling, &format!("{AGENT}/log.txt"), "was enqueued to an error queue", true);
    wait_until(&sling, &format!("{AGENT}/queues/error-queue-bpdistributionagent0.json"), "\"empty\":false", true);
    wait_until(&sling, &format!("{AGENT}/status.json"), "IDLE", true);
    expect("refused", "probe", ["passed", "failed", "failed", "failed", "skipped"]);
    deliver_to(&sling, sling.url("tenant"));
    compare(&sling);
    deliver_to(&sling, &refusing);
    expect("not-published", "change", ["passed", "failed", "failed", "failed", "failed"]);

    disable(&sling);
    expect("disabled", "probe", ["failed", "failed", "failed", "failed", "skipped"]);
}

/// The version that AEM 6.5.25 has.
#[test]
fn the_distribution_agent_of_aem_6_5_is_judged_right() {
    if is_left_out("distribution agent of AEM 6.5") {
        return;
    }
    if there_is_a_sling("the_distribution_agent_of_aem_6_5_is_judged_right") {
        judge("0.4.0");
    }
}

/// The newest version.
#[test]
fn a_real_distribution_agent_is_judged_right() {
    if is_left_out("real distribution agent") {
        return;
    }
    if there_is_a_sling("a_real_distribution_agent_is_judged_right") {
        judge("0.7.4");
    }
}
