//! Faults of the wire: the front breaks the requests that it is asked to break, and no others.

use std::sync::Arc;

use bpconform_mocks::authority::Authority;
use bpconform_mocks::faults::Fault;
use bpconform_mocks::stack::{Stack, StackOptions};
use reqwest::{Certificate, Client};

use crate::{client, json, stack, token_form};

/// Breaks the next request, or the next one to an endpoint.
async fn arm(stack: &Stack, fault: &str, surface: &str) {
    let url = format!("{}/__bpconform/wire", stack.author);
    let (status, body) =
        json(client().post(url).form(&[("fault", fault), ("surface", surface)]).send().await.unwrap()).await;
    assert_eq!((status, &body["fault"]), (200, &fault.into()), "{body}");
}

/// Whether IMS issues a token, or the error of the connection.
async fn ask_ims(client: &Client, stack: &Stack) -> Result<u16, reqwest::Error> {
    let answer = client.post(format!("{}/ims/token/v3", stack.ims)).form(&token_form(stack)).send().await?;
    let status = answer.status().as_u16();
    answer.bytes().await.map(|_| status)
}

#[tokio::test]
async fn only_the_next_request_is_struck_at_whatever_system() {
    let stack = stack().await;
    assert_eq!(ask_ims(&client(), &stack).await.unwrap(), 200);
    for fault in ["reset", "close-before-head", "random-bytes", "truncated-body", "bad-chunk", "huge-headers"] {
        arm(&stack, fault, "").await;
        assert!(ask_ims(&client(), &stack).await.is_err(), "{fault}");
        assert_eq!(ask_ims(&client(), &stack).await.unwrap(), 200, "after {fault}");
    }
}

#[tokio::test]
async fn a_fault_can_be_kept_for_a_surface() {
    let stack = stack().await;
    arm(&stack, "reset", "ims.validate-token").await;
    assert_eq!(ask_ims(&client(), &stack).await.unwrap(), 200);
    let validate = || client().post(format!("{}/ims/validate_token/v1", stack.ims)).send();
    assert!(validate().await.is_err());
    assert_eq!(validate().await.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn what_the_systems_send_each_other_is_not_struck() {
    let stack = Stack::start(StackOptions::new("configured")).await.unwrap();
    arm(&stack, "reset", "ims.token").await;
    // The Author requests the token of its delivery from IMS.
    let path = "etc/replication/agents.author/mp_replication_agent0_default_bpdoc.test.html";
    let page =
        client().get(format!("{}/{path}", stack.author)).basic_auth("admin", Some("admin")).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("<strong>succeeded"));
    assert!(ask_ims(&client(), &stack).await.is_err());
}

#[tokio::test]
async fn an_unknown_fault_and_one_of_tls_without_tls_are_refused() {
    let stack = stack().await;
    for (fault, told) in [("rest", "must be one of"), ("tls-alert", "needs TLS")] {
        let url = format!("{}/__bpconform/wire", stack.author);
        let (status, body) = json(client().post(url).form(&[("fault", fault)]).send().await.unwrap()).await;
        assert!(status == 400 && body.as_str().unwrap().contains(told), "{body}");
    }
}

#[tokio::test]
async fn a_stack_speaks_tls_and_plain_http_at_the_same_port_and_tls_breaks() {
    let authority = Arc::new(Authority::new().unwrap());
    let certificate = Certificate::from_pem(authority.certificate().as_bytes()).unwrap();
    let stack = Stack::start(StackOptions { authority: Some(authority), ..StackOptions::new("base") }).await.unwrap();
    assert!(stack.ims.starts_with("https://"));
    let trusting = || Client::builder().tls_certs_only([certificate.clone()]).no_proxy().build().unwrap();
    assert_eq!(ask_ims(&trusting(), &stack).await.unwrap(), 200);
    for fault in Fault::ALL.iter().filter(|fault| fault.needs_tls() && fault.id != "tls-silence") {
        let wire = format!("{}/__bpconform/wire", stack.author.replace("https:", "http:"));
        let armed = client().post(wire).form(&[("fault", fault.id)]).send().await.unwrap();
        assert_eq!(armed.status().as_u16(), 200);
        assert!(ask_ims(&trusting(), &stack).await.is_err(), "{fault:?}");
        assert_eq!(ask_ims(&trusting(), &stack).await.unwrap(), 200, "after {fault:?}");
    }
}
