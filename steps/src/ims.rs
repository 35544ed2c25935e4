//! Asks IMS for tokens as the OAuth Server-to-Server credential does (surfaces.md §1.1, §1.2, §1.5).

use bpconform_fixtures::Cause;
use serde_json::Value;

use crate::call::{Authentication, Call};
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// A token and what IMS says of it.
#[derive(Clone)]
pub struct Token {
    /// The token itself, a secret.
    pub access_token: String,
    /// Its type, as IMS writes it; none when IMS does not say.
    pub token_type: Option<String>,
    /// How long it is good for, in seconds.
    pub expires_in: Option<i64>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({:?}, {:?} s)", self.token_type, self.expires_in)
    }
}

/// A token request with the run's credential; `instead` replaces single fields, by the harness's words for
/// them (`grant`, `client-id`, `client-secret`, `scope`).
pub async fn request(session: &Session, instead: &[(&str, &str)]) -> Checked<Reply> {
    let credentials = &session.credentials;
    let right = [
        ("grant", session.surface("ims.token").phrase("grant")),
        ("client-id", credentials.need("BPCONFORM_IMS_CLIENT_ID")?),
        ("client-secret", credentials.need("BPCONFORM_IMS_CLIENT_SECRET")?),
        ("scope", credentials.need("BPCONFORM_IMS_SCOPE")?),
    ];
    let call = right.into_iter().fold(Call::to("ims.token"), |call, (word, value)| {
        let replaced = instead.iter().find(|(replaced, _)| *replaced == word);
        call.field(word, replaced.map_or(value, |(_, value)| value))
    });
    session.send(call).await
}

/// The codes with which IMS refuses a credential or what is asked with it: those of RFC 6749, section 5.2.
const REFUSED: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// The codes with which it refuses a JSON Web Token, too (surfaces.md §1.2). Gateways use some of them for any request.
const REFUSED_EXCHANGE: [&str; 4] = ["invalid_token", "invalid_signature", "invalid_jti", "bad_request"];

/// Codes of errors that say nothing about a credential: IMS limits requests (aem-cloud.md), and RFC 6749 has the others.
const NOT_NOW: [(&str, Cause); 3] = [
    ("too_many_requests", Cause::RateLimited),
    ("temporarily_unavailable", Cause::NotReady),
    ("server_error", Cause::NotReady),
];

/// A token for the run's credential. A refusal fails the step: the credential is not as the documentation asks.
pub async fn token(session: &Session) -> Checked<Token> {
    token_with(session, &[]).await
}

/// A token for another credential than the run's: see [`request`] for the words.
pub async fn token_with(session: &Session, credential: &[(&str, &str)]) -> Checked<Token> {
    given(&request(session, credential).await?, "the credential")
}

/// The token that IMS gave, unless it refuses what was sent. It may also refuse with status 200 (surfaces.md §1.2).
pub fn given(reply: &Reply, sent: &str) -> Checked<Token> {
    let reply = reply.clone().expect_status(&[200, 400, 401])?;
    if reply.status == 200 {
        let json = reply.json()?;
        if let Some(token) = read(&json) {
            return Ok(token);
        }
        let has = |name: &str| json.get(name).is_some();
        if !has("error") && ["access_token", "token_type", "expires_in"].into_iter().any(has) {
            return Err(Problem::failed(format!("{} answered 200 without an access token", reply.what())));
        }
    }
    let refusal = Refusal::read(&reply)?;
    Err(Problem::failed(format!("IMS refuses {sent} with {}: {refusal}", reply.status)))
}

/// Reads a token. IMS may answer 200 and yet give none.
pub fn read(json: &Value) -> Option<Token> {
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Token {
        access_token: text("access_token").filter(|token| !token.is_empty())?,
        token_type: text("token_type"),
        expires_in: json.get("expires_in").and_then(whole),
    })
}

/// A whole number, however JSON writes it: also as a text, or with a fraction of zero.
fn whole(value: &Value) -> Option<i64> {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    whole.parse().ok().filter(|_| is_whole)
}

/// What IMS says when it refuses a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The error's code.
    pub error: String,
    /// The description; empty if it is missing.
    pub description: String,
}

impl Refusal {
    /// Reads a refusal; an answer of another kind is an error, and so is one that may be another one later. A gateway
    /// before IMS also answers with JSON, but with other codes.
    pub fn read(reply: &Reply) -> Checked<Self> {
        let json = reply.json()?;
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let foreign = |what: &str| reply.instead(what).because(Cause::GatewayInstead);
        let description = text("error_description");
        let error = text("error").ok_or_else(|| match description {
            Some(_) => reply.instead("an error of IMS without its code"),
            None => foreign("JSON that names no error, which IMS does"),
        })?;
        let refusal = Self { error, description: description.unwrap_or_default() };
        match NOT_NOW.iter().find(|(code, _)| *code == refusal.error) {
            Some((_, cause)) => {
                let reason = format!("IMS does not answer the request now, with {}: {refusal}", reply.status);
                Err(Problem::error(reason).because(*cause))
            }
            None if !is_ims_own(reply, &refusal.error) => Err(foreign("an error that is none of IMS's")),
            None => Ok(refusal),
        }
    }
}

