//! A stack that is restarted: at the same addresses, without the former state.

use std::time::Duration;

use bpconform_mocks::renewal::RestartableStack;
use bpconform_mocks::stack::{Stack, StackOptions};
use serde_json::Value;

use crate::{advance, client, json};

async fn ask(url: &str) -> Value {
    json(client().get(url).send().await.unwrap()).await.1
}

/// Requests a restart with a seed and waits until it serves.
async fn renew(control: &str, seed: &str) -> Value {
    let url = format!("{control}/__bpconform/stack");
    let (status, answer) = json(client().post(&url).form(&[("seed", seed)]).send().await.unwrap()).await;
    assert_eq!(status, 202, "{answer}");
    loop {
        let told = ask(&url).await;
        if told["generation"] == answer["generation"] {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn it_begins_again_at_the_same_addresses_and_knows_nothing_of_before() {
    let stack = Stack::start(StackOptions::new("configured")).await.unwrap();
    let (author, ims) = (stack.author.clone(), stack.ims.clone());
    advance(&stack, 24 * 3_600_000).await;
    let renewable = RestartableStack::start(stack, 0).await.unwrap();
    let first = ask(&format!("{}/__bpconform/stack", renewable.control)).await;
    assert_eq!((&first["generation"], &first["seed"]), (&1.into(), &"configured".into()));
    let clock = format!("{author}/__bpconform/clock");
    let late = ask(&clock).await["now"].as_str().unwrap().to_owned();
    let repository = format!("{author}/__bpconform/repository");
    let configured = ask(&repository).await;

    let told = renew(&renewable.control, "fresh").await;
    assert_eq!((&told["generation"], &told["seed"]), (&2.into(), &"fresh".into()));
    assert_eq!((&told["author"], &told["ims"]), (&author.into(), &ims.into()));
    assert_eq!(told["credentials"], first["credentials"]);
    assert!(ask(&clock).await["now"].as_str().unwrap() < late.as_str(), "it still has the clock of before");
    assert_ne!(ask(&repository).await, configured);

    renew(&renewable.control, "configured").await;
    assert_eq!(ask(&repository).await, configured);
}

#[tokio::test]
async fn a_state_that_there_is_not_changes_nothing() {
    let stack = Stack::start(StackOptions::new("configured")).await.unwrap();
    let renewable = RestartableStack::start(stack, 0).await.unwrap();
    let url = format!("{}/__bpconform/stack", renewable.control);
    let (status, said) = json(client().post(&url).form(&[("seed", "configurd")]).send().await.unwrap()).await;
    assert_eq!(status, 400);
    assert!(said.as_str().unwrap().contains("configured"), "{said}");
    assert_eq!(ask(&url).await["generation"], 1);
}
