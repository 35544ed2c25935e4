//! `run` and `doctor` come to the same result on every defect and variation: they use the same readers and judges.
//!
//! In a test build all of them take minutes, so that a run of the tests tries a sample. `BPCONFORM_TEST_WHOLE=1` tries all.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use bpconform_fixtures::{Allow, Cause, Defects, Surfaces, Variations};
use bpconform_mocks::stack::{self, StackOptions};
use bpconform_steps::credentials::Credentials;
use bpconform_steps::redact::Redactor;
use bpconform_steps::run::{Run, Settings};
use bpconform_steps::session::Session;
use bpconform_steps::stack::Stack;
use bpconform_steps::wire::{Connection, Limits, Wire};
use url::Url;

use super::engine::{Installation, SilencedPanics, at_once};
use crate::commands::doctor::{Diagnosis, Severity, examine};
use crate::error::Error;
use crate::features::Features;
use crate::record::{Record, ScenarioRecord};
use crate::run::options::Options;
use crate::run::target::Target;
use crate::verdict::Verdict;

/// The requirements that both judge by reading.
const BOTH: [&str; 17] = [
    "BP-PRE-01",
    "BP-PRE-02",
    "BP-PRE-03",
    "BP-PRE-05",
    "BP-PRE-07",
    "BP-IMS-02",
    "BP-IMS-03",
    "BP-IMS-05",
    "BP-CLD-02",
    "BP-CLD-03",
    "BP-REP-01",
    "BP-REP-02",
    "BP-REP-04",
    "BP-REP-08",
    "BP-REP-09",
    "BP-JWT-04",
    "BP-JWT-06",
];

/// Of so many deviations one is tried in a sample.
const SAMPLE: usize = 31;

/// What one of the two says of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Good,
    Unclear,
    Wrong,
}

type AllSaid = BTreeMap<String, Said>;

fn worst<'a>(all: impl Iterator<Item = (&'a str, Said)>) -> AllSaid {
    let mut said = AllSaid::new();
    for (requirement, found) in all {
        let known = said.entry(requirement.to_owned()).or_insert(found);
        *known = found.max(*known);
    }
    said
}

/// What a run that only reads says of each requirement; one without a result is left out.
fn said_by_run(record: &Record) -> AllSaid {
    let scenario = |scenario: &ScenarioRecord| match scenario.verdict {
        Verdict::Passed => Some(Said::Good),
        Verdict::Failed => Some(Said::Wrong),
        Verdict::Error => Some(Said::Unclear),
        _ => None,
    };
    // A run judges four agents or none; the doctor judges those that are there, and reports the missing ones.
    let is_judged = |it: &&ScenarioRecord| {
        it.cause != Some(Cause::AgentsMissing) || it.requirements.iter().any(|id| id == "BP-REP-01")
    };
    let said = record.scenarios.iter().filter(is_judged).filter_map(|it| Some((it, scenario(it)?)));
    worst(said.flat_map(|(it, said)| it.requirements.iter().map(move |id| (id.as_str(), said))))
}

fn said_by_doctor(diagnosis: &Diagnosis) -> AllSaid {
    let severity = |severity| match severity {
        Severity::Ok | Severity::Info => Said::Good,
        Severity::Unknown => Said::Unclear,
        Severity::Warning | Severity::Problem => Said::Wrong,
    };
    worst(diagnosis.findings.iter().map(|finding| (finding.requirement, severity(finding.severity))))
}

/// A mocked Author that is reached like a real one.
struct Reached {
    mock: stack::Stack,
    stack: Stack,
    credentials: Credentials,
    settings: Settings,
}

impl Reached {
    async fn start(installation: &Installation) -> Self {
        let options = StackOptions {
            defects: installation.defect.iter().cloned().collect(),
            variations: installation.variation.iter().cloned().collect(),
            ..StackOptions::new("configured")
        };
        let mock = stack::Stack::start(options).await.expect("the mocks start");
        let url = |address: &str| Url::parse(address).expect("an address");
        let stack = Stack {
            author: url(&mock.author),
            ims: Some(url(&mock.ims)),
            console: None,
            tenant: Some(url(&mock.tenant)),
            control: None,
        };
        let credentials = mock.credentials().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let credentials = Credentials::new(credentials).0;
        let mut settings = Options::embedded(Redactor::default(), Instant::now()).settings;
        if let Some(latest) = installation.variation.as_ref().and_then(|it| it.latest_service_pack.clone()) {
            settings.latest_service_packs = vec![latest];
        }
        Self { mock, stack, credentials, settings }
    }

