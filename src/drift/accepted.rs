//! Differences that are expected, each with its reason: the file of `--accept`.

use std::cell::Cell;
use std::path::Path;

use bpconform_fixtures::toml_problem;
use regex::Regex;
use serde::Deserialize;

use crate::drift::{Aspect, Difference};
use crate::error::Error;

/// What is expected to differ.
#[derive(Debug)]
pub struct Accepted {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    reason: String,
    request: Regex,
    aspects: Vec<Aspect>,
    item: Regex,
    a: Option<Regex>,
    b: Option<Regex>,
    used: Cell<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    accepted: Vec<Line>,
}

/// An entry of the file; in a pattern, `*` is any text and `\\*` a star.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    reason: String,
    #[serde(default = "anything")]
    request: Patterns,
    #[serde(default)]
    aspect: Aspects,
    #[serde(default = "anything")]
    item: Patterns,
    a: Option<Patterns>,
    b: Option<Patterns>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Patterns {
    One(String),
    Any(Vec<String>),
}

/// One aspect or several; none is any.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Aspects {
    One(Aspect),
    Several(Vec<Aspect>),
    #[default]
    Any,
}

fn anything() -> Patterns {
    Patterns::One("*".to_owned())
}

impl Patterns {
    fn regex(&self) -> Result<Regex, String> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Any(all) => all,
        };
        let patterns: Vec<_> = all.iter().map(|one| pattern(one)).collect();
        Regex::new(&format!("(?s)^(?:{})$", patterns.join("|"))).map_err(|error| error.to_string())
    }
}

/// The regular expression of a pattern: `*` is any text, `\\*` a star.
fn pattern(text: &str) -> String {
    let literal = |part: &str| part.split('*').map(regex::escape).collect::<Vec<_>>().join(".*");
    text.split("\\*").map(literal).collect::<Vec<_>>().join("\\*")
}

impl Accepted {
    /// Nothing is expected to differ.
    pub const fn nothing() -> Self {
        Self { entries: Vec::new() }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Read { file: path.to_owned(), problem };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| toml_problem(text, &error))?;
        let entries = file.accepted.into_iter().enumerate().map(|(index, line)| {
            Entry::read(&line).map_err(|problem| format!("entry {} of [[accepted]]: {problem}", index + 1))
        });
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }

    /// The reason why a difference is expected; none if it is not.
    pub fn reason(&self, request: &str, difference: &Difference) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.fits(request, difference))?;
        entry.used.set(true);
        Some(&entry.reason)
    }

    /// The reasons of the entries that no difference needs.
    pub fn unused(&self) -> Vec<&str> {
        let unused = self.entries.iter().filter(|entry| !entry.used.get());
        unused.map(|entry| entry.reason.as_str()).collect()
    }

    /// The number of entries.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the list is empty.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Entry {
    fn read(line: &Line) -> Result<Self, String> {
        if line.reason.trim().is_empty() {
            return Err("the reason is empty; say why the difference is expected".to_owned());
        }
        Ok(Self {
            reason: line.reason.clone(),
            request: line.request.regex()?,
            aspects: match &line.aspect {
                Aspects::One(one) => vec![*one],
                Aspects::Several(several) => several.clone(),
                Aspects::Any => Vec::new(),
            },
            item: line.item.regex()?,
            a: line.a.as_ref().map(Patterns::regex).transpose()?,
            b: line.b.as_ref().map(Patterns::regex).transpose()?,
            used: Cell::new(false),
        })
    }

    fn fits(&self, request: &str, difference: &Difference) -> bool {
        let side = |pattern: &Option<Regex>, value: &str| pattern.as_ref().is_none_or(|it| it.is_match(value));
        self.request.is_match(request)
            && (self.aspects.is_empty() || self.aspects.contains(&difference.aspect))
            && self.item.is_match(&difference.item)
            && side(&self.a, &difference.a)
            && side(&self.b, &difference.b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(item: &str) -> Difference {
        Difference { aspect: Aspect::Headers, item: item.to_owned(), a: "absent".into(), b: "present".into() }
    }

    #[test]
    fn an_entry_fits_by_its_patterns_and_is_used() {
        let text =
            "[[accepted]]\nreason = \"r\"\nrequest = [\"GET /a*\", \"GET /b\"]\naspect = \"headers\"\nitem = \"x-*\"\n";
        let accepted = Accepted::parse(text).expect("it can be read");
        assert_eq!(accepted.unused(), ["r"]);
        assert_eq!(accepted.reason("GET /c", &header("x-a")), None);
        assert_eq!(accepted.reason("GET /a.json", &header("y")), None);
        assert_eq!(accepted.reason("GET /a.json", &header("x-a")), Some("r"));
        assert!(accepted.unused().is_empty());
    }

    #[test]
    fn a_star_can_be_meant() {
        let accepted =
            Accepted::parse("[[accepted]]\nreason = \"r\"\nrequest = 'GET */\\*.json'\n").expect("it can be read");
        assert_eq!(accepted.reason("GET /content/*.json", &header("x")), Some("r"));
        assert_eq!(accepted.reason("GET /content/a.json", &header("x")), None);
    }

    #[test]
    fn a_file_that_is_wrong_says_where() {
        let empty = Accepted::parse("[[accepted]]\nreason = \" \"\n").expect_err("no reason");
        assert_eq!(empty, "entry 1 of [[accepted]]: the reason is empty; say why the difference is expected");
        let unknown = Accepted::parse("[[accepted]]\nreason = \"a\"\naspects = \"json\"\n").expect_err("a wrong word");
        assert!(unknown.starts_with("line 3: "), "{unknown}");
    }
}
