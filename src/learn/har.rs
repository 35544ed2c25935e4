//! Reads a HAR file entry by entry, so that a file of hundreds of megabytes needs the memory of one entry.

mod entry;

use std::cell::Cell;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use self::entry::Entry;
use super::capture::Capture;
use super::lenient::Lenient;
use crate::text_file;

/// A larger file is refused, in bytes.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// Gives every request of the file that may be an action to `found`. The error names the entry and the line.
pub fn read(path: &Path, found: impl FnMut(Capture)) -> Result<(), String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let size = file.metadata().map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > LARGEST {
        return Err(format!("it is larger than {} MiB; record only the steps that you do", LARGEST / (1024 * 1024)));
    }
    let mut file = BufReader::with_capacity(256 * 1024, file);
    let cannot_be_read = |error: std::io::Error| format!("cannot be read: {error}");
    let begin = file.fill_buf().map_err(cannot_be_read)?;
    if begin.starts_with(&[0x1f, 0x8b]) || begin.starts_with(b"PK\x03\x04") {
        return Err("it is a compressed archive; unpack it, or save the capture as HAR".into());
    }
    read_from(file, found)
}

/// The same of what is read already.
pub(crate) fn read_from(har: impl BufRead, mut found: impl FnMut(Capture)) -> Result<(), String> {
    let (count, seen) = (Cell::new(0), Cell::new(false));
    let mut wrong = None;
    let text = text_file::decoded(har).map_err(|error| format!("cannot be read: {error}"))?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(Lenient::new(BufReader::new(text))));
    let each = &mut |entry: Entry| {
        if wrong.is_none() {
            match entry.reduce(count.get()) {
                Ok(Some(capture)) => found(capture),
                Ok(None) => {}
                Err(problem) => wrong = Some(format!("entry {}: {problem}", count.get())),
            }
        }
    };
    let result =
        Seed { level: Level::Har, count: &count, seen: &seen, each }.deserialize(&mut json).and_then(|()| json.end());
    match (result, wrong) {
        (_, Some(problem)) => Err(problem),
        (Err(error), None) if error.is_io() => Err(format!("cannot be read: {error}")),
        (Err(error), None) if count.get() > 0 => Err(format!("entry {}: {error}", count.get())),
        (Err(error), None) => Err(format!("this is not a HAR file: {error}")),
        (Ok(()), None) if !seen.get() => Err("this is not a HAR file: it has no log.entries".into()),
        (Ok(()), None) => Ok(()),
    }
}

/// Where in the file the reader stands.
#[derive(Clone, Copy)]
enum Level {
    Har,
    Log,
    Entries,
}

struct Seed<'a, F> {
    level: Level,
    count: &'a Cell<usize>,
    seen: &'a Cell<bool>,
    each: &'a mut F,
}

impl<'de, F: FnMut(Entry)> DeserializeSeed<'de> for Seed<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Entry)> Visitor<'de> for Seed<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Har => "an object with log",
            Level::Log => "an object with entries",
            Level::Entries => "a list of entries",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { level, count, seen, each } = self;
        if matches!(level, Level::Entries) {
            return Err(Error::invalid_type(Unexpected::Map, &Self { level, count, seen, each }));
        }
        let (wanted, below) =
            if matches!(level, Level::Har) { ("log", Level::Log) } else { ("entries", Level::Entries) };
        while let Some(key) = map.next_key::<String>()? {
            if key == wanted {
                map.next_value_seed(Seed { level: below, count, seen, each: &mut *each })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    /// Some recorders write `null` for a list of nothing.
    fn visit_unit<E>(self) -> Result<(), E> {
        self.seen.set(self.seen.get() || matches!(self.level, Level::Entries));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        if !matches!(self.level, Level::Entries) {
            return Err(Error::invalid_type(Unexpected::Seq, &self));
        }
        self.seen.set(true);
        loop {
            self.count.set(self.count.get() + 1);
            let Some(entry) = sequence.next_element()? else { break };
            (self.each)(entry);
        }
        self.count.set(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
