use bpconform_fixtures::{Allow, Surfaces};
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
    let url = |address: &str| Url::parse(address).expect("an address");
    let credentials = mock.credentials().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let stack = Stack { author: url(&mock.author), ims: None, console: None, tenant: None, control: None };
    let session = Session::new(Arc::new(run()), stack, Credentials::new(credentials).0);
    (examine(session, false).await, mock)
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
    let report = examine(session, false).await;
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
