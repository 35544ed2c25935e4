//! Reads what a browser copies as cURL, one or many commands in a file, as Adobe advises to capture a request.

mod cmd;
mod options;
mod request;
mod shell;

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::capture::Capture;
use crate::text_file;

/// The size limit of a file, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What may precede `curl` in a command: variable assignments, and programs such as `sudo` with their options.
const RUNNER: &str = r"(?:(?:time|sudo|doas|exec|command|nohup|env|nice|timeout|then|do|else|if|while|until|!|&)(?:\s+-\S+(?:\s+[\w.]+)??|\s+\d\S*)*?\s+|\w+=(?:'[^'\n]*'|[^\s'\x22$(`]\S*)?\s+)";

/// The word `curl` itself, or its path in quotation marks; the group begins where the command is read from.
const CURL: &str =
    r#"(?:[^\s'"|;&()`]*[/\\])?(?<curl>curl(?:\.exe)?|"[^"\n]*[/\\]curl(?:\.exe)?"|'[^'\n]*[/\\]curl(?:\.exe)?')"#;

/// A command at the start of a line, perhaps behind a prompt.
static BEGIN: LazyLock<Regex> = LazyLock::new(|| {
    let prompt = r#"(?:[^\s#'"][^'"\n]*?[$%#>]|[$%>])\s*"#;
    let piped = r"(?:echo|printf|cat)\b[^\n]*\|\s*";
    Regex::new(&format!(r"^[ \t]*(?:{prompt}|{piped})?{RUNNER}*{CURL}(?:[ \t\n^\\]|$)")).expect("a constant pattern")
});

/// A command within a line: behind an operator, in a parenthesis, or between backticks.
static WITHIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"^[^\n]*?(?<before>&&|\|\||[;|({{`])[ \t]*{RUNNER}*{CURL}[ \t\n^\\]"))
        .expect("a constant pattern")
});

/// Gives every request of the file that may be an action to `found`. The error names the line.
pub fn read(path: &Path, found: impl FnMut(Capture)) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(format!("it is larger than {} MiB, which no copied command is", LARGEST / (1024 * 1024)));
    }
    read_text(&text_file::read(path).map_err(unreadable)?, found)
}

/// The same for a text that was read before.
pub(crate) fn read_text(text: &str, mut found: impl FnMut(Capture)) -> Result<(), String> {
    let text = text_file::with_line_feeds(text);
    let mut count = 0;
    let mut at = 0;
    while let Some((begin, end)) = next_command(&text, at) {
        count += 1;
        let line = text[..begin].matches('\n').count() + 1;
        at = command(&text[..end], begin, &mut |url, raw| {
            let capture = Capture::reduce(format!("line {line}"), url, raw)?;
            capture.into_iter().for_each(&mut found);
            Ok(())
        })
        .map_err(|problem| format!("line {line}: {problem}"))?;
    }
    if count == 0 { Err(no_command(&text)) } else { Ok(()) }
}

/// The offset of the next `curl` that begins a command, from the given offset on, and where its text ends at the latest. A
/// command begins at the start of a line, or after an operator.
fn next_command(text: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let operator = rest.len() - rest.trim_start_matches([' ', '\t', ';', '&', '|']).len();
        if let Some(begin) = BEGIN.captures(&rest[operator..]).and_then(|found| found.name("curl")) {
            return Some((at + operator + begin.start(), text.len()));
        }
        let is_comment = rest.trim_start_matches([' ', '\t']).starts_with('#');
        if let Some(found) = WITHIN.captures(rest).filter(|_| !is_comment)
            && let Some(begin) = found.name("curl")
        {
            let closing = rest[begin.end()..].find('`').filter(|_| &found["before"] == "`");
            return Some((at + begin.start(), closing.map_or(text.len(), |end| at + begin.end() + end)));
        }
        at += rest.find('\n')? + 1;
    }
}

/// Reads the command at an offset, and returns the offset of its end.
fn command(
    text: &str,
    begin: usize,
    found: &mut dyn FnMut(&str, super::capture::Raw) -> Result<(), String>,
) -> Result<usize, String> {
    let rest = &text[begin..];
    if rest.lines().next().is_some_and(|line| line.trim_end().ends_with(" `")) {
        return Err("it is a command of PowerShell; copy the request with Copy as cURL (bash)".into());
    }
    let (words, input, end) = if cmd::is_for(rest) {
        let (words, end) = cmd::command(rest);
        (words, None, end)
    } else {
        let shell::Command { words, input, end } = shell::command(rest)?;
        (words, input, end)
    };
    for (url, raw) in request::requests(words.into_iter().skip(1).collect(), input.as_deref())? {
        found(&url, raw)?;
    }
    // A command has at least its first word.
    Ok(begin + end.max(1))
}

/// A description of a file that contains no command of curl, if its format is recognized.
fn no_command(text: &str) -> String {
    let other = [
        ("Invoke-WebRequest", "PowerShell"),
        ("Invoke-RestMethod", "PowerShell"),
        ("fetch(", "JavaScript"),
        ("wget ", "wget"),
    ];
    let found = other.into_iter().find(|(mark, _)| text.to_lowercase().contains(&mark.to_lowercase()));
    let what = found.map_or_else(String::new, |(_, name)| format!(", but a request of {name}"));
    format!("no line begins with curl{what}; copy the request with Copy as cURL (bash)")
}

#[cfg(test)]
mod tests;
