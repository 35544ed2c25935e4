//! Packages that keep content (surfaces.md §5.6): uploaded with a filter, built from the repository, installed into it
//! again. What a package holds stays in the mock; the file that it serves shows all of it.

use std::io::{Cursor, Write as _};

use roxmltree::{Document, ParsingOptions};
use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::{PACKAGED, vault};
use crate::author::repository::{Node, Repository, normal};
use crate::author::{Author, escape, plain};
use crate::machine::{File, Form, Response};

/// The most packages that are kept, and the largest file that is read of one.
const MOST_PACKAGES: usize = 100;
const MOST_BYTES: u64 = 1024 * 1024;

/// A package that somebody uploaded.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    group: String,
    name: String,
    roots: Vec<String>,
    /// What was below the roots when it was built; nothing where there was nothing.
    content: Option<Vec<(String, Option<Node>)>>,
    unpacked: bool,
}

impl Held {
    fn read(file: &File) -> Result<Self, String> {
        let mut zip = ZipArchive::new(Cursor::new(file.content.as_slice())).map_err(|error| error.to_string())?;
        let mut text = |name: &str| {
            let file = zip.by_name(name).map_err(|error| format!("{name}: {error}"))?;
            std::io::read_to_string(std::io::Read::take(file, MOST_BYTES)).map_err(|error| format!("{name}: {error}"))
        };
        let (filter, properties) = (text("META-INF/vault/filter.xml")?, text("META-INF/vault/properties.xml")?);
        let dtd = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let filter = Document::parse(&filter).map_err(|error| error.to_string())?;
        let properties = Document::parse_with_options(&properties, dtd).map_err(|error| error.to_string())?;
        let roots = filter.descendants().filter(|node| node.has_tag_name("filter"));
        let property = |key: &str| {
            let entry = properties.descendants().find(|node| node.attribute("key") == Some(key));
            entry.and_then(|entry| entry.text()).map(str::to_owned)
        };
        Ok(Self {
            group: property("group").unwrap_or_default(),
            name: property("name").ok_or("META-INF/vault/properties.xml: no name")?,
            roots: roots.filter_map(|root| root.attribute("root")).map(normal).collect(),
            content: None,
            unpacked: false,
        })
    }

    fn path(&self) -> String {
        normal(&format!("/etc/packages/{}/{}.zip", self.group, self.name))
    }

    pub(super) fn describe(&self) -> serde_json::Value {
        json!({
            "pid": format!("{}:{}", self.group, self.name), "path": self.path(), "name": self.name,
            "downloadName": format!("{}.zip", self.name), "group": self.group, "version": "", "size": 1,
            "created": PACKAGED, "lastModified": PACKAGED, "resolved": true,
            "lastUnpacked": if self.unpacked { PACKAGED } else { 0 },
        })
    }

    fn build(&mut self, repository: &Repository) {
        let keep = |root: &String| (root.clone(), repository.get(root).cloned());
        self.content = Some(self.roots.iter().map(keep).collect());
    }

    /// What the filter covers becomes what the package holds: without content, nothing.
    fn install(&mut self, repository: &mut Repository) {
        self.unpacked = true;
        for root in &self.roots {
            let held = self.content.iter().flatten().find(|(path, _)| path == root);
            match held.and_then(|(_, node)| node.as_ref()) {
                None => drop(repository.remove(root)),
                Some(node) => *repository.ensure(root, node.primary_type()) = node.clone(),
            }
        }
    }

    fn file(&self) -> zip::result::ZipResult<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let filters: String = self.roots.iter().map(|root| format!("<filter root=\"{}\"/>", escape(root))).collect();
        zip.start_file("META-INF/vault/filter.xml", SimpleFileOptions::default())?;
        write!(zip, "<workspaceFilter version=\"1.0\">{filters}</workspaceFilter>")?;
        for (root, node) in self.content.iter().flatten() {
            if let Some(node) = node {
                vault::write(&mut zip, root, node)?;
            }
        }
        Ok(zip.finish()?.into_inner())
    }
}

fn told(success: bool, message: &str, path: &str) -> Response {
    Response::json(200, &json!({ "success": success, "msg": message, "path": path }))
}

impl Author {
    /// `cmd=upload`: one of the same group and name is replaced.
    pub(in crate::author) fn upload_package(&mut self, form: &Form) -> Response {
        let field = self.surfaces.get("author.package-upload").field("package");
        let Some(file) = form.files.get(field) else { return told(false, &format!("no file in {field}"), "") };
        match Held::read(file) {
            Err(problem) => told(false, &problem, ""),
            Ok(_) if self.packages.len() >= MOST_PACKAGES => told(false, "the mock keeps no more packages", ""),
            Ok(package) => {
                let path = package.path();
                self.packages.retain(|held| held.path() != path);
                self.packages.push(package);
                told(true, "Package uploaded", &path)
            }
        }
    }

    /// `cmd=build|install|delete` of a package that was uploaded.
    pub(in crate::author) fn command_package(&mut self, path: &str, form: &Form) -> Response {
        let path = normal(path);
        let Some(index) = self.packages.iter().position(|held| held.path() == path) else {
            return told(false, "no package", &path);
        };
        match form.get(self.surfaces.get("author.package-command").field("command")) {
            Some("build") => self.packages[index].build(&self.repository),
            Some("install") => self.packages[index].install(&mut self.repository),
            Some("delete") => drop(self.packages.remove(index)),
            other => return plain(400, &format!("The mock knows cmd=build, install and delete, not {other:?}\n")),
        }
        told(true, "Done", &path)
    }

    /// A package's file, if that path is one.
    pub(in crate::author) fn package_file(&self, path: &str) -> Option<Response> {
        let held = self.packages.iter().find(|held| held.path() == normal(path))?;
        Some(match held.file() {
            Ok(bytes) => Response::new(200, "application/zip", bytes),
            Err(error) => plain(500, &format!("{error}\n")),
        })
    }
}
