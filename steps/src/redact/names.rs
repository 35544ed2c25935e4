//! Decides whether a name marks a secret, including the names that the operator added. Results are cached for a text.

use std::cell::RefCell;
use std::collections::HashMap;

use bpconform_fixtures::{SecretNames, Sensitivity};
use regex::Regex;

/// Classifies names; each is looked at once for a text.
#[derive(Debug)]
pub(super) struct Names<'a> {
    more: &'a [Regex],
    seen: RefCell<HashMap<String, Sensitivity>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(more: &'a [Regex]) -> Self {
        Self { more, seen: RefCell::default() }
    }

    /// What a name says about its value.
    pub(super) fn classify(&self, name: &str) -> Sensitivity {
        if name.len() > 128 {
            return Sensitivity::Public;
        }
        if let Some(known) = self.seen.borrow().get(name) {
            return *known;
        }
        let added = self.more.iter().any(|pattern| pattern.is_match(name));
        let said = if added { Sensitivity::Secret } else { SecretNames::built_in().classify(name) };
        self.seen.borrow_mut().insert(name.to_owned(), said);
        said
    }

    /// The patterns that the operator added.
    pub(super) fn more(&self) -> &[Regex] {
        self.more
    }
}
