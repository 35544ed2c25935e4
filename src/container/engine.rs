//! Requests to the Docker Engine, except the start of a container, for which testcontainers is used. Every request has a
//! time limit, and every error has a message for operators.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as DockerError;
use testcontainers::bollard::models::{ContainerState, NetworkCreateRequest, VolumeCreateRequest};
use testcontainers::bollard::query_parameters::{
    CreateImageOptionsBuilder, DownloadFromContainerOptionsBuilder, InspectContainerOptions,
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions, StopContainerOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;
use tokio_tar::Archive;
use tokio_util::io::StreamReader;

use super::error::{absent, chain};
use super::owner::{RUN, RunOwner};
use crate::error::EngineError;
use crate::mocked::IMAGE_LABEL;
use crate::run::target::Image;
use crate::surroundings;

/// The limit for a request that the engine answers at once.
const AT_ONCE: Duration = Duration::from_secs(60);

/// The limit for pulling an image: one of AEM has some gigabytes.
const PULL: Duration = Duration::from_secs(30 * 60);

/// How long a container may take to end by itself, when something outlives it that it writes to.
const GRACE: i32 = 100;

/// How many of the last lines of a log are kept.
const LINES: &str = "200000";

/// Something of ours that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EngineResource {
    /// A container: its id and name.
    Container(String, String),
    /// A network, by its name.
    Network(String),
    /// A volume, by its name.
    Volume(String),
}

impl std::fmt::Display for EngineResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Container(_, name) => write!(f, "container {name}"),
            Self::Network(name) => write!(f, "network {name}"),
            Self::Volume(name) => write!(f, "volume {name}"),
        }
    }
}

/// The Docker Engine; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    docker: Docker,
    /// Whether what is published at the engine's loopback address is published at that of this machine.
    pub(super) is_here: bool,
    /// Whether it is reached over a network.
    pub(super) is_remote: bool,
}

impl Engine {
    /// The engine that `DOCKER_HOST` names, or that of this machine. It is asked whether it answers.
    pub(super) async fn find() -> Result<Self, EngineError> {
        let docker = docker_client_instance().await.map_err(|error| absent(chain(&error)))?;
        match tokio::time::timeout(AT_ONCE, docker.ping()).await {
            Ok(Ok(_)) => {
                let is_here = is_here(&docker).await;
                Ok(Self { is_here, is_remote: !is_here && !is_at_socket(), docker })
            }
            Ok(Err(error)) => Err(absent(chain(&error))),
            Err(_) => Err(absent(format!("no answer within {} s", AT_ONCE.as_secs()))),
        }
    }

    /// What an image says of itself; it is pulled when it is not here.
    pub(super) async fn image(&self, name: &str) -> Result<Image, EngineError> {
        if let Some(image) = self.local_image(name).await? {
            return Ok(image);
        }
        let refused = |problem: String| EngineError::Image { image: name.to_owned(), problem };
        let options = CreateImageOptionsBuilder::new().from_image(&with_tag(name)).build();
        let mut pull = self.docker.create_image(Some(options), None, None);
        let pulled = tokio::time::timeout(PULL, async {
            while let Some(progress) = pull.next().await {
                progress.map_err(|error| refused(chain(&error)))?;
            }
            Ok(())
        });
        pulled.await.map_err(|_| refused(format!("not within {} minutes", PULL.as_secs() / 60)))??;
        self.local_image(name).await?.ok_or_else(|| refused("it was pulled, and is not there".into()))
    }

    /// What an image that is here says of itself.
    pub(super) async fn local_image(&self, name: &str) -> Result<Option<Image>, EngineError> {
        let found = match at_once("look at an image", self.docker.inspect_image(name)).await {
            Ok(found) => found,
            Err(EngineError::Refused { problem, .. }) if problem.contains("404") => return Ok(None),
            Err(EngineError::Refused { problem, .. }) if problem.contains("invalid reference format") => {
                return Err(EngineError::Name(name.to_owned()));
            }
            Err(error) => return Err(error),
        };
        let config = found.config.unwrap_or_default();
        Ok(Some(Image {
            name: name.to_owned(),
            id: found.id.unwrap_or_else(|| name.to_owned()),
            is_mocks: config.labels.is_some_and(|labels| labels.get(IMAGE_LABEL).is_some_and(|mark| mark == "true")),
            volumes: config.volumes.unwrap_or_default(),
        }))
    }

    /// Makes the run's own network.
    pub(super) async fn make_network(&self, owner: &RunOwner) -> Result<(), EngineError> {
        let wanted = NetworkCreateRequest {
            name: owner.name(),
            labels: Some(owner.labels()),
            ..NetworkCreateRequest::default()
        };
        at_once("make a network", self.docker.create_network(wanted)).await.map(drop)
    }

