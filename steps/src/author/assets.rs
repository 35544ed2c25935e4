//! Content that the run creates: folders, assets, content fragments, collections, tags (surfaces.md §5.8, §6.9–§6.11).

use serde_json::json;

use super::{repository, tenants};
use crate::call::{Body, Call, Upload};
use crate::problem::{Checked, Problem};
use crate::session::Session;
use crate::undo::Undo;

/// The content type of the assets: of no kind that the Author would process.
const CONTENT_TYPE: &str = "application/octet-stream";

/// An asset of the run, as it was uploaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// Its path on the Author.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How an asset is uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `POST /api/assets/…`
    AssetsApi,
    /// `POST ….createasset.html`
    CreateAsset,
}

impl Asset {
    /// An asset in that folder. No two of a run have the same bytes, so that they cannot be confused.
    pub fn new(folder: &str, name: &str) -> Self {
        let path = format!("{folder}/{name}.bin");
        let bytes = format!("bpconform {path}\n").into_bytes().repeat(16);
        Self { path, bytes }
    }

    fn folder_and_name(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }
}

/// Uploads an asset. Nothing undoes it: it goes with its folder.
pub async fn upload(session: &Session, asset: &Asset, way: Way) -> Checked {
    let (folder, name) = asset.folder_and_name();
    let call = match way {
        Way::AssetsApi => Call::to("author.assets-api-create")
            .with("path", api_path(&asset.path)?)
            .body(Body::Bytes { content_type: CONTENT_TYPE.into(), bytes: asset.bytes.clone() }),
        Way::CreateAsset => Call::to("author.asset-create")
            .with("folder", folder.trim_start_matches('/'))
            .field("name", name)
            .body(Body::Multipart(Some(Upload {
                field: "file".into(),
                name: name.into(),
                content_type: CONTENT_TYPE.into(),
                bytes: asset.bytes.clone(),
            }))),
    };
    let reply = session.send(call.undone_by([])).await?;
    reply.expect_status(&[200, 201]).map(drop)
}

/// Makes a folder below `/content/dam` through the Assets HTTP API and gives it the Author's Brand Portal configuration.
/// Its deletion takes everything in it along.
pub async fn folder(session: &Session, path: &str) -> Checked {
    let title = path.rsplit('/').next().unwrap_or(path);
    let body = json!({ "class": "assetFolder", "properties": { "title": title } }).to_string().into_bytes();
    let call = Call::to("author.assets-api-create")
        .with("path", api_path(path)?)
        .body(Body::Bytes { content_type: "application/json".into(), bytes: body })
        .undone_by([Undo::Content { path: path.to_owned() }]);
    session.send(call).await?.expect_status(&[201])?;
    configure(session, path).await
}

/// Gives a folder the Brand Portal configuration of the tenant (`mpConfig`, §3.3): without it nothing in it can be published.
pub async fn configure(session: &Session, folder: &str) -> Checked {
    // One that is not found is looked for again, since a single read may be wrong.
    let configuration = session.settled(async || tenants::cloud_configuration(session).await, |_| true).await?;
    write(session, folder, &[("mpConfig", &configuration.path)]).await
}

/// Makes a node, or sets properties of one, with Sling POST. A property's name may begin with the path of a child. Nothing
/// undoes it: it is for nodes inside something that is deleted as a whole.
pub async fn write(session: &Session, path: &str, properties: &[(&str, &str)]) -> Checked {
    write_undone_by(session, path, properties, []).await
}

/// The same, with what undoes the later effects of these properties.
pub async fn write_undone_by(
    session: &Session,
    path: &str,
    properties: &[(&str, &str)],
    undo: impl IntoIterator<Item = Undo>,
) -> Checked {
    session.send(written(path, properties).undone_by(undo)).await?.expect_status(&[200, 201]).map(drop)
}

/// Makes a node with Sling POST, which is deleted at the end of the scenario, and so are the folders above it that were
/// not there.
pub async fn create(session: &Session, path: &str, properties: &[(&str, &str)]) -> Checked {
    let mut missing = Vec::new();
    let mut parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    while !parent.is_empty() && repository::read(session, parent, "0").await?.is_none() {
        missing.push(Undo::Folder { path: parent.to_owned() });
        parent = parent.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    if !missing.is_empty() {
        session.will_be_undone_by(&format!("folders above {path}"), missing)?;
    }
    let call = written(path, properties).undone_by([Undo::Content { path: path.to_owned() }]);
    session.send(call).await?.expect_status(&[200, 201]).map(drop)
}

fn written(path: &str, properties: &[(&str, &str)]) -> Call {
    let call = Call::to("author.node-write").with("path", path.trim_start_matches('/'));
    properties.iter().fold(call, |call, (name, value)| call.property(name, *value))
}

/// The Assets HTTP API leaves `/content/dam` out.
fn api_path(path: &str) -> Checked<String> {
    let rest = path.strip_prefix("/content/dam/");
    rest.map(str::to_owned).ok_or_else(|| Problem::error(format!("{path} is not below /content/dam")))
}

/// The bytes of an asset as the Author has them; none if it has no such asset.
pub async fn original(session: &Session, path: &str) -> Checked<Option<Vec<u8>>> {
    let reply = session.send(Call::to("author.asset-original").with("asset", path.trim_start_matches('/'))).await?;
    if reply.status == 404 {
        return Ok(None);
    }
    Ok(Some(reply.expect_status(&[200])?.file()?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_assets_have_the_same_bytes() {
        assert_ne!(Asset::new("/content/dam/x", "1").bytes, Asset::new("/content/dam/x", "2").bytes);
    }

    #[test]
    fn the_assets_api_is_asked_for_paths_below_the_assets_only() {
        assert_eq!(api_path("/content/dam/x/y.bin").as_deref(), Ok("x/y.bin"));
        assert!(api_path("/etc/x").is_err());
    }
}
