//! One request as an operator's browser sent it, reduced to what says which action it is. What proves who somebody is
//! goes into a separate list, only to make sure that none of it is ever written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::Url;

use super::body;

/// The longest part of a body that is looked at, in bytes.
pub const BODY_CAP: usize = 256 * 1024;

/// The first segments of paths that AEM itself serves; what stands before one is the context path.
const ROOTS: [&str; 12] =
    ["api", "apps", "bin", "conf", "content", "crx", "etc", "home", "libs", "mnt", "system", "var"];

/// Hosts that are not an Author: Adobe's own, and those of visitor statistics.
const FOREIGN: [&str; 8] = [
    "adobe.com",
    "adobe.io",
    "adobedtm.com",
    "adobelogin.com",
    "demdex.net",
    "google-analytics.com",
    "googletagmanager.com",
    "omtrdc.net",
];

/// The ends of paths that are never an action.
const STATIC: [&str; 14] = [
    ".js", ".css", ".png", ".svg", ".gif", ".jpg", ".jpeg", ".webp", ".ico", ".woff", ".woff2", ".ttf", ".map", ".eot",
];

/// One request of a capture.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// Where it stands in the file: `entry 3`, `line 12`.
    pub place: String,
    /// The host, which is never written.
    pub host: String,
    /// In capitals.
    pub method: String,
    /// The decoded path, without context path and session id.
    pub path: String,
    /// What went in the query.
    pub query: Vec<(String, String)>,
    /// What went in the body.
    pub fields: Vec<(String, String)>,
    /// The beginning of the answer's text; empty where the capture has none.
    pub answer: String,
    /// The day it was captured, `2026-11-23`.
    pub day: Option<String>,
    /// How the Author refused it: `answered 403`; `None` where it did not, or the capture has no answer.
    pub refused: Option<String>,
    /// Why its body was not read.
    pub unread: Option<String>,
    /// Values that must never be written.
    pub secrets: Vec<String>,
}

/// A request as its file has it.
#[derive(Debug, Default)]
pub struct Raw {
    /// Its method.
    pub method: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body's content type; empty for none.
    pub content_type: String,
    /// Its body.
    pub body: Vec<u8>,
    /// The body's fields, where the file has them apart.
    pub fields: Vec<(String, String)>,
}

impl Capture {
    /// Reduces a request; none for what cannot be an action. The error names an invalid address.
    pub fn reduce(place: String, url: &str, raw: Raw) -> Result<Option<Self>, String> {
        let url = Url::parse(url).map_err(|error| format!("its URL cannot be read: {error}"))?;
        let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else { return Ok(None) };
        let foreign = FOREIGN.iter().any(|name| host == *name || host.ends_with(&format!(".{name}")));
        let path = percent_decode_str(url.path()).decode_utf8_lossy().replace("_jcr_content", "jcr:content");
        if foreign || STATIC.iter().any(|end| path.to_lowercase().ends_with(end)) {
            return Ok(None);
        }
        let query = url.query_pairs().filter(|(name, _)| body::is_name(name));
        let query: Vec<_> = query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        // Browsers write the fields of a HAR encoded or decoded, as they like; the body is what was sent.
        let sent = body::fields(&raw.content_type, &raw.body);
        let encoding = encoding(&raw);
        let mut fields = if sent.is_empty() { raw.fields } else { sent };
        fields.retain(|(name, _)| body::is_name(name));
        let unread = encoding.filter(|_| fields.is_empty());
        let mut capture = Self {
            place,
            host: host.to_owned(),
            method: raw.method.to_ascii_uppercase(),
            path: without_context(without_parameters(&path)),
            query,
            fields,
            unread: unread.map(|name| {
                format!("its body is compressed ({name}) and was not read; capture it where bodies are shown decoded")
            }),
            ..Self::default()
        };
        capture.learn_secrets(&url, &raw.headers);
        Ok(Some(capture))
    }

    /// Every field, of query and body.
    pub fn all_fields(&self) -> impl Iterator<Item = &(String, String)> {
        self.fields.iter().chain(&self.query)
    }

