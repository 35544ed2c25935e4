//! The list of faults, in the order in which they can occur in an exchange, with what each sends.

use hyper::StatusCode;

use super::script::ScriptStep::{self, Beneath, Hold, Repeat, Reset, Send, Shut, Slowly};
use super::{Fault, FaultPlace};
use crate::machine::Response;

pub(super) const ALL: &[Fault] = &[
    handshake("tls-alert", "the TLS handshake is answered with an alert", tls_alert),
    handshake("tls-garbage", "the TLS handshake is answered with random bytes", garbage),
    handshake("tls-close", "the connection is closed during the TLS handshake", tls_close),
    handshake("tls-silence", "the TLS handshake is never answered", |_| vec![Hold]),
    request("reset", "the connection is reset instead of an answer", |_| vec![Reset]),
    request("close-before-head", "the connection is closed instead of an answer", |_| vec![]),
    request("silence", "the request is never answered", |_| vec![Hold]),
    request("half-open", "the server stops sending, but keeps the connection open", |_| vec![Shut, Hold]),
    request("random-bytes", "the answer is random bytes", garbage),
    request("endless-continue", "100 Continue is sent again and again, without an answer", endless_continue),
    answer("close-in-head", "the connection is closed within the head of the answer", close_in_head),
    answer("huge-headers", "the head of the answer has a header of 2 MiB", huge_headers),
    answer("many-headers", "the head of the answer has 10,000 headers", many_headers),
    answer("length-no-number", "Content-Length is not a number", length_no_number),
    answer("two-lengths", "Content-Length occurs twice, with different values", |answer| {
        whole(answer, "Content-Length: 7")
    }),
    answer("truncated-body", "the body is shorter than Content-Length says", truncated),
    answer("over-long-body", "the body is longer than Content-Length says", over_long),
    answer("bad-chunk", "the chunks of the body have no size", bad_chunk),
    answer("close-in-body", "the connection is closed within a chunked body", close_in_body),
    answer("reset-in-body", "the connection is reset within the body", |answer| then(truncated(answer), Reset)),
    answer("stall-in-body", "the body stops in the middle, with the connection open", |answer| {
        then(truncated(answer), Hold)
    }),
    answer("dribble", "the answer is sent byte by byte, ten per second", dribble),
    session("tls-bad-record", "random bytes are sent instead of the next TLS record", tls_bad_record),
    session("tls-cut", "a body without length is truncated, without the end of TLS", tls_cut),
    request("huge-body", "the body has 1 GiB, with Content-Length", huge_body),
    request("huge-chunks", "the body has 1 GiB, in chunks", huge_chunks),
    request("gzip-bomb", "the body is compressed, and decompresses to 1 GiB", gzip_bomb),
    request("wide-json", "the body is JSON of a million numbers", wide_json),
    request("deep-json", "the body is JSON, nested a hundred thousand deep", deep_json),
    request("not-utf-8", "the body is JSON with a text in invalid UTF-8", |_| document(JSON, NOT_UTF_8)),
    request("html-page", "200 with an error page in HTML", |_| document(HTML, ERROR_PAGE)),
    request("login-page", "200 with the Author's login page", |_| document(HTML, LOGIN_PAGE)),
    request("redirect-loop", "302 to the same address again", redirect_loop),
    request("bad-gateway", "502 with the page of a gateway", bad_gateway),
];

/// The script that replaces an answer.
type Script = fn(&Response) -> Vec<ScriptStep>;

const fn request(id: &'static str, says: &'static str, script: Script) -> Fault {
    Fault { id, says, place: FaultPlace::Request, script }
}

const fn answer(id: &'static str, says: &'static str, script: Script) -> Fault {
    Fault { id, says, place: FaultPlace::Answer, script }
}

const fn handshake(id: &'static str, says: &'static str, script: Script) -> Fault {
    Fault { id, says, place: FaultPlace::Handshake, script }
}

const fn session(id: &'static str, says: &'static str, script: Script) -> Fault {
    Fault { id, says, place: FaultPlace::Session, script }
}

const JSON: &str = "Content-Type: application/json;charset=utf-8";
const HTML: &str = "Content-Type: text/html;charset=utf-8";
const CHUNKED: &str = "Transfer-Encoding: chunked";

/// The size and number of the pieces of a body of 1 GiB.
const PIECE: usize = 64 << 10;
const PIECES: usize = 16 << 10;

