//! Sentences of `06-publishing.feature`: content that the run creates, and its publication.

use std::time::Duration;

use bpconform_step_macros::{given, then, when};
use jiff::{SignedDuration, Timestamp};

use super::{MINUTES, number};
use crate::author::assets::{self, Asset, Way};
use crate::author::{agents, delivery, publication, queue};
use crate::clock;
use crate::problem::{Checked, Kind, Problem, ensure};
use crate::reply::Reply;
use crate::session::Session;
use crate::tenant;
use crate::world::World;

/// How long something that must not arrive is given to arrive all the same.
const AFTERMATH: Duration = Duration::from_secs(30);

/// How far the clocks of the Author and of what stands before it may be apart.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

/// The asset folder of the scenario.
#[derive(Clone, Debug)]
pub(super) struct Folder(pub(super) String);

/// The assets of the scenario, at least one.
#[derive(Clone, Debug)]
pub(super) struct Assets(pub(super) Vec<Asset>);

/// The collection of the scenario.
#[derive(Clone, Debug)]
pub(super) struct Collection(pub(super) String);

/// The content fragment of the scenario.
#[derive(Clone, Debug)]
struct Fragment(String);

/// When something was published or unpublished last, by the target's clock.
#[derive(Clone, Copy, Debug)]
struct Asked(Timestamp);

/// What the Author answered when something was published.
#[derive(Clone, Debug)]
pub(super) struct Answer(pub(super) Reply);

#[given("an asset folder of this run, with the Brand Portal configuration")]
async fn folder(world: &mut World) -> Checked {
    let session = world.session()?;
    let path = format!("/content/dam/{}", session.name("folder"));
    assets::folder(session, &path).await?;
    world.keep(Folder(path));
    Ok(())
}

#[given(regex = r"^an asset of this run, uploaded by (createasset|the Assets HTTP API)$")]
async fn asset(world: &mut World, way: String) -> Checked {
    let way = if way == "createasset" { Way::CreateAsset } else { Way::AssetsApi };
    let Folder(folder) = world.kept()?;
    let asset = Asset::new(folder, "asset");
    assets::upload(world.session()?, &asset, way).await?;
    world.keep(Assets(vec![asset]));
    Ok(())
}

/// More assets would be a load test of somebody's Author.
const LARGEST_BATCH: usize = 100;

#[given(expr = "{int} assets of this run in the folder")]
async fn batch(world: &mut World, count: String) -> Checked {
    let count = number(&count, 1..=LARGEST_BATCH)?;
    let Folder(folder) = world.kept()?;
    let batch: Vec<_> = (1..=count).map(|number| Asset::new(folder, &format!("asset-{number:03}"))).collect();
    for asset in &batch {
        assets::upload(world.session()?, asset, Way::CreateAsset).await?;
    }
    world.keep(Assets(batch));
    Ok(())
}

#[given("the asset was published to Brand Portal and arrived")]
async fn published_and_arrived(world: &mut World) -> Checked {
    publish_asset(world).await?;
    queued(world)?;
    all_arrive(world).await
}

#[given("a content fragment in the folder")]
async fn fragment(world: &mut World) -> Checked {
    let Folder(folder) = world.kept()?;
    let path = format!("{folder}/fragment");
    let properties = [
        ("jcr:primaryType", "dam:Asset"),
        ("jcr:content/jcr:primaryType", "dam:AssetContent"),
        ("jcr:content/jcr:title", "Fragment"),
        ("jcr:content/contentFragment@TypeHint", "Boolean"),
        ("jcr:content/contentFragment", "true"),
        ("jcr:content/data/jcr:primaryType", "nt:unstructured"),
        ("jcr:content/data/master/text", "a text without an original"),
    ];
    assets::write(world.session()?, &path, &properties).await?;
    world.keep(Fragment(path));
    Ok(())
}

#[given("a collection of these assets")]
async fn collection(world: &mut World) -> Checked {
    let Assets(batch) = world.kept()?;
    let members = batch.iter().map(|asset| asset.path.clone()).collect();
    make_collection(world, members).await
}

#[given("a collection of these assets and the content fragment")]
async fn mixed_collection(world: &mut World) -> Checked {
    let (Assets(batch), Fragment(fragment)) = (world.kept()?, world.kept()?);
    let members = batch.iter().map(|asset| asset.path.clone()).chain([fragment.clone()]).collect();
    make_collection(world, members).await
}

async fn make_collection(world: &mut World, members: Vec<String>) -> Checked {
    let session = world.session()?;
    let root = session.surface("author.publish").phrase("collections");
    let path = format!("{root}/{}", session.name("collection"));
    let mut properties = vec![
        ("jcr:primaryType", "nt:unstructured"),
        ("sling:resourceType", "dam/collection"),
        ("sling:resourceSuperType", "sling/collection"),
        ("jcr:title", "bpconform"),
        ("sling:members/jcr:primaryType", "nt:unstructured"),
        ("sling:members/sling:resources@TypeHint", "String[]"),
    ];
    properties.extend(members.iter().map(|member| ("sling:members/sling:resources", member.as_str())));
    assets::create(session, &path, &properties).await?;
    world.keep(Collection(path));
    Ok(())
}

