//! Apache Felix's configuration files (`.config`), as AEM keeps them under `/apps/system/config` (surfaces.md §2.3):
//! lines of `name="value"`, `name=B"true"` and `name=["a","b"]` with backslash escapes.

use serde_json::{Map, Value};

/// The properties of a configuration file. What cannot be understood is left out: the caller asks for what it needs and
/// says what is missing.
pub fn parse(text: &str) -> Value {
    let mut properties = Map::new();
    let mut rest = text;
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
    // A letter before the value tells its type; it is read as text all the same.
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

    #[test]
    fn texts_types_lists_and_escapes_are_read() {
        let text = "# Configuration\r\nname=\"Adobe Brand Portal\"\r\nauth.timeout=I\"5\"\nreuse=B\"true\"\n\
            auth.token.provider.default.claims=[ \\\n  \"\\\"iss\\\" : \\\"1@AdobeOrg\\\"\", \\\n  ]\nscope=(\"a\",\"b\")\n\
            auth.access.token.request=\"https\\://ims/ims/token/v3?a\\=b\"\n";
        assert_eq!(
            parse(text),
            json!({
                "name": "Adobe Brand Portal", "auth.timeout": "5", "reuse": "true",
                "auth.token.provider.default.claims": ["\"iss\" : \"1@AdobeOrg\""], "scope": ["a", "b"],
                "auth.access.token.request": "https://ims/ims/token/v3?a=b",
            })
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(text in "([a-z.]{0,3}|[=\"\\\\\\[\\](),\n ü]){0,40}") {
            proptest::prop_assert!(parse(&text).is_object());
        }
    }
}
