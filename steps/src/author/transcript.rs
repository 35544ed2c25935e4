//! What an agent's pages say happened: the transcript of Test Connection and the log (surfaces.md §4.2, §4.3).

use std::sync::LazyLock;

use bpconform_fixtures::{Cause, Failures, Surface};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use url::Url;

use super::address;
use super::agents::Agent;
use super::log::{self, Entry, Level};
use crate::call::Call;
use crate::clock;
use crate::html::{Element, Page};
use crate::plain::beginning;
use crate::problem::{Checked, Problem, ensure};
use crate::redact::Redactor;
use crate::reply::Reply;
use crate::session::Session;

/// How many of the last lines are quoted with a failure.
const LAST: usize = 6;

/// What begins the lines of the wire log.
const SENT: &str = ">> ";
const RECEIVED: &str = "<<";

/// The page of one Test Connection.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// The lines as a reader sees them, time included.
    pub lines: Vec<String>,
    /// The lines with a time as entries.
    pub entries: Vec<Entry>,
    /// The target in the page's heading.
    pub heading: Option<String>,
    /// The word after "Replication test" in the line with the result; in another language the whole line.
    pub result: String,
    /// Whether the page is in English.
    pub is_english: bool,
    /// When the Author answered, by its own clock.
    pub answered: Timestamp,
    /// What it says of the exchange with the tenant.
    pub delivery: Delivery,
    redactor: Redactor,
}

/// What a transcript says of the exchange with the tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivery {
    /// The agents' titles that are named.
    pub clients: Vec<String>,
    /// The users whose token is used.
    pub users: Vec<String>,
    /// The address that is posted to.
    pub posted_to: Vec<String>,
    /// The hosts that the messages are sent to.
    pub hosts: Vec<String>,
    /// The statuses that the summary names.
    pub responses: Vec<u16>,
    /// The final statuses of the wire log, without interim answers (1xx).
    pub statuses: Vec<u16>,
    /// What the tenant sent, record by record of the wire log.
    pub received: Vec<String>,
    /// The paths that are reported as delivered.
    pub paths: Vec<String>,
    /// The lines of the requests, such as `POST /bin/receive HTTP/1.0`, as far as they are whole.
    pub requests: Vec<String>,
    /// The actions that were asked for.
    pub actions: Vec<String>,
    /// The values of the header `Host`, which may be cut off.
    pub asked_hosts: Vec<String>,
    /// The outcomes: action, path, whether it was successful.
    pub outcomes: Vec<(String, String, bool)>,
}

/// The log of an agent, the newest entry last.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// The lines as a reader sees them, time included.
    pub lines: Vec<String>,
    /// The entries.
    pub entries: Vec<Entry>,
    /// When the Author answered, by its own clock.
    pub answered: Timestamp,
}

/// Clicks Test Connection on an agent and reads the page, whatever it says.
pub async fn test_connection(session: &Session, agent: &str) -> Checked<Transcript> {
    let reply = session.send(Call::to("author.agent-test").with("agent", agent)).await?;
    let answered = clock::of_answer(session, &reply).await?;
    Transcript::read(reply, session.surface("author.agent-test"), answered)
}

/// The log of an agent (View log).
pub async fn log(session: &Session, agent: &str) -> Checked<Log> {
    let reply = session.send(Call::to("author.agent-log").with("agent", agent)).await?.expect_status(&[200])?;
    let answered = clock::of_answer(session, &reply).await?;
    Log::read(&reply, agent, answered)
}

impl Log {
    /// Reads the page of an agent's log. The log of another agent does not say what this one did.
    fn read(reply: &Reply, agent: &str, answered: Timestamp) -> Checked<Self> {
        let page = Page::read(&reply.text());
        let lines = page.lines();
        let entries = log::entries(lines.iter().map(String::as_str));
        let has_entry = entries.iter().any(|entry| entry.time.is_some() || entry.level.is_some());
        // A log that is empty, of an agent that was never used, is a log too.
        let is_log = |element: &Element| {
            element.name == "code" && element.is_closed() && (has_entry || page.text(element).is_empty())
        };
        reply.page(|_| page.elements.iter().any(is_log))?;
        if let Some(other) = entries.iter().find_map(|entry| another_agent(&entry.text, agent)) {
            return Err(reply.instead(&format!("the log of another agent, {other}")));
        }
        Ok(Self { lines, entries, answered })
    }

