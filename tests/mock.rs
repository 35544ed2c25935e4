//! `bpconform mock`: it prints one JSON object when it is ready, and ends at Ctrl-C.

use crate::support::{Mock, bpconform, get};

#[test]
fn it_prints_its_addresses_and_credentials() {
    let mock = Mock::start("configured");
    for system in ["author", "ims", "console", "tenant"] {
        assert!(mock.url(system).starts_with("http://"), "{system}");
    }
    assert!(mock.url("tenant").contains("//bpdoc.localhost:"));
    assert!(mock.credentials().iter().any(|(name, _)| *name == "BPCONFORM_AUTHOR_USER"));
    assert!(get(mock.url("author"), "/libs/granite/core/content/login.html").contains("QUICKSTART_HOMEPAGE"));
    assert_eq!(mock.interrupt(), Some(0));
}

#[test]
fn a_port_that_is_in_use_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let told = bpconform(&["mock", "--author-port", &port]);
    assert_ne!(told.code, Some(0));
    assert!(told.err.contains(&port), "{}", told.err);
}