#[when("the asset is published to Brand Portal")]
async fn publish_asset(world: &mut World) -> Checked {
    let path = asset_path(world)?;
    publish(world, &path).await
}

#[when("the folder is published to Brand Portal")]
async fn publish_folder(world: &mut World) -> Checked {
    let Folder(path) = world.kept::<Folder>()?.clone();
    publish(world, &path).await
}

#[when("the collection is published to Brand Portal")]
async fn publish_collection(world: &mut World) -> Checked {
    let Collection(path) = world.kept::<Collection>()?.clone();
    let assets: Vec<_> = world.kept::<Assets>()?.0.iter().map(|asset| asset.path.clone()).collect();
    let answer = publication::publish_with(world.session()?, &path, &assets).await?;
    keep(world, answer).await
}

#[when("the content fragment is published to Brand Portal")]
async fn publish_fragment(world: &mut World) -> Checked {
    let Fragment(path) = world.kept::<Fragment>()?.clone();
    publish(world, &path).await
}

pub(super) async fn publish(world: &mut World, path: &str) -> Checked {
    let answer = publication::publish(world.session()?, path, None).await?;
    keep(world, answer).await
}

async fn keep(world: &mut World, answer: Reply) -> Checked {
    let asked = clock::of_answer(world.session()?, &answer).await?;
    world.keep(Asked(asked));
    world.keep(Answer(answer));
    Ok(())
}

#[when(expr = "the asset is published to Brand Portal in {int} minutes")]
async fn publish_later(world: &mut World, minutes: i64) -> Checked {
    let session = world.session()?;
    let at = clock::now(session).await? + SignedDuration::from_mins(minutes);
    let answer = publication::publish(session, &asset_path(world)?, Some(at)).await?;
    answer.expect_status(&[200]).map(drop)
}

#[when("the asset is unpublished from Brand Portal")]
async fn unpublish_asset(world: &mut World) -> Checked {
    let session = world.session()?;
    let asked = clock::now(session).await?;
    publication::unpublish(session, &asset_path(world)?).await?;
    world.keep(Asked(asked));
    Ok(())
}

#[when("the folder is unpublished from Brand Portal")]
async fn unpublish_folder(world: &mut World) -> Checked {
    let Folder(path) = world.kept()?;
    publication::unpublish(world.session()?, path).await
}

#[when("the collection is unpublished from Brand Portal")]
async fn unpublish_collection(world: &mut World) -> Checked {
    let Collection(path) = world.kept()?;
    publication::unpublish(world.session()?, path).await
}

#[then("the Author says that it is queued for publishing")]
fn queued(world: &mut World) -> Checked {
    let Answer(reply) = world.kept()?;
    let surface = world.session()?.surface("author.publish");
    let text = reply.clone().expect_status(&[200])?.text();
    // The endpoint is unknown, and so is what it answers in other languages.
    let says = ["queued", "folder-queued"].iter().any(|word| text.contains(surface.wording(word)));
    if says { Ok(()) } else { Err(reply.instead("a text that does not say that it is queued")) }
}

#[then("the publication is refused")]
fn refused(world: &mut World) -> Checked {
    let Answer(reply) = world.kept()?;
    match reply.status {
        200..300 => Err(Problem::failed(format!("{} answered {}; it must be refused", reply.what(), reply.status))),
        _ => reply.expect_authors_refusal(),
    }
}

#[then("the tenant receives the asset, byte for byte")]
#[then("the tenant receives all the assets, byte for byte")]
pub(super) async fn all_arrive(world: &mut World) -> Checked {
    let (session, Assets(batch)) = (world.session()?, world.kept()?);
    let missing = arrivals(session, batch, session.run.settings.patience).await?;
    ensure(missing.is_empty(), || {
        let count = batch.len();
        format!("{} of {count} assets did not reach the tenant: {}", missing.len(), missing.join(", "))
    })
}

/// Waits until all of these assets are at the tenant with all their bytes. Gives back those that do not come in that time.
pub(super) async fn arrivals(session: &Session, batch: &[Asset], patience: Duration) -> Checked<Vec<String>> {
    if batch.is_empty() {
        return Err(Problem::error("the scenario has no assets that could arrive"));
    }
    let mut missing = Vec::new();
    for asset in batch {
        // When one did not come in all that time, the others had as much.
        let patience = if missing.is_empty() { patience } else { Duration::ZERO };
        let came = async || tenant::received(session, &asset.path).await;
        match delivery::wait_for(session, (&asset.path, &asset.path), patience, came).await {
            Ok(received) => received.judge(&asset.path, &asset.bytes)?,
            Err(problem) if problem.kind == Kind::Failed => missing.push(asset.path.clone()),
            Err(problem) => return Err(problem),
        }
    }
    Ok(missing)
}

