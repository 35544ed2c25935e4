//! How many requests one host gets at once: a polite limit, which shrinks while the host says that it has too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use url::Url;

/// After so many answers without a complaint one more request at once is tried.
const CALM: usize = 16;

/// The limits of all hosts; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    most: usize,
    hosts: Arc<Mutex<HashMap<String, Arc<Host>>>>,
}

#[derive(Debug)]
struct Host {
    state: Mutex<HostState>,
    freed: Notify,
}

#[derive(Debug)]
struct HostState {
    limit: usize,
    sent: usize,
    calm: usize,
}

/// The right to have one request under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Host>);

impl Turns {
    /// At most so many requests at once for each host.
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(1), hosts: Arc::default() }
    }

    /// Waits until a host may get another request.
    pub(crate) async fn turn(&self, url: &Url) -> Turn {
        let host = self.host(url);
        loop {
            let freed = host.freed.notified();
            if host.take() {
                break;
            }
            freed.await;
        }
        Turn(host)
    }

    /// Takes note of an answer: after 429 or 503 the host gets half as many requests at once, later more again.
    pub(crate) fn answered(&self, url: &Url, status: u16) {
        let host = self.host(url);
        let mut state = lock(&host.state);
        if matches!(status, 429 | 503) {
            state.limit = (state.limit / 2).max(1);
            state.calm = 0;
            return;
        }
        state.calm += 1;
        if state.calm >= CALM && state.limit < self.most {
            state.limit += 1;
            state.calm = 0;
            host.freed.notify_one();
        }
    }

    fn host(&self, url: &Url) -> Arc<Host> {
        let name =
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let state = || Mutex::new(HostState { limit: self.most, sent: 0, calm: 0 });
        let new = || Arc::new(Host { state: state(), freed: Notify::new() });
        Arc::clone(lock(&self.hosts).entry(name).or_insert_with(new))
    }
}

impl Host {
    fn take(&self) -> bool {
        let mut state = lock(&self.state);
        let is_free = state.sent < state.limit;
        state.sent += usize::from(is_free);
        is_free
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.0.state).sent -= 1;
        self.0.freed.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_host_gets_so_many_at_once_and_fewer_while_it_complains() {
        let turns = Turns::new(4);
        let url = Url::parse("http://localhost:1/a").expect("a URL");
        let other = Url::parse("http://localhost:2/a").expect("a URL");
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(turns.turn(&url).now_or_never().expect("it is free"));
        }
        assert!(turns.turn(&url).now_or_never().is_none());
        assert!(turns.turn(&other).now_or_never().is_some(), "another host has its own limit");
        turns.answered(&url, 503);
        held.truncate(2);
        assert!(turns.turn(&url).now_or_never().is_none(), "now it is two");
        held.truncate(1);
        let second = turns.turn(&url).now_or_never().expect("it is free");
        for _ in 0..CALM {
            turns.answered(&url, 200);
        }
        let third = turns.turn(&url).now_or_never().expect("it has calmed down");
        assert!(turns.turn(&url).now_or_never().is_none());
        drop((second, third, held));
        turns.answered(&url, 429);
        turns.answered(&url, 429);
        turns.answered(&url, 429);
        let only = turns.turn(&url).now_or_never().expect("one is always possible");
        let waiting = turns.turn(&url);
        drop(only);
        waiting.await;
    }
}
