//! surfaces.md §5.3: who am I, searches, creation and deletion of users.

use serde_json::json;

use super::{Client, basic};

const CREATE: &str = "/libs/granite/security/post/authorizables";

fn search(client: &mut Client, id: &str) -> serde_json::Value {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", &json!({ "condition": [{ "named": id }] }).to_string())
        .finish();
    client.json(&format!("/libs/granite/security/search/authorizables.json?{query}"))
}

#[test]
fn the_current_user_is_told_even_without_a_login() {
    let who = "/libs/granite/security/currentuser.json";
    assert_eq!(Client::anonymous().json(who)["authorizableId"], "anonymous");
    let admin = Client::admin().json(who);
    assert_eq!(admin["authorizableId"], "admin");
    assert!(admin["home"].as_str().is_some_and(|home| home.starts_with("/home/users/a/")));
    assert_eq!(Client::viewer().json(who)["name"], "Vera Viewer");
}

#[test]
fn the_documented_curl_creates_a_user_and_deletes_it() {
    let mut client = Client::admin();
    let fields = [
        ("createUser", ""),
        ("authorizableId", "mac-bpdoc-replication"),
        ("rep:password", "pw"),
        ("intermediatePath", "mac/bpdoc"),
    ];
    let response = client.post(CREATE, &fields);
    assert_eq!(response.status, 201);
    let again = client.post(CREATE, &fields);
    assert_eq!(again.status, 500, "it is there already");
    assert!(again.text().contains("AuthorizableExistsException"), "{}", again.text());

    let found = search(&mut client, "mac-bpdoc-replication");
    assert_eq!(found["total"], 1);
    let home = found["authorizables"][0]["home"].as_str().expect("a home").to_owned();
    assert!(home.starts_with("/home/users/mac/bpdoc/"), "{home}");
    assert_eq!(response.header("location"), Some(home.as_str()));
    let node = client.json(&format!("{home}.json"));
    assert_eq!(
        (&node["jcr:primaryType"], &node["rep:authorizableId"]),
        (&json!("rep:User"), &json!("mac-bpdoc-replication"))
    );
    assert!(!node.to_string().contains("pw"), "the password cannot be read");

    let mut client = client.with_header("authorization", &basic("mac-bpdoc-replication", "pw"));
    assert_eq!(client.get("/content/dam.json").status, 200, "the new user can log in");

    let mut client = client.with_header("authorization", &basic("admin", "admin"));
    assert_eq!(client.post(&home, &[("deleteAuthorizable", "")]).status, 200);
    assert_eq!(client.post(&home, &[("deleteAuthorizable", "")]).status, 404);
    assert_eq!(client.get(&format!("{home}.json")).status, 404);
    assert_eq!(search(&mut client, "mac-bpdoc-replication")["total"], 0);

    let mut client = client.with_header("authorization", &basic("mac-bpdoc-replication", "pw"));
    assert_eq!(client.get("/content/dam.json").status, 401, "the deleted user cannot");
}

#[test]
fn a_user_whose_node_was_deleted_cannot_log_in() {
    let mut client = Client::admin();
    let home = search(&mut client, "viewer")["authorizables"][0]["home"].as_str().expect("a home").to_owned();
    assert_eq!(client.delete(&home).status, 204);
    let mut client = client.with_header("authorization", &basic("viewer", "viewer"));
    assert_eq!(client.get("/content/dam.json").status, 401);
}

#[test]
fn a_deleted_user_leaves_its_groups_and_no_one_else_does() {
    let mut client = Client::admin();
    let home = search(&mut client, "viewer")["authorizables"][0]["home"].as_str().expect("a home").to_owned();
    client.post(&home, &[("deleteAuthorizable", "")]);
    assert_eq!(client.json("/home/groups/d/dam-users.json")["rep:members"], json!([]));
    assert_eq!(client.json("/home/groups/a/administrators.json")["rep:members"].as_array().map(Vec::len), Some(1));
}

#[test]
fn only_users_and_groups_are_deleted_as_such() {
    let mut client = Client::admin();
    for path in ["/home/users/a", "/content/dam", "/nowhere"] {
        assert_eq!(client.post(path, &[("deleteAuthorizable", "")]).status, 404, "{path}");
    }
    assert_eq!(client.get("/content/dam.json").status, 200);
}

#[test]
fn the_query_builder_finds_a_user_by_its_id() {
    let target =
        "/bin/querybuilder.json?path=/home/users&1_property=rep:authorizableId&1_property.value=admin&p.limit=-1";
    let found = Client::admin().json(target);
    assert_eq!((&found["success"], &found["total"], &found["results"]), (&json!(true), &json!(1), &json!(1)));
    assert!(found["hits"][0]["path"].as_str().is_some_and(|path| path.starts_with("/home/users/a/admin")));
    let none = Client::admin().json(&target.replace("=admin", "=nobody"));
    assert_eq!((&none["total"], &none["hits"]), (&json!(0), &json!([])));
}

