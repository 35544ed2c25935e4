//! Phrases of endpoints that are regular expressions.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bpconform_fixtures::Surface;
use regex::Regex;

use crate::problem::{Checked, Problem};

/// The phrase of an endpoint as a regular expression. Each is compiled once: to do that for each environment of a fleet costs
/// more than most of its requests.
pub(crate) fn pattern(surface: &Surface, phrase: &str) -> Checked<Arc<Regex>> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Regex>>>> = LazyLock::new(Mutex::default);
    let text = surface.phrase(phrase);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled.get(text) {
        return Ok(Arc::clone(known));
    }
    let new = Regex::new(text).map_err(|error| Problem::error(format!("{}: phrase {phrase}: {error}", surface.id)))?;
    let new = Arc::new(new);
    compiled.insert(text.to_owned(), Arc::clone(&new));
    Ok(new)
}
