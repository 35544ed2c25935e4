//! Replication agents and their pages (surfaces.md §4.1).

use bpconform_fixtures::Surface;
use bpconform_fixtures::surfaces::expand;
use jiff::Timestamp;

use super::page::{Field, document, form as html_form};
use super::secret::unprotect;
use super::token::Provider;
use crate::author::repository::{Node, join};
use crate::author::{Author, escape, html};
use crate::machine::Response;

/// The number of agents that AEM creates for a tenant.
pub(super) const AGENTS: usize = 4;

/// A replication agent, read from its node.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a check box of the agent's dialog")]
pub(super) struct Agent {
    /// The name of its node, which is its id.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) enabled: bool,
    pub(super) target: String,
    pub(super) ignored: bool,
    pub(super) user: String,
    pub(super) transport_user: String,
    transport_password: String,
    oauth: bool,
    provider: String,
    /// Whether the provider is given by its PID, which is deprecated.
    pub(super) by_pid: bool,
    pub(super) connect_timeout: i64,
    pub(super) socket_timeout: i64,
    pub(super) http_version: String,
    pub(super) close_connection: bool,
    pub(super) retry_delay: i64,
}

/// How an agent authenticates at the tenant.
#[derive(Debug)]
pub(super) enum Identity {
    /// With a bearer token of this provider.
    OAuth(Provider),
    /// With user and password.
    Password(String, String),
    /// Not at all.
    Nobody,
    /// With a token that is unavailable: OAuth is switched off, or the provider does not exist (§4.2).
    Broken,
}

impl Agent {
    fn read(surface: &Surface, id: &str, node: &Node) -> Self {
        let text = |word: &str| node.text(surface.field(word)).unwrap_or_default().to_owned();
        let number = |word: &str, default| node.number(surface.field(word)).unwrap_or(default);
        let (pid, name) = (text("provider-pid"), text("provider-name"));
        Self {
            id: id.to_owned(),
            title: text("title"),
            enabled: node.flag(surface.field("enabled")),
            target: text("target"),
            ignored: node.flag(surface.field("trigger")),
            user: text("user"),
            transport_user: text("transport-user"),
            transport_password: text("transport-password"),
            oauth: node.flag(surface.field("oauth")),
            by_pid: name.is_empty(),
            provider: if name.is_empty() { pid } else { name },
            connect_timeout: number("connect-timeout", 10_000),
            socket_timeout: number("socket-timeout", 10_000),
            http_version: Some(text("http-version"))
                .filter(|version| !version.is_empty())
                .unwrap_or_else(|| "1.0".into()),
            close_connection: node.flag(surface.field("close-connection")),
            retry_delay: number("retry-delay", 60_000).max(1_000),
        }
    }

    /// Host and port of the target in the format of the transcript: -1 for an address without a port.
    pub(super) fn host(&self) -> String {
        let url = url::Url::parse(&self.target).ok();
        let host = url.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned();
        let port = url.and_then(|url| url.port()).map_or(-1, i32::from);
        format!("{host}:{port}")
    }
}

impl Author {
    /// The parent of the agents.
    pub(super) fn agents_path(&self) -> String {
        let path = &self.surfaces.get("author.agents-page").path;
        path.trim_end_matches(".html").to_owned()
    }

    /// All replication agents, in order.
    pub(super) fn agents(&self) -> Vec<Agent> {
        let folder = self.agents_path();
        let names = self.repository.get(&folder).into_iter().flat_map(|folder| folder.children.keys());
        names.filter_map(|name| self.agent(name)).collect()
    }

    /// The agent of that id.
    pub(super) fn agent(&self, id: &str) -> Option<Agent> {
        let surface = self.surfaces.get("author.agent");
        let content = self.repository.get(&format!("{}/{id}/jcr:content", self.agents_path()))?;
        let kind = content.text(surface.field("resource-type"))?;
        kind.ends_with(surface.phrase("resource-type")).then(|| Agent::read(surface, id, content))
    }

    /// How an agent authenticates at the tenant.
    pub(super) fn identity(&self, agent: &Agent) -> Identity {
        if agent.oauth {
            return self.provider(&agent.provider).map_or(Identity::Broken, Identity::OAuth);
        }
        let password = unprotect(&agent.transport_password).unwrap_or_else(|| agent.transport_password.clone());
        match (agent.transport_user.as_str(), password, agent.provider.as_str()) {
            (user, password, _) if !user.is_empty() && !password.is_empty() => {
                Identity::Password(user.to_owned(), password)
            }
            (_, _, "") => Identity::Nobody,
            _ => Identity::Broken,
        }
    }

