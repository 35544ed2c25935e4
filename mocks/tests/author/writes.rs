//! surfaces.md §5.7 and the curl examples of §4.1: Sling POST and HTTP DELETE.

use bpconform_mocks::machine::Machine;
use serde_json::json;

use super::{Client, parse};

const AGENT: &str = "/etc/replication/agents.author/replication99";

#[test]
fn the_documented_curl_creates_an_agent_and_deletes_it() {
    let mut client = Client::admin();
    let before = client.author.dump();
    let parts = [
        ("jcr:primaryType", "cq:Page"),
        ("jcr:content/jcr:title", "new replication"),
        ("jcr:content/sling:resourceType", "/libs/cq/replication/components/agent"),
        ("jcr:content/template", "/libs/cq/replication/templates/agent"),
        ("jcr:content/transportUri", "http://localhost:4503/bin/receive?sling:authRequestLogin=1"),
    ];
    let part = |(name, value): &(&str, &str)| {
        format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = parts.iter().map(part).collect::<Vec<_>>().concat() + "--X--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=X")];
    let response = client.send("POST", AGENT, &headers, body.as_bytes());
    assert_eq!((response.status, response.header("location")), (201, Some(AGENT)));
    assert_eq!(client.json(&format!("{AGENT}.json"))["jcr:primaryType"], "cq:Page");
    let content = client.json(&format!("{AGENT}/jcr:content.json"));
    assert_eq!(content["jcr:title"], "new replication");
    assert_eq!(content["jcr:primaryType"], "nt:unstructured");

    assert_eq!(client.delete(AGENT).status, 204);
    assert_eq!(client.get(&format!("{AGENT}.json")).status, 404);
    assert_eq!(client.delete(AGENT).status, 404);
    // WebDAV, which answers a DELETE, makes the parent one that can be locked.
    assert_eq!(client.json("/etc/replication/agents.author.json")["jcr:mixinTypes"], json!(["mix:lockable"]));
    client.post("/etc/replication/agents.author", &[("jcr:mixinTypes@Delete", "")]);
    assert_eq!(client.author.dump(), before, "nothing else was touched");
}

#[test]
fn the_answer_is_html_with_the_known_ids() {
    let mut client = Client::admin();
    let response = client.post_with("/content/a", &[("referer", "http://x/?a&b")], &[("./t", "<1>")]);
    let text = response.text();
    let tree = roxmltree::Document::parse(&text).expect("well formed");
    let of = |id: &str| {
        let node =
            tree.descendants().find(|node| node.attribute("id") == Some(id)).unwrap_or_else(|| panic!("no {id}"));
        node.descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect::<String>()
    };
    assert_eq!((of("Status"), of("Message"), of("Path")), ("201".into(), "Created".into(), "/content/a".into()));
    assert_eq!((of("Location"), of("ParentLocation")), ("/content/a".into(), "/content".into()));
    assert_eq!(of("Referer"), "http://x/?a&b");
    assert_eq!(of("ChangeLog"), "<pre>created(\"/content/a\");<br/>modified(\"/content/a/t\");<br/></pre>");
    assert!(text.contains("Content created /content/a"));
    assert!(client.post("/content/a", &[("t", "2")]).text().contains("Content modified /content/a"));
}

#[test]
fn the_answer_is_json_if_asked_for() {
    let mut client = Client::admin();
    let json_header = [("accept", "application/json")];
    let answer = client.post_with("/content/a", &json_header, &[("t", "1")]);
    assert_eq!(answer.status, 201);
    assert_eq!(
        parse(&answer),
        json!({
            "title": "Content created /content/a", "status.code": 201, "status.message": "Created",
            "path": "/content/a", "location": "/content/a", "parentLocation": "/content", "referer": "",
            "isCreate": true,
            "changes": [
                { "type": "created", "argument": "/content/a" }, { "type": "modified", "argument": "/content/a/t" },
            ],
        })
    );
    let fields = [(":operation", "copy"), (":dest", "/content/b"), (":http-equiv-accept", "application/json")];
    let refused = client.post("/content/none", &fields);
    assert_eq!((refused.status, parse(&refused)["error"]["message"].is_string()), (404, true));
}

#[test]
fn types_are_written_as_hinted() {
    let mut client = Client::admin();
    let fields = [
        ("./on", "true"),
        ("./on@TypeHint", "Boolean"),
        ("./n", "180000"),
        ("./n@TypeHint", "Long"),
        ("./at", "2026-11-23T20:00:00Z"),
        ("./at@TypeHint", "Date"),
        ("./list", "one"),
        ("./list@TypeHint", "String[]"),
        ("./two", "a"),
        ("./two", "b"),
        ("./text", "true"),
        ("./jcr:lastModified", ""),
        (":ignored", "1"),
        ("_charset_", "utf-8"),
        ("no-prefix", "left out, for others have one"),
    ];
    assert_eq!(client.post("/content/t", &fields).status, 201);
    assert_eq!(
        client.json("/content/t.json"),
        json!({
            "jcr:primaryType": "sling:OrderedFolder", "jcr:createdBy": "admin",
            "jcr:created": "Mon Nov 23 2026 20:00:00 GMT+0000", "on": true, "n": 180_000, "list": ["one"], "two": ["a", "b"],
            "at": "Mon Nov 23 2026 20:00:00 GMT+0000", "jcr:lastModified": "Mon Nov 23 2026 20:00:00 GMT+0000",
            "text": "true",
        })
    );
    client.post("/content/t", &[("list", "still a list")]);
    assert_eq!(client.json("/content/t.json")["list"], json!(["still a list"]));
}

