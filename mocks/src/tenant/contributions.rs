//! Asset Sourcing: contributions of the tenant's users, until an Author imports them (surfaces.md §6.12, §3.5).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Tenant, sha256};
use crate::author::repository::split;
use crate::machine::{File, Form, Request, Response};
use crate::routing::text;

/// The maximum size of all contributions, in bytes.
const MOST_BYTES: usize = 256 << 20;

/// The files by their paths on the tenant.
#[derive(Default)]
pub(super) struct Contributions {
    files: BTreeMap<String, File>,
}

impl Tenant {
    pub(super) fn contribute(&mut self, folder: &str, request: &Request) -> Response {
        let surface = self.surfaces.get("tenant.contribute");
        let mut form = match Form::read(request) {
            Ok(form) => form,
            Err(problem) => return text(400, &format!("{problem}\n")),
        };
        let Some(mut file) = form.files.remove(surface.field("file")) else {
            return text(400, &format!("the form has no file `{}`\n", surface.field("file")));
        };
        if let Some(name) = form.get(surface.field("name")) {
            name.clone_into(&mut file.name);
        }
        if file.name.is_empty() || file.name.contains('/') {
            return text(400, "the file's name must be one segment of a path\n");
        }
        if !self.was_received(folder) {
            return text(404, &format!("the tenant has received no folder {folder}\n"));
        }
        let path = self.own(&format!("{folder}/{}", file.name));
        self.contributions.add(path, file)
    }

    /// Whether a folder or one above it came from the Author.
    fn was_received(&self, folder: &str) -> bool {
        let root = self.own("");
        std::iter::successors(Some(self.own(folder)), |path| Some(split(path)?.0.to_owned()))
            .take_while(|path| path.starts_with(&root))
            .any(|path| self.repository.exists(&path))
    }
}

impl Contributions {
    fn add(&mut self, path: String, file: File) -> Response {
        let kept: usize = self.files.values().map(|file| file.content.len()).sum();
        if kept + file.content.len() > MOST_BYTES {
            return text(507, "the mocked tenant keeps no more contributions until an Author takes some\n");
        }
        let created = Response::json(201, &describe(&path, &file));
        self.files.insert(path, file);
        created
    }

    pub(super) fn list(&self) -> Response {
        Response::json(200, &json!({ "contributions": self.dump() }))
    }

    pub(super) fn dump(&self) -> Value {
        self.files.iter().map(|(path, file)| describe(path, file)).collect()
    }

    pub(super) fn read(&self, path: &str) -> Response {
        match self.files.get(path) {
            Some(file) if file.content_type.is_empty() => {
                Response::new(200, "application/octet-stream", file.content.clone())
            }
            Some(file) => Response::new(200, &file.content_type, file.content.clone()),
            None => missing(path),
        }
    }

    pub(super) fn take(&mut self, path: &str) -> Response {
        match self.files.remove(path) {
            Some(_) => Response { status: 204, ..Response::default() },
            None => missing(path),
        }
    }
}

fn missing(path: &str) -> Response {
    text(404, &format!("no contribution exists at {path}, or an Author has imported it\n"))
}

fn describe(path: &str, file: &File) -> Value {
    let File { name, content_type, content } = file;
    let (size, sha256) = (content.len(), sha256(content));
    json!({ "path": path, "name": name, "contentType": content_type, "size": size, "sha256": sha256 })
}
