//! Texts of a target as plain text, without control sequences for terminals and without commands for CI systems.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::Regex;

/// What begins a command of a CI system wherever it stands in a line: Azure Pipelines and GitHub Actions, TeamCity, GitLab,
/// Travis CI.
const COMMANDS: [&str; 6] = ["##[", "##vso[", "##teamcity[", "section_start:", "section_end:", "travis_fold:"];

/// What begins one only at the start of a line: GitHub Actions, Buildkite.
const AT_LINE_START: [&str; 1] = ["::"];

/// A text whose control characters are shown in place of being obeyed, and which holds no command of a CI system. Line
/// breaks and tabs stay.
///
/// ```
/// assert_eq!(bpconform_steps::plain::plain("a\u{1b}[31m\n::error::b"), "a␛[31m\n: :error::b");
/// ```
pub fn plain(text: &str) -> Cow<'_, str> {
    neutral(text, false)
}

/// Like [`plain`], for a text with the program's own color sequences, which are kept.
pub fn plain_with_styles(text: &str) -> Cow<'_, str> {
    neutral(text, true)
}

/// Whether a line contains words or a status that mean a failure.
pub(crate) fn tells_failure(line: &str) -> bool {
    static FAILURE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(\w*error|\w*exception|fail(ed|s|ure)?|invalid\w*|refused|denied|unhealthy)\b|\b[45]\d\d\b")
            .expect("a constant pattern")
    });
    FAILURE.is_match(line)
}

/// Like [`plain`], on one line.
pub fn plain_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first letters of a text. Where the rest is left out, a mark says so: the redactor looks for the beginning of a secret
/// before it.
pub fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A document of JSON with the characters escaped that would steer a terminal or a CI system which shows it. It says the
/// same: all of them stand within strings.
pub fn plain_json(json: &str) -> Cow<'_, str> {
    let steers = |letter: char| letter >= '\u{7f}' && shown(letter).is_some();
    let begins_command = |rest: &str| COMMANDS.iter().any(|command| rest.starts_with(command));
    // Bytes are looked at much faster than letters, and most documents have no other ones.
    let has_only_usual = json.is_ascii() && !json.as_bytes().contains(&0x7f);
    let has_steering = !has_only_usual && json.contains(steers);
    if !has_steering && !may_have_command(json) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 16);
    for (at, letter) in json.char_indices() {
        if steers(letter) || (matches!(letter, '#' | 's' | 't') && begins_command(&json[at..])) {
            text.extend(letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            text.push(letter);
        }
    }
    Cow::Owned(text)
}

fn neutral(text: &str, has_styles: bool) -> Cow<'_, str> {
    // Without an early end many bytes are compared at once.
    let is_usual = text.bytes().fold(true, |usual, byte| usual & matches!(byte, b'\n' | b'\t' | b' '..=b'~'));
    if (is_usual || !text.contains(|letter| shown(letter).is_some())) && !has_command(text) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let style = if has_styles { style(rest) } else { 0 };
        if style > 0 {
            plain += &rest[..style];
            rest = &rest[style..];
        } else if rest.starts_with("\r\n") {
            plain.push('\n');
            rest = &rest[2..];
        } else {
            match shown(letter) {
                Some(shown) => plain += &shown,
                None => plain.push(letter),
            }
            rest = &rest[letter.len_utf8()..];
        }
    }
    if has_command(&plain) { Cow::Owned(without_commands(&plain)) } else { Cow::Owned(plain) }
}

/// The codes that the program uses: colours and emphasis, but none that hides text.
const STYLES: [&str; 7] = ["0", "1", "2", "31", "32", "33", "35"];

/// The length of a sequence that sets colours and nothing else.
fn style(text: &str) -> usize {
    let Some(codes) = text.strip_prefix("\u{1b}[") else { return 0 };
    let length = codes.bytes().position(|byte| !(byte.is_ascii_digit() || byte == b';')).unwrap_or(codes.len());
    let is_ours = codes[..length].split(';').all(|code| STYLES.contains(&code));
    if is_ours && codes[length..].starts_with('m') { 2 + length + 1 } else { 0 }
}

