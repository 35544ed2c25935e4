//! The Author's Brand Portal functions: IMS configurations, the cloud service, agents, publishing.
//! The repository holds the persistent state; [`BrandPortal`] holds the state that a restart would lose.

mod agent;
mod assets;
mod assets_api;
mod cloud;
mod consoles;
mod delivery;
mod distribution;
mod distribution_resources;
mod ims;
mod key_store;
mod osgi;
mod page;
mod publish;
mod queue;
mod secret;
mod selection;
mod skins;
mod sourcing;
mod token;
mod transcript;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bpconform_fixtures::surfaces::Arguments;
use bpconform_fixtures::{Surface, Surfaces};
use jiff::Timestamp;

use super::Author;
use super::repository::join;
use crate::machine::{Call, CallResult, Form, Request, Response, Step, Ticket};
use agent::Agent;
use delivery::{Delivery, Job};
pub(crate) use skins::Locale;
pub use skins::{Skin, UiAssets};

/// The state of Brand Portal outside the repository.
#[derive(Debug, Default)]
pub struct BrandPortal {
    /// Random parts of names.
    names: secret::RandomNames,
    /// The conversations that wait for the result of a call.
    waiting: BTreeMap<Ticket, Conversation>,
    /// The last ticket.
    tickets: Ticket,
    /// The pending steps after a cloud service was saved.
    pending: Vec<cloud::Pending>,
    /// The workers of the queues, by agent.
    workers: BTreeMap<String, queue::Worker>,
    /// The logs, by agent.
    logs: BTreeMap<String, VecDeque<transcript::Line>>,
    /// The tokens in use, by provider.
    tokens: BTreeMap<String, token::Token>,
    /// The index of the agent that gets the next job.
    turn: usize,
    /// The scheduled publications.
    scheduled: Vec<publish::ScheduledPublication>,
    /// The assets in processing, with the end of processing.
    processing: Vec<(Timestamp, String)>,
    /// The contribution folders that are on the tenant.
    sourced: BTreeSet<String>,
    /// The time of the next poll for contributions.
    next_poll: Option<Timestamp>,
    /// The distribution agents that are delivering.
    distributing: BTreeSet<String>,
    /// The number of distribution requests.
    requests: u64,
}

/// A conversation that continues with the result of a call.
#[derive(Debug)]
enum Conversation {
    /// Check Health of an IMS configuration.
    Health(token::Provider),
    /// A delivery to the tenant.
    Delivery(Box<Delivery>),
    /// A delivery by a distribution agent.
    Distribution(Box<distribution::Distribution>),
    /// A poll of the tenant for contributions.
    Poll(Box<sourcing::Poll>),
}

/// Stores a conversation under a new ticket and returns its call.
fn start(brand_portal: &mut BrandPortal, conversation: Conversation, call: Call) -> Step {
    brand_portal.tickets += 1;
    brand_portal.waiting.insert(brand_portal.tickets, conversation);
    Step::Call(brand_portal.tickets, call)
}

impl Author {
    /// Runs at the start of an Author: encrypts the secrets that a seed holds in clear.
    pub(crate) fn brand_portal_start(&mut self) {
        self.protect_secrets();
        self.protect_keys();
        self.repository.ensure(queue::JOBS, "sling:Folder");
    }

    /// Answers a request to an endpoint of Brand Portal; `None` for any other endpoint.
    pub(crate) fn brand_portal_surface(
        &mut self,
        now: Timestamp,
        surface: &Surface,
        arguments: &Arguments,
        request: &Request,
        form: &Form,
    ) -> Option<Step> {
        if let Some((id, agent)) = self.agent_surface(request) {
            return Some(self.at_agent(now, &id, agent, request, form));
        }
        if let Some(step) = self.distribution_surface(now, &surface.id, arguments, form) {
            return Some(step);
        }
        Some(Step::Answer(match surface.id.as_str() {
            "author.ims-console" => self.ims_console(now),
            "author.ims-create" => {
                let back = self.surfaces.get("author.ims-console").path.clone();
                page::shown(request, self.ims_create(form), "IMS configuration created", &back)
            }
            "author.ims-delete" => {
                let back = self.surfaces.get("author.ims-console").path.clone();
                page::shown(request, self.ims_delete(form), "IMS configuration deleted", &back)
            }
            "author.ims-health" => return Some(self.ims_health(now, form)),
            "author.osgi-configuration" => self.configuration_manager(arguments.get("pid")?, request, form),
            "author.console-configuration" => self.configuration_json(arguments.get("pid")?),
            "author.cloud-console" => self.cloud_console(now),
            "author.cloud-create" => {
                let back = self.surfaces.get("author.cloud-console").path.clone();
                let saved = "Saved: the configuration, its user and its four agents appear in a moment";
                page::shown(request, self.cloud_create(now, form), saved, &back)
            }
            "author.agents-page" => self.agents_page(),
            "author.assets-page" | "author.tags-page" => {
                let title = if surface.id == "author.tags-page" { "AEM Tags" } else { "AEM Assets | Files" };
                return self.console(now, title, &surface.path, arguments.get("path")?).map(Step::Answer);
            }
            "author.publish" => {
                let answer = self.publish(now, form);
                self.shown_in_console(request, form, "author.publish", answer)
            }
            "author.unpublish" => {
                let answer = self.unpublish(now, form);
                self.shown_in_console(request, form, "author.unpublish", answer)
            }
            "author.replicate" => self.replicate(now, form),
            "author.tree-activation" => self.activate_tree(now, form),
            "author.contribution-folder-create" => self.create_contribution_folder(now, form),
            "author.asset-create" => self.asset_create(now, arguments.get("folder")?, form),
            "author.assets-api-create" => self.api_create(now, arguments.get("path")?, request, form),
            "author.assets-api-root" => self.api_root(form),
            "author.assets-api-update" => self.api_update(now, arguments.get("path")?, request),
            "author.assets-api-copy" => self.api_copy(arguments.get("path")?, request, false),
            "author.assets-api-move" => self.api_copy(arguments.get("path")?, request, true),
            "author.assets-api-read" => self.api_read(arguments.get("path")?, form),
            "author.assets-api-delete" => self.api_delete(arguments.get("path")?),
            "author.certificate-create" => {
                let back = self.surfaces.get("author.ims-console").path.clone();
                page::shown(request, self.certificate_create(now, form), "Certificate created", &back)
            }
            "author.certificate-download" => self.certificate_download(arguments.get("alias")?),
            "author.key-store" => self.key_store(arguments.get("user")?)?,
            "author.key-store-write" => self.key_store_write(arguments.get("user")?, form)?,
            _ => return None,
        }))
    }

