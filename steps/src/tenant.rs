//! The tenant: whether it answers, and the content that was delivered to it (surfaces.md §3.5).

use bpconform_fixtures::{Cause, Surface};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::author::repository;
use crate::call::Call;
use crate::pattern::pattern;
use crate::problem::{Checked, Problem, ensure};
use crate::reply::Reply;
use crate::session::Session;

/// Fails if what answered at the tenant's address says that no tenant is there. Only what is known as Brand Portal's, or
/// leads to where Adobe logs people in, is the tenant; all else may be a gateway's, and is an error.
pub fn judge_home(surface: &Surface, reply: &Reply) -> Checked {
    let target = |url: &Url| (url.host_str().map(str::to_owned), url.port(), url.path().to_owned());
    let to = reply.header("location").and_then(|to| reply.url.join(to).ok());
    let loops = to.as_ref().is_some_and(|to| target(to) == target(&reply.url) && to.query().is_none_or(str::is_empty));
    match reply.status {
        300..=399 if loops => reply.clone().expect_status(&[200]).map(drop),
        300..=399 if to.is_some_and(|to| is_adobes(surface, &reply.url, &to)) => Ok(()),
        300..=399 => Err(reply
            .instead("a redirect to a host that is neither the tenant's nor Adobe's")
            .because(Cause::GatewayInstead)),
        200 | 401 | 403 if shows_brand_portal(surface, reply)? => Ok(()),
        status @ (404 | 410) if names_the_tenant(reply) || shows_brand_portal(surface, reply)? => {
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

/// Whether a text, which is no page, says of which tenant it speaks. A gateway's says only that it found nothing.
fn names_the_tenant(reply: &Reply) -> bool {
    let tenant = reply.url.host_str().and_then(|host| host.split('.').next()).unwrap_or_default();
    !reply.looks_like_html()
        && reply.text().split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == tenant)
}

/// Whether an address is at the tenant itself or where Adobe logs people in.
fn is_adobes(surface: &Surface, tenant: &Url, to: &Url) -> bool {
    let Some(host) = to.host_str() else { return false };
    let mut domains = surface.phrase("login-domains").split(' ');
    Some(host) == tenant.host_str() || domains.any(|domain| host == domain || host.ends_with(&format!(".{domain}")))
}

/// An error if the answer is a page of neither AEM nor Brand Portal: a gateway's answer shows nothing of the tenant.
pub fn judge_own(surface: &Surface, reply: &Reply) -> Checked {
    if !reply.is_foreign_page() || shows_brand_portal(surface, reply)? {
        return Ok(());
    }
    Err(reply.instead("a page that is not known as the tenant's").because(Cause::GatewayInstead))
}

/// Whether the answer is a whole page of Brand Portal.
fn shows_brand_portal(surface: &Surface, reply: &Reply) -> Checked<bool> {
    let is_page = reply.looks_like_html() && !reply.is_cut_off();
    Ok(is_page && pattern(surface, "page")?.is_match(&reply.text()))
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
    fn a_gateways_page_is_not_the_tenants_answer() {
        let own = |body: &str| judge_own(Surfaces::built_in().get("tenant.home"), &reply(401, None, body));
        for body in ["", "Authorization required.", "<html>Brand Portal</html>", "<html>ApacheSling/2.7</html>"] {
            assert_eq!(own(body), Ok(()), "{body}");
        }
        let problem = own("<html>Log in to the proxy</html>").expect_err("it is a gateway's");
        assert_eq!((problem.kind, problem.cause), (Kind::Error, Some(Cause::GatewayInstead)));
    }

    #[test]
    fn only_brand_portal_or_the_way_to_its_login_is_the_tenant() {
        let page = "<!DOCTYPE html><html><title>Adobe Experience Manager Assets Brand Portal</title></html>";
        let login = "<html><form action='j_security_check'>Sign in to Brand Portal</form></html>";
        for (status, location, body) in [
            (200, None, page),
            (200, None, login),
            (401, None, page),
            (403, None, page),
            (302, Some("/mediaportal.html"), ""),
            (302, Some("https://ims-na1.adobelogin.com/ims/authorize/v1"), ""),
        ] {
            assert_eq!(home(status, location, body), Ok(()), "{status} {location:?} {body}");
        }
    }

    #[test]
    fn what_may_be_a_gateways_is_an_error() {
        let gateway = "<html><body>bpdoc.brand-portal.adobe.com: access denied by corporate proxy</body></html>";
        for (status, location, body) in [
            (200, None, gateway),
            (200, None, "<html><body>Brand Portal"),
            (200, None, "{}"),
            (204, None, ""),
            (403, None, gateway),
            (404, None, gateway),
            (404, None, ""),
            (404, None, "default backend - 404"),
            (410, None, "{\"error\":\"Not Found\",\"status\":404}"),
            (302, Some("https://portal.example.com/login"), ""),
            (302, Some("https://bpdoc.brand-portal.adobe.com/"), ""),
            (400, None, ""),
            (451, None, ""),
            (503, None, gateway),
        ] {
            assert_eq!(home(status, location, body), Err(Kind::Error), "{status} {location:?} {body}");
        }
        assert_eq!(home(404, None, "the tenant bpdoc does not exist"), Err(Kind::Failed));
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
