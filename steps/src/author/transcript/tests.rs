use bpconform_fixtures::Surfaces;
use serde_json::json;

use super::*;
use crate::problem::Kind;

const TARGET: &str = "https://bpdoc.brand-portal.adobe.com/bin/receive?sling:authRequestLogin=1";
const NAME: &str = "mp_replication_agent0_default_bpdoc";

fn agent() -> Agent {
    Agent {
        name: NAME.into(),
        properties: json!({ "jcr:title": "bpdoc MP Replication Agent0 Default", "transportUri": TARGET, "enabled": "true",
            "transportUser": "mac-bpdoc-replication" }),
    }
}

/// The page of §4.2 with the lines that matter, and what stands in the place of response and result.
fn page(response: &str, result: &str) -> String {
    format!(
        "<html><body><h1>Replication test to {TARGET}</h1>\n<code>\
        2026-01-02 03:04:05 - Create new HttpClient for bpdoc MP Replication Agent0 Default<br>\n\
        2026-01-02 03:04:05 - * Reference to access token provider is using deprecated accessTokenProviderPid, use \
        accessTokenProviderName instead.<br>\n\
        2026-01-02 03:04:05 - adding header: Path:/content<br>\n\
        2026-01-02 03:04:05 - Sending POST request to {TARGET}<br>\n\
        2026-01-02 03:04:05 - * OAuth 2.0 User: mac-bpdoc-replication<br>\n\
        2026-01-02 03:04:05 - sent. Response: {response}<br>\n\
        2026-01-02 03:04:05 - &gt;&gt; POST /bin/receive HTTP/1.0<br>\n\
        2026-01-02 03:04:05 - &gt;&gt; Path: /content<br>\n\
        2026-01-02 03:04:05 - << HTTP/1.1 {response}<br>\n\
        2026-01-02 03:04:05 - << Content-Length: 26<br>\n\
        2026-01-02 03:04:05 - << <br>\n\
        2026-01-02 03:04:05 - << ReplicationAction TEST ok.<br>\n\
        2026-01-02 03:04:05 - Message sent.<br>\n\
        2026-01-02 03:04:05 - Replication (TEST) of /content successful.<br>\n\
        </code><hr>Replication test {result}</body></html>"
    )
}

fn good() -> String {
    page("200 OK", "<b>succeeded</b>")
}

fn reply(surface: &str, status: u16, body: &str) -> Reply {
    Reply {
        surface: surface.into(),
        method: "GET".into(),
        url: url::Url::parse("http://localhost/a.test.html").expect("a URL"),
        status,
        headers: Vec::new(),
        body: body.into(),
        redactor: crate::redact::Redactor::default(),
    }
}

fn verdict(status: u16, body: &str) -> Checked {
    let surface = Surfaces::built_in().get("author.agent-test");
    let answered = "2026-01-02T03:04:06Z".parse().expect("a time");
    Transcript::read(reply(&surface.id, status, body), surface, answered)?.judge(&agent(), surface)
}

/// The log of the agent with these lines.
fn log_of(lines: &str) -> Checked<Log> {
    let page = format!("<html><body><h1>Log</h1><code>\n{lines}</code></body></html>");
    Log::read(&reply("author.agent-log", 200, &page), NAME, Timestamp::UNIX_EPOCH)
}

fn kind(status: u16, body: &str) -> Option<Kind> {
    verdict(status, body).err().map(|problem| problem.kind)
}

/// The good page with one text in place of another.
fn with(old: &str, new: &str) -> String {
    let good = good();
    assert!(good.contains(old), "{old}");
    good.replace(old, new)
}

#[test]
fn a_delivered_test_package_passes_whatever_the_tag_of_the_last_word() {
    assert_eq!(verdict(200, &good()), Ok(()));
    assert_eq!(verdict(200, &page("200 OK", "<strong>succeeded</strong>")), Ok(()));
}

#[test]
fn what_was_sent_and_answered_is_compared_with_the_question() {
    let sent = |line: &str| {
        with("&gt;&gt; Path: /content", &format!("&gt;&gt; Path: /content<br>\n2026-01-02 03:04:05 - {line}"))
    };
    for right in [
        sent("&gt;&gt; Action: Test"),
        sent("&gt;&gt; Act"),
        sent("&gt;&gt; Action: Te"),
        sent("&gt;&gt; Host: BPDOC.brand-portal.adobe.com:443"),
        sent("http-outgoing-1 &gt;&gt; \"Action: Test[\\r][\\n]\""),
        sent("adding header: Action:Test"),
        sent("&gt;&gt; CONNECT bpdoc.brand-portal.adobe.com:443 HTTP/1.1"),
        with("POST /bin/receive HTTP", "POST /bin/receive?sling:authRequestLogin=1 HTTP"),
    ] {
        assert_eq!(verdict(200, &right), Ok(()), "{right}");
    }
    for wrong in [
        sent("&gt;&gt; Action: Activate"),
        sent("&gt;&gt; Host: other.brand-portal.adobe.com"),
        sent("adding header: Action:Activate"),
        with("POST /bin/receive HTTP", "POST /bin/other HTTP"),
        with("of /content successful.", "of /content failed."),
        with("<< ReplicationAction TEST ok.", "<< &lt;html&gt;expected ReplicationAction TEST ok. but access denied"),
        with("<< Content-Length: 26", "<< X-Note: ReplicationAction TEST ok.")
            .replace("<< ReplicationAction TEST ok.", "<< no"),
    ] {
        assert_eq!(kind(200, &wrong), Some(Kind::Failed), "{wrong}");
    }
}

