//! The Adobe IMS configurations of the Author as they are stored: an access token provider and a request customizer each,
//! under `/apps/system/config` (surfaces.md §2.3).

use std::sync::{Arc, LazyLock};

use bpconform_fixtures::Surface;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::Value;

use super::{date, osgi_file, repository};
use crate::call::Call;
use crate::pattern::pattern;
use crate::problem::{Checked, Problem};
use crate::redact::is_public;
use crate::session::Session;

/// The folder of the configurations.
pub(super) const FOLDER: &str = "/apps/system/config";

/// How deep they are in it: also in a folder within.
pub(super) const DEPTH: Option<i64> = Some(2);

/// How an IMS configuration gets its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OAuth Server-to-Server: `client_credentials`.
    OAuth,
    /// A service account (JWT), which is deprecated.
    Jwt,
    /// Nothing that is stored tells.
    Unknown,
}

/// For which solution of Adobe an IMS configuration was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Solution {
    BrandPortal,
    /// Its name is another solution's.
    Another,
    /// Its title is another solution's.
    PerhapsAnother,
    Unknown,
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
    /// The name of the provider, by which an agent may refer to it.
    pub name: Option<String>,
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
    /// Its title and PID, for messages.
    pub fn named(&self) -> String {
        format!("\"{}\" ({})", self.title.as_deref().unwrap_or("without a title"), self.pid)
    }

    /// Whether this is the configuration of that PID, however its random part is separated.
    pub fn is(&self, pid: &str) -> bool {
        is_same_pid(pid, &self.pid)
    }

    /// When it, and the customizer of its type, which holds the client secret, were created or last changed; none for what does
    /// not say so.
    pub fn changes(&self, surface: &Surface, customizers: &[Stored]) -> Checked<Vec<Option<Timestamp>>> {
        let kind = repository::text(&self.stored.properties, surface.field("provider-customizer-type"));
        let kind = kind.filter(|kind| !kind.is_empty());
        let is_its_own =
            |it: &&Stored| kind.is_some() && repository::text(&it.properties, surface.field("customizer-type")) == kind;
        customizers.iter().filter(is_its_own).chain([&self.stored]).map(Stored::changed).collect()
    }

    /// Fails if it is for another solution of Adobe, according to the name that AEM gives it; an error if only its title says
    /// so: a person may give it any title.
    pub fn judge_solution(&self, session: &Session) -> Checked {
        let others = other_solutions(session)?;
        self.judge_by_texts(session.surface("author.ims-storage"), &others)
    }

    fn judge_by_texts(&self, surface: &Surface, others: &Regex) -> Checked {
        let named = self.named();
        match self.solution(surface, others) {
            Solution::BrandPortal | Solution::Unknown => Ok(()),
            Solution::Another => Err(Problem::failed(format!(
                "the IMS configuration {named} is for another solution than Brand Portal: its name is \"{}\"",
                self.name.as_deref().unwrap_or_default()
            ))),
            Solution::PerhapsAnother => Err(Problem::error(format!(
                "whether the IMS configuration {named} is for Brand Portal cannot be told: its title is that of another \
                 solution, and its name, scopes and claims do not say what it is for"
            ))),
        }
    }

    /// For which solution it was made. The name, which AEM gives it, decides: a person chooses the title, and the scopes and
    /// claims may be of a credential that several solutions share.
    fn solution(&self, surface: &Surface, others: &Regex) -> Solution {
        let says_brand_portal = |word: &str| {
            let value = repository::text(&self.stored.properties, surface.field(word)).unwrap_or_default();
            let letters: String = value.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
            letters.contains("brandportal")
        };
        let is_of_another = |text: &Option<String>| text.as_ref().is_some_and(|text| others.is_match(text));
        if says_brand_portal("name") {
            Solution::BrandPortal
        } else if is_of_another(&self.name) {
            Solution::Another
        } else if ["title", "scope", "claims"].into_iter().any(says_brand_portal) {
            Solution::BrandPortal
        } else if is_of_another(&self.title) {
            Solution::PerhapsAnother
        } else {
            Solution::Unknown
        }
    }

    /// An error unless what is stored tells how it gets its tokens.
    pub fn judge_kind(&self) -> Checked {
        if self.kind != Kind::Unknown {
            return Ok(());
        }
        Err(Problem::error(format!(
            "whether the IMS configuration {} is of type OAuth or JWT cannot be told: it has neither the grant \
             client_credentials, nor a key pair, nor an address where a JSON Web Token is exchanged",
            self.named()
        )))
    }
}

