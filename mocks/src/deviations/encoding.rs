//! Other ways to write the same body (`encode` in `fixtures/variations.toml`).

use std::io::Write as _;
use std::sync::LazyLock;

use bpconform_fixtures::changes::Encoding;
use flate2::Compression;
use flate2::write::GzEncoder;
use regex::{Captures, Regex};
use serde_json::Value;

use super::headers::set_headers;
use super::{configuration, times};
use crate::machine::Response;

/// Writes the body in another way. JSON encodings leave other bodies as they are.
pub(super) fn encode(encoding: Encoding, response: &mut Response) {
    match encoding {
        Encoding::ByteOrderMark => drop(response.body.splice(0..0, *b"\xef\xbb\xbf")),
        Encoding::IndentedJson => rewrite_json(response, |json| indented(&json)),
        Encoding::ReversedJson => rewrite_json(response, |json| reversed(json).to_string()),
        Encoding::SortedJson => rewrite_json(response, |json| sorted(json).to_string()),
        Encoding::EscapedJson => rewrite_json(response, |json| escaped(&json)),
        Encoding::CrLf => response.body = response.text().replace("\r\n", "\n").replace('\n', "\r\n").into_bytes(),
        Encoding::Latin1 => use_latin_1(response),
        Encoding::UpperCaseTags => response.body = upper_case_tags(&response.text()).into_bytes(),
        Encoding::HexEntities => response.body = hex_entities(&response.text()).into_bytes(),
        Encoding::FelixConfig => rewrite_json(response, |json| configuration::felix(&json)),
        Encoding::HandWrittenConfig => rewrite_json(response, |json| configuration::hand_written(&json)),
        Encoding::CfgJson => rewrite_json(response, |json| configuration::cfg_json(&json)),
        Encoding::BundleTotals => rewrite_json(response, |json| with_totals(json).to_string()),
        Encoding::EasternTimes => response.body = times::moved(&response.text(), 2).into_bytes(),
        Encoding::WesternTimes => response.body = times::moved(&response.text(), -8).into_bytes(),
        Encoding::DayFirstDates => response.body = times::day_first(&response.text()).into_bytes(),
        Encoding::AmericanDates => response.body = times::american(&response.text()).into_bytes(),
        Encoding::Gzip => compress(response),
        Encoding::Padded => response.body = [b"\n\n", &response.body[..], b"\n\n"].concat(),
    }
}

