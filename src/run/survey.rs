//! Detects the states of a real Author, by reads only. States have the names of the mock's seeds, so that the tag of a
//! scenario names its initial state for both.

use std::collections::BTreeSet;

use bpconform_fixtures::Product;
use bpconform_steps::author::{agents, distribution, product as author_product};
use bpconform_steps::problem::{Checked, Problem};
use bpconform_steps::{Call, Session};
use futures::FutureExt as _;
use serde_json::{Map, Value};

use crate::features::USUAL_AUTHOR;
use crate::plan::FRESH;
use crate::run::destinations;
use crate::run::product::{self, Sign, Signs};

/// The detected version and states of a real Author.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// What it shows of its product.
    pub signs: Signs,
    /// Its states.
    pub states: BTreeSet<String>,
    /// If it is configured for other systems than the run's mocks: where it sends, and what to do.
    pub elsewhere: Option<String>,
}

/// Asks the Author. What it says that it does not have is not there: the scenarios will say so with their own words. What
/// it does not answer at all is a problem: a state that was guessed would decide what is run.
pub async fn ask(session: &Session) -> Result<Survey, String> {
    let (signs, found) = futures::future::join(signs(session).boxed(), find(session).boxed()).await;
    let found = found?;
    Ok(Survey { states: found.states(&signs), signs, elsewhere: destinations::elsewhere(session).await })
}

/// What an Author shows of its product. It decides what is judged, so that everything is read a second time, and two of
/// three readings decide if those differ. Of a plain AEM 6.5 only the version is read again: it alone shows it as one.
pub async fn signs(session: &Session) -> Signs {
    let first = read_signs(session, false).await;
    if first.are_of_aem_65() && sign(author_product::named_version(session, true).await) == first.version {
        return first;
    }
    let second = read_signs(session, true).await;
    if first == second {
        return first;
    }
    Signs::majority(first, &second, read_signs(session, true).await)
}

async fn read_signs(session: &Session, fresh: bool) -> Signs {
    // On the heap: a survey is polled far down the stack of a thread.
    let (version, distribution_agent, replication_agent) = futures::join!(
        author_product::named_version(session, fresh).boxed(),
        distribution_agent(session, fresh).boxed(),
        replication_agent(session, fresh).boxed(),
    );
    Signs {
        version: sign(version),
        distribution_agent: sign(distribution_agent),
        replication_agent: sign(replication_agent),
    }
}

/// What is not answered, or not as it should be, is unreadable.
fn sign(read: Checked<Option<String>>) -> Sign {
    match read {
        Ok(Some(shown)) => Sign::Shown(shown),
        Ok(None) => Sign::Absent,
        Err(problem) => {
            tracing::debug!(problem = problem.reason, "a sign of the product cannot be read");
            Sign::Unreadable(problem.reason)
        }
    }
}

/// The first distribution agent for Brand Portal.
async fn distribution_agent(session: &Session, fresh: bool) -> Checked<Option<String>> {
    let prefix = session.surface("author.distribution-agents").phrase("prefix");
    let names = distribution::names(session, fresh).await?;
    Ok(names.into_iter().find(|name| name.starts_with(prefix)))
}

/// The first replication agent for Brand Portal.
async fn replication_agent(session: &Session, fresh: bool) -> Checked<Option<String>> {
    let call = Call::to("author.agents");
    let reply = session.send(if fresh { call.fresh() } else { call }).await?.expect_status(&[200])?;
    match reply.json()? {
        // A node has its type at least.
        Value::Object(node) if !node.is_empty() => Ok(of_brand_portal(session, &node).next()),
        _ => Err(Problem::error(format!("{} is not the folder of the agents", reply.what()))),
    }
}

/// The names of the replication agents for Brand Portal.
fn of_brand_portal(session: &Session, agents: &Map<String, Value>) -> impl Iterator<Item = String> {
    let prefix = session.surface("author.agents").phrase("prefix");
    agents.keys().filter(move |name| name.starts_with(prefix)).cloned()
}

