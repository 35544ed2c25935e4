//! Which documented action a captured request is: each action scores what it knows of in the path, the fields and the
//! answer, and the highest wins.

use bpconform_fixtures::actions::Action;
use bpconform_fixtures::remedies::Pattern;
use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::{Actions, Surface, Surfaces};

use super::capture::Capture;

/// A lower score is a coincidence.
const ENOUGH: usize = 5;

/// What one thing that is found counts.
const EXACT_PATH: usize = 8;
const PATH: usize = 2;
const BODY: usize = 2;
const ANSWER: usize = 3;
const MOST_FIELDS: usize = 4;

/// An action that a request was recognised as.
#[derive(Clone, Debug)]
pub struct Recognised<'a> {
    /// The action.
    pub action: &'a Action,
    /// The endpoint as it is built in.
    pub surface: &'a Surface,
    /// How much speaks for it.
    pub score: usize,
}

/// The action that a request is, if it is one.
pub fn recognise<'a>(capture: &Capture, surfaces: &'a Surfaces, actions: &'a Actions) -> Option<Recognised<'a>> {
    let lines: Vec<String> = capture.all_fields().map(|(name, value)| format!("{name}={value}")).collect();
    let recognised = actions.all.iter().filter_map(|action| {
        let surface = surfaces.find(&action.surface)?;
        let score = score(capture, &lines, action, surface);
        (score >= ENOUGH).then_some(Recognised { action, surface, score })
    });
    // Of equals the first: the actions stand in the document's order.
    recognised.reduce(|best, other| if other.score > best.score { other } else { best })
}

fn score(capture: &Capture, lines: &[String], action: &Action, surface: &Surface) -> usize {
    let in_path = |pattern: &Pattern| pattern.regex().is_match(&capture.path);
    let in_fields = |pattern: &Pattern| lines.iter().any(|line| pattern.regex().is_match(line));
    let in_answer = |pattern: &Pattern| pattern.regex().is_match(&capture.answer);
    let anywhere = |pattern: &Pattern| in_path(pattern) || in_fields(pattern) || in_answer(pattern);
    let exact = surface.matches(&capture.method, &capture.path).is_some() && !surface.path.starts_with("/{");
    let right_method = action.method.contains(&capture.method);
    if !right_method || action.never.iter().any(in_path) || !action.needs.iter().all(anywhere) {
        return 0;
    }
    let count = |patterns: &[Pattern], found: &dyn Fn(&Pattern) -> bool| patterns.iter().filter(|it| found(it)).count();
    let known =
        surface.fields.values().filter(|name| capture.all_fields().any(|(field, _)| last(field) == *name)).count();
    (if exact { EXACT_PATH } else { 0 })
        + PATH * count(&action.path, &in_path)
        + BODY * count(&action.body, &in_fields)
        + ANSWER * count(&action.answer, &in_answer)
        + known.min(MOST_FIELDS)
}

/// Whether a change can be this action, although too little speaks for it to be sure. An action that only asks is never in
/// doubt: a change that was mistaken for it would be sent under a lower permission level.
pub fn is_possible(capture: &Capture, surface: &Surface, action: &Action) -> bool {
    let is = |pattern: &Pattern, text: &str| pattern.regex().is_match(text);
    let mut fields = capture.all_fields();
    let speaks_for_it = fields.any(|(name, value)| {
        surface.fields.values().any(|known| last(name) == *known)
            || action.names.values().any(|pattern| is(pattern, name) || is(pattern, last(name)))
            || action.values.values().any(|pattern| is(pattern, value))
    });
    let is_excluded = action.never.iter().any(|pattern| is(pattern, &capture.path));
    surface.class == Class::Change && action.method.contains(&capture.method) && !is_excluded && speaks_for_it
}

/// The last segment of a field's name: forms write `./jcr:content/tenantURL`.
pub fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
