//! The certificate authority of mocks with TLS. It is created here; a real Author that calls the mocks must be configured
//! to trust its certificate.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData as _, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use x509_parser::parse_x509_certificate;

/// The lifetime of an authority, in years: longer than any rehearsal.
const YEARS: i16 = 2;

/// Signs the certificates of the mocks.
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Creates an authority; the error is that of the cryptography library.
    pub fn new() -> Result<Self, String> {
        let key = KeyPair::generate().map_err(|error| error.to_string())?;
        // A unique name distinguishes several authorities in one trust store.
        let id: String =
            Sha256::digest(key.subject_public_key_info()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let mut params = params(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, format!("bpconform mocks {id}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(|error| error.to_string())?.pem();
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    /// An authority from its stored certificate and key, PEM. The error gives the reason without the key.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, String> {
        let key = KeyPair::from_pem(key).map_err(|_| "the key cannot be read".to_owned())?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|_| "the certificate cannot be read".to_owned())?;
        let (_, parsed) = parse_x509_certificate(&der).map_err(|_| "the certificate cannot be read".to_owned())?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err("the key is not that of the certificate".into());
        }
        if !parsed.validity().is_valid() {
            return Err(format!("the certificate is not valid any more: it ended on {}", parsed.validity().not_after));
        }
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|error| error.to_string())?;
        Ok(Self { certificate: certificate.to_owned(), issuer })
    }

    /// The certificate that clients must trust, PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The private key, PEM. It is a secret.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// The TLS configuration of a server with these names or addresses.
    pub fn server(&self, names: Vec<String>) -> Result<Arc<ServerConfig>, String> {
        let common_name = names.first().cloned().unwrap_or_default();
        let key = KeyPair::generate().map_err(|error| error.to_string())?;
        let mut params = params(names)?;
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).map_err(|error| error.to_string())?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Shows neither the key nor the whole certificate.
impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate for these names, valid from yesterday, since the clocks of two machines may differ.
fn params(names: Vec<String>) -> Result<CertificateParams, String> {
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let mut params = CertificateParams::new(names).map_err(|error| error.to_string())?;
    let (year, month, day) = parts(today.saturating_sub(1.day()));
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = parts(today.saturating_add(YEARS.years()));
    params.not_after = date_time_ymd(year, month, day);
    Ok(params)
}

/// Year, month and day for rcgen.
fn parts(of: Date) -> (i32, u8, u8) {
    (of.year().into(), of.month().unsigned_abs(), of.day().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_kept_is_the_same_and_a_foreign_key_is_refused() {
        let (one, other) = (Authority::new().expect("made"), Authority::new().expect("made"));
        let again = Authority::from_pem(one.certificate(), &one.key()).expect("it fits");
        assert_eq!(again.certificate(), one.certificate());
        assert!(again.server(vec!["bpdoc.localhost".into(), "127.0.0.1".into()]).is_ok());
        let refused = Authority::from_pem(one.certificate(), &other.key()).map(drop);
        assert_eq!(refused, Err("the key is not that of the certificate".to_owned()));
        let refused = Authority::from_pem(&one.key(), &one.key()).map(drop);
        assert_eq!(refused, Err("the certificate cannot be read".to_owned()));
    }
}
