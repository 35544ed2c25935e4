//! Files of OSGi configurations as they are kept in the repository (surfaces.md §2.3): Apache Felix's `.config`, Java's
//! properties (`.cfg`), and the JSON of the OSGi configurator (`.cfg.json`).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// The ways in which a file's name ends, longest first.
const ENDINGS: [&str; 5] = [".cfg.json", ".config.json", ".config", ".cfg", ".json"];

/// The name of a configuration without the ending of its file.
pub fn without_ending(name: &str) -> &str {
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// Whether a file of that name is a configuration.
pub fn has_ending(name: &str) -> bool {
    without_ending(name).len() < name.len()
}

/// The name under which the comments of a file are among its properties: a secret may stand in them, too.
const COMMENTS: &str = "# comments";

/// The properties of a configuration file of that name, and its comments.
///
/// # Errors
///
/// What is wrong with a file of which no property can be read. A part that cannot be understood is left out: the caller asks
/// for what it needs and says what is missing.
pub fn read(name: &str, text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    let is_json = name.ends_with(".json");
    let mut read = match name {
        _ if is_json => json(text)?,
        _ if name.ends_with(".cfg") && !text.contains("=\"") => properties(text),
        _ => parse(text),
    };
    let Some(members) = read.as_object_mut().filter(|members| !members.is_empty()) else {
        return Err("no property can be read from it".to_owned());
    };
    let comments = if is_json { of_comments(text) } else { lines_of_comments(text) };
    members.extend(named_in(&comments));
    if !comments.is_empty() {
        members.insert(COMMENTS.to_owned(), Value::String(comments));
    }
    Ok(read)
}

fn lines_of_comments(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with(['#', '!']));
    lines.collect::<Vec<_>>().join("\n")
}

/// The properties that are commented out and hold what Adobe's client secrets begin with: `# name = "p8e-…"`. Other values
/// may be examples or words of a sentence.
fn named_in(comments: &str) -> Vec<(String, Value)> {
    static PAIR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"([\w.-]+)"?\s*[=:]\s*[A-Z]?"?((?:p8e|s8e)-[\w-]{8,})"#).expect("a constant pattern")
    });
    let pairs = PAIR.captures_iter(comments);
    pairs.map(|found| (format!("# {}", &found[1]), Value::String(found[2].to_owned()))).collect()
}

/// The configurator's JSON: comments may stand in it, and a name may bear its type: `"timeout:Integer"`.
fn json(text: &str) -> Result<Value, String> {
    let read: Map<String, Value> =
        serde_json::from_str(&without_comments(text)).map_err(|error| format!("it is no JSON object ({error})"))?;
    let plain = |name: String| match name.rsplit_once(':') {
        Some((plain, kind)) if kind.starts_with(|first: char| first.is_ascii_alphabetic()) => plain.to_owned(),
        _ => name,
    };
    Ok(Value::Object(read.into_iter().map(|(name, value)| (plain(name), value)).collect()))
}

/// The text without the comments of JavaScript; what stands in quotation marks stays.
fn without_comments(text: &str) -> String {
    parted(text).0
}

/// The comments of JavaScript in a text, one after another.
fn of_comments(text: &str) -> String {
    parted(text).1
}

/// A text without the comments of JavaScript, and the comments.
fn parted(text: &str) -> (String, String) {
    let mut out = String::with_capacity(text.len());
    let mut comments = String::new();
    let mut rest = text;
    let mut quoted = false;
    while let Some(next) = rest.chars().next() {
        let comment = if quoted { None } else { end_of_comment(rest) };
        if let Some(end) = comment {
            comments.push_str(&rest[..end]);
            comments.push('\n');
            rest = &rest[end..];
            continue;
        }
        let length = if quoted && next == '\\' {
            1 + rest[1..].chars().next().map_or(0, char::len_utf8)
        } else {
            next.len_utf8()
        };
        quoted ^= next == '"';
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    (out, comments)
}

fn end_of_comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.starts_with("/*").then(|| text.find("*/").map_or(text.len(), |end| end + 2))
}

/// Java's properties: `name = value`, `name: value`, with a backslash before a line break to go on.
fn properties(text: &str) -> Value {
    let joined = text.replace("\\\r\n", "").replace("\\\n", "");
    let lines = joined.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!']));
    let pair = |line: &str| {
        let (name, value) = line.split_once(['=', ':'])?;
        Some((name.trim().to_owned(), Value::String(value.trim().replace('\\', ""))))
    };
    Value::Object(lines.filter_map(pair).collect())
}

/// Felix's format: lines of `name="value"`, `name=B"true"` and `name=["a","b"]` with backslash escapes.
pub fn parse(text: &str) -> Value {
    let uncommented: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let text = uncommented.join("\n");
    let mut properties = Map::new();
    let mut rest = text.as_str();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.rsplit(['\n', '\r']).next().unwrap_or_default().trim().trim_matches('"');
        let (value, after) = value(after);
        if let Some(value) = value {
            properties.insert(name.replace('\\', ""), value);
        }
        rest = after;
    }
    Value::Object(properties)
}

