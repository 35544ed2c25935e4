//! Runs the scenarios of a plan, and returns their records in the document's order.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use bpconform_fixtures::Allow;
use bpconform_steps::reads::Reads;
use bpconform_steps::run::Run as Shared;
use bpconform_steps::wire::Wire;
use cucumber::gherkin::{Feature, Scenario};

use crate::error::Error;
use crate::features::Features;
use crate::plan::{Decision, Plan, Planned};
use crate::record::ScenarioRecord;
use crate::run::drive::{ScenarioEvent, drive};
use crate::run::id::run_id;
use crate::run::key::{ScenarioKey, key};
use crate::run::mocks::Mocks;
use crate::run::options::Options;
use crate::run::stage::{Backend, Stage, StopSignal};
use crate::run::trace::not_run;
use crate::run::undo;
use crate::run::watch::RunListener;
use crate::verdict::Verdict;

/// The state that all scenarios of a run share; begins the journal.
pub(super) fn shared(options: &Options) -> Result<Shared, Error> {
    let id = run_id();
    let journal = undo::begin(options, &id)?;
    let connection = match options.target.place() {
        Some((stack, _)) => options.connection.to_stack(stack),
        None => options.connection.clone(),
    };
    let wire = Wire::new(&connection).map_err(|error| Error::Usage(error.to_string()))?;
    Ok(Shared {
        embedded: options.target.is_mocked(),
        // A run that changes its target reads everything when it needs it.
        reads: if options.target.real().is_some() && options.allow < Allow::Change && options.shares_reads {
            Reads::shared()
        } else {
            Reads::default()
        },
        mocks: options.mocks.clone(),
        settings: options.settings.clone(),
        browsing: options.target.real().and_then(|(stack, _)| options.via.begin(&stack.author, &id)),
        journal,
        ..Shared::new(id, options.allow, Arc::clone(&options.surfaces), wire, options.redactor.clone())
    })
}

/// Runs a plan on mocked stacks, and returns the records of its scenarios.
pub(crate) async fn on_mocks(
    options: &Options,
    features: &Features,
    plan: &Plan,
    mocks: Mocks,
) -> Result<Vec<ScenarioRecord>, Error> {
    let shared = shared(options)?;
    // Nothing has set it before.
    let _ = shared.judged.set(options.judge(None));
    let stage = Stage::new(Arc::new(shared), Backend::Mock(mocks), StopSignal::default());
    Ok(play(features, plan, options, stage, |_: &ScenarioRecord| ()).await)
}

/// Runs the scenarios that the plan selects, and returns all records in the document's order.
pub(super) async fn play(
    features: &Features,
    plan: &Plan,
    options: &Options,
    stage: Stage,
    mut watch: impl RunListener + 'static,
) -> Vec<ScenarioRecord> {
    let planned = plan.scenarios.iter().map(skipped);
    let records: Rc<RefCell<Vec<Option<ScenarioRecord>>>> = Rc::new(RefCell::new(planned.collect()));
    let cases: HashMap<ScenarioKey, _> = plan
        .scenarios
        .iter()
        .enumerate()
        .map(|(index, planned)| (planned.key(), (index, Arc::clone(&planned.case))))
        .collect();
    let chosen = choose(features, plan);
    let mut reported = 0;
    let mut report_ready = move |watch: &mut dyn RunListener, records: &[Option<ScenarioRecord>]| {
        while let Some(Some(record)) = records.get(reported) {
            watch.ended_in_order(record);
            reported += 1;
        }
    };
    report_ready(&mut watch, &records.borrow());
    let known = Rc::clone(&records);
    drive(chosen, options.jobs, options.retries, stage, move |key, happening| {
        let Some((index, case)) = cases.get(&key) else { return };
        match happening {
            ScenarioEvent::Begun => watch.begun(&case.id, &case.name),
            ScenarioEvent::Step(sentence) => watch.step(&case.id, &sentence),
            ScenarioEvent::Ended(ended) => {
                let record = ended.record(case);
                watch.ended(&record);
                known.borrow_mut()[*index] = Some(record);
                report_ready(&mut watch, &known.borrow());
            }
        }
    })
    .await;
    let records = records.take();
    let lost = |case| not_run(case, Verdict::Error, Some("the harness lost the scenario".into()));
    let with_plan = records.into_iter().zip(&plan.scenarios);
    with_plan.map(|(record, planned)| record.unwrap_or_else(|| lost(&planned.case))).collect()
}

/// The record of a scenario that the plan skips or keeps; none for one that runs.
pub(super) fn skipped(planned: &Planned) -> Option<ScenarioRecord> {
    match &planned.decision {
        Decision::Run => None,
        Decision::Skip(reason) => Some(not_run(&planned.case, Verdict::Skipped, Some(reason.clone()))),
        Decision::Keep(found) => Some((**found).clone()),
        Decision::NotApplicable(reason) => Some(not_run(&planned.case, Verdict::NotApplicable, Some(reason.clone()))),
        Decision::Unclear(reason) => Some(not_run(&planned.case, Verdict::Error, Some(reason.clone()))),
    }
}

/// The features, reduced to the scenarios that run.
fn choose(features: &Features, plan: &Plan) -> Vec<Feature> {
    let running = plan.scenarios.iter().filter(|planned| planned.decision == Decision::Run);
    let keys: BTreeSet<ScenarioKey> = running.map(Planned::key).collect();
    let choose = |feature: &Feature| {
        let keep = |scenario: &Scenario| keys.contains(&key(feature, scenario));
        let mut all = feature.scenarios.iter().chain(feature.rules.iter().flat_map(|rule| &rule.scenarios));
        if !all.any(keep) {
            return None;
        }
        let mut chosen = feature.clone();
        chosen.scenarios.retain(keep);
        chosen.rules.iter_mut().for_each(|rule| rule.scenarios.retain(keep));
        chosen.rules.retain(|rule| !rule.scenarios.is_empty());
        Some(chosen)
    };
    features.all.iter().filter_map(choose).collect()
}
