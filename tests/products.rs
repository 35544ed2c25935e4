//! AEM 6.5, AEM 6.5 LTS and AEM as a Cloud Service: what is judged, what is not applicable, and which version is the latest.

use std::fmt::Write as _;
use std::sync::Arc;

use bpconform::mocked::MockStack;
use bpconform_fixtures::{Defects, Product};
use bpconform_mocks::stack::StackOptions;
use serde_json::Value;

use crate::changes::{self, all_learned, differences};
use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, bpconform, bpconform_with, directory, filtered};

/// An Author of a product that reports a version, if it reports another than the seed's.
async fn author(product: Product, version: Option<&str>) -> MockStack {
    let defects = version.map(|version| {
        let text = format!(
            "[[defect]]\nid = 'version'\nsays = 'It has another version'\nbreaks = []\n\
             answers = [{{ to = {{ surface = 'author.product-info' }}, \
             replace = [['Experience Manager \\(.*?\\)', 'Experience Manager ({version})']] }}]"
        );
        Arc::new(Defects::parse("test", &text).expect("a defect").all.remove(0))
    });
    let options = StackOptions { product, defects: defects.into_iter().collect(), ..StackOptions::new("configured") };
    MockStack::start(options).await.expect("started")
}

/// The record of a run by reads only.
fn observe(mock: &MockStack, name: &str, more: &[&str]) -> Value {
    let out = directory(name);
    let place = out.to_str().expect("UTF-8");
    let (author, tenant) = (mock.stack.author.as_str(), mock.stack.tenant.as_ref().expect("it has one").as_str());
    let flags = ["run", "--target", "author", "--author-url", author, "--tenant-url", tenant, "-q", "--out", place];
    let names = ["BPCONFORM_AUTHOR_USER", "BPCONFORM_AUTHOR_PASSWORD"];
    let variables = names.map(|name| (name, mock.credentials.get(name).expect("it accepts somebody")));
    let told = tokio::task::block_in_place(|| bpconform_with(&[&flags[..], more].concat(), &variables));
    let record = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
    serde_json::from_str(&record).expect("JSON")
}

fn found<'a>(record: &'a Value, id: &str) -> &'a Value {
    let all = record["requirements"].as_array().expect("a list");
    all.iter().find(|one| one["id"] == id).expect("the requirement is there")
}

