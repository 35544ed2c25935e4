//! Changes claims of access tokens and signs them again with the key of the mocked IMS.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bpconform_fixtures::certificates::IMS_SIGNING_KEY;
use bpconform_fixtures::jwt;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::dangerous::insecure_decode;
use serde_json::{Map, Value};

static SIGN: LazyLock<EncodingKey> =
    LazyLock::new(|| EncodingKey::from_rsa_pem(IMS_SIGNING_KEY.as_bytes()).expect("the embedded key is well formed"));

/// The token with these claims; a malformed token stays as it is.
pub(super) fn with_claims(token: &str, claims: &BTreeMap<String, String>) -> String {
    let Ok(mut decoded) = insecure_decode::<Map<String, Value>>(token) else { return token.to_owned() };
    decoded.claims.extend(claims.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
    jwt::sign(&decoded.header, &decoded.claims, &SIGN).unwrap_or_else(|_| token.to_owned())
}
