//! The service account (JWT) exchange with IMS (surfaces.md §1.2, §1.3).

use std::collections::BTreeMap;

use bpconform_fixtures::surfaces::expand;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::clock;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// How long a token that is signed is good for, in seconds.
const GOOD_FOR: i64 = 300;

/// What is sent to be exchanged. Every field can be replaced to see it refused.
pub struct Exchange {
    /// The claims of the token.
    pub claims: Map<String, Value>,
    /// The token, when it is not to be signed from the claims.
    pub token: Option<String>,
    /// The private key, PEM.
    pub key: String,
    /// The client id; none is not sent.
    pub client_id: Option<String>,
    /// The client secret.
    pub client_secret: String,
}

impl Exchange {
    /// As documented, with the run's service account.
    pub async fn documented(session: &Session) -> Checked<Self> {
        let credentials = &session.credentials;
        let client_id = credentials.need("BPCONFORM_JWT_CLIENT_ID")?;
        let surface = session.surface("ims.exchange-jwt");
        let expires = clock::now(session).await?.as_second() + GOOD_FOR;
        Ok(Self {
            claims: claims(
                expires,
                credentials.need("BPCONFORM_IMS_ORG_ID")?,
                credentials.need("BPCONFORM_JWT_TECHNICAL_ACCOUNT")?,
                &audience(session, client_id)?,
                &metascope(session, surface.phrase("metascope"))?,
            ),
            token: None,
            key: credentials.need("BPCONFORM_JWT_PRIVATE_KEY")?.to_owned(),
            client_id: Some(client_id.to_owned()),
            client_secret: credentials.need("BPCONFORM_JWT_CLIENT_SECRET")?.to_owned(),
        })
    }

    /// Sends it.
    pub async fn send(&self, session: &Session) -> Checked<Reply> {
        let token = match &self.token {
            Some(token) => token.clone(),
            None => sign(&self.claims, &self.key)?,
        };
        let call = Call::to("ims.exchange-jwt").field("client-secret", &self.client_secret).field("jwt", token);
        let call = self.client_id.iter().fold(call, |call, id| call.field("client-id", id));
        session.send(call).await
    }
}

/// The JWT payload that AEM is given: what is the same for every token of the account.
pub fn payload(claims: &Map<String, Value>) -> String {
    Value::Object(claims.clone()).to_string()
}

fn claims(expires: i64, organization: &str, account: &str, audience: &str, metascope: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("exp".into(), expires.into());
    claims.insert("iss".into(), organization.into());
    claims.insert("sub".into(), account.into());
    claims.insert("aud".into(), audience.into());
    claims.insert(metascope.into(), true.into());
    claims
}

/// The audience of a client's tokens.
pub fn audience(session: &Session, client_id: &str) -> Checked<String> {
    fill(session, "audience", "client-id", client_id)
}

/// The claim that asks for a metascope.
pub fn metascope(session: &Session, metascope: &str) -> Checked<String> {
    fill(session, "metascope-claim", "metascope", metascope)
}

fn fill(session: &Session, phrase: &str, name: &str, value: &str) -> Checked<String> {
    let values = BTreeMap::from([(name.to_owned(), value.to_owned())]);
    expand(session.surface("ims.exchange-jwt").phrase(phrase), &values)
        .map_err(|missing| Problem::error(format!("ims.exchange-jwt: {phrase}: no value for {missing}")))
}

/// Signs claims with RS256.
pub fn sign(claims: &Map<String, Value>, key: &str) -> Checked<String> {
    let unusable = |error| Problem::error(format!("the private key of the service account cannot sign: {error}"));
    let key = EncodingKey::from_rsa_pem(key.as_bytes()).map_err(unusable)?;
    bpconform_fixtures::jwt::sign(&Header::new(Algorithm::RS256), claims, &key).map_err(unusable)
}

/// Claims of a token that ended before that time.
pub fn expired(mut claims: Map<String, Value>, now: Timestamp) -> Map<String, Value> {
    claims.insert("exp".into(), json!(now.as_second() - GOOD_FOR));
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_are_the_documented_ones() {
        let claims = claims(1, "O@AdobeOrg", "T@techacct.adobe.com", "https://ims/c/id", "https://ims/s/scope");
        assert_eq!(
            payload(&claims),
            r#"{"exp":1,"iss":"O@AdobeOrg","sub":"T@techacct.adobe.com","aud":"https://ims/c/id","https://ims/s/scope":true}"#
        );
        assert_eq!(expired(claims, Timestamp::UNIX_EPOCH)["exp"], json!(-300));
    }

    #[test]
    fn a_key_that_cannot_sign_is_an_error_that_does_not_show_it() {
        let problem =
            sign(&Map::new(), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").expect_err("no key");
        assert!(!problem.reason.contains("AAAA"), "{problem}");
    }
}
