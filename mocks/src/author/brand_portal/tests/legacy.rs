use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::*;
use crate::author::seed;

const CERTIFICATE: &str = "/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/certificate";
const HEALTH: &str = "/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/health";
const OWNER: &str = "/home/users/system/dam/brandportal-imsconfig-c2Vydmlj";

#[test]
fn a_certificate_is_created_in_the_key_store_and_downloaded() {
    let mut stage = Stage::new("fresh");
    assert_eq!(stage.json(&format!("{OWNER}.ks.json")), serde_json::json!({ "exists": false }));
    assert_eq!(stage.post(CERTIFICATE, &[("newKeypairAlias", "")]).status, 400);
    assert_eq!(stage.post(CERTIFICATE, &[("newKeypairAlias", "mine")]).status, 200);
    assert_eq!(stage.post(CERTIFICATE, &[("newKeypairAlias", "mine")]).status, 409);
    let file = stage.get(&format!("{CERTIFICATE}/mine/AEM-Adobe-IMS.crt")).text();
    assert!(file.starts_with("-----BEGIN CERTIFICATE-----"), "{file}");
    let store = stage.json(&format!("{OWNER}.ks.json"));
    let entry = &store["aliases"][0];
    assert_eq!((&entry["alias"], &entry["algorithm"]), (&"mine".into(), &"RSA".into()));
    assert_eq!(entry["chain"][0]["notAfter"], "Tue Nov 23 00:00:00 UTC 2027");
    assert!(!stage.get(&format!("{OWNER}.-1.json")).text().contains("PRIVATE KEY"));
    assert_eq!(stage.post(&format!("{OWNER}.ks.html"), &[("removeAlias", "mine")]).status, 200);
    assert_eq!(stage.get(&format!("{CERTIFICATE}/mine/AEM-Adobe-IMS.crt")).status, 404);
}

#[test]
fn the_health_of_a_jwt_configuration_is_checked_by_a_signed_assertion() {
    let mut stage = Stage::new("legacy-jwt");
    let console = stage.get("/libs/cq/adobeims-configuration/content/configurations.html").text();
    assert!(console.contains("JWT Credentials (deprecated)"), "{console}");
    let pid = "com.adobe.granite.auth.oauth.accesstoken.provider.0a7b44c1";
    let (ticket, sent) = call(stage.step("GET", &format!("{HEALTH}?configurationId={pid}"), &[]));
    assert_eq!(sent.url, "http://127.0.0.1:5000/ims/exchange/jwt");
    let sent = form(&sent);
    assert_eq!((sent["client_id"].as_str(), sent["client_secret"].as_str()), ("a-jwt-client", SECRET));
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["https://ims-na1.adobelogin.com/c/a-jwt-client"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_rsa_pem(JWT_CLIENT_CERTIFICATE.as_bytes()).expect("a certificate");
    let claims = bpconform_fixtures::jwt::verify::<serde_json::Value>(&sent["jwt_token"], &key, &validation)
        .expect("signed")
        .claims;
    assert_eq!((&claims["iss"], &claims["sub"]), (&"0123@AdobeOrg".into(), &"0123@techacct.adobe.com".into()));
    assert_eq!(claims["https://ims-na1.adobelogin.com/s/ent_brand_portal_sdk"], true);
    assert_eq!(claims["exp"], stage.now.as_second() + 3600);
    let page = answer(stage.resume(ticket, token())).text();
    assert!(
        page.contains("Healthy configuration") && page.contains("Brand Portal JWT: Token retrieved successfully!"),
        "{page}"
    );
}

#[test]
fn a_jwt_configuration_without_its_key_is_unhealthy() {
    let mut stage = Stage::new("legacy-jwt");
    assert_eq!(stage.post(&format!("{OWNER}.ks.html"), &[("removeAlias", "brandportal")]).status, 200);
    let pid = "com.adobe.granite.auth.oauth.accesstoken.provider.0a7b44c1";
    let page = stage.get(&format!("{HEALTH}?configurationId={pid}")).text();
    assert!(
        page.contains(
            "KeyStoreNotInitialisedException: Uninitialised key store for user brandportal-imsconfig-service"
        ),
        "{page}"
    );
    assert!(!page.contains("Healthy configuration"), "{page}");
}

#[test]
fn no_seed_shows_a_secret_and_each_is_the_state_that_it_says() {
    for name in seed::names_of(bpconform_fixtures::Product::Aem65) {
        let mut stage = Stage::new(name);
        let dump = stage.author.dump().to_string();
        assert!(!dump.contains(SECRET) && !dump.contains("PRIVATE KEY") && !dump.contains("worthless\""), "{name}");
        assert!(name == "legacy-jwt" || !dump.contains("exchange/jwt"), "{name}");
        let agents = stage.json("/etc/replication/agents.author.1.json");
        let agents =
            agents.as_object().expect("a node").keys().filter(|name| name.starts_with("mp_replication")).count();
        let expected = match name {
            "base" | "fresh" => 0,
            "half-configured" => 2,
            "legacy-gateway" => 1,
            "two-tenants" => 8,
            _ => 4,
        };
        assert_eq!(agents, expected, "{name}");
    }
}

#[test]
fn a_blocked_queue_stays_blocked_by_its_first_item() {
    let mut stage = Stage::new("queue-blocked");
    let path = format!("{}/jcr:content.queue.json", AGENT.replace("agent0", "agent1"));
    let before = stage.json(&path);
    stage.advance(SignedDuration::from_mins(10));
    let after = stage.json(&path);
    for queue in [&before, &after] {
        assert_eq!(queue["metaData"]["queueStatus"]["isBlocked"], true);
        assert_eq!(queue["queue"].as_array().map(Vec::len), Some(3));
        assert_eq!(queue["queue"][0]["path"], "/content/dam/we-retail/deleted.png");
    }
    assert!(after["queue"][0]["numProcessed"].as_i64() > before["queue"][0]["numProcessed"].as_i64());
    let log = stage.get(&format!("{}.log.html", AGENT.replace("agent0", "agent1"))).text();
    assert!(log.contains("PathNotFoundException"), "{log}");
}
