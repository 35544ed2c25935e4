//! Servers whose own certificate the operator names with `--ca-file`.
//!
//! AEM's documentation creates a self-signed certificate of X.509 version 1, and Java's keytool one that says that it is an
//! authority. No chain of such a certificate can be verified, because it has none. A server that shows exactly a named
//! certificate, and proves that it has its private key, is the one that the operator means.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The TLS settings of a client that trusts the system's authorities, the named certificates, and the servers that show
/// one of them. `identity` is the client's own certificate and key, PEM. The error says what cannot be used.
pub(crate) fn client(authorities: &[u8], identity: Option<&str>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let named: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(authorities).collect();
    let named = named.map_err(|error| error.to_string())?;
    let usual = Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(&provider));
    let usual = usual.map_err(|error| error.to_string())?;
    let verifier = Arc::new(NamedCertificates { named, usual, provider: Arc::clone(&provider) });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?.dangerous().with_custom_certificate_verifier(verifier);
    let mut client = match identity {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
            let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())?;
            let chain = chain.map_err(|error| error.to_string())?;
            builder.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?
        }
    };
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(client)
}

/// Accepts a server that shows one of the named certificates; verifies any other as usual.
#[derive(Debug)]
struct NamedCertificates {
    named: Vec<CertificateDer<'static>>,
    usual: Verifier,
    provider: Arc<CryptoProvider>,
}

impl NamedCertificates {
    fn is_named(&self, certificate: &CertificateDer<'_>) -> bool {
        self.named.iter().any(|named| named.as_ref() == certificate.as_ref())
    }
}

impl ServerCertVerifier for NamedCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if usual.is_ok() || !self.is_named(end_entity) {
            return usual;
        }
        // Only the chain is not verified: a named certificate for another host, or one that has ended, stays refused.
        is_valid_at(end_entity, now).and_then(|()| is_for(end_entity, server_name))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if !self.is_named(certificate) {
            return self.usual.verify_tls12_signature(message, certificate, signed);
        }
        let parsed = parsed(certificate)?;
        let key = &parsed.tbs_certificate.subject_pki.subject_public_key.data;
        let algorithms = self.provider.signature_verification_algorithms.mapping.iter();
        let mut algorithms = algorithms.filter(|(scheme, _)| *scheme == signed.scheme).flat_map(|(_, all)| all.iter());
        if algorithms.any(|algorithm| algorithm.verify_signature(key, message, signed.signature()).is_ok()) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        Err(CertificateError::BadSignature.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if !self.is_named(certificate) {
            return self.usual.verify_tls13_signature(message, certificate, signed);
        }
        let parsed = parsed(certificate)?;
        let key = SubjectPublicKeyInfoDer::from(parsed.tbs_certificate.subject_pki.raw);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

fn parsed<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    let parsed = X509Certificate::from_der(certificate.as_ref());
    parsed.map(|(_, parsed)| parsed).map_err(|_| CertificateError::BadEncoding.into())
}

fn is_valid_at(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let parsed = parsed(certificate)?;
    let (validity, now) = (parsed.validity(), i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    if now < validity.not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > validity.not_after.timestamp() { Err(CertificateError::Expired.into()) } else { Ok(()) }
}

/// Whether it is for that host. The old form has the host as its common name only.
fn is_for(certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> Result<(), Error> {
    let parsed = parsed(certificate)?;
    let host = host.to_str();
    let extension = parsed.subject_alternative_name().map_err(|_| Error::from(CertificateError::BadEncoding))?;
    let names: Vec<String> = match extension {
        Some(names) => names.value.general_names.iter().filter_map(alternative_name).collect(),
        None => parsed.subject().iter_common_name().filter_map(|name| Some(name.as_str().ok()?.to_owned())).collect(),
    };
    let covers = |name: &String| {
        let any = name.strip_prefix("*.").zip(host.split_once('.'));
        name.eq_ignore_ascii_case(&host) || any.is_some_and(|(name, (_, rest))| name.eq_ignore_ascii_case(rest))
    };
    if names.iter().any(covers) { Ok(()) } else { Err(CertificateError::NotValidForName.into()) }
}

fn alternative_name(name: &x509_parser::extensions::GeneralName<'_>) -> Option<String> {
    use x509_parser::extensions::GeneralName;
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X.509 version 1 for `localhost`, without an end, as AEM's documentation creates it.
    const OLD_FORM: &str = bpconform_fixtures::certificates::OLD_FORM_CERTIFICATE;

    fn verified(host: &'static str, seconds: u64) -> Result<(), Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let named: Vec<_> =
            CertificateDer::pem_slice_iter(OLD_FORM.as_bytes()).collect::<Result<_, _>>().expect("a certificate");
        let usual = Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(&provider)).expect("a verifier");
        let shown = named[0].clone();
        let host = ServerName::try_from(host).expect("a name");
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        NamedCertificates { named, usual, provider }.verify_server_cert(&shown, &[], &host, &[], now).map(drop)
    }

    #[test]
    fn a_named_certificate_of_the_old_form_is_accepted_for_its_host_and_time_only() {
        let in_2027 = 1_800_000_000;
        assert_eq!(verified("localhost", in_2027), Ok(()));
        assert_eq!(verified("author.example.com", in_2027), Err(CertificateError::NotValidForName.into()));
        assert_eq!(verified("localhost", 1_000_000_000), Err(CertificateError::NotValidYet.into()));
    }
}
