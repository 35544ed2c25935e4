//! The end of the Author's error log (surfaces.md §4.3).

use crate::problem::Checked;
use crate::reply::Reply;

/// What Sling writes into each line for how much it matters.
const LEVELS: [&str; 5] = ["*ERROR*", "*WARN*", "*INFO*", "*DEBUG*", "*TRACE*"];

/// The lines of a reply. What has no line of a log is none: an Author that runs has written something.
pub fn lines(reply: &Reply) -> Checked<Vec<String>> {
    let lines: Vec<String> = reply.text().lines().map(str::to_owned).collect();
    if reply.looks_like_html() || !lines.iter().any(|line| is_of_log(line)) {
        return Err(reply.instead("no log"));
    }
    Ok(lines)
}

/// A line begins with its date, `02.01.2026` or `2026-01-02`, or names its level.
fn is_of_log(line: &str) -> bool {
    let shape: String = line.chars().take(10).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    ["00.00.0000", "0000-00-00"].contains(&shape.as_str()) || LEVELS.iter().any(|level| line.contains(level))
}

#[cfg(test)]
mod tests {
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
}
