//! The steps that send requests, the scenario that injects a fault into one of them, and the judgement of its record.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bpconform_fixtures::{Surfaces, System};
use bpconform_mocks::faults::Fault;
use bpconform_steps::evidence::{Exchange, Outcome};
use cucumber::gherkin::{Feature, LineCol, Scenario, StepType};
use url::Url;

use super::cell::{Cell, CellFate};
use super::exceptions::Exception;
use crate::features::Case;
use crate::record::{ScenarioRecord, StepRecord};
use crate::run::mark;
use crate::verdict::Verdict;

/// A step that sends something to the target.
#[derive(Clone, Debug)]
pub(super) struct StruckStep {
    /// Its sentence.
    pub(super) sentence: String,
    /// The endpoint that gets the fault; without one, the step's first request gets it.
    pub(super) surface: Option<String>,
    /// The shortest scenario with it.
    case: Arc<Case>,
    /// Where it is among the scenario's steps.
    at: usize,
    /// How many requests go before it.
    before: usize,
}

/// All the steps that sent something in a run, in its order, each in the scenario that gets there soonest; and for each
/// endpoint that no step asks first, the step that asks it soonest.
pub(super) fn targets(cases: &[Arc<Case>], records: &[ScenarioRecord]) -> Vec<StruckStep> {
    let mut targets = Vec::new();
    let mut asked_first = BTreeSet::new();
    let mut asked_later = Vec::new();
    for (case, record) in cases.iter().zip(records) {
        let mut before = 0;
        for (at, (step, traced)) in case.steps.iter().zip(&record.steps).enumerate() {
            let target = StruckStep { sentence: step.value.clone(), surface: None, case: case.clone(), at, before };
            before += traced.exchanges.len();
            let mut surfaces = traced.exchanges.iter().filter(|exchange| to_target(exchange)).map(|it| &it.surface);
            let Some(first) = surfaces.next() else { continue };
            for surface in surfaces {
                keep_soonest(&mut asked_later, StruckStep { surface: Some(surface.clone()), ..target.clone() });
            }
            if keep_soonest(&mut targets, target) {
                asked_first.insert(first.clone());
            }
        }
    }
    asked_later.retain(|target| target.surface.as_ref().is_some_and(|surface| !asked_first.contains(surface)));
    targets.into_iter().chain(asked_later).collect()
}

/// Keeps a target, unless one of the same name is known that gets there sooner.
fn keep_soonest(targets: &mut Vec<StruckStep>, target: StruckStep) -> bool {
    let same = |known: &&mut StruckStep| match &target.surface {
        None => known.sentence == target.sentence,
        surface => known.surface == *surface,
    };
    match targets.iter_mut().find(same) {
        Some(known) if known.before <= target.before => return false,
        Some(known) => *known = target,
        None => targets.push(target),
    }
    true
}

/// Whether a request went to the target, not to the controls of the mocks.
fn to_target(exchange: &Exchange) -> bool {
    Surfaces::built_in().get(&exchange.surface).system != System::Control
}

impl StruckStep {
    /// What it is called in the matrix.
    pub(super) fn name(&self) -> String {
        self.surface.as_ref().map_or_else(|| self.sentence.clone(), |surface| format!("{surface}: {}", self.sentence))
    }

    /// The scenario with that fault in the step, under a unique name.
    pub(super) fn struck_by(&self, fault: &Fault, number: usize) -> (Feature, Case) {
        let mut case = (*self.case).clone();
        case.file = format!("{}#{number}", case.file);
        let mut mark = case.steps[self.at].clone();
        (mark.ty, mark.docstring, mark.table) = (StepType::Given, None, None);
        mark.value = mark::sentence(fault, self.surface.as_deref());
        case.steps.insert(self.at, mark);
        let scenario = Scenario::builder()
            .keyword("Scenario".into())
            .name(case.name.clone())
            .steps(case.steps.clone())
            .position(LineCol { line: case.line, col: 1 })
            .build();
        let feature = Feature::builder().keyword("Feature".into()).name(case.feature.clone());
        (feature.scenarios(vec![scenario]).path(Some(case.file.clone().into())).build(), case)
    }

    /// The result.
    pub(super) fn judge(
        &self,
        fault: &Fault,
        record: &ScenarioRecord,
        limit: Duration,
        redact: impl Fn(&str) -> String,
    ) -> Cell {
        // Redacted, as in reports and in the evidence.
        let reason = redact(record.reason.as_deref().unwrap_or_default());
        // The mark stands before it.
        let struck = &record.steps[self.at + 1];
        let got_there = record.steps[..=self.at].iter().all(|step| step.verdict == Verdict::Passed);
        let exception = Exception::of(
            &self.sentence,
            self.surface.as_deref(),
            fault.id,
            record.verdict,
            self.status_struck(struck),
        );
        let fate = match record.verdict {
            _ if record.harness_failed => CellFate::Panicked,
            _ if struck.duration_ms > limit.as_secs_f64() * 1000.0 => CellFate::Hung,
            _ if !got_there => CellFate::NotReached,
            Verdict::Error if names_request(&reason, struck) => CellFate::Error,
            Verdict::Error => CellFate::Nameless,
            _ if exception.is_some() => CellFate::Excepted,
            Verdict::Passed => CellFate::Passed,
            Verdict::Failed => CellFate::Failed,
            Verdict::Skipped | Verdict::NotApplicable | Verdict::Unproven => CellFate::Skipped,
        };
        let reason = exception.map_or(reason, |exception| exception.why.to_owned());
        Cell { step: self.name(), scenario: record.id.clone(), fault: fault.id, fate, reason }
    }

    /// The status of the answer with the fault, if there was one.
    fn status_struck(&self, step: &StepRecord) -> Option<u16> {
        let meant = |exchange: &&Exchange| match &self.surface {
            None => to_target(exchange),
            Some(surface) => exchange.surface == *surface,
        };
        match step.exchanges.iter().find(meant)?.outcome {
            Outcome::Response { status, .. } => Some(status),
            Outcome::Error(_) => None,
        }
    }
}

/// Whether a reason names a request that the step sent: its method and its address or path.
fn names_request(reason: &str, step: &StepRecord) -> bool {
    let named = |exchange: &Exchange| {
        let path = Url::parse(&exchange.url).map(|url| url.path().to_owned()).unwrap_or_default();
        reason.contains(&exchange.method)
            && (reason.contains(&exchange.url) || path.len() > 1 && reason.contains(&path))
    };
    step.exchanges.iter().filter(|exchange| to_target(exchange)).any(named)
}
