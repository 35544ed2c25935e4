//! What Sling content distribution shows of its agents: the agents with their queues, log and state, and their settings, as
//! resources of any depth. The forms are those of Apache Sling Distribution Core 0.7.4 and 0.4.0.

use jiff::Timestamp;

use super::distribution::{SETTINGS, kept, settings};
use crate::author::repository::{Node, PRIMARY_TYPE};
use crate::author::sling_get::{rendered, to_folder};
use crate::author::{Author, plain};
use crate::machine::Response;

/// The root of resources that do not exist in the repository.
const ROOT: &str = "/libs/sling/distribution";
/// The agents.
const SERVICES: &str = "/libs/sling/distribution/services/agents";
/// What can be done with a queue.
const CAPABILITIES: [&str; 3] = ["removable", "appendable", "clearable"];

/// What follows a root in a path.
fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
}

/// A resource outside the repository, with the resource type that Sling gives it.
fn resource(kind: &str) -> Node {
    Node::default().with("sling:resourceType", format!("sling/distribution/{kind}"))
}

impl Author {
    /// Reads agents and their settings; `None` for any other path. AEM 6.5.25 has the servlets, too.
    pub(in crate::author) fn distribution_resource(&self, path: &str) -> Option<Response> {
        below(path, ROOT)?;
        let settings = below(path, SETTINGS).map(|rest| self.settings_resource(path, rest));
        let services = || below(path, SERVICES).map(|rest| self.services_resource(path, rest));
        let found = settings.or_else(services).flatten();
        Some(found.unwrap_or_else(|| self.not_found("GET", path)))
    }

    fn settings_resource(&self, path: &str, rest: &str) -> Option<Response> {
        let (names, suffix) = names_and_suffix(rest);
        shown(&found(&self.distribution_settings(), &names)?, path, suffix, true)
    }

    fn services_resource(&self, path: &str, rest: &str) -> Option<Response> {
        let (names, suffix) = names_and_suffix(rest);
        let found = found_below_agents(&self.distribution_services(), &names)?;
        match names[..] {
            [agent, "log", ..] if suffix.ends_with(".txt") => {
                Some(latin1(&(self.distribution_log(agent).join("\n") + "\n")))
            }
            _ => shown(&found, path, suffix, names.len() < 2),
        }
    }

    /// All configured agents with their settings, of which AEM's own are not known.
    fn distribution_settings(&self) -> Node {
        let mut all = resource("setting");
        let names: Vec<String> = self.distribution_configurations().collect();
        for name in &names {
            let mut one = self.repository.get(&settings(name)).cloned().unwrap_or_default();
            one.properties.remove(PRIMARY_TYPE);
            one.set("sling:resourceType", "sling/distribution/setting");
            all.children.insert(name.clone(), one);
        }
        all.with("items", names)
    }

    /// All agents that are enabled.
    fn distribution_services(&self) -> Node {
        let names = self.distribution_agents();
        let mut all = resource("service/agent/list").with("items", names.clone());
        for name in names {
            let agent = resource("service/agent")
                .with("name", name.as_str())
                .with_child("queues", self.distribution_queues_resource(&name))
                .with_child("log", resource("service/log"))
                .with_child("status", Node::default().with("state", self.distribution_state(&name)));
            all.children.insert(name, agent);
        }
        all
    }

    fn distribution_queues_resource(&self, agent: &str) -> Node {
        let names = self.distribution_queues(agent);
        let mut all = resource("service/agent/queue/list").with("items", names.clone());
        for name in names {
            let queue = self.distribution_queue(agent, &name);
            all.children.insert(name, queue);
        }
        all
    }

    fn distribution_queue(&self, agent: &str, name: &str) -> Node {
        let items = self.distribution_items(agent, name);
        let ids: Vec<_> = items.iter().filter_map(|(path, _)| path.rsplit('/').next()).collect();
        let mut queue = resource("service/agent/queue")
            .with("state", self.distribution_queue_state(agent, name))
            .with("empty", items.is_empty())
            .with("itemsCount", items.len().to_string())
            .with("items", ids.iter().take(1).map(|id| (*id).to_owned()).collect::<Vec<_>>())
            .with("capabilities", CAPABILITIES.map(str::to_owned).to_vec());
        if name == self.queue_name("error-queue", agent) {
            queue.set("retryQueue", self.queue_name("queue", agent));
        }
        for (id, (_, node)) in ids.into_iter().zip(&items) {
            queue.children.insert(id.to_owned(), item(id, node));
        }
        queue
    }

    /// The last lines of an agent's log.
    pub(super) fn distribution_log(&self, agent: &str) -> Vec<String> {
        self.repository.get(&kept(agent)).map(|node| node.texts("log").to_vec()).unwrap_or_default()
    }
}

/// An item of a queue. Numbers but the size are texts, as is the time.
fn item(id: &str, node: &Node) -> Node {
    let number = |name: &str| node.number(name).unwrap_or_default();
    let time = Timestamp::from_millisecond(number("time")).unwrap_or_default();
    let mut item = resource("service/agent/queue/item")
        .with("id", id)
        .with("pkgId", node.text("pkgId").unwrap_or(id))
        .with("size", number("size"))
        .with("paths", node.texts("paths").to_vec())
        .with("action", node.text("action").unwrap_or_default())
        .with("userid", node.text("userid").unwrap_or_default())
        .with("attempts", number("attempts").to_string())
        .with("time", time.strftime("%a %b %d %H:%M:%S UTC %Y").to_string())
        .with("state", if number("attempts") > 0 { "ERROR" } else { "QUEUED" });
    if let Some(problem) = node.text("errorMessage") {
        item.set("errorMessage", problem);
    }
    item
}

/// The names of a path, and what follows the last of them: selectors and extension, or a slash.
fn names_and_suffix(rest: &str) -> (Vec<&str>, &str) {
    let (names, suffix) =
        rest.find('.').map_or_else(|| rest.split_at(rest.trim_end_matches('/').len()), |at| rest.split_at(at));
    (names.split('/').filter(|name| !name.is_empty()).collect(), suffix)
}

fn found(root: &Node, names: &[&str]) -> Option<Node> {
    names.iter().try_fold(root, |node, name| node.child(name)).cloned()
}

/// Below an agent, Sling also shows what is not there: state and log whatever follows, an empty queue or item.
fn found_below_agents(root: &Node, names: &[&str]) -> Option<Node> {
    let [agent, below @ ..] = names else { return Some(root.clone()) };
    let agent = root.child(agent)?;
    match below {
        [name @ ("log" | "status"), ..] => agent.child(name).cloned(),
        ["queues", ..] => Some(found(agent, below).unwrap_or_default()),
        _ => found(agent, below),
    }
}

/// A resource as JSON. One that is a folder has no index; another one has no content without an extension.
fn shown(node: &Node, path: &str, suffix: &str, is_folder: bool) -> Option<Response> {
    match suffix {
        "/" if is_folder => {
            Some(plain(403, &format!("Forbidden: {path} has no index; read {}.json\n", path.trim_end_matches('/'))))
        }
        "" => Some(to_folder(path)),
        "/" => Some(Response::new(200, "application/octet-stream", "")),
        _ => Some(rendered(node, suffix.strip_suffix(".json")?)),
    }
}

/// A text as Sling writes it, in which a letter that ISO 8859-1 does not have is lost.
fn latin1(text: &str) -> Response {
    let bytes: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect();
    Response::new(200, "text/plain;charset=iso-8859-1", bytes)
}