#[test]
fn the_query_builder_limits_and_refuses_what_it_does_not_know() {
    let mut client = Client::admin();
    let found = client.json("/bin/querybuilder.json?path=/etc/replication/agents.author&type=cq:Page&p.limit=3");
    assert_eq!((&found["total"], &found["results"], &found["more"]), (&json!(10), &json!(3), &json!(true)));
    let response = client.get("/bin/querybuilder.json?similar=x");
    assert_eq!(response.status, 400);
    assert!(response.text().contains("similar"));
}

#[test]
fn a_search_that_cannot_be_read_is_refused() {
    let mut client = Client::admin();
    for query in ["nonsense", "%7B%22x%22:1%7D", "%7B%22condition%22:%5B%7B%22like%22:%22x%22%7D%5D%7D"] {
        let response = client.get(&format!("/libs/granite/security/search/authorizables.json?query={query}"));
        assert_eq!(response.status, 400, "{query}");
    }
}

#[test]
fn a_reader_sees_no_other_users() {
    let mut viewer = Client::viewer();
    assert_eq!(search(&mut viewer, "admin")["total"], 0);
    assert_eq!(search(&mut viewer, "viewer")["total"], 1);
    assert_eq!(viewer.json("/bin/querybuilder.json?path=/home/users&property=rep:authorizableId")["total"], 0);
}

#[test]
fn groups_members_and_profiles_are_kept() {
    let mut client = Client::admin();
    let group = [("createGroup", ""), ("authorizableId", "editors"), ("profile/givenName", "Editors")];
    let home = client.post(CREATE, &group).header("location").expect("a home").to_owned();
    assert!(home.starts_with("/home/groups/e/"), "{home}");
    assert_eq!(client.post(&format!("{home}.rw.html"), &[("addMembers", "viewer,admin")]).status, 200);
    let members = |client: &mut Client| client.json(&format!("{home}.rw.json"))["members"].as_array().map(Vec::len);
    assert_eq!(members(&mut client), Some(2));
    assert_eq!(client.post(&format!("{home}.rw.html"), &[("removeMembers", "admin")]).status, 200);
    assert_eq!(members(&mut client), Some(1));
    assert_eq!(client.post(&format!("{home}.rw.html"), &[("addMembers", "nobody-at-all")]).status, 400);
    assert_eq!(members(&mut client), Some(1));
    let viewer = search(&mut client, "viewer")["authorizables"][0]["home"].as_str().expect("a home").to_owned();
    let profile = [("profile/email", "vera@example.com"), ("rep:password", "new")];
    assert_eq!(client.post(&format!("{viewer}.rw.userprops.html"), &profile).status, 200);
    assert_eq!(client.json(&format!("{viewer}.userproperties.json"))["email"], "vera@example.com");
    let mut viewer = client.with_header("authorization", &basic("viewer", "new"));
    assert_eq!(viewer.get("/content/dam.json").status, 200);
}

#[test]
fn a_search_without_a_condition_finds_everybody() {
    let found = Client::admin().json("/libs/granite/security/search/authorizables.json?query=%7B%7D");
    assert!(found["total"].as_u64().is_some_and(|total| total > 3), "{found}");
}

#[test]
fn the_query_builder_orders_groups_and_shows_what_is_asked_for() {
    let mut client = Client::admin();
    let agents = "/bin/querybuilder.json?path=/etc/replication/agents.author&type=cq:Page";
    let names = |found: &serde_json::Value| -> Vec<String> {
        found["hits"]
            .as_array()
            .expect("hits")
            .iter()
            .map(|hit| hit["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let sorted = names(&client.json(&format!("{agents}&orderby=nodename&orderby.sort=desc&p.limit=2")));
    assert_eq!(sorted, ["youtube", "test_and_target"]);
    assert_eq!(
        names(&client.json(&format!("{agents}&nodename=publish*&orderby=path"))),
        ["publish", "publish_reverse"]
    );
    let either = format!("{agents}&group.p.or=true&group.1_nodename=flush&group.2_nodename=static&orderby=path");
    assert_eq!(names(&client.json(&either)), ["flush", "static"]);
    let metadata = "/bin/querybuilder.json?path=/content/dam&type=dam:Asset&property=jcr:content/metadata/dc:format\
                    &property.value=image/png&p.hits=selective&p.properties=jcr:path%20jcr:content/metadata/dc:format";
    let found = client.json(metadata);
    assert!(found["total"].as_u64().is_some_and(|total| total > 0), "{found}");
    assert_eq!(found["hits"][0]["jcr:content"]["metadata"]["dc:format"], "image/png");
    let full = client.json(&format!("{agents}&nodename=publish&p.hits=full&p.nodedepth=1"));
    assert_eq!(full["hits"][0]["jcr:path"], "/etc/replication/agents.author/publish");
    assert_eq!(full["hits"][0]["jcr:content"]["enabled"], true);
    let text = client.json("/bin/querybuilder.json?path=/content/dam&type=dam:Asset&fulltext=processed");
    assert!(text["total"].as_u64().is_some_and(|total| total > 0), "{text}");
    for unknown in
        ["p.facets=true", "property.depth=2&property=a", "orderby=size", "p.hits=all", "type=x:y", "path.x=1&path=/a"]
    {
        assert_eq!(client.get(&format!("/bin/querybuilder.json?{unknown}")).status, 400, "{unknown}");
    }
}
