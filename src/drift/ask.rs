//! Sends each request to both Authors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bpconform_fixtures::surfaces::{Arguments, Class};
use bpconform_fixtures::{Allow, DriftRequest, Evidence, Product, Surface, Surfaces, System};
use bpconform_steps::author::distribution;
use bpconform_steps::journal::{FORMAT, Header, Journal};
use bpconform_steps::reply::Reply;
use bpconform_steps::run::Run;
use bpconform_steps::session::Session;
use bpconform_steps::stack::Stack;
use bpconform_steps::undo::Undo;
use bpconform_steps::{Call, Problem, undoing};
use futures::StreamExt as _;
use jiff::Timestamp;

use crate::drift::Answers;
use crate::drift::shape::Shape;
use crate::error::Error;
use crate::run::id::run_id;

/// How many reads are open at once.
const AT_ONCE: usize = 4;

/// Where the folder of the comparison is made.
const PARENT: &str = "/content";

/// One of the two Authors.
#[derive(Debug)]
pub struct Side {
    session: Session,
    /// What it has in the place of the names in paths.
    values: Arguments,
}

/// The endpoints that the requests are sent to, in addition to the built-in ones: one for each request.
pub fn surfaces(requests: &[DriftRequest]) -> Surfaces {
    let own = requests.iter().enumerate().map(|(index, request)| Surface {
        id: id(index),
        system: System::Author,
        method: request.method.clone(),
        path: request.path.clone(),
        alternatives: Vec::new(),
        query: request.query.clone(),
        always: BTreeMap::new(),
        class: if request.method == "GET" { Class::Read } else { Class::Change },
        activity: false,
        evidence: Evidence::Inferred,
        source: "fixtures/drift".to_owned(),
        fields: BTreeMap::new(),
        phrases: BTreeMap::new(),
        wording: BTreeMap::new(),
        note: None,
    });
    Surfaces::of("drift", Surfaces::built_in().iter().cloned().chain(own))
}

fn id(index: usize) -> String {
    format!("drift.{index:04}")
}

/// A run that may change: what it changes is written into a journal in the working directory first.
pub fn with_journal(run: Run, stack: &Stack) -> Result<Run, Error> {
    let id = run_id();
    let path = PathBuf::from(format!("bpconform-{id}.journal"));
    let header = Header {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        run: id.clone(),
        began: Timestamp::now(),
        stack: stack.clone(),
        container: false,
        surfaces: None,
        state_dir: None,
    };
    let journal = Journal::create(&path, header).map_err(|source| Error::Write { file: path, source })?;
    Ok(Run { id, allow: Allow::Change, journal, ..run })
}

impl Side {
    /// Asks an Author for what the requests need of it.
    pub async fn new(session: Session, product: Option<Product>) -> Self {
        let json = async |surface: &str| session.send(Call::to(surface)).await.ok()?.json().ok();
        let mut values = Arguments::new();
        if let Some(home) = json("author.current-user").await.and_then(|user| user["home"].as_str().map(str::to_owned))
        {
            values.insert("home".to_owned(), home);
        }
        let agents = json("author.agents").await.unwrap_or_default();
        let mut names: Vec<_> = agents.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        names.sort();
        if let Some(agent) = names.into_iter().find(|name| name.starts_with("mp_replication_agent")) {
            values.insert("agent".to_owned(), agent);
        }
        let mut side = Self { session, values };
        // Only AEM as a Cloud Service has a distribution agent.
        if product == Some(Product::AemCloud) {
            side.look_at_distribution().await;
        }
        side
    }

    async fn look_at_distribution(&mut self) {
        if distribution::has_agent(&self.session).await.unwrap_or(false) {
            self.values.insert("distributor".to_owned(), distribution::agent(&self.session).to_owned());
        }
        for (value, word) in [("waiting", "queue"), ("failed", "error-queue")] {
            if let Some(item) = self.first_item(word).await {
                self.values.insert(value.to_owned(), item);
            }
        }
    }

    /// The first item of a queue of the distribution agent.
    async fn first_item(&self, word: &str) -> Option<String> {
        let queue = distribution::queue_name(&self.session, word);
        let agent = distribution::agent(&self.session);
        let call = Call::to("author.distribution-queue").with("agent", agent).with("queue", &queue);
        let json = self.session.send(call).await.ok()?.json().ok()?;
        json["items"].get(0)?.as_str().map(str::to_owned)
    }

    /// Whether it has what a request needs that need not be there.
    fn can_be_asked(&self, request: &DriftRequest) -> bool {
        request.passing().is_none_or(|name| self.values.contains_key(name))
    }

    /// Makes the folder below which everything is changed.
    pub async fn make_folder(&mut self) -> Result<(), Problem> {
        let path = format!("{PARENT}/{}", self.session.name("drift"));
        let call = Call::to("author.node-write")
            .with("path", path.trim_start_matches('/'))
            .property("jcr:primaryType", "sling:OrderedFolder")
            .undone_by([Undo::Node { path: path.clone() }]);
        self.session.send(call).await?.expect_status(&[200, 201])?;
        self.values.insert("folder".to_owned(), path);
        Ok(())
    }

    /// Undoes what was changed; gives back what could not be undone, and the journal in which it stands.
    pub async fn undo(&self) -> Option<(Vec<String>, PathBuf)> {
        let journal = &self.session.run.journal;
        let problems = undoing::carry_out(&self.session.undoing(), journal.open(None)).await;
        let left = journal.close(false)?;
        Some((problems.into_iter().map(|problem| problem.reason).collect(), left))
    }

    async fn ask(&self, index: usize, request: &DriftRequest) -> Result<Reply, Problem> {
        let mut call = Call::to(&id(index));
        call.arguments = self.values.clone();
        call.fields.clone_from(&request.fields);
        call.headers = request.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        // What is made goes with the folder; a request to an agent leaves nothing but entries of its log.
        let call = if request.method == "GET" { call } else { call.undone_by([]) };
        self.session.send(call).await
    }
}

/// Sends reads to both, several at once; they are the first of all requests.
pub async fn reads<'a>(a: &Side, b: &Side, requests: &'a [DriftRequest]) -> Vec<Answers<'a>> {
    let asked = requests.iter().enumerate();
    let asked = asked.filter(|(_, request)| a.can_be_asked(request) && b.can_be_asked(request));
    let asked = asked.map(|(index, request)| both(a, b, index, request));
    futures::stream::iter(asked).buffered(AT_ONCE).collect().await
}

/// Sends changes to both, one after the other; `first` is the index of the first of them among all requests.
pub async fn changes<'a>(a: &Side, b: &Side, first: usize, requests: &'a [DriftRequest]) -> Vec<Answers<'a>> {
    let mut answers = Vec::new();
    let asked = requests.iter().enumerate();
    for (index, request) in asked.filter(|(_, request)| a.can_be_asked(request) && b.can_be_asked(request)) {
        answers.push(both(a, b, first + index, request).await);
    }
    answers
}

async fn both<'a>(a: &Side, b: &Side, index: usize, request: &'a DriftRequest) -> Answers<'a> {
    let (of_a, of_b) = tokio::join!(a.ask(index, request), b.ask(index, request));
    let shapes = of_a.and_then(|a| Ok((Shape::of(&a), Shape::of(&of_b?))));
    (request, shapes)
}
