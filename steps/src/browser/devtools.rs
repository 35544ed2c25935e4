//! The DevTools protocol through a pipe: messages of JSON, each ended by a zero byte.
//!
//! Answers and events stay JSON: a browser is updated every month, and types of a fixed version would not read what a new
//! one says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chromiumoxide_types::{CallId, CdpJsonEventMessage, Message, MethodCall, Response};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::problem::{Checked, Problem};

/// How long the browser may take to answer a call.
const PATIENCE: Duration = Duration::from_secs(20);

/// The largest message that is read, in bytes: a screenshot of a large page is a few megabytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The calls that wait for their answers; none any more once the browser has ended.
type Waiting = Arc<Mutex<Option<HashMap<CallId, oneshot::Sender<Response>>>>>;

/// An event: its name and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) about: Value,
}

/// A connection to a browser.
#[derive(Debug)]
pub(super) struct DevTools {
    to: AsyncMutex<ChildStdin>,
    waiting: Waiting,
    next: AtomicUsize,
}

impl DevTools {
    /// Speaks to a browser through its pipe; returns the events, too.
    pub(super) fn through(to: ChildStdin, from: ChildStdout) -> (Self, UnboundedReceiver<Event>) {
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let (tell, events) = unbounded_channel();
        tokio::spawn(read(from, Arc::clone(&waiting), tell));
        (Self { to: AsyncMutex::new(to), waiting, next: AtomicUsize::new(1) }, events)
    }

    /// Calls a method of the browser, or of a page's session, and waits for what it returns.
    pub(super) async fn call(&self, session: Option<&str>, method: &'static str, params: Value) -> Checked<Value> {
        let id = CallId::new(self.next.fetch_add(1, Ordering::Relaxed));
        let call = MethodCall { id, method: method.into(), session_id: session.map(str::to_owned), params };
        let mut text = serde_json::to_vec(&call).map_err(|error| Problem::error(error.to_string()))?;
        text.push(0);
        let (tell, answer) = oneshot::channel();
        lock(&self.waiting).as_mut().ok_or_else(ended)?.insert(id, tell);
        let called = async {
            self.to.lock().await.write_all(&text).await.map_err(|_| ended())?;
            answer.await.map_err(|_| ended())
        };
        let outcome = tokio::time::timeout(PATIENCE, called).await;
        if let Some(waiting) = lock(&self.waiting).as_mut() {
            waiting.remove(&id);
        }
        let response = outcome.map_err(|_| {
            Problem::error(format!("the browser did not answer {method} in {} s", PATIENCE.as_secs()))
        })??;
        match (response.error, response.result) {
            (Some(error), _) => Err(Problem::error(format!("the browser refuses {method}: {}", error.message))),
            (None, result) => Ok(result.unwrap_or_default()),
        }
    }
}

async fn read(from: ChildStdout, waiting: Waiting, tell: UnboundedSender<Event>) {
    let mut from = BufReader::new(from);
    let mut message = Vec::new();
    loop {
        message.clear();
        let read = (&mut from).take(LARGEST).read_until(0, &mut message).await;
        // The end of the pipe, or a message without an end: nothing after it could be understood.
        if read.is_err() || message.pop() != Some(0) {
            break;
        }
        match serde_json::from_slice::<Message>(&message) {
            Ok(Message::Response(response)) => {
                let asked = lock(&waiting).as_mut().and_then(|waiting| waiting.remove(&response.id));
                asked.map(|asked| asked.send(response));
            }
            Ok(Message::Event(CdpJsonEventMessage { method, params, .. })) => {
                let _ = tell.send(Event { name: method.into_owned(), about: params });
            }
            Err(error) => tracing::debug!("a message of the browser was not understood: {error}"),
        }
    }
    // Whoever waits learns that no answer will come.
    lock(&waiting).take();
}

fn ended() -> Problem {
    Problem::error("the browser has ended")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
