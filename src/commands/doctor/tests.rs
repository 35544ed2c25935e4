use bpconform_fixtures::{Allow, Defects, Surfaces};
use bpconform_mocks::stack::{self, StackOptions};
use bpconform_steps::credentials::Credentials;
use bpconform_steps::redact::Redactor;
use bpconform_steps::run::Run;
use bpconform_steps::wire::{Connection, Proxy, Wire};

use super::*;

fn run() -> Run {
    let wire = Wire::new(&Connection { proxy: Proxy::None, ..Connection::default() }).expect("a client");
    Run::new("test", Allow::Observe, Arc::new(Surfaces::built_in().clone()), wire, Redactor::default())
}

/// What the doctor says of a mocked Author in that state, and what it sent.
async fn examined(seed: &str) -> (Diagnosis, stack::Stack) {
    let mock = stack::Stack::start(StackOptions::new(seed)).await.expect("the mocks start");
    (examined_of(&mock, None).await, mock)
}

async fn examined_of(mock: &stack::Stack, product: Option<Product>) -> Diagnosis {
    let url = |address: &str| Url::parse(address).expect("an address");
    let credentials = mock.credentials().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let stack = Stack { author: url(&mock.author), ims: None, console: None, tenant: None, control: None };
    let session = Session::new(Arc::new(run()), stack, Credentials::new(credentials).0);
    examine(session, false, product).await
}

fn problems(report: &Diagnosis) -> Vec<&'static str> {
    let problems = report.findings.iter().filter(|finding| finding.severity == Severity::Problem);
    let mut ids: Vec<_> = problems.map(|finding| finding.requirement).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[tokio::test]
async fn every_state_of_an_author_gets_its_diagnosis() {
    let cases: [(&str, &[&str]); 8] = [
        ("configured", &[]),
        ("fresh", &["BP-CLD-01", "BP-IMS-03", "BP-REP-01"]),
        ("half-configured", &["BP-REP-01"]),
        ("legacy-jwt", &["BP-JWT-06"]),
        ("two-tenants", &["BP-CLD-03"]),
        ("queue-blocked", &["BP-REP-08"]),
        ("token-expired", &["BP-IMS-02"]),
        ("legacy-gateway", &[]),
    ];
    for (seed, wanted) in cases {
        let (report, _mock) = examined(seed).await;
        let found = problems(&report);
        assert!(wanted.iter().all(|id| found.contains(id)), "{seed}: {found:?}\n{}", report.text(false, false));
        let exit = if found.is_empty() { Exit::Green } else { Exit::NonConformant };
        assert_eq!(report.exit(), exit, "{seed}: {}", report.text(false, false));
        assert_eq!(wanted.is_empty(), found.is_empty(), "{seed}: {}", report.text(false, false));
        for finding in report.findings.iter().filter(|finding| finding.severity >= Severity::Warning) {
            assert!(finding.means.is_some() && !finding.remedy.is_empty() && !finding.link.is_empty(), "{finding:?}");
        }
    }
}

#[tokio::test]
async fn an_author_of_another_product_gets_its_own_diagnosis() {
    let cases: [(Product, &str, &[&str]); 6] = [
        (Product::Aem65Lts, "configured", &[]),
        (Product::AemCloud, "configured", &[]),
        (Product::AemCloud, "agent-missing", &["BP-CS-01"]),
        (Product::AemCloud, "queue-blocked", &["BP-CS-02", "BP-CS-04"]),
        (Product::AemCloud, "error-queue", &["BP-CS-02"]),
        (Product::AemCloud, "delivery-refused", &["BP-CS-04"]),
    ];
    for (product, seed, wanted) in cases {
        let mock = stack::Stack::start(StackOptions { product, ..StackOptions::new(seed) }).await.expect("started");
        let report = examined_of(&mock, Some(product)).await;
        assert_eq!(problems(&report), wanted, "{product} {seed}: {}", report.text(false, false));
    }
}

