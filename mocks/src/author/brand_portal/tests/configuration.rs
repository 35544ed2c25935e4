use jiff::SignedDuration;

use super::*;

const CREATE: &str = "/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/update";
const DELETE: &str = "/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/delete";
const HEALTH: &str = "/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/health";
const CLOUD: &str = "/apps/brandportal/config";
const STORAGE: &str = "/apps/system/config.2.json";

fn account<'a>() -> Vec<(&'a str, &'a str)> {
    vec![
        ("cloudServiceName", "Adobe Brand Portal"),
        ("authType", "oauth"),
        ("title", "My <Portal>"),
        ("authServerUrl", "http://127.0.0.1:5000/"),
        ("apiKey", "a-client"),
        ("clientSecret", SECRET),
        ("scope", "openid,AdobeID"),
        ("orgId", "0123@AdobeOrg"),
    ]
}

fn cloud<'a>(title: &'a str, pid: &'a str, url: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("item", ""), ("name", title), ("tenantURL", url), ("imsConfig", pid)]
}

fn create(stage: &mut Stage) -> String {
    let response = stage.post(CREATE, &account());
    assert_eq!(response.status, 200, "{}", response.text());
    response.text()
}

#[test]
fn an_ims_configuration_is_stored_with_its_secret_encrypted() {
    let mut stage = Stage::new("fresh");
    let pid = create(&mut stage);
    assert!(pid.starts_with("com.adobe.granite.auth.oauth.accesstoken.provider."), "{pid}");
    let stored = stage.json(STORAGE);
    let provider = &stored[format!("{pid}.config")];
    assert_eq!(provider["auth.access.token.request"], "http://127.0.0.1:5000/ims/token/v3");
    assert_eq!(provider["auth.token.provider.authorization.grants"], "client_credentials");
    let random = pid.rsplit('.').next().expect("a random part");
    let name = format!("com.adobe.granite.auth.ims.impl.IMSAccessTokenRequestCustomizerImpl.{random}.config");
    let secret = stored[name]["auth.ims.client.secret"].as_str().expect("a secret");
    assert!(secret.len() >= 66 && secret.starts_with('{') && secret.ends_with('}'), "{secret}");
    let console = "/libs/cq/adobeims-configuration/content/configurations.html";
    for path in [console, STORAGE, "/system/console/configMgr", "/apps.infinity.json"] {
        assert!(!stage.get(path).text().contains(SECRET), "{path}");
    }
    let cards = stage.get(console).text();
    assert!(cards.contains("ADOBE IMS TECHNICAL ACCOUNT") && cards.contains("My &lt;Portal&gt;"), "{cards}");
    assert!(!cards.contains("JWT Credentials (deprecated)") && cards.contains("Check Health"), "{cards}");
}

#[test]
fn an_incomplete_ims_configuration_is_refused() {
    let mut stage = Stage::new("fresh");
    for field in account().iter().map(|(name, _)| *name).filter(|name| *name != "authType") {
        let form: Vec<_> = account().into_iter().filter(|(name, _)| *name != field).collect();
        let response = stage.post(CREATE, &form);
        assert_eq!(response.status, 400, "{field}");
        assert!(response.text().contains(field), "{}", response.text());
    }
    assert!(!stage.get(STORAGE).text().contains("accesstoken"));
}

#[test]
fn check_health_asks_ims_and_tells_what_it_says() {
    let mut stage = Stage::new("fresh");
    let pid = create(&mut stage);
    let health = format!("{HEALTH}?configurationId={pid}");
    let (ticket, sent) = call(stage.step("GET", &health, &[]));
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", "http://127.0.0.1:5000/ims/token/v3"));
    let sent = form(&sent);
    assert_eq!((sent["grant_type"].as_str(), sent["client_secret"].as_str()), ("client_credentials", SECRET));
    let page = answer(stage.resume(ticket, token())).text();
    assert!(page.contains("Healthy configuration"), "{page}");
    assert!(page.contains("My &lt;Portal&gt;: Token retrieved successfully!"), "{page}");

    let (ticket, _) = call(stage.step("GET", &health, &[]));
    let page = answer(stage.resume(ticket, refused())).text();
    assert!(!page.contains("Healthy configuration") && page.contains("invalid client_secret parameter"), "{page}");
    let log = stage.get("/system/console/slinglog/tailer.txt?name=/logs/error.log&tail=10").text();
    assert!(
        log.contains(
            "AccessTokenProvider failed to get access token from authorization server status: 400 response: {"
        )
    );
}

#[test]
fn a_deleted_ims_configuration_leaves_nothing() {
    let mut stage = Stage::new("fresh");
    let before = stage.author.dump();
    let pid = create(&mut stage);
    assert_eq!(stage.post(DELETE, &[("configurationIds", "nobody")]).status, 404);
    assert_eq!(stage.post(DELETE, &[("configurationIds", &pid)]).status, 200);
    assert_eq!(stage.author.dump(), before);
}

