//! The requests that arrived at the mocked IMS and tenant. They show what the Author really sends, independently of the logs
//! and transcripts that it writes.

use std::collections::BTreeMap;

use bpconform_fixtures::System;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::call::Call;
use crate::problem::{Checked, Problem, ensure};
use crate::session::Session;

/// One request that arrived.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Arrival {
    /// In capitals.
    pub method: String,
    /// Path and query; secrets masked.
    pub path: String,
    /// What was answered.
    pub status: u16,
    /// The headers by their name in lower case; what may be a secret is masked.
    pub headers: BTreeMap<String, String>,
    /// The fields of the form; what may be a secret is masked.
    pub fields: BTreeMap<String, String>,
    /// How long the body was.
    pub bytes: usize,
    /// The token that it carried.
    pub bearer: Option<Bearer>,
}

/// The token of a request, as the mock judged it.
#[derive(Clone, Debug, Deserialize)]
pub struct Bearer {
    /// `valid`, or what is wrong with it.
    pub state: String,
    /// Whom it was given to.
    pub client_id: Option<String>,
}

/// A connection that came to nothing.
#[derive(Clone, Debug, Deserialize)]
struct Refused {
    problem: String,
}

/// What a mock shows.
#[derive(Debug, Deserialize)]
struct Journal {
    requests: Vec<Arrival>,
    counts: BTreeMap<String, usize>,
    #[serde(default)]
    refused: Vec<Refused>,
}

/// How far a mock's requests were read.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

/// What arrived after a mark.
#[derive(Clone, Debug)]
pub struct Since {
    /// The requests, oldest first.
    pub requests: Vec<Arrival>,
    /// Why a connection came to nothing, if the newest of all did.
    pub refused: Option<String>,
}

/// How many requests a system has got so far.
pub async fn mark(session: &Session, system: System) -> Checked<Mark> {
    Ok(Mark(read(session, system, usize::MAX).await?.total()))
}

/// What arrived at a system after a mark.
pub async fn since(session: &Session, system: System, Mark(before): Mark) -> Checked<Since> {
    let journal = read(session, system, before).await?;
    let (count, known) = (journal.total().saturating_sub(before), journal.requests.len());
    if count != known {
        return Err(Problem::error(format!(
            "{count} requests arrived at the {} meanwhile, and its mock shows {known} of them",
            system.name()
        )));
    }
    Ok(Since { requests: journal.requests, refused: journal.refused.into_iter().next().map(|refused| refused.problem) })
}

async fn read(session: &Session, system: System, after: usize) -> Checked<Journal> {
    let surface = if system == System::Ims { "ims.requests" } else { "tenant.requests" };
    let reply = session.send(Call::to(surface).field("after", after.to_string())).await?.expect_status(&[200])?;
    serde_json::from_value(reply.json()?).map_err(|error| {
        Problem::error(format!("{} is not a mock of bpconform: {error}; {}", reply.what(), reply.excerpt()))
    })
}

impl Journal {
    fn total(&self) -> usize {
        self.counts.values().sum()
    }
}

impl Since {
    /// A possible reason why nothing arrived, to append to the message.
    pub fn refusal(&self) -> String {
        let said = |problem: &String| {
            format!(
                "; a TLS connection to it came to nothing ({problem}): does the Author trust the authority of the mock's \
                certificate?"
            )
        };
        self.refused.as_ref().map(said).unwrap_or_default()
    }
}

impl Arrival {
    /// A header's value; one that is not there is an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(&name.to_ascii_lowercase()).map_or("", String::as_str)
    }

    /// A field's value; one that is not there is an empty text.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Method, path and query with all that may be written in several ways written in one.
    pub fn request(&self) -> String {
        request(&format!("{} {}", self.method, self.path))
    }

    /// Whether it was sent to that address.
    pub fn is_for(&self, address: &Url) -> bool {
        let host = match (address.host_str(), address.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let path = self.path.split('?').next().unwrap_or_default();
        self.header("host").eq_ignore_ascii_case(&host) && path == address.path()
    }

    /// Fails unless the request carried a token of IMS that is valid, for one of these clients, and that was accepted.
    pub fn bears_token_for(&self, clients: &[&str]) -> Checked {
        let bearer = self.bearer.as_ref().ok_or_else(|| Problem::failed("it has no token"))?;
        ensure(bearer.state == "valid", || format!("its token is not valid: {}", bearer.state))?;
        let client = bearer.client_id.as_deref().unwrap_or("nobody");
        ensure(clients.contains(&client), || {
            format!("its token was given to {client}, not to {}", clients.join(" or "))
        })?;
        ensure(self.status == 200, || format!("the answer to it was {}, not 200", self.status))
    }
}

/// `POST /path?a=b` with the query decoded.
pub fn request(text: &str) -> String {
    let (line, query) = text.split_once('?').unwrap_or((text, ""));
    let pairs = form_urlencoded::parse(query.as_bytes()).map(|(name, value)| format!("{name}={value}"));
    let pairs = pairs.collect::<Vec<_>>().join("&");
    if pairs.is_empty() { line.to_owned() } else { format!("{line}?{pairs}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

    #[test]
    fn a_request_is_the_same_however_its_query_is_written() {
        let arrival = Arrival {
            method: "POST".into(),
            path: "/bin/receive?sling%3AauthRequestLogin=1".into(),
            ..Arrival::default()
        };
        assert_eq!(arrival.request(), request("POST /bin/receive?sling:authRequestLogin=1"));
        assert_ne!(arrival.request(), request("POST /bin/receive"));
    }

    #[test]
    fn an_address_is_that_of_the_host_and_of_the_path() {
        let headers = BTreeMap::from([("host".to_owned(), "acme.example.com:8444".to_owned())]);
        let arrival = Arrival { path: "/bin/receive?a=b".into(), headers, ..Arrival::default() };
        let is_for = |url: &str| arrival.is_for(&Url::parse(url).expect("a URL"));
        assert!(is_for("https://acme.example.com:8444/bin/receive?x"));
        assert!(!is_for("https://alias.example.com:8444/bin/receive"));
        assert!(
            !is_for("https://acme.example.com:8444/bin/receive/x") && !is_for("https://acme.example.com/bin/receive")
        );
    }

    #[test]
    fn only_a_valid_token_of_the_right_client_that_was_accepted_passes() {
        let judge = |state: &str, client: Option<&str>, status| {
            let bearer = Some(Bearer { state: state.into(), client_id: client.map(str::to_owned) });
            Arrival { status, bearer, ..Arrival::default() }.bears_token_for(&["ours"]).map_err(|problem| problem.kind)
        };
        assert_eq!(judge("valid", Some("ours"), 200), Ok(()));
        for wrong in [
            ("expired", Some("ours"), 200),
            ("valid", Some("other"), 200),
            ("valid", None, 200),
            ("valid", Some("ours"), 401),
        ] {
            assert_eq!(judge(wrong.0, wrong.1, wrong.2), Err(Kind::Failed), "{wrong:?}");
        }
        assert!(Arrival::default().bears_token_for(&["ours"]).is_err());
    }
}
