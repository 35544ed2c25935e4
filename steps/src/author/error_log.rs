//! The end of the Author's error log (surfaces.md §2.5, §4.3), as entries.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bpconform_fixtures::{Cause, Failures, Surface};
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::ims_configurations::{self, ImsConfiguration};
use super::log::{self, Entry, Level};
use super::own_refusals::Known;
use super::{agents, transcript};
use crate::call::Call;
use crate::clock;
use crate::pattern::pattern;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// The end of the error log.
#[derive(Clone, Debug)]
pub struct ErrorLog {
    /// The entries, the newest last.
    pub entries: Vec<Entry>,
    /// When the Author answered, by its own clock.
    pub answered: Timestamp,
    /// Which entries count.
    pub rules: Rules,
    /// The entries that runs caused on purpose.
    on_purpose: Known,
}

/// Which entries of the error log count.
#[derive(Clone, Debug)]
pub struct Rules {
    age: SignedDuration,
    token_failure: Arc<Regex>,
    other_solutions: Arc<Regex>,
}

impl Rules {
    /// The rules of a run.
    pub fn new(surface: &Surface, age: Duration) -> Checked<Self> {
        Ok(Self {
            age: SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX),
            token_failure: pattern(surface, "token-failure")?,
            other_solutions: pattern(surface, "other-solutions")?,
        })
    }
}

/// The end of the error log; skipped for a user who may not open the Web Console.
pub async fn read(session: &Session) -> Checked<ErrorLog> {
    let reply = session.send(Call::to("author.error-log")).await?;
    // Who may test agents need not be one who may open the Web Console; the health check says as much.
    let reply = reply.expect_status(&[200, 401, 403, 404])?;
    if reply.status != 200 {
        return Err(Problem::skipped(format!(
            "the error log cannot be read: {} answered {}",
            reply.what(),
            reply.status
        )));
    }
    let lines = lines(&reply)?;
    let entries = log::entries(lines.iter().map(String::as_str));
    let rules = Rules::new(session.surface("author.error-log"), session.run.settings.log_age)?;
    let on_purpose = Known::read(session);
    Ok(ErrorLog { entries, answered: clock::of_answer(session, &reply).await?, rules, on_purpose })
}

/// The lines of a reply. A reply without log lines is not the log: a running Author has written something.
pub fn lines(reply: &Reply) -> Checked<Vec<String>> {
    let lines: Vec<String> = reply.text().lines().map(str::to_owned).collect();
    if reply.looks_like_html() || !lines.iter().any(|line| is_of_log(line)) {
        return Err(reply.instead("no log"));
    }
    Ok(lines)
}

/// A line of a log begins with its time, or names its level.
fn is_of_log(line: &str) -> bool {
    log::entries([line]).first().is_some_and(|entry| entry.time.is_some() || entry.level.is_some())
}

impl ErrorLog {
    /// The newest entry about a token that IMS refused, of those that count: it is not older than `log_age`, names no
    /// other configuration than `ours`, and was written after the configuration was last changed.
    pub fn refused_token(&self, ours: &[ImsConfiguration], all: &[ImsConfiguration]) -> Option<&Entry> {
        let Rules { token_failure, other_solutions, .. } = &self.rules;
        let counts = |entry: &&Entry| {
            let line = entry.line();
            token_failure.is_match(&line)
                && self.is_recent(entry)
                && !self.on_purpose.caused(entry)
                && !is_of_another(&line, ours, all, other_solutions)
        };
        let newest = self.entries.iter().rfind(counts)?;
        let changed_since = ours.iter().any(|it| it.was_changed_after(newest));
        (!changed_since).then_some(newest)
    }

