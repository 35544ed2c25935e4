//! Other ways to send the same answer (`framing` in `fixtures/variations.toml`), as scripts for the connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bpconform_fixtures::changes::Framing;
use hyper::StatusCode;

use crate::faults::ScriptStep::{self, Send};
use crate::machine::Response;

/// The delay of the first answer with [`Framing::SlowStart`].
const SLOW_START: Duration = Duration::from_secs(2);

/// The size of the segments with [`Framing::SmallSegments`], in bytes.
const SEGMENT: usize = 97;

/// The size of a chunk, in bytes.
const CHUNK: usize = 61;

/// The framing of the answers of one system.
pub(super) struct AnswerFraming {
    framing: Option<Framing>,
    started: AtomicBool,
}

impl AnswerFraming {
    pub(super) fn new(framing: Option<Framing>) -> Self {
        Self { framing, started: AtomicBool::new(false) }
    }

    /// Waits before an answer, if it is a slow one.
    pub(super) async fn delay(&self) {
        if self.framing == Some(Framing::SlowStart) && !self.started.swap(true, Ordering::Relaxed) {
            tokio::time::sleep(SLOW_START).await;
        }
    }

    /// Whether answers need a script. Without one hyper sends them.
    pub(super) fn has_script(&self) -> bool {
        self.framing.is_some_and(|framing| framing != Framing::SlowStart)
    }

    /// The script that sends an answer and closes the connection.
    pub(super) fn script(&self, answer: &Response) -> Vec<ScriptStep> {
        let Some(framing) = self.framing else { return Vec::new() };
        let without_body = matches!(answer.status, 204 | 304);
        match framing {
            _ if without_body => vec![Send(head(answer, "HTTP/1.1", ""))],
            Framing::Chunked => chunked(answer, "", ""),
            Framing::ChunkedWithTrailer => chunked(answer, ";part=a", "X-Checksum: 0\r\n"),
            Framing::Http10 => vec![Send(head(answer, "HTTP/1.0", "")), Send(answer.body.clone())],
            Framing::CloseDelimited => vec![Send(head(answer, "HTTP/1.1", "")), Send(answer.body.clone())],
            Framing::Continue => [vec![Send(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())], whole(answer)].concat(),
            Framing::EarlyHints => {
                let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </etc.clientlibs/a.css>; rel=preload\r\n\r\n";
                [vec![Send(hints.to_vec())], whole(answer)].concat()
            }
            Framing::SmallSegments => {
                let bytes = [head(answer, "HTTP/1.1", &length(answer)), answer.body.clone()].concat();
                bytes.chunks(SEGMENT).map(|segment| Send(segment.to_vec())).collect()
            }
            Framing::NoReasonPhrase => {
                let head = String::from_utf8_lossy(&head(answer, "HTTP/1.1", &length(answer))).into_owned();
                let (_, headers) = head.split_once("\r\n").unwrap_or_default();
                vec![Send(format!("HTTP/1.1 {} \r\n{headers}", answer.status).into_bytes()), Send(answer.body.clone())]
            }
            Framing::CapitalHeaders => vec![Send(capital_head(answer)), Send(answer.body.clone())],
            Framing::CloseEach | Framing::SlowStart => whole(answer),
        }
    }
}

fn whole(answer: &Response) -> Vec<ScriptStep> {
    vec![Send(head(answer, "HTTP/1.1", &length(answer))), Send(answer.body.clone())]
}

fn chunked(answer: &Response, extension: &str, trailer: &str) -> Vec<ScriptStep> {
    let mut body = Vec::new();
    for chunk in answer.body.chunks(CHUNK) {
        body.extend(format!("{:x}{extension}\r\n", chunk.len()).bytes());
        body.extend_from_slice(chunk);
        body.extend(b"\r\n");
    }
    body.extend(format!("0\r\n{trailer}\r\n").bytes());
    vec![Send(head(answer, "HTTP/1.1", "Transfer-Encoding: chunked\r\n")), Send(body)]
}

fn head(answer: &Response, version: &str, framing: &str) -> Vec<u8> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{version} {status}\r\n{headers}{framing}Connection: close\r\n\r\n").into_bytes()
}

fn capital_head(answer: &Response) -> Vec<u8> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let write = |(name, value): &(String, String)| format!("{}:\t{value}\t\r\n", name.to_ascii_uppercase());
    let headers: String = answer.headers.iter().map(write).collect();
    format!("HTTP/1.1 {status}\r\n{headers}CONTENT-LENGTH:\t{}\r\nCONNECTION: CLOSE\r\n\r\n", answer.body.len())
        .into_bytes()
}

fn length(answer: &Response) -> String {
    format!("Content-Length: {}\r\n", answer.body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(framing: Framing, status: u16) -> String {
        let answer = Response::new(status, "text/plain", "0123456789");
        let script = AnswerFraming::new(Some(framing)).script(&answer);
        let sent = script.into_iter().map(|act| match act {
            Send(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            _ => String::new(),
        });
        sent.collect()
    }

    #[test]
    fn an_answer_is_sent_in_other_ways() {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
        let close = "Connection: close\r\n\r\n";
        let chunks = format!("{head}Transfer-Encoding: chunked\r\n{close}a\r\n0123456789\r\n0\r\n\r\n");
        assert_eq!(sent(Framing::Chunked, 200), chunks);
        assert_eq!(sent(Framing::CloseDelimited, 200), format!("{head}{close}0123456789"));
        assert_eq!(
            sent(Framing::NoReasonPhrase, 200),
            format!("HTTP/1.1 200 \r\ncontent-type: text/plain\r\nContent-Length: 10\r\n{close}0123456789")
        );
        assert!(sent(Framing::Continue, 200).starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
        assert!(!sent(Framing::Chunked, 204).contains("0123456789"));
    }
}