/// The shortest random part that may stand for a longer one.
const TELLING: usize = 8;

/// Whether two PIDs name the same configuration: a dot, a hyphen or a tilde stands before the random part, and an installer
/// may have put more before it.
pub fn is_same_pid(one: &str, other: &str) -> bool {
    let normal = |pid: &str| osgi_file::without_ending(pid.trim()).replace(['-', '~'], ".");
    let (one, other) = (normal(one), normal(other));
    let longer = |short: &str, long: &str| {
        let random = short.rsplit('.').next().unwrap_or_default();
        let factory = short.strip_suffix(random).unwrap_or_default();
        random.len() >= TELLING && long.strip_prefix(factory).is_some_and(|rest| rest.ends_with(&format!(".{random}")))
    };
    !one.is_empty() && (one == other || longer(&one, &other) || longer(&other, &one))
}

impl Stored {
    /// When it was created or last changed, if it says so.
    fn changed(&self) -> Checked<Option<Timestamp>> {
        let dates = ["jcr:lastModified", "jcr:created"].into_iter();
        let dates = dates.filter_map(|name| repository::text(&self.properties, name)).filter(|text| !text.is_empty());
        let times = dates.map(|text| {
            date::read(&text)
                .ok_or_else(|| Problem::error(format!("{} was changed at `{text}`, which is not a time", self.node)))
        });
        Ok(times.collect::<Checked<Vec<_>>>()?.into_iter().max())
    }
}

/// A property that holds a client secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The node.
    pub node: String,
    /// The property.
    pub property: String,
    value: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({} in {})", self.property, self.node)
    }
}

impl Secret {
    /// Whether it is stored encrypted, and does not hold the secret that was given.
    pub fn is_safe(&self, given: Option<&str>) -> bool {
        // Hexadecimal digits hold a short word by chance.
        is_encrypted(&self.value) && given.is_none_or(|given| is_public(given) || !self.value.contains(given))
    }
}

/// What `/apps/system/config` holds of IMS configurations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Storage {
    /// The access token providers.
    pub providers: Vec<ImsConfiguration>,
    /// The request customizers, which hold the client secrets.
    pub customizers: Vec<Stored>,
    /// Why the file of another one cannot be read.
    pub unreadable: Option<Problem>,
}

impl Storage {
    /// An error if a file cannot be read, where that may be the configuration that is missed.
    pub fn judge_whole(&self) -> Checked {
        self.unreadable.clone().map_or(Ok(()), Err)
    }

    /// The configurations for Brand Portal: those that say so, those that a Brand Portal cloud configuration uses, and those
    /// with the client id of one of these.
    pub fn for_brand_portal(&self, session: &Session, used: &[String]) -> Checked<Vec<ImsConfiguration>> {
        let others = other_solutions(session)?;
        Ok(self.ours(session.surface("author.ims-storage"), &others, used))
    }

    fn ours(&self, surface: &Surface, others: &Regex, used: &[String]) -> Vec<ImsConfiguration> {
        let ours = |it: &ImsConfiguration| {
            it.solution(surface, others) == Solution::BrandPortal || used.iter().any(|pid| it.is(pid))
        };
        let clients: Vec<_> =
            self.providers.iter().filter(|it| ours(it)).filter_map(|it| it.client_id.as_deref()).collect();
        // A credential of the Developer Console may serve several solutions.
        let same_client = |it: &ImsConfiguration| {
            it.client_id.as_deref().is_some_and(|client| clients.contains(&client))
                && it.solution(surface, others) == Solution::Unknown
        };
        self.providers.iter().filter(|it| ours(it) || same_client(it)).cloned().collect()
    }

