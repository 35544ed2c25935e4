//! The record: all results of a run as one typed value. `run.json` is its serialised form, and every report is rendered
//! from it alone. Times are milliseconds, with microseconds as decimals.

use std::collections::BTreeMap;

use bpconform_fixtures::{Allow, Cause, Product, Requirement, Requirements};
use bpconform_steps::evidence::{Exchange, PageView};
use bpconform_steps::page_files::PageFiles;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::exit::Exit;
use crate::text::not_applicable;
use crate::verdict::Verdict;

/// The version of the record's format. It is incremented when a reader of the old format would misread the new one; new
/// optional fields do not count. Format 1 knew one product only, and no verdict `not applicable`.
pub const FORMAT: u32 = 2;

/// All results of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// The version of the record's format.
    pub format: u32,
    /// The program that made the record.
    pub tool: Tool,
    /// When the run began.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// The wall time, in milliseconds.
    pub duration_ms: f64,
    /// The target.
    pub target: TargetRecord,
    /// The permission level of the run.
    pub allow: Allow,
    /// The selection, and the decisions before anything was sent.
    pub plan: PlanRecord,
    /// The environment of the run.
    #[serde(default)]
    pub environment: Surroundings,
    /// The limit for a body that is kept as evidence, in bytes.
    pub body_cap: usize,
    /// The selected scenarios, in the document's order.
    pub scenarios: Vec<ScenarioRecord>,
    /// All requirements, in the document's order.
    pub requirements: Vec<RequirementRecord>,
    /// The causes of what did not pass, in the document's order; each failure shows one or follows from one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<CauseRecord>,
    /// The slowest request to each endpoint that took longer than `--max-duration` allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow: Vec<SlowRecord>,
    /// The number of verdicts of each kind.
    pub summary: Summary,
    /// The outcome of the whole run.
    pub outcome: RunOutcome,
    /// The exit code of the process.
    pub exit_code: u8,
    /// Whether every planned scenario finished; false after Ctrl-C or the time limit.
    pub complete: bool,
    /// Changes of the run that could not be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// The journal from which `bpconform clean` can undo them later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// Where the files are that the record names.
    #[serde(skip)]
    pub files: PageFiles,
}

/// The program that made a record.
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

/// The target of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetRecord {
    /// `mock`, `author` or `container`.
    pub kind: String,
    /// The image of an Author in a container, and the image's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The addresses of a real target, by system; on the mocks, each scenario has its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: BTreeMap<String, Url>,
    /// The systems that were mocks while the Author was real: nothing was proved about the real ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mocks: Vec<String>,
    /// Whether the Author's certificate was not verified, so that nothing proves who answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// The version that the Author reports, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The product whose requirements are judged, and what it was decided by; a record of format 1 has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_as: Option<JudgedProduct>,
    /// The detected states of a real Author, named like the seeds of the mock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
    /// The name of the set of endpoints that was used.
    pub surfaces: String,
    /// The SHA-256 of that set, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surfaces_sha256: Option<String>,
    /// The defects of the mocks, which prove that a check can fail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<String>,
    /// The harmless differences of the mocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variations: Vec<String>,
    /// The random seed for the delays of the mocks' answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<u64>,
}

/// The product whose requirements are judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JudgedProduct {
    /// The product; several while the signs of the Author contradict each other.
    pub products: Vec<Product>,
    /// What it was decided by, for example the version that the Author reports.
    pub decided_by: Vec<String>,
}

impl TargetRecord {
    /// The products whose requirements are judged. A record of format 1 is one of AEM 6.5.
    pub fn products(&self) -> &[Product] {
        self.judged_as.as_ref().map_or(&[Product::Aem65], |judged| &judged.products)
    }

    /// The systems that were mocks while the Author was real, in one line; none if there were none.
    pub fn mocked(&self) -> Option<String> {
        (!self.mocks.is_empty()).then(|| format!("{}: nothing was proved about the real ones", self.mocks.join(", ")))
    }
}

/// The environment of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Surroundings {
    /// The name of the checked environment, if it has one, as in a fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The operating system and the processor of the machine that ran the checks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// The CI system, the address of its job, the branch and the commit, as far as its variables contain them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ci: BTreeMap<String, String>,
}

/// The shard of a plan that one machine runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShardRecord {
    /// The number of the shard, from 1.
    pub index: u32,
    /// The number of shards.
    pub count: u32,
    /// The number of scenarios of all shards together.
    pub scenarios: usize,
    /// The SHA-256 over the ids of the scenarios of all shards, so that shards of different plans are not merged.
    pub plan_sha256: String,
}

