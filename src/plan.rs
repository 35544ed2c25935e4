//! The plan of a run, made before anything is sent: for each selected scenario, run it, or skip it with a reason.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use bpconform_fixtures::surfaces::Evidence;
use bpconform_fixtures::{Allow, Product, Requirements, Surface, Surfaces, System, UserInterface};
use bpconform_steps::session::unknown_surface;
use cucumber::gherkin::tagexpr::TagOperation;
use cucumber::tag::Ext as _;
use regex::Regex;

use crate::error::Error;
use crate::features::{Case, USUAL_AUTHOR};
use crate::record::{ScenarioRecord, ShardRecord};
use crate::shard::Shard;
use crate::tags::Vocabulary;
use crate::text::not_applicable;

/// The state of an Author without a Brand Portal configuration.
pub const FRESH: &str = "fresh";

/// The selected scenarios; without a restriction, all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    tags: Option<(String, TagOperation)>,
    name: Option<Regex>,
    requirements: Vec<String>,
}

impl Selection {
    /// Validates the restrictions of the command line.
    pub fn new(tags: Option<&str>, name: Option<Regex>, mut requirements: Vec<String>) -> Result<Self, Error> {
        requirements.iter_mut().for_each(|id| id.make_ascii_uppercase());
        if let Some(id) = requirements.iter().find(|id| Requirements::built_in().get(id).is_none()) {
            let near = Requirements::built_in().nearest(id);
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return Err(Error::Requirement { id: id.clone(), hint });
        }
        let tags = tags.map(|expression| parse_tags(expression).map(|parsed| (expression.to_owned(), parsed)));
        Ok(Self { tags: tags.transpose()?, name, requirements })
    }

    /// Whether a scenario is selected.
    pub fn takes(&self, case: &Case) -> bool {
        self.tags.as_ref().is_none_or(|(_, tags)| tags.eval(&case.tags))
            && self.name.as_ref().is_none_or(|name| name.is_match(&case.name))
            && (self.requirements.is_empty() || self.requirements.iter().any(|id| case.requirements.contains(id)))
    }

    /// The tag expression as given.
    pub fn tags(&self) -> Option<&str> {
        self.tags.as_ref().map(|(text, _)| text.as_str())
    }

    /// The pattern for names as given.
    pub fn name(&self) -> Option<&str> {
        self.name.as_ref().map(Regex::as_str)
    }

    /// The requirements as given.
    pub fn requirements(&self) -> &[String] {
        &self.requirements
    }
}

fn parse_tags(expression: &str) -> Result<TagOperation, Error> {
    let wrong = |problem: String| Error::Tags { expression: expression.to_owned(), problem };
    let parsed = expression
        .trim()
        .parse()
        .map_err(|error: peg_error::Of| wrong(format!("syntax error at character {}", error.location.column)))?;
    check_tags(&parsed).map_err(wrong)?;
    Ok(parsed)
}

/// A mistyped tag behind `not` would select what it was meant to leave out.
fn check_tags(expression: &TagOperation) -> Result<(), String> {
    match expression {
        TagOperation::And(left, right) | TagOperation::Or(left, right) => {
            check_tags(left).and_then(|()| check_tags(right))
        }
        TagOperation::Not(inner) => check_tags(inner),
        TagOperation::Tag(tag) => Vocabulary::built_in().read(tag).map(|_| ()),
    }
}

/// The error type of the tag expression's parser, named without a direct dependency on its crate.
mod peg_error {
    pub(super) type Of = <cucumber::gherkin::tagexpr::TagOperation as std::str::FromStr>::Err;
}

/// The known facts about the target when the plan is made.
#[derive(Clone, Debug)]
pub struct TargetFacts<'a> {
    /// The permission level of the run.
    pub allow: Allow,
    /// Whether the target consists of mocks, embedded or in a container.
    pub embedded: bool,
    /// The systems that are mocks while the Author is real.
    pub mocks: &'a BTreeSet<System>,
    /// If such an Author is configured for other systems than the mocks: where it sends, and what to do.
    pub elsewhere: Option<&'a str>,
    /// The endpoints of the target.
    pub surfaces: &'a Surfaces,
    /// What does the documented steps where the endpoint is unknown.
    pub browser: BrowserFacts<'a>,
    /// Whether the Author's configuration may be replaced and restored afterwards.
    pub replace: bool,
    /// The products that are judged: one, several while the signs of the Author contradict each other, all while it shows
    /// none.
    pub products: &'a [Product],
    /// What of the Author's signs of its product cannot be read.
    pub unread: Option<String>,
    /// The detected states of a real Author; none in a dry run, which sends nothing.
    pub states: Option<&'a BTreeSet<String>>,
}

