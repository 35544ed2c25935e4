//! More sentences of `06-publishing.feature`: tags, presets, schemas and facets, and Asset Sourcing.

use std::time::Duration;

use bpconform_step_macros::{given, then, when};
use serde_json::Value;

use super::publishing::{self, Assets, asset_path};
use super::{MINUTES, number};
use crate::author::assets::{self, Asset, Way};
use crate::author::{delivery, publication, repository};
use crate::call::{Authentication, Body, Call, Upload};
use crate::ims;
use crate::problem::{Checked, Problem, ensure};
use crate::session::Session;
use crate::undo::Undo;
use crate::world::World;

/// How long an import may take after the poll that found the file.
const IMPORT: Duration = Duration::from_secs(30);

/// The tag of the scenario: its id and its path.
#[derive(Clone, Debug)]
struct Tag {
    id: String,
    path: String,
}

/// The preset, schema or facet of the scenario.
#[derive(Clone, Debug)]
struct Thing(String);

/// The contribution folder of the scenario.
#[derive(Clone, Debug)]
struct Contribution(String);

/// The file that somebody contributed.
#[derive(Clone, Debug)]
struct Contributed(Asset);

#[given("a tag of this run")]
async fn tag(world: &mut World) -> Checked {
    let session = world.session()?;
    let (root, namespace) = (session.surface("author.publish").phrase("tags"), session.name("tags"));
    let properties = [
        ("jcr:primaryType", "cq:Tag"),
        ("jcr:title", "bpconform"),
        ("sling:resourceType", "cq/tagging/components/tag"),
    ];
    assets::create(session, &format!("{root}/{namespace}"), &properties).await?;
    let path = format!("{root}/{namespace}/summer");
    assets::write(session, &path, &properties).await?;
    world.keep(Tag { id: format!("{namespace}:summer"), path });
    Ok(())
}

#[given("the asset has the tag")]
async fn asset_bears_tag(world: &mut World) -> Checked {
    let (path, tag) = (asset_path(world)?, world.kept::<Tag>()?);
    // The tags of an asset are published with it, and stay when it is unpublished.
    let published = Undo::Publication { path: tag.path.clone() };
    let properties =
        [("jcr:content/metadata/cq:tags@TypeHint", "String[]"), ("jcr:content/metadata/cq:tags", tag.id.as_str())];
    assets::write_undone_by(world.session()?, &path, &properties, [published]).await
}

#[when("the tag is published to Brand Portal")]
async fn publish_tag(world: &mut World) -> Checked {
    let path = world.kept::<Tag>()?.path.clone();
    accepted(world, &path).await
}

#[when("the tag is unpublished from Brand Portal")]
async fn unpublish_tag(world: &mut World) -> Checked {
    publication::unpublish(world.session()?, &world.kept::<Tag>()?.path).await
}

#[then("the tenant receives the tag")]
async fn tag_arrives(world: &mut World) -> Checked {
    publishing::arrives(world.session()?, &world.kept::<Tag>()?.path).await
}

#[then("the tenant no longer has the tag")]
async fn tag_is_gone(world: &mut World) -> Checked {
    publishing::gone(world.session()?, &world.kept::<Tag>()?.path).await
}

#[given(regex = r"^an? (image preset|metadata schema|search facet) of this run$")]
async fn thing(world: &mut World, kind: String) -> Checked {
    let session = world.session()?;
    let root = session.surface("author.publish").phrase(match kind.as_str() {
        "image preset" => "image-presets",
        "metadata schema" => "metadata-schemas",
        _ => "search-facets",
    });
    let path = format!("{root}/{}", session.name("published"));
    assets::create(session, &path, &[("jcr:primaryType", "nt:unstructured"), ("jcr:title", "bpconform")]).await?;
    world.keep(Thing(path));
    Ok(())
}

#[given("a default that is still locked")]
fn locked_default(world: &mut World) -> Checked {
    let path = world.session()?.surface("author.publish").phrase("locked-default").to_owned();
    world.keep(Thing(path));
    Ok(())
}

#[when("it is published to Brand Portal")]
async fn publish_thing(world: &mut World) -> Checked {
    let Thing(path) = world.kept::<Thing>()?.clone();
    publishing::publish(world, &path).await
}

#[when("it is removed from Brand Portal")]
async fn remove_thing(world: &mut World) -> Checked {
    let Thing(path) = world.kept()?;
    publication::unpublish(world.session()?, path).await
}

#[then("the tenant receives it")]
async fn thing_arrives(world: &mut World) -> Checked {
    let Thing(path) = world.kept()?;
    publishing::arrives(world.session()?, path).await
}

#[then("the tenant no longer has it")]
async fn thing_is_gone(world: &mut World) -> Checked {
    let Thing(path) = world.kept()?;
    publishing::gone(world.session()?, path).await
}

#[then("the tenant does not get it")]
async fn thing_stays(world: &mut World) -> Checked {
    let Thing(path) = world.kept()?;
    publishing::never_arrives(world.session()?, path).await
}

