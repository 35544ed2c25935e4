//! surfaces.md §5.1 and §5.2: Basic auth, form login, CSRF token, referrer filter; and the rights of a reader.

use super::{Client, basic, parse};

const LOGIN: &str = "/libs/granite/core/content/login.html/j_security_check";
const AGENTS: &str = "/etc/replication/agents.author.-1.json";
const BROWSER: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");

#[test]
fn basic_auth_opens_every_address_and_a_wrong_password_none() {
    assert_eq!(Client::admin().get(AGENTS).status, 200);
    let mut wrong = Client::anonymous().with_header("authorization", &basic("admin", "s3cret-guess"));
    for target in [AGENTS, "/libs/granite/core/content/login.html", "/system/console/bundles.json", "/nowhere"] {
        let response = wrong.get(target);
        assert_eq!(response.status, 401, "{target}");
        assert_eq!(response.header("www-authenticate"), Some("Basic realm=\"Sling (Development)\""));
        assert!(!response.text().contains("s3cret-guess") && !response.text().contains("admin"));
    }
}

#[test]
fn a_malformed_authorization_is_refused() {
    for value in ["Basic", "Basic ###", "Bearer abc", "Basic YWRtaW4="] {
        let response = Client::anonymous().with_header("authorization", value).get(AGENTS);
        assert_eq!(response.status, 401, "{value}");
    }
}

#[test]
fn without_credentials_a_browser_is_sent_to_the_login_page_and_a_program_is_refused() {
    let mut client = Client::anonymous();
    assert_eq!(client.get(AGENTS).status, 401);
    let response = client.send("GET", "/etc/replication/agents.author.html", &[("accept", "text/html,*/*;q=0.8")], b"");
    assert_eq!(response.status, 302);
    assert_eq!(
        response.header("location"),
        Some("/libs/granite/core/content/login.html?resource=%2Fetc%2Freplication%2Fagents.author.html")
    );
    assert_eq!(client.send("GET", AGENTS, &[("accept", "text/html")], b"").status, 401);
    assert_eq!(client.send("POST", "/content/x", &[("accept", "text/html")], b"").status, 401);
}

#[test]
fn the_login_page_needs_no_login_and_says_that_the_author_is_ready() {
    let response = Client::anonymous().get("/libs/granite/core/content/login.html");
    assert_eq!(response.status, 200);
    assert!(response.text().contains("QUICKSTART_HOMEPAGE"));
}

#[test]
fn a_form_login_gives_a_cookie_that_works() {
    for address in [LOGIN, "/libs/crx/core/content/login.html/j_security_check"] {
        let mut client = Client::anonymous();
        let fields = [("j_username", "admin"), ("j_password", "admin"), ("j_validate", "true")];
        let response = client.post(address, &fields);
        assert_eq!(response.status, 200, "{address}");
        let cookie = response.header("set-cookie").expect("a cookie").to_owned();
        assert!(cookie.starts_with("login-token=") && cookie.ends_with("; Path=/; HttpOnly"), "{cookie}");
        let pair = cookie.split(';').next().expect("a pair");
        assert_eq!(client.send("GET", AGENTS, &[("cookie", &format!("a=b; {pair}"))], b"").status, 200);
        client.now += jiff::SignedDuration::from_hours(13);
        assert_eq!(client.send("GET", AGENTS, &[("cookie", pair)], b"").status, 401, "the login has expired");
    }
}

#[test]
fn a_form_login_goes_on_to_an_address_of_this_server_only() {
    for (resource, location) in
        [("/assets.html", "/assets.html"), ("//evil.example", "/"), ("http://evil.example/", "/")]
    {
        let fields = [("j_username", "admin"), ("j_password", "admin"), ("resource", resource)];
        let response = Client::anonymous().post(LOGIN, &fields);
        assert_eq!((response.status, response.header("location")), (302, Some(location)));
    }
}

