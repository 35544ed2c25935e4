//! The Adobe IMS configurations of the Author as they are stored: an access token provider and a request customizer each,
//! under `/apps/system/config` (surfaces.md §2.3).

use bpconform_fixtures::Surface;
use serde_json::Value;

use super::{osgi_file, repository};
use crate::call::Call;
use crate::problem::Checked;
use crate::session::Session;

/// How an IMS configuration gets its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OAuth Server-to-Server: `client_credentials`.
    OAuth,
    /// A service account (JWT), which is deprecated.
    Jwt,
}

/// A stored configuration of one of the two kinds of nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The node's name.
    pub node: String,
    /// The properties.
    pub properties: Value,
}

/// One Adobe IMS configuration: an access token provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ImsConfiguration {
    /// The PID, with a dot before its random part.
    pub pid: String,
    /// Its title.
    pub title: Option<String>,
    /// The client id (API key).
    pub client_id: Option<String>,
    /// The scopes, comma-separated.
    pub scope: Option<String>,
    /// Where tokens are asked for.
    pub token_request: Option<String>,
    /// The organization.
    pub org_id: Option<String>,
    /// The alias of the certificate of a JWT configuration.
    pub key_pair_alias: Option<String>,
    /// How it gets its tokens.
    pub kind: Kind,
    /// The node and all its properties.
    pub stored: Stored,
}

impl ImsConfiguration {
    /// Whether this is the configuration of that PID; before the random part stands a dot or a hyphen.
    pub fn is(&self, pid: &str) -> bool {
        !self.pid.is_empty() && normal(pid) == normal(&self.pid)
    }

    /// Whether it was made for Brand Portal, as far as its own name, title, scopes or claims tell.
    fn says_brand_portal(&self, surface: &Surface) -> bool {
        ["name", "title", "scope", "claims"].iter().any(|word| {
            let value = repository::text(&self.stored.properties, surface.field(word)).unwrap_or_default();
            let letters: String = value.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
            letters.contains("brandportal")
        })
    }
}

/// What `/apps/system/config` holds of IMS configurations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Storage {
    /// The access token providers.
    pub providers: Vec<ImsConfiguration>,
    /// The request customizers, which hold the client secrets.
    pub customizers: Vec<Stored>,
}

impl Storage {
    /// The configurations for Brand Portal: those that say so, and those that a Brand Portal cloud configuration uses.
    pub fn for_brand_portal(&self, surface: &Surface, used: &[String]) -> Vec<ImsConfiguration> {
        let ours = |provider: &&ImsConfiguration| {
            provider.says_brand_portal(surface) || used.iter().any(|pid| provider.is(pid))
        };
        self.providers.iter().filter(ours).cloned().collect()
    }

    /// The stored client secrets of a configuration with the nodes that hold them: of the customizers of its type, or of
    /// all when it names no type.
    pub fn secrets_of(&self, surface: &Surface, configuration: &ImsConfiguration) -> Vec<(String, String)> {
        let wanted = repository::text(&configuration.stored.properties, surface.field("provider-customizer-type"));
        let of_type = |stored: &&Stored| {
            let found = repository::text(&stored.properties, surface.field("customizer-type"));
            wanted.is_none() || found.is_none() || found == wanted
        };
        let secret = |stored: &Stored| {
            let secret = repository::text(&stored.properties, surface.field("secret"))?;
            (!secret.is_empty()).then(|| (stored.node.clone(), secret))
        };
        self.customizers.iter().filter(of_type).filter_map(secret).collect()
    }
}

/// All IMS configurations of the Author, for whatever solution they are.
pub async fn storage(session: &Session) -> Checked<Storage> {
    let surface = session.surface("author.ims-storage").clone();
    let root = repository::tree(session, Call::to("author.ims-storage")).await?.unwrap_or_default();
    let mut storage = Storage::default();
    for (name, node) in repository::children(&root) {
        let (provider, customizer) =
            (is_of(name, surface.phrase("provider")), is_of(name, surface.phrase("customizer")));
        if !provider && !customizer {
            continue;
        }
        let stored = Stored { node: name.to_owned(), properties: properties(session, name, node).await? };
        if provider {
            storage.providers.push(configuration(&surface, stored));
        } else {
            storage.customizers.push(stored);
        }
    }
    Ok(storage)
}

/// The IMS configurations for Brand Portal: those that say so, and those that a cloud configuration uses.
pub async fn for_brand_portal(session: &Session) -> Checked<Vec<ImsConfiguration>> {
    let configurations = super::cloud_configuration::all(session).await?;
    let used: Vec<String> = configurations.into_iter().filter_map(|it| it.ims_configuration).collect();
    Ok(storage(session).await?.for_brand_portal(session.surface("author.ims-storage"), &used))
}

