//! The data that all scenarios of a run share, and the settings of its operator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bpconform_fixtures::surfaces::Evidence;
use bpconform_fixtures::{Allow, Cause, Layer, Product, Surface, Surfaces, System, UserInterface};

use crate::browser::Browser;
use crate::journal::Journal;
use crate::login::Login;
use crate::page_files::PageFiles;
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
    /// The host that the run's lock names, once it has taken one.
    pub host: OnceLock<String>,
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
    /// The product that the Author is judged as, once that is known.
    pub judged: OnceLock<Judged>,
}

/// The product that an Author is judged as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// The product; several while the signs of the Author contradict each other, and all while it shows none.
    pub products: Vec<Product>,
    /// What it was decided by, for people.
    pub decided_by: Vec<String>,
    /// Whether the Author named its version in the form that is known from AEM 6.5.
    pub names_its_version: bool,
}

fn unreachable_on(product: Product, surface: &str) -> Option<String> {
    let reason = Layer::of(product)?.unreachable(surface)?;
    Some(format!("{surface} cannot be asked on {}: {reason}", product.name()))
}

impl Judged {
    /// A product that somebody named.
    pub fn as_named(product: Product, by: &str) -> Self {
        Self { products: vec![product], decided_by: vec![by.to_owned()], names_its_version: false }
    }

    /// What contradicts itself, if something does.
    pub fn contradiction(&self) -> Option<String> {
        let signs = || self.decided_by.join("; ");
        if self.is_undecided() {
            return Some(format!("which product the Author is cannot be seen: {}", signs()));
        }
        (self.products.len() > 1).then(|| format!("which product the Author is contradicts itself: {}", signs()))
    }

    /// Whether the Author may be any product, since it shows no sign of one.
    pub fn is_undecided(&self) -> bool {
        self.products == Product::ALL
    }
}

impl Run {
    /// A run on real systems that changes nothing it would have to write down; what differs is set by its user.
    pub fn new(id: impl Into<String>, allow: Allow, surfaces: Arc<Surfaces>, wire: Wire, redactor: Redactor) -> Self {
        Self {
            id: id.into(),
            allow,
            embedded: false,
            mocks: BTreeSet::new(),
            host: OnceLock::new(),
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
            judged: OnceLock::new(),
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

    /// Why the judged product does not have an endpoint; none if it has it, or if the product is not decided.
    pub fn unreachable(&self, surface: &str) -> Option<String> {
        let [product] = self.judged.get()?.products[..] else { return None };
        unreachable_on(product, surface)
    }

    /// Why one of the products that the Author may be does not have an endpoint; none if all have it.
    pub(crate) fn lacks(&self, surface: &str) -> Option<String> {
        self.judged.get()?.products.iter().find_map(|product| unreachable_on(*product, surface))
    }

    /// Whether the form of an endpoint is unknown for the judged product.
    pub(crate) fn is_unknown_there(&self, surface: &Surface) -> bool {
        let Some(judged) = self.judged.get() else { return false };
        let unknown = |product: &Product| Layer::of(*product).is_some_and(|layer| layer.is_unknown(&surface.id));
        surface.evidence != Evidence::Learned && !judged.names_its_version && judged.products.iter().all(unknown)
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

impl PageAction {
    /// Its address without the query.
    fn path(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }
}

impl std::fmt::Debug for PageAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {}", self.surface, self.method)
    }
}

/// How many different requests are kept for one endpoint.
const MOST_KEPT: usize = 50;

/// What pages sent for the actions of a run that succeeded; clones share it.
#[derive(Clone, Debug, Default)]
pub struct PageActions(Arc<Mutex<BTreeMap<String, Vec<PageAction>>>>);

impl PageActions {
    /// Keeps the request of an action; of several to one address the one with most values.
    pub(crate) fn keep(&self, action: PageAction) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(action.surface.clone()).or_default();
        let is_full = known.len() >= MOST_KEPT;
        match known.iter_mut().find(|known| known.method == action.method && known.path() == action.path()) {
            Some(known) if action.values.len() > known.values.len() => *known = action,
            None if !is_full => known.push(action),
            Some(_) | None => {}
        }
    }

    /// The requests so far, ordered by the id of their endpoint.
    pub fn all(&self) -> Vec<PageAction> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().flatten().cloned().collect()
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
    /// Where pictures of the pages are kept.
    pub files: PageFiles,
}

/// What the operator knows and the target cannot say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which service pack counts as the latest of each release line, for example `6.5.24.0` or `6.6=6.6.3`. Without one for
    /// the Author's line, BP-PRE-03 is skipped.
    pub latest_service_packs: Vec<String>,
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
            latest_service_packs: Vec::new(),
            patience: Duration::from_secs(60),
            state_dir: None,
            certificate_warning: Duration::from_secs(30 * 24 * 3600),
            log_age: Duration::from_secs(24 * 3600),
        }
    }
}
