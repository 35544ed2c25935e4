//! The other side of the benchmarks, which is not the mock: a server of recorded answers, and the least that a client must
//! do to look at the same facts. `ci/bench/run` starts it.
//!
//! - `record AUTHOR TENANT FILE` forwards to a mocked Author and writes down what it answers, until its input ends; and the
//!   first page of the tenant.
//! - `serve FILE LATENCY_MS TENANT_PORT` answers what was written down, at a free port and at that one.
//! - `floor FILE COUNT BASE…` asks each server for the same facts, one after another, with a bare client.

#![expect(clippy::print_stdout, reason = "its output is read by ci/bench/run")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Answers = BTreeMap<String, Answer>;

/// The user `admin` with the password `admin`.
const LOGIN: &str = "Basic YWRtaW46YWRtaW4=";

/// A path with this in it is made up by each run, and does not exist.
const MADE_UP: &str = "/bpconform-";

#[derive(Clone, Serialize, Deserialize)]
struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match words.as_slice() {
        ["record", author, tenant, file] => runtime.block_on(record(author.parse()?, tenant.parse()?, file)),
        ["serve", file, latency, tenant] => {
            runtime.block_on(serve(Arc::new(read(file)?), Duration::from_millis(latency.parse()?), tenant.parse()?))
        }
        ["floor", file, count, bases @ ..] => runtime.block_on(floor(&read(file)?, count.parse()?, bases)),
        _ => Err("bench record AUTHOR TENANT FILE | serve FILE LATENCY_MS TENANT_PORT | floor FILE COUNT BASE…".into()),
    }
}

fn read(file: &str) -> Result<Answers, Failure> {
    Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
}

/// Sends a request over a new connection and reads the whole answer.
async fn ask(address: SocketAddr, path: &str, login: Option<&str>) -> Result<Answer, Failure> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(TcpStream::connect(address).await?)).await?;
    tokio::spawn(connection);
    let mut request = Request::get(path).header(HOST, address.to_string());
    if let Some(login) = login {
        request = request.header(AUTHORIZATION, login);
    }
    let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (status, content_type) = (response.status().as_u16(), content_type.to_owned());
    let body = String::from_utf8_lossy(&response.into_body().collect().await?.to_bytes()).into_owned();
    Ok(Answer { status, content_type, body })
}

/// Listens at a free port, and prints it.
async fn listen() -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    Ok(listener)
}

async fn record(author: SocketAddr, tenant: SocketAddr, file: &str) -> Result<(), Failure> {
    let (listener, answers) = (listen().await?, Arc::new(Mutex::new(Answers::new())));
    let kept = Arc::clone(&answers);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            let service = service_fn(move |request: Request<Incoming>| {
                let kept = Arc::clone(&kept);
                async move {
                    let path = request.uri().to_string();
                    let login = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
                    let answer = ask(author, &path, login).await?;
                    let path = if path.starts_with(MADE_UP) { MADE_UP.to_owned() } else { path };
                    kept.lock().expect("no holder of the lock panics").insert(path, answer.clone());
                    Ok::<_, Failure>(response(&answer))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let first_page = ask(tenant, "/", None).await?;
    answers.lock().expect("no holder of the lock panics").insert("/".to_owned(), first_page);
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    std::fs::write(file, serde_json::to_string_pretty(&*answers.lock().expect("no holder of the lock panics"))?)?;
    Ok(())
}

fn response(answer: &Answer) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = Response::new(Full::new(Bytes::from(answer.body.clone())));
    *response.status_mut() = status;
    if let Ok(value) = answer.content_type.parse() {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// Counts what arrives.
#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    connections: AtomicU64,
}

async fn serve(answers: Arc<Answers>, latency: Duration, tenant: u16) -> Result<(), Failure> {
    let tenant = TcpListener::bind(("127.0.0.1", tenant)).await?;
    let (listener, counts) = (listen().await?, Arc::new(Counts::default()));
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            accepted = tenant.accept() => accepted?,
        };
        stream.set_nodelay(true)?;
        counts.connections.fetch_add(1, Ordering::Relaxed);
        let (answers, counts) = (Arc::clone(&answers), Arc::clone(&counts));
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer(&answers, &counts, &request.uri().to_string());
            async move {
                tokio::time::sleep(latency).await;
                Ok::<_, Infallible>(answer)
            }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn answer(answers: &Answers, counts: &Counts, path: &str) -> Response<Full<Bytes>> {
    if path == "/bench-counts" {
        let counts = [&counts.requests, &counts.connections].map(|count| count.swap(0, Ordering::Relaxed));
        return Response::new(Full::new(Bytes::from(format!("{} {}", counts[0], counts[1]))));
    }
    counts.requests.fetch_add(1, Ordering::Relaxed);
    let key = if path.starts_with(MADE_UP) { MADE_UP } else { path };
    answers.get(key).map_or_else(
        || {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        },
        response,
    )
}

/// The least: one connection for each environment, each fact asked for once, JSON read as JSON, everything else as a text
/// that holds something.
async fn floor(answers: &Answers, count: usize, bases: &[&str]) -> Result<(), Failure> {
    let facts: Vec<(&String, &Answer)> =
        answers.iter().filter(|(path, answer)| answer.status == 200 && *path != "/").take(count).collect();
    for base in bases {
        let stream = TcpStream::connect(base).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        for (path, fact) in &facts {
            let request = Request::get(path.as_str()).header(HOST, *base).header(AUTHORIZATION, LOGIN);
            let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await?.to_bytes();
            let is_right = if fact.content_type.contains("json") {
                serde_json::from_slice::<serde_json::Value>(&body).is_ok_and(|value| !value.is_null())
            } else {
                std::str::from_utf8(&body).is_ok_and(|text| text.len() == fact.body.len())
            };
            if status != 200 || !is_right {
                return Err(format!("{base}{path}: {status}, {} bytes", body.len()).into());
            }
        }
    }
    Ok(())
}
