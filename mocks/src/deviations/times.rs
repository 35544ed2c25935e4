//! Times of logs and transcripts in other zones and formats.

use std::sync::LazyLock;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use regex::{Captures, Regex};

/// Times such as `2026-11-23 10:00:00`, and `23.11.2026 10:00:00` in the error log.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:(\d{4})-(\d\d)-(\d\d)|(\d\d)\.(\d\d)\.(\d{4})) (\d\d:\d\d:\d\d)")
        .expect("the expression is valid")
});

/// The text with all times moved by a number of hours.
pub(super) fn moved(text: &str, hours: i64) -> String {
    let shift = |captures: &Captures<'_>| shifted(captures, hours).unwrap_or_else(|| captures[0].to_owned());
    TIME.replace_all(text, shift).into_owned()
}

fn shifted(captures: &Captures<'_>, hours: i64) -> Option<String> {
    let part = |first: usize, second: usize| captures.get(first).or(captures.get(second)).map(|part| part.as_str());
    let (year, month, day) = (part(1, 6)?, part(2, 5)?, part(3, 4)?);
    let time: DateTime = format!("{year}-{month}-{day}T{}", &captures[7]).parse().ok()?;
    let moved = time.checked_add(SignedDuration::from_hours(hours)).ok()?;
    let format = if captures.get(1).is_some() { "%Y-%m-%d %H:%M:%S" } else { "%d.%m.%Y %H:%M:%S" };
    Some(moved.strftime(format).to_string())
}

/// The text with the day first in all dates.
pub(super) fn day_first(text: &str) -> String {
    let write = |captures: &Captures<'_>| match captures.get(1) {
        Some(year) => format!("{}.{}.{} {}", &captures[3], &captures[2], year.as_str(), &captures[7]),
        None => captures[0].to_owned(),
    };
    TIME.replace_all(text, write).into_owned()
}

/// The text with the month first in all dates, and with AM and PM.
pub(super) fn american(text: &str) -> String {
    let write = |captures: &Captures<'_>| {
        let time = captures.get(1).and_then(|year| {
            format!("{}-{}-{}T{}", year.as_str(), &captures[2], &captures[3], &captures[7]).parse::<DateTime>().ok()
        });
        time.map_or_else(|| captures[0].to_owned(), |time| time.strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string())
    };
    TIME.replace_all(text, write).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_moved_and_written_in_another_format() {
        let text = "2026-11-30 23:30:00 - a\n30.11.2026 01:00:00.000 *INFO*";
        assert_eq!(moved(text, 2), "2026-12-01 01:30:00 - a\n30.11.2026 03:00:00.000 *INFO*");
        assert_eq!(moved(text, -8), "2026-11-30 15:30:00 - a\n29.11.2026 17:00:00.000 *INFO*");
        assert_eq!(american(text), "11/30/2026 11:30:00 PM - a\n30.11.2026 01:00:00.000 *INFO*");
        assert_eq!(day_first(text), "30.11.2026 23:30:00 - a\n30.11.2026 01:00:00.000 *INFO*");
    }
}
