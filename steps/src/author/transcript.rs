//! What an agent's pages say happened: the transcript of Test Connection and the log (surfaces.md §4.2, §4.3).

use bpconform_fixtures::{Failures, Surface};

use super::html;
use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// How many of the last lines stand in the reason of a failure.
const LAST: usize = 6;

/// The page of one Test Connection, line by line.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// The lines as a reader sees them, time included.
    pub lines: Vec<String>,
}

/// The log of an agent, line by line, the newest last.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// The lines as a reader sees them, time included.
    pub lines: Vec<String>,
}

/// Clicks Test Connection on an agent and reads the page, whatever it says.
pub async fn test_connection(session: &Session, agent: &str) -> Checked<Transcript> {
    let reply = session.send(Call::to("author.agent-test").with("agent", agent)).await?;
    Transcript::read(reply, session.surface("author.agent-test"))
}

/// The log of an agent (View log).
pub async fn log(session: &Session, agent: &str) -> Checked<Log> {
    let reply = session.send(Call::to("author.agent-log").with("agent", agent)).await?.expect_status(&[200])?;
    // A log that is empty, of an agent that was never used, is a log too.
    let page = reply.page(|page| page.split_once("<code").is_some_and(|(_, log)| log.contains("</code")))?;
    Ok(Log { lines: html::lines(&page) })
}

impl Transcript {
    /// Reads a reply to a test. Anything but a whole page of a test is an error: it does not say how the test ended.
    pub(crate) fn read(reply: Reply, surface: &Surface) -> Checked<Self> {
        let reply = reply.expect_status(&[200])?;
        let transcript = Self { lines: html::lines(&reply.text()) };
        let page = surface.phrase("page");
        if !transcript.lines.iter().any(|line| line.contains(page)) {
            return Err(Problem::error(format!("{} is no page of a test; {}", reply.what(), reply.excerpt())));
        }
        if transcript.result(page).is_none() {
            let problem = Problem::error(format!("{}: the page ends without a result", reply.what()));
            return Err(problem.showing(last(&transcript.lines)));
        }
        Ok(transcript)
    }

    /// The word after "Replication test" in the line with the test's result.
    fn result(&self, page: &str) -> Option<&str> {
        let after = |line: &'_ String| line.find(page).map(|at| at + page.len());
        let mut results = self.lines.iter().filter_map(|line| Some(line[after(line)?..].trim()));
        results.rfind(|rest| !rest.is_empty() && !rest.starts_with("to "))
    }

    /// Whether the page itself says that the test succeeded.
    pub fn succeeded(&self, surface: &Surface) -> bool {
        self.result(surface.phrase("page")).is_some_and(|result| result.starts_with(surface.phrase("succeeded")))
    }

    /// Judges the test of an agent that delivers to `target`: the page must say that it succeeded and show that the test
    /// package was posted to the target, that the answer was 200, and that the tenant said so itself.
    pub fn judge(&self, agent: &str, target: &str, surface: &Surface) -> Checked {
        let fail = |what: String| {
            let cause = Failures::built_in().deepest(self.lines.iter().map(String::as_str));
            Err(Problem::failed(format!("agent {agent}: {what}")).because(cause).showing(last(&self.lines)))
        };
        let (page, succeeded) = (surface.phrase("page"), surface.phrase("succeeded"));
        let result = self.result(page).unwrap_or_default();
        if !self.succeeded(surface) {
            return fail(format!("{page} {result}"));
        }
        if let Some(line) = self.contradiction() {
            return fail(format!("the page says {succeeded}, but also: {line}"));
        }
        let posted = format!("Sending POST request to {target}");
        for proof in [&posted, surface.phrase("response"), surface.phrase("delivered")] {
            if !self.lines.iter().any(|line| shows(line, proof)) {
                return fail(format!("the page says {succeeded}, but does not show: {proof}"));
            }
        }
        Ok(())
    }

    /// A line that tells of an answer other than 200, or of a failure.
    fn contradiction(&self) -> Option<&str> {
        let status = |line: &str, before: &str| {
            let rest = line.split_once(before)?.1.trim_start();
            Some(rest.split_whitespace().next() == Some("200"))
        };
        let wrong = |line: &&str| {
            status(line, "sent. Response:") == Some(false)
                || line.split_once("<< HTTP/").is_some_and(|(_, rest)| status(rest, " ") == Some(false))
                || line.contains("Transfer failed for")
                || line.contains("Error while replicating")
        };
        self.lines.iter().map(String::as_str).find(wrong)
    }
}

