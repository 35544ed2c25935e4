//! What the mock does not serve, it says; it never answers a success for what it did not do.

use super::Client;

#[test]
fn the_default_servlet_answers_below_the_roots_of_content() {
    let mut client = Client::admin();
    for root in ["/content", "/conf", "/apps", "/etc", "/home", "/var", "/tmp"] {
        let path = format!("{root}/bpconform");
        // Below `/home` Oak has users, groups and their folders only.
        let kind = if root == "/home" { "rep:AuthorizableFolder" } else { "nt:unstructured" };
        assert_eq!(client.post(&path, &[("jcr:primaryType", kind)]).status, 201, "{path}");
        assert_eq!(client.get(&format!("{path}.json")).status, 200, "{path}");
    }
}

#[test]
fn a_node_without_an_extension_is_redirected_and_what_is_not_there_is_404() {
    let mut client = Client::admin();
    let there = client.get("/content/dam/we-retail/jcr:content");
    assert_eq!((there.status, there.header("location")), (302, Some("/content/dam/we-retail/_jcr_content/")));
    assert_eq!(client.get("/content/dam/nothing").status, 404);
    assert_eq!(client.get("/content/").status, 403);
}

#[test]
fn the_assets_api_updates_copies_and_moves() {
    let mut client = Client::admin();
    assert!(client.get("/api/assets.json").text().contains("we-retail"));
    let json = [("content-type", "application/json")];
    let body = br#"{"class":"asset","properties":{"dc:title":"Run"}}"#;
    let path = "/api/assets/we-retail/running.png";
    assert_eq!(client.send("PUT", path, &json, body).status, 200);
    assert_eq!(client.json("/content/dam/we-retail/running.png/jcr:content/metadata.json")["dc:title"], "Run");
    assert_eq!(client.send("PUT", path, &[("content-type", "image/png")], b"new bytes").status, 200);
    assert_eq!(client.get("/content/dam/we-retail/running.png").body, b"new bytes");
    let to = |to| [("x-destination", to)];
    assert_eq!(client.send("COPY", path, &to("/api/assets/we-retail/copy.png"), b"").status, 201);
    assert_eq!(client.send("MOVE", path, &to("http://localhost:4502/api/assets/moved.png"), b"").status, 201);
    assert_eq!(client.get("/content/dam/we-retail/running.png").status, 404);
    assert_eq!(client.get("/content/dam/moved.png").body, client.get("/content/dam/we-retail/copy.png").body);
    assert_eq!(client.send("COPY", path, &to("/api/assets/x.png"), b"").status, 404);
    assert_eq!(client.send("MOVE", "/api/assets/moved.png", &to("/api/assets/none/x.png"), b"").status, 412);
    assert_eq!(client.send("PUT", "/api/assets/moved.png", &json, b"no json").status, 400);
}

#[test]
fn a_browser_with_a_wrong_password_gets_the_login_page_with_the_reason() {
    let mut client = Client::anonymous();
    let page = [("accept", "text/html")];
    let fields = [("j_username", "admin"), ("j_password", "wrong"), ("resource", "/content.html")];
    let response = client.post_with("/libs/granite/core/content/login.html/j_security_check", &page, &fields);
    let location = response.header("location").expect("a location").to_owned();
    assert_eq!(response.status, 302);
    assert!(response.header("set-cookie").is_none());
    let text = client.get(&location).text();
    assert!(text.contains("do not match") && text.contains("value=\"/content.html\""), "{text}");
}