    /// The statuses that the tenant answered with.
    pub fn statuses(&self) -> Vec<u16> {
        // In a log the name of the agent stands before what the transcript of a test says.
        let without_name = |entry: &Entry| {
            let named = entry.text.split_once(" : ").filter(|(name, _)| !name.contains(char::is_whitespace));
            Entry { text: named.map_or(entry.text.as_str(), |(_, text)| text).to_owned(), ..entry.clone() }
        };
        let Delivery { mut responses, statuses, .. } =
            Delivery::read(&self.entries.iter().map(without_name).collect::<Vec<_>>());
        responses.extend(statuses);
        responses.extend(self.entries.iter().filter_map(|entry| refusal(&entry.text)));
        responses
    }

    /// Whether something was delivered after a time of the Author's own clock.
    pub fn delivered_after(&self, time: DateTime) -> bool {
        self.entries.iter().any(|entry| entry.time.is_some_and(|at| at > time) && delivers(entry))
    }

    /// The failure that the log ends with, if it does: its newest entry of a failure, unless something was delivered
    /// since. `counts` selects the entries that are considered.
    pub fn last_failure(&self, counts: impl Fn(&Entry) -> bool) -> Option<LastFailure> {
        let fails = |entry: &&Entry| (entry.level == Some(Level::Error) || fails(entry)) && counts(entry);
        let last = self.entries.iter().rposition(|entry| fails(&entry))?;
        let since = self.entries[last + 1..].iter().any(delivers);
        // The entries of one failed delivery belong together: the first of them names the cause.
        let first =
            self.entries[..last].iter().rposition(|entry| delivers(entry) || !fails(&entry)).map_or(0, |at| at + 1);
        let texts: Vec<&str> = self.entries[first..=last].iter().map(|entry| entry.text.as_str()).collect();
        let cause = Failures::built_in().deepest(texts.iter().copied()).unwrap_or(Cause::DeliveryFailed);
        let telling = texts.iter().find(|text| Failures::built_in().causes(text).contains(&cause));
        let times = self.entries.iter().filter(fails).count();
        Some(LastFailure {
            cause,
            text: one_line(telling.unwrap_or(&texts[0])),
            times,
            delivered_since: since,
            time: self.entries[last].time,
        })
    }
}

/// The failure that a log ends with.
#[derive(Clone, Debug, PartialEq)]
pub struct LastFailure {
    /// The cause.
    pub cause: Cause,
    /// The entry that shows it, on one line.
    pub text: String,
    /// How many entries of failures the log has.
    pub times: usize,
    /// Whether something was delivered since.
    pub delivered_since: bool,
    /// When it was, in the Author's zone.
    pub time: Option<DateTime>,
}

impl LastFailure {
    /// Whether it is older than that at a time, in whatever zone the Author is.
    pub fn is_older(&self, than: SignedDuration, at: Timestamp) -> bool {
        log::is_older(self.time, than, at)
    }
}

/// Whether an entry says that something was delivered.
fn delivers(entry: &Entry) -> bool {
    outcome(&entry.text).is_some_and(|(_, _, successful)| successful)
}

/// Whether an entry says that something failed.
fn fails(entry: &Entry) -> bool {
    outcome(&entry.text).is_some_and(|(_, _, successful)| !successful)
        || !Failures::built_in().causes(&entry.text).is_empty()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `… Server returned status code 401 with message: …`: what AEM's agent throws when a delivery was refused.
fn refusal(text: &str) -> Option<u16> {
    static REFUSAL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\bServer returned status code (\d{3})\b").expect("a constant pattern"));
    REFUSAL.captures(text)?[1].parse().ok()
}

/// `Replication (ACTION) of PATH successful.` or `… not successful.`: a constant of AEM's agent.
fn outcome(text: &str) -> Option<(String, String, bool)> {
    static OUTCOME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"Replication \((?<action>\w+)\) of (?<path>.+?) (?:successful\b|(?<not>not successful|failed)\b)")
            .expect("a constant pattern")
    });
    let found = OUTCOME.captures(text)?;
    Some((found["action"].to_owned(), found["path"].to_owned(), found.name("not").is_none()))
}

