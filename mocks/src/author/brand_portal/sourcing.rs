//! Asset Sourcing: contribution folders, and the poll that imports contributions (surfaces.md §6.12).

use std::collections::VecDeque;

use bpconform_fixtures::surfaces::{Arguments, expand};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use url::Url;

use super::cloud::CloudConfiguration;
use super::queue::{Action, Item};
use super::token::Provider;
use super::{Conversation, start};
use crate::author::Author;
use crate::author::plain;
use crate::author::repository::{join, split};
use crate::machine::{Call, CallResult, Form, Response, Step};

/// The property of a contribution folder; the real one is not known.
const MARK: &str = "contributionFolder";

/// A poll of the tenant in progress.
#[derive(Debug)]
pub(super) struct Poll {
    configuration: CloudConfiguration,
    bearer: String,
    stage: Stage,
    /// The contributions that are not fetched yet.
    left: VecDeque<Contribution>,
}

#[derive(Debug)]
enum Stage {
    Token(Provider),
    List,
    Fetch(Contribution),
    Take,
}

#[derive(Clone, Debug)]
struct Contribution {
    /// The path on the tenant, below its assets.
    file: String,
    kind: String,
}

impl Author {
    /// Creates a contribution folder with its folders NEW and SHARED.
    pub(super) fn create_contribution_folder(&mut self, now: Timestamp, form: &Form) -> Response {
        let surfaces = std::sync::Arc::clone(&self.surfaces);
        let surface = surfaces.get("author.contribution-folder-create");
        let path = form.get(surface.field("path")).unwrap_or_default().trim_end_matches('/').to_owned();
        let parent = split(&path).map(|(parent, _)| parent.to_owned()).unwrap_or_default();
        if !path.starts_with("/content/dam/") || !self.repository.exists(&parent) {
            return plain(400, &format!("`{path}` is not the path of a folder of assets\n"));
        }
        if self.repository.exists(&path) {
            return plain(409, &format!("{path} exists already\n"));
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        self.store_folder(now, &path, form.get(surface.field("title")).unwrap_or(name));
        for word in ["new", "shared"] {
            self.store_folder(now, &join(&path, surface.phrase(word)), surface.phrase(word));
        }
        if let Some(content) = self.repository.get_mut(&join(&path, "jcr:content")) {
            content.set(MARK, true);
        }
        Response::json(201, &json!({ "path": path }))
    }

    fn is_contribution_folder(&self, path: &str) -> bool {
        self.repository.get(&join(path, "jcr:content")).is_some_and(|content| content.flag(MARK))
    }

    /// Starts polling once a contribution folder is on the tenant.
    pub(super) fn contribution_folder_delivered(&mut self, now: Timestamp, item: &Item) {
        if item.action == Action::Activate && self.is_contribution_folder(&item.path) {
            self.brand_portal.sourced.insert(item.path.clone());
            let next = now + self.poll_pause();
            self.brand_portal.next_poll.get_or_insert(next);
        } else if item.action == Action::Deactivate {
            self.brand_portal.sourced.remove(&item.path);
        }
    }

    fn poll_pause(&self) -> SignedDuration {
        let minutes = self.surfaces.get("author.contribution-folder-create").phrase("poll-minutes").parse();
        SignedDuration::from_mins(minutes.unwrap_or(5))
    }

    /// Starts a poll if one is due; `None` without a contribution folder on the tenant.
    pub(super) fn poll(&mut self, now: Timestamp) -> Option<Step> {
        let due = self.brand_portal.next_poll.filter(|due| *due <= now)?;
        let mut sourced = std::mem::take(&mut self.brand_portal.sourced);
        sourced.retain(|path| self.repository.exists(path));
        let folder = sourced.first().cloned();
        self.brand_portal.sourced = sourced;
        self.brand_portal.next_poll = folder.as_ref().map(|_| due + self.poll_pause());
        let configuration = self.configuration_for(&folder?)?;
        let provider = self.provider(&configuration.ims)?;
        let call = match self.token_request(now, &provider) {
            Ok(call) => call,
            Err(problem) => {
                self.token_failure(now, &problem);
                return None;
            }
        };
        let poll = Poll { configuration, bearer: String::new(), stage: Stage::Token(provider), left: VecDeque::new() };
        Some(start(&mut self.brand_portal, Conversation::Poll(Box::new(poll)), call))
    }

    /// Continues a poll with the result of a call.
    pub(super) fn poll_resumed(&mut self, now: Timestamp, mut poll: Poll, outcome: CallResult) -> Step {
        match std::mem::replace(&mut poll.stage, Stage::List) {
            Stage::Token(provider) => {
                let Ok(token) = self.token_answer(now, provider.is_jwt(), outcome) else { return Step::Done };
                poll.bearer = format!("Bearer {}", token.value);
                let list = self.at_tenant(&poll, "tenant.contributions", "");
                return list.map_or(Step::Done, |call| self.go_on(poll, call));
            }
            Stage::List => {
                poll.left = outcome.map(|response| listed(&response, &poll.configuration)).unwrap_or_default();
            }
            Stage::Fetch(contribution) => {
                if let Some(taken) = self.import(now, &poll, &contribution, outcome) {
                    poll.stage = Stage::Take;
                    return self.go_on(poll, taken);
                }
            }
            Stage::Take => {}
        }
        self.fetch_next(poll)
    }

    fn fetch_next(&mut self, mut poll: Poll) -> Step {
        while let Some(next) = poll.left.pop_front() {
            if let Some(call) = self.at_tenant(&poll, "tenant.contribution", &next.file) {
                poll.stage = Stage::Fetch(next);
                return self.go_on(poll, call);
            }
        }
        Step::Done
    }

    /// Stores a contribution in its folder; returns the call that removes it from the tenant.
    fn import(
        &mut self,
        now: Timestamp,
        poll: &Poll,
        contribution: &Contribution,
        outcome: CallResult,
    ) -> Option<Call> {
        let response = outcome.ok().filter(|response| response.status == 200)?;
        let path = format!("/content/dam/{}", contribution.file);
        let (folder, _) = split(&path)?;
        if !self.repository.exists(folder) {
            return None;
        }
        "dam-replication-service".clone_into(&mut self.user);
        self.store_asset(now, &path, &contribution.kind, response.body);
        self.at_tenant(poll, "tenant.contribution-taken", &contribution.file)
    }

    fn at_tenant(&self, poll: &Poll, surface: &str, file: &str) -> Option<Call> {
        let surface = self.surfaces.get(surface);
        let mut arguments = Arguments::new();
        arguments.insert("tenant".into(), poll.configuration.tenant());
        arguments.insert("file".into(), file.to_owned());
        let mut url = Url::parse(&poll.configuration.tenant_url).ok()?;
        url.set_path(&expand(&surface.path, &arguments).ok()?);
        let headers = vec![("authorization".to_owned(), poll.bearer.clone())];
        Some(Call { method: surface.method.clone(), url: url.into(), headers, body: Vec::new() })
    }

    fn go_on(&mut self, poll: Poll, call: Call) -> Step {
        start(&mut self.brand_portal, Conversation::Poll(Box::new(poll)), call)
    }
}

/// The contributions that the tenant lists below its own assets.
fn listed(response: &Response, configuration: &CloudConfiguration) -> VecDeque<Contribution> {
    let answer: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let root = format!("/content/dam/mac/{}/", configuration.tenant());
    let entries = answer["contributions"].as_array().map_or(&[][..], Vec::as_slice);
    let read = |entry: &serde_json::Value| {
        let file = entry["path"].as_str()?.strip_prefix(&root)?.to_owned();
        Some(Contribution { file, kind: entry["contentType"].as_str().unwrap_or_default().to_owned() })
    };
    entries.iter().filter_map(read).collect()
}
