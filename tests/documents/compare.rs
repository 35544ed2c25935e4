//! The comparison of what a document shows with what a command printed.

use std::sync::LazyLock;

use regex::Regex;

/// Whether the printed lines are those of a document, in which `…` stands for what varies.
pub(super) fn is_shown(shown: &[String], printed: &[String]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return printed.is_empty() };
    if first.trim() == "…" {
        return (0..=printed.len()).any(|skipped| is_shown(rest, &printed[skipped..]));
    }
    let Some((line, others)) = printed.split_first() else { return false };
    line_is_shown(first, line) && is_shown(rest, others)
}

/// Whether a printed line is the shown one.
fn line_is_shown(shown: &str, printed: &str) -> bool {
    if shown == printed {
        return true;
    }
    let parts: Vec<_> = shown.split('…').map(regex::escape).collect();
    Regex::new(&format!("^{}$", parts.join(".*"))).is_ok_and(|pattern| pattern.is_match(printed))
}

/// A line without what differs from run to run, or with each new requirement or scenario: durations, dates, counts of
/// verdicts, and spaces at the end.
pub(super) fn normal(line: &str) -> String {
    static VARIES: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
        let pattern = |text| Regex::new(text).expect("a constant pattern");
        [
            (pattern(r"\b\d+(\.\d+)? (ms|s)\b"), "1.0 s"),
            (pattern(r"\b20\d\d-\d\d-\d\d([T ]\d\d:\d\d:\d\d)?"), "2026-01-01"),
            (
                pattern(
                    r"\b\d+ (passed|failed|skipped|unproven|proved|not checked|not applicable|requirements have)\b",
                ),
                "1 $1",
            ),
            (pattern(r"\b\d+ of \d+ proved\b"), "1 of 1 proved"),
        ]
    });
    VARIES
        .iter()
        .fold(line.trim_end().to_owned(), |line, (pattern, same)| pattern.replace_all(&line, *same).into_owned())
}

#[test]
fn dots_stand_for_lines_and_for_parts_of_a_line() {
    let lines = |text: &str| text.lines().map(normal).collect::<Vec<_>>();
    assert!(is_shown(&lines("a\n…\nd"), &lines("a\nb\nc\nd")));
    assert!(is_shown(&lines("a\n…\nd"), &lines("a\nd")));
    assert!(is_shown(&lines("run … in 3 s"), &lines("run (x) in 250 ms")));
    assert!(is_shown(&lines("since 2026-02-03, 7 passed"), &lines("since 2027-11-28T10:00:00, 95 passed")));
    assert!(is_shown(&lines("2 of 51 proved, 5 not applicable"), &lines("3 of 52 proved, 6 not applicable")));
    assert!(!is_shown(&lines("7 passed"), &lines("7 passed, 1 failed")));
    assert!(!is_shown(&lines("a\n…"), &lines("b\na")));
    assert!(!is_shown(&lines(""), &lines("a")));
    assert!(!is_shown(&lines("a.c"), &lines("abc")));
}
