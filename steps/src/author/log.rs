//! Entries of AEM's logs and transcripts: each with its time, its level and all its lines.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

/// How far a zone may be from UTC, and what clocks may differ besides: a time that this explains is not stale.
const ANY_ZONE: SignedDuration = SignedDuration::from_mins(14 * 60 + 30);

/// How much an entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For developers.
    Debug,
    /// What happens.
    Info,
    /// What may go wrong.
    Warn,
    /// What went wrong.
    Error,
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it was written, in the zone of the Author, which it does not name.
    pub time: Option<DateTime>,
    /// How much it matters, if it says so.
    pub level: Option<Level>,
    /// What it says, without time and level; further lines follow the first.
    pub text: String,
}

impl Entry {
    /// Whether it is older than that at a time, in whatever zone the Author is. An entry without a time is not.
    pub fn is_older(&self, than: SignedDuration, at: Timestamp) -> bool {
        is_older(self.time, than, at)
    }

    /// Whether no zone explains that it was written at that time.
    pub fn is_stale(&self, at: Timestamp) -> bool {
        distance(self.time, at).is_some_and(|(age, ahead)| age > ANY_ZONE || ahead > ANY_ZONE)
    }

    /// The entry on one line.
    pub fn line(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Whether a time of the Author is longer ago than that, in whatever zone the Author is; no time is not.
pub fn is_older(time: Option<DateTime>, than: SignedDuration, at: Timestamp) -> bool {
    distance(time, at).is_some_and(|(age, _)| age > than.saturating_add(ANY_ZONE))
}

/// How long before and after `at` it was, if the Author's zone were UTC.
fn distance(time: Option<DateTime>, at: Timestamp) -> Option<(SignedDuration, SignedDuration)> {
    let written = jiff::tz::TimeZone::UTC.to_timestamp(time?).ok()?;
    Some((at.duration_since(written), written.duration_since(at)))
}

/// Reads lines as entries: a line that begins with a time or a level begins an entry, any other continues it.
pub fn entries<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in lines {
        let line = line.trim_end();
        let entry = entry(line);
        match entries.last_mut() {
            Some(last) if entry.time.is_none() && entry.level.is_none() => {
                last.text.push('\n');
                last.text.push_str(line);
            }
            _ => entries.push(entry),
        }
    }
    entries
}

/// Reads one line. AEM writes `2026-01-02 03:04:05`, `02.01.2026 03:04:05.678` and `02/01/2026`, then perhaps a level
/// between hyphens or asterisks.
fn entry(line: &str) -> Entry {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?x)^\s*
            (?: (?<y>\d{4})[-/.](?<m>\d\d?)[-/.](?<d>\d\d?)
              | (?<d2>\d\d?)[./-](?<m2>\d\d?)[./-](?<y2>\d{4})
              | (?<d3>\d\d?)[-\ ./](?<word>[A-Z][a-z]{2})[a-z]*\.?[-\ ./](?<y3>\d{4})
              | (?<word2>[A-Z][a-z]{2})[a-z]*\.?\ (?<d4>\d\d?),?\ (?<y4>\d{4}) )
            ,?[\ T](?<H>\d\d?):(?<M>\d\d):(?<S>\d\d)(?:[.,]\d+)?(?:\s?(?<half>[AaPp])\.?[Mm]\b\.?)?(?:Z|[+-]\d\d:?\d\d)?",
        )
        .expect("a constant pattern")
    });
    static LEVEL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[\s-]*(?:\*(?<a>ERROR|WARN|INFO|DEBUG|TRACE)\*|\[?(?<b>ERROR|WARN|WARNING|INFO|DEBUG|TRACE)\]?(?:\s*[-:]|\s+))")
            .expect("a constant pattern")
    });
    let time = TIME.captures(line);
    let rest = time.as_ref().map_or(line, |found| &line[found.get(0).map_or(0, |whole| whole.end())..]);
    let level = LEVEL.captures(rest);
    let text = level.as_ref().map_or(rest, |found| &rest[found.get(0).map_or(0, |whole| whole.end())..]);
    Entry {
        time: time.as_ref().and_then(civil),
        level: level.as_ref().and_then(|found| found.name("a").or(found.name("b"))).map(|word| match word.as_str() {
            "ERROR" => Level::Error,
            "WARN" | "WARNING" => Level::Warn,
            "INFO" => Level::Info,
            _ => Level::Debug,
        }),
        text: text.trim_start_matches([' ', '\t', '-']).to_owned(),
    }
}

