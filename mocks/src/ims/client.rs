//! The credentials that are registered at IMS.

use serde::{Deserialize, Serialize};

/// A registered credential.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The client id, also called API key.
    pub id: String,
    /// The secrets, all of them valid (surfaces.md §1.1 multi-secret).
    pub secrets: Vec<String>,
    /// The organization, such as `1234@AdobeOrg`.
    pub org_id: String,
    /// The technical account's id, such as `1234@techacct.adobe.com`.
    pub technical_account: String,
    /// Its kind of credential.
    pub kind: Kind,
}

/// The kind of a credential, with what it may request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Kind {
    /// OAuth Server-to-Server, with the scopes that it may ask for.
    OAuth {
        /// The scopes.
        scopes: Vec<String>,
    },
    /// Service account (JWT).
    Jwt {
        /// The public certificates, PEM.
        certificates: Vec<String>,
        /// The metascopes that are bound to it.
        metascopes: Vec<String>,
    },
}

impl Client {
    pub(super) fn has_secret(&self, secret: &str) -> bool {
        !secret.is_empty() && self.secrets.iter().any(|known| known == secret)
    }

    pub(super) fn is_oauth(&self) -> bool {
        matches!(self.kind, Kind::OAuth { .. })
    }

    /// The scope of a token, if all requested scopes (separated by commas or spaces, at least one) are allowed.
    pub(super) fn granted(&self, asked: &str) -> Option<String> {
        let Kind::OAuth { scopes } = &self.kind else { return None };
        let asked: Vec<_> = asked.split([',', ' ']).filter(|scope| !scope.is_empty()).collect();
        let all_known = asked.iter().all(|scope| scopes.iter().any(|known| known == scope));
        (all_known && !asked.is_empty()).then(|| asked.join(","))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}
