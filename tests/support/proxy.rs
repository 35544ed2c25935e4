//! A proxy in front of one system of a mock: it records each request, and can hold one forever.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

/// What happens to a request. A lost request is signalled when it is lost.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// It is forwarded and answered.
    Pass,
    /// It never arrives.
    Lose(Sender<String>),
    /// It never arrives, and this is the answer.
    Answer(&'static str),
    /// Another system, at this address, answers it.
    Elsewhere(String),
    /// It is forwarded, and the answer is rewritten: from the request, its headers and its body.
    Rewrite(fn(&str, &mut String, &mut String)),
    /// It arrives, and its answer never comes back.
    LoseAnswer(Sender<String>),
    /// It never arrives, and the answer is the first or the last that the same request had before; without one it passes.
    Stale(Age),
}

/// Which earlier answer is given again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Age {
    /// That to the first request.
    First,
    /// That to the last request.
    Last,
}

/// The first and the last answer to each request, by its method and path.
type Earlier = Mutex<HashMap<String, (Vec<u8>, Vec<u8>)>>;

/// A proxy that serves until the test ends.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts one in front of the system at `upstream`; `judge` gets the method and path of each request, in the order
    /// in which they arrive.
    pub(crate) fn start(upstream: &str, judge: impl Fn(&str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let port: u16 =
            upstream.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let answers: Arc<Mutex<Vec<String>>> = Arc::default();
        let (judge, notes, kept) = (Arc::new(judge), Arc::clone(&seen), Arc::clone(&answers));
        let earlier: Arc<Earlier> = Arc::default();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (judge, notes, kept) = (Arc::clone(&judge), Arc::clone(&notes), Arc::clone(&kept));
                let earlier = Arc::clone(&earlier);
                std::thread::spawn(move || {
                    carry(stream, SocketAddr::from(([127, 0, 0, 1], port)), &*judge, &notes, &kept, &earlier)
                });
            }
        });
        let host = upstream.trim_start_matches("http://").split(':').next().expect("a host").to_owned();
        Self { url: format!("http://{host}:{}", address.port()), seen, answers }
    }

    /// The answers so far.
    pub(crate) fn answers(&self) -> Vec<String> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests so far: method and path of each.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Carries one request and its answer.
fn carry(
    mut client: TcpStream,
    upstream: SocketAddr,
    judge: &dyn Fn(&str) -> Act,
    notes: &Mutex<Vec<String>>,
    answers: &Mutex<Vec<String>>,
    earlier: &Earlier,
) -> Option<()> {
    let (head, body) = request(&mut client)?;
    let line = head.lines().next()?.rsplit_once(' ')?.0.to_owned();
    let act = {
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(line.clone());
        judge(&line)
    };
    match &act {
        Act::Lose(lost) => return lose(lost, &line),
        Act::Answer(answer) => return client.write_all(answer.as_bytes()).ok(),
        Act::Stale(age) => {
            let earlier = earlier.lock().unwrap_or_else(PoisonError::into_inner).get(&line).cloned();
            if let Some((first, last)) = earlier {
                let answer = if matches!(age, Age::First) { first } else { last };
                return client.write_all(&answer).ok();
            }
        }
        Act::Pass | Act::Elsewhere(_) | Act::LoseAnswer(_) | Act::Rewrite(_) => {}
    }
    let upstream = match &act {
        Act::Elsewhere(url) => url.trim_start_matches("http://").parse().ok()?,
        _ => upstream,
    };
    let mut server = TcpStream::connect(upstream).ok()?;
    server.write_all(head.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes()).ok()?;
    server.write_all(&body).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    answers.lock().unwrap_or_else(PoisonError::into_inner).push(String::from_utf8_lossy(&answer).into_owned());
    let mut all = earlier.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(line.clone()).or_insert_with(|| (answer.clone(), Vec::new())).1.clone_from(&answer);
    drop(all);
    if let Act::LoseAnswer(lost) = &act {
        return lose(lost, &line);
    }
    if let Act::Rewrite(rewrite) = &act {
        answer = rewritten(&line, &answer, *rewrite);
    }
    client.write_all(&answer).ok()
}

/// An answer with other headers and another body, of which nothing is known to be a text.
fn rewritten(line: &str, answer: &[u8], rewrite: fn(&str, &mut String, &mut String)) -> Vec<u8> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return answer.to_vec() };
    let Ok(mut body) = String::from_utf8(answer[end + 4..].to_vec()) else { return answer.to_vec() };
    let head = String::from_utf8_lossy(&answer[..end]);
    let kept = |line: &&str| !line.to_ascii_lowercase().starts_with("content-length");
    let mut head = head.lines().filter(kept).collect::<Vec<_>>().join("\r\n");
    rewrite(line, &mut head, &mut body);
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Holds the client forever.
fn lose(lost: &Sender<String>, line: &str) -> Option<()> {
    let _ = lost.send(line.to_owned());
    loop {
        std::thread::park();
    }
}

/// The head of a request, and its body, whose length is in the head.
fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or_default()];
    client.read_exact(&mut body).ok()?;
    Some((head, body))
}
