//! Files of the pages that a run has seen. Each is named by the digest of what it holds, so that equal ones are one file and
//! a changed one is no longer taken for evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::redact::Redactor;

/// The directory of the files, beside the record.
const DIRECTORY: &str = "pages";

/// How a file name ends: pictures are WebP.
const EXTENSION: &str = ".webp";

/// The length of a digest in a name, in hexadecimal digits.
const DIGITS: usize = 32;

/// The largest file that is read, in bytes. A screenshot of a large window is below 1 MB.
const LARGEST: u64 = 16 * 1024 * 1024;

/// How much is kept in memory where no directory was named, in bytes.
const IN_MEMORY: usize = 64 * 1024 * 1024;

/// Where the files of a record are; clones share them.
#[derive(Clone, Debug, Default)]
pub struct PageFiles(Option<Arc<Files>>);

#[derive(Debug)]
struct Files {
    place: Place,
    texts: Mutex<Texts>,
}

/// The texts that each picture may show, without those of secrets that were known: in memory only.
#[derive(Debug, Default)]
struct Texts {
    by_picture: BTreeMap<String, BTreeSet<String>>,
    /// Their length together, in bytes.
    length: usize,
}

impl Texts {
    /// Adds the texts of a page to those of its picture; one picture may be that of several pages.
    fn add(&mut self, picture: &str, texts: &str) -> Result<(), String> {
        if self.by_picture.get(picture).is_some_and(|known| known.contains(texts)) {
            return Ok(());
        }
        if self.length + texts.len() > IN_MEMORY {
            return Err("the run has too many pages to search for secrets that are learned later".to_owned());
        }
        self.length += texts.len();
        self.by_picture.entry(picture.to_owned()).or_default().insert(texts.to_owned());
        Ok(())
    }
}

#[derive(Debug)]
enum Place {
    /// Beside the record in this directory.
    Beside(PathBuf),
    /// In memory, for the reports of a run without a directory.
    Memory(Mutex<BTreeMap<String, Vec<u8>>>),
}

/// The place of the files is no part of what a record says.
impl PartialEq for PageFiles {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl PageFiles {
    /// The files beside a record in that directory.
    pub fn beside(directory: &Path) -> Self {
        Self::at(Place::Beside(directory.to_owned()))
    }

    /// Files that are in memory only.
    pub fn in_memory() -> Self {
        Self::at(Place::Memory(Mutex::default()))
    }

    fn at(place: Place) -> Self {
        Self(Some(Arc::new(Files { place, texts: Mutex::default() })))
    }

    fn place(&self) -> Option<&Place> {
        self.0.as_deref().map(|files| &files.place)
    }

    /// Whether files are kept at all.
    pub const fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Keeps a picture that may show these texts, and returns its name; the error says why it is not kept.
    pub fn keep(&self, bytes: Vec<u8>, texts: &str) -> Result<String, String> {
        let name = format!("{DIRECTORY}/{}{EXTENSION}", digest(&bytes));
        if let Some(files) = &self.0 {
            files.texts.lock().unwrap_or_else(PoisonError::into_inner).add(&name, texts)?;
        }
        match self.place() {
            None => return Err("pictures are kept with --out DIR only".to_owned()),
            Some(Place::Memory(files)) => {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                if files.values().map(Vec::len).sum::<usize>() + bytes.len() > IN_MEMORY {
                    return Err("there are too many pictures to keep in memory; name a directory with --out".to_owned());
                }
                files.insert(name.clone(), bytes);
            }
            Some(Place::Beside(directory)) => {
                write(&directory.join(&name), &bytes).map_err(|error| format!("it cannot be written: {error}"))?;
            }
        }
        Ok(name)
    }

    /// What the file of that name holds; none if it is missing or holds something else than its name says.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let digits = digits(name)?;
        let bytes = match self.place()? {
            Place::Memory(files) => files.lock().unwrap_or_else(PoisonError::into_inner).get(name)?.clone(),
            Place::Beside(directory) => {
                let mut bytes = Vec::new();
                std::fs::File::open(directory.join(name)).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
                bytes
            }
        };
        (digest(&bytes) == digits).then_some(bytes)
    }

