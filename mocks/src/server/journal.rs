//! What requests a system got, for the runs that must prove what was not sent. Bodies, headers and secrets are not kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use url::form_urlencoded;

/// How many requests are kept; the counts go on.
const NEWEST: usize = 1_000;

/// Parts of a parameter's name that mean that its value is a secret.
const SECRET: [&str; 6] = ["secret", "pass", "token", "jwt", "key", "assertion"];

/// The requests of one system.
#[derive(Debug, Default)]
pub(super) struct Journal {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    newest: VecDeque<Entry>,
    counts: BTreeMap<String, u64>,
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    pub(super) time: Timestamp,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) status: u16,
}

impl Journal {
    pub(super) fn note(&self, entry: Entry) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.counts.entry(entry.method.clone()).or_default() += 1;
        if kept.newest.len() == NEWEST {
            kept.newest.pop_front();
        }
        kept.newest.push_back(entry);
    }

    /// The newest requests, the oldest of them first, and how many there were in all by method.
    pub(super) fn report(&self) -> serde_json::Value {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::json!({ "requests": kept.newest, "counts": kept.counts })
    }
}

/// A request's target with the values of secret parameters taken out.
pub(super) fn without_secrets(path: &str, query: Option<&str>) -> String {
    let Some(query) = query else { return path.to_owned() };
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let lower = name.to_ascii_lowercase();
        let secret = SECRET.iter().any(|part| lower.contains(part));
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
        let journal = Journal::default();
        for number in 0..NEWEST + 5 {
            let path = format!("/{number}");
            journal.note(Entry { time: Timestamp::UNIX_EPOCH, method: "GET".into(), path, status: 200 });
        }
        let report = journal.report();
        assert_eq!(report["requests"].as_array().map(Vec::len), Some(NEWEST));
        assert_eq!(report["requests"][0]["path"], "/5");
        assert_eq!(report["counts"]["GET"], NEWEST + 5);
    }
}
