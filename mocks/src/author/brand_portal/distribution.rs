//! Sling content distribution as AEM as a Cloud Service uses it for Brand Portal: one agent with two queues and a log
//! (aem-cloud.md). How it really delivers is not documented; the mock asks IMS for a token and delivers to the tenant like
//! a replication agent.

use std::collections::VecDeque;

use bpconform_fixtures::surfaces::{Arguments, expand};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::cloud::CloudConfiguration;
use super::queue::Action;
use super::token::Provider;
use super::{Conversation, start};
use crate::author::repository::{Node, Value, join};
use crate::author::{Author, plain};
use crate::machine::{Call, CallResult, Form, Response, Step};

/// The settings of the agents.
pub(super) const SETTINGS: &str = "/libs/sling/distribution/settings/agents";
/// What the agents keep: a node for each, with its log and its queues.
const KEPT: &str = "/var/sling/distribution/agents";
/// The maximum number of lines in the log of an agent.
const MOST_LINES: usize = 1_000;
/// How often a delivery is tried before it goes to the error queue.
const MOST_ATTEMPTS: i64 = 3;
/// The pause between two attempts.
const RETRY: SignedDuration = SignedDuration::from_secs(10);
/// The user of the requests that publishing makes.
const SERVICE: &str = "dam-replication-service";

/// A request that is being delivered.
#[derive(Debug)]
pub(super) struct Distribution {
    agent: String,
    /// For example `DSTRQ2: ADD paths=[/content/dam/a.png]`.
    described: String,
    action: Action,
    /// The paths that are not delivered yet.
    paths: VecDeque<String>,
    user: String,
    /// The item in the queue; a test has none and is answered.
    item: Option<String>,
    /// The provider whose token is pending; `None` while the answer of the tenant is pending.
    waits_for: Option<Provider>,
    /// The value for the Authorization header.
    bearer: String,
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Activate => "ADD",
        Action::Deactivate => "DELETE",
        Action::Test => "TEST",
    }
}

pub(super) fn settings(agent: &str) -> String {
    join(SETTINGS, agent)
}

pub(super) fn kept(agent: &str) -> String {
    join(KEPT, agent)
}

impl Author {
    /// Answers a test, or a request to add or delete; `None` for any other endpoint.
    pub(super) fn distribution_surface(
        &mut self,
        now: Timestamp,
        id: &str,
        arguments: &Arguments,
        form: &Form,
    ) -> Option<Step> {
        let agent = arguments.get("agent").filter(|_| id == "author.distribution-test")?;
        if self.distribution_agents().iter().any(|name| name == agent) {
            return Some(self.distribute(now, agent, form));
        }
        // A path without a resource is answered by the servlet that creates one.
        let problem = format!("java.lang.UnsupportedOperationException: create '{agent}': not a distribution agent\n");
        Some(Step::Answer(plain(500, &problem)))
    }

    /// The enabled agents: a disabled one is not registered as a service.
    pub(super) fn distribution_agents(&self) -> Vec<String> {
        let is_enabled = |name: &String| {
            let node = self.repository.get(&settings(name));
            !node.is_some_and(|node| matches!(node.properties.get("enabled"), Some(Value::Bool(false))))
        };
        self.distribution_configurations().filter(is_enabled).collect()
    }

    /// The names of all agents, disabled ones included.
    pub(super) fn distribution_configurations(&self) -> impl Iterator<Item = String> {
        self.repository.children(SETTINGS).filter_map(|(path, _)| path.rsplit('/').next().map(str::to_owned))
    }

    /// The names of the two queues of an agent, or those that its node names.
    pub(super) fn distribution_queues(&self, agent: &str) -> Vec<String> {
        let own = self.repository.get(&kept(agent)).map(|node| node.texts("queues").to_vec()).unwrap_or_default();
        if !own.is_empty() {
            return own;
        }
        ["error-queue", "queue"].map(|word| self.queue_name(word, agent)).to_vec()
    }

    pub(super) fn queue_name(&self, word: &str, agent: &str) -> String {
        let values = [("agent".to_owned(), agent.to_owned())].into();
        expand(self.surfaces.get("author.distribution-queues").phrase(word), &values).unwrap_or_default()
    }

    fn is_paused(&self, agent: &str) -> bool {
        self.repository.get(&kept(agent)).is_some_and(|node| node.flag("paused"))
    }

