use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::*;

const PUBLISH: &str = "/libs/dam/content/mediaportal/publish";
const UNPUBLISH: &str = "/libs/dam/content/mediaportal/unpublish";
const REPLICATE: &str = "/bin/replicate.json";
const FOLDER: &str = "/content/dam/batch";

/// A configured Author with a folder of assets.
fn with_assets(count: usize) -> Stage {
    let mut stage = Stage::new("configured");
    folder(&mut stage, "batch");
    for index in 0..count {
        upload(&mut stage, &format!("{FOLDER}/{index:03}.bin"));
    }
    stage.advance(SignedDuration::from_secs(1));
    stage
}

fn folder(stage: &mut Stage, name: &str) {
    let body = r#"{"class":"assetFolder","properties":{"title":"Batch"}}"#;
    let made = raw(stage, "POST", &format!("/api/assets/{name}"), "application/json", body.as_bytes());
    assert_eq!(made.status, 201, "{}", made.text());
}

fn upload(stage: &mut Stage, path: &str) {
    let api = path.replace("/content/dam", "/api/assets");
    assert_eq!(raw(stage, "POST", &api, "image/png", path.as_bytes()).status, 201);
}

fn raw(stage: &mut Stage, method: &str, path: &str, kind: &str, body: &[u8]) -> Response {
    let headers = vec![
        ("authorization".to_owned(), "Basic YWRtaW46YWRtaW4=".to_owned()),
        ("content-type".to_owned(), kind.to_owned()),
    ];
    let request =
        Request { method: method.into(), path: path.into(), headers, body: body.to_vec(), ..Request::default() };
    answer(stage.author.handle(stage.now, &request))
}

fn delivered(calls: &[Call]) -> Vec<(&str, &str)> {
    let sent = calls.iter().filter(|call| call.url.starts_with(TENANT_URL));
    sent.map(|call| (header(call, "action"), header(call, "path"))).collect()
}

fn queue(stage: &mut Stage, index: usize) -> serde_json::Value {
    stage.json(&format!("{}/jcr:content.queue.json", AGENT.replace("agent0", &format!("agent{index}"))))
}

fn waiting(stage: &mut Stage, index: usize) -> usize {
    queue(stage, index)["queue"].as_array().map_or(0, Vec::len)
}

#[test]
fn an_asset_is_delivered_with_its_bytes_and_says_so() {
    let mut stage = with_assets(1);
    let path = format!("{FOLDER}/000.bin");
    let said = stage.post(PUBLISH, &[("path", &path)]);
    assert!(said.status == 200 && said.text().contains("queued for publishing"), "{}", said.text());
    assert!(stage.get(&format!("{AGENT}.html")).text().contains("Queue is <strong>active - 1 pending</strong>"));
    let calls = stage.advance(SignedDuration::from_secs(1));
    assert_eq!(delivered(&calls), [("Activate", path.as_str())]);
    let sent = calls.last().expect("a delivery");
    assert_eq!((sent.body.as_slice(), header(sent, "type")), (path.as_bytes(), "dam:Asset"));
    let content = stage.json(&format!("{path}/jcr:content.json"));
    assert_eq!(
        (&content["cq:lastReplicationAction"], &content["cq:lastReplicatedBy"]),
        (&"Activate".into(), &"admin".into())
    );
    assert!(content["cq:lastReplicated"].is_string());
    let log = stage.get(&format!("{AGENT}.log.html")).text();
    assert!(log.contains(&format!("Replication (ACTIVATE) of {path} successful.")), "{log}");
    assert_eq!(waiting(&mut stage, 0), 0);

    assert_eq!(stage.post(UNPUBLISH, &[("path", &path)]).status, 200);
    assert_eq!(delivered(&stage.advance(SignedDuration::from_secs(1))), [("Deactivate", path.as_str())]);
    assert_eq!(stage.json(&format!("{path}/jcr:content.json"))["cq:lastReplicationAction"], "Deactivate");
}

#[test]
fn four_agents_share_a_batch_equally_and_are_four_times_as_fast_as_one() {
    let mut stage = with_assets(40);
    let said = stage.post(PUBLISH, &[("path", FOLDER)]);
    assert!(said.text().contains("has been queued up for publishing to Brand Portal"), "{}", said.text());
    for index in 0..4 {
        assert!((10..=11).contains(&waiting(&mut stage, index)), "agent {index}");
    }
    let calls = stage.advance(SignedDuration::from_millis(200 * 11));
    let got: BTreeSet<_> = delivered(&calls).into_iter().collect();
    assert_eq!(got.len(), 41);

    let paths: Vec<_> = (0..40).map(|index| format!("{FOLDER}/{index:03}.bin")).collect();
    let mut form = vec![("cmd", "Activate"), ("agentId", "mp_replication_agent2_default_bpdoc")];
    form.extend(paths.iter().map(|path| ("path", path.as_str())));
    assert_eq!(stage.post(REPLICATE, &form).status, 200);
    assert_eq!(delivered(&stage.advance(SignedDuration::from_millis(200 * 11))).len(), 11);
    assert_eq!(waiting(&mut stage, 2), 29);
}

