//! The package manager (surfaces.md §5.6): its list, its JSON service and its old service, and packages that clients upload.

mod archive;
mod docview;
pub(super) mod held;
mod install;
mod service_json;
mod service_xml;
mod vault;

use jiff::Timestamp;
use serde_json::json;

use super::seed::Package;
use super::{Author, plain};
use crate::machine::{Form, Response};

/// The time at which the packages of a seed were created and installed.
const PACKAGED: i64 = 1_700_000_000_000;

/// A package in the lists; a missing time or user is left out.
#[derive(Clone, Debug, Default)]
struct Listed {
    group: String,
    name: String,
    version: String,
    path: String,
    size: usize,
    created: Mark,
    modified: Mark,
    unpacked: Mark,
    filter: Vec<String>,
    has_snapshot: bool,
}

/// The user and the time of an operation.
#[derive(Clone, Debug, Default)]
struct Mark {
    at: Option<Timestamp>,
    by: Option<String>,
}

impl Mark {
    fn new(at: Timestamp, by: &str) -> Self {
        Self { at: Some(at), by: Some(by.to_owned()) }
    }
}

impl Listed {
    fn of_seed(package: &Package) -> Self {
        let at = Timestamp::from_millisecond(PACKAGED).unwrap_or_default();
        let file = file_name(&package.name, &package.version);
        Self {
            group: package.group.clone(),
            name: package.name.clone(),
            version: package.version.clone(),
            path: format!("/etc/packages/{}/{file}", package.group),
            size: 1,
            created: Mark::new(at, "admin"),
            modified: Mark::new(at, "admin"),
            unpacked: if package.installed { Mark::new(at, "admin") } else { Mark::default() },
            ..Self::default()
        }
    }

    fn file_name(&self) -> String {
        file_name(&self.name, &self.version)
    }

    fn json(&self) -> serde_json::Value {
        let version = if self.version.is_empty() { String::new() } else { format!(":{}", self.version) };
        let mut json = json!({
            "pid": format!("{}:{}{version}", self.group, self.name), "path": self.path, "name": self.name,
            "downloadName": self.file_name(), "group": self.group, "version": self.version, "size": self.size,
            "resolved": true, "hasSnapshot": self.has_snapshot,
            "lastUnpacked": self.unpacked.at.map_or(0, Timestamp::as_millisecond),
        });
        let times = [("created", &self.created), ("lastModified", &self.modified)];
        for (name, mark) in times {
            json[name] = mark.at.map_or(0, Timestamp::as_millisecond).into();
        }
        let users =
            [("createdBy", &self.created), ("lastModifiedBy", &self.modified), ("lastUnpackedBy", &self.unpacked)];
        for (name, mark) in users {
            if let Some(by) = &mark.by {
                json[name] = by.as_str().into();
            }
        }
        if !self.filter.is_empty() {
            json["filter"] = self.filter.iter().map(|root| json!({ "root": root, "rules": [] })).collect();
        }
        json
    }
}

/// The file name of a package, which contains its version.
fn file_name(name: &str, version: &str) -> String {
    if version.is_empty() { format!("{name}.zip") } else { format!("{name}-{version}.zip") }
}

impl Author {
    fn listed_packages(&self) -> Vec<Listed> {
        let held = self.packages.iter().map(held::Held::listed);
        self.product.packages.iter().map(Listed::of_seed).chain(held).collect()
    }

    /// The packages as JSON.
    pub(super) fn package_list(&self, form: &Form) -> Response {
        if let Some(other) = form.other_than(&["path", "includeVersions"]) {
            return plain(
                400,
                &format!("The mocked package manager lists all packages, or one by its path, not by `{other}`\n"),
            );
        }
        let path = form.get("path").filter(|path| !path.is_empty());
        let is_wanted = |listed: &&Listed| path.is_none_or(|path| listed.path == path);
        let results: Vec<_> = self.listed_packages().iter().filter(is_wanted).map(Listed::json).collect();
        Response::json(200, &json!({ "total": results.len(), "results": results }))
    }

    /// The status of installations. None is ever running, since an installation ends before its answer is sent.
    pub(super) fn package_install_status() -> Response {
        Response::json(200, &json!({ "status": { "finished": true, "itemCount": 0 } }))
    }
}
