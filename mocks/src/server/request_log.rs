//! The log of the requests that a system received, for runs that must prove what was sent and what was not. It contains
//! no bodies and no secrets.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::arrival::Arrival;

/// The maximum number of requests in the log; the counts continue beyond it.
const NEWEST: usize = 1_000;

/// The maximum number of failed connections in the log.
const REFUSED: usize = 10;

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

#[cfg(test)]
mod tests {
    use super::*;

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
