//! The package manager's JSON service: `/crx/packmgr/service/.json` and `/crx/packmgr/update.jsp`. It answers 200
//! even if a command failed; the field `success` contains the result.

use bpconform_fixtures::Surfaces;
use jiff::Timestamp;
use serde_json::json;

use super::held::Held;
use super::{Mark, file_name};
use crate::author::repository::normal;
use crate::author::{Author, plain};
use crate::machine::{Form, Response};

/// The maximum number of packages that are kept.
const MOST_PACKAGES: usize = 100;

/// The group of a package that was uploaded or created without one.
const DEFAULT_GROUP: &str = "my_packages";

fn answer(success: bool, message: &str, path: &str) -> Response {
    Response::json(200, &json!({ "success": success, "msg": message, "path": path }))
}

fn answer_to(result: Result<(), String>, what: &str, path: &str) -> Response {
    match result {
        Ok(()) => answer(true, &format!("Package {what}"), path),
        Err(problem) => answer(false, &problem, path),
    }
}

/// The field of an upload that has the file.
fn upload_field(surfaces: &Surfaces) -> &str {
    surfaces.get("author.package-upload").field("package")
}

impl Author {
    /// A command on the package at a path, or an upload.
    pub(in crate::author) fn package_service_json(&mut self, now: Timestamp, path: &str, form: &Form) -> Response {
        let surface = self.surfaces.get("author.package-command");
        let command = form.get(surface.field("command")).unwrap_or_default().to_owned();
        let path = normal(path);
        let known = [surface.field("command"), upload_field(&self.surfaces), "file", "name", "force", "strict"];
        let options = match command.as_str() {
            // What they say of access control and of packages within, the mock installs neither of.
            "install" => &["recursive", "autosave", "acHandling"][..],
            "create" => &["packageName", "groupName", "packageVersion"],
            _ => &[],
        };
        if let Some(other) = form.other_than(&[&known[..], options].concat()) {
            return answer(false, &format!("the mock does not know the field {other} of cmd={command}"), &path);
        }
        match command.as_str() {
            "upload" => match self.upload(form, form.get("force") == Some("true")) {
                Ok(path) => answer(true, "Package uploaded", &path),
                Err((path, problem)) => answer(false, &problem, &path),
            },
            "create" => self.create_package(now, form),
            "build" | "install" | "uninstall" | "delete" => {
                let result = self.command_package(now, &path, &command);
                let what = match command.as_str() {
                    "build" => "built",
                    "delete" => "deleted",
                    other => {
                        if other == "install" {
                            "installed"
                        } else {
                            "uninstalled"
                        }
                    }
                };
                answer_to(result, what, &path)
            }
            _ => plain(
                400,
                &format!(
                    "The mocked package manager knows cmd=upload, create, build, install, uninstall and delete, not \
                     `{command}`; nothing was done\n"
                ),
            ),
        }
    }

    /// Keeps an uploaded file unchanged. The error contains the path of the package, if the file is a package.
    pub(super) fn upload(&mut self, form: &Form, replaces: bool) -> Result<String, (String, String)> {
        let field = self.surfaces.get("author.package-upload").field("package");
        let file = form.files.get(field).or_else(|| form.files.get("file"));
        let file = file.ok_or_else(|| (String::new(), format!("no file in the field {field}")))?;
        let mut package = Held::uploaded(&file.content).map_err(|problem| (String::new(), problem))?;
        package.recognize(&self.packages);
        if package.group.is_empty() {
            DEFAULT_GROUP.clone_into(&mut package.group);
        }
        let path = package.path();
        let there = self.listed_packages().into_iter().find(|listed| listed.path == path);
        if there.is_some() && !replaces {
            return Err((path.clone(), format!("Package already exists: {path}")));
        }
        if there.is_some() && !self.packages.iter().any(|held| held.path() == path) {
            return Err((path.clone(), format!("the mock does not replace the package {path} of its seed")));
        }
        if there.is_none() && self.packages.len() >= MOST_PACKAGES {
            return Err((path, "the mock keeps no more packages".to_owned()));
        }
        self.packages.retain(|held| held.path() != path);
        self.packages.push(package);
        Ok(path)
    }