#[test]
fn a_refused_form_leaves_nothing_behind() {
    let mut client = Client::admin();
    let before = client.author.dump();
    for fields in [
        [("a", "1"), ("n", "many"), ("n@TypeHint", "Long")],
        [("a", "1"), ("d", "soon"), ("d@TypeHint", "Date")],
        [("a", "1"), ("x@Nonsense", "/content/dam"), ("b", "2")],
        [("a", "1"), ("jcr:primaryType", "bpconform:Nothing"), ("b", "2")],
        [("a", "1"), ("child/jcr:mixinTypes", "bpconform:nothing"), ("b", "2")],
        [("a", "1"), ("a|b", "2"), (":order", "sideways")],
        [("a", "1"), ("../../etc/x", "2"), ("b", "2")],
        [(":operation", "explode"), ("a", "1"), ("b", "2")],
    ] {
        assert_eq!(client.post("/content/new", &fields).status, 500, "{fields:?}");
    }
    assert_eq!(client.author.dump(), before);
}

#[test]
fn delete_suffix_and_empty_value_take_a_property_away() {
    let mut client = Client::admin();
    client.post("/content/t", &[("a", "1"), ("b", "1"), ("c", "1"), ("child/x", "1")]);
    let fields = [("a@Delete", ""), ("b", ""), ("c@Delete", ""), ("c", "2"), ("child@Delete", "x")];
    assert_eq!(client.post("/content/t", &fields).status, 200);
    let left = client.json("/content/t.1.json");
    let names: Vec<_> = left.as_object().expect("an object").keys().filter(|name| !name.starts_with("jcr:")).collect();
    assert_eq!((names, &left["c"]), (vec![&"c".to_owned()], &json!("2")));
}

#[test]
fn a_name_is_generated_when_none_is_given() {
    let mut client = Client::admin();
    let mut location = |path: &str, field: (&str, &str)| {
        client.post(path, &[field]).header("location").map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(location("/content/*", ("jcr:title", "My Page!")), "/content/my_page_");
    assert!(location("/content/", ("jcr:title", "My Page!")).starts_with("/content/my_page__"));
    assert_eq!(location("/content/*", (":name", "Exact.1")), "/content/Exact.1");
    assert_eq!(location("/content/*", (":nameHint", "123abc")), "/content/_123abc");
    assert_eq!(location("/content/*", (":name", "jcr:content")), "/content/_jcr_content");
    assert_eq!(client.post("/content/*", &[(":name", "Exact.1")]).status, 500, "the name is taken");
}

#[test]
fn the_delete_operation_takes_a_node_or_several() {
    let mut client = Client::admin();
    for name in ["one", "two", "three"] {
        client.post(&format!("/content/d/{name}"), &[]);
    }
    let response = client.post("/content/d/one", &[(":operation", "delete")]);
    assert_eq!(response.status, 200);
    assert!(response.text().contains("deleted(&quot;/content/d/one&quot;);"));
    assert_eq!(client.post("/content/d/one", &[(":operation", "delete")]).status, 200, "it is not there, as asked for");
    assert_eq!(client.post("/content", &[(":operation", "delete"), (":applyTo", "/content/d/*")]).status, 200);
    let left = client.json("/content/d.1.json");
    assert!(left.as_object().expect("an object").values().all(|value| !value.is_object()), "{left}");
}

#[test]
fn copy_and_move_need_a_free_place_with_a_parent() {
    let mut client = Client::admin();
    client.post("/content/a", &[("t", "a"), ("child/t", "below")]);
    client.post("/content/b", &[("t", "b")]);
    let mut run = |path: &str, operation: &str, to: &str, replace: &str| {
        client.post(path, &[(":operation", operation), (":dest", to), (":replace", replace)]).status
    };
    assert_eq!(run("/content/a", "copy", "/content/c", ""), 201);
    assert_eq!(run("/content/a", "copy", "/content/b", ""), 412, "it is taken");
    assert_eq!(run("/content/a", "copy", "/content/b", "true"), 200);
    assert_eq!(run("/content/a", "copy", "/nowhere/b", ""), 412, "no parent");
    assert_eq!(run("/content/a", "copy", "", ""), 500, "no destination");
    assert_eq!(run("/content/none", "move", "/content/x", ""), 404);
    assert_eq!(run("/content/a", "move", "/content/a/child/x", ""), 500, "into itself");
    assert_eq!(run("/content/a", "move", "/content/dam/", ""), 201);
    assert_eq!(run("/content/a", "move", "/content/dam/", ""), 404, "it has gone");
    assert_eq!(client.get("/content/a.json").status, 404);
    assert_eq!(client.json("/content/dam/a/child.json")["t"], "below");
    assert_eq!(client.json("/content/b.json")["t"], "a");
    assert_eq!(client.json("/content/c/child.json")["t"], "below");
}

#[test]
fn a_redirect_stays_on_this_server() {
    let mut client = Client::admin();
    let response = client.post("/content/a", &[(":redirect", "/content/*.html")]);
    assert_eq!((response.status, response.header("location")), (302, Some("/content/a.html")));
    assert_eq!(client.post("/content/a", &[(":redirect", "http://evil.example/")]).status, 200);
}

#[test]
fn a_file_becomes_a_node_with_its_bytes() {
    let mut client = Client::admin();
    let body =
        b"--X\r\nContent-Disposition: form-data; name=\"./*\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n\
                 hello\r\n--X--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=X")];
    assert_eq!(client.send("POST", "/content/dam", &headers, body).status, 200);
    assert_eq!(client.get("/content/dam/a.txt").body, b"hello");
    assert_eq!(client.json("/content/dam/a.txt/jcr:content.json")[":jcr:data"], 5);
}

