//! The flags for an Author in a container, and the values that they take.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::cli::values::minutes;

/// Words in the name of a variable that mark its value as a secret.
const SECRET: [&str; 8] = ["PASS", "PWD", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE", "KEY", "AUTH"];

/// The default time limit until an Author is ready, in minutes.
pub const START: &str = "15";

/// The image of the Author's container, and how it is started.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Container")]
pub struct ContainedArgs {
    /// The image of the Author, with --target container; Adobe publishes no image of AEM
    #[arg(long, value_name = "IMAGE", env = "BPCONFORM_AUTHOR_IMAGE")]
    pub author_image: Option<String>,
    /// How it is started.
    #[command(flatten)]
    pub start: ContainerArgs,
}

/// The settings of an Author's container.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Container")]
pub struct ContainerArgs {
    /// The port at which the Author listens inside its container
    #[arg(long, value_name = "PORT", default_value_t = 4502, env = "BPCONFORM_CONTAINER_PORT",
        value_parser = clap::value_parser!(u16).range(1..))]
    pub container_port: u16,
    /// Publish another port of the container on this machine, PORT or HOST:CONTAINER; can be repeated
    #[arg(long = "publish", value_name = "PORT", env = "BPCONFORM_PUBLISH", value_delimiter = ',',
        action = ArgAction::Append)]
    pub publish: Vec<PublishedPort>,
    /// Set a variable in the container: NAME=VALUE, or NAME to take its value from this environment, which is required
    /// for secrets; can be repeated
    #[arg(id = "container_env", long = "container-env", value_name = "NAME[=VALUE]", env = "BPCONFORM_CONTAINER_ENV", value_delimiter = '\n',
        action = ArgAction::Append)]
    pub variables: Vec<ContainerVariable>,
    /// Mount a file, a directory or a named volume, SOURCE:TARGET or SOURCE:TARGET:ro, for example
    /// ./license.properties:/opt/aem/license.properties:ro; can be repeated
    #[arg(id = "mount", long = "mount", value_name = "MOUNT", env = "BPCONFORM_MOUNT", value_delimiter = '\n',
        action = ArgAction::Append)]
    pub mounts: Vec<MountArg>,
    /// Time limit until the Author is ready, in minutes
    #[arg(long, value_name = "MINUTES", value_parser = minutes, default_value = START, env = "BPCONFORM_START_TIMEOUT")]
    pub start_timeout: Duration,
}

/// A port to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedPort {
    /// The port on this machine.
    pub host: u16,
    /// The port in the container.
    pub container: u16,
}

impl FromStr for PublishedPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let (host, container) = text.split_once(':').unwrap_or((text, text));
        match (port(host), port(container)) {
            (Some(host), Some(container)) => Ok(Self { host, container }),
            _ => Err("it is a port, or the port on this machine and the one in the container, like 8443:443".into()),
        }
    }
}

/// A variable of the container's environment; its value is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ContainerVariable {
    /// Its name.
    pub name: String,
    value: Option<String>,
}

impl std::fmt::Debug for ContainerVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=[value]", self.name)
    }
}

impl FromStr for ContainerVariable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err("it is the name of a variable, or NAME=VALUE".into());
        }
        let upper = name.to_uppercase();
        let login = |value: &String| value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
        if value.is_some() && SECRET.iter().any(|word| upper.contains(word)) || value.as_ref().is_some_and(login) {
            return Err(format!("{name} looks like a secret; set it in the environment, and say its name only"));
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

impl ContainerVariable {
    /// Its value, and whether it came from this environment and so may be a secret.
    pub fn value(&self) -> Result<(String, bool), String> {
        match &self.value {
            Some(value) => Ok((value.clone(), false)),
            None => std::env::var(&self.name)
                .map(|value| (value, true))
                .map_err(|_| format!("--container-env {}: it is not set here; set it, or say NAME=VALUE", self.name)),
        }
    }
}

/// What is mounted, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountArg {
    /// What.
    pub source: MountSource,
    /// The absolute path in the container.
    pub target: String,
    /// Whether the container may only read it.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountSource {
    /// A file or directory of this machine.
    Path(PathBuf),
    /// A volume of the engine.
    Volume(String),
}

impl FromStr for MountArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, read_only) = match text.strip_suffix(":ro") {
            Some(rest) => (rest, true),
            None => (text.strip_suffix(":rw").unwrap_or(text), false),
        };
        let form =
            "write SOURCE:TARGET or SOURCE:TARGET:ro, for example ./license.properties:/opt/aem/license.properties";
        let (source, target) = rest.rsplit_once(':').ok_or(form)?;
        if source.is_empty() || !target.starts_with('/') {
            return Err(format!("the target is an absolute path in the container; {form}"));
        }
        Ok(Self { source: self::source(source)?, target: target.to_owned(), read_only })
    }
}

/// As with Docker: what looks like a path is a path, everything else is the name of a volume.
fn source(text: &str) -> Result<MountSource, String> {
    if text.contains(['/', '\\']) || text == "." {
        let path = std::path::absolute(text).map_err(|error| format!("{text}: {error}"))?;
        let missing = || format!("{}: no such file or directory", path.display());
        return if path.exists() { Ok(MountSource::Path(path)) } else { Err(missing()) };
    }
    if Path::new(text).exists() {
        return Err(format!("{text} is a file or directory here: write ./{text} to mount it"));
    }
    Ok(MountSource::Volume(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_a_path_or_a_volume() {
        let volume = "quickstart:/opt/aem/crx-quickstart".parse::<MountArg>().expect("a volume");
        assert_eq!((volume.source, volume.read_only), (MountSource::Volume("quickstart".into()), false));
        let path = "/:/host:ro".parse::<MountArg>().expect("a path");
        assert_eq!((path.source, path.target.as_str(), path.read_only), (MountSource::Path("/".into()), "/host", true));
        for (wrong, says) in [
            ("quickstart", "SOURCE:TARGET"),
            ("quickstart:relative", "absolute"),
            ("./no-such-file:/x", "no such file"),
            ("Cargo.toml:/x", "./Cargo.toml"),
        ] {
            let said = wrong.parse::<MountArg>().expect_err(wrong);
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn a_secret_is_not_taken_from_the_command_line_and_no_value_is_shown() {
        let plain = "CQ_RUNMODE=author".parse::<ContainerVariable>().expect("plain");
        assert_eq!(plain.value(), Ok(("author".into(), false)));
        assert!(!format!("{plain:?}").contains("author"));
        let said = "ADMIN_PASSWORD=hush".parse::<ContainerVariable>().expect_err("a secret");
        assert!(said.contains("ADMIN_PASSWORD") && !said.contains("hush"), "{said}");
        assert!("ADMIN_PASSWORD".parse::<ContainerVariable>().is_ok_and(|variable| variable.value().is_err()));
    }

    #[test]
    fn a_port_is_published_under_its_own_number_or_another() {
        assert_eq!("8443:443".parse(), Ok(PublishedPort { host: 8443, container: 443 }));
        assert_eq!("4512".parse(), Ok(PublishedPort { host: 4512, container: 4512 }));
        for wrong in ["0", "x", "1:2:3", "70000", ""] {
            assert!(wrong.parse::<PublishedPort>().is_err(), "{wrong}");
        }
    }
}