    /// The entries about a token that IMS refused, whatever it was for.
    pub(super) fn token_failures(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| self.rules.token_failure.is_match(&entry.line()))
    }

    /// Whether an entry is young enough to say something about the configuration as it is now.
    pub fn is_recent(&self, entry: &Entry) -> bool {
        !entry.is_older(self.rules.age, self.answered)
    }

    /// The failures that the log shows, one for each cause, newest last: what concerns Brand Portal, and is recent.
    pub fn failures(&self, concerns: impl Fn(&str) -> bool) -> Vec<(Cause, &Entry, usize)> {
        let mut found: Vec<(Cause, &Entry, usize)> = Vec::new();
        for entry in &self.entries {
            let cause = Failures::built_in().causes(&entry.text).into_iter().next();
            let cause = cause.filter(|cause| is_of_brand_portal(*cause) || concerns(&entry.text));
            let cause = cause.filter(|_| entry.level.is_none_or(|level| level >= Level::Warn));
            let cause = cause.filter(|_| !self.on_purpose.caused(entry));
            let Some(cause) = cause.filter(|_| self.is_recent(entry) && !log::is_of_a_run(&entry.text)) else {
                continue;
            };
            match found.iter_mut().find(|(known, ..)| *known == cause) {
                Some((_, newest, times)) => (*newest, *times) = (entry, *times + 1),
                None => found.push((cause, entry, 1)),
            }
        }
        found
    }
}

/// Fails when the newest token that IMS refused to the configuration for Brand Portal is the last word: nothing was
/// delivered to the tenant since. Without a configuration no token is asked for.
pub async fn no_refused_token(session: &Session, log: &ErrorLog) -> Checked {
    let storage = ims_configurations::storage(session).await?;
    let ours = ims_configurations::of_brand_portal(session, &storage).await?;
    if ours.is_empty() {
        return Err(Problem::skipped("the Author has no IMS configuration for Brand Portal"));
    }
    let Some(entry) = log.refused_token(&ours, &storage.providers) else { return Ok(()) };
    if delivered_since(session, entry).await? {
        return Ok(());
    }
    if let Some(run) = log.on_purpose.may_have_caused(entry) {
        return Err(Problem::error(format!(
            "the Author's error log tells of a token that IMS refused, and the run {run}, which did not end, sent a wrong \
             client secret on purpose at that time; use Check Health to see whether a token is given now"
        )));
    }
    let cause = Failures::built_in().deepest([entry.text.as_str()]).or(Some(Cause::TokenRefused));
    let line = session.run.redactor.redact_foreign(&entry.line()).into_owned();
    Err(Problem::failed(format!("the Author's error log says: {line}")).because(cause))
}

/// Whether a cause is of Brand Portal and its agents wherever it is written.
const fn is_of_brand_portal(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::OauthNotInitialised
            | Cause::AgentUserInvalid
            | Cause::KeyStoreUnreadable
            | Cause::TrustStoreIncomplete
            | Cause::FolderConfiguration
            | Cause::AcsFilter
            | Cause::NoAgent
    )
}

/// Whether a line is about a configuration of another solution: it names another one, or another client id, and none of ours.
fn is_of_another(line: &str, ours: &[ImsConfiguration], all: &[ImsConfiguration], solutions: &Regex) -> bool {
    static CLIENT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#""client_id"\s*:\s*"[^"]|\bclient_id=[\w.-]"#).expect("a constant pattern"));
    static THREAD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*\[[^\]]*\]").expect("a constant pattern"));
    let names = |it: &ImsConfiguration| {
        let words = [Some(&it.pid), it.client_id.as_ref(), it.title.as_ref()];
        words.into_iter().flatten().any(|word| !word.is_empty() && line.contains(word.as_str()))
    };
    let other = all.iter().filter(|it| ours.iter().all(|own| own.pid != it.pid)).any(names);
    // The name of the thread in which a token was asked for says nothing about the token.
    let names_solution = || solutions.is_match(&THREAD.replace(line, ""));
    (other || CLIENT.is_match(line) || names_solution()) && !ours.iter().any(names)
}

