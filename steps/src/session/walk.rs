//! The steps of an action, under way on a page of the Author.

use std::collections::BTreeMap;
use std::time::Duration;

use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::ui::{Label, Overlay, UiAction};
use bpconform_fixtures::{Cause, Surface};

use super::Session;
use super::gate::Gate;
use crate::browser::page::{Handle, Page};
use crate::call::Call;
use crate::problem::Problem;

/// How long a control is waited for; AEM opens some dialogs seconds later.
pub(super) const APPEARING: Duration = Duration::from_secs(12);

/// How long a dialog may take to open after a request that asks.
const NEXT_DIALOG: Duration = Duration::from_secs(1);

/// How often the page is looked at while something is waited for.
pub(super) const PAUSE: Duration = Duration::from_millis(60);

/// The steps of an action, under way.
pub(super) struct Walk<'a> {
    pub(super) session: &'a Session,
    pub(super) surface: &'a Surface,
    pub(super) action: &'a UiAction,
    pub(super) call: &'a Call,
    pub(super) gate: &'a Gate<'a>,
    pub(super) page: &'a Page<'a>,
    pub(super) labels: &'a BTreeMap<String, Label>,
    pub(super) overlays: &'a [Overlay],
    /// The item of a list that was chosen.
    pub(super) item: Option<Chosen>,
    /// What the step does that is under way, or was done last.
    pub(super) doing: String,
    /// What was done since the page was looked at.
    pub(super) done: Vec<String>,
    /// The lines of the page before its request could be sent: without the labels of controls, and with them.
    pub(super) before: [Vec<String>; 2],
}

/// An item of a list, and the values by which it was recognised.
pub(super) struct Chosen {
    pub(super) handle: Handle,
    pub(super) values: Vec<String>,
}

impl Walk<'_> {
    /// Whether the request was sent, so that the further steps are no longer there. A change is sent once; what asks may
    /// have opened the dialog of the next step.
    pub(super) fn is_done(&self) -> bool {
        self.gate.has_sent_for(if self.surface.class == Class::Change { Duration::ZERO } else { NEXT_DIALOG })
    }

    /// The value of that name that a request would send, or by which a person knows what it is about.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        value(self.call, name)
    }

    /// A problem of the page, with its title and address. For the login page it is that problem.
    pub(super) async fn problem(&self, what: &str) -> Problem {
        let (address, title) = self.page.place().await.unwrap_or_default();
        if let Some(problem) = self.login_at(&address) {
            return problem;
        }
        Problem::error(self.clean(&format!("the page \"{title}\" at {address} {what}")))
    }

    /// A problem, with the title and address of the page.
    pub(super) async fn at_page(&self, problem: Problem) -> Problem {
        let (address, title) = self.page.place().await.unwrap_or_default();
        problem.about(self.clean(&format!("the page \"{title}\" at {address}")))
    }

    /// The problem that the page is the login page.
    pub(super) fn login_at(&self, address: &str) -> Option<Problem> {
        let login = &self.session.surface("author.login-page").path;
        address.contains(login.as_str()).then(|| {
            let problem = Problem::error(format!("the Author shows its login page at {}", self.clean(address)));
            problem.because(Cause::LoginInstead)
        })
    }

    pub(super) fn clean(&self, text: &str) -> String {
        crate::plain::plain_line(&self.session.run.redactor.redact_foreign(text))
    }

    /// The requests that were blocked, for the end of a message.
    pub(super) fn what_was_blocked(&self) -> String {
        let blocked = self.gate.blocked();
        if blocked.is_empty() { String::new() } else { format!("; blocked: {}", blocked.join(", ")) }
    }
}

/// The value of that name that a request would send, or by which a person knows what it is about.
pub(super) fn value<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    let all = call.words.iter().chain(&call.shown).chain(&call.fields);
    let found = all.filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).next();
    found.or_else(|| call.arguments.get(name).map(String::as_str)).filter(|value| !value.is_empty())
}
