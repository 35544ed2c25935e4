//! Reads a HAR file entry by entry, so that a file of hundreds of megabytes needs the memory of one entry.

use std::cell::Cell;
use std::fmt;
use std::io::{BufReader, Read};
use std::path::Path;

use base64::Engine as _;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::capture::{BODY_CAP, Capture, Raw};

/// A larger file is refused, in bytes.
const LARGEST: u64 = 1024 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    started_date_time: Option<String>,
    request: Request,
    #[serde(default)]
    response: Option<Response>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    cookies: Vec<Pair>,
    #[serde(default)]
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    params: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Default, Deserialize)]
struct Response {
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

/// Gives every request of the file that may be an action to `found`. The error names the entry and the line.
pub fn read(path: &Path, found: impl FnMut(Capture)) -> Result<(), String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let size = file.metadata().map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > LARGEST {
        return Err(format!("it is larger than {} MiB; record only the steps that you do", LARGEST / (1024 * 1024)));
    }
    read_from(BufReader::with_capacity(256 * 1024, file), found)
}

/// The same of what is read already.
pub(crate) fn read_from(har: impl Read, mut found: impl FnMut(Capture)) -> Result<(), String> {
    let (count, seen) = (Cell::new(0), Cell::new(false));
    let mut wrong = None;
    let mut json = serde_json::Deserializer::from_reader(har);
    let each = &mut |entry: Entry| {
        if wrong.is_none() {
            match reduce(count.get(), entry) {
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
        (Err(error), None) => Err(format!("this is no HAR: {error}")),
        (Ok(()), None) if !seen.get() => Err("this is no HAR: it has no log.entries".into()),
        (Ok(()), None) => Ok(()),
    }
}

fn reduce(number: usize, entry: Entry) -> Result<Option<Capture>, String> {
    let Entry { started_date_time, request, response } = entry;
    let pairs = |pairs: Vec<Pair>| {
        pairs.into_iter().map(|pair| (pair.name, pair.value.unwrap_or_default())).collect::<Vec<_>>()
    };
    let mut headers = pairs(request.headers);
    let cookies = pairs(request.cookies).into_iter().map(|(name, value)| ("cookie".into(), format!("{name}={value}")));
    headers.extend(cookies);
    let response = response.unwrap_or_default();
    headers.extend(pairs(response.headers).into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")));
    let post = request.post_data.unwrap_or(PostData { mime_type: String::new(), text: None, params: Vec::new() });
    let raw = Raw {
        method: request.method,
        headers,
        content_type: post.mime_type,
        body: post.text.unwrap_or_default().into_bytes(),
        fields: pairs(post.params),
    };
    let capture = Capture::reduce(format!("entry {number}"), &request.url, raw)?;
    let day = started_date_time.and_then(|time| time.get(..10).map(str::to_owned));
    let day = day.filter(|day| day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'));
    let answer = response.content.map(answer).unwrap_or_default();
    Ok(capture.map(|capture| Capture { answer, day, ..capture }))
}

/// The beginning of an answer that is a text.
fn answer(content: Content) -> String {
    let kind = content.mime_type.to_lowercase();
    if ["image/", "font/", "video/", "audio/"].iter().any(|start| kind.starts_with(start)) {
        return String::new();
    }
    let mut text = content.text.unwrap_or_default();
    if content.encoding.as_deref() == Some("base64") {
        // Only as much as is looked at, in whole groups of four.
        let end = text.len().min(BODY_CAP / 3 * 4) / 4 * 4;
        let bytes = text.get(..end).and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    }
    let end = (0..=BODY_CAP.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text
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
        match self.level {
            Level::Har | Level::Log => deserializer.deserialize_map(self),
            Level::Entries => deserializer.deserialize_seq(self),
        }
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
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
mod tests {
    use super::*;

    fn read_text(name: &str, text: &str) -> Result<Vec<Capture>, String> {
        let path = std::env::temp_dir().join(format!("bpconform-{}-{name}.har", std::process::id()));
        std::fs::write(&path, text).expect("the temporary directory can be written");
        let mut captures = Vec::new();
        read(&path, |capture| captures.push(capture)).map(|()| captures)
    }

    #[test]
    fn a_broken_file_is_named_by_entry_and_line() {
        let error = |name, text| read_text(name, text).expect_err("it is broken");
        assert_eq!(error("empty", ""), "this is no HAR: EOF while parsing a value at line 1 column 0");
        assert_eq!(error("other", r#"{"a": [1]}"#), "this is no HAR: it has no log.entries");
        let text = "{\"log\": {\"entries\": [\n{\"request\": {\"method\": \"GET\", \"url\": \"http://a/libs/x\"}},\n{\"request\": {}}]}}";
        assert!(error("field", text).starts_with("entry 2: missing field `method` at line 3"));
        let text = r#"{"log": {"entries": [{"request": {"method": "GET", "url": "::"}}]}}"#;
        assert!(error("url", text).starts_with("entry 1: its URL cannot be read"));
        let cut = r#"{"log": {"entries": [{"request": {"method": "GET", "url": "http://a/libs/x"}}"#;
        assert!(error("cut", cut).contains("EOF while parsing a list"));
    }

    #[test]
    fn an_answer_is_read_as_text_and_capped() {
        let long = "x".repeat(BODY_CAP + 10);
        let text = format!(
            r#"{{"log": {{"pages": [], "entries": [{{"startedDateTime": "2026-11-23T10:00:00.000Z", "request": {{"method":
            "post", "url": "http://a/libs/x"}}, "response": {{"content": {{"text": "{long}"}}}}}}]}}}}"#
        );
        let captures = read_text("long", &text).expect("it is right");
        assert_eq!((captures[0].answer.len(), captures[0].method.as_str()), (BODY_CAP, "POST"));
        assert_eq!(captures[0].day.as_deref(), Some("2026-11-23"));
    }
}
