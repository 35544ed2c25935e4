//! Changes of headers.

use std::collections::BTreeMap;

use crate::machine::Headers;

/// Sets headers; an empty text removes one.
pub(super) fn set_headers(headers: &mut Headers, set: &BTreeMap<String, String>) {
    for (name, value) in set {
        let name = name.to_ascii_lowercase();
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        headers.extend((!value.is_empty()).then(|| (name, value.clone())));
    }
}
