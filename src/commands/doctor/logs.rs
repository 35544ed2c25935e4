//! The agents' logs and the error log: what they end with (surfaces.md §2.5, §4.2, §7).

use bpconform_fixtures::Cause;
use bpconform_steps::Kind;
use bpconform_steps::author::error_log::{self, ErrorLog};
use bpconform_steps::author::transcript::{self, Log};
use bpconform_steps::author::{agents, ims_configurations, log};
use bpconform_steps::plain::{beginning, plain_line};
use bpconform_steps::session::Session;
use futures::future::join_all;
use jiff::SignedDuration;

use super::{Finding, Severity};

/// The longest excerpt of an entry that is shown.
const EXCERPT: usize = 240;

/// The requirement that a cause breaks.
const fn requirement(cause: Cause) -> &'static str {
    match cause {
        Cause::ClientSecretRefused | Cause::TokenRefused => "BP-IMS-02",
        Cause::OauthNotInitialised | Cause::AgentUserInvalid => "BP-REP-04",
        Cause::KeyStoreUnreadable => "BP-JWT-03",
        Cause::FolderConfiguration
        | Cause::AcsFilter
        | Cause::NoAgent
        | Cause::ContentMissing
        | Cause::ContentDenied => "BP-PUB-01",
        Cause::ConnectionTimedOut => "BP-REP-07",
        _ => "BP-REP-03",
    }
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
        match log.map(|log| of_agent(session, &agent.name, &log)) {
            Ok(Some(finding)) => findings.push(finding),
            Ok(None) => clean += 1,
            Err(problem) => findings.push(Finding::of(topic, "BP-REP-03", &problem)),
        }
    }
    if clean > 0 {
        let seen = format!("{clean} of {} hold no known failure", agents.len());
        findings.insert(0, Finding::ok(topic, "BP-REP-03", seen));
    }
    findings
}

/// The failure that an agent's log ends with.
fn of_agent(session: &Session, agent: &str, log: &Log) -> Option<Finding> {
    let failure = log.last_failure(|entry| !log::is_of_a_run(&entry.text))?;
    let age = SignedDuration::try_from(session.run.settings.log_age).unwrap_or(SignedDuration::MAX);
    let old = failure.is_older(age, log.answered);
    let since = match (failure.delivered_since, old) {
        (true, _) => "; it was delivered since",
        (false, true) => "; it is old, and nothing was delivered since",
        (false, false) => "",
    };
    let severity = if failure.delivered_since || old { Severity::Info } else { Severity::Problem };
    let seen = format!("{agent}: {}{}{since}", excerpt(session, &failure.text), times(failure.times));
    Some(Finding::caused("agents' logs", severity, requirement(failure.cause), seen, Some(failure.cause)))
}

/// The beginning of an entry on one line. It is masked before it is cut: what is masked after a cut may show most of a
/// secret.
fn excerpt(session: &Session, text: &str) -> String {
    let masked = session.run.redactor.redact_foreign(text);
    beginning(&plain_line(&masked), EXCERPT)
}

fn times(times: usize) -> String {
    if times == 1 { String::new() } else { format!(" ({times} times)") }
}

async fn error_log(session: &Session) -> Vec<Finding> {
    let topic = "error.log";
    let log = match error_log::read(session).await {
        Ok(log) => log,
        // Many operators may not read it; the agents' own logs say most. What cannot be understood is another matter.
        Err(problem) if problem.kind == Kind::Skipped => {
            return vec![Finding::new(topic, Severity::Info, "BP-IMS-02", format!("not read: {}", problem.reason))];
        }
        Err(problem) => return vec![Finding::of(topic, "BP-IMS-02", &problem)],
    };
    let mut findings = Vec::new();
    if let Err(problem) = error_log::no_refused_token(session, &log).await {
        findings.push(Finding::of(topic, "BP-IMS-02", &problem));
    }
    findings.extend(others(session, &log).await);
    if findings.is_empty() {
        let seen = format!("no known failure in the last {} entries", log.entries.len());
        findings.push(Finding::ok(topic, "BP-IMS-02", seen));
    }
    findings
}

/// What the error log says besides refused tokens, which have a judgement of their own.
async fn others(session: &Session, log: &ErrorLog) -> Vec<Finding> {
    let host = session.stack.tenant.as_ref().and_then(|tenant| tenant.host_str()).unwrap_or_default().to_owned();
    let ims = ims_configurations::for_brand_portal(session).await.unwrap_or_default();
    let clients: Vec<String> = ims.into_iter().filter_map(|it| it.client_id).collect();
    let concerns = |text: &str| {
        text.contains("mp_replication")
            || (!host.is_empty() && text.contains(&host))
            || clients.iter().any(|client| text.contains(client.as_str()))
    };
    let failures = log.failures(concerns);
    let others = failures.into_iter().filter(|(cause, ..)| requirement(*cause) != "BP-IMS-02");
    let mut findings = Vec::new();
    for (cause, entry, count) in others {
        let since = error_log::delivered_since(session, entry).await.unwrap_or_default();
        let severity = if since { Severity::Info } else { Severity::Problem };
        let past = if since { "; it was delivered since" } else { "" };
        let seen = format!("{}{}{past}", excerpt(session, &entry.text), times(count));
        findings.push(Finding::caused("error.log", severity, requirement(cause), seen, Some(cause)));
    }
    findings
}
