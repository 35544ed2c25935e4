//! The exchange of a service account's JWT for a token, with its table of errors (surfaces.md §1.2, §1.3).

use std::sync::Arc;

use bpconform_fixtures::jwt;
use jiff::Timestamp;
use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};
use url::Url;

use super::client::{Client, Kind};
use super::{EXPIRES_IN_SECONDS, Ims, error, granted, token};
use crate::machine::{Form, Response};

/// The maximum number of remembered `jti` claims.
const MOST_USED: usize = 10_000;

type Claims = Map<String, Value>;

impl Ims {
    pub(super) fn exchange(&mut self, now: Timestamp, form: &Form) -> Response {
        self.exchanged(now, form).unwrap_or_else(|refusal| refusal)
    }

    fn exchanged(&mut self, now: Timestamp, form: &Form) -> Result<Response, Response> {
        let surfaces = Arc::clone(&self.surfaces);
        let surface = surfaces.get("ims.exchange-jwt");
        let field = |word: &str| form.get(surface.field(word)).filter(|value| !value.is_empty());
        if ["client-id", "client-secret", "jwt"].into_iter().all(|word| field(word).is_none()) {
            return Err(error(400, "bad_request", "the request has none of its parameters"));
        }
        let id =
            field("client-id").ok_or_else(|| error(400, "invalid_client", "the client_id parameter is missing"))?;
        let unknown = || error(400, "invalid_client", "no client has this id");
        let client = self.clients.get(id).ok_or_else(unknown)?;
        if !client.has_secret(field("client-secret").unwrap_or_default()) {
            return Err(error(401, "invalid_client", "the client_id and client_secret combination is invalid"));
        }
        let Kind::Jwt { certificates, metascopes } = &client.kind else {
            return Err(error(401, "invalid_client", "the client does not have the exchange_jwt scope"));
        };
        let jwt = field("jwt").ok_or_else(|| invalid_token("the JWT is missing"))?;
        let claims = verified(jwt, certificates)?;
        let (expires, jti) = in_time(now, &claims)?;
        bound(&claims, client)?;
        let scope = metascope(&claims, metascopes)?;
        let answer = token::issue(now, client, &scope, self.issued);
        let id = client.id.clone();
        if let Some(jti) = jti {
            self.use_once(now, (id, jti), expires)?;
        }
        self.issued += 1;
        let expires_in = EXPIRES_IN_SECONDS * 1000;
        Ok(granted(&json!({ "token_type": "bearer", "access_token": answer, "expires_in": expires_in })))
    }

    /// A `jti` is valid for one exchange during the lifetime of its JWT.
    fn use_once(&mut self, now: Timestamp, jti: (String, i64), expires: i64) -> Result<(), Response> {
        self.used.retain(|_, until| *until > now.as_second());
        if self.used.contains_key(&jti) {
            return Err(error(400, "invalid_jti", "the jti was used before"));
        }
        if self.used.len() < MOST_USED {
            self.used.insert(jti, expires);
        }
        Ok(())
    }
}

fn invalid_token(description: &str) -> Response {
    error(400, "invalid_token", description)
}

/// The claims, if the key of one of the certificates signed them.
fn verified(jwt: &str, certificates: &[String]) -> Result<Claims, Response> {
    let undecodable = |_| invalid_token("the JWT cannot be decoded");
    let unverified = insecure_decode::<Claims>(jwt).map_err(undecodable)?;
    if unverified.header.alg != Algorithm::RS256 {
        return Err(invalid_token("the JWT is not signed by RS256"));
    }
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    certificates
        .iter()
        .filter_map(|pem| DecodingKey::from_rsa_pem(pem.as_bytes()).ok())
        .find_map(|key| jwt::verify::<Claims>(jwt, &key, &validation).ok())
        .map(|token| token.claims)
        .ok_or_else(|| error(400, "invalid_signature", "Could not match JWT signature to any of the bindings"))
}

/// The expiry of the JWT (seconds) and its `jti`, if any.
fn in_time(now: Timestamp, claims: &Claims) -> Result<(i64, Option<i64>), Response> {
    let expires = claims.get("exp").and_then(Value::as_i64);
    let expires = expires.ok_or_else(|| invalid_token("exp must be an integer of seconds"))?;
    if expires <= now.as_second() {
        return Err(invalid_token("the JWT has expired"));
    }
    let jti = match claims.get("jti") {
        None => None,
        Some(jti) => Some(jti.as_i64().ok_or_else(|| invalid_token("jti must be an integer"))?),
    };
    Ok((expires, jti))
}

/// Whether the JWT is for this client, its organization and its technical account.
fn bound(claims: &Claims, client: &Client) -> Result<(), Response> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let audience = Url::parse(text("aud")).map(|url| url.path().to_owned()).unwrap_or_default();
    if audience != format!("/c/{}", client.id) {
        return Err(error(400, "invalid_client", "aud does not name the client"));
    }
    if !text("iss").ends_with("@AdobeOrg") || !text("sub").ends_with("@techacct.adobe.com") {
        return Err(error(400, "bad_request", "iss and sub must be an organization and a technical account"));
    }
    if text("iss") != client.org_id || text("sub") != client.technical_account {
        return Err(invalid_token("iss and sub do not name the client's organization and technical account"));
    }
    Ok(())
}

/// The metascopes of the JWT; all must be bound to the client.
fn metascope(claims: &Claims, bound: &[String]) -> Result<String, Response> {
    let asked: Vec<_> = claims
        .iter()
        .filter(|(_, value)| **value == Value::Bool(true))
        .filter_map(|(name, _)| Url::parse(name).ok()?.path().strip_prefix("/s/").map(str::to_owned))
        .collect();
    if asked.is_empty() || asked.iter().any(|scope| !bound.contains(scope)) {
        return Err(error(400, "invalid_scope", "no metascope is asked for, or one that is not bound to the client"));
    }
    Ok(asked.join(","))
}
