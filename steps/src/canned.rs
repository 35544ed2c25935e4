//! A target of fixed answers, for unit tests of what is decided by several requests.

use std::sync::Arc;

use bpconform_fixtures::{Allow, Surfaces};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use crate::credentials::Credentials;
use crate::redact::Redactor;
use crate::run::Run;
use crate::session::Session;
use crate::stack::Stack;
use crate::wire::{Connection, Proxy, Wire};

/// What is answered to one path: status, more header lines and body.
pub(crate) type Answer = (u16, &'static str, String);

/// A conversation with a target whose systems all answer like that, by the path that is asked for.
pub(crate) async fn session(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Session {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") && connection.read_buf(&mut request).await.is_ok_and(|read| read > 0)
            {
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let (status, headers, body) = answer(request.split(' ').nth(1).unwrap_or_default());
            let length = body.len();
            let head = format!("HTTP/1.1 {status} x\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n");
            let _ = connection.write_all((head + &body).as_bytes()).await;
        }
    });
    let wire = Wire::new(&Connection { proxy: Proxy::None, ..Connection::default() }).expect("a client");
    let run = Run::new("test", Allow::Observe, Arc::new(Surfaces::built_in().clone()), wire, Redactor::default());
    let url = Url::parse(&base).expect("an address");
    let stack = Stack {
        author: url.clone(),
        ims: Some(url.clone()),
        console: Some(url.clone()),
        tenant: Some(url),
        control: None,
    };
    let login = ["USER", "PASSWORD"].map(|it| (format!("BPCONFORM_AUTHOR_{it}"), "harness-of-tests".to_owned()));
    Session::new(Arc::new(run), stack, Credentials::new(login).0)
}

/// A node of the repository with these members, as JSON.
pub(crate) fn node(members: serde_json::Value) -> Answer {
    let mut node = members;
    node["jcr:primaryType"] = "nt:unstructured".into();
    (200, "", node.to_string())
}
