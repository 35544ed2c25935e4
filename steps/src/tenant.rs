//! The tenant: whether it answers, and the content that was delivered to it (surfaces.md §3.5).

use bpconform_fixtures::{Cause, Surface};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::author::repository;
use crate::call::Call;
use crate::html::Page;
use crate::pattern::pattern;
use crate::problem::{Checked, Problem, ensure};
use crate::reply::Reply;
use crate::session::Session;

/// Fails if what answered at the tenant's address says that no tenant is there. Only what is known as Brand Portal's, or
/// leads to where Adobe logs people in, is the tenant; all else may be a gateway's, and is an error.
pub fn judge_home(surface: &Surface, reply: &Reply) -> Checked {
    match reply.status {
        300..=399 => judge_redirect(surface, reply),
        200 if is_of_brand_portal(surface, reply)? || has_its_title(surface, reply)? => Ok(()),
        401 | 403 if is_of_brand_portal(surface, reply)? => Ok(()),
        status @ (404 | 410) if names_the_tenant(reply) || is_of_brand_portal(surface, reply)? => {
            Err(Problem::failed(format!("{} answered {status}: it is not a Brand Portal tenant", reply.what())))
        }
        200..300 | 401 | 403 | 404 | 410 => {
            let problem = Problem::error(format!(
                "{} answered {} with something that is not known as Brand Portal's; open the address in a browser to see \
                 what answers there; {}",
                reply.what(),
                reply.status,
                reply.excerpt()
            ));
            Err(problem.because(reply.looks_like_html().then_some(Cause::GatewayInstead)))
        }
        status => Err(Problem::error(format!("{} answered {status}", reply.what()))),
    }
}

/// Fails if a redirect leads to another tenant. One to a path that is not known as Brand Portal's may be a gateway's own,
/// and so may one to the same path, with which it tries out cookies.
fn judge_redirect(surface: &Surface, reply: &Reply) -> Checked {
    let target = |url: &Url| (url.host_str().map(str::to_owned), url.port(), url.path().to_owned());
    let Some(to) = reply.header("location").and_then(|to| reply.url.join(to).ok()) else {
        return Err(reply.instead("a redirect to nowhere"));
    };
    if target(&to) == target(&reply.url) {
        return reply.clone().expect_status(&[200]).map(drop);
    }
    let is_here = to.host_str() == reply.url.host_str();
    if logs_in_at_adobe(surface, &to) || (is_here && pattern(surface, "own")?.is_match(to.path())) {
        return Ok(());
    }
    if !is_here && pattern(surface, "url")?.is_match(&to.origin().ascii_serialization()) {
        let problem = Problem::failed(format!(
            "{} redirects to {}, another tenant's address: one of them is an alias",
            reply.what(),
            to.origin().ascii_serialization()
        ));
        return Err(problem.because(Cause::TenantAddress));
    }
    let what = "a redirect to something that is known neither as Brand Portal's nor as Adobe's login";
    Err(reply.instead(what).because(Cause::GatewayInstead))
}

/// Whether a text for people says of which tenant it speaks. A gateway's names the host that was asked for, or only says that
/// it found nothing.
fn names_the_tenant(reply: &Reply) -> bool {
    let tenant = reply.url.host_str().and_then(|host| host.split('.').next()).unwrap_or_default();
    let is_between = |c: char| !c.is_alphanumeric() && !"-.".contains(c);
    reply.is_plain_text() && reply.text().split(is_between).any(|word| word.trim_matches('.') == tenant)
}

/// Whether an address is where Adobe logs people in.
fn logs_in_at_adobe(surface: &Surface, to: &Url) -> bool {
    let host = to.host_str().unwrap_or_default();
    let mut domains = surface.phrase("login-domains").split(' ');
    domains.any(|domain| host == domain || host.ends_with(&format!(".{domain}")))
}

