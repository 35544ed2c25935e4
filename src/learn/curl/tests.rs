use super::*;

fn read_text(name: &str, text: &str) -> Result<Vec<Capture>, String> {
    let path = std::env::temp_dir().join(format!("bpconform-{}-{name}.curl", std::process::id()));
    std::fs::write(&path, text).expect("the temporary directory can be written");
    let mut captures = Vec::new();
    read(&path, |capture| captures.push(capture)).map(|()| captures)
}

#[test]
fn what_a_browser_copies_is_read() {
    let text = "curl 'https://a.example/libs/x?y=1' \\\n  -X 'POST' \\\n  -H 'content-type: \
        application/x-www-form-urlencoded' \\\n  --data-raw $'a=it\\'s\\u0021&b=%2Fc' \\\n  --compressed ;\n\
        curl -uadmin:canary-9 -F 'a=1' -F f=@file https://a.example/libs/z\n";
    let captures = read_text("browser", &format!("\u{feff}{text}")).expect("it is right");
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!((captures[0].method.as_str(), captures[0].path.as_str()), ("POST", "/libs/x"));
    assert_eq!(captures[0].fields, [field("a", "it's!"), field("b", "/c")]);
    assert_eq!((captures[1].place.as_str(), captures[1].method.as_str()), ("line 6", "POST"));
    assert_eq!(captures[1].fields, [field("a", "1"), field("f", "")]);
    assert!(captures[1].secrets.contains(&"canary-9".to_owned()));
}

#[test]
fn a_broken_command_is_named_by_its_line() {
    let error = |name, text| read_text(name, text).expect_err("it is broken");
    assert!(error("none", "wget x").contains("no line begins with curl"));
    assert!(error("quote", "\n\ncurl 'http://a/libs").starts_with("line 3: the command that begins here has a quot"));
    assert!(error("url", "curl -s").starts_with("line 1: it names no URL"));
    assert!(error("value", "curl http://a -X").starts_with("line 1: -X has no value"));
    assert!(error("address", "curl nowhere").starts_with("line 1: its URL cannot be read"));
}

const URL: &str = "http://author.example.com:4502/libs/x";

/// What is captured of a text, one line for each request: method, address, and the fields.
fn read_all(text: &str) -> Result<Vec<String>, String> {
    let mut captures = Vec::new();
    super::read_text(text, |capture| {
        let fields: Vec<String> = capture.all_fields().map(|(name, value)| format!("{name}={value}")).collect();
        captures.push(format!("{} {}{} {}", capture.method, capture.host, capture.path, fields.join("&")));
    })
    .map(|()| captures)
}

#[test]
fn every_option_that_takes_a_value_leaves_the_address_alone() {
    for option in [
        "--retry 3",
        "-sSk",
        "-sSkLu admin:p",
        "-sSkLuadmin:p",
        "--proxy-user u:p",
        "-x http://p:3128",
        "-w '%{http_code}'",
        "-o/dev/null",
        "-m10",
        "--max-time=10",
        "-C -",
        "-z Mon",
        "-Q x",
        "--form-escape",
        "--http2",
        "--tls13-ciphers x",
        "--connect-to ::x:",
        "--aws-sigv4 aws:amz",
        "--no-progress-meter",
        "--no-keepalive",
    ] {
        let text = format!("curl {option} {URL} -d a=1");
        let wanted = if option == "--next" {
            Err("line 1: it names no URL".to_owned())
        } else {
            Ok(vec![format!("POST author.example.com/libs/x a=1")])
        };
        assert_eq!(read_all(&text), wanted, "{option}");
    }
}