#[test]
fn the_configuration_manager_writes_reads_and_deletes() {
    let mut stage = Stage::new("fresh");
    let pid = "com.adobe.granite.auth.ims.impl.IMSAccessTokenRequestCustomizerImpl.1234";
    let path = format!("/system/console/configMgr/{pid}");
    let written = stage.post(
        &path,
        &[
            ("apply", "true"),
            ("action", "ajaxConfigManager"),
            ("propertylist", "customizer.type,auth.ims.client.secret"),
            ("customizer.type", "ims-1234"),
            ("auth.ims.client.secret", SECRET),
        ],
    );
    assert_eq!(written.status, 302);
    let read = stage.post(&format!("{path}?post=true"), &[]);
    assert!(read.text().contains("ims-1234") && !read.text().contains(SECRET), "{}", read.text());
    assert_eq!(stage.post(&path, &[("apply", "1"), ("delete", "1")]).status, 200);
    // The console also describes a configuration that does not exist; its list is then empty.
    assert!(!stage.post(&format!("{path}?post=true"), &[]).text().contains("ims-1234"));
    assert_eq!(stage.get(&format!("{path}.json")).text(), "[]");
}

#[test]
fn saving_the_cloud_service_makes_node_user_and_agents_some_time_later() {
    let mut stage = Stage::new("fresh");
    let pid = create(&mut stage);
    assert_eq!(stage.post(CLOUD, &cloud("BPdocConfiguration", &pid, TENANT_URL)).status, 200);
    let node = "/etc/cloudservices/mediaportal/BPdocConfiguration/jcr:content.json";
    assert_eq!(stage.get(node).status, 404);
    stage.advance(SignedDuration::from_secs(1));
    let made = stage.json(node);
    assert_eq!((made["tenantURL"].as_str(), made["imsConfig"].as_str()), (Some(TENANT_URL), Some(pid.as_str())));

    let mut expected = Stage::new("configured");
    for index in 0..4 {
        let path = AGENT.replace("agent0", &format!("agent{index}")) + "/jcr:content.json";
        let (mut made, mut expected) = (stage.json(&path), expected.json(&path));
        for differs in ["jcr:created", "accessTokenProviderPid", "protocolHTTPConnectionClose"] {
            let both = (made[differs].take(), expected[differs].take());
            drop(both);
        }
        made.as_object_mut().map(|made| made.remove("protocolHTTPConnectionClose"));
        expected.as_object_mut().map(|expected| expected.remove("protocolHTTPConnectionClose"));
        assert_eq!(made, expected);
        assert_eq!(made["jcr:title"], format!("bpdoc MP Replication Agent{index} Default"));
    }
    let users = stage.json("/home/users/mac/bpdoc.-1.json");
    let user = users.as_object().and_then(|users| users.values().find(|user| user.is_object())).expect("a Mac user");
    assert_eq!(user["rep:authorizableId"], "mac-bpdoc-replication");
    assert!(user["keystore"].is_object() && user["oauth"].is_object() && user["rep:policy"]["allow"].is_object());
}

#[test]
fn saving_again_makes_only_what_is_missing() {
    let mut stage = Stage::new("half-configured");
    let missing = AGENT.replace("agent0", "agent3");
    assert_eq!(stage.get(&format!("{missing}.html")).status, 404);
    let pid = stage.json("/etc/cloudservices/mediaportal/BPdocConfiguration/jcr:content.json")["imsConfig"].clone();
    let pid = pid.as_str().expect("a PID");
    assert_eq!(stage.post(CLOUD, &cloud("BPdocConfiguration", pid, TENANT_URL)).status, 200);
    stage.advance(SignedDuration::from_secs(1));
    assert_eq!(stage.get(&format!("{missing}.html")).status, 200);
    let agents = stage.json("/etc/replication/agents.author.1.json");
    let own = agents.as_object().expect("a node").keys().filter(|name| name.starts_with("mp_replication")).count();
    assert_eq!(own, 4);
}

#[test]
fn a_malformed_cloud_service_is_refused_and_leaves_nothing() {
    let mut stage = Stage::new("fresh");
    let pid = create(&mut stage);
    let before = stage.author.dump();
    let cases = [
        ("", pid.as_str(), TENANT_URL),
        ("X", "", TENANT_URL),
        ("X", "nobody", TENANT_URL),
        ("X", &pid, ""),
        ("X", &pid, "bpdoc.brand-portal.adobe.com"),
        ("X", &pid, "https://"),
        ("X", &pid, "ftp://bpdoc.localhost"),
        ("X", &pid, "https://127.0.0.1/"),
        ("X", &pid, "https://bpdoc.localhost/path"),
        ("X", &pid, "https://BP_doc.localhost"),
    ];
    for (title, pid, url) in cases {
        let response = stage.post(CLOUD, &cloud(title, pid, url));
        assert_eq!(response.status, 400, "{title} {pid} {url}: {}", response.text());
    }
    stage.advance(SignedDuration::from_secs(5));
    assert_eq!(stage.author.dump(), before);
}

#[test]
fn a_second_tenant_is_refused() {
    let mut stage = Stage::new("configured");
    let pid = create(&mut stage);
    let response = stage.post(CLOUD, &cloud("Other", &pid, "https://other.brand-portal.adobe.com"));
    assert_eq!(response.status, 409);
    assert!(response.text().contains("bpdoc"), "{}", response.text());
}
