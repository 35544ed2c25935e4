//! surfaces.md §5.6: packages of others, uploaded, listed, installed and downloaded by Adobe's documented requests.

use std::io::{Cursor, Write as _};

use bpconform_mocks::machine::{Machine, Response};
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Client, parse};

const SERVICE: &str = "/crx/packmgr/service/.json";

/// A page in a folder that also contains a file and that the filter covers.
const PAGE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<jcr:root xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" \
    xmlns:cq=\"http://www.day.com/jcr/cq/1.0\" jcr:primaryType=\"cq:Page\"><jcr:content jcr:primaryType=\"cq:PageContent\" \
    jcr:title=\"Hello\" n=\"{Long}5\"/></jcr:root>";

fn package(filters: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let properties = "<properties><entry key=\"name\">pkgtest</entry><entry key=\"version\">1.0</entry>\
                      <entry key=\"group\">my_packages</entry></properties>";
    let filter = format!("<workspaceFilter version=\"1.0\">{filters}</workspaceFilter>");
    let fixed = [("META-INF/vault/filter.xml", filter.as_str()), ("META-INF/vault/properties.xml", properties)];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in fixed.iter().chain(files) {
        zip.start_file(*name, SimpleFileOptions::default()).expect("an entry");
        zip.write_all(text.as_bytes()).expect("its text");
    }
    zip.finish().expect("a file").into_inner()
}