/// Whether the tenant itself refuses a delivery. To 401 it may give any text for people; AEM asks for no other login than a
/// token, or its own. Any other refusal must be AEM's page or what it says, since gateways refuse in the same ways.
pub fn refuses_delivery(home: &Surface, receiver: &Surface, reply: &Reply) -> Checked<bool> {
    let mut challenges = reply.headers.iter().filter(|(name, _)| name == "www-authenticate");
    let is_aems =
        |(_, value): &(String, String)| value.to_ascii_lowercase().starts_with("bearer") || value.contains("\"Sling");
    let is_own = reply.is_slings_own_page() || is_of_brand_portal(home, reply)?;
    Ok(match reply.status {
        401 => is_own || (reply.is_plain_text() && challenges.all(is_aems)),
        400..500 => is_own || reply.text().trim() == receiver.phrase("refused"),
        _ => false,
    })
}

/// Whether the answer is a whole page whose elements are Brand Portal's or AEM's. Words do not tell: a web filter also names
/// the application that it blocks.
fn is_of_brand_portal(surface: &Surface, reply: &Reply) -> Checked<bool> {
    let own = pattern(surface, "own")?;
    Ok(is_page(reply) && Page::read(&reply.text()).values().any(|value| own.is_match(value)))
}

/// Whether the answer is a whole page with Brand Portal's title.
fn has_its_title(surface: &Surface, reply: &Reply) -> Checked<bool> {
    let (title, page) = (pattern(surface, "title")?, Page::read(&reply.text()));
    let mut titles = page.elements.iter().filter(|element| element.name == "title");
    Ok(is_page(reply) && titles.any(|element| title.is_match(&page.text(element))))
}

fn is_page(reply: &Reply) -> bool {
    reply.looks_like_html() && !reply.is_cut_off()
}

/// One thing that the tenant received.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Its size in bytes, if the tenant says so.
    pub size: Option<u64>,
    /// The SHA-256 of its bytes in lower-case hexadecimal, if the tenant says so.
    pub digest: Option<String>,
    /// When it came, if the tenant says so.
    pub at: Option<Timestamp>,
    /// The whole node.
    pub node: Value,
}

/// What the tenant holds of the Author's node at that path; none if it holds nothing.
pub async fn received(session: &Session, path: &str) -> Checked<Option<Received>> {
    let node = repository::at_other(session, call(session, path)?).await?;
    let surface = session.surface("tenant.content");
    Ok(node.map(|node| read(node, [surface.field("size"), surface.field("digest"), surface.field("received")])))
}

/// Where the tenant keeps the Author's node at that path: assets and folders below its content root, tags below its tag
/// root; where it keeps all else is not known, and on the mock is the Author's own path.
fn call(session: &Session, path: &str) -> Checked<Call> {
    let tenant = session.stack.tenant_id()?;
    let collections = format!("{}/", session.surface("author.publish").phrase("collections"));
    let tags = format!("{}/", session.surface("author.publish").phrase("tags"));
    let (surface, rest) = match (path.strip_prefix("/content/dam/"), path.strip_prefix(&tags)) {
        (Some(rest), _) if !path.starts_with(&collections) => ("tenant.content", rest),
        (_, Some(rest)) => ("tenant.tags", rest),
        (Some(rest), _) => return Ok(at("tenant.node", &format!("content/dam/mac/{tenant}/{rest}"))),
        _ => return Ok(at("tenant.node", path.trim_start_matches('/'))),
    };
    Ok(at(surface, rest).with("tenant", tenant))
}

fn at(surface: &str, path: &str) -> Call {
    Call::to(surface).with("path", path).with("depth", "1")
}

fn read(node: Value, [size, digest, at]: [&str; 3]) -> Received {
    Received {
        size: repository::text(&node, size).and_then(|size| size.parse().ok()),
        digest: repository::text(&node, digest).map(|digest| digest.to_ascii_lowercase()),
        at: repository::text(&node, at).and_then(|at| at.parse().ok()),
        node,
    }
}

