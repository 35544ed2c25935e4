use super::*;
use crate::learn::capture::BODY_CAP;

fn read_text(name: &str, text: &str) -> Result<Vec<Capture>, String> {
    let path = std::env::temp_dir().join(format!("bpconform-{}-{name}.har", std::process::id()));
    std::fs::write(&path, text).expect("the temporary directory can be written");
    let mut captures = Vec::new();
    read(&path, |capture| captures.push(capture)).map(|()| captures)
}

#[test]
fn a_broken_file_is_named_by_entry_and_line() {
    let error = |name, text| read_text(name, text).expect_err("it is broken");
    assert_eq!(error("empty", ""), "this is not a HAR file: EOF while parsing a value at line 1 column 0");
    assert_eq!(error("other", r#"{"a": [1]}"#), "this is not a HAR file: it has no log.entries");
    let text = "{\"log\": {\"entries\": [\n{\"request\": {\"method\": \"GET\", \"url\": \"http://a/libs/x\"}},\n{\"request\": {}}]}}";
    assert!(error("field", text).starts_with("entry 2: missing field `method` at line 3"));
    let text = r#"{"log": {"entries": [{"request": {"method": "GET", "url": "::"}}]}}"#;
    assert!(error("url", text).starts_with("entry 1: its URL cannot be read"));
    let cut = r#"{"log": {"entries": [{"request": {"method": "GET", "url": "http://a/libs/x"}}"#;
    assert!(error("cut", cut).contains("EOF while parsing a list"));
}

#[test]
fn an_answer_is_read_as_text_and_capped() {
    let long = "x".repeat(BODY_CAP + 10);
    let text = format!(
        r#"{{"log": {{"pages": [], "entries": [{{"startedDateTime": "2026-11-23T10:00:00.000Z", "request": {{"method":
        "post", "url": "http://a/libs/x"}}, "response": {{"content": {{"text": "{long}"}}}}}}]}}}}"#
    );
    let captures = read_text("long", &text).expect("it is right");
    assert_eq!((captures[0].answer.len(), captures[0].method.as_str()), (BODY_CAP, "POST"));
    assert_eq!(captures[0].day.as_deref(), Some("2026-11-23"));
}

const FORM: &str = "cloudServiceName=Adobe+Brand+Portal&clientSecret=canary-of-mine";

/// A HAR with one entry: a form that was sent, `post` being its body as a program wrote it down.
fn sent(head: &str, post: &str, tail: &str) -> String {
    format!(
        r#"{{"log": {{"entries": [{{{head} "request": {{"method": "POST", "url": "http://a:4502/libs/x", "headers": [
        {{"name": "Content-Type", "value": "application/x-www-form-urlencoded"}}], "postData": {post}}}{tail}}}]}}}}"#
    )
}

fn post(text: &str) -> String {
    format!(r#"{{"mimeType": "application/x-www-form-urlencoded", "text": {}}}"#, serde_json::Value::from(text))
}

fn assert_read(what: &str, har: &[u8]) {
    let mut captures = Vec::new();
    let read = read_from(har, |capture| captures.push(capture));
    assert_eq!(read, Ok(()), "{what}");
    let capture = captures.pop().unwrap_or_else(|| panic!("{what}: no request"));
    let names: Vec<&str> = capture.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["cloudServiceName", "clientSecret"], "{what}");
    assert!(capture.secrets.contains(&"canary-of-mine".to_owned()), "{what}");
}

