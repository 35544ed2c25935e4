//! The certificates of a service account (JWT) set-up: the key store of its service user, and the public key that is
//! downloaded (surfaces.md §2.1, §2.4).

use bpconform_fixtures::Cause;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::users;
use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// A certificate of the key store.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// The alias of its key.
    pub alias: String,
    /// Its serial number in lower-case hexadecimal without leading zeros, if the Author says so.
    pub serial: Option<String>,
    /// When it ends.
    pub not_after: Timestamp,
}

/// How it stands with a certificate at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is good for longer than the warning time.
    Good,
    /// It ends within the warning time.
    EndsSoon,
    /// It has ended.
    Expired,
}

impl Certificate {
    /// Whether its key has that alias. Java's key stores keep aliases in lower case.
    pub fn has_alias(&self, alias: &str) -> bool {
        self.alias.eq_ignore_ascii_case(alias)
    }

    /// How it stands with it at a time, when a warning is wanted that long before its end.
    pub fn standing(&self, at: Timestamp, warning: SignedDuration) -> Standing {
        let left = self.not_after.duration_since(at);
        match left {
            left if left <= SignedDuration::ZERO => Standing::Expired,
            left if left <= warning => Standing::EndsSoon,
            _ => Standing::Good,
        }
    }

    /// What is to be reported of it at a time: nothing while it is good.
    pub fn report(&self, at: Timestamp, warning: SignedDuration) -> Option<String> {
        let date = self.not_after.strftime("%Y-%m-%d");
        match self.standing(at, warning) {
            Standing::Good => None,
            Standing::EndsSoon => Some(format!("the certificate {} expires on {date}", self.alias)),
            Standing::Expired => Some(format!("the certificate {} has expired on {date}", self.alias)),
        }
    }
}

/// The path of the service user that owns the key store; none when the Author has no such user.
pub async fn owner(session: &Session) -> Checked<Option<String>> {
    let id = session.surface("author.key-store").phrase("owner").to_owned();
    Ok(users::find(session, &id).await?.map(|user| user.home))
}

/// The certificates of the key store of Brand Portal's service user; empty without a user or a store.
pub async fn key_store(session: &Session) -> Checked<Vec<Certificate>> {
    let Some(owner) = owner(session).await? else { return Ok(Vec::new()) };
    key_store_of(session, &owner).await
}

/// The certificates of a user's key store; the user is known by its path.
pub(crate) async fn key_store_of(session: &Session, owner: &str) -> Checked<Vec<Certificate>> {
    let call = Call::to("author.key-store").with("user", owner.trim_start_matches('/'));
    let reply = session.send(call).await?.expect_status(&[200])?;
    parse(&reply.json()?.to_string()).map_err(|problem| {
        Problem::error(format!("{}: {}; {}", reply.what(), problem.reason, reply.excerpt()))
            .because(Cause::KeyStoreUnreadable)
    })
}

/// Reads a key store's JSON. The first certificate of a chain is the key's own.
pub(crate) fn parse(json: &str) -> Checked<Vec<Certificate>> {
    #[derive(Deserialize)]
    struct Store {
        #[serde(default = "yes")]
        exists: bool,
        aliases: Option<Vec<Entry>>,
    }
    #[derive(Deserialize)]
    struct Entry {
        alias: String,
        #[serde(default)]
        chain: Vec<Link>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Link {
        not_after: String,
        #[serde(default)]
        serial_number: Option<serde_json::Value>,
    }
    fn yes() -> bool {
        true
    }
    let store: Store = serde_json::from_str(json)
        .map_err(|error| Problem::error(format!("no key store can be read from it: {error}")))?;
    if !store.exists {
        return Ok(Vec::new());
    }
    let entries = store.aliases.ok_or_else(|| Problem::error("the key store names no aliases"))?;
    let certificate = |entry: Entry| {
        let own = entry.chain.into_iter().next()?;
        Some(date(&own.not_after).map(|not_after| Certificate {
            alias: entry.alias,
            serial: own.serial_number.and_then(|serial| serial_hex(&serial)),
            not_after,
        }))
    };
    entries.into_iter().filter_map(certificate).collect()
}

/// AEM writes a date as Java does (`Mon Nov 23 20:00:00 UTC 2026`); other versions in ISO 8601 or RFC 2822.
fn date(text: &str) -> Checked<Timestamp> {
    let java = || {
        // jiff reads no zone names; AEM's servers are asked for UTC or GMT, any other zone is off by hours at most.
        let words: Vec<&str> = text.split_whitespace().collect();
        let [_, month, day, time, _, year] = words[..] else { return None };
        jiff::civil::DateTime::strptime("%b %d %H:%M:%S %Y", format!("{month} {day} {time} {year}"))
            .and_then(|date| jiff::tz::TimeZone::UTC.to_timestamp(date))
            .ok()
    };
    let rfc_2822 = || jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
    (text.parse().ok()).or_else(rfc_2822).or_else(java).ok_or_else(|| {
        Problem::error(format!("the key store says that a certificate ends on `{text}`, which is not a date"))
    })
}

/// A serial number as hexadecimal; the key store's JSON may have it as a number or as text, which Java writes in decimal.
fn serial_hex(serial: &serde_json::Value) -> Option<String> {
    let text = serial.as_str().map_or_else(|| serial.to_string(), str::to_owned);
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    let decimal = digits.bytes().all(|digit| digit.is_ascii_digit());
    let hex = if decimal { digits.parse::<u128>().ok().map(|number| format!("{number:x}"))? } else { digits };
    Some(hex.to_ascii_lowercase().trim_start_matches('0').to_owned())
}

/// A certificate that was downloaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Downloaded {
    /// The serial number in lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// Whom it is made out to.
    pub subject: String,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
}