/// Whether a line ends with the proof: a target must not be taken for a longer one.
fn shows(line: &str, proof: &str) -> bool {
    line.trim_end().ends_with(proof)
}

/// The last lines of a page, for messages.
pub fn last(lines: &[String]) -> Vec<String> {
    lines[lines.len().saturating_sub(LAST)..].to_vec()
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Surfaces;

    use super::*;
    use crate::problem::Kind;

    const TARGET: &str = "https://bpdoc.brand-portal.adobe.com/bin/receive?sling:authRequestLogin=1";

    /// The page of §4.2 with the lines that matter, and what stands in the place of response and result.
    fn page(response: &str, result: &str) -> String {
        format!(
            "<html><body><h1>Replication test to {TARGET}</h1>\n<code>\
            2026-01-02 03:04:05 - Create new HttpClient for bpdoc MP Replication Agent0 Default<br>\n\
            2026-01-02 03:04:05 - Sending POST request to {TARGET}<br>\n\
            2026-01-02 03:04:05 - sent. Response: {response}<br>\n\
            2026-01-02 03:04:05 - &gt;&gt; POST /bin/receive HTTP/1.0<br>\n\
            2026-01-02 03:04:05 - << HTTP/1.1 {response}<br>\n\
            2026-01-02 03:04:05 - << ReplicationAction TEST ok.<br>\n\
            2026-01-02 03:04:05 - Replication (TEST) of /content successful.<br>\n\
            </code><hr>Replication test {result}</body></html>"
        )
    }

    fn verdict(status: u16, body: &str) -> Checked {
        let surface = Surfaces::built_in().get("author.agent-test");
        let reply = Reply {
            surface: surface.id.clone(),
            method: "GET".into(),
            url: url::Url::parse("http://localhost/a.test.html").expect("a URL"),
            status,
            headers: Vec::new(),
            body: body.into(),
            redactor: crate::redact::Redactor::default(),
        };
        Transcript::read(reply, surface)?.judge("a0", TARGET, surface)
    }

    fn kind(status: u16, body: &str) -> Option<Kind> {
        verdict(status, body).err().map(|problem| problem.kind)
    }

    #[test]
    fn a_delivered_test_package_passes_whatever_the_tag_of_the_last_word() {
        assert_eq!(verdict(200, &page("200 OK", "<b>succeeded</b>")), Ok(()));
        assert_eq!(verdict(200, &page("200 OK", "<strong>succeeded</strong>")), Ok(()));
    }

    #[test]
    fn a_failed_test_is_failed_and_tells_its_last_lines() {
        let problem = verdict(200, &page("200 OK", "<b>failed</b>")).expect_err("failed");
        assert_eq!(problem.kind, Kind::Failed);
        assert!(problem.reason.contains("agent a0"), "{problem}");
        assert!(problem.lines.iter().any(|line| line.contains("/content successful.")), "{problem}");
    }

    #[test]
    fn success_without_its_proof_is_failed() {
        assert_eq!(kind(200, &page("401 Unauthorized", "<b>succeeded</b>")), Some(Kind::Failed));
        let good = page("200 OK", "<b>succeeded</b>");
        for proof in ["sent. Response: 200 OK", "ReplicationAction TEST ok.", "Sending POST request to"] {
            assert_eq!(kind(200, &good.replace(proof, "")), Some(Kind::Failed), "{proof}");
        }
        assert_eq!(
            kind(200, &good.replace("request to https://bpdoc", "request to https://other")),
            Some(Kind::Failed)
        );
    }

    #[test]
    fn what_is_no_whole_page_of_a_test_is_an_error() {
        let good = page("200 OK", "<b>succeeded</b>");
        assert_eq!(kind(500, &good), Some(Kind::Error));
        assert_eq!(kind(200, ""), Some(Kind::Error));
        assert_eq!(kind(200, "<html>j_security_check succeeded</html>"), Some(Kind::Error));
        assert_eq!(kind(200, good.split("<hr>").next().expect("a part")), Some(Kind::Error));
    }

    proptest::proptest! {
        #[test]
        fn a_page_cut_anywhere_before_its_result_never_passes(cut in 0usize..600) {
            let good = page("200 OK", "<b>succeeded</b>");
            let cut = cut.min(good.find("succeeded").expect("there"));
            proptest::prop_assert!(verdict(200, &good[..cut]).is_err());
        }
    }
}
