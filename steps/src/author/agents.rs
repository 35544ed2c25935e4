//! The Author's replication agents, as `Tools > Deployment > Replication > Agents on author` lists them (surfaces.md §4.1).

use std::collections::BTreeMap;

use bpconform_fixtures::surfaces::expand;
use bpconform_fixtures::{Cause, Surface, System};
use regex::Regex;
use serde_json::Value;
use url::Url;

use super::cloud_configuration::CloudConfiguration;
use super::ims_configurations::Storage;
use super::{address, log, page_content, repository};
use crate::call::Call;
use crate::problem::{Because as _, Checked, Problem, ensure};
use crate::session::Session;
use crate::undo::AGENTS;

/// The folder of the agents.
const FOLDER: &str = "/etc/replication/agents.author";

/// What the names of all of Brand Portal's agents begin with, also of those of older releases.
const OF_BRAND_PORTAL: &str = "mp_";

/// How many agents AEM makes for a tenant (§0.1).
pub const COUNT: usize = 4;

/// One replication agent: its node's name and the properties of its `jcr:content`.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// The node's name, which is the agent's id.
    pub name: String,
    /// The properties of `jcr:content`; an empty object when the page has none.
    pub properties: Value,
}

impl Agent {
    /// A property as text; `None` for a property without a value.
    pub fn property(&self, name: &str) -> Option<String> {
        repository::text(&self.properties, name).filter(|value| !value.is_empty())
    }

    /// Where it delivers to (`transportUri`).
    pub fn target(&self) -> Option<String> {
        self.property("transportUri").map(|target| address::normal(&target))
    }

    /// Whether it is switched on. A missing value means off, as in AEM.
    pub fn enabled(&self) -> bool {
        self.property("enabled").is_some_and(|value| is_same_setting(&value, "true"))
    }

    /// Whether it delivers to the host of that tenant, whatever its name and the rest of its target.
    pub fn delivers_to_host_of(&self, tenant: &Url) -> bool {
        let Some(target) = self.target() else { return false };
        match Url::parse(target.trim()) {
            Ok(url) => {
                let host = |url: &Url| url.host_str().map(|host| host.trim_end_matches('.').to_ascii_lowercase());
                host(&url) == host(tenant)
            }
            Err(_) => tenant.host_str().is_some_and(|host| target.to_ascii_lowercase().contains(host)),
        }
    }

    /// The tenant that an agent of Brand Portal is named for: `bpdoc` of `mp_replication_agent0_default_bpdoc`.
    pub fn named_for(&self) -> Option<&str> {
        let (index, tenant) = self.name.strip_prefix("mp_replication_agent")?.split_once("_default_")?;
        (index.bytes().all(|digit| digit.is_ascii_digit()) && !tenant.is_empty()).then_some(tenant)
    }

    /// Whether it delivers to the receiver of another tenant than the run's, whatever its name.
    pub fn delivers_to_another(&self, tenant: &Url, form: &Regex, receiver: &str) -> bool {
        let target = self.target().and_then(|target| Url::parse(&target).ok());
        let is_a_tenants = target.is_some_and(|url| {
            let host = url.host_str().unwrap_or_default().trim_end_matches('.');
            form.is_match(&format!("https://{host}/")) && url.path().starts_with(receiver)
        });
        is_a_tenants && !self.delivers_to_host_of(tenant)
    }

    /// Whether it delivers to that tenant, whatever its name.
    pub fn delivers_to(&self, tenant_url: &str) -> bool {
        let base = format!("{}/", address::normal(tenant_url).trim_end_matches('/'));
        self.target().is_some_and(|target| target.starts_with(&base))
    }

    /// Whether AEM made it for that tenant, by its name; older releases made one agent without the tenant's id in its name
    /// (`mp_replication`, §3.4), which is identified by its target.
    pub fn is_of(&self, tenant_id: &str, tenant_url: &str) -> bool {
        match self.named_for() {
            Some(id) => id == tenant_id,
            None => self.name.starts_with("mp_replication") && self.delivers_to(tenant_url),
        }
    }
}