/// One line for an Author and a way to ask: the product, and what is found of some requirements.
fn line(text: &mut String, name: &str, flags: &[&str], record: &Value) {
    let judged = &record["target"]["judged_as"];
    let _ = writeln!(text, "{name} {}\n  judged as {}: {}", flags.join(" "), judged["products"], judged["decided_by"]);
    for id in ["BP-PRE-02", "BP-PRE-03", "BP-REP-01", "BP-JWT-01", "BP-CLD-03", "BP-CS-01", "BP-CS-02"] {
        let one = found(record, id);
        let reason = one["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
        let _ = writeln!(text, "  {id} {}{reason}", one["verdict"].as_str().expect("a word"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_product_is_judged_by_its_own_documentation() {
    let latest = ["--latest-service-pack", "6.5=6.5.25.0", "--latest-service-pack", "6.6=6.6.3"];
    let mut text = String::new();
    for (name, product, version) in [
        ("6.5.25", Product::Aem65, Some("6.5.25.0")),
        ("6.6.0", Product::Aem65Lts, Some("6.6.0.0")),
        ("6.6.3", Product::Aem65Lts, None),
        ("cloud", Product::AemCloud, None),
    ] {
        let mock = author(product, version).await;
        for asked in [&[][..], &["--product", product.word()]] {
            let flags = [asked, &latest].concat();
            let record = observe(&mock, &format!("product-{name}-{}", asked.len()), &flags);
            line(&mut text, name, asked, &record);
            let all = record["requirements"].as_array().expect("a list");
            let apart = all.iter().filter(|one| one["verdict"] == "not applicable");
            assert!(apart.clone().all(|one| one["reason"].is_string()), "each has its reason");
            let known = bpconform_fixtures::Requirements::built_in().all.iter();
            assert_eq!(apart.count(), known.filter(|one| !one.holds_for(&[product])).count(), "{name}");
        }
    }
    filtered(|| insta::assert_snapshot!("products", text));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_version_of_one_line_says_nothing_about_another() {
    let lts = author(Product::Aem65Lts, Some("6.6.0.0")).await;
    let record = observe(&lts, "latest-plain", &["--latest-service-pack", "6.5.25.0", "--requirement", "BP-PRE-03"]);
    let reason = found(&record, "BP-PRE-03")["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("1 of 2 scenarios were skipped"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictory_signs_judge_the_rows_of_both_products() {
    let listed = "[[defect]]\nid = 'agent'\nsays = 'A distribution agent'\nbreaks = []\n\
        answers = [{ to = { surface = 'author.distribution-agents' }, json = { '/items' = ['bpdistributionagent0'] } }]";
    let defects = vec![Arc::new(Defects::parse("test", listed).expect("a defect").all.remove(0))];
    let mock = MockStack::start(StackOptions { defects, ..StackOptions::new("configured") }).await.expect("started");
    let record = observe(&mock, "contradictory", &["--latest-service-pack", "6.5.21.0"]);
    assert_eq!(record["target"]["judged_as"]["products"], serde_json::json!(["aem-6.5", "aem-cloud"]));
    for (id, verdict) in [("BP-PRE-02", "error"), ("BP-PRE-03", "error"), ("BP-REP-01", "passed")] {
        assert_eq!(found(&record, id)["verdict"], verdict, "{id}");
    }
    assert_ne!(found(&record, "BP-CS-01")["verdict"], "not applicable");
    // What the operator says ends it.
    let record = observe(&mock, "contradictory-said", &["--product", "aem-6.5", "--latest-service-pack", "6.5.21.0"]);
    assert_eq!(found(&record, "BP-PRE-03")["verdict"], "passed");
    assert_eq!(found(&record, "BP-CS-01")["verdict"], "not applicable");
}

#[test]
fn the_cloud_conforms_on_the_mocks() {
    let out = directory("cloud-conforms");
    let told = bpconform(&["run", "--product", "aem-cloud", "--out", out.to_str().expect("UTF-8"), "-q"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let record = std::fs::read_to_string(out.join("run.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let mut text = String::new();
    for one in record["requirements"].as_array().expect("a list") {
        let id = one["id"].as_str().expect("an id");
        let verdict = one["verdict"].as_str().expect("a word");
        match one["reason"].as_str() {
            // What passes as a whole needs no line, so that an additional requirement changes nothing here.
            None => assert_eq!(verdict, "passed", "{id}"),
            Some(_) if verdict == "not applicable" => {}
            Some(reason) => {
                let _ = writeln!(text, "{id} {verdict}: {reason}");
            }
        }
    }
    filtered(|| insta::assert_snapshot!("cloud_verdicts", text));
}

#[test]
fn each_state_of_the_cloud_fails_what_is_wrong_in_it() {
    for (seed, failed) in [
        ("configured", &[][..]),
        ("agent-missing", &["BP-CS-01", "BP-CS-02", "BP-CS-03", "BP-CS-04"]),
        ("queue-blocked", &["BP-CS-02", "BP-CS-04"]),
        ("error-queue", &["BP-CS-02"]),
        ("delivery-refused", &["BP-CS-03", "BP-CS-04"]),
    ] {
        let mock = Mock::with(&["--product", "aem-cloud", "--seed", seed]);
        let out = directory(&format!("cloud-{seed}"));
        let tags = ["--tags", "@product:aem-cloud", "--product", "aem-cloud", "--allow", "probe"];
        let told = mock.run(&[&tags[..], &["--out", out.to_str().expect("UTF-8")]].concat());
        let record = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
        let record: Value = serde_json::from_str(&record).expect("JSON");
        let all = record["requirements"].as_array().expect("a list").iter();
        let red = all.filter(|one| one["verdict"] == "failed").filter_map(|one| one["id"].as_str());
        assert_eq!(red.collect::<Vec<_>>(), failed, "{seed}: {}", told.all());
    }
}

#[test]
fn nothing_is_changed_on_the_cloud_that_cannot_be_undone_there() {
    for (seed, skipped) in [("fresh", &["BP-IMS-01", "BP-CLD-01", "BP-CLD-04"][..]), ("configured", &[])] {
        let (mock, folder) =
            (Mock::with(&["--product", "aem-cloud", "--seed", seed]), directory(&format!("cloud-undo-{seed}")));
        let (learned, out) = (all_learned(&folder), folder.join("out"));
        let before = mock.repository();
        let more = ["--tags", "@product:aem-cloud", "--out", out.to_str().expect("UTF-8"), "--product", "aem-cloud"];
        let output = changes::run(&mock, mock.url("author"), &learned, &more).output().expect("it starts");
        assert_ne!(output.status.code(), Some(7), "{}", changes::told(&output));
        // What its agent did stays in its log.
        let differences = differences(&before, &mock.repository());
        let left: Vec<_> = differences.lines().filter(|line| !line.starts_with("/var/sling/distribution/")).collect();
        assert!(left.is_empty(), "{left:#?} {}", changes::told(&output));
        let record =
            std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", changes::told(&output)));
        let record: Value = serde_json::from_str(&record).expect("JSON");
        for id in skipped {
            let one = found(&record, id);
            assert_eq!(one["verdict"], "skipped", "{id}: {}", one["reason"]);
            assert!(one["reason"].as_str().is_some_and(|reason| reason.contains("could not be undone")), "{one}");
        }
        let again = changes::clean(&mock, &out, &[]);
        assert!(again.code == Some(0) && again.out.contains("nothing to undo"), "{}", again.all());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_without_any_sign_of_its_product_is_not_judged_as_one() {
    let options = StackOptions { product: Product::AemCloud, ..StackOptions::new("fresh") };
    let mock = MockStack::start(options).await.expect("started");
    let record = observe(&mock, "no-sign", &[]);
    assert_eq!(record["target"]["judged_as"]["products"], serde_json::json!(["aem-6.5", "aem-6.5-lts", "aem-cloud"]));
    let all = record["requirements"].as_array().expect("a list");
    let red: Vec<_> = all.iter().filter(|one| one["verdict"] == "failed").map(|one| &one["id"]).collect();
    assert!(red.is_empty(), "{red:?}");
    let reason = found(&record, "BP-REP-01")["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("name it with --product"), "{reason}");
    // The version of AEM 6.5 is a sign, however fresh the Author is.
    let mock = MockStack::start(StackOptions::new("fresh")).await.expect("started");
    let record = observe(&mock, "fresh-6.5", &[]);
    assert_eq!(record["target"]["judged_as"]["products"], serde_json::json!(["aem-6.5"]));
}

#[test]
fn a_version_in_an_answer_that_is_an_error_is_none() {
    let mock = Mock::start("configured");
    let wrong = "HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 63\r\nConnection: close\r\n\r\n\
        Installed Products\n  Adobe Experience Manager (6.6.3.0)\nsorry......";
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.contains("status-productinfo") { Act::Answer(wrong) } else { Act::Pass }
    });
    let out = directory("version-in-an-error");
    let target = ["--author-url", &proxy.url, "--ims-url", mock.url("ims"), "--tenant-url", mock.url("tenant")];
    let flags = ["run", "--target", "author", "-q", "--out", out.to_str().expect("UTF-8")];
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let told = bpconform_with(&[&flags[..], &target].concat(), &variables);
    let record = std::fs::read_to_string(out.join("run.json")).unwrap_or_else(|_| panic!("{}", told.all()));
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(record["target"]["judged_as"]["products"], serde_json::json!(["aem-6.5"]));
}

#[test]
fn a_requirement_of_the_cloud_is_explained_and_listed() {
    let told = bpconform(&["explain", "BP-CS-03"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    filtered(|| insta::assert_snapshot!("explain_cloud", told.out));
    let told = bpconform(&["list", "--requirements", "--product", "aem-cloud"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let known = bpconform_fixtures::Requirements::built_in();
    for one in &known.all {
        let line = told.out.lines().find(|line| line.trim_start().starts_with(&one.id));
        let line = line.unwrap_or_else(|| panic!("{} is not listed", one.id));
        assert_eq!(line.contains("not applicable: it holds for"), !one.holds_for(&[Product::AemCloud]), "{line}");
    }
    let count = known.all.iter().filter(|one| one.holds_for(&[Product::AemCloud])).count();
    let all = format!("{count} of {count} requirements of AEM as a Cloud Service have a scenario");
    assert_eq!(told.out.lines().next_back(), Some(all.as_str()));
    // A few lines of each kind, so that an additional requirement changes nothing here.
    let shown = ["BP-IMS-02", "BP-REP-01", "BP-JWT-01", "BP-CS-01"];
    let lines = told.out.lines().filter(|line| shown.iter().any(|id| line.trim_start().starts_with(id)));
    filtered(|| insta::assert_snapshot!("list_cloud", lines.collect::<Vec<_>>().join("\n")));
}

#[test]
fn the_console_is_not_reachable_on_the_mocked_cloud() {
    let mock = Mock::with(&["--product", "aem-cloud"]);
    for path in ["/system/console/bundles.json", "/crx/packmgr/list.jsp", "/apps/system/config.2.json"] {
        let (host, login) = (mock.url("author").trim_start_matches("http://"), "Authorization: Basic YWRtaW46YWRtaW4=");
        let mut stream = std::net::TcpStream::connect(host).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{login}\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).expect("sent");
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}

#[test]
fn an_access_token_takes_the_place_of_user_and_password() {
    let mock = Mock::with(&["--product", "aem-cloud"]);
    let credentials = mock.credentials();
    let token = credentials.iter().find(|(name, _)| *name == "BPCONFORM_AUTHOR_TOKEN").expect("it accepts one").1;
    let out = directory("cloud-token");
    let place = out.to_str().expect("UTF-8");
    let (page, har) = (format!("html={place}/report.html"), format!("har={place}/report.har"));
    let run = |token: &str| {
        let target = ["--target", "author", "--author-url", mock.url("author"), "--requirement", "BP-PRE-05"];
        let flags = [&["run"][..], &target, &["--out", place, "--report", &page, "--report", &har, "-q"]].concat();
        bpconform_with(&flags, &[("BPCONFORM_AUTHOR_TOKEN", token)])
    };
    let told = run(token);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let record = std::fs::read_to_string(out.join("run.json")).expect("a record");
    assert_eq!(found(&serde_json::from_str(&record).expect("JSON"), "BP-PRE-05")["verdict"], "passed");
    for file in std::fs::read_dir(&out).expect("a directory").flatten().filter(|file| file.path().is_file()) {
        let text = String::from_utf8_lossy(&std::fs::read(file.path()).expect("readable")).into_owned();
        assert!(!text.contains(token), "{}", file.path().display());
    }
    for (token, code, advice) in [
        ("another-local-development-token", 3, "the Author rejects the access token; check BPCONFORM_AUTHOR_TOKEN"),
        (r#"{"accessToken":"eyJ"}"#, 2, "set the value of accessToken"),
        ("Bearer eyJ", 2, "it is not a token"),
    ] {
        let told = run(token);
        assert_eq!(told.code, Some(code), "{}", told.all());
        assert!(told.err.contains(advice) && !told.err.contains("eyJ"), "{}", told.all());
    }
    // AEM 6.5 accepts no such token.
    let installed = Mock::start("configured");
    assert!(!installed.credentials().iter().any(|(name, _)| *name == "BPCONFORM_AUTHOR_TOKEN"));
}

#[test]
fn a_record_of_the_first_format_is_reported_and_compared() {
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/schema/sample.run.json");
    for format in ["text", "markdown", "html", "junit", "json"] {
        let told = bpconform(&["report", format, old]);
        assert_eq!(told.code, Some(0), "{format}: {}", told.all());
        assert!(told.out.contains("BP-REP-03") && !told.out.contains("BP-CS-01"), "{format}: {}", told.all());
    }
    let out = directory("after-the-first-format");
    bpconform(&["run", "--requirement", "BP-PRE-02", "--out", out.to_str().expect("UTF-8"), "-q"]);
    let told = bpconform(&["diff", old, out.to_str().expect("UTF-8")]);
    assert!(told.out.contains("requirements:") && !told.out.contains("BP-CS-01"), "{}", told.all());
}