impl Transcript {
    /// Reads a reply to a test. Anything but a whole page of a test is an error: it does not say how the test ended.
    pub(crate) fn read(reply: Reply, surface: &Surface, answered: Timestamp) -> Checked<Self> {
        let reply = reply.expect_status(&[200])?;
        let page = Page::read(&reply.text());
        let parts = Parts::of(&page, surface.wording("page"));
        let lines = page.lines();
        let entries = log::entries(parts.transcript.iter().map(String::as_str));
        // In any language a page of a test has the lines of a log, or its English heading.
        let is_test = entries.iter().any(|entry| entry.time.is_some()) || parts.is_english;
        if reply.is_login() || !is_test {
            return Err(reply.instead("a page that is not the page of a test"));
        }
        let is_whole = !reply.is_cut_off() && (parts.is_english || reply.looks_like_html());
        let Some(result) = parts.result.filter(|_| is_whole) else {
            let problem = Problem::error(format!("{}: the page ends without a result", reply.what()));
            return Err(problem.showing(last(&lines, &reply.redactor)));
        };
        let delivery = Delivery::read(&entries);
        Ok(Self {
            heading: parts.target,
            result,
            is_english: parts.is_english,
            answered,
            delivery,
            entries,
            lines,
            redactor: reply.redactor,
        })
    }

    /// Whether the page itself says that the test succeeded. In another language than English, the last word of AEM's
    /// agent in the transcript decides; it is the same in all.
    pub fn succeeded(&self, surface: &Surface) -> bool {
        if self.is_english {
            return self.result == surface.wording("succeeded");
        }
        self.delivery.outcomes.last().is_some_and(|(_, _, successful)| *successful)
    }

    /// Judges the test of an agent: the page must be of this agent and of now, say that it succeeded, and show that the test
    /// package was posted to the agent's target, that the answer was 200, and that the tenant confirmed it. Every part is
    /// compared with the question, and the parts with each other.
    pub fn judge(&self, agent: &Agent, surface: &Surface) -> Checked {
        let judged =
            self.answers(agent).and_then(|()| self.succeeds(surface)).and_then(|()| self.proves(agent, surface));
        judged.map_err(|problem| self.explain(problem.about(format!("agent {}", agent.name))))
    }

    /// The problem with the cause that the transcript shows and its last lines.
    fn explain(&self, problem: Problem) -> Problem {
        let cause = Failures::built_in().deepest(self.entries.iter().map(|entry| entry.text.as_str()));
        problem.because(cause).showing(self.last_lines())
    }

    /// Whether it answers what was asked: of this agent, with its user, and now.
    fn answers(&self, agent: &Agent) -> Checked {
        let text = || self.entries.iter().map(|entry| entry.text.as_str());
        if let Some(other) = text().find_map(|text| another_agent(text, &agent.name)) {
            return Err(Problem::failed(format!("the transcript is of another agent, {other}")));
        }
        let title = agent.property("jcr:title").unwrap_or_default();
        let other = self.delivery.clients.iter().find(|client| !title.is_empty() && **client != title);
        ensure(other.is_none(), || {
            format!("the transcript is of another agent, \"{}\", not \"{title}\"", other.map_or("", |it| it))
        })?;
        let user =
            agent.property("transportUser").or_else(|| agent.named_for().map(|id| format!("mac-{id}-replication")));
        let other = self.delivery.users.iter().find(|used| user.as_ref().is_some_and(|user| user != *used));
        ensure(other.is_none(), || {
            let (other, user) = (other.map_or("", |it| it), user.as_deref().unwrap_or_default());
            format!("the transcript is of the OAuth user {other}, not of {user}")
        })?;
        let stale = self.entries.iter().find(|entry| entry.is_stale(self.answered));
        ensure(stale.is_none(), || {
            let time = stale.and_then(|entry| entry.time).map(|time| time.to_string()).unwrap_or_default();
            format!("the transcript is of {time}, and the Author answered at {:.0}", self.answered)
        })?;
        let newest = self.entries.iter().max_by_key(|entry| entry.time);
        match newest.filter(|entry| !entry.is_of_now(self.answered)).and_then(|entry| entry.time) {
            // A web server in front of the Author may send the date, and its clock may differ.
            Some(time) => Err(Problem::error(format!(
                "the transcript ends at {time}, and the Author answered at {:.0}: in no zone is that now; it is an old page, or \
                 the clocks of the Author and of a server before it differ",
                self.answered
            ))),
            None => Ok(()),
        }
    }

