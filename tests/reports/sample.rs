//! Records as a run makes them, made by hand: one that conforms, one that does not, and one of any size.

use bpconform::record::{
    self, Attempt, FORMAT, JudgedProduct, PlanRecord, Record, RunOutcome, ScenarioRecord, StepRecord, Summary,
    Surroundings, TargetRecord, Tool,
};
use bpconform::verdict::Verdict;
use bpconform_fixtures::{Allow, Cause, Product, Requirements};
use bpconform_steps::evidence::{self, BODY_CAP, Exchange, PageView, Text};
use jiff::Timestamp;

/// When all samples began: 2026-03-04 10:00:00 UTC, in milliseconds.
pub(crate) const BEGAN: f64 = 1_772_618_400_000.0;

/// Text that a report must never interpret: markup, control characters, fences, workflow commands.
pub(crate) const HOSTILE: &str = "</script><script>alert(1)</script> ]]> \u{1b}[31m\u{0}\u{8}\u{fffe} ``` | # @everyone ::error::x%0A <b>&amp;\r\nnext";

/// A scenario that ran.
pub(crate) fn scenario(id: &str, requirement: &str, verdict: Verdict) -> ScenarioRecord {
    let (stem, slug) = id.split_once('/').expect("an id has a stem");
    let reason = (verdict != Verdict::Passed)
        .then(|| "agent mp_replication_agent2_default_bpdoc: Replication test failed".to_owned());
    let row = slug.rsplit('#').next().and_then(|row| row.parse().ok()).unwrap_or(1);
    ScenarioRecord {
        id: id.into(),
        feature: format!("Feature of {stem}"),
        file: format!("features/{stem}.feature"),
        name: slug.replace(['-', '#'], " "),
        line: 10 * row,
        tags: vec![requirement.into(), "probe".into()],
        requirements: vec![requirement.into()],
        allow: Allow::Probe,
        verdict,
        reason: reason.clone(),
        cause: reason.is_some().then_some(Cause::TenantUnauthorized),
        explained_by: Vec::new(),
        lines: reason.iter().map(|_| "<< HTTP/1.1 401 Unauthorized".to_owned()).collect(),
        harness_failed: false,
        seed: Some("configured".into()),
        run: None,
        attempts: Vec::new(),
        started_ms: BEGAN + 5.0,
        duration_ms: 120.5,
        steps: steps(verdict, reason),
        exchanges: Vec::new(),
        pages: Vec::new(),
        left_behind: Vec::new(),
    }
}

/// A page of the browser whose every text is this one.
pub(crate) fn page(text: &str) -> PageView {
    let text = || text.to_owned();
    PageView {
        at_us: 1,
        surface: "author.ims-console".into(),
        step: text(),
        url: text(),
        title: text(),
        picture: Some(text()),
        no_picture: Some(text()),
        tree: Text { text: text(), ..Text::default() },
        console: vec![text()],
    }
}

fn steps(verdict: Verdict, reason: Option<String>) -> Vec<StepRecord> {
    let step = |keyword: &str, text: &str, line, verdict, at: f64| StepRecord {
        keyword: keyword.into(),
        text: text.into(),
        table: Vec::new(),
        doc_string: None,
        line,
        verdict,
        reason: None,
        lines: Vec::new(),
        started_ms: BEGAN + at,
        duration_ms: 40.0,
        exchanges: Vec::new(),
        pages: Vec::new(),
    };
    let mut given = step("Given", "the four replication agents of the tenant", 11, Verdict::Passed, 5.0);
    given.exchanges = vec![agents("true", "180000")];
    given.table = vec![vec!["setting".into(), "value".into()], vec!["Transport > OAuth".into(), "true".into()]];
    let mut when = step("When", "I click Test Connection on each of them", 12, Verdict::Passed, 45.0);
    when.exchanges = (0..4).map(transcript).collect();
    let mut then = step("Then", "the replication test of each of them succeeded", 13, verdict, 85.0);
    then.reason = reason;
    vec![given, when, then]
}

