//! `bpconform rehearse`: rehearses an upgrade. It checks the old Author in a container and stops it, starts the new one on
//! the same repository, checks that in the same way, and compares the two records.

use std::path::Path;
use std::time::Instant;

use crate::cli::CommonArgs;
use crate::cli::container::MountSource;
use crate::cli::rehearse::RehearseArgs;
use crate::commands::run::RunRequest;
use crate::compare::diff;
use crate::container::{KeptVolumes, THIS_MACHINE, image};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::reach::SettingSources;
use crate::record::{Record, RunOutcome};

/// Rehearses an upgrade.
pub async fn command(
    args: &RehearseArgs,
    common: &CommonArgs,
    place: SettingSources<'_>,
    output: &Output,
    began: Instant,
) -> Result<Exit, Error> {
    let how = &args.how;
    let others = how.dry_run || how.fleet.is_some() || how.shard.is_some() || how.baseline.is_some();
    let of_one = !how.reports.is_empty() || how.journal.is_some();
    let of_mocks = !how.defects.is_empty() || !how.variations.is_empty() || how.jitter.is_some();
    if others || of_one || of_mocks {
        let advice = "records of both runs are in --out DIR, for `bpconform report` and `baseline`; an image of the mocks \
            takes its defects as --container-env BPCONFORM_MOCK_DEFECTS=ID";
        return Err(Error::Usage(format!(
            "a rehearsal takes no --dry-run, --fleet, --shard, --baseline, --report, --journal, --defect and --jitter; \
            {advice}"
        )));
    }
    if args.target.author_url.is_some() {
        return Err(Error::Usage("--author-url cannot be used with a rehearsal, whose Authors are containers".into()));
    }
    let hybrid = args.hybrid.advertised_as(THIS_MACHINE);
    let (target, select) = (&args.target, &args.select);
    let asked = RunRequest { target, hybrid: &hybrid, select, how, expected: None, common, place, output, began };
    let paths = paths(args).await?;
    reads_them(&args.to, &paths).await?;
    let kept = KeptVolumes::make(&paths).await?;
    let run = async |image: &str, name: &str| {
        let out = how.out.as_ref().map(|out| out.join(name));
        output.print_text(&format!("{name} the upgrade: {image}\n"));
        asked.contained(image, &args.start, Some(&kept), out.as_deref()).await
    };
    let both = async {
        let before = run(&args.from, "before").await?;
        if let Some(exit) = incomparable(&before) {
            output.print_text("what is to be upgraded could not be judged, so nothing can be compared with it\n");
            return Ok(Err(exit));
        }
        Ok(Ok((before, run(&args.to, "after").await?)))
    };
    let outcome: Result<Result<(Record, Record), Exit>, Error> = both.await;
    let left = kept.end().await;
    left.iter().for_each(|left| output.err(&format!("warning: left behind: {left}\n")));
    Ok(match outcome? {
        Err(exit) => exit,
        Ok(_) if !left.is_empty() => Exit::CleanUp,
        Ok((before, after)) => judge(&before, &after, output),
    })
}

/// Prints the effect of the upgrade.
fn judge(before: &Record, after: &Record, output: &Output) -> Exit {
    let diff = diff::diff(before, after);
    output.print_text(&format!("\nwhat the upgrade did\n{}", diff.text()));
    // A broken requirement takes precedence over one that could not be judged.
    match diff.exit() {
        Exit::Green => incomparable(after).unwrap_or(Exit::Green),
        exit => exit,
    }
}

/// The exit code of a run whose record proves too little to be compared.
fn incomparable(record: &Record) -> Option<Exit> {
    match record.outcome {
        RunOutcome::Conforms | RunOutcome::Fails => None,
        outcome => Some(outcome.exit()),
    }
}

/// Fails unless the new Author reads the kept directories: otherwise it would start with an empty repository.
async fn reads_them(to: &str, paths: &[String]) -> Result<(), Error> {
    let volumes = image(to).await?.volumes;
    if paths.is_empty() || volumes.is_empty() || volumes.iter().any(|volume| paths.contains(volume)) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{to} keeps what it has in {}, and takes over {}: name the right directory with --keep PATH",
        volumes.join(", "),
        paths.join(", ")
    )))
}

/// What the new Author takes over from the old one.
async fn paths(args: &RehearseArgs) -> Result<Vec<String>, Error> {
    if let Some(path) = args.keep.iter().find(|path| !Path::new(path).is_absolute()) {
        return Err(Error::Usage(format!("--keep {path}: it is an absolute path in the container")));
    }
    if !args.keep.is_empty() {
        return Ok(args.keep.clone());
    }
    let from = image(&args.from).await?;
    let mut volumes = from.volumes;
    volumes.retain(|path| !args.start.mounts.iter().any(|mount| mount.target == *path));
    let mounted =
        args.start.mounts.iter().any(|mount| matches!(mount.source, MountSource::Volume(_)) && !mount.read_only);
    if volumes.is_empty() && !mounted && !from.is_mocks {
        let from = from.name;
        return Err(Error::Usage(format!(
            "the new Author would take nothing over from the old one: {from} declares no volume; name its directory with \
            --keep PATH, for example --keep /opt/aem/crx-quickstart"
        )));
    }
    Ok(volumes)
}