const NOT_UTF_8: &[u8] = b"{\"title\":\"\xff\xfe\xc3\x28\"}";

const ERROR_PAGE: &[u8] = b"<!DOCTYPE html>\n<html><head><title>Something went wrong</title></head>\n\
    <body><h1>Something went wrong</h1><p>Please try again later. Reference: 18.5d7f1c3b.1700000000.2f6e</p></body></html>\n";

const LOGIN_PAGE: &[u8] = b"<!DOCTYPE html>\n<html><head><title>AEM Sign In</title></head>\n\
    <body><form action=\"/libs/granite/core/content/login.html/j_security_check\" method=\"POST\">\n\
    <input name=\"j_username\"><input name=\"j_password\" type=\"password\"></form><!-- QUICKSTART_HOMEPAGE --></body></html>\n";

/// A fatal alert: handshake failure.
fn tls_alert(_: &Response) -> Vec<ScriptStep> {
    vec![Send(b"\x15\x03\x03\x00\x02\x02\x28".to_vec())]
}

/// The beginning of a server's greeting.
fn tls_close(_: &Response) -> Vec<ScriptStep> {
    vec![Send(b"\x16\x03\x03\x00\x7a\x02\x00".to_vec())]
}

/// A record of 64 unencrypted bytes.
fn tls_bad_record(_: &Response) -> Vec<ScriptStep> {
    vec![Beneath([b"\x17\x03\x03\x00\x40", &random(64)[..]].concat())]
}

fn tls_cut(answer: &Response) -> Vec<ScriptStep> {
    vec![Send(head(answer, "Connection: close")), Send(half(body(answer)))]
}

fn garbage(_: &Response) -> Vec<ScriptStep> {
    vec![Send(random(4096))]
}

fn endless_continue(_: &Response) -> Vec<ScriptStep> {
    let one = b"HTTP/1.1 100 Continue\r\n\r\n";
    vec![Slowly(one.repeat(1200), one.len())]
}

fn close_in_head(answer: &Response) -> Vec<ScriptStep> {
    vec![Send(half(head(answer, "X-Framing: none")))]
}

fn huge_headers(answer: &Response) -> Vec<ScriptStep> {
    let mut head = head(answer, &format!("{}\r\nX-Huge: ", length_of(answer)));
    let end = head.split_off(head.len() - 4);
    vec![Send(head), Repeat(vec![b'x'; PIECE], 32), Send(end), Send(body(answer))]
}

fn many_headers(answer: &Response) -> Vec<ScriptStep> {
    whole(answer, &vec!["X-Many: x"; 10_000].join("\r\n"))
}

fn length_no_number(answer: &Response) -> Vec<ScriptStep> {
    vec![Send(head(answer, "Content-Length: twelve")), Send(body(answer))]
}

fn truncated(answer: &Response) -> Vec<ScriptStep> {
    vec![Send(head(answer, &length_of(answer))), Send(half(body(answer)))]
}

fn over_long(answer: &Response) -> Vec<ScriptStep> {
    vec![Send(head(answer, &length(body(answer).len() / 2))), Send(body(answer))]
}

fn bad_chunk(answer: &Response) -> Vec<ScriptStep> {
    vec![Send(head(answer, CHUNKED)), Send([b"no size\r\n", &body(answer)[..], b"\r\n0\r\n\r\n"].concat())]
}

fn close_in_body(answer: &Response) -> Vec<ScriptStep> {
    vec![Send(head(answer, CHUNKED)), Send(chunk(&half(body(answer))))]
}

fn dribble(answer: &Response) -> Vec<ScriptStep> {
    vec![Slowly([head(answer, &length_of(answer)), body(answer)].concat(), 1)]
}

fn huge_body(_: &Response) -> Vec<ScriptStep> {
    let piece = b"[1,2,3,\n".repeat(PIECE / 8);
    vec![Send(ok(&[JSON, &length(PIECE * PIECES)])), Repeat(piece, PIECES)]
}

fn huge_chunks(_: &Response) -> Vec<ScriptStep> {
    let piece = b"[1,2,3,\n".repeat(PIECE / 8);
    vec![Send(ok(&[JSON, CHUNKED])), Repeat(chunk(&piece), PIECES)]
}

fn gzip_bomb(_: &Response) -> Vec<ScriptStep> {
    // 64 KiB of zeros; a gzip stream may have several members.
    let head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a";
    let tail = b"\x6a\xeb\x8e\x97\xd7\x00\x00\x01\x00";
    let piece = [&head[..], &[0; 63], tail].concat();
    vec![Send(ok(&[JSON, "Content-Encoding: gzip", &length(piece.len() * PIECES)])), Repeat(piece, PIECES)]
}

