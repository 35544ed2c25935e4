//! The log of a distribution agent, line by line (aem-cloud.md): `<time> - <level> - [queue] EVENT DSTRQ1: ACTION paths=[…],
//! user=…`. The form of the time depends on the version, so the order of the lines counts.

use std::sync::LazyLock;

use regex::Regex;

use crate::problem::{Checked, Problem};

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The whole line.
    pub line: String,
    /// Its level, for example `INFO`.
    pub level: String,
    /// What follows the level.
    pub message: String,
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
}

impl Entry {
    fn read(line: &str) -> Option<Self> {
        static LINE: LazyLock<Regex> =
            LazyLock::new(|| pattern(r"^\s*\d{2,4}[/.-]\d{2}[/.-]\d{2,4}\b.*? - ([A-Z]+) - (.*)$"));
        static EVENT: LazyLock<Regex> =
            LazyLock::new(|| pattern(r"^(?:\[[^\]]*\] )?([A-Z]+(?:-[A-Z]+)+)\b(?: (DSTR[A-Z]*\d+))?(?:: ([A-Z]+))?"));
        static PATHS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bpaths=\[(.*?)\](?:,|$| )"));
        static USER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\buser=([^,\s]+)"));
        let captures = LINE.captures(line)?;
        let message = captures[2].trim_end().to_owned();
        let event = EVENT.captures(&message);
        let part = |at| Some(event.as_ref()?.get(at)?.as_str().to_owned());
        let list = |text: &str| text.split(", ").filter(|path| !path.is_empty()).map(str::to_owned).collect();
        Some(Self {
            line: line.to_owned(),
            level: captures[1].to_owned(),
            event: part(1),
            request: part(2),
            action: part(3),
            paths: PATHS.captures(&message).map(|found| list(&found[1])).unwrap_or_default(),
            user: USER.captures(&message).map(|found| found[1].to_owned()),
            message,
        })
    }

    /// Whether a request of that action begins here.
    pub fn is_start_of(&self, action: &str) -> bool {
        self.event.as_deref() == Some("REQUEST-START") && self.action.as_deref() == Some(action)
    }

    /// Whether something was delivered.
    pub fn is_delivery(&self) -> bool {
        self.event.as_deref() == Some("PACKAGE-DELIVERED")
    }

    /// Whether something failed: by its level, its event, or because something went to the error queue.
    pub fn is_failure(&self) -> bool {
        let event = self.event.as_deref().unwrap_or_default();
        self.level == "ERROR"
            || event.ends_with("-FAIL")
            || event.ends_with("-FAILED")
            || self.message.contains("error queue")
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// The entries of a log. Lines that follow an entry, such as those of an exception, belong to it and are left out; a text
/// in which no line is an entry is not a log.
pub(crate) fn parse(text: &str) -> Checked<Vec<Entry>> {
    let entries: Vec<Entry> = text.lines().filter_map(Entry::read).collect();
    if entries.is_empty() && !text.trim().is_empty() {
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
        let entries = parse(LOG).expect("a log");
        assert_eq!(entries.len(), 5);
        assert!(entries[0].is_start_of("TEST") && entries[0].user.as_deref() == Some("admin"));
        assert!(entries[0].paths.is_empty() && entries[0].request.as_deref() == Some("DSTRQ1"));
        assert!(entries[1].is_start_of("ADD") && entries[1].paths.contains(&"/content/dam/c".to_owned()));
        assert!(entries[2].is_delivery() && !entries[2].is_failure());
        assert!(entries[3].is_failure() && entries[4].is_failure());
    }

    #[test]
    fn a_path_that_names_an_event_is_none() {
        let line =
            "2026/11/23 10:00:00:001 - INFO - REQUEST-START DSTRQ4: ADD paths=[/content/PACKAGE-DELIVERED], user=a";
        let entries = parse(line).expect("a log");
        assert!(!entries[0].is_delivery() && !entries[0].is_failure());
    }

    #[test]
    fn what_is_no_log_is_an_error() {
        assert!(parse("<html>Sign in</html>").is_err());
        assert_eq!(parse("\n"), Ok(Vec::new()));
    }
}
