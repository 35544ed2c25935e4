//! The trace of one scenario: its events, from which its record is made.

use std::time::SystemTime;

use bpconform_fixtures::Cause;
use bpconform_steps::{Kind, Problem};

use crate::features::Case;
use crate::record::{Attempt, ScenarioRecord, StepRecord};
use crate::run::evidence::ScenarioEvidence;
use crate::text::milliseconds;
use crate::verdict::Verdict;

/// The reason of a failure that a second attempt did not confirm.
const TWO_STATES: &str = "asked a second time, the target gave other answers, by which the scenario passes; at first";

/// The events of a running scenario so far.
#[derive(Debug, Default)]
pub(crate) struct ScenarioTrace {
    started: Option<SystemTime>,
    steps: Vec<StepTrace>,
    hook: Option<Problem>,
    harness_failed: bool,
}

#[derive(Debug)]
struct StepTrace {
    line: usize,
    started: SystemTime,
    ended: Option<SystemTime>,
    problem: Option<Problem>,
}

/// A finished scenario.
#[derive(Debug)]
pub(crate) struct EndedScenario {
    trace: ScenarioTrace,
    at: SystemTime,
    evidence: ScenarioEvidence,
    /// The earlier attempts, in their order.
    earlier: Vec<EndedScenario>,
}

impl ScenarioTrace {
    /// The scenario begins.
    pub(crate) fn started(&mut self, at: SystemTime) {
        self.started = Some(at);
    }

    /// The set-up or tear-down of the scenario failed.
    pub(crate) fn hook_failed(&mut self, problem: Problem) {
        self.hook = Some(problem);
    }

    /// The step that began last ends, because of a bug in the harness.
    pub(crate) fn hook_harness_failed(&mut self, reason: String) {
        self.harness_failed = true;
        self.hook = Some(Problem::error(reason));
    }

    /// A step begins.
    pub(crate) fn step_started(&mut self, line: usize, at: SystemTime) {
        self.steps.push(StepTrace { line, started: at, ended: None, problem: None });
    }

    /// The step that began last ends.
    pub(crate) fn step_ended(&mut self, at: SystemTime, problem: Option<Problem>) {
        if let Some(step) = self.steps.last_mut() {
            step.ended = Some(at);
            step.problem = problem;
        }
    }

    /// The step that began last ends, because of a bug in the harness.
    pub(crate) fn harness_failed(&mut self, at: SystemTime, reason: String) {
        self.harness_failed = true;
        self.step_ended(at, Some(Problem::error(reason)));
    }

    /// The scenario ends.
    pub(crate) fn end(self, at: SystemTime, evidence: ScenarioEvidence) -> EndedScenario {
        EndedScenario { trace: self, at, evidence, earlier: Vec::new() }
    }

    fn problem(&self) -> Option<&Problem> {
        self.steps.iter().find_map(|step| step.problem.as_ref()).or(self.hook.as_ref())
    }
}

impl EndedScenario {
    /// Whether it failed or was inconclusive or skipped.
    pub(crate) fn has_problem(&self) -> bool {
        self.trace.problem().is_some()
    }

    /// Adds the earlier attempts. An attempt that did not begin because the run was stopped does not count: then the last
    /// earlier one is the result.
    pub(crate) fn after(self, mut earlier: Vec<Self>) -> Self {
        let began = !self.trace.steps.is_empty();
        match earlier.pop() {
            Some(last) if !began => last.after(earlier),
            Some(last) => {
                earlier.push(last);
                Self { earlier, ..self }
            }
            None => self,
        }
    }

    /// The result of a second attempt with newly read answers: it confirms that the first one failed, or contradicts it. The
    /// first result stands if there was nothing to confirm.
    pub(crate) fn confirming(mut self, first: Self) -> Self {
        if self.trace.steps.is_empty() {
            return first;
        }
        match (self.trace.problem(), first.trace.problem()) {
            (Some(problem), _) if problem.kind == Kind::Failed => self,
            (None, Some(problem)) => {
                let reason = format!("{TWO_STATES}: {}", problem.reason);
                let contradicted = Problem::error(reason).because(Cause::TwoStates);
                self.trace.hook = Some(contradicted.showing(problem.lines.clone()));
                Self { earlier: vec![first], ..self }
            }
            _ => Self { earlier: vec![first], ..self },
        }
    }

    fn attempt(self, case: &Case) -> (Attempt, Vec<String>) {
        let ScenarioRecord { verdict, reason, started_ms, duration_ms, left_behind, .. } = self.record(case);
        (Attempt { verdict, reason, started_ms, duration_ms }, left_behind)
    }

