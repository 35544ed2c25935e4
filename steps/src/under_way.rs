//! The requests in progress, for the display of a run's progress.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The requests of a run that are under way; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<Mutex<Vec<Request>>>);

/// A request that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The endpoint's id.
    pub surface: String,
    /// The whole address.
    pub url: String,
    /// When it was sent.
    pub since: Instant,
}

/// A request is under way as long as this is kept: one that is given up is not under way any more.
#[derive(Debug)]
pub struct Mark {
    request: Request,
    all: UnderWay,
}

impl UnderWay {
    /// A request is sent.
    pub fn begin(&self, surface: &str, url: &str) -> Mark {
        let request = Request { surface: surface.to_owned(), url: url.to_owned(), since: Instant::now() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        Mark { request, all: self.clone() }
    }

    /// All that are under way, the oldest first.
    pub fn all(&self) -> Vec<Request> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = all.iter().position(|request| *request == self.request) {
            all.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_under_way_until_it_ended_or_was_given_up() {
        let requests = UnderWay::default();
        let first = requests.begin("author.agent-test", "http://localhost/a");
        let second = requests.begin("author.agent-test", "http://localhost/b");
        drop(first);
        assert_eq!(requests.all().iter().map(|one| one.url.as_str()).collect::<Vec<_>>(), ["http://localhost/b"]);
        drop(second);
        assert!(requests.all().is_empty());
    }
}