impl Received {
    /// Whether it is these bytes. A tenant that says neither size nor digest leaves the question open, which is an error.
    pub fn judge(&self, path: &str, bytes: &[u8]) -> Checked {
        if self.size.is_none() && self.digest.is_none() {
            return Err(Problem::error(format!("the tenant holds {path}, but says neither its size nor its digest")));
        }
        let size = bytes.len() as u64;
        ensure(self.size.is_none_or(|found| found == size), || {
            format!("the tenant holds {} bytes of {path}, not {size}", self.size.unwrap_or_default())
        })?;
        let expected = digest(bytes);
        ensure(self.digest.as_ref().is_none_or(|found| *found == expected), || {
            let found = self.digest.as_deref().unwrap_or_default();
            format!("the tenant holds other bytes of {path}: SHA-256 {found}, not {expected}")
        })
    }
}

/// The SHA-256 of some bytes in lower-case hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Surfaces;
    use serde_json::json;

    use super::*;
    use crate::problem::Kind;
    use crate::redact::Redactor;

    fn reply(status: u16, location: Option<&str>, body: &str) -> Reply {
        Reply {
            surface: "tenant.home".into(),
            method: "GET".into(),
            url: Url::parse("https://bpdoc.brand-portal.adobe.com/").expect("a URL"),
            status,
            headers: location.map(|to| ("location".to_owned(), to.to_owned())).into_iter().collect(),
            body: body.into(),
            redactor: Redactor::default(),
        }
    }

    fn home(status: u16, location: Option<&str>, body: &str) -> Result<(), Kind> {
        let surface = Surfaces::built_in().get("tenant.home");
        judge_home(surface, &reply(status, location, body)).map_err(|problem| problem.kind)
    }

    #[test]
    fn only_the_tenant_refuses_a_delivery() {
        let refuses = |status: u16, challenge: &str, body: &str| {
            let surfaces = Surfaces::built_in();
            let mut reply = reply(status, None, body);
            if !challenge.is_empty() {
                reply.headers.push(("www-authenticate".to_owned(), challenge.to_owned()));
            }
            let refuses = refuses_delivery(surfaces.get("tenant.home"), surfaces.get("tenant.receive"), &reply);
            refuses.expect("the phrases are patterns")
        };
        for (status, challenge, body) in [
            (401, "Bearer", "Authorization required."),
            (401, "", ""),
            (401, "Basic realm=\"Sling (Development)\"", ""),
            (401, "", "<html><head></head><address>ApacheSling/2.7</address></html>"),
            (403, "", "Authorization required.\n"),
            (403, "", "<html>ApacheSling/2.7</html>"),
            (403, "", "<html><form action=\"/libs/granite/core/content/login.html/j_security_check\"></form></html>"),
        ] {
            assert!(refuses(status, challenge, body), "{status} {challenge} {body}");
        }
        for (status, challenge, body) in [
            (401, "", "{\"message\":\"Unauthorized\",\"request_id\":\"5f1\"}"),
            (401, "Basic realm=\"corporate proxy\"", "Proxy login required"),
            (401, "Negotiate", ""),
            (401, "NTLM", "Authorization required."),
            (401, "", "<head><title>Anmeldung</title></head><body><h1>Firmen-Proxy: bitte anmelden</h1></body>"),
            (401, "", "<html>Log in to the proxy; it lets you open Brand Portal</html>"),
            (401, "", "<?xml version=\"1.0\"?><Error/>"),
            (403, "", "{\"message\":\"Forbidden\"}"),
            (403, "", ""),
            (404, "", "default backend - 404"),
            (405, "", "Method Not Allowed"),
            (413, "", "{\"error\":\"x\"}"),
            (200, "", "Authorization required."),
        ] {
            assert!(!refuses(status, challenge, body), "{status} {challenge} {body}");
        }
    }

    #[test]
    fn only_brand_portal_or_the_way_to_its_login_is_the_tenant() {
        let titled = "<!DOCTYPE html><html><title>Adobe Experience Manager Assets Brand Portal</title></html>";
        let page = "<html><head><script src=\"/libs/mediaportal/clientlibs/a.js\"></script></head></html>";
        let login = "<html><form action='/libs/granite/core/content/login.html/j_security_check'></form></html>";
        for (status, location, body) in [
            (200, None, titled),
            (200, None, page),
            (200, None, login),
            (401, None, page),
            (403, None, login),
            (302, Some("/mediaportal.html"), ""),
            (302, Some("/libs/granite/core/content/login.html?resource=%2F"), ""),
            (302, Some("https://ims-na1.adobelogin.com/ims/authorize/v1"), ""),
            (302, Some("https://auth.services.adobe.com/en_US/index.html"), ""),
        ] {
            assert_eq!(home(status, location, body), Ok(()), "{status} {location:?} {body}");
        }
    }

    #[test]
    fn what_may_be_a_gateways_is_an_error() {
        let gateway = "<html><body>bpdoc.brand-portal.adobe.com: access denied by corporate proxy</body></html>";
        let filter =
            "<html><head><title>Web filter</title></head><p>The application Brand Portal is blocked</p></html>";
        let titled = "<html><title>Brand Portal is blocked</title></html>";
        let fragment = "<head><title>404</title></head><body><p>bpdoc was not found</p></body>";
        let bucket = "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><BucketName>bpdoc</BucketName></Error>";
        for (status, location, body) in [
            (200, None, gateway),
            (200, None, filter),
            (403, None, filter),
            (403, None, titled),
            (404, None, filter),
            (200, None, "<html><title>Brand Portal</title>"),
            (200, None, "{}"),
            (204, None, ""),
            (403, None, gateway),
            (404, None, gateway),
            (404, None, fragment),
            (404, None, bucket),
            (404, None, ""),
            (404, None, "default backend - 404"),
            (404, None, "no route for http://bpdoc.brand-portal.adobe.com:443/ on this proxy."),
            (410, None, "Zugriff auf bpdoc.brand-portal.adobe.com gesperrt"),
            (410, None, "{\"error\":\"Not Found\",\"host\":\"bpdoc\"}"),
            (302, None, ""),
            (302, Some("https://portal.example.com/login"), ""),
            (302, Some("https://portal.example.com/mediaportal.html"), ""),
            (302, Some("https://www.adobe.com/404.html"), ""),
            (302, Some("https://adobelogin.com.example.com/"), ""),
            (302, Some("https://bpdoc.brand-portal.adobe.com/"), ""),
            (302, Some("/my.policy"), ""),
            (302, Some("/?gateway_cookie_check=1"), ""),
            (302, Some("/?to=/mediaportal.html"), ""),
            (400, None, ""),
            (451, None, ""),
            (503, None, gateway),
        ] {
            assert_eq!(home(status, location, body), Err(Kind::Error), "{status} {location:?} {body}");
        }
    }

    #[test]
    fn what_says_that_no_tenant_is_there_fails() {
        let page = "<html><body><a href=\"/mediaportal.html\">Brand Portal</a></body></html>";
        for (status, location, body) in [
            (404, None, "the tenant bpdoc does not exist"),
            (404, None, "There is no tenant bpdoc."),
            (410, None, page),
            (302, Some("https://other.brand-portal.adobe.com/mediaportal.html"), ""),
        ] {
            assert_eq!(home(status, location, body), Err(Kind::Failed), "{status} {location:?} {body}");
        }
    }

    fn verdict(node: Value) -> Result<(), Kind> {
        read(node, ["size", "sha256", "received"]).judge("/content/dam/a.png", b"abc").map_err(|problem| problem.kind)
    }

    #[test]
    fn only_the_same_bytes_pass() {
        let same = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        assert_eq!(verdict(json!({"size": 3, "sha256": same})), Ok(()));
        assert_eq!(verdict(json!({"size": 4, "sha256": same})), Err(Kind::Failed));
        assert_eq!(verdict(json!({"size": 3, "sha256": "00"})), Err(Kind::Failed));
    }

    #[test]
    fn a_tenant_that_says_nothing_of_the_bytes_proves_nothing() {
        assert_eq!(verdict(json!({"jcr:primaryType": "dam:Asset"})), Err(Kind::Error));
        assert_eq!(verdict(json!({"size": "unknown"})), Err(Kind::Error));
    }
}
