//! The key stores of users, and the certificates of the JWT credentials (surfaces.md §2.1, §2.4).
//!
//! A real store is one PKCS #12 file; here each alias is a node, with the certificate as PEM and the key protected.

use bpconform_fixtures::certificates::JWT_CLIENT_KEY;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, SerialNumber};
use serde_json::{Value as Json, json};
use x509_parser::pem::parse_x509_pem;

use super::secret::{is_protected, unprotect};
use crate::author::repository::{Node, join};
use crate::author::{Author, plain};
use crate::machine::{Form, Response};

/// The node names of a key store and of the parts of an alias.
const STORE: &str = "keystore";
const CERTIFICATE: &str = "certificate";
const KEY: &str = "privateKey";
/// The lifetime of a certificate.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(365 * 24);

impl Author {
    /// The store of the service user that owns the certificates of IMS configurations.
    fn own_store(&self) -> Option<String> {
        let owner = self.surfaces.get("author.key-store").phrase("owner");
        Some(join(&self.authorizable(owner)?.0, STORE))
    }

    fn entry(&self, alias: &str) -> Option<&Node> {
        self.repository.get(&self.own_store()?)?.child(alias)
    }

    /// Whether the key store has a key with that alias.
    pub(super) fn has_key(&self, alias: &str) -> bool {
        self.entry(alias).is_some()
    }

    /// The aliases of the key store.
    pub(super) fn aliases(&self) -> Vec<String> {
        let store = self.own_store().and_then(|path| self.repository.get(&path));
        store.into_iter().flat_map(|store| store.children.keys().cloned()).collect()
    }

    /// Signs the claims with the key of that alias; the error says why that failed.
    pub(super) fn sign(&self, alias: &str, claims: &Json) -> Result<String, String> {
        let owner = self.surfaces.get("author.key-store").phrase("owner");
        let entry = self.entry(alias).ok_or_else(|| {
            format!(
                "com.adobe.granite.keystore.KeyStoreNotInitialisedException: Uninitialised key store for user {owner}"
            )
        })?;
        let undecryptable = || "java.security.UnrecoverableKeyException: Could not decrypt key".to_owned();
        let pem = entry.text(KEY).and_then(unprotect).ok_or_else(undecryptable)?;
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| undecryptable())?;
        bpconform_fixtures::jwt::sign(&Header::new(Algorithm::RS256), claims, &key).map_err(|error| error.to_string())
    }

    /// Encrypts the keys that a seed holds in clear.
    pub(super) fn protect_keys(&mut self) {
        let Some(store) = self.own_store() else { return };
        let brand_portal = &mut self.brand_portal;
        for entry in self.repository.get_mut(&store).into_iter().flat_map(|store| store.children.values_mut()) {
            if let Some(key) = entry.text(KEY).filter(|key| !is_protected(key)) {
                let key = brand_portal.names.protect(key);
                entry.set(KEY, key);
            }
        }
    }

    /// Create certificate: adds a key pair with an alias to the key store.
    pub(super) fn certificate_create(&mut self, now: Timestamp, form: &Form) -> Response {
        let field = self.surfaces.get("author.certificate-create").field("alias").to_owned();
        let alias = form.get(&field).map(str::trim).unwrap_or_default();
        if alias.is_empty() || alias.contains('/') {
            return plain(400, &format!("{field} must be the name of the certificate\n"));
        }
        if self.has_key(alias) {
            return plain(409, &format!("the key store has the alias {alias} already\n"));
        }
        let Some(store) = self.own_store() else { return plain(500, "the user that owns the key store is missing\n") };
        match certificate(now, alias) {
            Ok(pem) => self.store_pair(&store, alias, &pem, JWT_CLIENT_KEY),
            Err(error) => return plain(500, &format!("no certificate could be made: {error}\n")),
        }
        plain(200, alias)
    }

    fn store_pair(&mut self, store: &str, alias: &str, certificate: &str, key: &str) {
        let key = self.brand_portal.names.protect(key);
        self.repository.ensure(store, "nt:unstructured");
        let entry = self.repository.ensure(&join(store, alias), "nt:unstructured");
        entry.set(CERTIFICATE, certificate);
        entry.set(KEY, key);
    }

    /// Download Public Key.
    pub(super) fn certificate_download(&self, alias: &str) -> Response {
        match self.entry(alias).and_then(|entry| entry.text(CERTIFICATE)) {
            Some(pem) => Response::new(200, "application/x-x509-ca-cert", pem)
                .with_header("content-disposition", "attachment; filename=\"AEM-Adobe-IMS.crt\""),
            None => plain(404, &format!("the key store has no certificate under the alias {alias}\n")),
        }
    }

    /// `<user>.ks.json`.
    pub(super) fn key_store(&self, user: &str) -> Option<Response> {
        let user = self.repository.get(&format!("/{user}")).filter(|user| user.text("rep:authorizableId").is_some())?;
        let Some(store) = user.child(STORE) else { return Some(Response::json(200, &json!({ "exists": false }))) };
        let aliases: Vec<_> = store.children.iter().map(|(alias, entry)| described(alias, entry)).collect();
        Some(Response::json(200, &json!({ "aliases": aliases })))
    }

    /// `<user>.ks.html`: creates the store, adds a key with its chain, or removes one.
    pub(super) fn key_store_write(&mut self, user: &str, form: &Form) -> Option<Response> {
        let surfaces = std::sync::Arc::clone(&self.surfaces);
        let surface = surfaces.get("author.key-store-write");
        let field = |word: &str| form.get(surface.field(word)).filter(|value| !value.is_empty());
        let home = format!("/{user}");
        self.repository.get(&home)?.text("rep:authorizableId")?;
        let store = join(&home, STORE);
        let (Some(key), Some(chain)) = (content(form, surface.field("key")), content(form, surface.field("chain")))
        else {
            return Some(if let Some(alias) = field("remove-alias") {
                match self.repository.remove(&join(&store, alias)) {
                    Some(_) => plain(200, ""),
                    None => plain(404, &format!("the key store has no alias {alias}\n")),
                }
            } else if field("operation") == Some("createStore") {
                let repeated = field("new-password").is_some() && field("new-password") == field("repeat-password");
                if repeated {
                    self.repository.ensure(&store, "nt:unstructured");
                    plain(200, "")
                } else {
                    plain(400, "newPassword and rePassword must be the same\n")
                }
            } else {
                plain(
                    400,
                    "the mocked Author takes :operation=createStore, removeAlias, or alias with pk and cert-chain\n",
                )
            });
        };
        let Some(alias) = field("alias").or_else(|| field("new-alias")) else {
            return Some(plain(400, "alias is missing\n"));
        };
        self.store_pair(&store, alias, &chain, &key);
        Some(plain(200, ""))
    }
}