    /// The agents of a tenant by their generated names, with the single agent of older releases.
    pub(super) fn agents_of(&self, tenant: &str, tenant_url: &str) -> Vec<Agent> {
        let ids = (0..AGENTS).map(|index| self.agent_id(tenant, index));
        let agents: Vec<_> = ids.filter_map(|id| self.agent(&id)).collect();
        if !agents.is_empty() {
            return agents;
        }
        let target = format!("{}/", tenant_url.trim_end_matches('/'));
        self.agents().into_iter().filter(|agent| agent.target.starts_with(&target)).collect()
    }

    /// The id that AEM generates for one of a tenant's agents.
    pub(super) fn agent_id(&self, tenant: &str, index: usize) -> String {
        self.agent_phrase("name", tenant, index, "")
    }

    /// A phrase of `author.agents`, filled in.
    pub(super) fn agent_phrase(&self, word: &str, tenant: &str, index: usize, tenant_url: &str) -> String {
        let values =
            [("tenant", tenant.to_owned()), ("index", index.to_string()), ("tenant-url", tenant_url.to_owned())];
        let values = values.map(|(name, value)| (name.to_owned(), value)).into();
        expand(self.surfaces.get("author.agents").phrase(word), &values).unwrap_or_else(|name| name)
    }

    /// The page of an agent, with the texts of a real one.
    pub(super) fn agent_page(&self, now: Timestamp, agent: &Agent) -> Response {
        let Agent { id, title, target, .. } = agent;
        let path = escape(&join(&self.agents_path(), id));
        let enabled = if agent.enabled { "enabled" } else { "disabled" };
        let ignored = if agent.ignored {
            "Agent is ignored on normal replication"
        } else {
            "Agent is used on normal replication"
        };
        let state = self.queue_state(agent);
        let rows: Vec<_> =
            self.queue_items(id).iter().map(|(_, item)| format!("<tr>{}</tr>\n", item.cells())).collect();
        let rows = rows.concat();
        let commands = self.queue_commands(now, &path, state.is_paused());
        let body = format!(
            "<p>({id})</p>\n<ul>\n<li>Agent is <strong>{enabled}.</strong> Replicating to <strong>{target}</strong></li>\n\
             <li class=\"{class}\">Queue is <strong>{state}</strong></li>\n<li>{ignored}</li>\n</ul>\n\
             <p><a href=\"{path}.log.html\">View log</a> <a href=\"{path}.test.html\">Test Connection</a></p>\n\
             <p><a href=\"{path}.html\">Refresh</a></p>\n{commands}\
             <table><thead><tr><th>Time</th><th>Type</th><th>User</th><th>Size</th><th>Path</th></tr></thead>\n\
             <tbody>{rows}</tbody></table>\n<footer>{title}: {footer}</footer>",
            id = escape(id),
            target = escape(target),
            title = escape(title),
            class = state.class(),
            footer = state.word(),
        );
        document(200, title, &body)
    }

    /// The buttons for the queue of an agent.
    fn queue_commands(&self, now: Timestamp, path: &str, paused: bool) -> String {
        let surface = self.surfaces.get("author.agent-queue-command");
        let token = self.csrf_field(now);
        let action = format!("{path}/jcr:content.queue.json");
        let pause = if paused { ("resume", "Resume") } else { (surface.phrase("pause"), "Pause") };
        let button = |(command, label): (&str, &str)| {
            html_form("post", &action, &[token.field(), Field::Hidden(surface.field("command"), command)], label)
        };
        [(surface.phrase("clear"), "Clear"), pause].map(button).concat()
    }

    /// Agents on author.
    pub(super) fn agents_page(&self) -> Response {
        let agents: String = self.agents().iter().map(|agent| self.agent_entry(agent)).collect();
        document(200, "Agents on author", &format!("<ul>\n{agents}</ul>"))
    }

    fn agent_entry(&self, agent: &Agent) -> String {
        let header = if agent.enabled { "cq-agent-header-on" } else { "cq-agent-header-off" };
        let state = self.queue_state(agent);
        format!(
            "<li><div class=\"{header}\"><a href=\"{path}.html\">{title}</a> ({id})</div>\n\
             <ul><li>Replicating to {target}</li>\n<li class=\"li-bullet {class}\">Queue is {state}</li></ul></li>\n",
            path = escape(&join(&self.agents_path(), &agent.id)),
            title = escape(&agent.title),
            id = escape(&agent.id),
            target = escape(&agent.target),
            class = state.class(),
        )
    }

    /// The log of one agent.
    pub(super) fn agent_log(&self, agent: &Agent) -> Response {
        let lines = self.brand_portal.logs.get(&agent.id).into_iter().flatten();
        let lines: Vec<_> = lines.map(|line| format!("{}<br>\n", escape(&line.in_log(&agent.id)))).collect();
        let lines = lines.concat();
        html(200, &format!("<!DOCTYPE html>\n<html><body><code>\n{lines}</code></body></html>\n"))
    }
}
