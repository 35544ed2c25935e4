//! The readers of outside data, by name, so that tests can call each of them with any input: those of `steps`, which read
//! answers of a target, and those of files that people and other programs write. A reader rejects invalid input; it never
//! panics, and always terminates.

use std::path::Path;

use bpconform_fixtures::Surfaces;
use bpconform_steps::journal;
use bpconform_steps::outside::Reader;

use crate::compare::baseline::Baseline;
use crate::config::file::ConfigFile;
use crate::credentials_file;
use crate::features::Features;
use crate::learn::{curl, har};
use crate::record::Record;
use crate::record_file;
use crate::report::ReportFormat;
use crate::tags::Vocabulary;

/// The readers of files.
const READERS: [(&str, Reader); 10] = [
    ("har", |bytes| drop(har::read_from(bytes, |_| ()))),
    ("curl", |bytes| drop(curl::read_text(&text(bytes), |_| ()))),
    ("configuration", configuration),
    ("credentials", |bytes| drop(credentials_file::parse(&text(bytes)))),
    ("record", record),
    ("part-of-a-record", |bytes| drop(record_file::from_lines(bytes))),
    ("baseline", |bytes| drop(Baseline::parse(&text(bytes)).map(|baseline| baseline.text()))),
    ("feature", feature),
    ("surfaces", |bytes| drop(Surfaces::parse("a.toml", &text(bytes)))),
    ("journal", |bytes| drop(journal::read(&text(bytes)))),
];

/// All readers.
pub fn readers() -> impl Iterator<Item = (&'static str, Reader)> {
    bpconform_steps::outside::READERS.into_iter().chain(READERS)
}

/// Feeds the reader of that name.
pub fn feed(name: &str, bytes: &[u8]) {
    let reader = readers().find(|(known, _)| *known == name);
    let (_, reader) = reader.unwrap_or_else(|| panic!("unknown reader {name}"));
    reader(bytes);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn configuration(bytes: &[u8]) {
    if let Ok(file) = ConfigFile::parse(Path::new("bpconform.toml"), &text(bytes)) {
        let profiles: Vec<String> = file.profiles().map(str::to_owned).collect();
        profiles.iter().for_each(|profile| drop(file.given(Some(profile))));
    }
}

/// Whatever can be read must also be rendered.
fn record(bytes: &[u8]) {
    if let Ok(mut record) = serde_json::from_slice::<Record>(bytes) {
        record.judge_again(false);
        for format in [
            ReportFormat::Html,
            ReportFormat::Junit,
            ReportFormat::Markdown,
            ReportFormat::Messages,
            ReportFormat::Har,
            ReportFormat::Ctrf,
            ReportFormat::Sarif,
        ] {
            let _ = format.render(&record);
        }
        let _ = ReportFormat::Trace.bytes(&record, &str::to_owned);
    }
}

fn feature(bytes: &[u8]) {
    let _ = Features { all: Vec::new(), cases: Vec::new() }.add("a.feature", &text(bytes), Vocabulary::built_in());
}