/// Reads a downloaded public key. Anything but an X.509 certificate in PEM or DER fails the step; a partial one is an error.
pub fn read(reply: &Reply) -> Checked<Downloaded> {
    let begins = reply.file()?.starts_with(b"-----BEGIN");
    if begins && !reply.text().contains("-----END") {
        return Err(reply.instead("a certificate that is cut off"));
    }
    let no = |why: String| {
        Problem::failed(format!("{} is not an X.509 certificate: {why}; {}", reply.what(), reply.excerpt()))
    };
    let der = match parse_x509_pem(&reply.body) {
        Ok((_, pem)) if pem.label == "CERTIFICATE" => pem.contents,
        Ok((_, pem)) => return Err(no(format!("it is a {}", pem.label))),
        Err(_) => reply.body.clone(),
    };
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| no(error.to_string()))?;
    let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| no(error.to_string()));
    Ok(Downloaded {
        serial: certificate.raw_serial_as_string().replace(':', "").trim_start_matches('0').to_owned(),
        subject: certificate.subject().to_string(),
        not_before: time(certificate.validity().not_before.timestamp())?,
        not_after: time(certificate.validity().not_after.timestamp())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

    fn store(not_after: &str) -> Checked<Vec<Certificate>> {
        parse(&format!(
            r#"{{"aliases":[{{"alias":"bp","entryType":"privateKey","algorithm":"RSA","format":"PKCS#8","chain":[
            {{"subject":"CN=x","issuer":"CN=x","notBefore":"Sun Nov 23 20:00:00 UTC 2025","notAfter":"{not_after}",
            "serialNumber":"255"}}]}}]}}"#
        ))
    }

    #[test]
    fn a_date_is_read_however_it_is_written() {
        for text in ["Mon Nov 23 20:00:00 UTC 2026", "2026-11-23T20:00:00Z", "Mon, 23 Nov 2026 20:00:00 +0000"] {
            let certificate = store(text).expect(text).remove(0);
            assert_eq!(certificate.not_after.to_string(), "2026-11-23T20:00:00Z", "{text}");
            assert_eq!(certificate.serial.as_deref(), Some("ff"));
        }
        assert_eq!(store("tomorrow").map_err(|problem| problem.kind), Err(Kind::Error));
    }

    #[test]
    fn no_store_has_no_certificates_and_a_broken_one_is_an_error() {
        assert_eq!(parse(r#"{"exists":false}"#), Ok(Vec::new()));
        for json in ["{}", "[]", "<html>", r#"{"aliases":[{}]}"#] {
            assert!(parse(json).is_err(), "{json}");
        }
    }

    #[test]
    fn the_end_is_reported_with_its_date() {
        let certificate = store("2026-11-23T20:00:00Z").expect("readable").remove(0);
        let report = |at: &str| certificate.report(at.parse().expect("a time"), SignedDuration::from_hours(24 * 30));
        assert_eq!(report("2026-10-01T00:00:00Z"), None);
        assert_eq!(report("2026-11-22T00:00:00Z").as_deref(), Some("the certificate bp expires on 2026-11-23"));
        assert_eq!(report("2026-11-23T20:00:00Z").as_deref(), Some("the certificate bp has expired on 2026-11-23"));
    }

    #[test]
    fn a_file_that_is_no_certificate_is_failed_and_no_file_at_all_an_error() {
        let kind = |body: &[u8]| {
            let reply = Reply {
                surface: String::new(),
                method: "GET".into(),
                url: url::Url::parse("http://localhost/AEM-Adobe-IMS.crt").expect("a URL"),
                status: 200,
                headers: Vec::new(),
                body: body.to_vec(),
                redactor: crate::redact::Redactor::default(),
            };
            read(&reply).map_err(|problem| problem.kind)
        };
        assert_eq!(kind(b"something else"), Err(Kind::Failed));
        for none in [&b"<html>login</html>"[..], b"-----BEGIN CERTIFICATE-----\nMIIB"] {
            assert_eq!(kind(none), Err(Kind::Error));
        }
    }
}