#[test]
fn commands_are_found_wherever_people_paste_them() {
    for text in [
        "curl -d a=1 URL",
        "$ curl -d a=1 URL",
        "user@host:~$ curl -d a=1 URL",
        "root@host:/# curl -d a=1 URL",
        "C:\\Users\\me>curl.exe -d a=1 URL",
        "PS C:\\> curl.exe -d a=1 URL",
        "/usr/bin/curl -d a=1 URL",
        "time sudo curl -d a=1 URL",
        "TOKEN=x curl -d a=1 URL",
        "```sh\ncurl -d a=1 URL\n```\nDon't worry.",
        "# it isn't one\ncurl -d a=1 URL",
        "# curl -d b=1 URL\ncurl -d a=1 URL",
        "curl \\\r\n  -d a=1 \\\r\n  URL\r\n",
        "curl URL\n  -d a=1\n",
        "curl -d a=1 URL | jq .",
        "curl -d a=1 URL > out.txt 2>&1",
        "curl -d @- URL <<EOF\na=1\nEOF",
        "curl -d @- URL <<< a=1",
        "echo 'it' | curl -d a=1 URL",
        "curl -d 'a=1' URL &",
        "cmd /c echo\ncurl ^\"URL^\" ^\n --data-raw ^\"a=1^\"",
        "curl -da=1 --url URL",
        "curl --request=POST --data=a=1 --url=URL",
        "curl -X POST --data-urlencode a=1 -- URL",
    ] {
        let text = text.replace("URL", URL);
        assert_eq!(read_all(&text), Ok(vec!["POST author.example.com/libs/x a=1".to_owned()]), "{text}");
    }
}

#[test]
fn every_request_of_a_command_is_read() {
    for (text, wanted) in [
        (
            "curl URL -d a=1 --next URL -d b=2",
            vec!["POST author.example.com/libs/x a=1", "POST author.example.com/libs/x b=2"],
        ),
        ("curl --next URL -d a=1", vec!["POST author.example.com/libs/x a=1"]),
        ("curl URL -d a=1 -: URL", vec!["POST author.example.com/libs/x a=1", "GET author.example.com/libs/x "]),
        ("curl URL URL", vec!["GET author.example.com/libs/x ", "GET author.example.com/libs/x "]),
        (
            "curl URL ; curl URL -d a=1 && curl -I URL",
            vec![
                "GET author.example.com/libs/x ",
                "POST author.example.com/libs/x a=1",
                "HEAD author.example.com/libs/x ",
            ],
        ),
        ("curl URL &\ncurl URL -d a=1 &", vec!["GET author.example.com/libs/x ", "POST author.example.com/libs/x a=1"]),
    ] {
        assert_eq!(read_all(&text.replace("URL", URL)), Ok(wanted.into_iter().map(str::to_owned).collect()), "{text}");
    }
}

