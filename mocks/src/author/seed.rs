//! Seeds: the initial states of a mocked Author, as data (`fixtures/seeds/*.toml`).
//! A seed may extend another one: it adds to it and overrides it. Texts may contain `{name}` for values that are known only
//! when the stack is served, such as the address of the tenant; see [`AuthorSeed::fill`].

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bpconform_fixtures::Product;
use serde::Deserialize;

use super::repository::{Repository, Value};

/// The built-in seeds, by name.
const EMBEDDED: &[(&str, &str)] = &[
    ("base", include_str!("../../../fixtures/seeds/base.toml")),
    ("fresh", include_str!("../../../fixtures/seeds/fresh.toml")),
    ("configured", include_str!("../../../fixtures/seeds/configured.toml")),
    ("half-configured", include_str!("../../../fixtures/seeds/half-configured.toml")),
    ("legacy-gateway", include_str!("../../../fixtures/seeds/legacy-gateway.toml")),
    ("legacy-jwt", include_str!("../../../fixtures/seeds/legacy-jwt.toml")),
    ("queue-blocked", include_str!("../../../fixtures/seeds/queue-blocked.toml")),
    ("token-expired", include_str!("../../../fixtures/seeds/token-expired.toml")),
    ("two-tenants", include_str!("../../../fixtures/seeds/two-tenants.toml")),
];

/// The differences of a product from AEM 6.5, which hold in every state: they override the seed of AEM 6.5.
const PRODUCTS: &[(Product, &str)] = &[
    (Product::Aem65Lts, include_str!("../../../fixtures/seeds/aem-6.5-lts/product.toml")),
    (Product::AemCloud, include_str!("../../../fixtures/seeds/aem-cloud/product.toml")),
];

/// The seeds of AEM as a Cloud Service. Of those of AEM 6.5, it shares the ones that hold no replication agent.
const OF_CLOUD: &[(&str, &str)] = &[
    ("configured", include_str!("../../../fixtures/seeds/aem-cloud/configured.toml")),
    ("agent-missing", include_str!("../../../fixtures/seeds/aem-cloud/agent-missing.toml")),
    ("delivery-refused", include_str!("../../../fixtures/seeds/aem-cloud/delivery-refused.toml")),
    ("error-queue", include_str!("../../../fixtures/seeds/aem-cloud/error-queue.toml")),
    ("queue-blocked", include_str!("../../../fixtures/seeds/aem-cloud/queue-blocked.toml")),
];

/// The seeds of AEM 6.5 that AEM as a Cloud Service shares.
const SHARED_WITH_CLOUD: [&str; 2] = ["base", "fresh"];

/// The maximum length of a chain of seeds.
const MOST_EXTENSIONS: usize = 5;

/// A seed that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// No seed of the product has that name.
    #[error("no seed of {product} is named `{0}`; there are: {names}", product = .1.name(), names = names_of(*.1).join(", "))]
    Unknown(String, Product),
    /// The text is not a seed.
    #[error("seed {0}: {1}")]
    Malformed(String, String),
    /// The seeds extend one another in a cycle.
    #[error("seed {0} extends too many others")]
    Circle(String),
}

/// The names of the built-in seeds.
pub fn names() -> Vec<&'static str> {
    let own = OF_CLOUD.iter().filter(|(name, _)| !EMBEDDED.iter().any(|(known, _)| known == name));
    EMBEDDED.iter().chain(own).map(|(name, _)| *name).collect()
}

/// The names of the seeds of a product.
pub fn names_of(product: Product) -> Vec<&'static str> {
    if product != Product::AemCloud {
        return EMBEDDED.iter().map(|(name, _)| *name).collect();
    }
    SHARED_WITH_CLOUD.into_iter().chain(OF_CLOUD.iter().map(|(name, _)| *name)).collect()
}

/// The names of the seeds in which an Author can begin: `base` is what the others extend, and is not a state by itself.
pub fn states() -> Vec<&'static str> {
    names().into_iter().filter(|name| *name != "base").collect()
}

/// The states of an Author of a product.
pub fn states_of(product: Product) -> Vec<&'static str> {
    names_of(product).into_iter().filter(|name| *name != "base").collect()
}

/// The version of AEM that the Author of a seed has.
pub fn version_of(product: Product, name: &str) -> Option<String> {
    AuthorSeed::load_of(product, name).ok()?.version
}

