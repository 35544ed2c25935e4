//! The lines of curl that reports show: in a shell with the credentials set, each gets the status that the run got.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use bpconform::record::Record;
use bpconform::record_file;
use bpconform::report::{curl, view};
use bpconform_steps::evidence::{Exchange, Outcome};

use crate::support::{Mock, bpconform, directory, post};

/// The standard output of a line of a shell, with these variables only.
fn shell(line: &str, variables: &[(String, String)]) -> String {
    let mut command = Command::new("sh");
    let others = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BPCONFORM_"));
    for (name, _) in others {
        command.env_remove(name);
    }
    let ended = command.args(["-c", line]).envs(variables.iter().cloned()).output().expect("a shell");
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

fn exchanges(record: &Record) -> impl Iterator<Item = &Exchange> {
    record.scenarios.iter().flat_map(view::exchanges)
}

/// The credentials of the mock, and a token that IMS gives for them.
fn variables(mock: &Mock, record: &Record) -> Vec<(String, String)> {
    let own = mock.credentials().into_iter().chain([("NO_PROXY", "*")]);
    let mut all: Vec<_> = own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let asks =
        |one: &&Exchange| one.surface == "ims.token" && matches!(one.outcome, Outcome::Response { status: 200, .. });
    let line = exchanges(record).find(asks).and_then(curl::line).expect("a token was asked for");
    let answer = shell(&line, &all);
    let body = answer.split_once("\r\n\r\n").expect("headers and a body").1;
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let token = body["access_token"].as_str().expect("a token").to_owned();
    all.push(("BPCONFORM_ACCESS_TOKEN".to_owned(), token));
    all
}

#[test]
fn each_line_of_a_failing_run_gets_the_same_status() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("NOT TESTED: curl is missing");
        return;
    }
    let (mock, out) = (Mock::start("configured"), directory("curl-lines"));
    let agent = "/etc/replication/agents.author/mp_replication_agent2_default_bpdoc/jcr:content";
    post(&mock, agent, "enabled=false");
    let folder = out.to_str().expect("UTF-8");
    let told = mock.run(&["--allow", "probe", "-vv", "--out", folder]);
    assert_eq!(told.code, Some(1), "{}", told.all());
    let record = record_file::read(Path::new(&out)).expect("a record");
    let variables = variables(&mock, &record);
    let secrets: Vec<&str> =
        variables.iter().filter(|(name, _)| !name.ends_with("USER")).map(|(_, value)| value.as_str()).collect();
    let mut lines: BTreeMap<String, &Exchange> = BTreeMap::new();
    for exchange in exchanges(&record) {
        lines.insert(curl::line(exchange).expect("each exchange has a line"), exchange);
    }
    assert!(lines.len() > 30, "{}", lines.len());
    let page = bpconform(&["report", "html", folder]).out;
    let markdown = bpconform(&["report", "markdown", folder]).out;
    let mut wrong = Vec::new();
    for (line, exchange) in &lines {
        assert!(!secrets.iter().any(|secret| secret.len() > 4 && line.contains(secret)), "{line}");
        assert!(told.out.contains(line.as_str()), "-vv does not show {line}");
        let in_page = serde_json::to_string(line).expect("JSON").replace('<', "\\u003c");
        assert!(page.contains(&in_page), "the page does not show {line}");
        let Outcome::Response { status, .. } = exchange.outcome else { continue };
        let got = shell(&format!("{line} -o /dev/null -w '%{{http_code}}'"), &variables);
        if got != status.to_string() {
            wrong.push(format!("{status} in the run, {got} now: {line}"));
        }
    }
    let red = record.scenarios.iter().filter(|one| one.verdict == bpconform::verdict::Verdict::Failed);
    red.flat_map(view::exchanges).filter_map(curl::line).for_each(|line| {
        assert!(markdown.contains(&line), "Markdown does not show {line}");
    });
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), lines.len(), wrong.join("\n"));
    eprintln!("{} lines, each with the status of the run", lines.len());
}
