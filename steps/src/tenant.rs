//! The delivered content on the tenant (surfaces.md §3.5).

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::author::repository;
use crate::call::Call;
use crate::problem::{Checked, Problem, ensure};
use crate::session::Session;

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
    let node = repository::tree(session, call(session, path)?).await?;
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
    use serde_json::json;

    use super::*;
    use crate::problem::Kind;

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