/// The selection and the decisions of a plan.
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
    /// The number of scenarios to run.
    pub run: usize,
    /// The number of scenarios that were skipped before anything was sent.
    pub skip: usize,
    /// The number of scenarios that are about another product.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_applicable: usize,
    /// The number of scenarios that ran at once.
    pub jobs: usize,
    /// The retry limit for a scenario that did not pass.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: usize,
    /// Whether a flaky scenario counts as its worst attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// How many scenarios may not pass before no other one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<usize>,
    /// The earlier run whose green scenarios were taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<RerunRecord>,
    /// What the exit code depends on besides the verdicts.
    #[serde(default, skip_serializing_if = "GateRecord::is_usual")]
    pub gate: GateRecord,
    /// A digest of what else verdicts depend on, such as settings and user names; none in a record of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs_sha256: Option<String>,
    /// The time limit of the whole run, in seconds.
    pub timeout_s: u64,
    /// The shard of the plan, if the plan was split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardRecord>,
}

impl PlanRecord {
    /// Whether only some of the scenarios were selected.
    pub fn is_selection(&self) -> bool {
        self.tags.is_some() || self.name.is_some() || !self.requirements.is_empty()
    }
}

/// The earlier run whose green scenarios were taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RerunRecord {
    /// When it began.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// How many scenarios were taken over.
    pub kept: usize,
}

/// What the exit code depends on besides the verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateRecord {
    /// Whether only requirements that the document demands count, and not those that it recommends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_must: bool,
    /// The requirements that must be proved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require_proved: Vec<String>,
    /// How many requirements must be proved.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub require_count: usize,
    /// How long a request to an endpoint may take, in milliseconds, by the id of the endpoint.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub max_duration_ms: BTreeMap<String, u64>,
}

/// A request that took longer than it may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlowRecord {
    /// The id of the endpoint.
    pub endpoint: String,
    /// The id of the scenario.
    pub scenario: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How long it may take, in milliseconds.
    pub limit_ms: u64,
}

/// One scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioRecord {
    /// Stable and unique: `<file stem>/<slug of the name>`, and `#<n>` for a row of an outline's examples.
    pub id: String,
    /// The feature's name.
    pub feature: String,
    /// The file.
    pub file: String,
    /// The scenario's name.
    pub name: String,
    /// Its line in the file, from 1.
    pub line: usize,
    /// Its tags, without `@`.
    pub tags: Vec<String>,
    /// The requirements that it proves.
    pub requirements: Vec<String>,
    /// The permission level that it needs.
    pub allow: Allow,
    /// The verdict: that of the step that ended it, or passed if all steps passed.
    pub verdict: Verdict,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The cause, where a reader recognised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The ids of the causes that it follows from; none if it shows a cause itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explained_by: Vec<String>,
    /// The lines of a transcript or a log that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Whether the harness itself is the reason that it did not pass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub harness_failed: bool,
    /// The state of the Author at its beginning: on the mocks, their seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// When the run began that it is from, if some scenarios of the record are from an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub run: Option<Timestamp>,
    /// The attempts before the last one, if it was retried. A scenario that passes after another verdict is flaky.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// The time of its beginning, in milliseconds since 1970; 0 if it never began.
    pub started_ms: f64,
    /// The duration, in milliseconds.
    pub duration_ms: f64,
    /// Its steps, the backgrounds' first.
    pub steps: Vec<StepRecord>,
    /// The exchanges outside of its steps, which undo its changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// The pages of the browser outside of its steps, which undo its changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<PageView>,
    /// Its changes that could not be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
}

/// An attempt at a scenario that was retried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The time of its beginning, in milliseconds since 1970.
    pub started_ms: f64,
    /// The duration, in milliseconds.
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
    /// The verdict; `unproven` if the step was not reached.
    pub verdict: Verdict,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The lines of a transcript or a log that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// The time of its beginning, in milliseconds since 1970; 0 if it never began.
    pub started_ms: f64,
    /// The duration, in milliseconds.
    pub duration_ms: f64,
    /// The exchanges of the step, in the order of sending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// The pages of the browser, as its actions left them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<PageView>,
}

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementRecord {
    /// Its id.
    pub id: String,
    /// The merged verdict of its scenarios; `unproven` without any.
    pub verdict: Verdict,
    /// A remark, such as that some scenarios were skipped while others passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The cause, where a reader recognised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The ids of the selected scenarios that prove it.
    pub scenarios: Vec<String>,
}

/// A cause of what did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CauseRecord {
    /// The word of the cause; where none was recognised, the id of the requirement.
    pub id: String,
    /// The cause, where a reader recognised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The requirement at which it is seen first.
    pub requirement: String,
    /// The title.
    pub title: String,
    /// What was seen: the reasons of the scenarios that show it.
    pub evidence: Vec<String>,
    /// The lines of a transcript or a log that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// The ids of the scenarios that show it.
    pub shown_by: Vec<String>,
    /// The ids of the scenarios that failed, or could not be judged, because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explains: Vec<String>,
    /// The id of the remedy that comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The number of verdicts of each kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Scenarios by verdict.
    pub scenarios: BTreeMap<Verdict, usize>,
    /// Requirements by verdict.
    pub requirements: BTreeMap<Verdict, usize>,
    /// The number of scenarios that passed only on a retry.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flaky: usize,
    /// Wall time from the start of the process to the end of the run, in milliseconds.
    pub wall_ms: f64,
}

