//! Sling's own content distribution, with an agent that is named like Brand Portal's: the servlets and the log that AEM as a
//! Cloud Service shows, from an implementation that this project did not write.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::author::{Sling, there_is_a_sling};
use crate::support::directory;

const AGENT: &str = "/libs/sling/distribution/services/agents/bpdistributionagent0";

/// The requirements that are judged by reads and Test Connection.
const JUDGED: [&str; 4] = ["BP-CS-01", "BP-CS-02", "BP-CS-03", "BP-CS-04"];

/// Receives packages, and answers each with the same status.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/bin/receive", listener.local_addr().expect("it is bound"));
        let status = Arc::new(AtomicU16::new(200));
        let current = Arc::clone(&status);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let current = Arc::clone(&current);
                std::thread::spawn(move || receive(stream, current.load(Ordering::SeqCst)));
            }
        });
        Self { url, status }
    }

    fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

/// Reads one request to its end, and answers it.
fn receive(stream: TcpStream, status: u16) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let line = line(&mut reader)?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        is_chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
    }
    while is_chunked {
        let size = u64::from_str_radix(&line(&mut reader)?, 16).ok()?;
        skip(&mut reader, size + 2)?;
        is_chunked = size > 0;
    }
    skip(&mut reader, length)?;
    let answer = format!("HTTP/1.1 {status} Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    reader.get_mut().write_all(answer.as_bytes()).ok()
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn skip(reader: &mut BufReader<TcpStream>, length: u64) -> Option<()> {
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok().map(drop)
}

/// The verdicts of a run on this Author.
fn verdicts(sling: &Sling, name: &str) -> Vec<String> {
    let out = directory(&format!("sling-distribution-{name}"));
    let place = out.to_str().expect("UTF-8");
    let flags = ["--product", "aem-cloud", "--allow", "probe", "--tags", "@product:aem-cloud", "--out", place];
    let told = sling.run_as("admin", &flags);
    let record = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let all = record["requirements"].as_array().expect("a list");
    let verdict = |id: &&str| {
        let one = all.iter().find(|one| one["id"] == **id).expect("the requirement is there");
        println!("{name}: {id} {}: {}", one["verdict"], one["reason"]);
        one["verdict"].as_str().expect("a word").to_owned()
    };
    JUDGED.iter().map(verdict).collect()
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

fn publish(sling: &Sling) {
    let answer = sling.ask("POST", AGENT, "action=ADD&path=/content/dam/distributed");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

#[test]
fn a_real_distribution_agent_is_judged_right() {
    if !there_is_a_sling("a_real_distribution_agent_is_judged_right") {
        return;
    }
    let tenant = Receiver::start();
    let sling = Sling::start(&["--distribution", &tenant.url]);
    wait_until(&sling, "/libs/sling/distribution/services/agents.json", "bpdistributionagent0", true);
    assert_eq!(verdicts(&sling, "new"), ["passed", "passed", "passed", "skipped"]);

    sling.ask("POST", "/content/dam/distributed", "jcr:primaryType=sling:Folder");
    publish(&sling);
    wait_until(&sling, &format!("{AGENT}/log.txt"), "PACKAGE-DELIVERED", true);
    wait_until(&sling, &format!("{AGENT}/queues/queue-bpdistributionagent0.json"), "\"empty\":true", true);
    assert_eq!(verdicts(&sling, "delivered"), ["passed", "passed", "passed", "passed"]);

    tenant.answer_with(403);
    publish(&sling);
    wait_until(&sling, &format!("{AGENT}/log.txt"), "was enqueued to an error queue", true);
    wait_until(&sling, &format!("{AGENT}/queues/error-queue-bpdistributionagent0.json"), "\"empty\":false", true);
    wait_until(&sling, &format!("{AGENT}/status.json"), "IDLE", true);
    assert_eq!(verdicts(&sling, "refused"), ["passed", "failed", "failed", "failed"]);

    let factory = "org.apache.sling.distribution.agent.impl.ForwardDistributionAgentFactory~bpdistributionagent0";
    let disabled = "apply=true&action=ajaxConfigManager&propertylist=enabled&enabled=false";
    sling.ask("POST", &format!("/system/console/configMgr/{factory}"), disabled);
    wait_until(&sling, "/libs/sling/distribution/services/agents.json", "bpdistributionagent0", false);
    assert_eq!(verdicts(&sling, "disabled"), ["failed"; 4]);
}
