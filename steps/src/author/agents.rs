//! The Author's replication agents, as `Tools > Deployment > Replication > Agents on author` lists them (surfaces.md §4.1).

use std::collections::BTreeMap;

use bpconform_fixtures::surfaces::expand;
use bpconform_fixtures::{Cause, Surface, System};
use serde_json::Value;

use super::repository;
use crate::call::Call;
use crate::problem::{Because as _, Checked, Problem, ensure};
use crate::session::Session;

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
    /// A property as text; a property without a value is none.
    pub fn property(&self, name: &str) -> Option<String> {
        repository::text(&self.properties, name).filter(|value| !value.is_empty())
    }

    /// Where it delivers to (`transportUri`).
    pub fn target(&self) -> Option<String> {
        self.property("transportUri")
    }

    /// Whether it is switched on. A missing value means off, as in AEM.
    pub fn enabled(&self) -> bool {
        self.property("enabled").as_deref() == Some("true")
    }

    /// The tenant that an agent of Brand Portal is named for: `bpdoc` of `mp_replication_agent0_default_bpdoc`.
    pub fn named_for(&self) -> Option<&str> {
        let (index, tenant) = self.name.strip_prefix("mp_replication_agent")?.split_once("_default_")?;
        (index.bytes().all(|digit| digit.is_ascii_digit()) && !tenant.is_empty()).then_some(tenant)
    }

    /// Whether it delivers to that tenant, whatever its name.
    pub fn delivers_to(&self, tenant_url: &str) -> bool {
        let base = format!("{}/", tenant_url.trim_end_matches('/'));
        self.target().is_some_and(|target| target.starts_with(&base))
    }

    /// Whether AEM made it for that tenant, by its name; older releases made one agent without the tenant's id in its name
    /// (`mp_replication`, §3.4), which is told by where it delivers to.
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

/// Switches an agent on or off, in the type in which the Author has the property.
pub fn switch(session: &Session, agent: &Agent, on: bool) -> Call {
    let property = session.surface("author.agent").field("enabled");
    let path = format!("etc/replication/agents.author/{}/jcr:content", agent.name);
    let call = Call::to("author.node-write").with("path", path).property(property, on.to_string());
    let typed = agent.properties.get(property).is_some_and(Value::is_boolean);
    if typed { call.property(&format!("{property}@TypeHint"), "Boolean") } else { call }
}

/// Switches the agent of that name on, if it is there and off.
pub(crate) async fn switch_on(session: &Session, name: &str) -> Checked {
    match all(session).await?.into_iter().find(|agent| agent.name == name) {
        Some(agent) if !agent.enabled() => {
            session.send(switch(session, &agent, true)).await?.expect_status(&[200]).map(drop)
        }
        _ => Ok(()),
    }
}

/// All replication agents of the Author, in its order.
pub async fn all(session: &Session) -> Checked<Vec<Agent>> {
    let reply = session.send(Call::to("author.agents")).await?;
    if reply.status == 300 {
        // Too many nodes for one answer: agents and their properties are two levels down.
        let node = repository::read(session, "/etc/replication/agents.author", "2").await?;
        return Ok(parse(&node.unwrap_or_default()));
    }
    let reply = reply.expect_status(&[200])?;
    match reply.json()? {
        node @ Value::Object(_) => Ok(parse(&node)),
        _ => Err(Problem::error(format!("{} answered JSON that is no node; {}", reply.what(), reply.excerpt()))),
    }
}

pub(crate) fn parse(node: &Value) -> Vec<Agent> {
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
    fn an_agent_belongs_to_the_tenant_in_its_name_and_an_old_one_to_its_target() {
        let of = |agent: &Agent| agent.is_of("bpdoc", "https://bpdoc.example/");
        assert!(of(&agent("mp_replication_agent7_default_bpdoc", "")));
        assert!(of(&agent("mp_replication", "https://bpdoc.example/bin/receive")));
        assert!(!of(&agent("mp_replication", "https://bpdoc.example.evil/bin/receive")));
        assert!(!of(&agent("mp_replication_agent0_default_alias", "https://bpdoc.example/bin/receive")));
        assert!(!of(&agent("publish", "http://localhost:4503/bin/receive")));
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