#[test]
fn an_old_page_is_no_answer() {
    let old = good().replace("03:04:05", "02:57:05");
    assert_eq!(kind(200, &old), Some(Kind::Error));
    assert_eq!(verdict(200, &good().replace("03:04:05", "08:49:05")), Ok(()), "in Nepal");
}

#[test]
fn a_page_in_another_language_is_judged_by_its_transcript() {
    let english = good();
    let translated = |heading: &str, word: &str| {
        english.replace("Replication test to", heading).replace("Replication test <b>succeeded</b>", word)
    };
    for (heading, word) in [
        ("Replikationstest an", "Replikationstest <b>erfolgreich</b>"),
        ("Test de réplication vers", "Test de réplication <b>réussi</b>"),
        ("レプリケーションテスト", "レプリケーションテスト <b>成功</b>"),
    ] {
        let page = translated(heading, word);
        assert_eq!(verdict(200, &page), Ok(()), "{word}");
        let failed = page.replace("of /content successful.", "of /content not successful.");
        assert_eq!(kind(200, &failed), Some(Kind::Failed), "{word}");
        let other = page.replacen("https://bpdoc", "https://other", 1);
        assert_eq!(kind(200, &other), Some(Kind::Failed), "{word}");
        let silent = page.replace("2026-01-02 03:04:05 - Replication (TEST) of /content successful.<br>\n", "");
        assert_eq!(kind(200, &silent), Some(Kind::Error), "{word}");
        assert_eq!(kind(200, page.trim_end_matches("</body></html>")), Some(Kind::Error), "{word}");
    }
    let mixed = translated("Replication test to", "Replikationstest <b>erfolgreich</b>");
    assert_eq!(kind(200, &mixed), Some(Kind::Failed), "an English page has an English result");
}

#[test]
fn a_body_that_the_wire_log_splits_and_interim_answers_are_read() {
    let body = "2026-01-02 03:04:05 - << ReplicationAction TEST ok.<br>";
    let line = |text: &str| format!("2026-01-02 03:04:05 - << {text}<br>");
    for parts in [
        vec!["R", "eplicationAction TEST ok."],
        vec!["ReplicationAction TE", "ST ok."],
        vec!["1a", "ReplicationAction TEST ok.", "0", ""],
        vec!["10", "ReplicationActio", "a", "n TEST ok.", "0", ""],
        vec!["ReplicationAction TEST ok.[\\n]"],
        vec!["\"ReplicationAction TEST ok.\""],
        vec!["ReplicationAction", " TEST", " ok."],
    ] {
        let split: Vec<_> = parts.iter().map(|part| line(part)).collect();
        assert_eq!(verdict(200, &with(body, &split.join("\n"))), Ok(()), "{parts:?}");
    }
    let head = "2026-01-02 03:04:05 - << HTTP/1.1 200 OK<br>";
    let interim = format!("{}\n{}\n{head}", line("HTTP/1.1 100 Continue"), line(""));
    assert_eq!(verdict(200, &with(head, &interim)), Ok(()));
}

#[test]
fn times_in_any_zone_and_format_pass_and_stale_ones_fail() {
    for time in ["02.01.2026 03:04:05", "2026-01-02 16:04:05", "2026-01-01 16:04:05"] {
        assert_eq!(verdict(200, &with("2026-01-02 03:04:05", time)), Ok(()), "{time}");
    }
    for time in ["2025-01-02 03:04:05", "2026-01-01 03:04:05", "2026-01-03 03:04:05"] {
        assert_eq!(kind(200, &with("2026-01-02 03:04:05", time)), Some(Kind::Failed), "{time}");
    }
}

#[test]
fn the_transcript_of_another_agent_or_user_fails() {
    for (old, new) in [
        ("bpdoc MP Replication Agent0 Default", "bpdoc MP Replication Agent2 Default"),
        ("bpdoc MP Replication Agent0 Default", "other MP Replication Agent0 Default"),
        ("Message sent.", "Message sent by mp_replication_agent2_default_bpdoc"),
        ("mac-bpdoc-replication", "mac-other-replication"),
        ("Sending POST request to https://bpdoc", "Sending POST request to https://other"),
        ("Replication test to https://bpdoc", "Replication test to https://other"),
    ] {
        assert_eq!(kind(200, &with(old, new)), Some(Kind::Failed), "{new}");
    }
}

