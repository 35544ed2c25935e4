//! The agents' logs and the error log, searched for the failures that are known from the field (surfaces.md §2.5, §4.2, §7).

use std::sync::LazyLock;

use bpconform_fixtures::Failures;
use bpconform_steps::Call;
use bpconform_steps::author::transcript;
use bpconform_steps::author::{agents, error_log};
use bpconform_steps::redact::Redactor;
use bpconform_steps::session::Session;
use futures::future::join_all;
use regex::Regex;

use super::{Finding, Severity};

/// The lines of known failures, and the promise that each breaks.
const KNOWN: [(&str, &str); 10] = [
    (r"AccessTokenProvider failed to get access token from authorization server status: \d+", "BP-IMS-02"),
    ("No OAuth token available", "BP-REP-04"),
    (r"KeyStoreNotInitialisedException|UnrecoverableKeyException", "BP-JWT-03"),
    ("trustAnchors parameter must be non-empty|PKIX path building failed", "BP-PRE-06"),
    (r"Repli\w+ Agent \[[^\]]*\] has invalid agent userId", "BP-REP-04"),
    (r"status code 401|<< HTTP/1\.[01] 401|Response: 401", "BP-REP-03"),
    (r"getTenantFromConfiguration", "BP-PUB-01"),
    (r"BrandPortalAgentFilter", "BP-PUB-01"),
    ("Replication triggered, but no agent found", "BP-PUB-01"),
    // Not the agent's own settings, which each transcript shows: `Socket Timeout: 600000`.
    (r"(?i)(connect|connection|read|socket) ?timed ?-?out|SocketTimeoutException|ConnectTimeoutException", "BP-REP-07"),
];

/// The longest excerpt of a line that is shown.
const EXCERPT: usize = 240;

/// A failure that is still the last word: nothing was delivered since.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    requirement: &'static str,
    line: String,
    times: usize,
    delivered_since: bool,
}

/// Looks into the logs.
pub(super) async fn look(session: &Session) -> Vec<Finding> {
    let (of_agents, of_author) = futures::join!(agent_logs(session), error_log(session));
    let mut findings = of_agents;
    findings.extend(of_author);
    findings
}

async fn agent_logs(session: &Session) -> Vec<Finding> {
    let topic = "agents' logs";
    let Ok(agents) = agents::of_tenant(session).await else { return Vec::new() };
    let logs = join_all(agents.iter().map(|agent| transcript::log(session, &agent.name))).await;
    let mut findings = Vec::new();
    let mut clean = 0;
    for (agent, log) in agents.iter().zip(logs) {
        match log {
            Ok(log) => {
                let failures = failures(&log.lines);
                clean += usize::from(failures.is_empty());
                findings.extend(
                    failures
                        .iter()
                        .map(|failure| finding(&session.run.redactor, topic, &format!("{}: ", agent.name), failure)),
                );
            }
            Err(problem) => findings.push(Finding::of(topic, "BP-REP-03", &problem)),
        }
    }
    if clean > 0 {
        let seen = format!("{clean} of {} hold no known failure", agents.len());
        findings.insert(0, Finding::ok(topic, "BP-REP-03", seen));
    }
    findings
}

async fn error_log(session: &Session) -> Vec<Finding> {
    let topic = "error.log";
    let read = async || error_log::lines(&session.send(Call::to("author.error-log")).await?.expect_status(&[200])?);
    match read().await {
        Ok(lines) => {
            let failures = failures(&lines);
            if failures.is_empty() {
                return vec![Finding::ok(
                    topic,
                    "BP-IMS-02",
                    format!("no known failure in the last {} lines", lines.len()),
                )];
            }
            failures.iter().map(|failure| finding(&session.run.redactor, topic, "", failure)).collect()
        }
        // Many operators may not read it; the agents' own logs say most.
        Err(problem) => vec![Finding::new(topic, Severity::Info, "BP-IMS-02", format!("not read: {}", problem.reason))],
    }
}

