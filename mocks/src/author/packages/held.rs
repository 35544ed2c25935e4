//! A package that a client uploaded or created: its unchanged file, and the nodes that it was built from.

use std::io::{Cursor, Write as _};

use jiff::Timestamp;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::archive::{Archive, CONTENT};
use super::{Listed, Mark, file_name, install, vault};
use crate::author::escape;
use crate::author::repository::{Node, Repository, normal};

/// Paths and their nodes at some time; `None` for a path without a node.
pub(super) type Snapshot = Vec<(String, Option<Node>)>;

/// A package that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) roots: Vec<String>,
    /// The file as it was uploaded or built.
    pub(super) file: Vec<u8>,
    /// The nodes below the roots when the package was built here. They can contain more than the format of the file can.
    built: Option<Snapshot>,
    /// The nodes below the roots before the package was installed.
    snapshot: Option<Snapshot>,
    pub(super) created: Mark,
    pub(super) modified: Mark,
    unpacked: Mark,
}

impl Held {
    /// A package of an uploaded file. The error says why it is not a package.
    pub(super) fn uploaded(file: &[u8]) -> Result<Self, String> {
        let archive = Archive::read(file)?;
        Ok(Self {
            group: archive.property("group").unwrap_or_default(),
            name: archive.property("name").ok_or("META-INF/vault/properties.xml has no name")?,
            version: archive.property("version").unwrap_or_default(),
            roots: archive.roots(),
            file: file.to_vec(),
            built: None,
            snapshot: None,
            created: archive.mark("created", "createdBy"),
            modified: archive.mark("lastModified", "lastModifiedBy"),
            unpacked: Mark::default(),
        })
    }

    /// An empty package without a filter.
    pub(super) fn new(now: Timestamp, user: &str, group: &str, name: &str, version: &str) -> Self {
        let mut made = Self {
            group: group.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            roots: Vec::new(),
            file: Vec::new(),
            built: None,
            snapshot: None,
            created: Mark::new(now, user),
            modified: Mark::new(now, user),
            unpacked: Mark::default(),
        };
        made.file = made.assembled(&Vec::new()).unwrap_or_default();
        made
    }

    /// Remembers what its file was built from, if it has the content of a package that was built here.
    pub(super) fn recognize(&mut self, others: &[Self]) {
        let content = |file: &[u8]| {
            let files = Archive::read(file).map(|archive| archive.files).unwrap_or_default();
            files.into_iter().filter(|(name, _)| name.starts_with(CONTENT)).collect::<Vec<_>>()
        };
        let own = content(&self.file);
        let same =
            others.iter().filter(|other| !own.is_empty() && other.built.is_some() && content(&other.file) == own);
        let built = same.filter_map(|other| {
            let built = other.built.as_ref()?;
            self.roots.iter().map(|root| built.iter().find(|(path, _)| path == root).cloned()).collect()
        });
        self.built = built.take(1).next();
    }

    pub(super) fn path(&self) -> String {
        normal(&format!("/etc/packages/{}/{}", self.group, file_name(&self.name, &self.version)))
    }

    pub(super) fn listed(&self) -> Listed {
        Listed {
            group: self.group.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            path: self.path(),
            size: self.file.len(),
            created: self.created.clone(),
            modified: self.modified.clone(),
            unpacked: self.unpacked.clone(),
            filter: self.roots.clone(),
            has_snapshot: self.snapshot.is_some(),
        }
    }

    /// Fills the package with what its filter covers.
    pub(super) fn build(&mut self, repository: &Repository, now: Timestamp, user: &str) -> Result<(), String> {
        let content = snapshot(repository, &self.roots);
        self.file = self.assembled(&content).map_err(|error| error.to_string())?;
        self.built = Some(content);
        self.modified = Mark::new(now, user);
        Ok(())
    }

    /// What the filter covers becomes what the package holds. The error says why nothing was changed.
    pub(super) fn install(&mut self, repository: &mut Repository, now: Timestamp, user: &str) -> Result<(), String> {
        let before = snapshot(repository, &self.roots);
        match &self.built {
            Some(content) => put(repository, content),
            None => install::unpack(&Archive::read(&self.file)?, repository, now, user)?,
        }
        self.snapshot = Some(before);
        self.unpacked = Mark::new(now, user);
        Ok(())
    }

    /// Puts back what was there before the installation.
    pub(super) fn uninstall(&mut self, repository: &mut Repository) -> Result<(), String> {
        let snapshot = self.snapshot.take().ok_or("Unable to uninstall package. No snapshot present.")?;
        put(repository, &snapshot);
        self.unpacked = Mark::default();
        Ok(())
    }

    fn assembled(&self, content: &Snapshot) -> zip::result::ZipResult<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        let filters: String = self.roots.iter().map(|root| format!("<filter root=\"{}\"/>", escape(root))).collect();
        zip.start_file("META-INF/vault/filter.xml", options)?;
        write!(
            zip,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<workspaceFilter version=\"1.0\">{filters}</workspaceFilter>\n"
        )?;
        let entries = [("group", &self.group), ("name", &self.name), ("version", &self.version)];
        let entries = entries.map(|(key, value)| format!("<entry key=\"{key}\">{}</entry>\n", escape(value)));
        zip.start_file("META-INF/vault/properties.xml", options)?;
        write!(
            zip,
            "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"no\"?>\n\
             <!DOCTYPE properties SYSTEM \"http://java.sun.com/dtd/properties.dtd\">\n<properties>\n{}</properties>\n",
            entries.concat()
        )?;
        for (root, node) in content {
            if let Some(node) = node {
                vault::write(&mut zip, root, node)?;
            }
        }
        Ok(zip.finish()?.into_inner())
    }
}

fn snapshot(repository: &Repository, roots: &[String]) -> Snapshot {
    roots.iter().map(|root| (root.clone(), repository.get(root).cloned())).collect()
}

fn put(repository: &mut Repository, content: &Snapshot) {
    for (root, node) in content {
        match node {
            None => drop(repository.remove(root)),
            Some(node) => *repository.ensure(root, node.primary_type()) = node.clone(),
        }
    }
}
