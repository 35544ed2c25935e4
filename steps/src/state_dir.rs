//! The state directory: data that a run must not lose and that only its user may read. It is never part of a report.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::problem::{Checked, Problem};

/// The files of one run in the state directory.
#[derive(Clone, Debug)]
pub(crate) struct StateDir(PathBuf);

impl StateDir {
    /// The directory that the operator named, or the usual one; an error says how to name one.
    pub(crate) fn open(directory: Option<&Path>) -> Checked<Self> {
        let directory =
            directory.ok_or_else(|| Problem::error("the state directory is unknown: set one with --state-dir"))?;
        Ok(Self(directory.to_owned()))
    }

    /// The directory that the operator named, to look for what is there; without one there is nothing.
    pub(crate) fn look(directory: Option<&Path>) -> Self {
        Self(directory.unwrap_or(Path::new("")).to_owned())
    }

    /// Where a file of that name is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file that only this user may read; it is on the disk when this returns.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Checked {
        let path = self.path(name);
        let written = || -> io::Result<()> {
            make_private(&self.0)?;
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        written().map_err(|error| Problem::error(format!("{} cannot be written: {error}", path.display())))
    }

    /// Writes a file, and replaces an existing one atomically: a reader sees either the old or the new content.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Checked {
        let next = format!("{name}.next");
        self.remove(&next)?;
        self.write(&next, bytes)?;
        let path = self.path(name);
        fs::rename(self.path(&next), &path)
            .map_err(|error| Problem::error(format!("{} cannot be written: {error}", path.display())))
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        let all = fs::read_dir(&self.0).into_iter().flatten().flatten();
        all.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// The content of a file, if it is there.
    pub(crate) fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path(name)).ok()
    }

    /// Removes a file; one that is not there needs no removing.
    pub(crate) fn remove(&self, name: &str) -> Checked {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(Problem::error(format!("{} holds key material and cannot be removed: {error}", path.display())))
            }
            _ => Ok(()),
        }
    }
}

/// Makes a directory that only this user may enter; one that is there stays as it is.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn nobody_else_may_read_what_is_stored() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = std::env::temp_dir().join(format!("bpconform-state-{}", std::process::id()));
        let state = StateDir::open(Some(&directory)).expect("it was named");
        state.write("kept", b"keys").expect("it can be written");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&state.path("kept")), mode(&directory)), (0o600, 0o700));
        assert!(state.write("kept", b"others").is_err(), "nothing is written over");
        state.remove("kept").expect("it is ours");
        state.remove("kept").expect("it is gone");
        fs::remove_dir(&directory).expect("it is empty");
    }
}
