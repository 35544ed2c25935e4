//! The key store of the service user that owns the JWT credentials' certificates (surfaces.md §2.4).

use serde_json::Value;

use crate::author::Author;

impl Author {
    /// Whether the key store has a key under that alias.
    pub(super) fn has_key(&self, alias: &str) -> bool {
        let _ = (alias, &self.surfaces);
        false
    }

    /// The claims as a signed assertion.
    pub(super) fn sign(&self, alias: &str, claims: &Value) -> Result<String, String> {
        let _ = (claims, &self.surfaces);
        Err(format!("no key under the alias {alias}"))
    }
}
