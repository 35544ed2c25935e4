//! Sends one request and reads the whole answer, or explains to the user why this failed. A read without an answer is
//! retried a few times; any other request is sent once, since it may have had its effect.

use std::io::Read as _;
use std::time::Duration;

use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::{Cause, Surface};
use flate2::read::MultiGzDecoder;
use futures::StreamExt as _;
use reqwest::header::CONTENT_ENCODING;
use reqwest::{RequestBuilder, Response};
use url::Url;

use crate::problem::{Checked, Problem};
use crate::redact::Redactor;
use crate::reply::Reply;
use crate::wire::{Wire, cause};

/// What the first pause before another attempt lasts; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The statuses of a gateway, or of an Author that is starting, that say nothing about the Author's configuration.
const NOT_THERE_YET: [u16; 3] = [502, 503, 504];

/// From here on a body is large.
const LARGE: usize = 1024 * 1024;

/// What the HTTP library calls a connection that was closed between its handshake and the request.
const CLOSED_AT_ONCE: &str = "connection was not ready";

/// What came back, and how often the request was sent again.
pub(crate) async fn carry(
    wire: &Wire,
    redactor: &Redactor,
    surface: &Surface,
    url: &Url,
    request: RequestBuilder,
) -> (Checked<Reply>, u32) {
    let once = async |outcome| once(wire, redactor, surface, url, outcome).await;
    let mut again = 0;
    loop {
        // What is refused because of a limit had no effect: it is sent again, whatever it is, when the answer says.
        let limited = request.try_clone();
        let next = (surface.class == Class::Read && again < wire.retries).then(|| request.try_clone()).flatten();
        let Some(attempt) = next else {
            let outcome = once(request.send().await).await;
            return match (limited, pause_of(&outcome, wire)) {
                (Some(limited), Some(pause)) => {
                    tokio::time::sleep(pause).await;
                    (unobstructed(once(limited.send().await).await), again + 1)
                }
                _ => (unobstructed(outcome), again),
            };
        };
        match attempt.send().await {
            Err(error) if error.is_connect() && !is_certificate(&cause(&error)) => {}
            Ok(response) if NOT_THERE_YET.contains(&response.status().as_u16()) => {
                wire.turns.answered(url, response.status().as_u16());
            }
            outcome => {
                let outcome = once(outcome).await;
                match pause_of(&outcome, wire) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return (unobstructed(outcome), again),
                }
            }
        }
        tokio::time::sleep(FIRST_PAUSE * 2_u32.saturating_pow(again)).await;
        again += 1;
    }
}

/// How long a limit asks to wait, if that is within what a request may take.
fn pause_of(outcome: &Checked<Reply>, wire: &Wire) -> Option<Duration> {
    let reply = outcome.as_ref().ok().filter(|reply| reply.status == 429)?;
    reply.retry_after().filter(|pause| *pause <= wire.limits.request)
}

/// The reply, unless something on the way kept the request from its target.
fn unobstructed(outcome: Checked<Reply>) -> Checked<Reply> {
    let reply = outcome?;
    match reply.obstacle() {
        Some(problem) => Err(problem),
        None => Ok(reply),
    }
}

async fn once(
    wire: &Wire,
    redactor: &Redactor,
    surface: &Surface,
    url: &Url,
    outcome: Result<Response, reqwest::Error>,
) -> Checked<Reply> {
    let what = format!("{} {url}", surface.method);
    let response = outcome.map_err(|error| {
        let cause = Some(cause_of(&error)).filter(|_| !error.is_timeout() || error.is_connect());
        Problem::error(format!("{what}: {}", why(&error, wire))).because(cause)
    })?;
    let status = response.status().as_u16();
    wire.turns.answered(url, status);
    let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = response.headers().iter().map(header).collect();
    let body = body(wire, response).await.map_err(|why| Problem::error(format!("{what}: {why}")))?;
    let (id, method, redactor) = (surface.id.clone(), surface.method.clone(), redactor.clone());
    let reply = Reply { surface: id, method, url: url.clone(), status, headers, body, redactor };
    let changed = surface.class == Class::Change && (200..300).contains(&status);
    if changed { reply.for_change() } else { Ok(reply) }
}

/// The whole body, as long as it may be and as it was asked for; else why not.
async fn body(wire: &Wire, response: Response) -> Result<Vec<u8>, String> {
    // Nothing compressed is requested, but some gateways compress anyway.
    let coding = response
        .headers()
        .get(CONTENT_ENCODING)
        .map(|coding| String::from_utf8_lossy(coding.as_bytes()).to_lowercase());
    let is_gzip = match coding.as_deref().map(str::trim) {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip") => true,
        Some(coding) => return Err(format!("the answer is compressed ({coding}), which was not requested")),
    };
    let limit = wire.limits.body;
    let too_large = || format!("the answer is larger than {} MiB and was not read", limit / (1024 * 1024));
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let (mut chunks, mut length, mut turn) = (Vec::new(), 0, None);
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| why(&error, wire))?;
        length += chunk.len();
        chunks.push(chunk);
        if length > limit {
            return Err(too_large());
        }
        if length > LARGE && turn.is_none() {
            // It waits at most as long as the others may take.
            turn = wire.large.acquire().await.ok();
        }
    }
    let body = chunks.concat();
    if is_gzip { decompressed(&body, limit).map_err(|why| why.unwrap_or_else(too_large)) } else { Ok(body) }
}