    /// The providers that an agent may refer to by that name or PID: nothing makes a name unique.
    pub fn providers_of(&self, reference: &str) -> Vec<&ImsConfiguration> {
        self.providers.iter().filter(|it| it.is(reference) || it.name.as_deref() == Some(reference)).collect()
    }

    /// The customizers that a configuration may use: those of its type, or all when it names no type.
    pub(crate) fn customizers_of(&self, surface: &Surface, configuration: &ImsConfiguration) -> Vec<&Stored> {
        let wanted = repository::text(&configuration.stored.properties, surface.field("provider-customizer-type"));
        let of_type = |stored: &&Stored| {
            let found = repository::text(&stored.properties, surface.field("customizer-type"));
            wanted.is_none() || found.is_none() || found == wanted
        };
        self.customizers.iter().filter(of_type).collect()
    }

    /// The stored client secrets of a configuration with the nodes that hold them: of its customizers, and what the provider
    /// itself holds.
    pub fn secrets_of(&self, surface: &Surface, configuration: &ImsConfiguration, given: Option<&str>) -> Vec<Secret> {
        let customizers = self.customizers_of(surface, configuration).into_iter();
        customizers.chain([&configuration.stored]).flat_map(|stored| secrets_in(stored, given)).collect()
    }

    /// The paths of the customizers whose type no provider names, besides these.
    pub(crate) fn unused_customizers(&self, surface: &Surface, besides: &[String]) -> Vec<String> {
        let (own, of_customizer) = (surface.field("provider-customizer-type"), surface.field("customizer-type"));
        let used: Vec<_> =
            self.providers.iter().filter_map(|it| repository::text(&it.stored.properties, own)).collect();
        let is_unused =
            |it: &&Stored| repository::text(&it.properties, of_customizer).is_none_or(|kind| !used.contains(&kind));
        let paths = self.customizers.iter().filter(is_unused).map(|it| format!("{FOLDER}/{}", it.node));
        paths.filter(|path| !besides.contains(path)).collect()
    }
}

/// The properties of a node, and of those below it, that hold a client secret: those whose name says so, and any that holds
/// the given one or what Adobe's client secrets look like.
fn secrets_in(stored: &Stored, given: Option<&str>) -> Vec<Secret> {
    let mut secrets = Vec::new();
    collect_secrets(&stored.node, "", &stored.properties, given, &mut secrets);
    secrets
}

fn collect_secrets(node: &str, within: &str, properties: &Value, given: Option<&str>, secrets: &mut Vec<Secret>) {
    static LOOKS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(?:p8e|s8e)-[\w-]{8,}").expect("a constant pattern"));
    let says = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["secret", "password", "passwd", "private.key", "privatekey"].iter().any(|word| name.contains(word))
    };
    // A common word stands in many properties for other reasons.
    let holds = |value: &str| given.is_some_and(|given| !is_public(given) && value.contains(given));
    for (name, value) in properties.as_object().into_iter().flatten() {
        let property = format!("{within}{name}");
        if value.is_object() {
            collect_secrets(node, &format!("{property}/"), value, given, secrets);
            continue;
        }
        let values: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |values| values.iter().collect());
        let texts = values.into_iter().filter_map(Value::as_str).filter(|text| !text.is_empty());
        let found = texts.filter_map(|text| {
            let whole = says(name) || holds(text);
            if whole { Some(text) } else { LOOKS.find(text).map(|part| part.as_str()) }
        });
        secrets.extend(found.map(|value| Secret {
            node: node.to_owned(),
            property: property.clone(),
            value: value.to_owned(),
        }));
    }
}

/// All IMS configurations of the Author, for whatever solution they are; an error if one of them cannot be read.
pub async fn storage(session: &Session) -> Checked<Storage> {
    let storage = readable(session).await?;
    storage.judge_whole().map(|()| storage)
}

