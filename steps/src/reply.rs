//! What the target answered, read whole, and the questions that steps ask about it. An answer that is not of the kind
//! that was asked for is an error that says what came instead.

use serde_json::Value;
use url::Url;

use crate::problem::{Checked, Problem};

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The surface that was asked.
    pub surface: String,
    /// In capitals.
    pub method: String,
    /// The address that answered.
    pub url: Url,
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The reply, if its status is one of these; otherwise an error that says what a 302, 401, 403 … means.
    pub fn expect_status(self, expected: &[u16]) -> Checked<Self> {
        if expected.contains(&self.status) {
            return Ok(self);
        }
        let wanted = expected.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
        Err(Problem::error(format!("{} answered {}, not {wanted}{}", self.what(), self.status, self.meaning())))
    }

    /// The body as JSON; a login page or a broken body is an error that says so.
    pub fn json(&self) -> Checked<Value> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let instead = if self.looks_like_html() {
                format!("an HTML page{}", self.meaning())
            } else {
                format!("no valid JSON ({error})")
            };
            Problem::error(format!("{} answered {} with {instead}; {}", self.what(), self.status, self.excerpt()))
        })
    }

    /// Whether the body is a page for people.
    pub fn looks_like_html(&self) -> bool {
        let start = String::from_utf8_lossy(&self.body[..self.body.len().min(512)]).to_lowercase();
        start.contains("<html") || start.contains("<!doctype html")
    }

    /// `GET http://…`, for messages.
    pub fn what(&self) -> String {
        format!("{} {}", self.method, self.url)
    }

    /// The first characters of the body on one line, for messages.
    pub fn excerpt(&self) -> String {
        let text: String = self.text().split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = text.chars().take(120).collect();
        if short.is_empty() { "the body is empty".into() } else { format!("the body begins: {short}") }
    }

    fn meaning(&self) -> &'static str {
        let login = self.text().contains("QUICKSTART_HOMEPAGE") || self.text().contains("j_security_check");
        match self.status {
            301 | 302 | 303 | 307 | 308 if self.header("location").is_some_and(|to| to.contains("login")) => {
                ": it redirects to a login page; are user and password right?"
            }
            301 | 302 | 303 | 307 | 308 => ": it redirects; are the address, its scheme and its context path right?",
            401 => ": the credentials were not accepted",
            403 => ": the user may not do this",
            _ if login => ", a login page; are user and password right?",
            404 => ": there is nothing; is it an AEM Author, and is the context path right?",
            _ => "",
        }
    }

    /// Values in the answer that must never be shown: tokens, secrets, login cookies.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let cookies = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        let mut secrets: Vec<String> = cookies
            .filter_map(|(_, value)| value.split(';').next()?.split_once('=').map(|(_, value)| value.to_owned()))
            .filter(|value| value.len() >= 16)
            .collect();
        if let Ok(Value::Object(fields)) = serde_json::from_slice(&self.body) {
            let secret = ["access_token", "client_secret", "token", "private_key"];
            secrets.extend(secret.iter().filter_map(|name| fields.get(*name)?.as_str().map(str::to_owned)));
        }
        secrets
    }
}