fn upload(client: &mut Client, path: &str, field: &str, more: &[(&str, &str)], bytes: &[u8]) -> Response {
    let mut body = Vec::new();
    for (name, value) in more {
        body.extend(format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(
        format!(
            "--X\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"p.zip\"\r\n\
             Content-Type: application/zip\r\n\r\n"
        )
        .bytes(),
    );
    body.extend(bytes);
    body.extend(b"\r\n--X--\r\n");
    client.send("POST", path, &[("content-type", "multipart/form-data; boundary=X")], &body)
}

fn command(client: &mut Client, command: &str) -> serde_json::Value {
    parse(&client.post(&format!("{SERVICE}/etc/packages/my_packages/pkgtest-1.0.zip?cmd={command}"), &[]))
}

#[test]
fn a_package_is_uploaded_listed_downloaded_installed_and_uninstalled() {
    let mut client = Client::admin();
    let bytes = package(
        "<filter root=\"/content/fv/a\"/><filter root=\"/content/fv/b\"/>",
        &[("jcr_root/content/fv/a/.content.xml", PAGE), ("jcr_root/content/fv/a/logo.txt", "hello")],
    );
    client.post("/content/fv/a/old", &[("x", "1")]);
    client.post("/content/fv/b", &[("x", "1")]);
    client.post("/content/fv/other", &[("x", "1")]);
    let before = client.author.dump();
    let answer = parse(&upload(&mut client, SERVICE, "package", &[("cmd", "upload"), ("force", "true")], &bytes));
    assert_eq!(answer["path"], "/etc/packages/my_packages/pkgtest-1.0.zip");
    let again = parse(&upload(&mut client, SERVICE, "package", &[("cmd", "upload")], &bytes));
    assert_eq!(again["success"], false, "it is there already");
    assert_eq!(client.get("/etc/packages/my_packages/pkgtest-1.0.zip").body, bytes);
    assert!(client.get("/crx/packmgr/service.jsp?cmd=ls").text().contains("<downloadName>pkgtest-1.0.zip<"));

    assert_eq!(command(&mut client, "uninstall")["success"], false, "it is not installed");
    assert_eq!(command(&mut client, "install")["success"], true);
    let page = client.json("/content/fv.infinity.json");
    assert_eq!(page["a"]["jcr:content"]["n"], 5);
    assert_eq!(page["a"]["logo.txt"]["jcr:primaryType"], "nt:file");
    assert_eq!((page["a"].get("old"), page.get("b")), (None, None), "the filter covers them");
    assert_eq!(page["other"]["x"], "1", "the filter does not cover it");
    assert_eq!(client.get("/content/fv/a/logo.txt").body, b"hello");
    let list = client.json("/crx/packmgr/list.jsp");
    let results = list["results"].as_array().expect("a list");
    let listed = results.iter().find(|listed| listed["name"] == "pkgtest").expect("it is listed");
    assert_eq!((&listed["version"], &listed["lastUnpackedBy"]), (&json!("1.0"), &json!("admin")));

    assert_eq!(command(&mut client, "uninstall")["success"], true);
    assert_eq!(client.author.dump(), before);
    assert_eq!(command(&mut client, "delete")["success"], true);
    assert_eq!(client.get("/etc/packages/my_packages/pkgtest-1.0.zip").status, 404);
}

#[test]
fn what_cannot_be_installed_faithfully_is_refused_and_changes_nothing() {
    let content = ("jcr_root/content/fv/.content.xml", PAGE);
    let user =
        "<jcr:root xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" xmlns:rep=\"internal\" jcr:primaryType=\"rep:User\"/>";
    let cases = [
        ("<filter root=\"/content/fv\" mode=\"merge\"/>", content),
        ("<filter root=\"/content/fv\"><include pattern=\"(\"/></filter>", content),
        ("<filter root=\"/home/users/x\"/>", ("jcr_root/home/users/x/.content.xml", user)),
        ("<filter root=\"/content/fv\"/>", ("META-INF/vault/hooks/hook.jar", "x")),
        ("<filter root=\"/content/fv\"/>", ("jcr_root/content/fv/.content.xml", "<broken")),
    ];
    for (filters, file) in cases {
        let mut client = Client::admin();
        client.post("/content/fv", &[("x", "1")]);
        let before = client.author.dump();
        let bytes = package(filters, &[file]);
        let fields = [("cmd", "upload"), ("force", "true")];
        let uploaded = parse(&upload(&mut client, SERVICE, "package", &fields, &bytes))["success"] == true;
        let installed = uploaded && command(&mut client, "install")["success"] == true;
        assert!(!installed, "{filters} {file:?}");
        assert_eq!(client.author.dump(), before, "{filters} {file:?}");
    }
}

#[test]
fn the_old_service_uploads_and_installs_in_one_request() {
    let mut client = Client::admin();
    let bytes = package("<filter root=\"/content/fv\"/>", &[("jcr_root/content/fv/.content.xml", PAGE)]);
    let fields = [("force", "true"), ("install", "true")];
    let answer = upload(&mut client, "/crx/packmgr/service.jsp", "file", &fields, &bytes).text();
    assert!(answer.contains("<status code=\"200\">ok</status>"), "{answer}");
    assert_eq!(client.json("/content/fv/jcr:content.json")["n"], 5);
    let no_zip = upload(&mut client, "/crx/packmgr/service.jsp", "file", &fields, b"no zip").text();
    assert!(no_zip.contains("<status code=\"500\">error: it is not a ZIP file"), "{no_zip}");
}

#[test]
fn a_package_is_created_filtered_built_and_downloaded() {
    let mut client = Client::admin();
    let created = client.post(
        &format!("{SERVICE}/etc/packages/mine.zip?cmd=create"),
        &[("packageName", "mine"), ("groupName", "my_packages")],
    );
    assert_eq!(parse(&created)["success"], true);
    let path = "/etc/packages/my_packages/mine.zip";
    let filter = [("path", path), ("filter", r#"[{"root":"/content/dam/we-retail","rules":[]}]"#)];
    assert_eq!(parse(&client.post("/crx/packmgr/update.jsp", &filter))["success"], true);
    assert_eq!(parse(&client.post(&format!("{SERVICE}{path}?cmd=build"), &[]))["success"], true);
    let file = client.get(path).body;
    let zip = zip::ZipArchive::new(Cursor::new(file)).expect("a package");
    assert!(zip.file_names().any(|name| name.is_ok_and(|name| name.starts_with("jcr_root/content/dam/we-retail/"))));
    assert_eq!(client.post(&format!("{SERVICE}{path}?cmd=replicate"), &[]).status, 400);
}
