//! No secret in any output: the most verbose output of a run, its record and reports, its journal, and the output of
//! commands that only read; searched for every secret in every form in which it can appear.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, Told, bpconform_with, directory, reply, serve, unzipped};

/// A password that looks different in every encoding.
const PASSWORD: &str = "p8e-canary/\"pass\"+wörd&<more>";

/// A secret in the forms in which an output can contain it.
fn forms(secret: &str) -> Vec<String> {
    let json = Value::from(secret).to_string();
    let url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut forms = vec![secret.to_owned(), json.trim_matches('"').to_owned(), url.replace('+', "%20"), url, html];
    forms.extend([STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret), STANDARD.encode(format!("admin:{secret}"))]);
    forms
}

/// All output of a command: both streams, and all files of a directory.
fn everything(printed: &Told, folder: &Path) -> Vec<(String, String)> {
    let mut all = vec![("stdout".to_owned(), printed.out.clone()), ("stderr".to_owned(), printed.err.clone())];
    for entry in std::fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("it can be read");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            if bytes.starts_with(b"PK") {
                all.extend(unzipped(&bytes).into_iter().map(|(name, bytes)| (name, text(&bytes))));
            }
            all.push((path.display().to_string(), text(&bytes)));
        }
    }
    all
}

fn assert_hidden(secrets: &[String], all: &[(String, String)]) {
    for secret in secrets {
        for form in forms(secret) {
            for (place, text) in all {
                let at = text.find(&form).map(|at| text[..at].chars().rev().take(80).collect::<String>());
                let before: Option<String> = at.map(|before| before.chars().rev().collect());
                assert!(before.is_none(), "{place} shows a secret of {} letters after: {before:?}", secret.len());
            }
        }
    }
}

const REPORTS: [&str; 10] =
    ["html", "junit", "messages", "har", "ctrf", "sarif", "markdown", "github", "text", "trace"];

#[test]
fn a_talkative_run_that_changes_shows_none_of_its_secrets() {
    let (mock, folder) = (Mock::start("configured"), directory("secrecy-run"));
    let [author, ims] = ["author", "ims"].map(|system| Proxy::start(mock.url(system), |_| Act::Pass));
    let out = folder.to_str().expect("UTF-8");
    let learned = crate::changes::all_learned(&directory("secrecy-learned"));
    let mut arguments: Vec<String> = [
        "run",
        "--target",
        "author",
        "--allow",
        "change",
        "--replace-configuration",
        "-vvv",
        "--author-url",
        &author.url,
        "--ims-url",
        &ims.url,
        "--tenant-url",
        mock.url("tenant"),
        "--console-url",
        mock.url("console"),
        "--surfaces",
        learned.to_str().expect("UTF-8"),
        "--out",
        out,
    ]
    .map(str::to_owned)
    .to_vec();
    for id in ["BP-CON-01", "BP-CON-02", "BP-CON-03", "BP-IMS-01", "BP-IMS-05", "BP-REP-03", "BP-REP-10"] {
        arguments.extend(["--requirement".to_owned(), id.to_owned()]);
    }
    for format in REPORTS {
        arguments.extend(["--report".to_owned(), format!("{format}={out}/report.{format}")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let told = bpconform_with(&arguments, &variables);
    assert!(told.err.contains("exchange"), "it was not talkative: {}", told.err);
    let mut secrets: Vec<String> = variables
        .iter()
        .filter(|(name, _)| name.contains("SECRET") || name.contains("TOKEN"))
        .map(|(_, value)| (*value).to_owned())
        .collect();
    let tokens = ims.answers().into_iter().filter_map(|answer| {
        let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        body["access_token"].as_str().map(str::to_owned)
    });
    secrets.extend(tokens);
    let cookies = author.answers().into_iter().filter_map(|answer| {
        let line = answer.lines().find(|line| line.to_lowercase().starts_with("set-cookie: login-token="))?;
        Some(line.split_once('=')?.1.split(';').next()?.to_owned())
    });
    secrets.extend(cookies);
    let key = mock.credentials().into_iter().find(|(name, _)| name.ends_with("PRIVATE_KEY")).expect("there is one").1;
    secrets.extend(key.lines().filter(|line| !line.contains("-----")).map(str::to_owned));
    assert!(secrets.len() > 10, "{}", secrets.len());
    let all = everything(&told, &folder);
    assert!(all.iter().any(|(place, _)| place.ends_with("journal.jsonl")) && all.len() > 10, "{}", all.len());
    assert_hidden(&secrets, &all);
}

#[test]
fn an_author_that_echoes_a_secret_is_not_quoted_with_it() {
    let address = serve(|stream| {
        reply(stream, |head| {
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let body = match path.as_str() {
                path if path.contains("login.html") => "<html>QUICKSTART_HOMEPAGE".to_owned(),
                path if path.contains("currentuser.json") => {
                    format!(r#"{{"authorizableId":"admin","note":{}}}"#, Value::from(PASSWORD))
                }
                _ => format!("<html>you sent {} and this is an error</html>", forms(PASSWORD).join(" ")),
            };
            format!(
                "HTTP/1.1 200 OK\r\nSet-Cookie: login-token=p8e-cookie-of-tests-0123456789\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .into_bytes()
        });
    });
    let url = format!("http://{address}");
    let variables = [("BPCONFORM_AUTHOR_USER", "admin"), ("BPCONFORM_AUTHOR_PASSWORD", PASSWORD), ("NO_PROXY", "*")];
    let secrets = [PASSWORD.to_owned(), "p8e-cookie-of-tests-0123456789".to_owned()];
    for (number, command) in [
        &["run", "--target", "author", "-vvv", "--tenant-url", "https://acme.brand-portal.adobe.com"][..],
        &["doctor", "-vvv"],
        &["doctor", "--json"],
        &["surface", "probe", "-vvv"],
        &["config", "show", "--origin"],
    ]
    .iter()
    .enumerate()
    {
        let folder = directory(&format!("secrecy-echo-{number}"));
        let mut arguments = [command, &["--author-url", &url][..]].concat();
        let out = folder.to_str().expect("UTF-8");
        let html = format!("html={out}/report.html");
        if command[0] == "run" {
            arguments.extend(["--out", out, "--report", &html]);
        }
        let told = bpconform_with(&arguments, &variables);
        assert!(!told.out.is_empty(), "{}", told.all());
        assert_hidden(&secrets, &everything(&told, &folder));
    }
}
