//! The record: everything that a run found out, as one typed value. `run.json` is this value; every report is drawn
//! from it and from nothing else. Times are milliseconds with the microseconds behind the point.

use std::collections::BTreeMap;

use bpconform_fixtures::{Allow, Cause, Requirements};
use bpconform_steps::evidence::Exchange;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::exit::Exit;
use crate::verdict::Verdict;

/// The version of the record's form. It grows when a reader of the old form would misread the new one; new optional
/// fields do not count.
pub const FORMAT: u32 = 1;

/// Everything that a run found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// The version of the record's form.
    pub format: u32,
    /// What made the record.
    pub tool: Tool,
    /// When the run began.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// How long it took, wall time, in milliseconds.
    pub duration_ms: f64,
    /// What was checked.
    pub target: TargetRecord,
    /// What the run was allowed to do.
    pub allow: Allow,
    /// What was selected, and what was decided before anything was sent.
    pub plan: PlanRecord,
    /// Where the run took place.
    #[serde(default)]
    pub environment: Surroundings,
    /// The longest part of a body that is kept as evidence, in bytes.
    pub body_cap: usize,
    /// The selected scenarios, in the document's order.
    pub scenarios: Vec<ScenarioRecord>,
    /// All requirements, in the document's order.
    pub requirements: Vec<RequirementRecord>,
    /// The verdicts counted.
    pub summary: Summary,
    /// What the run as a whole came to.
    pub outcome: RunOutcome,
    /// What the process told its caller.
    pub exit_code: u8,
    /// Whether every planned scenario came to its end; not so after Ctrl-C or past the time limit.
    pub complete: bool,
    /// What the run changed and could not undo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// The journal from which `bpconform clean` can undo it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
}

/// What made the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `bpconform`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// What was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetRecord {
    /// `mock`, `author` or `container`.
    pub kind: String,
    /// The image of an Author in a container, and its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The addresses of a real target, by system; each scenario on the mock has its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: BTreeMap<String, Url>,
    /// The systems that were mocks beside a real Author: nothing was proved of the real ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mocks: Vec<String>,
    /// Whether the Author's certificate was taken unverified, so that nothing proves who answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// What the Author calls its version, when it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The states that a real Author was found in, named like the mock's seeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
    /// The name of the set of surfaces that was used.
    pub surfaces: String,
    /// The SHA-256 of that set as it was in use, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surfaces_sha256: Option<String>,
    /// The deliberate deviations that the mocks had, to prove that a check can fail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<String>,
    /// The harmless differences of the mocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variations: Vec<String>,
    /// The seed of how long the mocks took over their answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<u64>,
}

impl TargetRecord {
    /// The systems that were mocks beside a real Author, in one line; none if all were what they seemed.
    pub fn mocked(&self) -> Option<String> {
        (!self.mocks.is_empty()).then(|| format!("{}: nothing was proved of the real ones", self.mocks.join(", ")))
    }
}

/// Where a run took place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Surroundings {
    /// The name of the environment that was checked, where one was given: in a fleet each has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The operating system and the processor of the machine that ran the checks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// The CI system, the address of its job, the branch and the commit, as far as its variables tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ci: BTreeMap<String, String>,
}

/// The part of a plan that one of several machines runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShardRecord {
    /// Which part, from 1.
    pub index: u32,
    /// How many parts there are.
    pub count: u32,
    /// How many scenarios all parts have together.
    pub scenarios: usize,
    /// The SHA-256 over the ids of all parts' scenarios: parts of different plans do not go together.
    pub plan_sha256: String,
}

/// What was selected and decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRecord {
    /// The tag expression of the selection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// The pattern for names of the selection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The requirements of the selection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    /// How many scenarios were to run.
    pub run: usize,
    /// How many were skipped before anything was sent.
    pub skip: usize,
    /// How many scenarios ran at once.
    pub jobs: usize,
    /// How often a scenario that did not pass was tried again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: usize,
    /// Whether one that passed only when it was tried again is red.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// The limit for the whole run, in seconds.
    pub timeout_s: u64,
    /// Which part of the plan this is, if it was shared out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardRecord>,
}

