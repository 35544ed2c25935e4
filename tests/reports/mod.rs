//! Proof that each report says what the record says, whatever stands in it, in the form that its readers know.

mod baselines;
mod browser;
mod differences;
mod kept;
mod machines;
mod page;
mod people;
mod sample;
mod shards;

/// A directory of this test's own, removed when it ends.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bpconform-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary directory can be written");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
