//! What all scenarios of a run share, and what its operator knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bpconform_fixtures::{Allow, Cause, Surfaces, System, UserInterface};

use crate::browser::Browser;
use crate::journal::Journal;
use crate::login::Login;
use crate::problem::{Checked, Problem};
use crate::reads::Reads;
use crate::redact::Redactor;
use crate::welcome::Welcome;
use crate::wire::Wire;

/// What all scenarios of a run share.
#[derive(Debug)]
pub struct Run {
    /// A short id that stands in the name of everything that the run creates.
    pub id: String,
    /// What the run may do.
    pub allow: Allow,
    /// Whether the target is mocks, embedded or in a container: then endpoints that are unknown in reality are known.
    pub embedded: bool,
    /// The systems that are mocks next to a real Author: these too.
    pub mocks: BTreeSet<System>,
    /// Whether the Author has taken the run for a user.
    pub welcome: Welcome,
    /// How the Author reads user and password.
    pub login: Login,
    /// The endpoints of the target.
    pub surfaces: Arc<Surfaces>,
    /// The client.
    pub wire: Wire,
    /// The last gate for secrets.
    pub redactor: Redactor,
    /// What the operator knows and the target cannot say.
    pub settings: Settings,
    /// What was changed and is not undone yet.
    pub journal: Journal,
    /// Counts the conversations, so that what they create has different names.
    pub conversations: AtomicU32,
    /// What was read and may be shared.
    pub reads: Reads,
    /// The browser, if the run uses one.
    pub browsing: Option<Browsing>,
    /// What was read of the Author first, to notice that two Authors answer in turn.
    pub seen: Mutex<BTreeMap<&'static str, String>>,
}

impl Run {
    /// A run on real systems that changes nothing it would have to write down; what differs is set by its user.
    pub fn new(id: impl Into<String>, allow: Allow, surfaces: Arc<Surfaces>, wire: Wire, redactor: Redactor) -> Self {
        Self {
            id: id.into(),
            allow,
            embedded: false,
            mocks: BTreeSet::new(),
            welcome: Welcome::default(),
            login: Login::default(),
            surfaces,
            wire,
            redactor,
            settings: Settings::default(),
            journal: Journal::default(),
            conversations: AtomicU32::default(),
            reads: Reads::default(),
            browsing: None,
            seen: Mutex::default(),
        }
    }

    /// How the requests of the run name their sender: the program, its version and the run's id.
    pub(crate) fn user_agent(&self) -> String {
        format!("bpconform/{} (run {})", env!("CARGO_PKG_VERSION"), self.id)
    }

    /// An error if the Author differs from what this run read before, although the run changes nothing: a load balancer
    /// is in front of two Authors, or somebody else is editing the configuration.
    pub(crate) fn is_the_same(&self, what: &'static str, state: &str) -> Checked {
        if self.embedded || self.allow == Allow::Change {
            return Ok(());
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let first = seen.entry(what).or_insert_with(|| state.to_owned());
        if first == state {
            return Ok(());
        }
        let problem = Problem::error(format!(
            "{what} are not as this run read them before: two Authors answer in turn, or somebody edits them at the moment"
        ));
        Err(problem.because(Cause::TwoStates))
    }

    /// Whether a system is a mock, so that nothing about it is unknown.
    pub fn is_mock(&self, system: System) -> bool {
        self.embedded || self.mocks.contains(&system)
    }
}

/// The request of a page that did an action, and the values of the action. It holds secrets, and is never written as it is.
#[derive(Clone, Default)]
pub struct PageAction {
    /// The id of the endpoint that it took the place of.
    pub surface: String,
    /// Its method, in capitals.
    pub method: String,
    /// Its address.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// The values of the action: the harness's word for each, and the value.
    pub values: Vec<(String, String)>,
}

impl std::fmt::Debug for PageAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {}", self.surface, self.method)
    }
}

/// What pages sent for the actions of a run, one request for each endpoint; clones share it.
#[derive(Clone, Debug, Default)]
pub struct PageActions(Arc<Mutex<BTreeMap<String, PageAction>>>);

impl PageActions {
    /// Keeps the request of an action; of several for one endpoint the one with most values.
    pub(crate) fn keep(&self, action: PageAction) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&action.surface).map_or(0, |known| known.values.len());
        if action.values.len() > known {
            all.insert(action.surface.clone(), action);
        }
    }

    /// The requests so far.
    pub fn all(&self) -> Vec<PageAction> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// How actions are done through the pages of the Author.
#[derive(Debug)]
pub struct Browsing {
    /// The browser.
    pub browser: Browser,
    /// The documented steps.
    pub interface: UserInterface,
    /// Whether all actions with documented steps are done so, not only those whose endpoint is unknown.
    pub everything: bool,
    /// What the pages sent.
    pub sent: PageActions,
}

/// What the operator knows and the target cannot say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which service pack counts as the latest, for example `6.5.24.0`; unset, BP-PRE-03 is skipped.
    pub latest_service_pack: Option<String>,
    /// The time limit for results that appear with a delay (agents after Save & Close).
    pub patience: Duration,
    /// Where a copy of what is replaced is kept; without one nothing is replaced.
    pub state_dir: Option<PathBuf>,
    /// How long before its end a certificate is reported.
    pub certificate_warning: Duration,
    /// How old an entry of a log may be, by the Author's clock, to say something about the configuration as it is now.
    pub log_age: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latest_service_pack: None,
            patience: Duration::from_secs(60),
            state_dir: None,
            certificate_warning: Duration::from_secs(30 * 24 * 3600),
            log_age: Duration::from_secs(24 * 3600),
        }
    }
}
