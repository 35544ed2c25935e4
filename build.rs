//! Embeds the features, in the order of their names, so that the binary alone runs anywhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use gherkin::{Feature, GherkinEnv};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let features = root.join("features");
    println!("cargo::rerun-if-changed={}", features.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("features.rs");
    fs::write(out, list(&features)?)
}

/// The name of each file, its text, and what the parser makes of it as JSON: to parse all of them would be a tenth of what a
/// short run costs.
fn list(features: &Path) -> io::Result<String> {
    let mut files: Vec<PathBuf> = match fs::read_dir(features) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    files.retain(|file| file.extension().is_some_and(|extension| extension == "feature"));
    files.sort();
    let mut text = "&[\n".to_owned();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = format!("features/{}", file.file_name().unwrap_or_default().to_string_lossy());
        let feature = Feature::parse(fs::read_to_string(&file)?, GherkinEnv::default())
            .map_err(|error| io::Error::other(format!("{name}: {error}")))?;
        let parsed = serde_json::to_string(&feature)?;
        writeln!(text, "({name:?}, include_str!({:?}), {parsed:?}),", file.display().to_string())
            .map_err(io::Error::other)?;
    }
    Ok(text + "]")
}