/// The English names of the months, as Java abbreviates them.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn civil(found: &regex::Captures<'_>) -> Option<DateTime> {
    let number = |names: &[&str]| names.iter().find_map(|name| found.name(name))?.as_str().parse::<i16>().ok();
    let small = |names: &[&str]| number(names).and_then(|number| i8::try_from(number).ok());
    let word = found.name("word").or(found.name("word2"));
    let named = word.and_then(|word| MONTHS.iter().position(|month| *month == word.as_str()));
    let named = named.and_then(|at| i8::try_from(at + 1).ok());
    let (year, mut day) = (number(&["y", "y2", "y3", "y4"])?, small(&["d", "d2", "d3", "d4"])?);
    let mut month = named.or_else(|| small(&["m", "m2"]))?;
    let half = found.name("half").map(|half| half.as_str().to_ascii_lowercase());
    // Where hours are written with AM and PM, the month comes before the day.
    if found.name("m2").is_some() && (month > 12 || (half.is_some() && day <= 12)) {
        (day, month) = (month, day);
    }
    let hour = match (small(&["H"])?, half.as_deref()) {
        (12, Some("a")) => 0,
        (hour @ 1..=11, Some("p")) => hour + 12,
        (hour, _) => hour,
    };
    DateTime::new(year, month, day, hour, small(&["M"])?, small(&["S"])?.min(59), 0).ok()
}

/// Whether a line names something that a run made, such as its own agent.
pub fn is_of_a_run(line: &str) -> bool {
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"bpconform-[0-9a-z]{7}-").expect("a constant pattern"));
    NAME.is_match(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn an_entry_has_its_time_its_level_and_all_its_lines() {
        let log = "02.01.2026 03:04:05.678 *ERROR* [sling-default-4] com.adobe.X failed response:\n{\"error\":\"e\"}\n\tat a.b.C\n\
                   2026-01-02 03:04:06 - INFO - agent0 : Sending\n2026-01-02 03:04:07 - >> POST /bin/receive HTTP/1.0";
        let entries = entries(log.lines());
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0].time.map(|time| time.to_string()).as_deref(), Some("2026-01-02T03:04:05"));
        assert_eq!(entries[0].level, Some(Level::Error));
        assert!(entries[0].text.ends_with("response:\n{\"error\":\"e\"}\n\tat a.b.C"), "{:?}", entries[0]);
        assert_eq!((entries[1].level, entries[1].text.as_str()), (Some(Level::Info), "agent0 : Sending"));
        assert_eq!((entries[2].level, entries[2].text.as_str()), (None, ">> POST /bin/receive HTTP/1.0"));
    }

    #[test]
    fn a_time_is_read_in_every_format() {
        for line in [
            "2026-11-28 20:48:11 - a",
            "2026-11-28T20:48:11.123+0100 - a",
            "2026/11/28 20:48:11,123 - a",
            "28.11.2026 20:48:11.123 *INFO* a",
            "28/11/2026 20:48:11 a",
            "28-11-2026 20:48:11 a",
            "11/28/2026 8:48:11 PM - a",
            "11/28/2026, 8:48:11 PM - a",
            "28-Nov-2026 20:48:11 a",
            "28 November 2026 20:48:11 a",
            "Nov 28, 2026 8:48:11 PM a",
        ] {
            let entry = entries([line]).remove(0);
            assert_eq!(entry.time.map(|time| time.to_string()).as_deref(), Some("2026-11-28T20:48:11"), "{line}");
            assert_eq!(entry.text, "a", "{line}");
        }
        let hour = |line: &str| entries([line]).remove(0).time.map(DateTime::hour);
        assert_eq!(hour("1/2/2026 12:00:00 AM - a"), Some(0));
        assert_eq!(hour("1/2/2026 12:00:00 PM - a"), Some(12));
        assert_eq!(hour("1 Foo 2026 12:00:00 - a"), None);
    }

    #[test]
    fn a_time_is_stale_only_if_no_zone_explains_it() {
        let written = |line: &str| entries([line]).remove(0);
        let now = at("2026-11-28T12:00:00Z");
        for fresh in ["2026-11-28 12:00:00 - a", "28.11.2026 01:00:00 - a", "2026-11-29 02:00:00 - a", "no time at all"]
        {
            assert!(!written(fresh).is_stale(now), "{fresh}");
        }
        for stale in ["2026-11-27 12:00:00 - a", "2025-11-28 12:00:00 - a", "2026-11-29 12:00:00 - a"] {
            assert!(written(stale).is_stale(now), "{stale}");
        }
        let day = SignedDuration::from_hours(24);
        assert!(!written("2026-11-27 02:00:00 x").is_older(day, now));
        assert!(written("2026-11-26 12:00:00 x").is_older(day, now));
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_fail(line in ".*", time in "[0-9]{1,5}[-./][0-9]{1,3}[-./][0-9]{1,5} [0-9]{1,3}:[0-9]{2}:[0-9]{2}.*") {
            let _ = entries([line.as_str(), time.as_str()]);
        }
    }
}