#[test]
fn a_disabled_agent_strands_its_share_and_is_blocked() {
    let mut stage = with_assets(8);
    let agent = AGENT.replace("agent0", "agent3");
    assert_eq!(stage.post(&format!("{agent}/jcr:content"), &[("enabled", "false")]).status, 200);
    assert_eq!(stage.post(PUBLISH, &[("path", FOLDER)]).status, 200);
    assert_eq!(delivered(&stage.advance(SignedDuration::from_secs(600))).len(), 7);
    assert_eq!(waiting(&mut stage, 3), 2);
    assert_eq!(queue(&mut stage, 3)["metaData"]["queueStatus"]["isBlocked"], true);
    assert!(stage.get(&format!("{agent}.html")).text().contains("Queue is <strong>blocked</strong>"));
    stage.post(&format!("{agent}/jcr:content.queue.json"), &[("cmd", "clear")]);
    assert_eq!(waiting(&mut stage, 3), 0);
}

#[test]
fn a_delivery_that_fails_blocks_the_queue_and_is_tried_again() {
    let mut stage = with_assets(1);
    stage.post(PUBLISH, &[("path", &format!("{FOLDER}/000.bin"))]);
    stage.now = stage.author.next_due().expect("a delivery is due");
    let calls = stage.author.tick(stage.now);
    let (ticket, _) = calls.into_iter().next().expect("a call");
    assert!(matches!(stage.resume(ticket, refused()), Step::Done));
    let status = queue(&mut stage, 0);
    assert_eq!(
        (&status["metaData"]["queueStatus"]["isBlocked"], &status["queue"][0]["numProcessed"]),
        (&true.into(), &1.into())
    );
    assert_eq!(status["metaData"]["queueStatus"]["nextRetryPeriod"], 60_000);
    assert!(stage.get(&format!("{AGENT}.log.html")).text().contains("ERROR"));
    assert!(stage.advance(SignedDuration::from_secs(59)).is_empty());
    assert_eq!(delivered(&stage.advance(SignedDuration::from_secs(2))).len(), 1);
    assert_eq!(waiting(&mut stage, 0), 0);
}

#[test]
fn a_paused_queue_waits() {
    let mut stage = with_assets(1);
    let commands = format!("{AGENT}/jcr:content.queue.json");
    stage.post(&commands, &[("cmd", "pause")]);
    stage.post(PUBLISH, &[("path", &format!("{FOLDER}/000.bin"))]);
    assert!(stage.advance(SignedDuration::from_secs(60)).is_empty());
    stage.post(&commands, &[("cmd", "resume")]);
    assert_eq!(delivered(&stage.advance(SignedDuration::from_secs(1))).len(), 1);
}

#[test]
fn what_is_published_later_goes_at_its_time() {
    let mut stage = with_assets(1);
    let path = format!("{FOLDER}/000.bin");
    let at = (stage.now + SignedDuration::from_hours(1)).to_string();
    assert_eq!(stage.post(PUBLISH, &[("path", &path), ("activationTime", &at)]).status, 200);
    assert!(stage.advance(SignedDuration::from_mins(59)).is_empty());
    assert_eq!(delivered(&stage.advance(SignedDuration::from_mins(2))).len(), 1);
    assert_eq!(stage.post(PUBLISH, &[("path", &path), ("activationTime", "tomorrow")]).status, 400);
}

#[test]
fn fragments_and_locked_defaults_do_not_go_and_tags_go_with_their_asset() {
    let mut stage = with_assets(1);
    let (asset, fragment) = (format!("{FOLDER}/000.bin"), format!("{FOLDER}/fragment"));
    let properties = [("jcr:primaryType", "dam:Asset"), ("jcr:content/contentFragment", "true")];
    stage.post(&fragment, &properties);
    stage.post(
        &format!("{asset}/jcr:content/metadata"),
        &[("cq:tags@TypeHint", "String[]"), ("cq:tags", "we-retail:activity"), ("cq:tags", "gone:tag")],
    );
    let members = [("sling:resourceType", "dam/collection"), ("sling:members/sling:resources@TypeHint", "String[]")];
    let of = |paths: &[&str]| -> Vec<(&str, String)> {
        paths.iter().map(|path| ("sling:members/sling:resources", (*path).to_owned())).collect()
    };
    for (name, paths) in [("mixed", vec![asset.as_str(), &fragment]), ("none", vec![fragment.as_str()])] {
        let paths = of(&paths);
        let form: Vec<_> = members.into_iter().chain(paths.iter().map(|(name, path)| (*name, path.as_str()))).collect();
        assert_eq!(stage.post(&format!("/content/dam/collections/{name}"), &form).status, 201);
    }
    for refused in [fragment.as_str(), "/content/dam/collections/none", "/libs/dam/content/schemaeditors/forms/default"]
    {
        let status = stage.post(PUBLISH, &[("path", refused)]).status;
        assert_eq!(status, 400, "{refused}");
    }
    assert_eq!(stage.post(PUBLISH, &[("path", "/content/dam/collections/mixed")]).status, 200);
    let calls = stage.advance(SignedDuration::from_secs(5));
    let mut paths: Vec<_> = delivered(&calls).into_iter().map(|(_, path)| path).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [asset.as_str(), "/content/cq:tags/we-retail/activity", "/content/dam/collections/mixed"]
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
}

