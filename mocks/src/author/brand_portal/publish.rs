//! Publish to Brand Portal, now or later, and unpublish; and AEM's own replication (surfaces.md §3.6, §4.4, §6.7–§6.11).

use bpconform_fixtures::Product;
use jiff::Timestamp;
use serde_json::json;

use super::agent::Agent;
use super::cloud::CloudConfiguration;
use super::delivery::Delivery;
use super::queue::{Action, Item};
use super::selection::Refusal;
use crate::author::repository::{Node, Value, join, split};
use crate::author::{Author, plain};
use crate::machine::{Form, Response};

/// The path of an asset's original below the asset.
pub(super) const ORIGINAL: &str = "jcr:content/renditions/original/jcr:content";

/// A scheduled publication.
#[derive(Debug)]
pub(super) struct ScheduledPublication {
    pub(super) due: Timestamp,
    paths: Vec<String>,
    user: String,
}

impl Author {
    /// Publish to Brand Portal.
    pub(super) fn publish(&mut self, now: Timestamp, form: &Form) -> Response {
        let surfaces = std::sync::Arc::clone(&self.surfaces);
        let surface = surfaces.get("author.publish");
        let at =
            match form.get(surface.field("activation-time")).filter(|at| !at.is_empty()).map(str::parse::<Timestamp>) {
                Some(Err(error)) => return plain(400, &format!("{}: {error}\n", surface.field("activation-time"))),
                Some(Ok(at)) => at,
                None => now,
            };
        let paths = form.all(surface.field("path"));
        if paths.is_empty() {
            return plain(400, &format!("{} is missing\n", surface.field("path")));
        }
        // Everything is validated before anything is queued.
        let chosen: Result<Vec<_>, Refusal> = paths.iter().map(|path| self.for_publication(path)).collect();
        match chosen {
            Err((status, problem)) => plain(status, &format!("{problem}\n")),
            Ok(_) if at > now => {
                let (paths, user) = (paths.to_vec(), self.user.clone());
                self.brand_portal.scheduled.push(ScheduledPublication { due: at, paths: paths.clone(), user });
                replicated(&paths, &format!("{} will be {} at {at}", paths.join(", "), surface.wording("queued")))
            }
            Ok(chosen) => {
                let user = self.user.clone();
                for (agents, chosen) in chosen {
                    self.share(now, &agents, Action::Activate, &chosen, &user);
                }
                let asset =
                    |path: &String| self.repository.get(path).is_some_and(|node| node.primary_type() == "dam:Asset");
                let phrase = surface.wording(if paths.iter().all(asset) { "queued" } else { "folder-queued" });
                let message = if paths.iter().all(asset) {
                    format!("{} is {phrase}", paths.join(", "))
                } else {
                    format!("{} {phrase}", paths.join(", "))
                };
                replicated(paths, &message)
            }
        }
    }

    /// The agents that deliver a path, and all paths to deliver with it.
    fn for_publication(&self, path: &str) -> Result<(Vec<Agent>, Vec<String>), Refusal> {
        let chosen = self.publishable(path)?;
        Ok((self.agents_for(path)?, chosen))
    }

    fn agents_for(&self, path: &str) -> Result<Vec<Agent>, Refusal> {
        let configuration = self.configuration_for(path).ok_or_else(|| {
            let at = "com.adobe.cq.dam.mac.sync.impl.DAMSyncServiceImpl.getTenantFromConfiguration";
            (500, format!("java.lang.NullPointerException at {at}: {path} has no Brand Portal configuration"))
        })?;
        let no_agent = self.surfaces.get("author.replicate").phrase("no-agent");
        if self.line == Product::AemCloud && self.has_distribution_agent() {
            return Ok(Vec::new());
        }
        let agents = self.agents_of(&configuration.tenant(), &configuration.tenant_url);
        if agents.is_empty() { Err((500, format!("{no_agent} {path}"))) } else { Ok(agents) }
    }

    /// The configuration of the nearest folder, otherwise the first one (surfaces.md §3.3).
    pub(super) fn configuration_for(&self, path: &str) -> Option<CloudConfiguration> {
        let all = self.cloud_configurations();
        let ancestors = std::iter::successors(Some(path), |path| split(path).map(|(parent, _)| parent));
        let named = ancestors
            .filter_map(|path| self.repository.get(path))
            .find_map(|node| node.text("mpConfig").or_else(|| node.child("jcr:content")?.text("mpConfig")));
        let Some(named) = named else { return all.into_iter().next() };
        let name = named.trim_end_matches('/').trim_end_matches("/jcr:content").rsplit('/').next()?;
        all.into_iter().find(|configuration| configuration.name == name)
    }

