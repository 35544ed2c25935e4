//! Decides whether a name marks a secret, including the names that the operator added. Results are cached for a text.

use std::cell::RefCell;
use std::collections::HashMap;

use bpconform_fixtures::{SecretNames, Sensitivity};
use regex::Regex;

/// Whether only the `X-` before it makes a header secret, which somebody added for a gateway: `X-Session`, `X-Vhost-Key`.
/// Its value may be the name of something.
pub(super) fn is_of_gateway(name: &str) -> bool {
    let plain = name.get(..2).filter(|start| start.eq_ignore_ascii_case("x-")).map(|start| &name[start.len()..]);
    let said = |name: &str| SecretNames::built_in().classify(name);
    plain.is_some_and(|plain| said(name) == Sensitivity::Secret && said(plain) < Sensitivity::Secret)
}

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