    /// The last lines, for messages.
    pub fn last_lines(&self) -> Vec<String> {
        last(&self.lines, &self.redactor)
    }

    fn succeeds(&self, surface: &Surface) -> Checked {
        if !self.is_english && self.delivery.outcomes.is_empty() {
            let result = self.redactor.redact_foreign(&self.result);
            return Err(Problem::error(format!(
                "the page is not in English (it says \"{result}\"), and its transcript does not say how the test ended; set \
                 the language of the run's user to English"
            )));
        }
        ensure(self.succeeded(surface), || format!("{} {}", surface.wording("page"), self.result))?;
        if let Some(entry) = self.entries.iter().find(|entry| contradicts(entry)) {
            // Masked before it is cut.
            let line = beginning(&self.redactor.redact_foreign(&entry.line()), 160);
            return Err(Problem::failed(format!("the page says {}, but also: {line}", self.result)));
        }
        let Delivery { responses, statuses, outcomes, paths, .. } = &self.delivery;
        let wrong = responses.iter().chain(statuses).find(|status| **status != 200);
        ensure(wrong.is_none(), || {
            format!(
                "the page says {}, but also that the answer was {}",
                self.result,
                wrong.copied().unwrap_or_default()
            )
        })?;
        let other = outcomes.iter().find(|(action, path, successful)| {
            !successful || action != "TEST" || (!paths.is_empty() && !paths.contains(path))
        });
        ensure(other.is_none(), || {
            let (action, path, successful) = other.cloned().unwrap_or_default();
            let not = if successful { "" } else { "not " };
            format!("the page says {}, but also: Replication ({action}) of {path} {not}successful", self.result)
        })
    }

    fn proves(&self, agent: &Agent, surface: &Surface) -> Checked {
        let target = agent.target().unwrap_or_default();
        let lacks = |what: &str| Problem::failed(format!("the page says {}, but does not show: {what}", self.result));
        let posted = !self.delivery.posted_to.is_empty() && self.delivery.posted_to.iter().all(|to| *to == target);
        if !posted || self.heading.as_ref().is_some_and(|heading| address::normal(heading) != target) {
            return Err(lacks(&format!("Sending POST request to {target}")));
        }
        let host = Url::parse(&target).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        if self.delivery.hosts.iter().any(|to| !to.eq_ignore_ascii_case(&host)) {
            return Err(lacks(&format!("Sending message to {host}")));
        }
        if let Some(other) = self.delivery.sent_otherwise(&target, &host) {
            return Err(Problem::failed(format!("the page says {}, but also that it sent: {other}", self.result)));
        }
        if self.delivery.responses.is_empty() {
            return Err(lacks(surface.phrase("response")));
        }
        if self.delivery.says(surface.phrase("delivered")) { Ok(()) } else { Err(lacks(surface.phrase("delivered"))) }
    }
}

/// The parts of a page of a test.
struct Parts {
    /// The address in the heading.
    target: Option<String>,
    /// The lines of the transcript.
    transcript: Vec<String>,
    /// The result: the words after the English ones, or the whole line in another language.
    result: Option<String>,
    /// Whether the heading or the result is in English.
    is_english: bool,
}

