//! A target that cannot be checked gives one message with its address and the next step, in time, with exit code 3.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use crate::support::{Told, bpconform_with, filtered, refusing, reply, serve};

fn check(url: &str) -> Told {
    let arguments = ["run", "--target", "author", "--author-url", url, "--request-timeout", "2"];
    let told = bpconform_with(
        &arguments,
        &[("BPCONFORM_AUTHOR_USER", "harness"), ("BPCONFORM_AUTHOR_PASSWORD", "a-password-of-tests")],
    );
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.took < Duration::from_secs(20), "{:?}", told.took);
    assert!(told.err.contains(url), "the message names the address: {}", told.err);
    assert!(!told.all().contains("a-password-of-tests"), "{}", told.all());
    told
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}").into_bytes()
}

macro_rules! snapshot {
    ($name:expr, $told:expr) => {
        filtered(|| insta::assert_snapshot!($name, $told.err))
    };
}

#[test]
fn nobody_listens() {
    let (address, _port) = refusing();
    snapshot!("preflight_refused", check(&format!("http://{address}")));
}

#[test]
fn the_host_does_not_exist() {
    assert!(check("http://no-such-author.invalid:4502").err.contains("are address, scheme and proxy right?"));
}

#[test]
fn nobody_answers() {
    let address = serve(|stream| {
        std::thread::park_timeout(Duration::from_secs(60));
        drop(stream);
    });
    snapshot!("preflight_silent", check(&format!("http://{address}")));
}

#[test]
fn nobody_answers_within_the_time_limit_of_the_run() {
    let address = serve(|stream| {
        std::thread::park_timeout(Duration::from_secs(60));
        drop(stream);
    });
    let url = format!("http://{address}");
    let credentials = [("BPCONFORM_AUTHOR_USER", "harness"), ("BPCONFORM_AUTHOR_PASSWORD", "a-password-of-tests")];
    let told = bpconform_with(&["run", "--target", "author", "--author-url", &url, "--timeout", "1"], &credentials);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("--timeout"), "{}", told.err);
}

#[test]
fn it_is_no_aem() {
    let address = serve(|stream| reply(stream, |_| http("200 OK", "Content-Type: text/html\r\n", "<html>Hello")));
    snapshot!("preflight_no_aem", check(&format!("http://{address}")));
}

#[test]
fn it_speaks_http_where_https_was_configured() {
    let address = serve(|mut stream| {
        // The start of a TLS handshake is not a request line.
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(&http("400 Bad Request", "", ""));
    });
    let told = check(&format!("https://{address}"));
    assert!(told.err.contains("does not speak TLS") && told.err.contains("http://"), "{}", told.err);
}

#[test]
fn the_credentials_are_not_accepted() {
    let address = serve(|stream| {
        reply(stream, |head| {
            if head.contains("login.html") {
                http("200 OK", "", "<html>QUICKSTART_HOMEPAGE")
            } else {
                http("401 Unauthorized", "", "")
            }
        });
    });
    snapshot!("preflight_401", check(&format!("http://{address}")));
}

#[test]
fn a_login_page_comes_in_place_of_json() {
    let address = serve(|stream| reply(stream, |_| http("200 OK", "", "<html>QUICKSTART_HOMEPAGE j_security_check")));
    snapshot!("preflight_login_page", check(&format!("http://{address}")));
}

#[test]
fn it_redirects_to_a_login_page() {
    let to = "Location: https://sso.example.com/login\r\n";
    let address = serve(move |stream| reply(stream, |_| http("302 Found", to, "")));
    snapshot!("preflight_redirect", check(&format!("http://{address}")));
}

#[test]
fn the_answer_is_cut_off() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<html>QUICK";
    let address = serve(move |stream| reply(stream, |_| cut.to_vec()));
    snapshot!("preflight_truncated", check(&format!("http://{address}")));
}

#[test]
fn the_answer_is_huge() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1 << 30);
    let address = serve(move |stream| {
        reply(stream, |_| [head.as_bytes(), &vec![b'x'; 40 << 20]].concat());
    });
    snapshot!("preflight_huge", check(&format!("http://{address}")));
}
