//! Proof that each report shows what the record contains, whatever that is, in the format of its readers.

mod baselines;
mod browser;
mod differences;
mod hostile;
mod kept;
mod machines;
mod page;
mod people;
mod sample;
mod shards;

/// A directory of this test, removed when it ends.
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