impl Parts {
    /// The transcript begins with the first line that has a time. The result follows the rule that ends it; without a
    /// rule it is known by its English words only.
    fn of(page: &Page, english: &str) -> Self {
        let (mut heading, after) = match page.elements.iter().rfind(|element| element.name == "hr") {
            Some(rule) => page.lines_around(rule),
            None => (page.lines(), Vec::new()),
        };
        let is_dated = |line: &String| log::entries([line.as_str()]).iter().any(|entry| entry.time.is_some());
        let begin = heading.iter().position(is_dated).unwrap_or(heading.len());
        let mut transcript = heading.split_off(begin);
        let said = |line: &str| line.strip_prefix(english).map(|said| said.trim().trim_end_matches('.').to_owned());
        let result = |line: &String| said(line).filter(|said| !said.is_empty() && !said.starts_with("to "));
        let in_english = after.iter().chain(transcript.iter().rev()).chain(heading.iter().rev()).find_map(result);
        let is_english = in_english.is_some() || heading.iter().any(|line| said(line).is_some());
        transcript.retain(|line| said(line).is_none());
        let target = heading.iter().flat_map(|line| line.split_whitespace()).find(|word| word.contains("://"));
        Self {
            target: target.map(str::to_owned),
            transcript,
            result: in_english.or(after.first().cloned()),
            is_english,
        }
    }
}

/// The id of another Brand Portal agent that a text names.
fn another_agent(text: &str, own: &str) -> Option<String> {
    static ID: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\bmp_replication_agent\d+_default_[A-Za-z0-9-]+").expect("a constant pattern"));
    let mut named = ID.find_iter(text).map(|found| found.as_str());
    named.find(|id| *id != own && ID.is_match(own)).map(str::to_owned)
}

/// Whether an entry of a test that succeeded reports a failure: an error, an exception, a stack trace.
fn contradicts(entry: &Entry) -> bool {
    static EXCEPTION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b[\w.$]+(Exception|Error)\b\s*(:|$|\n)|(?m)^\s*at [\w.$<>]+\(").expect("a constant pattern")
    });
    // Headers and bodies are the tenant's own words.
    let text = on_the_wire(&entry.text);
    let wire = text.starts_with(SENT.trim_end()) || text.starts_with(RECEIVED);
    !wire && (entry.level == Some(Level::Error) || fails_besides_status(entry) || EXCEPTION.is_match(&entry.text))
}

/// Whether an entry shows a known failure; the statuses are judged by themselves.
fn fails_besides_status(entry: &Entry) -> bool {
    let causes = Failures::built_in().causes(&entry.text);
    causes.into_iter().any(|cause| {
        !matches!(
            cause,
            Cause::AgentProxyAuthentication
                | Cause::TenantUnauthorized
                | Cause::TenantForbidden
                | Cause::TenantRedirects
                | Cause::TenantUnavailable
                | Cause::TenantRefuses
        )
    })
}

impl Delivery {
    fn read(entries: &[Entry]) -> Self {
        let mut delivery = Self::default();
        for entry in entries {
            let text = on_the_wire(entry.text.trim());
            if let Some(line) = text.strip_prefix(RECEIVED) {
                delivery.received_line(line.strip_prefix(' ').unwrap_or(line));
            } else if let Some(line) = text.strip_prefix(SENT) {
                delivery.sent_line(line);
            } else {
                delivery.noted(text);
            }
        }
        delivery
    }

    fn sent_line(&mut self, line: &str) {
        let line = line.trim().trim_matches('"').trim_end_matches("[\\n]").trim_end_matches("[\\r]").trim();
        self.paths.extend(value_of(line, "Path"));
        self.actions.extend(value_of(line, "Action"));
        self.asked_hosts.extend(value_of(line, "Host"));
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [_, _, version] = words[..]
            && version.starts_with("HTTP/")
        {
            self.requests.push(line.to_owned());
        }
    }

