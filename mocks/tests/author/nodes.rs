//! surfaces.md §5.7 and §4.1: reading nodes as JSON.

use bpconform_mocks::author::AuthorSeed;
use serde_json::json;

use super::{Client, parse};

/// The built-in agents, which must not be changed (surfaces.md §4.1).
const SIBLINGS: [&str; 10] = [
    "publish",
    "flush",
    "publish_reverse",
    "static",
    "test_and_target",
    "dynamic_media_replication",
    "s7delivery",
    "scene7",
    "youtube",
    "screens",
];

#[test]
fn the_documented_listing_shows_the_agents() {
    let agents = Client::admin().json("/etc/replication/agents.author.-1.json");
    let names: Vec<_> =
        agents.as_object().expect("an object").keys().filter(|name| !name.starts_with("jcr:")).collect();
    assert_eq!(names, SIBLINGS);
    assert_eq!(agents["jcr:primaryType"], "cq:Page");
    assert_eq!(agents["publish"]["jcr:content"]["enabled"], true);
    assert_eq!(agents["publish"]["jcr:content"]["sling:resourceType"], "cq/replication/components/agent");
}

#[test]
fn the_depth_says_how_many_levels_are_shown() {
    let mut client = Client::admin();
    assert_eq!(client.json("/etc/replication.json"), json!({ "jcr:primaryType": "sling:OrderedFolder" }));
    let one = client.json("/etc/replication.1.json");
    assert_eq!(one["agents.author"], json!({ "jcr:primaryType": "cq:Page" }));
    let two = client.json("/etc/replication.tidy.2.json");
    assert_eq!(two["agents.author"]["publish"], json!({ "jcr:primaryType": "cq:Page" }));
    assert_eq!(client.json("/etc/replication.-1.json"), client.json("/etc/replication.infinity.json"));
}

#[test]
fn properties_keep_their_types() {
    let content = "/content/dam/we-retail/running.png/jcr:content";
    let mut client = Client::admin();
    let mut original = client.json(&format!("{content}/renditions/original/_jcr_content.json"));
    assert_eq!(original[":jcr:data"].take(), 70);
    assert_eq!(original["jcr:lastModified"], "Sun Nov 01 2026 09:00:00 GMT+0000");
    assert_eq!(
        client.json("/home/groups/a/administrators.json")["rep:members"],
        json!(["/home/users/a/admin-Y29ubmVjdA"])
    );
    assert_eq!(client.json(&format!("{content}/dam:assetState.json")), json!({ "dam:assetState": "processed" }));
}

#[test]
fn an_asset_is_given_as_its_original() {
    let response = Client::admin().get("/content/dam/we-retail/running.png");
    assert_eq!((response.status, response.header("content-type")), (200, Some("image/png")));
    assert!(response.body.starts_with(b"\x89PNG"));
}

#[test]
fn a_tree_that_is_too_large_is_answered_by_the_depths_that_are_not() {
    let mut seed = AuthorSeed::load("base").expect("built in");
    seed.json_maximum_results = Some(15);
    let mut client = Client::of(seed).with_header("authorization", &super::basic("admin", "admin"));
    let response = client.get("/etc/replication/agents.author.infinity.json");
    assert_eq!(response.status, 300);
    assert_eq!(
        parse(&response),
        json!(["/etc/replication/agents.author.1.json", "/etc/replication/agents.author.0.json"])
    );
    assert_eq!(client.get("/etc/replication/agents.author.1.json").status, 200);
    assert_eq!(client.get("/etc/replication/agents.author.2.json").status, 300);
}

#[test]
fn a_wrong_path_is_told_what_was_near() {
    let response = Client::admin().get("/etc/replications/agents.author.-1.json");
    assert_eq!(response.status, 404);
    let text = response.text();
    assert!(text.contains("mocked Author does not serve /etc/replications/agents.author.-1.json"), "{text}");
    assert!(text.contains("\n  /etc/replication/agents.author\n"), "{text}");
    assert!(text.lines().filter(|line| line.starts_with("  ")).count() <= 3, "{text}");
}

#[test]
fn a_selector_that_is_no_depth_and_another_rendering_are_refused() {
    let mut client = Client::admin();
    assert_eq!(client.get("/content/dam.many.json").status, 400);
    let response = client.get("/content/dam.xml");
    assert_eq!(response.status, 404);
    assert!(response.text().contains("read /content/dam.json"));
}

#[test]
fn head_is_answered_like_get_without_a_body() {
    let response = Client::admin().send("HEAD", "/content/dam.json", &[], b"");
    assert_eq!((response.status, response.body.len()), (200, 0));
}
