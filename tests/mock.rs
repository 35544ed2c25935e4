//! `bpconform mock`: it prints one JSON object when it is ready, and ends at Ctrl-C.

use crate::support::{Mock, bpconform, directory, get};

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

#[test]
fn the_address_of_the_control_is_part_of_the_json() {
    let mock = Mock::with(&["--control-port", "0"]);
    let status = get(mock.url("control"), "/__bpconform/stack");
    assert!(status.contains("\"seed\":\"configured\""), "{status}");
}

#[test]
fn a_seed_of_a_file_extends_a_built_in_one() {
    let file = directory("own-seed").join("mine.toml");
    let seed =
        "extends = 'fresh'\n[[node]]\npath = '/content/mine'\ntype = 'nt:unstructured'\nproperties = { a = 'b' }\n";
    std::fs::write(&file, seed).expect("it can be written");
    let file = file.to_str().expect("UTF-8");
    let mock = Mock::with(&["--seed-file", file]);
    assert_eq!(mock.repository()["content"]["mine"]["a"], "b");
    std::fs::write(file, "extends = 'nothing'\n").expect("it can be written");
    let told = bpconform(&["mock", "--seed-file", file]);
    assert_eq!(told.code, Some(2));
    assert!(told.err.contains("no seed of AEM 6.5 is named `nothing`"), "{}", told.err);
}
