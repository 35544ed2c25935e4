//! The start of a container: its image, ports, environment and mounts.

use std::collections::{BTreeSet, HashMap};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use bpconform_mocks::renewal::StackStatus;
use testcontainers::bollard::models::{HostConfig, PortBinding};
use testcontainers::core::{AccessMode, Host, IntoContainerPort as _, Mount};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};
use url::Url;

use super::engine::{Engine, EngineResource};
use super::error::chain;
use super::owner::RunOwner;
use super::ready::in_words;
use crate::cli::container::{ContainerArgs, MountArg, MountSource};
use crate::error::Error;
use crate::mocked::control::Control;
use crate::output::Output;
use crate::run::target::Image;

/// The name by which a container reaches this machine: here the harness can serve it mocked systems.
pub const THIS_MACHINE: &str = "host.docker.internal";

/// How long the engine may take to start a process; until the Author is ready is another matter.
const STARTUP: Duration = Duration::from_secs(120);

/// The ports of this machine that the mocks in a container are given. Below are those of embedded mocks and those that
/// programs are known by, above are those that the system gives away.
const PORTS: std::ops::Range<u16> = 28_000..32_000;

const LOOPBACK: &str = "127.0.0.1";

/// The number of attempts with new ports, because a free port may be taken in the meantime.
const ATTEMPTS: usize = 5;

/// The pause between two questions whether the mocks' control answers.
const PAUSE: Duration = Duration::from_millis(50);

/// The ports of the mocks, by the variable that sets them. The control's comes first.
const OF_MOCKS: [&str; 5] = [
    "BPCONFORM_CONTROL_PORT",
    "BPCONFORM_AUTHOR_PORT",
    "BPCONFORM_IMS_PORT",
    "BPCONFORM_CONSOLE_PORT",
    "BPCONFORM_TENANT_PORT",
];

/// What a container is started with.
pub(super) struct Launch<'a> {
    pub(super) image: &'a Image,
    pub(super) args: &'a ContainerArgs,
    /// Other names of this machine.
    pub(super) hosts: &'a BTreeSet<String>,
    pub(super) volumes: &'a [(String, String)],
    pub(super) engine: &'a Engine,
    pub(super) owner: &'a RunOwner,
    pub(super) output: &'a Output,
}

/// A container that was started.
#[derive(Debug)]
pub(super) struct Launched {
    /// The Author's address; of the mocks, their control's.
    pub(super) url: Url,
    /// The ports that the mocks were given, of their Author, IMS, console and tenant.
    pub(super) ports: Option<[u16; 4]>,
    container: ContainerAsync<GenericImage>,
}

