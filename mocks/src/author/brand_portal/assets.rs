//! Assets: upload by `createasset` and by the Assets HTTP API (surfaces.md §5.8).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::publish::ORIGINAL;
use crate::author::repository::{Node, Value, join, split};
use crate::author::sling_get::to_json;
use crate::author::{Author, escape, html, plain};
use crate::machine::{Form, Request, Response};

/// The root of assets.
pub(super) const ROOT: &str = "/content/dam";
/// The processing time of an uploaded asset, by the mock's clock.
const PROCESSED_AFTER: SignedDuration = SignedDuration::from_millis(300);
/// The classes of a folder in a request.
const FOLDER: [&str; 2] = ["assetFolder", "assets/folder"];
/// The default media type.
pub(super) const OCTETS: &str = "application/octet-stream";

impl Author {
    /// `<folder>.createasset.html`.
    pub(super) fn asset_create(&mut self, now: Timestamp, folder: &str, form: &Form) -> Response {
        let surface = self.surfaces.get("author.asset-create");
        let folder = format!("/{folder}");
        if let Some(other) = form.other_than(&[surface.field("file"), surface.field("name")]) {
            return plain(400, &format!("The mock takes whole files without options, not the field {other}\n"));
        }
        let Some(file) = form.files.get(surface.field("file")) else {
            return plain(400, &format!("{} is missing\n", surface.field("file")));
        };
        let name = form.get(surface.field("name")).filter(|name| !name.is_empty()).unwrap_or(&file.name).to_owned();
        if let Err(problem) = self.place(&folder, &name) {
            return problem;
        }
        let path = join(&folder, &name);
        self.store_asset(now, &path, &file.content_type, file.content.clone());
        html(200, &format!("<html><body><div id=\"Path\">{}</div></body></html>\n", escape(&path)))
    }

    /// `POST /api/assets/<path>`: JSON or fields without a file create a folder, any other body an asset.
    pub(super) fn api_create(&mut self, now: Timestamp, path: &str, request: &Request, form: &Form) -> Response {
        let json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let path = match (path.strip_suffix('*'), form.get("name")) {
            (Some(parent), Some(name)) => format!("{parent}{name}"),
            _ => path.to_owned(),
        };
        let path = join(ROOT, path.trim_matches('/'));
        let Some((parent, name)) = split(&path) else { return siren_error(400, "a name is missing") };
        if self.repository.exists(&path) {
            return siren_error(409, &format!("{path} exists already"));
        }
        if split(parent).is_some_and(|(asset, _)| self.is_asset(asset)) {
            return siren_error(400, &format!("the mock makes neither renditions nor comments, so not {path}"));
        }
        if self.is_asset(parent) || self.place(parent, name).is_err() {
            return siren_error(412, &format!("the folder {parent} does not exist"));
        }
        if json || form.fields.contains_key("name") && form.files.is_empty() {
            let title = if json { folder_title(&request.body) } else { title_of_form(form) };
            match title {
                Ok(title) => self.store_folder(now, &path, title.as_deref().unwrap_or(name)),
                Err(problem) => return siren_error(400, &problem),
            }
        } else {
            let (kind, bytes) = match form.files.values().next() {
                Some(file) => (file.content_type.clone(), file.content.clone()),
                None => (request.header("content-type").unwrap_or(OCTETS).to_owned(), request.body.clone()),
            };
            self.store_asset(now, &path, &kind, bytes);
        }
        siren(201, &json!({ "class": ["core/response"], "properties": { "path": path, "status.code": 201 } }))
    }

    fn is_asset(&self, path: &str) -> bool {
        self.repository.get(path).is_some_and(|node| node.primary_type() == "dam:Asset")
    }

    /// `GET /api/assets/<path>.json`.
    pub(super) fn api_read(&self, path: &str, form: &Form) -> Response {
        if let Some(other) = form.other_than(&[]) {
            return whole_only(other);
        }
        let full = join(ROOT, path);
        let Some(node) = self.repository.get(&full) else { return siren_error(404, &format!("there is no {full}")) };
        let entities: Vec<_> = node
            .children
            .iter()
            .filter(|(name, _)| *name != "jcr:content")
            .map(|(name, child)| entity(&format!("{path}/{name}"), name, child))
            .collect();
        let mut answer = entity(path, full.rsplit('/').next().unwrap_or_default(), node);
        if node.primary_type() != "dam:Asset" {
            answer["entities"] = entities.into();
        }
        siren(200, &answer)
    }

    /// `DELETE /api/assets/<path>`.
    pub(super) fn api_delete(&mut self, path: &str) -> Response {
        let path = join(ROOT, path);
        match self.repository.remove(&path) {
            Some(_) => {
                siren(200, &json!({ "class": ["core/response"], "properties": { "path": path, "status.code": 200 } }))
            }
            None => siren_error(412, &format!("there is no {path}")),
        }
    }