/// The initial state of a mocked Author.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AuthorSeed {
    /// The seed that this one extends.
    pub extends: Option<String>,
    /// The product; AEM 6.5 without one. Set by [`AuthorSeed::load_of`].
    #[serde(skip)]
    pub product: Product,
    /// A description for people.
    pub about: Option<String>,
    /// The version of AEM, for example `6.5.21.0` (surfaces.md §5.5).
    pub version: Option<String>,
    /// The run modes (surfaces.md §5.5).
    pub run_modes: Option<Vec<String>>,
    /// The lines of the error log at the start, oldest first.
    #[serde(default)]
    pub error_log: Vec<String>,
    /// The maximum number of nodes in a JSON answer (`json.maximumresults` of Sling's GET servlet).
    pub json_maximum_results: Option<usize>,
    /// The accounts that may log in.
    #[serde(default, rename = "account")]
    pub accounts: Vec<Account>,
    /// The OSGi bundles (surfaces.md §5.4).
    #[serde(default, rename = "bundle")]
    pub bundles: Vec<Bundle>,
    /// The packages of the package manager (surfaces.md §5.6).
    #[serde(default, rename = "package")]
    pub packages: Vec<Package>,
    /// The results of the health checks (surfaces.md §5.4).
    #[serde(default, rename = "health")]
    pub health: Vec<Health>,
    /// Names of packages of the extended seed that this one removes.
    #[serde(default)]
    pub remove_packages: Vec<String>,
    /// Paths of the extended seed that this one removes.
    #[serde(default)]
    pub remove: Vec<String>,
    /// The nodes, in order; properties are added to existing nodes.
    #[serde(default, rename = "node")]
    pub nodes: Vec<SeedNode>,
}

/// An account that may log in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The user's id; a node below `/home/users` must have it as `rep:authorizableId`.
    pub id: String,
    /// The password.
    pub password: String,
    /// The rights of the account.
    pub rights: Rights,
    /// An access token that it accepts in place of the password.
    #[serde(default)]
    pub token: Option<String>,
    /// How the Author reads user and password of Basic authentication.
    #[serde(default, rename = "basic-encoding")]
    pub basic_encoding: BasicEncoding,
}

/// How user and password of Basic authentication are read: RFC 7617 leaves it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum BasicEncoding {
    /// As UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// As ISO-8859-1, as Sling does.
    #[serde(rename = "iso-8859-1")]
    Latin1,
}

/// The rights of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rights {
    /// All rights.
    Administrator,
    /// Read content; no write, no system console, no package manager, no users.
    Reader,
}

/// An OSGi bundle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bundle {
    /// Its symbolic name.
    pub symbolic_name: String,
    /// Its display name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its state.
    #[serde(default)]
    pub state: BundleState,
}

/// The state of a bundle, with Felix's numbers (surfaces.md §5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum BundleState {
    /// Active.
    #[default]
    Active,
    /// Resolved, but not started.
    Resolved,
    /// Installed, with unresolved imports.
    Installed,
    /// A fragment: attached to another bundle, never active itself.
    Fragment,
}

/// A package of the package manager.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it is installed; otherwise it is only uploaded.
    #[serde(default = "yes")]
    pub installed: bool,
}

fn yes() -> bool {
    true
}

/// The result of a health check.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Its name.
    pub name: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Its status.
    pub status: HealthStatus,
    /// Its message.
    #[serde(default)]
    pub messages: Vec<String>,
}

/// The status of a health check, the best first (Felix health checks, surfaces.md §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the words are Felix's own")]
pub enum HealthStatus {
    Ok,
    Warn,
    TemporarilyUnavailable,
    Critical,
    HealthCheckError,
}

impl HealthStatus {
    /// The word in Felix's answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::TemporarilyUnavailable => "TEMPORARILY_UNAVAILABLE",
            Self::Critical => "CRITICAL",
            Self::HealthCheckError => "HEALTH_CHECK_ERROR",
        }
    }
}

/// A node of the repository.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedNode {
    /// Its absolute path.
    pub path: String,
    /// Its `jcr:primaryType`.
    #[serde(rename = "type")]
    pub primary_type: String,
    /// Its other properties.
    #[serde(default)]
    pub properties: BTreeMap<String, SeedValue>,
}

/// A property: text, true or false, a whole number, a date and time, a list of texts, or `{ base64 = "…" }`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub struct SeedValue(pub Value);

