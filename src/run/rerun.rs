//! A run that takes over the green scenarios of an earlier record, and runs only the others and those that they presuppose.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use bpconform_fixtures::{Presuppositions, Product};
use bpconform_steps::evidence::{RequestForm, SentBody, SentField, SentLogin};
use bpconform_steps::redact::MASK;

use crate::causes;
use crate::error::Error;
use crate::features::Case;
use crate::plan::{Decision, Plan};
use crate::record::{GateRecord, PlanRecord, Record, RerunRecord, ScenarioRecord};
use crate::record_file;
use crate::run::trace::not_run;
use crate::text::json as text;
use crate::verdict::Verdict;

/// The earlier record.
#[derive(Clone, Debug)]
pub struct Rerun {
    record: Arc<Record>,
    place: String,
}

impl Rerun {
    /// Reads the earlier record. A record with changes that were not undone is refused: its green scenarios may fail now.
    pub fn read(place: &Path) -> Result<Self, Error> {
        let record = record_file::read(place)?;
        let rerun = Self { record: Arc::new(record), place: place.display().to_string() };
        if rerun.record.left_behind.is_empty() {
            return Ok(rerun);
        }
        Err(rerun.refused("changes of that run were not undone; run `bpconform clean`, and then everything again"))
    }

    /// Copies the pictures of the scenarios that were taken over.
    pub fn copy_pictures(&self, record: &Record, out: &Path) -> Result<(), Error> {
        let copied = self.record.files.copy_to(out, &record.pictures());
        copied.map_err(|source| Error::Write { file: out.to_owned(), source })
    }

    fn refused(&self, problem: &str) -> Error {
        Error::Usage(format!("--rerun {}: {problem}", self.place))
    }

    /// Checks that this run has the same target and the same plan as the earlier one. `asked` is whether the product of the
    /// target is known by now.
    pub(super) fn check(&self, now: &Record, asked: bool, is_mock: bool) -> Result<(), Error> {
        let pairs = traits(&self.record).into_iter().zip(traits(now));
        if let Some(((what, then), (_, now))) = pairs.into_iter().find(|(then, now)| then.1 != now.1) {
            let problem = format!("the {what} differs: {then} then, {now} now; its green scenarios prove nothing here");
            return Err(self.refused(&problem));
        }
        // The embedded mocks are of the product that was named, and an Author has the one that it shows.
        let (then, judged) = (self.record.target.products(), now.target.products());
        if (asked || is_mock) && then != judged {
            let (then, now) = (Product::names(then), Product::names(judged));
            return Err(self.refused(&format!("the product differs: {then} then, {now} now; run everything again")));
        }
        let (then, now) = (&self.record.target.product, &now.target.product);
        if asked && then != now {
            let name = |product: &Option<String>| product.clone().unwrap_or_else(|| "unknown".to_owned());
            let problem = format!("the product differs: {} then, {} now; run everything again", name(then), name(now));
            return Err(self.refused(&problem));
        }
        Ok(())
    }

    /// Takes over the scenarios that need not run. If the Author is now in another state, nothing is taken over.
    pub(super) fn keep(&self, plan: &mut Plan, states: Option<&BTreeSet<String>>, gate: &GateRecord, strict: bool) {
        let then: BTreeSet<&String> = self.record.target.states.iter().collect();
        if states.is_some_and(|states| states.iter().collect::<BTreeSet<_>>() != then) {
            return;
        }
        let again = self.again(plan, gate, strict);
        let known: BTreeMap<&str, &ScenarioRecord> =
            self.record.scenarios.iter().map(|scenario| (scenario.id.as_str(), scenario)).collect();
        for planned in &mut plan.scenarios {
            let Some(found) = known.get(planned.case.id.as_str()) else { continue };
            if !again.contains(found.id.as_str()) && is_about(found, &planned.case) {
                let from = found.run.unwrap_or(self.record.started);
                planned.decision = Decision::Keep(Box::new(ScenarioRecord { run: Some(from), ..(*found).clone() }));
            }
        }
    }