#[tokio::test]
async fn a_proxy_of_one_client_alone_is_told() {
    const OLD: &str = "com.day.commons.httpclient.config";
    const NEW: &str = "org.apache.http.proxyconfigurator-1f2e.config";
    for (nodes, wanted) in [
        (&[][..], None),
        (&[(NEW, "proxy.corp:8080")], Some(Severity::Warning)),
        (&[(OLD, "proxy.corp:8080")], Some(Severity::Warning)),
        (&[(OLD, "proxy.corp:8080"), (NEW, "other.corp:8080")], Some(Severity::Warning)),
        (&[(OLD, "proxy.corp:8080"), (NEW, "proxy.corp:8080")], Some(Severity::Ok)),
    ] {
        let edits: Vec<_> = nodes
            .iter()
            .map(|(name, address)| {
                let (host, port) = address.split_once(':').expect("host and port");
                let with = format!("{{ 'proxy.enabled' = true, 'proxy.host' = '{host}', 'proxy.port' = {port} }}");
                let path = format!("/apps/system/config/{name}");
                format!(
                    "{{ node = '/apps/system/config', change = {{ make = {{ path = '{path}', with = {with} }} }} }}"
                )
            })
            .collect();
        let text = format!("[[defect]]\nid = 'proxies'\nsays = 'b'\nbreaks = []\nedits = [{}]", edits.join(", "));
        let defects = if edits.is_empty() { Vec::new() } else { Defects::parse("test", &text).expect("defects").all };
        let defects = defects.into_iter().map(Arc::new).collect();
        let mock =
            stack::Stack::start(StackOptions { defects, ..StackOptions::new("configured") }).await.expect("started");
        let report = examined_of(&mock, None).await;
        let found = report.findings.iter().find(|finding| finding.topic == "proxy").map(|finding| finding.severity);
        assert_eq!(found, wanted, "{nodes:?}: {}", report.text(false, false));
    }
}

#[tokio::test]
async fn an_ims_configuration_that_is_not_as_it_should_be_is_told() {
    const PROVIDER: &str = "/apps/system/config/com.adobe.granite.auth.oauth.accesstoken.provider.5f1c09e7.config";
    let set = |with: &str| format!("{{ node = '{PROVIDER}', change = {{ set = {{ {with} }} }} }}");
    let of_target = set(
        "name = 'Adobe Target', 'auth.token.provider.title' = 'Adobe Target', 'auth.token.provider.scope' = 'target_sdk'",
    );
    let untold =
        set("name = 'ims-1', 'auth.token.provider.title' = 'Adobe Target', 'auth.token.provider.scope' = 'openid'");
    let no_kind = set("'auth.token.provider.authorization.grants' = ''");
    let no_key = set("'auth.access.token.request' = 'http://127.0.0.1/ims/exchange/v1/jwt'");
    let root = "/conf/global/settings/cloudconfigs/mediaportal";
    let with = "{ 'jcr:primaryType' = 'cq:Page', note = '{client-secret}' }";
    let shown = format!("{{ node = '/conf/global', change = {{ make = {{ path = '{root}', with = {with} }} }} }}");
    for (edit, severity, wanted) in [
        (of_target, Severity::Problem, &["BP-CLD-02", "BP-IMS-03"][..]),
        (untold, Severity::Unknown, &["BP-CLD-02", "BP-IMS-03"]),
        (no_kind, Severity::Unknown, &["BP-JWT-06"]),
        (no_key, Severity::Unknown, &["BP-JWT-04"]),
        (shown, Severity::Problem, &["BP-IMS-05"]),
    ] {
        let text = format!("[[defect]]\nid = 'ims'\nsays = 'b'\nbreaks = []\nedits = [{edit}]");
        let defects = Defects::parse("test", &text).expect("a defect").all.into_iter().map(Arc::new).collect();
        let mock = stack::Stack::start(StackOptions { defects, ..StackOptions::new("configured") });
        let mock = mock.await.expect("started");
        let report = examined_of(&mock, None).await;
        let is_told = |id: &&str| report.findings.iter().any(|it| it.requirement == *id && it.severity == severity);
        assert!(wanted.iter().all(is_told), "{edit}: {}", report.text(false, false));
    }
}

/// What the doctor says of the user with that password, on a mocked Author with these edits.
async fn publisher(user: &str, product: Product, edits: &str) -> (Severity, String, Vec<String>) {
    let text = format!("[[defect]]\nid = 'rights'\nsays = 'b'\nbreaks = []\nedits = [{edits}]");
    let defects = if edits.is_empty() { Vec::new() } else { Defects::parse("test", &text).expect("defects").all };
    let defects = defects.into_iter().map(Arc::new).collect();
    let mock = stack::Stack::start(StackOptions { defects, product, ..StackOptions::new("configured") });
    let mock = mock.await.expect("started");
    let author = Url::parse(&mock.author).expect("an address");
    let stack = Stack { author, ims: None, console: None, tenant: None, control: None };
    let names = ["BPCONFORM_AUTHOR_USER", "BPCONFORM_AUTHOR_PASSWORD"].map(|name| (name.to_owned(), user.to_owned()));
    let session = Session::new(Arc::new(run()), stack, Credentials::new(names).0);
    let report = examine(session, false, Some(product)).await;
    let found = report.findings.into_iter().find(|finding| finding.topic == "publisher").expect("a finding");
    (found.severity, found.seen, found.remedy)
}

