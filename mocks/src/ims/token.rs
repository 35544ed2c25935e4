//! Access tokens: signed JWTs that expire by the mock's clock (surfaces.md §1.4).

use std::sync::LazyLock;

use bpconform_fixtures::certificates::{IMS_SIGNING_KEY, IMS_SIGNING_PUBLIC_KEY};
use bpconform_fixtures::jwt;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::client::Client;

/// The lifetime of a token in its payload, in milliseconds.
const LIFE_MS: i64 = 86_400_000;

static SIGN: LazyLock<EncodingKey> =
    LazyLock::new(|| EncodingKey::from_rsa_pem(IMS_SIGNING_KEY.as_bytes()).expect("the embedded key is well formed"));

static VERIFY: LazyLock<DecodingKey> = LazyLock::new(|| {
    DecodingKey::from_rsa_pem(IMS_SIGNING_PUBLIC_KEY.as_bytes()).expect("the embedded key is well formed")
});

/// The payload of a token; all values are texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    id: String,
    r#type: String,
    pub(super) client_id: String,
    user_id: String,
    r#as: String,
    aa_id: String,
    fg: String,
    moi: String,
    scope: String,
    created_at: String,
    expires_in: String,
}

/// A new token; `number` makes it unique.
pub(super) fn issue(now: Timestamp, client: &Client, scope: &str, number: u64) -> String {
    let created_at = now.as_millisecond();
    let claims = Claims {
        id: format!("{created_at}_{number:08x}_mock"),
        r#type: "access_token".to_owned(),
        client_id: client.id.clone(),
        user_id: client.technical_account.clone(),
        r#as: "ims-na1".to_owned(),
        aa_id: client.technical_account.clone(),
        fg: "MOCKMOCKMOCK".to_owned(),
        moi: "b9c0ffee".to_owned(),
        scope: scope.to_owned(),
        created_at: created_at.to_string(),
        expires_in: LIFE_MS.to_string(),
    };
    let mut header = Header::new(Algorithm::RS256);
    header.x5u = Some("ims_na1-key-1.cer".to_owned());
    header.kid = Some("ims_na1-key-1".to_owned());
    jwt::sign(&header, &claims, &SIGN).expect("texts can be signed")
}

/// The claims of a token that is valid now, or the problem.
pub(super) fn check(now: Timestamp, token: &str) -> Result<Claims, &'static str> {
    // The token has no `exp` and `iat`, and its clock is the mock's.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims = jwt::verify::<Claims>(token, &VERIFY, &validation).map_err(|_| "bad signature or payload")?.claims;
    let number = |text: &str| text.parse::<i64>().map_err(|_| "bad payload");
    let created = Timestamp::from_millisecond(number(&claims.created_at)?).map_err(|_| "bad payload")?;
    let ends = created + SignedDuration::from_millis(number(&claims.expires_in)?);
    if now >= ends { Err("expired") } else { Ok(claims) }
}
