//! The contract of the mocked stack by `surfaces.md`, tested with plain HTTP, not with the clients of the harness.
#![expect(clippy::unwrap_used, reason = "a test that cannot get what it needs has failed")]

mod apart;
mod console;
mod ims;
mod renewal;
mod shell;
mod tenant;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};

use bpconform_mocks::stack::{Stack, StackOptions};
use reqwest::{Client, Response};
use serde_json::Value;

/// A stack for a single test; its Author has no configuration of Brand Portal.
async fn stack() -> Stack {
    Stack::start(StackOptions::new("base")).await.unwrap()
}

/// A client for the stack; `resolve` is the tenant's host, which must be resolved to this machine.
fn client() -> Client {
    let loopback = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let builder = Client::builder().tls_certs_only([]).no_proxy();
    builder.resolve("bpdoc.localhost", loopback).resolve("other.localhost", loopback).build().unwrap()
}

/// The status and the body as JSON.
async fn json(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The form of a token request with the stack's own credentials.
fn token_form(stack: &Stack) -> Vec<(&'static str, String)> {
    let credential = |name: &str| stack.credentials()[name].clone();
    vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", credential("BPCONFORM_IMS_CLIENT_ID")),
        ("client_secret", credential("BPCONFORM_IMS_CLIENT_SECRET")),
        ("scope", credential("BPCONFORM_IMS_SCOPE")),
    ]
}

/// A token issued by IMS.
async fn token(stack: &Stack) -> String {
    let url = format!("{}/ims/token/v3", stack.ims);
    let (status, body) = json(client().post(url).form(&token_form(stack)).send().await.unwrap()).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

/// Moves the clock ahead, using the Author's control.
async fn advance(stack: &Stack, milliseconds: i64) {
    let url = format!("{}/__bpconform/clock", stack.author);
    let (status, body) = json(client().post(url).form(&[("advance", milliseconds)]).send().await.unwrap()).await;
    assert_eq!(status, 200, "{body}");
}