    /// Makes a volume of the run.
    pub(super) async fn make_volume(&self, owner: &RunOwner, name: &str) -> Result<(), EngineError> {
        let wanted = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(owner.labels()),
            ..VolumeCreateRequest::default()
        };
        at_once("make a volume", self.docker.create_volume(wanted)).await.map(drop)
    }

    /// How a container is.
    pub(super) async fn state(&self, container: &str) -> Result<ContainerState, EngineError> {
        let asked = self.docker.inspect_container(container, None::<InspectContainerOptions>);
        Ok(at_once("look at a container", asked).await?.state.unwrap_or_default())
    }

    /// What a container wrote to its standard output and error, with the times.
    pub(super) async fn log(&self, container: &str) -> Result<String, EngineError> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).timestamps(true).tail(LINES).build();
        let read = async {
            let mut log = Vec::new();
            let mut parts = self.docker.logs(container, Some(options));
            while let Some(part) = parts.next().await {
                log.extend_from_slice(&part?.into_bytes());
            }
            Ok(String::from_utf8_lossy(&log).into_owned())
        };
        at_once("read a container's log", read).await
    }

    /// Whether a directory of a container holds nothing.
    pub(super) async fn is_empty(&self, container: &str, path: &str) -> Result<bool, EngineError> {
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let parts = self.docker.download_from_container(container, Some(options)).map_err(std::io::Error::other);
        let look = async {
            let mut archive = Archive::new(StreamReader::new(Box::pin(parts)));
            // The first is the directory itself; what comes after a second need not be read.
            let mut entries = archive.entries()?.take(2);
            let mut count = 0;
            while let Some(entry) = entries.next().await {
                entry?;
                count += 1;
            }
            Ok::<_, std::io::Error>(count < 2)
        };
        let refused = |problem| EngineError::Refused { what: format!("look into {path} of a container"), problem };
        match tokio::time::timeout(AT_ONCE, look).await {
            Ok(answer) => answer.map_err(|error| refused(chain(&error))),
            Err(_) => Err(refused(format!("no answer within {} s", AT_ONCE.as_secs()))),
        }
    }

    /// All that is ours: that of one run, or of all, by whose it is.
    pub(super) async fn ours(&self, run: Option<&str>) -> Result<Vec<(RunOwner, EngineResource)>, EngineError> {
        let label = run.map_or_else(|| RUN.to_owned(), |run| format!("{RUN}={run}"));
        let filters = HashMap::from([("label", vec![label])]);
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let containers = at_once("list containers", self.docker.list_containers(Some(containers))).await?;
        let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let networks = at_once("list networks", self.docker.list_networks(Some(networks))).await?;
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let volumes =
            at_once("list volumes", self.docker.list_volumes(Some(volumes))).await?.volumes.unwrap_or_default();

        let containers = containers.into_iter().filter_map(|it| {
            let id = it.id?;
            let name = it.names.unwrap_or_default().first().map(|name| name.trim_start_matches('/').to_owned());
            Some((RunOwner::of(&it.labels?)?, EngineResource::Container(id.clone(), name.unwrap_or(id))))
        });
        let networks =
            networks.into_iter().filter_map(|it| Some((RunOwner::of(&it.labels?)?, EngineResource::Network(it.name?))));
        let volumes =
            volumes.into_iter().filter_map(|it| Some((RunOwner::of(&it.labels)?, EngineResource::Volume(it.name))));
        // In this order they can be removed: a container holds its network and its volumes.
        Ok(containers.chain(networks).chain(volumes).collect())
    }

    /// Removes something; that it has gone already is as good.
    pub(super) async fn remove(&self, thing: &EngineResource) -> Result<(), EngineError> {
        let what = format!("remove the {thing}");
        let removed = match thing {
            EngineResource::Container(id, _) => {
                self.end(id).await;
                let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
                at_once(&what, self.docker.remove_container(id, Some(options))).await
            }
            EngineResource::Network(name) => at_once(&what, self.docker.remove_network(name)).await,
            EngineResource::Volume(name) => {
                at_once(&what, self.docker.remove_volume(name, None::<RemoveVolumeOptions>)).await
            }
        };
        match removed {
            Err(EngineError::Refused { problem, .. }) if problem.contains("404") => Ok(()),
            removed => removed,
        }
    }

    /// Ends a container. One that writes to what outlives it is asked to, so that it can close its repository; what comes
    /// of that is seen when it is removed. The others lose nothing by being killed.
    async fn end(&self, container: &str) {
        let asked = self.docker.inspect_container(container, None::<InspectContainerOptions>);
        let mounts = at_once("look at a container", asked).await.ok().and_then(|it| it.mounts).unwrap_or_default();
        if mounts.iter().any(|mount| mount.rw == Some(true)) {
            let _ = self.docker.unpause_container(container).await;
            let options = StopContainerOptionsBuilder::new().t(GRACE).build();
            let limit = Duration::from_secs(u64::from(GRACE.unsigned_abs())) + AT_ONCE;
            let _ = tokio::time::timeout(limit, self.docker.stop_container(container, Some(options))).await;
        }
    }
}

async fn at_once<T>(what: &str, asked: impl Future<Output = Result<T, DockerError>>) -> Result<T, EngineError> {
    let refused = |problem| EngineError::Refused { what: what.to_owned(), problem };
    match tokio::time::timeout(AT_ONCE, asked).await {
        Ok(answer) => answer.map_err(|error| refused(chain(&error))),
        Err(_) => Err(refused(format!("no answer within {} s", AT_ONCE.as_secs()))),
    }
}

/// A name without a tag means the tag `latest`; an engine that is asked for none pulls all.
fn with_tag(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains(':') || image.contains('@') { image.to_owned() } else { format!("{image}:latest") }
}

/// Whether the engine is reached by a socket of this machine.
fn is_at_socket() -> bool {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.is_empty() || host.starts_with("unix:") || host.starts_with("npipe:")
}

/// An engine at a socket is this machine's, unless that was handed into a container. But a container may have an engine of
/// its own, or the network of the engine's machine: then both have one name.
async fn is_here(docker: &Docker) -> bool {
    if is_at_socket() && !Path::new("/.dockerenv").exists() {
        return true;
    }
    let info = at_once("describe itself", docker.info()).await.ok();
    info.and_then(|info| info.name).is_some_and(|name| name == surroundings::host_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_tag_is_the_latest() {
        assert_eq!(with_tag("aem"), "aem:latest");
        assert_eq!(with_tag("registry:5000/aem"), "registry:5000/aem:latest");
        for whole in ["aem:6.5", "registry:5000/aem:6.5", "aem@sha256:abc"] {
            assert_eq!(with_tag(whole), whole);
        }
    }
}
