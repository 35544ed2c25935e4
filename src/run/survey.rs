//! Detects the states of a real Author, by reads only. States have the names of the mock's seeds, so that the tag of a
//! scenario names its initial state for both.

use std::collections::BTreeSet;

use bpconform_fixtures::Product;
use bpconform_steps::author::cloud_configuration::{self, CloudConfiguration};
use bpconform_steps::author::ims_configurations::{self, Kind};
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
    jwt_providers: usize,
}

async fn find(session: &Session) -> Result<ConfigurationCounts, String> {
    let mut found = ConfigurationCounts::default();
    let variants = 0..=session.surface("author.cloud-storage").alternatives.len();
    let roots = variants.map(|variant| read(session, Call::to("author.cloud-storage").variant(variant)));
    // The IMS configurations are read here, too, so that no answer at all is a problem.
    let (roots, agents, _) = futures::future::try_join3(
        futures::future::try_join_all(roots),
        read(session, Call::to("author.agents")),
        read(session, Call::to("author.ims-storage")),
    )
    .await?;
    let surface = session.surface("author.cloud-storage");
    let paths = cloud_configuration::roots(session);
    let clouds = paths.iter().zip(roots).map(|(path, root)| cloud_configuration::below(surface, path, &root.into()));
    // What cannot be read is for the scenarios to judge.
    let clouds: Vec<CloudConfiguration> = clouds.flat_map(Result::unwrap_or_default).collect();
    count_configurations(&clouds, &mut found);
    found.jwt_providers = jwt_providers(session, clouds).await;
    found.agents = of_brand_portal(session, &agents).collect();
    // No node has such a name, and no request is sent with it: whoever judges that agent says so.
    let agents = of_tenant(session, agents).into_iter().filter(|agent| !agent.contains(['/', '\\']));
    let queues = agents.map(|agent| read(session, Call::to("author.agent-queue").with("agent", &agent)));
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

fn count_configurations(clouds: &[CloudConfiguration], found: &mut ConfigurationCounts) {
    found.configurations = clouds.len();
    found.without_ims = clouds.iter().filter(|cloud| cloud.ims_configuration.is_none()).count();
    found.tenants = clouds.iter().filter_map(|cloud| cloud.tenant().map(str::to_owned)).collect();
}

/// The names of the agents of the run's tenant; none when the run has no tenant's address, without which no queue is judged.
fn of_tenant(session: &Session, agents: Map<String, Value>) -> Vec<String> {
    let (Ok(tenant), Ok(url)) = (session.stack.tenant_id(), agents::tenant_url(session)) else { return Vec::new() };
    let agents = agents::parse(&agents.into()).into_iter().filter(|agent| agent.is_of(&tenant, &url));
    agents.map(|agent| agent.name).collect()
}

fn is_stuck(queue: &Map<String, Value>) -> bool {
    let status = queue.get("metaData").and_then(|meta| meta.get("queueStatus"));
    let is = |name| status.and_then(|status| status.get(name)).is_some_and(|value| value == &Value::Bool(true));
    is("isBlocked")
}

/// How many IMS configurations for Brand Portal are on JWT. What cannot be read is for the scenarios to judge.
async fn jwt_providers(session: &Session, clouds: Vec<CloudConfiguration>) -> usize {
    let used: Vec<String> = clouds.into_iter().filter_map(|cloud| cloud.ims_configuration).collect();
    let storage = ims_configurations::storage(session).await;
    let ours = storage.and_then(|storage| storage.for_brand_portal(session, &used)).unwrap_or_default();
    ours.iter().filter(|configuration| configuration.kind == Kind::Jwt).count()
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bpconform_fixtures::{Allow, Defects, Surfaces};
    use bpconform_mocks::stack::{self, StackOptions};
    use bpconform_steps::credentials::Credentials;
    use bpconform_steps::redact::Redactor;
    use bpconform_steps::run::Run;
    use bpconform_steps::stack::Stack;
    use bpconform_steps::wire::{Connection, Proxy, Wire};
    use url::Url;

    use super::*;

    /// The states of a mocked Author that differs from its seed.
    async fn states(seed: &str, differences: &str) -> Vec<String> {
        let text = format!("[[defect]]\nid = 'x'\nsays = 'x'\nbreaks = []\n{differences}");
        let defects = if differences.is_empty() {
            Vec::new()
        } else {
            Defects::parse("test", &text).expect("a defect").all.into_iter().map(Arc::new).collect()
        };
        let mock = stack::Stack::start(StackOptions { defects, ..StackOptions::new(seed) }).await.expect("started");
        let url = |address: &str| Url::parse(address).expect("an address");
        let stack = Stack {
            author: url(&mock.author),
            ims: None,
            console: None,
            tenant: Some(url(&mock.tenant)),
            control: None,
        };
        let wire = Wire::new(&Connection { proxy: Proxy::None, ..Connection::default() }).expect("a client");
        let run = Run::new("test", Allow::Observe, Arc::new(Surfaces::built_in().clone()), wire, Redactor::default());
        let credentials = mock.credentials().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let session = Session::new(Arc::new(run), stack, Credentials::new(credentials).0);
        ask(&session).await.expect("a survey").states.into_iter().collect()
    }

    #[tokio::test]
    async fn a_state_is_about_brand_portal_and_the_tenant_of_the_run() {
        assert_eq!(states("legacy-jwt", "").await, ["configured", "legacy-jwt"]);
        assert_eq!(states("queue-blocked", "").await, ["configured", "queue-blocked"]);
        let jwt_of_target = "edits = [{ node = '/apps/system/config', change = { make = { path = \
             '/apps/system/config/com.adobe.granite.auth.oauth.accesstoken.provider.7a7a7a7a.config', with = { \
             'jcr:primaryType' = 'sling:OsgiConfig', name = 'Adobe Target 7a7a7a7a', \
             'auth.token.provider.keypair.alias' = 'target' } } } }]";
        let queue_of_another = "edits = [{ node = '/etc/replication/agents.author/mp_replication_agent0_default_{tenant}', \
             change = { copy = { to = '/etc/replication/agents.author/mp_replication_agent0_default_other' } } }]\n\
             answers = [{ to = { surface = 'author.agent-queue', path = 'default_other' }, instead = true, status = 200, \
             headers = { content-type = 'application/json' }, \
             body = '{\"metaData\":{\"queueStatus\":{\"isBlocked\":true,\"isPaused\":false}},\"queue\":[]}' }]";
        let ims_in_a_list = "edits = [{ node = '/etc/cloudservices/mediaportal/BPdocConfiguration/jcr:content', change = \
             { set = { imsConfig = ['com.adobe.granite.auth.oauth.accesstoken.provider.5f1c09e7'] } } }]";
        for differences in [jwt_of_target, queue_of_another, ims_in_a_list] {
            assert_eq!(states("configured", differences).await, ["configured"], "{differences}");
        }
    }
}