    pub(super) fn distribution_items(&self, agent: &str, queue: &str) -> Vec<(String, &Node)> {
        let folder = join(&kept(agent), queue);
        let items = self.repository.get(&folder).into_iter().flat_map(|folder| &folder.children);
        items.map(|(name, node)| (join(&folder, name), node)).collect()
    }

    pub(super) fn distribution_queue_state(&self, agent: &str, queue: &str) -> &'static str {
        let items = self.distribution_items(agent, queue);
        let tried = items.first().is_some_and(|(_, node)| node.number("attempts").unwrap_or_default() > 0);
        match items.len() {
            // Nothing is delivered from an error queue.
            _ if queue == self.queue_name("error-queue", agent) => "PASSIVE",
            _ if self.is_paused(agent) => "PAUSED",
            0 => "IDLE",
            _ if tried => "BLOCKED",
            _ => "RUNNING",
        }
    }

    pub(super) fn distribution_state(&self, agent: &str) -> &'static str {
        self.distribution_queue_state(agent, &self.queue_name("queue", agent))
    }

    fn log_distribution(&mut self, now: Timestamp, agent: &str, level: &str, message: &str) {
        let mut lines = self.distribution_log(agent);
        lines.push(format!("{} - {level} - {message}", now.strftime("%Y/%m/%d %H:%M:%S:%3f")));
        let surplus = lines.len().saturating_sub(MOST_LINES);
        lines.drain(..surplus);
        self.repository.ensure(&kept(agent), "sling:Folder").set("log", lines);
    }

    /// The next id of a request, and its words in the log.
    fn new_request(&mut self, action: Action, paths: &[String]) -> (String, String) {
        self.brand_portal.requests += 1;
        let id = format!("DSTRQ{}", self.brand_portal.requests);
        let described = format!("{id}: {} paths=[{}]", word(action), paths.join(", "));
        (id, described)
    }

    /// A POST to an agent: a test, or a request to add or delete. The action may be written in any case.
    fn distribute(&mut self, now: Timestamp, agent: &str, form: &Form) -> Step {
        let action = form.get("action").unwrap_or_default();
        let known = [Action::Activate, Action::Deactivate, Action::Test].into_iter();
        let Some(action) = known.into_iter().find(|one| word(*one).eq_ignore_ascii_case(action)) else {
            return Step::Answer(answered(400, false, "DROPPED", "Request type not accepted"));
        };
        let (user, paths) = (self.user.clone(), form.all("path").to_vec());
        if action == Action::Activate && paths.iter().any(|path| !self.repository.exists(path)) {
            return Step::Answer(self.not_allowed(now, agent, &paths));
        }
        if action != Action::Test {
            self.queue_distribution(now, agent, action, &paths, &user);
            return Step::Answer(answered(202, true, "ACCEPTED", "[QUEUED]"));
        }
        let (_, described) = self.new_request(action, &paths);
        self.log_distribution(now, agent, "INFO", &format!("REQUEST-START {described}, user={user}"));
        let test = Distribution {
            agent: agent.to_owned(),
            described,
            action,
            paths: VecDeque::from(["/".to_owned()]),
            user,
            item: None,
            waits_for: None,
            bearer: String::new(),
        };
        self.begin_distribution(now, test)
    }

    /// What is not there may not be read, and what the user may not read is not distributed.
    fn not_allowed(&mut self, now: Timestamp, agent: &str, paths: &[String]) -> Response {
        let (_, described) = self.new_request(Action::Activate, paths);
        let (problem, user) = ("Not enough privileges", self.user.clone());
        self.log_distribution(now, agent, "INFO", &format!("REQUEST-START {described}, user={user}"));
        let failed = format!("REQUEST-FAIL {described}, user={user}, message={problem}");
        self.log_distribution(now, agent, "ERROR", &failed);
        Response::json(503, &json!({ "message": problem }))
    }

    /// Publish and unpublish: a request for each path, and for an asset one for its parent folder.
    pub(super) fn publish_by_distribution(&mut self, now: Timestamp, action: Action, paths: &[String]) {
        let Some(agent) = self.distribution_agents().into_iter().next() else { return };
        for path in paths {
            self.queue_distribution(now, &agent, action, std::slice::from_ref(path), SERVICE);
            let is_asset = self.repository.get(path).is_some_and(|node| node.primary_type() == "dam:Asset");
            if let Some((folder, _)) = path.rsplit_once('/').filter(|_| is_asset && action == Action::Activate) {
                self.queue_distribution(now, &agent, action, &[folder.to_owned()], SERVICE);
            }
        }
    }

    /// Whether an agent could take something.
    pub(super) fn has_distribution_agent(&self) -> bool {
        !self.distribution_agents().is_empty()
    }

    fn queue_distribution(&mut self, now: Timestamp, agent: &str, action: Action, paths: &[String], user: &str) {
        let (id, described) = self.new_request(action, paths);
        self.log_distribution(now, agent, "INFO", &format!("REQUEST-START {described}, user={user}"));
        let queue = join(&kept(agent), &self.queue_name("queue", agent));
        self.repository.ensure(&queue, "sling:Folder");
        let item = Node::new("nt:unstructured")
            .with("request", described)
            .with("paths", paths.to_vec())
            .with("action", word(action))
            .with("userid", user)
            .with("attempts", 0)
            .with("time", now.as_millisecond())
            .with("size", paths.iter().map(|path| self.size_of(path)).sum::<i64>());
        self.repository.insert(&join(&queue, &format!("package-{}", &id["DSTRQ".len()..])), item);
    }

    /// The items that are due, with the time.
    pub(super) fn due_distributions(&self) -> Vec<(Timestamp, Distribution)> {
        let mut due = Vec::new();
        for agent in self.distribution_agents() {
            if self.brand_portal.distributing.contains(&agent) || self.is_paused(&agent) {
                continue;
            }
            let items = self.distribution_items(&agent, &self.queue_name("queue", &agent));
            let Some((path, node)) = items.into_iter().next() else { continue };
            let entered = node.number("due").or_else(|| node.number("time")).unwrap_or_default();
            let action = if node.text("action") == Some("DELETE") { Action::Deactivate } else { Action::Activate };
            let distribution = Distribution {
                described: node.text("request").unwrap_or_default().to_owned(),
                action,
                paths: node.texts("paths").iter().cloned().collect(),
                user: node.text("userid").unwrap_or_default().to_owned(),
                item: Some(path),
                waits_for: None,
                bearer: String::new(),
                agent,
            };
            due.push((Timestamp::from_millisecond(entered).unwrap_or_default(), distribution));
        }
        due
    }

    /// Asks IMS for a token, with which the request is then delivered.
    pub(super) fn begin_distribution(&mut self, now: Timestamp, mut distribution: Distribution) -> Step {
        if distribution.item.is_some() {
            self.brand_portal.distributing.insert(distribution.agent.clone());
        }
        let configuration = self.cloud_configurations().into_iter().next();
        let provider = configuration.and_then(|configuration| self.provider(&configuration.ims));
        let Some(provider) = provider else {
            return self.distributed(now, &distribution, Err("no IMS configuration for Brand Portal".into()));
        };
        match self.token_request(now, &provider) {
            Ok(call) => {
                distribution.waits_for = Some(provider);
                start(&mut self.brand_portal, Conversation::Distribution(Box::new(distribution)), call)
            }
            Err(problem) => self.distributed(now, &distribution, Err(problem)),
        }
    }

    /// Continues with the result of a call.
    pub(super) fn distribution_resumed(
        &mut self,
        now: Timestamp,
        mut distribution: Distribution,
        outcome: CallResult,
    ) -> Step {
        if let Some(provider) = distribution.waits_for.take() {
            return match self.token_answer(now, provider.is_jwt(), outcome) {
                Ok(token) => {
                    distribution.bearer = format!("Bearer {}", token.value);
                    self.send_distribution(now, distribution)
                }
                Err(problem) => self.distributed(now, &distribution, Err(problem)),
            };
        }
        let problem = match outcome {
            Ok(response) if (200..300).contains(&response.status) => None,
            Ok(response) => Some(format!("the tenant answered {}", response.status)),
            Err(reason) => Some(reason),
        };
        if let Some(problem) = problem {
            return self.distributed(now, &distribution, Err(problem));
        }
        distribution.paths.pop_front();
        self.send_distribution(now, distribution)
    }

    fn send_distribution(&mut self, now: Timestamp, distribution: Distribution) -> Step {
        let Some(path) = distribution.paths.front().cloned() else {
            return self.distributed(now, &distribution, Ok(()));
        };
        let body = match distribution.action {
            Action::Activate => match self.content_of(&path) {
                Ok(body) => body,
                Err(problem) => return self.distributed(now, &distribution, Err(problem)),
            },
            Action::Deactivate | Action::Test => Vec::new(),
        };
        let target = self.cloud_configurations().first().map(|it: &CloudConfiguration| it.tenant_url.clone());
        let target = target.unwrap_or_default();
        let receive = self.surfaces.get("tenant.receive");
        let kind = self.repository.get(&path).map(|node| node.primary_type().to_owned()).unwrap_or_default();
        let headers = vec![
            ("action".to_owned(), distribution.action.word().to_owned()),
            ("path".to_owned(), path.clone()),
            ("handle".to_owned(), path),
            ("type".to_owned(), kind),
            ("content-type".to_owned(), "application/octet-stream".to_owned()),
            ("authorization".to_owned(), distribution.bearer.clone()),
        ];
        let url = format!("{}{}?sling:authRequestLogin=1", target.trim_end_matches('/'), receive.path);
        let call = Call { method: "POST".into(), url, headers, body };
        start(&mut self.brand_portal, Conversation::Distribution(Box::new(distribution)), call)
    }

    /// The end of a delivery: the log, and the answer of a test or the queue.
    fn distributed(&mut self, now: Timestamp, distribution: &Distribution, result: Result<(), String>) -> Step {
        let Distribution { agent, described, item, .. } = distribution;
        let Some(item) = item.clone() else {
            return Step::Answer(match result {
                Ok(()) => answered(202, true, "ACCEPTED", "[package imported]"),
                Err(problem) => {
                    self.log_distribution(now, agent, "ERROR", "an error happened during package import");
                    answered(400, false, "DROPPED", &format!("[{problem}]"))
                }
            });
        };
        self.brand_portal.distributing.remove(agent);
        let queue = self.queue_name("queue", agent);
        match result {
            Ok(()) => {
                let message = format!("[{queue}] PACKAGE-DELIVERED {described}, importTime=3ms, execTime=5ms, size=0B");
                self.log_distribution(now, agent, "INFO", &message);
                let paths = self.repository.get(&item).map(|node| node.texts("paths").to_vec()).unwrap_or_default();
                self.repository.remove(&item);
                for path in paths {
                    self.mark(now, &path, &distribution.user, distribution.action);
                }
            }
            Err(problem) => self.distribution_failed(now, distribution, &item, &problem),
        }
        Step::Done
    }

    fn distribution_failed(&mut self, now: Timestamp, distribution: &Distribution, item: &str, problem: &str) {
        let Distribution { agent, described, .. } = distribution;
        let (queue, errors) = (self.queue_name("queue", agent), self.queue_name("error-queue", agent));
        let name = item.rsplit('/').next().unwrap_or_default().to_owned();
        let request = described.split(':').next().unwrap_or_default();
        let message = format!("[{queue}] PACKAGE-FAIL {request}: could not deliver {name}, {problem}");
        self.log_distribution(now, agent, "ERROR", &message);
        let Some(node) = self.repository.get_mut(item) else { return };
        let attempts = node.number("attempts").unwrap_or_default() + 1;
        node.set("attempts", attempts);
        node.set("due", (now + RETRY).as_millisecond());
        node.set("errorMessage", problem);
        if attempts < MOST_ATTEMPTS {
            return;
        }
        let node = node.clone();
        self.repository.remove(item);
        let folder = join(&kept(agent), &errors);
        self.repository.ensure(&folder, "sling:Folder");
        self.repository.insert(&join(&folder, &name), node);
        let message =
            format!("[{queue}] PACKAGE-QUEUED {request}: distribution package {name} was enqueued to an error queue");
        self.log_distribution(now, agent, "INFO", &message);
    }

    /// What AEM makes of a new cloud configuration.
    pub(super) fn make_distribution_agent(&mut self) {
        let agent = self.surfaces.get("author.distribution-agents").phrase("agent").to_owned();
        let node = self.repository.ensure(&settings(&agent), "nt:unstructured");
        node.set("name", agent.as_str());
        node.set("enabled", true);
        self.repository.ensure(&kept(&agent), "sling:Folder");
    }
}

fn answered(status: u16, success: bool, state: &str, message: &str) -> Response {
    Response::json(status, &json!({ "success": success, "state": state, "message": message }))
}