#[test]
fn what_is_sent_is_read_as_curl_sends_it() {
    for (text, wanted) in [
        ("curl author.example.com:4502/libs/x -d a=1", "POST author.example.com/libs/x a=1"),
        ("curl localhost:4502/libs/x", "GET localhost/libs/x "),
        ("curl -g 'http://[::1]:4502/libs/x'", "GET [::1]/libs/x "),
        ("curl -G URL -d a=1 -d b=2", "GET author.example.com/libs/x a=1&b=2"),
        ("curl -G 'URL?c=3#top' -d a=1", "GET author.example.com/libs/x c=3&a=1"),
        ("curl URL --url-query 'a=b c' --url-query +d=e", "GET author.example.com/libs/x a=b c&d=e"),
        ("curl -T file URL", "PUT author.example.com/libs/x "),
        ("curl -X DELETE URL", "DELETE author.example.com/libs/x "),
        (
            "curl URL --data-urlencode 'a=b&c=d' --data-urlencode s@secret.txt",
            "POST author.example.com/libs/x a=b&c=d&s=(in a file)",
        ),
        ("curl URL --data-urlencode '=hidden' --data-raw @x=1", "POST author.example.com/libs/x @x=1"),
        ("curl URL --json '{\"a\":' --json '1}'", "POST author.example.com/libs/x a=1"),
        ("curl URL -d '{\"a\":1}'", "POST author.example.com/libs/x a=1"),
        (
            "curl URL -F 'a=b;type=text/plain' -F 'f=@x;type=y' --form-string 'c=@d;e'",
            "POST author.example.com/libs/x a=b&f=&c=@d;e",
        ),
        (
            "curl URL -H 'content-type: multipart/form-data; boundary=B' --data-raw $'--B\\r\\nContent-Disposition: form-data; name=\"a\"\\r\\n\\r\\n1\\r\\n--B--\\r\\n'",
            "POST author.example.com/libs/x a=1",
        ),
        ("curl $\"URL\" -d a=$'\\x41\\u0021'", "POST author.example.com/libs/x a=A!"),
    ] {
        assert_eq!(read_all(&text.replace("URL", URL)), Ok(vec![wanted.to_owned()]), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_reason() {
    for (text, reason) in [
        (
            "Invoke-WebRequest -Uri \"URL\" `\n-Method \"POST\"",
            "but a request of PowerShell; copy the request with Copy as cURL (bash)",
        ),
        ("curl -Uri URL -Method POST", "line 1: it is a command of PowerShell"),
        ("curl.exe URL `\n -d a=1", "line 1: it is a command of PowerShell"),
        ("fetch(\"URL\", {});", "but a request of JavaScript"),
        ("curl -K settings URL", "line 1: it reads options from a file (--config)"),
        ("curl “URL”", "line 1: its quotation marks are typographic"),
        ("curl \"$HOST/libs/x\"", "line 1: its URL begins with a variable"),
        ("curl {{host}}/libs/x", "line 1: its URL begins with a variable"),
        ("curl -H a: b URL", "line 1: its URL cannot be read: it has no host"),
        ("curl --frobnicate hush URL", "line 1: --frobnicate is not known as an option of curl; leave it out"),
        ("curl URL -d @body.txt", "line 1: its body is in a file, which is not opened"),
        ("curl URL -F a", "line 1: a part of its form has no `=`"),
        ("curl URL -d", "line 1: -d has no value"),
        ("\ncurl http://<host>/libs/x > y", "line 2: "),
    ] {
        let told = read_all(&text.replace("URL", URL)).expect_err(text);
        assert!(told.contains(reason), "{text}: {told}");
        assert!(!told.contains("hush"), "{told}");
    }
}

#[test]
fn secrets_of_every_option_are_known() {
    let text = "curl -u a:canary-1 -U a:canary-2 --oauth2-bearer canary-3 --pass canary-4 --proxy-header 'X: canary-5' \
        -x http://u:canary-6@p:1 -E cert:canary-7 -b 'a=canary-8' -H 'Authorization: Bearer canary-9' http://a/libs/x";
    let captures = read_text("secrets", text).expect("it is right");
    for number in 1..=9 {
        assert!(captures[0].secrets.contains(&format!("canary-{number}")), "{number}: {:?}", captures[0].secrets);
    }
}

#[test]
fn a_command_is_found_wherever_it_stands() {
    let wanted = ["POST author.example.com/libs/x a=1"];
    let curl = format!("curl '{URL}' -d 'a=1'");
    let double = format!("\"{URL}\" -d \"a=1\"");
    for text in [
        format!("cd /tmp && {curl}"),
        format!("cd /tmp; {curl} && echo ok"),
        format!("test -f x || {curl}"),
        format!("R=$({curl})"),
        format!("R=\"$({curl})\"\necho $R"),
        format!("R=`{curl}`"),
        format!("({curl})"),
        format!("if {curl}; then echo; fi"),
        format!("time {curl}"),
        format!("sudo {curl}"),
        format!("sudo -u nobody {curl}"),
        format!("timeout 10 {curl}"),
        format!("A='b c' {curl}"),
        format!("Run `{curl}` as admin"),
        format!("\"C:\\Program Files\\Git\\mingw64\\bin\\curl.exe\" {double}"),
        format!("& \"C:\\Program Files\\curl.exe\" {double}"),
        format!("'/opt/my tools/curl' {double}"),
    ] {
        assert_eq!(read_all(&text), Ok(wanted.map(str::to_owned).to_vec()), "{text}");
    }
    assert!(read_all("# cd x && curl http://a/b").is_err());
    assert!(read_all("the curl command; see the documents").is_err());
}

#[test]
fn an_address_for_several_requests_is_refused() {
    for address in ["http://a/{b,c}/x", "http://a/x[1-3]", "http://a/{b}.html", "http://a/x[a-c:2]?y=1"] {
        let error = read_all(&format!("curl '{address}' -d a=1")).expect_err(address);
        assert!(error.contains("line 1: its URL has `") && error.contains("write one address"), "{error}");
    }
    for (text, path) in [
        (r"curl 'http://a/x\[1\]?y=1'", "GET a/x[1] y=1"),
        ("curl -g 'http://a/x[1]'", "GET a/x[1] "),
        ("curl 'http://[::1]:4502/x'", "GET [::1]/x "),
        ("curl 'http://a/x?y={z}'", "GET a/x y={z}"),
    ] {
        assert_eq!(read_all(text), Ok(vec![path.to_owned()]), "{text}");
    }
}
