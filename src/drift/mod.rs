//! `bpconform surface drift`: sends the same requests to two Authors and compares the form of their answers.

pub mod accepted;
pub mod ask;
pub mod report;
pub mod shape;

use std::collections::{BTreeMap, BTreeSet};

use bpconform_fixtures::DriftRequest;
use bpconform_steps::Problem;
use serde::{Deserialize, Serialize};

use crate::drift::shape::Shape;

/// What of two answers differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// The HTTP status.
    Status,
    /// The media type.
    MediaType,
    /// The names of the headers.
    Headers,
    /// The keys and types of JSON.
    Json,
    /// The elements of a page.
    Elements,
    /// Whether there is a body.
    Body,
}

impl Aspect {
    /// The aspect for a person.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::MediaType => "media type",
            Self::Headers => "header",
            Self::Json => "JSON",
            Self::Elements => "element",
            Self::Body => "body",
        }
    }
}

/// One difference between two answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The aspect.
    pub aspect: Aspect,
    /// The name of a header, the path of a JSON value or of an element; empty for the others.
    pub item: String,
    /// What A has.
    pub a: String,
    /// What B has.
    pub b: String,
}

/// A request with what differs between its two answers.
#[derive(Debug)]
pub struct Compared<'a> {
    /// The request.
    pub request: &'a DriftRequest,
    /// The differences, and the reason for each that is expected.
    pub differences: Vec<(Difference, Option<String>)>,
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Drift<'a> {
    /// The requests that both Authors answered.
    pub compared: Vec<Compared<'a>>,
    /// The requests that were not compared, and why.
    pub unanswered: Vec<(String, String)>,
    /// The reasons of accepted differences that nothing needs.
    pub unused: Vec<String>,
}

impl Drift<'_> {
    /// The number of differences that are expected, or are not.
    pub fn count(&self, expected: bool) -> usize {
        let all = self.compared.iter().flat_map(|compared| &compared.differences);
        all.filter(|(_, reason)| reason.is_some() == expected).count()
    }
}

/// The answers of A and B to one request, or why one is missing.
pub type Answers<'a> = (&'a DriftRequest, Result<(Shape, Shape), Problem>);

/// Compares all answers.
pub fn compare<'a>(answers: Vec<Answers<'a>>, accepted: &accepted::Accepted) -> Drift<'a> {
    let mut drift = Drift::default();
    for (request, answer) in answers {
        match answer {
            Err(problem) => drift.unanswered.push((request.name(), problem.reason)),
            Ok((a, b)) => {
                let name = request.name();
                let reason = |difference: &Difference| accepted.reason(&name, difference).map(str::to_owned);
                let all = differences(&a, &b).into_iter();
                let differences = all.map(|difference| (difference.clone(), reason(&difference))).collect();
                drift.compared.push(Compared { request, differences });
            }
        }
    }
    drift.unused = accepted.unused().into_iter().map(str::to_owned).collect();
    drift
}

/// What differs between two answers. Where the status or the media type differs, the rest is another answer altogether.
fn differences(a: &Shape, b: &Shape) -> Vec<Difference> {
    let difference = |aspect, item: &str, a: String, b: String| Difference { aspect, item: item.to_owned(), a, b };
    if a.status != b.status {
        return vec![difference(Aspect::Status, "", a.status.to_string(), b.status.to_string())];
    }
    let named = |media_type: &str| if media_type.is_empty() { "none".to_owned() } else { media_type.to_owned() };
    let mut found = one_sided(Aspect::Headers, &a.headers, &b.headers);
    if a.media_type != b.media_type {
        found.push(difference(Aspect::MediaType, "", named(&a.media_type), named(&b.media_type)));
        return found;
    }
    if a.has_body != b.has_body {
        let there = |has: bool| if has { "present" } else { "absent" }.to_owned();
        found.push(difference(Aspect::Body, "", there(a.has_body), there(b.has_body)));
        return found;
    }
    match (&a.json, &b.json) {
        (Some(a), Some(b)) => found.extend(json_differences(a, b)),
        (None, None) => {}
        (a, _) => {
            let word = |is: bool| if is { "JSON" } else { "no JSON" }.to_owned();
            found.push(difference(Aspect::Json, "", word(a.is_some()), word(a.is_none())));
        }
    }
    if let (Some(a), Some(b)) = (&a.elements, &b.elements) {
        found.extend(one_sided(Aspect::Elements, a, b));
    }
    found
}

/// The types of JSON values by their path.
type Types = BTreeMap<String, BTreeSet<&'static str>>;

fn json_differences(a: &Types, b: &Types) -> Vec<Difference> {
    let paths: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let types =
        |all: &Types, path: &str| all.get(path).map(|types| types.iter().copied().collect::<Vec<_>>().join(" or "));
    let mut found = Vec::new();
    for path in paths {
        let (of_a, of_b) = (types(a, path), types(b, path));
        // What is below a key that only one of them has goes without saying.
        let lacks = |all: &Types| parents(path).any(|parent| !all.contains_key(parent));
        if of_a == of_b || lacks(a) || lacks(b) {
            continue;
        }
        let word = |types: Option<String>| types.unwrap_or_else(|| "absent".to_owned());
        found.push(Difference { aspect: Aspect::Json, item: path.clone(), a: word(of_a), b: word(of_b) });
    }
    found
}

/// The paths above one.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices(['/', '[']).map(|(at, _)| &path[..at]).filter(|parent| !parent.is_empty())
}

fn one_sided(aspect: Aspect, a: &BTreeSet<String>, b: &BTreeSet<String>) -> Vec<Difference> {
    let (present, absent) = ("present", "absent");
    let side = |item: &String, a: &str, b: &str| Difference { aspect, item: item.clone(), a: a.into(), b: b.into() };
    let only_a = a.difference(b).map(|item| side(item, present, absent));
    only_a.chain(b.difference(a).map(|item| side(item, absent, present))).collect()
}
