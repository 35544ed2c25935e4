//! The server: conversations, due times, the clock, and the replacement of wiremock servers.

use std::sync::Arc;
use std::time::Duration;

use bpconform_fixtures::{Surfaces, System};
use bpconform_mocks::machine::{Call, CallResult, Machine, Request, Response, Step, Ticket};
use bpconform_mocks::server::{CallOptions, Server, Service};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json as object};
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use crate::{client, json, stack};

/// Forwards each request to an address, and calls it every hour as well.
struct Forwarder {
    to: String,
    due: Timestamp,
    seen: Vec<String>,
    calls: Ticket,
}

impl Forwarder {
    fn call(&mut self, path: &str) -> (Ticket, Call) {
        self.calls += 1;
        let url = format!("{}{path}", self.to);
        (self.calls, Call { method: "GET".into(), url, headers: Vec::new(), body: Vec::new() })
    }
}

impl Machine for Forwarder {
    fn handle(&mut self, _: Timestamp, request: &Request) -> Step {
        if request.path == "/here" {
            return Step::Answer(Response::new(200, "text/plain", "here"));
        }
        let (ticket, call) = self.call(&request.path);
        Step::Call(ticket, call)
    }

    fn resume(&mut self, now: Timestamp, _: Ticket, outcome: CallResult) -> Step {
        match outcome {
            Ok(response) if response.text() == "hourly" => {
                self.seen.push(now.to_string());
                Step::Done
            }
            Ok(response) => Step::Answer(response),
            Err(problem) => Step::Answer(Response::new(502, "text/plain", problem)),
        }
    }

    fn tick(&mut self, now: Timestamp) -> Vec<(Ticket, Call)> {
        if now < self.due {
            return Vec::new();
        }
        self.due += SignedDuration::from_hours(1);
        vec![self.call("/hourly")]
    }

    fn next_due(&self) -> Option<Timestamp> {
        Some(self.due)
    }

    fn dump(&self) -> Value {
        object!(self.seen)
    }
}

async fn serve(machine: impl Machine) -> (Server, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = Service {
        system: System::Author,
        listener,
        tls: None,
        machine: Box::new(machine),
        wire: None,
        framing: None,
        jitter: None,
    };
    let surfaces = Arc::new(Surfaces::built_in().clone());
    (Server::start(surfaces, vec![service], CallOptions::default()).await.unwrap(), url)
}

/// A server that answers with the last segment of the path, for `/meet` only when two requests are waiting.
async fn far_away() -> String {
    use hyper::service::service_fn;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let barrier = Arc::new(Barrier::new(2));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let barrier = Arc::clone(&barrier);
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let barrier = Arc::clone(&barrier);
                async move {
                    let name = request.uri().path().trim_start_matches('/').to_owned();
                    if name == "meet" {
                        barrier.wait().await;
                    }
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(
                        http_body_util::Full::<hyper::body::Bytes>::from(name),
                    ))
                }
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    url
}

async fn forwarder(to: String) -> (Server, String, Timestamp) {
    let due = Timestamp::now() + SignedDuration::from_hours(1);
    let (server, url) = serve(Forwarder { to, due, seen: Vec::new(), calls: 0 }).await;
    (server, url, due)
}

#[tokio::test]
async fn conversations_that_wait_do_not_block_each_other() {
    let (_server, url, _) = forwarder(far_away().await).await;
    let client = client();
    // Each of the two is answered only when the other has arrived.
    let meet = || client.get(format!("{url}/meet")).timeout(Duration::from_secs(20)).send();
    let (one, two) = tokio::join!(meet(), meet());
    assert_eq!(
        (one.unwrap().text().await.unwrap(), two.unwrap().text().await.unwrap()),
        ("meet".into(), "meet".into())
    );
}