    /// `build`, `install`, `uninstall` or `delete`. The error says why nothing was done.
    pub(super) fn command_package(&mut self, now: Timestamp, path: &str, command: &str) -> Result<(), String> {
        let Some(index) = self.packages.iter().position(|held| held.path() == path) else {
            let is_of_seed = self.listed_packages().iter().any(|listed| listed.path == path);
            return Err(if is_of_seed {
                format!("the mock has no content of the package {path}, which is of its seed")
            } else {
                "no package".to_owned()
            });
        };
        let user = self.user.clone();
        let package = &mut self.packages[index];
        match command {
            "build" => package.build(&self.repository, now, &user),
            "install" => package.install(&mut self.repository, now, &user),
            "uninstall" => package.uninstall(&mut self.repository),
            _ => {
                self.packages.remove(index);
                Ok(())
            }
        }
    }

    fn create_package(&mut self, now: Timestamp, form: &Form) -> Response {
        let field = |name: &str| form.get(name).unwrap_or_default().trim();
        let name = field("packageName");
        if name.is_empty() || name.contains('/') {
            return answer(false, "packageName is missing or has a slash", "");
        }
        let group = Some(field("groupName")).filter(|group| !group.is_empty()).unwrap_or(DEFAULT_GROUP);
        let made = Held::new(now, &self.user, group, name, field("packageVersion"));
        let path = made.path();
        if self.listed_packages().iter().any(|listed| listed.path == path) {
            return answer(false, &format!("Package already exists: {path}"), &path);
        }
        if self.packages.len() >= MOST_PACKAGES {
            return answer(false, "the mock keeps no more packages", &path);
        }
        self.packages.push(made);
        answer(true, "Package created", &path)
    }

    /// Sets the filter of a package: `[{"root": "/content/x", "rules": []}]`.
    pub(in crate::author) fn package_filter(&mut self, now: Timestamp, form: &Form) -> Response {
        let path = normal(form.get("path").unwrap_or_default());
        let filter: Result<serde_json::Value, _> = serde_json::from_str(form.get("filter").unwrap_or_default());
        let filters = filter.ok().and_then(|filter| filter.as_array().cloned());
        let roots = filters.and_then(|filters| {
            let root = |filter: &serde_json::Value| {
                let has_rules = filter["rules"].as_array().is_some_and(|rules| !rules.is_empty());
                filter["root"].as_str().filter(|root| root.starts_with('/') && !has_rules).map(normal)
            };
            filters.iter().map(root).collect::<Option<Vec<_>>>()
        });
        let known = ["path", "packageName", "groupName", "version", "filter"];
        if let Some(other) = form.other_than(&known).filter(|other| form.get(other) != Some("")) {
            return answer(false, &format!("the mock does not set {other} of a package"), &path);
        }
        let Some(roots) = roots else {
            return answer(
                false,
                "the mock reads a filter as [{\"root\": \"/path\", \"rules\": []}], without rules",
                &path,
            );
        };
        let Some(package) = self.packages.iter_mut().find(|held| held.path() == path) else {
            return answer(false, "no package", &path);
        };
        let names = [("packageName", &package.name), ("groupName", &package.group)];
        let others = names.iter().find(|(field, own)| form.get(field).is_some_and(|value| value != own.as_str()));
        let version = form.get("version").unwrap_or_default();
        if others.is_some() || file_name(&package.name, version) != file_name(&package.name, &package.version) {
            return answer(false, "the mock does not rename a package", &path);
        }
        package.roots = roots;
        package.modified = Mark::new(now, &self.user);
        answer(true, "Package updated", &path)
    }

    /// The file of the package at that path.
    pub(in crate::author) fn package_file(&self, path: &str) -> Option<Response> {
        let held = self.packages.iter().find(|held| held.path() == normal(path))?;
        Some(Response::new(200, "application/zip", held.file.clone()))
    }
}