/// The agents as the Author lists them.
pub(crate) fn agents(enabled: &str, connect: &str) -> Exchange {
    let page = |index: u8| {
        let content = serde_json::json!({
            "jcr:primaryType": "cq:PageContent",
            "enabled": enabled,
            "protocolConnectTimeout": connect,
            "transportUri": format!("http://bpdoc.localhost:{}/bin/receive?sling:authRequestLogin=1", 40000 + u16::from(index)),
            "cq:lastModified": format!("Wed Mar 04 2026 10:00:0{index} GMT+0000"),
        });
        (format!("mp_replication_agent{index}_default_bpdoc"), serde_json::json!({ "jcr:content": content }))
    };
    let node: serde_json::Map<String, serde_json::Value> = (0..4).map(page).collect();
    exchange(
        "author.agents",
        "GET",
        "/etc/replication/agents.author.infinity.json",
        200,
        &serde_json::Value::from(node).to_string(),
        10.0,
    )
}

fn transcript(index: u8) -> Exchange {
    let body = format!(
        "<html><body><code>2026-03-04 10:00:00 - Sending POST request to https://bpdoc.brand-portal.adobe.com/bin/receive<br>\n\
         2026-03-04 10:00:00 - sent. Response: 200 OK<br>\n2026-03-04 10:00:00 - << ReplicationAction TEST ok.<br></code>\
         <hr>Replication test <b>succeeded</b> on agent {index}</body></html>"
    );
    let path = format!("/etc/replication/agents.author/mp_replication_agent{index}_default_bpdoc.test.html");
    exchange("author.agent-test", "GET", &path, 200, &body, 50.0 + f64::from(index) * 4.0)
}

/// An exchange with the mocked Author, a number of milliseconds after the run began.
pub(crate) fn exchange(surface: &str, method: &str, path: &str, status: u16, body: &str, at: f64) -> Exchange {
    #[expect(clippy::cast_possible_truncation, reason = "a time of this century")]
    let started_us = ((BEGAN + at) * 1000.0) as i64;
    Exchange {
        surface: surface.into(),
        method: method.into(),
        url: format!("http://localhost:4502{path}"),
        request_headers: vec![("authorization".into(), "[secret]".into())],
        request_body: Text::default(),
        started_us,
        took_us: 3200,
        read: None,
        shared: false,
        retries: 0,
        form: Some(evidence::RequestForm { login: evidence::SentLogin::Author, ..evidence::RequestForm::default() }),
        outcome: evidence::Outcome::Response {
            status,
            headers: vec![("content-type".into(), "text/html;charset=utf-8".into())],
            body: Text { text: body.into(), bytes: body.len(), capped: false },
        },
    }
}

/// The record of these scenarios.
pub(crate) fn record(scenarios: Vec<ScenarioRecord>) -> Record {
    let mut record = Record {
        format: FORMAT,
        tool: Tool::this(),
        started: Timestamp::from_millisecond(1_772_618_400_000).expect("a time of this century"),
        duration_ms: 2345.678,
        target: TargetRecord {
            image: None,
            kind: "mock".into(),
            addresses: std::collections::BTreeMap::new(),
            mocks: Vec::new(),
            insecure: false,
            product: Some("Adobe Experience Manager 6.5.21.0".into()),
            judged_as: Some(JudgedProduct {
                products: vec![Product::Aem65],
                decided_by: vec!["it reports the version 6.5.21.0".into()],
            }),
            states: Vec::new(),
            surfaces: "aem-6.5".into(),
            surfaces_sha256: Some("0".repeat(64)),
            variations: Vec::new(),
            defects: Vec::new(),
            jitter: None,
        },
        allow: Allow::Change,
        plan: PlanRecord {
            tags: None,
            name: None,
            requirements: Vec::new(),
            run: scenarios.len(),
            skip: 0,
            not_applicable: 0,
            jobs: 8,
            retries: 0,
            strict: false,
            max_failures: None,
            rerun: None,
            gate: record::GateRecord::default(),
            inputs_sha256: None,
            timeout_s: 600,
            shard: None,
        },
        environment: Surroundings {
            name: None,
            platform: "linux x86_64".into(),
            ci: std::collections::BTreeMap::new(),
        },
        body_cap: BODY_CAP,
        scenarios,
        requirements: Vec::new(),
        causes: Vec::new(),
        slow: Vec::new(),
        summary: Summary::default(),
        outcome: RunOutcome::Conforms,
        exit_code: 0,
        complete: true,
        left_behind: Vec::new(),
        journal: None,
        files: bpconform_steps::page_files::PageFiles::default(),
    };
    record.summary.wall_ms = 2400.0;
    record.judge_again(false);
    record
}