    /// Unpublish from Brand Portal.
    pub(super) fn unpublish(&mut self, now: Timestamp, form: &Form) -> Response {
        let paths = form.all(self.surfaces.get("author.unpublish").field("path"));
        if paths.is_empty() {
            return plain(400, "path is missing\n");
        }
        let agents: Result<Vec<_>, Refusal> = paths.iter().map(|path| self.agents_for(path)).collect();
        let agents = match agents {
            Ok(agents) => agents,
            Err((status, problem)) => return plain(status, &format!("{problem}\n")),
        };
        let user = self.user.clone();
        for (path, agents) in paths.iter().zip(agents) {
            let chosen = self.unpublishable(path);
            self.share(now, &agents, Action::Deactivate, &chosen, &user);
            self.brand_portal.scheduled.retain(|scheduled| !scheduled.paths.contains(path));
        }
        replicated(paths, &format!("{} is queued to be unpublished from Brand Portal", paths.join(", ")))
    }

    /// Distributes jobs round-robin over all agents, enabled or not.
    fn share(&mut self, now: Timestamp, agents: &[Agent], action: Action, paths: &[String], user: &str) {
        if self.line == Product::AemCloud {
            return self.publish_by_distribution(now, action, paths);
        }
        for path in paths {
            let turn = self.brand_portal.turn % agents.len();
            self.brand_portal.turn += 1;
            self.enqueue(now, &agents[turn].id, action, path, user);
        }
    }

    /// Publishes what is due.
    pub(super) fn publish_scheduled(&mut self, now: Timestamp) {
        let scheduled = std::mem::take(&mut self.brand_portal.scheduled);
        let (due, later): (Vec<_>, Vec<_>) = scheduled.into_iter().partition(|scheduled| scheduled.due <= now);
        self.brand_portal.scheduled = later;
        for ScheduledPublication { paths, user, .. } in due {
            for path in paths {
                match self.for_publication(&path) {
                    Ok((agents, chosen)) => self.share(now, &agents, Action::Activate, &chosen, &user),
                    Err((_, problem)) => {
                        self.product.log(now, "ERROR", "com.adobe.cq.dam.mac.sync.impl.DAMSyncServiceImpl", &problem);
                    }
                }
            }
        }
    }

    /// `/bin/replicate.json`: with the named agent, otherwise with all that are not ignored on normal replication.
    pub(super) fn replicate(&mut self, now: Timestamp, form: &Form) -> Response {
        let surfaces = std::sync::Arc::clone(&self.surfaces);
        let surface = surfaces.get("author.replicate");
        let paths = form.all(surface.field("path")).to_vec();
        let Some(action) = form.get(surface.field("command")).and_then(Action::read) else {
            return plain(400, "cmd must be Activate or Deactivate\n");
        };
        let known = ["path", "command", "agent"].map(|word| surface.field(word));
        if let Some(other) = form.other_than(&known) {
            return plain(400, &format!("the mock does not know the field {other} of a replication\n"));
        }
        let named = form.get(surface.field("agent")).filter(|agent| !agent.is_empty());
        self.replicate_by(now, named, action, &paths)
    }

    /// Tree activation: a node and all pages and assets below it.
    pub(super) fn activate_tree(&mut self, now: Timestamp, form: &Form) -> Response {
        let surfaces = std::sync::Arc::clone(&self.surfaces);
        let surface = surfaces.get("author.tree-activation");
        let command = form.get(surface.field("command")).unwrap_or_default();
        let root = form.get(surface.field("path")).unwrap_or_default();
        if command != surface.phrase("activate") && command != surface.phrase("dry-run") {
            return plain(400, &format!("the command `{command}` is not known\n"));
        }
        let options = ["ignoredeactivated", "onlymodified"];
        if let Some(other) =
            form.other_than(&[&[surface.field("command"), surface.field("path")], &options[..]].concat())
        {
            return plain(400, &format!("the mock does not know the field {other} of a tree activation\n"));
        }
        let is_on = |option: &str| form.get(option).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let [ignores_deactivated, only_modified] = options.map(is_on);
        let is_left_out = |node: &Node| {
            (ignores_deactivated && is_deactivated(node)) || (only_modified && !is_modified_since_replication(node))
        };
        let content = |node: &Node| {
            matches!(node.primary_type(), "cq:Page" | "dam:Asset" | "cq:Tag") || node.primary_type().ends_with("Folder")
        };
        let inside = |path: &str| path.contains("/jcr:content");
        let paths: Vec<_> = self
            .repository
            .walk(root)
            .filter(|(path, node)| content(node) && !inside(path) && !is_left_out(node))
            .map(|(path, _)| path)
            .collect();
        if command == surface.phrase("dry-run") {
            return replicated(&paths, &format!("{} would be activated", paths.len()));
        }
        self.replicate_by(now, None, Action::Activate, &paths)
    }