/// The value that begins here, and what follows it.
fn value(text: &str) -> (Option<Value>, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    // A letter before the value is its type; the value is read as text anyway.
    let text = text.strip_prefix(|kind: char| kind.is_ascii_alphabetic()).unwrap_or(text);
    let Some(list) = text.strip_prefix(['[', '(']) else {
        let (value, rest) = quoted(text);
        return (value.map(Value::String), rest);
    };
    let mut values = Vec::new();
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\\');
        let (Some(value), after) = quoted(rest) else { break };
        values.push(Value::String(value));
        rest = after;
    }
    (Some(Value::Array(values)), rest)
}

/// The text in quotation marks that begins here, and what follows it.
fn quoted(text: &str) -> (Option<String>, &str) {
    let Some(inside) = text.strip_prefix('"') else { return (None, text) };
    let mut value = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (Some(value), &inside[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (None, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The properties of a file that can be read, without its comments.
    fn properties_of(name: &str, text: &str) -> Value {
        let mut read = read(name, text).expect("a file that can be read");
        read.as_object_mut().expect("properties").retain(|name, _| !name.starts_with('#'));
        read
    }

    #[test]
    fn a_secret_in_a_comment_is_among_the_properties() {
        for (name, text) in [
            ("x.config", "# old: auth.ims.client.secret=\"p8e-0123456789\"\nname=\"a\""),
            ("x.cfg", "! auth.ims.client.secret = p8e-0123456789\nname = a"),
            ("x.cfg.json", "{ /* \"auth.ims.client.secret\": \"p8e-0123456789\" */ \"name\": \"a\" }"),
        ] {
            let read = read(name, text).expect("a file that can be read");
            assert_eq!(read["# auth.ims.client.secret"], "p8e-0123456789", "{name}");
            assert!(read[COMMENTS].as_str().is_some_and(|text| text.contains("p8e-0123456789")), "{name}");
        }
        for example in ["<your-secret>", "rotated-2025-01", "see the manual", "p8e-"] {
            let text = format!("# client.secret=\"{example}\"\nname=\"a\"");
            assert!(read("x.config", &text).expect("readable").get("# client.secret").is_none(), "{example}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error() {
        for (name, text) in [
            ("x.config", ""),
            ("x.config", "n\0a\0m\0e\0"),
            ("x.cfg.json", ""),
            ("x.cfg.json", "{"),
            ("x.cfg.json", "{\"a\": \"b\",}"),
            ("x.cfg.json", "[]"),
            ("x.cfg.json", "{}"),
        ] {
            assert!(read(name, text).is_err(), "{name} {text}");
        }
    }

    #[test]
    fn texts_types_lists_and_escapes_are_read() {
        let text = "# Configuration, name=\"no\"\r\nname=\"Adobe Brand Portal\"\r\nauth.timeout=I\"5\"\nreuse=B\"true\"\n\
            auth.token.provider.default.claims=[ \\\n  \"\\\"iss\\\" : \\\"1@AdobeOrg\\\"\", \\\n  ]\nscope=(\"a\",\"b\")\n\
            auth.access.token.request = \"https\\://ims/ims/token/v3?a\\=b\"\n";
        assert_eq!(
            properties_of("x.config", text),
            json!({
                "name": "Adobe Brand Portal", "auth.timeout": "5", "reuse": "true",
                "auth.token.provider.default.claims": ["\"iss\" : \"1@AdobeOrg\""], "scope": ["a", "b"],
                "auth.access.token.request": "https://ims/ims/token/v3?a=b",
            })
        );
    }

    #[test]
    fn the_configurators_json_is_read_with_comments_and_types() {
        let text = "\u{feff}// Configuration created by Apache Sling JCR Installer\n{ /* a */ \"name\": \"http://x\", \
                    \"timeout:Integer\": 5, \"claims\": [\"\\\"iss\\\" : \\\"//1\\\"\"] }";
        assert_eq!(
            properties_of("x.cfg.json", text),
            json!({ "name": "http://x", "timeout": 5, "claims": ["\"iss\" : \"//1\""] })
        );
    }

    #[test]
    fn javas_properties_are_read() {
        let text = "# comment\nname = Adobe \\\n Brand Portal\nurl=https\\://ims/x\n! other\nempty=\n";
        assert_eq!(
            properties_of("x.cfg", text),
            json!({ "name": "Adobe  Brand Portal", "url": "https://ims/x", "empty": "" })
        );
    }

    #[test]
    fn the_ending_of_a_file_is_no_part_of_the_name() {
        for name in ["a.b-1", "a.b-1.config", "a.b-1.cfg.json", "a.b-1.cfg"] {
            assert_eq!(without_ending(name), "a.b-1");
        }
        assert!(has_ending("a.b-1.cfg.json") && !has_ending("a.b-1") && !has_ending("a.b-1.config.bak"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(text in "([a-z.]{0,3}|[=\"\\\\\\[\\](),/*:{}\n ü]){0,40}") {
            for name in ["a.config", "a.cfg", "a.cfg.json"] {
                let _ = read(name, &text);
            }
        }
    }
}
