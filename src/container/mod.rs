//! An Author in a container, from its start to its removal. testcontainers starts it, with the label of the run. At the end
//! of the run, also after a failure, everything with this label is removed.

mod engine;
mod error;
mod launch;
mod owner;
mod ready;
pub mod sweep;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use bpconform_fixtures::Surfaces;
use bpconform_steps::credentials::Credentials;
use bpconform_steps::plain::plain;
use bpconform_steps::stack::Stack;
use bpconform_steps::wire::{Connection, Limits};
use url::Url;

use crate::cli::container::ContainerArgs;
use crate::cli::target::TargetArgs;
use crate::error::Error;
use crate::mocked::control::Control;
use crate::output::Output;
use crate::reach::{Reach, SettingSources};
use crate::run::target::{Contained, Image};
use crate::signals;

use engine::Engine;
use launch::Launched;
pub use launch::THIS_MACHINE;
use owner::RunOwner;

/// The file in the directory of a record that holds what the Author's container wrote.
pub const LOG: &str = "author.log";

/// How many lines of the log are shown of a container that did not become ready.
const LAST_LINES: usize = 12;

/// How long the engine may say that a container runs after its process has ended.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// What is to be started, and how it is reached.
#[derive(Clone, Copy, Debug)]
pub struct StartRequest<'a> {
    /// The image.
    pub image: &'a str,
    /// What the operator says of the container.
    pub args: &'a ContainerArgs,
    /// What the operator says of the target.
    pub target: &'a TargetArgs,
    /// Where settings and credentials come from.
    pub place: SettingSources<'a>,
    /// The endpoints of the target.
    pub surfaces: &'a Surfaces,
    /// Other names by which it must know this machine.
    pub hosts: &'a BTreeSet<String>,
    /// Where the container's log goes.
    pub out: Option<&'a Path>,
    /// Whether to print nothing about the progress of the start.
    pub quiet: bool,
}

/// A container that runs. It must be ended, or it is left behind until it is swept.
#[derive(Debug)]
pub struct RunningContainer {
    /// How a run reaches it.
    pub contained: Contained,
    /// How it is connected to.
    pub connection: Connection,
    owner: RunOwner,
    engine: Engine,
    launched: Launched,
}

/// The volumes of a run that outlive its containers: the new Author begins with what the old one left.
#[derive(Debug)]
pub struct KeptVolumes {
    engine: Engine,
    owner: RunOwner,
    /// Name and path in the container.
    volumes: Vec<(String, String)>,
}

impl KeptVolumes {
    /// Makes an empty volume for each of those paths.
    pub async fn make(paths: &[String]) -> Result<Self, Error> {
        let (engine, owner) = (Engine::find().await?, RunOwner::this());
        let named = paths.iter().enumerate();
        let volumes: Vec<_> = named.map(|(index, path)| (format!("{}-{index}", owner.name()), path.clone())).collect();
        let kept = Self { engine, owner, volumes };
        for (name, _) in &kept.volumes {
            if let Err(error) = kept.engine.make_volume(&kept.owner, name).await {
                kept.end().await;
                return Err(error.into());
            }
        }
        Ok(kept)
    }

    /// Removes them. What could not be removed is given back.
    pub async fn end(&self) -> Vec<String> {
        sweep::run(&self.engine, &self.owner.run).await
    }
}

/// The metadata of an image. It is pulled if it does not exist here.
pub async fn image(name: &str) -> Result<Image, Error> {
    Ok(Engine::find().await?.image(name).await?)
}

/// The metadata of an image, if it exists here. It is never pulled.
pub async fn local_image(name: &str) -> Result<Option<Image>, Error> {
    Ok(Engine::find().await?.local_image(name).await?)
}

/// Starts an Author, and gives it back once it is ready. If it does not get there, nothing of it is left.
pub async fn start(
    wanted: StartRequest<'_>,
    kept: Option<&KeptVolumes>,
    output: &Output,
) -> Result<RunningContainer, Error> {
    let engine = Engine::find().await?;
    let owner = RunOwner::this();
    let mut launched = None;
    let outcome = tokio::select! {
        biased;
        () = signals::asked_to_end() => Err(Error::Interrupted),
        outcome = bring_up(wanted, kept, &engine, &owner, &mut launched, output) => outcome,
    };
    let error = match (outcome, launched) {
        (Ok((contained, connection)), Some(launched)) => {
            return Ok(RunningContainer { contained, connection, owner, engine, launched });
        }
        (outcome, launched) => {
            launched.into_iter().for_each(Launched::leave_to_sweep);
            outcome.err().unwrap_or_else(|| Error::Internal("a container was ready that was not started".into()))
        }
    };
    let log = log_of(&engine, &owner, output).await;
    for left in sweep::run(&engine, &owner.run).await {
        output.err(&format!("warning: left behind: {left}; `bpconform clean --containers` removes it\n"));
    }
    keep_log(&log, wanted.out, output)?;
    if matches!(error, Error::Container { .. }) {
        output.err(&last_lines(&log));
    }
    Err(error)
}