/// The outcome of a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// At least one requirement was proved, and no deviation was found.
    Conforms,
    /// At least one scenario failed.
    Fails,
    /// Inconclusive: a scenario could not be judged.
    CouldNotTell,
    /// No requirement was proved, or fewer than required.
    NothingProved,
    /// The harness itself failed.
    HarnessFailed,
    /// A change could not be undone.
    LeftSomething,
    /// Ctrl-C.
    Interrupted,
}

impl RunOutcome {
    /// The outcome of a record. Changes that must be undone by hand take precedence over everything else.
    pub fn of_record(record: &Record, interrupted: bool) -> Self {
        let (scenarios, plan) = (&record.scenarios, &record.plan);
        let counts = |scenario: &&ScenarioRecord| plan.gate.counts(scenario);
        let any = |verdict| scenarios.iter().filter(counts).any(|scenario| scenario.counted(plan) == verdict);
        // A shard proves only its part: the merged record is judged.
        let enough = plan.shard.is_some() || plan.gate.missing(record).is_empty();
        if !record.left_behind.is_empty() {
            Self::LeftSomething
        } else if interrupted {
            Self::Interrupted
        } else if any(Verdict::Failed) || plan.strict && !record.slow.is_empty() {
            Self::Fails
        } else if scenarios.iter().any(|scenario| scenario.harness_failed) {
            Self::HarnessFailed
        } else if any(Verdict::Error) || !record.complete {
            // What was not run might have failed.
            Self::CouldNotTell
        } else if record.proved() > 0 && enough {
            Self::Conforms
        } else {
            Self::NothingProved
        }
    }

    /// The exit code for this outcome.
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

/// All requirements, each with the merged verdict of its scenarios, as far as it holds for one of these products.
pub fn requirements(scenarios: &[ScenarioRecord], products: &[Product]) -> Vec<RequirementRecord> {
    let all = Requirements::built_in().all.iter();
    all.map(|requirement| merged_requirement(requirement, scenarios, products)).collect()
}

fn merged_requirement(
    requirement: &Requirement,
    scenarios: &[ScenarioRecord],
    products: &[Product],
) -> RequirementRecord {
    let id = &requirement.id;
    let own: Vec<_> = scenarios.iter().filter(|scenario| scenario.requirements.contains(id)).collect();
    if !requirement.holds_for(products) {
        let reason = Some(not_applicable(&requirement.products, products));
        let scenarios = own.into_iter().map(|scenario| scenario.id.clone()).collect();
        return RequirementRecord { id: id.clone(), verdict: Verdict::NotApplicable, reason, cause: None, scenarios };
    }
    // A scenario that may do less than the requirement needs can show that it is broken, and proves nothing.
    let proves = |scenario: &ScenarioRecord| scenario.verdict != Verdict::Passed || scenario.allow >= requirement.allow;
    let counted = |scenario: &&ScenarioRecord| if proves(scenario) { scenario.verdict } else { Verdict::Skipped };
    let verdict = own.iter().map(counted).fold(Verdict::default(), Verdict::merge);
    let skipped = own.iter().filter(|scenario| scenario.verdict == Verdict::Skipped).count();
    let flaky = own.iter().filter(|scenario| scenario.is_flaky()).count();
    let reason = match verdict {
        Verdict::Passed if flaky > 0 => Some(format!("{flaky} of {} scenarios passed only on a retry", own.len())),
        Verdict::Skipped | Verdict::NotApplicable => {
            let mut told = own.iter().filter(|scenario| scenario.verdict == verdict);
            let unproved = || format!("no deviation was found; only --allow {} can prove it", requirement.allow);
            told.find_map(|scenario| scenario.reason.clone()).or_else(|| Some(unproved()))
        }
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
    RequirementRecord { id: id.clone(), verdict, reason, cause, scenarios }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The number of verdicts of each kind.
pub fn count_verdicts(verdicts: impl IntoIterator<Item = Verdict>) -> BTreeMap<Verdict, usize> {
    let mut counts: BTreeMap<Verdict, usize> = Verdict::ALL.into_iter().map(|verdict| (verdict, 0)).collect();
    verdicts.into_iter().for_each(|verdict| *counts.entry(verdict).or_default() += 1);
    counts
}

/// A reason and the lines that show it, one per line.
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

    /// The pages of the browser that belong to it, in their order.
    pub fn all_pages(&self) -> impl Iterator<Item = &PageView> {
        self.steps.iter().flat_map(|step| &step.pages).chain(&self.pages)
    }

    /// Whether it passed only on a retry.
    pub fn is_flaky(&self) -> bool {
        self.verdict == Verdict::Passed && !self.attempts.is_empty()
    }

    /// The verdict that counts in that plan: in a strict plan, a flaky scenario has the verdict of its worst attempt.
    pub fn counted(&self, plan: &PlanRecord) -> Verdict {
        let worst = self.attempts.iter().map(|attempt| attempt.verdict).max();
        worst.filter(|_| plan.strict && self.is_flaky()).unwrap_or(self.verdict)
    }
}