impl TryFrom<toml::Value> for SeedValue {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        Ok(Self(match value {
            toml::Value::String(text) => Value::Text(text),
            toml::Value::Boolean(flag) => Value::Bool(flag),
            toml::Value::Integer(number) => Value::Long(number),
            toml::Value::Datetime(date) => {
                let no_time = || format!("the date {date} needs a time and an offset");
                let text = date.to_string();
                let pieces = jiff::fmt::temporal::Pieces::parse(&text).map_err(|_| no_time())?;
                let offset = pieces.to_numeric_offset().unwrap_or(jiff::tz::Offset::UTC);
                Value::Date(text.parse().map_err(|_| no_time())?, offset)
            }
            toml::Value::Array(values) => Value::Texts(values.into_iter().map(text).collect::<Result<_, _>>()?),
            toml::Value::Table(mut table) => {
                let base64 = table.remove("base64").ok_or("a binary property is written { base64 = \"…\" }")?;
                Value::Binary(BASE64_STANDARD.decode(text(base64)?).map_err(|error| error.to_string())?)
            }
            toml::Value::Float(number) => return Err(format!("{number} is not a valid value of a property")),
        }))
    }
}

fn text(value: toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text),
        other => Err(format!("{other} is not a text")),
    }
}

impl AuthorSeed {
    /// The built-in seed of that name, merged with the seeds that it extends.
    pub fn load(name: &str) -> Result<Self, SeedError> {
        // Cached: a run starts a stack for each scenario, all from the same few seeds.
        static READ: Mutex<BTreeMap<String, AuthorSeed>> = Mutex::new(BTreeMap::new());
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seed) = read.get(name) {
            return Ok(seed.clone());
        }
        let seed = Self::load_over(name, MOST_EXTENSIONS)?;
        Ok(read.entry(name.to_owned()).or_insert(seed).clone())
    }

    /// A seed from a user's file, merged with the built-in seed of the product that it extends; `name` is for errors.
    pub fn read(product: Product, name: &str, text: &str) -> Result<Self, SeedError> {
        let seed = Self::parse(name, text)?;
        let Some(base) = &seed.extends else { return Ok(Self { product, ..seed }) };
        let base = Self::load_of(product, base)?;
        Ok(seed.over(base))
    }

    /// The built-in seed of that name, as a product has it.
    pub fn load_of(product: Product, name: &str) -> Result<Self, SeedError> {
        if !names_of(product).contains(&name) {
            return Err(SeedError::Unknown(name.to_owned(), product));
        }
        let Some((_, text)) = PRODUCTS.iter().find(|(known, _)| *known == product) else { return Self::load(name) };
        let differences = Self::parse(product.word(), text)?;
        let seed = match product {
            Product::AemCloud => Self::load_in_cloud(name, &differences, MOST_EXTENSIONS)?,
            Product::Aem65 | Product::Aem65Lts => differences.over(Self::load(name)?),
        };
        Ok(Self { product, ..seed })
    }

    /// A seed of AEM as a Cloud Service over those that it extends, the last of which is one of AEM 6.5.
    fn load_in_cloud(name: &str, differences: &Self, extensions: usize) -> Result<Self, SeedError> {
        let Some((_, text)) = OF_CLOUD.iter().find(|(known, _)| *known == name) else {
            return Ok(differences.clone().over(Self::load(name)?));
        };
        let seed = Self::parse(name, text)?;
        let base = seed.extends.clone().unwrap_or_else(|| "base".to_owned());
        let left = extensions.checked_sub(1).ok_or_else(|| SeedError::Circle(name.to_owned()))?;
        Ok(seed.over(Self::load_in_cloud(&base, differences, left)?))
    }

    fn load_over(name: &str, extensions: usize) -> Result<Self, SeedError> {
        let found = EMBEDDED.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or_else(|| SeedError::Unknown(name.to_owned(), Product::Aem65))?;
        let seed = Self::parse(name, text)?;
        let Some(base) = &seed.extends else { return Ok(seed) };
        let left = extensions.checked_sub(1).ok_or_else(|| SeedError::Circle(base.clone()))?;
        Ok(seed.clone().over(Self::load_over(base, left)?))
    }

    /// Reads one seed, without the one that it extends; `name` is for errors.
    pub fn parse(name: &str, text: &str) -> Result<Self, SeedError> {
        toml::from_str(text).map_err(|error| SeedError::Malformed(name.to_owned(), error.to_string()))
    }

    /// Merges this seed into the one that it extends.
    fn over(self, mut base: Self) -> Self {
        base.nodes.retain(|node| !self.remove.iter().any(|path| is_at_or_below(&node.path, path)));
        base.packages.retain(|package| !self.remove_packages.contains(&package.name));
        base.nodes.extend(self.nodes);
        base.error_log.extend(self.error_log);
        merge(&mut base.accounts, self.accounts, |one| one.id.clone());
        merge(&mut base.bundles, self.bundles, |one| one.symbolic_name.clone());
        merge(&mut base.packages, self.packages, |one| (one.group.clone(), one.name.clone(), one.version.clone()));
        merge(&mut base.health, self.health, |one| one.name.clone());
        Self {
            extends: None,
            about: self.about.or(base.about),
            version: self.version.or(base.version),
            run_modes: self.run_modes.or(base.run_modes),
            json_maximum_results: self.json_maximum_results.or(base.json_maximum_results),
            remove: Vec::new(),
            remove_packages: Vec::new(),
            ..base
        }
    }

    /// Replaces `{name}` in paths, texts and log lines by the value of that name; other braces stay.
    #[must_use]
    pub fn fill(mut self, values: &BTreeMap<String, String>) -> Self {
        let fill = |text: &mut String| {
            for (name, value) in values {
                if text.contains('{') {
                    *text = text.replace(&format!("{{{name}}}"), value);
                }
            }
        };
        self.error_log.iter_mut().for_each(fill);
        for node in &mut self.nodes {
            fill(&mut node.path);
            for property in node.properties.values_mut() {
                match &mut property.0 {
                    Value::Text(text) => fill(text),
                    Value::Texts(texts) => texts.iter_mut().for_each(fill),
                    _ => {}
                }
            }
        }
        self
    }

    /// The repository with these nodes.
    pub(super) fn repository(&self) -> Repository {
        let mut repository = Repository::default();
        for node in &self.nodes {
            let made = repository.ensure(&node.path, &node.primary_type);
            made.set(super::repository::PRIMARY_TYPE, node.primary_type.as_str());
            made.properties.extend(node.properties.iter().map(|(name, value)| (name.clone(), value.0.clone())));
        }
        repository
    }
}