/// What Granite's crypto support makes of a secret: braces around the hexadecimal digits of at least one block and its
/// start.
pub fn is_encrypted(secret: &str) -> bool {
    let digits = secret.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    digits.is_some_and(|digits| digits.len() >= 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// A configuration's properties: of its node, or of the file that the node is.
async fn properties(session: &Session, name: &str, node: &Value) -> Checked<Value> {
    if repository::text(node, "jcr:primaryType").as_deref() != Some("nt:file") {
        return Ok(node.clone());
    }
    let reply = session.send(Call::to("author.ims-file").with("file", name)).await?.expect_status(&[200])?;
    Ok(osgi_file::parse(&reply.text()))
}

pub(crate) fn configuration(surface: &Surface, stored: Stored) -> ImsConfiguration {
    let text = |word| repository::text(&stored.properties, surface.field(word)).filter(|text| !text.is_empty());
    let key_pair_alias = text("key-pair-alias");
    let exchanges = text("token-request").is_some_and(|url| url.contains("/exchange/jwt"));
    let grants = text("grants").is_some_and(|grants| grants.contains("client_credentials"));
    ImsConfiguration {
        pid: pid(&stored.node, surface.phrase("provider")),
        title: text("title"),
        client_id: text("client-id"),
        scope: text("scope"),
        token_request: text("token-request"),
        org_id: text("org-id"),
        kind: if grants && !exchanges { Kind::OAuth } else { Kind::Jwt },
        key_pair_alias,
        stored,
    }
}

/// Whether a node is a configuration of that factory: its random part follows a dot or a hyphen.
fn is_of(node: &str, factory: &str) -> bool {
    node.strip_prefix(factory).is_some_and(|rest| rest.starts_with(['.', '-']))
}

fn pid(node: &str, factory: &str) -> String {
    let random = node.trim_end_matches(".config").get(factory.len() + 1..).unwrap_or_default();
    format!("{factory}.{random}")
}

/// A PID without what may differ in how it is written.
fn normal(pid: &str) -> String {
    pid.trim().trim_end_matches(".config").replace(['-', '~'], ".")
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Surfaces;
    use serde_json::json;

    use super::*;

    const FACTORY: &str = "com.adobe.granite.auth.oauth.accesstoken.provider";

    fn read(node: &str, properties: Value) -> ImsConfiguration {
        let surface = Surfaces::built_in().get("author.ims-storage");
        configuration(surface, Stored { node: node.into(), properties })
    }

    #[test]
    fn a_pid_is_the_same_with_a_dot_or_a_hyphen() {
        for node in [format!("{FACTORY}.9f-2"), format!("{FACTORY}-9f-2.config")] {
            assert!(is_of(&node, FACTORY));
            let configuration = read(&node, json!({}));
            assert_eq!(configuration.pid, format!("{FACTORY}.9f-2"));
            assert!(
                configuration.is(&format!("{FACTORY}-9f-2.config")) && !configuration.is(&format!("{FACTORY}.9f-3"))
            );
        }
        assert!(!is_of(&format!("{FACTORY}Other.1"), FACTORY));
    }

    #[test]
    fn the_kind_is_told_by_grant_and_request() {
        let oauth = json!({"auth.token.provider.authorization.grants": "client_credentials",
            "auth.access.token.request": "https://ims-na1.adobelogin.com/ims/token/v3"});
        assert_eq!(read(&format!("{FACTORY}.1"), oauth).kind, Kind::OAuth);
        let jwt = json!({"auth.access.token.request": "https://ims-na1.adobelogin.com/ims/exchange/jwt"});
        assert_eq!(read(&format!("{FACTORY}.1"), jwt).kind, Kind::Jwt);
    }

    #[test]
    fn other_solutions_are_left_out() {
        let surface = Surfaces::built_in().get("author.ims-storage");
        let analytics = read(&format!("{FACTORY}.1"), json!({"auth.token.provider.title": "Analytics"}));
        let used = read(&format!("{FACTORY}.2"), json!({"auth.token.provider.title": "My account"}));
        let named = read(&format!("{FACTORY}.3"), json!({"name": "Adobe Brand Portal"}));
        let storage = Storage { providers: vec![analytics, used, named], customizers: Vec::new() };
        let found = storage.for_brand_portal(surface, &[format!("{FACTORY}-2")]);
        assert_eq!(found.iter().map(|it| &it.pid[FACTORY.len()..]).collect::<Vec<_>>(), [".2", ".3"]);
    }
}