    /// Validates the name of a new asset and its folder.
    fn place(&self, folder: &str, name: &str) -> Result<(), Response> {
        if name.is_empty() || name.contains(['/', '*']) {
            return Err(plain(400, &format!("`{name}` is not a valid asset name\n")));
        }
        let inside = folder == ROOT || folder.starts_with("/content/dam/");
        if inside && self.repository.exists(folder) {
            Ok(())
        } else {
            Err(plain(404, &format!("the folder {folder} does not exist\n")))
        }
    }

    /// Creates a folder of assets.
    pub(super) fn store_folder(&mut self, now: Timestamp, path: &str, title: &str) {
        let content = Node::new("nt:unstructured").with("jcr:title", title);
        let folder = Node::new("sling:OrderedFolder").with("jcr:created", now).with_child("jcr:content", content);
        self.repository.insert(path, folder);
    }

    /// Creates an asset or replaces its original; processing ends some time later.
    pub(super) fn store_asset(&mut self, now: Timestamp, path: &str, kind: &str, bytes: Vec<u8>) {
        let kind = if kind.is_empty() { OCTETS } else { kind };
        let user = self.user.clone();
        if !self.repository.exists(path) {
            let asset = Node::new("dam:Asset").with("jcr:created", now).with("jcr:createdBy", user.as_str());
            self.repository.insert(path, asset);
        }
        let content = self.repository.ensure(&join(path, "jcr:content"), "dam:AssetContent");
        content.set("dam:assetState", "processing");
        content.set("jcr:lastModified", now);
        content.set("jcr:lastModifiedBy", user);
        let metadata = self.repository.ensure(&join(path, "jcr:content/metadata"), "nt:unstructured");
        metadata.set("dc:format", kind);
        metadata.set("dam:size", i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.repository.ensure(&join(path, "jcr:content/renditions"), "nt:folder");
        self.repository.ensure(&join(path, "jcr:content/renditions/original"), "nt:file");
        let original = self.repository.ensure(&join(path, ORIGINAL), "nt:resource");
        original.set("jcr:mimeType", kind);
        original.set("jcr:lastModified", now);
        original.set("jcr:data", Value::Binary(bytes));
        self.brand_portal.processing.push((now + PROCESSED_AFTER, path.to_owned()));
    }

    /// Finishes the processing of assets that is due.
    pub(super) fn process_assets(&mut self, now: Timestamp) {
        let processing = std::mem::take(&mut self.brand_portal.processing);
        let (due, later): (Vec<_>, Vec<_>) = processing.into_iter().partition(|(due, _)| *due <= now);
        self.brand_portal.processing = later;
        for (_, path) in due {
            if let Some(content) = self.repository.get_mut(&join(&path, "jcr:content")) {
                content.set("dam:assetState", "processed");
            }
        }
    }
}

pub(super) fn entity(path: &str, name: &str, node: &Node) -> Json {
    let asset = node.primary_type() == "dam:Asset";
    let title = node.child("jcr:content").and_then(|content| content.text("jcr:title")).unwrap_or(name);
    let mut properties = json!({ "name": name, "title": title });
    if let Some(metadata) = node.child("jcr:content").and_then(|content| content.child("metadata")) {
        properties["metadata"] = to_json(metadata, Some(0));
    }
    json!({
        "class": [if asset { "assets/asset" } else { "assets/folder" }],
        "rel": ["child"],
        "links": [{ "rel": ["self"], "href": format!("/api/assets/{path}.json") }],
        "properties": properties,
    })
}

/// The answer to a listing that asks for a part.
pub(super) fn whole_only(parameter: &str) -> Response {
    siren_error(400, &format!("the mock lists a whole folder and does not know the parameter {parameter}"))
}

/// The title of a new folder in a body of JSON; the error says what the mock would not store.
fn folder_title(body: &[u8]) -> Result<Option<String>, String> {
    let body: Json = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let class = &body["class"];
    let class = class.as_array().and_then(|classes| classes.first()).unwrap_or(class);
    if !class.is_null() && !class.as_str().is_some_and(|class| FOLDER.contains(&class)) {
        return Err(format!("the mock makes a folder of JSON, of the class {}, not {class}", FOLDER[0]));
    }
    let properties = body["properties"].as_object();
    let is_kept = |name: &str| matches!(name, "title" | "name");
    match properties.into_iter().flat_map(serde_json::Map::keys).find(|name| !is_kept(name)) {
        Some(other) => Err(format!("the mock keeps the title of a folder only, not {other}")),
        None => Ok(body["properties"]["title"].as_str().map(str::to_owned)),
    }
}

fn title_of_form(form: &Form) -> Result<Option<String>, String> {
    match form.other_than(&["name", "title"]) {
        Some(other) => Err(format!("the mock keeps the title of a folder only, not {other}")),
        None => Ok(form.get("title").map(str::to_owned)),
    }
}

pub(super) fn siren(status: u16, body: &Json) -> Response {
    Response::new(status, "application/vnd.siren+json;charset=utf-8", body.to_string())
}

pub(super) fn siren_error(status: u16, message: &str) -> Response {
    let properties = json!({ "status.code": status, "status.message": message });
    siren(status, &json!({ "class": ["core/response"], "properties": properties }))
}