/// Whether something was delivered to the tenant after an entry of the error log: then tokens are given again. Both logs
/// are written by the same clock.
pub async fn delivered_since(session: &Session, entry: &Entry) -> Checked<bool> {
    let Some(time) = entry.time else { return Ok(false) };
    if session.stack.tenant.is_none() {
        return Ok(false);
    }
    for agent in agents::of_tenant(session).await? {
        let log = transcript::log(session, &agent.name).await?;
        if log.delivered_after(time) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Surfaces;
    use serde_json::json;

    use super::super::ims_configurations::Stored;
    use super::*;

    fn is_log(body: &str) -> bool {
        lines(&Reply {
            surface: "author.error-log".into(),
            method: "GET".into(),
            url: url::Url::parse("http://localhost/tailer.txt").expect("a URL"),
            status: 200,
            headers: Vec::new(),
            body: body.into(),
            redactor: crate::redact::Redactor::default(),
        })
        .is_ok()
    }

    #[test]
    fn only_what_has_a_line_of_a_log_is_one() {
        for log in ["02.01.2026 03:04:05.678 something", "2026-01-02 03:04:05 x", "\tat a.b.C\nx *WARN* y"] {
            assert!(is_log(log), "{log}");
        }
        for other in ["", "<html>*ERROR* 500</html>", "{\"title\":\"x\"}", "Please log in"] {
            assert!(!is_log(other), "{other}");
        }
    }

    const HEAD: &str = "27.11.2026 10:00:00.000 *ERROR* [x] com.adobe.granite.auth.oauth.AccessTokenProvider failed to get access \
                        token from authorization server status: 400 response:";
    const INFO: &str = "27.11.2026 11:00:00.000 *INFO* [x] com.example.Other fine";

    fn configuration(title: &str, client: &str, changed: &str) -> ImsConfiguration {
        let node = format!("com.adobe.granite.auth.oauth.accesstoken.provider.{client}");
        let properties = json!({"auth.token.provider.title": title, "auth.token.provider.client.id": client,
            "jcr:lastModified": changed});
        ims_configurations::configuration(Surfaces::built_in().get("author.ims-storage"), Stored { node, properties })
    }

    fn refused(log: &str) -> Option<String> {
        let answered = "2026-11-27T12:00:00Z".parse().expect("a time");
        let rules = Rules::new(Surfaces::built_in().get("author.error-log"), Duration::from_secs(24 * 3600));
        let log = ErrorLog {
            entries: log::entries(log.lines()),
            answered,
            rules: rules.expect("the phrases are patterns"),
            on_purpose: Known::default(),
        };
        let (ours, target) = (
            configuration("Brand Portal", "client-bp", "Mon Nov 23 2026 10:00:00 GMT+0000"),
            configuration("Target IMS", "client-target", ""),
        );
        let all = [ours.clone(), target];
        log.refused_token(&[ours], &all).map(Entry::line)
    }

    #[test]
    fn a_refused_token_is_found_on_one_line_or_several() {
        let answer = "{\"error\":\"invalid_client\",\"error_description\":\"invalid client_secret parameter\"}";
        for log in [
            format!("{INFO}\n{HEAD} {answer}\n{INFO}"),
            format!("{INFO}\n{HEAD}\n{answer}\n{INFO}"),
            format!("{INFO}\r\n{HEAD} \r\n{answer}\r\n"),
            format!("{HEAD} Unknown macro: {{\"error\"}}"),
            format!("{HEAD}\n"),
        ] {
            assert!(refused(&log).is_some(), "{log}");
        }
        assert_eq!(refused(INFO), None);
    }

    #[test]
    fn what_is_old_or_of_another_solution_does_not_count() {
        let line = format!("{HEAD} {{\"error\":\"invalid_client\"}}");
        for other in [
            line.replace("27.11.2026", "20.10.2026"),
            line.replace("27.11.2026", "22.11.2026"),
            format!("{line} client-target"),
            format!("{line} for Target IMS"),
            format!("{line} (Adobe Target)"),
            format!("{line} [Adobe Target]"),
        ] {
            assert_eq!(refused(&other), None, "{other}");
        }
        assert!(refused(&format!("{line} client-bp")).is_some());
        assert!(refused(&line.replace("[x]", "[Adobe Analytics-Import-1]")).is_some(), "the name of a thread");
    }
}