async fn bring_up(
    wanted: StartRequest<'_>,
    kept: Option<&KeptVolumes>,
    engine: &Engine,
    owner: &RunOwner,
    launched: &mut Option<Launched>,
    output: &Output,
) -> Result<(Contained, Connection), Error> {
    let image = engine.image(wanted.image).await?;
    let mut reach = reach(&image, wanted, output)?;
    let volumes = kept.map_or(&[][..], |kept| &kept.volumes);
    let note = |text: String| {
        if !wanted.quiet {
            output.err(&text);
        }
    };
    note(format!("starting {} as {}\n", image.name, owner.name()));
    let launch =
        launch::Launch { image: &image, args: wanted.args, hosts: wanted.hosts, volumes, engine, owner, output };
    let launched = launched.insert(launch.launch().await?);
    let failed = |problem: String| Error::Container { image: image.name.clone(), problem };
    let mut defects = Vec::new();
    let mocks = if image.is_mocks {
        let control = Control::at(launched.url.clone(), launched.ports, output.redactor.clone())?;
        let status = launched.wait_for_control(&control, engine, wanted.args.start_timeout).await.map_err(failed)?;
        (reach.stack, reach.credentials) = control.place(&status).map_err(failed)?;
        defects = status.defects;
        Some(control)
    } else {
        reach.stack.author = launched.url.clone();
        None
    };
    let session = reach.session(reach.run(wanted.surfaces.clone(), wanted.target, output)?);
    let report = |lacks: &str| note(format!("not ready yet: {lacks}\n"));
    let alive = async || launched.alive(engine).await;
    ready::wait(&session, wanted.args.start_timeout, alive, report).await.map_err(failed)?;
    let Reach { stack, credentials, connection } = reach;
    let outlived = !volumes.is_empty() || wanted.args.mounts.iter().any(|mount| !mount.read_only);
    Ok((Contained { image, stack, credentials, mocks, defects, outlived }, connection))
}

/// The credentials and the connection. Missing values are reported before anything is started. The mocks report their addresses and what
/// they accept.
fn reach(image: &Image, wanted: StartRequest<'_>, output: &Output) -> Result<Reach, Error> {
    for variable in &wanted.args.variables {
        variable.value().map_err(Error::Usage)?;
    }
    let nowhere = Url::parse("http://127.0.0.1").map_err(|error| Error::Internal(error.to_string()))?;
    if !image.is_mocks {
        return Reach::at(nowhere, wanted.target, wanted.place, output);
    }
    let TargetArgs { ims_url, tenant_url, console_url, connection, .. } = wanted.target;
    if ims_url.is_some() || tenant_url.is_some() || console_url.is_some() || !wanted.hosts.is_empty() {
        let image = &image.name;
        return Err(Error::Usage(format!("{image} is the mocks, which have IMS, tenant and console: name no others")));
    }
    let stack = Stack { author: nowhere, ims: None, console: None, tenant: None, control: None };
    let limits = Limits { request: connection.request_timeout, ..Limits::default() };
    Ok(Reach { stack, credentials: Credentials::default(), connection: Connection::to_mocks(limits) })
}

impl RunningContainer {
    /// Whether all that was to be kept of it is empty: then it keeps elsewhere what it has.
    pub async fn kept_nothing(&self, kept: &KeptVolumes) -> Result<bool, Error> {
        for (_, path) in &kept.volumes {
            if !self.engine.is_empty(self.launched.id(), path).await? {
                return Ok(false);
            }
        }
        Ok(!kept.volumes.is_empty())
    }

    /// Ends the container, keeps its log, and removes all that it needed. What could not be removed is given back. If the
    /// run could not judge something, the container may have ended only now, of which the engine learns later.
    pub async fn end(self, out: Option<&Path>, may_be_ending: bool, output: &Output) -> Result<Vec<String>, Error> {
        let Self { engine, owner, launched, .. } = self;
        let (engine, owner) = (&engine, &owner);
        let limit = if may_be_ending { ENDS_WITHIN } else { Duration::ZERO };
        if let Some(how) = launch::ended_by_itself(engine, owner, limit).await {
            output.err(&format!("warning: the Author's container {how}, before the run was over\n"));
        }
        let log = log_of(engine, owner, output).await;
        let left = sweep::run(engine, &owner.run).await;
        launched.leave_to_sweep();
        keep_log(&log, out, output)?;
        Ok(left)
    }
}

/// The logs of a run's containers, or the reason why they cannot be read, which is evidence too. Secrets in them are
/// masked, since the content of the logs is unknown.
async fn log_of(engine: &Engine, owner: &RunOwner, output: &Output) -> String {
    let things = engine.ours(Some(&owner.run)).await.unwrap_or_default();
    let mut logs = String::new();
    for (_, thing) in things {
        if let engine::EngineResource::Container(id, _) = thing {
            logs += &engine.log(&id).await.unwrap_or_else(|error| format!("{error}\n"));
        }
    }
    plain(&output.redactor.redact_foreign(&logs)).into_owned()
}

fn keep_log(log: &str, out: Option<&Path>, output: &Output) -> Result<(), Error> {
    let Some(out) = out else { return Ok(()) };
    let file = out.join(LOG);
    let write =
        std::fs::create_dir_all(out).and_then(|()| std::fs::write(&file, output.redactor.redact_known(log).as_bytes()));
    write.map_err(|source| Error::Write { file, source })
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    if last.is_empty() {
        return "the container wrote no log\n".to_owned();
    }
    format!("the last lines of its log:\n  {}\n", last.join("\n  "))
}
