//! Removes the containers, networks and volumes of runs from the Docker Engine. A run removes its own at its end; those of
//! a killed run are found by their label.

use super::engine::{Engine, EngineResource};
use super::owner::{OwnerState, RunOwner};
use crate::cli::clean::SweepArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// Removes everything with a run's label. Returns what could not be removed, with the reason.
pub(super) async fn run(engine: &Engine, run: &str) -> Vec<String> {
    match engine.ours(Some(run)).await {
        Ok(things) => {
            let mut left = Vec::new();
            for (_, thing) in things {
                if let Err(error) = engine.remove(&thing).await {
                    left.push(error.to_string());
                }
            }
            left
        }
        Err(error) => vec![error.to_string()],
    }
}

/// `bpconform clean --containers`: removes what ended runs left behind. With `--all` also what a run in progress uses.
pub async fn clean(args: &SweepArgs, dry_run: bool, output: &Output) -> Result<Exit, Error> {
    let engine = Engine::find().await?;
    let ours = engine.ours(None).await?;
    let mut exit = Exit::Green;
    for (owner, thing) in &ours {
        match (args.all, owner.life()) {
            (false, OwnerState::Running) => output.print_text(&kept(owner, thing, "its run goes on")),
            (false, OwnerState::Elsewhere) => {
                output.print_text(&kept(owner, thing, "its run was started on another machine"));
            }
            _ if dry_run => output.print_text(&format!("would remove the {thing}\n")),
            _ => match engine.remove(thing).await {
                Ok(()) => output.print_text(&format!("removed the {thing}\n")),
                Err(error) => {
                    exit = Exit::CleanUp;
                    output.err(&format!("error: {error}\n"));
                }
            },
        }
    }
    if ours.is_empty() {
        output.print_text("nothing was left behind\n");
    }
    Ok(exit)
}

fn kept(owner: &RunOwner, thing: &EngineResource, why: &str) -> String {
    format!("kept the {thing} of run {}: {why}; --all removes it too\n", owner.run)
}
