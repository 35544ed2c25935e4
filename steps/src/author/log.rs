//! Entries of AEM's logs and transcripts: each with its time, its level and all its lines.

use std::sync::{LazyLock, OnceLock};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

/// How far a zone may be from UTC, and what clocks may differ besides: a time that this explains is not stale.
const ANY_ZONE: SignedDuration = SignedDuration::from_mins(14 * 60 + 30);

/// All zones are this far apart, or a multiple of it.
const ZONES: SignedDuration = SignedDuration::from_mins(15);

/// How long before an answer its newest entry may have been written, and how far after it by a clock that differs.
const BEFORE: SignedDuration = SignedDuration::from_mins(3);
const AFTER: SignedDuration = SignedDuration::from_mins(2);

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

    /// Whether it was written shortly before a time, in some zone: zones differ by multiples of a quarter of an hour. An entry
    /// without a time was.
    pub fn is_of_now(&self, at: Timestamp) -> bool {
        let Some((age, _)) = distance(self.time, at) else { return true };
        let within = age.as_secs().rem_euclid(ZONES.as_secs());
        within <= BEFORE.as_secs() || within >= (ZONES - AFTER).as_secs()
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
    let written = TimeZone::UTC.to_timestamp(time?).ok()?;
    Some((at.duration_since(written), written.duration_since(at)))
}

/// The earliest and the latest moment at which something was written in the zone of a log whose newest entry is `newest`;
/// the log was read at `at`. The log does not name its zone. In it the newest entry is not of the future, and if it is then
/// of now, as in the log of a running Author, this is the zone.
pub fn moments(written: DateTime, newest: DateTime, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let (written, newest) = (TimeZone::UTC.to_timestamp(written).ok()?, TimeZone::UTC.to_timestamp(newest).ok()?);
    let (ahead, zones) = (newest.duration_since(at).as_secs(), ZONES.as_secs());
    // The whole number of zones that is not less.
    let least = -(AFTER.as_secs() - ahead).div_euclid(zones) * zones;
    let most = if least - ahead <= BEFORE.as_secs() { least } else { least.max(ANY_ZONE.as_secs()) };
    let by = |offset: i64| written.checked_sub(SignedDuration::from_secs(offset)).ok();
    Some((by(most)?, by(least.max(-ANY_ZONE.as_secs()))?))
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

/// A date and a time, as AEM and its administrators write them.
const TIME: &str = r"(?: (?<y>\d{4})[-/.](?<m>\d\d?)[-/.](?<d>\d\d?)
              | (?<d2>\d\d?)[./-](?<m2>\d\d?)[./-](?<y2>\d{4})
              | (?<d3>\d\d?)[-\ ./](?<word>[A-Z][a-z]{2})[a-z]*\.?[-\ ./](?<y3>\d{4})
              | (?<word2>[A-Z][a-z]{2})[a-z]*\.?\ (?<d4>\d\d?),?\ (?<y4>\d{4}) )
            ,?[\ T](?<H>\d\d?):(?<M>\d\d):(?<S>\d\d)(?:[.,]\d+)?(?:\s?(?<half>[AaPp])\.?[Mm]\b\.?)?(?:Z|[+-]\d\d:?\d\d)?";

/// How far from its beginning a line may name its time and its level.
const HEAD: usize = 300;

/// Reads one line. AEM writes `2026-01-02 03:04:05`, `02.01.2026 03:04:05.678` and `02/01/2026`, then perhaps a level
/// between hyphens or asterisks. Where an administrator chose another form, the level tells that an entry begins.
fn entry(line: &str) -> Entry {
    static AT_START: Pattern = Pattern::new(|| format!(r"(?x)^\s*[\[(<]?{TIME}[\])>]?"));
    static LEVEL: Pattern = Pattern::new(|| {
        String::from(
            r"^[\s-]*(?:\*(?<a>ERROR|WARN|INFO|DEBUG|TRACE)\*|\[?(?<b>ERROR|SEVERE|FATAL|WARN|WARNING|INFO|DEBUG|TRACE)\]?(?:\s*[-:]|\s+))",
        )
    });
    // After a time it cannot be a word of a sentence.
    static LEVEL_AFTER_TIME: Pattern = Pattern::new(|| {
        String::from(
            r"(?i)^[\s-]*(?:\*(?<a>ERROR|WARN|INFO|DEBUG|TRACE)\*|\[?(?<b>ERROR|SEVERE|FATAL|WARN|WARNING|INFO|DEBUG|TRACE)\]?(?:\s*[-:]|\s+))",
        )
    });
    let time = AT_START.of(line).captures(line);
    let rest = time.as_ref().map_or(line, |found| &line[found.get(0).map_or(0, |whole| whole.end())..]);
    let level = if time.is_some() { LEVEL_AFTER_TIME.of(rest).captures(rest) } else { LEVEL.of(rest).captures(rest) };
    if time.is_none() && level.is_none() {
        return of_another_form(line).unwrap_or_else(|| Entry { time: None, level: None, text: line.to_owned() });
    }
    let text = level.as_ref().map_or(rest, |found| &rest[found.get(0).map_or(0, |whole| whole.end())..]);
    Entry {
        time: time.as_ref().and_then(civil),
        level: level.as_ref().and_then(|found| found.name("a").or(found.name("b"))).map(|word| named(word.as_str())),
        text: text.trim_start_matches([' ', '\t', '-']).to_owned(),
    }
}