#[test]
fn without_a_configuration_nothing_is_published() {
    let mut stage = with_assets(1);
    let path = format!("{FOLDER}/000.bin");
    assert_eq!(stage.post(FOLDER, &[("mpConfig", "/etc/cloudservices/mediaportal/gone")]).status, 200);
    let said = stage.post(PUBLISH, &[("path", &path)]);
    assert!(said.status == 500 && said.text().contains("getTenantFromConfiguration"), "{}", said.text());
    let mut stage = Stage::new("fresh");
    let said = stage.post(REPLICATE, &[("cmd", "Activate"), ("agentId", "nobody"), ("path", "/content/dam/we-retail")]);
    assert!(
        said.text().contains("Replication triggered, but no agent found! for path /content/dam/we-retail"),
        "{}",
        said.text()
    );
}

#[test]
fn an_asset_is_uploaded_read_and_deleted_over_the_assets_api() {
    let mut stage = Stage::new("configured");
    folder(&mut stage, "mine");
    let path = "/content/dam/mine/a.png";
    upload(&mut stage, path);
    assert_eq!(raw(&mut stage, "POST", "/api/assets/mine/a.png", "image/png", b"x").status, 409);
    assert_eq!(raw(&mut stage, "POST", "/api/assets/nowhere/a.png", "image/png", b"x").status, 412);
    assert_eq!(stage.json(&format!("{path}/jcr:content.json"))["dam:assetState"], "processing");
    stage.advance(SignedDuration::from_secs(1));
    assert_eq!(stage.json(&format!("{path}/jcr:content.json"))["dam:assetState"], "processed");
    assert_eq!(stage.get(&format!("{path}/jcr:content/renditions/original")).body, path.as_bytes());
    let listed = stage.json("/api/assets/mine.json");
    assert_eq!(
        (&listed["class"][0], &listed["entities"][0]["properties"]["name"]),
        (&"assets/folder".into(), &"a.png".into())
    );
    assert_eq!(raw(&mut stage, "DELETE", "/api/assets/mine/a.png", "", b"").status, 200);
    assert_eq!(stage.get("/api/assets/mine/a.png.json").status, 404);
}

#[test]
fn a_contribution_comes_back_with_the_next_poll() {
    let mut stage = Stage::new("configured");
    let create = "/libs/dam/content/mediaportal/contributionfolder";
    assert_eq!(stage.post(create, &[("path", "/content/dam/agency"), ("title", "Agency")]).status, 201);
    assert_eq!(stage.post(create, &[("path", "/content/dam/agency")]).status, 409);
    assert_eq!(stage.post(PUBLISH, &[("path", "/content/dam/agency")]).status, 200);
    let calls = stage.advance(SignedDuration::from_secs(10));
    let paths: BTreeSet<_> = delivered(&calls).into_iter().map(|(_, path)| path).collect();
    assert!(paths.contains("/content/dam/agency/NEW") && paths.contains("/content/dam/agency/SHARED"), "{paths:?}");

    stage.now = stage.author.next_due().expect("the poll");
    let mut open = stage.author.tick(stage.now);
    let (mut ticket, asked) = open.pop().expect("a token is asked for");
    assert!(asked.url.contains("/ims/token/"));
    let list = r#"{"contributions":[{"path":"/content/dam/mac/bpdoc/agency/NEW/my file.png","name":"my file.png","contentType":"image/png"}]}"#;
    let outcomes = [
        token(),
        Ok(Response::json(200, &serde_json::from_str(list).expect("JSON"))),
        Ok(Response::new(200, "image/png", "bytes")),
        Ok(Response { status: 204, ..Response::default() }),
    ];
    let mut made = Vec::new();
    for outcome in outcomes {
        match stage.resume(ticket, outcome) {
            Step::Call(next, call) => {
                made.push(format!("{} {} {}", call.method, call.url, header(&call, "authorization")));
                ticket = next;
            }
            other => assert!(matches!(other, Step::Done), "{other:?}"),
        }
    }
    let root = format!("{TENANT_URL}/content/dam/mac/bpdoc");
    assert_eq!(
        made,
        [
            format!("GET {root}.contributions.json Bearer t0k3n"),
            format!("GET {root}/agency/NEW/my%20file.png.contribution Bearer t0k3n"),
            format!("DELETE {root}/agency/NEW/my%20file.png.contribution Bearer t0k3n"),
        ]
    );
    assert_eq!(stage.get("/content/dam/agency/NEW/my file.png").body, b"bytes");
}