#[test]
fn a_refused_form_login_gives_the_reason_and_no_cookie() {
    for (user, password) in [("admin", "wrong"), ("nobody", "admin"), ("", "")] {
        let response = Client::anonymous().post(LOGIN, &[("j_username", user), ("j_password", password)]);
        assert_eq!(response.status, 403);
        assert_eq!(response.header("x-reason-code"), Some("invalid_login"));
        assert!(response.header("x-reason").is_some() && response.header("set-cookie").is_none());
    }
}

#[test]
fn a_forged_cookie_opens_nothing() {
    let mut client = Client::anonymous();
    for value in ["login-token=", "login-token=YWRtaW4", "login-token=OTk5OTk5OTk5OTk5OS4wLmFkbWlu", "x=y"] {
        assert_eq!(client.send("GET", AGENTS, &[("cookie", value)], b"").status, 401, "{value}");
    }
    let token = parse(&Client::admin().get("/libs/granite/csrf/token.json"));
    let cookie = format!("login-token={}", token["token"].as_str().expect("a token"));
    assert_eq!(client.send("GET", AGENTS, &[("cookie", &cookie)], b"").status, 401, "a CSRF token is no login");
}

#[test]
fn a_browser_needs_referrer_and_csrf_token_to_write() {
    let here = ("referer", "http://localhost:4502/assets.html");
    let mut client = Client::admin();
    let token = client.json("/libs/granite/csrf/token.json")["token"].as_str().expect("a token").to_owned();
    let csrf = ("csrf-token", token.as_str());
    let mut post =
        |headers: &[(&str, &str)], fields: &[(&str, &str)]| client.post_with("/content/x", headers, fields).status;
    assert_eq!(post(&[BROWSER, here, csrf], &[]), 201);
    assert_eq!(post(&[BROWSER, here], &[(":cq_csrf_token", &token)]), 200);
    assert_eq!(post(&[BROWSER, here], &[]), 403, "no token");
    assert_eq!(post(&[BROWSER, here, ("csrf-token", "made-up")], &[]), 403, "a wrong token");
    assert_eq!(post(&[BROWSER, csrf], &[]), 403, "no referrer");
    assert_eq!(post(&[BROWSER, csrf, ("referer", "http://evil.example/")], &[]), 403, "a foreign referrer");
    assert_eq!(post(&[("user-agent", "Opera/9.80")], &[]), 403, "another browser");
    assert_eq!(post(&[("user-agent", "curl/8.14")], &[]), 200, "no browser");
    assert_eq!(client.send("DELETE", "/content/x", &[BROWSER], b"").status, 403);
    assert_eq!(client.send("GET", "/content/x.json", &[BROWSER], b"").status, 200, "reading needs neither");
}

#[test]
fn a_csrf_token_expires_and_belongs_to_one_user() {
    let mut client = Client::admin();
    let token = client.json("/libs/granite/csrf/token.json")["token"].as_str().expect("a token").to_owned();
    let headers = [BROWSER, ("referer", "http://localhost:4502/"), ("csrf-token", token.as_str())];
    client.now += jiff::SignedDuration::from_mins(11);
    assert_eq!(client.post_with("/content/x", &headers, &[]).status, 403);
}

#[test]
fn a_reader_reads_content_and_nothing_else() {
    let mut viewer = Client::viewer();
    assert_eq!(viewer.get("/content/dam.1.json").status, 200);
    for closed in
        ["/system/console/bundles.json", "/crx/packmgr/list.jsp", "/home/users.1.json", "/home.-1.json", "/.-1.json"]
    {
        assert_eq!(viewer.get(closed).status, 403, "{closed}");
    }
    assert_eq!(viewer.post("/content/dam/x", &[]).status, 403);
    assert_eq!(viewer.delete("/content/dam/we-retail").status, 403);
    assert_eq!(viewer.get("/content/dam/we-retail.json").status, 200, "nothing was deleted");
}