fn compress(response: &mut Response) {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail; a body that is not compressed would still be a right answer.
    if let Ok(body) = gzip.write_all(&response.body).and_then(|()| gzip.finish()) {
        response.body = body;
        let headers = [("content-encoding", "gzip"), ("vary", "Accept-Encoding")];
        set_headers(&mut response.headers, &headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}

fn rewrite_json(response: &mut Response, write: impl FnOnce(Value) -> String) {
    if let Ok(json) = serde_json::from_slice(&response.body) {
        response.body = write(json).into_bytes();
    }
}

fn indented(json: &Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default() + "\n"
}

fn reversed(json: Value) -> Value {
    match json {
        Value::Object(object) => {
            let mut members: Vec<_> = object.into_iter().map(|(name, value)| (name, reversed(value))).collect();
            members.reverse();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(values) => values.into_iter().map(reversed).collect(),
        other => other,
    }
}

fn sorted(json: Value) -> Value {
    match json {
        Value::Object(object) => {
            let mut members: Vec<_> = object.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// JSON with `\/` for slashes and `\u…` for characters outside ASCII. Both occur in strings only.
fn escaped(json: &Value) -> String {
    let mut text = String::new();
    for character in json.to_string().chars() {
        match character {
            '/' => text.push_str("\\/"),
            _ if character.is_ascii() => text.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}

/// Whether the totals of a list of bundles are those of its bundles.
pub(super) fn counts_rightly(response: &Response) -> bool {
    serde_json::from_slice::<Value>(&response.body).is_ok_and(|list| with_totals(list.clone())["s"] == list["s"])
}

/// A list of bundles with totals that match it.
fn with_totals(mut list: Value) -> Value {
    let empty = Vec::new();
    let bundles = list["data"].as_array().unwrap_or(&empty);
    let count = |wanted: fn(bool, i64) -> bool| {
        let state =
            |bundle: &&Value| wanted(bundle["fragment"] == true, bundle["stateRaw"].as_i64().unwrap_or_default());
        bundles.iter().filter(state).count()
    };
    let (total, active) = (bundles.len(), count(|_, state| state == 32));
    let (fragments, resolved) =
        (count(|fragment, state| fragment && state == 4), count(|fragment, state| !fragment && state == 4));
    let installed = count(|_, state| state == 2);
    let status = format!(
        "Bundle information: {total} bundles in total, {active} active, {fragments} active fragments, \
         {resolved} resolved, {installed} installed."
    );
    list["s"] = serde_json::json!([total, active, fragments, resolved, installed]);
    list["status"] = status.into();
    list
}

fn use_latin_1(response: &mut Response) {
    let is_html = response.header("content-type").is_some_and(|media_type| media_type.contains("html"));
    let text = response.text();
    let mut body = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(u32::from(character)) {
            Ok(byte) => body.push(byte),
            Err(_) if is_html => body.extend(format!("&#{};", u32::from(character)).bytes()),
            // A body with other characters cannot be written in this encoding.
            Err(_) => return,
        }
    }
    response.body = body;
    let media_type = response.header("content-type").unwrap_or("text/plain").split(';').next().unwrap_or_default();
    let media_type = format!("{media_type};charset=iso-8859-1");
    set_headers(&mut response.headers, &[("content-type".to_owned(), media_type)].into());
}

fn upper_case_tags(text: &str) -> String {
    static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new("</?[a-z][a-z0-9]*").expect("the expression is valid"));
    TAG.replace_all(text, |tag: &Captures<'_>| tag[0].to_ascii_uppercase()).into_owned()
}

fn hex_entities(text: &str) -> String {
    let named =
        [("&lt;", "&#x3c;"), ("&gt;", "&#x3e;"), ("&amp;", "&#x26;"), ("&quot;", "&#x22;"), ("&#39;", "&#x27;")];
    named.iter().fold(text.to_owned(), |text, (name, number)| text.replace(name, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(encoding: Encoding, media_type: &str, body: &str) -> Vec<u8> {
        let mut response = Response::new(200, media_type, body);
        encode(encoding, &mut response);
        response.body
    }

    #[test]
    fn json_is_written_in_other_ways_and_stays_the_same() {
        let json = r#"{"b":"https://a/ü","a":[{"y":1,"x":2}]}"#;
        let parsed: Value = serde_json::from_str(json).expect("JSON");
        for encoding in [Encoding::IndentedJson, Encoding::ReversedJson, Encoding::SortedJson, Encoding::EscapedJson] {
            let body = encoded(encoding, "application/json", json);
            assert_ne!(body, json.as_bytes(), "{encoding:?}");
            assert_eq!(serde_json::from_slice::<Value>(&body).expect("JSON"), parsed, "{encoding:?}");
        }
        assert_eq!(encoded(Encoding::SortedJson, "text/plain", "no JSON"), b"no JSON");
    }

    #[test]
    fn pages_are_written_in_other_ways() {
        let page = "<p>a &lt; \u{fc} \u{2013}</p>";
        assert_eq!(encoded(Encoding::Latin1, "text/html", page), b"<p>a &lt; \xfc &#8211;</p>");
        assert_eq!(encoded(Encoding::UpperCaseTags, "text/html", "<p>a</p>"), b"<P>a</P>");
        assert_eq!(encoded(Encoding::HexEntities, "text/html", "a &lt; b"), b"a &#x3c; b");
        assert_eq!(encoded(Encoding::CrLf, "text/plain", "a\nb\r\n"), b"a\r\nb\r\n");
    }
}