    /// The scenario's record.
    pub(crate) fn record(self, case: &Case) -> ScenarioRecord {
        let Self { trace, at, evidence, earlier } = self;
        let started = trace.started.unwrap_or(at);
        let ended_by = trace.problem().cloned();
        let mut record = not_run(case, Verdict::Passed, None);
        record.started_ms = since_1970(started);
        record.duration_ms = between(started, at);
        record.harness_failed = trace.harness_failed;
        for (step, traced) in record.steps.iter_mut().zip(&trace.steps) {
            debug_assert_eq!(step.line, traced.line, "cucumber runs the steps in their order");
            fill(step, traced, at);
        }
        let rest: Vec<String> = evidence.rest.iter().flatten().map(|problem| problem.reason.clone()).collect();
        for (step, found) in record.steps.iter_mut().skip(trace.steps.len()).zip(evidence.rest) {
            fill(step, &StepTrace { line: step.line, started: at, ended: Some(at), problem: found }, at);
        }
        share(&mut record.steps, evidence.exchanges, |one| one.started_us, |step| &mut step.exchanges);
        share(&mut record.steps, evidence.pages, |one| one.at_us, |step| &mut step.pages);
        (record.exchanges, record.pages) = (evidence.undo, evidence.undo_pages);
        record.left_behind = evidence.left_behind;
        for (attempt, left) in earlier.into_iter().map(|ended| ended.attempt(case)) {
            record.attempts.push(attempt);
            record.left_behind.extend(left);
        }
        if let Some(problem) = ended_by {
            record.verdict = problem.kind.into();
            record.reason = Some(std::iter::once(problem.reason).chain(rest).collect::<Vec<_>>().join("; "));
            record.cause = problem.cause;
            record.lines = problem.lines;
            if record.verdict == Verdict::Skipped {
                judge_skipped(&mut record);
            }
        } else if record.steps.is_empty() || record.steps.iter().any(|step| step.verdict != Verdict::Passed) {
            // Cucumber reports a scenario without steps as a success.
            record.verdict = Verdict::Error;
            record.reason = Some("the scenario has no steps, or they were not all run".into());
            record.harness_failed = true;
        }
        record
    }
}

/// A scenario that is skipped in its last attempt, after one that was not: what that found is not forgotten.
fn judge_skipped(record: &mut ScenarioRecord) {
    record.attempts.retain(|attempt| attempt.verdict != Verdict::Skipped);
    let Some(first) = record.attempts.first() else { return };
    let (then, now) = (first.reason.as_deref().unwrap_or_default(), record.reason.as_deref().unwrap_or_default());
    record.reason =
        Some(format!("asked a second time, it cannot be checked: {now}; at first it {}: {then}", first.verdict));
    record.verdict = Verdict::Error;
    record.cause = Some(Cause::TwoStates);
}

fn fill(step: &mut StepRecord, traced: &StepTrace, at: SystemTime) {
    step.started_ms = since_1970(traced.started);
    step.duration_ms = between(traced.started, traced.ended.unwrap_or(at));
    step.verdict = match &traced.problem {
        Some(problem) => problem.kind.into(),
        None if traced.ended.is_some() => Verdict::Passed,
        None => Kind::Error.into(),
    };
    step.reason = traced.problem.as_ref().map(|problem| problem.reason.clone());
    step.lines = traced.problem.as_ref().map(|problem| problem.lines.clone()).unwrap_or_default();
}

/// Assigns each piece of evidence to the step that had begun last at its time.
fn share<T>(
    steps: &mut [StepRecord],
    evidence: Vec<T>,
    time: impl Fn(&T) -> i64,
    of: impl Fn(&mut StepRecord) -> &mut Vec<T>,
) {
    let begun = |step: &StepRecord, at_ms: f64| step.started_ms > 0.0 && step.started_ms <= at_ms;
    for one in evidence {
        #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit into 53 bits for centuries")]
        let at_ms = time(&one) as f64 / 1000.0;
        let owner = steps.iter().rposition(|step| begun(step, at_ms)).unwrap_or(0);
        if let Some(step) = steps.get_mut(owner) {
            of(step).push(one);
        }
    }
}

/// The record of a scenario that did not run.
pub(crate) fn not_run(case: &Case, verdict: Verdict, reason: Option<String>) -> ScenarioRecord {
    let step = |step: &cucumber::gherkin::Step| StepRecord {
        keyword: step.keyword.trim().to_owned(),
        text: step.value.clone(),
        table: step.table.as_ref().map(|table| table.rows.clone()).unwrap_or_default(),
        doc_string: step.docstring.clone(),
        line: step.position.line,
        verdict: Verdict::Unproven,
        reason: None,
        lines: Vec::new(),
        started_ms: 0.0,
        duration_ms: 0.0,
        exchanges: Vec::new(),
        pages: Vec::new(),
    };
    ScenarioRecord {
        id: case.id.clone(),
        feature: case.feature.clone(),
        file: case.file.clone(),
        name: case.name.clone(),
        line: case.line,
        tags: case.tags.clone(),
        requirements: case.requirements.clone(),
        allow: case.allow,
        verdict,
        reason,
        cause: None,
        explained_by: Vec::new(),
        lines: Vec::new(),
        harness_failed: false,
        seed: Some(case.author.clone()),
        run: None,
        attempts: Vec::new(),
        started_ms: 0.0,
        duration_ms: 0.0,
        steps: case.steps.iter().map(step).collect(),
        exchanges: Vec::new(),
        pages: Vec::new(),
        left_behind: Vec::new(),
    }
}

/// Milliseconds since 1970, with microseconds as decimals.
pub(crate) fn since_1970(time: SystemTime) -> f64 {
    between(SystemTime::UNIX_EPOCH, time)
}

/// Milliseconds from one time to another, with microseconds as decimals.
pub(crate) fn between(from: SystemTime, to: SystemTime) -> f64 {
    milliseconds(to.duration_since(from).unwrap_or_default())
}
