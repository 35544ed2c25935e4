//! The end of the Author's error log (surfaces.md §2.5, §4.3), as entries.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bpconform_fixtures::{Cause, Failures, Surface};
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use url::{Position, Url};

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
    /// The newest entry about a token that IMS refused, or could not be asked for, of those that count: it is not older than
    /// `log_age`, and names no other configuration than `ours`.
    pub fn refused_token(&self, ours: &[ImsConfiguration], all: &[ImsConfiguration]) -> Option<&Entry> {
        let requests = ours.iter().filter_map(|it| Url::parse(it.token_request.as_deref()?).ok());
        // With its port only where that is not the usual one, as Java writes it.
        let hosts: Vec<String> =
            requests.map(|url| url[Position::BeforeHost..Position::AfterPort].to_owned()).collect();
        let counts = |entry: &&Entry| {
            let line = entry.line();
            (self.rules.token_failure.is_match(&line) || is_unreachable(entry, &line, &hosts))
                && self.is_recent(entry)
                && !self.on_purpose.caused(entry)
                && !is_of_another(&line, ours, all, &self.rules)
        };
        self.entries.iter().rfind(counts)
    }

    /// Whether an entry was written before a change; none if that depends on the zone of the log, which is not known. An
    /// entry without a time was not.
    fn precedes(&self, entry: &Entry, changed: Timestamp) -> Option<bool> {
        let Some(written) = entry.time else { return Some(false) };
        let newest = self.entries.iter().filter_map(|entry| entry.time).max()?;
        let (earliest, latest) = log::moments(written, newest, self.answered)?;
        // Entries are read to the second.
        match changed.as_second() {
            changed if changed > latest.as_second() => Some(true),
            changed if changed <= earliest.as_second() => Some(false),
            _ => None,
        }
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

/// Fails when the newest token that IMS refused to the configuration for Brand Portal is the last word: the configuration
/// was not changed since, and nothing was delivered to the tenant. Without a configuration no token is asked for.
pub async fn no_refused_token(session: &Session, log: &ErrorLog) -> Checked {
    let storage = ims_configurations::storage(session).await?;
    let ours = ims_configurations::of_brand_portal(session, &storage).await?;
    if ours.is_empty() {
        return Err(Problem::skipped("the Author has no IMS configuration for Brand Portal"));
    }
    let Some(entry) = log.refused_token(&ours, &storage.providers) else { return Ok(()) };
    let surface = session.surface("author.ims-storage");
    let changes = ours.iter().map(|it| it.changes(surface, &storage.customizers));
    let changes = changes.collect::<Checked<Vec<_>>>()?.concat();
    let changed = changes.iter().flatten().max().copied();
    let is_past = changed.map_or(Some(false), |changed| log.precedes(entry, changed));
    if is_past == Some(true) || delivered_since(session, entry).await? {
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
    let unclear =
        |why: &str| Err(Problem::error(format!("{why}; use Check Health to see whether a token is given now: {line}")));
    if is_past.is_none() {
        return unclear(&format!(
            "the Author's error log does not show in which zone its times are, so that this may be older than the last \
             change of the IMS configuration ({})",
            changed.unwrap_or_default()
        ));
    }
    if entry.time.is_some() && changes.contains(&None) {
        return unclear(
            "the IMS configuration does not say when it was last changed, so that the entry of the Author's error log may be \
             older than that",
        );
    }
    if !names_ours(entry, &ours, &storage.providers, &log.rules) {
        return unclear(
            "the Author has IMS configurations for other solutions, too, and its error log does not say to which one IMS \
             refused a token",
        );
    }
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

/// Whether an entry of what asks for tokens tells of a failure to reach one of the hosts that are asked. AEM asks them for other
/// reasons, too, such as a person's login.
fn is_unreachable(entry: &Entry, line: &str, hosts: &[String]) -> bool {
    line.contains("AccessTokenProvider")
        && hosts.iter().any(|host| stands_alone(line, host))
        && entry.level.is_none_or(|level| level >= Level::Warn)
        && !log::is_of_a_run(line)
        && !Failures::built_in().causes(line).is_empty()
}

/// Whether a text contains a name that is not a part of a longer one, such as that of a class.
fn stands_alone(text: &str, name: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || "_-.~$".contains(c);
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            // A full stop may also end the sentence.
            let after = text[at + name.len()..].trim_start_matches('.');
            !text[..at].ends_with(joins) && !after.starts_with(joins)
        })
}

/// Whether an entry is about a configuration for Brand Portal: it names one, or there is no other one that it could be about.
fn names_ours(entry: &Entry, ours: &[ImsConfiguration], all: &[ImsConfiguration], rules: &Rules) -> bool {
    all.iter().all(|it| is_one_of(ours, it)) || names_any(&entry.line(), ours, rules)
}

fn is_one_of(ours: &[ImsConfiguration], it: &ImsConfiguration) -> bool {
    ours.iter().any(|own| own.pid == it.pid)
}

/// Whether a line is about a configuration of another solution: it names another one, or another client id, and none of ours.
fn is_of_another(line: &str, ours: &[ImsConfiguration], all: &[ImsConfiguration], rules: &Rules) -> bool {
    static CLIENT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#""client_id"\s*:\s*"[^"]|\bclient_id=[\w.-]"#).expect("a constant pattern"));
    let others = all.iter().filter(|it| !is_one_of(ours, it));
    (names_any(line, others, rules) || CLIENT.is_match(line) || rules.other_solutions.is_match(&said(line)))
        && !names_any(line, ours, rules)
}

/// What a line says. The name of the thread in which a token was asked for says nothing about the token.
fn said(line: &str) -> Cow<'_, str> {
    static THREAD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*\[[^\]]*\]").expect("a constant pattern"));
    THREAD.replace(line, "")
}