    /// The endpoint of an existing agent that serves a request. Several endpoints match the same path, since the name of an
    /// agent may contain dots; only one of the agents exists.
    fn agent_surface(&self, request: &Request) -> Option<(String, Agent)> {
        const OF_AGENTS: [&str; 6] = [
            "author.agent-queue-full",
            "author.agent-test",
            "author.agent-log",
            "author.agent-page",
            "author.agent-queue",
            "author.agent-queue-command",
        ];
        OF_AGENTS.iter().find_map(|id| {
            let surface = self.surfaces.find(id).or_else(|| Surfaces::mocked_only().find(id))?;
            let arguments = surface.matches(&request.method, &request.path)?;
            Some(((*id).to_owned(), self.agent(arguments.get("agent")?)?))
        })
    }

    fn at_agent(&mut self, now: Timestamp, surface: &str, agent: Agent, request: &Request, form: &Form) -> Step {
        Step::Answer(match surface {
            "author.agent-test" => return self.deliver(now, agent, Job::Test),
            "author.agent-log" => self.agent_log(&agent),
            "author.agent-queue" | "author.agent-queue-full" => self.queue_json(now, &agent),
            "author.agent-queue-command" => {
                let back = format!("{}.html", join(&self.agents_path(), &agent.id));
                page::shown(request, self.queue_command(now, &agent, form), "Queue changed", &back)
            }
            _ => self.agent_page(now, &agent),
        })
    }

    /// See [`crate::machine::Machine::resume`].
    pub(crate) fn brand_portal_resume(&mut self, now: Timestamp, ticket: Ticket, outcome: CallResult) -> Step {
        match self.brand_portal.waiting.remove(&ticket) {
            Some(Conversation::Health(provider)) => self.ims_health_checked(now, &provider, outcome),
            Some(Conversation::Delivery(delivery)) => self.delivery_resumed(now, *delivery, outcome),
            Some(Conversation::Distribution(distribution)) => self.distribution_resumed(now, *distribution, outcome),
            Some(Conversation::Poll(poll)) => self.poll_resumed(now, *poll, outcome),
            None => Step::Answer(Response::new(
                500,
                "text/plain;charset=utf-8",
                format!("nothing waits for call {ticket}\n"),
            )),
        }
    }

    /// See [`crate::machine::Machine::tick`].
    pub(crate) fn brand_portal_tick(&mut self, now: Timestamp) -> Vec<(Ticket, Call)> {
        self.provision(now);
        self.process_assets(now);
        self.publish_scheduled(now);
        let poll = self.poll(now);
        let due: Vec<_> = self.due_deliveries().into_iter().filter(|(due, ..)| *due <= now).collect();
        let deliveries = due.into_iter().map(|(_, agent, node, item)| {
            self.take_up(now, &agent.id);
            self.deliver(now, agent, Job::Item(node, item))
        });
        let deliveries: Vec<_> = deliveries.collect();
        let distributions = self.due_distributions().into_iter().filter(|(due, _)| *due <= now);
        let distributions: Vec<_> =
            distributions.map(|(_, distribution)| self.begin_distribution(now, distribution)).collect();
        let steps = deliveries.into_iter().chain(distributions).chain(poll);
        let calls = steps.filter_map(|step| match step {
            Step::Call(ticket, call) => Some((ticket, call)),
            Step::Answer(_) | Step::Done => None,
        });
        calls.collect()
    }

    /// See [`crate::machine::Machine::next_due`].
    pub(crate) fn brand_portal_next_due(&self) -> Option<Timestamp> {
        let pending = self.brand_portal.pending.iter().map(|pending| pending.due);
        let scheduled = self.brand_portal.scheduled.iter().map(|scheduled| scheduled.due);
        let processing = self.brand_portal.processing.iter().map(|(due, _)| *due);
        let deliveries = self.due_deliveries().into_iter().map(|(due, ..)| due);
        let distributions = self.due_distributions().into_iter().map(|(due, _)| due);
        let due = pending.chain(scheduled).chain(processing).chain(deliveries).chain(distributions);
        due.chain(self.brand_portal.next_poll).min()
    }
}

#[cfg(test)]
mod tests;
