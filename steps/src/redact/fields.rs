//! Pairs whose name and value are fields of their own, in a text that is neither JSON nor XML:
//! `Property[name=smtp.password, value=a1b2c3]`, `[name: login-token][value: a1b2c3]`, and in YAML a line for each.

use std::sync::LazyLock;

use bpconform_fixtures::Sensitivity;
use regex::Regex;

use super::names::Names;
use super::value::{Finding, judge, looks_drawn};

/// Finds the values of such pairs.
pub(super) fn find(text: &str, names: &Names<'_>) -> Vec<Finding> {
    static PAIR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#"(?ix)\b(?:name|key|property|propertyname|header|param|parameter|field)\s?[=:]\s?["']?
            (?<name>[^\s"'=,;\[\]{}()<>]+?)["']?(?:[,;]\s?|\]\s?\[|\s?\r?\n[\ \t]*)
            (?:value|val|propertyvalue)\s?[=:][\ \t]?"#,
        )
        .expect("a constant pattern")
    });
    if !text.contains("alue") && !text.contains("val") && !text.contains("VAL") {
        return Vec::new();
    }
    let pairs = PAIR.captures_iter(text).filter_map(|pair| {
        let name = names.classify(&pair["name"]);
        let start = pair.get(0)?.end();
        let rest = &text[start..];
        let quote = rest.chars().next().filter(|first| "\"'".contains(*first));
        let (start, length) = match quote {
            Some(quote) => (start + 1, rest[1..].find([quote, '\n'])?),
            None => (start, rest.find(|it: char| it.is_whitespace() || ",]})>".contains(it)).unwrap_or(rest.len())),
        };
        let value = &text[start..start + length];
        let is_nothing = ["true", "false", "0", "[", "{", "|", ">", "|-", ">-"].contains(&value);
        (name > Sensitivity::Public && !is_nothing)
            .then(|| judge(name, text, start..start + length, looks_drawn(value)))?
    });
    pairs.collect()
}
