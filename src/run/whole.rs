//! The record of a whole run: created before anything has run, completed at the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_fixtures::Surfaces;
use bpconform_steps::run::Judged;
use jiff::Timestamp;

use crate::plan::{Plan, Planned};
use crate::record::{
    self, JudgedProduct, PlanRecord, Record, RunOutcome, ShardRecord, Summary, Surroundings, TargetRecord, Tool,
};
use crate::run::options::Options;
use crate::run::play::skipped;
use crate::run::stage::StopReason;
use crate::run::survey::Survey;
use crate::run::target::Target;
use crate::run::trace::not_run;
use crate::run::via::Via;
use crate::surroundings;
use crate::text::milliseconds;
use crate::verdict::Verdict;

/// The record before any scenario has run.
pub(super) fn open(
    options: &Options,
    plan: &Plan,
    shard: Option<ShardRecord>,
    started: Timestamp,
    survey: Option<Survey>,
    judged: Judged,
) -> Record {
    let not_yet =
        |planned: &Planned| skipped(planned).unwrap_or_else(|| not_run(&planned.case, Verdict::Unproven, None));
    let scenarios: Vec<_> = plan.scenarios.iter().map(not_yet).collect();
    let products = judged.products.clone();
    Record {
        format: record::FORMAT,
        tool: Tool::this(),
        started,
        duration_ms: 0.0,
        target: target(options, survey, judged),
        allow: options.allow,
        plan: PlanRecord {
            tags: options.selection.tags().map(str::to_owned),
            name: options.selection.name().map(str::to_owned),
            requirements: options.selection.requirements().to_vec(),
            run: plan.running(),
            skip: plan.skipped(),
            not_applicable: plan.not_applicable(),
            jobs: options.jobs,
            retries: options.retries,
            strict: options.strict,
            max_failures: options.max_failures,
            rerun: options.rerun.as_ref().map(|rerun| rerun.record(plan)),
            gate: options.gate.clone(),
            inputs_sha256: inputs(options),
            timeout_s: options.timeout.as_secs(),
            shard,
        },
        environment: Surroundings { name: options.name.clone(), ..surroundings::of_this_process() },
        body_cap: bpconform_steps::evidence::BODY_CAP,
        left_behind: Vec::new(),
        journal: None,
        files: options.via.files(),
        requirements: record::requirements(&scenarios, &products),
        causes: Vec::new(),
        slow: Vec::new(),
        scenarios,
        summary: Summary::default(),
        outcome: RunOutcome::Interrupted,
        exit_code: RunOutcome::Interrupted.exit().code(),
        complete: false,
    }
}

/// Completes the record after its scenarios have run.
pub(super) fn close(record: &mut Record, options: &Options, stopped: Option<StopReason>) {
    record.duration_ms = milliseconds(Timestamp::now().duration_since(record.started).unsigned_abs());
    record.summary.wall_ms = milliseconds(options.began.elapsed());
    record.complete = stopped.is_none();
    if record.plan.rerun.is_some() {
        record.scenarios.iter_mut().for_each(|scenario| scenario.run = scenario.run.or(Some(record.started)));
    }
    record.judge_again(stopped == Some(StopReason::Interrupted));
}

/// A digest of what the operator gave and verdicts depend on. It holds no secret, whose digest could be guessed.
fn inputs(options: &Options) -> Option<String> {
    let settings = &options.settings;
    let headers: Vec<_> = options.connection.headers.iter().map(|(name, _)| name).collect();
    let users: Vec<_> = options.target.real().into_iter().flat_map(|(_, credentials)| credentials.open()).collect();
    let waits = [settings.patience, settings.certificate_warning, settings.log_age].map(|wait| wait.as_secs());
    let via = matches!(options.via, Via::Browser(_));
    surroundings::sha256_of(&(&settings.latest_service_packs, waits, headers, users, via))
}

/// The digest of a set of endpoints, which the environments of a fleet share.
fn digest(surfaces: &Arc<Surfaces>) -> Option<String> {
    static LAST: Mutex<Option<(Arc<Surfaces>, Option<String>)>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, digest)) = last.as_ref().filter(|(known, _)| Arc::ptr_eq(known, surfaces)) {
        return digest.clone();
    }
    let digest = surroundings::sha256_of(&**surfaces);
    *last = Some((Arc::clone(surfaces), digest.clone()));
    digest
}

fn target(options: &Options, survey: Option<Survey>, judged: Judged) -> TargetRecord {
    let addresses = match options.target.place() {
        None => BTreeMap::new(),
        Some((stack, _)) => {
            let all = [
                ("author", Some(&stack.author)),
                ("ims", stack.ims.as_ref()),
                ("console", stack.console.as_ref()),
                ("tenant", stack.tenant.as_ref()),
            ];
            all.into_iter().filter_map(|(name, url)| Some((name.to_owned(), url?.clone()))).collect()
        }
    };
    let contained = match &options.target {
        Target::Container(contained) => Some(contained),
        _ => None,
    };
    let (product, states) =
        survey.map(|survey| (survey.signs.version.shown().map(str::to_owned), survey.states)).unwrap_or_default();
    TargetRecord {
        kind: options.target.word().to_owned(),
        addresses,
        mocks: options.mocks.iter().map(|system| system.word().to_owned()).collect(),
        insecure: options.connection.insecure,
        product,
        judged_as: Some(JudgedProduct { products: judged.products, decided_by: judged.decided_by }),
        states: states.into_iter().collect(),
        surfaces: options.surfaces.name.clone(),
        surfaces_sha256: digest(&options.surfaces),
        defects: match contained {
            Some(contained) => contained.defects.clone(),
            None => options.defects.iter().map(|defect| defect.id.clone()).collect(),
        },
        variations: options.variations.iter().map(|variation| variation.id.clone()).collect(),
        jitter: options.jitter,
        image: contained.map(|contained| format!("{} ({})", contained.image.name, contained.image.id)),
    }
}