    /// The verdicts of a run. A run that does not begin has none; then the doctor has to report the problem.
    async fn run(&self, features: &Features) -> AllSaid {
        let options = Options {
            target: Target::Author(self.stack.clone(), self.credentials.clone()),
            allow: Allow::Observe,
            is_alone: false,
            settings: self.settings.clone(),
            ..Options::embedded(Redactor::default(), Instant::now())
        };
        let record = crate::run::run(&options, features, |_: &ScenarioRecord| ()).await;
        record.map_or_else(|_| BOTH.map(|id| (id.to_owned(), Said::Unclear)).into(), |record| said_by_run(&record))
    }

    async fn doctor(&self) -> Diagnosis {
        let wire = Wire::new(&Connection::to_mocks(Limits::default())).expect("a client");
        let surfaces = Arc::new(Surfaces::built_in().clone());
        let mut run = Run::new("doctor", Allow::Observe, surfaces, wire, Redactor::default());
        run.settings = self.settings.clone();
        examine(Session::new(Arc::new(run), self.stack.clone(), self.credentials.clone()), false, None).await
    }
}

/// How run and doctor contradict each other.
fn contradictions(run: &AllSaid, doctor: &AllSaid) -> Vec<String> {
    let agrees = |requirement: &str, by_run: Said| match doctor.get(requirement) {
        Some(by_doctor) => *by_doctor == by_run,
        // Where the doctor has nothing to say, it reports what has to be right before.
        None => by_run == Said::Good || doctor.values().any(|said| *said != Said::Good),
    };
    let judged = BOTH.iter().filter_map(|requirement| Some((*requirement, *run.get(*requirement)?)));
    let contradicted = judged.filter(|(requirement, by_run)| !agrees(requirement, *by_run));
    contradicted
        .map(|(requirement, by_run)| format!("{requirement}: run {by_run:?}, doctor {:?}", doctor.get(requirement)))
        .collect()
}

/// What is wrong with what both say of an installation.
fn disagreements(features: &Features, installation: &Installation) -> Result<Vec<String>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let reached = Reached::start(installation).await;
        let by_run = reached.run(features).await;
        let diagnosis = reached.doctor().await;
        reached.mock.stop().await;
        let mut found = contradictions(&by_run, &said_by_doctor(&diagnosis));
        found.extend(unnamed(installation, &diagnosis));
        Ok(found)
    })
}

/// A defect that shows in the log of an agent is a problem for the doctor, with its cause: a run reads only transcripts.
fn unnamed(installation: &Installation, diagnosis: &Diagnosis) -> Option<String> {
    let defect = installation.defect.as_ref()?;
    let cause = Cause::parse(defect.cause.as_deref()?)?;
    let in_log = defect.changes.answers.iter().any(|answer| answer.to.surface == "author.agent-log");
    let problems = diagnosis.findings.iter().filter(|finding| finding.severity == Severity::Problem);
    let named: Vec<_> = problems.filter_map(|finding| finding.cause).collect();
    (in_log && !named.contains(&cause)).then(|| format!("the doctor names {named:?}, not {cause:?}"))
}

#[test]
fn run_and_doctor_agree_on_every_defect_and_variation() {
    let quiet = SilencedPanics::begin();
    let features = Features::built_in().expect("the features");
    let defects = Defects::built_in()
        .all
        .iter()
        .map(|defect| (&defect.id, Installation { defect: Some(Arc::new(defect.clone())), variation: None }));
    let variations = Variations::built_in()
        .all
        .iter()
        .map(|variation| (&variation.id, Installation { defect: None, variation: Some(Arc::new(variation.clone())) }));
    let mut all: Vec<_> = defects.chain(variations).collect();
    if std::env::var_os("BPCONFORM_TEST_WHOLE").is_none() {
        let many = all.len();
        all = all.into_iter().step_by(SAMPLE).collect();
        let few = all.len();
        // Bypasses the capture of the test harness, so that it is visible.
        let text = format!("SAMPLE: {few} of {many} defects and variations; all with BPCONFORM_TEST_WHOLE=1\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    let found = at_once(&all, |(id, installation)| {
        let found = disagreements(&features, installation)?;
        Ok(found.into_iter().map(|found| format!("{id}: {found}")).collect::<Vec<_>>())
    });
    // A hook cannot be set while a failed assertion unwinds.
    drop(quiet);
    let found: Vec<_> = found.expect("all were tried").into_iter().flatten().collect();
    assert!(found.is_empty(), "{} of {} disagree:\n{}", found.len(), all.len(), found.join("\n"));
}
