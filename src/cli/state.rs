//! The flag that names the state directory.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// Where is kept what must outlive a run.
#[derive(Clone, Debug, Args)]
pub struct StateArgs {
    /// Keep what must outlive a run in this directory, readable only by you: a copy of the replaced configuration until it
    /// is restored, and which entries of the error log the run caused on purpose
    /// [default: $XDG_STATE_HOME/bpconform, otherwise ~/.local/state/bpconform]
    #[arg(long, value_name = "DIR", env = "BPCONFORM_STATE_DIR")]
    state_dir: Option<PathBuf>,
}

impl StateArgs {
    /// The directory that was named.
    pub fn named(&self) -> Option<PathBuf> {
        self.state_dir.clone()
    }

    /// The directory; none when none was named and this user has no home.
    pub fn directory(&self) -> Option<PathBuf> {
        self.named().or_else(|| usual(|name| std::env::var_os(name)))
    }
}

fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    Some(state?.join("bpconform"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_directory_is_that_of_the_xdg_specification() {
        let of = |variables: &[(&str, &str)]| {
            usual(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
        };
        assert_eq!(of(&[("HOME", "/home/x")]), Some("/home/x/.local/state/bpconform".into()));
        assert_eq!(of(&[("HOME", "/home/x"), ("XDG_STATE_HOME", "/s")]), Some("/s/bpconform".into()));
        assert_eq!(of(&[("XDG_STATE_HOME", "relative")]), None);
    }
}