/// What is known of the browser when the plan is made.
#[derive(Clone, Copy, Debug, Default)]
pub enum BrowserFacts<'a> {
    /// The run uses none.
    #[default]
    Unused,
    /// It is there, and does the actions of these steps.
    Ready(&'a UserInterface),
    /// The run was to use one, which is not there: why.
    Missing(&'a str),
}

/// The preparation of a real Author before a scenario, which is undone after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// Nothing.
    Nothing,
    /// The configuration is backed up, because the scenario deletes it.
    Keep,
    /// The configuration is backed up and removed, because the scenario starts without one.
    TakeAway,
}

impl TargetFacts<'_> {
    fn is_mock(&self, system: System) -> bool {
        self.embedded || self.mocks.contains(&system)
    }
}

/// The decision for a scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Run it.
    Run,
    /// Skip it, with a reason for people.
    Skip(String),
    /// Take over what an earlier run found.
    Keep(Box<ScenarioRecord>),
    /// It is about another product, with a reason for people.
    NotApplicable(String),
    /// Whether it is about this product cannot be read, with a reason for people.
    Unclear(String),
}

/// A scenario with its decision.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The scenario.
    pub case: Arc<Case>,
    /// The decision.
    pub decision: Decision,
    /// The preparation of a real Author.
    pub prepare: Preparation,
}

impl Planned {
    /// The key of the scenario: its file and its line.
    pub fn key(&self) -> (PathBuf, usize) {
        (PathBuf::from(&self.case.file), self.case.line)
    }
}

/// The plan of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The selected scenarios, in the document's order.
    pub scenarios: Vec<Planned>,
}

impl Plan {
    /// Makes a decision for each selected scenario.
    pub fn new(cases: &[Arc<Case>], selection: &Selection, facts: &TargetFacts<'_>) -> Self {
        let selected = cases.iter().filter(|case| selection.takes(case));
        let planned = selected.map(|case| Planned {
            case: Arc::clone(case),
            decision: decide(case, facts),
            prepare: prepare(case, facts),
        });
        Self { scenarios: planned.collect() }
    }

    /// Keeps only the scenarios of a shard, and returns the description of the whole plan.
    pub fn share(&mut self, shard: Shard) -> ShardRecord {
        let record = shard.record(self.scenarios.iter().map(|planned| planned.case.id.as_str()));
        self.scenarios.retain(|planned| shard.takes(&planned.case.id));
        record
    }

    /// Whether a scenario that runs may change the target.
    pub fn changes(&self) -> bool {
        self.scenarios.iter().any(|planned| planned.decision == Decision::Run && planned.case.allow >= Allow::Change)
    }

    /// The number of scenarios that are about another product.
    pub fn not_applicable(&self) -> usize {
        self.scenarios.iter().filter(|planned| matches!(planned.decision, Decision::NotApplicable(_))).count()
    }

    /// The number of scenarios that run.
    pub fn running(&self) -> usize {
        self.scenarios.iter().filter(|planned| planned.decision == Decision::Run).count()
    }

    /// The number of scenarios that are skipped.
    pub fn skipped(&self) -> usize {
        self.scenarios.iter().filter(|planned| matches!(planned.decision, Decision::Skip(_))).count()
    }
}

fn prepare(case: &Case, facts: &TargetFacts<'_>) -> Preparation {
    let configured = facts.states.is_some_and(|states| !states.contains(FRESH));
    match case.author.as_str() {
        _ if facts.embedded || !facts.replace || case.allow < Allow::Change => Preparation::Nothing,
        FRESH if configured => Preparation::TakeAway,
        _ if case.replaces => Preparation::Keep,
        _ => Preparation::Nothing,
    }
}

fn decide(case: &Case, facts: &TargetFacts<'_>) -> Decision {
    if let Some(reason) = of_another_product(case, facts.products) {
        return Decision::NotApplicable(reason);
    }
    let reasons = [
        of_unknown_product,
        above_allow,
        out_of_sight,
        about_a_mock,
        configured_elsewhere,
        unknown_to_real_targets,
        without_clock,
        irreversible,
        replaces,
        in_another_state,
    ];
    match reasons.into_iter().find_map(|reason| reason(case, facts)) {
        Some(reason) => Decision::Skip(reason),
        None => of_unread_product(case, facts).map_or(Decision::Run, Decision::Unclear),
    }
}

/// Why a scenario is about none of the judged products.
pub fn of_another_product(case: &Case, judged: &[Product]) -> Option<String> {
    let about = products_of(case);
    let applies = judged.iter().any(|product| about.contains(product));
    (!applies).then(|| not_applicable(&about, judged))
}