fn wide_json(_: &Response) -> Vec<ScriptStep> {
    let (piece, pieces) = (b",0".repeat(1_000), 1_000);
    let length = length(piece.len() * pieces + 3);
    vec![Send(ok(&[JSON, &length])), Send(b"[0".to_vec()), Repeat(piece, pieces), Send(b"]".to_vec())]
}

fn deep_json(_: &Response) -> Vec<ScriptStep> {
    document(JSON, &[b"[".repeat(100_000), b"]".repeat(100_000)].concat())
}

fn redirect_loop(_: &Response) -> Vec<ScriptStep> {
    vec![Send(b"HTTP/1.1 302 Found\r\nLocation: ?\r\nContent-Length: 0\r\n\r\n".to_vec())]
}

fn bad_gateway(_: &Response) -> Vec<ScriptStep> {
    let head = format!("HTTP/1.1 502 Bad Gateway\r\n{HTML}\r\n{}\r\n\r\n", length(ERROR_PAGE.len()));
    vec![Send(head.into_bytes()), Send(ERROR_PAGE.to_vec())]
}

/// The whole answer, with one more header.
fn whole(answer: &Response, header: &str) -> Vec<ScriptStep> {
    vec![Send(head(answer, &format!("{}\r\n{header}", length_of(answer)))), Send(body(answer))]
}

fn document(kind: &str, body: &[u8]) -> Vec<ScriptStep> {
    vec![Send(ok(&[kind, &length(body.len())])), Send(body.to_vec())]
}

fn then(mut script: Vec<ScriptStep>, act: ScriptStep) -> Vec<ScriptStep> {
    script.push(act);
    script
}

/// The head of the answer; `framing` holds the header lines for the length of the body.
fn head(answer: &Response, framing: &str) -> Vec<u8> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    // A status without a body would hide the fault.
    let status = if status == StatusCode::NO_CONTENT { StatusCode::OK } else { status };
    let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{headers}{framing}\r\n\r\n").into_bytes()
}

/// The body of the answer; one that is too short to be broken is replaced.
fn body(answer: &Response) -> Vec<u8> {
    if answer.body.len() < 2 { b"(nothing)".to_vec() } else { answer.body.clone() }
}

fn ok(headers: &[&str]) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{}\r\n\r\n", headers.join("\r\n")).into_bytes()
}

fn length_of(answer: &Response) -> String {
    length(body(answer).len())
}

fn length(length: usize) -> String {
    format!("Content-Length: {length}")
}

fn half(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Pseudo-random bytes, the same each time, so that runs are reproducible.
fn random(count: usize) -> Vec<u8> {
    let mut state = 0x2026_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: &str) -> String {
        let answer = Response::new(200, "text/plain", "0123456789");
        let acts = Fault::get(id).expect("a fault").script(&answer);
        let sent = acts.into_iter().map(|act| match act {
            Send(bytes) | Slowly(bytes, _) => String::from_utf8_lossy(&bytes).into_owned(),
            Reset => "(reset)".to_owned(),
            Hold => "(hold)".to_owned(),
            _ => String::new(),
        });
        sent.collect()
    }

    #[test]
    fn what_is_sent_is_wrong_in_the_way_that_the_fault_says() {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
        assert_eq!(sent("truncated-body"), format!("{head}Content-Length: 10\r\n\r\n01234"));
        assert_eq!(sent("over-long-body"), format!("{head}Content-Length: 5\r\n\r\n0123456789"));
        assert_eq!(sent("close-in-body"), format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n"));
        assert_eq!(
            sent("bad-chunk"),
            format!("{head}Transfer-Encoding: chunked\r\n\r\nno size\r\n0123456789\r\n0\r\n\r\n")
        );
        assert_eq!(sent("stall-in-body"), format!("{head}Content-Length: 10\r\n\r\n01234(hold)"));
        assert_eq!(sent("reset"), "(reset)");
        assert_eq!(sent("dribble"), format!("{head}Content-Length: 10\r\n\r\n0123456789"));
    }

    #[test]
    fn random_bytes_are_the_same_each_time_and_no_http() {
        assert_eq!(random(64), random(64));
        assert!(!sent("random-bytes").starts_with("HTTP"));
    }
}