impl PlanRecord {
    /// Whether only some of the scenarios were asked for.
    pub fn is_selection(&self) -> bool {
        self.tags.is_some() || self.name.is_some() || !self.requirements.is_empty()
    }
}

/// One scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioRecord {
    /// Stable and unique: `<file stem>/<slug of the name>`, and `#<n>` for a row of an outline's examples.
    pub id: String,
    /// The feature's name.
    pub feature: String,
    /// The file that it is in.
    pub file: String,
    /// The scenario's name.
    pub name: String,
    /// Its line in the file, from 1.
    pub line: usize,
    /// Its tags, without `@`.
    pub tags: Vec<String>,
    /// The requirements that it proves.
    pub requirements: Vec<String>,
    /// The least permission that it needs.
    pub allow: Allow,
    /// What it found: the verdict of the step that ended it, or passed when all steps passed.
    pub verdict: Verdict,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The cause, where a reader recognised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The lines of a transcript or a log that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Whether it is the harness's own fault that it did not pass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub harness_failed: bool,
    /// The state of the Author that it begins with: on the mocks, their seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// The attempts before this one, if it was tried again. Passed after another verdict is flaky.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// When it began: milliseconds since 1970; 0 if it never did.
    pub started_ms: f64,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// Its steps, the backgrounds' first.
    pub steps: Vec<StepRecord>,
    /// What went over the wire outside of its steps: undoing what it changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// What it changed and could not undo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
}

/// An attempt at a scenario that was tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// What it found.
    pub verdict: Verdict,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it began: milliseconds since 1970.
    pub started_ms: f64,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// `Given`, `When`, `Then`, `And`, `But`.
    pub keyword: String,
    /// The sentence.
    pub text: String,
    /// The table below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<Vec<String>>,
    /// The text below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_string: Option<String>,
    /// Its line in the file, from 1.
    pub line: usize,
    /// What it found; `unproven` when it was not reached.
    pub verdict: Verdict,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The lines of a transcript or a log that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// When it began: milliseconds since 1970; 0 if it never did.
    pub started_ms: f64,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// What went over the wire for it, in the order in which it was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementRecord {
    /// Its id.
    pub id: String,
    /// The merged verdict of its scenarios; `unproven` without any.
    pub verdict: Verdict,
    /// What else should be known: scenarios that were skipped beside others that passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The cause, where a reader recognised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The ids of the selected scenarios that prove it.
    pub scenarios: Vec<String>,
}

/// The verdicts counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Scenarios by verdict.
    pub scenarios: BTreeMap<Verdict, usize>,
    /// Requirements by verdict.
    pub requirements: BTreeMap<Verdict, usize>,
    /// How many scenarios passed only when they were tried again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flaky: usize,
    /// Wall time from the start of the process to the end of the run, in milliseconds.
    pub wall_ms: f64,
}

/// What a run as a whole came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// At least one requirement was proved and nothing speaks against the target.
    Conforms,
    /// At least one scenario failed.
    Fails,
    /// The environment did not let a scenario be judged.
    CouldNotTell,
    /// No requirement was proved.
    NothingProved,
    /// The harness itself failed.
    HarnessFailed,
    /// Something could not be undone.
    LeftSomething,
    /// Ctrl-C.
    Interrupted,
}

impl RunOutcome {
    /// What scenarios and requirements come to; what asks for a hand at the target comes first, then proof.
    pub fn of(record: &Record, interrupted: bool) -> Self {
        let (scenarios, requirements) = (&record.scenarios, &record.requirements);
        let any = |verdict| scenarios.iter().any(|scenario| scenario.counted(&record.plan) == verdict);
        if !record.left_behind.is_empty() {
            Self::LeftSomething
        } else if interrupted {
            Self::Interrupted
        } else if any(Verdict::Failed) {
            Self::Fails
        } else if scenarios.iter().any(|scenario| scenario.harness_failed) {
            Self::HarnessFailed
        } else if any(Verdict::Error) {
            Self::CouldNotTell
        } else if requirements.iter().any(|requirement| requirement.verdict == Verdict::Passed) {
            Self::Conforms
        } else {
            Self::NothingProved
        }
    }

