//! The documents: what they name exists, every console block runs and prints what it shows, and the checklists are
//! complete.

mod checklists;
mod compare;
#[cfg(unix)]
mod consoles;
mod floors;
mod markdown;
mod paths;
#[cfg(unix)]
mod session;

use std::path::{Path, PathBuf};

/// The root of the project.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All documents: those in the root, and the pages of the user guide.
fn documents() -> Vec<PathBuf> {
    let in_directory = |directory: PathBuf| {
        let entries = std::fs::read_dir(directory).expect("a directory of the project");
        entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|end| end == "md"))
    };
    let mut all: Vec<_> = in_directory(root().to_owned()).chain(in_directory(root().join("docs"))).collect();
    all.sort();
    all
}

/// The text of a document.
fn read(document: &Path) -> String {
    std::fs::read_to_string(document).expect("a readable document")
}

/// The name of a document from the root of the project.
fn name(document: &Path) -> String {
    document.strip_prefix(root()).unwrap_or(document).display().to_string()
}
