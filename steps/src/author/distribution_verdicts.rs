//! What the log of the distribution agent proves: a test that was taken up, content that was delivered, no failure since.

use super::distribution::{agent, delivery_queue};
use super::distribution_log::Entry;
use super::users;
use crate::problem::{Checked, Problem};
use crate::session::Session;

/// How many lines of a log are shown at most.
const SHOWN: usize = 5;

/// The entries that were added since the log was read before. The log holds its last lines only, so entries that were there
/// before may be gone.
pub fn added(before: &[Entry], after: &[Entry]) -> Vec<Entry> {
    let mut known: Vec<&Entry> = before.iter().collect();
    let is_new = |entry: &&Entry| match known.iter().position(|one| one == entry) {
        Some(at) => {
            known.swap_remove(at);
            false
        }
        None => true,
    };
    after.iter().filter(is_new).cloned().collect()
}

/// The start of the test that this run's user requested, among these new entries.
pub async fn own_test(session: &Session, added: &[Entry]) -> Checked<Option<Entry>> {
    let user = users::logged_in(session).await?;
    let mut tests = added.iter().filter(|entry| entry.is_start_of("TEST"));
    Ok(tests.find(|entry| entry.user.as_deref().is_some_and(|by| by.eq_ignore_ascii_case(&user))).cloned())
}

/// Fails when these new entries show a failure of that test. A failure that names no request may be one of it.
pub fn judge_tested(test: &Entry, added: &[Entry]) -> Checked {
    let failures = || added.iter().filter(|entry| entry.is_failure() || entry.is_unclear());
    if let Some(failed) = failures().find(|entry| entry.request.is_some() && entry.request == test.request) {
        return Err(Problem::failed(format!("the test failed: {}", failed.message)).showing(vec![failed.line.clone()]));
    }
    match failures().find(|entry| entry.request.is_none()) {
        Some(unclear) => Err(Problem::error(format!("it may be the test that failed: {}", unclear.message))
            .showing(vec![unclear.line.clone()])),
        None => Ok(()),
    }
}

/// Whether these new entries show that a path was requested, and the same request delivered.
pub fn is_delivered(session: &Session, added: &[Entry], path: &str) -> bool {
    let queue = delivery_queue(session);
    let about = |entry: &&Entry| entry.paths.iter().any(|it| it == path);
    let requested = |id: &Option<String>| {
        added
            .iter()
            .filter(about)
            .any(|entry| entry.is_start_of("ADD") && entry.request.is_some() && entry.request == *id)
    };
    let adds = |entry: &Entry| entry.action.as_deref() == Some("ADD");
    added.iter().filter(about).any(|entry| adds(entry) && entry.is_delivery(&queue) && requested(&entry.request))
}

/// The last of these new entries that shows a failure of a path: a failure may name the request alone.
pub fn failure_of<'a>(added: &'a [Entry], path: &str) -> Option<&'a Entry> {
    let is_about = |entry: &Entry| entry.paths.iter().any(|it| it == path);
    let requested = |failed: &Entry| {
        failed.request.is_some() && added.iter().any(|entry| entry.request == failed.request && is_about(entry))
    };
    added.iter().rfind(|entry| entry.is_failure() && (is_about(entry) || requested(entry)))
}

/// Fails when a failure follows the last delivery; a log without any delivery or failure proves nothing.
pub fn judge_log(session: &Session, entries: &[Entry]) -> Checked {
    judge_entries(agent(session), &delivery_queue(session), entries)
}

fn judge_entries(agent: &str, queue: &str, entries: &[Entry]) -> Checked {
    let delivered = entries.iter().rposition(|entry| entry.is_delivery(queue));
    let after = &entries[delivered.map_or(0, |at| at + 1)..];
    let failures: Vec<&Entry> = after.iter().filter(|entry| entry.is_failure()).collect();
    if let Some(last) = failures.last() {
        let follow = if failures.len() == 1 { "failure follows" } else { "failures follow" };
        let seen = format!("{} {follow} the last delivery of {agent}: {}", failures.len(), last.message);
        return Err(Problem::failed(seen).showing(last_lines(&failures)));
    }
    let unclear: Vec<&Entry> = after.iter().filter(|entry| entry.is_unclear()).collect();
    if let Some(last) = unclear.last() {
        let told =
            format!("a line of the log of {agent} has an unknown form and may report a failure: {}", last.message);
        return Err(Problem::error(told).showing(last_lines(&unclear)));
    }
    if delivered.is_none() {
        return Err(Problem::skipped(format!(
            "the log of {agent} holds no delivery and no failure yet; a published asset adds one"
        )));
    }
    Ok(())
}

