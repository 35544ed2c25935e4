//! A package by Adobe's documented curl commands: the mock keeps its bytes, and leaves what a real FileVault leaves.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

use super::author::shared;
use crate::support::{directory, is_left_out};

const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<jcr:root xmlns:jcr="http://www.jcp.org/jcr/1.0" xmlns:nt="http://www.jcp.org/jcr/nt/1.0"
    xmlns:cq="http://www.day.com/jcr/cq/1.0" jcr:primaryType="cq:Page">
    <jcr:content jcr:primaryType="cq:PageContent" jcr:title="Hello, &lt;x&gt;" n="{Long}5" d="{Double}1.5"
        b="{Boolean}true" on="{Date}2026-11-20T10:00:00.000+01:00" many="[a,b\\,c]" longs="{Long}[1,2]" odd="\{x}">
        <_x0031_st jcr:primaryType="nt:unstructured"/>
    </jcr:content>
</jcr:root>
"#;

const FOLDER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<jcr:root xmlns:jcr="http://www.jcp.org/jcr/1.0" xmlns:sling="http://sling.apache.org/jcr/sling/1.0"
    jcr:primaryType="sling:OrderedFolder" jcr:title="not covered"/>
"#;

/// What differs between two installations of the same package: times and identifiers.
const VOLATILE: [&str; 3] = ["jcr:created", "jcr:lastModified", "jcr:uuid"];

fn package(file: &str) {
    let properties = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
                      <!DOCTYPE properties SYSTEM \"http://java.sun.com/dtd/properties.dtd\"><properties><entry key=\"name\">pkgtest</entry>\
                      <entry key=\"version\">1.0</entry><entry key=\"group\">my_packages</entry></properties>";
    let filter = "<workspaceFilter version=\"1.0\"><filter root=\"/content/fv/a\"/><filter root=\"/content/fv/b\"/>\
                  <filter root=\"/content/fv/c\"><exclude pattern=\"/content/fv/c/kept(/.*)?\"/></filter></workspaceFilter>";
    let files = [
        ("META-INF/vault/filter.xml", filter),
        ("META-INF/vault/properties.xml", properties),
        ("jcr_root/content/fv/.content.xml", FOLDER),
        ("jcr_root/content/fv/a/.content.xml", PAGE),
        ("jcr_root/content/fv/a/logo.txt", "hello"),
        ("jcr_root/content/fv/a/sub/inner/file.css", "body{}"),
        ("jcr_root/content/fv/a/_jcr_content/x.xml", "<a/>"),
        ("jcr_root/content/fv/c/new/.content.xml", PAGE),
    ];
    let content = directory("sling-package-content");
    for (name, text) in files {
        let file = content.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
        std::fs::write(file, text).expect("it can be written");
    }
    // The JDK that runs Sling packs it, without a manifest.
    let packed = Command::new("jar").args(["cfM", file, "-C"]).arg(&content).arg(".").status().expect("a JDK");
    assert!(packed.success(), "{file}");
}

/// The output of `curl` as the administrator.
fn curl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "-u", "admin:admin"])
        .args(arguments)
        .output()
        .expect("curl can be started");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn json(arguments: &[&str]) -> Value {
    let told = curl(arguments);
    serde_json::from_slice(&told).unwrap_or_else(|_| panic!("{arguments:?}: {}", String::from_utf8_lossy(&told)))
}

/// The properties and children of a tree, without what is volatile: a line for each.
fn lines(path: &str, tree: &Value, text: &mut String) {
    for (name, value) in
        tree.as_object().expect("an object").iter().filter(|(name, _)| !VOLATILE.contains(&name.as_str()))
    {
        match value {
            Value::Object(_) => lines(&format!("{path}/{name}"), value, text),
            value => drop(writeln!(text, "{path} {name}: {value}")),
        }
    }
}

/// Uploads, installs, lists and downloads the package; what is below its folder then, and after it was deleted.
fn install(author: &str, file: &str) -> String {
    let service = format!("{author}/crx/packmgr/service/.json");
    let path = "/etc/packages/my_packages/pkgtest-1.0.zip";
    for node in ["a/old", "b", "c/gone", "c/kept/x", "other"] {
        curl(&["-o", "/dev/null", "-F", "x=1", &format!("{author}/content/fv/{node}")]);
    }
    let package = format!("package=@{file}");
    let uploaded = json(&["-F", "cmd=upload", "-F", "force=true", "-F", &package, &service]);
    assert_eq!((&uploaded["success"], uploaded["path"].as_str()), (&Value::Bool(true), Some(path)), "{uploaded}");
    let installed = json(&["-X", "POST", &format!("{service}{path}?cmd=install")]);
    assert_eq!(installed["success"], true, "{installed}");
    let list = json(&[&format!("{author}/crx/packmgr/list.jsp")]);
    let results = list["results"].as_array().expect("a list");
    assert!(results.iter().any(|listed| listed["path"] == path && listed["version"] == "1.0"), "{list}");
    assert!(
        String::from_utf8_lossy(&curl(&[&format!("{author}/crx/packmgr/service.jsp?cmd=ls")]))
            .contains("pkgtest-1.0.zip")
    );
    let original = std::fs::read(file).expect("it was made");
    assert!(curl(&[&format!("{author}{path}")]) == original, "the download differs from the upload");
    let mut text = String::new();
    lines("", &json(&[&format!("{author}/content/fv.infinity.json")]), &mut text);
    assert_eq!(json(&["-X", "POST", &format!("{service}{path}?cmd=delete")])["success"], true);
    curl(&["-o", "/dev/null", "-F", ":operation=delete", &format!("{author}/content/fv")]);
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn a_package_leaves_the_same_on_the_mock_and_on_filevault() {
    if is_left_out("comparison of package managers") {
        return;
    }
    let Some(sling) = shared("a_package_leaves_the_same_on_the_mock_and_on_filevault") else { return };
    let file = directory("sling-package").join("pkgtest-1.0.zip").to_str().expect("UTF-8").to_owned();
    package(&file);
    let [real, mocked] = ["author", "mocked_author"].map(|system| install(sling.url(system), &file));
    assert_eq!(mocked, real);
    assert!(real.contains("/a/jcr:content n: 5") && real.contains("/c/kept/x x: \"1\""), "{real}");
}
