//! The Developer Console: surfaces.md §6.2, §1.3.

use bpconform_mocks::stack::Stack;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json as object};

use crate::{client, json, stack};

fn ask(stack: &Stack, method: Method, path: &str) -> RequestBuilder {
    let org = &stack.credentials()["BPCONFORM_IMS_ORG_ID"];
    let url = format!("{}/console/organizations/{org}{path}", stack.console);
    client().request(method, url).bearer_auth(&stack.credentials()["BPCONFORM_CONSOLE_TOKEN"])
}

async fn project(stack: &Stack) -> String {
    let (status, body) =
        json(ask(stack, Method::POST, "/projects").form(&[("title", "P")]).send().await.unwrap()).await;
    assert_eq!((status, &body["title"]), (201, &"P".into()));
    body["id"].as_str().unwrap().to_owned()
}

async fn add(stack: &Stack, project: &str, kind: &str) -> (u16, Value) {
    let api = object!({
        "api": "AEM Brand Portal",
        "credentialName": "C",
        "credentialType": kind,
        "productProfile": "Assets Brand Portal",
    });
    json(ask(stack, Method::POST, &format!("/projects/{project}/apis")).json(&api).send().await.unwrap()).await
}

async fn token_status(stack: &Stack, credential: &Value) -> u16 {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", credential["clientId"].as_str().unwrap()),
        ("client_secret", credential["clientSecret"].as_str().unwrap()),
        ("scope", credential["scopes"].as_str().unwrap()),
    ];
    let answer = client().post(format!("{}/ims/token/v3", stack.ims)).form(&form).send().await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn a_credential_works_at_ims_until_its_project_is_deleted() {
    let stack = stack().await;
    let project = project(&stack).await;
    let (status, credential) = add(&stack, &project, "oauth_server_to_server").await;
    assert_eq!(status, 201, "{credential}");
    assert_eq!(token_status(&stack, &credential).await, 200);
    let path = format!("/projects/{project}");
    let (_, shown) = json(ask(&stack, Method::GET, &path).send().await.unwrap()).await;
    assert_eq!((&shown["apis"][0], &shown["credentials"][0]["name"]), (&"AEM Brand Portal".into(), &"C".into()));
    assert_eq!(ask(&stack, Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(ask(&stack, Method::GET, &path).send().await.unwrap().status(), 404);
    assert_eq!(token_status(&stack, &credential).await, 400);
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let stack = stack().await;
    let project = project(&stack).await;
    let (_, credential) = add(&stack, &project, "oauth_server_to_server").await;
    let secret = credential["clientSecret"].as_str().unwrap();
    let path = format!("/credentials/{}/secrets", credential["id"].as_str().unwrap());
    let (status, secrets) = json(ask(&stack, Method::GET, &path).send().await.unwrap()).await;
    assert_eq!((status, secrets["client_secrets"].as_array().map(Vec::len)), (200, Some(1)));
    let shown = ask(&stack, Method::GET, &format!("/projects/{project}")).send().await.unwrap().text().await.unwrap();
    assert!(!secrets.to_string().contains(secret) && !shown.contains(secret));
}

#[tokio::test]
async fn a_jwt_credential_is_refused_with_the_way_out() {
    let stack = stack().await;
    let project = project(&stack).await;
    let (status, body) = add(&stack, &project, "jwt").await;
    assert_eq!(status, 400);
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("JWT credentials can no longer be created"), "{message}");
    assert!(message.contains("OAuth Server-to-Server"), "{message}");
    assert!(!message.chars().any(|c| c.is_ascii_digit()), "a date has no place here: {message}");
    let (_, shown) = json(ask(&stack, Method::GET, &format!("/projects/{project}")).send().await.unwrap()).await;
    assert_eq!(shown["credentials"], object!([]));
}

#[tokio::test]
async fn a_stranger_is_turned_away() {
    let stack = stack().await;
    let url = format!("{}/console/organizations/x@AdobeOrg/projects", stack.console);
    let request = client().post(&url).form(&[("title", "P")]);
    assert_eq!(request.try_clone().unwrap().send().await.unwrap().status(), 401);
    let token = &stack.credentials()["BPCONFORM_CONSOLE_TOKEN"];
    assert_eq!(request.bearer_auth(token).send().await.unwrap().status(), 403);
}