/// Whether IMS refuses a request with that code. A bearer token is sent to neither endpoint, so that only a gateway asks for one.
fn is_ims_own(reply: &Reply, error: &str) -> bool {
    let wants_token = reply.header("www-authenticate").is_some_and(|it| it.to_ascii_lowercase().starts_with("bearer"));
    let of_exchange = reply.surface == "ims.exchange-jwt" && REFUSED_EXCHANGE.contains(&error);
    !wants_token && (REFUSED.contains(&error) || of_exchange)
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.description.is_empty() {
            f.write_str(&self.error)
        } else {
            write!(f, "{}, {}", self.error, self.description)
        }
    }
}

/// Whether IMS says that a token is valid.
pub async fn validate(session: &Session, token: &Token) -> Checked<bool> {
    let client_id = session.credentials.need("BPCONFORM_IMS_CLIENT_ID")?;
    let call = Call::to("ims.validate-token")
        .field("type", "access_token")
        .field("client-id", client_id)
        .as_whom(Authentication::Bearer(token.access_token.clone()));
    let reply = session.send(call).await?.expect_status(&[200])?;
    reply.json()?.get("valid").and_then(Value::as_bool).ok_or_else(|| {
        Problem::error(format!("{} does not say whether the token is valid; {}", reply.what(), reply.excerpt()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::problem::Kind;

    use super::*;

    #[test]
    fn a_token_is_read_and_never_shown() {
        let token = read(&json!({"access_token": "eyJ.x", "token_type": "bearer", "expires_in": 86399})).expect("one");
        assert_eq!((token.token_type.as_deref(), token.expires_in), (Some("bearer"), Some(86399)));
        assert!(!format!("{token:?}").contains("eyJ"));
    }

    #[test]
    fn an_answer_without_a_token_is_none() {
        for json in [json!({"error": "x"}), json!({"access_token": ""}), json!([]), json!({"access_token": 5})] {
            assert!(read(&json).is_none(), "{json}");
        }
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for number in [json!(86399), json!("86399"), json!(86399.0), json!("86399.0"), json!(" 86399 ")] {
            assert_eq!(whole(&number), Some(86399), "{number}");
        }
        for other in [json!(86399.5), json!("a day"), json!("86399."), json!(""), json!(null), json!(true), json!([1])]
        {
            assert_eq!(whole(&other), None, "{other}");
        }
    }

    fn answer(status: u16, body: &Value) -> Reply {
        Reply {
            surface: "ims.token".into(),
            method: "POST".into(),
            url: url::Url::parse("http://localhost/ims/token/v3").expect("a URL"),
            status,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            redactor: crate::redact::Redactor::default(),
        }
    }

    #[test]
    fn only_ims_refuses_a_credential() {
        let kind = |status: u16, body: Value| given(&answer(status, &body), "it").err().map(|problem| problem.kind);
        let token = json!({"access_token": "eyJ.x", "token_type": "bearer"});
        assert_eq!(kind(200, token), None);
        for status in [200, 400, 401] {
            assert_eq!(kind(status, json!({"error": "invalid_client"})), Some(Kind::Failed), "{status}");
            assert_eq!(kind(status, json!({"error": "temporarily_unavailable"})), Some(Kind::Error), "{status}");
            assert_eq!(kind(status, json!({"error": "Bad Request"})), Some(Kind::Error), "{status}");
        }
        for token in [json!({"token_type": "bearer", "expires_in": 86399}), json!({"access_token": ""})] {
            assert_eq!(kind(200, token.clone()), Some(Kind::Failed), "{token}");
        }
        for (status, code) in
            [(403, "access_denied"), (404, "Not Found"), (413, "invalid_request"), (503, "invalid_client")]
        {
            assert_eq!(kind(status, json!({"error": code, "status": status})), Some(Kind::Error), "{status}");
        }
    }

    #[test]
    fn json_of_a_gateway_is_no_refusal() {
        let judged = |surface: &str, status: u16, body: &Value, challenge: Option<&str>| {
            let headers = challenge.map(|it| ("www-authenticate".to_owned(), it.to_owned())).into_iter().collect();
            let reply = Reply { surface: surface.into(), headers, ..answer(status, body) };
            given(&reply, "it").map(drop).map_err(|problem| (problem.kind, problem.cause))
        };
        let bearer = Some("Bearer realm=\"api-gateway\", error=\"invalid_token\"");
        let (bad, invalid) = (json!({"error": "bad_request"}), json!({"error": "invalid_token"}));
        for (status, body, challenge) in [
            (200, json!({"message": "Access blocked by company policy"}), None),
            (200, json!({}), None),
            (200, json!(null), None),
            (200, json!([]), None),
            (400, bad.clone(), None),
            (401, invalid.clone(), None),
            (401, json!({"error": "invalid_client"}), bearer),
        ] {
            let gateways = Err((Kind::Error, Some(Cause::GatewayInstead)));
            assert_eq!(judged("ims.token", status, &body, challenge), gateways, "{status} {body}");
        }
        for body in [bad, invalid] {
            let kind = |challenge| judged("ims.exchange-jwt", 400, &body, challenge).map_err(|(kind, _)| kind);
            assert_eq!((kind(None), kind(bearer)), (Err(Kind::Failed), Err(Kind::Error)), "{body}");
        }
    }

    #[test]
    fn a_limit_is_no_refusal_of_the_credential() {
        let read = |error: &str| Refusal::read(&answer(400, &json!({ "error": error })));
        for (code, cause) in NOT_NOW {
            let problem = read(code).expect_err("it says nothing about the credential");
            assert_eq!((problem.kind, problem.cause), (Kind::Error, Some(cause)), "{code}");
        }
        assert_eq!(read("invalid_client").map(|refusal| refusal.error), Ok("invalid_client".to_owned()));
    }
}
