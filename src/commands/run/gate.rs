//! The conditions of the exit code, from the flags of a run.

use std::collections::BTreeMap;

use bpconform_fixtures::requirements::Level;
use bpconform_fixtures::{Requirements, Surfaces};

use crate::cli::gate::GateArgs;
use crate::error::Error;
use crate::plan::Selection;
use crate::record::GateRecord;

/// The gate of a run. An id that does not exist is an error: it could never be proved.
pub(super) fn record(args: &GateArgs) -> Result<GateRecord, Error> {
    let (mut ids, mut count) = (Vec::new(), 0);
    for word in &args.require_proved {
        match word.trim().parse::<usize>() {
            Ok(number) => count = number.max(count),
            Err(_) => ids.push(word.trim().to_uppercase()),
        }
    }
    let all = Requirements::built_in().all.len();
    if count > all {
        return Err(Error::Usage(format!("--require-proved {count}: there are only {all} requirements")));
    }
    let known = Selection::new(None, None, ids)?;
    Ok(GateRecord {
        only_must: args.fail_on == Level::Must,
        require_proved: known.requirements().to_vec(),
        require_count: count,
        max_duration_ms: args.max_durations.iter().map(limit).collect::<Result<BTreeMap<_, _>, _>>()?,
    })
}

fn limit((endpoint, limit): &(String, std::time::Duration)) -> Result<(String, u64), Error> {
    let surfaces = Surfaces::built_in();
    if surfaces.find(endpoint).is_none() {
        let hint = surfaces.nearest(endpoint).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        let problem =
            format!("--max-duration: the endpoint {endpoint} is unknown; `bpconform surface show` lists all{hint}");
        return Err(Error::Usage(problem));
    }
    Ok((endpoint.clone(), u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)))
}
