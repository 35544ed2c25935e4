//! When an entry of a baseline ends: at the end of a day, in UTC or in a named time zone, or at a point in time.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use serde::{Deserialize, Serialize};

/// The end of an entry, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Expiry {
    text: String,
    ends: Timestamp,
}

/// How it is written.
const FORMS: &str = "write a day, such as 2026-12-31 (in UTC) or 2026-12-31[Europe/Berlin], or a time with its zone, such \
    as 2026-12-31T18:00:00+01:00";

impl Expiry {
    /// Whether it is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends
    }
}

/// The end of a day in UTC.
impl From<Date> for Expiry {
    fn from(day: Date) -> Self {
        let ends = end_of(day, TimeZone::UTC).unwrap_or(Timestamp::MAX);
        Self { text: day.to_string(), ends }
    }
}

fn end_of(day: Date, zone: TimeZone) -> Result<Timestamp, jiff::Error> {
    // The last day that there is has no day after it.
    let Ok(next) = day.tomorrow() else { return Ok(Timestamp::MAX) };
    Ok(next.to_zoned_datetime(zone)?.timestamp())
}

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |problem: &dyn fmt::Display| format!("expires = \"{text}\": {problem}; {FORMS}");
        let (time, zone) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            Some((time, zone)) => (time, Some(zone)),
            None => (text, None),
        };
        let is_day = time.len() == "2026-12-31".len();
        let ends = match (is_day, zone) {
            (_, Some("localtime" | "Etc/Unknown")) => {
                return Err(wrong(&"the zone depends on the machine that reads it"));
            }
            (true, None) => time.parse().and_then(|day| end_of(day, TimeZone::UTC)),
            (true, Some(zone)) => time.parse().and_then(|day| end_of(day, TimeZone::get(zone)?)),
            (false, None) => time.parse(),
            (false, Some(_)) => text.parse().map(|time: ZonedDateTime| time.timestamp()),
        };
        Ok(Self { text: text.to_owned(), ends: ends.map_err(|error| wrong(&error))? })
    }
}

impl TryFrom<String> for Expiry {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Expiry> for String {
    fn from(expiry: Expiry) -> Self {
        expiry.text
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_in_its_zone() {
        let ends = |text: &str| text.parse::<Expiry>().expect(text).ends.to_string();
        assert_eq!(ends("2026-12-31"), "2027-01-01T00:00:00Z");
        assert_eq!(ends("2026-12-31[Europe/Berlin]"), "2026-12-31T23:00:00Z");
        assert_eq!(ends("2026-07-31[America/New_York]"), "2026-08-01T04:00:00Z");
        assert_eq!(ends("2026-12-31T18:00:00+01:00"), "2026-12-31T17:00:00Z");
        assert_eq!(ends("2026-12-31T18:00[Asia/Kolkata]"), "2026-12-31T12:30:00Z");
        assert_eq!(ends("9999-12-31"), Timestamp::MAX.to_string());
        let noon: Timestamp = "2026-12-31T12:00:00Z".parse().expect("a time");
        assert!(!"2026-12-31".parse::<Expiry>().expect("a day").is_over(noon));
        assert!("2026-12-31T11:59:00Z".parse::<Expiry>().expect("a time").is_over(noon));
    }

    #[test]
    fn what_has_no_zone_or_is_no_time_is_refused() {
        let zones = ["2026-12-31[Nowhere/City]", "2026-12-31[localtime]", "2026-12-31[Etc/Unknown]", "2026-12-31["];
        for text in ["2026-12-31T18:00:00", "2026-13-31", "soon", ""].into_iter().chain(zones) {
            let problem = text.parse::<Expiry>().expect_err(text);
            assert!(problem.contains(text) && problem.contains("2026-12-31[Europe/Berlin]"), "{problem}");
        }
    }
}