#[test]
fn a_success_that_contradicts_itself_fails() {
    for (old, new) in [
        ("of /content successful.", "of /content not successful."),
        ("Replication (TEST) of /content successful.", "Replication (ACTIVATE) of /content successful."),
        ("Replication (TEST) of /content successful.", "Replication (TEST) of /content/other successful."),
        ("Message sent.", "java.lang.IllegalStateException: x<br>\nat a.b.C.d(C.java:1)"),
        ("Message sent.", "ERROR - something"),
        ("Message sent.", "Error while replicating: x"),
        ("<< HTTP/1.1 200 OK", "<< HTTP/1.1 302 Found"),
        ("sent. Response: 200 OK", "sent. Response: 401 Unauthorized"),
    ] {
        assert_eq!(kind(200, &with(old, new)), Some(Kind::Failed), "{new}");
    }
}

#[test]
fn success_without_its_proof_is_failed() {
    for proof in ["sent. Response: 200 OK", "ReplicationAction TEST ok.", "Sending POST request to"] {
        assert_eq!(kind(200, &with(proof, "")), Some(Kind::Failed), "{proof}");
    }
}

#[test]
fn a_failed_test_is_failed_with_its_deepest_cause_and_its_last_lines() {
    let problem = verdict(200, &page("200 OK", "<b>failed</b>")).expect_err("failed");
    assert_eq!(problem.kind, Kind::Failed);
    assert!(problem.reason.contains(NAME), "{problem}");
    assert!(problem.lines.iter().any(|line| line.contains("/content successful.")), "{problem:?}");
    let failed = page("401 Unauthorized", "<b>failed</b>")
        .replace("adding header: Path:/content", "No OAuth token available. OAuth not initialized");
    assert_eq!(verdict(200, &failed).expect_err("failed").cause, Some(Cause::OauthNotInitialised));
}

#[test]
fn what_is_no_whole_page_of_a_test_is_an_error() {
    let good = good();
    assert_eq!(kind(500, &good), Some(Kind::Error));
    assert_eq!(kind(200, ""), Some(Kind::Error));
    assert_eq!(kind(200, "<html>j_security_check succeeded</html>"), Some(Kind::Error));
    assert_eq!(kind(200, good.split("<hr>").next().expect("a part")), Some(Kind::Error));
}

#[test]
fn a_log_is_empty_or_has_entries_of_its_agent() {
    let line = |agent: &str| format!("2026-01-02 03:04:05 - INFO - {agent} : Message sent.<br>\n");
    assert_eq!(log_of("").map(|log| log.entries.iter().any(|entry| entry.time.is_some())), Ok(false));
    assert!(log_of(&line(NAME)).is_ok());
    for other in ["Wartung", &line("mp_replication_agent1_default_bpdoc"), &line("mp_replication_agent0_default_acme")]
    {
        assert_eq!(log_of(other).map_err(|problem| problem.kind), Err(Kind::Error), "{other}");
    }
}

#[test]
fn only_what_was_answered_is_a_status() {
    let statuses =
        |text: &str| log_of(&format!("2026-01-02 03:04:05 - INFO - {NAME} : {text}<br>\n")).expect("a log").statuses();
    for answered in [
        "&lt;&lt; HTTP/1.1 401 Unauthorized",
        "http-outgoing-3 &lt;&lt; \"HTTP/1.1 401 Unauthorized[\\r][\\n]\"",
        "sent. Response: 401 Unauthorized",
        "Transfer failed for x. java.io.IOException: Failed to execute request 'x': Server returned status code 401 with message: y",
    ] {
        assert_eq!(statuses(answered), [401], "{answered}");
    }
    for other in
        ["&lt;&lt; content-length: 401", "* Connect Timeout: 401", "Replication (TEST) of /content/401 failed."]
    {
        assert_eq!(statuses(other), [0; 0], "{other}");
    }
}

#[test]
fn a_log_that_ends_in_a_failure_says_which() {
    let read = |text: &str| {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let entries = log::entries(lines.iter().map(String::as_str));
        Log { lines, entries, answered: Timestamp::UNIX_EPOCH }.last_failure(|_| true)
    };
    let failed = "2026-11-23 10:00:00 - ERROR - a : Transfer failed for ReplicationAction{userId='admin'}. Read timed out\n\
                  2026-11-23 10:00:00 - ERROR - a : Replication (ACTIVATE) of /content/dam/x.png not successful.\n";
    let delivered = "2026-11-23 10:01:00 - INFO - a : Replication (ACTIVATE) of /content/dam/a.png successful.\n";
    let found = read(failed).expect("it ends in one");
    assert_eq!((found.cause, found.delivered_since, found.times), (Cause::ConnectionTimedOut, false, 2));
    assert!(found.text.contains("Read timed out"), "{found:?}");
    assert!(read(&format!("{failed}{delivered}")).expect("there is one").delivered_since);
    assert!(!read(&format!("{delivered}{failed}")).expect("there is one").delivered_since);
    assert_eq!(read(delivered), None);
    let unknown = read("2026-11-23 10:00:00 - ERROR - a : something new").expect("an error is one");
    assert_eq!(unknown.cause, Cause::DeliveryFailed);
}

proptest::proptest! {
    #[test]
    fn a_page_cut_anywhere_before_its_result_never_passes(cut in 0usize..2000) {
        let good = good();
        let cut = cut.min(good.find("succeeded").expect("there"));
        proptest::prop_assert!(verdict(200, &good[..cut]).is_err());
    }
}