impl Launch<'_> {
    /// Starts it, in a separate network.
    pub(super) async fn launch(&self) -> Result<Launched, Error> {
        if self.image.is_mocks && !self.engine.is_here {
            let advice = "run without --target container, against the embedded mocks";
            return Err(self.failed(format!("the mocks are known by addresses of this machine; {advice}")));
        }
        if self.engine.is_remote {
            let problem = "the Docker Engine is another machine's: the Author would be open to the network there, and its \
                password would go there in clear; run bpconform on that machine";
            return Err(self.failed(problem.into()));
        }
        self.engine.make_network(self.owner).await?;
        let mut attempt = 1;
        loop {
            match self.attempt().await {
                Err(Error::Container { problem, .. }) if attempt < ATTEMPTS && is_taken(&problem) => attempt += 1,
                outcome => return outcome,
            }
            // What could not get its port is there all the same.
            for (_, thing) in self.engine.ours(Some(&self.owner.run)).await? {
                if matches!(thing, EngineResource::Container(..)) {
                    self.engine.remove(&thing).await?;
                }
            }
        }
    }

    async fn attempt(&self) -> Result<Launched, Error> {
        let (request, port, ports) = if self.image.is_mocks {
            let (request, [control, systems @ ..]) = self.mocks()?;
            (request, control, Some(systems))
        } else {
            let (request, port) = self.author();
            (request, port, None)
        };
        let container = request.start().await.map_err(|error| self.failed(chain(&error)))?;
        match self.address(&container, port).await {
            Ok(url) => Ok(Launched { url, ports, container }),
            Err(error) => {
                // A container that has ended has no ports any more; its log contains the cause.
                let ended = how_ended(self.engine, container.id()).await;
                std::mem::forget(container);
                Err(ended.map_or(error, |how| self.failed(format!("its container {how}"))))
            }
        }
    }

    async fn address(&self, container: &ContainerAsync<GenericImage>, port: u16) -> Result<Url, Error> {
        let failed = |error| self.failed(chain(&error));
        let port = container.get_host_port_ipv4(port).await.map_err(failed)?;
        let host = if self.engine.is_here {
            LOOPBACK.to_owned()
        } else {
            container.get_host().await.map_err(failed)?.to_string()
        };
        Url::parse(&format!("http://{host}:{port}")).map_err(|error| Error::Internal(error.to_string()))
    }

    /// An operator's Author: its port is published under any number.
    fn author(&self) -> (ContainerRequest<GenericImage>, u16) {
        let port = self.args.container_port;
        let publish = self.args.publish.iter().map(|publish| (publish.container, publish.host));
        (self.request(publish.chain([(port, 0)]).collect()), port)
    }

    /// The mocks: their Author is configured with the addresses of its siblings, which must be true inside and outside, so
    /// every port has the same number on both sides.
    fn mocks(&self) -> Result<(ContainerRequest<GenericImage>, [u16; OF_MOCKS.len()]), Error> {
        let ports = free_ports().ok_or_else(|| self.failed("no ports are free on this machine".into()))?;
        let request = self.request(ports.iter().map(|port| (*port, *port)).collect());
        let variables = OF_MOCKS.into_iter().zip(ports);
        let request = variables.fold(request, |request, (name, port)| request.with_env_var(name, port.to_string()));
        Ok((request, ports))
    }

    fn request(&self, ports: Vec<(u16, u16)>) -> ContainerRequest<GenericImage> {
        // By its id: the image that was looked at, whatever its name means by now.
        let (algorithm, digest) = self.image.id.split_once(':').unwrap_or((&self.image.id, "latest"));
        let mut request = GenericImage::new(algorithm, digest)
            .with_container_name(self.owner.name())
            .with_labels(self.owner.labels())
            .with_network(self.owner.name())
            .with_host(THIS_MACHINE, Host::HostGateway)
            .with_startup_timeout(STARTUP);
        for name in self.hosts {
            request = request.with_host(name, Host::HostGateway);
        }
        for (_, container) in &ports {
            request = request.with_mapped_port(0, container.tcp());
        }
        for variable in &self.args.variables {
            // They were read before.
            if let Ok((value, from_here)) = variable.value() {
                if from_here {
                    self.output.redactor.learn(&value);
                }
                request = request.with_env_var(&variable.name, value);
            }
        }
        let volumes = self.volumes.iter().map(|(name, path)| Mount::volume_mount(name, path));
        let mounts = self.args.mounts.iter().map(mount).chain(volumes);
        let request = mounts.fold(request, ContainerRequest::with_mount);
        // If the engine is on this machine, publish to loopback only, so that no other machine reaches the Author.
        let address = if self.engine.is_here { LOOPBACK } else { "0.0.0.0" };
        request.with_host_config_modifier(move |config| publish(config, address, &ports))
    }

    fn failed(&self, problem: String) -> Error {
        Error::Container { image: self.image.name.clone(), problem }
    }
}

fn mount(mount: &MountArg) -> Mount {
    let mounted = match &mount.source {
        MountSource::Path(path) => Mount::bind_mount(path.display().to_string(), &mount.target),
        MountSource::Volume(name) => Mount::volume_mount(name, &mount.target),
    };
    mounted.with_access_mode(if mount.read_only { AccessMode::ReadOnly } else { AccessMode::ReadWrite })
}