/// The IMS configurations of the Author that can be read. That is enough where one of them is named: the file of another
/// solution does not concern it.
pub async fn readable(session: &Session) -> Checked<Storage> {
    let surface = session.surface("author.ims-storage").clone();
    let call = Call::to("author.ims-storage");
    let root = repository::at(session, call, FOLDER, DEPTH).await?.unwrap_or_default();
    let mut storage = Storage::default();
    for (file, name, node) in configurations(&root) {
        let (provider, customizer) =
            (is_of(name, surface.phrase("provider")), is_of(name, surface.phrase("customizer")));
        if !provider && !customizer {
            continue;
        }
        let stored = match properties(session, &file, node).await {
            Ok(properties) => Stored { properties, node: file },
            Err(problem) => {
                storage.unreadable.get_or_insert(problem);
                continue;
            }
        };
        for secret in secrets_in(&stored, None).iter().filter(|secret| !secret.is_safe(None)) {
            session.run.redactor.learn(&secret.value);
        }
        if provider {
            storage.providers.push(configuration(&surface, stored));
        } else {
            storage.customizers.push(stored);
        }
    }
    Ok(storage)
}

/// The paths of the nodes that store a configuration: its provider, and its customizer if it alone uses that.
pub(crate) async fn nodes_of(session: &Session, configuration: &ImsConfiguration) -> Checked<Vec<String>> {
    let surface = session.surface("author.ims-storage");
    let (own, of_customizer) = (surface.field("provider-customizer-type"), surface.field("customizer-type"));
    let storage = storage(session).await?;
    let kind = repository::text(&configuration.stored.properties, own).filter(|kind| !kind.is_empty());
    let users = storage.providers.iter().filter(|it| repository::text(&it.stored.properties, own) == kind);
    let alone = kind.is_some() && users.count() == 1;
    let customizers = storage.customizers.iter();
    let customizers = customizers.filter(|it| alone && repository::text(&it.properties, of_customizer) == kind);
    let nodes = customizers.map(|it| &it.node).chain([&configuration.stored.node]);
    Ok(nodes.map(|node| format!("{FOLDER}/{node}")).collect())
}

/// The configurations below a folder: the path of each in it, its name and its node; folders within hold configurations,
/// too. A file is one only by its ending: AEM does not read a backup next to it.
pub(super) fn configurations(folder: &Value) -> Vec<(String, &str, &Value)> {
    let mut found = Vec::new();
    for (name, node) in repository::children(folder) {
        let kind = repository::text(node, "jcr:primaryType").unwrap_or_default();
        if kind == "sling:Folder" || kind == "sling:OrderedFolder" || kind == "nt:folder" {
            let within = repository::children(node).map(|(child, node)| (format!("{name}/{child}"), child, node));
            found.extend(within);
        } else {
            found.push((name.to_owned(), name, node));
        }
    }
    found.retain(|(_, name, node)| {
        osgi_file::has_ending(name) || repository::text(node, "jcr:primaryType").as_deref() != Some("nt:file")
    });
    found
}

/// The IMS configurations for Brand Portal: those with that cloud solution, and those that a cloud configuration uses.
pub async fn for_brand_portal(session: &Session) -> Checked<Vec<ImsConfiguration>> {
    of_brand_portal(session, &storage(session).await?).await
}

/// The IMS configurations for Brand Portal in a storage that was read before.
pub async fn of_brand_portal(session: &Session, storage: &Storage) -> Checked<Vec<ImsConfiguration>> {
    let configurations = super::cloud_configuration::all(session).await?;
    let used: Vec<String> = configurations.into_iter().filter_map(|it| it.ims_configuration).collect();
    storage.for_brand_portal(session, &used)
}

/// The pattern of the names of Adobe's other solutions.
fn other_solutions(session: &Session) -> Checked<Arc<Regex>> {
    pattern(session.surface("author.error-log"), "other-solutions")
}

/// The status of JWT credentials at a time: they are deprecated, and have stopped working on a known day.
pub fn jwt_standing(surface: &Surface, now: Timestamp) -> String {
    let stopped = surface.phrase("stopped");
    let has_stopped = stopped.parse::<Date>().is_ok_and(|day| day <= TimeZone::UTC.to_datetime(now).date());
    let since = if has_stopped { format!(" and has not worked since {stopped}") } else { String::new() };
    format!("is deprecated{since}")
}