    /// What was sent that is not the test of an agent with that target, if something is. The wire log may cut a header off.
    fn sent_otherwise(&self, target: &str, host: &str) -> Option<String> {
        let begins = |whole: &str, part: &str| whole.to_lowercase().starts_with(&part.to_lowercase());
        if let Some(action) = self.actions.iter().find(|action| !begins("Test", action)) {
            return Some(format!("the action {action}"));
        }
        let asked = self.asked_hosts.iter().map(|asked| asked.split(':').next().unwrap_or(asked));
        if let Some(other) = asked.into_iter().find(|asked| !begins(host, asked)) {
            return Some(format!("to the host {other}"));
        }
        let path = Url::parse(target).ok()?.path().to_owned();
        // The wire log has the path without the query. A proxy is asked by the whole address, or for a tunnel.
        let is_asked = |line: &&String| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let without_query = words[1].split('?').next().unwrap_or(words[1]);
            let whole =
                || address::normal(without_query) == address::normal(target.split('?').next().unwrap_or(target));
            words[0] == "CONNECT" || (words[0] == "POST" && (without_query == path || whole()))
        };
        self.requests.iter().find(|line| !is_asked(line)).cloned()
    }

    fn received_line(&mut self, line: &str) {
        let line = line.trim_end_matches("[\\r][\\n]").trim_end_matches("[\\n]").trim_matches('"');
        // 100 Continue and 103 Early Hints come before the answer.
        self.statuses.extend(status_line(line).filter(|status| *status >= 200));
        self.received.push(line.to_owned());
    }

    /// Whether the tenant sent that text. The wire log writes the result of each read of the socket on a separate line, so
    /// that a text may be split anywhere, and lose blanks where it is; sizes of chunks may stand between.
    pub fn says(&self, text: &str) -> bool {
        let size = |line: &&String| line.len() <= 8 && line.bytes().all(|digit| digit.is_ascii_hexdigit());
        let body = self.body();
        let without_sizes: String = body.iter().filter(|line| !size(line)).map(String::as_str).collect();
        let compact = |text: &str| text.split_whitespace().collect::<String>();
        let (text, whole) = (compact(text), compact(&body.concat()));
        // A page that quotes the text does not say it.
        let is_page = ["<html", "<!doctype"].iter().any(|start| whole.to_ascii_lowercase().contains(start));
        !is_page && (whole.contains(&text) || compact(&without_sizes).contains(&text))
    }

    /// What the tenant sent after the headers of its answer; all of it where no empty line ends them.
    fn body(&self) -> &[String] {
        let answer = self.received.iter().rposition(|line| status_line(line).is_some_and(|status| status >= 200));
        let after = &self.received[answer.unwrap_or(0)..];
        after.iter().position(|line| line.trim().is_empty()).map_or(after, |end| &after[end + 1..])
    }

    /// A line of what the agent notes.
    fn noted(&mut self, text: &str) {
        let after = |phrase: &str| text.split_once(phrase).map(|(_, rest)| rest.trim().to_owned());
        self.clients.extend(after("Create new HttpClient for "));
        self.users.extend(after("OAuth 2.0 User: "));
        self.posted_to.extend(after("Sending POST request to ").map(|to| address::normal(&to)));
        self.hosts.extend(
            after("Sending message to ").map(|to| to.rsplit_once(':').map_or(to.as_str(), |it| it.0).to_owned()),
        );
        let status: Option<u16> =
            after("sent. Response: ").and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        self.responses.extend(status);
        let header = after("adding header: ");
        self.paths.extend(header.as_deref().and_then(|header| value_of(header, "Path")));
        self.actions.extend(header.as_deref().and_then(|header| value_of(header, "Action")));
        self.outcomes.extend(outcome(text));
    }
}

/// A line without the name of the connection, which some releases of the HTTP client write before the lines of the wire:
/// `http-outgoing-3 << "HTTP/1.1 200 OK[\r][\n]"`.
fn on_the_wire(text: &str) -> &str {
    let named = text
        .strip_prefix("http-outgoing-")
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start());
    named.filter(|rest| rest.starts_with(RECEIVED) || rest.starts_with(SENT.trim_end())).unwrap_or(text)
}

fn status_line(line: &str) -> Option<u16> {
    let rest = line.trim_matches('"').strip_prefix("HTTP/")?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn value_of(header: &str, name: &str) -> Option<String> {
    let (found, value) = header.split_once(':')?;
    found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
}

/// The last lines of a page, for messages; what is secret in them is masked.
pub fn last(lines: &[String], redactor: &Redactor) -> Vec<String> {
    // A line may continue a secret of the line before it.
    let masked = redactor.redact_lines(&lines[lines.len().saturating_sub(8 * LAST)..]);
    masked[masked.len().saturating_sub(LAST)..].to_vec()
}

#[cfg(test)]
mod tests;