#[test]
fn a_body_is_read_as_every_program_writes_it() {
    let params = r#"[{"name": "cloudServiceName", "value": "Adobe+Brand+Portal"},
        {"name": "clientSecret", "value": "canary-of-mine"}]"#;
    let headers = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 61\r\n\r\n";
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, FORM);
    let bodies = [
        ("text alone", post(FORM)),
        ("a type with a charset", post(FORM).replace("urlencoded", "urlencoded; charset=UTF-8")),
        ("Fiddler: parameters alone", format!(r#"{{"mimeType": "x", "params": {params}}}"#)),
        ("Charles: an empty text and parameters", format!(r#"{{"mimeType": "", "text": "", "params": {params}}}"#)),
        ("Firefox: headers before the body", post(&format!("{headers}{FORM}"))),
        ("Proxyman: null in place of a list", post(FORM).replace('}', r#", "params": null, "encoding": null}"#)),
        ("no type", format!(r#"{{"mimeType": null, "text": "{FORM}"}}"#)),
        ("Reqable: base64", format!(r#"{{"encoding": "base64", "text": "{base64}"}}"#)),
        ("base64 without padding", format!(r#"{{"encoding": "Base64", "text": "{}"}}"#, base64.trim_end_matches('='))),
        ("HTTP Toolkit", format!(r#"null, "_content": {{"encoding": "base64", "text": "{base64}"}}"#)),
        (
            "mitmproxy: an object of parameters",
            r#"{"params": {"cloudServiceName": "x", "clientSecret": "canary-of-mine"}}"#.into(),
        ),
    ];
    for (program, post) in bodies {
        assert_read(program, sent("", &post, "").as_bytes());
    }
}

#[test]
fn a_file_is_read_as_every_program_writes_it() {
    let text = sent("", &post(FORM), "");
    let utf16 = |mark: &str| format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let latin1 = sent("", &post(FORM), r#", "response": {"content": {"text": "caf?"}}"#).replace("caf?", "caf\u{0}");
    let files = [
        ("a byte-order mark", format!("\u{feff}{text}").into_bytes()),
        ("UTF-16 with its mark", utf16("\u{feff}")),
        ("UTF-16 without one", utf16("")),
        ("zero bytes at the end", format!("{text}\n\0\0").into_bytes()),
        ("an answer in Latin-1", latin1.bytes().map(|byte| if byte == 0 { 0xe9 } else { byte }).collect()),
    ];
    for (what, file) in files {
        assert_read(what, &file);
    }
}

#[test]
fn parts_that_programs_leave_out_or_write_as_null_are_missing() {
    let tails = [
        r#", "response": null"#,
        r#", "response": {}"#,
        r#", "response": {"headers": null, "cookies": null, "content": null}"#,
        r#", "response": {"content": {"mimeType": null, "text": null, "encoding": null, "size": null}}"#,
        r#", "response": {"content": {"text": {"a": 1}}}, "cache": null, "timings": null, "serverIPAddress": null"#,
    ];
    for tail in tails {
        assert_read(tail, sent("", &post(FORM), tail).as_bytes());
    }
    let with = |headers: &str| {
        sent("", &post(FORM), "").replace("\"headers\": [", &format!("\"headers\": {headers}, \"_h\": ["))
    };
    for headers in [
        "null",
        "{\"Cookie\": \"x\"}",
        "[null]",
        "[{\"value\": \"x\"}]",
        "[{\"name\": \"Cookie\"}]",
        "[{\"name\": \"n\", \"value\": 5}]",
    ] {
        assert_read(headers, with(headers).as_bytes());
        assert_read(headers, with(headers).replace("\"headers\"", "\"cookies\"").as_bytes());
    }
    for date in ["null", "1763600000000", "\"\"", "\"today\""] {
        assert_read(date, sent(&format!("\"startedDateTime\": {date},"), &post(FORM), "").as_bytes());
    }
}

#[test]
fn what_is_no_request_over_http_is_passed_over() {
    let other = |url: &str| sent("", &post(FORM), "").replace("http://a:4502/libs/x", url);
    for url in
        ["", "about:blank", "blob:http://a/0", "chrome-extension://abc/x", "ws://a/ws", "a.example.com:443", "data:,x"]
    {
        let mut count = 0;
        let read = read_from(other(url).as_bytes(), |_| count += 1);
        assert_eq!((read, count), (Ok(()), 0), "{url}");
    }
    assert_read("the path alone", other("/libs/x").as_bytes());
}

#[test]
fn a_list_of_nothing_and_what_is_no_har_are_told_apart() {
    for text in [r#"{"log": {"entries": null}}"#, r#"{"log": {"entries": []}}"#] {
        assert_eq!(read_from(text.as_bytes(), |_| ()), Ok(()), "{text}");
    }
    for text in
        ["null", "[]", r#"{"log": null}"#, r#"{"log": {}}"#, r#"{"log": []}"#, r#"{"log": {"entries": {}}}"#, "<html>"]
    {
        let problem = read_from(text.as_bytes(), |_| ()).expect_err(text);
        assert!(problem.starts_with("this is not a HAR file: "), "{text}: {problem}");
    }
    let compressed = std::env::temp_dir().join(format!("bpconform-{}.har.gz", std::process::id()));
    std::fs::write(&compressed, [0x1f, 0x8b, 8, 0]).expect("the temporary directory can be written");
    assert!(read(&compressed, |_| ()).expect_err("it is compressed").contains("unpack it"));
}

fn refused(har: &str) -> Vec<Option<String>> {
    let mut captures = Vec::new();
    read_from(har.as_bytes(), |capture| captures.push(capture.refused)).expect("it is right");
    captures
}

#[test]
fn how_the_author_refused_a_request_is_read() {
    let answered = |answer: &str| refused(&sent("", &post(FORM), &format!(", \"response\": {answer}"))).remove(0);
    assert_eq!(answered(r#"{"status": 403}"#).as_deref(), Some("answered 403"));
    assert_eq!(answered(r#"{"status": "500"}"#).as_deref(), Some("answered 500"));
    let login = "/libs/granite/core/content/login.html?resource=%2F";
    for to in [
        format!(r#"{{"status": 302, "redirectURL": "{login}"}}"#),
        format!(r#"{{"status": 302, "headers": [{{"name": "Location", "value": "{login}"}}]}}"#),
    ] {
        assert_eq!(answered(&to).as_deref(), Some("answered 302, a redirect to a login page"));
    }
    let page = r#"{"status": 200, "content": {"text": "<form action='/libs/j_security_check'>"}}"#;
    assert_eq!(answered(page).as_deref(), Some("answered with its login page"));
    for accepted in [
        r#"{"status": 200}"#,
        r#"{"status": 302, "redirectURL": "/libs/x.html"}"#,
        r#"{"status": 0}"#,
        r#"{"status": null}"#,
        "null",
    ] {
        assert_eq!(answered(accepted), None, "{accepted}");
    }
}

#[test]
fn what_is_not_quite_json_is_read() {
    let har = sent(r#""time": NaN, "note": "half a \ud83d pair", "more": [1,],"#, &post(FORM), r#", "x": -Infinity"#);
    assert_read("numbers and texts that JSON does not have", har.as_bytes());
    let body = post(FORM).replace("Adobe+Brand+Portal", "\\ud83d");
    assert_read("half a pair in a body", sent("", &body, "").as_bytes());
}

#[test]
fn a_compressed_body_is_named() {
    let mut captures = Vec::new();
    let body = r#"{"text": "H4sIAAAAAAAA/0tMBABM8i2yAgAAAA==", "encoding": "base64"}"#;
    read_from(sent("", body, "").as_bytes(), |capture| captures.push(capture)).expect("it is right");
    let unread = captures[0].unread.clone().expect("it was not read");
    assert!(unread.starts_with("its body is compressed (gzip) and was not read"), "{unread}");
    let named =
        sent("", body, "").replace(r#""headers": ["#, r#""headers": [{"name": "content-encoding", "value": "br"},"#);
    read_from(named.as_bytes(), |capture| captures.push(capture)).expect("it is right");
    assert!(captures[1].unread.as_ref().is_some_and(|unread| unread.contains("Content-Encoding: br")));
}
