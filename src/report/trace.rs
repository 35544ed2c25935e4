//! What was done in a browser as one file: a ZIP of `trace.json`, the pictures, the accessibility trees, what the consoles
//! of the pages said, and all requests as HAR.

use std::io::{Cursor, Write as _};

use bpconform_steps::evidence::PageView;
use bpconform_steps::plain::plain_json;
use serde::Serialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::Error;
use crate::record::{Record, Tool};
use crate::report::har;
use crate::verdict::Verdict;

#[derive(Serialize)]
struct Trace<'a> {
    tool: &'a Tool,
    started: String,
    scenarios: Vec<Scenario<'a>>,
}

#[derive(Serialize)]
struct Scenario<'a> {
    id: &'a str,
    name: &'a str,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    pages: Vec<Page<'a>>,
}

#[derive(Serialize)]
struct Page<'a> {
    at_us: i64,
    surface: &'a str,
    step: &'a str,
    url: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_picture: Option<&'a str>,
    tree: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    console: &'a [String],
}

/// The record's pages as a ZIP file, whose texts went through `mask`.
pub fn render(record: &Record, mask: &dyn Fn(&str) -> String) -> Result<Vec<u8>, Error> {
    let record = &record.clone().plain();
    let mut trees = Vec::new();
    let scenarios = record.scenarios.iter().filter(|scenario| scenario.all_pages().next().is_some());
    let scenarios: Vec<_> = scenarios
        .map(|scenario| Scenario {
            id: &scenario.id,
            name: &scenario.name,
            verdict: scenario.verdict,
            reason: scenario.reason.as_deref(),
            pages: scenario.all_pages().map(|view| page(view, &mut trees)).collect(),
        })
        .collect();
    let mut console = String::new();
    for (scenario, page) in scenarios.iter().flat_map(|one| one.pages.iter().map(move |page| (one, page))) {
        page.console.iter().for_each(|line| console += &format!("{} {} {line}\n", scenario.id, page.url));
    }
    let trace = Trace { tool: &record.tool, started: record.started.to_string(), scenarios };
    let mut bundle = Bundle { zip: ZipWriter::new(Cursor::new(Vec::new())), mask };
    bundle.json("trace.json", &trace)?;
    bundle.json("exchanges.har", &har::render(record))?;
    bundle.text("console.txt", &console)?;
    for (name, tree) in trees {
        bundle.text(&name, tree)?;
    }
    let mut pictures = record.pictures();
    pictures.sort_unstable();
    pictures.dedup();
    for name in pictures {
        if let Some(bytes) = record.files.read(name) {
            // A picture is compressed itself.
            bundle.add(name, &bytes, CompressionMethod::Stored)?;
        }
    }
    bundle.zip.finish().map(Cursor::into_inner).map_err(|error| broken(&error))
}

fn page<'a>(view: &'a PageView, trees: &mut Vec<(String, &'a str)>) -> Page<'a> {
    let tree = format!("trees/{:04}.txt", trees.len() + 1);
    trees.push((tree.clone(), &view.tree.text));
    Page {
        at_us: view.at_us,
        surface: &view.surface,
        step: &view.step,
        url: &view.url,
        title: &view.title,
        picture: view.picture.as_deref(),
        no_picture: view.no_picture.as_deref(),
        tree,
        console: &view.console,
    }
}

struct Bundle<'m> {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    mask: &'m dyn Fn(&str) -> String,
}

impl Bundle<'_> {
    fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Error::Internal(error.to_string()))?;
        self.text(name, &(plain_json(&text).into_owned() + "\n"))
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let masked = (self.mask)(text);
        self.add(name, masked.as_bytes(), CompressionMethod::Deflated)
    }

    fn add(&mut self, name: &str, bytes: &[u8], how: CompressionMethod) -> Result<(), Error> {
        let options = SimpleFileOptions::default().compression_method(how);
        self.zip.start_file(name, options).map_err(|error| broken(&error))?;
        self.zip.write_all(bytes).map_err(|error| broken(&error.into()))
    }
}

fn broken(error: &zip::result::ZipError) -> Error {
    Error::Internal(format!("the trace cannot be made: {error}"))
}
