//! An Author whose texts try to steer whoever reads an output: agent titles, bundle names, node names, headers, logs. Each
//! command and each format shows them harmlessly.

use std::path::Path;

use bpconform::report::ReportFormat;
use serde_json::{Value, json};

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, bpconform, bpconform_with, directory};

const TITLE: &str = "Hostile\u{1b}[31mred\u{1b}[8m\u{1b}]8;;http://evil.example\u{7}link\u{1b}]8;;\u{7}\rgone\n::error::x\n \
    ::set-env name=a::b\n##vso[task.setvariable variable=a]b\n##teamcity[x]\n<script>alert(1)</script>\"><img src=x \
    onerror=alert(1)>\u{202e}txt.exe\u{2066}\u{2028}\u{9b}2J [a](javascript:b) | `c`";

/// What is hostile in the Author's answers.
fn rewrite(line: &str, head: &mut String, body: &mut String) {
    let path = line.split_once(' ').map_or("", |(_, path)| path);
    if path.contains("/etc/replication/agents.author") && path.ends_with(".json") {
        let Ok(mut agents) = serde_json::from_str::<Value>(body) else { return };
        for (name, agent) in agents.as_object_mut().into_iter().flatten() {
            if let Some(content) = agent.get_mut("jcr:content") {
                content["jcr:title"] = TITLE.into();
                if name.contains("agent2") {
                    content["protocolConnectTimeout"] = TITLE.into();
                }
            }
        }
        agents[format!("mp_replication_{TITLE}")] =
            json!({"jcr:primaryType": "cq:Page", "jcr:content": {"enabled": "false", "jcr:title": TITLE}});
        *body = agents.to_string();
        head.push_str("\r\nX-Title: \u{9b}31mred\u{202e}");
    } else if path.contains("/system/console/bundles") {
        let Ok(mut bundles) = serde_json::from_str::<Value>(body) else { return };
        let first = &mut bundles["data"][0];
        (first["name"], first["symbolicName"]) = (TITLE.into(), TITLE.into());
        (first["state"], first["stateRaw"]) = ("Installed".into(), 2.into());
        *body = bundles.to_string();
    } else if path.contains("error.log") {
        body.push_str(&format!(
            "28.11.2026 08:00:01.000 *ERROR* [x] AccessTokenProvider failed to get access token from authorization server \
             status: 400 response: {TITLE}\n"
        ));
    } else if path.ends_with(".test.html") || path.ends_with(".log.html") {
        let escaped = TITLE.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;");
        *body = body.replacen("<code>", &format!("<code>2026-11-28 09:00:00 - ERROR {escaped}<br>\n"), 1);
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn steers(letter: char) -> bool {
    let is_direction = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    is_direction || (letter.is_control() && letter != '\n' && letter != '\t')
}

/// Fails if an output could steer its reader. `has_markup` says that a reader would take tags for tags.
fn assert_harmless(what: &str, text: &str, has_markup: bool) {
    let before =
        |at: usize| text[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect::<String>();
    assert_eq!(text.find(steers).map(before), None, "{what} holds a character that steers");
    for command in ["##vso[", "##teamcity["] {
        assert!(!text.contains(command), "{what} holds {command}");
    }
    let is_own = |line: &&str| line.contains("title=") || ["::group::", "::endgroup::"].contains(&line.trim());
    let line = text.lines().find(|line| line.trim_start().starts_with("::") && !is_own(line));
    assert_eq!(line, None, "{what} holds a workflow command");
    for tag in ["<script>alert", "<img src=x"] {
        assert_eq!(text.find(tag).filter(|_| has_markup).map(before), None, "{what} holds {tag}");
    }
}

struct Hostile {
    mock: Mock,
    proxy: Proxy,
}

impl Hostile {
    fn start() -> Self {
        let mock = Mock::start("configured");
        let proxy = Proxy::start(mock.url("author"), |_| Act::Rewrite(rewrite));
        Self { mock, proxy }
    }

    fn command(&self, arguments: &[&str], more: &[(&str, &str)]) -> crate::support::Told {
        let mut variables = self.mock.credentials();
        variables.push(("NO_PROXY", "*"));
        variables.extend(more);
        bpconform_with(arguments, &variables)
    }
}

#[test]
fn every_output_of_a_run_is_harmless() {
    let (hostile, folder) = (Hostile::start(), directory("hostile-run"));
    let (out, summary) = (folder.join("out"), folder.join("summary.md"));
    let files = ReportFormat::ALL.map(|format| (format, folder.join(format!("report.{}", format.word()))));
    let reports: Vec<String> = files.iter().map(|(format, file)| format!("{}={}", format.word(), path(file))).collect();
    let target = ["--author-url", &hostile.proxy.url, "--ims-url", hostile.mock.url("ims")];
    let tenant = ["--tenant-url", hostile.mock.url("tenant"), "--out", path(&out)];
    let run = ["run", "--target", "author", "--allow", "probe", "-vvv"];
    let reports: Vec<&str> = reports.iter().flat_map(|report| ["--report", report]).collect();
    let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", path(&summary))];
    let told = hostile.command(&[&run[..], &target, &tenant, &reports].concat(), &github);
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert_harmless("stdout", &told.out, false);
    assert_harmless("stderr", &told.err, false);
    assert!(told.out.contains("Hostile") && told.all().contains("::error "), "{}", told.all());
    for (format, file) in &files {
        let text = std::fs::read_to_string(file).expect("written");
        assert!(text.contains("Hostile"), "{} does not show it", format.word());
        let has_markup = matches!(format, ReportFormat::Html | ReportFormat::Junit);
        assert_harmless(format.word(), &text, has_markup);
    }
    for file in [out.join("run.json"), out.join("junit.xml"), summary] {
        assert_harmless(path(&file), &std::fs::read_to_string(&file).expect("written"), false);
    }
    let second = folder.join("second");
    let told = hostile.command(&[&run[..5], &target, &tenant[..3], &[path(&second)]].concat(), &[]);
    assert_eq!(told.code, Some(1), "{}", told.all());
    // The other way too: what is new, what is gone.
    let other = folder.join("other");
    assert_eq!(bpconform(&["run", "-q", "--out", path(&other)]).code, Some(0));
    for (one, two) in [(&out, &other), (&other, &out), (&out, &second)] {
        for format in ["text", "markdown", "json"] {
            let told = bpconform(&["diff", path(one), path(two), "--format", format]);
            assert!(matches!(told.code, Some(0 | 1 | 3)), "{}", told.all());
            assert_harmless(&format!("diff as {format}"), &told.all(), false);
        }
    }
    let told = bpconform(&["baseline", path(&out)]);
    assert_harmless("baseline", &told.all(), false);
}

#[test]
fn doctor_shows_hostile_texts_harmlessly() {
    let hostile = Hostile::start();
    for more in [&[][..], &["-vvv"], &["--json"]] {
        let told = hostile.command(&[&["doctor", "--author-url", &hostile.proxy.url][..], more].concat(), &[]);
        assert!(told.out.contains("Hostile"), "{}", told.all());
        assert_harmless(&format!("doctor {more:?}"), &told.out, false);
        assert_harmless(&format!("doctor {more:?}"), &told.err, false);
    }
}

#[test]
fn merged_shards_are_harmless() {
    let (hostile, folder) = (Hostile::start(), directory("hostile-merge"));
    let mut merge = vec!["merge".to_owned()];
    for shard in ["1/2", "2/2"] {
        let out = folder.join(shard.replace('/', "-of-"));
        let target = ["--target", "author", "--author-url", &hostile.proxy.url];
        let told = hostile.command(&[&["run", "-q", "--shard", shard, "--out", path(&out)][..], &target].concat(), &[]);
        assert!(matches!(told.code, Some(0 | 1 | 3)), "{}", told.all());
        merge.push(path(&out).to_owned());
    }
    let (merged, page) = (folder.join("merged"), folder.join("merged.html"));
    let html = format!("html={}", path(&page));
    merge.extend(["--out", path(&merged), "--report", &html].map(str::to_owned));
    let told = bpconform(&merge.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(matches!(told.code, Some(0 | 1 | 3)), "{}", told.all());
    assert_harmless("merge", &told.all(), false);
    assert_harmless("the page", &std::fs::read_to_string(page).expect("written"), true);
    for file in ["run.json", "junit.xml"] {
        assert_harmless(file, &std::fs::read_to_string(merged.join(file)).expect("written"), file == "junit.xml");
    }
}

#[test]
#[cfg(unix)]
fn a_fleet_is_harmless() {
    let (hostile, folder) = (Hostile::start(), directory("hostile-fleet"));
    let (file, out, summary) = (folder.join("fleet.toml"), folder.join("out"), folder.join("summary.md"));
    let config = format!("[target.one]\nauthor_url = \"{}\"\n", hostile.proxy.url);
    std::fs::write(&file, config).expect("written");
    let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", path(&summary))];
    let told = hostile.command(&["run", "--fleet", path(&file), "--out", path(&out)], &github);
    assert_eq!(told.code, Some(1), "{}", told.all());
    assert_harmless("fleet", &told.all(), false);
    for (file, has_markup) in [(out.join("fleet.html"), true), (out.join("fleet.txt"), false), (summary, false)] {
        assert_harmless(path(&file), &std::fs::read_to_string(&file).expect("written"), has_markup);
    }
}