/// The products that a scenario is about: those of its tags for which one of its requirements holds; without requirements,
/// those of its tags.
fn products_of(case: &Case) -> Vec<Product> {
    let tagged = |product: &Product| case.products.is_empty() || case.products.contains(product);
    let known = Requirements::built_in();
    let own = || case.requirements.iter().filter_map(|id| known.get(id));
    let required = |product: &Product| own().next().is_none() || own().any(|one| one.products.contains(product));
    Product::ALL.into_iter().filter(|product| tagged(product) && required(product)).collect()
}

/// While the Author may be any product, only what holds for all of them is judged.
fn of_unknown_product(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    (facts.unread.is_none() && depends_on_product(case, facts))
        .then(|| "which product the Author is cannot be seen: name it with --product".to_owned())
}

/// A sign of the product that cannot be read may be there: nothing that depends on it is judged.
fn of_unread_product(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    let unread = facts.unread.as_ref().filter(|_| depends_on_product(case, facts))?;
    Some(format!("which product the Author is cannot be read: name it with --product; {unread}"))
}

fn depends_on_product(case: &Case, facts: &TargetFacts<'_>) -> bool {
    facts.products == Product::ALL && products_of(case) != Product::ALL
}

fn above_allow(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    (case.allow > facts.allow).then(|| format!("needs --allow {}; this run has {}", case.allow, facts.allow))
}

/// Only a mock shows what arrives at a system.
fn out_of_sight(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    let system = case.mocks.iter().find(|system| !facts.is_mock(**system))?;
    Some(format!(
        "needs to see what arrives at the {}, which only a mock shows: add --{} mock",
        system.name(),
        system.word()
    ))
}

/// With a real Author, a mock is not a target: its behaviour proves nothing about the system that it replaces.
fn about_a_mock(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    let system = case.reals.iter().find(|system| facts.mocks.contains(system))?;
    Some(format!("it is about the {}, which is a mock in this run and would only prove itself", system.name()))
}

/// Mocks keep requests away from the real systems. A configuration that is removed first sends nothing.
fn configured_elsewhere(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    let sends = case.allow > Allow::Observe && prepare(case, facts) == Preparation::Nothing;
    facts.elsewhere.filter(|_| sends).map(str::to_owned)
}

fn unknown_to_real_targets(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    let surfaces = case.surfaces.iter().filter_map(|id| facts.surfaces.find(id));
    let in_browser = |surface: &Surface| match facts.browser {
        BrowserFacts::Ready(interface) => surface.system == System::Author && interface.knows(&surface.id),
        BrowserFacts::Unused | BrowserFacts::Missing(_) => false,
    };
    let mut unknown = surfaces.filter(|surface| {
        surface.evidence == Evidence::Unknown && !facts.is_mock(surface.system) && !in_browser(surface)
    });
    let reason = unknown.next().map(|surface| unknown_surface(surface).reason)?;
    Some(match facts.browser {
        BrowserFacts::Missing(why) => format!("{reason}; no browser can do it either: {why}"),
        BrowserFacts::Unused | BrowserFacts::Ready(_) => reason,
    })
}

fn without_clock(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    (case.mock_clock && !facts.embedded)
        .then(|| "needs a clock that can be advanced; only the embedded mocks have one".to_owned())
}

/// Changes that cannot be undone are made on the mocks only.
fn irreversible(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    (case.irreversible && !facts.embedded)
        .then(|| "it makes changes that cannot be undone, which a run never does on a real target".to_owned())
}

/// The configuration of a real target is deleted only with the explicit flag.
fn replaces(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    (case.replaces && !facts.embedded && !facts.replace).then(|| {
        "it deletes the Author's Brand Portal configuration; with --replace-configuration a run does that and restores it"
            .to_owned()
    })
}

/// A mock starts in the state that a scenario needs; a real Author cannot be put into one.
fn in_another_state(case: &Case, facts: &TargetFacts<'_>) -> Option<String> {
    let states = facts.states.filter(|_| !facts.embedded)?;
    let is = |state: &str| states.contains(state);
    match case.author.as_str() {
        FRESH if case.allow == Allow::Change && !is(FRESH) => (!facts.replace).then(|| {
            "the Author already has a Brand Portal configuration; with --replace-configuration a run replaces it \
             temporarily and restores it"
                .to_owned()
        }),
        FRESH => None,
        // A missing configuration must fail the checks that read it, not skip them.
        USUAL_AUTHOR if case.allow < Allow::Change => None,
        USUAL_AUTHOR => {
            is(FRESH).then(|| "needs an Author with a Brand Portal configuration; this one has none".into())
        }
        state => (!is(state)).then(|| {
            let found = states.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            format!("needs an Author in the state {state}; this one is {found}")
        }),
    }
}
