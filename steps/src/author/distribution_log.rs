//! The log of a distribution agent, line by line (aem-cloud.md): `<time> - <level> - [queue] EVENT DSTRQ1: ACTION paths=[…],
//! user=…`. The form of the time depends on the version, so the order of the lines counts.

use std::sync::LazyLock;

use regex::Regex;

use crate::problem::{Checked, Problem};

/// One line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The whole line.
    pub line: String,
    /// Its level in capitals, for example `INFO`; empty if the line cannot be read as an entry.
    pub level: String,
    /// What follows the level.
    pub message: String,
    /// The queue, if it names one.
    pub queue: Option<String>,
    /// The event, for example `PACKAGE-DELIVERED`.
    pub event: Option<String>,
    /// The id of the request, for example `DSTRQ2`.
    pub request: Option<String>,
    /// The action, for example `ADD`.
    pub action: Option<String>,
    /// The paths.
    pub paths: Vec<String>,
    /// The user of the request.
    pub user: Option<String>,
    /// Whether its text outside the paths names the error queue.
    names_error_queue: bool,
    /// Whether its text outside the paths reports a failure.
    reports_failure: bool,
}

impl Entry {
    fn read(line: &str, error_queue: &str) -> Option<Self> {
        static LINE: LazyLock<Regex> =
            LazyLock::new(|| pattern(r"^\s*\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}(?:\b|T).*? - ([A-Za-z]+) - (.*)$"));
        static EVENT: LazyLock<Regex> =
            LazyLock::new(|| pattern(r"^(?:\[([^\]]*)\] )?([A-Z]+(?:-[A-Z]+)+)\b(?: (DSTR[A-Z]*\d+))?(?:: ([A-Z]+))?"));
        static PATHS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bpaths=\[(.*?)\](?:,|$| )"));
        // It ends the line, or another value follows; a name may hold blanks and commas.
        static USER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\buser=(.*?)(?:, [A-Za-z]+=.*)?$"));
        static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"\buser=[^,]*"));
        let captures = LINE.captures(line)?;
        let message = captures[2].trim_end().to_owned();
        let event = EVENT.captures(&message);
        let part = |at| Some(event.as_ref()?.get(at)?.as_str().to_owned());
        let list = |text: &str| text.split(", ").filter(|path| !path.is_empty()).map(str::to_owned).collect();
        let outside = PATHS.replace(&message, " ");
        // Neither the name of a queue nor that of a user says how it went; what follows a comma may.
        let after_event = event.as_ref().and_then(|event| event.get(0)).map_or(0, |event| event.end());
        let said = PATHS.replace(&message[after_event..], " ");
        let said = NAME.replace(&said, " ");
        let user = USER.captures(&outside).map(|found| found[1].to_owned());
        let (names_error_queue, reports_failure) = (outside.contains(error_queue), reports_failure(&said));
        Some(Self {
            line: line.to_owned(),
            level: captures[1].to_ascii_uppercase(),
            queue: part(1),
            event: part(2),
            request: part(3),
            action: part(4),
            paths: PATHS.captures(&message).map(|found| list(&found[1])).unwrap_or_default(),
            user,
            names_error_queue,
            reports_failure,
            message,
        })
    }

    /// A line that cannot be read as an entry. It may belong to the entry before it, as the lines of an exception do; one
    /// that reports a failure may be an entry of another form.
    fn of_another_form(line: &str, before: Option<&Self>) -> Option<Self> {
        // The exception of a failure that is known already says nothing new.
        let unexplained = || is_exception(line) && before.is_none_or(|before| !before.is_failure());
        let reports_failure = reports_failure(line) || unexplained();
        let text = line.trim().to_owned();
        reports_failure.then(|| Self { message: text, line: line.to_owned(), reports_failure, ..Self::default() })
    }

    /// Whether a request of that action begins here.
    pub fn is_start_of(&self, action: &str) -> bool {
        self.event.as_deref() == Some("REQUEST-START") && self.action.as_deref() == Some(action)
    }

    /// Whether content was delivered from that queue. A log is that of one agent, so that a line need not name its queue.
    pub fn is_delivery(&self, queue: &str) -> bool {
        self.event.as_deref() == Some("PACKAGE-DELIVERED")
            && matches!(self.action.as_deref(), Some("ADD" | "DELETE"))
            && self.queue.as_deref().is_none_or(|own| own == queue)
    }

    /// Whether something failed: by its level, its event, or because something went to the error queue.
    pub fn is_failure(&self) -> bool {
        let event = self.event.as_deref().unwrap_or_default();
        let went_wrong = ["-FAIL", "-FAILED", "-DROPPED"].iter().any(|end| event.ends_with(end));
        let may_move = event.is_empty() || event == "PACKAGE-QUEUED";
        matches!(self.level.as_str(), "ERROR" | "SEVERE" | "FATAL")
            || went_wrong
            || (may_move && self.is_read() && self.names_error_queue)
    }

    /// Whether it may report a failure in an unknown form.
    pub fn is_unclear(&self) -> bool {
        !self.is_failure() && self.reports_failure
    }

    fn is_read(&self) -> bool {
        !self.level.is_empty()
    }
}