/// An entry that begins with something else than its time: its thread, milliseconds, the time of syslog, or JSON. It names
/// its level as Sling or as JSON does.
fn of_another_form(line: &str) -> Option<Entry> {
    static LEVEL: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"\*(?<a>ERROR|WARN|INFO|DEBUG|TRACE)\*|^\s*\{.*"(?:level|severity|log\.level)"\s*:\s*"(?<b>[A-Za-z]+)""#,
        )
    });
    static ANYWHERE: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?x)\b{TIME}")));
    static MILLISECONDS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\D{0,20}(\d{13})\b"));
    let head = line.char_indices().nth(HEAD).map_or(line, |(end, _)| &line[..end]);
    let found = LEVEL.captures(head)?;
    let milliseconds = || {
        let since: i64 = MILLISECONDS.captures(head)?[1].parse().ok()?;
        Some(TimeZone::UTC.to_datetime(Timestamp::from_second(since / 1000).ok()?))
    };
    let word = found.name("a").or(found.name("b"))?;
    Some(Entry {
        time: ANYWHERE.captures(head).as_ref().and_then(civil).or_else(milliseconds),
        level: Some(named(word.as_str())),
        text: line.trim_start().to_owned(),
    })
}

fn named(level: &str) -> Level {
    match level.to_ascii_uppercase().as_str() {
        "ERROR" | "SEVERE" | "FATAL" => Level::Error,
        "WARN" | "WARNING" => Level::Warn,
        "INFO" => Level::Info,
        _ => Level::Debug,
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// A pattern for a line. The tables of Unicode make it ten times as expensive to compile, and in ASCII, which most lines are,
/// it says the same without them.
struct Pattern {
    text: fn() -> String,
    ascii: OnceLock<Regex>,
    unicode: OnceLock<Regex>,
}

impl Pattern {
    const fn new(text: fn() -> String) -> Self {
        Self { text, ascii: OnceLock::new(), unicode: OnceLock::new() }
    }

    fn of(&self, line: &str) -> &Regex {
        if line.is_ascii() {
            self.ascii.get_or_init(|| pattern(&format!("(?-u){}", (self.text)())))
        } else {
            self.unicode.get_or_init(|| pattern(&(self.text)()))
        }
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
    fn an_entry_of_another_form_begins_with_its_level() {
        let first = "28.11.2026 20:48:10.123 *INFO* [x] first\n";
        for (line, time) in [
            ("[28.11.2026 20:48:11.123] *ERROR* [x] failed", "2026-11-28T20:48:11"),
            ("[sling-default-1] 28.11.2026 20:48:11.123 *ERROR* failed", "2026-11-28T20:48:11"),
            ("1795898891123 *ERROR* [x] failed", "2026-11-28T20:48:11"),
            ("<11>Nov 28 20:48:11 host aem: *ERROR* [x] failed", ""),
            (r#"{"timestamp":"2026-11-28T20:48:11Z","level":"ERROR","message":"failed"}"#, "2026-11-28T20:48:11"),
            ("28.11.2026 20:48:11.123 error - failed", "2026-11-28T20:48:11"),
            ("2026-11-28 20:48:11 SEVERE failed", "2026-11-28T20:48:11"),
        ] {
            let log = format!("{first}{line}");
            let entries = entries(log.lines());
            assert_eq!(entries.len(), 2, "{line}");
            assert_eq!(entries[1].level, Some(Level::Error), "{line}");
            assert!(entries[1].text.contains("failed"), "{line}");
            let found = entries[1].time.map(|time| time.to_string()).unwrap_or_default();
            assert_eq!(found, time, "{line}");
        }
    }

    #[test]
    fn a_time_is_of_now_only_by_the_quarter_of_an_hour() {
        let is = |line: &str| entries([line]).remove(0).is_of_now(at("2026-11-28T12:00:00Z"));
        for now in
            ["2026-11-28 12:00:00 a", "2026-11-28 11:58:00 a", "2026-11-28 12:01:00 a", "2026-11-28 17:44:30 a", "a"]
        {
            assert!(is(now), "{now}");
        }
        for past in ["2026-11-28 11:53:00 a", "2026-11-28 09:53:00 a", "2026-11-28 06:52:00 a"] {
            assert!(!is(past), "{past}");
        }
    }

    #[test]
    fn the_zone_of_a_log_is_that_in_which_its_newest_entry_is_of_now() {
        let time = |text: &str| text.parse::<DateTime>().expect("a time");
        let of = |newest: &str| {
            let found =
                moments(time("2026-11-28T10:00:00"), time(newest), at("2026-11-28T12:00:00Z")).expect("moments");
            (found.0.to_string(), found.1.to_string())
        };
        let both = |moment: &str| (moment.to_owned(), moment.to_owned());
        assert_eq!(of("2026-11-28T11:59:00"), both("2026-11-28T10:00:00Z"));
        assert_eq!(of("2026-11-28T12:01:00"), both("2026-11-28T10:00:00Z"), "by a clock that differs");
        assert_eq!(of("2026-11-28T13:58:00"), both("2026-11-28T08:00:00Z"), "two hours ahead of UTC");
        assert_eq!(of("2026-11-28T03:59:00"), both("2026-11-28T18:00:00Z"), "eight hours behind UTC");
        // Quiet for at least five minutes: in the zone UTC, or in any east of it.
        assert_eq!(of("2026-11-28T11:55:00"), ("2026-11-27T19:30:00Z".to_owned(), "2026-11-28T10:00:00Z".to_owned()));
        // Quiet for days: in any zone.
        assert_eq!(of("2026-11-20T11:55:00"), ("2026-11-27T19:30:00Z".to_owned(), "2026-11-29T00:30:00Z".to_owned()));
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