#[tokio::test]
async fn advancing_the_clock_does_all_that_falls_due_at_its_very_time() {
    let (_server, url, due) = forwarder(far_away().await).await;
    let advance = client().post(format!("{url}/__bpconform/clock")).form(&[("advance", 3 * 3_600_000 + 1_800_000)]);
    let (status, body) = json(advance.send().await.unwrap()).await;
    let now: Timestamp = body["now"].as_str().unwrap().parse().unwrap();
    assert_eq!(status, 200);
    assert!(now > due + SignedDuration::from_hours(2) && now < due + SignedDuration::from_hours(3), "{now}");
    let (_, seen) = json(client().get(format!("{url}/__bpconform/repository")).send().await.unwrap()).await;
    let hours: Vec<_> = (0..3).map(|hours| (due + SignedDuration::from_hours(hours)).to_string()).collect();
    assert_eq!(seen, object!(hours));
    let (_, clock) = json(client().get(format!("{url}/__bpconform/clock")).send().await.unwrap()).await;
    assert!(clock["now"].as_str().unwrap().parse::<Timestamp>().unwrap() >= now);
}

#[tokio::test]
async fn what_is_due_happens_without_a_request() {
    let to = far_away().await;
    let due = Timestamp::now() + SignedDuration::from_millis(30);
    let (_server, url) = serve(Forwarder { to, due, seen: Vec::new(), calls: 0 }).await;
    // Requests to the control are not logged.
    let looked = async {
        while json(client().get(format!("{url}/__bpconform/repository")).send().await.unwrap()).await.1 == object!([]) {
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looked).await.expect("the delivery happens by itself");
}

#[tokio::test]
async fn the_clock_takes_only_whole_milliseconds_ahead() {
    let stack = stack().await;
    for wrong in ["-1", "soon", "", "9223372036854775807"] {
        let request = client().post(format!("{}/__bpconform/clock", stack.author)).form(&[("advance", wrong)]);
        assert!(request.send().await.unwrap().status().as_u16() >= 400, "{wrong}");
    }
    let (_, clock) = json(client().get(format!("{}/__bpconform/clock", stack.author)).send().await.unwrap()).await;
    let now: Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
    assert!((now - Timestamp::now()).as_secs().abs() < 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_wiremock_servers_are_replaced() {
    let (_server, url, _) = forwarder(far_away().await).await;
    let client = client();
    // Enough requests for two replacements, with calls under way meanwhile.
    let many = (0..8).map(|_| {
        let (client, url) = (client.clone(), url.clone());
        tokio::spawn(async move {
            for number in 0..600 {
                let path = if number % 50 == 0 { "there" } else { "here" };
                let answer = client.get(format!("{url}/{path}")).send().await.unwrap();
                assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, path));
            }
        })
    });
    for task in join_all(many).await {
        task.unwrap();
    }
    let (_, journal) = json(client.get(format!("{url}/__bpconform/requests")).send().await.unwrap()).await;
    assert_eq!(journal["counts"]["GET"], 4_800);
    assert_eq!(journal["requests"].as_array().map(Vec::len), Some(1_000));
}

#[tokio::test]
async fn the_journal_holds_no_secret_and_head_has_no_body() {
    let stack = stack().await;
    let url = format!("{}/ims/token/v3?client_secret=hush&client_id=x", stack.ims);
    client().post(url).send().await.unwrap();
    let head = client().head(format!("{}/nowhere", stack.ims)).send().await.unwrap();
    assert_eq!(head.status(), 404);
    assert!(head.headers()["content-length"].to_str().unwrap().parse::<u32>().unwrap() > 0);
    let journal = client().get(format!("{}/__bpconform/requests", stack.ims)).send().await.unwrap();
    let (_, journal) = json(journal).await;
    assert_eq!(journal["counts"], object!({ "HEAD": 1, "POST": 1 }));
    assert_eq!(journal["requests"][0]["path"], "/ims/token/v3?client_secret=***&client_id=x");
    assert_eq!(journal["requests"][0]["status"], 400);
}

#[tokio::test]
async fn an_unknown_path_is_answered_with_what_is_near() {
    let stack = stack().await;
    let answer = client().post(format!("{}/ims/tokens/v3", stack.ims)).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(answer.text().await.unwrap().contains("/ims/token/v3"));
}

#[tokio::test]
async fn a_stopped_stack_serves_no_more_and_its_port_is_free() {
    let stack = stack().await;
    let address = stack.ims.trim_start_matches("http://").to_owned();
    stack.stop().await;
    assert!(client().get(format!("http://{address}/")).send().await.is_err());
    TcpListener::bind(address).await.unwrap();
}