    /// What the process tells its caller.
    pub fn exit(self) -> Exit {
        self.into()
    }
}

impl From<RunOutcome> for Exit {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Conforms => Self::Green,
            RunOutcome::Fails => Self::NonConformant,
            RunOutcome::CouldNotTell => Self::Unreachable,
            RunOutcome::NothingProved => Self::NothingProved,
            RunOutcome::HarnessFailed => Self::Internal,
            RunOutcome::LeftSomething => Self::CleanUp,
            RunOutcome::Interrupted => Self::Interrupted,
        }
    }
}

/// The verdict of every requirement from those of its scenarios.
pub fn requirements(scenarios: &[ScenarioRecord]) -> Vec<RequirementRecord> {
    Requirements::built_in().all.iter().map(|requirement| judge(&requirement.id, scenarios)).collect()
}

fn judge(id: &str, scenarios: &[ScenarioRecord]) -> RequirementRecord {
    let own: Vec<_> = scenarios.iter().filter(|scenario| scenario.requirements.iter().any(|own| own == id)).collect();
    let verdict = own.iter().map(|scenario| scenario.verdict).fold(Verdict::default(), Verdict::merge);
    let skipped = own.iter().filter(|scenario| scenario.verdict == Verdict::Skipped).count();
    let flaky = own.iter().filter(|scenario| scenario.is_flaky()).count();
    let reason = match verdict {
        Verdict::Passed if flaky > 0 => {
            Some(format!("{flaky} of {} scenarios passed only when tried again", own.len()))
        }
        Verdict::Skipped => own.iter().find_map(|scenario| scenario.reason.clone()),
        Verdict::Passed if skipped > 0 => Some(format!("{skipped} of {} scenarios were skipped", own.len())),
        Verdict::Failed | Verdict::Error => {
            own.iter().find(|scenario| scenario.verdict == verdict).and_then(|scenario| scenario.reason.clone())
        }
        _ => None,
    };
    let red =
        own.iter().find(|scenario| matches!(verdict, Verdict::Failed | Verdict::Error) && scenario.verdict == verdict);
    let cause = red.and_then(|scenario| scenario.cause);
    let scenarios = own.into_iter().map(|scenario| scenario.id.clone()).collect();
    RequirementRecord { id: id.to_owned(), verdict, reason, cause, scenarios }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// How often each verdict occurs.
pub fn count(verdicts: impl IntoIterator<Item = Verdict>) -> BTreeMap<Verdict, usize> {
    let mut counts: BTreeMap<Verdict, usize> = Verdict::ALL.into_iter().map(|verdict| (verdict, 0)).collect();
    verdicts.into_iter().for_each(|verdict| *counts.entry(verdict).or_default() += 1);
    counts
}

/// A reason and the lines that show it, each on a line of its own.
fn with_lines(reason: Option<&String>, lines: &[String]) -> Option<String> {
    Some(std::iter::once(reason?).chain(lines).map(String::as_str).collect::<Vec<_>>().join("\n"))
}

impl StepRecord {
    /// Why it did not pass, with the lines that show it.
    pub fn full_reason(&self) -> Option<String> {
        with_lines(self.reason.as_ref(), &self.lines)
    }
}

impl ScenarioRecord {
    /// Why it did not pass, with the lines that show it.
    pub fn full_reason(&self) -> Option<String> {
        with_lines(self.reason.as_ref(), &self.lines)
    }

    /// Whether it passed only when it was tried again.
    pub fn is_flaky(&self) -> bool {
        self.verdict == Verdict::Passed && !self.attempts.is_empty()
    }

    /// What counts of it in that plan: where a plan is strict, what is flaky is as red as the worst of its attempts.
    pub fn counted(&self, plan: &PlanRecord) -> Verdict {
        let worst = self.attempts.iter().map(|attempt| attempt.verdict).max();
        worst.filter(|_| plan.strict && self.is_flaky()).unwrap_or(self.verdict)
    }
}
