//! A Sling that starts, below a context path: the run waits for it and does not mistake it for something else.

use std::time::{Duration, Instant};

use super::author::{Sling, there_is_a_sling};
use super::verdicts::check;
use crate::support::{Told, bpconform_with, is_left_out};

fn doctor(sling: &Sling, url: &str) -> Told {
    let variables = [("BPCONFORM_AUTHOR_USER", "admin"), ("BPCONFORM_AUTHOR_PASSWORD", "admin"), ("NO_PROXY", "*")];
    let tenant = sling.serving["tenant"].as_str().unwrap_or("http://bpdoc.localhost:1");
    bpconform_with(&["doctor", "--author-url", url, "--tenant-url", tenant, "--request-timeout", "2"], &variables)
}

#[test]
fn an_author_that_starts_is_told_from_one_that_is_none() {
    if is_left_out("start of a real Sling below a context path") {
        return;
    }
    if !there_is_a_sling("an_author_that_starts_is_told_from_one_that_is_none") {
        return;
    }
    let mut sling = Sling::starting(&["--announce", "--context-path", "/aem"]);
    sling.next_line();
    let url = sling.url("starting").to_owned();
    let (began, mut answered) = (Instant::now(), 0);
    let ready = loop {
        let told = doctor(&sling, &url);
        if told.out.contains("it is AEM") {
            break told;
        }
        assert_eq!(told.code, Some(3), "{}", told.all());
        let text = told.all();
        // Nothing listens before its HTTP server does.
        if !text.contains("refused") {
            answered += 1;
            assert!(text.contains("may still be starting"), "{text}");
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{text}");
    };
    println!("{answered} answers while it started, {:.1} s", began.elapsed().as_secs_f64());
    drop(ready);
    sling.next_line();
    let told = doctor(&sling, &url);
    assert_eq!(told.code, Some(0), "{}", told.all());
    check(&sling, "context-path");
}