/// What stands for a character that would do something; none for those that are only shown.
fn shown(letter: char) -> Option<String> {
    match letter {
        '\n' | '\t' => None,
        // Unicode's pictures of the control characters.
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)).map(String::from),
        '\u{7f}' => Some("\u{2421}".to_owned()),
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Some(format!("<U+{:04X}>", u32::from(letter))),
        _ => None,
    }
}

/// Whether a text has what one of [`COMMANDS`] begins with.
fn may_have_command(text: &str) -> bool {
    static BEGINNINGS: LazyLock<[Finder<'_>; 3]> = LazyLock::new(|| ["##", "section_", "travis_"].map(Finder::new));
    BEGINNINGS.iter().any(|beginning| beginning.find(text.as_bytes()).is_some())
}

fn has_command(text: &str) -> bool {
    // Many texts have none of these letters.
    if memchr::memchr3(b'#', b'_', b':', text.as_bytes()).is_none() {
        return false;
    }
    (may_have_command(text) && COMMANDS.iter().any(|command| text.contains(command)))
        || text.contains("::")
            && text.lines().any(|line| AT_LINE_START.iter().any(|command| line.trim_start().starts_with(command)))
}

/// A space within each command: it is read, and not obeyed.
fn without_commands(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let mut line = COMMANDS.iter().fold(line.to_owned(), |line, command| {
            line.replace(command, &format!("{} {}", &command[..1], &command[1..]))
        });
        let indent = line.len() - line.trim_start().len();
        if AT_LINE_START.iter().any(|command| line[indent..].starts_with(command)) {
            line.insert(indent + 1, ' ');
        }
        line
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!((beginning("äbc", 3), beginning("äbcd", 3)), ("äbc".to_owned(), "äbc…".to_owned()));
    }

    #[test]
    fn nothing_steers_a_terminal_or_a_ci_system() {
        let title = "a\u{1b}[31mred\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7}\rgone\n::error::x\n  ::set-output name=y::z\
            \u{9b}1mc1\u{202e}txt\u{2028}##[error]q ##vso[task.x] ##teamcity[y] section_start:1:a\u{feff}";
        let text = plain(title);
        assert!(
            !text.chars().any(|it| (it.is_control() && it != '\n') || it == '\u{202e}' || it == '\u{2028}'),
            "{text:?}"
        );
        for command in COMMANDS {
            assert!(!text.contains(command), "{text:?}");
        }
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text:?}");
        assert_eq!(plain(&text), text, "once is enough");
        assert_eq!(plain("std::io ::1 in a line\tünïcödé 😀\n"), "std::io ::1 in a line\tünïcödé 😀\n");
    }

    #[test]
    fn own_colours_stay_and_nothing_else() {
        assert_eq!(plain_with_styles("\u{1b}[1;31mred\u{1b}[0m\u{1b}[2J"), "\u{1b}[1;31mred\u{1b}[0m␛[2J");
        assert_eq!(plain_with_styles("\u{1b}[8mhidden"), "␛[8mhidden");
        assert_eq!(plain_line("a\r\nb\n::c"), "a b : :c");
    }

    #[test]
    fn json_says_the_same_with_its_characters_escaped() {
        let value = serde_json::json!({"title": "a\u{202e}b\u{9b}c\u{e0001}d\u{1b}ü##vso[x] section_start:1"});
        let json = value.to_string();
        let text = plain_json(&json);
        assert!(!text.contains(['\u{202e}', '\u{9b}', '\u{e0001}', '\u{1b}']) && text.contains('ü'), "{text}");
        assert!(!COMMANDS.iter().any(|command| text.contains(command)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
    }
}
