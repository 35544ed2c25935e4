//! What can be between an operator and an Author: TLS with any certificate, a context path, a proxy. Each connection
//! carries one request to the mocked Author.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// A certificate authority made for one test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// How long the certificate that is made is valid.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Valid {
    Now,
    /// Until years ago.
    Past,
}

impl Authority {
    /// A new one.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// Its certificate, PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for that host and its key, both PEM and DER.
    fn issue(&self, host: &str, valid: Valid, usage: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, host);
        params.extended_key_usages = vec![usage];
        if valid == Valid::Past {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.0).expect("it signs"), key)
    }

    /// The TLS settings of a server with that certificate and key, PEM.
    pub(crate) fn with_certificate(certificate: &str, key: &str) -> Arc<ServerConfig> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        // rustls does not check a server's own certificate, whose form it would refuse.
        let signing = rustls::crypto::ring::sign::any_supported_type(&key).expect("a usable key");
        let certified = rustls::sign::CertifiedKey::new(vec![certificate], signing);
        let resolver = rustls::sign::SingleCertAndKey::from(certified);
        Arc::new(ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::new(resolver)))
    }

    /// A self-signed certificate for that host that says that it is an authority, and its key, both PEM.
    pub(crate) fn self_signed(host: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, host);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        (params.self_signed(&key).expect("it signs").pem(), key.serialize_pem())
    }

    /// A client's certificate and key, PEM.
    pub(crate) fn client(&self) -> (String, String) {
        let (certificate, key) = self.issue("client", Valid::Now, ExtendedKeyUsagePurpose::ClientAuth);
        (certificate.pem(), key.serialize_pem())
    }

    /// The TLS settings of a server of that host; with `clients` it requires a certificate of that authority.
    pub(crate) fn server(&self, host: &str, valid: Valid, clients: Option<&Self>) -> Arc<ServerConfig> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (certificate, key) = self.issue(host, valid, ExtendedKeyUsagePurpose::ServerAuth);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = match clients {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).expect("an authority");
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier");
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
        };
        Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).expect("key and certificate fit"))
    }
}

/// A gateway that serves until the test ends.
pub(crate) struct Gateway {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    served: Arc<AtomicUsize>,
}

/// What the gateway does with the head of a request before it forwards it; with `None` it answers 404 itself.
pub(crate) type Rewrite = fn(&str) -> Option<String>;

/// The head as it is.
#[expect(clippy::unnecessary_wraps, reason = "a gateway that rewrites nothing is one of several")]
pub(crate) fn unchanged(head: &str) -> Option<String> {
    Some(head.to_owned())
}

/// Only what is below `/aem`, without it: an Author with a context path.
pub(crate) fn below_context(head: &str) -> Option<String> {
    head.contains(" /aem/").then(|| head.replacen(" /aem/", " /", 1))
}

/// Changes the absolute form of a proxy request to the ordinary one.
pub(crate) fn as_proxy(head: &str) -> Option<String> {
    let (method, rest) = head.split_once(' ')?;
    let path = rest.strip_prefix("http://")?.split_once('/')?.1;
    Some(format!("{method} /{path}"))
}

impl Gateway {
    /// Starts one at that local address in front of the Author at `upstream`.
    pub(crate) fn start(listen: &str, upstream: &str, tls: Option<Arc<ServerConfig>>, rewrite: Rewrite) -> Self {
        let listener = TcpListener::bind(listen).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let port = upstream.rsplit(':').next().expect("a port").to_owned();
        let served = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&served);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, port, counter) = (tls.clone(), port.clone(), Arc::clone(&counter));
                std::thread::spawn(move || {
                    let carried = match tls {
                        None => carry(stream, &port, rewrite),
                        Some(tls) => ServerConnection::new(tls)
                            .map_err(std::io::Error::other)
                            .and_then(|connection| carry(StreamOwned::new(connection, stream), &port, rewrite)),
                    };
                    counter.fetch_add(usize::from(carried.is_ok()), Ordering::SeqCst);
                });
            }
        });
        Self { address, served }
    }

    /// How many requests went through.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

/// Carries one request without a body, and the whole answer.
pub(crate) fn carry(mut client: impl Read + Write, port: &str, rewrite: Rewrite) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let Some(head) = rewrite(&head) else {
        return client.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let mut upstream = TcpStream::connect(format!("127.0.0.1:{port}"))?;
    upstream.write_all(head.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    client.write_all(&answer)?;
    client.flush()
}