/// Publishes the ports, `(container, host)`.
fn publish(config: &mut HostConfig, address: &str, ports: &[(u16, u16)]) {
    let binding = |host: &u16| PortBinding { host_ip: Some(address.to_owned()), host_port: Some(host.to_string()) };
    let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for (container, host) in ports {
        let of_port = bindings.entry(format!("{container}/tcp")).or_default();
        of_port.get_or_insert_default().push(binding(host));
    }
    config.port_bindings = Some(bindings);
}

/// Ports that are free, a different number for each system of the mocks.
fn free_ports() -> Option<[u16; OF_MOCKS.len()]> {
    // Where to begin differs from run to run, so that two that start at once seldom meet.
    let span = u32::from(PORTS.end - PORTS.start);
    let now = jiff::Timestamp::now().as_microsecond().unsigned_abs();
    let begin = u32::try_from(now % u64::from(span)).unwrap_or_default();
    let numbers = (0..span).filter_map(|step| u16::try_from(u32::from(PORTS.start) + (begin + step * 7) % span).ok());
    let mut free = numbers.filter(|port| TcpListener::bind((LOOPBACK, *port)).is_ok());
    let found: Vec<u16> = free.by_ref().take(OF_MOCKS.len()).collect();
    found.try_into().ok()
}

fn is_taken(problem: &str) -> bool {
    ["already allocated", "already in use"].iter().any(|words| problem.contains(words))
}

impl Launched {
    /// Leaves its removal to the sweep, which ends it more gently than testcontainers does: as its mounts ask for.
    pub(super) fn leave_to_sweep(self) {
        std::mem::forget(self.container);
    }

    /// The container's id.
    pub(super) fn id(&self) -> &str {
        self.container.id()
    }

    /// Whether the container runs; the error says how it ended.
    pub(super) async fn alive(&self, engine: &Engine) -> Result<(), String> {
        match how_ended(engine, self.container.id()).await {
            Some(how) => Err(format!("its container {how}")),
            None => Ok(()),
        }
    }

    /// Waits until the mocks' control answers. An image that only claims to be the mocks never passes this check.
    pub(super) async fn wait_for_control(
        &self,
        control: &Control,
        engine: &Engine,
        limit: Duration,
    ) -> Result<StackStatus, String> {
        let began = Instant::now();
        loop {
            self.alive(engine).await?;
            match control.status().await {
                Ok(status) => return Ok(status),
                Err(problem) if began.elapsed() > limit => {
                    let (limit, reason) = (in_words(limit), problem.reason);
                    return Err(format!(
                        "it says that it is the mocks, but they do not answer within {limit}: {reason}"
                    ));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

/// How the run's container ended, if it has, or does so within the limit.
pub(super) async fn ended_by_itself(engine: &Engine, owner: &RunOwner, limit: Duration) -> Option<String> {
    let container = engine.ours(Some(&owner.run)).await.ok()?.into_iter().find_map(|(_, thing)| match thing {
        EngineResource::Container(id, _) => Some(id),
        _ => None,
    });
    let Some(container) = container else { return Some("has gone".to_owned()) };
    let began = Instant::now();
    loop {
        let ended = how_ended(engine, &container).await;
        if ended.is_some() || began.elapsed() >= limit {
            return ended;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn how_ended(engine: &Engine, container: &str) -> Option<String> {
    let state = match engine.state(container).await {
        Ok(state) => state,
        Err(error) => return Some(format!("cannot be looked at: {error}")),
    };
    if state.running == Some(true) {
        return None;
    }
    let code = state.exit_code.map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"));
    let memory = if state.oom_killed == Some(true) { ": it ran out of memory" } else { "" };
    let said = state.error.filter(|error| !error.is_empty()).map_or_else(String::new, |error| format!(": {error}"));
    Some(format!("ended with {code}{memory}{said}"))
}