    /// The pictures whose texts show a secret that was learned after they were taken.
    pub fn revealing(&self, redactor: &Redactor) -> Vec<String> {
        let Some(files) = &self.0 else { return Vec::new() };
        let texts = files.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let shows = |text: &String| redactor.redact_learned(text) != *text;
        let revealing = texts.by_picture.iter().filter(|(_, texts)| texts.iter().any(shows));
        revealing.map(|(name, _)| name.clone()).collect()
    }

    /// Copies files to the directory of another record.
    pub fn copy_to(&self, directory: &Path, names: &[&str]) -> std::io::Result<()> {
        for name in names {
            let file = directory.join(name);
            if let Some(bytes) = self.read(name).filter(|_| !file.exists()) {
                write(&file, &bytes)?;
            }
        }
        Ok(())
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) {
        if digits(name).is_none() {
            return;
        }
        match self.place() {
            Some(Place::Memory(files)) => {
                files.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            }
            Some(Place::Beside(directory)) => {
                let _ = std::fs::remove_file(directory.join(name));
            }
            None => {}
        }
    }
}

/// Removes the files in the directory of a record to which it does not refer, such as those of an earlier run.
pub fn remove_others(directory: &Path, names: &[&str]) {
    let pages = directory.join(DIRECTORY);
    for entry in std::fs::read_dir(&pages).into_iter().flatten().flatten() {
        let name = format!("{DIRECTORY}/{}", entry.file_name().to_string_lossy());
        if digits(&name).is_some() && !names.contains(&name.as_str()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    // It stays if something else is in it.
    let _ = std::fs::remove_dir(pages);
}

fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(file, bytes)
}

/// The digest in a name; none if it is not the name of such a file. A record may come from anywhere: it names no other file.
fn digits(name: &str) -> Option<&str> {
    let digits = name.strip_prefix(DIRECTORY)?.strip_prefix('/')?.strip_suffix(EXTENSION)?;
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    (digits.len() == DIGITS && digits.chars().all(is_digit)).then_some(digits)
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_evidence_only_under_its_own_name() {
        let files = PageFiles::in_memory();
        let name = files.keep(b"a picture".to_vec(), "a text").expect("it is kept");
        assert_eq!(files.keep(b"a picture".to_vec(), "a text").as_ref(), Ok(&name), "equal pictures are one file");
        let texts = &files.0.as_ref().expect("files are kept").texts;
        assert_eq!(texts.lock().expect("no panic").length, "a text".len(), "equal texts are kept once");
        assert_eq!(files.read(&name).as_deref(), Some(&b"a picture"[..]));
        for other in ["pages/../run.json", "/etc/passwd", "pages/0.webp", &name.replace("pages", "page")] {
            assert_eq!(files.read(other), None, "{other}");
            assert_eq!(digits(other), None, "{other}");
        }
        assert!(PageFiles::default().keep(Vec::new(), "").is_err());
    }

    #[test]
    fn a_picture_that_shows_what_is_learned_later_is_named() {
        let (files, redactor) = (PageFiles::in_memory(), Redactor::default());
        let name = files.keep(b"a picture".to_vec(), "nothing").expect("it is kept");
        let other = files.keep(b"another".to_vec(), "nothing").expect("it is kept");
        files.keep(b"a picture".to_vec(), "the p8x-canary-of-tests").expect("it is kept");
        assert!(files.revealing(&redactor).is_empty());
        redactor.learn("p8x-canary-of-tests");
        assert_eq!(files.revealing(&redactor), [name]);
        assert!(files.read(&other).is_some());
    }

    #[test]
    fn files_of_an_earlier_run_are_removed_and_no_others() {
        let folder = std::env::temp_dir().join(format!("bpconform-page-files-{}", std::process::id()));
        let files = PageFiles::beside(&folder);
        let [old, new] = [&b"old"[..], b"new"].map(|bytes| files.keep(bytes.to_vec(), "").expect("it is kept"));
        std::fs::write(folder.join("pages/notes.txt"), "mine").expect("written");
        remove_others(&folder, &[&new]);
        assert_eq!(files.read(&old), None);
        assert!(files.read(&new).is_some() && folder.join("pages/notes.txt").exists());
        std::fs::write(folder.join(&new), "something else").expect("written");
        assert_eq!(files.read(&new), None, "it is not what its name says");
        std::fs::remove_dir_all(folder).expect("it can be removed");
    }
}