    fn learn_secrets(&mut self, url: &Url, headers: &[(String, String)]) {
        let mut secrets: Vec<String> = url.password().map(str::to_owned).into_iter().collect();
        for (name, value) in headers {
            match name.to_lowercase().as_str() {
                "cookie" | "set-cookie" => secrets.extend(cookies(value)),
                "authorization" | "proxy-authorization" => secrets.extend(authorization(value)),
                name if is_secret(name) => secrets.push(value.clone()),
                _ => {}
            }
        }
        secrets.extend(self.all_fields().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.clone()));
        self.secrets = secrets;
    }
}

/// Cuts a text to the part that is looked at.
pub fn cut(text: &mut String) {
    let end = (0..=BODY_CAP.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
}

/// How a body is compressed, if it is.
fn encoding(raw: &Raw) -> Option<String> {
    let header = raw.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    let named = header.map(|(_, value)| value.trim()).filter(|value| !value.is_empty() && *value != "identity");
    let magic: [(&[u8], &str); 2] = [(b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")];
    let begins = magic.iter().find(|(begin, _)| raw.body.starts_with(begin)).map(|(_, name)| *name);
    let named = named.map(|named| {
        format!("Content-Encoding: {}", named.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
    });
    named.filter(|_| !raw.body.is_empty()).or_else(|| begins.map(str::to_owned))
}

/// Whether a field or header of that name holds a secret, or something that only one session has.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["secret", "password", "passwd", "token", "jwt", "claims", "csrf", "cookie", "session", "private", "key", "auth_"]
        .iter()
        .any(|word| name.contains(word))
}

fn cookies(header: &str) -> impl Iterator<Item = String> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(_, value)| value.to_owned())
}

fn authorization(value: &str) -> Vec<String> {
    let Some((scheme, rest)) = value.trim().split_once(' ') else { return vec![value.to_owned()] };
    let mut secrets = vec![rest.to_owned()];
    if scheme.eq_ignore_ascii_case("basic") {
        let plain = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        secrets.extend(plain.as_deref().and_then(|plain| plain.split_once(':')).map(|(_, word)| word.to_owned()));
    }
    secrets
}

fn without_parameters(path: &str) -> String {
    let segment = |segment: &str| segment.split(';').next().unwrap_or_default().to_owned();
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn without_context(path: String) -> String {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        [context, root, ..] if !ROOTS.contains(context) && ROOTS.contains(root) => path[context.len() + 1..].to_owned(),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(url: &str) -> Option<String> {
        Capture::reduce("entry 1".into(), url, Raw::default()).expect("it is a URL").map(|capture| capture.path)
    }

    #[test]
    fn context_path_and_session_id_are_taken_off() {
        assert_eq!(path_of("https://a.b/author/libs/x.html;jsessionid=1F?q=1").as_deref(), Some("/libs/x.html"));
        assert_eq!(
            path_of("https://a.b/etc/replication/x/_jcr_content.queue.json").as_deref(),
            Some("/etc/replication/x/jcr:content.queue.json")
        );
        assert_eq!(path_of("https://a.b/etc.clientlibs/x.js"), None);
        assert_eq!(path_of("https://ims-na1.adobelogin.com/ims/token/v3"), None);
        assert_eq!(path_of("data:image/png;base64,AA"), None);
    }

    #[test]
    fn what_proves_who_somebody_is_is_known_as_secret() {
        let raw = Raw {
            headers: vec![
                ("Cookie".into(), "login-token=canary-1; b=canary-2".into()),
                ("Authorization".into(), "Basic YWRtaW46Y2FuYXJ5LTM=".into()),
            ],
            fields: vec![("clientSecret".into(), "canary-4".into()), (":cq_csrf_token".into(), "canary-5".into())],
            ..Raw::default()
        };
        let capture = Capture::reduce("entry 1".into(), "http://a/libs/x", raw).expect("a URL").expect("one");
        for number in 1..=5 {
            assert!(capture.secrets.contains(&format!("canary-{number}")), "{number}");
        }
    }
}