/// A decompressed body; none as the error if it is larger than the limit, in bytes.
fn decompressed(body: &[u8], limit: usize) -> Result<Vec<u8>, Option<String>> {
    let (mut whole, most) = (Vec::new(), limit as u64 + 1);
    let read = MultiGzDecoder::new(body).take(most).read_to_end(&mut whole);
    read.map_err(|error| Some(format!("the answer cannot be decompressed: {error}")))?;
    if whole.len() > limit { Err(None) } else { Ok(whole) }
}

/// Why the answer is missing, and what to do about it.
fn why(error: &reqwest::Error, wire: &Wire) -> String {
    if error.is_timeout() && !error.is_connect() {
        return format!("no whole answer within {} s", wire.limits.request.as_secs_f32());
    }
    let cause = cause(error);
    if let Some(advice) = certificate_advice(&cause) {
        return format!("no answer: {cause}; {advice}");
    }
    match &wire.proxy {
        _ if wants_login(&cause) => {
            "no answer: a proxy on the way asks for user and password (407); set BPCONFORM_PROXY_USER and \
             BPCONFORM_PROXY_PASSWORD, or name the host in NO_PROXY"
                .to_owned()
        }
        Some(proxy) if error.is_connect() => {
            format!("no answer through the proxy {proxy}: {cause}; is the proxy running, and is its address right?")
        }
        _ if error.is_connect() => {
            format!("no answer: {cause}; is it running, and are address, scheme and proxy right?")
        }
        // A server that wants another client certificate may close before its alert is read.
        _ if cause.contains(CLOSED_AT_ONCE) => {
            "no answer: the server closed the connection at once; does it ask for a client certificate, or refuse this one?"
                .to_owned()
        }
        _ => format!("no whole answer: {cause}"),
    }
}

fn cause_of(error: &reqwest::Error) -> Cause {
    let told = cause(error);
    if is_certificate(&told) {
        Cause::CertificateRefused
    } else if wants_login(&told) {
        Cause::ProxyAuthentication
    } else {
        Cause::Unreachable
    }
}

/// Whether a proxy refused to open a tunnel without user and password.
fn wants_login(cause: &str) -> bool {
    cause.contains("proxy authorization required") || cause.contains("407")
}

fn is_certificate(cause: &str) -> bool {
    certificate_advice(cause).is_some()
}

/// What a failure of TLS, in rustls's words, means to an operator.
fn certificate_advice(cause: &str) -> Option<&'static str> {
    let known = [
        (
            "UnknownIssuer",
            "the certificate is of an authority that is not trusted: name its certificate with --ca-file",
        ),
        ("BadSignature", "the certificate is of an authority that is not trusted: name its certificate with --ca-file"),
        (
            "UnsupportedCertVersion",
            "the certificate has the old form X.509 v1, as Adobe's documentation creates it: name exactly this certificate \
             with --ca-file",
        ),
        (
            "CaUsedAsEndEntity",
            "the certificate is self-signed and says that it is an authority: name exactly this certificate with \
             --ca-file",
        ),
        ("xpired", "the certificate has expired: renew it on the server"),
        ("NotValidYet", "the certificate is not valid yet: check the clocks of both machines"),
        ("not valid yet", "the certificate is not valid yet: check the clocks of both machines"),
        ("NotValidForName", "the certificate is for another host: use the name that it is for"),
        ("not valid for name", "the certificate is for another host: use the name that it is for"),
        ("CertificateRequired", "the server asks for a client certificate: set --client-cert and --client-key"),
        (
            "InvalidContentType",
            "what answers does not speak TLS: is the scheme right? write http:// or use the port of HTTPS",
        ),
        ("invalid peer certificate", "the certificate cannot be verified: check the server's certificate chain"),
    ];
    known.iter().find(|(words, _)| cause.contains(words)).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compressed_body_is_read_up_to_the_limit() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gzip, &[b'x'; 1000]).expect("memory");
        let gzip = gzip.finish().expect("memory");
        assert_eq!(decompressed(&gzip, 1000), Ok(vec![b'x'; 1000]));
        assert_eq!(decompressed(&gzip, 999), Err(None));
        assert!(matches!(decompressed(&gzip[..gzip.len() - 9], 1000), Err(Some(_))));
        assert!(matches!(decompressed(b"{}", 1000), Err(Some(_))));
    }

    #[test]
    fn what_tls_says_is_put_into_an_operators_words() {
        let advice = |cause| certificate_advice(cause).unwrap_or("none");
        assert!(advice("invalid peer certificate: UnknownIssuer").contains("--ca-file"));
        assert!(advice("invalid peer certificate: certificate expired: verification time …").contains("renew"));
        assert!(advice("received corrupt message of type InvalidContentType").contains("http://"));
        assert_eq!(advice("Connection refused (os error 111)"), "none");
    }
}
