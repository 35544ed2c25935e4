//! A stack in two parts, as with a real Author: IMS and tenant with TLS, and an Author that is configured for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpconform_fixtures::System;
use bpconform_mocks::authority::Authority;
use bpconform_mocks::ims;
use bpconform_mocks::stack::{Stack, StackError, StackOptions};
use reqwest::{Certificate, Client};
use serde_json::Value;

use crate::{client, json};

/// IMS and tenant with TLS.
async fn others(authority: &Arc<Authority>) -> Stack {
    let options = StackOptions {
        serve: [System::Ims, System::Tenant].into(),
        authority: Some(Arc::clone(authority)),
        ..StackOptions::new("base")
    };
    Stack::start(options).await.unwrap()
}

/// An Author that is configured for these, and trusts that authority.
async fn author(others: &Stack, trusted: &Authority) -> Stack {
    let options = StackOptions {
        serve: [System::Author].into(),
        elsewhere: BTreeMap::from([(System::Ims, others.ims.clone()), (System::Tenant, others.tenant.clone())]),
        trust: trusted.certificate().into(),
        ..StackOptions::new("configured")
    };
    Stack::start(options).await.unwrap()
}

/// The page of Test Connection of an agent.
async fn test(author: &Stack, agent: u8) -> String {
    let url =
        format!("{}/etc/replication/agents.author/mp_replication_agent{agent}_default_bpdoc.test.html", author.author);
    client().get(url).basic_auth("admin", Some("admin")).send().await.unwrap().text().await.unwrap()
}

async fn journal(authority: &Authority, base: &str) -> Value {
    let trusted = Certificate::from_pem(authority.certificate().as_bytes()).unwrap();
    let here = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let client = Client::builder().tls_certs_only([trusted]).no_proxy().resolve("bpdoc.localhost", here);
    json(client.build().unwrap().get(format!("{base}/__bpconform/requests")).send().await.unwrap()).await.1
}

#[tokio::test]
async fn what_the_author_sends_arrives_at_the_others_over_tls() {
    let authority = Arc::new(Authority::new().unwrap());
    let others = others(&authority).await;
    let author = author(&others, &authority).await;
    assert!(others.tenant.starts_with("https://bpdoc.localhost:") && others.author.is_empty(), "{others:?}");
    let page = test(&author, 2).await;
    assert!(page.contains("ReplicationAction TEST ok.") && page.contains("succeeded"), "{page}");
    let ims = journal(&authority, &others.ims).await;
    assert_eq!(ims["requests"][0]["fields"]["client_id"], author.credentials()["BPCONFORM_IMS_CLIENT_ID"]);
    let tenant = journal(&authority, &others.tenant).await;
    assert_eq!(tenant["requests"][0]["headers"]["action"], "Test");
    assert_eq!(tenant["requests"][0]["bearer"]["state"], "valid");
}

#[tokio::test]
async fn an_author_that_trusts_another_authority_does_not_come() {
    let authority = Arc::new(Authority::new().unwrap());
    let others = others(&authority).await;
    let author = author(&others, &Authority::new().unwrap()).await;
    let page = test(&author, 0).await;
    assert!(page.contains("invalid peer certificate") && page.contains("failed"), "{page}");
    let ims = journal(&authority, &others.ims).await;
    assert_eq!(ims["requests"].as_array().map(Vec::len), Some(0), "{ims}");
    assert!(ims["refused"][0]["problem"].as_str().unwrap().contains("alert"), "{ims}");
}

#[tokio::test]
async fn ims_knows_a_credential_that_it_is_told_of() {
    let own = ims::Client {
        id: "own".into(),
        secrets: vec!["hush".into()],
        org_id: "1@AdobeOrg".into(),
        technical_account: "1@techacct.adobe.com".into(),
        kind: ims::Kind::OAuth { scopes: vec!["openid".into()] },
    };
    let options = StackOptions { serve: [System::Ims].into(), client: Some(own), ..StackOptions::new("base") };
    let stack = Stack::start(options).await.unwrap();
    let form =
        [("grant_type", "client_credentials"), ("client_id", "own"), ("client_secret", "hush"), ("scope", "openid")];
    let answer = client().post(format!("{}/ims/token/v3", stack.ims)).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_system_that_is_needed_and_nowhere_is_named() {
    let options = StackOptions { serve: [System::Tenant].into(), ..StackOptions::new("base") };
    let error = Stack::start(options).await.expect_err("its tokens are unknown");
    assert!(matches!(error, StackError::Missing { system: "tenant", needs: "IMS" }), "{error}");
}
