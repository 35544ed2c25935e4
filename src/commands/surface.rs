//! `bpconform surface`: shows, learns or probes the endpoints of an Author.

use std::path::Path;

use bpconform_steps::browser::Browser;

use crate::cli::surface::{LearnArgs, ProbeArgs, SurfaceCommand};
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs::surfaces;
use crate::learn::recorder::{self, RecordedUntil, Recorder};
use crate::learn::{Learned, learn, probe, show};
use crate::output::Output;
use crate::reach::{Reach, SettingSources};
use crate::run::preflight;
use crate::signals;

/// Carries it out. Nothing found is exit code 4: nothing was proved.
pub async fn command(command: &SurfaceCommand, place: SettingSources<'_>, output: &Output) -> Result<Exit, Error> {
    match command {
        SurfaceCommand::Show(show) => {
            let known = surfaces(show.surfaces.as_deref())?;
            output.out(&show::print(&known, &show.show)?);
            Ok(Exit::Green)
        }
        SurfaceCommand::Learn(args) => {
            let learned = match &args.browser {
                Some(program) => record(program.as_deref(), args, place, output).await?,
                None => learn(&args.har, &args.curl)?,
            };
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

/// Records the documented steps in a browser until the person or a limit ends it.
async fn record(
    program: Option<&Path>,
    args: &LearnArgs,
    place: SettingSources<'_>,
    output: &Output,
) -> Result<Learned, Error> {
    // Counts from here on, so that no signal ends the program while its browser runs.
    let interrupted = signals::asked_to_end();
    can_show_a_window()?;
    let reach = Reach::author(&args.target, place, output)?;
    let session = reach.session(reach.run(surfaces(None)?, &args.target, output)?);
    let author = reach.stack.author.to_string();
    let unreachable = |problem| Error::Unreachable { url: author.clone(), problem };
    let browser = Browser::new(program, true, &reach.stack.author, "recorder").map_err(Error::Usage)?;
    if !browser.is_sandboxed() {
        output.err("note: root runs Chromium without its sandbox; it opens only pages of this machine\n");
    }
    preflight::check(&session).await.map_err(unreachable)?;
    output.err(&recorder::introduction(&author));
    let mut recorder = Recorder::new(output.clone(), reach.credentials.secrets())?;
    let ended = tokio::select! {
        ended = session.record(&browser, &mut recorder) => ended.map(RecordedUntil::from),
        () = interrupted => Ok(RecordedUntil::Interrupt),
        () = tokio::time::sleep(args.timeout) => Ok(RecordedUntil::Timeout),
    };
    browser.close().await;
    // What was recognised before the browser failed is not lost.
    match ended {
        Ok(ended) => output.err(&format!("the recording has ended: {}\n", ended.words())),
        Err(problem) if recorder.has_learned() => output.err(&format!("the recording has ended: {}\n", problem.reason)),
        Err(problem) => return Err(unreachable(problem.reason)),
    }
    recorder.learned()
}

/// A person must see the window.
fn can_show_a_window() -> Result<(), Error> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !cfg!(target_os = "linux") || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(is_set) {
        return Ok(());
    }
    Err(Error::Usage(
        "--browser opens a window, and this session has no display (neither DISPLAY nor WAYLAND_DISPLAY is set): run it on a \
        desktop or over `ssh -X`; or save the network tab of any browser and use --har FILE"
            .to_owned(),
    ))
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