fn last_lines(entries: &[&Entry]) -> Vec<String> {
    entries.iter().skip(entries.len().saturating_sub(SHOWN)).map(|entry| entry.line.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::distribution_log::parse;
    use super::*;
    use crate::problem::Kind;

    fn log(lines: &[&str]) -> Vec<Entry> {
        let lines: Vec<String> = lines.iter().map(|line| format!("2026/11/23 10:00:00:001 - {line}")).collect();
        parse(&lines.join("\n"), "error queue").expect("a log")
    }

    #[test]
    fn only_a_delivery_without_a_failure_after_it_is_green() {
        let delivered = "INFO - [queue-a] PACKAGE-DELIVERED DSTRQ2: ADD paths=[/x]";
        let start = "INFO - REQUEST-START DSTRQ1: TEST paths=[], user=admin";
        let failed = "INFO - PACKAGE-FAIL DSTRQ3: ADD paths=[/x], no";
        for (lines, expected) in [
            (&[start, delivered][..], Ok(())),
            (&[failed, delivered, start], Ok(())),
            (&[start], Err(Kind::Skipped)),
            (&[], Err(Kind::Skipped)),
            (&[start, "INFO - [queue-a] PACKAGE-DELIVERED DSTRQ1: TEST paths=[]"], Err(Kind::Skipped)),
            (&[start, "INFO - [queue-publish] PACKAGE-DELIVERED DSTRQ2: ADD paths=[/x]"], Err(Kind::Skipped)),
            (&[delivered, failed], Err(Kind::Failed)),
            (&[failed], Err(Kind::Failed)),
            (&[delivered, "INFO - PACKAGE-DROPPED DSTRQ3: ADD paths=[/x], no"], Err(Kind::Failed)),
            (&[failed, "INFO - [error-queue-a] PACKAGE-DELIVERED DSTRQ3: ADD paths=[/x]"], Err(Kind::Failed)),
            (&[delivered, "INFO - x - ERROR - PACKAGE-FAIL DSTRQ3"], Err(Kind::Error)),
        ] {
            assert_eq!(
                judge_entries("a", "queue-a", &log(lines)).map_err(|problem| problem.kind),
                expected,
                "{lines:?}"
            );
        }
    }

    /// As Apache Sling Distribution Core 0.7.4 writes it.
    #[test]
    fn the_log_of_a_real_agent_is_judged() {
        let package = "distrpck-create-10b10642-96e4-4708-8f8a-c8e56fe1062611410147911715781610.bp";
        let enabled = "INFO - enabling agent";
        let start = "INFO - REQUEST-START DSTRQ2: ADD paths=[/content/dam/x], user=admin";
        let delivered = format!(
            "INFO - [queue-a] PACKAGE-DELIVERED DSTRQ2: ADD item={package}, paths=[/content/dam/x], importTime=3231ms, \
             execTime=3817ms, size=4647B"
        );
        let failed = format!(
            "ERROR - [queue-a] PACKAGE-FAIL DSTRQ2: could not deliver package {package} \
             org.apache.http.client.HttpResponseException: status code: 403, reason phrase: Forbidden"
        );
        let queued = format!(
            "INFO - [queue-a] PACKAGE-QUEUED DSTRQ2: distribution package {package} was enqueued to an error queue"
        );
        let refused = "ERROR - an error happened during package import";
        for (lines, expected) in [
            (&[enabled, start][..], Err(Kind::Skipped)),
            (&[enabled, start, &delivered], Ok(())),
            (&[enabled, start, &failed, &delivered], Ok(())),
            (&[enabled, start, &delivered, &failed], Err(Kind::Failed)),
            (&[enabled, start, &delivered, &queued], Err(Kind::Failed)),
            (&[enabled, start, &delivered, refused], Err(Kind::Failed)),
        ] {
            let verdict = judge_entries("a", "queue-a", &log(lines)).map_err(|problem| problem.kind);
            assert_eq!(verdict, expected, "{lines:?}");
        }
        let entries = log(&[start, &failed]);
        assert_eq!(failure_of(&entries, "/content/dam/x").map(|entry| &entry.line), Some(&entries[1].line));
        assert_eq!(failure_of(&entries, "/content/dam/y"), None);
        let delivery = &log(&[&delivered])[0];
        assert_eq!((delivery.paths.len(), delivery.request.as_deref()), (1, Some("DSTRQ2")));
    }

    #[test]
    fn a_failure_without_a_request_may_be_that_of_the_test() {
        let test = log(&["INFO - REQUEST-START DSTRQ1: TEST paths=[], user=admin"]).remove(0);
        for (line, expected) in [
            ("ERROR - REQUEST-FAIL DSTRQ1: TEST paths=[], no", Err(Kind::Failed)),
            ("ERROR - REQUEST-FAIL DSTRQ2: ADD paths=[/x], no", Ok(())),
            ("ERROR - [queue-x] cannot deliver the test package", Err(Kind::Error)),
            ("INFO - x - ERROR - no", Err(Kind::Error)),
        ] {
            assert_eq!(judge_tested(&test, &log(&[line])).map_err(|problem| problem.kind), expected, "{line}");
        }
    }
}