/// The parts of a Brand Portal configuration, counted.
#[derive(Debug, Default)]
struct ConfigurationCounts {
    tenants: BTreeSet<String>,
    configurations: usize,
    without_ims: usize,
    agents: Vec<String>,
    stuck: bool,
    providers: usize,
    jwt_providers: usize,
}

async fn find(session: &Session) -> Result<ConfigurationCounts, String> {
    let mut found = ConfigurationCounts::default();
    let variants = 0..=session.surface("author.cloud-storage").alternatives.len();
    let roots = variants.map(|variant| read(session, Call::to("author.cloud-storage").variant(variant)));
    let (roots, agents, providers) = futures::future::try_join3(
        futures::future::try_join_all(roots),
        read(session, Call::to("author.agents")),
        read(session, Call::to("author.ims-storage")),
    )
    .await?;
    roots.iter().for_each(|root| count_configurations(session, root, &mut found));
    count_providers(session, &providers, &mut found);
    found.agents = of_brand_portal(session, &agents).collect();
    // No node has such a name, and no request is sent with it: whoever judges that agent says so.
    let agents = found.agents.iter().filter(|agent| !agent.contains(['/', '\\']));
    let queues = agents.map(|agent| read(session, Call::to("author.agent-queue").with("agent", agent)));
    found.stuck = futures::future::try_join_all(queues).await?.iter().any(is_stuck);
    Ok(found)
}

async fn read(session: &Session, call: Call) -> Result<Map<String, Value>, String> {
    let reply = session.send(call).await.map_err(|problem| problem.reason)?;
    match Some(reply).filter(|reply| reply.status == 200).and_then(|reply| reply.json().ok()) {
        Some(Value::Object(node)) => Ok(node),
        _ => Ok(Map::new()),
    }
}

fn count_configurations(session: &Session, root: &Map<String, Value>, found: &mut ConfigurationCounts) {
    let surface = session.surface("author.cloud-storage");
    let text = |content: &Value, word| content.get(surface.field(word))?.as_str().map(str::to_owned);
    for content in root.values().filter_map(|page| page.get("jcr:content")) {
        let Some(tenant) = text(content, "tenant-url") else { continue };
        found.configurations += 1;
        found.without_ims += usize::from(text(content, "ims-configuration").is_none_or(|ims| ims.is_empty()));
        found.tenants.insert(tenant.trim_end_matches('/').to_owned());
    }
}

fn is_stuck(queue: &Map<String, Value>) -> bool {
    let status = queue.get("metaData").and_then(|meta| meta.get("queueStatus"));
    let is = |name| status.and_then(|status| status.get(name)).is_some_and(|value| value == &Value::Bool(true));
    is("isBlocked")
}

fn count_providers(session: &Session, configurations: &Map<String, Value>, found: &mut ConfigurationCounts) {
    let surface = session.surface("author.ims-storage");
    let provider = surface.phrase("provider");
    for (_, properties) in configurations.iter().filter(|(name, _)| name.starts_with(provider)) {
        let value = |word| properties.get(surface.field(word)).and_then(Value::as_str).unwrap_or_default();
        found.providers += 1;
        found.jwt_providers += usize::from(value("grants").is_empty() && !value("key-pair-alias").is_empty());
    }
}

impl ConfigurationCounts {
    fn states(&self, signs: &Signs) -> BTreeSet<String> {
        let in_cloud = product::judge(None, Some(signs)).products == [Product::AemCloud];
        let all = [
            (FRESH, self.is_fresh()),
            (USUAL_AUTHOR, !self.is_fresh()),
            ("legacy-jwt", self.jwt_providers > 0),
            ("legacy-gateway", self.without_ims > 0),
            ("half-configured", !in_cloud && self.configurations == 1 && self.agents.len() < agents::COUNT),
            ("two-tenants", self.tenants.len() > 1),
            ("agent-missing", in_cloud && self.configurations > 0 && signs.distribution_agent == Sign::Absent),
            ("queue-blocked", self.stuck),
        ];
        all.into_iter().filter(|(_, is)| *is).map(|(name, _)| name.to_owned()).collect()
    }

    fn is_fresh(&self) -> bool {
        self.configurations == 0 && self.agents.is_empty()
    }
}