/// Whether a line names one of these configurations, by its PID, client id or title.
fn names_any<'a>(line: &str, all: impl IntoIterator<Item = &'a ImsConfiguration>, rules: &Rules) -> bool {
    static ANSWER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[^{}]*\}").expect("a constant pattern"));
    let said = said(line);
    // A title may be any word, also one of the message itself or of what IMS answered.
    let besides = rules.token_failure.replace_all(&said, "");
    let besides = ANSWER.replace_all(&besides, "");
    all.into_iter().any(|it| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || "_-.~".contains(c)));
        words.any(|word| it.is(word.trim_matches('.')))
            || it.client_id.as_ref().is_some_and(|client| stands_alone(line, client))
            || it.title.as_ref().is_some_and(|title| stands_alone(&besides, title))
    })
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
            "auth.access.token.request": "https://ims-na1.adobelogin.com/ims/token/v3", "jcr:lastModified": changed});
        ims_configurations::configuration(Surfaces::built_in().get("author.ims-storage"), Stored { node, properties })
    }

    fn read(log: &str) -> ErrorLog {
        let rules = Rules::new(Surfaces::built_in().get("author.error-log"), Duration::from_secs(24 * 3600));
        ErrorLog {
            entries: log::entries(log.lines()),
            answered: "2026-11-27T12:00:00Z".parse().expect("a time"),
            rules: rules.expect("the phrases are patterns"),
            on_purpose: Known::default(),
        }
    }

    fn refused(log: &str) -> Option<String> {
        refused_besides(log, "Target IMS")
    }

    /// The refused token that counts where another solution has a configuration of that title.
    fn refused_besides(log: &str, title: &str) -> Option<String> {
        let ours = configuration("Brand Portal", "client-bp", "Mon Nov 23 2026 10:00:00 GMT+0000");
        let all = [ours.clone(), configuration(title, "client-target", "")];
        let changes = ours.changes(Surfaces::built_in().get("author.ims-storage"), &[]).expect("a time");
        let changed = changes[0].expect("it is dated");
        let log = read(log);
        log.refused_token(&[ours], &all).filter(|entry| log.precedes(entry, changed) == Some(false)).map(Entry::line)
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

    #[test]
    fn a_refusal_that_names_nobody_may_be_of_another_solution() {
        let ours = [configuration("Brand Portal", "client-bp", "")];
        let all = [ours[0].clone(), configuration("Target IMS", "client-target", "")];
        let line = format!("{HEAD} {{\"error\":\"invalid_client\"}}");
        let names = |line: &str, all: &[ImsConfiguration]| {
            let log = read(line);
            names_ours(&log.entries[0], &ours, all, &log.rules)
        };
        assert!(names(&line, &ours) && !names(&line, &all), "only one could be meant");
        for line in [format!("{line} client-bp"), format!("{line} for \"Brand Portal\"")] {
            assert!(names(&line, &all), "{line}");
        }
    }

    #[test]
    fn the_title_of_another_solution_may_be_a_word_of_the_message() {
        let line = format!("{HEAD} {{\"error\":\"invalid_client\"}}");
        for title in ["oauth", "Access", "AccessTokenProvider", "granite", "token", "server", "error", "x", "adobe"] {
            assert!(refused_besides(&line, title).is_some(), "{title}");
            assert_eq!(refused_besides(&format!("{line} for \"{title}\"."), title), None, "{title}");
        }
        let pid = |random: &str| format!("{line} com.adobe.granite.auth.oauth.accesstoken.provider{random}");
        assert_eq!(refused(&pid("-client-target.config")), None);
        assert!(refused(&pid(".client-target-2")).is_some() && refused(&format!("{line} client-target-2")).is_some());
    }

    #[test]
    fn a_token_that_ims_could_not_be_asked_for_counts_too() {
        let line = |host: &str| {
            format!(
                "27.11.2026 10:00:00.000 *ERROR* [x] com.adobe.granite.auth.oauth.impl.AccessTokenProviderImpl Error while \
                 requesting access token java.net.UnknownHostException: {host}\n\tat a.b.C(C.java:1)"
            )
        };
        assert!(refused(&line("ims-na1.adobelogin.com")).is_some());
        for other in ["other.example.com", "ims-na1.adobelogin.com.example.com", "eu.ims-na1.adobelogin.com"] {
            assert_eq!(refused(&line(other)), None, "{other}");
        }
        assert_eq!(refused(&line("ims-na1.adobelogin.com").replace("ERROR", "INFO")), None);
        let login = line("ims-na1.adobelogin.com").replace("oauth.impl.AccessTokenProviderImpl", "ims.impl.ImsLogin");
        assert_eq!(refused(&login), None);
        let reached = "27.11.2026 10:00:00.000 *WARN* [x] a.b.C ims-na1.adobelogin.com is slow";
        assert_eq!(refused(reached), None);
    }

    #[test]
    fn an_entry_precedes_a_change_in_the_zone_of_the_log() {
        let precedes = |newest: &str, changed: &str| {
            let log = read(&format!("{HEAD}\n27.11.2026 {newest} *INFO* [x] com.example.Other fine"));
            log.precedes(&log.entries[0], changed.parse().expect("a time"))
        };
        // It was written at 10:00: in UTC, two hours ahead of it, and where the log does not show it.
        for (newest, changed, wanted) in [
            ("11:59:30", "2026-11-27T09:30:00Z", Some(false)),
            ("11:59:30", "2026-11-27T10:00:00Z", Some(false)),
            ("11:59:30", "2026-11-27T10:30:00Z", Some(true)),
            ("13:59:30", "2026-11-27T07:30:00Z", Some(false)),
            ("13:59:30", "2026-11-27T08:30:00Z", Some(true)),
            ("11:50:00", "2026-11-26T12:00:00Z", Some(false)),
            ("11:50:00", "2026-11-27T09:30:00Z", None),
            ("11:50:00", "2026-11-27T10:30:00Z", Some(true)),
        ] {
            assert_eq!(precedes(newest, changed), wanted, "{newest} {changed}");
        }
    }
}