#[test]
fn a_broken_form_is_refused() {
    let headers = [("content-type", "multipart/form-data; boundary=X")];
    assert_eq!(Client::admin().send("POST", "/content/a", &headers, b"--X\r\nnonsense").status, 400);
}

#[test]
fn thousands_of_children_are_written_and_read() {
    let mut client = Client::admin();
    for number in 0..5000 {
        assert_eq!(client.post(&format!("/content/many/{number}"), &[]).status, 201);
    }
    assert_eq!(client.json("/content/many.1.json").as_object().expect("an object").len(), 5003);
}

#[test]
fn typed_lists_patches_and_moved_values_are_written_as_asked() {
    let mut client = Client::admin();
    let fields = [
        ("longs", "1"),
        ("longs", "2"),
        ("longs@TypeHint", "Long[]"),
        ("double", "1.5"),
        ("double@TypeHint", "Double"),
        ("date", "2026-11-20T10:00:00.000+01:00"),
        ("date@TypeHint", "Date"),
        ("tags", "a"),
        ("tags", "b"),
        ("empty", ""),
        ("empty@DefaultValue", "x"),
        ("empty@UseDefaultWhenMissing", "true"),
    ];
    assert_eq!(client.post("/content/p", &fields).status, 201);
    let node = client.json("/content/p.json");
    assert_eq!((&node["longs"], &node["double"], &node["empty"]), (&json!([1, 2]), &json!(1.5), &json!("x")));
    assert_eq!(node["date"], "Fri Nov 20 2026 10:00:00 GMT+0100");
    assert_eq!(client.json("/content/p/date.json"), json!({ "date": "2026-11-20T10:00:00.000+01:00" }));
    assert_eq!(client.get("/content/p/double").text(), "1.5");
    let fields = [("tags@Patch", "true"), ("tags", "+c"), ("tags", "-a"), ("moved@MoveFrom", "double")];
    assert_eq!(client.post("/content/p", &fields).status, 200);
    let node = client.json("/content/p.json");
    assert_eq!((&node["tags"], &node["moved"], &node["double"]), (&json!(["b", "c"]), &json!(1.5), &json!(null)));
}

#[test]
fn a_tree_is_imported_from_json() {
    let mut client = Client::admin();
    let tree =
        r#"{"jcr:primaryType":"nt:unstructured","n":1,"at":"Fri Nov 20 2026 10:00:00 GMT+0100","child":{"x":true}}"#;
    let fields = [(":operation", "import"), (":contentType", "json"), (":name", "tree"), (":content", tree)];
    assert_eq!(client.post("/content/i", &fields).status, 201);
    let made = client.json("/content/i/tree.infinity.json");
    assert_eq!((&made["n"], &made["child"]["x"]), (&json!(1), &json!(true)));
    assert_eq!(made["at"], "Fri Nov 20 2026 10:00:00 GMT+0100");
    let xml = [(":operation", "import"), (":contentType", "xml"), (":name", "x"), (":content", "<a/>")];
    assert_eq!(client.post("/content/i", &xml).status, 500);
    assert_eq!(client.get("/content/i/x.json").status, 404);
}

#[test]
fn what_can_be_referenced_has_an_identifier_and_a_copy_has_another() {
    let mut client = Client::admin();
    client.post("/content/r", &[("jcr:primaryType", "nt:unstructured"), ("jcr:mixinTypes", "mix:referenceable")]);
    client.post("/content/r", &[(":operation", "copy"), (":dest", "/content/s")]);
    let [one, other] = ["/content/r.json", "/content/s.json"].map(|path| client.json(path)["jcr:uuid"].clone());
    assert!(one.as_str().is_some_and(|id| id.len() == 36) && one != other, "{one} {other}");
}