/// How AEM names and addresses one of the four agents of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The node's name.
    pub name: String,
    /// The title.
    pub title: String,
    /// Where it delivers to.
    pub target: String,
}

/// The four agents as AEM makes them for the run's tenant; skipped when the run has no tenant's address.
pub fn expected(session: &Session) -> Checked<Vec<Expected>> {
    let (tenant, url) = (session.stack.tenant_id()?, tenant_url(session)?);
    let surface = session.surface("author.agents");
    (0..COUNT).map(|index| expected_agent(surface, &tenant, &url, index)).collect()
}

/// The tenant's address as AEM writes it into targets: without a slash at its end.
pub fn tenant_url(session: &Session) -> Checked<String> {
    Ok(session.stack.base(System::Tenant)?.as_str().trim_end_matches('/').to_owned())
}

fn expected_agent(surface: &Surface, tenant: &str, url: &str, index: usize) -> Checked<Expected> {
    let values = [("tenant", tenant), ("tenant-url", url), ("index", &index.to_string())];
    let values: BTreeMap<_, _> = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let fill = |phrase: &str| {
        expand(surface.phrase(phrase), &values)
            .map_err(|missing| Problem::error(format!("{}: phrase {phrase}: no value for {missing}", surface.id)))
    };
    Ok(Expected { name: fill("name")?, title: fill("title")?, target: fill("target")? })
}

/// The path of the agent of that name.
pub(crate) fn path(name: &str) -> String {
    format!("{AGENTS}{name}")
}

/// Switches an agent on or off, in the type in which the Author has the property.
pub fn switch(session: &Session, agent: &Agent, on: bool) -> Call {
    let property = session.surface("author.agent").field("enabled");
    let path = format!("{}/jcr:content", path(&agent.name).trim_start_matches('/'));
    let call = Call::to("author.node-write").with("path", path).property(property, on.to_string());
    let typed = agent.properties.get(property).is_some_and(Value::is_boolean);
    if typed { call.property(&format!("{property}@TypeHint"), "Boolean") } else { call }
}

/// Switches the agent of that name on, if it is there and off.
pub(crate) async fn switch_on(session: &Session, name: &str) -> Checked {
    // A single read may be wrong: two must show it on, or not at all.
    let mut rest = 2;
    for _ in 0..6 {
        let all = all(session).await?;
        match all.into_iter().find(|agent| agent.name == name) {
            Some(agent) if !agent.enabled() => {
                session.send(switch(session, &agent, true)).await?.expect_status(&[200])?;
                rest = 2;
            }
            _ => rest -= 1,
        }
        if rest == 0 {
            return Ok(());
        }
    }
    Err(Problem::error(format!("the agent {name} was switched on and is still off")))
}

/// Whether a property of an agent has that value as AEM reads it: blanks around it do not count, nor the case of a Boolean,
/// nor how a number is written.
pub fn is_same_setting(found: &str, expected: &str) -> bool {
    let found = found.trim();
    let number = |text: &str| text.parse::<f64>().ok();
    // A number may be stored as any type of number.
    let same_number =
        number(found).is_some_and(|found| number(expected).is_some_and(|it| it.total_cmp(&found).is_eq()));
    found == expected || same_number || (matches!(expected, "true" | "false") && found.eq_ignore_ascii_case(expected))
}

/// A setting of an agent as AEM generates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    /// What the dialog calls it.
    pub setting: &'a str,
    /// The property.
    pub property: &'a str,
    /// Its value.
    pub value: String,
    /// Whether it counts only where it is set.
    pub only_if_set: bool,
}