fn reports_failure(text: &str) -> bool {
    static FAILURE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(?:error|severe|fatal)\b|-FAIL|\bdropped\b|\b(?:could not|cannot) deliver\b|\bstatus(?: code)?[:= ]+[45]\d\d\b",
        )
    });
    FAILURE.is_match(text)
}

/// Whether a line is that of an exception.
fn is_exception(line: &str) -> bool {
    static EXCEPTION: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(?:Caused by: )?[a-z]\w*(?:\.\w+)+(?:Exception|Error)\b"));
    EXCEPTION.is_match(line.trim())
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// The entries of a log, and the lines that may be entries of another form. Other lines that follow an entry, such as those
/// of an exception, belong to it and are left out; a text in which no line is an entry is not a log.
pub(crate) fn parse(text: &str, error_queue: &str) -> Checked<Vec<Entry>> {
    let lines = text.trim_start_matches('\u{feff}').lines();
    let mut entries: Vec<Entry> = Vec::new();
    for line in lines {
        let entry = Entry::read(line, error_queue).or_else(|| Entry::of_another_form(line, entries.last()));
        entries.extend(entry);
    }
    if !entries.iter().any(Entry::is_read) && !text.trim().is_empty() {
        return Err(Problem::error("no line is an entry of a distribution log"));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "23/11/2026 10:00:00:001 - INFO - REQUEST-START DSTRQ1: TEST paths=[], user=admin\n\
        2026/11/23 10:01:00:001 - INFO - REQUEST-START DSTRQ2: ADD paths=[/content/dam/a, b.png, /content/dam/c], user=dam-replication-service\n\
        \n\
        2026/11/23 10:01:01:001 - INFO - [queue-bpdistributionagent0] PACKAGE-DELIVERED DSTRQ2: ADD paths=[/content/dam/c], importTime=3ms, execTime=4ms, size=5B\n\
        2026/11/23 10:01:02:001 - ERROR - [queue-bpdistributionagent0] PACKAGE-FAIL DSTRQ3: ADD paths=[/content/dam/c], could not deliver\n\
        java.io.IOException: no\n\
        2026/11/23 10:01:03:001 - INFO - [queue-x] PACKAGE-QUEUED DSTRQ3: ADD paths=[/c], was enqueued to an error queue\n";

    #[test]
    fn each_line_is_read_by_its_structure() {
        let entries = parse(LOG, "error queue").expect("a log");
        assert_eq!(entries.len(), 5);
        assert!(entries[0].is_start_of("TEST") && entries[0].user.as_deref() == Some("admin"));
        assert!(entries[0].paths.is_empty() && entries[0].request.as_deref() == Some("DSTRQ1"));
        assert!(entries[1].is_start_of("ADD") && entries[1].paths.contains(&"/content/dam/c".to_owned()));
        assert!(entries[2].is_delivery("queue-bpdistributionagent0") && !entries[2].is_failure());
        assert!(entries[3].is_failure() && entries[4].is_failure());
    }

    #[test]
    fn a_path_that_names_an_event_is_none() {
        let line =
            "2026/11/23 10:00:00:001 - INFO - REQUEST-START DSTRQ4: ADD paths=[/content/PACKAGE-DELIVERED], user=a";
        let entries = parse(line, "error queue").expect("a log");
        assert!(!entries[0].is_delivery("queue-bpdistributionagent0") && !entries[0].is_failure());
    }

    fn one(line: &str) -> Entry {
        parse(line, "error queue").expect("a log").remove(0)
    }

    const START: &str = "2026/11/23 10:00:00:001 - INFO - ";

    #[test]
    fn paths_are_no_text() {
        for path in ["/content/dam/error queue/x.png", "/content/ERROR", "/content/PACKAGE-FAIL"] {
            let entry = one(&format!("{START}REQUEST-START DSTRQ4: ADD paths=[{path}], user=a"));
            assert!(!entry.is_failure() && !entry.is_unclear(), "{path}");
            let entry = one(&format!("{START}PACKAGE-QUEUED DSTRQ4: ADD paths=[{path}]"));
            assert!(!entry.is_failure() && !entry.is_unclear(), "{path}");
        }
    }

    #[test]
    fn names_of_queues_and_users_are_no_text() {
        for text in [
            "[error-queue-a] PACKAGE-DELIVERED DSTRQ4: ADD paths=[/x], size=5B",
            "REQUEST-START DSTRQ4: ADD paths=[/x], user=Fatal Error",
            "REQUEST-START DSTRQ4: ADD paths=[/x], user=error, size=5B",
        ] {
            let entry = one(&format!("{START}{text}"));
            assert!(!entry.is_failure() && !entry.is_unclear(), "{text}");
        }
        for text in [
            "[queue-a] PACKAGE-RETRY DSTRQ4: ADD paths=[/x], status code: 503",
            "REQUEST-START DSTRQ4: ADD paths=[/x], user=admin, could not deliver",
        ] {
            assert!(one(&format!("{START}{text}")).is_unclear(), "{text}");
        }
    }

    #[test]
    fn only_content_from_the_own_queue_counts_as_a_delivery() {
        for (text, is) in [
            ("[queue-a] PACKAGE-DELIVERED DSTRQ2: ADD paths=[/x]", true),
            ("[queue-a] PACKAGE-DELIVERED DSTRQ2: DELETE paths=[/x]", true),
            ("PACKAGE-DELIVERED DSTRQ2: ADD paths=[/x]", true),
            ("[queue-a] PACKAGE-DELIVERED DSTRQ2: TEST paths=[]", false),
            ("[queue-publish] PACKAGE-DELIVERED DSTRQ2: ADD paths=[/x]", false),
            ("[error-queue-a] PACKAGE-DELIVERED DSTRQ2: ADD paths=[/x]", false),
        ] {
            assert_eq!(one(&format!("{START}{text}")).is_delivery("queue-a"), is, "{text}");
        }
    }

    #[test]
    fn a_failure_of_another_form_is_noticed() {
        for line in [
            "2026/11/23 10:00:00:001 - SEVERE - cannot deliver",
            "2026/11/23 10:00:00:001 - error - boom",
            "2026-11-23T10:00:00.001Z - ERROR - PACKAGE-FAIL DSTRQ3: ADD paths=[/x], no",
            "1/3/2026 10:00:01 - ERROR - PACKAGE-FAIL DSTRQ3: ADD paths=[/x], no",
            "2026/11/23 10:00:00:001 - INFO - PACKAGE-DROPPED DSTRQ3: ADD paths=[/x], dropped",
        ] {
            assert!(one(line).is_failure(), "{line}");
        }
        for line in [
            "java.net.UnknownHostException: bp.example",
            "2026/11/23 10:00:01:001 - WARN - [queue-a] could not deliver DSTRQ4, retrying",
            "2026/11/23 10:00:01:001 - INFO - could not deliver package x: status code: 403",
            "Nov 23, 2026 10:00:01 - ERROR - PACKAGE-FAIL DSTRQ3: ADD paths=[/x]",
            "2026/11/23 10:00:01:001 ERROR PACKAGE-FAIL DSTRQ4: ADD paths=[/x], no",
            "2026/11/23 10:00:01:001 | INFO | PACKAGE-DROPPED DSTRQ4: ADD",
            "2026/11/23 10:00:01:001 - INFO - \u{2026} - ERROR - PACKAGE-FAIL",
        ] {
            let log = parse(&format!("{START}REQUEST-START DSTRQ1: TEST paths=[]\n{line}"), "error queue");
            assert!(log.expect("a log")[1].is_unclear(), "{line}");
        }
    }

    #[test]
    fn a_user_may_have_blanks_and_commas() {
        for (text, user) in
            [("user=admin", "admin"), ("user=Jane Doe, Dr", "Jane Doe, Dr"), ("user=Jane Doe, size=5B", "Jane Doe")]
        {
            let entry = one(&format!("{START}REQUEST-START DSTRQ4: TEST paths=[], {text}"));
            assert_eq!(entry.user.as_deref(), Some(user));
        }
    }

    #[test]
    fn what_is_no_log_is_an_error() {
        assert!(parse("<html>Sign in</html>", "error queue").is_err());
        assert_eq!(parse("\n", "error queue"), Ok(Vec::new()));
    }
}