fn content(form: &Form, field: &str) -> Option<String> {
    let file = form.files.get(field).map(|file| String::from_utf8_lossy(&file.content).into_owned());
    file.or_else(|| form.get(field).map(str::to_owned)).filter(|text| text.contains("-----BEGIN"))
}

/// A new certificate for the test key, the only key that the mocked IMS knows.
fn certificate(now: Timestamp, alias: &str) -> Result<String, rcgen::Error> {
    let key = KeyPair::from_pem_and_sign_algo(JWT_CLIENT_KEY, &PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, alias);
    params.serial_number = Some(SerialNumber::from(u64::try_from(now.as_microsecond()).unwrap_or(1)));
    let date = |time: Timestamp| {
        let date = jiff::tz::Offset::UTC.to_datetime(time).date();
        let part = |part: i8| u8::try_from(part).unwrap_or(1);
        rcgen::date_time_ymd(date.year().into(), part(date.month()), part(date.day()))
    };
    params.not_before = date(now);
    params.not_after = date(now + GOOD_FOR);
    Ok(params.self_signed(&key)?.pem())
}

fn described(alias: &str, entry: &Node) -> Json {
    json!({
        "alias": alias,
        "entryType": "privateKey",
        "algorithm": "RSA",
        "format": "PKCS#8",
        "chain": entry.text(CERTIFICATE).and_then(link).into_iter().collect::<Vec<_>>(),
    })
}

fn link(pem: &str) -> Option<Json> {
    let (_, pem) = parse_x509_pem(pem.as_bytes()).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let date = |seconds: i64| {
        let time = Timestamp::from_second(seconds).unwrap_or_default();
        time.strftime("%a %b %d %H:%M:%S UTC %Y").to_string()
    };
    Some(json!({
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "notBefore": date(certificate.validity().not_before.timestamp()),
        "notAfter": date(certificate.validity().not_after.timestamp()),
        "serialNumber": certificate.serial.to_string(),
    }))
}
