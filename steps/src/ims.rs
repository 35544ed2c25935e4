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
    let reply = request(session, credential).await?;
    if (400..500).contains(&reply.status) {
        let refusal = Refusal::read(&reply)?;
        return Err(Problem::failed(format!("IMS refuses the credential with {}: {refusal}", reply.status)));
    }
    let reply = reply.expect_status(&[200])?;
    read(&reply.json()?)
        .ok_or_else(|| Problem::failed(format!("{} answered 200 without an access token", reply.what())))
}

/// Reads a token. IMS may answer 200 and yet give none.
pub fn read(json: &Value) -> Option<Token> {
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Token {
        access_token: text("access_token").filter(|token| !token.is_empty())?,
        token_type: text("token_type"),
        expires_in: json.get("expires_in").and_then(Value::as_i64),
    })
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
    /// Reads a refusal; an answer of another kind is an error, and so is one that may be another one later.
    pub fn read(reply: &Reply) -> Checked<Self> {
        let json = reply.json()?;
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let error = text("error")
            .ok_or_else(|| Problem::error(format!("{} names no error; {}", reply.what(), reply.excerpt())))?;
        let refusal = Self { error, description: text("error_description").unwrap_or_default() };
        match NOT_NOW.iter().find(|(code, _)| *code == refusal.error) {
            Some((_, cause)) => {
                let reason = format!("IMS does not answer the request now, with {}: {refusal}", reply.status);
                Err(Problem::error(reason).because(*cause))
            }
            None => Ok(refusal),
        }
    }
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
    fn a_limit_is_no_refusal_of_the_credential() {
        let read = |error: &str| {
            Refusal::read(&Reply {
                surface: "ims.token".into(),
                method: "POST".into(),
                url: url::Url::parse("http://localhost/ims/token/v3").expect("a URL"),
                status: 400,
                headers: Vec::new(),
                body: json!({ "error": error }).to_string().into_bytes(),
                redactor: crate::redact::Redactor::default(),
            })
        };
        for (code, cause) in NOT_NOW {
            let problem = read(code).expect_err("it says nothing about the credential");
            assert_eq!((problem.kind, problem.cause), (Kind::Error, Some(cause)), "{code}");
        }
        assert_eq!(read("invalid_client").map(|refusal| refusal.error), Ok("invalid_client".to_owned()));
    }
}