/// Fails unless all agents have these settings; each deviation is named.
pub fn judge_settings(agents: &[Agent], settings: &[Setting<'_>]) -> Checked {
    let mut deviations = Vec::new();
    let mut causes = Vec::new();
    for Setting { setting, property, value, only_if_set } in settings {
        for agent in agents {
            let found = if *property == "transportUri" { agent.target() } else { agent.property(property) };
            match found {
                Some(found) if is_same_setting(&found, value) => {}
                None if *only_if_set => {}
                found => {
                    causes.extend(match *property {
                        "enableOauth" => Some(Cause::OauthFlag),
                        "transportUri" => Some(Cause::AgentAddress),
                        _ => None,
                    });
                    deviations.push(format!(
                        "agent {}: {setting} ({property}) is {}, not {value}",
                        agent.name,
                        found.as_deref().unwrap_or("not set")
                    ));
                }
            }
        }
    }
    ensure(deviations.is_empty(), || deviations.join("; ")).because(Cause::deepest(causes))
}

/// Fails unless all agents get their tokens from the IMS configuration of that cloud configuration: every provider that one
/// names must be there, and be that one.
pub fn judge_token_providers(agents: &[Agent], cloud: &CloudConfiguration, storage: &Storage) -> Checked {
    let expected = cloud.ims_configuration.as_deref();
    let expected = expected.ok_or_else(|| Problem::failed(format!("{} names no IMS configuration", cloud.path)))?;
    let (mut wrong, mut missing, mut unclear) = (Vec::new(), Vec::new(), Vec::new());
    for agent in agents {
        let named: Vec<_> = ["accessTokenProviderName", "accessTokenProviderPid"]
            .into_iter()
            .filter_map(|property| {
                let reference = agent.property(property)?;
                Some((property, storage.providers_of(reference.trim()), reference))
            })
            .collect();
        if named.is_empty() {
            wrong.push(format!("agent {} names no access token provider, not {expected}", agent.name));
        }
        for (property, providers, reference) in &named {
            match &providers[..] {
                [] => missing.push(format!("agent {}: {property} is {reference}, which does not exist", agent.name)),
                providers if providers.iter().any(|it| it.is(expected)) => {}
                [provider, ..] => wrong
                    .push(format!("agent {} gets its tokens from {}, not from {expected}", agent.name, provider.pid)),
            }
        }
        // Several providers may have one name: then only the PID tells.
        if !named.is_empty() && named.iter().all(|(_, providers, _)| providers.len() > 1) {
            unclear.push(agent.name.as_str());
        }
    }
    if storage.unreadable.is_none() {
        wrong.append(&mut missing);
    }
    ensure(wrong.is_empty(), || wrong.join("; ")).because(Cause::TokenProviderMissing)?;
    if !missing.is_empty() {
        storage.judge_whole()?;
    }
    if unclear.is_empty() {
        return Ok(());
    }
    Err(Problem::error(format!(
        "from which IMS configuration these agents get their tokens cannot be told, since several have the name of their \
         access token provider: {}",
        unclear.join(", ")
    )))
}

/// The agents that deliver to the run's tenant besides those that AEM makes for it; not the run's own.
pub async fn others_of_tenant(session: &Session) -> Checked<Vec<Agent>> {
    let (tenant, expected) = (session.stack.base(System::Tenant)?, expected(session)?);
    let mut all = all(session).await?;
    all.retain(|agent| {
        agent.delivers_to_host_of(tenant)
            && expected.iter().all(|it| it.name != agent.name)
            && !log::is_of_a_run(&agent.name)
    });
    Ok(all)
}

/// Fails when other agents than AEM's deliver to the tenant.
pub fn judge_others(others: &[Agent]) -> Checked {
    let named: Vec<_> =
        others.iter().map(|agent| format!("{} ({})", agent.name, agent.target().unwrap_or_default())).collect();
    ensure(others.is_empty(), || format!("other agents than the tenant's four deliver to it: {}", named.join(", ")))
        .because(Cause::AgentsExtra)
}

/// All replication agents of the Author, in its order.
pub async fn all(session: &Session) -> Checked<Vec<Agent>> {
    // Where that is too much for one answer: agents and their properties are two levels down.
    let node =
        repository::at(session, Call::to("author.agents").compared(), FOLDER, Some(2)).await?.unwrap_or_default();
    let agents = read(&node)?;
    let told = agents.iter().map(|agent| format!("{} {}", agent.name, agent.properties));
    session.run.is_the_same("the replication agents", &told.collect::<Vec<_>>().join("\n"))?;
    Ok(agents)
}

/// The agents in that folder; an error if the user may not read them, or the content of one of Brand Portal. Another page there
/// may have none.
pub(super) fn read(folder: &Value) -> Checked<Vec<Agent>> {
    let agents = parse(folder);
    if agents.is_empty() && folder.get("jcr:content").is_none() {
        let problem = Problem::error(format!("nothing below {FOLDER} can be seen: the user may not read the agents"));
        return Err(problem.because(Cause::AccessDenied));
    }
    let mut of_brand_portal = repository::children(folder).filter(|(name, _)| name.starts_with(OF_BRAND_PORTAL));
    of_brand_portal.try_for_each(|(name, page)| page_content::judge(&path(name), page))?;
    Ok(agents)
}

/// The agents in the JSON of their folder.
pub fn parse(node: &Value) -> Vec<Agent> {
    let agent = |(name, page): (&str, &Value)| {
        let properties = page.get("jcr:content").filter(|content| content.is_object());
        Agent {
            name: name.to_owned(),
            properties: properties.cloned().unwrap_or_else(|| Value::Object(serde_json::Map::default())),
        }
    };
    repository::children(node).map(agent).collect()
}

/// The agents that AEM made for the run's tenant, however many.
pub async fn of_tenant(session: &Session) -> Checked<Vec<Agent>> {
    let (tenant, url) = (session.stack.tenant_id()?, tenant_url(session)?);
    Ok(all(session).await?.into_iter().filter(|agent| agent.is_of(&tenant, &url)).collect())
}

/// The four agents of the run's tenant in the order of their names. When one is missing the step fails and names it; one too
/// many is for the check of the four themselves to judge.
pub async fn four(session: &Session) -> Checked<Vec<Agent>> {
    let expected = expected(session)?;
    let mut found = of_tenant(session).await?;
    found.retain(|agent| expected.iter().any(|it| it.name == agent.name));
    judge(&found, &expected)?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Fails unless these are exactly the expected agents; names the missing and the extra ones.
pub fn judge(found: &[Agent], expected: &[Expected]) -> Checked {
    let missing: Vec<&str> =
        expected.iter().map(|e| e.name.as_str()).filter(|name| !found.iter().any(|a| a.name == *name)).collect();
    let extra: Vec<&str> =
        found.iter().map(|a| a.name.as_str()).filter(|name| !expected.iter().any(|e| e.name == *name)).collect();
    let list = |what: &str, names: &[&str]| {
        if names.is_empty() { String::new() } else { format!("; {what}: {}", names.join(", ")) }
    };
    ensure(missing.is_empty() && extra.is_empty(), || {
        format!(
            "the tenant has {} replication agents, not exactly its {}{}{}",
            found.len(),
            expected.len(),
            list("missing", &missing),
            list("not AEM's own", &extra)
        )
    })
    .because(if missing.is_empty() { Cause::AgentsExtra } else { Cause::AgentsMissing })
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Surfaces;
    use serde_json::json;

    use super::*;
    use crate::author::ims_configurations;
    use crate::problem::Kind;

    fn agent(name: &str, target: &str) -> Agent {
        Agent { name: name.into(), properties: json!({ "transportUri": target, "enabled": "true" }) }
    }

    fn expected_four() -> Vec<Expected> {
        let surface = Surfaces::built_in().get("author.agents");
        (0..COUNT).map(|i| expected_agent(surface, "bpdoc", "https://bpdoc.example", i).expect("filled")).collect()
    }

    #[test]
    fn the_four_are_named_and_addressed_as_aem_does_it() {
        let fourth = expected_four().remove(3);
        assert_eq!(fourth.name, "mp_replication_agent3_default_bpdoc");
        assert_eq!(fourth.title, "bpdoc MP Replication Agent3 Default");
        assert_eq!(fourth.target, "https://bpdoc.example/bin/receive?sling:authRequestLogin=1");
    }

    #[test]
    fn agents_are_told_from_policies_and_pages_without_content() {
        let node = json!({
            "jcr:primaryType": "cq:Page", "jcr:content": {"jcr:title": "Agents"}, "rep:policy": {},
            "publish": {"jcr:content": {"enabled": true}}, "empty": {},
        });
        let names: Vec<_> = parse(&node).into_iter().map(|agent| (agent.enabled(), agent.name)).collect();
        assert_eq!(names, [(true, "publish".to_owned()), (false, "empty".to_owned())]);
    }

    #[test]
    fn an_agent_of_which_the_content_is_hidden_is_an_error() {
        let named = |name: &str, page: Value| read(&json!({"jcr:content": {"a": 1}, name: page}));
        let agent = |page: Value| named("mp_replication_agent0_default_bpdoc", page);
        let problem = agent(json!({"jcr:primaryType": "cq:Page"})).expect_err("it is hidden");
        assert!(named("mp_replication", json!({"jcr:primaryType": "cq:Page"})).is_err(), "of an older release");
        assert!(named("bp_copy", json!({"jcr:primaryType": "cq:Page"})).is_ok(), "no agent of Brand Portal");
        assert_eq!((problem.kind, problem.cause), (crate::problem::Kind::Error, Some(Cause::AccessDenied)));
        assert!(problem.reason.contains("agents.author/mp_replication_agent0_default_bpdoc"), "{problem}");
        assert!(agent(json!({"jcr:primaryType": "cq:Page", "jcr:content": {"enabled": "true"}})).is_ok());
    }

    #[test]
    fn an_agent_belongs_to_the_tenant_in_its_name_and_an_old_one_to_its_target() {
        let of = |agent: &Agent| agent.is_of("bpdoc", "https://bpdoc.example/");
        assert!(of(&agent("mp_replication_agent7_default_bpdoc", "")));
        assert!(of(&agent("mp_replication", "https://bpdoc.example/bin/receive")));
        assert!(!of(&agent("mp_replication", "https://bpdoc.example.evil/bin/receive")));
        assert!(!of(&agent("mp_replication_agent0_default_alias", "https://bpdoc.example/bin/receive")));
        assert!(!of(&agent("publish", "http://localhost:4503/bin/receive")));
    }

    #[test]
    fn an_agent_delivers_to_a_host_however_it_is_written() {
        let tenant = Url::parse("https://bpdoc.example/").expect("a URL");
        for target in [
            "https://bpdoc.example/bin/receive",
            "HTTPS://BPDOC.example:443/x",
            "http://bpdoc.example./",
            "//bpdoc.example/x",
        ] {
            assert!(agent("any", target).delivers_to_host_of(&tenant), "{target}");
        }
        for target in ["https://bpdoc.example.evil/bin/receive", "https://other.example/?bpdoc", ""] {
            assert!(!agent("any", target).delivers_to_host_of(&tenant), "{target}");
        }
    }

    #[test]
    fn an_agent_of_another_tenant_is_known_by_its_target() {
        let (surfaces, tenant) = (Surfaces::built_in(), Url::parse("https://bpdoc.brand-portal.adobe.com/"));
        let (form, tenant) = (Regex::new(surfaces.get("tenant.home").phrase("url")), tenant.expect("a URL"));
        let (form, receiver) = (form.expect("a pattern"), &surfaces.get("tenant.receive").path);
        let is_foreign = |target: &str| agent("publish_bp", target).delivers_to_another(&tenant, &form, receiver);
        assert!(is_foreign("https://other.brand-portal.adobe.com/bin/receive?sling:authRequestLogin=1"));
        assert!(is_foreign("http://OTHER.brand-portal.adobe.com.:80/bin/receive"));
        for target in [
            "https://bpdoc.brand-portal.adobe.com/bin/receive",
            "http://bpdoc.brand-portal.adobe.com/bin/receive",
            "http://localhost:4503/bin/receive?sling:authRequestLogin=1",
            "https://other.brand-portal.adobe.com.evil/bin/receive",
            "https://other.brand-portal.adobe.com/",
            "",
        ] {
            assert!(!is_foreign(target), "{target}");
        }
    }

    #[test]
    fn a_setting_is_read_as_aem_reads_it() {
        assert!(is_same_setting(" TRUE ", "true") && is_same_setting("180000 ", "180000"));
        assert!(is_same_setting("180000.0", "180000") && !is_same_setting("180000.5", "180000"));
        assert!(!is_same_setting("true.", "true") && !is_same_setting("MAC-x", "mac-x"));
    }

    #[test]
    fn an_agent_gets_its_tokens_from_a_provider_that_is_there() {
        let surface = Surfaces::built_in().get("author.ims-storage");
        let factory = surface.phrase("provider");
        let judged_with = |unreadable: Option<Problem>, stored: &[&str], agent: Value| {
            let providers = stored.iter().map(|random| ims_configurations::Stored {
                node: format!("{factory}.{random}"),
                properties: json!({ "name": "AdobeIMS" }),
            });
            let providers = providers.map(|stored| ims_configurations::configuration(surface, stored)).collect();
            let cloud =
                CloudConfiguration { ims_configuration: Some(format!("{factory}.2")), ..CloudConfiguration::default() };
            let agents = [Agent { name: "a".into(), properties: agent }];
            let storage = Storage { providers, unreadable, ..Storage::default() };
            judge_token_providers(&agents, &cloud, &storage).map_err(|problem| problem.kind)
        };
        let judged = |stored: &[&str], agent: Value| judged_with(None, stored, agent);
        let (name, pid) = (json!({"accessTokenProviderName": "AdobeIMS"}), format!("{factory}.2"));
        let both = json!({"accessTokenProviderName": "AdobeIMS", "accessTokenProviderPid": pid});
        let other = json!({"accessTokenProviderName": "AdobeIMS", "accessTokenProviderPid": format!("{factory}.1")});
        assert_eq!(judged(&["2"], both.clone()), Ok(()));
        assert_eq!(judged(&["2"], name.clone()), Ok(()));
        assert_eq!(judged(&["1", "2"], both.clone()), Ok(()), "the PID tells");
        assert_eq!(judged(&["1", "2"], other), Err(Kind::Failed));
        assert_eq!(judged(&["1", "2"], name.clone()), Err(Kind::Error));
        assert_eq!(judged(&["1"], name), Err(Kind::Failed));
        let unreadable = || Some(Problem::error("cut off"));
        assert_eq!(judged_with(unreadable(), &["2"], both.clone()), Ok(()), "another one");
        assert_eq!(judged_with(unreadable(), &[], both.clone()), Err(Kind::Error), "perhaps that one");
        assert_eq!(judged(&[], both), Err(Kind::Failed), "none is there at all");
        assert_eq!(judged(&["2"], json!({})), Err(Kind::Failed));
    }

    #[test]
    fn missing_and_extra_agents_are_named() {
        let found: Vec<_> = [0, 1, 3, 4].map(|i| agent(&format!("mp_replication_agent{i}_default_bpdoc"), "")).into();
        let problem = judge(&found, &expected_four()).expect_err("one is missing, one is extra");
        assert!(problem.reason.contains("missing: mp_replication_agent2_default_bpdoc"), "{problem}");
        assert!(problem.reason.contains("not AEM's own: mp_replication_agent4_default_bpdoc"), "{problem}");
        assert!(judge(&[], &expected_four()).is_err());
    }
}