fn finding(redactor: &Redactor, topic: &'static str, whose: &str, failure: &Failure) -> Finding {
    // What is masked after a cut may show most of a secret.
    let masked = redactor.redact_foreign(&failure.line);
    let excerpt: String = masked.chars().take(EXCERPT).collect();
    let times = if failure.times == 1 { String::new() } else { format!(" ({} times)", failure.times) };
    let severity = if failure.delivered_since { Severity::Info } else { Severity::Problem };
    let since = if failure.delivered_since { "; it was delivered since" } else { "" };
    let cause = Failures::built_in().deepest([failure.line.as_str()]);
    Finding::caused(topic, severity, failure.requirement, format!("{whose}{excerpt}{times}{since}"), cause)
}

/// The known failures of a log, each with its last line.
fn failures(lines: &[String]) -> Vec<Failure> {
    static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        KNOWN
            .iter()
            .map(|(pattern, requirement)| (Regex::new(pattern).expect("a test reads it"), *requirement))
            .collect()
    });
    let delivered = lines.iter().rposition(|line| is_delivered(line));
    let failure = |(pattern, requirement): &(Regex, &'static str)| {
        let found = |line: &&String| pattern.is_match(line) && !is_of_a_run(line);
        let last = lines.iter().rposition(|line| found(&line))?;
        Some(Failure {
            requirement,
            line: lines[last].trim().to_owned(),
            times: lines.iter().filter(found).count(),
            delivered_since: delivered.is_some_and(|delivered| delivered > last),
        })
    };
    PATTERNS.iter().filter_map(failure).collect()
}

/// Whether a line says that something was delivered: "Replication (TEST) of /content not successful." says that it was not.
fn is_delivered(line: &str) -> bool {
    line.contains("Replication (") && line.contains("successful") && !line.contains("not successful")
}

/// Whether a line is about what a run of this program made, and has removed since.
fn is_of_a_run(line: &str) -> bool {
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"bpconform-[0-9a-z]{7}-").expect("a constant pattern"));
    NAME.is_match(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_known_failure_is_recognised_and_has_its_remedy() {
        let log = "INFO nothing\n\
            *ERROR* AccessTokenProvider failed to get access token from authorization server status: 400 response: {}\n\
            No OAuth token available. OAuth not initialized\n\
            com.adobe.KeyStoreNotInitialisedException: Uninitialised key store for user x\n\
            InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty\n\
            Error: Replicaiton Agent [publish] has invalid agent userId [x]\n\
            Server returned status code 401 with message: Authorization required.\n\
            NullPointerException at DAMSyncServiceImpl.getTenantFromConfiguration\n\
            at BrandPortalAgentFilter.isIncluded\n\
            Replication triggered, but no agent found! for path /a\n\
            java.net.SocketTimeoutException: Read timed out";
        let found = failures(&lines(log));
        assert_eq!(found.len(), KNOWN.len());
        for failure in &found {
            let finding = finding(&Redactor::default(), "error.log", "", failure);
            assert!(!finding.remedy.is_empty() && finding.severity == Severity::Problem, "{finding:?}");
        }
    }

    #[test]
    fn a_failure_after_which_it_was_delivered_is_past() {
        let failed = "2026-11-23 10:00:00 - sent. Response: 401 Unauthorized";
        let delivered = "2026-11-23 10:01:00 - Replication (ACTIVATE) of /content/dam/a.png successful.";
        assert!(failures(&lines(&format!("{failed}\n{delivered}")))[0].delivered_since);
        assert!(!failures(&lines(&format!("{delivered}\n{failed}")))[0].delivered_since);
        let not = "2026-11-23 10:01:00 - Replication (TEST) of /content not successful.";
        assert!(!failures(&lines(&format!("{failed}\n{not}")))[0].delivered_since);
    }

    #[test]
    fn what_is_no_failure_of_the_author_is_none() {
        let settings = "* Connect Timeout: 180000\n* Socket Timeout: 600000";
        let own = "*ERROR* bpconform-wxp7j3j-55-agent: Error while replicating: java.net.SocketTimeoutException";
        assert_eq!(failures(&lines(&format!("{settings}\n{own}"))), []);
    }
}