#[given("a contribution folder of this run, with the Brand Portal configuration")]
async fn contribution_folder(world: &mut World) -> Checked {
    let session = world.session()?;
    let path = format!("/content/dam/{}", session.name("contribution"));
    let call = Call::to("author.contribution-folder-create").field("path", &path).field("title", "bpconform");
    session.send(call.undone_by([Undo::Content { path: path.clone() }])).await?.expect_status(&[200, 201])?;
    assets::configure(session, &path).await?;
    for part in parts(session) {
        let child = async || repository::read(session, &format!("{path}/{part}"), "0").await;
        let child = session.settled(child, Option::is_some).await?;
        ensure(child.is_some(), || format!("the contribution folder {path} has no folder {part}"))?;
    }
    world.keep(Contribution(path));
    Ok(())
}

/// The names of the two folders of a contribution folder.
fn parts(session: &Session) -> [String; 2] {
    let surface = session.surface("author.contribution-folder-create");
    [surface.phrase("new").to_owned(), surface.phrase("shared").to_owned()]
}

#[given("an asset of this run in its folder SHARED")]
async fn shared_asset(world: &mut World) -> Checked {
    let (session, Contribution(folder)) = (world.session()?, world.kept()?);
    let [_, shared] = parts(session);
    let asset = Asset::new(&format!("{folder}/{shared}"), "guideline");
    assets::upload(session, &asset, Way::CreateAsset).await?;
    world.keep(Assets(vec![asset]));
    Ok(())
}

#[when("the contribution folder is published to Brand Portal")]
async fn publish_contribution(world: &mut World) -> Checked {
    let Contribution(path) = world.kept::<Contribution>()?.clone();
    accepted(world, &path).await
}

/// Publishes it, which must not be refused.
async fn accepted(world: &mut World, path: &str) -> Checked {
    publication::publish(world.session()?, path, None).await?.expect_status(&[200]).map(drop)
}

#[then("the tenant receives the folders NEW and SHARED")]
async fn parts_arrive(world: &mut World) -> Checked {
    let (session, Contribution(path)) = (world.session()?, world.kept()?);
    for part in parts(session) {
        publishing::arrives(session, &format!("{path}/{part}")).await?;
    }
    // The Author asks for contributions once it has delivered the folder itself. The tenant makes that folder before, for
    // what is in it.
    delivery::wait_for_agents(session, path).await
}

#[when("somebody contributes a file to NEW on the tenant")]
async fn contribute(world: &mut World) -> Checked {
    let (session, Contribution(path)) = (world.session()?, world.kept()?);
    let [new, _] = parts(session);
    let file = Asset::new(&format!("{path}/{new}"), "contributed");
    let (folder, name) = file.path.rsplit_once('/').unwrap_or_default();
    let upload = Upload {
        field: "file".into(),
        name: name.into(),
        content_type: "application/octet-stream".into(),
        bytes: file.bytes.clone(),
    };
    let call = on_tenant(session, "tenant.contribute").await?;
    let call = call.with("folder", folder.trim_start_matches("/content/dam/")).field("name", name);
    // What was contributed is taken by the Author, and goes there with its folder.
    let call = call.body(Body::Multipart(Some(upload))).undone_by([]);
    session.send(call).await?.expect_status(&[200, 201])?;
    let is_offered = session.settled(async || offered(session, name).await, |is_offered| *is_offered).await?;
    ensure(is_offered, || format!("the tenant does not offer {name}, which was contributed"))?;
    world.keep(Contributed(file));
    Ok(())
}

async fn on_tenant(session: &Session, surface: &str) -> Checked<Call> {
    let token = ims::token(session).await?;
    let call = Call::to(surface).with("tenant", session.stack.tenant_id()?);
    Ok(call.as_whom(Authentication::Bearer(token.access_token)))
}

/// Whether the tenant offers a contributed file of that name to an Author.
async fn offered(session: &Session, name: &str) -> Checked<bool> {
    let reply = session.send(on_tenant(session, "tenant.contributions").await?).await?.expect_status(&[200])?;
    let json = reply.json()?;
    let all = json.get("contributions").and_then(Value::as_array).ok_or_else(|| {
        Problem::error(format!("{} is not a list of contributions; {}", reply.what(), reply.excerpt()))
    })?;
    let ours = |one: &&Value| one.get("path").and_then(Value::as_str).is_some_and(|path| path.ends_with(name));
    Ok(all.iter().any(|one| ours(&one)))
}

#[then(expr = "the Author has the file in NEW within {int} minutes, byte for byte")]
async fn comes_back(world: &mut World, minutes: String) -> Checked {
    let minutes = number(&minutes, MINUTES)?;
    let (session, Contributed(file)) = (world.session()?, world.kept()?);
    let what = format!("the contributed file {} on the Author", file.path);
    let came = async || assets::original(session, &file.path).await;
    let bytes = session.wait_for(&what, Duration::from_secs(60 * minutes) + IMPORT, came).await?;
    ensure(bytes == file.bytes, || {
        format!("the Author has {} bytes of {}, not the {} contributed", bytes.len(), file.path, file.bytes.len())
    })
}

#[then("the tenant no longer offers the file to other Authors")]
async fn no_longer_offered(world: &mut World) -> Checked {
    let Contributed(file) = world.kept()?;
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let session = world.session()?;
    let is_offered = session.settled(async || offered(session, name).await, |is_offered| !*is_offered).await?;
    ensure(!is_offered, || format!("the tenant still offers {name}, which the Author has taken"))
}
