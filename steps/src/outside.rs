//! The readers of answers of a target, by name, so that tests can call each of them with any input. A reader rejects
//! invalid input; it never panics, and always terminates.

use bpconform_fixtures::Surfaces;
use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;
use url::Url;

use crate::author::transcript::Transcript;
use crate::author::{
    agents, bundles, certificates, cloud_configuration, error_log, ims_configurations, keeping, osgi_file, product,
    queue,
};
use crate::html;
use crate::ims::Refusal;
use crate::redact::Redactor;
use crate::reply::Reply;

/// A reader that was made to take anything.
pub type Reader = fn(&[u8]);

/// The readers.
pub const READERS: [(&str, Reader); 10] = [
    ("transcript", transcript),
    ("log", log),
    ("repository", repository),
    ("product", product),
    ("bundles", |bytes| drop(bundles::parse(&text(bytes)))),
    ("queue", |bytes| drop(queue::parse("agent", &text(bytes)).map(|queue| (queue.state(), queue.to_string())))),
    ("packages", packages),
    ("key-store", |bytes| drop(certificates::parse(&text(bytes)))),
    ("certificate", |bytes| drop(certificates::read(&reply("author.certificate-download", bytes)))),
    ("refusal", |bytes| drop(Refusal::read(&reply("ims.token", bytes)))),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An answer with that body.
fn reply(surface: &str, body: &[u8]) -> Reply {
    let url = Url::parse("http://localhost/").expect("a constant address");
    let headers = vec![("set-cookie".to_owned(), text(&body[..body.len().min(64)]))];
    let redactor = Redactor::default();
    headers.iter().for_each(|(name, value)| drop(redactor.redact_value(name, value)));
    let (surface, method, body) = (surface.to_owned(), "GET".to_owned(), body.to_vec());
    let reply = Reply { surface, method, url, status: 200, headers, body, redactor };
    let _ = (reply.excerpt(), reply.looks_like_html(), reply.clone().expect_status(&[404]));
    let _ = (reply.page(|page| page.contains("Queue is")), reply.file().map(<[u8]>::len), reply.clone().for_change());
    reply
}

fn transcript(bytes: &[u8]) {
    let surface = Surfaces::built_in().get("author.agent-test");
    if let Ok(transcript) = Transcript::read(reply(&surface.id, bytes), surface, Timestamp::UNIX_EPOCH) {
        let agent = agents::Agent { name: "mp_replication_agent0_default_bpdoc".into(), properties: Value::Null };
        let _ = transcript.judge(&agent, surface);
    }
}

fn log(bytes: &[u8]) {
    let _ = error_log::lines(&reply("author.error-log", bytes));
    let _ = html::lines(&text(bytes));
    let _ = osgi_file::parse(&text(bytes));
    let pattern = Surfaces::built_in().get("author.error-log").phrase("token-failure");
    let pattern = Regex::new(pattern).expect("a constant pattern");
    let _ = text(bytes).lines().filter(|line| pattern.is_match(line)).count();
}

fn repository(bytes: &[u8]) {
    let Ok(node) = reply("author.node", bytes).json() else { return };
    for agent in agents::parse(&node) {
        let _ = (agent.enabled(), agent.target(), agent.named_for().map(str::to_owned), agent.is_of("a", "https://a"));
    }
    let _ = cloud_configuration::below(Surfaces::built_in().get("author.cloud-storage"), "/etc", &node);
    let surface = Surfaces::built_in().get("author.ims-storage");
    for (name, properties) in node.as_object().into_iter().flatten() {
        let stored = ims_configurations::Stored { node: name.clone(), properties: properties.clone() };
        let configuration = ims_configurations::configuration(surface, stored);
        let _ = (configuration.is(name), ims_configurations::is_encrypted(&properties.to_string()));
    }
}

fn product(bytes: &[u8]) {
    let line = Regex::new(Surfaces::built_in().get("author.product-info").phrase("line")).expect("a constant pattern");
    let text = text(bytes);
    let _ = product::find_version(&line, &text).map(|found| found.map(|version| version.parse::<product::Version>()));
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let _ = product::parse_run_modes(&lines, Surfaces::built_in().get("author.sling-settings").phrase("run-modes"));
}

fn packages(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Value>(bytes).map(serde_json::from_value::<product::Package>);
    let _ = keeping::read(bytes);
}
