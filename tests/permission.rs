//! Permission is enforced where requests are sent: whatever steps there are, in whatever order, a run that may only
//! read sends nothing else.

use std::sync::Arc;
use std::time::Instant;

use bpconform::features::Features;
use bpconform::mocked::MockStack;
use bpconform::record::{Record, ScenarioRecord};
use bpconform::run::options::Options;
use bpconform::run::run;
use bpconform::run::target::Target;
use bpconform::tags::Vocabulary;
use bpconform_fixtures::{Allow, Product};
use bpconform_mocks::author::seed::names_of;
use bpconform_mocks::stack::StackOptions;
use bpconform_steps::redact::Redactor;
use cucumber::gherkin::Step;
use proptest::prelude::*;

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, Told, directory, requests, with_credentials};

/// The sentences of all built-in features.
fn sentences() -> Vec<Step> {
    let features = Features::built_in().expect("the built-in features are well formed");
    features.cases.iter().flat_map(|case| case.steps.clone()).collect()
}

/// A feature whose scenarios may only read, with any sentences.
fn feature(scenarios: &[Vec<Step>]) -> String {
    let mut text = "Feature: anything\n".to_owned();
    for (number, steps) in scenarios.iter().enumerate() {
        text += &format!("\n  @observe @BP-PRE-01\n  Scenario: number {number}\n");
        for step in steps {
            // `And` takes the kind of the step before it.
            text += &format!("    {:?} {}\n", step.ty, step.value);
            let rows = step.table.iter().flat_map(|table| &table.rows);
            rows.for_each(|row| text += &format!("      | {} |\n", row.join(" | ")));
        }
    }
    text
}

/// Runs a feature against a mock that is treated as a real Author.
async fn play(mock: &MockStack, text: &str, allow: Allow, name: &str) -> Record {
    let folder = directory(name);
    std::fs::write(folder.join("a.feature"), text).expect("it can be written");
    let features = Features::read(Some(&folder), Vocabulary::built_in()).expect("it is Gherkin");
    let embedded = Options::embedded(Redactor::default(), Instant::now());
    let target = Target::Author(mock.stack.clone(), mock.credentials.clone());
    let surfaces = Arc::new(crate::changes::learned());
    let options = Options { target, allow, surfaces, journal: Some(folder.join("journal")), ..embedded };
    run(&options, &features, |_: &ScenarioRecord| ()).await.expect("the mock is there")
}

/// The methods of the requests to the Author and IMS, as in the evidence of the harness.
fn sent(record: &Record) -> Vec<(String, String)> {
    let steps = record.scenarios.iter().flat_map(|scenario| &scenario.steps);
    steps.flat_map(|step| &step.exchanges).map(|exchange| (exchange.method.clone(), exchange.surface.clone())).collect()
}

/// The requests that a system of the mock received, apart from its controls.
fn got(url: &url::Url) -> Vec<String> {
    let mut all = requests(url.as_str().trim_end_matches('/'));
    all.retain(|request| !request.contains("/__bpconform/"));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_steps_under_observe_writes(
        scenarios in proptest::collection::vec(proptest::collection::vec(proptest::sample::select(sentences()), 1..12), 8)
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mock = MockStack::start(StackOptions::new("configured")).await.expect("the mocks start");
            let record = play(&mock, &feature(&scenarios), Allow::Observe, "permission-observe").await;
            for (method, surface) in sent(&record) {
                let reads = method == "GET" || method == "HEAD" || surface.starts_with("control.");
                prop_assert!(reads, "{} {}", method, surface);
            }
            for request in got(&mock.stack.author) {
                prop_assert!(request.starts_with("GET ") || request.starts_with("HEAD "), "{}", request);
                prop_assert!(!request.contains(".test.html"), "{}", request);
            }
            prop_assert_eq!(got(mock.stack.ims.as_ref().expect("it has one")), Vec::<String>::new());
            Ok(())
        })?;
    }
}

#[test]
fn a_step_that_tries_more_than_it_may_is_an_error_and_nothing_is_sent() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let all = sentences();
    let wanted = [
        "the four replication agents of the tenant",
        "I click Test Connection on each of them",
        "the replication test of each of them succeeded",
    ];
    let steps = wanted.map(|wanted| all.iter().find(|step| step.value == wanted).expect("a sentence").clone());
    let change =
        all.iter().find(|step| step.value.starts_with("an asset folder of this run")).expect("a sentence").clone();
    runtime.block_on(async {
        let mock = MockStack::start(StackOptions::new("configured")).await.expect("the mocks start");
        let record = play(&mock, &feature(&[steps.to_vec(), vec![change]]), Allow::Observe, "permission-more").await;
        let words = ["needs --allow probe, and this run has observe", "needs --allow change, and this run has observe"];
        for (scenario, words) in record.scenarios.iter().zip(words) {
            assert_eq!(scenario.verdict, bpconform::verdict::Verdict::Error, "{scenario:?}");
            let reason = scenario.reason.as_deref().unwrap_or_default();
            assert!(reason.contains("not sent: ") && reason.contains(words), "{reason}");
        }
        assert!(got(&mock.stack.author).iter().all(|request| request.starts_with("GET ")));
    });
}

/// What a command that only reads sends to the systems of a mock, as seen by proxies in front of them.
fn looked(seed: &str, command: impl FnOnce(&Mock, &Proxy, &Proxy) -> Told) {
    let mock = Mock::start(seed);
    let [author, ims] = ["author", "ims"].map(|system| Proxy::start(mock.url(system), |_| Act::Pass));
    let told = command(&mock, &author, &ims);
    assert!(matches!(told.code, Some(0 | 1)), "{seed}: {}", told.all());
    let seen = author.seen();
    assert!(seen.len() > 10, "{seed}: {seen:?}");
    for request in seen {
        assert!(request.starts_with("GET ") || request.starts_with("HEAD "), "{seed}: {request}");
    }
    assert_eq!(ims.seen(), Vec::<String>::new(), "{seed}");
}

#[test]
fn observing_and_the_doctor_only_read_whatever_state_the_author_is_in() {
    std::thread::scope(|scope| {
        for seed in names_of(Product::Aem65).into_iter().filter(|seed| *seed != "base") {
            scope.spawn(move || {
                looked(seed, |mock, author, ims| {
                    let arguments = [
                        "run",
                        "--target",
                        "author",
                        "--allow",
                        "observe",
                        "--quiet",
                        "--author-url",
                        &author.url,
                        "--ims-url",
                        &ims.url,
                        "--tenant-url",
                        mock.url("tenant"),
                        "--console-url",
                        mock.url("console"),
                    ];
                    with_credentials(mock, &arguments)
                });
                looked(seed, |mock, author, ims| {
                    with_credentials(mock, &["doctor", "--author-url", &author.url, "--ims-url", &ims.url])
                });
            });
        }
    });
}
