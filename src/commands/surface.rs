//! `bpconform surface`: shows, learns or probes the endpoints of an Author.

use std::path::Path;

use crate::cli::surface::{ProbeArgs, SurfaceCommand};
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs::surfaces;
use crate::learn::{learn, probe, show};
use crate::output::Output;
use crate::reach::{Reach, SettingSources};
use crate::run::preflight;

/// Carries it out. Nothing found is exit code 4: nothing was proved.
pub async fn command(command: &SurfaceCommand, place: SettingSources<'_>, output: &Output) -> Result<Exit, Error> {
    match command {
        SurfaceCommand::Show(show) => {
            let known = surfaces(show.surfaces.as_deref())?;
            output.out(&show::print(&known, &show.show)?);
            Ok(Exit::Green)
        }
        SurfaceCommand::Learn(args) => {
            let learned = learn(args)?;
            output.err(&learned.summary());
            if learned.surfaces.is_empty() {
                return Ok(Exit::NothingProved);
            }
            write(args.out.as_deref(), &learned.text()?, output)?;
            Ok(Exit::Green)
        }
        SurfaceCommand::Probe(arguments) => probe_author(arguments, place, output).await,
        SurfaceCommand::Drift(arguments) => super::drift::command(arguments, place, output).await,
    }
}

async fn probe_author(arguments: &ProbeArgs, place: SettingSources<'_>, output: &Output) -> Result<Exit, Error> {
    let reach = Reach::author(&arguments.target, place, output)?;
    let run = |surfaces| reach.run(surfaces, &arguments.target, output);
    preflight::check(&reach.session(run(surfaces(None)?)?))
        .await
        .map_err(|problem| Error::Unreachable { url: reach.stack.author.to_string(), problem })?;
    let found = probe::probe(&reach.session(probe::only_candidates(run(surfaces(None)?)?))).await;
    output.out(&found.text());
    if let Some(out) = arguments.out.as_deref().filter(|_| !found.surfaces.is_empty()) {
        write(Some(out), &found.file()?, output)?;
    }
    Ok(Exit::Green)
}

/// Not through the output's gate: a mask in the file would make it useless, and what is learned was searched for secrets.
fn write(file: Option<&Path>, text: &str, output: &Output) -> Result<(), Error> {
    let Some(file) = file else {
        output.out(text);
        return Ok(());
    };
    std::fs::write(file, text).map_err(|source| Error::Write { file: file.to_owned(), source })?;
    output.err(&format!("written: {}; use it with --surfaces {}\n", file.display(), file.display()));
    Ok(())
}