/// One scenario for each requirement, and all pass.
pub(crate) fn passing() -> Record {
    let pass = |(index, one): (usize, &bpconform_fixtures::Requirement)| {
        let id = format!("{:02}-feature/scenario-{index}", index / 8);
        ScenarioRecord { allow: one.allow, ..scenario(&id, &one.id, Verdict::Passed) }
    };
    record(Requirements::built_in().all.iter().enumerate().map(pass).collect())
}

/// One of each verdict, one that is flaky, one whose retries failed, and one with hostile texts.
pub(crate) fn failing() -> Record {
    let mut failed = scenario("05-replication-agents/test-connection-delivers", "BP-REP-03", Verdict::Failed);
    failed.attempts = vec![attempt(Verdict::Failed)];
    let error = scenario("05-replication-agents/every-queue-can-be-read", "BP-REP-08", Verdict::Error);
    let mut flaky = scenario("05-replication-agents/row#2", "BP-REP-02", Verdict::Passed);
    flaky.attempts = vec![attempt(Verdict::Error)];
    let mut skipped = scenario("06-publishing/an-asset-arrives", "BP-PUB-01", Verdict::Skipped);
    (skipped.started_ms, skipped.duration_ms) = (0.0, 0.0);
    skipped.reason = Some("it needs --allow change".into());
    for step in &mut skipped.steps {
        (step.verdict, step.reason, step.started_ms, step.duration_ms) = (Verdict::Unproven, None, 0.0, 0.0);
        step.exchanges.clear();
    }
    let mut hostile = scenario("06-publishing/hostile", "BP-PUB-02", Verdict::Failed);
    hostile.name = format!("a name {HOSTILE}");
    hostile.reason = Some(HOSTILE.into());
    hostile.steps[2].reason = Some(HOSTILE.into());
    hostile.steps[2].text = HOSTILE.into();
    hostile.steps[2].exchanges = vec![exchange("tenant.receive", "POST", "/bin/receive?a=%3Cb%3E", 401, HOSTILE, 90.0)];
    let mut lost = exchange("ims.token", "POST", "/ims/token/v3", 0, "", 95.0);
    lost.outcome = evidence::Outcome::Error("connection reset by peer".into());
    lost.request_body = Text { text: "grant_type=client_credentials".into(), bytes: 29, capped: false };
    hostile.steps[2].exchanges.push(lost);
    let passed = scenario("05-replication-agents/four-agents-exist", "BP-REP-01", Verdict::Passed);
    let mut record = record(vec![passed, flaky, failed, error, skipped, hostile]);
    record.plan.skip = 1;
    record.plan.run = 5;
    record
}

fn attempt(verdict: Verdict) -> Attempt {
    Attempt {
        verdict,
        reason: Some("the first time: 503 Service Unavailable".into()),
        started_ms: BEGAN + 1.0,
        duration_ms: 3.0,
    }
}

/// A number of scenarios, one of ten failed, with evidence of the usual size.
pub(crate) fn many(count: usize) -> Record {
    let known: Vec<_> = Requirements::built_in().all.iter().filter(|one| one.holds_for(&[Product::Aem65])).collect();
    let one = |index: usize| {
        let verdict = if index % 10 == 9 { Verdict::Failed } else { Verdict::Passed };
        let id = format!("{:02}-feature/the-scenario-of-some-length#{}", index / 200, index % 200 + 1);
        let mut scenario = scenario(&id, &known[index % known.len()].id, verdict);
        let page = "<p>a line of a page that an Author sends</p>\n".repeat(60);
        for step in &mut scenario.steps {
            step.exchanges.push(exchange("author.page", "GET", &format!("/content/{index}.html"), 200, &page, 20.0));
        }
        scenario
    };
    record((0..count).map(one).collect())
}

/// The same requirement's verdict in a record.
pub(crate) fn verdict_of(record: &Record, id: &str) -> Verdict {
    record
        .requirements
        .iter()
        .find(|one: &&record::RequirementRecord| one.id == id)
        .map_or(Verdict::Unproven, |one| one.verdict)
}
