//! The log of the requests that a system received, for runs that must prove what was sent and what was not. It holds no
//! bodies and no secrets.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bpconform_fixtures::{SecretNames, Sensitivity};
use jiff::Timestamp;
use serde::Serialize;
use url::form_urlencoded;

use super::arrival::Arrival;

/// The maximum number of requests in the log; the counts continue beyond it.
const NEWEST: usize = 1_000;

/// The maximum number of failed connections in the log.
const REFUSED: usize = 10;

/// Parts of a parameter name that mark its value as a secret.
const SECRET: [&str; 6] = ["secret", "pass", "token", "jwt", "key", "assertion"];

/// The requests of one system.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    newest: VecDeque<LoggedRequest>,
    counts: BTreeMap<String, u64>,
    refused: VecDeque<Refused>,
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LoggedRequest {
    pub(super) time: Timestamp,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) status: u16,
    /// The details, for systems that other systems of the stack call.
    #[serde(flatten)]
    pub(super) arrival: Option<Arrival>,
}

/// A connection that failed before a request.
#[derive(Clone, Debug, Serialize)]
struct Refused {
    time: Timestamp,
    problem: String,
}

impl RequestLog {
    pub(super) fn record(&self, entry: LoggedRequest) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.counts.entry(entry.method.clone()).or_default() += 1;
        if kept.newest.len() == NEWEST {
            kept.newest.pop_front();
        }
        kept.newest.push_back(entry);
    }

    pub(super) fn record_refused(&self, time: Timestamp, problem: String) {
        let refused = &mut self.kept.lock().unwrap_or_else(PoisonError::into_inner).refused;
        refused.truncate(REFUSED - 1);
        refused.push_front(Refused { time, problem });
    }

    /// The newest requests without the first `after` ever received, oldest first; the number of all requests by method; the
    /// newest failed connections, newest first.
    pub(super) fn report(&self, after: u64) -> serde_json::Value {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let all: u64 = kept.counts.values().sum();
        let wanted = usize::try_from(all.saturating_sub(after)).unwrap_or(usize::MAX);
        let requests: Vec<_> = kept.newest.iter().skip(kept.newest.len().saturating_sub(wanted)).collect();
        serde_json::json!({ "requests": requests, "counts": kept.counts, "refused": kept.refused })
    }
}

/// A request target with the values of secret parameters masked.
pub(super) fn without_secrets(path: &str, query: Option<&str>) -> String {
    let Some(query) = query else { return path.to_owned() };
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let lower = name.to_ascii_lowercase();
        let named = SecretNames::built_in().classify(&name) > Sensitivity::Public;
        let secret = named || SECRET.iter().any(|part| lower.contains(part));
        kept.append_pair(&name, if secret { "***" } else { &value });
    }
    format!("{path}?{}", kept.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_a_query_are_not_kept() {
        let kept =
            without_secrets("/ims/token/v3", Some("client_id=a&client_secret=hush&jwt_token=hush&j_password=hush"));
        assert_eq!(kept, "/ims/token/v3?client_id=a&client_secret=***&jwt_token=***&j_password=***");
    }

    #[test]
    fn only_the_newest_are_kept_and_all_are_counted() {
        let log = RequestLog::default();
        for number in 0..NEWEST + 5 {
            let path = format!("/{number}");
            let time = Timestamp::UNIX_EPOCH;
            log.record(LoggedRequest { time, method: "GET".into(), path, status: 200, arrival: None });
        }
        let report = log.report(0);
        assert_eq!(report["requests"].as_array().map(Vec::len), Some(NEWEST));
        assert_eq!(report["requests"][0]["path"], "/5");
        assert_eq!(report["counts"]["GET"], NEWEST + 5);
        let after = |count| log.report(count)["requests"].as_array().map(Vec::len);
        assert_eq!([after(NEWEST as u64), after(NEWEST as u64 + 5), after(u64::MAX)], [Some(5), Some(0), Some(0)]);
    }
}
