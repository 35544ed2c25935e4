//! Between an operator and an Author: TLS, a proxy, a context path, IPv6, and broken connections. What works is
//! reached; everything else is a specific message with exit code 3, in time.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bpconform_fixtures::certificates;

use crate::support::gateway::{Authority, Gateway, Valid, as_proxy, below_context, carry, unchanged};
use crate::support::{Mock, Told, bpconform_with, directory, reply, serve};

/// What the doctor reports for the Author at that address.
fn doctor(mock: &Mock, url: &str, more: &[&str]) -> Told {
    let arguments: Vec<_> =
        ["doctor", "--author-url", url, "--request-timeout", "3"].iter().chain(more).copied().collect();
    let mut variables = mock.credentials();
    // The proxy settings of this machine must not interfere.
    variables.push(("NO_PROXY", "*"));
    let told = bpconform_with(&arguments, &variables);
    assert!(told.took < Duration::from_secs(30), "{:?}", told.took);
    told
}

fn unreachable(told: &Told, words: &[&str]) {
    assert_eq!(told.code, Some(3), "{}", told.all());
    for word in words {
        assert!(told.out.contains(word), "no \"{word}\" in {}", told.all());
    }
}

fn file(directory: &std::path::Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("it can be written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_certificate_is_verified() {
    let (mock, directory, authority) = (Mock::start("configured"), directory("tls"), Authority::new("ours"));
    let ca = file(&directory, "ca.pem", &authority.pem());
    let other = file(&directory, "other.pem", &Authority::new("other").pem());
    let start = |host, valid| {
        Gateway::start("127.0.0.1:0", mock.url("author"), Some(authority.server(host, valid, None)), unchanged)
    };
    let right = start("localhost", Valid::Now);
    let url = format!("https://localhost:{}", right.address.port());
    let told = doctor(&mock, &url, &["--ca-file", &ca]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.out.contains("the certificate is trusted"), "{}", told.out);
    unreachable(&doctor(&mock, &url, &[]), &["authority that is not trusted", "--ca-file"]);
    unreachable(&doctor(&mock, &url, &["--ca-file", &other]), &["authority that is not trusted"]);

    let expired = start("localhost", Valid::Past);
    let url = format!("https://localhost:{}", expired.address.port());
    unreachable(&doctor(&mock, &url, &["--ca-file", &ca]), &["has expired"]);
    let told = doctor(&mock, &url, &["--insecure"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.err.contains("WARNING") && told.out.contains("NOT verified"), "{}", told.all());

    let other_host = start("author.example.com", Valid::Now);
    let url = format!("https://localhost:{}", other_host.address.port());
    unreachable(&doctor(&mock, &url, &["--ca-file", &ca]), &["for another host"]);
}

#[test]
fn a_self_signed_certificate_is_trusted_where_it_is_named() {
    let (mock, directory) = (Mock::start("configured"), directory("self-signed"));
    let (authority, authority_key) = Authority::self_signed("localhost");
    let old_form = (certificates::OLD_FORM_CERTIFICATE.to_owned(), certificates::OLD_FORM_KEY.to_owned());
    for (name, (certificate, key)) in [("authority", (authority, authority_key)), ("old-form", old_form)] {
        let named = file(&directory, &format!("{name}.pem"), &certificate);
        let other = file(&directory, "other.pem", &Authority::new("other").pem());
        let tls = Authority::with_certificate(&certificate, &key);
        let gateway = Gateway::start("127.0.0.1:0", mock.url("author"), Some(tls), unchanged);
        let url = format!("https://localhost:{}", gateway.address.port());
        let told = doctor(&mock, &url, &["--ca-file", &named]);
        assert_eq!(told.code, Some(0), "{name}: {}", told.all());
        unreachable(&doctor(&mock, &url, &["--ca-file", &other]), &["--ca-file"]);
        unreachable(&doctor(&mock, &url, &[]), &["--ca-file"]);
        let elsewhere = format!("https://127.0.0.1:{}", gateway.address.port());
        unreachable(&doctor(&mock, &elsewhere, &["--ca-file", &named]), &["for another host"]);
    }
}

#[test]
fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let (mock, directory) = (Mock::start("configured"), directory("mtls"));
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let tls = authority.server("localhost", Valid::Now, Some(&clients));
    let gateway = Gateway::start("127.0.0.1:0", mock.url("author"), Some(tls), unchanged);
    let url = format!("https://localhost:{}", gateway.address.port());
    let ca = file(&directory, "ca.pem", &authority.pem());
    let (certificate, key) = clients.client();
    let (certificate, key) = (file(&directory, "client.pem", &certificate), file(&directory, "client.key", &key));
    let told = doctor(&mock, &url, &["--ca-file", &ca, "--client-cert", &certificate, "--client-key", &key]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    unreachable(&doctor(&mock, &url, &["--ca-file", &ca]), &["client certificate"]);
    let told = doctor(&mock, &url, &["--ca-file", &ca, "--client-key", &key]);
    assert_eq!(told.code, Some(2), "{}", told.all());
}

#[test]
fn a_proxy_carries_what_it_is_configured_for() {
    let mock = Mock::start("configured");
    let proxy = Gateway::start("127.0.0.1:0", mock.url("author"), None, as_proxy);
    let url = format!("http://{}", proxy.address);
    let told = doctor(&mock, "http://author.invalid:4502", &["--proxy", &url]);
    // The tenant is behind the same proxy, which forwards to the Author only.
    assert!(told.out.contains("it is AEM") && proxy.served() > 10, "{}", told.all());
    let down = doctor(&mock, mock.url("author"), &["--proxy", "http://127.0.0.1:1"]);
    unreachable(&down, &["through the proxy http://127.0.0.1:1", "is the proxy running"]);
}

#[test]
fn a_context_path_and_ipv6_are_part_of_the_address() {
    let mock = Mock::start("configured");
    let gateway = Gateway::start("127.0.0.1:0", mock.url("author"), None, below_context);
    let told = doctor(&mock, &format!("http://{}/aem", gateway.address), &[]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    unreachable(
        &doctor(&mock, &format!("http://{}", gateway.address), &[]),
        &["does not look like AEM", "context path"],
    );
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        let gateway = Gateway::start("[::1]:0", mock.url("author"), None, unchanged);
        let told = doctor(&mock, &format!("http://{}", gateway.address), &[]);
        assert_eq!(told.code, Some(0), "{}", told.all());
    }
    // Nothing listens there, with IPv6 or without.
    unreachable(&doctor(&mock, "http://[::1]:1", &[]), &["http://[::1]:1/", "is it running"]);
}

#[test]
fn a_redirect_to_a_login_page_is_reported_as_one() {
    let mock = Mock::start("configured");
    let address = serve(|stream| {
        reply(stream, |_| {
            b"HTTP/1.1 302 Found\r\nLocation: /libs/granite/core/content/login.html\r\nContent-Length: 0\r\n\
            Connection: close\r\n\r\n"
                .to_vec()
        });
    });
    unreachable(&doctor(&mock, &format!("http://{address}"), &[]), &["redirects to the login page"]);
}

#[test]
fn a_body_that_stalls_is_given_up_in_time() {
    let mock = Mock::start("configured");
    let address = serve(|stream| {
        let kept = stream.try_clone().expect("a second handle");
        reply(stream, |_| b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<html>".to_vec());
        std::thread::park_timeout(Duration::from_secs(60));
        drop(kept);
    });
    unreachable(&doctor(&mock, &format!("http://{address}"), &[]), &["no whole answer within 3 s"]);
}

#[test]
fn a_read_that_did_not_get_through_is_sent_again() {
    let mock = Mock::start("configured");
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let address = serve(move |stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        reply(stream, |_| {
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
        });
    });
    let url = format!("http://{address}");
    unreachable(&doctor(&mock, &url, &["--retries", "0"]), &["503"]);
    let once = count.swap(0, Ordering::SeqCst);
    unreachable(&doctor(&mock, &url, &["--retries", "2"]), &["503"]);
    assert_eq!(count.load(Ordering::SeqCst), 3 * once, "each read was sent two more times");
}

/// An Author that answers a number of requests, and then every further one with `answer`.
fn after(requests: usize, mock: &Mock, then: fn(TcpStream)) -> SocketAddr {
    let port = mock.url("author").rsplit(':').next().expect("a port").to_owned();
    let count = AtomicUsize::new(0);
    serve(move |stream| {
        if count.fetch_add(1, Ordering::SeqCst) < requests {
            let _ = carry(stream, &port, unchanged);
        } else {
            then(stream);
        }
    })
}

/// A run that only reads from the Author there, and must be inconclusive.
fn could_not_tell(mock: &Mock, author: SocketAddr, words: &str) {
    let url = format!("http://{author}");
    let arguments = ["run", "--target", "author", "--author-url", &url, "--tenant-url", mock.url("tenant")];
    let limits = ["--request-timeout", "1", "--retries", "0", "-q"];
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let told = bpconform_with(&[&arguments[..], &limits].concat(), &variables);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.all().contains(words), "no \"{words}\" in {}", told.all());
    assert!(told.took < Duration::from_secs(60), "{:?}", told.took);
}

/// After the two requests of the preflight: immediately, during the survey of the Author's state, and between
/// scenarios.
const HALF_WAY: [usize; 4] = [2, 5, 13, 30];

#[test]
fn a_session_that_ends_half_way_is_reported_as_one() {
    let mock = Mock::start("configured");
    let refuse = |stream| {
        reply(stream, |_| b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec());
    };
    let log_in = |stream| {
        reply(stream, |_| {
            b"HTTP/1.1 302 Found\r\nLocation: /login.html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
        });
    };
    for requests in HALF_WAY {
        could_not_tell(&mock, after(requests, &mock, refuse), "401: the session has ended during the run");
        could_not_tell(&mock, after(requests, &mock, log_in), "302: the session has ended during the run");
    }
    let told = doctor(&mock, &format!("http://{}", after(7, &mock, refuse)), &[]);
    unreachable(&told, &["401: the session has ended during the run"]);
}

#[test]
fn a_body_that_stalls_half_way_is_given_up_in_time() {
    let mock = Mock::start("configured");
    let stall = |stream: TcpStream| {
        let kept = stream.try_clone().expect("a second handle");
        reply(stream, |_| b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"jcr:primaryType\":".to_vec());
        std::thread::park_timeout(Duration::from_secs(10));
        drop(kept);
    };
    for requests in HALF_WAY {
        could_not_tell(&mock, after(requests, &mock, stall), "no whole answer within 1 s");
    }
}
