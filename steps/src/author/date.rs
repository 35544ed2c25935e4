//! The dates in the JSON of nodes.

use jiff::Timestamp;

/// Sling writes a date as `Mon Nov 23 2026 10:00:00 GMT+0100`, in JSON of a single property as ISO 8601.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let sling = || {
        let zoned = text.split(" (").next()?;
        jiff::fmt::strtime::parse("%a %b %d %Y %H:%M:%S GMT%z", zoned).ok()?.to_timestamp().ok()
    };
    text.parse().ok().or_else(sling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_however_sling_writes_it() {
        for text in ["Mon Nov 23 2026 10:00:00 GMT+0100", "2026-11-23T10:00:00.000+01:00", "2026-11-23T09:00:00Z"] {
            assert_eq!(read(text).map(|time| time.to_string()).as_deref(), Some("2026-11-23T09:00:00Z"), "{text}");
        }
        assert_eq!(read("yesterday"), None);
    }
}
