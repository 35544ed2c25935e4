use super::*;

fn set(stage: &mut Stage, property: &str, value: &str) {
    assert_eq!(stage.post(&format!("{AGENT}/jcr:content"), &[(property, value)]).status, 200);
}

/// Runs Test Connection with these results of the calls to IMS and the tenant; returns the page.
fn test(stage: &mut Stage, token: CallResult, answered: CallResult) -> String {
    let mut step = stage.step("GET", &format!("{AGENT}.test.html"), &[]);
    let mut outcomes = vec![answered, token];
    while let Step::Call(ticket, _) = step {
        step = stage.resume(ticket, outcomes.pop().expect("no third call"));
    }
    let page = answer(step);
    assert_eq!(page.status, 200);
    page.text()
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for what became of a call")]
fn ok() -> CallResult {
    Ok(Response::new(200, "text/plain;charset=utf-8", "ReplicationAction TEST ok.").with_header("content-length", "26"))
}

#[test]
fn a_test_fetches_a_token_and_posts_to_the_tenant() {
    let mut stage = Stage::new("configured");
    let (ticket, asked) = call(stage.step("GET", &format!("{AGENT}.test.html"), &[]));
    assert_eq!(asked.url, "http://127.0.0.1:5000/ims/token/v3");
    assert_eq!(form(&asked)["client_secret"], SECRET);
    let (ticket, sent) = call(stage.resume(ticket, token()));
    assert_eq!(sent.url, format!("{TENANT_URL}/bin/receive?sling:authRequestLogin=1"));
    let headers = ["action", "path", "handle", "referer", "content-type", "authorization"];
    let headers = headers.map(|name| header(&sent, name));
    let expected = ["Test", "/content", "/content", "about:blank", "application/octet-stream", "Bearer t0k3n"];
    assert_eq!((headers, sent.body.len()), (expected, 0));
    let page = answer(stage.resume(ticket, ok())).text();
    let lines = [
        "<h1>Replication test to http://bpdoc.localhost:4000/bin/receive?sling:authRequestLogin=1</h1>",
        "2026-11-23 12:00:00 - Create new HttpClient for bpdoc MP Replication Agent0 Default<br>",
        "2026-11-23 12:00:00 - * HTTP Version: 1.1<br>",
        "- * Connect Timeout: 180000<br>",
        "- * Socket Timeout: 600000<br>",
        "- * Using OAuth 2.0 Authorization Grants<br>",
        "- * Reference to access token provider is using deprecated accessTokenProviderPid, use accessTokenProviderName instead.",
        "- adding header: Action:Test<br>",
        "- adding header: Path:/content<br>",
        "- adding header: Handle:/content<br>",
        "- deserialize content for delivery<br>",
        "- No message body: Content ReplicationContent.VOID is empty<br>",
        "- Sending POST request to http://bpdoc.localhost:4000/bin/receive?sling:authRequestLogin=1<br>",
        "- * OAuth 2.0 User: mac-bpdoc-replication<br>",
        "- sent. Response: 200 OK<br>",
        "- Sending message to bpdoc.localhost:4000<br>",
        "- &gt;&gt; POST /bin/receive HTTP/1.0<br>",
        "- &gt;&gt; Content-Length: 0<br>",
        "- &lt;&lt; HTTP/1.1 200 OK<br>",
        "- &lt;&lt; ReplicationAction TEST ok.<br>",
        "- Message sent.<br>",
        "- Replication (TEST) of /content successful.<br>",
        "<hr>Replication test <strong>succeeded</strong>",
    ];
    let found: Vec<_> =
        lines.iter().map(|line| page.find(line).unwrap_or_else(|| panic!("no `{line}` in {page}"))).collect();
    assert!(found.is_sorted(), "{page}");
    assert_eq!(page.matches("* OAuth 2.0 User").count(), 2);
    assert!(!page.contains("t0k3n") && !page.contains(SECRET), "{page}");
    let log = stage.get(&format!("{AGENT}.log.html")).text();
    let line = "2026-11-23 12:00:00 - INFO - mp_replication_agent0_default_bpdoc : sent. Response: 200 OK<br>\n";
    assert!(log.contains("<code>") && log.contains(line), "{log}");
}

#[test]
fn a_test_that_fails_says_why() {
    let unauthorized = || Ok(Response::new(401, "text/html", "no"));
    let down = || Err("Connection refused".to_owned());
    let cases = [
        (("", ""), token(), unauthorized(), "Server returned status code 401 with message: Authorization required."),
        (("", ""), token(), down(), "Connection refused"),
        (
            ("", ""),
            refused(),
            ok(),
            "AccessTokenProvider failed to get access token from authorization server status: 400 response: {",
        ),
        (("", ""), down(), ok(), "Connection refused"),
        (("enableOauth", "false"), token(), ok(), "No OAuth token available. OAuth not initialized"),
        (("accessTokenProviderPid", "gone"), token(), ok(), "No OAuth token available. OAuth not initialized"),
        (("enabled", "false"), token(), ok(), "Agent is disabled"),
        (
            ("userId", "nobody"),
            token(),
            ok(),
            "Replicaiton Agent [mp_replication_agent0_default_bpdoc] has invalid agent userId [nobody]",
        ),
    ];
    for ((property, value), token, answered, reason) in cases {
        let mut stage = Stage::new("configured");
        if !property.is_empty() {
            set(&mut stage, property, value);
        }
        let page = test(&mut stage, token, answered);
        let reason = crate::author::escape(reason);
        assert!(page.contains("Replication test") && page.contains(&reason), "{reason}: {page}");
        assert!(page.contains("Replication test <strong>failed</strong>") && !page.contains("succeeded"), "{page}");
        let log = stage.get(&format!("{AGENT}.log.html")).text();
        assert!(log.contains(" - ERROR - mp_replication_agent0_default_bpdoc : ") && log.contains(&reason), "{log}");
    }
}

#[test]
fn an_agent_made_by_hand_can_be_tested_and_has_a_queue() {
    let mut stage = Stage::new("fresh");
    let path = "/etc/replication/agents.author/replication99.test";
    let made = stage.post(
        path,
        &[
            ("jcr:primaryType", "cq:Page"),
            ("jcr:content/jcr:title", "My agent"),
            ("jcr:content/sling:resourceType", "/libs/cq/replication/components/agent"),
            ("jcr:content/template", "/libs/cq/replication/templates/agent"),
            ("jcr:content/transportUri", "http://localhost:4503/bin/receive?sling:authRequestLogin=1"),
            ("jcr:content/transportUser", "admin"),
            ("jcr:content/transportPassword", "{DES}8aadb625ced91ac483390ebc10640cdf"),
            ("jcr:content/enabled", "true"),
        ],
    );
    assert_eq!(made.status, 201, "{}", made.text());
    let (ticket, sent) = call(stage.step("GET", &format!("{path}.test.html"), &[]));
    assert!(header(&sent, "authorization").starts_with("Basic "));
    let page = answer(stage.resume(ticket, ok())).text();
    assert!(page.contains("succeeded") && page.contains("Sending message to localhost:4503"), "{page}");
    let queue = stage.json(&format!("{path}/_jcr_content.queue.json"));
    assert_eq!(queue["metaData"]["queueStatus"]["agentId"], "replication99.test");
    assert_eq!(queue["queue"], serde_json::json!([]));
}

#[test]
fn the_page_of_an_agent_says_what_a_real_one_says() {
    let mut stage = Stage::new("configured");
    let texts = [
        "bpdoc MP Replication Agent0 Default",
        "(mp_replication_agent0_default_bpdoc)",
        "Agent is <strong>enabled.</strong> Replicating to <strong>http://bpdoc.localhost:4000/bin/receive?sling:authRequestLogin=1</strong>",
        "Queue is <strong>idle</strong>",
        "Agent is ignored on normal replication",
        "View log",
        "Test Connection",
        "bpdoc MP Replication Agent0 Default: Idle",
    ];
    let page = stage.get(&format!("{AGENT}.html")).text();
    for text in texts {
        assert!(page.contains(text), "no `{text}` in {page}");
    }
    set(&mut stage, "enabled", "false");
    assert!(stage.get(&format!("{AGENT}.html")).text().contains("Agent is <strong>disabled.</strong>"));
    let console = stage.get("/etc/replication/agents.author.html").text();
    assert!(console.contains("cq-agent-header-on") && console.contains("cq-agent-header-off"), "{console}");
    assert!(console.contains("li-bullet cq-agent-queue-idle\">Queue is idle"), "{console}");
}

#[test]
fn a_queue_is_paused_resumed_and_an_unknown_command_refused() {
    let mut stage = Stage::new("configured");
    let path = format!("{AGENT}/jcr:content.queue.json");
    let status = |stage: &mut Stage| stage.json(&path)["metaData"]["queueStatus"]["isPaused"].clone();
    assert_eq!(stage.post(&path, &[("cmd", "pause"), ("name", "mp_replication_agent0_default_bpdoc")]).status, 200);
    assert_eq!(status(&mut stage), true);
    assert!(stage.get(&format!("{AGENT}.html")).text().contains("Queue is <strong>paused</strong>"));
    stage.post(&path, &[("cmd", "resume")]);
    assert_eq!(status(&mut stage), false);
    assert_eq!(stage.post(&path, &[("cmd", "explode")]).status, 400);
}

#[test]
fn an_agent_that_is_made_anew_has_neither_the_log_nor_the_pause_of_the_old_one() {
    let mut stage = Stage::new("configured");
    test(&mut stage, token(), ok());
    stage.post(&format!("{AGENT}/jcr:content.queue.json"), &[("cmd", "pause")]);
    assert!(matches!(stage.step("DELETE", AGENT, &[]), Step::Answer(Response { status: 204, .. })));
    let cloud = "/etc/cloudservices/mediaportal/BPdocConfiguration/jcr:content.json";
    let pid = stage.json(cloud)["imsConfig"].as_str().expect("a PID").to_owned();
    let form = [("item", ""), ("name", "BPdocConfiguration"), ("tenantURL", TENANT_URL), ("imsConfig", &pid)];
    assert_eq!(stage.post("/apps/brandportal/config", &form).status, 200);
    stage.advance(jiff::SignedDuration::from_secs(1));
    let page = stage.get(&format!("{AGENT}.html")).text();
    assert!(page.contains("Queue is <strong>idle</strong>"), "{page}");
    assert!(!stage.get(&format!("{AGENT}.log.html")).text().contains("INFO"));
}