#[then("the tenant no longer has the asset")]
#[then("the tenant no longer has any of the assets")]
async fn assets_are_gone(world: &mut World) -> Checked {
    let (session, Assets(batch)) = (world.session()?, world.kept()?);
    for asset in batch {
        gone(session, &asset.path).await?;
    }
    Ok(())
}

#[then("the tenant no longer has the folder")]
async fn folder_is_gone(world: &mut World) -> Checked {
    let Folder(path) = world.kept()?;
    gone(world.session()?, path).await
}

#[then("the tenant receives the collection")]
async fn collection_arrives(world: &mut World) -> Checked {
    let Collection(path) = world.kept()?;
    arrives(world.session()?, path).await
}

#[then("the tenant no longer has the collection")]
async fn collection_is_gone(world: &mut World) -> Checked {
    let Collection(path) = world.kept()?;
    gone(world.session()?, path).await
}

#[then("the tenant does not get the content fragment")]
async fn fragment_stays(world: &mut World) -> Checked {
    let Fragment(path) = world.kept()?;
    never_arrives(world.session()?, path).await
}

/// Waits until the tenant has the Author's node at that path.
pub(super) async fn arrives(session: &Session, path: &str) -> Checked {
    let what = format!("{path} at the tenant");
    let came = async || tenant::received(session, path).await;
    delivery::wait_for(session, (path, &what), session.run.settings.patience, came).await.map(drop)
}

/// Waits until the tenant has it no longer.
pub(super) async fn gone(session: &Session, path: &str) -> Checked {
    let what = format!("{path} gone from the tenant");
    let none = async || Ok(tenant::received(session, path).await?.is_none().then_some(()));
    delivery::wait_for(session, (path, &what), session.run.settings.patience, none).await
}

/// Gives it time to arrive, and fails when it does.
pub(super) async fn never_arrives(session: &Session, path: &str) -> Checked {
    session.pass(AFTERMATH).await?;
    let received = tenant::received(session, path).await?;
    ensure(received.is_none(), || format!("the tenant has {path}, which must not be published"))
}

#[then(regex = r"^the replication status of the asset says that it is (published|unpublished)$")]
async fn status(world: &mut World, expected: String) -> Checked {
    let (session, path) = (world.session()?, asset_path(world)?);
    let wanted = session.surface("author.unpublish").phrase(&expected);
    let what = format!("the replication status of {path}: {wanted}, with its time and its user");
    let Asked(asked) = world.kept()?;
    let says = async || {
        let status = publication::status(session, &path).await?;
        // A status of an earlier publication does not apply to this one.
        let complete = status.at.is_some_and(|at| at >= *asked - CLOCKS) && status.by.is_some();
        Ok((complete && status.action.as_deref() == Some(wanted)).then_some(()))
    };
    delivery::wait_for(session, (&path, &what), session.run.settings.patience, says).await
}

#[then("nothing of this run waits in a queue")]
async fn queues_are_drained(world: &mut World) -> Checked {
    let session = world.session()?;
    let ours = session.name("");
    for agent in agents::of_tenant(session).await? {
        let waiting = async || {
            let items = queue::of_agent(session, &agent).await?.items;
            Ok(items.into_iter().find(|item| item.path.contains(&ours)))
        };
        // The tenant has an item a moment before the agent removes it from its queue.
        let waiting = session.settled(waiting, Option::is_none).await?;
        ensure(waiting.is_none(), || {
            let path = waiting.map(|item| item.path).unwrap_or_default();
            format!("{path} has arrived, but still waits in the queue of {}", agent.name)
        })?;
    }
    Ok(())
}

#[then("the Author still has the asset")]
async fn author_keeps(world: &mut World) -> Checked {
    let (session, Assets(batch)) = (world.session()?, world.kept()?);
    for asset in batch {
        let original = async || assets::original(session, &asset.path).await;
        let kept = session.settled(original, |kept| kept.as_ref() == Some(&asset.bytes)).await?;
        ensure(kept.as_ref() == Some(&asset.bytes), || format!("the Author no longer has {} as it was", asset.path))?;
    }
    Ok(())
}

#[then(expr = "{int} minutes later the tenant does not have the asset")]
async fn not_yet(world: &mut World, minutes: String) -> Checked {
    let minutes = number(&minutes, MINUTES)?;
    let (session, path) = (world.session()?, asset_path(world)?);
    session.pass(Duration::from_secs(60 * minutes)).await?;
    let early = tenant::received(session, &path).await?;
    ensure(early.is_none(), || format!("{path} is at the tenant {minutes} minutes after, before its time"))
}

#[then(expr = "{int} minutes later the tenant receives the asset, byte for byte")]
async fn in_time(world: &mut World, minutes: String) -> Checked {
    let minutes = number(&minutes, MINUTES)?;
    world.session()?.pass(Duration::from_secs(60 * minutes)).await?;
    all_arrive(world).await
}

/// The one asset of the scenario.
pub(super) fn asset_path(world: &World) -> Checked<String> {
    let Assets(batch) = world.kept()?;
    let first = batch.first().ok_or_else(|| Problem::error("the scenario has no asset"))?;
    Ok(first.path.clone())
}