/// What Granite's crypto support makes of a secret: braces around the hexadecimal digits of at least one block and its
/// start.
pub fn is_encrypted(secret: &str) -> bool {
    let digits = secret.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    digits.is_some_and(|digits| digits.len() >= 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// A configuration's properties: of its node, or of the file that the node is.
pub(super) async fn properties(session: &Session, file: &str, node: &Value) -> Checked<Value> {
    if repository::text(node, "jcr:primaryType").as_deref() != Some("nt:file") {
        return Ok(node.clone());
    }
    let reply = session.send(Call::to("author.ims-file").with("file", file)).await?.expect_status(&[200])?;
    if reply.is_login() || reply.looks_like_html() {
        return Err(reply.instead("a page in place of the configuration's file"));
    }
    let read = osgi_file::read(file, &reply.text());
    let mut properties =
        read.map_err(|wrong| Problem::error(format!("{}: {wrong}; {}", reply.what(), reply.excerpt())))?;
    // The time of the last change is stored next to the file's content.
    let dates = ["jcr:lastModified", "jcr:created"].into_iter();
    let dates = dates.filter_map(|name| {
        Some((name, node.get("jcr:content").and_then(|content| content.get(name)).or(node.get(name))?))
    });
    if let Some(properties) = properties.as_object_mut() {
        for (name, date) in dates {
            properties.insert(name.to_owned(), date.clone());
        }
    }
    Ok(properties)
}

pub(crate) fn configuration(surface: &Surface, stored: Stored) -> ImsConfiguration {
    let text = |word| repository::text(&stored.properties, surface.field(word)).filter(|text| !text.trim().is_empty());
    let text = |word| text(word).map(|text| text.trim().to_owned());
    let key_pair_alias = text("key-pair-alias");
    // The exchange has an address with a version, too: `/ims/exchange/v1/jwt`.
    let exchanges = text("token-request").is_some_and(|url| url.contains("/ims/exchange/"));
    let grants = text("grants").is_some_and(|grants| grants.contains("client_credentials"));
    ImsConfiguration {
        pid: pid(&stored.node, surface.phrase("provider")),
        name: text("name"),
        title: text("title"),
        client_id: text("client-id"),
        scope: text("scope"),
        token_request: text("token-request"),
        org_id: text("org-id"),
        // A key pair may be left over from a migration.
        kind: match (exchanges, grants, &key_pair_alias) {
            (true, ..) | (false, false, Some(_)) => Kind::Jwt,
            (false, true, _) => Kind::OAuth,
            (false, false, None) => Kind::Unknown,
        },
        key_pair_alias,
        stored,
    }
}

/// Whether a node is a configuration of that factory: its random part follows a dot, a hyphen or a tilde.
pub(super) fn is_of(node: &str, factory: &str) -> bool {
    node.strip_prefix(factory).is_some_and(|rest| rest.starts_with(['.', '-', '~']) && rest.len() > 1)
}

fn pid(node: &str, factory: &str) -> String {
    let name = node.rsplit('/').next().unwrap_or(node);
    let random = osgi_file::without_ending(name).get(factory.len() + 1..).unwrap_or_default();
    format!("{factory}.{random}")
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Surfaces;
    use serde_json::json;

    use super::*;
    use crate::canned;

    const FACTORY: &str = "com.adobe.granite.auth.oauth.accesstoken.provider";

    fn read(node: &str, properties: Value) -> ImsConfiguration {
        let surface = Surfaces::built_in().get("author.ims-storage");
        configuration(surface, Stored { node: node.into(), properties })
    }

    #[test]
    fn jwt_has_a_day_on_which_it_stopped() {
        let at = |time: &str| jwt_standing(Surfaces::built_in().get("ims.exchange-jwt"), time.parse().expect("a time"));
        assert_eq!(at("2026-02-28T23:59:59Z"), "is deprecated");
        assert_eq!(at("2026-03-01T00:00:00Z"), "is deprecated and has not worked since 2026-03-01");
    }

    #[test]
    fn a_pid_is_the_same_with_a_dot_or_a_hyphen() {
        for node in [
            format!("{FACTORY}.9f-2"),
            format!("{FACTORY}-9f-2.config"),
            format!("{FACTORY}.9f-2.cfg.json"),
            format!("{FACTORY}~9f-2.cfg.json"),
        ] {
            assert!(is_of(&node, FACTORY));
            let configuration = read(&node, json!({}));
            assert_eq!(configuration.pid, format!("{FACTORY}.9f-2"));
            assert!(
                configuration.is(&format!("{FACTORY}-9f-2.config")) && !configuration.is(&format!("{FACTORY}.9f-3"))
            );
        }
        assert!(!is_of(&format!("{FACTORY}Other.1"), FACTORY));
        assert!(is_same_pid(&format!("{FACTORY}.3c026e77-00d6-5f1c09e7.cfg.json"), &format!("{FACTORY}.5f1c09e7")));
        assert!(!is_same_pid(&format!("{FACTORY}.a-1"), &format!("{FACTORY}.1")));
        assert!(!is_same_pid("", "") && !is_same_pid("other.5f1c09e7", &format!("{FACTORY}.5f1c09e7")));
    }

    #[test]
    fn every_property_that_may_hold_the_secret_is_looked_at() {
        let encrypted = format!("{{{}}}", "0aF9".repeat(16));
        let stored = |properties| Stored { node: "x".into(), properties };
        let unsafe_ones = |properties, given| {
            let all: Vec<_> = secrets_in(&stored(properties), given);
            all.into_iter().filter(|secret| !secret.is_safe(given)).map(|secret| secret.property).collect::<Vec<_>>()
        };
        assert!(unsafe_ones(json!({"auth.ims.client.secret": encrypted}), None).is_empty());
        assert_eq!(
            unsafe_ones(json!({"auth.ims.client.secret": encrypted, "client.secret.old": "p8e-xyz"}), None),
            ["client.secret.old"]
        );
        assert!(unsafe_ones(json!({"note": "https://host"}), Some("http")).is_empty(), "a common word");
        assert_eq!(unsafe_ones(json!({"note": "it is p8e-xyz"}), Some("p8e-xyz")), ["note"]);
        assert_eq!(unsafe_ones(json!({"secrets": [encrypted, "p8e-xyz"]}), None), ["secrets"]);
        let looks = json!({"extra": "s8e-Abcdefgh0123456789", "none": "up8e-Abcdefgh0123456789", "short": "p8e-"});
        assert_eq!(unsafe_ones(looks, None), ["extra"]);
        assert_eq!(unsafe_ones(json!({"old": {"clientSecret": "xyz", "note": "xyz"}}), None), ["old/clientSecret"]);
    }

    #[test]
    fn the_newest_date_of_a_configuration_and_its_customizer_counts() {
        let surface = Surfaces::built_in().get("author.ims-storage");
        let customizer = |kind: &str, changed: &str| Stored {
            node: "customizer".into(),
            properties: json!({ "customizer.type": kind, "jcr:lastModified": changed }),
        };
        let provider = |kind: &str, changed: &str| {
            read(&format!("{FACTORY}.1"), json!({ "token.request.customizer.type": kind, "jcr:created": changed }))
        };
        let newest = |kind: &str, customizers: &[Stored]| {
            let changes = provider(kind, "Mon Nov 23 2026 10:00:00 GMT+0100").changes(surface, customizers);
            changes.map(|all| all.into_iter().flatten().max().map(|changed| changed.to_string()).unwrap_or_default())
        };
        let later = customizer("ims-1", "2026-11-23T08:30:00-08:00");
        assert_eq!(newest("ims-1", std::slice::from_ref(&later)).as_deref(), Ok("2026-11-23T16:30:00Z"));
        assert_eq!(newest("ims-2", std::slice::from_ref(&later)).as_deref(), Ok("2026-11-23T09:00:00Z"));
        assert_eq!(newest("", &[customizer("", "2027-01-01T00:00:00Z")]).as_deref(), Ok("2026-11-23T09:00:00Z"));
        let unread = newest("ims-1", &[customizer("ims-1", "yesterday")]);
        assert_eq!(unread.map_err(|problem| problem.kind), Err(crate::problem::Kind::Error));
        let undated = provider("ims-1", "2026-11-23T08:30:00Z").changes(surface, &[customizer("ims-1", "")]);
        assert!(undated.is_ok_and(|all| all.contains(&None)));
    }

    #[test]
    fn the_kind_is_told_by_grant_and_request() {
        let oauth = json!({"auth.token.provider.authorization.grants": "client_credentials",
            "auth.access.token.request": "https://ims-na1.adobelogin.com/ims/token/v3"});
        assert_eq!(read(&format!("{FACTORY}.1"), oauth).kind, Kind::OAuth);
        let jwt = json!({"auth.access.token.request": "https://ims-na1.adobelogin.com/ims/exchange/jwt"});
        assert_eq!(read(&format!("{FACTORY}.1"), jwt).kind, Kind::Jwt);
        let kind = |url: &str, grants: &str, alias: &str| {
            let properties = json!({"auth.access.token.request": format!("https://ims-na1.adobelogin.com{url}"),
                "auth.token.provider.authorization.grants": grants, "auth.token.provider.keypair.alias": alias});
            read(&format!("{FACTORY}.1"), properties).kind
        };
        assert_eq!(kind("/ims/exchange/v1/jwt", "authorization_code,client_credentials", "bp"), Kind::Jwt);
        assert_eq!(kind("/ims/token/v3", "client_credentials", "bp"), Kind::OAuth, "the key is left over");
        assert_eq!(kind("/ims/token/v3", "", "bp"), Kind::Jwt);
        assert_eq!(kind("/ims/token/v3", "", ""), Kind::Unknown);
        assert!(read(&format!("{FACTORY}.1"), json!({})).judge_kind().is_err());
    }

    #[tokio::test]
    async fn a_configuration_in_a_folder_is_found_also_where_the_tree_is_too_large() {
        let folder = |members: Value| {
            let mut folder = members;
            folder["jcr:primaryType"] = "sling:Folder".into();
            (200, "", folder.to_string())
        };
        let within = format!("{FACTORY}.2");
        let session = canned::session(move |path| match path {
            "/apps/system/config.2.json" => (300, "", "[\"/apps/system/config.1.json\"]".to_owned()),
            "/apps/system/config.1.json" => folder(json!({"bp": {"jcr:primaryType": "sling:Folder"}})),
            "/apps/system/config/bp.1.json" => folder(json!({&within: {"jcr:primaryType": "sling:OsgiConfig"}})),
            _ if path.ends_with(".1.json") => canned::node(json!({})),
            _ => (404, "", String::new()),
        });
        let found = storage(&session.await).await.expect("readable").providers;
        assert_eq!(found.iter().map(|it| it.stored.node.clone()).collect::<Vec<_>>(), [format!("bp/{FACTORY}.2")]);
    }

    #[tokio::test]
    async fn a_backup_is_no_configuration_and_an_unreadable_file_concerns_no_other() {
        let (mine, other, backup) =
            (format!("{FACTORY}-1.config"), format!("{FACTORY}~2.cfg.json"), format!("{FACTORY}-1.config.bak"));
        let unreadable = other.clone();
        let session = canned::session(move |path| {
            let file = json!({"jcr:primaryType": "nt:file"});
            match path {
                "/apps/system/config.2.json" => canned::node(json!({&mine: file, &other: file, &backup: file})),
                _ if path.ends_with(&unreadable) => (200, "", "{\"name\": \"Adobe Target\",}".to_owned()),
                _ => (200, "", "name=\"Adobe Brand Portal\"".to_owned()),
            }
        });
        let session = session.await;
        let found = readable(&session).await.expect("the folder is readable");
        assert_eq!(found.providers.iter().map(|it| it.pid.clone()).collect::<Vec<_>>(), [format!("{FACTORY}.1")]);
        assert!(found.judge_whole().is_err());
        assert_eq!(storage(&session).await.map_err(|problem| problem.kind), Err(crate::problem::Kind::Error));
    }

    fn solutions() -> (&'static Surface, Arc<Regex>) {
        let surfaces = Surfaces::built_in();
        let others = pattern(surfaces.get("author.error-log"), "other-solutions").expect("a pattern");
        (surfaces.get("author.ims-storage"), others)
    }

    #[test]
    fn other_solutions_are_left_out() {
        let (surface, others) = solutions();
        let analytics = read(&format!("{FACTORY}.1"), json!({"auth.token.provider.title": "Analytics"}));
        let used = read(&format!("{FACTORY}.2"), json!({"auth.token.provider.title": "My account"}));
        let named = read(&format!("{FACTORY}.3"), json!({"name": "Adobe Brand Portal"}));
        let storage = Storage { providers: vec![analytics, used, named], ..Storage::default() };
        let found = storage.ours(surface, &others, &[format!("{FACTORY}-2")]);
        assert_eq!(found.iter().map(|it| &it.pid[FACTORY.len()..]).collect::<Vec<_>>(), [".2", ".3"]);
    }

    #[test]
    fn the_same_client_is_of_brand_portal_unless_it_is_named_for_another_solution() {
        let (surface, others) = solutions();
        let provider = |node: &str, name: &str, client: &str| {
            let properties = json!({"name": name, "auth.token.provider.client.id": client});
            read(&format!("{FACTORY}.{node}"), properties)
        };
        let providers = vec![
            provider("1", "x", "mine"),
            provider("2", "Adobe Brand Portal 2", "mine"),
            provider("3", "Adobe Target 3", "mine"),
            provider("4", "y", "other"),
            provider("5", "Adobe Brand Portal 5", ""),
            provider("6", "z", ""),
        ];
        let found = Storage { providers, ..Storage::default() }.ours(surface, &others, &[]);
        assert_eq!(found.iter().map(|it| &it.pid[FACTORY.len()..]).collect::<Vec<_>>(), [".1", ".2", ".5"]);
    }

    #[test]
    fn the_name_decides_before_what_solutions_share() {
        let (surface, others) = solutions();
        let provider = |node: &str, name: &str, client: &str| {
            let properties = json!({"name": name, "auth.token.provider.title": "Brand Portal",
                "auth.token.provider.scope": "openid,read_pc.brand_portal", "auth.token.provider.client.id": client});
            read(&format!("{FACTORY}.{node}"), properties)
        };
        let names = [
            "Adobe Brand Portal 1",
            "Adobe Target 2",
            "Smart Content Services 3",
            "Smart Tags 4",
            "Automated Forms Conversion 5",
            "Adobe Experience Platform 6",
            "Adobe Acrobat Sign 7",
            "Adobe Workfront 8",
            "ims-9",
        ];
        let providers: Vec<_> =
            names.iter().enumerate().map(|(at, name)| provider(&format!("{}", at + 1), name, "shared")).collect();
        for named in &providers[1..8] {
            let judged = named.judge_by_texts(surface, &others).map_err(|problem| problem.kind);
            assert_eq!(judged, Err(crate::problem::Kind::Failed), "{:?}", named.name);
        }
        let storage = Storage { providers, customizers: Vec::new(), unreadable: None };
        let pids = |used: &[String]| -> Vec<String> {
            storage.ours(surface, &others, used).iter().map(|it| it.pid[FACTORY.len()..].to_owned()).collect()
        };
        assert_eq!(pids(&[]), [".1", ".9"]);
        assert_eq!(pids(&[format!("{FACTORY}.4")]), [".1", ".4", ".9"], "the cloud configuration uses it");
    }

    #[test]
    fn a_configuration_that_is_used_must_be_one_for_brand_portal() {
        let (surface, others) = solutions();
        let judged = |name: &str, title: &str| {
            let properties = json!({"name": name, "auth.token.provider.title": title});
            let judged = read(&format!("{FACTORY}.1"), properties).judge_by_texts(surface, &others);
            judged.map_err(|problem| problem.kind)
        };
        assert_eq!(judged("Adobe Brand Portal 1", "Adobe Target"), Ok(()), "a person may give it any title");
        assert_eq!(judged("Adobe Target", "Adobe Target"), Err(crate::problem::Kind::Failed));
        assert_eq!(judged("ims-1", "Adobe Target"), Err(crate::problem::Kind::Error));
        assert_eq!(judged("ims-1", "Mine"), Ok(()), "the cloud configuration of Brand Portal uses it");
    }
}