fn is_at_or_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Adds new items and replaces those with the same key.
fn merge<T, K: PartialEq>(into: &mut Vec<T>, from: Vec<T>, key: impl Fn(&T) -> K) {
    for one in from {
        match into.iter_mut().find(|known| key(known) == key(&one)) {
            Some(known) => *known = one,
            None => into.push(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_seed_can_be_loaded() {
        for name in names_of(Product::Aem65) {
            let seed = AuthorSeed::load(name).unwrap_or_else(|error| panic!("{error}"));
            assert!(seed.version.is_some() && !seed.accounts.is_empty(), "{name}");
        }
        for product in Product::ALL {
            for name in names_of(product) {
                let seed = AuthorSeed::load_of(product, name).unwrap_or_else(|error| panic!("{error}"));
                assert!(seed.version.is_some() && !seed.accounts.is_empty() && seed.product == product, "{name}");
            }
        }
    }

    #[test]
    fn an_unknown_seed_names_the_known_ones() {
        let error = AuthorSeed::load("freesh").expect_err("no such seed").to_string();
        assert!(error.contains("freesh") && error.contains("base"), "{error}");
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let error = AuthorSeed::parse("mine", "version = \"6.5\"\nverzion = 1").expect_err("unknown key").to_string();
        assert!(error.contains("seed mine") && error.contains("line 2"), "{error}");
        let error = AuthorSeed::parse("mine", "[[node]]\npath = '/a'\ntype = 'x'\nproperties = { a = 2026-11-23 }");
        assert!(error.expect_err("no time").to_string().contains("needs a time"));
    }

    #[test]
    fn a_seed_adds_to_its_base_and_overrides_it() {
        let base = "version = '1'\n[[bundle]]\nsymbolic-name = 'a'\nname = 'A'\nversion = '1'\n\
                    [[node]]\npath = '/a'\ntype = 'x'\n[[node]]\npath = '/b/c'\ntype = 'x'";
        let over = "version = '2'\nremove = ['/b']\n[[bundle]]\nsymbolic-name = 'a'\nname = 'A'\nversion = '2'\n\
                    [[node]]\npath = '/a'\ntype = 'x'\nproperties = { n = 5, t = '{tenant} {x}', on = true }";
        let seed = AuthorSeed::parse("over", over)
            .and_then(|over| Ok(over.over(AuthorSeed::parse("base", base)?)))
            .expect("both are seeds")
            .fill(&[("tenant".to_owned(), "bpdoc".to_owned())].into());
        let repository = seed.repository();
        assert_eq!(
            (seed.version.as_deref(), seed.bundles.len(), seed.bundles[0].version.as_str()),
            (Some("2"), 1, "2")
        );
        let node = repository.get("/a").expect("made");
        assert_eq!((node.number("n"), node.text("t"), node.flag("on")), (Some(5), Some("bpdoc {x}"), true));
        assert!(!repository.exists("/b"));
    }
}
