//! surfaces.md §5.4 to §5.6 and §4.3: bundles, health, version, packages, error log.

use bpconform_mocks::author::AuthorSeed;
use bpconform_mocks::author::seed::{BundleState, HealthStatus};
use serde_json::json;

use super::{Client, basic};

fn admin_of(change: impl FnOnce(&mut AuthorSeed)) -> Client {
    let mut seed = AuthorSeed::load("base").expect("built in");
    change(&mut seed);
    Client::of(seed).with_header("authorization", &basic("admin", "admin"))
}

#[test]
fn all_bundles_are_active_the_replication_bundle_among_them() {
    let bundles = Client::admin().json("/system/console/bundles.json");
    let total = bundles["data"].as_array().expect("a list").len();
    assert_eq!(
        bundles["status"],
        format!("Bundle information: {total} bundles in total - all {total} bundles active.")
    );
    assert_eq!(bundles["s"], json!([total, total - 1, 1, 0, 0]));
    let replication = |bundle: &&serde_json::Value| bundle["symbolicName"] == "com.day.cq.cq-replication";
    let bundle = bundles["data"].as_array().expect("a list").iter().find(replication).expect("it is there");
    assert_eq!(
        (&bundle["state"], &bundle["stateRaw"], &bundle["fragment"]),
        (&json!("Active"), &json!(32), &json!(false))
    );
}

#[test]
fn a_bundle_that_is_not_active_shows_in_the_counts() {
    let mut client = admin_of(|seed| seed.bundles[0].state = BundleState::Resolved);
    let bundles = client.json("/system/console/bundles.json");
    assert_eq!((&bundles["s"][3], &bundles["data"][0]["stateRaw"]), (&json!(1), &json!(4)));
    assert!(
        bundles["status"].as_str().is_some_and(|status| !status.contains("- all") && status.contains("1 resolved"))
    );
}

#[test]
fn the_version_is_told_in_all_three_places() {
    let mut client = admin_of(|seed| seed.version = Some("6.5.4.0".into()));
    let text = client.get("/system/console/status-productinfo.txt").text();
    assert!(text.lines().any(|line| line == "  Adobe Experience Manager (6.5.4.0)"), "{text}");
    let overview = client.json("/libs/granite/operations/content/systemoverview/export.json");
    assert_eq!(overview["Instance"]["Adobe Experience Manager"], "6.5.4.0");
    let settings = client.json("/system/console/status-slingsettings.json");
    let lines = settings.as_array().expect("lines");
    assert!(lines.contains(&json!("Run Modes = [crx3, author, samplecontent, crx3tar]")), "{settings}");
}

#[test]
fn the_health_is_the_worst_of_the_chosen_checks() {
    let mut client = admin_of(|seed| seed.health[1].status = HealthStatus::Critical);
    assert_eq!(client.get("/system/health").status, 503);
    let bundles = client.json("/system/health.json?tags=bundles");
    assert_eq!((&bundles["overallResult"], bundles["results"].as_array().map(Vec::len)), (&json!("OK"), Some(1)));
    let mapped = client.json("/system/health.json?tags=replication&httpStatus=CRITICAL:200");
    assert_eq!(mapped["overallResult"], "CRITICAL");
    assert_eq!(client.get("/system/health?httpStatus=WARN:418").status, 418);
    assert_eq!(client.get("/system/health.txt?httpStatus=WARN:418").text(), "CRITICAL");
    assert!(client.get("/system/health").text().contains("Overall Result: CRITICAL"));
}

#[test]
fn the_service_pack_is_in_both_package_lists() {
    let mut client = Client::admin();
    let list = client.json("/crx/packmgr/list.jsp");
    let pack = &list["results"][0];
    assert_eq!(pack["pid"], "adobe/cq650/servicepack:aem-service-pkg:6.5.21");
    assert!(pack["lastUnpacked"].as_i64().is_some_and(|time| time > 0));
    assert_eq!(list["total"], 2);

    let xml = client.get("/crx/packmgr/service.jsp?cmd=ls").text();
    let tree = roxmltree::Document::parse(&xml).expect("well formed");
    let names: Vec<_> =
        tree.descendants().filter(|node| node.has_tag_name("name")).filter_map(|node| node.text()).collect();
    assert_eq!(names, ["aem-service-pkg", "cq-content"]);
    let status = tree.descendants().find(|node| node.has_tag_name("status")).expect("a status");
    assert_eq!((status.attribute("code"), status.text()), (Some("200"), Some("ok")));
    let refused = client.get("/crx/packmgr/service.jsp?cmd=rm&name=cq-content").text();
    assert!(refused.contains("<status code=\"500\">error:"), "{refused}");
    assert_eq!(client.json("/crx/packmgr/list.jsp")["total"], 2);
}

#[test]
fn a_package_that_is_only_uploaded_was_never_unpacked() {
    let mut client = admin_of(|seed| seed.packages[0].installed = false);
    assert_eq!(client.json("/crx/packmgr/list.jsp")["results"][0]["lastUnpacked"], 0);
}

#[test]
fn the_error_log_gives_its_newest_lines() {
    let mut client = admin_of(|seed| seed.error_log = vec!["one".into(), "two".into(), "three".into()]);
    let tailer = "/system/console/slinglog/tailer.txt";
    assert_eq!(client.get(&format!("{tailer}?name=/logs/error.log&tail=2")).text(), "two\nthree\n");
    assert_eq!(client.get(&format!("{tailer}?name=/logs/error.log&tail=1000")).text(), "one\ntwo\nthree\n");
    assert_eq!(
        client.get(&format!("{tailer}?name=/logs/other.log")).text(),
        "No appender with name [/logs/other.log] found"
    );
}

#[test]
fn the_console_answers_what_clients_wait_for() {
    let mut client = Client::admin();
    let bundle = client.json("/system/console/bundles/com.day.cq.cq-replication.json");
    assert_eq!(bundle["data"][0]["state"], "Active");
    assert_eq!(client.get("/system/console/bundles/bpconform-nothing.json").status, 404);
    assert_eq!(client.json("/system/console/components.json")["data"][0]["state"], "active");
    assert_eq!(client.json("/system/console/events.json")["data"], json!([]));
    assert!(client.get("/system/console/productinfo").text().contains("Adobe Experience Manager (6.5."));
    assert!(
        client.json("/system/console/status-productinfo.json").to_string().contains("Adobe Experience Manager (6.5.")
    );
    assert_eq!(client.json("/crx/packmgr/installstatus.jsp")["status"]["finished"], true);
    assert_eq!(client.json("/system/console/configMgr/a.b.json"), json!([]));
    let fields = [("apply", "true"), ("action", "ajaxConfigManager"), ("propertylist", "x"), ("x", "1")];
    let applied = client.post("/system/console/configMgr/a.b", &fields);
    assert_eq!((applied.status, applied.header("location")), (302, Some("/system/console/configMgr/a.b")));
    assert_eq!(client.json("/system/console/configMgr/a.b.json")[0]["properties"]["x"]["value"], "1");
}
