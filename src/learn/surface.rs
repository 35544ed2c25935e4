//! What is written of a recognised request: path, method, the wire's name for each word of the harness. Names and patterns
//! only; of values those that are the same for everybody.

use std::collections::BTreeMap;

use bpconform_fixtures::Surface;
use bpconform_fixtures::actions::Action;
use bpconform_fixtures::surfaces::Evidence;

use super::capture::{Capture, is_secret};
use super::recognise::{Recognised, last};

/// The endpoint that a request teaches. The error says why its path cannot be written.
pub fn learned(capture: &Capture, recognised: &Recognised<'_>, source: String) -> Result<Surface, String> {
    let Recognised { action, surface, .. } = recognised;
    if capture.path.contains(['{', '}']) {
        return Err("its path has braces, which stand for placeholders in a file of endpoints".into());
    }
    written(capture, action, surface, BTreeMap::new(), source)
}

/// The endpoint that a request teaches, with the wire's names that are known for sure.
pub(super) fn written(
    capture: &Capture,
    action: &Action,
    surface: &Surface,
    sure: BTreeMap<String, String>,
    source: String,
) -> Result<Surface, String> {
    let fields = fields(capture, action, surface, sure);
    let missing: Vec<&str> =
        surface.fields.keys().filter(|word| !fields.contains_key(*word)).map(String::as_str).collect();
    let note =
        (!missing.is_empty()).then(|| format!("not seen in the capture, taken as built in: {}", missing.join(", ")));
    Ok(Surface {
        method: capture.method.clone(),
        path: path(capture, action, surface)?,
        alternatives: Vec::new(),
        query: constants(&capture.query, &fields),
        always: constants(&capture.fields, &fields),
        activity: false,
        evidence: Evidence::Learned,
        source,
        phrases: phrases(capture, action, &fields),
        wording: BTreeMap::new(),
        fields,
        note,
        ..surface.clone()
    })
}

fn path(capture: &Capture, action: &Action, surface: &Surface) -> Result<String, String> {
    let known = std::iter::once(&surface.path).chain(&surface.alternatives);
    let known = known.filter(|_| surface.method == capture.method).find(|pattern| {
        let alone = Surface { path: (*pattern).clone(), alternatives: Vec::new(), ..surface.clone() };
        alone.matches(&capture.method, &capture.path).is_some()
    });
    if let Some(pattern) = known {
        return Ok(pattern.clone());
    }
    if let Some(pattern) = with_known_end(capture, surface) {
        return Ok(pattern);
    }
    let pattern = action.placeholders.iter().fold(capture.path.clone(), |path, (name, pattern)| {
        pattern.regex().replace_all(&path, format!("{{{name}}}")).into_owned()
    });
    match pattern.split(['/', '.']).find(|segment| is_opaque(segment)) {
        Some(_) => {
            Err("its path holds what looks like an identifier of one case, so that it would work only once".into())
        }
        None => Ok(pattern),
    }
}

/// The path with the placeholders of the known one, if it ends as that one does.
fn with_known_end(capture: &Capture, surface: &Surface) -> Option<String> {
    let known: Vec<&str> = surface.path.split('/').collect();
    let end = known.iter().position(|segment| segment.contains('{')).map(|first| &known[first..])?;
    // A placeholder alone is every path.
    end.last().filter(|last| !last.contains('{'))?;
    let segments: Vec<&str> = capture.path.split('/').collect();
    let (beginning, own) = segments.split_at(segments.len().checked_sub(end.len())?);
    let pattern = Surface { path: format!("/{}", end.join("/")), alternatives: Vec::new(), ..surface.clone() };
    pattern.matches(&capture.method, &format!("/{}", own.join("/")))?;
    Some(format!("{}/{}", beginning.join("/"), end.join("/")))
}

/// Whether a segment is a random identifier or a token, and no word.
fn is_opaque(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    segment.len() >= 20 && digits >= 4 && !segment.starts_with('{')
}

/// Whether a field has the meaning of a given term.
type Way<'a> = dyn Fn(&str, &(String, String)) -> bool + 'a;

/// The wire's name for each word: the known name, else one that looks like it, else one whose value does.
fn fields(
    capture: &Capture,
    action: &Action,
    surface: &Surface,
    sure: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let all: Vec<&(String, String)> = capture.all_fields().collect();
    let mut found = sure;
    let known = |word: &str, (name, _): &(String, String)| surface.fields[word] == last(name);
    let named = |word: &str, (name, _): &(String, String)| {
        action
            .names
            .get(word)
            .is_some_and(|pattern| pattern.regex().is_match(name) || pattern.regex().is_match(last(name)))
    };
    let valued = |word: &str, (_, value): &(String, String)| {
        action.values.get(word).is_some_and(|pattern| pattern.regex().is_match(value))
    };
    let ways: [&Way<'_>; 3] = [&known, &named, &valued];
    for is in ways {
        for word in surface.fields.keys() {
            if found.contains_key(word) {
                continue;
            }
            let free =
                |field: &&&(String, String)| !found.values().any(|name| *name == field.0) && !is_sling_suffix(&field.0);
            if let Some((name, _)) = all.iter().filter(free).find(|field| is(word, field)) {
                found.insert(word.clone(), name.clone());
            }
        }
    }
    found
}

/// `name@Delete`, `name@TypeHint`: instructions to Sling about a field, not fields.
fn is_sling_suffix(name: &str) -> bool {
    last(name).contains('@')
}

/// Fields for Sling whose value is a name or a path of somebody's.
const SOMEBODYS: [&str; 9] =
    [":applyTo", ":content", ":contentFile", ":dest", ":errorpage", ":name", ":nameHint", ":order", ":redirect"];

/// Fields of every such request: instructions to Sling, without data of a user.
fn constants(fields: &[(String, String)], mapped: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let constant = |(name, value): &&(String, String)| {
        let for_sling = name.starts_with(':') || name == "_charset_" || last(name) == "sling:resourceType";
        let plain = value.len() <= 100 && value.chars().all(|c| c.is_ascii_alphanumeric() || "/:._- ".contains(c));
        for_sling
            && plain
            && !is_secret(name)
            && !SOMEBODYS.contains(&name.as_str())
            && !mapped.values().any(|it| it == name)
            && !value.split('/').any(is_opaque)
    };
    fields.iter().filter(constant).cloned().collect()
}

/// The phrases that the request shows: values of choices, which are the same for everybody.
fn phrases(capture: &Capture, action: &Action, fields: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let phrase = |(word, phrase): (&String, &String)| {
        let name = fields.get(word)?;
        let (_, value) = capture.all_fields().find(|(field, _)| field == name)?;
        let right = action.values.get(word).is_none_or(|pattern| pattern.regex().is_match(value));
        (right && value.len() <= 60).then(|| (phrase.clone(), value.clone()))
    };
    action.phrases.iter().filter_map(phrase).collect()
}