    fn replicate_by(&mut self, now: Timestamp, named: Option<&str>, action: Action, paths: &[String]) -> Response {
        if let Some(missing) = paths.iter().find(|path| action == Action::Activate && !self.repository.exists(path)) {
            return plain(404, &format!("there is no {missing}\n"));
        }
        let agents: Vec<_> = (self.agents().into_iter())
            .filter(|agent| agent.enabled && named.map_or(!agent.ignored, |named| agent.id == named))
            .collect();
        if agents.is_empty() || paths.is_empty() {
            let problem = self.surfaces.get("author.replicate").phrase("no-agent");
            return plain(400, &format!("{problem} {}\n", paths.join(", ")));
        }
        let user = self.user.clone();
        for path in paths {
            for agent in &agents {
                self.enqueue(now, &agent.id, action, path, &user);
            }
        }
        replicated(paths, &format!("Replication started for {}", paths.join(", ")))
    }

    /// The size of an asset, in bytes; 0 for any other node.
    pub(super) fn size_of(&self, path: &str) -> i64 {
        let original = self.repository.get(&join(path, ORIGINAL)).and_then(|node| node.properties.get("jcr:data"));
        match original {
            Some(Value::Binary(bytes)) => i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            _ => 0,
        }
    }

    /// The body of a delivery: the bytes of the asset, or the node as JSON. The grammar of the real body is not known; it is
    /// opaque for the tenant (surfaces.md §4.5).
    pub(super) fn package(&self, delivery: &Delivery) -> Result<Vec<u8>, String> {
        if delivery.action() != Action::Activate {
            return Ok(Vec::new());
        }
        self.content_of(delivery.path())
    }

    /// The body of a delivery of a path.
    pub(super) fn content_of(&self, path: &str) -> Result<Vec<u8>, String> {
        let node = self
            .repository
            .get(path)
            .ok_or_else(|| format!("Repository error during node export: javax.jcr.PathNotFoundException: {path}"))?;
        let original = self.repository.get(&join(path, ORIGINAL)).and_then(|node| node.properties.get("jcr:data"));
        Ok(match original {
            Some(Value::Binary(bytes)) => bytes.clone(),
            _ => node.dump().to_string().into_bytes(),
        })
    }

    /// Writes the replication status to a delivered resource (surfaces.md §4.4).
    pub(super) fn mark_replicated(&mut self, now: Timestamp, item: &Item) {
        self.mark(now, &item.path, &item.user, item.action);
        self.contribution_folder_delivered(now, item);
    }

    /// Writes the replication status to a resource.
    pub(super) fn mark(&mut self, now: Timestamp, path: &str, user: &str, action: Action) {
        let content = join(path, "jcr:content");
        let path = if self.repository.exists(&content) { content } else { path.to_owned() };
        if let Some(node) = self.repository.get_mut(&path) {
            node.set("cq:lastReplicated", now);
            node.set("cq:lastReplicatedBy", user);
            node.set("cq:lastReplicationAction", action.word());
        }
    }
}

/// The node that has the replication status.
fn replicated_node(node: &Node) -> &Node {
    node.child("jcr:content").unwrap_or(node)
}

fn is_deactivated(node: &Node) -> bool {
    replicated_node(node).text("cq:lastReplicationAction") == Some(Action::Deactivate.word())
}

/// Whether a node was modified after it was last replicated, or never was.
fn is_modified_since_replication(node: &Node) -> bool {
    let date = |name: &str| match replicated_node(node).properties.get(name) {
        Some(Value::Date(date, _)) => Some(*date),
        _ => None,
    };
    let modified = date("cq:lastModified").or_else(|| date("jcr:lastModified"));
    date("cq:lastReplicated").is_none_or(|replicated| modified.is_some_and(|modified| modified > replicated))
}

fn replicated(paths: &[String], message: &str) -> Response {
    Response::json(200, &json!({ "path": paths, "status.code": 200, "status.message": message }))
}