    /// The ids of the scenarios that must run: those that were not green in terms of this run's flags, and those that they
    /// presuppose. A scenario that will be skipped again presupposes nothing. Scenarios that sent a secret run again, since a
    /// record does not show whether the secret is still the same.
    fn again(&self, plan: &Plan, gate: &GateRecord, strict: bool) -> BTreeSet<&str> {
        let runs: BTreeSet<&str> = plan
            .scenarios
            .iter()
            .filter(|planned| planned.decision == Decision::Run)
            .map(|planned| planned.case.id.as_str())
            .collect();
        let counts = PlanRecord { strict, ..self.record.plan.clone() };
        let verdict = |one: &ScenarioRecord| one.counted(&counts);
        let is_mock = self.record.target.addresses.is_empty();
        let red = self.record.scenarios.iter().filter(|one| {
            !matches!(verdict(one), Verdict::Passed | Verdict::Skipped) && runs.contains(one.id.as_str())
        });
        let needed: BTreeSet<&str> =
            red.flat_map(|one| Presuppositions::built_in().needed_by(&causes::sighting(one))).collect();
        let is_needed = |one: &ScenarioRecord| one.requirements.iter().any(|id| needed.contains(id.as_str()));
        let again = self.record.scenarios.iter().filter(|one| {
            verdict(one) != Verdict::Passed || is_needed(one) || gate.is_slow(one) || !is_mock && sent_a_secret(one)
        });
        again.map(|one| one.id.as_str()).collect()
    }

    /// How this run is related to the earlier one.
    pub(super) fn record(&self, plan: &Plan) -> RerunRecord {
        let kept = plan.scenarios.iter().filter(|planned| matches!(planned.decision, Decision::Keep(_))).count();
        RerunRecord { started: self.record.started, kept }
    }
}

/// Whether a scenario sent a secret of the run besides its login at the Author.
fn sent_a_secret(scenario: &ScenarioRecord) -> bool {
    let is_secret = |field: &SentField| field.variable.is_some() || field.value.contains(MASK);
    let sent = |form: &RequestForm| {
        let fields = match &form.body {
            SentBody::Urlencoded(fields) | SentBody::Multipart { fields, .. } => fields.as_slice(),
            SentBody::None | SentBody::Bytes(_) => &[],
        };
        let of_other = matches!(form.login, SentLogin::Console | SentLogin::AccessToken | SentLogin::OtherUser);
        of_other || fields.iter().chain(&form.query).any(is_secret)
    };
    let exchanges = scenario.steps.iter().flat_map(|step| &step.exchanges).chain(&scenario.exchanges);
    exchanges.filter_map(|exchange| exchange.form.as_ref()).any(sent)
}

/// Whether a record is about the scenario as it is now written.
fn is_about(found: &ScenarioRecord, case: &Case) -> bool {
    let now = not_run(case, Verdict::Unproven, None);
    let sentences = |one: &ScenarioRecord| -> Vec<_> {
        let steps = one.steps.iter();
        steps.map(|step| (step.text.clone(), step.table.clone(), step.doc_string.clone())).collect()
    };
    let about = |one: &ScenarioRecord| (one.file.clone(), one.requirements.clone(), one.allow, one.seed.clone());
    about(found) == about(&now) && sentences(found) == sentences(&now)
}

/// The traits that must be equal, so that an earlier verdict is still valid. The seed, the defects and the variations of a
/// mock are its state, which may have been repaired since.
fn traits(record: &Record) -> [(&'static str, String); 8] {
    let (target, plan) = (&record.target, &record.plan);
    let ids: BTreeSet<&str> = record.scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    [
        ("target", record.about()),
        ("set of settings and users", text(&plan.inputs_sha256)),
        ("allow level", text(&record.allow)),
        ("selection", text(&(&plan.tags, &plan.name, &plan.requirements))),
        ("shard", text(&plan.shard.as_ref().map(|shard| (shard.index, shard.count)))),
        ("list of scenarios", text(&(ids.len(), crate::shard::fingerprint(ids.iter().copied()).1))),
        ("set of endpoints", text(&(&target.surfaces, &target.surfaces_sha256))),
        ("version of bpconform", text(&(&record.tool.version, record.format))),
    ]
}
