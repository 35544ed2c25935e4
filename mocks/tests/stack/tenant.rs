//! The tenant: surfaces.md §3.5, §4.5, §6.12.

use bpconform_mocks::stack::Stack;
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response};

use crate::{advance, client, json, stack, token};

fn receive(stack: &Stack, action: &str, path: &str) -> RequestBuilder {
    let url = format!("{}/bin/receive?sling:authRequestLogin=1", stack.tenant);
    client().post(url).header("Action", action).header("Path", path).header("Handle", path)
}

async fn deliver(stack: &Stack, token: &str, action: &str, path: &str) -> Response {
    receive(stack, action, path).header("Type", "dam:Asset").bearer_auth(token).body("bytes").send().await.unwrap()
}

#[tokio::test]
async fn a_test_package_is_answered_with_26_bytes() {
    let stack = stack().await;
    let answer = receive(&stack, "Test", "/content").bearer_auth(token(&stack).await).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain;charset=utf-8");
    assert_eq!(answer.headers()["content-length"], "26");
    assert_eq!(answer.text().await.unwrap(), "ReplicationAction TEST ok.");
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_received() {
    let stack = stack().await;
    let expired = token(&stack).await;
    advance(&stack, 90_000_000).await;
    let test = || receive(&stack, "Test", "/content");
    for request in
        [test(), test().bearer_auth("nonsense"), test().bearer_auth(expired), test().basic_auth("a", Some("b"))]
    {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.text().await.unwrap(), "Authorization required.");
    }
}

#[tokio::test]
async fn what_is_delivered_can_be_read_until_it_is_withdrawn() {
    let stack = stack().await;
    let token = token(&stack).await;
    let rows = [
        ("/content/dam/shoes/a.png", "/content/dam/mac/bpdoc/shoes/a.png"),
        ("/content/dam/mac/bpdoc/b.png", "/content/dam/mac/bpdoc/b.png"),
        ("/content/cq:tags/ns/red", "/etc/tags/mac/bpdoc/ns/red"),
        ("/conf/global/settings/dam/x", "/conf/global/settings/dam/x"),
    ];
    for (path, home) in rows {
        let answer = deliver(&stack, &token, "Activate", path).await;
        assert_eq!(answer.text().await.unwrap(), "ReplicationAction ACTIVATE ok.");
        let read = || client().get(format!("{}{home}.0.json", stack.tenant)).send();
        let (status, node) = json(read().await.unwrap()).await;
        assert_eq!((status, &node["jcr:primaryType"], &node["size"]), (200, &"dam:Asset".into(), &5.into()), "{path}");
        let sha256 = "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9";
        assert_eq!(node["sha256"], sha256);
        assert_eq!(deliver(&stack, &token, "Deactivate", path).await.status(), 200);
        assert_eq!(read().await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_contribution_waits_for_the_first_author_that_takes_it() {
    let stack = stack().await;
    let token = token(&stack).await;
    let root = format!("{}/content/dam/mac/bpdoc", stack.tenant);
    let upload = async |folder: &str| {
        let file = Part::bytes(&b"photo"[..]).file_name("p.jpg").mime_str("image/jpeg").unwrap();
        let request = client().post(format!("{root}/{folder}.contribute")).multipart(Form::new().part("file", file));
        request.bearer_auth(&token).send().await.unwrap().status().as_u16()
    };
    assert_eq!(upload("campaign/NEW").await, 404);
    deliver(&stack, &token, "Activate", "/content/dam/campaign").await;
    assert_eq!(upload("campaign/NEW").await, 201);
    let list = async || {
        let request = client().get(format!("{root}.contributions.json")).bearer_auth(&token);
        json(request.send().await.unwrap()).await.1["contributions"].clone()
    };
    let path = list().await[0]["path"].as_str().unwrap().to_owned();
    assert_eq!(path, "/content/dam/mac/bpdoc/campaign/NEW/p.jpg");
    let url = format!("{}{path}.contribution", stack.tenant);
    let fetched = client().get(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(fetched.headers()["content-type"], "image/jpeg");
    assert_eq!(fetched.text().await.unwrap(), "photo");
    assert_eq!(client().get(&url).send().await.unwrap().status(), 401);
    assert_eq!(client().delete(&url).bearer_auth(&token).send().await.unwrap().status(), 204);
    assert_eq!(list().await.as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn only_the_tenants_own_host_is_served() {
    let stack = stack().await;
    let home = client().get(&stack.tenant).send().await.unwrap();
    assert_eq!(home.status(), 200);
    assert!(home.text().await.unwrap().contains("Brand Portal"));
    let other = stack.tenant.replace("bpdoc", "other");
    assert_eq!(client().get(other).send().await.unwrap().status(), 404);
}