/// An edit that denies or grants the privilege to replicate.
fn entry(path: &str, kind: &str, user: &str) -> String {
    let with = format!(
        "{{ 'jcr:primaryType' = 'rep:{kind}ACE', 'rep:principalName' = '{user}', 'rep:privileges' = ['crx:replicate'] }}"
    );
    format!("{{ node = '{path}', change = {{ make = {{ path = '{path}/rep:policy/entry', with = {with} }} }} }}")
}

#[tokio::test]
async fn what_a_publisher_lacks_is_told() {
    for product in [Product::Aem65, Product::AemCloud] {
        let (severity, seen, _) = publisher("admin", product, &entry("/content/dam", "Deny", "admin")).await;
        assert_eq!((severity, seen.contains("administrator")), (Severity::Ok, true), "{seen}");
        let (severity, seen, _) = publisher("viewer", product, "").await;
        assert_eq!((severity, seen.contains("is not shown")), (Severity::Info, true), "{seen}");
        let (severity, seen, _) = publisher("viewer", product, &entry("/content", "Grant", "viewer")).await;
        assert_eq!((severity, seen.contains("may read what publishing needs, and")), (Severity::Ok, true), "{seen}");
        let (severity, seen, remedy) = publisher("viewer", product, &entry("/content/dam", "Deny", "viewer")).await;
        assert_eq!((severity, seen.contains("/content/dam denies viewer")), (Severity::Problem, true), "{seen}");
        assert!(remedy.iter().any(|step| step.contains("replicate below /content")), "{remedy:?}");
    }
}

#[tokio::test]
async fn the_report_can_be_read() {
    for seed in ["configured", "half-configured", "token-expired"] {
        let (report, mock) = examined(seed).await;
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r":\d{4,5}\b", ":PORT");
        settings.add_filter(r"/home/users/mac/bpdoc/[\w-]+", "/home/users/mac/bpdoc/RANDOM");
        settings.bind(|| insta::assert_snapshot!(format!("doctor_{seed}"), report.text(false, false)));
        drop(mock);
    }
}

#[tokio::test]
async fn an_author_that_is_not_there_is_said_to_be_so() {
    let (_, mock) = examined("configured").await;
    let address = mock.author.clone();
    mock.stop().await;
    let author = Url::parse(&address).expect("an address");
    let stack = Stack { author, ims: None, console: None, tenant: None, control: None };
    let session = Session::new(Arc::new(run()), stack, Credentials::default());
    let report = examine(session, false, None).await;
    assert_eq!(report.exit(), Exit::Unreachable);
    assert!(report.text(false, false).contains("is it running"), "{}", report.text(false, false));
}

#[test]
fn the_settings_are_those_of_the_feature() {
    let feature = include_str!("../../../features/05-replication-agents.feature");
    for (setting, property, value, only_if_set) in agents::SETTINGS {
        let value = if only_if_set { format!("{value}, if set") } else { value.to_owned() };
        let row = [setting, property, value.as_str()];
        let is_row = |line: &str| line.split('|').skip(1).map(str::trim).take(3).eq(row);
        assert!(feature.lines().any(is_row), "{row:?}");
    }
}

async fn journal(base: &str) -> String {
    let reply = reqwest::get(format!("{base}/__bpconform/requests")).await.expect("the control answers");
    reply.text().await.expect("a text")
}

#[tokio::test]
async fn only_reads_are_sent() {
    for seed in ["fresh", "configured", "legacy-jwt", "two-tenants", "queue-blocked", "token-expired"] {
        let (_, mock) = examined(seed).await;
        let ims = journal(&mock.ims).await;
        assert!(!ims.contains("\"POST\""), "{seed}: IMS was asked for a token: {ims}");
        let text = journal(&mock.author).await;
        assert!(
            !text.contains("\"POST\"") && !text.contains("\"DELETE\"") && !text.contains("\"PUT\""),
            "{seed}: {text}"
        );
        assert!(text.contains("\"GET\"") && !text.contains("/ims/token"), "{seed}: {text}");
    }
}

#[test]
fn a_problem_that_a_second_look_cannot_see_is_open() {
    let problem = || Finding::problem("agents", "BP-REP-02", "agent2 is not enabled");
    let confirmed = |second: &[Finding]| {
        let mut findings = vec![Finding::ok("login page", "BP-PRE-01", "yes"), problem()];
        confirm(&mut findings, second);
        (findings[1].severity, findings[1].seen.clone())
    };
    assert_eq!(confirmed(&[problem()]), (Severity::Problem, "agent2 is not enabled".into()));
    let (severity, seen) = confirmed(&[Finding::ok("agents", "BP-REP-02", "all are enabled")]);
    assert!(severity == Severity::Unknown && seen.ends_with("gave another answer"), "{seen}");
    let (severity, seen) = confirmed(&[Finding::of("agents", "BP-REP-01", &Problem::error("it answered 503"))]);
    assert!(severity == Severity::Unknown && seen.ends_with("a second time: it answered 503"), "{seen}");
}
